"""Which way of sending a channel is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from retention.daemon.notices.sending import Sender
from retention.model.notice import Channel, Mail, Program, Webhook


def sender_of(channel: Channel, environ: Mapping[str, str], clock: Callable[[], datetime]) -> Sender:
    """A sender for one message; the secrets are read when it sends."""
    match channel:
        case Webhook():
            from retention.daemon.notices.webhook import WebhookSender

            return WebhookSender(channel=channel, environ=environ, clock=clock)
        case Mail():
            from retention.daemon.notices.mail import MailSender

            return MailSender(channel=channel, environ=environ, clock=clock)
        case Program():
            from retention.daemon.notices.program import ProgramSender

            return ProgramSender(channel=channel)
    raise TypeError(type(channel).__name__)


def way_of(channel: Channel) -> str:
    """The key that makes it what it is: webhook, email or command."""
    return {Webhook: "webhook", Mail: "email", Program: "command"}[type(channel)]
