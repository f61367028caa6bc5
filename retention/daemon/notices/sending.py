"""One message by one channel: what every way of sending promises."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from retention.config.connecting import certificates, urls
from retention.config.reading.findings import Unusable
from retention.errors import UnreachableError
from retention.model.dataset import Secret, Tls
from retention.model.documents import instant
from retention.model.notice import Message, Step

FORMAT = "retention.notice/1"
PATIENCE = 10.0
"""Seconds that the other side may be silent."""
WHOLE = 30.0
"""Seconds that one message may take in all."""
_AGAIN = 0.1


class Sender(Protocol):
    """One channel, for one message."""

    def send(self, message: Message) -> None:
        """Returns when the other side has taken it. Raises UnreachableError otherwise, within half a minute or so.

        The error names no address beyond its host, nothing that the other side said but a number, and no secret.
        """

    def cut(self) -> None:
        """Ends a `send` that is going on in another thread."""


def document(message: Message) -> dict[str, Any]:
    """`retention.notice/1`: the same for the same message, whenever it is sent."""
    return {
        "format": FORMAT,
        "id": message.id,
        "origin": message.origin,
        "kind": message.kind,
        "state": message.step.value,
        "number": message.number,
        "since": instant(message.since),
        "over": None if message.over is None else instant(message.over),
        "text": said(message),
        "about": dict(message.about),
    }


def body(message: Message) -> bytes:
    """The document as one line of ASCII."""
    return json.dumps(document(message), ensure_ascii=True).encode("ascii")


def said(message: Message) -> str:
    """The sentence, with what is to be known of its state before it."""
    match message.step:
        case Step.LASTS:
            return f"Still so, since {message.since:%Y-%m-%d %H:%M} UTC: {message.text}"
        case Step.OVER:
            return f"Over: {message.text}"
        case _:
            return message.text


def value_of(secret: Secret, folder: str | Path, environ: Mapping[str, str]) -> str:
    """A secret as it is now. Raises UnreachableError."""
    try:
        return urls.resolve(secret, folder, environ)
    except Unusable as error:
        raise UnreachableError(str(error)) from error


def trusting(ca: str | None) -> ssl.SSLContext:
    """TLS that verifies chain and host, by the machine's authorities or by those of a file. Raises UnreachableError."""
    try:
        return certificates.context(Tls(ca=ca))
    except Unusable as error:
        raise UnreachableError(str(error)) from error


@contextmanager
def limited(cut: Callable[[], None]) -> Iterator[None]:
    """Calls `cut` when the block takes longer than a message may, and on until it ends: what was being connected has
    nothing to be cut at first. Then, whatever it raised, UnreachableError."""
    late, over = threading.Event(), threading.Event()

    def watch() -> None:
        ended = over.wait(WHOLE)
        while not ended:
            late.set()
            cut()
            ended = over.wait(_AGAIN)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    except Exception as error:
        if late.is_set():
            raise UnreachableError(f"no whole answer within {WHOLE:.0f} seconds") from error
        raise
    finally:
        over.set()
