"""Where the days of a time zone begin, and what instant a wall clock's reading means.

Clocks are put forward and back, and sometimes at midnight: in St John's (1987 to 2011) from
00:01 back to 23:01, so that the old date came round again; in Brazil from 00:00 to 01:00; in
Samoa a whole day (2011-12-30) never was. To be monotone in spite of that,

- a **day** begins at the first instant whose local date is that day or a later one, and lasts
  until the next begins. A date that comes round again belongs to the day that had begun
  already: an event is moved to the later day, never to the earlier, and so never due early;
- a **wall-clock reading** that happened twice means its later instant, one that never
  happened the instant of the change.

Both rest on PEP 495 (`fold`) and on changes of the clock lying days apart: in the whole
tz database the closest two are 95 hours. Instants are aware, in UTC, exact to 1 µs; those beyond
the years 1 to 9999 are the first or last that `datetime` can hold.
"""

from __future__ import annotations

import difflib
import functools
import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from retention.model.clock import Boundary
from retention.periods.misread import MisreadError, shown

FLOOR = date(1971, 1, 2)
"""Events of earlier days are unclear: zero dates and epoch 0 are how databases spell "unknown"."""

_PLACE = "write the name of a place, such as `Europe/Oslo`, or `UTC`"
_TICK = timedelta(microseconds=1)
_DAY = 86_400  # seconds
_WIDEST = timedelta(hours=24)  # no offset is as large
_FIRST = datetime.min.replace(tzinfo=UTC)
_NOT_PLACES = frozenset({"Factory", "localtime"})  # in zone directories, and mean "not set" and "this host"


def check_zone(name: str) -> None:
    """Refuse what is not the name of an IANA time zone that this machine knows.

    Raises MisreadError that names the nearest zone. Offsets (`UTC+2`, `+02:00`) and abbreviations
    (`CEST`) are no zones; neither is what merely lies beside them on disk (`right/Europe/Oslo`, which
    counts leap seconds).
    """
    if name in _zone_names():
        return
    if re.fullmatch(r"(UTC|GMT)?[+-][0-9:]+", name, re.IGNORECASE):
        raise MisreadError(f"{shown(name)} is an offset and no time zone", _PLACE)
    nearest = _nearest_zone(name)
    if re.fullmatch(r"[A-Z]{2,5}", name) and not (nearest or "").upper().endswith("/" + name):
        raise MisreadError(f"{shown(name)} is an abbreviation and no time zone", _PLACE)
    write = f"did you mean `{nearest}`?" if nearest else _PLACE
    raise MisreadError(f"{shown(name)} is not a known time zone", write)


def day_of(instant: datetime, timezone: str) -> date:
    """The day of `timezone` in which an aware instant falls. Raises ValueError if it is naive."""
    utc = _utc(instant)
    try:
        day = utc.astimezone(ZoneInfo(timezone)).date()
    except OverflowError:
        return date.min if utc.year == 1 else date.max
    if keeps_days(timezone):
        return day
    while day < date.max and first_instant(day + timedelta(days=1), timezone) <= utc:
        day += timedelta(days=1)  # the clock was put back, and the next day had begun
    return day


def first_instant(day: date, timezone: str) -> datetime:
    """The instant at which `day` begins in `timezone`; a day that was skipped begins at the skip."""
    return first_reading(datetime.combine(day, time.min), timezone)


def first_reading(wall: datetime, timezone: str) -> datetime:
    """The first instant at which the clock of `timezone` shows `wall` (naive) or goes past it; monotone in `wall`."""
    zone = ZoneInfo(timezone)
    first, second = _readings(wall, zone)
    return first if first <= second else _change(wall, zone, second, first)


def instant_of_naive(naive: datetime, timezone: str) -> datetime:
    """The instant meant by a reading of the wall clock in `timezone`; monotone in `naive`.

    Raises ValueError if `naive` is aware.
    """
    if naive.tzinfo is not None:
        raise ValueError(f"{naive.isoformat()} has an offset; a reading of a wall clock has none")
    steady = _steady(naive.date(), timezone)
    if steady is not None:
        return _shifted(naive, -steady).replace(tzinfo=UTC)
    zone = ZoneInfo(timezone)
    first, second = _readings(naive, zone)
    return second if first <= second else _change(naive, zone, second, first)


@functools.lru_cache(maxsize=16_384)
def _steady(day: date, timezone: str) -> timedelta | None:
    """The offset of every reading of the day, where they have one: to tell it of each takes ten times as long."""
    if day == date.max:
        return None
    zone, begin = ZoneInfo(timezone), datetime.combine(day, time.min)
    ends = (begin.replace(tzinfo=zone), (begin + timedelta(days=1)).replace(tzinfo=zone))
    offsets = {end.replace(fold=fold).utcoffset() or timedelta() for end in ends for fold in (0, 1)}
    return offsets.pop() if len(offsets) == 1 else None


