"""`plan --sql` shows what a run sends: each statement, in the way in which each job's records are really taken."""

from __future__ import annotations

import functools
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from retention.connectors.sql.batches.together import TogetherRemover
from retention.engine.pace import Pace
from retention.model.plan import Statement
from retention.verbs.running import working
from tests.support.mariadb import MariadbStore, connect
from tests.support.stores import PostgresqlStore, SqliteStore, Store, changed
from tests.support.workplace import Workplace

OLD, NEW = "2020-01-01", "2026-11-01"
LEAF = '[datasets.visits]\ndata = "visits"\ntable = "visits"\nevents = { seen = "at" }\n'
SHOP = """
[datasets.visits]
data   = "visits"
table  = "visits"
events = { seen = { latest = ["at", "calls.at"] } }
parts  = ["calls", "notes"]
relations = ["notes.visit_id -> visits.id"]
"""


def visits(store: Store, old: int, new: int, *, index: bool) -> None:
    rows = ", ".join(f"({n}, '{OLD if n <= old else NEW}')" for n in range(1, old + new + 1))
    store.script(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, at DATE);"
        + ("CREATE INDEX visits_at ON visits (at);" if index else "")
        + f"INSERT INTO visits VALUES {rows};"
    )


def dense(store: Store) -> str:
    visits(store, 30, 10, index=False)
    return LEAF


def sparse(store: Store) -> str:
    visits(store, 3, 40, index=True)
    return LEAF


def dense_with_an_index(store: Store) -> str:
    visits(store, 30, 10, index=True)
    return LEAF


def sparse_without_an_index(store: Store) -> str:
    visits(store, 3, 40, index=False)
    return LEAF


def with_parts(store: Store) -> str:
    """Calls answer each other; the notes' reference is only the operator's word."""
    visits(store, 5, 20, index=True)
    store.script(
        "CREATE TABLE calls (id INTEGER PRIMARY KEY, at DATE, visit_id INTEGER NOT NULL,"
        " answers INTEGER, FOREIGN KEY (visit_id) REFERENCES visits (id), FOREIGN KEY (answers) REFERENCES calls (id));"
        "CREATE INDEX calls_visit ON calls (visit_id); CREATE INDEX calls_answers ON calls (answers);"
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, visit_id INTEGER); CREATE INDEX notes_v ON notes (visit_id);"
        f"INSERT INTO calls VALUES (1, '{OLD}', 1, NULL), (2, '{OLD}', 1, 1), (3, '{NEW}', 2, NULL);"
        "INSERT INTO notes VALUES (1, 1), (2, 3), (3, 9)"
    )
    return SHOP


def of_own_columns_with_parts(store: Store) -> str:
    visits(store, 5, 20, index=True)
    store.script(
        "CREATE TABLE calls (id INTEGER PRIMARY KEY, visit_id INTEGER, FOREIGN KEY (visit_id) REFERENCES visits (id));"
        "CREATE INDEX calls_visit ON calls (visit_id); INSERT INTO calls VALUES (1, 1), (2, 1), (3, 9)"
    )
    return LEAF + 'parts = ["calls"]\n'


def that_refer_to_each_other(store: Store) -> str:
    store.script(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, at DATE, after INTEGER,"
        " FOREIGN KEY (after) REFERENCES visits (id));"
        f"CREATE INDEX visits_after ON visits (after); INSERT INTO visits VALUES (1, '{OLD}', NULL), (2, '{OLD}', 1),"
        f" (3, '{OLD}', NULL), (4, '{NEW}', 3)"
    )
    return LEAF


COMPANIES = [
    dense,
    sparse,
    with_parts,
    of_own_columns_with_parts,
    *(
        pytest.param(company, marks=pytest.mark.heavy)
        for company in (dense_with_an_index, sparse_without_an_index, that_refer_to_each_other)
    ),
]


@pytest.fixture
def shop(work: Workplace) -> Workplace:
    work.rule("visits", 'data = "visits"\nkeep = "1 year"\nfrom = "seen"')
    return work


