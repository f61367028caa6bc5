"""PostgreSQL's schemas, generated columns, what fires at a DELETE, and rows that a policy hides."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest

from retention.errors import RetentionError
from retention.model.plan import JobStatus
from tests.support.stores import PostgresqlStore, Server, Store, changed
from tests.support.workplace import Workplace

OLD, NEW = "'2020-01-01 00:00:00'", "'2026-11-01 00:00:00'"


def tables(schema: str) -> str:
    """Orders 1 (old), 2 (new) and 3 (old) with a line each; a note of the schema's own keeps 3."""
    return (
        f"CREATE SCHEMA IF NOT EXISTS {schema};"
        f"CREATE TABLE {schema}.orders (id INTEGER PRIMARY KEY, created TIMESTAMP);"
        f"CREATE TABLE {schema}.lines (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES {schema}.orders (id));"
        f"CREATE INDEX ON {schema}.lines (order_id);"
        f"CREATE TABLE {schema}.notes (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES {schema}.orders (id));"
        f"CREATE INDEX ON {schema}.notes (order_id);"
        f"INSERT INTO {schema}.orders VALUES (1, {OLD}), (2, {NEW}), (3, {OLD});"
        f"INSERT INTO {schema}.lines VALUES (10, 1), (20, 2), (30, 3);"
        f"INSERT INTO {schema}.notes VALUES (1, 3);"
    )


def dataset(table: str, parts: str = '"lines"', more: str = "") -> str:
    return (
        f'[datasets.orders]\ndata = "orders"\ntable = "{table}"\nparts = [{parts}]\n'
        f'events = {{ booked = "created" }}\n{more}'
    )


@pytest.fixture
def shop(work: Workplace) -> Workplace:
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "booked"')
    return work


@pytest.mark.parametrize("path", ["public", "b, a", "a"])
def test_the_search_path_decides_nothing(shop: Workplace, postgresql: PostgresqlStore, path: str) -> None:
    """Three schemas with the same tables; whatever the role's path, those that were named are meant."""
    postgresql.script(tables("public") + tables("a") + tables("b"))
    postgresql.script(f'ALTER DATABASE "{postgresql.name}" SET search_path TO {path}')
    shop.connect(postgresql, dataset("b.orders", '"b.lines"'))
    before = postgresql.snapshot()

    assert shop.each("orders") == {"1": "due", "2": "not_due", "3": "referenced"}
    assert shop.job("orders").referenced_by == {"b.notes.order_id": 1}
    try:
        shop.run()
        assert changed(before, postgresql.snapshot()) == {"b.orders": (1, 0), "b.lines": (1, 0)}
    finally:
        postgresql.script(f'ALTER DATABASE "{postgresql.name}" RESET search_path')


def test_a_reference_between_schemas_counts(shop: Workplace, postgresql: PostgresqlStore) -> None:
    postgresql.script(
        tables("a") + "CREATE SCHEMA b; CREATE TABLE b.orders (id INTEGER PRIMARY KEY, created TIMESTAMP,"
        " copy_of INTEGER REFERENCES a.orders (id)); CREATE INDEX ON b.orders (copy_of);"
        f"INSERT INTO b.orders VALUES (1, {OLD}, 1)"
    )
    shop.connect(postgresql, dataset("a.orders", '"a.lines"'))

    assert shop.fates("orders") == {"referenced": 2, "not_due": 1}


@pytest.mark.parametrize(
    ("table", "parts", "key"),
    [("orders", '"a.lines"', "table"), ("a.orders", '"lines"', "parts[1]")],
    ids=["the table", "a part"],
)
def test_a_name_that_two_schemas_have(
    shop: Workplace, postgresql: PostgresqlStore, table: str, parts: str, key: str
) -> None:
    postgresql.script(tables("a") + tables("b"))
    shop.connect(postgresql, dataset(table, parts))

    (problem,) = shop.problems()
    assert problem.key == f"datasets.orders.{key}"
    assert "is ambiguous" in problem.found
    assert "a." in problem.write
    assert "b." in problem.write


def test_a_relation_is_looked_for_beside_its_table_first(
    shop: Workplace, postgresql: PostgresqlStore
) -> None:
    postgresql.script(
        tables("a") + tables("b") + "CREATE TABLE a.tips (id INTEGER PRIMARY KEY, o INTEGER);"
        "CREATE INDEX ON a.tips (o); INSERT INTO a.tips VALUES (1, 1)"
    )
    shop.connect(postgresql, dataset("a.orders", '"a.lines"', 'relations = ["tips.o -> orders.id"]'))

    assert shop.each("orders") == {"1": "referenced", "2": "not_due", "3": "referenced"}


def test_generated_columns_are_read_like_others(shop: Workplace, store: Store) -> None:
    """One tells whose a line is (a relation can lead through it), one is in the dataset's condition."""
    by = "DIV" if store.kind == "mariadb" else "/"  # whose / gives a fraction, which is rounded
    store.script(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, created TIMESTAMP, amount INTEGER,"
        f" large INTEGER GENERATED ALWAYS AS (amount {by} 100) STORED);"
        "CREATE TABLE lines (id INTEGER PRIMARY KEY, code INTEGER,"
        f" order_id INTEGER GENERATED ALWAYS AS (code {by} 10) STORED);"
        "CREATE INDEX lines_order ON lines (order_id);"
        f"INSERT INTO orders (id, created, amount) VALUES (1, {OLD}, 50), (2, {OLD}, 5000), (3, {NEW}, 5000);"
        "INSERT INTO lines (id, code) VALUES (1, 11), (2, 21), (3, 31)"
    )
    more = 'relations = ["lines.order_id -> orders.id"]\nwhere = "large > 0"'
    shop.connect(store, dataset("orders", more=more))

    assert shop.fates("orders") == {"due": 1, "not_due": 1}
    shop.run()
    assert store.rows("SELECT id FROM orders ORDER BY id") == [(1,), (3,)]
    assert store.rows("SELECT id FROM lines ORDER BY id") == [(1,), (3,)]


