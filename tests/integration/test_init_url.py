"""Files written from a live database: they load, and pass `check` once what they ask for is filled in."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from retention.cli.root import root
from retention.config.connector import dataset_values
from retention.config.reading.findings import printable
from retention.errors import ConfigurationError, UnreachableError
from retention.model.overview import SetUp
from retention.model.place import Place
from retention.verbs.check import check
from retention.verbs.init import init
from retention.verbs.introduce import introduce
from tests.conftest import Template
from tests.integration.test_names import NAMES
from tests.support.stores import PostgresqlStore, Server, SqliteStore, Store, quoted
from tests.support.workplace import NOW

FILLED = {
    "promise": "for a while",
    "keep": "2 years",
    "timezone": "Europe/Oslo",
    "ended": "never",
}


@pytest.fixture
def kanboard(server: Server, data: Path, template: Template) -> Iterator[PostgresqlStore]:
    def script() -> str:
        return (data / "kanboard" / "postgres.sql").read_text(encoding="utf-8")

    store = server.create(template("kanboard", script))
    yield store
    server.drop(store)


def place_in(folder: Path, store: Store) -> Place:
    return Place(
        config=folder / "policies.toml",
        connectors=folder / "connectors",
        state=None,
        environ={"SHOP_URL": store.url},
    )


def introduced(folder: Path, store: Store, *tables: str, name: str = "shop") -> SetUp:
    return introduce(
        place_in(folder, store), url="env:SHOP_URL", name=name, tables=tables, by="tester", clock=lambda: NOW
    )


def written(folder: Path, store: Store, *tables: str) -> str:
    """The connector's file that `init --url --table …` writes."""
    introduced(folder, store, *tables)
    text = (folder / "connectors" / "shop.toml").read_text(encoding="utf-8")
    tomllib.loads(text)
    return text


def fill_in(folder: Path) -> None:
    """Does as a person would who goes through the marked lines, and touches no other."""
    connector = folder / "connectors" / "shop.toml"
    datasets = tomllib.loads(connector.read_text(encoding="utf-8"))["datasets"]
    for path in (folder / "policies.toml", connector):
        lines, rule = [], ""
        for line in path.read_text(encoding="utf-8").splitlines():
            rule = line.removeprefix("[rules.").strip('"]') if line.startswith("[rules.") else rule
            found = re.match(r"(\w+) *= \"\"", line)
            if found is None:
                lines.append(line)
                continue
            key = found[1]
            value = next(iter(datasets[rule]["events"])) if key == "from" else FILLED[key]
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def mend(store: Store, text: str) -> None:
    """Runs the statements that a file asks for."""
    for statement in re.findall(r"^#   (CREATE INDEX .*;)$", text, re.MULTILINE):
        store.script(statement)


def asserts_that_check_passes(folder: Path, store: Store) -> None:
    report = check(place_in(folder, store), clock=lambda: NOW)
    assert report.problems == ()
    assert report.checked


def tables_of(folder: Path, store: Store) -> list[str]:
    return [line.table for line in introduced(folder, store).tables if line.why_not is None]


def test_every_table_of_chinook_passes_on_sqlite(chinook_sqlite: SqliteStore, tmp_path: Path) -> None:
    _each_passes(tmp_path, chinook_sqlite, 11)


@pytest.mark.heavy
def test_every_table_of_chinook_passes_on_postgresql(
    chinook_postgresql: PostgresqlStore, tmp_path: Path
) -> None:
    _each_passes(tmp_path, chinook_postgresql, 11)


def test_every_table_of_pagila_passes(pagila: PostgresqlStore, tmp_path: Path) -> None:
    _each_passes(tmp_path, pagila, 15)


def _each_passes(tmp_path: Path, store: Store, count: int) -> None:
    tables = tables_of(tmp_path, store)
    assert len(tables) == count
    for number, table in enumerate(tables):
        folder = tmp_path / str(number)
        text = written(folder, store, table)
        mend(store, text)
        before = check(place_in(folder, store), clock=lambda: NOW).problems
        assert any(problem.key.endswith(".keep") for problem in before)
        fill_in(folder)
        asserts_that_check_passes(folder, store)


def test_all_tables_of_pagila_in_one_file_share_nothing(pagila: PostgresqlStore, tmp_path: Path) -> None:
    text = written(tmp_path, pagila, *tables_of(tmp_path, pagila))
    mend(pagila, text)
    fill_in(tmp_path)
    asserts_that_check_passes(tmp_path, pagila)


