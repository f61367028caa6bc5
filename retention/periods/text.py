"""What people write for periods, fiscal years and points in time, read strictly.

One way of reading decides what is accepted. Whatever it refuses is read a second time,
leniently, and only to say what to write instead: a guess is never acted upon.
"""

from __future__ import annotations

import calendar
import difflib
import math
import re
import unicodedata
from datetime import UTC, date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from retention.model.clock import Period
from retention.periods.misread import MisreadError, shown
from retention.periods.zones import first_instant

MOST_YEARS = 1000
LAST_AS_OF = date(9998, 12, 31)
"""A day that lies beyond the calendar is held at 9999-12-31, and must not look as if it had come."""

_LONGEST = 80  # characters
_UNITS = ("year", "month", "week", "day")
_WORDS = re.compile(
    r"(?:([0-9]+) years?(?: |$))?(?:([0-9]+) months?(?: |$))?(?:([0-9]+) weeks?(?: |$))?(?:([0-9]+) days?)?"
)
_ISO = re.compile(r"p(?:([0-9]+)y)?(?:([0-9]+)m)?(?:([0-9]+)w)?(?:([0-9]+)d)?")
_TERM = re.compile(r"([0-9]+(?:[.,][0-9]+)?) ?([a-z]+)")
_MEANT: dict[str, tuple[str, int]] = {
    **dict.fromkeys(("year", "years", "y", "yr", "yrs"), ("year", 1)),
    **dict.fromkeys(("decade", "decades"), ("year", 10)),
    **dict.fromkeys(("month", "months", "m", "mo", "mos", "mon", "mth", "mths"), ("month", 1)),
    **dict.fromkeys(("quarter", "quarters"), ("month", 3)),
    **dict.fromkeys(("week", "weeks", "w", "wk", "wks"), ("week", 1)),
    **dict.fromkeys(("fortnight", "fortnights"), ("week", 2)),
    **dict.fromkeys(("day", "days", "d", "dy"), ("day", 1)),
    **dict.fromkeys(("hour", "hours", "h", "hr", "hrs"), ("second", 3600)),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), ("second", 60)),
    **dict.fromkeys(("second", "seconds", "s", "sec", "secs"), ("second", 1)),
}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"([0-9-]{10})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)


def parse_period(text: str) -> Period:
    """A period from words (`3 years 6 months`, `90 days`) or ISO 8601 (`P3Y6M`, `P90D`).

    Whole numbers of years, months, weeks and days, in that order, each at most once; case
    and the width of spaces do not matter. Only `0 days` may be zero. At most 1000 years.
    Raises MisreadError, a ValueError.
    """
    written = " ".join(text.lower().split())
    match = None
    if text.isascii() and len(text) <= _LONGEST:
        match = _WORDS.fullmatch(written) or _ISO.fullmatch(written)
    if match is None or not any(match.groups()):
        raise _refused_period(text, written)
    counts = [None if digits is None else int(digits) for digits in match.groups()]
    years, months, weeks, days = (count or 0 for count in counts)
    if 0 in counts and counts != [None, None, None, 0]:
        zeros = " and ".join(_quoted(f"0 {u}s") for u, n in zip(_UNITS, counts, strict=True) if n == 0)
        if not any(counts):
            raise MisreadError(f"{shown(text)} is no time at all", "write `0 days` to be due on the next day")
        spelt = _quoted(_spelt(years, months, weeks, days))
        raise MisreadError(f"{shown(text)} counts {zeros}", f"leave that out: {spelt}")
    period = Period(months=12 * years + months, days=7 * weeks + days, text=text)
    # 400 years of the Gregorian calendar are 146,097 days
    if period.months * 146_097 + period.days * 4_800 > MOST_YEARS * 12 * 146_097:
        most = f"{MOST_YEARS} years"
        raise MisreadError(f"{shown(text)} is more than {most}", f"write at most `{most}`")
    return period


def parse_fiscal_year_end(text: str) -> tuple[int, int]:
    """(month, day) from `MM-DD`. `02-28` stands for the last day of February. Raises MisreadError."""
    numbers = re.fullmatch(r"([0-9]{1,2})-([0-9]{1,2})", text)
    if numbers is None:
        raise MisreadError(
            f"{shown(text)} is not a fiscal year's end", "write month and day, such as `06-30`"
        )
    month, day = (int(number) for number in numbers.groups())
    if (month, day) == (2, 29):
        raise MisreadError(
            f"{shown(text)} is missing in most years", "write `02-28`: the last day of February"
        )
    if month > 12 and 1 <= day <= 12:
        month, day = day, month
        swapped = month, min(day, _longest_day(month))
        raise MisreadError(
            f"{shown(text)} has no such month", f"month first: `{swapped[0]:02}-{swapped[1]:02}`"
        )
    if not 1 <= month <= 12:
        raise MisreadError(f"{shown(text)} has no such month", "write month and day, such as `06-30`")
    last = _longest_day(month)
    if not 1 <= day <= last:
        name = calendar.month_name[month]
        raise MisreadError(
            f"{shown(text)}: {name} has no day {day}", f"write `{month:02}-{last:02}`, its last day"
        )
    if len(text) != 5:
        raise MisreadError(f"{shown(text)} is not a fiscal year's end", f"write `{month:02}-{day:02}`")
    return month, day


