"""Calendar law a second time, told the slow way and by days; shares nothing with the engine's.

Periods are counted as BGB §§ 187 and 188 tell it, months one after another, days one after another.
Days of a zone are found by looking at its wall clock, minute by minute where it changed.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY, HOUR, MINUTE, SECOND = (timedelta(**{unit: 1}) for unit in ("days", "hours", "minutes", "seconds"))


def _month_after(day: date, months: int) -> list[date]:
    """All days of the month that comes `months` after that of `day`."""
    first = day.replace(day=1)
    for _ in range(months):
        first = (first + 31 * DAY).replace(day=1)
    return [first + n * DAY for n in range(31) if (first + n * DAY).month == first.month]


def last_day_of_period(event_day: date, months: int, days: int) -> date:
    """The day of the event does not count (§ 187(1)). A period of months ends with the day that bears the
    number of the event's day (§ 188(2)), or with the last day of a month that lacks it (§ 188(3))."""
    day = [day for day in _month_after(event_day, months) if day.day <= event_day.day][-1]
    for _ in range(days):
        day += DAY
    return day


def last_day_of_unit(event_day: date, unit: str, fiscal_year_end: tuple[int, int]) -> date:
    """Turn the leaves of the calendar until the unit is over."""
    day = event_day
    while True:
        tomorrow = day + DAY
        month_over = tomorrow.month != day.month
        if fiscal_year_end == (2, 28):
            fiscal_year_over = month_over and day.month == 2
        else:
            fiscal_year_over = (day.month, day.day) == fiscal_year_end
        over = {
            "next day": True,
            "after month": month_over,
            "after quarter": month_over and day.month in (3, 6, 9, 12),
            "after calendar year": month_over and day.month == 12,
            "after fiscal year": fiscal_year_over,
        }
        if over[unit]:
            return day
        day = tomorrow


def due_day(event_day: date, months: int, days: int, unit: str, fiscal_year_end: tuple[int, int]) -> date:
    """The first day after the period."""
    if unit == "next day":
        return last_day_of_period(event_day, months, days) + DAY
    # The period begins with a day that counts (§ 187(2)): it ends with the day before the one that
    # bears the first day's number, or with the last day of a month that lacks that day.
    begin = last_day_of_unit(event_day, unit, fiscal_year_end) + DAY
    if begin.day == 1:
        last = begin - DAY if months == 0 else _month_after(begin, months - 1)[-1]
    else:
        last = [day for day in _month_after(begin, months) if day.day < begin.day][-1]
    for _ in range(days):
        last += DAY
    return last + DAY


def late_day(event_day: date, within: tuple[int, int], due: date) -> date:
    """The time to carry it out is counted like any period, from the day before the due day."""
    return last_day_of_period(due - DAY, *within) + DAY


def wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """The latest date that the wall calendar had shown by then.

    No clock was ever put back by more than a day, so that looking back 26 hours is enough: at
    each full hour, and at each minute of an hour in which the wall clock did not move by one.
    """
    full = instant.replace(minute=0, second=0, microsecond=0)
    hours = [full + n * HOUR for n in range(-26, 2)]
    shown = [wall(hour, zone) for hour in hours]
    looked_at = [instant, *hours]
    for hour, one, other in zip(hours, shown, shown[1:], strict=False):
        if other - one != HOUR:
            looked_at += [hour + n * MINUTE for n in range(60)]
    return max(wall(moment, zone).date() for moment in looked_at if moment <= instant)


def instant_of(reading: datetime, zone: ZoneInfo) -> datetime:
    """The last instant at which the wall clock showed `reading`, or else that of the jump across it.

    Changes of the clock lie days apart: around a reading there are two offsets at most.
    """
    about = reading.replace(tzinfo=UTC)
    offsets = [wall(about + n * HOUR, zone) - (reading + n * HOUR) for n in (-26, 26)]
    showing = [about - offset for offset in offsets if wall(about - offset, zone) == reading]
    if showing:
        return max(showing)
    instant = about.replace(minute=0, second=0, microsecond=0) - 26 * HOUR
    for step in (HOUR, MINUTE, SECOND):
        while wall(instant + step, zone) < reading:
            instant += step
    return instant + SECOND
