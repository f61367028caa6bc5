"""Columns of the rows that belong to a record are rewritten with it, and counted, kept and refused like its own."""

from __future__ import annotations

import pytest

from tests.support.workplace import Workplace, removed

SCHEMA = """
CREATE TABLE account (id INTEGER PRIMARY KEY, name VARCHAR(40), seen_at TIMESTAMP {null}, done_at TIMESTAMP {null});
CREATE TABLE address (id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, street VARCHAR(60), city VARCHAR(40),
 FOREIGN KEY (account_id) REFERENCES account (id));
CREATE TABLE delivery (address_id INTEGER NOT NULL, number INTEGER NOT NULL, note VARCHAR(60) NOT NULL,
 PRIMARY KEY (address_id, number), FOREIGN KEY (address_id) REFERENCES address (id));
CREATE TABLE purchase (id INTEGER PRIMARY KEY, account_id INTEGER, at TIMESTAMP {null},
 FOREIGN KEY (account_id) REFERENCES account (id));
CREATE INDEX address_account ON address (account_id);
CREATE INDEX purchase_account ON purchase (account_id)
"""
ACCOUNTS = """
[datasets.accounts]
data = "accounts"
table = "account"
subject = {{ customer_id = "id" }}
began = "seen_at"
events = {{ seen = "seen_at" }}
parts = ["address", "delivery"]
{more}
anonymize = {{ {anonymize} }}

[datasets.purchases]
data = "purchases"
table = "purchase"
subject = {{ customer_id = "account_id" }}
began = "at"
events = {{ made = "at" }}
"""
EVERYTHING = (
    'name = "redact", "address.street" = "hash", "address.city" = "redact", "delivery.note" = "redact"'
)
OLD, NEW = "2020-01-01 00:00:00", "2026-11-01 00:00:00"


@pytest.fixture
def shop(work: Workplace, store) -> Workplace:
    """Account 1 has a kept order and two addresses, 2 an address without a street, 3 none; 4 is new."""
    null = "NULL" if store.kind == "mariadb" else ""
    for statement in filter(str.strip, SCHEMA.format(null=null).split(";")):
        (store.verbatim if store.kind == "mariadb" else store.script)(statement)
    store.script(
        f"INSERT INTO account VALUES (1, 'Ann', '{OLD}', NULL), (2, 'Ben', '{OLD}', NULL), (3, 'Cas', '{OLD}', NULL),"
        f" (4, 'Dan', '{NEW}', NULL)"
    )
    store.script(
        "INSERT INTO address VALUES (10, 1, 'Canary street 1', 'Oslo'), (11, 1, 'Canary street 2', '[redacted]'),"
        " (20, 2, NULL, 'Bergen'), (40, 4, 'Canary street 4', 'Molde')"
    )
    store.script("INSERT INTO delivery VALUES (10, 1, 'Canary bell'), (10, 2, '[redacted]'), (40, 1, 'x')")
    store.script(f"INSERT INTO purchase VALUES (1, 1, '{NEW}'), (2, 1, '{OLD}')")
    work.rule("purchases", 'data = "purchases"\nkeep = "2 years"\nfrom = "made"')
    work.rule(
        "accounts",
        'data = "accounts"\nkeep = "1 year"\nfrom = "seen"',
        action='"delete"\notherwise = ["pseudonymize"]',
    )

    def connect(anonymize: str = EVERYTHING, more: str = "") -> Workplace:
        work.connect(store, ACCOUNTS.format(anonymize=anonymize, more=more))
        return work

    work.store, work.rewriting = store, connect
    return connect()


def only_rewrite(shop: Workplace) -> None:
    shop.rule("accounts", 'data = "accounts"\nkeep = "1 year"\nfrom = "seen"', action='"pseudonymize"')


def short(rows) -> dict[str, int]:
    return {name.rpartition(".")[2]: count for name, count in rows.items()}


def addresses(shop: Workplace) -> list[tuple]:
    return [tuple(row) for row in shop.store.rows("SELECT id, street, city FROM address ORDER BY id")]


