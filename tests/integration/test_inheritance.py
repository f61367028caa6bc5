"""Tables that others inherit from, on PostgreSQL: only the named table's own rows are its records."""

from __future__ import annotations

import pytest

from tests.support.stores import PostgresqlStore, changed
from tests.support.workplace import Workplace, removed

OLD, NEW = "'2020-01-01 00:00:00'", "'2026-11-01 00:00:00'"
SHOP = f"""
CREATE TABLE orders (id INTEGER PRIMARY KEY, created TIMESTAMP, parent INTEGER REFERENCES orders (id));
CREATE INDEX ON orders (parent);
CREATE TABLE large (weight INTEGER, PRIMARY KEY (id)) INHERITS (orders);
CREATE TABLE huge (PRIMARY KEY (id)) INHERITS (large);
CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id), sent TIMESTAMP);
CREATE INDEX ON lines (order_id);
CREATE TABLE gifts (PRIMARY KEY (id)) INHERITS (lines);
CREATE INDEX ON gifts (order_id);
INSERT INTO orders VALUES (1, {OLD}), (2, {NEW}), (3, {OLD}), (4, {OLD});
INSERT INTO large VALUES (1, {OLD}, NULL, 5), (3, {OLD}, 3, 5), (9, {OLD}, NULL, 5);
INSERT INTO huge VALUES (1, {OLD}, NULL, 50), (8, {OLD}, NULL, 50);
INSERT INTO lines VALUES (10, 1, {OLD}), (11, 2, {OLD});
INSERT INTO gifts VALUES (10, 1, {NEW}), (12, 3, {NEW});
"""


def dataset(table: str = "orders", more: str = 'parts = ["lines"]', event: str = '"created"') -> str:
    return f'[datasets.orders]\ndata = "orders"\ntable = "{table}"\nevents = {{ booked = {event} }}\n{more}'


@pytest.fixture
def shop(work: Workplace, postgresql: PostgresqlStore) -> Workplace:
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "booked"')
    postgresql.script(SHOP)
    return work


def test_what_inherits_is_neither_counted_nor_removed(shop: Workplace, postgresql: PostgresqlStore) -> None:
    shop.connect(postgresql, dataset())
    before = postgresql.snapshot()

    job = shop.job("orders")
    assert (job.total, job.due, dict(job.rows)) == (4, 3, {"public.orders": 3, "public.lines": 1})
    assert removed(shop.run()) == {"public.orders": 3, "public.lines": 1}

    assert changed(before, postgresql.snapshot()) == {"orders": (3, 0), "lines": (1, 0)}


@pytest.mark.parametrize(
    ("table", "total", "survivors"), [("large", 3, []), ("huge", 2, [1, 3, 9])], ids=["in between", "a child"]
)
def test_a_table_that_inherits_is_one_of_its_own(
    shop: Workplace, postgresql: PostgresqlStore, table: str, total: int, survivors: list[int]
) -> None:
    shop.connect(postgresql, dataset(table, ""))
    before = postgresql.snapshot()

    assert shop.fates("orders") == {"due": total}
    shop.run()

    assert changed(before, postgresql.snapshot()) == {table: (total, 0)}
    assert postgresql.rows("SELECT id FROM ONLY large ORDER BY id") == [(n,) for n in survivors]


def test_an_event_is_not_read_from_what_inherits(shop: Workplace, postgresql: PostgresqlStore) -> None:
    """Order 1 has an old line; the gift of the same order that was sent lately is a row of another table."""
    shop.connect(postgresql, dataset(event='"lines.sent"'))

    assert shop.each("orders") == {"1": "due", "2": "due", "3": "undated", "4": "undated"}


def test_a_leaf_by_page_ranges_leaves_what_inherits(work: Workplace, postgresql: PostgresqlStore) -> None:
    """The fastest way, too: nothing refers to it, and all of it is due."""
    postgresql.script(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, at TIMESTAMP);"
        "CREATE TABLE archived (PRIMARY KEY (id)) INHERITS (visits);"
        f"INSERT INTO visits SELECT i, {OLD} FROM generate_series(1, 3000) s(i);"
        f"INSERT INTO archived SELECT i, {OLD} FROM generate_series(2000, 5000) s(i)"
    )
    work.rule("visits", 'data = "visits"\nkeep = "1 year"\nfrom = "at"')
    work.connect(postgresql, '[datasets.visits]\ndata = "visits"\ntable = "visits"\nevents = { at = "at" }')

    assert work.fates("visits") == {"due": 3000}
    assert work.run().jobs[0].done == 3000
    assert postgresql.rows("SELECT count(*) FROM archived") == [(3001,)]


def test_every_statement_names_only_the_table_itself(shop: Workplace, postgresql: PostgresqlStore) -> None:
    shop.connect(postgresql, dataset())

    for statement in shop.statements():
        for name in ("orders", "lines"):
            told = f'"public"."{name}"'
            assert statement.sql.count(told) == statement.sql.count(f"ONLY {told}"), statement.purpose


def test_a_relation_from_a_table_that_inherits_counts_that_table_alone(
    shop: Workplace, postgresql: PostgresqlStore
) -> None:
    shop.connect(
        postgresql, dataset(more='relations = ["gifts.order_id -> orders.id"]\nparts = ["lines", "gifts"]')
    )

    assert shop.job("orders").rows == {"public.orders": 3, "public.lines": 1, "public.gifts": 2}
    shop.run()
    assert postgresql.rows("SELECT count(*) FROM lines") == [(1,)]
