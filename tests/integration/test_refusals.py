"""What `check` refuses: by file and key, with what is there and what to write instead."""

from __future__ import annotations

import re

import pytest

from retention.errors import Problem
from tests.support.mariadb import MariadbStore
from tests.support.stores import PostgresqlStore, SqliteStore, Store
from tests.support.workplace import Workplace

FILE = "db.toml"

SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, created TIMESTAMP);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), created TIMESTAMP,
    status TEXT, amount INTEGER, paid BOOLEAN
);
CREATE INDEX orders_customer ON orders (customer_id);
CREATE TABLE lines (
    id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id), note TEXT
);
CREATE INDEX lines_order ON lines (order_id);
"""
ORDERS = """
[datasets.orders]
data   = "orders"
table  = "orders"
events = { booked = "created" }
parts  = ["lines"]
"""


@pytest.fixture
def shop(work: Workplace) -> Workplace:
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "booked"')
    return work


@pytest.fixture(params=["sqlite", "postgresql"])
def bare(request: pytest.FixtureRequest) -> Store:
    """A database that makes no index for a foreign key by itself, as InnoDB does, and has partial ones."""
    found: Store = request.getfixturevalue(request.param)
    return found


def only(work: Workplace) -> Problem:
    """The one problem, in the connector's file."""
    (problem,) = work.problems()
    assert problem.file.endswith(FILE), problem
    return problem


def refused(work: Workplace, key: str, found: str, write: str) -> Problem:
    """One problem at `key`; `found` and `write` are pieces of what it says."""
    problem = only(work)
    assert problem.key == key, problem
    assert found in problem.found, problem
    assert write in problem.write, problem
    return problem


def dataset(**keys: str) -> str:
    """`[datasets.orders]` with some of its keys as TOML."""
    known = {
        "data": '"orders"',
        "table": '"orders"',
        "events": '{ booked = "created" }',
        "parts": '["lines"]',
    }
    lines = [f"{name} = {text}" for name, text in (known | keys).items() if text]
    return "[datasets.orders]\n" + "\n".join(lines)


def schema(store: Store) -> str:
    """What comes before a table's name in messages."""
    return store.place


def test_a_schema_without_a_problem_passes(shop: Workplace, store: Store) -> None:
    store.script(SHOP)
    shop.connect(store, ORDERS)

    report = shop.check()

    assert report.problems == ()
    place = schema(store)
    assert report.checked == (f"db.orders: {place}orders with {place}lines",)


# -- what kind of thing a table is ---------------------------------------------------------


def test_a_view(shop: Workplace, store: Store) -> None:
    store.script(SHOP + "CREATE VIEW recent AS SELECT * FROM orders")
    shop.connect(store, dataset(table='"recent"', parts=""))

    refused(shop, "datasets.orders.table", f"`{schema(store)}recent` is a view", "name the table behind it")


def test_a_view_with_a_key_of_its_own_is_refused_too(shop: Workplace, store: Store) -> None:
    store.script(SHOP + "CREATE VIEW recent AS SELECT * FROM orders")
    shop.connect(store, dataset(table='"recent"', parts="", key='"id"'))

    refused(shop, "datasets.orders.table", "is a view", "name the table behind it")


def test_a_view_as_a_part(shop: Workplace, store: Store) -> None:
    store.script(SHOP + "CREATE VIEW recent AS SELECT * FROM lines")
    shop.connect(store, dataset(parts='["recent"]'))

    assert only(shop).key == "datasets.orders.parts[1]"


def test_a_materialized_view(shop: Workplace, postgresql: PostgresqlStore) -> None:
    postgresql.script(SHOP + "CREATE MATERIALIZED VIEW recent AS SELECT * FROM orders")
    shop.connect(postgresql, dataset(table='"recent"', parts=""))

    refused(shop, "datasets.orders.table", "`public.recent` is a materialized view", "name the tables")


def test_a_foreign_table_even_with_a_key(shop: Workplace, postgresql: PostgresqlStore) -> None:
    postgresql.script(
        "CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;"
        "CREATE FOREIGN TABLE orders (id INTEGER NOT NULL, created TIMESTAMP) SERVER files"
        " OPTIONS (filename '/dev/null')"
    )
    shop.connect(postgresql, dataset(parts="", key='"id"'))

    refused(shop, "datasets.orders.table", "`public.orders` is a foreign table", "connect to the database")


