"""Accounts by their last order, where one run removes orders, and then accounts: none goes in another's place."""

from __future__ import annotations

import pytest

from retention.connectors.sql.target import SqlTarget
from retention.planning.work import Work
from tests.support.workplace import Workplace

DATASETS = """
[datasets.customers]
data = "customers"
table = "customers"
subject = { customer = "id" }
events = { active = { latest = ["created", "orders.placed"] }, left = "gone" }

[datasets.orders]
data = "orders"
table = "orders"
subject = { customer = "customer_id" }
events = { placed = "placed", paid = "paid", closed = "closed" }
"""
INACTIVE = 'data = "customers"\nkeep = "2 years"\nfrom = "active"\naction = "delete"'
SHORT = 'data = "orders"\nkeep = "1 year"\nfrom = "placed"\naction = "delete"'
LONG = SHORT.replace("1 year", "5 years")


@pytest.fixture
def written_down(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The datasets of which due records were written down before the first batch."""
    found: list[str] = []
    remember = SqlTarget.remember

    def spy(target: SqlTarget, work: Work):
        found.append(str(work.bound))
        return remember(target, work)

    monkeypatch.setattr(SqlTarget, "remember", spy)
    return found


@pytest.fixture
def shop(work: Workplace, store) -> Workplace:
    """1 ordered a year and a half ago, 2 never, 3 long ago, and 4 is new."""
    store.script(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, created TIMESTAMP NOT NULL, gone TIMESTAMP NULL);"
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, placed TIMESTAMP NOT NULL,"
        " paid TIMESTAMP NULL, closed TIMESTAMP NULL, FOREIGN KEY (customer_id) REFERENCES customers (id));"
        "CREATE INDEX of_customer ON orders (customer_id);"
        "INSERT INTO customers (id, created) VALUES (1, '2001-01-01 00:00:00'), (2, '2001-01-01 00:00:00'),"
        " (3, '2001-01-01 00:00:00'), (4, '2026-01-01 00:00:00');"
        "INSERT INTO orders (id, customer_id, placed) VALUES (1, 1, '2025-05-01 00:00:00'),"
        " (2, 3, '2011-01-01 00:00:00')"
    )
    work.store = store
    work.connect(store, DATASETS)
    return work


def left(shop: Workplace) -> tuple[list[int], list[int]]:
    """Customers and orders."""
    customers = [n for (n,) in shop.store.rows("SELECT id FROM customers ORDER BY id")]
    return customers, [n for (n,) in shop.store.rows("SELECT id FROM orders ORDER BY id")]


def test_whose_last_order_goes_is_not_taken_for_one_that_was_planned(
    shop: Workplace, written_down: list[str]
) -> None:
    """By the date of its making 1 was due as soon as its order had gone: it went in the place of 3, or of 2."""
    shop.rule("inactive", INACTIVE)
    shop.rule("orders", SHORT)
    shop.init()
    assert shop.job("inactive").due == 2
    outcome = shop.run()
    assert left(shop) == ([1, 4], [])
    assert [(job.planned, job.done) for job in outcome.jobs if job.rule == "inactive"] == [(2, 2)]
    assert written_down == ["db.customers"]
    assert shop.job("inactive").due == 1  # of the next run


def test_where_orders_are_kept_longer_than_accounts_nothing_is_written_down(
    shop: Workplace, written_down: list[str]
) -> None:
    """What goes is older than what the accounts' line is drawn at: without it they are as due as they were."""
    shop.rule("inactive", INACTIVE)
    shop.rule("orders", LONG)
    shop.init()
    shop.run()
    assert left(shop) == ([1, 4], [1])
    assert written_down == []


@pytest.mark.parametrize(
    "orders",
    [
        LONG.replace("placed", "paid"),
        LONG + '\nuntil = ["closed"]',
        LONG + '\n[[rules.orders.exceptions]]\nwhen = "unpaid"\nkeep = "6 months"',
        'data = "orders"\nupon = ["closed"]\naction = "delete"',
    ],
    ids=["by another date", "by an end besides", "by an exception", "on demand"],
)
def test_where_that_can_not_be_told_it_is_written_down(
    shop: Workplace, written_down: list[str], orders: str
) -> None:
    facts = 'facts = { unpaid = "paid IS NULL" }\n'
    shop.connect(shop.store, DATASETS + facts)
    shop.store.script("UPDATE orders SET paid = '2011-01-01 00:00:00', closed = '2011-01-01 00:00:00'")
    shop.rule("inactive", INACTIVE)
    shop.rule("orders", orders)
    shop.init()
    assert shop.job("inactive").due == 2
    shop.run()
    assert 1 in left(shop)[0]
    assert written_down == ["db.customers"]


def test_where_accounts_can_be_put_off_it_is_written_down(shop: Workplace, written_down: list[str]) -> None:
    """3 is put off, since by its last order the longest for that is not over; without the order it was."""
    shop.connect(
        shop.store,
        DATASETS.replace("[datasets.orders]", 'facts = { left = "gone IS NOT NULL" }\n[datasets.orders]'),
    )
    shop.store.script("UPDATE customers SET gone = '2026-01-01 00:00:00' WHERE id = 3")
    shop.rule("inactive", INACTIVE + '\nat_most = "20 years"\ndefer_while = "left"')
    shop.rule("orders", LONG)
    shop.init()
    assert shop.fates("inactive") == {"not_due": 2, "deferred": 1, "due": 1}
    shop.run()
    assert left(shop) == ([1, 3, 4], [1])
    assert written_down == ["db.customers"]


def test_of_two_rules_the_one_that_ended_last_acts_though_what_told_so_goes_first(
    shop: Workplace, written_down: list[str]
) -> None:
    """3 is the first rule's, by its last order; by the date of its making alone it would be the other's."""
    shop.rule("inactive", INACTIVE)
    shop.rule("leavers", 'data = "customers"\nupon = ["left"]\naction = "delete"')
    shop.rule("orders", LONG)
    shop.store.script("UPDATE customers SET gone = '2010-02-01 00:00:00' WHERE id IN (2, 3)")
    shop.init()
    planned = {rule: shop.job(rule).due for rule in ("inactive", "leavers")}
    assert planned == {"inactive": 1, "leavers": 1}
    jobs = {job.rule: job.done for job in shop.run().jobs}
    assert {rule: jobs[rule] for rule in planned} == planned
    assert left(shop) == ([1, 4], [1])
    assert written_down == ["db.customers", "db.customers"]


def test_another_rule_by_the_last_order_may_not_end_with_it(shop: Workplace, written_down: list[str]) -> None:
    """Who asks to go is kept by the last order. That goes first; the account is the next run's."""
    shop.rule("inactive", INACTIVE)
    shop.rule("leavers", 'data = "customers"\nupon = ["left"]\naction = "delete"')
    shop.rule("orders", SHORT)
    shop.store.script("UPDATE customers SET gone = '2026-02-01 00:00:00' WHERE id IN (1, 2)")
    shop.init()
    assert (shop.job("leavers").due, shop.job("inactive").due) == (1, 1)  # 2, and 3
    shop.run()
    assert left(shop) == ([1, 4], [])
    assert written_down == ["db.customers", "db.customers"]


BESIDE = """
[datasets.customers]
data = "customers"
table = "customers"
subject = { customer = "id" }
events = { active = "created" }
fields = { name = ["name"] }
anonymize = { name = "redact", mail = "redact" }

[datasets.orders]
data = "orders"
table = "orders"
subject = { customer = "customer_id" }
events = { last = { latest = ["placed", "shipments.sent"] } }
anonymize = { note = "redact" }

[datasets.shipments]
data = "shipments"
table = "shipments"
subject = "none"
events = { sent = "sent" }
"""


def test_what_an_order_needs_of_its_customer_stays_though_its_last_shipment_goes_first(
    work: Workplace, store
) -> None:
    """Order 1 is kept by its shipment. Without that it seemed to need nothing any more: the name was rewritten."""
    store.script(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, created TIMESTAMP NOT NULL, name VARCHAR(20),"
        " mail VARCHAR(20));"
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, placed TIMESTAMP NOT NULL,"
        " note VARCHAR(20), FOREIGN KEY (customer_id) REFERENCES customers (id));"
        "CREATE INDEX of_customer ON orders (customer_id);"
        "CREATE TABLE shipments (id INTEGER PRIMARY KEY, order_id INTEGER, sent TIMESTAMP NOT NULL,"
        " FOREIGN KEY (order_id) REFERENCES orders (id)); CREATE INDEX of_order ON shipments (order_id);"
        "INSERT INTO customers VALUES (1, '2001-01-01 00:00:00', 'Ann', 'a@x'),"
        " (2, '2001-01-01 00:00:00', 'Bob', 'b@x');"
        "INSERT INTO orders VALUES (1, 1, '2010-01-01 00:00:00', 'n'), (2, 2, '2010-01-01 00:00:00', 'm');"
        "INSERT INTO shipments VALUES (1, 1, '2024-06-01 00:00:00')"
    )
    work.connect(store, BESIDE)
    work.rule("shipments", 'data = "shipments"\nkeep = "1 year"\nfrom = "sent"')
    needs = 'basis = "legal obligation"\nneeds = { customers = ["name"] }\naction = "pseudonymize"'
    work.rule("orders", f'data = "orders"\nkeep = "5 years"\nfrom = "last"\n{needs}')
    work.rule("inactive", 'data = "customers"\nkeep = "2 years"\nfrom = "active"\naction = "pseudonymize"')
    work.init()
    work.run()
    names = store.rows("SELECT id, name, mail FROM customers ORDER BY id")
    assert [tuple(row) for row in names] == [(1, "Ann", "[redacted]"), (2, "[redacted]", "[redacted]")]
    assert [n for (n,) in store.rows("SELECT note FROM orders ORDER BY id")] == ["n", "[redacted]"]


def test_a_part_stays_with_the_record_that_a_row_kept_which_goes_first(work: Workplace, store) -> None:
    """Link 1 is a part of letter 1 and of case 1, which is kept by its log. Without that the case seemed to go as well:
    the letter went, with the link, in the place of letter 2."""
    store.script(
        "CREATE TABLE letters (id INTEGER PRIMARY KEY, at TIMESTAMP NOT NULL);"
        "CREATE TABLE cases (id INTEGER PRIMARY KEY, at TIMESTAMP NOT NULL);"
        "CREATE TABLE logs (id INTEGER PRIMARY KEY, case_id INTEGER, at TIMESTAMP NOT NULL,"
        " FOREIGN KEY (case_id) REFERENCES cases (id)); CREATE INDEX of_case ON logs (case_id);"
        "CREATE TABLE links (id INTEGER PRIMARY KEY, letter_id INTEGER, case_id INTEGER,"
        " FOREIGN KEY (letter_id) REFERENCES letters (id), FOREIGN KEY (case_id) REFERENCES cases (id));"
        "CREATE INDEX by_letter ON links (letter_id); CREATE INDEX by_case ON links (case_id);"
        "INSERT INTO letters VALUES (1, '2001-01-01 00:00:00'), (2, '2001-01-01 00:00:00');"
        "INSERT INTO cases VALUES (1, '2001-01-01 00:00:00'), (2, '2001-01-01 00:00:00');"
        "INSERT INTO links VALUES (1, 1, 1), (2, 2, 2); INSERT INTO logs VALUES (1, 1, '2024-12-01 00:00:00')"
    )
    words = '[datasets.{0}]\ndata = "{0}"\ntable = "{0}"\nsubject = "none"\nevents = {{ at = {1} }}\n{2}'
    parts = 'parts = ["links"]\n'
    work.connect(
        store,
        words.format("letters", '"at"', parts)
        + words.format("cases", '{ latest = ["at", "logs.at"] }', parts)
        + words.format("logs", '"at"', ""),
    )
    for name, years in (("logs", 1), ("letters", 1), ("cases", 2)):
        work.rule(name, f'data = "{name}"\nkeep = "{years} years"\nfrom = "at"')
    work.init()
    work.run()
    left = {
        table: [row[0] for row in store.rows(f"SELECT id FROM {table}")]
        for table in ("letters", "cases", "links")
    }
    assert left == {"letters": [1], "cases": [1], "links": [1]}