def test_a_real_schema_of_cascades_passes_once_they_are_taken_away(
    kanboard: PostgresqlStore, tmp_path: Path
) -> None:
    for number, table in enumerate(["tasks", "users", "projects", "comments", "sessions"]):
        folder = tmp_path / str(number)
        text = written(folder, kanboard, table)
        offered = re.findall(r'^ *# +(?:\{ table = )?"(\w+)"', text, re.MULTILINE)
        asked = re.findall(r"`check` will say: `public\.(\w+)\.", text)
        for referring in {*offered, *asked}:
            _no_action(kanboard, referring)
        mend(kanboard, text)
        fill_in(folder)
        asserts_that_check_passes(folder, kanboard)


def _no_action(store: Store, table: str) -> None:
    """What the file says to do about a cascade from a table that is to be no part."""
    rows = store.rows(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        f" WHERE contype = 'f' AND conrelid = 'public.{table}'::regclass"
    )
    for name, definition in rows:
        plain = definition.replace("ON DELETE CASCADE", "")
        store.script(
            f"ALTER TABLE public.{table} DROP CONSTRAINT {quoted(name)};"
            f" ALTER TABLE public.{table} ADD CONSTRAINT {quoted(name)} {plain}"
        )


@pytest.mark.parametrize("name", [*NAMES, "ORDER", " spaced ", 'a"b.c', "\u202eabc", "#comment = 1"])
def test_a_file_with_awkward_names_loads_and_passes(store: Store, tmp_path: Path, name: str) -> None:
    if store.kind == "mariadb" and (name != name.rstrip() or max(name) > "\uffff"):
        pytest.skip("MariaDB has no such names")
    q = quoted
    store.script(
        f"CREATE TABLE {q(name)} ({q(name + ' key')} INTEGER PRIMARY KEY, {q(name + ' date')} TIMESTAMP,"
        f" {q(name + ' email')} TEXT);"
        f"CREATE TABLE {q(name + ' part')} ({q(name + ' key')} INTEGER PRIMARY KEY, {q(name + ' up')} INTEGER NOT NULL"
        f" REFERENCES {q(name)} ({q(name + ' key')}) ON DELETE CASCADE, {q(name + ' date')} TIMESTAMP);"
        f"CREATE TABLE {q(name + ' other')} ({q(name + ' key')} INTEGER PRIMARY KEY, {q(name + ' up')} INTEGER"
        f" REFERENCES {q(name)} ({q(name + ' key')}), {q(name + ' down')} INTEGER"
        f" REFERENCES {q(name)} ({q(name + ' key')}), {q(name + ' date')} TIMESTAMP);"
    )
    lines = introduced(tmp_path, store).tables
    (line,) = [t for t in lines if dataset_values.table(t.table).pieces[-1] == name]
    text = written(tmp_path, store, line.table)
    loaded = tomllib.loads(text)["datasets"]

    (dataset,) = loaded.values()
    assert len(dataset["parts"]) == 1
    assert len(dataset["events"]) == 1
    assert dataset["subject"]["email"]
    if name.isprintable():
        mend(store, text)
    else:  # a statement with such a name can't be copied from a comment
        path = tmp_path / "connectors" / "shop.toml"
        path.write_text(text.replace("# allow_scan", "allow_scan"), encoding="utf-8")
    fill_in(tmp_path)
    asserts_that_check_passes(tmp_path, store)


def test_columns_and_tables_with_control_characters_are_left_out(
    postgresql: PostgresqlStore, tmp_path: Path
) -> None:
    postgresql.script(
        'CREATE TABLE a (id INTEGER PRIMARY KEY, "at\n[x]\ny = 1" DATE, "b\nemail" TEXT, made DATE);'
        'CREATE TABLE "b\n[datasets.x]" (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a (id), made DATE)'
    )
    with pytest.raises(ConfigurationError) as refused:
        introduced(tmp_path, postgresql, "b\n[datasets.x]")
    assert "control character" in str(refused.value.problems[0])
    text = written(tmp_path, postgresql, "a")

    loaded = tomllib.loads(text)
    assert loaded["datasets"] == {"a": {"data": "a", "table": "a", "events": {"made": "made"}}}


SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, birth_date DATE, created_at TIMESTAMP NOT NULL);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),
    created_at TIMESTAMP NOT NULL, paid_at TIMESTAMP);