@pytest.mark.parametrize("key", ["", '"created"'])
def test_a_virtual_table_even_with_a_key(shop: Workplace, sqlite: SqliteStore, key: str) -> None:
    sqlite.script("CREATE VIRTUAL TABLE orders USING fts4(created, body)")
    shop.connect(sqlite, dataset(parts="", key=key))

    refused(shop, "datasets.orders.table", "`orders` is a virtual table", "stored by an extension")


def test_a_table_without_a_key(shop: Workplace, store: Store) -> None:
    store.script("CREATE TABLE orders (id INTEGER, created TIMESTAMP)")
    shop.connect(store, dataset(parts=""))

    name = f"{schema(store)}orders"
    refused(
        shop,
        "datasets.orders.table",
        f"table `{name}` has no primary key",
        'ALTER TABLE "public"."orders" ADD PRIMARY KEY' if store.kind == "postgresql" else 'key = ["…"]',
    )


def test_a_part_without_a_key(shop: Workplace, store: Store) -> None:
    store.script(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, created TIMESTAMP);"
        "CREATE TABLE lines (order_id INTEGER REFERENCES orders (id));"
        "CREATE INDEX lines_order ON lines (order_id)"
    )
    shop.connect(store, dataset())

    assert only(shop).key == "datasets.orders.parts[1]"


def test_one_partition_named_directly(shop: Workplace, postgresql: PostgresqlStore) -> None:
    postgresql.script(
        "CREATE TABLE orders (id INTEGER, created TIMESTAMP, PRIMARY KEY (id, created))"
        " PARTITION BY RANGE (created);"
        "CREATE TABLE orders_2021 PARTITION OF orders FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')"
    )
    shop.connect(postgresql, dataset(table='"orders_2021"', parts=""))

    refused(shop, "datasets.orders.table", "`public.orders_2021` is one partition", "name its parent")


# -- what the database itself would do -----------------------------------------------------


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT"])
@pytest.mark.parametrize("form", ["inline", "named"])
def test_a_reference_that_acts_beyond_the_record(
    shop: Workplace, store: Store, action: str, form: str
) -> None:
    if store.kind == "mariadb" and action == "SET DEFAULT":
        pytest.skip("InnoDB has no SET DEFAULT: it refuses the delete")
    reference = f"REFERENCES orders (id) ON DELETE {action}"
    column = "order_id INTEGER" + (f" {reference}" if form == "inline" else "")
    table = f", CONSTRAINT told FOREIGN KEY (order_id) {reference}" if form == "named" else ""
    store.script(
        SHOP + f"CREATE TABLE visits (id INTEGER PRIMARY KEY, {column}{table});"
        "CREATE INDEX visits_order ON visits (order_id)"
    )
    shop.connect(store, ORDERS)

    place = schema(store)
    problem = refused(
        shop,
        "datasets.orders.table",
        f"`{place}visits.order_id` refers to `{place}orders` ON DELETE {action}",
        'add "visits" to parts, or make the reference ON DELETE NO ACTION',
    )
    assert ("deletes" if action == "CASCADE" else "rewrites") in problem.found


def test_a_cascade_beyond_the_record_is_counted_to_its_end(shop: Workplace, store: Store) -> None:
    store.script(
        SHOP + "CREATE TABLE visits (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id)"
        " ON DELETE CASCADE); CREATE INDEX visits_order ON visits (order_id);"
        "CREATE TABLE pages (id INTEGER PRIMARY KEY, visit_id INTEGER REFERENCES visits (id)"
        " ON DELETE CASCADE); CREATE INDEX pages_visit ON pages (visit_id);"
        "CREATE TABLE clicks (id INTEGER PRIMARY KEY, page_id INTEGER REFERENCES pages (id)"
        " ON DELETE SET NULL); CREATE INDEX clicks_page ON clicks (page_id);"
        "CREATE TABLE other (id INTEGER PRIMARY KEY, click_id INTEGER REFERENCES clicks (id)"
        " ON DELETE CASCADE); CREATE INDEX other_click ON other (click_id);"
        "INSERT INTO orders (id, created) VALUES (1, '2020-01-01'), (2, '2020-01-01');"
        "INSERT INTO visits VALUES (1, 1), (2, 1), (3, 2), (4, NULL);"
        "INSERT INTO pages VALUES (1, 1), (2, 1); INSERT INTO clicks VALUES (1, 2)"
    )
    shop.connect(store, ORDERS)

    place = schema(store)
    problem = refused(
        shop, "datasets.orders.table", f"`{place}visits.order_id` refers to `{place}orders`", ""
    )
    assert (
        f"(now 3 rows of `{place}visits`, and through them 2 rows of `{place}pages`, 1 row of `{place}clicks`)"
        in problem.found
    )


