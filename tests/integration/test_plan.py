"""The dry run: executable SQL, no writing, ranges that add up to the whole."""

from __future__ import annotations

import os
import re
import sqlite3
from collections import Counter

import pytest
import sqlalchemy as sa

from retention.connectors.sql.dialect import Timeouts
from retention.connectors.sql.postgresql.dialect import Postgresql
from tests.support.mariadb import MariadbStore, connect
from tests.support.stores import PostgresqlStore, SqliteStore, Store, changed
from tests.support.workplace import Workplace

SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, made TIMESTAMP, name TEXT);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id), made TIMESTAMP, "50% off:x" TEXT
);
CREATE INDEX orders_customer ON orders (customer);
CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id));
CREATE INDEX lines_order ON lines (order_id);
"""
DATASETS = """
[datasets.orders]
data   = "orders"
table  = "orders"
where  = '''"50% off:x" <> ':param_1 %(param_1)s it''s 100%' '''
events = { made = "made" }
parts  = ["lines"]
[datasets.customers]
data   = "customers"
table  = "customers"
events = { made = { latest = ["made", "orders.made"] } }
"""
CUSTOMERS = 23


def shop(work: Workplace, store: Store) -> None:
    """Customers of every fate, each with some orders of every fate."""
    years, owners = ("2020", "2026", "2030"), [n % CUSTOMERS for n in range(60)]
    kinds = ("'a'", "'b'", "'a'", "NULL", "':param_1 %(param_1)s it''s 100%'")
    customers = ", ".join(f"({n}, '{years[n % 2]}-01-01 00:00:00', 'c{n}')" for n in range(CUSTOMERS))
    rows = ", ".join(
        f"({n}, {c}, '{years[c // 2 % 3]}-03-01 00:00:00', {kinds[c % 5]})" for n, c in enumerate(owners)
    )
    lines = ", ".join(f"({n}, {n % 60})" for n in range(150))
    store.script(
        SHOP + f"INSERT INTO customers VALUES {customers}; INSERT INTO orders VALUES {rows};"
        f"INSERT INTO lines VALUES {lines}"
    )
    work.connect(store, DATASETS)
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "made"')
    work.rule("customers", 'data = "customers"\nkeep = "1 year"\nfrom = "made"')


@pytest.mark.parametrize("size", [5, 22, 23, 24])
def test_many_ranges_count_what_one_does(
    work: Workplace, store: Store, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    from retention.connectors.sql import counting

    shop(work, store)
    whole = [(j.rule, j.fates, j.rows, j.overdue, j.oldest, j.referenced_by) for j in work.plan().jobs]
    monkeypatch.setattr(counting, "RANGE", size)

    assert [
        (j.rule, j.fates, j.rows, j.overdue, j.oldest, j.referenced_by) for j in work.plan().jobs
    ] == whole


def test_a_run_does_what_the_plan_said(work: Workplace, store: Store) -> None:
    shop(work, store)
    before = store.snapshot()
    plan = work.plan()

    outcome = work.run()

    rows: dict[str, int] = {}
    for job in plan.jobs:
        assert job.due > 0
        for table, count in job.rows.items():
            rows[table.rpartition(".")[2]] = rows.get(table.rpartition(".")[2], 0) + count
    assert [(j.rule, j.done) for j in outcome.jobs] == [(j.rule, j.due) for j in plan.jobs]
    assert changed(before, store.snapshot()) == {table: (count, 0) for table, count in rows.items()}
    assert work.plan().totals["due"] == 0


def test_the_statements_can_be_executed_as_they_are_printed(work: Workplace, store: Store) -> None:
    """Each in order, on one connection, in a transaction that is rolled back; the plan's give its numbers."""
    shop(work, store)
    work.init()
    statements = tuple({s.sql: s for s in work.statements()}.values())
    plan = {job.rule: job for job in work.plan().jobs}
    before = store.snapshot()

    answers = [
        (s, *rest) for s, rest in zip(statements, _execute(store, [s.sql for s in statements]), strict=True)
    ]

    assert len(statements) >= 15
    counted = [
        (s.rule, rows) for s, rows in answers if s.purpose == "plan: records by fate in a range of keys"
    ]
    for rule, rows in counted:
        fates: Counter[str] = Counter()
        for label, count, *_ in rows:
            fates[label.removesuffix(" late")] += count
        assert fates == {f: n for f, n in plan[rule].fates.items() if n}
        assert sum(n for label, n, *_ in rows if label.endswith(" late")) == plan[rule].overdue
    (orders,) = [rows for rule, rows in counted if rule == "orders"]
    lines = sum(row[-1] for row in orders if row[0].startswith("due"))
    assert lines == next(n for t, n in plan["orders"].rows.items() if t.endswith("lines"))
    candidates = [(s.rule, rows) for s, rows in answers if s.purpose == "batch: candidates, without locks"]
    assert all(rows for _, rows in candidates)
    assert changed(before, store.snapshot()) == {}
    purposes = {s.purpose for s in statements}
    assert "batch: the marker, with the batch's own values" in purposes
    assert not [s.sql for s in statements if "CAST(NULL AS" in s.sql and "batch: " in s.purpose]


