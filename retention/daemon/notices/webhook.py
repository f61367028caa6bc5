"""A notice by POST, signed as the Standard Webhooks have it (standardwebhooks.com), so that ready parts verify it.

Webhook-Id, Idempotency-Key   the message's id: the same whenever it is sent again
Webhook-Timestamp             seconds since 1970, of this attempt
Webhook-Signature             v1, and the base64 of HMAC-SHA256 over `ID.TIMESTAMP.BODY`
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import http.client
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from retention import __version__
from retention.config.reading.findings import Unusable
from retention.config.settings.notify_file import an_address
from retention.daemon.notices.sending import PATIENCE, body, limited, trusting, value_of
from retention.errors import UnreachableError
from retention.model.notice import Message, Webhook

_MARK = "whsec_"
_MOST = 1 << 16


@dataclass(kw_only=True)
class WebhookSender:
    """Sends to the address that the reference holds now. A redirection is not followed: it is an answer like others."""

    channel: Webhook
    environ: Mapping[str, str]
    clock: Callable[[], datetime]
    _made: list[http.client.HTTPConnection] = field(default_factory=list)

    def send(self, message: Message) -> None:
        """Taken is what is answered with 2xx."""
        address = self._address()
        content = body(message)
        key = key_of(value_of(self.channel.secret, self.channel.folder, self.environ))
        at = int(self.clock().timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"retention/{__version__}",
            "Idempotency-Key": message.id,
            "Webhook-Id": message.id,
            "Webhook-Timestamp": str(at),
            "Webhook-Signature": signature(key, message.id, at, content),
        }
        request = urllib.request.Request(address, data=content, method="POST", headers=headers)  # noqa: S310
        with limited(self.cut):
            self._post(request, urlsplit(address).hostname or "")

    def cut(self) -> None:
        """Closes the connections that were made."""
        for connection in self._made:
            with suppress(OSError, AttributeError):
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    def _address(self) -> str:
        address = value_of(self.channel.url, self.channel.folder, self.environ).strip()
        try:
            an_address(address, plain=self.channel.plain)
        except Unusable as error:
            raise UnreachableError(f"the address of {self.channel.name} {error}") from error
        return address

    def _post(self, request: urllib.request.Request, host: str) -> None:
        try:
            opener = urllib.request.build_opener(
                _Stay, _Plain(self._made), _Secure(self._made, self._context())
            )
            with opener.open(request, timeout=PATIENCE) as answer:
                answer.read(_MOST)
        except urllib.error.HTTPError as error:
            error.close()
            raise UnreachableError(f"{host} answers {error.code}") from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = (
                getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
            )
            raise UnreachableError(f"{host} can't be reached: {_short(reason)}") from error
        finally:
            for connection in self._made:
                connection.close()

    def _context(self) -> ssl.SSLContext:
        return trusting(self.channel.ca)


def key_of(secret: str) -> bytes:
    """The signing key: what `whsec_` says in base64, else the text's own bytes."""
    text = secret.strip()
    if text.startswith(_MARK):
        try:
            return base64.b64decode(text.removeprefix(_MARK), validate=True)
        except (binascii.Error, ValueError) as error:
            raise UnreachableError("the secret begins with whsec_, and is no base64 behind it") from error
    return text.encode()


def signature(key: bytes, id: str, at: int, content: bytes) -> str:
    """The header's value."""
    mac = hmac.new(key, f"{id}.{at}.".encode() + content, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, made: list[http.client.HTTPConnection]) -> None:
        super().__init__()
        self._made = made

    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(self._one, req)

    def _one(self, host: str, **options: Any) -> http.client.HTTPConnection:
        self._made.append(http.client.HTTPConnection(host, **options))
        return self._made[-1]


class _Secure(urllib.request.HTTPSHandler):
    def __init__(self, made: list[http.client.HTTPConnection], context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._made, self._own = made, context

    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(self._one, req)

    def _one(self, host: str, **options: Any) -> http.client.HTTPConnection:
        self._made.append(http.client.HTTPSConnection(host, context=self._own, **options))
        return self._made[-1]


def _short(reason: object) -> str:
    """OpenSSL's own words, or a system call's; without the address that some of them repeat."""
    text = getattr(reason, "verify_message", None) or getattr(reason, "strerror", None) or str(reason)
    return str(text)[:200]
