"""A line in a column's own terms, and a value read back: exact, and rounded up where it must be."""

from __future__ import annotations

import math
import re
import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from retention.connectors.sql.lines import least
from retention.model.catalogue import Kind
from retention.model.encoding import Encoding, Format, Unit
from retention.model.predicate import Line
from retention.periods.encodings import LAYOUTS, counted, counted_end, read, spelled

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "clocks.md"


def line(instant: datetime, wall: datetime | None = None) -> Line:
    return Line(day=instant.date(), instant=instant, naive=wall or instant.replace(tzinfo=None))


CUTOFF = line(datetime(2021, 11, 21, 23, tzinfo=UTC), datetime(2021, 11, 22))


@pytest.mark.parametrize(
    ("unit", "epoch", "number"),
    [
        (Unit.SECONDS, date(1970, 1, 1), 1637535600),
        (Unit.MILLISECONDS, date(1970, 1, 1), 1637535600000),
        (Unit.MICROSECONDS, date(1601, 1, 1), 13282009200000000),
        (Unit.SECONDS, date(2001, 1, 1), 659228400),
        (Unit.MINUTES, date(1970, 1, 1), 27292260),
        (Unit.DAYS, date(1970, 1, 1), 18952),
    ],
)
def test_a_cutoff_as_a_number(unit, epoch, number):
    assert counted(CUTOFF, Encoding(unit=unit, epoch=epoch)) == number


def test_a_cutoff_between_two_numbers_stays_a_fraction():
    moment = line(datetime(2021, 11, 21, 23, 0, 0, 1, tzinfo=UTC))

    assert counted(moment, Encoding(unit=Unit.SECONDS)) == 1637535600 + Fraction(1, 10**6)
    assert counted(moment, Encoding(unit=Unit.MINUTES)) == 27292260 + Fraction(1, 60 * 10**6)


@pytest.mark.parametrize("kind", [Kind.INTEGER, Kind.REAL, Kind.NUMERIC])
@pytest.mark.parametrize(
    "number",
    [
        Fraction(5),
        Fraction(11, 2),
        Fraction(-11, 2),
        Fraction(1, 10),
        2**53 + Fraction(1),
        2**60 + Fraction(1, 8),
    ],
)
def test_the_least_value_of_a_column_that_is_not_below_a_line(kind, number):
    found = least(kind, number)

    assert Fraction(found) >= number
    below = {
        Kind.INTEGER: lambda: found - 1,
        Kind.REAL: lambda: math.nextafter(found, -math.inf),
        Kind.NUMERIC: lambda: Fraction(found) - Fraction(1, 10**12),
    }[kind]()
    assert Fraction(below) < number


def test_a_line_that_no_decimal_can_express_is_cut_far_behind_what_clocks_tell():
    found = least(Kind.NUMERIC, Fraction(10**9 + 1, 3))

    assert isinstance(found, Decimal)
    assert abs(Fraction(found) - Fraction(10**9 + 1, 3)) < Fraction(1, 10**20)


@pytest.mark.parametrize(
    ("format_", "wall", "text"),
    [
        (Format.YYYYMMDD, datetime(2021, 11, 22), "20211122"),
        (Format.DD_MM_YYYY, datetime(2021, 11, 22), "20211122"),
        (Format.YYYY_MM, datetime(2021, 11, 22), "2021-11"),
        (Format.YYYYMMDDHHMM, datetime(2021, 11, 22, 10, 30), "202111221030"),
        (Format.YYYYMMDDHHMM, datetime(2021, 11, 22, 10, 30, 0, 1), "202111221031"),
        (Format.YYYYMMDDHHMM, datetime(2021, 11, 22, 23, 59, 1), "202111230000"),
        (Format.YYYYMMDDHHMMSS, datetime(2021, 11, 22, 10, 30, 1), "20211122103001"),
        (Format.YYYYMMDDHHMMSS, datetime(2021, 12, 31, 23, 59, 59, 999_999), "20220101000000"),
        (Format.YYYYMMDDHHMMSS, datetime(9999, 12, 31, 23, 59, 59, 1), ":"),
        (Format.YYYYMMDD, datetime(900, 1, 2), "09000102"),
    ],
)
def test_a_cutoff_as_a_text_is_rounded_up(format_, wall, text):
    """The year has four digits always, also where the C library gives fewer."""
    assert spelled(line(wall.replace(tzinfo=UTC), wall), format_) == text