def parse_as_of(text: str, timezone: str) -> datetime:
    """An instant (aware, UTC) from a date, its first instant in `timezone`, or from RFC 3339.

    Digits beyond the microsecond are cut off, never rounded up. A time without an offset is
    refused, and so is what lies after 9998. Raises MisreadError.
    """
    form = "write a date such as `2026-11-22`, or an instant such as `2026-11-22T02:00:00Z`"
    as_date = _DATE.fullmatch(text)
    as_instant = _INSTANT.fullmatch(text)
    if as_instant is not None:
        return _instant(text, *as_instant.groups(), timezone=timezone)
    if as_date is None:
        raise MisreadError(f"{shown(text)} is not a point in time", form)
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise MisreadError(f"{shown(text)}: there is no such day", form) from error
    if day > LAST_AS_OF:
        raise MisreadError(f"{shown(text)} is too late", f"write a day up to `{LAST_AS_OF}`")
    return first_instant(day, timezone)


def _instant(
    text: str, day: str, clock: str, fraction: str | None, offset: str | None, *, timezone: str
) -> datetime:
    try:
        wall = datetime.fromisoformat(f"{day}T{clock}.{(fraction or '')[:6]:0<6}")
        if offset is None:
            meant = wall.replace(tzinfo=ZoneInfo(timezone)).isoformat(timespec="seconds")
            raise MisreadError(
                f"{shown(text)} has no offset", f"add it: `{day}T{clock}Z`, or `{meant}` in {timezone}"
            )
        instant = datetime.fromisoformat(wall.isoformat() + offset.upper()).astimezone(UTC)
    except MisreadError:
        raise
    except (ValueError, OverflowError) as error:
        write = "write an instant such as `2026-11-22T02:00:00Z`"
        raise MisreadError(f"{shown(text)}: there is no such day, time or offset", write) from error
    if instant.date() > LAST_AS_OF:
        raise MisreadError(f"{shown(text)} is too late", f"write an instant up to `{LAST_AS_OF}`")
    return instant


def _refused_period(text: str, written: str) -> MisreadError:
    """Why `text` is no period, and the period that was probably meant."""
    plain = " ".join(unicodedata.normalize("NFKC", text[:_LONGEST]).lower().split())
    meant = _guess(plain.lstrip("+-− ")) if len(text) <= _LONGEST else None
    write = f"did you mean {_quoted(meant)}?" if meant else "write whole numbers and units, such as `5 years`"
    if not written:
        return MisreadError("the period is empty", "write a number and a unit, such as `5 years`")
    if len(text) > _LONGEST:
        return MisreadError(f"{shown(text)} is too long for a period", write)
    if plain[0] in "+-−":
        write = f"write {_quoted(meant)}" if meant else write
        return MisreadError(f"{shown(text)} has a sign; a period is never negative", write)
    if plain.isdecimal():
        return MisreadError(f"{shown(text)} has no unit", "write one, such as `90 days` or `24 months`")
    if _counts_hours(plain):
        write = f"write {_quoted(meant)}" if meant else "write whole days, such as `1 day`"
        return MisreadError(
            f"{shown(text)} counts hours or less; periods are counted in calendar days", write
        )
    if re.search(r"[0-9][.,][0-9]", plain):
        write = f"write {_quoted(meant)}" if meant else write
        return MisreadError(f"{shown(text)} is not a whole number", write)
    if not text.isascii():
        return MisreadError(f"{shown(text)} holds characters that are not ASCII", write)
    if [unit for unit in _units(plain) if unit] != sorted(set(_units(plain)), key=_UNITS.index):
        return MisreadError(f"{shown(text)}: units go from years to days, each once", write)
    return MisreadError(f"{shown(text)} is not a period", write)


def _terms(plain: str) -> list[tuple[Fraction, str, int]]:
    """(number, unit, how many of that unit) for each term that can be understood; else nothing."""
    if re.match(r"p[0-9]", plain) and "t" not in plain:
        plain = plain[1:]
    elif re.fullmatch(r"pt[0-9]+h", plain):
        plain = plain[2:]
    if re.sub(r"\band\b|[,.& ]", "", _TERM.sub("", plain)):
        return []
    terms = []
    for number, word in _TERM.findall(plain):
        near = difflib.get_close_matches(word, _MEANT, n=1, cutoff=0.7)
        if not near:
            return []
        unit, factor = _MEANT[near[0]]
        terms.append((Fraction(number.replace(",", ".")), unit, factor))
    return terms


def _units(plain: str) -> list[str]:
    return [unit for _, unit, _ in _terms(plain)]


def _counts_hours(plain: str) -> bool:
    return "second" in _units(plain) or re.match(r"p[0-9a-z]*t", plain) is not None


def _guess(plain: str) -> str | None:
    """The period that is probably meant, as it should be written."""
    totals = dict.fromkeys((*_UNITS, "second"), Fraction())
    for number, unit, factor in _terms(plain):
        totals[unit] += number * factor
    years, months, weeks, days, seconds = totals.values()
    if years.denominator != 1:
        years, months = Fraction(), months + 12 * years
    if weeks.denominator != 1:
        weeks, days = Fraction(), days + 7 * weeks
    days += math.ceil(seconds / 86_400)
    if months.denominator != 1 or days.denominator != 1:
        return None
    return _spelt(int(years), int(months), int(weeks), int(days)) or None


def _spelt(*counts: int) -> str:
    pairs = zip(counts, _UNITS, strict=True)
    return " ".join(f"{count} {unit}{'s' if count != 1 else ''}" for count, unit in pairs if count)


def _longest_day(month: int) -> int:
    return calendar.monthrange(2001, month)[1]


def _quoted(text: str) -> str:
    return f"`{text}`"
