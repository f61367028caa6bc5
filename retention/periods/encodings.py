"""Points in time as numbers and texts: a boundary in a column's own terms, and a value read back.

Exact: a number is a count of units since midnight UTC of its epoch, a fraction where it does not come
out even; nothing is rounded to a float here. What lies beyond the year 9999 can't be read.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from retention.model.encoding import Encoding, Format, Unit
from retention.model.predicate import Line

_TICK = timedelta(microseconds=1)
_DAY = 86_400_000_000


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the pieces of a spelt date stand: `shape` has a 9 for each digit; (first, length), from 1 on.

    `times`: hours, minutes and seconds as far as there are any.
    """

    shape: str
    year: tuple[int, int]
    month: tuple[int, int]
    day: tuple[int, int] | None
    times: tuple[tuple[int, int], ...] = ()


LAYOUTS = {
    Format.YYYYMMDD: Layout(shape="9" * 8, year=(1, 4), month=(5, 2), day=(7, 2)),
    Format.YYYYMMDDHHMM: Layout(
        shape="9" * 12, year=(1, 4), month=(5, 2), day=(7, 2), times=((9, 2), (11, 2))
    ),
    Format.YYYYMMDDHHMMSS: Layout(
        shape="9" * 14, year=(1, 4), month=(5, 2), day=(7, 2), times=((9, 2), (11, 2), (13, 2))
    ),
    Format.YYYY_MM: Layout(shape="9999-99", year=(1, 4), month=(6, 2), day=None),
    Format.DD_MM_YYYY: Layout(shape="99.99.9999", year=(7, 4), month=(4, 2), day=(1, 2)),
    Format.DD_SLASH_MM_YYYY: Layout(shape="99/99/9999", year=(7, 4), month=(4, 2), day=(1, 2)),
    Format.MM_DD_YYYY: Layout(shape="99/99/9999", year=(7, 4), month=(1, 2), day=(4, 2)),
}
"""Every format but ISO, which has many spellings."""


def counted(line: Line, encoding: Encoding) -> Fraction:
    """The number at which `line` lies in a column that counts: what lies before it is smaller, all else is not."""
    assert encoding.unit is not None
    if encoding.unit is Unit.DAYS:
        return Fraction((line.day - encoding.epoch).days)
    since = line.instant.astimezone(UTC) - datetime.combine(encoding.epoch, time.min, UTC)
    return Fraction(since // _TICK, encoding.unit.microseconds)


def counted_day(day: date, encoding: Encoding) -> Fraction:
    """The number at which `day` begins, in UTC."""
    assert encoding.unit is not None
    return Fraction((day - encoding.epoch).days * _DAY, encoding.unit.microseconds)


def counted_end(encoding: Encoding) -> Fraction:
    """The first number beyond the year 9999."""
    assert encoding.unit is not None
    return Fraction(((date.max - encoding.epoch).days + 1) * _DAY, encoding.unit.microseconds)


def spelled(line: Line, format_: Format) -> str:
    """The smallest text that is not before `line`, in the order of its pieces: year, month, day, and time.

    That is the format itself but for those that begin with the day or the month, which give `yyyymmdd`.
    """
    layout = LAYOUTS[format_]
    if layout.day is None:  # a month stands for its last day: it has passed when the next one has begun
        return f"{line.day.year:04d}-{line.day.month:02d}"
    if not layout.times:
        return f"{line.day.year:04d}{line.day.month:02d}{line.day.day:02d}"
    assert line.naive is not None, "binding refuses zone-less texts of a connector without a zone"
    step = timedelta(seconds=1) if len(layout.times) == 3 else timedelta(minutes=1)
    moment = line.naive
    over = (moment - moment.replace(hour=0, minute=0, second=0, microsecond=0)) % step
    if over:
        try:
            moment += step - over
        except OverflowError:
            return ":"  # no text of digits is as great
    text = f"{moment.year:04d}" + moment.strftime("%m%d%H%M%S")
    return text[: len(layout.shape)]


def read(text: str, encoding: Encoding) -> date | datetime | None:
    """The value that a database showed as `text`: a day, a wall clock's reading, an instant; None for none."""
    try:
        if encoding.unit is not None:
            return _count(text, encoding)
        if encoding.format in (None, Format.ISO):
            return _iso(text)
        return _spelt(text, encoding.format)
    except (ValueError, OverflowError, InvalidOperation):
        return None  # infinity, and years beyond 9999


_ISO = re.compile(
    r"\d{4}-\d\d-\d\d([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)? *([Zz]|[+-]\d\d(:?\d\d(:\d\d)?)?)?)?",
    re.ASCII,
)


def _iso(text: str) -> date | datetime:
    """ISO 8601 as databases show and store it: a space may stand before the offset, and a small z for it.

    Python reads more than any database does, such as `20260131` and weeks: what no rule can count from is no date here.
    """
    if _ISO.fullmatch(text.strip()) is None:
        raise ValueError(text)
    if len(text) == len("2026-01-31"):
        return date.fromisoformat(text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(re.sub(r" +(?=[Zz+-])", "", text.strip()).replace("z", "Z"))


def _count(text: str, encoding: Encoding) -> date | datetime | None:
    assert encoding.unit is not None
    number = Decimal(text)
    if not number.is_finite() or abs(number) > 10**20:
        return None
    if encoding.unit is Unit.DAYS:
        return encoding.epoch + timedelta(days=Fraction(number).__floor__())
    ticks = (Fraction(number) * encoding.unit.microseconds).__floor__()
    return datetime.combine(encoding.epoch, time.min, UTC) + ticks * _TICK


def _spelt(text: str, format_: Format | None) -> date | datetime | None:
    assert format_ is not None
    layout = LAYOUTS[format_]
    if re.fullmatch(re.escape(layout.shape).replace("9", "[0-9]"), text) is None:
        return None

    def piece(place: tuple[int, int]) -> int:
        return int(text[place[0] - 1 : sum(place) - 1])

    year, month = piece(layout.year), piece(layout.month)
    if layout.day is None:
        return date(year, month, calendar.monthrange(year, month)[1])
    day = date(year, month, piece(layout.day))
    if not layout.times:
        return day
    hour, minute, second = (*map(piece, layout.times), 0)[:3]
    return datetime.combine(day, time(hour, minute, second))