@contextmanager
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every statement that any driver is given, with its parameters still apart."""
    import psycopg
    import pymysql.cursors

    heard: list[str] = []

    def tapped(real: Any) -> Any:
        def execute(self: Any, query: Any, *rest: Any, **options: Any) -> Any:
            heard.append(query if isinstance(query, str) else str(query))
            return real(self, query, *rest, **options)

        return execute

    def told(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        heard.append(statement)

    with monkeypatch.context() as patch:
        for cursor in (psycopg.Cursor, psycopg.ServerCursor, pymysql.cursors.Cursor):
            patch.setattr(cursor, "execute", tapped(cursor.execute))
        sa.event.listen(sa.Engine, "before_cursor_execute", told)
        try:
            yield heard
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", told)


def bare(sql: str) -> str:
    """With every value, list of values and parameter as one question mark."""
    text = re.sub(r"/\*.*?\*/", "", sql).replace("%%", "%")
    text = re.sub(r"%\(\w+\)s|%s|'(?:[^']|'')*'|\bNULL\b|(?<![\w\"`.])-?\d+(\.\d+)?\b|(?<!:):\w+", "?", text)
    text = re.sub(r"\(\s*\?(\s*,\s*\?)*\s*\)", "?", text)
    text = re.sub(r"\s+", " ", text).replace("( ", "(").replace(" )", ")").replace("? ::", "?::").strip()
    return re.sub(POSITIONS, "", text)


_ID, _AT = (rf"\S+[.`\"]{name}[`\"]?" for name in ("id", "at"))
_POSITION = (
    rf"(\({_AT}, {_ID}\) (>|<=) \?|\({_AT} [<>] \? OR {_AT} = \? AND {_ID} (>|<=) \?\)|{_ID} (>|<=) \?)"
)
POSITIONS = rf" AND {_POSITION}|(?<=WHERE ){_POSITION} AND "
"""From where on, and up to where: the first batch has the one not yet, and the last not the other."""


def of_the_company(heard: list[str]) -> set[str]:
    """Statements that read or delete rows of the company's tables."""
    told = re.compile(r"[\"`. ](visits|calls|notes|v_\w+)[\"`]?\b")
    return {
        bare(sql)
        for sql in heard
        if told.search(sql)
        and not re.search(r"information_schema|pg_c|sqlite_master|SHOW |PRAGMA|pragma", sql)
    }


@pytest.mark.parametrize("company", COMPANIES, ids=lambda c: c.__name__)
def test_a_run_sends_nothing_that_is_not_shown(
    shop: Workplace, store: Store, monkeypatch: pytest.MonkeyPatch, company: Callable[[Store], str]
) -> None:
    shop.connect(store, company(store))
    sends_what_is_shown(shop, store, monkeypatch)


@pytest.mark.parametrize("old", [30, pytest.param(3, marks=pytest.mark.heavy)])
def test_nor_does_one_that_looks_up_tenants_periods(
    work: Workplace, store: Store, monkeypatch: pytest.MonkeyPatch, old: int
) -> None:
    work.rule("visits", 'data = "visits"\nkeep = { period = "instructed" }\nfrom = "seen"')
    visits(store, old, 40 - old, index=False)
    store.script(
        "CREATE TABLE tenants (id INTEGER PRIMARY KEY, months INTEGER);"
        "INSERT INTO tenants VALUES (1, 12), (2, 24), (3, NULL);"
        "ALTER TABLE visits ADD COLUMN tenant_id INTEGER REFERENCES tenants (id);"
        "UPDATE visits SET tenant_id = 1 + id % 3"
    )
    period = 'column = "tenants.months"\nunit = "months"\nbetween = ["1 month", "10 years"]'
    work.connect(store, f"{LEAF}[datasets.visits.periods.instructed]\n{period}\n")
    sends_what_is_shown(work, store, monkeypatch)


