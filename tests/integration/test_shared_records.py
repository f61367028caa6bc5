"""Rows that others share by referring to them, and that are records of a dataset with rows of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.test_circles import NEW, OLD, left
from tests.support.stores import SqliteStore, Store
from tests.support.workplace import Workplace

SHARED = 'parts = [{ table = "houses", shared = "stays" }]'
FILES = f"""
[datasets.files]
data   = "files"
table  = "files"
events = {{ ended = "ended" }}
{SHARED}
"""
HOUSES = """
[datasets.houses]
data   = "houses"
table  = "houses"
events = { ended = "ended" }
"""
TOWNS = 'parts  = [{ table = "towns", shared = "stays" }]\n'
ROOMS = 'parts  = ["rooms"]\n'


@pytest.fixture
def bare(work: Workplace, store: Store) -> Workplace:
    """Files in a house, houses in a town, rooms of a house."""
    store.script(
        "CREATE TABLE towns (id INTEGER PRIMARY KEY);"
        "CREATE TABLE houses (id INTEGER PRIMARY KEY, ended TIMESTAMP NULL, town INTEGER NULL, state VARCHAR(9),"
        " FOREIGN KEY (town) REFERENCES towns (id));"
        "CREATE TABLE rooms (id INTEGER PRIMARY KEY, house INTEGER NULL,"
        " FOREIGN KEY (house) REFERENCES houses (id));"
        "CREATE TABLE files (id INTEGER PRIMARY KEY, ended TIMESTAMP NULL, house INTEGER NULL,"
        " FOREIGN KEY (house) REFERENCES houses (id));"
        "CREATE INDEX houses_town ON houses (town); CREATE INDEX rooms_house ON rooms (house);"
        "CREATE INDEX files_house ON files (house)"
    )
    work.rule("files", 'data = "files"\nkeep = "1 year"\nfrom = "ended"')
    return work


@pytest.fixture
def ruled(bare: Workplace) -> Workplace:
    bare.rule("houses", 'data = "houses"\nkeep = "1 year"\nfrom = "ended"')
    return bare


def fill(store: Store, houses: str, files: str, *, rooms: str = "") -> None:
    """Houses: (id, ended, town, state); files: (id, ended, house). Towns 1 to 4."""
    store.script(
        f"INSERT INTO towns VALUES (1), (2), (3), (4); INSERT INTO houses VALUES {houses};"
        f"INSERT INTO files VALUES {files};" + (f"INSERT INTO rooms VALUES {rooms}" if rooms else "")
    )


def all_left(store: Store) -> list[list[int]]:
    return [left(store, table) for table in ("files", "houses", "towns")]


def planned(work: Workplace) -> dict[str, dict[str, int]]:
    """Rule → table → rows, as the plan has them."""
    return {
        job.rule: {table.rpartition(".")[2]: count for table, count in job.rows.items() if count}
        for job in work.plan().jobs
    }


def done(work: Workplace) -> dict[str, dict[str, int]]:
    """The same of a run."""
    return {
        job.rule: {table.rpartition(".")[2]: count for table, count in job.rows.items() if count}
        for job in work.run().jobs
    }


def test_the_town_of_a_house_goes_with_it_where_files_share_the_house(ruled: Workplace, store: Store) -> None:
    """It stayed behind: the house went with its last file, of which the town is no part."""
    ruled.connect(store, FILES + HOUSES + TOWNS)
    fill(
        store,
        f"(1, {OLD}, 1, ''), (2, {OLD}, 1, ''), (3, {OLD}, 2, ''), (4, {OLD}, 3, '')",
        f"(1, {OLD}, 1), (2, {OLD}, 1), (3, {OLD}, 2), (4, {OLD}, 3), (5, {NEW}, 4)",
    )
    assert ruled.problems() == ()
    assert ruled.each("houses") == {**dict.fromkeys("123", "due"), "4": "retained"}
    plan = planned(ruled)
    assert plan == {"files": {"files": 4}, "houses": {"houses": 3, "towns": 2}}
    assert done(ruled) == plan
    assert all_left(store) == [[5], [4], [3, 4]]
    assert ruled.cli("audit", "verify").exit_code == 0


def test_a_house_with_a_town_waits_for_its_own_rule_when_the_last_file_has_gone(
    bare: Workplace, store: Store
) -> None:
    """And keeps no file, where the rule on files does not yield to that."""
    bare.rule("files", 'data = "files"\nkeep = "1 year"\nfrom = "ended"\nyields_to = ["legal claims"]')
    bare.rule("houses", 'data = "houses"\nkeep = "1 year"\nfrom = "ended"')
    bare.connect(store, FILES + HOUSES + TOWNS)
    fill(store, f"(1, {NEW}, 1, ''), (2, {OLD}, 2, '')", f"(1, {OLD}, 1), (2, {OLD}, 2)")
    assert planned(bare) == {"files": {"files": 2}, "houses": {"houses": 1, "towns": 1}}
    bare.run()
    assert all_left(store) == [[], [1], [1, 3, 4]]
    store.script(f"UPDATE houses SET ended = {OLD}")
    bare.run()
    assert all_left(store) == [[], [], [3, 4]]


def test_a_run_of_the_rule_on_files_alone_leaves_such_a_house_to_its_own(
    ruled: Workplace, store: Store
) -> None:
    ruled.connect(store, FILES + HOUSES + TOWNS)
    fill(store, f"(1, {OLD}, 1, '')", f"(1, {OLD}, 1)")
    ruled.run("files")
    assert all_left(store) == [[], [1], [1, 2, 3, 4]]
    ruled.run()
    assert all_left(store) == [[], [], [2, 3, 4]]


def test_a_house_that_is_no_such_record_goes_with_the_last_file(ruled: Workplace, store: Store) -> None:
    """Only houses that are let are records: 1 is, 2 is not, of 3 it can't be told."""
    ruled.connect(store, FILES + HOUSES + "where = \"state = 'let'\"\n" + TOWNS)
    fill(
        store,
        f"(1, {NEW}, 1, 'let'), (2, {NEW}, 2, 'sold'), (3, {NEW}, 3, NULL)",
        f"(1, {OLD}, 1), (2, {OLD}, 2), (3, {OLD}, 3)",
    )
    bare = {"files": {"files": 3, "houses": 1}, "houses": {}}
    ruled.rule("files", 'data = "files"\nkeep = "1 year"\nfrom = "ended"\nyields_to = ["legal claims"]')
    assert planned(ruled) == bare
    assert done(ruled) == bare
    assert all_left(store) == [[], [1, 3], [1, 2, 3, 4]]


