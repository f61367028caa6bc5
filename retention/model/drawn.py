"""Lines that records draw for themselves: by a period that is looked up, a whole number of one unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retention.model.catalogue import Kind

if TYPE_CHECKING:
    from retention.model.predicate import Line
    from retention.model.terms import Whole


class Lines:
    """The line for each whole number from `least` on, without a gap. One value, however many they are: no dataclass,
    so that nothing that looks at what a predicate is made of looks at each of them.
    """

    __slots__ = ("_hash", "every", "least")

    def __init__(self, least: int, every: tuple[Line, ...]) -> None:
        self.least = least
        self.every = every
        self._hash = hash((least, every))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Lines):
            return NotImplemented
        return self is other or (self._hash, self.least, self.every) == (
            other._hash,
            other.least,
            other.every,
        )

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The line for the number `times`, in the form that columns of `kind` are compared with; NULL where that is."""

    times: Whole
    lines: Lines
    kind: Kind
