"""Datasets that refer to each other: chains and rings over them go in one run."""

from __future__ import annotations

import pytest

from tests.support.stores import Store
from tests.support.workplace import Workplace

OLD = "'2020-01-01 00:00:00'"
BOTH = """
[datasets.contracts]
data   = "contracts"
table  = "contracts"
events = { ended = "ended" }

[datasets.items]
data   = "items"
table  = "items"
events = { ended = "ended" }
"""


@pytest.fixture
def circle(work: Workplace, store: Store) -> Workplace:
    """Contract 1 → item 1 → contract 2 → item 2; contract 5 and item 5 refer to each other; contract 6 → item 6."""
    store.script(
        "CREATE TABLE items (id INTEGER PRIMARY KEY, ended TIMESTAMP, contract INTEGER);"
        "CREATE TABLE contracts (id INTEGER PRIMARY KEY, ended TIMESTAMP, item INTEGER REFERENCES items (id));"
        "CREATE INDEX items_contract ON items (contract); CREATE INDEX contracts_item ON contracts (item);"
        f"INSERT INTO items VALUES (1, {OLD}, 2), (2, {OLD}, NULL), (5, {OLD}, 5), (6, {OLD}, NULL);"
        f"INSERT INTO contracts VALUES (1, {OLD}, 1), (2, {OLD}, 2), (5, {OLD}, 5), (6, {OLD}, 6)"
    )
    for data in ("contracts", "items"):
        work.rule(data, f'data = "{data}"\nkeep = "1 year"\nfrom = "ended"')
    work.connect(
        store,
        BOTH.replace('"items"\nevents', '"items"\nrelations = ["items.contract -> contracts.id"]\nevents'),
    )
    return work


def left(store: Store, table: str) -> list[int]:
    return [n for (n,) in store.rows(f"SELECT id FROM {table} ORDER BY id")]


def test_a_chain_and_a_ring_of_two_datasets_go_in_one_run(circle: Workplace, store: Store) -> None:
    assert circle.problems() == ()
    assert circle.each("contracts") == dict.fromkeys("1256", "due")
    assert circle.each("items") == dict.fromkeys("1256", "due")
    jobs = circle.run().jobs
    assert [(job.done, job.reason) for job in jobs] == [(4, None), (4, None)]
    assert (left(store, "contracts"), left(store, "items")) == ([], [])
