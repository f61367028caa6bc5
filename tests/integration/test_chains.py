"""Chains of actions on three databases: the first that nothing stops, column by column, tried again at every run."""

from __future__ import annotations

import json

import pytest

from tests.support.workplace import Workplace, adds_up

TABLES = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(40), phone VARCHAR(30), city VARCHAR(30),
 newsletter VARCHAR(30), seen_at TIMESTAMP {null}, closed_at TIMESTAMP {null}, restricted_at TIMESTAMP {null});
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, booked_at TIMESTAMP {null},
 FOREIGN KEY (customer_id) REFERENCES customers (id));
CREATE INDEX orders_customer ON orders (customer_id);
INSERT INTO customers VALUES
 (1, 'Ann Canary', '555', 'Oslo', 'yes', '2020-01-01 00:00:00', NULL, NULL),
 (2, 'Bo Canary', '556', 'Bergen', 'yes', '2020-01-01 00:00:00', NULL, NULL),
 (3, 'Cy Canary', '557', 'Oslo', 'yes', '2026-11-01 00:00:00', NULL, NULL);
INSERT INTO orders VALUES (10, 1, '2026-01-01 00:00:00'), (20, 2, '2020-06-01 00:00:00')
"""
CUSTOMERS = """
[datasets.accounts]
data = "accounts"
table = "customers"
events = {{ seen = "seen_at", closed = "closed_at" }}
fields = {{ name = ["name"], address = ["city"] }}
anonymize = {{ name = "redact", phone = "null", city = "redact" }}
{more}
"""
ORDERS = """
[datasets.orders]
data = "orders"
table = "orders"
events = { booked = "booked_at" }
"""
NEWSLETTER = """
[datasets.newsletter]
data = "newsletter"
table = "customers"
columns = ["newsletter"]
events = { closed = "closed_at" }
anonymize = { newsletter = "null" }
"""
INACTIVE = 'data = "accounts"\nkeep = "24 months"\nfrom = "seen"\notherwise = ["pseudonymize"]'
BOOKS = 'data = "orders"\nkeep = "5 years"\nfrom = "booked"\nbasis = "legal obligation"'
GONE = ("[redacted]", None, "[redacted]")


@pytest.fixture
def shop(work, store):
    made = TABLES.format(null="NULL" if store.kind == "mariadb" else "")
    (store.verbatim if store.kind == "mariadb" else store.script)(made)
    work.store = store
    return connected(work)


def connected(work, *, more: str = "", others: str = "") -> Workplace:
    work.connect(work.store, CUSTOMERS.format(more=more) + ORDERS + others)
    return work


def person(shop: Workplace, id_: int) -> tuple[object, ...] | None:
    rows = shop.store.rows(f"SELECT name, phone, city FROM customers WHERE id = {id_}")
    return tuple(rows[0]) if rows else None


def outcomes(shop: Workplace) -> dict[str, int]:
    found = shop.run().jobs
    assert all(adds_up(job) for job in found)
    assert {job.status.value for job in found} <= {"done", "nothing"}, found
    return {job.rule: job.done for job in found}


def batches(shop: Workplace) -> list[tuple[str, str, int]]:
    data = [event["data"] for event in shop.events() if event["type"] == "batch.committed"]
    return [(d["job"].split("/")[0], d.get("action", "delete"), d["count"]) for d in data]


def test_an_account_with_kept_orders_is_rewritten_and_deleted_when_the_last_went(shop: Workplace):
    """Customers 1 and 2 are inactive; an order of 1 must stay, that of 2 goes in the same run."""
    shop.rule("inactive", INACTIVE)
    shop.rule("books", BOOKS)
    assert not shop.problems()
    assert shop.job("inactive").actions == {"delete": 1, "pseudonymize": 1}
    assert outcomes(shop) == {"inactive": 2, "books": 1}
    assert (person(shop, 1), person(shop, 2)) == (GONE, None)
    assert person(shop, 3) == ("Cy Canary", "557", "Oslo")
    assert shop.fates("inactive") == {"done": 1, "not_due": 1}
    assert outcomes(shop) == {"inactive": 0, "books": 0}
    shop.store.script("UPDATE orders SET booked_at = '2020-01-01 00:00:00' WHERE id = 10")
    assert shop.job("inactive").actions == {"delete": 1, "pseudonymize": 0}
    assert outcomes(shop) == {"inactive": 1, "books": 1}
    assert person(shop, 1) is None
    assert sorted(batches(shop)) == [
        ("books", "delete", 1),
        ("books", "delete", 1),
        ("inactive", "delete", 1),
        ("inactive", "delete", 1),
        ("inactive", "pseudonymize", 1),
    ]
    assert "Canary" not in json.dumps(shop.events())


def test_what_a_kept_order_needs_stays_readable_until_it_goes(shop: Workplace):
    shop.rule("inactive", INACTIVE)
    shop.rule("books", BOOKS + '\nneeds = { accounts = ["name"] }')
    assert outcomes(shop) == {"inactive": 2, "books": 1}
    assert person(shop, 1) == ("Ann Canary", None, "[redacted]")
    assert shop.fates("inactive") == {"done": 1, "not_due": 1}
    view = next(v for v in shop.explain("db.accounts", "1").rules if v.rule == "inactive")
    assert (view.fate, {stop.by for stop in view.stopped_by} & {"books"}) == ("done", {"books"})
    shop.rule("books", BOOKS)
    assert shop.fates("inactive") == {"due": 1, "not_due": 1}
    assert outcomes(shop) == {"inactive": 1, "books": 0}
    assert person(shop, 1) == GONE


def test_what_can_neither_go_nor_be_rewritten_is_restricted_until_it_can(shop: Workplace):
    connected(shop, more='restrict = { mark = "restricted_at" }')
    shop.rule("inactive", INACTIVE.replace('["pseudonymize"]', '["pseudonymize", "restrict"]'))
    shop.rule("books", BOOKS + '\nneeds = { accounts = ["name", "address"] }')
    shop.store.script("UPDATE customers SET phone = NULL WHERE id = 1")
    shop.rule("law", 'data = "accounts"\nwhere = "city = \'Oslo\'"\nkeep = "9 years"\nfrom = "seen"')
    connected(shop, more='restrict = { mark = "restricted_at" }\nfacts = { oslo = "newsletter" }')
    del shop.rules["law"]
    shop.rule("law", 'data = "accounts"\nwhere = "oslo = \'yes\'"\nkeep = "9 years"\nfrom = "seen"')
    assert shop.job("inactive").actions == {"delete": 0, "pseudonymize": 0, "restrict": 2}
    assert outcomes(shop) == {"inactive": 2, "books": 1, "law": 0}
    marks = shop.store.rows("SELECT id FROM customers WHERE restricted_at IS NOT NULL ORDER BY id")
    assert [row[0] for row in marks] == [1, 2]
    assert shop.fates("inactive") == {"done": 2, "not_due": 1}
    del shop.rules["law"]
    assert shop.job("inactive").actions == {"delete": 1, "pseudonymize": 0, "restrict": 0}
    assert outcomes(shop) == {"inactive": 1, "books": 0}
    assert (person(shop, 1), person(shop, 2)) == (("Ann Canary", None, "Oslo"), None)


def test_a_slice_is_rewritten_though_its_row_stays(shop: Workplace):
    """Columns of a row that others share: an opt-out of the newsletter, while the account goes on."""
    connected(shop, others=NEWSLETTER)
    shop.rule("newsletter", 'data = "newsletter"\nuntil = "closed"', action='"pseudonymize"')
    shop.rule("accounts", 'data = "accounts"\nkeep = "9 years"\nfrom = "seen"')
    shop.store.script("UPDATE customers SET closed_at = '2026-11-01 00:00:00' WHERE id = 3")
    assert not shop.problems()
    assert outcomes(shop) == {"newsletter": 1, "accounts": 0}
    found = shop.store.rows("SELECT newsletter, name FROM customers ORDER BY id")
    assert [tuple(row) for row in found] == [("yes", "Ann Canary"), ("yes", "Bo Canary"), (None, "Cy Canary")]
    assert shop.fates("newsletter") == {"done": 1, "not_due": 2}


def test_a_slice_is_rewritten_though_a_delete_of_its_row_would_reach_others(shop: Workplace):
    """Nothing deletes a row of which a dataset has some columns only: the cascade is no matter there."""
    shop.store.script(
        "CREATE TABLE logins (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL,"
        " FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE);"
        "INSERT INTO logins VALUES (1, 3)"
    )
    connected(shop, more='parts = ["logins"]\nallow_scan = true', others=NEWSLETTER)
    shop.rule("newsletter", 'data = "newsletter"\nuntil = "closed"', action='"pseudonymize"')
    shop.rule("accounts", 'data = "accounts"\nkeep = "9 years"\nfrom = "seen"')
    shop.store.script("UPDATE customers SET closed_at = '2026-11-01 00:00:00' WHERE id = 3")
    assert not shop.problems()
    assert outcomes(shop) == {"newsletter": 1, "accounts": 0}
    assert len(shop.store.rows("SELECT id FROM logins")) == 1


def test_a_narrowed_run_takes_no_otherwise_for_what_another_rule_would_remove(shop: Workplace):
    """The order of 2 would go first; in a run of this rule alone its customer waits, and is not rewritten instead."""
    shop.rule("inactive", INACTIVE)
    shop.rule("books", BOOKS)
    (job,) = shop.run("inactive").jobs
    assert (job.planned, job.done) == (1, 1)
    assert (person(shop, 1), person(shop, 2)) == (GONE, ("Bo Canary", "556", "Bergen"))


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ('restrict = { mark = "name" }', "name a column"),
        ('restrict = { mark = "nothing" }', "nothing"),
        ('where = "restricted_at IS NULL"\nrestrict = { mark = "restricted_at" }', "can't be set"),
    ],
)
def test_a_mark_that_can_be_none_is_refused(shop: Workplace, more: str, found: str):
    connected(shop, more=more)
    shop.rule("inactive", INACTIVE.replace('["pseudonymize"]', '["restrict"]'))
    assert any(found in str(problem) for problem in shop.problems())


def test_what_may_have_to_stay_alone_is_no_mask(shop: Workplace):
    connected(shop, more='done = "restricted_at"')
    text = shop.connectors["db"].replace('name = "redact"', 'name = "mask"')
    shop.connectors["db"] = text
    shop.rule("inactive", INACTIVE)
    shop.rule("books", BOOKS + '\nneeds = { accounts = ["name"] }')
    assert any("may have to stay while the rest" in str(problem) for problem in shop.problems())


def test_rows_of_parts_are_counted_with_the_records_that_are_deleted_and_only_with_those(shop: Workplace):
    """Of customers 1 and 2 each has notes; 1 is rewritten, and keeps them."""
    shop.store.script(
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL,"
        " FOREIGN KEY (customer_id) REFERENCES customers (id));"
        "CREATE INDEX notes_customer ON notes (customer_id);"
        "INSERT INTO notes VALUES (1, 1), (2, 2), (3, 2)"
    )
    connected(shop, more='parts = ["notes"]')
    shop.rule("inactive", INACTIVE)
    shop.rule("books", BOOKS)
    planned = shop.job("inactive")
    assert planned.actions == {"delete": 1, "pseudonymize": 1}
    assert {table.rpartition(".")[2]: rows for table, rows in planned.rows.items()} == {
        "customers": 2,
        "notes": 2,
    }
    (done,) = [job for job in shop.run().jobs if job.rule == "inactive"]
    assert done.rows == planned.rows
    assert [row[0] for row in shop.store.rows("SELECT id FROM notes")] == [1]
