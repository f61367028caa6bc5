"""Where a policy's lines lie on a day: the days before and after which a record's fate is another one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.oracles.lawyer.clocks import due_day, plus
from tests.oracles.lawyer.values import day
from tests.oracles.lawyer.world import INSTRUCTED, Period, Variant

DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
Edge = tuple[date, datetime]  # a day and an instant of it
_LONGEST = 366 * 12


@functools.lru_cache(maxsize=50_000)
def last_day_ended(today: date, months: int, days: int, starts: str, year_end: tuple[int, int]) -> date:
    """The last day whose events are due today."""
    return _last(today, lambda on: due_day(on, months, days, starts, year_end) <= today)


@functools.lru_cache(maxsize=50_000)
def last_day_late(
    today: date, months: int, days: int, starts: str, year_end: tuple[int, int], within: tuple[int, int]
) -> date:
    """The last day for whose events the time to carry it out is over."""
    return _last(today, lambda on: plus(due_day(on, months, days, starts, year_end) - DAY, *within) < today)


def _last(today: date, passed: Callable[[date], bool]) -> date:
    low, high = today - _LONGEST * DAY, today + DAY
    while high - low > DAY:
        middle = low + (high - low) // 2
        low, high = (middle, high) if passed(middle) else (low, middle)
    return low


def edge_days(variant: Variant, today: date, instructed: tuple[Period, ...]) -> Iterator[date]:
    """The last day on the far side of each line."""
    year_end, starts = variant.fiscal_year_end, variant.starts
    within = variant.within.months, variant.within.days
    periods = [p for p in (variant.keep, variant.at_most) if isinstance(p, Period)]
    if variant.keep == INSTRUCTED:
        periods += instructed
    for period in periods:
        yield last_day_ended(today, period.months, period.days, starts, year_end)
        yield last_day_late(today, period.months, period.days, starts, year_end, within)
    if isinstance(variant.at_most, Period):  # where deferral ends: at_most is `within` away
        soon = plus(today, *within) + DAY
        yield last_day_ended(soon, variant.at_most.months, variant.at_most.days, starts, year_end)
    if variant.until or variant.upon:
        yield today
        yield _last(today, lambda on: plus(on, *within) < today)
    yield date(1971, 1, 1)


@functools.lru_cache(maxsize=50_000)
def first_instant(on: date, zone: str) -> datetime:
    """The first instant of the day (of the next, where a zone left the day out)."""
    found = datetime(on.year, on.month, on.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    for moment in (
        found,
        found - timedelta(hours=1),
        found + timedelta(hours=1),
        found + timedelta(minutes=30),
    ):
        if day(moment - TICK, zone) < on <= day(moment, zone):
            return moment
    return found


@functools.lru_cache(maxsize=50_000)
def around(on: date, zone: str) -> tuple[Edge, ...]:
    """Either side of the end of the day `on`."""
    midnight = first_instant(on + DAY, zone)
    return ((on, midnight - TICK), (on + DAY, midnight), (on, midnight - timedelta(hours=3)))