CREATE TABLE order_lines (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id), article TEXT);
CREATE TABLE scans (line_id INTEGER PRIMARY KEY REFERENCES order_lines (id), at TIMESTAMP);
CREATE TABLE complaints (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id));
CREATE TABLE reviews (
    id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id), user_id INTEGER, written_at TIMESTAMP);
CREATE TABLE codes (code TEXT NOT NULL UNIQUE, at TIMESTAMP);
CREATE TABLE loose (a TEXT, at TIMESTAMP);
INSERT INTO customers VALUES (1, 'a@example.com', '1970-01-01', '2020-01-01 00:00:00');
INSERT INTO orders VALUES (1, 1, '1960-01-01 00:00:00', NULL), (2, 1, '2031-12-24 00:00:00', NULL);
CREATE VIEW seen AS SELECT * FROM orders;
"""


def test_parts_are_taken_where_rows_belong_to_the_record_and_offered_elsewhere(
    store: Store, tmp_path: Path
) -> None:
    store.script(SHOP)
    text = written(tmp_path, store, "orders")
    dataset = tomllib.loads(text)["datasets"]["orders"]

    assert dataset["parts"] == ["order_lines", "scans"]
    assert '# "complaints",' in text
    assert "its rows can be without one" in text
    assert '# "reviews",' in text
    assert "dates (written_at) and people (user_id) of its own" in " ".join(text.replace("#", "").split())
    assert dataset["subject"] == {"customer_id": "customer_id"}
    assert dataset["events"] == {"created_at": "created_at", "paid_at": "paid_at"}


def test_what_has_dates_and_people_is_nobody_s_part_though_it_is_deleted_with_them(
    store: Store, tmp_path: Path
) -> None:
    """Orders are no part of a customer, whatever the database does when one goes."""
    for name, act in (("a", "NO ACTION"), ("b", "CASCADE")):
        customers, orders = f"{name}_customers", f"{name}_customer_orders"
        store.script(
            f"CREATE TABLE {customers} (id INTEGER PRIMARY KEY, at TIMESTAMP);"
            f"CREATE TABLE {orders} (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL"
            f" REFERENCES {customers} (id) ON DELETE {act}, at TIMESTAMP)"
        )
        by_name = {line.table: line for line in introduced(tmp_path, store).tables}
        assert by_name[orders].part_of is None
        text = written(tmp_path / act, store, customers)
        assert "parts" not in tomllib.loads(text)["datasets"][customers]
        assert ("The database itself changes rows" in text) is (act == "CASCADE")


def test_a_table_that_is_a_dataset_is_no_part_of_another(store: Store, tmp_path: Path) -> None:
    store.script(SHOP)
    text = written(tmp_path, store, "customers", "orders", "order_lines")
    datasets = tomllib.loads(text)["datasets"]

    assert "parts" not in datasets["orders"]
    assert datasets["order_lines"]["parts"] == ["scans"]
    assert datasets["customers"]["subject"] == {"customer_id": "id", "email": "email"}
    assert "birth_date: a date of birth" in text
    assert "1970-01-01" not in text.replace("1971", "")


def test_what_the_data_say_of_an_event_is_beside_it(store: Store, tmp_path: Path) -> None:
    store.script(SHOP)
    text = " ".join(written(tmp_path, store, "orders").replace("#", "").split())

    assert "1960-01-01 to 2031-12-24; some lie ahead: not happened yet; before 1971-01-02: unclear" in text
    assert re.search(r'paid_at = "paid_at" (timestamp|datetime\(6\)); empty', text)
    assert "orders: 2 rows" in text


def test_a_unique_index_stands_in_for_a_primary_key_and_nothing_for_none(
    store: Store, tmp_path: Path
) -> None:
    store.script(SHOP)
    datasets = tomllib.loads(written(tmp_path, store, "codes", "loose"))["datasets"]
    assert datasets["codes"]["key"] == ["code"]
    assert datasets["loose"]["key"] == []

    fill_in(tmp_path)
    problems = check(place_in(tmp_path, store), clock=lambda: NOW).problems
    assert [problem.key for problem in problems] == ["datasets.loose.key"]


def test_dates_in_numbers_are_told_by_what_is_in_them(store: Store, tmp_path: Path) -> None:
    """They are written down once the language has them, and told of until then; a length of time is none."""
    store.script(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, visited_at BIGINT, expires_at BIGINT, time_spent BIGINT);"
        "INSERT INTO visits VALUES (1, 1600000000, 0, 12), (2, 1700000000, 1800000000000, 12)"
    )
    text = written(tmp_path, store, "visits")

    assert '{ column = "visited_at", unit = "s" }' in text
    assert '{ column = "expires_at", unit = "ms", never = [0] }' in text
    assert "time_spent" not in text
    fill_in(tmp_path)
    asserts_that_check_passes(tmp_path, store)


def test_a_reference_that_leads_there_twice_is_told_apart(store: Store, tmp_path: Path) -> None:
    store.script(
        "CREATE TABLE people (id INTEGER PRIMARY KEY);"
        "CREATE TABLE letters (id INTEGER PRIMARY KEY, sender INTEGER REFERENCES people (id),"
        " receiver INTEGER REFERENCES people (id), sent_at TIMESTAMP);"
        "CREATE INDEX i ON letters (sender); CREATE INDEX j ON letters (receiver)"
    )
    events = tomllib.loads(written(tmp_path, store, "people"))["datasets"]["people"]["events"]
    assert sorted(event["via"] for event in events.values()) == ["receiver", "sender"]
    fill_in(tmp_path)
    asserts_that_check_passes(tmp_path, store)


def test_nothing_that_is_there_is_overwritten(store: Store, tmp_path: Path) -> None:
    store.script(SHOP)
    (tmp_path / "connectors").mkdir()
    (tmp_path / "connectors" / "shop.toml").write_text("mine")
    done = introduced(tmp_path, store, "orders")
    assert "shop.toml: is there already; left as it is" in done.lines[0]
    assert not (tmp_path / "policies.toml").exists()

    (tmp_path / "policies.toml").write_text("mine")
    done = introduced(tmp_path, store, "orders", name="other")
    assert (
        (tmp_path / "policies.toml").read_text()
        == (tmp_path / "connectors" / "shop.toml").read_text()
        == "mine"
    )
    assert "policies.toml: is there already; left as it is" in "\n".join(done.lines)
    assert not (tmp_path / "retention.toml").exists()
    assert "# [rules.orders]" in (tmp_path / "connectors" / "other.toml").read_text()


def test_without_a_table_the_tables_are_shown_and_nothing_is_written(store: Store, tmp_path: Path) -> None:
    store.script(SHOP)
    done = introduced(tmp_path, store)

    assert list(tmp_path.glob("*.toml")) == []
    assert done.command == "retention init --url env:SHOP_URL --name shop --table orders --table customers"
    by_name = {line.table: line for line in done.tables}
    assert by_name["order_lines"].part_of == "orders"
    assert by_name["orders"].referred_by == ("complaints", "order_lines", "reviews")
    assert by_name["orders"].rows == 2
    assert by_name["seen"].why_not is not None
    assert "no primary key" in (by_name["loose"].why_not or "")


@pytest.mark.parametrize(
    ("table", "found"),
    [("oders", "does not exist"), ("seen", "is a view"), ("a.b.c", "3 parts"), ('"a', "double quote")],
)
def test_a_table_that_can_t_be_is_refused(store: Store, tmp_path: Path, table: str, found: str) -> None:
    store.script(SHOP)
    with pytest.raises(ConfigurationError) as refused:
        introduced(tmp_path, store, "orders", table)
    (problem,) = refused.value.problems
    assert problem.key == f"--table {table}"
    assert found in problem.found
    assert not (tmp_path / "connectors").exists()
    if table == "oders":
        assert problem.write == "did you mean `orders`?"


def test_a_table_in_other_capitals_is_the_nearest(postgresql: PostgresqlStore, tmp_path: Path) -> None:
    postgresql.script(SHOP)
    with pytest.raises(ConfigurationError) as refused:
        introduced(tmp_path, postgresql, "ORDERS")
    assert refused.value.problems[0].write == "did you mean `orders`?"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("--url env:SHOP_URL", 0),
        ("--url env:SHOP_URL --table orders", 0),
        ("--url env:SHOP_URL --table oders", 3),
        ("--url env:NOT_SET", 3),
        ("--url postgresql://me:canary-7@127.0.0.1/shop", 3),
        ("--url postgresql://me@127.0.0.1:1/shop", 5),
        ("--url sqlite:///nothing.db", 5),
    ],
)
def test_the_command_s_exit_codes_and_documents(
    sqlite: SqliteStore, tmp_path: Path, words: str, code: int
) -> None:
    from click.testing import CliRunner

    from retention.cli.root import root

    sqlite.script(SHOP)
    folder = tmp_path / "new"
    line = ["init", str(folder), *words.split(), "--format", "json"]
    result = CliRunner(env={"SHOP_URL": sqlite.url}).invoke(root, line, prog_name="retention")
    document = json.loads(result.stdout)
    assert result.exit_code == code
    assert document["format"] == ("retention.error/1" if code else "retention.init/1")
    assert "canary-7" not in result.output
    assert (folder / "connectors" / "target.toml").exists() is (words.endswith("--table orders"))
    if code == 0:
        assert {"lines", "tables", "command", "unreached"} < document.keys()


def test_a_table_in_two_schemas_must_be_told_apart(postgresql: PostgresqlStore, tmp_path: Path) -> None:
    postgresql.script(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, at DATE); CREATE SCHEMA sales;"
        "CREATE TABLE sales.orders (id INTEGER PRIMARY KEY, at DATE);"
        "CREATE TABLE sales.lines (id INTEGER PRIMARY KEY, o INTEGER NOT NULL REFERENCES sales.orders (id));"
    )
    with pytest.raises(ConfigurationError) as refused:
        introduced(tmp_path, postgresql, "orders")
    assert "ambiguous" in str(refused.value.problems[0])
    text = written(tmp_path, postgresql, "public.orders", "sales.orders")

    datasets = tomllib.loads(text)["datasets"]
    assert [d["table"] for d in datasets.values()] == ["public.orders", "sales.orders"]
    assert datasets["orders_2"]["parts"] == ["sales.lines"]
    mend(postgresql, text)
    fill_in(tmp_path)
    asserts_that_check_passes(tmp_path, postgresql)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("postgresql://me:canary-7@127.0.0.1/shop", "has a password in it"),
        ("env:NOT_SET", "is not set"),
        ("file:nothing", "is not there"),
        ("oracle://x/y", "is not a database that can be connected"),
    ],
)
def test_a_url_that_can_t_be_is_refused_as_in_files(tmp_path: Path, url: str, found: str) -> None:
    place = Place(
        config=tmp_path / "policies.toml", connectors=tmp_path / "connectors", state=None, environ={}
    )
    with pytest.raises(ConfigurationError) as refused:
        introduce(place, url=url, name="no name!", tables=("x",), by="tester", clock=lambda: NOW)
    first, second = refused.value.problems
    assert (first.key, second.key) == ("--url", "--name")
    assert found in first.found
    assert "canary-7" not in str(refused.value.problems)


def test_a_database_that_does_not_answer_is_told_so(tmp_path: Path) -> None:
    place = Place(
        config=tmp_path / "policies.toml", connectors=tmp_path / "connectors", state=None, environ={}
    )
    for url in ("postgresql://me@127.0.0.1:1/shop", "sqlite:///nothing.db"):
        with pytest.raises(UnreachableError):
            introduce(place, url=url, by="tester", clock=lambda: NOW)


def test_the_connector_is_called_after_the_database(sqlite: SqliteStore, tmp_path: Path) -> None:
    sqlite.script(SHOP)
    place = place_in(tmp_path, sqlite)
    introduce(place, url="sqlite:///target.db", tables=("orders",), by="tester", clock=lambda: NOW)
    assert (tmp_path / "connectors" / "target.toml").exists()


def test_a_table_that_is_large_is_looked_at_only_where_an_index_serves(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retention.verbs import introduce as module

    monkeypatch.setattr(module, "LOOKED_AT", 1)
    store.script(SHOP + "CREATE INDEX ordered ON orders (created_at)")
    text = " ".join(written(tmp_path, store, "orders").replace("#", "").split())

    assert re.search(r"(timestamp|datetime\(6\)); 1960-01-01 to 2031-12-24", text)
    assert re.search(r'paid_at = "paid_at" (timestamp|datetime\(6\)); not looked at', text)
    assert "orders: more than 1 rows" in text or "orders: about 2 rows" in text


def test_a_role_that_may_not_read_gets_its_file_all_the_same(
    postgresql: PostgresqlStore, server: Server, tmp_path: Path
) -> None:
    """Only the look at the data is left out."""
    postgresql.script(SHOP)
    role = f"initurl_{postgresql.name[-6:]}"
    server.execute(f"CREATE ROLE {role} LOGIN")
    try:
        place = place_in(tmp_path, postgresql)
        url = postgresql.url.replace("postgres@", f"{role}@")
        place = Place(config=place.config, connectors=place.connectors, state=None, environ={"SHOP_URL": url})
        introduce(place, url="env:SHOP_URL", name="shop", tables=("orders",), by="tester", clock=lambda: NOW)
        text = (tmp_path / "connectors" / "shop.toml").read_text(encoding="utf-8")
        assert tomllib.loads(text)["datasets"]["orders"]["parts"] == ["order_lines", "scans"]
        assert "timestamp; not looked at" in text
        assert "rows not counted" in text
    finally:
        server.execute(f"DROP ROLE {role}")


def test_a_look_ends_when_its_moment_is_over(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """No statement may keep a database busy: it is ended, and what it was to tell is left out."""
    from retention.connectors.sql import looking
    from retention.connectors.sql.opening import open_target
    from retention.model.dataset import Connector, Secret

    numbers = (
        "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 400000) SELECT x FROM n"
    )
    if store.kind == "mariadb":
        numbers = "SELECT seq FROM seq_1_to_400000"
    store.script(f"CREATE TABLE many (id INTEGER PRIMARY KEY); INSERT INTO many {numbers}")
    monkeypatch.setattr(looking, "MOMENT", 1)
    connector = Connector(name="c", file="c", type="sql", url=Secret(literal=store.url), folder="/")
    target = open_target(connector, {})
    try:
        (table,) = target.catalogue().tables.values()
        assert target.look(table, ("id",), 10_000_000) is None
        monkeypatch.setattr(looking, "MOMENT", 60_000)
        look = target.look(table, ("id",), 10_000_000)
        assert look is not None
        assert (look.rows, look.columns["id"].last) == (400_000, "400000")
    finally:
        target.close()


def test_init_goes_on_to_set_up_where_the_files_are_complete(store: Store, tmp_path: Path) -> None:
    store.script(SHOP)
    text = written(tmp_path, store, "orders")
    mend(store, text)
    fill_in(tmp_path)
    done = init(tmp_path, place_in(tmp_path, store), by="tester", clock=lambda: NOW)
    assert "shop: the table retention_marker made" in done.lines
    assert done.unreached == ()
    assert MARKER not in [line.table for line in introduced(tmp_path, store).tables]


MARKER = "retention_marker"


def test_the_estimate_of_a_partitioned_table_counts_each_row_once(
    pagila: PostgresqlStore, tmp_path: Path
) -> None:
    pagila.script("ANALYZE payment")
    (payments,) = [line for line in introduced(tmp_path, pagila).tables if line.table == "payment"]
    assert (payments.rows, payments.exactness) == (16_049, "about")


@pytest.mark.parametrize(
    "name",
    [
        "android_mmssms.db",
        "chrome_History",
        "firefox_places.sqlite",
        "safari_History.db",
        "sqlite_skype_main.db",
        "sqlite_snapshot.db",
        "windows_ActivitiesCache.db",
    ],
)
def test_what_check_says_of_a_real_device_s_tables_is_what_the_file_said(
    data: Path, tmp_path: Path, name: str
) -> None:
    """Nothing crashes, every file is TOML, and once it is filled in no problem is news."""
    shutil.copy(data / "device" / name, tmp_path / "device.db")
    store = SqliteStore(tmp_path / "device.db")
    tables = [
        t for t in introduced(tmp_path, store).tables if t.why_not is None or "primary key" in t.why_not
    ]
    assert tables
    for number, table in enumerate(tables):
        folder = tmp_path / str(number)
        text = written(folder, store, table.table)
        said = " ".join(text.replace("\n#   ", " ").split())
        mend(store, text)
        fill_in(folder)
        for problem in check(place_in(folder, store), clock=lambda: NOW).problems:
            found = problem.found.partition(" (now ")[0]  # check counts besides
            told = " ".join(printable(found, 1000).split())
            assert problem.key.endswith(".key") or told in said, table.table


def test_a_unit_is_guessed_from_the_bulk_and_not_from_one_outlier(tmp_path: Path, store: Store) -> None:
    """Seconds, but for one in milliseconds and one that no clock can say; 0 where nothing is completed."""
    values = [1_600_000_000 + 86_400 * day for day in range(40)] + [0, -5, 1_706_018_400_000]
    rows = ", ".join(f"({at}, {value})" for at, value in enumerate(values))
    store.script(
        f"CREATE TABLE tasks (id INTEGER PRIMARY KEY, date_completed BIGINT); INSERT INTO tasks VALUES {rows};"
    )

    text = written(tmp_path, store, "tasks")

    (line,) = [line for line in text.splitlines() if line.startswith("date_completed")]
    assert line.startswith('date_completed = { column = "date_completed", unit = "s", never = [0] }')
    told = " ".join(text.partition("[datasets.tasks.events]")[2].split())
    assert "# ? bigint" in told
    assert "most of its numbers say seconds, and some can't (from -5 to 1706018400000)" in told


def test_two_columns_of_people_are_not_taken_for_one_person(sqlite: SqliteStore, tmp_path: Path) -> None:
    """A hold on the owner of one task covered all that anybody had created."""
    sqlite.script(
        "CREATE TABLE tasks (id INTEGER PRIMARY KEY, closed_at TEXT, owner_id INTEGER, creator_id INTEGER);"
        "CREATE TABLE web_orders (id INTEGER PRIMARY KEY, closed_at TEXT, customer_id INTEGER, email TEXT)"
    )
    text = written(tmp_path, sqlite, "tasks", "web_orders")
    datasets = tomllib.loads(text)["datasets"]
    assert "subject" not in datasets["tasks"]
    assert "# ? Whom is a record about? creator_id, owner_id may be different people" in text
    assert '# subject = { owner_id = "owner_id" }' in text
    assert datasets["web_orders"]["subject"] == {"customer_id": "customer_id", "email": "email"}


def test_what_is_advised_of_a_database_is_for_the_folder_that_was_given(
    sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`retention init mine --url …` led to a policy in the folder that it was typed in."""
    sqlite.script("CREATE TABLE orders (id INTEGER PRIMARY KEY, closed_at TEXT, customer_id INTEGER)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHOP_URL", sqlite.url)
    words = ("init", "mine", "--url", "env:SHOP_URL")
    seen = CliRunner().invoke(root, list(words))
    assert "retention init mine --url env:SHOP_URL --table orders" in seen.output
    made = CliRunner().invoke(root, [*words, "--table", "orders"])
    assert (made.exit_code, (tmp_path / "mine" / "policies.toml").is_file()) == (0, True)
    assert "cd mine, then retention check" in " ".join(made.output.split())


