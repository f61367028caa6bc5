"""A notice by e-mail. TLS is verified, and what a header holds can't begin another one."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from retention.config.reading.findings import printable
from retention.daemon.notices.sending import PATIENCE, body, limited, said, trusting, value_of
from retention.errors import UnreachableError
from retention.model.notice import Mail, Message

_SUBJECT = 100


@dataclass(kw_only=True)
class MailSender:
    """Hands one message to the mail server, for all its addressees."""

    channel: Mail
    environ: Mapping[str, str]
    clock: Callable[[], datetime]
    _server: smtplib.SMTP | None = None

    def send(self, message: Message) -> None:
        """Taken is what the server takes for at least one addressee: to the others it would never get."""
        channel = self.channel
        secret = channel.password
        password = None if secret is None else value_of(secret, channel.folder, self.environ)
        with limited(self.cut):
            try:
                self._hand_over(message, password)
            except smtplib.SMTPResponseException as error:
                raise UnreachableError(f"{channel.host} answers {error.smtp_code}") from error
            except smtplib.SMTPRecipientsRefused as error:
                codes = sorted({code for code, _ in error.recipients.values()})
                raise UnreachableError(
                    f"{channel.host} takes mail for none of the addressees ({codes[0]})"
                ) from error
            except (OSError, smtplib.SMTPException, ValueError) as error:
                reason = getattr(error, "verify_message", None) or getattr(error, "strerror", None)
                told = reason or type(error).__name__
                raise UnreachableError(f"{channel.host} can't be reached: {told}") from error

    def cut(self) -> None:
        """Closes the connection."""
        with suppress(OSError, AttributeError):
            socket.socket.shutdown(self._server.sock, socket.SHUT_RDWR)  # type: ignore[union-attr,arg-type]

    def _hand_over(self, message: Message, password: str | None) -> None:
        channel = self.channel
        context = trusting(channel.ca)
        name = socket.gethostname() or "localhost"
        if channel.tls == "tls":
            self._server = smtplib.SMTP_SSL(timeout=PATIENCE, local_hostname=name, context=context)
        else:
            self._server = smtplib.SMTP(timeout=PATIENCE, local_hostname=name)
        self._server._host = channel.host  # type: ignore[attr-defined]  # whom TLS is to be verified for
        try:
            code, told = self._server.connect(channel.host, channel.port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, told)
            if channel.tls == "starttls":
                self._server.starttls(context=context)
            if channel.user is not None and password is not None:
                self._server.login(channel.user, password)
            self._server.send_message(letter(channel, message, self.clock()))
        finally:
            with suppress(OSError, smtplib.SMTPException):
                self._server.quit()
            self._server.close()


def letter(channel: Mail, message: Message, at: datetime) -> EmailMessage:
    """The e-mail: the sentence, and the document behind it."""
    found = EmailMessage(policy=SMTP)
    text = printable(said(message), 2 * _SUBJECT)
    found["Subject"] = printable(f"[retention] {message.kind}: {text}", _SUBJECT)
    found["From"] = channel.sender
    found["To"] = ", ".join(channel.to)
    found["Date"] = format_datetime(at)
    found["Message-ID"] = f"<{message.id}@{channel.sender.rpartition('@')[2]}>"
    found["Auto-Submitted"] = "auto-generated"
    lines = [
        printable(said(message), 1000),
        "",
        f"Ledger: {printable(message.origin)}",
        body(message).decode(),
    ]
    found.set_content("\n".join(lines) + "\n", cte="quoted-printable")
    return found
