"""Whether values are among those that a dataset keeps only as keyed hashes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Looked:
    """One value that was asked about: the `line` that it stood on, from 1, and whether its hash is there.

    The value itself is nowhere in an answer.
    """

    line: int
    listed: bool


@dataclass(frozen=True, kw_only=True)
class Suppression:
    """What became of each value. `keys`: with how many pseudonyms' keys it was looked for; `notes`: what limits the
    answer, a sentence each.
    """

    dataset: str
    column: str
    lines: tuple[Looked, ...]
    keys: int = 1
    notes: tuple[str, ...] = ()

    @property
    def unlisted(self) -> int:
        """How many values are not there."""
        return sum(not each.listed for each in self.lines)
