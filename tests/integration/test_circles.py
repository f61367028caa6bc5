"""Datasets that refer to each other: a chain goes a step a run, a ring stays, and plan, check and explain say so."""

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


def test_a_chain_goes_a_step_a_run_and_a_ring_stays(circle: Workplace, store: Store) -> None:
    assert circle.problems() == ()
    assert circle.each("contracts") == {"1": "due", "2": "referenced", "5": "referenced", "6": "due"}
    assert circle.each("items") == {"1": "due", "2": "referenced", "5": "referenced", "6": "due"}
    assert [job.done for job in circle.run().jobs] == [2, 2]
    assert (left(store, "contracts"), left(store, "items")) == ([2, 5], [2, 5])
    assert circle.each("contracts") == {"2": "due", "5": "referenced"}
    assert [job.done for job in circle.run().jobs] == [1, 1]
    assert circle.each("contracts") == {"5": "referenced"}
    assert [job.done for job in circle.run().jobs] == [0, 0]
    assert (left(store, "contracts"), left(store, "items")) == ([5], [5])


def test_plan_check_and_explain_say_what_waits_for_what(circle: Workplace, store: Store) -> None:
    (warning,) = [each for each in circle.check().warnings if "refer to each other" in each]
    assert "`db.contracts` and `db.items`" in warning
    assert [note for note in circle.plan().notes if "refer to each other" in note] == [warning]
    said = " ".join(circle.cli("plan").stdout.split())
    assert "waits for the next run" in said

    (waiting,) = circle.explain("db.contracts", "2").rules
    (stop,) = waiting.stopped_by
    assert (waiting.fate, stop.count, stop.later) == ("referenced", 1, 1)
    assert "goes with the next" in waiting.changes
    (ringed,) = circle.explain("db.contracts", "5").rules
    (stop,) = ringed.stopped_by
    assert (ringed.fate, stop.count, stop.later) == ("referenced", 1, 0)
    assert "stays while" in ringed.changes


def test_nothing_is_said_where_nothing_waits(circle: Workplace, store: Store) -> None:
    store.script("UPDATE items SET contract = NULL")
    assert circle.plan().notes == ()
    assert circle.each("contracts") == dict.fromkeys("1256", "due")
