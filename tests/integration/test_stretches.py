"""On MariaDB candidates that lie close together are looked at from the first to the last, and not by their keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import pytest
import sqlalchemy as sa

from tests.integration.test_told_fates import hold
from tests.support.mariadb import MariadbStore
from tests.support.workplace import Workplace

VISITS = """
[datasets.visits]
data    = "visits"
table   = "visits"
subject = { email = "email" }
events  = { seen = { latest = ["at", "calls.at"] } }
parts   = ["calls"]
"""
BY_STRETCH = "first_of_stretch"
OLD, NEW = "2020-01-01", "2026-11-01"


@pytest.fixture
def visits(work: Workplace, mariadb: MariadbStore, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """Windows of ten visits."""
    monkeypatch.setattr("retention.connectors.sql.mysql.dialect.Mysql.most_keys", 10)
    mariadb.script(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, at DATE, email VARCHAR(40));"
        "CREATE TABLE calls (id INTEGER PRIMARY KEY, at DATE, visit_id INTEGER REFERENCES visits (id));"
        "CREATE INDEX calls_visit ON calls (visit_id)"
    )
    work.connect(mariadb, VISITS)
    work.rule("visits", 'data = "visits"\nkeep = "1 year"\nfrom = "seen"')
    return work


def fill(store: MariadbStore, ids: list[int]) -> list[int]:
    """Of three visits one is old, one old with a call of late, and one new: the ids of the first."""
    store.script("DELETE FROM calls; DELETE FROM visits")
    rows = ", ".join(f"({n}, '{NEW if i % 3 == 2 else OLD}', 'p{n}')" for i, n in enumerate(ids))
    calls = ", ".join(f"({i + 1}, '{NEW}', {n})" for i, n in enumerate(ids) if i % 3 == 1)
    store.script(f"INSERT INTO visits VALUES {rows}; INSERT INTO calls VALUES {calls}")
    return ids[::3]


def left(store: MariadbStore) -> set[int]:
    return {n for (n,) in store.rows("SELECT id FROM visits")}


@contextmanager
def looks() -> Iterator[list[str]]:
    """The statements that look for what is due among a window's candidates."""
    found: list[str] = []

    def executed(_connection: object, _cursor: object, statement: str, *_: Any) -> None:
        if "`calls`" in statement and "`visits`" in statement and "late" not in statement:
            found.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", executed)
    try:
        yield found
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", executed)


def looked(work: Workplace) -> list[str]:
    with looks() as found:
        work.run()
    return found


def test_windows_lie_between_two_keys_and_a_longer_run_has_no_more_texts(
    visits: Workplace, mariadb: MariadbStore
) -> None:
    texts: list[set[str]] = []
    for many in (45, 245):
        ids = list(range(-20, many - 20))
        due = fill(mariadb, ids)
        texts.append(set(looked(visits)))
        assert left(mariadb) == {*ids} - {*due}
    assert len(texts[0]) == len(texts[1])
    assert sum(BY_STRETCH in text for text in texts[1]) == 1


def test_what_lies_far_apart_is_asked_for_by_its_keys(visits: Workplace, mariadb: MariadbStore) -> None:
    ids = [*range(60), *range(1_000, 61_000, 1_000), *range(70_000, 70_060)]
    due = fill(mariadb, ids)
    found = looked(visits)
    assert left(mariadb) == {*ids} - {*due}
    ways = "".join(way for way, _ in groupby("stretch " if BY_STRETCH in text else "keys " for text in found))
    assert "stretch keys stretch" in ways


def test_what_is_held_between_two_keys_is_kept(visits: Workplace, mariadb: MariadbStore) -> None:
    ids = list(range(1, 61))
    due = fill(mariadb, ids)
    visits.init()
    hold(visits, "--subject", f"email=p{due[3]}")
    found = looked(visits)
    assert left(mariadb) == {*ids} - {*due} | {due[3]}
    assert any(BY_STRETCH in text for text in found)