def test_a_cascade_into_a_part_is_refused_too(shop: Workplace, store: Store) -> None:
    store.script(
        SHOP + "CREATE TABLE photos (id INTEGER PRIMARY KEY, line_id INTEGER REFERENCES lines (id)"
        " ON DELETE CASCADE); CREATE INDEX photos_line ON photos (line_id)"
    )
    shop.connect(store, ORDERS)

    refused(shop, "datasets.orders.table", "photos.line_id` refers to", 'add "photos" to parts')


def test_a_cascade_inside_the_record_is_no_problem(shop: Workplace, store: Store) -> None:
    store.script(SHOP.replace("REFERENCES orders (id)", "REFERENCES orders (id) ON DELETE CASCADE"))
    shop.connect(store, ORDERS)

    assert shop.problems() == ()


def test_a_cascade_to_other_records_of_the_table_itself(shop: Workplace, store: Store) -> None:
    store.script(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, created TIMESTAMP,"
        " replaces INTEGER REFERENCES orders (id) ON DELETE CASCADE);"
        "CREATE INDEX orders_replaces ON orders (replaces)"
    )
    shop.connect(store, dataset(parts=""))

    refused(shop, "datasets.orders.table", "orders.replaces` refers to", "ON DELETE NO ACTION")


def test_a_cascade_from_another_schema(shop: Workplace, postgresql: PostgresqlStore) -> None:
    postgresql.script(
        SHOP + "CREATE SCHEMA audit; CREATE TABLE audit.visits (id INTEGER PRIMARY KEY,"
        " order_id INTEGER REFERENCES public.orders (id) ON DELETE CASCADE);"
        "CREATE INDEX ON audit.visits (order_id)"
    )
    shop.connect(postgresql, ORDERS)

    refused(shop, "datasets.orders.table", "`audit.visits.order_id` refers to `public.orders`", "parts")


@pytest.mark.parametrize("on", ["orders", "lines"])
def test_a_delete_trigger(shop: Workplace, store: Store, on: str) -> None:
    if store.kind == "sqlite":
        trigger = f"CREATE TRIGGER watch AFTER DELETE ON {on} BEGIN DELETE FROM customers; END"
    elif store.kind == "mariadb":
        trigger = f"CREATE TRIGGER watch BEFORE DELETE ON {on} FOR EACH ROW SET @gone = 1"
    else:
        trigger = (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';"
            f"CREATE TRIGGER watch BEFORE INSERT OR DELETE ON {on} FOR EACH ROW EXECUTE FUNCTION f()"
        )
    store.script(SHOP + trigger)
    shop.connect(store, ORDERS)

    refused(
        shop,
        "datasets.orders.table",
        f"trigger `watch` on `{schema(store)}{on}` runs at every DELETE",
        "drop or disable it",
    )


@pytest.mark.parametrize(
    "trigger",
    [
        'CREATE TRIGGER "after insert on orders" AFTER DELETE ON orders',
        "CREATE TRIGGER [insert on x] AFTER DELETE ON orders",
        "CREATE TRIGGER `update of a on x` AFTER DELETE ON orders",
        "CREATE TRIGGER t /* insert on */ AFTER DELETE ON orders",
        "CREATE TRIGGER t -- insert on orders\n AFTER DELETE ON orders",
        "CREATE TRIGGER t DELETE ON orders",
        "CREATE TRIGGER t AFTER DELETE\nON orders WHEN old.status <> 'insert on'",
    ],
)
def test_a_delete_trigger_whose_name_or_comment_speaks_of_another_event(
    shop: Workplace, sqlite: SqliteStore, trigger: str
) -> None:
    sqlite.script(SHOP + trigger + " BEGIN DELETE FROM customers; END")
    shop.connect(sqlite, ORDERS)

    assert "runs at every DELETE" in only(shop).found


def test_triggers_of_other_events_are_no_problem(shop: Workplace, store: Store) -> None:
    if store.kind == "sqlite":
        trigger = (
            'CREATE TRIGGER "delete on orders" AFTER UPDATE OF status, amount ON orders'
            " BEGIN DELETE FROM customers; END"
        )
    elif store.kind == "mariadb":
        trigger = "CREATE TRIGGER watch BEFORE UPDATE ON orders FOR EACH ROW SET NEW.status = 'x'"
    else:
        trigger = (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
            "CREATE TRIGGER watch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION f();"
            "CREATE TRIGGER off AFTER DELETE ON orders FOR EACH ROW EXECUTE FUNCTION f();"
            "ALTER TABLE orders DISABLE TRIGGER off"
        )
    store.script(SHOP + trigger)
    shop.connect(store, ORDERS)

    assert shop.problems() == ()


