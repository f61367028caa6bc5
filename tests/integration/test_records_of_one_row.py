"""Two datasets over one table, of which a row can be a record of both, and each has parts of its own."""

from __future__ import annotations

import pytest

from tests.integration.test_circles import NEW, OLD, left
from tests.integration.test_records_within_records import agree
from tests.support.stores import Store
from tests.support.workplace import Workplace

DATASETS = """
[datasets.customers]
data   = "customers"
table  = "firms"
where  = "buys = 1"
events = { ended = "ended" }
parts  = ["orders"]
[datasets.suppliers]
data   = "suppliers"
table  = "firms"
where  = "sells = 1"
events = { ended = "ended" }
parts  = ["offers"]
"""


@pytest.fixture
def firms(work: Workplace, store: Store) -> Workplace:
    """Firms that buy, sell or both; deals are of a buyer and a seller."""
    store.script(
        "CREATE TABLE firms (id INTEGER PRIMARY KEY, buys INTEGER NOT NULL, sells INTEGER NOT NULL,"
        " ended TIMESTAMP NULL);"
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, firm INTEGER NULL, FOREIGN KEY (firm) REFERENCES firms (id));"
        "CREATE TABLE offers (id INTEGER PRIMARY KEY, firm INTEGER NULL, FOREIGN KEY (firm) REFERENCES firms (id));"
        "CREATE TABLE deals (id INTEGER PRIMARY KEY, buyer INTEGER NULL, seller INTEGER NULL,"
        " FOREIGN KEY (buyer) REFERENCES firms (id), FOREIGN KEY (seller) REFERENCES firms (id));"
        "CREATE INDEX orders_firm ON orders (firm); CREATE INDEX offers_firm ON offers (firm);"
        "CREATE INDEX deals_buyer ON deals (buyer); CREATE INDEX deals_seller ON deals (seller)"
    )
    return work


def ruled(work: Workplace, *names: str) -> None:
    for data in names:
        work.rule(data, f'data = "{data}"\nkeep = "1 year"\nfrom = "ended"')


def test_a_firm_that_buys_and_sells_goes_with_its_orders_and_its_offers(
    firms: Workplace, store: Store
) -> None:
    """It waited for ever: its offers for the supplier, and the supplier for the orders of the customer."""
    ruled(firms, "customers", "suppliers")
    firms.connect(store, DATASETS)
    store.script(
        f"INSERT INTO firms VALUES (1, 1, 1, {OLD}), (2, 1, 0, {OLD}), (3, 0, 1, {OLD}), (4, 1, 1, {NEW}),"
        f" (5, 1, 1, {OLD}), (6, 1, 1, {OLD}), (7, 1, 1, {OLD}), (8, 1, 0, {OLD});"
        "INSERT INTO orders VALUES (1, 1), (2, 2), (4, 4), (6, 6);"
        "INSERT INTO offers VALUES (1, 1), (3, 3), (4, 4), (7, 7), (8, 8)"
    )
    assert firms.problems() == ()
    assert firms.each("customers") == {
        **dict.fromkeys("1256", "due"),
        "4": "not_due",
        "7": "elsewhere",
        "8": "referenced",
    }
    assert firms.each("suppliers") == {
        **dict.fromkeys("137", "due"),
        "4": "not_due",
        **dict.fromkeys("56", "elsewhere"),
    }
    agree(firms)
    assert [left(store, table) for table in ("firms", "orders", "offers")] == [[4, 8], [4], [4, 8]]


def test_a_customer_waits_for_offers_that_no_rule_deletes(firms: Workplace, store: Store) -> None:
    ruled(firms, "customers")
    firms.connect(store, DATASETS)
    store.script(
        f"INSERT INTO firms VALUES (1, 1, 1, {OLD}), (2, 1, 1, {OLD});"
        "INSERT INTO orders VALUES (1, 1), (2, 2); INSERT INTO offers VALUES (1, 1)"
    )
    assert firms.each("customers") == {"1": "referenced", "2": "due"}
    agree(firms)
    assert [left(store, table) for table in ("firms", "orders", "offers")] == [[1], [1], [1]]


def test_what_keeps_the_supplier_keeps_the_customer(firms: Workplace, store: Store) -> None:
    ruled(firms, "customers", "suppliers")
    firms.rule("law", 'data = "suppliers"\nkeep = "10 years"\nfrom = "ended"')
    firms.connect(store, DATASETS)
    store.script(
        f"INSERT INTO firms VALUES (1, 1, 1, {OLD}), (2, 1, 0, {OLD});"
        "INSERT INTO orders VALUES (1, 1), (2, 2); INSERT INTO offers VALUES (1, 1)"
    )
    assert firms.each("customers") == {"1": "retained", "2": "due"}
    agree(firms)
    assert left(store, "firms") == [1]


def test_a_deal_of_two_firms_binds_them_however_far_that_leads(firms: Workplace, store: Store) -> None:
    """A deal is a part of who buys, and of who sells: 1 buys of 2, who buys of 3, who is kept; 5 of 6; 7 of itself."""
    ruled(firms, "customers", "suppliers")
    firms.connect(
        store,
        DATASETS.replace('["orders"]', '["orders", { table = "deals", via = "buyer" }]').replace(
            '["offers"]', '["offers", { table = "deals", via = "seller" }]'
        ),
    )
    store.script(
        f"INSERT INTO firms VALUES (1, 1, 0, {OLD}), (2, 1, 1, {OLD}), (3, 0, 1, {NEW}), (5, 1, 1, {OLD}),"
        f" (6, 1, 1, {OLD}), (7, 1, 1, {OLD});"
        "INSERT INTO orders VALUES (1, 1), (2, 2), (5, 5); INSERT INTO offers VALUES (6, 6);"
        "INSERT INTO deals VALUES (1, 1, 2), (2, 2, 3), (5, 5, 6), (7, 7, 7)"
    )
    assert firms.problems() == ()
    assert {
        key for key, fate in firms.each("customers").items() if fate in ("referenced", "retained")
    } == set("12")
    agree(firms)
    assert [left(store, table) for table in ("firms", "orders", "offers", "deals")] == [
        [1, 2, 3],
        [1, 2],
        [],
        [1, 2],
    ]
