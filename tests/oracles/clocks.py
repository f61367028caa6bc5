"""How a clock's value is read, told a second time in plain Python, from what the reference says of it.

Knows nothing of the engine but the names of units and formats. A stored value is what Python's drivers give:
None, an int, a float, a Decimal, a str or bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

MICROSECONDS = {"s": 10**6, "ms": 10**3, "us": 1, "min": 60 * 10**6, "days": 86_400 * 10**6}
PATTERNS = {
    "yyyymmdd": ("%Y%m%d", 8),
    "yyyymmddhhmm": ("%Y%m%d%H%M", 12),
    "yyyymmddhhmmss": ("%Y%m%d%H%M%S", 14),
    "dd.mm.yyyy": ("%d.%m.%Y", 10),
    "dd/mm/yyyy": ("%d/%m/%Y", 10),
    "mm/dd/yyyy": ("%m/%d/%Y", 10),
}
UNIX = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


class UnreadableError(Exception):
    """It is no point in time."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A line as a day, as an instant, and as the first wall clock's reading that is not before it."""

    day: date
    instant: datetime
    wall: datetime


def since_unix(moment: datetime) -> int:
    """In microseconds."""
    return (moment - UNIX) // timedelta(microseconds=1)


def number(value: Any) -> Fraction:
    """A number as it is, a text that is nothing but one; infinity and NaN are none."""
    if isinstance(value, str):
        if not value.isascii() or re.fullmatch(r"-?\d{1,18}(\.\d{1,18})?", value) is None:
            raise UnreadableError
        return Fraction(value)
    if isinstance(value, bytes) or (isinstance(value, float | Decimal) and not _finite(value)):
        raise UnreadableError
    return Fraction(value)


def _finite(value: float | Decimal) -> bool:
    return Decimal(value).is_finite()


def counts_as(value: Any, unit: str, epoch: date, floor: Cut, cutoff: Cut) -> str:
    """The state of a number of units since an epoch."""
    found = number(value)
    if unit == "days":
        day = epoch.toordinal() + found.__floor__()
        if not 1 <= day <= date.max.toordinal():
            raise UnreadableError
        return _state(date.fromordinal(day), floor.day, cutoff.day)
    since = since_unix(datetime(epoch.year, epoch.month, epoch.day, tzinfo=UTC))
    moment = since + found * MICROSECONDS[unit]
    if moment >= since_unix(END) + 1:
        raise UnreadableError
    return _state(moment, since_unix(floor.instant), since_unix(cutoff.instant))


def spells(value: Any, format_: str, floor: Cut, cutoff: Cut) -> str:
    """The state of a text, or of a whole number's digits."""
    text = value
    if isinstance(value, int | Decimal):  # with the zeros behind a decimal's point, if its column has some
        text = format(value, "f") if isinstance(value, Decimal) else str(value)
    if not isinstance(text, str) or not text.isascii():
        raise UnreadableError
    if format_ == "iso":
        return _iso(text, floor, cutoff)
    try:
        if format_ == "yyyy-mm":
            if re.fullmatch(r"\d{4}-\d{2}", text) is None:
                raise UnreadableError
            first = datetime.strptime(text + "-01", "%Y-%m-%d").date()
            last = first.replace(day=28)
            while last < date.max and (last + timedelta(days=1)).month == first.month:
                last += timedelta(days=1)
            return _state(last, floor.day, cutoff.day)
        pattern, length = PATTERNS[format_]
        if len(text) != length or re.sub(r"[./]", "", text).isdigit() is False or " " in text:
            raise UnreadableError
        moment = datetime.strptime(text, pattern)
    except ValueError:
        raise UnreadableError from None
    if "%H" in pattern:
        return _state(moment, floor.wall, cutoff.wall)
    return _state(moment.date(), floor.day, cutoff.day)


def _iso(text: str, floor: Cut, cutoff: Cut) -> str:
    match = re.fullmatch(
        r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)? *(?:([Zz])|([+-])(\d{2}):(\d{2}))? *)?",
        text,
    )
    if match is None:
        raise UnreadableError
    try:
        day = date.fromisoformat(match[1])
        if match[2] is None:
            return _state(day, floor.day, cutoff.day)
        wall = datetime(day.year, day.month, day.day, int(match[2]), int(match[3]), int(match[4] or 0))
    except ValueError:
        raise UnreadableError from None
    if match[6] is None and match[7] is None:
        return _state(wall, floor.wall, cutoff.wall)
    shift = timedelta()
    if match[7] is not None:
        if int(match[8]) > 14 or int(match[9]) > 59:
            raise UnreadableError
        shift = timedelta(hours=int(match[8]), minutes=int(match[9])) * (-1 if match[7] == "-" else 1)
    seconds = Fraction((wall - datetime(1970, 1, 1)) // timedelta(seconds=1) - int(shift.total_seconds()))
    seconds += Fraction(f"0.{match[5]}") if match[5] else 0
    return _state(seconds, *(Fraction(since_unix(line.instant), 10**6) for line in (floor, cutoff)))


def _state(value: Any, floor: Any, cutoff: Any) -> str:
    if value < floor:
        return "unclear"
    return "past" if value < cutoff else "recent"


def state(
    value: Any,
    *,
    unit: str | None = None,
    epoch: date = date(1970, 1, 1),
    format_: str | None = None,
    never: tuple[Any, ...] = (),
    floor: Cut,
    cutoff: Cut,
) -> str:
    """ "missing", "unclear", "past" or "recent"."""
    if value is None or any(type(value) in _family(item) and value == item for item in never):
        return "missing"
    try:
        if unit is not None:
            return counts_as(value, unit, epoch, floor, cutoff)
        assert format_ is not None
        return spells(value, format_, floor, cutoff)
    except UnreadableError:
        return "unclear"


def _family(item: Any) -> tuple[type, ...]:
    return (str,) if isinstance(item, str) else (int, float, Decimal)
