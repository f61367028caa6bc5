"""How large the next batch is: small by time, never by luck."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

FIRST = 1_000
MOST = 20_000


_FADING = 0.8
"""What a batch's time counts for after the next one."""


@dataclass(kw_only=True)
class Pace:
    """The batch size; `target` is what one transaction should take.

    It grows by at most a fifth, and is halved after a lock timeout, a deadlock or a slow batch. Where
    most of a slow batch's time would be there with half the records too (round trips, disks),
    smaller batches would only be more of them: then it grows instead, up to FIRST.
    """

    target: timedelta
    size: int = FIRST
    _seen: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)

    def worked(self, seconds: float, *, full: bool) -> None:
        """A batch took `seconds`; `full`: there was as much to do as was asked for."""
        target = self.target.total_seconds()
        if full:
            now = (1.0, self.size, seconds, self.size * self.size, self.size * seconds)
            w, n, t, nn, nt = (_FADING * a + b for a, b in zip(self._seen, now, strict=True))
            self._seen = (w, n, t, nn, nt)
        if seconds > 1.5 * target:
            if self.size > FIRST or self._half_helps():
                self.halve()
            else:
                self._grow(FIRST)
        elif full and seconds < 0.8 * target:
            self._grow(MOST, 0.9 * target / max(seconds, 1e-6))

    def _half_helps(self) -> bool:
        """Whether half as many records would take notably less time, by a line through the last batches."""
        weight, n, seconds, squares, products = self._seen
        if weight <= 1.0:
            return True
        size, time = n / weight, seconds / weight
        spread = squares / weight - size * size
        if spread < 0.001 * size * size:
            return False  # they were all alike: trying another size will tell
        each = max(0.0, (products / weight - size * time) / spread)
        fixed = max(0.0, time - each * size)
        return fixed + each * self.size / 2 < 0.8 * (fixed + each * self.size)

    def _grow(self, most: int, factor: float = 1.2) -> None:
        self.size = min(most, max(self.size + 1, int(self.size * min(1.2, factor))))

    def halve(self) -> None:
        """Half as many next time, and never none."""
        self.size = max(1, self.size // 2)
