"""Rows that are parts of records of two datasets: such records wait for each other, however far that leads."""

from __future__ import annotations

import pytest

from retention.model.outcome import JobOutcome
from tests.integration.test_circles import NEW, OLD, left
from tests.support.stores import Store
from tests.support.workplace import Workplace

DATASETS = """
[datasets.clients]
data   = "clients"
table  = "clients"
events = { ended = "ended" }
parts  = ["notes"]
[datasets.firms]
data   = "firms"
table  = "firms"
events = { ended = "ended" }
parts  = ["notes"]
"""


@pytest.fixture
def common(work: Workplace, store: Store) -> Workplace:
    """Clients and firms, and notes about one of each."""
    store.script(
        "CREATE TABLE clients (id INTEGER PRIMARY KEY, ended TIMESTAMP NULL);"
        "CREATE TABLE firms (id INTEGER PRIMARY KEY, ended TIMESTAMP NULL);"
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, client INTEGER NULL, firm INTEGER NULL,"
        " FOREIGN KEY (client) REFERENCES clients (id), FOREIGN KEY (firm) REFERENCES firms (id));"
        "CREATE INDEX notes_client ON notes (client); CREATE INDEX notes_firm ON notes (firm)"
    )
    for data in ("clients", "firms"):
        work.rule(data, f'data = "{data}"\nkeep = "1 year"\nfrom = "ended"')
    work.connect(store, DATASETS)
    return work


def fill(store: Store, clients: str, firms: str, notes: str) -> None:
    """`notes`: of each its id, the client and the firm."""
    store.script(
        f"INSERT INTO clients VALUES {clients}; INSERT INTO firms VALUES {firms}; INSERT INTO notes VALUES {notes}"
    )


def rows(job: JobOutcome) -> dict[str, int]:
    """Table → rows that went, without its schema."""
    return {table.rpartition(".")[2]: many for table, many in job.rows.items()}


def test_who_shares_a_part_with_one_that_stays_stays_however_far_that_leads(
    common: Workplace, store: Store
) -> None:
    """Client 1, firm 1, client 2, firm 2 and client 3, who is kept, each share a note with the next."""
    fill(
        store,
        f"(1, {OLD}), (2, {OLD}), (3, {NEW}), (4, {OLD})",
        f"(1, {OLD}), (2, {OLD}), (3, {OLD})",
        "(1, 1, 1), (2, 2, 1), (3, 2, 2), (4, 3, 2), (5, 4, 3), (6, 4, NULL), (7, NULL, 3)",
    )
    assert common.problems() == ()
    assert common.each("clients") == {"1": "referenced", "2": "referenced", "3": "not_due", "4": "due"}
    assert common.each("firms") == {"1": "referenced", "2": "retained", "3": "due"}
    assert [(job.done, job.reason) for job in common.run().jobs] == [(1, None), (1, None)]
    assert left(store, "clients") == [1, 2, 3]
    assert left(store, "firms") == [1, 2]
    assert left(store, "notes") == [1, 2, 3, 4]
    assert common.cli("audit", "verify").exit_code == 0


def test_so_does_who_shares_one_that_is_a_record_too(common: Workplace, store: Store) -> None:
    fill(
        store,
        f"(1, {OLD}), (2, {OLD}), (3, {NEW}), (4, {OLD})",
        f"(1, {OLD}), (2, {OLD}), (3, {OLD})",
        "(1, 1, 1), (2, 2, 1), (3, 2, 2), (4, 3, 2), (5, 4, 3), (6, 4, NULL), (7, NULL, 3)",
    )
    store.script(f"ALTER TABLE notes ADD COLUMN ended TIMESTAMP NULL; UPDATE notes SET ended = {OLD}")
    own = '[datasets.notes]\ndata = "notes"\ntable = "notes"\nevents = { ended = "ended" }\n'
    common.connect(store, DATASETS + own)
    common.rule("notes", 'data = "notes"\nkeep = "1 year"\nfrom = "ended"')
    assert not [each for each in common.check().warnings if "in common" in each]
    assert common.each("clients") == {"1": "referenced", "2": "referenced", "3": "not_due", "4": "due"}
    assert common.each("firms") == {"1": "referenced", "2": "retained", "3": "due"}
    assert {key for key, fate in common.each("notes").items() if fate == "elsewhere"} == set("567")
    common.run()
    assert left(store, "notes") == [1, 2, 3, 4]


def test_where_such_records_can_not_go_together_they_stay(common: Workplace, store: Store) -> None:
    """Some clients are records of another dataset, too."""
    fill(
        store,
        f"(1, {OLD}), (2, {OLD})",
        f"(1, {OLD}), (2, {OLD})",
        "(1, 1, 1), (2, 2, NULL), (3, NULL, 2)",
    )
    old = '[datasets.old]\ndata = "old clients"\ntable = "clients"\nwhere = "id > 100"\nevents = { ended = "ended" }\n'
    common.connect(store, DATASETS + old)
    common.rule("old", 'data = "old clients"\nkeep = "1 year"\nfrom = "ended"')
    (warning,) = [each for each in common.check().warnings if "in common" in each]
    assert "`db.clients` and `db.firms`" in warning
    assert "are of records of `db.clients` and of `db.old`" in warning
    assert common.each("clients") == {"1": "referenced", "2": "due"}
    assert common.each("firms") == {"1": "referenced", "2": "due"}
    common.run()
    assert (left(store, "clients"), left(store, "firms"), left(store, "notes")) == ([1], [1], [1])


def test_each_row_that_goes_is_counted_once(common: Workplace, store: Store) -> None:
    fill(
        store,
        f"(1, {OLD}), (2, {OLD})",
        f"(1, {OLD}), (2, {OLD})",
        "(1, 1, 1), (2, 2, 1), (3, 2, 2), (4, 1, NULL), (5, NULL, 2), (6, NULL, NULL)",
    )
    jobs = common.run().jobs
    assert [(job.done, rows(job)) for job in jobs] == [
        (2, {"clients": 2, "notes": 4}),
        (2, {"firms": 2, "notes": 1}),
    ]
    assert left(store, "notes") == [6]
