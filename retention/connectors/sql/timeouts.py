"""How long a session of the engine waits: for a lock, for a statement, and for the engine itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

_LAST = 1_000
"""A batch that begins when nothing is left may take so long a statement: there is no limit of none."""


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """What a session of the engine waits for at most, in milliseconds.

    `left` says how many seconds are left until everything has to be over; None: whenever it is.
    """

    lock: int = 2_000
    statement: int = 60_000
    idle: int = 60_000
    left: Callable[[], float | None] | None = None

    def clamped(self) -> Timeouts:
        """What they are now: no statement takes longer than what is left, but for a last second."""
        left = None if self.left is None else self.left()
        if left is None:
            return self
        most = max(_LAST, int(left * 1000))
        return replace(self, lock=min(self.lock, most), statement=min(self.statement, most))
