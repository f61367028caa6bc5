"""Lines of periods that tenants instruct: for each number that one may say, the line that a plain period draws."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import datetime

from retention import periods
from retention.model.clock import Clock, Period
from retention.model.dataset import PeriodUnit
from retention.model.predicate import Line, Lines

MOST = 4_000
"""So many numbers may be said at most: ten years of days are fewer."""
_YEARS = 500
"""A longer period could lead beyond what every database has dates for."""


@functools.lru_cache(maxsize=100)
def lines(
    as_of: datetime,
    clock: Clock,
    unit: PeriodUnit,
    between: tuple[int, int],
    within: Period | None,
    zone: str | None,
) -> Lines | None:
    """The cutoff of `clock` with each period from `between`'s first number of `unit` to its last; None for too many.

    With `within`, of being late. `zone`: of readings without one.
    """
    least, most = between
    longest = unit.period(most)
    if most - least >= MOST or longest.months / 12 + longest.days / 365 > _YEARS:
        return None
    every = []
    for number in range(least, most + 1):
        counted = replace(clock, period=unit.period(number))
        if within is None:
            boundary = periods.cutoff(as_of, counted)
        else:
            boundary = periods.late_cutoff(as_of, counted, within)
        naive = None if zone is None else periods.naive_boundary(boundary, zone)
        every.append(Line(day=boundary.day, instant=boundary.instant, naive=naive))
    return Lines(least, tuple(every))
