"""A rule on any data does what each dataset spells out, leaves out what would break its own promise, and says so."""

from __future__ import annotations

import pytest

from tests.support.stores import Store
from tests.support.workplace import Workplace

TABLES = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(80), at DATE);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, at DATE,
    CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id));
CREATE INDEX orders_customer_id ON orders (customer_id);
INSERT INTO customers VALUES (1, 'ann@example.com', '2020-01-01'), (2, 'bo@example.com', '2020-01-01');
INSERT INTO orders VALUES (1, 1, '2026-01-01');
"""
DATASETS = """
[datasets.orders]
data    = "orders"
table   = "orders"
subject = { customer_id = "customer_id" }
events  = { seen = "at" }

[datasets.accounts]
data      = "accounts"
table     = "customers"
subject   = { customer_id = "id" }
events    = { seen = "at" }
anonymize = { email = "null" }
"""
OLD = 'data = {data}\nkeep = "2 years"\nfrom = "seen"\notherwise = {otherwise}'


@pytest.fixture
def shop(work: Workplace, store: Store) -> Workplace:
    """Two old customers; one has an order that is to be kept, and leads to the customer."""
    store.script(TABLES)
    work.connect(store, DATASETS)
    work.rule("books", 'data = "orders"\nkeep = "5 years"\nfrom = "seen"')
    work.init()
    return work


def emails(store: Store) -> dict[int, str | None]:
    return dict(store.rows("SELECT id, email FROM customers ORDER BY id"))


def test_an_anonymisation_that_would_be_none_is_left_out(shop: Workplace, store: Store) -> None:
    """Its order leads to the customer: to take the e-mail away makes nobody of them (GDPR recital 26)."""
    shop.rule("old", OLD.format(data='"any"', otherwise='["anonymize"]'))
    assert shop.problems() == ()
    (said,) = [each for each in shop.check().warnings if "`old`" in each]
    assert (
        "`old` anonymizes no record of `db.accounts`: records of `db.orders` about a person refer to it"
        in said
    )
    assert shop.fate_of("db.accounts", "1", rule="old") == "referenced"
    assert {(job.rule, job.dataset): job.done for job in shop.run().jobs if job.done} == {
        ("old", "accounts"): 1
    }
    assert emails(store) == {1: "ann@example.com"}
    assert not [
        event for event in shop.events() if event["type"] == "action.refused" and "anonym" in str(event)
    ]


def test_what_is_no_anonymisation_is_not_left_out(shop: Workplace, store: Store) -> None:
    shop.rule("old", OLD.format(data='"any"', otherwise='["pseudonymize"]'))
    (view,) = [view for view in shop.explain("db.accounts", "1").rules if view.rule == "old"]
    assert (view.fate, view.action) == ("due", "pseudonymize")
    shop.run()
    assert emails(store) == {1: None}


def test_named_data_want_another_action(shop: Workplace) -> None:
    shop.rule("old", OLD.format(data='"accounts"', otherwise='["anonymize"]'))
    (problem,) = shop.problems()
    assert problem.key == "rules.old.action"
    assert "records of `db.orders` about a person refer to `db.accounts`" in problem.found


def test_where_no_record_about_a_person_refers_to_it_it_is_one(shop: Workplace, store: Store) -> None:
    shop.connectors["db"] = shop.connectors["db"].replace('subject = { customer_id = "customer_id" }\n', "")
    shop.rule("old", OLD.format(data='"any"', otherwise='["anonymize"]'))
    assert not [each for each in shop.check().warnings if "`old`" in each]
    shop.run()
    assert emails(store) == {1: None}


def test_a_dataset_to_which_no_rule_can_do_anything_is_said_to_be_kept_for_ever(
    work: Workplace, store: Store
) -> None:
    """A slice is never deleted, and this one says of no column what is made of it."""
    store.script(TABLES)
    work.connect(
        store,
        DATASETS
        + '[datasets.mail]\ndata = "addresses"\ntable = "customers"\ncolumns = ["email"]\nevents = { seen = "at" }\n',
    )
    work.rule("old", 'data = "any"\nkeep = "2 years"\nfrom = "seen"')
    assert work.problems() == ()
    assert [each for each in work.check().warnings if "kept for ever" in each] == [
        "no rule can do anything to `db.mail` ('addresses'): it is kept for ever; those on any data skip what a dataset"
        " does not spell out, and this one spells out nothing that they say to do"
    ]


def test_explain_names_the_action_that_is_stopped_not_the_one_that_the_record_comes_to(
    shop: Workplace,
) -> None:
    """It had said: "Stopped pseudonymize: 1 row refers to it", of a customer who is pseudonymised for that."""
    shop.rule("old", OLD.format(data='"accounts"', otherwise='["pseudonymize"]'))
    for fate in ("due", "done"):
        said = " ".join(shop.cli("explain", "db.accounts", "1").stdout.split())
        assert "Stopped delete: 1 row refers to it by" in said
        (view,) = shop.explain("db.accounts", "1").rules
        assert (view.fate, view.action) == (fate, "pseudonymize")
        assert {stop.action for stop in view.stopped_by} == {"delete"}
        shop.run()
