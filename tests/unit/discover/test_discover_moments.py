"""Numbers that are points in time: their unit is told by most of them, or it is not known."""

from __future__ import annotations

import pytest

from retention.connectors.port import Look, Seen
from retention.discover.moments import Moment, as_toml, own_moments
from retention.model.catalogue import Catalogue, Column, Kind, Relation, Table, TableId


def moment(last: str, first: str = "1", middle: str | None = None) -> Moment:
    column = Column(name="created_at", kind=Kind.INTEGER, type="BIGINT")
    table = Table(
        id=TableId(schema=None, name="t"), relation=Relation.TABLE, columns={"created_at": column}, key=()
    )
    catalogue = Catalogue(tables={table.id: table}, references=())
    look = Look(
        rows=2, whole=True, columns={"created_at": Seen(first=first, last=last, nulls=0, middle=middle)}
    )
    (found,) = own_moments(catalogue, table, look)
    return found


@pytest.mark.parametrize(
    ("last", "unit", "day"),
    [
        ("1700000000", "s", "2023-11-14"),
        ("1700000000000", "ms", "2023-11-14"),
        ("1700000000000000", "us", "2023-11-14"),
        ("1700000000.5", "s", "2023-11-14"),
    ],
)
def test_a_unit_is_told_by_the_greatest_value(last: str, unit: str, day: str) -> None:
    found = moment(last, first="1600000000" if unit == "s" else last)
    assert found.value is not None
    assert as_toml(found.value) == f'{{ column = "created_at", unit = "{unit}" }}'
    assert found.days is not None
    assert found.days[1] == day


@pytest.mark.parametrize(
    "last",
    ["0", "12", "725846400", "13245678901234567", "45000", "20231114", "not a number", "9" * 400],
    ids=[
        "zero",
        "count",
        "seconds since 2001",
        "microseconds since 1601",
        "days",
        "yyyymmdd",
        "text",
        "huge",
    ],
)
def test_what_may_be_another_unit_is_left_to_a_person(last: str) -> None:
    assert moment(last).value is None


def test_zero_is_no_date_where_it_stands_for_none() -> None:
    found = moment("1700000000", first="0")
    assert found.value is not None
    assert as_toml(found.value).endswith("never = [0] }")
    assert (found.days, found.last_day) == (None, "2023-11-14")


@pytest.mark.parametrize(
    ("middle", "last", "unit"),
    [
        ("1700000000", "1700000000000", "s"),
        ("1700000000000", "1700000000000000", "ms"),
        ("1000000000", "1700000000", "s"),  # most are of 2001
        ("1000000000", "1700000000000", None),  # of milliseconds it would be January 1970
    ],
)
def test_the_bulk_tells_the_unit_and_the_greatest_only_where_it_agrees(
    middle: str, last: str, unit: str | None
) -> None:
    assert moment(last, middle=middle).unit == unit
