"""References that the database does not declare, given by the operator: they act as declared ones do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from retention.config.forms import resolved_form
from retention.connectors.sql.batches.looking_again import LookAgain
from retention.model.plan import JobStatus
from retention.verbs.opening.configured import configuration
from tests.support.mariadb import MariadbStore
from tests.support.stores import PostgresqlStore, SqliteStore, Store, changed
from tests.support.workplace import Workplace, removed

BARE = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE, created TIMESTAMP);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, created TIMESTAMP);
CREATE INDEX orders_customer ON orders (customer_id);
CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER, note TEXT);
CREATE INDEX lines_order ON lines (order_id);
CREATE TABLE notes (id INTEGER PRIMARY KEY, line_id INTEGER, body TEXT);
CREATE INDEX notes_line ON notes (line_id);
INSERT INTO customers VALUES (1, 'a@x', '2019-01-01 00:00:00'), (2, 'b@x', '2019-01-01 00:00:00'),
    (3, 'c@x', '2019-01-01 00:00:00');
INSERT INTO orders VALUES (10, 1, '2020-01-01 00:00:00'), (11, 2, '2026-10-01 00:00:00'),
    (12, 9, '2020-01-01 00:00:00'), (13, NULL, '2020-01-01 00:00:00');
INSERT INTO lines VALUES (100, 10, 'a'), (101, 10, 'b'), (102, 11, 'c'), (103, 99, 'stray');
INSERT INTO notes VALUES (1000, 100, 'x'), (1001, 102, 'y'), (1002, 999, 'stray');
"""
LINES = '"lines.order_id -> orders.id", "notes.line_id -> lines.id"'
CUSTOMERS = """
[datasets.customers]
data      = "customers"
table     = "customers"
events    = { made = "created" }
relations = ["orders.customer_id -> customers.id"]
"""


def orders(relations: str = LINES, parts: str = '["lines", "notes"]', more: str = "") -> str:
    return f"""
[datasets.orders]
data      = "orders"
table     = "orders"
events    = {{ booked = "created" }}
relations = [{relations}]
parts     = {parts}
{more}
"""


@pytest.fixture
def shop(work: Workplace) -> Workplace:
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "booked"')
    return work


@pytest.fixture
def both(shop: Workplace) -> Workplace:
    shop.rule("customers", 'data = "customers"\nkeep = "1 year"\nfrom = "made"')
    return shop


def test_parts_are_found_by_relations_at_any_depth(shop: Workplace, store: Store) -> None:
    store.script(BARE)
    shop.connect(store, orders())
    before = store.snapshot()

    job = shop.job("orders")
    outcome = shop.run()

    place = store.place
    assert job.due == 3
    assert job.rows == {f"{place}orders": 3, f"{place}lines": 2, f"{place}notes": 1}
    assert removed(outcome) == job.rows
    assert changed(before, store.snapshot()) == {"orders": (3, 0), "lines": (2, 0), "notes": (1, 0)}
    assert store.rows("SELECT id FROM lines ORDER BY id") == [(102,), (103,)]


def test_what_refers_from_outside_by_a_relation_keeps_a_record(both: Workplace, store: Store) -> None:
    """Order 10 goes first, 11 stays and keeps customer 2."""
    store.script(BARE)
    both.connect(store, orders() + CUSTOMERS)

    assert both.each("customers") == {"1": "due", "2": "referenced", "3": "due"}
    both.run()

    assert store.rows("SELECT id FROM customers") == [(2,)]
    assert both.explain("db.customers", "2").rules[-1].fate == "referenced"


def test_a_relation_holds_for_every_dataset_of_its_connector(both: Workplace, store: Store) -> None:
    """It is written at the orders, and keeps the customers."""
    store.script(BARE)
    relation = '"orders.customer_id -> customers.id"'
    plain = CUSTOMERS.replace('relations = ["orders.customer_id -> customers.id"]', "")
    both.connect(store, orders(f"{LINES}, {relation}") + plain)

    assert both.fates("customers") == {"due": 2, "referenced": 1}


def test_an_event_is_read_by_a_relation(work: Workplace, store: Store) -> None:
    store.script(BARE)
    work.rule("customers", 'data = "customers"\nkeep = "1 year"\nfrom = "made"')
    work.connect(
        store,
        CUSTOMERS.replace('"created" }', '{ latest = ["created", "orders.created"] } }')
        + "allow_scan = true",
    )

    assert work.each("customers") == {"1": "referenced", "2": "not_due", "3": "due"}


def test_a_relation_of_several_columns(work: Workplace, store: Store) -> None:
    store.script(
        "CREATE TABLE orders (shop INTEGER, no INTEGER, created TIMESTAMP, PRIMARY KEY (shop, no));"
        "CREATE TABLE lines (id INTEGER PRIMARY KEY, order_no INTEGER, order_shop INTEGER);"
        "CREATE INDEX lines_order ON lines (order_shop, order_no);"
        "INSERT INTO orders VALUES (1, 7, '2020-01-01 00:00:00'), (7, 1, '2026-10-01 00:00:00');"
        "INSERT INTO lines VALUES (1, 7, 1), (2, 1, 7), (3, NULL, 1)"
    )
    relation = '{ table = "lines", columns = ["order_no", "order_shop"],'
    relation += ' target = "orders", target_columns = ["no", "shop"] }'
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "booked"')
    work.connect(store, orders(relation, '["lines"]'))

    work.run()

    assert store.rows("SELECT shop, no FROM orders") == [(7, 1)]
    assert store.rows("SELECT id FROM lines ORDER BY id") == [(2,), (3,)]