def sends_what_is_shown(shop: Workplace, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shop.problems() == ()
    shown = shop.statements()
    shop.init()
    before = store.snapshot()
    monkeypatch.setattr(working, "Pace", functools.partial(Pace, size=10))

    with listening(monkeypatch) as heard:
        first = shop.run(limit=1).jobs[0]
        second = shop.statements()
        whole = shop.run().jobs[0]

    assert (first.done, whole.left) == (1, 0)
    assert whole.done > 0
    gone = changed(before, store.snapshot())
    sent = of_the_company(heard)
    known = {bare(s.sql) for s in (*shown, *second)}
    # A plan counts what its limits are measured by.
    strange = {
        sql for sql in sent - known if not re.fullmatch(r"SELECT count\(\*\) AS count_1 FROM \S+", sql)
    }
    assert strange == set()
    deletes = [s.sql for s in shown if s.sql.startswith(("DELETE", "WITH"))]
    for table in gone:
        assert any(re.search(rf"DELETE FROM (ONLY )?\S*\b{table}\b", sql) for sql in deletes), table
    assert sum(sql.startswith("DELETE") for sql in sent) > 0


WAYS: dict[str, dict[Callable[[Store], str], str]] = {
    "postgresql": {dense: "pages", sparse: "", dense_with_an_index: "pages", sparse_without_an_index: "pages"},
    "mariadb": {dense: "span", sparse: "span", dense_with_an_index: "span", sparse_without_an_index: ""},
    "sqlite": {dense: "span", sparse: "span", dense_with_an_index: "span", sparse_without_an_index: "span"},
}  # fmt: skip


@pytest.mark.parametrize("company", COMPANIES, ids=lambda c: c.__name__)
def test_what_is_shown_is_the_job_s_own_way_understood_and_deletes_nothing_as_it_stands(
    shop: Workplace, store: Store, company: Callable[[Store], str]
) -> None:
    shop.connect(store, company(store))
    shop.init()
    statements = shop.statements()
    before = store.snapshot()

    by_the_way_of(store.kind, company, [s.purpose for s in statements])
    explained(store, statements)
    executed(store, [s.sql for s in statements])

    assert changed(before, store.snapshot()) == {}


def by_the_way_of(database: str, company: Callable[[Store], str], purposes: list[str]) -> None:
    way = WAYS[database].get(company, "")
    words = {"pages": "in a range of pages", "span": "in a span of"}
    found = {word for word, text in words.items() if any(text in purpose for purpose in purposes)}
    assert found == ({way} if way else set())
    assert any(p.startswith("sweep by keys: candidates") for p in purposes) == bool(way)


def test_each_partition_is_named(shop: Workplace, postgresql: PostgresqlStore) -> None:
    postgresql.script(
        "CREATE TABLE visits (id INTEGER, at DATE, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
        "CREATE TABLE v_old PARTITION OF visits FOR VALUES FROM ('2000-01-01') TO ('2021-01-01');"
        "CREATE TABLE v_new PARTITION OF visits FOR VALUES FROM ('2021-01-01') TO ('2030-01-01');"
        f"INSERT INTO visits SELECT n, '{OLD}' FROM generate_series(1, 20) n"
    )
    shop.connect(postgresql, LEAF)
    shop.init()

    statements = shop.statements()

    explained(postgresql, statements)
    for leaf in ("v_old", "v_new"):
        (delete,) = [
            s.sql for s in statements if s.purpose.endswith(f"delete in a range of pages of public.{leaf}")
        ]
        assert delete.startswith(f'DELETE FROM "public"."{leaf}"')
        assert "CAST('(0,0)' /* known in the batch */ AS tid)" in delete


def test_batches_that_two_rules_have_together_are_shown(
    work: Workplace, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Visits 1 and 2 follow each other, by one rule each; both have calls and share a note."""
    store.script(
        "CREATE TABLE notes (id INTEGER PRIMARY KEY); INSERT INTO notes VALUES (1), (2);"
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, kind VARCHAR(1), at DATE, after INTEGER, note INTEGER,"
        " FOREIGN KEY (after) REFERENCES visits (id), FOREIGN KEY (note) REFERENCES notes (id));"
        "CREATE INDEX visits_after ON visits (after); CREATE INDEX visits_note ON visits (note);"
        "CREATE TABLE calls (id INTEGER PRIMARY KEY, visit_id INTEGER, FOREIGN KEY (visit_id) REFERENCES visits (id));"
        "CREATE INDEX calls_visit ON calls (visit_id);"
        f"INSERT INTO visits VALUES (1, 'a', '{OLD}', NULL, 1), (2, 'b', '{OLD}', 1, 1), (3, 'a', '{NEW}', NULL, 2);"
        "UPDATE visits SET after = 2 WHERE id = 1; INSERT INTO calls VALUES (1, 1), (2, 1), (3, 2)"
    )
    for kind in "ab":
        work.rule(kind, f'data = "visits"\nwhere = "kind = \'{kind}\'"\nkeep = "1 year"\nfrom = "seen"')
    work.connect(
        store,
        f"{LEAF}facts = {{ kind = 'kind' }}\nparts = ['calls', {{ table = 'notes', shared = 'stays' }}]\n",
    )
    shown = work.statements()
    work.init()
    before = store.snapshot()
    begun, real = [], TogetherRemover.begin

    def begin(remover: TogetherRemover) -> None:
        if not begun:
            del heard[:]  # all that is not of such batches
        begun.append(remover)
        real(remover)

    monkeypatch.setattr(TogetherRemover, "begin", begin)
    with listening(monkeypatch) as heard:
        outcome = work.run()
    assert [(job.rule, job.done) for job in outcome.jobs] == [("a", 1), ("b", 1)]
    assert begun

    joint = [s for s in shown if s.together]
    assert {(s.rule, s.together) for s in joint} == {("a", ("a", "b"))}
    sent = of_the_company(heard)
    assert sent - {bare(s.sql) for s in joint} == set()
    assert sum(sql.startswith("DELETE") for sql in sent) == 3
    for rule in "ab":
        (sql,) = (s.sql for s in joint if s.purpose.endswith(f"recheck under the lock, of records of {rule}"))
        assert f"'{rule}'" in sql
    for table in changed(before, store.snapshot()):
        assert any(re.search(rf"DELETE FROM (ONLY )?\S*\b{table}\b", s.sql) for s in joint), table
    assert {"calls", "notes"} <= {table.split(".")[-1] for table in changed(before, store.snapshot())}

    before = store.snapshot()
    explained(store, tuple(joint))
    executed(store, [s.sql for s in joint])
    assert changed(before, store.snapshot()) == {}
    lines = work.cli("plan", "--sql").output.splitlines()
    head = lines.index("-- on db.visits, due by a and b")
    assert lines[head - 1].startswith("-- Joint batches, after each rule's own")
    assert lines[head + 2].startswith("-- a and b, db.visits: joint batch: ")
    assert not any("joint batch" in line for line in lines[:head])


def test_a_rule_alone_has_no_batches_with_others(shop: Workplace, sqlite: SqliteStore) -> None:
    shop.connect(sqlite, that_refer_to_each_other(sqlite))
    assert not any(statement.together for statement in shop.statements())


def explained(store: Store, statements: tuple[Statement, ...]) -> None:
    """The server takes each statement; nothing is executed."""
    temporary = [s.sql for s in statements if s.sql.startswith("CREATE TEMP")]
    executed(
        store,
        [*dict.fromkeys(temporary), *(f"EXPLAIN {s.sql}" for s in statements if s.sql not in temporary)],
    )


def executed(store: Store, statements: list[str]) -> None:
    if isinstance(store, MariadbStore):
        with connect(store.url) as server, server.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = ''")
            for sql in statements:
                cursor.execute(sql)
            server.commit()
        return
    if isinstance(store, SqliteStore):
        with sqlite3.connect(store.path, isolation_level=None) as file:
            for sql in statements:
                if "retention_marker" not in sql or sql.startswith("EXPLAIN"):
                    file.execute(sql)
        file.close()
        return
    import psycopg

    with psycopg.connect(store.url) as server:
        for sql in statements:
            server.execute(sql)  # type: ignore[call-overload]
