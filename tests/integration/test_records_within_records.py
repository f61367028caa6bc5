"""Records that can be parts of records of another dataset, and have parts that need not be that one's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.test_circles import NEW, OLD, left
from tests.support.stores import Store
from tests.support.workplace import Workplace

DATASETS = """
[datasets.clients]
data   = "clients"
table  = "clients"
events = { ended = "ended" }
parts  = ["notes", { table = "files", via = "client" }]
[datasets.notes]
data   = "notes"
table  = "notes"
events = { ended = "ended" }
parts  = ["files"]
"""
WITHOUT_FILES = DATASETS.replace(', { table = "files", via = "client" }', "")


@pytest.fixture
def bare(work: Workplace, store: Store) -> Workplace:
    """Clients, notes about one of them or nobody, and files of a client, of a note, or of both."""
    store.script(
        "CREATE TABLE clients (id INTEGER PRIMARY KEY, ended TIMESTAMP NULL);"
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, client INTEGER NULL, ended TIMESTAMP NULL,"
        " FOREIGN KEY (client) REFERENCES clients (id));"
        "CREATE TABLE files (id INTEGER PRIMARY KEY, client INTEGER NULL, note INTEGER NULL,"
        " FOREIGN KEY (client) REFERENCES clients (id), FOREIGN KEY (note) REFERENCES notes (id));"
        "CREATE INDEX notes_client ON notes (client); CREATE INDEX files_client ON files (client);"
        "CREATE INDEX files_note ON files (note)"
    )
    return work


@pytest.fixture
def ruled(bare: Workplace) -> Workplace:
    for data in ("clients", "notes"):
        bare.rule(data, f'data = "{data}"\nkeep = "1 year"\nfrom = "ended"')
    return bare


def fill(store: Store, clients: str, notes: str, files: str) -> None:
    """`notes`: of each its id, the client and when it ended; `files`: the client and the note."""
    store.script(
        f"INSERT INTO clients VALUES {clients}; INSERT INTO notes VALUES {notes}; INSERT INTO files VALUES {files}"
    )


def all_left(store: Store) -> list[list[int]]:
    return [left(store, table) for table in ("clients", "notes", "files")]


def agree(work: Workplace) -> None:
    """The run does what the plan says, to the record."""
    planned = {job.rule: job.due for job in work.plan().jobs}
    jobs = work.run().jobs
    assert {job.rule: (job.done, job.skipped.changed, job.left) for job in jobs} == {
        rule: (due, 0, 0) for rule, due in planned.items()
    }
    assert work.cli("audit", "verify").exit_code == 0


def test_a_file_of_a_client_and_of_a_note_of_it_goes_with_both(ruled: Workplace, store: Store) -> None:
    ruled.connect(store, DATASETS)
    fill(
        store,
        f"(1, {OLD}), (2, {NEW}), (3, {OLD})",
        f"(1, 1, {OLD}), (2, 2, {OLD}), (3, NULL, {OLD}), (4, 3, {NEW})",
        "(1, 1, 1), (2, 2, 2), (3, NULL, 3), (4, 3, NULL)",
    )
    assert ruled.problems() == ()
    assert ruled.each("clients") == {"1": "due", "2": "not_due", "3": "retained"}
    assert ruled.each("notes") == {"1": "elsewhere", "2": "retained", "3": "due", "4": "not_due"}
    agree(ruled)
    assert all_left(store) == [[2, 3], [2, 4], [2, 4]]


def test_a_file_of_a_client_and_of_a_note_of_nobody_binds_them_however_far_that_leads(
    ruled: Workplace, store: Store
) -> None:
    """Client 1, note 2, client 3, note 4 and client 5, who is kept, each share a file with the next."""
    ruled.connect(store, DATASETS)
    fill(
        store,
        f"(1, {OLD}), (3, {OLD}), (5, {NEW}), (6, {OLD})",
        f"(2, NULL, {OLD}), (4, NULL, {OLD}), (7, NULL, {OLD})",
        "(1, 1, 2), (2, 3, 2), (3, 3, 4), (4, 5, 4), (5, 6, 7), (6, 6, NULL), (7, NULL, 7)",
    )
    assert ruled.each("clients") == {"1": "referenced", "3": "referenced", "5": "not_due", "6": "due"}
    assert ruled.each("notes") == {"2": "referenced", "4": "retained", "7": "due"}
    (said,) = ruled.explain("db.clients", "3").rules
    (stop,) = said.stopped_by
    assert (stop.kind, stop.dataset, stop.rows, stop.until) == ("shared", "db.notes", ("2", "4"), None)
    assert "it stays while 2 records share rows of" in said.changes
    agree(ruled)
    assert all_left(store) == [[1, 3, 5], [2, 4], [1, 2, 3, 4]]


def test_a_file_of_one_client_and_of_a_note_of_another_binds_both(ruled: Workplace, store: Store) -> None:
    ruled.connect(store, DATASETS)
    fill(
        store,
        f"(1, {OLD}), (2, {OLD}), (3, {OLD}), (4, {NEW}), (5, {OLD}), (6, {OLD})",
        f"(1, 2, {OLD}), (2, 3, {OLD}), (3, 4, {OLD}), (5, 6, {OLD})",
        "(1, 1, 1), (2, 2, 2), (3, 3, 3), (5, 5, 5)",
    )
    assert ruled.each("clients") == {
        **dict.fromkeys("123", "referenced"),
        "4": "not_due",
        **dict.fromkeys("56", "due"),
    }
    agree(ruled)
    assert all_left(store) == [[1, 2, 3, 4], [1, 2, 3], [1, 2, 3]]


def test_files_of_a_note_that_are_no_part_of_its_client_go_first_in_the_same_run(
    ruled: Workplace, store: Store
) -> None:
    """The plan counted such a client as due, and the run left it."""
    ruled.connect(store, WITHOUT_FILES)
    fill(
        store,
        f"(1, {OLD}), (2, {NEW}), (3, {OLD}), (4, {OLD})",
        f"(1, 1, {OLD}), (2, 2, {OLD}), (3, NULL, {OLD}), (4, 3, {OLD})",
        "(1, NULL, 1), (2, NULL, 2), (3, NULL, 3)",
    )
    assert ruled.each("clients") == {"1": "due", "2": "not_due", "3": "due", "4": "due"}
    assert ruled.each("notes") == {"1": "due", "2": "retained", "3": "due", "4": "elsewhere"}
    agree(ruled)
    assert all_left(store) == [[2], [2], [2]]


def test_a_client_waits_for_the_files_of_a_note_that_no_rule_deletes(bare: Workplace, store: Store) -> None:
    bare.rule("clients", 'data = "clients"\nkeep = "1 year"\nfrom = "ended"')
    bare.connect(store, WITHOUT_FILES)
    fill(
        store,
        f"(1, {OLD}), (2, {OLD}), (3, {OLD})",
        f"(1, 1, {OLD}), (2, 2, {OLD})",
        "(1, NULL, 1), (2, 3, NULL)",
    )
    assert bare.each("clients") == {"1": "referenced", "2": "due", "3": "referenced"}
    agree(bare)
    assert all_left(store) == [[1, 3], [1], [1, 2]]


def test_a_client_does_not_wait_for_its_own_notes_that_no_rule_deletes(bare: Workplace, store: Store) -> None:
    """Nor do clients who share files with notes of one another, but for one with a file of a note of nobody."""
    bare.rule("clients", 'data = "clients"\nkeep = "1 year"\nfrom = "ended"')
    bare.connect(store, DATASETS)
    fill(
        store,
        f"(1, {OLD}), (2, {OLD}), (3, {OLD}), (4, {OLD}), (5, {OLD})",
        f"(1, 1, {OLD}), (2, 2, {OLD}), (3, 3, {OLD}), (4, NULL, {OLD}), (5, 5, {OLD})",
        "(1, 1, 1), (2, 2, 3), (3, 3, 2), (4, 4, 4), (5, NULL, 5)",
    )
    assert bare.each("clients") == {**dict.fromkeys("123", "due"), "4": "referenced", "5": "referenced"}
    agree(bare)
    assert all_left(store) == [[4, 5], [4, 5], [4, 5]]


def test_notes_that_answer_notes_of_others_bind_their_clients(work: Workplace, store: Store) -> None:
    store.script(
        "CREATE TABLE clients (id INTEGER PRIMARY KEY, ended TIMESTAMP NULL);"
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, client INTEGER NULL, ended TIMESTAMP NULL, answers INTEGER NULL,"
        " FOREIGN KEY (client) REFERENCES clients (id), FOREIGN KEY (answers) REFERENCES notes (id));"
        "CREATE INDEX notes_client ON notes (client); CREATE INDEX notes_answers ON notes (answers);"
        f"INSERT INTO clients VALUES (1, {OLD}), (4, {OLD}), (5, {NEW}), (7, {OLD}), (8, {OLD}), (9, {OLD});"
        f"INSERT INTO notes VALUES (2, NULL, {OLD}, NULL), (1, 1, {OLD}, 2), (4, 4, {OLD}, NULL), (3, NULL, {OLD}, 4),"
        f" (7, 7, {OLD}, NULL), (6, NULL, {OLD}, 7), (5, 5, {OLD}, 6), (8, 8, {OLD}, NULL), (9, 9, {OLD}, 8);"
        "UPDATE notes SET answers = 9 WHERE id = 8"
    )
    for data in ("clients", "notes"):
        work.rule(data, f'data = "{data}"\nkeep = "1 year"\nfrom = "ended"')
    work.connect(store, WITHOUT_FILES.replace('parts  = ["files"]\n', ""))
    assert work.each("clients") == {**dict.fromkeys("1489", "due"), "5": "not_due", "7": "referenced"}
    assert {key: fate for key, fate in work.each("notes").items() if fate != "elsewhere"} == {
        **dict.fromkeys("23", "due"),
        "5": "retained",
        **dict.fromkeys("67", "referenced"),
    }
    agree(work)
    assert (left(store, "clients"), left(store, "notes")) == ([5, 7], [5, 6, 7])


def test_answers_between_notes_of_clients_and_of_nobody_bind_no_batch(work: Workplace, store: Store) -> None:
    """Rows of one table went by a statement for each dataset, and the database refused whichever came first."""
    store.script(
        "CREATE TABLE clients (id INTEGER PRIMARY KEY, ended TIMESTAMP NULL);"
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, client INTEGER NULL, ended TIMESTAMP NULL, answers INTEGER NULL,"
        " FOREIGN KEY (client) REFERENCES clients (id), FOREIGN KEY (answers) REFERENCES notes (id));"
        "CREATE INDEX notes_client ON notes (client); CREATE INDEX notes_answers ON notes (answers);"
        f"INSERT INTO clients VALUES (1, {OLD}), (6, {OLD});"
        f"INSERT INTO notes VALUES (3, 1, {OLD}, NULL), (2, NULL, {OLD}, 3), (1, 1, {OLD}, 2),"
        f" (6, 6, {OLD}, NULL), (7, NULL, {OLD}, 6); UPDATE notes SET answers = 7 WHERE id = 6"
    )
    for data in ("clients", "notes"):
        work.rule(data, f'data = "{data}"\nkeep = "1 year"\nfrom = "ended"')
    work.connect(store, WITHOUT_FILES.replace('parts  = ["files"]\n', ""))
    assert work.each("clients") == {"1": "due", "6": "due"}
    assert {key for key, fate in work.each("notes").items() if fate == "due"} == {"2", "7"}
    agree(work)
    assert (left(store, "clients"), left(store, "notes")) == ([], [])


THREE = (
    WITHOUT_FILES
    + """
