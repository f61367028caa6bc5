"""What a builder tells about the company that it has made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Telling:
    """A record worth explaining: where it is, and what it shows."""

    dataset: str
    key: str
    shows: str


@dataclass(frozen=True, kw_only=True)
class Built:
    """What was built, in words and numbers: the records worth looking at, in the order of the story,
    the last one still there afterwards, and why something is overdue still when all that is due has gone.
    """

    what: str
    still_late: str
    telling: tuple[Telling, ...]
