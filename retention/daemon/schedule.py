"""When a schedule's time comes, on the wall clock of its zone: each of its times once, whatever the clocks do.

A time that comes twice on the night that the clocks go back is the first of the two. One that does not come,
because they go forward over it, is the moment at which they do so; several of those are one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from retention import periods

_OVERLAP = timedelta(days=1, hours=1)
"""No clock has ever been set back by more."""
_YEARS = 50


@dataclass(frozen=True)
class Schedule:
    """A cron expression as the configuration lets it pass (five fields or an alias), in an IANA zone."""

    expression: str
    timezone: str

    def after(self, moment: datetime) -> datetime:
        """The first time later than `moment` (aware), in the schedule's zone."""
        return next(self.upcoming(moment))

    def upcoming(self, moment: datetime) -> Iterator[datetime]:
        """Every time later than `moment`, in order and without end; two of them are never the same instant."""
        last = moment.astimezone(UTC)
        cron = self._cron(_wall(last, self._zone) - timedelta(minutes=1))
        while True:
            instant = periods.first_reading(cron.get_next(datetime), self.timezone)
            if instant > last:
                last = instant
                yield instant.astimezone(self._zone)

    def latest(self, moment: datetime) -> datetime:
        """The last time that is not later than `moment`, in the schedule's zone."""
        limit = moment.astimezone(UTC)
        local = limit.astimezone(self._zone)
        again = _OVERLAP if local.fold else timedelta()
        cron = self._cron(_wall(limit, self._zone) + again + timedelta(minutes=1))
        while True:
            instant = periods.first_reading(cron.get_prev(datetime), self.timezone)
            if instant <= limit:
                return instant.astimezone(self._zone)

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def _cron(self, wall: datetime) -> Any:
        from croniter import croniter

        return croniter(self.expression, wall, max_years_between_matches=_YEARS)


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)