def test_a_house_with_rooms_goes_by_its_own_rule(ruled: Workplace, store: Store) -> None:
    ruled.connect(store, FILES + HOUSES + ROOMS)
    fill(
        store,
        f"(1, {OLD}, 1, ''), (2, {OLD}, 2, ''), (3, {OLD}, 3, '')",
        f"(1, {OLD}, 1), (2, {OLD}, 2), (3, {NEW}, 3)",
        rooms="(1, 1), (2, 1), (3, 3)",
    )
    plan = planned(ruled)
    assert plan == {"files": {"files": 2}, "houses": {"houses": 2, "rooms": 2}}
    assert done(ruled) == plan
    assert all_left(store)[:2] == [[3], [3]]
    assert left(store, "rooms") == [3]


def test_explain_and_check_say_by_whose_rules_a_shared_record_goes(ruled: Workplace, store: Store) -> None:
    ruled.connect(store, FILES + HOUSES + TOWNS)
    fill(store, f"(1, {OLD}, 1, '')", f"(1, {OLD}, 1)")
    (shared,) = ruled.explain("db.files", "1").shared
    assert (shared.count, shared.goes) == (1, 0)
    assert [(each.by, each.count, each.rows, each.record) for each in shared.kept_by] == [
        ("db.houses", 1, ("1",), True)
    ]
    said = " ".join(ruled.cli("explain", "db.files", "1").stdout.split())
    assert "which stays when it goes: 1 is a record of db.houses, and goes by rules of its own (1)." in said
    document = json.loads(ruled.cli("explain", "db.files", "1", "--format", "json").stdout)
    assert document["shared"][0]["kept_by"][0]["record"] is True
    checked = " ".join(ruled.cli("check").stdout.split())
    assert "houses by the rules on db.houses" in checked


def test_nothing_is_asked_of_a_delete_that_never_comes(ruled: Workplace, store: Store) -> None:
    """Rooms go with houses ON DELETE CASCADE: houses have them as parts, and no file takes a house along."""
    store.script(
        "DROP TABLE rooms; CREATE TABLE rooms (id INTEGER PRIMARY KEY, house INTEGER NULL,"
        " FOREIGN KEY (house) REFERENCES houses (id) ON DELETE CASCADE); CREATE INDEX rooms_house ON rooms (house)"
    )
    ruled.connect(store, FILES + HOUSES + ROOMS)
    assert ruled.problems() == ()
    assert [line for line in ruled.check().warnings if "houses" in line] == []


