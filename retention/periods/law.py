"""When a period ends, counted in days, and the cutoff that says the same of instants.

Sources: Regulation (EEC, Euratom) No 1182/71, Art. 3(1) to (3); BGB §§ 187 and 188. Every
function of an event's day is monotone: a later event is never due earlier. The cutoffs
are found by bisection and rest on that alone.

What would lie after the calendar's last day (9999-12-31) is that day.
"""

from __future__ import annotations

import bisect
import calendar
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from retention.model.clock import Boundary, Clock, Period, Start
from retention.periods.zones import day_of, first_instant

_TICK = timedelta(microseconds=1)


def unit_start_after(day: date, start: Start, fiscal_year_end: tuple[int, int] = (12, 31)) -> date:
    """The first day after the fiscal year, calendar year, quarter or month in which `day` falls.

    For `Start.NEXT_DAY` the unit is the day itself. `fiscal_year_end` is (month, day) and
    is read for `Start.FISCAL_YEAR` only; (2, 28) is the last day of February.
    """
    match start:
        case Start.NEXT_DAY:
            return _later(day, 1)
        case Start.MONTH:
            return _month_start(day.year, day.month + 1)
        case Start.QUARTER:
            return _month_start(day.year, (day.month - 1) // 3 * 3 + 4)
        case Start.CALENDAR_YEAR:
            return _month_start(day.year, 13)
        case Start.FISCAL_YEAR:
            end = _fiscal_year_end(day.year, fiscal_year_end)
            if end < day:
                if day.year == date.max.year:
                    return date.max
                end = _fiscal_year_end(day.year + 1, fiscal_year_end)
            return _later(end, 1)


def due_day(event_day: date, clock: Clock) -> date:
    """The first day on which a record whose event fell on `event_day` is due.

    Counted from the next day, a period of months ends on the day of the same number, or on
    the month's last day where that is missing (Art. 3(2)(c)); weeks and days follow, and the
    record is due on the day after. Counted from the first day after a unit, the period
    includes that day; where the number is missing it ends with its last month (BGB § 188(3)),
    so that the record is due on the first day of the next.
    """
    period = clock.period
    if clock.start is Start.NEXT_DAY:
        return _later(_counted(event_day, period), 1)
    first = unit_start_after(event_day, clock.start, clock.fiscal_year_end)
    return _later(_same_date(first, period.months), period.days)


def ended_day(event_day: date, clock: Clock) -> date:
    """The last day of the period: the day on which the record's clock ends."""
    return _later(due_day(event_day, clock), -1)


def late_day(event_day: date, clock: Clock, within: Period) -> date:
    """The first day on which a record that is still there counts as overdue.

    `within` is how long carrying it out may take, counted from the day on which the clock
    ended, which does not count itself.
    """
    return _later(_counted(ended_day(event_day, clock), within), 1)


def cutoff(as_of: datetime, clock: Clock) -> Boundary:
    """The line before which an event makes its record due at `as_of` (aware).

    An event of day E is due if and only if `due_day(E) <= day_of(as_of)`, both in
    `clock.timezone`. `day` is the first day of which that is not true, and `instant` the
    first instant of that day: an instant is due exactly if it lies before it. Today is
    never due, and so the line is never later than today. Raises ValueError if `as_of` is naive.
    """
    return _boundary(as_of, clock, lambda event_day: due_day(event_day, clock))


def late_cutoff(as_of: datetime, clock: Clock, within: Period) -> Boundary:
    """As `cutoff`, for being overdue: `late_day(E) <= day_of(as_of)`."""
    return _boundary(as_of, clock, lambda event_day: late_day(event_day, clock, within))


def nearing_cutoff(as_of: datetime, at_most: Clock, within: Period) -> Boundary:
    """The line before which an event leaves no more than `within` until its last day under `at_most`.

    That is `ended_day(E) <= today + within`, where `within` counts as it does in `late_day`.
    """
    today = day_of(as_of, at_most.timezone)
    return _line(_counted(today, within), today, at_most.timezone, lambda day: ended_day(day, at_most))


def nearing_day(event_day: date, at_most: Clock, within: Period) -> date:
    """The first day on which `nearing_cutoff` lies behind an event of `event_day`: its last day is near."""
    last, first = ended_day(event_day, at_most), _later(event_day, 1)
    days = range(first.toordinal(), max(first, last).toordinal() + 1)
    found = bisect.bisect_left(days, True, key=lambda n: _counted(date.fromordinal(n), within) >= last)
    return _later(first, found)


def happened(as_of: datetime, timezone: str) -> Boundary:
    """The line before which lie the days up to today, and the instants up to `as_of` itself."""
    return Boundary(day=_later(day_of(as_of, timezone), 1), instant=as_of.astimezone(UTC) + _TICK)


def happened_late(as_of: datetime, timezone: str, within: Period) -> Boundary:
    """As `late_cutoff`, for an event that ends a clock by its own day."""
    today = day_of(as_of, timezone)
    return _line(today, today, timezone, lambda day: _later(_counted(day, within), 1))


def _boundary(as_of: datetime, clock: Clock, come: Callable[[date], date]) -> Boundary:
    """The first day E with `come(E)` after today; `come` is monotone and after E itself."""
    today = day_of(as_of, clock.timezone)
    return _line(today, today, clock.timezone, come)


def _line(limit: date, today: date, timezone: str, come: Callable[[date], date]) -> Boundary:
    """The first day E before today with `come(E)` after `limit`, else today; `come` is monotone."""
    first, last = date.min.toordinal(), today.toordinal()

    def come_later(n: int) -> bool:
        return come(date.fromordinal(n)) > limit

    # Guessed, as far before the limit as what is counted from the limit lies after it, and looked for around that:
    # right whatever the guess, and in a third of the steps. A tenant may instruct thousands of periods.
    guess = min(max(2 * limit.toordinal() - come(limit).toordinal(), first), last)
    around = 1
    while True:
        low, high = max(guess - around, first), min(guess + around, last)
        if (low == first or not come_later(low - 1)) and (high == last or come_later(high)):
            break
        around *= 8
    found = low + bisect.bisect_left(range(low, high), True, key=come_later)
    day = date.fromordinal(found)
    return Boundary(day=day, instant=first_instant(day, timezone))


def _counted(day: date, period: Period) -> date:
    """The last day of `period`, counted from the day after `day`."""
    year, month = _month(day.year, day.month + period.months)
    if year > date.max.year:
        return date.max
    last = calendar.monthrange(year, month)[1]
    return _later(date(year, month, min(day.day, last)), period.days)


def _same_date(day: date, months: int) -> date:
    """The day of the same number `months` later, or the first day after the month that lacks it."""
    year, month = _month(day.year, day.month + months)
    if year > date.max.year:
        return date.max
    if day.day > calendar.monthrange(year, month)[1]:
        return _month_start(year, month + 1)
    return date(year, month, day.day)


def _month(year: int, month: int) -> tuple[int, int]:
    """Year and month, of a month number that may exceed 12."""
    return year + (month - 1) // 12, (month - 1) % 12 + 1


def _month_start(year: int, month: int) -> date:
    year, month = _month(year, month)
    return date.max if year > date.max.year else date(year, month, 1)


def _fiscal_year_end(year: int, end: tuple[int, int]) -> date:
    month, day = end
    if month == 2 and day >= 28:
        day = calendar.monthrange(year, month)[1]
    return date(year, month, day)


def _later(day: date, days: int) -> date:
    return date.fromordinal(min(day.toordinal() + days, date.max.toordinal()))
