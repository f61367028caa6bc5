"""Rows that are parts of records of two datasets: such records wait for each other, however far that leads."""

from __future__ import annotations

import pytest

from retention.model.outcome import JobOutcome
from tests.integration.test_circles import NEW, OLD, left, places_of_both
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
    """Clients share places, to which firms refer, too."""
    fill(
        store,
        f"(1, {OLD}), (2, {OLD})",
        f"(1, {OLD}), (2, {OLD})",
        "(1, 1, 1), (2, 2, NULL), (3, NULL, 2)",
    )
    given = places_of_both(store, "clients", "firms").replace("parts = [", 'parts = ["notes", ')
    common.connect(store, DATASETS.replace('parts  = ["notes"]\n', given, 1))
    (warning,) = [each for each in common.check().warnings if "in common" in each]
    assert "`db.clients` and `db.firms`" in warning
    assert "`db.firms` refers to them by" in warning
    assert common.each("clients") == {"1": "referenced", "2": "due"}
    assert common.each("firms") == {"1": "referenced", "2": "due"}
    common.run()
    assert (left(store, "clients"), left(store, "firms"), left(store, "notes")) == ([1], [1], [1])


def test_some_of_them_may_be_records_of_another_dataset_over_the_same_table(
    common: Workplace, store: Store
) -> None:
    """Client 2 is an old client, too, of whom notes are no part."""
    fill(
        store,
        f"(1, {OLD}), (2, {OLD})",
        f"(1, {OLD}), (2, {OLD})",
        "(1, 1, 1), (2, 2, 2), (3, NULL, 2)",
    )
    old = '[datasets.old]\ndata = "old clients"\ntable = "clients"\nwhere = "id > 1"\nevents = { ended = "ended" }\n'
    common.connect(store, DATASETS + old)
    common.rule("old", 'data = "old clients"\nkeep = "1 year"\nfrom = "ended"')
    assert not [each for each in common.check().warnings if "in common" in each]
    assert common.each("clients") == {"1": "due", "2": "due"}
    assert common.each("old") == {"2": "elsewhere"}
    assert [job.done for job in common.run().jobs] == [2, 2, 0]
    assert (left(store, "clients"), left(store, "firms"), left(store, "notes")) == ([], [], [])


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


def test_a_part_of_a_part_in_common_is_found_by_its_references(work: Workplace, store: Store) -> None:
    """Notes belong to clients by way of cases: read for every client otherwise, which SQLAlchemy warns of."""
    store.script(
        "CREATE TABLE clients (id INTEGER PRIMARY KEY, ended TIMESTAMP NULL);"
        "CREATE TABLE firms (id INTEGER PRIMARY KEY, ended TIMESTAMP NULL);"
        "CREATE TABLE cases (id INTEGER PRIMARY KEY, client INTEGER NULL,"
        " FOREIGN KEY (client) REFERENCES clients (id));"
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, about INTEGER NULL, firm INTEGER NULL,"
        " FOREIGN KEY (about) REFERENCES cases (id), FOREIGN KEY (firm) REFERENCES firms (id));"
        "CREATE TABLE lines (id INTEGER PRIMARY KEY, note INTEGER NULL, FOREIGN KEY (note) REFERENCES notes (id));"
        "CREATE INDEX cases_client ON cases (client); CREATE INDEX notes_about ON notes (about);"
        "CREATE INDEX notes_firm ON notes (firm); CREATE INDEX lines_note ON lines (note);"
        f"INSERT INTO clients VALUES (1, {OLD}), (2, {OLD}), (3, {NEW}), (4, {OLD});"
        f"INSERT INTO firms VALUES (1, {OLD}), (2, {OLD}), (3, {OLD});"
        "INSERT INTO cases VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, NULL);"
        "INSERT INTO notes VALUES (1, 1, 1), (2, 2, 2), (3, 3, 2), (4, 4, NULL), (5, 5, 3);"
        "INSERT INTO lines VALUES (1, 1), (2, 2), (3, 3)"
    )
    for data in ("clients", "firms"):
        work.rule(data, f'data = "{data}"\nkeep = "1 year"\nfrom = "ended"')
    parts = DATASETS.replace('parts  = ["notes"]', 'parts = ["cases", "notes"]', 1)
    work.connect(store, parts.replace('parts  = ["notes"]', 'parts = ["notes", "lines"]'))
    assert work.each("clients") == {"1": "due", "2": "referenced", "3": "not_due", "4": "due"}
    assert work.each("firms") == {"1": "due", "2": "retained", "3": "due"}
    assert [(job.done, job.reason) for job in work.run().jobs] == [(2, None), (2, None)]
    assert (left(store, "clients"), left(store, "firms")) == ([2, 3], [2])
    assert (left(store, "notes"), left(store, "lines")) == ([2, 3], [2, 3])


def test_a_note_of_nobody_goes_first_wherever_its_rule_stands(common: Workplace, store: Store) -> None:
    """Note 2, about client 1, is a part of nobody, and goes by its own rule, the last in the file."""
    store.script(
        "ALTER TABLE notes ADD COLUMN ended TIMESTAMP NULL; ALTER TABLE notes ADD COLUMN about INTEGER NULL;"
        "CREATE INDEX notes_about ON notes (about)"
    )
    relation = 'relations = ["notes.about -> clients.id"]\n'
    fill(
        store,
        f"(1, {OLD}), (2, {OLD})",
        f"(1, {OLD}), (2, {OLD})",
        f"(1, 1, 1, {OLD}, NULL), (2, NULL, NULL, {OLD}, 1)",
    )
    via = 'parts = [{ table = "notes", via = "client" }]\n' + relation
    own = '[datasets.notes]\ndata = "notes"\ntable = "notes"\nevents = { ended = "ended" }\n' + relation
    common.connect(store, DATASETS.replace('parts  = ["notes"]\n', via, 1) + own)
    common.rule("notes", 'data = "notes"\nkeep = "1 year"\nfrom = "ended"')
    planned = {job.rule: job.fates["due"] for job in common.plan().jobs}
    assert planned == {"clients": 2, "firms": 2, "notes": 1}
    assert {job.rule: job.done for job in common.run().jobs} == planned
