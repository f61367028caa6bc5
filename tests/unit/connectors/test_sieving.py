"""What a record's own row tells is asked first, and is no other test for that."""

from __future__ import annotations

import itertools
import sqlite3

import pytest

from retention.connectors.sql.batches.sieving import conjuncts, sieved
from retention.connectors.sql.predicates import Compiler
from retention.connectors.sql.sqlite.dialect import Sqlite
from retention.model import predicate as p
from retention.model.catalogue import Kind, TableId

ROOT = p.Source(table=TableId(schema=None, name="visit"), alias="r")
OTHER = p.Source(table=TableId(schema=None, name="hit"), alias="t")


def field(name: str, source: p.Source = ROOT) -> p.Field:
    return p.Field(source=source, column=name, kind=Kind.INTEGER)


A, B, C = (p.Truth(item=field(name)) for name in "abc")
ELSEWHERE = p.Exists(source=OTHER, where=p.SameValues(left=(field("id", OTHER),), right=(field("id"),)))
FATE = p.Choice(
    cases=((p.AnyOf(items=(A, p.Not(item=B))), "kept"), (p.All(items=(B, C)), "late")), otherwise="due"
)
DUE = p.Chosen(choice=FATE, label="due")
TESTS = {
    "all": p.All(items=(A, p.All(items=(B, p.Not(item=C))))),
    "due": DUE,
    "late": p.Chosen(choice=FATE, label="late"),
    "none of": p.Untrue(item=p.AnyOf(items=(A, p.Untrue(item=B), p.IsUnknown(item=C)))),
    "any of": p.AnyOf(items=(A, DUE)),
    "not all": p.Not(item=p.All(items=(A, B))),
    "nothing": p.All(items=()),
    "not any of nothing": p.Untrue(item=p.AnyOf(items=())),
}


@pytest.mark.parametrize("name", TESTS)
def test_a_test_is_true_where_all_that_it_is_split_into_is(name: str) -> None:
    """Whatever is NULL."""
    test = TESTS[name]
    pieces = list(conjuncts(test))
    first, rest = sieved(test, lambda _: False)
    assert passing(test) == passing(p.All(items=tuple(pieces))) == passing(p.All(items=(*first, rest)))


def test_what_other_rows_tell_and_days_that_are_reckoned_come_after_what_the_row_itself_does() -> None:
    day = p.Ending(come=A, latest=None, listed="days", fields=(field("id"),))
    later = p.EndsAfter(left=(day,), right=(day,))
    kept = p.AnyOf(items=(ELSEWHERE, A, later, p.Listed(fields=(field("id"),), name="held"), B))
    found = sieved(p.All(items=(p.Untrue(item=kept), C)), lambda _: False)
    assert found.first == (p.Untrue(item=A), p.Untrue(item=B), C)
    assert [type(item.item) for item in found.rest.items] == [p.Exists, p.EndsAfter, p.Listed]  # type: ignore[union-attr]


@pytest.mark.parametrize("joined", [False, True])
def test_what_is_looked_up_counts_as_the_rows_own_where_it_is_joined(joined: bool) -> None:
    same = p.SameValues(left=(field("id"),), right=(field("id", OTHER),))
    there = p.Lookup(field=field("months", OTHER), where=same, single=True, rows=5)
    known = p.Not(item=p.IsNull(item=p.Whole(item=there, least=1, most=3)))
    found = sieved(p.All(items=(known, A)), lambda _: joined)
    assert found.first == ((known, A) if joined else (A,))


def test_a_long_test_is_asked_first_only_in_part() -> None:
    every = tuple(p.Compare(operator="<>", left=field("a"), right=p.Constant(value=n)) for n in range(2_000))
    found = sieved(p.All(items=every), lambda _: False)
    assert 0 < len(found.first) < len(every)
    assert (*found.first, *found.rest.items) == every  # type: ignore[union-attr]


def passing(test: p.Test) -> list[tuple[int | None, ...]]:
    """The rows of which SQLite finds it true, of all that there can be."""
    dialect = Sqlite()
    sql = dialect.shown(Compiler(dialect).test(test))
    values = list(itertools.product((None, 0, 1), repeat=3))
    with sqlite3.connect(":memory:") as made:
        made.execute("CREATE TABLE visit (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c INTEGER)")
        made.executemany("INSERT INTO visit (a, b, c) VALUES (?, ?, ?)", values)
        found = made.execute(f"SELECT a, b, c FROM visit AS r WHERE {sql} ORDER BY id").fetchall()
    made.close()
    return found