def test_a_delete_trigger_on_one_partition(shop: Workplace, postgresql: PostgresqlStore) -> None:
    postgresql.script(
        "CREATE TABLE orders (id INTEGER, created TIMESTAMP, PRIMARY KEY (id, created))"
        " PARTITION BY RANGE (created);"
        "CREATE TABLE orders_2021 PARTITION OF orders FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';"
        "CREATE TRIGGER watch BEFORE DELETE ON orders_2021 FOR EACH ROW EXECUTE FUNCTION f()"
    )
    shop.connect(postgresql, dataset(parts=""))

    assert "trigger `watch`" in only(shop).found


def test_a_rewrite_rule(shop: Workplace, postgresql: PostgresqlStore) -> None:
    postgresql.script(SHOP + "CREATE RULE keep AS ON DELETE TO orders DO INSTEAD NOTHING")
    shop.connect(postgresql, ORDERS)

    refused(shop, "datasets.orders.table", "rule `keep` on `public.orders`", "drop or disable it")


# -- indexes -------------------------------------------------------------------------------

_STATEMENT = re.compile(r"CREATE INDEX .*?;")


def test_a_referring_column_without_an_index_until_the_printed_statement_is_run(
    shop: Workplace, bare: Store
) -> None:
    bare.script(
        SHOP
        + 'CREATE TABLE "Odd ""visits""" (id INTEGER PRIMARY KEY, "order id" INTEGER REFERENCES orders (id));'
    )
    shop.connect(bare, ORDERS)

    problem = refused(
        shop, "datasets.orders.table", "without an index: every delete would scan", "allow_scan = true"
    )
    (statement,) = _STATEMENT.findall(problem.write)
    bare.script(statement)

    assert shop.problems() == ()


def test_allow_scan_waives_the_index(shop: Workplace, store: Store) -> None:
    store.script(
        SHOP + "CREATE TABLE visits (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id))"
    )
    shop.connect(store, dataset(allow_scan="true"))

    assert shop.problems() == ()


def test_a_part_without_an_index_is_refused(shop: Workplace, bare: Store) -> None:
    bare.script(SHOP + "DROP INDEX lines_order")
    shop.connect(bare, ORDERS)

    place = schema(bare)
    refused(
        shop,
        "datasets.orders.table",
        f"`{place}lines.order_id` refers to `{place}orders` without an index",
        "CREATE INDEX",
    )


@pytest.mark.parametrize(
    "index",
    [
        "CREATE INDEX i ON visits (order_id) WHERE order_id > 10",
        "CREATE INDEX i ON visits (seen, order_id)",
        "CREATE INDEX i ON visits (abs(order_id))",
    ],
)
def test_an_index_that_serves_only_some_rows_is_none(shop: Workplace, bare: Store, index: str) -> None:
    bare.script(
        SHOP
        + "CREATE TABLE visits (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id), seen TEXT);"
        + index
    )
    shop.connect(bare, ORDERS)

    assert "without an index" in only(shop).found


@pytest.mark.parametrize("how", ["UNIQUE", "PRIMARY KEY"])
def test_a_constraint_brings_its_index(shop: Workplace, store: Store, how: str) -> None:
    store.script(SHOP + f"CREATE TABLE visits (order_id INTEGER {how} REFERENCES orders (id), seen TEXT)")
    shop.connect(store, ORDERS)

    assert shop.problems() == ()


def test_an_index_that_failed_half_way_is_none(shop: Workplace, postgresql: PostgresqlStore) -> None:
    postgresql.script(
        SHOP + "CREATE TABLE visits (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id));"
        "CREATE INDEX i ON visits (order_id);"
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass"
    )
    shop.connect(postgresql, ORDERS)

    assert "without an index" in only(shop).found


def test_an_index_may_store_more_columns(shop: Workplace, postgresql: PostgresqlStore) -> None:
    postgresql.script(
        SHOP
        + "CREATE TABLE visits (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id), s TEXT);"
        "CREATE INDEX i ON visits (order_id) INCLUDE (s)"
    )
    shop.connect(postgresql, ORDERS)

    assert shop.problems() == ()


# -- names ---------------------------------------------------------------------------------


