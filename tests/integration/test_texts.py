"""A run's statements are made once: however many batches it takes, the texts are the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.stores import SqliteStore
from tests.support.workplace import Workplace

DATASETS = """
[datasets.orders]
data      = "orders"
table     = "orders"
events    = { made = "made" }
anonymize = { words = "redact" }
[datasets.lines]
data   = "lines"
table  = "lines"
events = { made = "made" }
"""


@contextmanager
def texts() -> Iterator[set[str]]:
    said: set[str] = set()

    def executed(_connection: object, _cursor: object, statement: str, *_: Any) -> None:
        if "goes1" in statement:
            said.add(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", executed)
    try:
        yield said
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", executed)


def ran(work: Workplace, sqlite: SqliteStore, many: int) -> set[str]:
    sqlite.script("DELETE FROM lines; DELETE FROM orders")
    rows = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many})"
    sqlite.script(
        f"INSERT INTO orders {rows} SELECT i, '2020-05-05 10:00:00', 'torn' FROM n;"
        f"INSERT INTO lines {rows} SELECT i, i, '2020-05-05 10:00:00' FROM n"
    )
    with texts() as said:
        done = {job.rule: job.done for job in work.run().jobs}
    assert done == {"orders": many, "lines": 0}
    return said


def test_a_longer_run_has_no_more_texts_than_a_short_one(
    work: Workplace, sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What looks for due records was made anew for each window, under other aliases, and each text was kept."""
    monkeypatch.setattr("retention.engine.pace.MOST", 100)
    monkeypatch.setattr("retention.engine.pace.Pace.size", 100)
    sqlite.script(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, made TEXT, words TEXT);"
        "CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id), made TEXT);"
        "CREATE INDEX lines_of ON lines (order_id)"
    )
    work.connect(sqlite, DATASETS)
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "made"\notherwise = ["pseudonymize"]')
    work.rule("lines", 'data = "lines"\nkeep = "20 years"\nfrom = "made"')
    short = ran(work, sqlite, 250)
    assert len(short) > 1
    assert len(ran(work, sqlite, 1_250)) == len(short)
