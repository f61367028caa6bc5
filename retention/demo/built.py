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
    the last one still there afterwards, and what is left when all that is due has gone, and why.
    """

    what: str
    left: str
    telling: tuple[Telling, ...]