def test_a_misspelt_table(shop: Workplace, store: Store) -> None:
    store.script(SHOP)
    shop.connect(store, dataset(table='"oders"', parts=""))

    refused(shop, "datasets.orders.table", "table `oders` does not exist", "did you mean `orders`?")


def test_a_table_that_resembles_none(shop: Workplace, store: Store) -> None:
    store.script(SHOP)
    shop.connect(store, dataset(table='"xyz"', parts=""))

    refused(
        shop, "datasets.orders.table", "table `xyz` does not exist", "there are: customers, lines, orders"
    )


def test_a_misspelt_column(shop: Workplace, store: Store) -> None:
    store.script(SHOP)
    shop.connect(store, dataset(events='{ booked = "creatd" }'))

    refused(
        shop,
        "datasets.orders.events.booked",
        f"table `{schema(store)}orders` has no column `creatd`",
        "did you mean `created`?",
    )


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ({"subject": '{ customer_id = "custmer_id" }'}, "subject.customer_id"),
        ({"key": '"ident"'}, "key"),
        ({"where": "\"statis = 'x'\""}, "where"),
        ({"parts": '["lnes"]'}, "parts[1]"),
        ({"events": '{ booked = { latest = ["created", "lines.order_i"] } }'}, "events.booked"),
    ],
)
def test_misspellings_elsewhere(shop: Workplace, store: Store, keys: dict[str, str], place: str) -> None:
    store.script(SHOP)
    shop.connect(store, dataset(**keys))

    problem = only(shop)
    assert problem.key == f"datasets.orders.{place}"
    assert "did you mean `" in problem.write or "there are: " in problem.write


def test_every_problem_at_once(shop: Workplace, store: Store) -> None:
    store.script(SHOP)
    shop.connect(
        store,
        dataset(
            events='{ booked = "creatd" }',
            subject='{ email = "mail" }',
            where='"amout > 3"',
            parts='["lnes"]',
        ),
    )

    assert {p.key.removeprefix("datasets.orders.") for p in shop.problems()} == {
        "events.booked",
        "subject.email",
        "where",
        "parts[1]",
    }


def test_a_table_in_two_schemas(shop: Workplace, postgresql: PostgresqlStore) -> None:
    postgresql.script(SHOP + "CREATE SCHEMA old; CREATE TABLE old.orders (id INTEGER PRIMARY KEY)")
    shop.connect(postgresql, ORDERS)

    refused(
        shop, "datasets.orders.table", "`orders` is ambiguous", 'write one of "old.orders", "public.orders"'
    )
    shop.connect(postgresql, dataset(table='"public.orders"'))
    assert shop.problems() == ()
    shop.connect(postgresql, dataset(schema='"public"'))
    assert shop.problems() == ()


def test_a_schema_that_is_not_there(shop: Workplace, postgresql: PostgresqlStore) -> None:
    postgresql.script(SHOP)
    shop.connect(postgresql, dataset(schema='"publik"'))

    refused(shop, "datasets.orders.table", "schema `publik` does not exist", "did you mean `public`?")


def test_a_schema_where_there_are_none(shop: Workplace, sqlite: SqliteStore) -> None:
    sqlite.script(SHOP)
    shop.connect(sqlite, dataset(schema='"public"'))

    refused(shop, "datasets.orders.table", "this database has no schemas", "leave the schema out")


# -- events --------------------------------------------------------------------------------


def test_an_event_column_that_holds_no_date(shop: Workplace, store: Store) -> None:
    store.script(SHOP)
    shop.connect(store, dataset(events='{ booked = "paid" }'))

    refused(
        shop,
        "datasets.orders.events.booked",
        "which is no date",
        "dates, numbers or texts",
    )


def test_an_event_column_of_numbers_wants_to_know_what_they_count(shop: Workplace, store: Store) -> None:
    store.script(SHOP)
    shop.connect(store, dataset(events='{ booked = "amount" }'))

    refused(
        shop,
        "datasets.orders.events.booked",
        "a number that may mean anything",
        'write { column = "amount", unit = "s|ms|us|min|days" }',
    )


def test_a_column_without_a_zone_wants_the_connectors(shop: Workplace, store: Store) -> None:
    store.script(SHOP)
    shop.connect(store, ORDERS, timezone=None)

    refused(
        shop,
        "datasets.orders.events.booked",
        f"`{schema(store)}orders.created` is {'datetime(6)' if store.kind == 'mariadb' else 'TIMESTAMP'}",
        'write timezone = "Europe/Oslo"',
    )


