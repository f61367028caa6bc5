"""Tries the channels by which people are told."""

from __future__ import annotations

import secrets

from retention.config import Configuration
from retention.daemon.notices.channels import sender_of, way_of
from retention.errors import ConfigurationError, RetentionError
from retention.model.notice import Channel, Message, Step, Tried
from retention.model.place import Place
from retention.verbs.opening.configured import Clock, configuration


def try_channels(place: Place, *, clock: Clock) -> tuple[Tried, ...]:
    """Sends each channel of `[notify]` one message of the state `test`; needs no state store.

    Raises ConfigurationError where the files are invalid, or have no channel.
    """
    config = configuration(place)
    if not config.settings.notify:
        raise ConfigurationError(
            "there is nobody to tell; write a channel into retention.toml:"
            ' [notify.ops] with webhook = "env:NAME" and secret = "env:NAME", email = ["…"] or command = ["…"]'
        )
    return tuple(_tried(config, place, channel, clock) for channel in config.settings.notify)


def _tried(config: Configuration, place: Place, channel: Channel, clock: Clock) -> Tried:
    message = Message(
        id=secrets.token_hex(16),
        origin=config.settings.origin or config.policy.name or "retention",
        kind="test",
        step=Step.TEST,
        number=1,
        since=clock(),
        text=f"Somebody tries the channel {channel.name}. Nothing has happened",
    )
    error = None
    try:
        sender_of(channel, place.environ, clock).send(message)
    except RetentionError as failure:
        error = failure.message
    return Tried(channel=channel.name, way=way_of(channel), error=error)