[datasets.files]
data   = "files"
table  = "files"
events = { ended = "ended" }
"""
)


@pytest.fixture
def three(bare: Workplace, store: Store) -> Workplace:
    """Files are records, too."""
    store.script("ALTER TABLE files ADD COLUMN ended TIMESTAMP NULL")
    return bare


def test_a_file_of_a_note_that_no_rule_deletes_goes_with_the_client_of_the_note(
    three: Workplace, store: Store
) -> None:
    """The file waits for the note, which goes with the client, who waits for the file."""
    for data in ("clients", "files"):
        three.rule(data, f'data = "{data}"\nkeep = "1 year"\nfrom = "ended"')
    three.connect(store, THREE)
    store.script(
        f"INSERT INTO clients VALUES (1, {OLD}), (2, {OLD}); INSERT INTO notes VALUES (1, 1, {OLD}), (2, 2, {OLD}),"
        f" (3, NULL, {OLD}); INSERT INTO files VALUES (1, NULL, 1, {OLD}), (2, NULL, 2, {NEW}), (3, NULL, 3, {OLD})"
    )
    assert three.each("clients") == {"1": "due", "2": "referenced"}
    assert three.each("files") == {"1": "due", "2": "not_due", "3": "referenced"}
    agree(three)
    assert all_left(store) == [[2], [2, 3], [2, 3]]


def test_files_of_clients_and_pages_that_lead_back_to_them_are_planned(
    three: Workplace, store: Store
) -> None:
    """A plan ended in a RecursionError: files lead to clients, too, by the notes that they are attached to."""
    store.script(
        "CREATE TABLE pages (id INTEGER PRIMARY KEY, client INTEGER NULL, file INTEGER NULL,"
        " FOREIGN KEY (client) REFERENCES clients (id), FOREIGN KEY (file) REFERENCES files (id));"
        "CREATE INDEX pages_client ON pages (client); CREATE INDEX pages_file ON pages (file)"
    )
    for data in ("clients", "notes", "files"):
        three.rule(data, f'data = "{data}"\nkeep = "1 year"\nfrom = "ended"')
    parts = '["notes", { table = "files", via = "client" }, { table = "pages", via = "client" }]'
    three.connect(store, THREE.replace('["notes"]', parts))
    store.script(
        f"INSERT INTO clients VALUES (1, {OLD}), (2, {OLD}), (3, {NEW});"
        f"INSERT INTO notes VALUES (1, 1, {OLD}), (2, 2, {OLD});"
        f"INSERT INTO files VALUES (1, NULL, 1, {OLD}), (2, 2, NULL, {OLD}), (3, NULL, 2, {OLD});"
        f"INSERT INTO files VALUES (4, NULL, NULL, {OLD});"
        "INSERT INTO pages VALUES (1, 2, 1), (2, 3, 2), (3, 1, 4)"
    )
    assert three.each("clients") == {"1": "referenced", "2": "referenced", "3": "not_due"}
    agree(three)
    assert all_left(store)[0] == [1, 2, 3]


def test_a_shared_row_that_two_jobs_lead_to_is_planned_once(bare: Workplace, store: Store) -> None:
    """A file of client 1 and one of no client refer to house 1; the plan counted it with both jobs."""
    store.script(
        "CREATE TABLE houses (id INTEGER PRIMARY KEY); ALTER TABLE files ADD COLUMN house INTEGER;"
        "ALTER TABLE files ADD COLUMN ended TIMESTAMP NULL; CREATE INDEX files_house ON files (house);"
        f"INSERT INTO houses VALUES (1), (2); INSERT INTO clients VALUES (1, {OLD});"
        f"INSERT INTO files VALUES (1, 1, NULL, 1, {OLD}), (2, NULL, NULL, 1, {OLD})"
    )
    for data in ("clients", "files"):
        bare.rule(data, f'data = "{data}"\nkeep = "1 year"\nfrom = "ended"')
    house = '{ table = "houses", shared = "stays" }]\nrelations = ["files.house -> houses.id"]\n'
    bare.connect(
        store,
        f"""
