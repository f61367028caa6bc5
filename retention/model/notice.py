"""Notices: what people are told without asking, and the channels for it. No personal data in any of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from retention.model.dataset import Secret


class Kind(StrEnum):
    """What a notice can be about."""

    APPROVAL = "approval"
    REFUSED = "refused"
    FAILING = "failing"
    OVERDUE = "overdue"
    REVIEW = "review"
    LEDGER = "ledger"
    STOPPED = "stopped"
    CLOCK = "clock"
    CONFIGURATION = "configuration"


class Step(StrEnum):
    """Where in its life a notice is: told for the first time, told again while it lasts, told that it is over.

    `test` is somebody who tries a channel.
    """

    NEW = "new"
    LASTS = "lasts"
    OVER = "over"
    TEST = "test"


FAILURES = 3
"""Failures in a row before anybody is told, unless a channel says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Channel:
    """`about`: the kinds that go this way. `failures`: how many in a row make a notice. `folder`: where relative
    paths start.
    """

    name: str
    folder: str
    about: frozenset[Kind] = frozenset(Kind)
    failures: int = FAILURES

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What is read when it sends."""
        return ()


@dataclass(frozen=True, kw_only=True)
class Webhook(Channel):
    """A web server that gets each notice by POST. `secret` signs them. `plain`: TLS may be missing.

    `ca`: the file of the authority that its certificate is of; None: the machine's own.
    """

    url: Secret
    secret: Secret
    plain: bool = False
    ca: str | None = None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Address and key."""
        return self.url, self.secret


@dataclass(frozen=True, kw_only=True)
class Mail(Channel):
    """A mail server. `tls`: "starttls", "tls" from the first byte, or "off"."""

    to: tuple[str, ...]
    sender: str
    host: str
    port: int
    tls: str
    user: str | None = None
    password: Secret | None = None
    ca: str | None = None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The account's password."""
        return () if self.password is None else (self.password,)


@dataclass(frozen=True, kw_only=True)
class Program(Channel):
    """A program that gets each notice as JSON on its standard input. `words`: itself and its arguments, no shell."""

    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Something that is so now, and that people want to know. `name` tells it from others of its kind.

    `about`: the names that it is about, out of the configuration (`rule`, `connector`, `dataset`) or of what people
    made (`hold`). `failures`: in a row, for those of kind failing.
    """

    kind: Kind
    name: str
    text: str
    about: Mapping[str, str] = field(default_factory=dict)
    failures: int = 0


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is sent. `id` is the same whenever the same is sent again; `number` counts from 1 for one condition.

    `since`: when it began; `over`: when it ended, of a message that tells so. `origin`: the ledger's name.
    """

    id: str
    origin: str
    kind: str
    step: Step
    number: int
    since: datetime
    text: str
    over: datetime | None = None
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A channel that somebody tried. `way`: webhook, email or command. `error`: why it did not take it."""

    channel: str
    way: str
    error: str | None = None
