"""A schedule as the daemon looks at it again and again: its last time and its next one, reckoned once for each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from retention.daemon.schedule import Schedule


@dataclass
class Clockwork:
    """The times of a schedule on both sides of a moment. Cheap while no time of it passes."""

    schedule: Schedule
    _latest: datetime | None = None
    _next: datetime | None = None

    def latest(self, moment: datetime) -> datetime:
        """The last time that is not later than `moment`."""
        return self._around(moment)[0]

    def next(self, moment: datetime) -> datetime:
        """The first time later than `moment`."""
        return self._around(moment)[1]

    def _around(self, moment: datetime) -> tuple[datetime, datetime]:
        if self._latest is None or self._next is None or not self._latest <= moment < self._next:
            self._latest = self.schedule.latest(moment)
            self._next = self.schedule.after(moment)
        return self._latest, self._next