# -- what fires at a DELETE -----------------------------------------------------------------

FUNCTION = "CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';"
FIRES = {
    "a rule": "CREATE RULE keep AS ON DELETE TO public.{} DO INSTEAD UPDATE public.notes SET id = id",
    "a rule beside": "CREATE RULE keep AS ON DELETE TO public.{} DO ALSO DELETE FROM public.notes",
    "a trigger": FUNCTION + "CREATE TRIGGER keep AFTER DELETE ON public.{} FOR EACH ROW EXECUTE FUNCTION f()",
    "a trigger of the statement": FUNCTION
    + "CREATE TRIGGER keep AFTER DELETE ON public.{} FOR EACH STATEMENT EXECUTE FUNCTION f()",
}


@pytest.mark.parametrize("on", ["orders", "lines"])
@pytest.mark.parametrize("what", FIRES)
def test_what_fires_at_a_delete_is_refused_by_name(
    shop: Workplace, postgresql: PostgresqlStore, what: str, on: str
) -> None:
    postgresql.script(tables("public") + FIRES[what].format(on))
    shop.connect(postgresql, dataset("orders"))

    (problem,) = shop.problems()
    kind = "rule" if "rule" in what else "trigger"
    assert f"{kind} `keep` on `public.{on}` runs at every DELETE" in problem.found
    with pytest.raises(RetentionError):
        shop.run()


@pytest.mark.parametrize("what", FIRES)
def test_what_comes_between_check_and_run_stops_the_job(
    shop: Workplace, postgresql: PostgresqlStore, what: str
) -> None:
    """Also where it comes after the run has looked at the schema: until then a plan may be old."""
    postgresql.script(tables("public"))
    shop.connect(postgresql, dataset("orders"))
    shop.init()
    assert shop.problems() == ()
    before = postgresql.snapshot()
    postgresql.script(FIRES[what].format("orders"))

    with pytest.raises(RetentionError, match=r"problem in the"):
        shop.run()

    assert changed(before, postgresql.snapshot()) == {}


def test_a_trigger_at_an_insert_that_comes_is_drift(shop: Workplace, postgresql: PostgresqlStore) -> None:
    """It fires at no DELETE; that the schema is another is told, and nothing goes until `check` has passed."""
    postgresql.script(tables("public"))
    shop.connect(postgresql, dataset("orders"))
    shop.init()
    assert shop.problems() == ()
    postgresql.script(
        FUNCTION + "CREATE TRIGGER watch AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION f()"
    )

    (job,) = shop.run().jobs
    assert (job.status, job.done) == (JobStatus.REFUSED, 0)
    assert "check" in str(job.reason)

    assert shop.problems() == ()
    assert shop.run().jobs[0].done == 1


# -- rows that a policy hides ----------------------------------------------------------------


@pytest.fixture
def role(server: Server, postgresql: PostgresqlStore) -> Iterator[str]:
    """A role that may do all that is needed; `postgresql` holds the tables."""
    name = f"keys_{secrets.token_hex(4)}"
    postgresql.script(
        tables("public")
        + "CREATE TABLE retention_marker (origin varchar(255) NOT NULL, run varchar(64) NOT NULL, batch integer"
        " NOT NULL, status varchar(16) NOT NULL, root varchar(64) NOT NULL, count bigint NOT NULL,"
        " PRIMARY KEY (origin, run, batch));"
        f"CREATE ROLE {name} LOGIN; GRANT USAGE ON SCHEMA public TO {name};"
        f"GRANT SELECT, UPDATE, DELETE, INSERT ON ALL TABLES IN SCHEMA public TO {name}"
    )
    yield name
    postgresql.script(f"DROP OWNED BY {name}")
    server.execute(f"DROP ROLE {name}")


def as_role(store: PostgresqlStore, role: str) -> PostgresqlStore:
    """The same database, seen by `role`."""
    parts = urlsplit(store.url)
    other = PostgresqlStore(store.url, store.name)
    other.url = urlunsplit(parts._replace(netloc=f"{role}@{parts.netloc.rpartition('@')[2]}"))
    return other


@pytest.mark.parametrize("on", ["orders", "lines", "notes"])
def test_row_security_that_hides_rows_is_told_by_check(
    shop: Workplace, postgresql: PostgresqlStore, role: str, on: str
) -> None:
    """Also where the policy shows all rows today, and on a table that only keeps records."""
    postgresql.script(
        f"ALTER TABLE {on} ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON {on} TO {role} USING (true)"
    )
    shop.connect(as_role(postgresql, role), dataset("orders"))

    (problem,) = shop.problems()
    assert problem.found == f"the role can't be sure to see every row of `public.{on}`"
    assert problem.write == f'ALTER ROLE "{role}" BYPASSRLS;'

    postgresql.script(problem.write)
    assert shop.problems() == ()
    assert shop.run().jobs[0].done == 1


def test_row_security_that_does_not_concern_the_role_is_none(
    shop: Workplace, postgresql: PostgresqlStore, role: str
) -> None:
    postgresql.script("ALTER TABLE orders ENABLE ROW LEVEL SECURITY")
    shop.connect(postgresql, dataset("orders"))

    assert shop.problems() == ()