def test_a_person_is_known_by_one_kind_whatever_the_columns_are_called(
    sqlite: SqliteStore, tmp_path: Path
) -> None:
    """A hold by e-mail address led to the accounts and not to their orders: `buyer_id` beside `user_id`."""
    sqlite.script(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, seen_at TEXT);"
        "CREATE TABLE sales (id INTEGER PRIMARY KEY, sold_at TEXT, buyer INTEGER REFERENCES users (id));"
        "CREATE TABLE tasks (id INTEGER PRIMARY KEY, closed_at TEXT,"
        " owner_id INTEGER REFERENCES users (id), creator_id INTEGER REFERENCES users (id))"
    )
    text = written(tmp_path, sqlite, "users", "sales", "tasks")
    datasets = tomllib.loads(text)["datasets"]
    assert datasets["users"]["subject"] == {"user_id": "id", "email": "email"}
    assert datasets["sales"]["subject"] == {"user_id": "buyer"}
    assert "subject" not in datasets["tasks"]
    assert '# subject = { user_id = "owner_id" }' in text


def test_a_policy_without_a_folder_of_connectors_is_advised_what_makes_one(
    sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`type: retention init`, which answered with the same words."""
    sqlite.script("CREATE TABLE orders (id INTEGER PRIMARY KEY, closed_at TEXT, customer_id INTEGER)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHOP_URL", sqlite.url)
    (tmp_path / "policies.toml").write_text(
        '[policy]\nname = "Shop"\ntimezone = "UTC"\n[rules.a]\npromise = "p"\ndata = "orders"\n'
        'keep = "1 year"\nfrom = "closed_at"\naction = "delete"\n'
    )
    told = " ".join(CliRunner().invoke(root, ["check"]).output.split())
    assert "retention init --url URL --table TABLE writes one" in told
    made = CliRunner().invoke(root, ["init", "--url", "env:SHOP_URL", "--name", "shop", "--table", "orders"])
    assert (made.exit_code, (tmp_path / "connectors" / "shop.toml").is_file()) == (0, True)