def test_an_account_whose_order_stays_loses_its_person_in_all_its_rows(shop):
    assert not shop.problems()
    planned = shop.job("accounts")
    assert planned.actions == {"delete": 2, "pseudonymize": 1}
    assert short(planned.rows) == {
        "account": 3,
        "address": 3,
        "delivery": 1,
    }  # one of them goes, the others change
    outcome = shop.run()
    (job,) = (job for job in outcome.jobs if job.rule == "accounts")
    assert (job.done, job.left, short(job.rows)) == (3, 0, short(planned.rows))
    first, second, other = addresses(shop)
    assert first[1].startswith("rh1-")
    assert second[1].startswith("rh1-")
    assert first[1] != second[1]
    assert (first[2], second[2], other) == ("[redacted]", "[redacted]", (40, "Canary street 4", "Molde"))
    assert [tuple(row) for row in shop.store.rows("SELECT * FROM delivery ORDER BY 1, 2")] == [
        (10, 1, "[redacted]"),
        (10, 2, "[redacted]"),
        (40, 1, "x"),
    ]
    batches = [e["data"] for e in shop.events() if e["type"] == "batch.committed"]
    counted: dict[str, int] = {}
    for name, count in (pair for b in batches if "accounts" in b["job"] for pair in short(b["rows"]).items()):
        counted[name] = counted.get(name, 0) + count
    assert counted == short(planned.rows)
    assert "Canary" not in str(shop.events()) + str(outcome)
    assert shop.fates("accounts") == {"done": 1, "not_due": 1}
    before = shop.store.snapshot()
    assert removed(shop.run()) == {}
    assert shop.store.snapshot() == before


def test_an_account_rewritten_goes_with_all_its_rows_when_its_last_order_went(shop):
    shop.run()
    shop.store.script("DELETE FROM purchase")
    assert shop.fates("accounts") == {"due": 1, "not_due": 1}
    assert short(removed(shop.run())) == {"account": 1, "address": 2, "delivery": 2}


def test_a_row_that_comes_later_makes_the_record_due_again_and_hashes_no_hash(shop):
    only_rewrite(shop)
    assert short(shop.job("accounts").rows) == {"account": 3, "address": 3, "delivery": 1}
    shop.run()
    before = addresses(shop)
    shop.store.script("INSERT INTO address VALUES (12, 1, 'Canary street 3', NULL)")
    assert shop.fates("accounts") == {"due": 1, "done": 2, "not_due": 1}
    assert short(shop.job("accounts").rows) == {"account": 0, "address": 1, "delivery": 0}
    assert short(shop.run().jobs[-1].rows) == {"account": 0, "address": 1}
    after = addresses(shop)
    assert [row for row in after if row[0] != 12] == before
    assert after[2][1].startswith("rh1-")
    assert after[2][2] is None
    assert shop.fates("accounts") == {"done": 3, "not_due": 1}


def test_what_a_kept_order_needs_of_a_part_stays_and_goes_when_the_order_went(shop):
    only_rewrite(shop)
    shop.rule(
        "purchases", 'data = "purchases"\nkeep = "2 years"\nfrom = "made"', needs='{ accounts = ["where"] }'
    )
    shop.rewriting(more='fields = { where = ["address.street", "address.city"] }')
    assert not shop.problems()
    assert short(shop.job("accounts").rows) == {"account": 3, "address": 1, "delivery": 1}
    shop.run()
    assert addresses(shop)[:3] == [
        (10, "Canary street 1", "Oslo"),
        (11, "Canary street 2", "[redacted]"),
        (20, None, "[redacted]"),
    ]
    assert shop.fates("accounts") == {"done": 3, "not_due": 1}
    shop.store.script("DELETE FROM purchase")
    assert shop.fates("accounts") == {"due": 1, "done": 2, "not_due": 1}
    assert short(shop.run().jobs[-1].rows) == {"account": 0, "address": 2}
    assert all("Canary" not in str(row) for row in addresses(shop)[:3])


def test_a_record_of_which_every_column_is_needed_is_retained(shop):
    only_rewrite(shop)
    shop.rule(
        "purchases", 'data = "purchases"\nkeep = "2 years"\nfrom = "made"', needs='{ accounts = ["where"] }'
    )
    shop.rewriting('"address.city" = "redact"', 'fields = { where = "address.city" }')
    assert shop.fates("accounts") == {"retained": 1, "done": 1, "due": 1, "not_due": 1}
    assert short(shop.run().jobs[-1].rows) == {"account": 0, "address": 1}
    assert addresses(shop)[0][2] == "Oslo"


def test_rows_that_are_records_of_another_dataset_stay_while_a_rule_keeps_them(shop):
    only_rewrite(shop)
    shop.rewriting('name = "redact", "address.city" = "redact"')
    shop.connectors["db"] += (
        '\n[datasets.addresses]\ndata = "addresses"\ntable = "address"\nsubject = "none"\n'
        'parts = ["delivery"]\nevents = { used = "account.seen_at" }\n'
    )
    shop.rule("addresses", 'data = "addresses"\nkeep = "10 years"\nfrom = "used"')
    assert not shop.problems()
    assert short(shop.job("accounts").rows) == {"account": 3, "address": 0}
    assert short(shop.run("accounts").jobs[-1].rows) == {"account": 3}
    assert addresses(shop)[0][2] == "Oslo"
    shop.rule("addresses", 'data = "addresses"\nkeep = "1 year"\nfrom = "used"', action='"pseudonymize"')
    shop.connectors["db"] += 'anonymize = { city = "redact" }\n'
    assert not shop.problems()
    shop.run()
    assert [row[2] for row in addresses(shop)] == ["[redacted]", "[redacted]", "[redacted]", "Molde"]


