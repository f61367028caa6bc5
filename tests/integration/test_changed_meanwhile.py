"""What changes in a database between plan and run, and databases that are not fit for it: as users see it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.mariadb import MariadbServer, MariadbStore
from tests.support.stores import PostgresqlStore, SqliteStore, Store
from tests.support.workplace import Workplace

DATASET = """
[datasets.visits]
data   = "visits"
table  = "visits"
events = { seen = "seen" }
"""
ROWS = "(1, '2015-01-01 00:00:00', 'a'), (2, '2015-01-02 00:00:00', 'b'), (3, '2026-11-01 00:00:00', 'c')"


def shop(work: Workplace, store: Store) -> Workplace:
    """Two of three visits are due; `note` is no column of any file."""
    store.script(
        f"CREATE TABLE visits (id INTEGER PRIMARY KEY, seen TIMESTAMP, note TEXT); INSERT INTO visits VALUES {ROWS}"
    )
    work.connect(store, DATASET)
    work.rule("visits", 'data = "visits"\nkeep = "1 year"\nfrom = "seen"')
    return work


def said(done: Any) -> str:
    return " ".join((done.stdout + done.stderr).split())


def deleted(work: Workplace) -> list[str]:
    """Batches that the ledger knows of."""
    return [e["type"] for e in work.events() if e["type"].startswith("batch.")]


RETYPED = {
    "sqlite": (
        "CREATE TABLE copy (id INTEGER PRIMARY KEY, seen BLOB, note TEXT); INSERT INTO copy SELECT * FROM visits;"
        " DROP TABLE visits; ALTER TABLE copy RENAME TO visits"
    ),
    "postgresql": "ALTER TABLE visits ALTER COLUMN seen TYPE interval USING '1 year'",
    "mariadb": "ALTER TABLE visits MODIFY seen TIME",
}
NARROWED = {
    "sqlite": RETYPED["sqlite"].replace("BLOB", "DATE"),
    "postgresql": "ALTER TABLE visits ALTER COLUMN seen TYPE date",
    "mariadb": "ALTER TABLE visits MODIFY seen DATE",
}
SCHEMA = (
    r"the schema of its tables (is not what it was when the plan was made; plan again|has changed; look at)"
)
CHANGES = {
    "table renamed": ("ALTER TABLE visits RENAME TO visited", 3, "table `visits` does not exist"),
    "event renamed": ("ALTER TABLE visits RENAME COLUMN seen TO seen_at", 3, "seen"),
    "event dropped": ("ALTER TABLE visits DROP COLUMN seen", 3, "seen"),
    "event retyped": (RETYPED, 3, "seen"),
    "event narrowed": (NARROWED, 4, SCHEMA),
    "other dropped": (
        "ALTER TABLE visits DROP COLUMN note",
        4,
        SCHEMA,
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_between_plan_and_run_is_told_and_nothing_goes(
    work: Workplace, store: Store, change: str
) -> None:
    statement, code, why = CHANGES[change]
    shop(work, store)
    work.approval = "changes"
    work.init()
    plan = json.loads(work.cli("plan", "--format", "json").stdout)["plan"]["id"]
    assert work.cli("approve", plan).exit_code == 0

    store.script(statement if isinstance(statement, str) else statement[store.kind])
    for words in (("run", "--yes", "--plan", plan), ("run", "--yes")):
        done = work.cli(*words)
        assert done.exit_code == code, said(done)
        assert re.search(why, said(done)), said(done)
    table = "visited" if change == "table renamed" else "visits"
    assert store.rows(f"SELECT count(*) FROM {table}") == [(3,)]
    assert deleted(work) == []


@pytest.mark.parametrize("change", ["event narrowed", "other dropped"])
def test_a_change_that_check_takes_as_known_wants_a_new_plan_and_then_runs(
    work: Workplace, store: Store, change: str
) -> None:
    statement, _, _ = CHANGES[change]
    shop(work, store).approval = "changes"
    work.init()
    plan = json.loads(work.cli("plan", "--format", "json").stdout)["plan"]["id"]
    work.cli("approve", plan)
    store.script(statement if isinstance(statement, str) else statement[store.kind])
    assert work.cli("run", "--yes").exit_code == 4
    assert work.cli("check").exit_code == 0
    done = work.cli("run", "--yes", "--format", "json")
    assert done.exit_code == 0, said(done)
    assert store.rows("SELECT id FROM visits") == [(3,)]


def test_a_table_that_is_renamed_while_its_job_runs_fails_the_job_alone(
    work: Workplace, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retention.connectors.sql.batches.pages import PageRemover
    from retention.connectors.sql.batches.removal import KeyRemover
    from retention.connectors.sql.batches.spans import SpanRemover

    shop(work, store)
    work.init()
    first = KeyRemover.begin

    def renaming(remover: Any) -> None:
        tables = "visits RENAME TO visited"
        if store.rows("SELECT count(*) FROM visits"):
            monkeypatch.setattr(KeyRemover, "begin", first)
            store.script(f"ALTER TABLE {tables}")
        first(remover)

    for kind in (KeyRemover, PageRemover, SpanRemover):
        if "begin" in kind.__dict__:
            monkeypatch.setattr(kind, "begin", renaming)
    done = work.cli("run", "--yes", "--format", "json")
    [job] = json.loads(done.stdout)["jobs"]
    assert (done.exit_code, job["status"], job["done"], job["left"]) == (5, "failed", 0, 2)
    assert store.rows("SELECT count(*) FROM visited") == [(3,)]
    assert set(deleted(work)) <= {"batch.intent", "batch.rolled_back", "batch.unknown"}
    assert job["set_aside"] == 0


@pytest.mark.one_in(4)
@pytest.mark.parametrize("value", ["1e308", "-1e308", "-1", "-62135596801"])
@pytest.mark.parametrize("type_", ["DOUBLE PRECISION", "TEXT"])
def test_numbers_that_are_no_time_are_unclear_and_stay(
    work: Workplace, store: Store, type_: str, value: str
) -> None:
    wrong = f"'{value}'" if type_ == "TEXT" else value
    right = "'1420070400'" if type_ == "TEXT" else "1420070400"
    store.script(
        f"CREATE TABLE visits (id INTEGER PRIMARY KEY, seen {type_});"
        f"INSERT INTO visits VALUES (1, {wrong}), (2, {right})"
    )
    work.connect(store, DATASET.replace('"seen" }', '{ column = "seen", unit = "s" } }'))
    work.rule("visits", 'data = "visits"\nkeep = "1 year"\nfrom = "seen"')
    assert work.fates("visits") == {"unclear": 1, "due": 1}
    assert work.fate_of("db.visits", "1") == "unclear"
    assert work.cli("check").exit_code == 0
    work.run()
    assert store.rows("SELECT id FROM visits") == [(1,)]


def test_a_text_in_a_column_of_numbers_is_unclear_where_the_database_lets_it_in(
    work: Workplace, sqlite: SqliteStore
) -> None:
    sqlite.script(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, seen INTEGER);"
        "INSERT INTO visits VALUES (1, 'abc'), (2, 1420070400), (3, x'00')"
    )
    work.connect(sqlite, DATASET.replace('"seen" }', '{ column = "seen", unit = "s" } }'))
    work.rule("visits", 'data = "visits"\nkeep = "1 year"\nfrom = "seen"')
    assert work.fates("visits") == {"unclear": 2, "due": 1}
    work.run()
    assert sqlite.rows("SELECT id FROM visits") == [(1,), (3,)]


def test_wall_clocks_that_all_lie_ahead_are_asked_for_their_zone(work: Workplace, store: Store) -> None:
    """Written an hour ago in Auckland, read as if in Honolulu."""
    store.script(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, seen TIMESTAMP);"
        "INSERT INTO visits VALUES (1, '2026-11-23 00:00:00'), (2, '2026-11-22 23:59:00')"
    )
    work.connect(store, DATASET, timezone="Pacific/Honolulu")
    work.rule("visits", 'data = "visits"\nkeep = "1 day"\nfrom = "seen"')
    (warning,) = [w for w in work.check().warnings if "retention_marker" not in w]
    assert "lies in the future, all 2: is it another zone or format?" in warning
    assert work.fates("visits") == {"not_due": 2}


# -- servers that are not fit --------------------------------------------------------------


def test_an_older_server_is_refused_by_every_command(
    work: Workplace, postgresql: PostgresqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop(work, postgresql)
    work.init()
    monkeypatch.setattr("retention.connectors.sql.postgresql.dialect.OLDEST", 990000)
    _refused_as_old(work, r"the server is PostgreSQL \d+, which can't read a table by ranges of its pages")
    assert postgresql.rows("SELECT count(*) FROM visits") == [(3,)]


def test_an_older_mariadb_is_refused_by_every_command(
    work: Workplace, mariadb: MariadbStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`check` said that there were no problems: the refusal was a sentence, and no problem of any file."""
    shop(work, mariadb)
    work.init()
    old = "5.5.5-10.5.20-MariaDB"
    monkeypatch.setattr("pymysql.connections.Connection.get_server_info", lambda _: old)
    _refused_as_old(work, f"the server is version {old}")
    assert mariadb.rows("SELECT count(*) FROM visits") == [(3,)]