def test_columns_that_know_their_zone_or_need_none(shop: Workplace, postgresql: PostgresqlStore) -> None:
    postgresql.script("CREATE TABLE orders (id INTEGER PRIMARY KEY, at TIMESTAMPTZ, day DATE)")
    shop.connect(
        postgresql, dataset(events='{ booked = { latest = ["at", "day"] } }', parts=""), timezone=None
    )

    assert shop.problems() == ()


# -- ways between tables -------------------------------------------------------------------

TWO_WAYS = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, created TIMESTAMP);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, created TIMESTAMP,
    buyer INTEGER REFERENCES customers (id), payer INTEGER REFERENCES customers (id)
);
CREATE INDEX orders_buyer ON orders (buyer);
CREATE INDEX orders_payer ON orders (payer);
"""
PEOPLE = """
[datasets.people]
data   = "orders"
table  = "customers"
events = { booked = %s }
"""


def test_a_part_without_a_reference(shop: Workplace, store: Store) -> None:
    store.script(SHOP + "CREATE TABLE notes (id INTEGER PRIMARY KEY, order_id INTEGER)")
    shop.connect(store, dataset(parts='["lines", "notes"]'))

    refused(
        shop,
        "datasets.orders.parts[2]",
        "no reference leads from `notes` to the record",
        "directly or through another part",
    )


def test_a_part_that_refers_twice_wants_via(shop: Workplace, store: Store) -> None:
    store.script(TWO_WAYS)
    people = PEOPLE % '"created"'
    shop.connect(store, people + 'parts = ["orders"]')

    refused(shop, "datasets.people.parts[1]", "orders.buyer", 'write { table = "orders", via = "…" }')
    shop.connect(store, people + 'parts = [{ table = "orders", via = "buyer" }]')
    assert shop.problems() == ()


def test_a_misspelt_via_is_told_where_it_stands_and_what_was_meant(shop: Workplace, store: Store) -> None:
    """`no reference leads from order_lines to the record`"""
    store.script(TWO_WAYS)
    shop.connect(store, PEOPLE % '"created"' + 'parts = [{ table = "orders", via = "byer" }]')

    refused(
        shop,
        "datasets.people.parts[1].via",
        f"`byer` is no column by which `{schema(store)}orders` refers to another table",
        "did you mean `buyer`?",
    )


def test_two_ways_to_a_related_column_want_via(shop: Workplace, store: Store) -> None:
    store.script(TWO_WAYS)
    shop.connect(store, PEOPLE % '{ latest = ["created", "orders.created"] }')

    refused(
        shop,
        "datasets.people.events.booked",
        "2 paths lead from",
        'write { column = "orders.created", via = "…" }',
    )
    shop.connect(store, PEOPLE % '{ latest = ["created", { column = "orders.created", via = "payer" }] }')
    assert shop.problems() == ()
    shop.connect(store, PEOPLE % '{ latest = ["created", { column = "orders.created", via = "friend" }] }')
    refused(shop, "datasets.people.events.booked", "through `friend`", "refers to it")


def test_a_related_column_that_nothing_leads_to(shop: Workplace, store: Store) -> None:
    store.script(SHOP + "CREATE TABLE logs (id INTEGER PRIMARY KEY, at TIMESTAMP)")
    shop.connect(store, dataset(events='{ booked = "logs.at" }'))

    refused(shop, "datasets.orders.events.booked", "no reference leads from", "or of one that refers to it")


def test_a_cycle_inside_the_record(shop: Workplace, postgresql: PostgresqlStore) -> None:
    postgresql.script(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, created TIMESTAMP, first_line INTEGER);"
        "CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id));"
        "ALTER TABLE orders ADD CONSTRAINT first FOREIGN KEY (first_line) REFERENCES lines (id);"
        "CREATE INDEX a ON orders (first_line); CREATE INDEX b ON lines (order_id)"
    )
    shop.connect(postgresql, ORDERS)

    refused(
        shop,
        "datasets.orders.parts",
        "`public.orders.first_line` closes a cycle inside the record: neither side could go first",
        'ALTER TABLE "public"."orders" ALTER CONSTRAINT "first" DEFERRABLE; or leave one of its tables out',
    )

    postgresql.script('ALTER TABLE "public"."orders" ALTER CONSTRAINT "first" DEFERRABLE')
    assert shop.problems() == ()


@pytest.mark.parametrize(
    ("column", "more", "why"),
    [
        ("INTEGER NOT NULL", "", "`first_line` is NOT NULL"),
        (
            "INTEGER",
            "CREATE TRIGGER seen BEFORE UPDATE ON orders FOR EACH ROW SET @seen = 1",
            "the trigger `seen` runs at every UPDATE of `{place}orders`",
        ),
        (
            "INTEGER CHECK (first_line IS NOT NULL)",
            "",
            "CHECK (`first_line` is not null) might not hold then",
        ),
        (
            "INTEGER",
            "ALTER TABLE orders ADD n INTEGER AS (first_line + 1) STORED",
            "(`first_line` + 1) is computed",
        ),
    ],
    ids=["NOT NULL", "trigger", "CHECK", "computed"],
)
def test_a_cycle_inside_the_record_that_can_not_be_opened_on_mariadb(
    shop: Workplace, mariadb: MariadbStore, column: str, more: str, why: str
) -> None:
    mariadb.verbatim(
        f"CREATE TABLE orders (id INTEGER PRIMARY KEY, created TIMESTAMP, first_line {column});"
        "CREATE TABLE `lines` (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id));"
        f"ALTER TABLE orders ADD CONSTRAINT first FOREIGN KEY (first_line) REFERENCES `lines` (id); {more}"
    )
    shop.connect(mariadb, ORDERS)

    refused(
        shop,
        "datasets.orders.parts",
        f"`{mariadb.place}orders.first_line` closes a cycle inside the record: neither side could go first"
        f" ({why.format(place=mariadb.place)}",
        "let a column of it be NULL, so that it can be set to NULL before its rows go, or leave one",
    )


def test_a_cycle_inside_the_record_that_sqlite_looks_at_row_by_row(
    shop: Workplace, sqlite: SqliteStore
) -> None:
    sqlite.script(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, created TIMESTAMP,"
        " first_line INTEGER NOT NULL REFERENCES lines (id) ON DELETE RESTRICT);"
        "CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id));"
        "CREATE INDEX a ON orders (first_line); CREATE INDEX b ON lines (order_id)"
    )
    shop.connect(sqlite, ORDERS)

    refused(shop, "datasets.orders.parts", "closes a cycle inside the record", "make it ON DELETE NO ACTION")


def test_a_table_in_two_datasets_of_one_connector_is_shared(shop: Workplace, store: Store) -> None:
    """Whichever comes first; what the one keeps the other does not delete (tests/acceptance/worked_fates.py)."""
    store.script(SHOP)
    other = '[datasets.lines]\ndata = "orders"\ntable = "lines"\nevents = { booked = "orders.created" }\n'
    for datasets in (ORDERS + other, other + ORDERS):
        shop.connect(store, datasets)
        assert shop.problems() == ()


# -- conditions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "found", "write"),
    [
        ("statu = 'open'", "has no column `statu`", "did you mean `status`?"),
        ("customers.name = 'x'", "`customers.name` is not a column of", "the dataset's own table"),
        ("amount = 'many'", "is compared with the text 'many'", "compare it with a number"),
        ("status = 3", "is compared with 3", "a text in single quotes"),
        ("amount", "`amount` is INTEGER, not a boolean", "compare it with something"),
        ('status = "open"', "has no column `open`", "there are: "),
        ("created > 5", "is compared with 5", "a date: DATE '2026-01-31'"),
        ("lower(amount) = 'x'", "`amount` is INTEGER", ""),
        ("abs(status) = 'x'", "`status` is TEXT, and abs takes a number", ""),
        ("abs(status) > 1", "`status` is TEXT, and abs takes a number", "take abs out"),
        ("amount = status", "`amount` is INTEGER, and `status` is TEXT: they are compared", "of one type"),
        ("length(status) = 'x'", "length(…) is integer, and is compared with the text 'x'", "a number"),
        ("coalesce(amount, 'x') = 1", "`amount` is INTEGER, and is compared with the text 'x'", "a number"),
        ("amount IN (1, 'two')", "the text 'two'", "a number"),
        ("amount LIKE '1%'", "`amount` is INTEGER", ""),
    ],
)
def test_a_condition_that_cannot_be_meant(
    shop: Workplace, store: Store, condition: str, found: str, write: str
) -> None:
    store.script(SHOP)
    shop.connect(store, dataset(where=f"'''{condition}'''"))
    if store.kind == "mariadb":
        found = found.replace("INTEGER", "int(11)").replace("TEXT", "varchar(300)")

    problem = only(shop)
    assert problem.key == "datasets.orders.where"
    if condition == "created > 5" and store.kind == "sqlite":
        assert "is compared with 5" in problem.found
        return
    assert found in problem.found
    assert write in problem.write


# -- keys ----------------------------------------------------------------------------------


def test_a_key_that_is_not_unique(shop: Workplace, store: Store) -> None:
    store.script(SHOP)
    shop.connect(store, dataset(key='["status", "id"]'))

    problem = shop.problems()[0]
    assert problem.key == "datasets.orders.key"
    assert "is not unique in" in problem.found
    assert "the primary key or of a unique index" in problem.write


def test_a_key_that_may_be_null(shop: Workplace, store: Store) -> None:
    store.script(SHOP + "CREATE UNIQUE INDEX u ON orders (status)")
    shop.connect(store, dataset(key='"status"'))

    refused(shop, "datasets.orders.key", "`status` may be NULL", "name columns that are NOT NULL")


@pytest.mark.parametrize(
    "how",
    [
        "code TEXT NOT NULL UNIQUE",
        "code TEXT NOT NULL, UNIQUE (code)",
        "code TEXT NOT NULL); CREATE UNIQUE INDEX u ON orders (code",
    ],
)
def test_a_unique_column_is_a_key_where_there_is_no_other(shop: Workplace, store: Store, how: str) -> None:
    store.script(f"CREATE TABLE orders (created TIMESTAMP, {how})")
    shop.connect(store, dataset(parts="", key='"code"'))

    assert shop.problems() == ()


def test_a_partial_unique_index_makes_no_key(shop: Workplace, bare: Store) -> None:
    bare.script(
        "CREATE TABLE orders (created TIMESTAMP, code TEXT NOT NULL);"
        "CREATE UNIQUE INDEX u ON orders (code) WHERE created IS NOT NULL"
    )
    shop.connect(bare, dataset(parts="", key='"code"'))

    assert "is not unique" in only(shop).found


# -- connectors ----------------------------------------------------------------------------


def test_one_database_under_two_connectors(shop: Workplace, store: Store) -> None:
    """Each took the other's markers for those of a ledger that had lost events, and refused to run for ever."""
    store.script(SHOP)
    shop.connect(store, ORDERS)
    twin: Store
    if isinstance(store, SqliteStore):
        (shop.folder / "other.db").symlink_to(store.path)
        twin = SqliteStore(shop.folder / "other.db")
    else:
        address = store.url.replace("127.0.0.1", "localhost")
        twin = PostgresqlStore(address, address.rpartition("/")[2])
    shop.connect(twin, '[datasets.people]\ndata = "people"\ntable = "customers"', name="twin")

    found = [problem for problem in shop.problems() if "the same database" in problem.found]
    assert [problem.key for problem in found] == ["url"]
    assert found[0].file.endswith("twin.toml")
    for words in (("init",), ("plan",), ("run", "--yes")):
        ended = shop.cli(*words)
        assert ended.exit_code == 3
        assert "reaches the same database as connector `db`" in " ".join(ended.stderr.split())


