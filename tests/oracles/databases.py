"""The databases that companies are put into: one a module of tests, a file on SQLite, filled anew each time."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg

from retention.verbs import init as init_verb
from tests.oracles import fate as oracle
from tests.oracles.companies import Company, Table
from tests.oracles.stores import Shop
from tests.support import mariadb, servers


class SqliteShop(Shop):
    family = "sqlite"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.path = folder / "shop.db"
        self.url = "sqlite:///shop.db"

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            yield connection

    def fill(self, company: Company, *, new: bool) -> None:
        for path in self.folder.glob("shop.db*"):
            path.unlink()
        with self._open() as connection:
            connection.execute("BEGIN")
            for table in company.tables.values():
                connection.execute(create(table, table.name, lambda name: name))
                for statement in indexes(table, table.name):
                    connection.execute(statement)
                columns = list(table.columns)
                marks = ", ".join("?" for _ in columns)
                rows = [[row[c] for c in columns] for row in company.world.tables[table.name]]
                names = ", ".join(columns)
                connection.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)
            connection.execute("COMMIT")

    def keys(self, table: Table) -> set[tuple[Any, ...]]:
        with self._open() as connection:
            return set(connection.execute(f"SELECT {', '.join(table.key)} FROM {table.name}"))

    def forget_markers(self) -> None:
        self.make_marker_table()


class PostgresqlShop(Shop):
    family = "postgresql"
    schema = "shop"
    prefix = "shop."

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.store = servers.postgresql().lend()
        self.url = self.store.url
        self.connection = psycopg.connect(self.url, autocommit=True)
        self.connection.execute("SET synchronous_commit = off; SET client_min_messages = error")

    def fill(self, company: Company, *, new: bool) -> None:
        tables = company.tables.values()
        statements = self._made(company) if new else []
        statements.append(
            "SET session_replication_role = replica"
        )  # references are not looked at, as rows come and go
        if not new:
            statements += [f"DELETE FROM {self.schema}.{table.name}" for table in tables]
        for table in tables:
            rows = company.world.tables[table.name]
            statements += inserts(f"{self.schema}.{table.name}", table, rows, _literal)
        self.connection.execute("; ".join([*statements, "RESET session_replication_role"]))

    def _made(self, company: Company) -> list[str]:
        statements = [f"DROP SCHEMA IF EXISTS {self.schema} CASCADE", f"CREATE SCHEMA {self.schema}"]
        for table in company.tables.values():
            name = f"{self.schema}.{table.name}"
            statements += [create(table, name, None), *indexes(table, name)]
        for table in company.tables.values():
            for reference in table.references:
                key = foreign_key(table, reference, f"{self.schema}.{reference.target}")
                statements.append(f"ALTER TABLE {self.schema}.{table.name} ADD {key}")
        return statements

    def keys(self, table: Table) -> set[tuple[Any, ...]]:
        query = f"SELECT {', '.join(table.key)} FROM {self.schema}.{table.name}"
        return set(self.connection.execute(query).fetchall())

    def forget_markers(self) -> None:
        if self.connection.execute("SELECT to_regclass('public.retention_marker')").fetchone() == (None,):
            self.make_marker_table()
        self.connection.execute("DELETE FROM public.retention_marker")

    def close(self) -> None:
        self.connection.close()
        servers.postgresql().give_back(self.store)


class MariadbShop(Shop):
    family = "mariadb"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.store = servers.mariadb().create()
        self.url = self.store.url
        self.prefix = f"{self.store.name}."
        self.connection = mariadb.connect(self.url, autocommit=True)
        mode = "ANSI_QUOTES,ALLOW_INVALID_DATES"  # so that there are dates that are no days
        self._run(f"SET SESSION sql_mode = '{mode}', SESSION foreign_key_checks = 0")

    def _run(self, statements: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(statements)
            found = list(cursor.fetchall())
            while cursor.nextset():
                pass
        return found

    def fill(self, company: Company, *, new: bool) -> None:
        tables = company.tables.values()
        statements = self._made(company) if new else [f'DELETE FROM "{table.name}"' for table in tables]
        for table in tables:
            statements += inserts(f'"{table.name}"', table, company.world.tables[table.name], _in_utc)
        self._run("; ".join(statements))

    def _made(self, company: Company) -> list[str]:
        old = [f'"{name}"' for (name,) in self._run("SHOW TABLES") if name != "retention_marker"]
        statements = [f"DROP TABLE {', '.join(old)}"] if old else []
        for table in company.tables.values():
            columns = {column: _MARIADB.get(kind, kind) for column, kind in table.columns.items()}
            name = f'"{table.name}"'
            statements.append(create(replace(table, columns=columns), name, lambda target: f'"{target}"'))
            statements += indexes(table, name)
        return statements

    def keys(self, table: Table) -> set[tuple[Any, ...]]:
        return set(self._run(f'SELECT {", ".join(table.key)} FROM "{table.name}"'))

    def forget_markers(self) -> None:
        if not self._run("SHOW TABLES LIKE 'retention_marker'"):
            self.make_marker_table()
        self._run("DELETE FROM retention_marker")

    def close(self) -> None:
        self.connection.close()
        servers.mariadb().drop(self.store)


_TEXT = "varchar(60) COLLATE utf8mb4_nopad_bin"
_MARIADB = {
    "text": _TEXT,
    "text key": _TEXT,
    "timestamp": "datetime(6)",
    "timestamptz": "timestamp(6) NULL DEFAULT NULL",
}
"""What MariaDB calls the kinds of columns, where it has another name for them."""


def _in_utc(value: Any) -> str:
    """A literal of MariaDB's, which reads no offsets."""
    aware = isinstance(value, datetime) and value.tzinfo is not None
    return _literal(value.astimezone(UTC).replace(tzinfo=None) if aware else value)