def test_a_strategy_that_no_value_tells_is_done_by_the_records_marker(shop):
    only_rewrite(shop)
    shop.rewriting('"address.city" = { strategy = "fake", of = "city" }', 'done = "done_at"')
    assert not shop.problems()
    assert short(shop.job("accounts").rows) == {"account": 2, "address": 3}
    outcome = shop.run()
    assert short(outcome.jobs[-1].rows) == {"account": 2, "address": 3}
    assert {row[2] for row in addresses(shop)}.isdisjoint({"Oslo", "Bergen"})
    assert "Molde" in {row[2] for row in addresses(shop)}
    assert shop.fates("accounts") == {"done": 3, "not_due": 1}
    assert removed(shop.run()) == {}


def test_a_value_that_cannot_be_read_leaves_the_whole_record(shop):
    only_rewrite(shop)
    shop.rewriting('name = "redact", "address.street" = "year"')
    shop.store.script("UPDATE address SET street = '1984-05-06' WHERE id = 20")
    (job,) = (job for job in shop.run().jobs if job.rule == "accounts")
    assert (job.done, job.set_aside) == (2, 1)
    assert "Canary" not in str(job)
    assert [row[0] for row in shop.store.rows("SELECT name FROM account ORDER BY id")] == [
        "Ann", "[redacted]", "[redacted]", "Dan"]  # fmt: skip
    assert addresses(shop)[2][1] == "1984-01-01"


def test_the_limit_takes_records_with_all_their_rows(shop):
    only_rewrite(shop)
    (job,) = (job for job in shop.run(limit=1).jobs if job.rule == "accounts")
    assert (job.planned, job.done, job.left) == (3, 1, 2)
    assert shop.fates("accounts") == {"due": 2, "done": 1, "not_due": 1}


def test_every_statement_over_the_parts_is_shown(shop):
    only_rewrite(shop)
    said = [s.purpose for s in shop.statements() if s.rule == "accounts"]
    for what in ("rewrite rows of", "rows of", "that are not done"):
        assert any(what in text and "address" in text for text in said), said


REFUSED = [
    ('"address.stret" = "redact"', "no column `stret`", "street"),
    ('"purchase.at" = "null"', "no part of the record", "parts"),
    ('"account.name" = "redact"', "the dataset's own table", '"name" alone'),
    ('"address.account_id" = "null"', "part of a reference", "take it out"),
    ('"delivery.number" = "null"', "part of the key", "take it out"),
    ('"delivery.note" = "null"', "NOT NULL", "redact"),
    ('"address.street" = { strategy = "fake", of = "street" }', "nobody can tell", "done"),
]


def test_what_a_part_cannot_take_is_refused_by_check(shop):
    for anonymize, found, write in REFUSED:
        (problem,) = shop.rewriting(f'name = "redact", {anonymize}').problems()
        assert problem.key.startswith("datasets.accounts.anonymize"), problem
        assert found in problem.found
        assert write in problem.write


def test_values_that_a_check_of_the_part_would_not_have_are_told_by_check(shop):
    shop.store.script("UPDATE address SET street = '1990-01-01' WHERE street IS NOT NULL")
    shop.store.script("UPDATE address SET street = 'in May' WHERE id = 10")
    (problem,) = shop.rewriting('"address.street" = "year"').problems()
    assert problem.key == "datasets.accounts.anonymize.address.street"
    assert "1 hold" in problem.found


def test_a_row_that_several_records_can_refer_to_is_refused_with_the_way_out(work, store):
    script = (
        "CREATE TABLE address (id INTEGER PRIMARY KEY, street VARCHAR(40));"
        "CREATE TABLE account (id INTEGER PRIMARY KEY, address_id INTEGER REFERENCES address (id), seen_at TIMESTAMP);"
        "CREATE INDEX account_address ON account (address_id)"
    )
    store.script(script)
    work.rule("accounts", 'data = "accounts"\nkeep = "1 year"\nfrom = "seen"', action='"pseudonymize"')
    work.connect(
        store,
        '[datasets.accounts]\ndata = "accounts"\ntable = "account"\nevents = { seen = "seen_at" }\n'
        'parts = [{ table = "address", shared = "stays" }]\nanonymize = { "address.street" = "redact" }\n',
    )
    (problem,) = work.problems()
    assert "several records can refer" in problem.found
    assert "a dataset and a rule of its own" in problem.write