def test_a_part_that_the_record_refers_to_is_not_taken_for_one_that_refers_to_it(
    shop: Workplace, store: Store
) -> None:
    """Not even where a reference leads back, which would be followed in silence."""
    store.script(SHOP)
    shop.connect(store, ORDERS.replace('["lines"]', '[{ table = "lines", shared = "stays" }]'))
    refused(shop, "datasets.orders.parts[1]", "rows of it refer to the record", "without `shared`")


def test_two_columns_that_refer_to_people_are_warned_of_as_one_subject(work: Workplace, store: Store) -> None:
    """A hold on the owner of one task covered every task: of each, the owner and the creator were one person."""
    store.script(
        "CREATE TABLE users (id INTEGER PRIMARY KEY);"
        "CREATE TABLE tasks (id INTEGER PRIMARY KEY, closed DATE, owner INTEGER, creator INTEGER,"
        " FOREIGN KEY (owner) REFERENCES users (id), FOREIGN KEY (creator) REFERENCES users (id))"
    )
    work.rule("tasks", 'data = "tasks"\nkeep = "1 year"\nfrom = "closed"')
    for subject, warned in (
        ('{ owner = "owner", creator = "creator" }', True),
        ('{ user_id = "owner" }', False),
    ):
        work.connect(
            store,
            f'[datasets.tasks]\ndata = "tasks"\ntable = "tasks"\nsubject = {subject}\n'
            'events = { closed = "closed" }\n',
        )
        told = " ".join(work.cli("check").output.split())
        assert ("kinds of one subject are the same person's" in told) is warned
        assert ("`creator` and `owner` of its subject refer to" in told) is warned