def _execute(store: Store, statements: list[str]) -> list[tuple[list[tuple[object, ...]]]]:
    if isinstance(store, SqliteStore):
        connection = sqlite3.connect(store.path, isolation_level=None)
        connection.execute("BEGIN")
        answers = [(connection.execute(sql).fetchall(),) for sql in statements]
        connection.execute("ROLLBACK")
        connection.close()
        return answers
    if isinstance(store, MariadbStore):
        return _execute_on_mariadb(store, statements)
    import psycopg

    answers = []
    with psycopg.connect(store.url) as server:
        for sql in statements:
            cursor = server.execute(sql)  # type: ignore[call-overload]
            answers.append((cursor.fetchall() if cursor.description else [],))
        server.rollback()
    return answers


def _execute_on_mariadb(store: MariadbStore, statements: list[str]) -> list[tuple[list[tuple[object, ...]]]]:
    answers: list[tuple[list[tuple[object, ...]]]] = []
    with connect(store.url) as server, server.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = ''")
        for sql in statements:
            cursor.execute(sql)
            answers.append((list(cursor.fetchall()),))
        server.rollback()
    return answers


def test_the_printed_statements_name_the_markers_where_they_are(
    work: Workplace, postgresql: PostgresqlStore
) -> None:
    shop(work, postgresql)
    plain = [s.sql for s in work.statements() if "retention_marker" in s.sql]
    work.connectors["db"] = 'marker_schema = "Ops"\n' + work.connectors["db"]
    placed = [s.sql for s in work.statements() if "retention_marker" in s.sql]

    assert all(sql.startswith("INSERT INTO retention_marker ") for sql in plain)
    assert all(sql.startswith('INSERT INTO "Ops".retention_marker ') for sql in placed)
    assert len(plain) == len(placed) == 2