def test_a_relation_to_another_unique_column(both: Workplace, store: Store) -> None:
    """Tickets know the customer's e-mail address: the address of a customer who goes is looked for."""
    store.script(
        BARE
        + "CREATE TABLE tickets (id INTEGER PRIMARY KEY, mail TEXT); CREATE INDEX tickets_mail ON tickets (mail);"
        "INSERT INTO tickets VALUES (1, 'a@x'), (2, 'A@X'), (3, NULL), (4, 'c@x ')"
    )
    both.connect(
        store,
        orders()
        + CUSTOMERS.replace('customers.id"', 'customers.id", "tickets.mail -> customers.email"')
        + 'parts = ["tickets"]',
    )

    both.run("customers")

    assert store.rows("SELECT id FROM customers ORDER BY id") == [
        (1,),
        (2,),
    ]  # 1: its order stays when it does not act
    both.run()
    assert store.rows("SELECT id FROM customers") == [(2,)]
    assert store.rows("SELECT id FROM tickets ORDER BY id") == [(2,), (3,), (4,)]


# -- nobody guards it ----------------------------------------------------------------------


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[PostgresqlStore, str], list[int]]:
    """`meanwhile(store, sql)`: another session's statement after the first batch has deleted its rows."""

    def arrange(store: PostgresqlStore, sql: str) -> list[int]:
        looks: list[int] = []
        look = LookAgain.look

        def late(self: LookAgain, *given: object) -> None:
            looks.append(1)
            if len(looks) == 1:
                store.script(sql)
            look(self, *given)  # type: ignore[arg-type]

        monkeypatch.setattr(LookAgain, "look", late)
        return looks

    return arrange


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("INSERT INTO lines VALUES (500, 10, 'late')", {"lines": 3, "notes": 1}),
        ("INSERT INTO notes VALUES (500, 100, 'late')", {"lines": 2, "notes": 2}),
    ],
    ids=["a part of the root", "a part of a part"],
)
def test_a_part_that_comes_while_its_record_is_deleted_undoes_the_batch(
    shop: Workplace,
    postgresql: PostgresqlStore,
    meanwhile: Callable[[PostgresqlStore, str], list[int]],
    sql: str,
    rows: dict[str, int],
) -> None:
    postgresql.script(BARE)
    shop.connect(postgresql, orders())
    shop.init()
    looks = meanwhile(postgresql, sql)

    (job,) = shop.run().jobs

    assert (job.status, job.done, len(looks)) == (JobStatus.DONE, 3, 2)
    assert {name.removeprefix("public."): n for name, n in job.rows.items()} == {"orders": 3, **rows}
    assert postgresql.rows("SELECT id FROM lines WHERE order_id = 10") == []
    assert postgresql.rows("SELECT id FROM notes WHERE id = 500") == []


def test_a_row_that_comes_and_keeps_a_record_undoes_the_batch(
    both: Workplace, postgresql: PostgresqlStore, meanwhile: Callable[[PostgresqlStore, str], list[int]]
) -> None:
    postgresql.script(BARE + "DELETE FROM orders")
    both.connect(postgresql, orders() + CUSTOMERS)
    both.init()
    meanwhile(postgresql, "INSERT INTO orders VALUES (77, 3, '2026-11-01 00:00:00')")

    job = next(j for j in both.run().jobs if j.rule == "customers")

    assert (job.planned, job.done, job.skipped.changed) == (3, 2, 1)
    assert postgresql.rows("SELECT id FROM customers") == [(3,)]


# -- what is refused -----------------------------------------------------------------------


def test_a_relation_without_an_index(shop: Workplace, store: Store) -> None:
    store.script(BARE + "DROP INDEX notes_line" + (" ON notes" if store.kind == "mariadb" else ""))
    shop.connect(store, orders())

    (problem,) = shop.problems()
    assert "notes.line_id` refers to" in problem.found
    assert "CREATE INDEX" in problem.write

    shop.connect(store, orders(more="allow_scan = true"))
    assert shop.problems() == ()


@pytest.mark.parametrize(
    ("relation", "found", "write"),
    [
        (
            '"lines.note -> orders.id"',
            "is {text} and `{place}orders.id` is {number}: they can't be compared",
            "one type",
        ),
        (
            '"lines.order_id -> orders.customer_id"',
            "(customer_id) is not unique in `{place}orders`",
            "unique index",
        ),
        ('"lines.ordr_id -> orders.id"', "table `{place}lines` has no column `ordr_id`", "order_id"),
        ('"line.order_id -> orders.id"', "table `line` does not exist", "lines"),
    ],
)
def test_a_relation_that_can_not_be_meant(
    shop: Workplace, store: Store, relation: str, found: str, write: str
) -> None:
    store.script(BARE)
    shop.connect(store, orders(f"{LINES}, {relation}"))

    (problem,) = shop.problems()
    assert problem.key == "datasets.orders.relations[3]"
    text, number = ("varchar(300)", "int(11)") if store.kind == "mariadb" else ("TEXT", "INTEGER")
    assert found.format(place=store.place, text=text, number=number) in problem.found
    assert write in problem.write


