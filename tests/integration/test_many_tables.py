"""A server's catalogue is read in as many statements as it has kinds of things, however many tables it has.

(SQLite tells of one table at a time, without a round trip.)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from retention.verbs.opening import prepared
from tests.support.stores import SqliteStore, Store
from tests.support.workplace import Workplace

THINGS = """
[datasets.things]
data   = "things"
table  = "t0"
parts  = ["p0"]
events = { made = "made" }
"""


def tables(first: int, last: int) -> str:
    """Roots, a part of each, and an index."""
    return ";".join(
        f"CREATE TABLE t{n} (id INT PRIMARY KEY, made DATE);"
        f"CREATE TABLE p{n} (id INT PRIMARY KEY, t INT NOT NULL, FOREIGN KEY (t) REFERENCES t{n} (id));"
        f"CREATE INDEX p{n}_t ON p{n} (t)"
        for n in range(first, last)
    )


@contextmanager
def counted() -> Iterator[list[str]]:
    """Every statement that SQLAlchemy sends."""
    found: list[str] = []

    def seen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", seen)
    try:
        yield found
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", seen)


@pytest.mark.parametrize("store", ["postgresql", "mariadb"], indirect=True)
def test_other_tables_cost_check_and_plan_no_statement(work: Workplace, store: Store) -> None:
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    store.script(tables(0, 2) + "; INSERT INTO t0 VALUES (1, '2020-01-01')")
    work.connect(store, THINGS)
    numbers = []
    for _ in range(2):
        with counted() as statements:
            assert work.problems() == ()
            assert work.job("things").due == 1
        numbers.append(len(statements))
        store.script(tables(2 + 20 * len(numbers), 22 + 20 * len(numbers)))

    assert numbers[0] > 3
    assert numbers[1] == numbers[0]


def test_a_rule_of_many_datasets_is_resolved_once(
    work: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for each of its datasets made a plan of 250 take half a minute beyond the counting."""
    resolved = []
    real = prepared.resolved_form
    monkeypatch.setattr(
        prepared, "resolved_form", lambda config, rule: resolved.append(rule) or real(config, rule)
    )
    store = SqliteStore(tmp_path / "many.db")
    store.script(tables(0, 3))
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    work.connect(store, "".join(THINGS.replace("things]", f"t{n}]").replace("0", str(n)) for n in range(3)))

    plan = work.plan()

    assert resolved == ["things"]
    assert len(plan.jobs) == 3
    assert len({job.form for job in plan.jobs}) == 1
