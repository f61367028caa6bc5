"""Points in time as a database holds them: a day, an instant, or unclear."""

from __future__ import annotations

import functools
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracles import calendar
from tests.oracles.lawyer.world import NO_DAY, UNCLEAR, Component

Point = date | datetime | str  # a day; an aware datetime; UNCLEAR
FIRST_DAY = date(1971, 1, 2)  # what is not later than 1 January 1971 is how databases spell "unknown"
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[ T]([01]\d|2[0-3])(:[0-5]\d)(?::([0-5]\d)(?:\.(\d+))?)?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)?)?"
)


def is_day(point: Point) -> bool:
    return not isinstance(point, datetime)


@functools.lru_cache(maxsize=200_000)
def day(point: date | datetime, zone: str) -> date:
    """The day of the point, in `zone`; a day is a day in every zone."""
    return calendar.day_of(point, ZoneInfo(zone)) if isinstance(point, datetime) else point


@functools.lru_cache(maxsize=200_000)
def instant(reading: datetime, zone: str) -> datetime:
    """The later instant at which the clock of `zone` showed this."""
    return calendar.instant_of(reading, ZoneInfo(zone)).astimezone(UTC)


def later(one: date | datetime, other: date | datetime, zone: str) -> bool:
    """As instants; where one is only a day, by days, and the same day is not later."""
    if is_day(one) or is_day(other):
        return day(one, zone) > day(other, zone)
    return one > other


def read(value: Any, kind: str, said: Component, stored_in: str, counted_in: str) -> Point | None:
    """What a column's value says: None where it has not happened. `stored_in`: the connector's zone."""
    if value is None or value in said.never:
        return None
    point = _read(value, kind, said, stored_in)
    if point == UNCLEAR or day(point, counted_in) < FIRST_DAY:  # type: ignore[arg-type]
        return UNCLEAR
    return point


def _read(value: Any, kind: str, said: Component, zone: str) -> Point:
    if value == NO_DAY:
        return UNCLEAR
    if said.unit == "s":
        return _UNIX + timedelta(seconds=value)
    if said.unit == "days":
        return _UNIX.date() + timedelta(days=value)
    if said.format == "yyyymmdd":
        return _digits(str(value))
    if kind == "text":
        return _iso(value, zone)
    if kind == "timestamp":
        return instant(value, zone)
    return value.astimezone(UTC) if kind == "timestamptz" else value  # type: ignore[no-any-return]


def _digits(text: str) -> Point:
    try:
        return datetime.strptime(text, "%Y%m%d").date() if re.fullmatch(r"\d{8}", text) else UNCLEAR
    except ValueError:
        return UNCLEAR


def _iso(text: str, zone: str) -> Point:
    """ISO 8601, or it can't be read."""
    found = _ISO.fullmatch(text)
    if found is None:
        return UNCLEAR
    on, hour, minute, second, fraction, offset = found.groups()
    try:
        if hour is None:
            return date.fromisoformat(on)
        text = f"{on}T{hour}{minute}:{second or '00'}.{(fraction or '')[:6]:0<6}"
        reading = datetime.fromisoformat(text + (offset or "").replace("Z", "+00:00"))
    except ValueError:
        return UNCLEAR
    return instant(reading, zone) if reading.tzinfo is None else reading.astimezone(UTC)
