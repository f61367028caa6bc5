"""Conditions on SQLite, whose columns hold anything: what is none of a column's kind is unknown, and never deletes."""

from __future__ import annotations

import pytest

from tests.support.stores import SqliteStore
from tests.support.workplace import Workplace

DATASET = """
[datasets.things]
data = "things"
table = "things"
subject = "none"
events = {{ made = "made" }}
facts = {{ meant = "{0}" }}
"""


def things(work: Workplace, sqlite: SqliteStore, where: str, *values: str) -> None:
    sqlite.script(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, made TIMESTAMP, n INTEGER, x NUMERIC(8, 2), live BOOLEAN)"
    )
    for number, value in enumerate(values, 1):
        sqlite.script(
            f"INSERT INTO things VALUES ({number}, '2015-01-01 10:00:00', {value}, {value}, {value})"
        )
    work.connect(sqlite, DATASET.format(where))
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"\nwhere = "meant"')


@pytest.mark.parametrize(
    "where",
    [
        "n > 100",
        "x >= 101",
        "n IN (500, 600)",
        "abs(x) > 100",
        "coalesce(n, 500) > 100",
        "coalesce(abs(n), 500) > 100",
    ],
)
def test_what_is_no_number_is_neither_more_nor_less(work: Workplace, sqlite: SqliteStore, where: str) -> None:
    """A text is more than any number there: 'unknown', '' and a blob were due, and went."""
    things(work, sqlite, where, "500", "7", "'unknown'", "''", "x'33'", "'600'")
    fates = work.each("things")
    assert fates == {
        "1": "due", "2": "out_of_scope", "3": "unclear", "4": "unclear", "5": "unclear", "6": "due",
    }  # fmt: skip


@pytest.mark.parametrize("where", ["coalesce(n, x) IS NULL", "abs(n) IS NULL"])
def test_what_is_no_number_is_no_null_either(work: Workplace, sqlite: SqliteStore, where: str) -> None:
    things(work, sqlite, where, "NULL", "7", "'unknown'")
    assert work.each("things") == {"1": "due", "2": "out_of_scope", "3": "unclear"}


@pytest.mark.parametrize("where", ["live", "live = true", "NOT (live = false)"])
def test_what_is_neither_true_nor_false_is_unknown(work: Workplace, sqlite: SqliteStore, where: str) -> None:
    """'false' was true."""
    things(work, sqlite, where, "1", "0", "'false'", "'yes'", "NULL")
    assert work.each("things") == {
        "1": "due",
        "2": "out_of_scope",
        "3": "unclear",
        "4": "unclear",
        "5": "unclear",
    }


@pytest.mark.parametrize(
    "where", ["made < '2020-01-01T00:00:00'", "n > 1 AND made > '2019'", "made IN ('2020-01-01')"]
)
def test_dates_that_are_texts_are_not_compared_in_conditions(
    work: Workplace, sqlite: SqliteStore, where: str
) -> None:
    """A day with a blank and an hour sorts before one with a T: two rows more went than were meant."""
    things(work, sqlite, where, "500")
    (problem,) = work.problems()
    assert problem.key == "datasets.things.facts.meant"
    assert "`made` is TIMESTAMP, which the database keeps as text" in problem.found
    assert "`from`, `until`, `upon`" in problem.write


@pytest.mark.parametrize(("where", "due"), [("day >= '2020-01-01'", "2"), ("day < '2020-01-01'", "1")])
def test_days_are_compared_with_a_day_and_what_is_none_is_unknown(
    work: Workplace, sqlite: SqliteStore, where: str, due: str
) -> None:
    """'unknown', and 18:30 of a day, were later than the day."""
    days = ["2019-12-31", "2020-01-01", "unknown", "2020-01-01 18:30", ""]
    rows = ", ".join(f"({n}, '2015-01-01 10:00:00', '{day}')" for n, day in enumerate(days, 1))
    sqlite.script(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, made TIMESTAMP, day DATE);"
        + f"INSERT INTO things VALUES {rows}"
    )
    work.connect(sqlite, DATASET.format(where))
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"\nwhere = "meant"')
    fates = work.each("things")
    assert {key for key, fate in fates.items() if fate == "due"} == {due}
    assert {key for key, fate in fates.items() if fate == "unclear"} == {"3", "4", "5"}
