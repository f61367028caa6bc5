"""The daemon's time: the state store's clock, carried on by one that nobody sets; and what to do when they disagree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from retention.safety.clock import TOLERANCE

_EVERY = 60.0
"""Seconds between two looks at the clocks."""

ServerClock = Callable[[], datetime | None]
"""What the state store's server takes the time to be; None where it is a file."""


@dataclass(kw_only=True)
class Moments:
    """`wall` is this machine's clock, `elapsed` counts seconds that nobody sets (suspended ones too).

    Between two looks time goes on by `elapsed`. At a look it is the server's where there is one, else `wall`. Where
    that has jumped by more than five minutes against what went by, `jumped` says so, time goes on as it did, and
    nothing should be begun until it has come back or somebody has started the daemon anew. A machine that stood
    still is no jump: then its own clock and the server's agree.
    """

    wall: Callable[[], datetime]
    elapsed: Callable[[], float]
    jumped: str | None = None
    _base: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        """The time, aware. May be asked from any thread."""
        base = self._base
        if base is None:
            return self.wall()
        return base[0] + timedelta(seconds=self.elapsed() - base[1])

    @property
    def stale(self) -> bool:
        """It is time for a look."""
        return self._base is None or not 0 <= self.elapsed() - self._base[1] < _EVERY

    def look(self, server: datetime | None) -> None:
        """Sets the time by the server's, or by this machine's clock where there is no server (None)."""
        told, wall, elapsed = server or self.wall(), self.wall(), self.elapsed()
        if self._base is not None:
            expected = self._base[0] + timedelta(seconds=elapsed - self._base[1])
            if abs(told - expected) > TOLERANCE and (server is None or abs(server - wall) > TOLERANCE):
                self.jumped = (
                    f"the clock says {told:%Y-%m-%d %H:%M} UTC, and by what went by it is"
                    f" {expected:%Y-%m-%d %H:%M} UTC: nothing is begun until it is right, or the daemon is"
                    " started anew"
                )
                self._base = (expected, elapsed)
                return
        self.jumped = None
        self._base = (told, elapsed)