[datasets.clients]
data   = "clients"
table  = "clients"
events = {{ ended = "ended" }}
parts  = ["files", {house}
[datasets.files]
data   = "files"
table  = "files"
events = {{ ended = "ended" }}
parts  = [{house}""",
    )

    def houses(jobs: Any) -> int:
        return sum(many for job in jobs for table, many in job.rows.items() if table.endswith("houses"))

    assert houses(bare.plan().jobs) == 1
    assert houses(bare.run().jobs) == 1
    assert (left(store, "files"), left(store, "houses")) == ([], [2])


def test_what_is_marked_by_itself_is_marked_before_what_it_is_a_part_of(
    bare: Workplace, store: Store
) -> None:
    """From then on another rule could have deleted client 1 with note 1, which stayed unmarked, though planned: clients
    went first, in the order of the file."""
    store.script(
        "ALTER TABLE notes ADD COLUMN answers INTEGER NULL; CREATE INDEX notes_answers ON notes (answers);"
        "ALTER TABLE notes ADD COLUMN marked TIMESTAMP NULL; ALTER TABLE clients ADD COLUMN marked TIMESTAMP NULL;"
        "ALTER TABLE clients ADD COLUMN seen TIMESTAMP NULL"
    )
    bare.connect(
        store,
        """
[datasets.clients]
data     = "clients"
table    = "clients"
events   = { ended = "ended", seen = "seen" }
parts    = ["notes"]
restrict = { mark = "marked" }
[datasets.notes]
data      = "notes"
table     = "notes"
events    = { ended = "ended" }
restrict  = { mark = "marked" }
relations = ["notes.answers -> notes.id"]
""",
    )
    bare.rule(
        "gone",
        'data = "clients"\nkeep = "1 year"\nfrom = "seen"\notherwise = ["restrict"]\nyields_to = ["legal claims"]',
    )
    bare.rule("apart", 'data = ["clients", "notes"]\nkeep = "1 year"\nfrom = "ended"\naction = "restrict"')
    store.script(
        f"INSERT INTO clients (id, ended, seen) VALUES (1, {NEW}, {OLD}), (2, {OLD}, {OLD});"
        f"INSERT INTO notes (id, client, ended, answers) VALUES (1, 1, {OLD}, 2), (2, 2, {NEW}, 1)"
    )
    due = {(job.rule, job.dataset): job.due for job in bare.plan().jobs}
    assert due == {("gone", "clients"): 2, ("apart", "clients"): 0, ("apart", "notes"): 1}
    assert {(job.rule, job.dataset): job.done for job in bare.run().jobs} == due
    assert [n for (n,) in store.rows("SELECT id FROM notes WHERE marked IS NOT NULL")] == [1]
    assert [n for (n,) in store.rows("SELECT id FROM clients WHERE marked IS NOT NULL ORDER BY id")] == [1, 2]