def test_check_warns_of_shared_records_that_no_rule_deletes(bare: Workplace, store: Store) -> None:
    bare.connect(store, FILES + HOUSES + ROOMS)
    (said,) = [line for line in bare.check().warnings if "of which none deletes" in line]
    assert said.startswith("`db.files`: rows of `")
    assert "are records of `db.houses`" in said


def test_check_warns_of_what_rows_that_are_no_such_records_leave_behind(
    ruled: Workplace, store: Store
) -> None:
    ruled.connect(store, FILES + HOUSES + "where = \"state = 'let'\"\n" + TOWNS)
    (said,) = [line for line in ruled.check().warnings if "that are no records of `db.houses`" in line]
    assert "towns" in said
    assert said.endswith("stays behind")


def test_a_house_of_another_database_says_nothing_of_one_here(
    ruled: Workplace, store: Store, tmp_path: Path
) -> None:
    other = SqliteStore(tmp_path / "other.db")
    other.script(
        "CREATE TABLE houses (id INTEGER PRIMARY KEY, ended TIMESTAMP);"
        "CREATE TABLE rooms (id INTEGER PRIMARY KEY, house INTEGER REFERENCES houses (id));"
        "CREATE INDEX rooms_house ON rooms (house)"
    )
    ruled.connect(store, FILES)
    ruled.connect(other, HOUSES + ROOMS, name="other")
    checked = " ".join(ruled.cli("check").stdout.split())
    assert "files, and after the last that refers to them" in checked
    assert "by the rules on" not in checked


def test_a_ring_goes_together_whatever_a_house_of_its_own_refers_to(work: Workplace, store: Store) -> None:
    """Client 1 has file 1 for agent, which is in house 1, of which client 1 is the owner; client 2 stays."""
    store.script(
        "CREATE TABLE clients (id INTEGER PRIMARY KEY, ended TIMESTAMP NULL, agent INTEGER NULL);"
        "CREATE TABLE houses (id INTEGER PRIMARY KEY, ended TIMESTAMP NULL, owner INTEGER NULL,"
        " FOREIGN KEY (owner) REFERENCES clients (id));"
        "CREATE TABLE rooms (id INTEGER PRIMARY KEY, house INTEGER NULL,"
        " FOREIGN KEY (house) REFERENCES houses (id));"
        "CREATE TABLE files (id INTEGER PRIMARY KEY, ended TIMESTAMP NULL, house INTEGER NULL, client INTEGER NULL,"
        " FOREIGN KEY (house) REFERENCES houses (id), FOREIGN KEY (client) REFERENCES clients (id));"
        "CREATE INDEX rooms_house ON rooms (house); CREATE INDEX files_house ON files (house);"
        "CREATE INDEX files_client ON files (client); CREATE INDEX houses_owner ON houses (owner);"
        "CREATE INDEX clients_agent ON clients (agent)"
    )
    clients = '[datasets.clients]\ndata = "clients"\ntable = "clients"\nevents = { ended = "ended" }\n'
    relation = 'relations = ["clients.agent -> files.id"]\n'
    work.connect(store, FILES + HOUSES + ROOMS + clients + relation)
    for data in ("files", "houses", "clients"):
        work.rule(data, f'data = "{data}"\nkeep = "1 year"\nfrom = "ended"')
    store.script(
        f"INSERT INTO clients VALUES (1, {OLD}, 1), (2, {NEW}, 2);"
        f"INSERT INTO houses VALUES (1, {OLD}, 1), (2, {OLD}, 2); INSERT INTO rooms VALUES (1, 1), (2, 2);"
        f"INSERT INTO files VALUES (1, {OLD}, 1, 1), (2, {OLD}, 2, 2)"
    )
    assert [line for line in work.check().warnings if "can't go together" in line] == []
    plan = planned(work)
    assert plan == {"files": {"files": 1}, "houses": {"houses": 1, "rooms": 1}, "clients": {"clients": 1}}
    assert done(work) == plan
    assert [left(store, table) for table in ("clients", "files", "houses", "rooms")] == [[2], [2], [2], [2]]
