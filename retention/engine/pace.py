"""How large the next batch is: small by time, never by luck."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

FIRST = 1_000
MOST = 20_000


@dataclass(kw_only=True)
class Pace:
    """Adapts the batch size to what one transaction should take.

    It grows by at most a fifth, and is halved after a lock timeout, a deadlock or a slow batch.
    """

    target: timedelta
    size: int = FIRST

    def worked(self, seconds: float, *, full: bool) -> None:
        """A batch took `seconds`; `full`: there was as much to do as was asked for."""
        target = self.target.total_seconds()
        if seconds > 1.5 * target:
            self.halve()
        elif full and seconds < 0.8 * target:
            growth = min(1.2, 0.9 * target / max(seconds, 1e-6))
            self.size = min(MOST, max(self.size + 1, int(self.size * growth)))

    def halve(self) -> None:
        """Half as many next time, and never none."""
        self.size = max(1, self.size // 2)