def test_an_older_sqlite_is_refused_by_every_command(
    work: Workplace, sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop(work, sqlite)
    work.init()
    monkeypatch.setattr("retention.connectors.sql.opening.OLDEST_SQLITE", (99, 0))
    _refused_as_old(work, r"Python's SQLite is version [\d.]+")
    assert sqlite.rows("SELECT count(*) FROM visits") == [(3,)]


def _refused_as_old(work: Workplace, sentence: str) -> None:
    for words in (("check",), ("plan",), ("run", "--yes")):
        done = work.cli(*words)
        assert done.exit_code == 3, said(done)
        assert re.search(sentence, said(done)), said(done)
        assert "db.toml" in said(done)
        assert "Traceback" not in said(done)


# -- logins --------------------------------------------------------------------------------


def test_a_password_that_is_rotated_during_a_run_is_read_anew(
    work: Workplace,
    mariadb: MariadbStore,
    mariadb_server: MariadbServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second job connects with the new one; where the file was forgotten it fails, and says so."""
    from retention.connectors.sql.target import SqlTarget

    shop(work, mariadb)
    mariadb.script("CREATE TABLE calls (id INTEGER PRIMARY KEY, seen TIMESTAMP)")
    rows = "INSERT INTO calls VALUES (1, '2015-01-01')"
    mariadb.script(rows)
    work.rule("calls", 'data = "calls"\nkeep = "1 year"\nfrom = "seen"')
    work.connect(mariadb, DATASET + DATASET.replace("visits", "calls"))
    work.init()
    user = mariadb.name[-20:]
    mariadb_server.execute(f"CREATE USER '{user}' IDENTIFIED BY 'first'")
    mariadb_server.execute(f"GRANT ALL ON *.* TO '{user}'")
    secret = tmp_path / "secret"
    secret.write_text("first")
    secret.chmod(0o600)
    work.environ["DB_URL"] = mariadb.url.replace("root@", f"{user}@")
    work.connectors["db"] = work.connectors["db"].replace(
        "timezone", f'password = "file:{secret}"\ntimezone', 1
    )
    remover = SqlTarget.remover
    rotations = iter(["second", "third"])

    def rotating(target: SqlTarget, *words: Any, **options: Any) -> Any:
        if words[0].bound.dataset.name == rotate_at:
            password = next(rotations)
            mariadb_server.execute(f"ALTER USER '{user}' IDENTIFIED BY '{password}'")
            if write:
                secret.write_text(password)
        return remover(target, *words, **options)

    monkeypatch.setattr(SqlTarget, "remover", rotating)
    try:
        rotate_at, write = work.plan().jobs[0].dataset, True
        assert [job.status.value for job in work.run().jobs] == ["done", "done"]
        mariadb.script(rows + "; INSERT INTO visits VALUES (9, '2015-01-01', '')")
        write = False
        done = work.cli("run", "--yes", "--format", "json")
        jobs = json.loads(done.stdout)["jobs"]
        assert (done.exit_code, [job["status"] for job in jobs]) == (5, ["failed", "failed"])
        assert "can't be reached: Access denied for user" in jobs[1]["reason"]
        assert "third" not in done.stdout + done.stderr
        plan = work.cli("plan")
        assert (plan.exit_code, "Access denied" in said(plan)) == (5, True)
        assert mariadb.rows("SELECT count(*) FROM calls") == [(1,)]
        secret.write_text("third")
        rotate_at = ""
        assert [job.done for job in work.run().jobs] == [1, 1]
    finally:
        mariadb_server.execute(f"DROP USER '{user}'")
