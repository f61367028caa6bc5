"""`init --ddl`: what is printed can be run by hand, and `init` goes on from there."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from retention.errors import SetupError
from retention.model.script import Script
from retention.report.script import script_lines
from retention.store import ddl as store_tables
from retention.store.migrations import upgrade
from retention.store.schema import OUR_TABLES, VERSIONS, metadata, version_table
from retention.verbs.audit import verify
from retention.verbs.ddl import ddl
from retention.verbs.init import init
from tests.support.stores import PostgresqlStore, Store
from tests.support.workplace import Workplace

DATASET = '[datasets.things]\ndata = "things"\ntable = "things"\nevents = { made = "made" }'


@pytest.fixture
def shop(work: Workplace, store: Store) -> Workplace:
    store.script("CREATE TABLE things (id INTEGER PRIMARY KEY, made TIMESTAMP)")
    work.connect(store, DATASET)
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    return work


def scripts(work: Workplace) -> dict[str, Script]:
    return {script.database: script for script in ddl(work.place)}


def by_hand(path: Path, script: Script) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript("\n".join(script_lines([script])))
    connection.close()


def test_the_marker_table_that_was_made_by_hand_is_found_there(shop: Workplace, store: Store) -> None:
    script = scripts(shop)["db"]
    assert script.family == {"mariadb": "mysql"}.get(store.kind, store.kind)
    store.script("\n".join(script_lines([script])))

    done = init(shop.folder, shop.place, by="tester", clock=shop.clock)
    assert "db: the table retention_marker is there already" in done.lines
    shop.ready = True
    assert shop.run().status == "nothing"


def test_the_marker_table_is_the_one_that_init_makes(shop: Workplace, store: Store, tmp_path: Path) -> None:
    def columns() -> list[tuple[object, ...]]:
        if store.kind == "sqlite":
            return store.rows("SELECT name, type, \"notnull\", pk FROM pragma_table_info('retention_marker')")
        if store.kind == "mariadb":
            return store.rows(
                "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLLATION_NAME FROM information_schema.COLUMNS"
                " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'retention_marker' ORDER BY ORDINAL_POSITION"
            )
        return store.rows(
            "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
            " WHERE attrelid = 'retention_marker'::regclass AND attnum > 0"
        )

    store.script(scripts(shop)["db"].statements[0])
    by_statement = columns()
    store.script("DROP TABLE retention_marker")
    init(shop.folder, shop.place, by="tester", clock=shop.clock)
    assert columns() == by_statement
    assert len(by_statement) == 6


def test_a_state_store_that_was_made_by_hand_is_set_up(shop: Workplace) -> None:
    path = shop.folder / "state" / "retention.db"
    by_hand(path, scripts(shop)["state store"])
    path.chmod(0o644)

    done = init(shop.folder, shop.place, by="tester", clock=shop.clock)
    assert any("its tables were there, and it is set up now" in line for line in done.lines)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shop.ready = True
    kinds = [event["data"]["kind"] for event in shop.events() if event["type"] == "key.created"]
    assert kinds == ["signing", "evidence"]
    assert shop.run().status == "nothing"
    assert verify(shop.place).events > 2
    again = init(shop.folder, shop.place, by="tester", clock=shop.clock)
    assert f"{path}: the state store is there already, and its keys fit" in again.lines


PARTS = {
    "sqlite": (
        'SELECT m.name, c.cid, c.name, c.type, c."notnull", c.dflt_value, c.pk FROM sqlite_master m,'
        " pragma_table_info(m.name) c WHERE m.type = 'table'",
        "SELECT m.name, iif(i.origin = 'c', i.name, ''), i.\"unique\", i.origin, i.partial, c.seqno, c.name"
        " FROM sqlite_master m, pragma_index_list(m.name) i, pragma_index_info(i.name) c WHERE m.type = 'table'",
        "SELECT m.name, f.* FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
    ),
    "postgresql": (
        "SELECT table_name, ordinal_position, column_name, data_type, character_maximum_length, is_nullable,"
        " column_default FROM information_schema.columns WHERE table_schema = 'public'",
        "SELECT tablename::text, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace",
    ),
}
"""All that can be told of the tables of a database, whatever statements made them."""


def made_of(store: Store) -> list[tuple[object, ...]]:
    if store.kind != "mariadb":
        return sorted((row for query in PARTS[store.kind] for row in store.rows(query)), key=repr)
    found: list[tuple[object, ...]] = []
    for (name,) in store.rows("SHOW TABLES"):
        lines = str(store.rows(f"SHOW CREATE TABLE {name}")[0][1]).replace(",\n", "\n").splitlines()
        keys = sorted(
            each for each in lines if " KEY " in each
        )  # they stand in the order in which they were made
        found.append((name, *(each for each in lines if each not in keys), *keys))
    return sorted(found, key=repr)


def test_its_tables_are_those_to_which_the_migrations_lead(store: Store) -> None:
    """Printed as one would write them today, and the same to the last column, default, key and index."""
    family = {"mariadb": "mysql"}.get(store.kind, store.kind)
    statements = store_tables.statements(family)
    assert not [text for text in statements if text.startswith(("ALTER", "UPDATE", "DROP"))]
    version = version_table(family)
    if store.kind == "sqlite":
        by_hand(Path(store.url.removeprefix("sqlite:///")), Script(
            database="", where="", family=family, notes=(), statements=statements, grants=()
        ))  # fmt: skip
    else:
        store.script(";\n".join(text for text in statements if text not in ("BEGIN", "COMMIT")))
    by_statement, says = made_of(store), store.rows(f"SELECT version_num FROM {version}")
    for name in (*OUR_TABLES, version):
        store.script(f"DROP TABLE {name}")
    assert made_of(store) == []

    url = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql"}.get(store.kind, "sqlite")
    engine = sa.create_engine(re.sub(r"^\w+:", f"{url}:", store.url), poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        upgrade(connection, version)

    assert made_of(store) == by_statement
    assert len(by_statement) > 25
    assert store.rows(f"SELECT version_num FROM {version}") == says == [(VERSIONS[-1],)]


@pytest.mark.parametrize("table", ["retention_head", "retention_event", "retention_plan"])
def test_tables_with_rows_are_never_taken_for_a_new_store(shop: Workplace, table: str) -> None:
    path = shop.folder / "state" / "retention.db"
    by_hand(path, scripts(shop)["state store"])
    connection = sqlite3.connect(path)
    names = [column.name for column in metadata.tables[table].columns]
    marks = ", ".join("1" for _ in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    connection.execute(f"INSERT INTO {table} ({quoted}) VALUES ({marks})")
    connection.commit()
    connection.close()

    with pytest.raises(SetupError, match="has rows, and does not say whose it is"):
        init(shop.folder, shop.place, by="tester", clock=shop.clock)
    connection = sqlite3.connect(path)
    assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,)
    connection.close()


def test_half_of_the_tables_are_no_state_store(shop: Workplace) -> None:
    path = shop.folder / "state" / "retention.db"
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    for statement in scripts(shop)["state store"].statements[:5]:
        connection.execute(statement)
    connection.close()
    with pytest.raises(SetupError):
        init(shop.folder, shop.place, by="tester", clock=shop.clock)


def test_the_state_store_s_tables_can_be_made_on_postgresql(postgresql: PostgresqlStore) -> None:
    statements = [s for s in store_tables.statements("postgresql") if s not in ("BEGIN", "COMMIT")]
    postgresql.script(";\n".join(statements))
    names = {
        name
        for (name,) in postgresql.rows(
            "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
    }
    assert names == {*metadata.tables, "retention_schema_version"}
    assert postgresql.rows("SELECT version_num FROM retention_schema_version") == [(VERSIONS[-1],)]
    grants = store_tables.grants("postgresql", "retention")
    granted = {grant.split(" ON ")[1].split(" TO ")[0] for grant in grants if " SEQUENCE " not in grant}
    assert granted == names


@pytest.mark.parametrize("family", ["mariadb", "mysql"])
def test_it_is_written_for_databases_that_are_still_to_come(family: str) -> None:
    statements = store_tables.statements(family)
    assert sum(s.startswith("CREATE TABLE") for s in statements) == len(metadata.tables) + 1
    assert any(re.search("(MEDIUM|LONG)BLOB", s) for s in statements)
    assert not any("RETURNING" in s for s in statements)


def test_nothing_is_made_and_a_database_that_does_not_answer_is_no_hindrance(work: Workplace) -> None:
    work.connectors["db"] = 'type = "sql"\nurl = "env:AWAY"\n' + DATASET
    work.environ["AWAY"] = "postgresql://me:canary-7@127.0.0.1:1/shop"
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    before = sorted(work.place.config.parent.rglob("*"))

    result = work.cli("init", "--ddl")
    assert result.exit_code == 0, result.output
    assert "CREATE TABLE retention_marker (" in result.stdout
    assert "-- GRANT SELECT, INSERT, DELETE ON retention_marker TO retention;" in result.stdout
    assert "-- GRANT SELECT, DELETE ON things TO retention;" in result.stdout
    assert "canary-7" not in result.output
    assert sorted(work.folder.rglob("*")) == before

    document = json.loads(work.cli("init", "--ddl", "--format", "json").stdout)
    assert document["format"] == "retention.ddl/1"
    assert [each["database"] for each in document["databases"]] == ["state store", "db"]
    assert [each["family"] for each in document["databases"]] == ["sqlite", "postgresql"]


def test_a_dialect_that_can_t_be_known_is_refused(work: Workplace) -> None:
    work.connectors["db"] = 'type = "sql"\nurl = "env:AWAY"\n' + DATASET
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    result = work.cli("init", "--ddl")
    assert result.exit_code == 3
    assert "AWAY is not set" in result.output


def test_a_connector_that_does_not_answer_is_exit_code_5(shop: Workplace, tmp_path: Path) -> None:
    shop.connectors["away"] = 'type = "sql"\nurl = "sqlite:///away.db"\ntimezone = "UTC"\n' + DATASET
    result = shop.cli("init", str(shop.folder))
    assert result.exit_code == 5, result.output
    assert "away: not reached" in result.output
    assert "db: the table retention_marker made" in result.output


def test_the_marker_s_statement_names_the_schema_that_the_connector_does(work: Workplace) -> None:
    work.connectors["db"] = 'type = "sql"\nurl = "postgresql://h/shop"\nmarker_schema = "Ops"\n' + DATASET
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    script = scripts(work)["db"]
    assert script.statements[0].startswith('CREATE TABLE "Ops".retention_marker (')
    assert script.grants[:2] == (
        'GRANT USAGE ON SCHEMA "Ops" TO retention',
        'GRANT SELECT, INSERT, DELETE ON "Ops".retention_marker TO retention',
    )


@pytest.mark.parametrize("url", ["postgresql://h/state", "mariadb://h/state", "env:STATE"])
def test_the_state_store_s_script_is_of_its_server_s_kind(work: Workplace, url: str) -> None:
    work.connectors["db"] = 'type = "sql"\nurl = "postgresql://h/shop"\n' + DATASET
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    work.environ["STATE"] = "mysql://me:canary-7@h/state"
    script = ddl(replace(work.place, state=url))[0]
    assert script.family == {"env:STATE": "mysql"}.get(url, url.partition(":")[0])
    assert script.where == url
    role = "retention" if script.family == "postgresql" else "retention@'%'"
    assert script.grants[0] == f"GRANT SELECT, INSERT ON retention_approval TO {role}"
    assert ("ENGINE=InnoDB" in " ".join(script.statements)) == (script.family != "postgresql")
    assert "canary-7" not in repr(script)