SHOPS: dict[str, type[Shop]] = {"sqlite": SqliteShop, "postgresql": PostgresqlShop, "mariadb": MariadbShop}


def opened(family: str, folder: Path) -> Shop:
    """The shop of a family; a missing server skips, and fails where CI says that it must be there."""
    return SHOPS[family](folder)


def template_state(folder: Path) -> Path:
    """A state store with its keys, made once and copied for every run."""
    shop = SqliteShop(folder)
    (folder / "shop.db").touch()
    rule = 'promise = "p"\ndata = "d"\nkeep = "1 day"\nfrom = "e"\naction = "delete"\n'
    shop.place.config.write_text(f'[policy]\ntimezone = "UTC"\n[rules.r]\n{rule}')
    dataset = '[datasets.d]\ndata = "d"\ntable = "t"\nevents = { e = "c" }\n'
    (shop.place.connectors / "shop.toml").write_text(f'type = "sql"\nurl = "{shop.url}"\n{dataset}')
    init_verb.init(folder, shop.place, by="oracle", clock=lambda: datetime.now(UTC))
    return folder / "state"


# --- SQL that makes the company ---------------------------------------------------------------


def create(table: Table, name: str, target: Any) -> str:
    columns = [f"{column} {kind.removesuffix(' key')}" for column, kind in table.columns.items()]
    keys = [f"PRIMARY KEY ({', '.join(table.key)})", *(f"UNIQUE ({column})" for column in table.unique)]
    references = [foreign_key(table, r, target(r.target)) for r in table.references] if target else []
    return f"CREATE TABLE {name} ({', '.join([*columns, *keys, *references])})"


def inserts(name: str, table: Table, rows: Sequence[oracle.Row], literal: Callable[[Any], str]) -> list[str]:
    """One statement for all rows, and none for no row."""
    values = [f"({', '.join(literal(row[column]) for column in table.columns)})" for row in rows]
    return [f"INSERT INTO {name} ({', '.join(table.columns)}) VALUES {', '.join(values)}"] if rows else []


def foreign_key(table: Table, reference: oracle.Reference, target: str) -> str:
    does = table.on_delete[reference.name]
    return (
        f"FOREIGN KEY ({', '.join(reference.columns)})"
        f" REFERENCES {target} ({', '.join(reference.target_columns)})"
        + (f" ON DELETE {does}" if does else "")
    )


def indexes(table: Table, name: str) -> list[str]:
    referring = [", ".join(reference.columns) for reference in table.references]
    return [
        f"CREATE INDEX {table.name}_i{number} ON {name} ({columns})"
        for number, columns in enumerate([*referring, *table.indexes])
    ]


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool | int):
        return str(value)
    text = value.isoformat() if isinstance(value, date | datetime) else value
    return "'" + text.replace("'", "''") + "'"
