"""Schemas that real programs left behind: read whole, and refused for what they would do."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from retention.connectors.sql.sqlite.dialect import Sqlite
from retention.model.catalogue import Catalogue, Relation
from tests.conftest import Template
from tests.support.stores import PostgresqlStore, Server, SqliteStore
from tests.support.workplace import Workplace

DEVICE = [
    "android_mmssms.db",
    "chrome_History",
    "firefox_places.sqlite",
    "safari_History.db",
    "sqlite_skype_main.db",
    "sqlite_snapshot.db",
    "windows_ActivitiesCache.db",
]


@pytest.fixture(params=DEVICE)
def device(request: pytest.FixtureRequest, data: Path, tmp_path: Path) -> SqliteStore:
    shutil.copy(data / "device" / request.param, tmp_path / "device.db")
    return SqliteStore(tmp_path / "device.db")


def catalogue_of(store: SqliteStore) -> Catalogue:
    engine = Sqlite().engine(store.path, read_only=True)
    with engine.connect() as connection:
        return Sqlite().catalogue(connection)


def test_a_device_is_read_as_sqlite_itself_tells_it(device: SqliteStore) -> None:
    """Tables, keys, references with what they do, triggers by event: against plain PRAGMAs."""
    catalogue = catalogue_of(device)

    names = {n for (n,) in device.rows("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")}
    assert {id_.name for id_ in catalogue.tables} == {n for n in names if not n.startswith("sqlite_")}
    with sqlite3.connect(device.path) as connection:
        for id_, table in catalogue.tables.items():
            if table.relation is not Relation.TABLE:
                continue
            key = connection.execute(
                "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", (id_.name,)
            ).fetchall()
            assert table.key == tuple(name for (name,) in key)
            actions = connection.execute(
                "SELECT DISTINCT id, on_delete FROM pragma_foreign_key_list(?)", (id_.name,)
            ).fetchall()
            assert sorted(r.on_delete for r in catalogue.outbound(id_)) == sorted(a for _, a in actions)
            unique = connection.execute(
                'SELECT count(*) FROM pragma_index_list(?) WHERE "unique" AND NOT partial', (id_.name,)
            ).fetchone()
            assert sum(i.unique for i in table.indexes if i.name != "primary key") <= unique[0]
    connection.close()
    deleting = {
        trigger.name
        for table in catalogue.tables.values()
        for trigger in table.triggers
        if "DELETE" in trigger.events
    }
    for name, sql in device.rows("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"):
        head = " ".join(sql.split()).upper().partition(" BEGIN")[0].partition(" WHEN")[0]
        assert (name in deleting) == (" DELETE ON " in head), sql


def test_no_table_of_a_device_is_taken_for_something_it_is_not(device: SqliteStore, work: Workplace) -> None:
    """Whatever is there, asking for it as a dataset gives problems or a plan, never a crash."""
    catalogue = catalogue_of(device)
    work.rule("rows", 'data = "rows"\nkeep = "1 year"\nfrom = "made"')
    for id_, table in list(catalogue.tables.items())[:12]:
        texts = [c.name for c in table.columns.values() if c.kind.value == "text"]
        if not texts:
            continue
        work.connect(
            device,
            f"[datasets.rows]\ndata = 'rows'\ntable = '\"{id_.name}\"'\nevents = {{ made = '\"{texts[0]}\"' }}",
        )
        report = work.check()
        if not report.problems:
            assert set(work.fates("rows")) <= {"undated", "unclear", "not_due", "due", "referenced"}


@pytest.fixture
def kanboard(server: Server, data: Path, template: Template) -> Iterator[PostgresqlStore]:
    def script() -> str:
        return (data / "kanboard" / "postgres.sql").read_text(encoding="utf-8")

    store = server.create(template("kanboard", script))
    yield store
    server.drop(store)


def test_every_cascade_of_a_real_schema_is_named(work: Workplace, kanboard: PostgresqlStore) -> None:
    work.rule("users", 'data = "users"\nkeep = "1 year"\nfrom = "made"')
    work.connect(
        kanboard,
        '[datasets.users]\ndata = "users"\ntable = "users"\nallow_scan = true\nevents = { made = "never" }',
    )
    acting = kanboard.rows(
        "SELECT conrelid::regclass::text, confdeltype::text FROM pg_constraint"
        " WHERE contype = 'f' AND confrelid = 'users'::regclass AND confdeltype IN ('c', 'n', 'd')"
    )
    assert len(acting) > 5

    problems = work.problems()

    assert len(problems) == len(acting)
    found = " ".join(problem.found for problem in problems)
    assert all(f"`public.{table.strip(chr(34))}." in found for table, _ in acting)
    assert found.count("ON DELETE CASCADE") == sum(action == "c" for _, action in acting)