def naive_boundary(boundary: Boundary, connector_timezone: str) -> datetime:
    """The boundary for a column without zone that holds wall-clock readings of `connector_timezone`.

    For every naive t: `t < naive_boundary(...)` if and only if
    `instant_of_naive(t, connector_timezone) < boundary.instant`. It depends on the boundary's
    instant alone; the rule's own zone is in that already.
    """
    zone = ZoneInfo(connector_timezone)
    instant = _utc(boundary.instant)
    if instant == _FIRST:  # nothing lies before it, not even a reading whose instant is held at it
        return datetime.min  # noqa: DTZ901 - naive is meant
    utc = instant.replace(tzinfo=None)
    # A reading and its instant differ by an offset in force nearby, or by something between two.
    nearby = [_offset(_shifted(utc, step), zone) for step in (-_WIDEST, _WIDEST)]
    low, high = _shifted(utc, min(nearby)), _shifted(utc, max(nearby))
    while low < high:  # the first reading whose instant is not before the boundary
        middle = low + (high - low) // 2
        if instant_of_naive(middle, connector_timezone) < instant:
            low = middle + _TICK
        else:
            high = middle
    return low


@functools.lru_cache(maxsize=64)
def floor(timezone: str) -> Boundary:
    """The line before which an event is unclear unless its dataset declares otherwise: 1971-01-02."""
    return Boundary(day=FLOOR, instant=first_instant(FLOOR, timezone))


@functools.lru_cache(maxsize=64)
def transitions(
    timezone: str, first: int = 1900, last: int = 2100
) -> tuple[int, tuple[tuple[int, int], ...]]:
    """Offsets of a zone, in seconds: the one that holds before the first change, and (instant, offset) of each change.

    Instants count from 1970 in UTC; changes of the years from `first` up to `last`.
    """
    zone = ZoneInfo(timezone)
    begin, end = datetime(first, 1, 1, tzinfo=UTC), datetime(last, 1, 1, tzinfo=UTC)
    before = _seconds_off(begin, zone)
    changes: list[tuple[int, int]] = []
    at, offset = begin, before
    while at < end:
        then = at + timedelta(days=7)
        found = _seconds_off(then, zone)
        if found != offset:
            low, high = at, then
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                low, high = (middle, high) if _seconds_off(middle, zone) == offset else (low, middle)
            offset = found
            changes.append((int(high.timestamp()), offset))
        at = then
    return before, tuple(changes)


@functools.lru_cache(maxsize=64)
def keeps_days(timezone: str) -> bool:
    """Every reading of the wall clock means an instant of the day that it names: none is moved over midnight."""
    before, changes = transitions(timezone)
    for at, after in changes:
        low, high = at + min(before, after), at + max(before, after)
        # Put forward, also the first reading behind the gap must be of the day; put back, the last one before.
        if low // _DAY != (high if after > before else high - 1) // _DAY:
            return False
        before = after
    return True


def _seconds_off(instant: datetime, zone: ZoneInfo) -> int:
    return int((instant.astimezone(zone).utcoffset() or timedelta()).total_seconds())


def _utc(instant: datetime) -> datetime:
    if instant.utcoffset() is None:
        raise ValueError(f"{instant.isoformat()} has no offset; an instant needs one")
    return instant.astimezone(UTC)


def _offset(utc: datetime, zone: ZoneInfo) -> timedelta:
    """The offset in force at `utc` (naive, in UTC)."""
    try:
        return utc.replace(tzinfo=UTC).astimezone(zone).utcoffset() or timedelta()
    except OverflowError:
        return utc.replace(tzinfo=zone).utcoffset() or timedelta()


def _readings(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """`wall` read with the offset before a nearby change, and with the one after it.

    They are equal but near a change. In order: it happened twice. In reverse order: it never
    happened, and the change lies after the second and not after the first.
    """
    before, after = (wall.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    first = _shifted(wall, -before).replace(tzinfo=UTC)
    return first, first if before == after else _shifted(wall, -after).replace(tzinfo=UTC)


def _change(wall: datetime, zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The instant in (before, after] at which the clock was put forward past `wall`."""
    while after - before > _TICK:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            before = middle
        else:
            after = middle
    return after


def _shifted(moment: datetime, by: timedelta) -> datetime:
    """A naive datetime moved, and held within what `datetime` can express."""
    try:
        return moment + by
    except OverflowError:
        return datetime.min if by < timedelta() else datetime.max  # noqa: DTZ901 - naive is meant


@functools.cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones()) - _NOT_PLACES


def _nearest_zone(name: str) -> str | None:
    """The zone spelt most like `name`, by its whole name or by the place in it."""
    names = {zone.lower(): zone for zone in sorted(_zone_names())}
    places = {zone.rpartition("/")[2]: full for zone, full in names.items()}
    wanted = re.sub(r"[\s_]+", "_", name[:40].strip().lower())
    for spelt, cut in ((names, 0.8), (places, 0.75), (names, 0.6)):
        near = difflib.get_close_matches(wanted, spelt, n=1, cutoff=cut)
        if near:
            return spelt[near[0]]
    return None