def test_no_parameter_is_left_in_a_printed_statement(work: Workplace, store: Store) -> None:
    shop(work, store)

    for statement in work.statements():
        bare = re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`", "", statement.sql)
        assert not re.search(r":\w|%\(|\?", bare.replace("::", "")), statement.sql


def test_a_plan_works_without_a_state_store_and_says_so(work: Workplace, store: Store) -> None:
    from retention.verbs.plan import plan

    shop(work, store)

    made = plan(work.place, clock=work.clock)

    assert not made.stored
    assert "there is no state store here" in made.notes[0]
    assert not (work.folder / "state").exists()


def test_looking_writes_nothing_to_a_sqlite_file(work: Workplace, sqlite: SqliteStore) -> None:
    shop(work, sqlite)
    before, folder = sqlite.digest(), sorted(p.name for p in sqlite.path.parent.glob("target*"))
    stamp = sqlite.path.stat().st_mtime_ns

    work.plan()
    work.statements()
    work.check()
    work.explain("db.orders", "0")

    assert sqlite.digest() == before
    assert sqlite.path.stat().st_mtime_ns == stamp
    assert sorted(p.name for p in sqlite.path.parent.glob("target*")) == folder


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_sqlite_file_keeps_its_journal_mode(work: Workplace, sqlite: SqliteStore, mode: str) -> None:
    shop(work, sqlite)
    sqlite.rows(f"PRAGMA journal_mode = {mode}")

    work.run()

    assert sqlite.rows("PRAGMA journal_mode") == [(mode,)]


def test_looking_needs_no_more_than_a_role_that_reads(work: Workplace, postgresql: PostgresqlStore) -> None:
    """A role that may read and nothing else, in sessions that are read-only by default."""
    shop(work, postgresql)
    role = f"retention_reader_{os.getpid()}"
    postgresql.script(
        f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA public TO {role};"
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};"
        f"ALTER ROLE {role} SET default_transaction_read_only = on"
    )
    try:
        whole = [j.fates for j in work.plan().jobs]
        work.environ["DB_URL"] = postgresql.url.replace("postgres@", f"{role}@")
        assert [j.fates for j in work.plan().jobs] == whole
        assert work.problems() == ()
        assert work.fate_of("db.orders", "0") == "due"
        assert work.statements()
    finally:
        postgresql.script(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_plan_in_a_read_only_session_writes_nothing(
    work: Workplace, postgresql: PostgresqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every statement of a plan is sent in a transaction that PostgreSQL itself keeps from writing."""
    import sqlalchemy as sa

    shop(work, postgresql)
    modes: set[str] = set()

    @sa.event.listens_for(sa.engine.Engine, "after_cursor_execute")
    def look(connection, cursor, statement, *_):
        if "SET TRANSACTION" not in statement and connection.dialect.name == "postgresql":
            probe = connection.connection.cursor()
            probe.execute("SHOW transaction_read_only")
            modes.add(probe.fetchone()[0])

    try:
        work.plan()
        work.check()
    finally:
        sa.event.remove(sa.engine.Engine, "after_cursor_execute", look)

    assert modes == {"on"}


def test_a_read_only_sqlite_file_is_planned_and_not_run(work: Workplace, sqlite: SqliteStore) -> None:
    shop(work, sqlite)
    work.init()
    whole = [j.fates for j in work.plan().jobs]
    before = sqlite.digest()
    sqlite.path.chmod(0o444)
    if os.access(sqlite.path, os.W_OK):
        pytest.skip("root writes everything")

    assert [j.fates for j in work.plan().jobs] == whole
    outcome = work.run()

    assert outcome.status == "failed"
    assert all("may not be written" in (j.reason or "") for j in outcome.jobs if j.planned)
    assert sqlite.digest() == before


def test_a_file_that_may_not_be_written_is_not_run_even_by_root(
    work: Workplace, sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same for a tester who may write everything: access() is told what it would say to others."""
    shop(work, sqlite)
    work.init()
    whole = [j.fates for j in work.plan().jobs]
    before = sqlite.digest()
    access = os.access

    def told(path, mode, **keys):
        return access(path, mode, **keys) and not (os.fspath(path) == str(sqlite.path) and mode == os.W_OK)

    monkeypatch.setattr(os, "access", told)

    assert [j.fates for j in work.plan().jobs] == whole
    outcome = work.run()

    assert outcome.status == "failed"
    assert all("may not be written" in (j.reason or "") for j in outcome.jobs if j.planned)
    assert sqlite.digest() == before


def test_a_sqlite_file_that_is_not_there_is_not_made(work: Workplace, sqlite: SqliteStore) -> None:
    from retention.errors import UnreachableError

    shop(work, sqlite)
    work.environ["DB_URL"] = f"sqlite:///{work.folder}/elsewhere.db"

    with pytest.raises(UnreachableError, match="there is no SQLite file"):
        work.plan()
    assert not (work.folder / "elsewhere.db").exists()


def test_rows_that_a_policy_hides_are_an_error_and_not_absent(
    work: Workplace, postgresql: PostgresqlStore
) -> None:
    from retention.errors import RetentionError

    shop(work, postgresql)
    role = f"retention_hidden_{os.getpid()}"
    postgresql.script(
        f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA public TO {role};"
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};"
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON orders USING (id < 5)"
    )
    try:
        work.environ["DB_URL"] = postgresql.url.replace("postgres@", f"{role}@")
        with pytest.raises(RetentionError):
            work.plan()
    finally:
        postgresql.script(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_postgresql_compiles_no_statement(postgresql: PostgresqlStore) -> None:
    """A plan of 900,000 records took 6.0 s with `jit`, which is a server's default, and 2.7 s without."""
    postgresql.script(f'ALTER DATABASE "{postgresql.name}" SET jit TO on')
    dialect, found = Postgresql(), []
    for begin in (dialect.begin_reading, lambda connection: dialect.begin(connection, Timeouts())):
        engine = dialect.engine(
            sa.make_url(postgresql.url).set(drivername="postgresql+psycopg"), read_only=False
        )
        with engine.connect() as connection:
            begin(connection)
            found.append(connection.exec_driver_sql("SHOW jit").scalar_one())
        engine.dispose()
    postgresql.script(f'ALTER DATABASE "{postgresql.name}" RESET jit')

    assert found == ["off", "off"]