@pytest.mark.parametrize(
    ("here", "there", "fits"),
    [
        ("utf8mb4_general_ci", "utf8mb4_bin", False),
        ("utf8mb4_bin", "utf8mb4_general_ci", False),
        ("utf8mb4_general_ci", "utf8mb4_unicode_ci", False),
        ("latin1_swedish_ci", "utf8mb4_general_ci", False),
        ("utf8mb3_general_ci", "utf8mb4_unicode_ci", False),
        ("utf8mb3_general_ci", "utf8mb4_general_ci", True),
    ],
)
def test_a_relation_between_collations(
    shop: Workplace, mariadb: MariadbStore, here: str, there: str, fits: bool
) -> None:
    """A line of order A went with order a: a plan joins the columns, and a batch hands over keys."""
    columns = [f"VARCHAR(9) CHARACTER SET {name.split('_')[0]} COLLATE {name}" for name in (here, there)]
    mariadb.verbatim(
        f"CREATE TABLE orders (code {columns[1]} PRIMARY KEY, created DATETIME);"
        f"CREATE TABLE `lines` (id INT PRIMARY KEY, code {columns[0]}, KEY (code));"
        "INSERT INTO orders VALUES ('a', '2020-01-01'); INSERT INTO `lines` VALUES (1, 'a'), (2, 'A')"
    )
    shop.connect(mariadb, orders('"lines.code -> orders.code"', '["lines"]'))

    if fits:
        assert shop.problems() == ()
        assert removed(shop.run()) == shop.job("orders").rows | {
            f"{mariadb.place}orders": 1,
            f"{mariadb.place}lines": 2,
        }
        return
    problem, _ = shop.problems()  # and so nothing leads from the lines to the record
    assert problem.key == "datasets.orders.relations[1]"
    assert f"lines.code` is compared by {here} and `{mariadb.place}orders.code` by {there}" in problem.found
    assert f"MODIFY `code` … COLLATE {there}" in problem.write


def test_a_relation_over_a_view(shop: Workplace, store: Store) -> None:
    store.script(BARE + "CREATE VIEW recent AS SELECT * FROM lines")
    shop.connect(store, orders(f'{LINES}, "recent.order_id -> orders.id"'))

    (problem,) = shop.problems()
    assert "recent` is a view" in problem.found


def test_a_relation_that_the_database_declares_is_a_warning(shop: Workplace, store: Store) -> None:
    store.script(BARE.replace("line_id INTEGER", "line_id INTEGER REFERENCES lines (id)").split("INSERT")[0])
    shop.connect(store, orders())

    report = shop.check()

    assert report.problems == ()
    (warning,) = [w for w in report.warnings if "declares" in w]
    assert "notes.line_id -> lines.id" in warning
    assert shop.run().status == "nothing"


# -- what it changes -----------------------------------------------------------------------


def test_a_relation_is_part_of_the_rules_form_wherever_it_is_written(both: Workplace, store: Store) -> None:
    def forms() -> list[str]:
        config = configuration(both.place)
        return [resolved_form(config, name) for name in ("orders", "customers")]

    store.script(BARE)
    both.connect(store, orders() + CUSTOMERS)
    before = forms()
    both.connect(store, orders(f'{LINES}, "lines.id -> orders.id"') + CUSTOMERS)
    after = forms()

    assert all(a != b for a, b in zip(before, after, strict=True))


def test_a_schema_is_drifted_when_a_relation_comes(shop: Workplace, store: Store) -> None:
    store.script(BARE)
    shop.connect(store, orders(parts='["lines"]', relations='"lines.order_id -> orders.id"'))
    before = shop.job("orders").schema
    shop.connect(store, orders(parts='["lines"]'))

    assert shop.job("orders").schema != before


def test_a_real_schema_without_references(work: Workplace, data: Path, tmp_path: Path) -> None:
    """Firefox keeps places and their visits apart, and declares nothing."""
    import shutil

    path = tmp_path / "places.sqlite"
    shutil.copy(data / "device" / "firefox_places.sqlite", path)
    path.chmod(0o644)
    store = SqliteStore(path)
    work.rule("places", 'data = "places"\nkeep = "1 day"\nfrom = "never"')
    work.connect(
        store,
        """
[datasets.places]
data      = "places"
table     = "moz_places"
events    = { never = "never" }
relations = ["moz_historyvisits.place_id -> moz_places.id", "moz_bookmarks.fk -> moz_places.id"]
parts     = ["moz_historyvisits"]
allow_scan = true
""",
    )
    assert work.problems() == ()
    assert work.fates("places")["undated"] == store.rows("SELECT count(*) FROM moz_places")[0][0]