def test_a_month_has_passed_when_the_next_one_begins():
    last = date(2021, 11, 30)
    for day in (date(2021, 11, 30), date(2021, 12, 1)):
        cutoff = line(datetime(day.year, day.month, day.day, tzinfo=UTC))
        assert (spelled(cutoff, Format.YYYY_MM) > "2021-11") == (last < day)


@pytest.mark.parametrize(
    ("text", "encoding", "value"),
    [
        ("0", Encoding(unit=Unit.SECONDS), datetime(1970, 1, 1, tzinfo=UTC)),
        ("1.7e+09", Encoding(unit=Unit.SECONDS), datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("-0.5", Encoding(unit=Unit.SECONDS), datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)),
        (
            "-63114076800.0",
            Encoding(unit=Unit.SECONDS, epoch=date(2001, 1, 1)),
            None,
        ),
        ("-1.5", Encoding(unit=Unit.DAYS), date(1969, 12, 30)),
        ("NaN", Encoding(unit=Unit.SECONDS), None),
        ("inf", Encoding(unit=Unit.DAYS), None),
        ("1e308", Encoding(unit=Unit.SECONDS), None),
        ("1e15", Encoding(unit=Unit.SECONDS), None),
        ("abc", Encoding(unit=Unit.SECONDS), None),
        ("2024-02", Encoding(format=Format.YYYY_MM), date(2024, 2, 29)),
        ("9999-12", Encoding(format=Format.YYYY_MM), date(9999, 12, 31)),
        ("2024-13", Encoding(format=Format.YYYY_MM), None),
        ("20240230", Encoding(format=Format.YYYYMMDD), None),
        ("29.02.2024", Encoding(format=Format.DD_MM_YYYY), date(2024, 2, 29)),
        ("03/04/2024", Encoding(format=Format.MM_DD_YYYY), date(2024, 3, 4)),
        ("03/04/2024", Encoding(format=Format.DD_SLASH_MM_YYYY), date(2024, 4, 3)),
        ("202402292359", Encoding(format=Format.YYYYMMDDHHMM), datetime(2024, 2, 29, 23, 59)),
        ("20240229235960", Encoding(format=Format.YYYYMMDDHHMMSS), None),
        ("2024-02-29", Encoding(), date(2024, 2, 29)),
        ("2024-02-29 10:00:00 +01:00", Encoding(), datetime.fromisoformat("2024-02-29T10:00+01:00")),
        ("2024-02-29 10:00z", Encoding(format=Format.ISO), datetime(2024, 2, 29, 10, tzinfo=UTC)),
        ("infinity", Encoding(), None),
    ],
)
def test_a_value_read_back(text, encoding, value):
    assert read(text, encoding) == value


def test_what_lies_beyond_the_calendar_begins_with_the_year_10000():
    end = counted_end(Encoding(unit=Unit.SECONDS))

    assert read(str(end - 1), Encoding(unit=Unit.SECONDS)) == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert read(str(end), Encoding(unit=Unit.SECONDS)) is None


def test_every_format_but_iso_has_a_layout():
    assert LAYOUTS.keys() == set(Format) - {Format.ISO}
    assert {each for each in Format if each.digits} == {
        each for each, layout in LAYOUTS.items() if set(layout.shape) == {"9"}
    }


def test_the_page_on_awkward_clocks_tells_units_and_formats_by_true_examples():
    """Each value of its table is read, as the table says, as the 21st of September 2026."""
    rows = re.findall(
        r"^\| `([^|]*)\| `(.*)` ?(?:\(.*\) )?\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    seen = set()
    for values, keys in rows:
        shown = re.findall(r"([\d./-]{4,})`", f"`{values}")
        formats = re.findall(r'"([^"]+)"', keys) if keys.startswith("format") else [""] * len(shown)
        for value, name in zip(shown, formats, strict=True):
            table = {"format": name} if name else tomllib.loads(keys.replace(", ", "\n"))
            unit = Unit(table["unit"]) if "unit" in table else None
            encoding = Encoding(
                unit=unit,
                epoch=date.fromisoformat(table.get("epoch", "1970-01-01")),
                format=Format(name) if name else None,
            )
            moment = read(value, encoding)
            assert moment is not None, value
            day = moment.date() if isinstance(moment, datetime) else moment
            expected = date(2026, 9, 30) if name == "yyyy-mm" else date(2026, 9, 21)
            assert day == expected, (value, keys)
            seen |= {name or unit}
    assert seen >= {*Unit, *(each.value for each in Format if each is not Format.ISO)}
