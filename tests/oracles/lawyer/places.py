"""The shapes on real databases: made once, and emptied and filled again for every case."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.oracles.lawyer.generate import Case
from tests.oracles.lawyer.rewritten import values_query
from tests.oracles.lawyer.shapes import Shape
from tests.oracles.lawyer.world import NO_DAY, Row, Table
from tests.support import mariadb

POSTGRESQL = os.environ.get("RETENTION_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
MARIADB = os.environ.get("RETENTION_TEST_MARIADB", "mysql://root@127.0.0.1:3306/test")
CONNECTORS = ("shop", "crm")
KINDS = {
    "sqlite": {"timestamptz": "TEXT", "timestamp": "TIMESTAMP", "date": "DATE"},
    "postgresql": {},
    "mariadb": {
        "text": "VARCHAR(60) COLLATE utf8mb4_nopad_bin",
        "timestamp": "DATETIME(6)",
        "timestamptz": "TIMESTAMP(6) NULL DEFAULT NULL",
    },
}
NO_DAYS = {"sqlite": "soon", "postgresql": "-infinity", "mariadb": "2020-00-00"}
"""How a column of dates spells what is no day of the calendar."""


class Place:
    """One kind of database, with one place for each shape and connector. `close` drops all."""

    kind: str

    def __init__(self) -> None:
        self.made: dict[str, Shape] = {}

    def made_for(self, shape: Shape) -> None:
        """Its tables are there; made when they are first wanted."""
        if shape.place not in self.made:
            self.made[shape.place] = shape
            self.make(shape)

    def make(self, shape: Shape) -> None:
        raise NotImplementedError

    def url(self, shape: Shape, connector: str) -> tuple[str, str | None]:
        """The URL, and the schema of its tables."""
        raise NotImplementedError

    def fill(self, case: Case) -> None:
        """The case's rows, and no others; no markers."""
        raise NotImplementedError

    def keys(self, shape: Shape, table: Table) -> set[tuple[Any, ...]]:
        """The keys of the rows that are there."""
        raise NotImplementedError

    def values(self, shape: Shape, table: Table) -> Sequence[Sequence[Any]]:
        """Key and personal columns of every row."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def opened(kind: str, folder: Path) -> Place:
    """Raises the driver's error where there is no server."""
    return {"sqlite": SqlitePlace, "postgresql": PostgresqlPlace, "mariadb": MariadbPlace}[kind](folder)


# --- SQL ----------------------------------------------------------------------------------------


def create(kind: str, tables: Iterable[Table]) -> Iterator[str]:
    """Statements that make the tables of one connector, in an order that may refer ahead."""
    for table in tables:
        never_null = {*table.key, *table.always}
        columns = [f"{name} {_kind(kind, of, name in never_null)}" for name, of in table.columns.items()]
        items = [*columns, f"PRIMARY KEY ({', '.join(table.key)})", *(f"UNIQUE ({c})" for c in table.unique)]
        if kind == "sqlite":
            items += [_foreign_key(reference) for reference in table.references if not reference.either]
        yield f"CREATE TABLE {table.name} ({', '.join(items)})"
        for number, reference in enumerate(table.references):
            yield f"CREATE INDEX {table.name}_{number} ON {table.name} ({', '.join(reference.columns)})"
    if kind != "sqlite":
        for table in tables:
            for reference in [each for each in table.references if not each.either]:
                yield f"ALTER TABLE {table.name} ADD {_foreign_key(reference)}"


def _kind(kind: str, of: str, never_null: bool) -> str:
    return KINDS[kind].get(of, of) + (" NOT NULL" if never_null else "")


def _foreign_key(reference: Any) -> str:
    columns, ends = ", ".join(reference.columns), ", ".join(reference.target_columns)
    does = " ON DELETE CASCADE" * reference.cascades
    return f"FOREIGN KEY ({columns}) REFERENCES {reference.target} ({ends}){does}"


def insert(kind: str, table: Table, rows: Sequence[Row]) -> str:
    offset = "" if kind == "mariadb" else "+00:00"  # what is written behind an instant in UTC
    no_day = dict.fromkeys(table.columns.values(), NO_DAYS[kind])
    if kind == "mariadb":
        no_day["timestamptz"] = "0000-00-00"  # a TIMESTAMP takes no other
    texts = [
        [_literal(no_day[of] if row[c] == NO_DAY else row[c], offset) for c, of in table.columns.items()]
        for row in rows
    ]
    values = ", ".join(f"({', '.join(each)})" for each in texts)
    return f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES {values}"


def _literal(value: Any, offset: str) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None).isoformat(" ") + offset
    text = value if isinstance(value, str) else value.isoformat(*(" " if isinstance(value, datetime) else ""))
    return "'" + text.replace("'", "''") + "'"


def of(shape: Shape, connector: str) -> list[Table]:
    return [table for table in shape.tables.values() if table.connector == connector]


# --- kinds --------------------------------------------------------------------------------------


class SqlitePlace(Place):
    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.sessions: dict[tuple[str, str], sqlite3.Connection] = {}

    def make(self, shape: Shape) -> None:
        for connector in CONNECTORS:
            session = sqlite3.connect(self.file(shape, connector), isolation_level=None)
            session.execute("PRAGMA journal_mode = MEMORY")
            session.execute("PRAGMA synchronous = OFF")
            for statement in create("sqlite", of(shape, connector)):
                session.execute(statement)
            self.sessions[shape.place, connector] = session

    def file(self, shape: Shape, connector: str) -> Path:
        return self.folder / f"{shape.place}-{connector}.db"

    def url(self, shape: Shape, connector: str) -> tuple[str, str | None]:
        return f"sqlite:///{self.file(shape, connector)}", None

    def fill(self, case: Case) -> None:
        self.made_for(case.shape)
        for connector in CONNECTORS:
            session = self.sessions[case.shape.place, connector]
            session.execute("BEGIN")
            with contextlib.suppress(sqlite3.OperationalError):
                session.execute("DELETE FROM retention_marker")
            for table in of(case.shape, connector):
                session.execute(f"DELETE FROM {table.name}")
                rows = case.world.rows[table.name]
                if rows:
                    session.execute(insert("sqlite", table, rows))
            session.execute("COMMIT")

    def keys(self, shape: Shape, table: Table) -> set[tuple[Any, ...]]:
        query = f"SELECT {', '.join(table.key)} FROM {table.name}"
        return set(self.sessions[shape.place, table.connector].execute(query))

    def values(self, shape: Shape, table: Table) -> Sequence[Sequence[Any]]:
        return self.sessions[shape.place, table.connector].execute(values_query(table)).fetchall()

    def close(self) -> None:
        for session in self.sessions.values():
            session.close()


class PostgresqlPlace(Place):
    """One database a shape and connector, in which a schema."""

    kind = "postgresql"

    def __init__(self, folder: Path) -> None:
        import psycopg

        super().__init__()
        self.name = f"retention_lawyer_{uuid.uuid4().hex[:12]}"
        self.server = POSTGRESQL.rpartition("/")[0]
        self.admin = psycopg.connect(POSTGRESQL, autocommit=True)
        self.sessions: dict[tuple[str, str], Any] = {}

    def make(self, shape: Shape) -> None:
        import psycopg

        for connector in CONNECTORS:
            database = self.database(shape, connector)
            self.admin.execute(f"CREATE DATABASE {database}")
            session = psycopg.connect(f"{self.server}/{database}", autocommit=True)
            session.execute(
                "SET synchronous_commit = off; SET client_min_messages = error; SET timezone = 'UTC'"
            )
            session.execute(
                "SET session_replication_role = replica"
            )  # rows may refer ahead while they are put in
            made = "; ".join(create("postgresql", of(shape, connector)))
            session.execute(f"CREATE SCHEMA {shape.name}; SET search_path = {shape.name}; {made}")
            self.sessions[shape.place, connector] = session

    def database(self, shape: Shape, connector: str) -> str:
        return f"{self.name}_{shape.place}_{connector}"

    def url(self, shape: Shape, connector: str) -> tuple[str, str | None]:
        return f"{self.server}/{self.database(shape, connector)}", shape.name

    def fill(self, case: Case) -> None:
        self.made_for(case.shape)
        for connector in CONNECTORS:
            session, statements = self.sessions[case.shape.place, connector], []
            if session.execute("SELECT to_regclass('public.retention_marker')").fetchone() != (None,):
                statements.append("DELETE FROM public.retention_marker")
            for table in of(case.shape, connector):
                statements.append(f"DELETE FROM {table.name}")
                if case.world.rows[table.name]:
                    statements.append(insert("postgresql", table, case.world.rows[table.name]))
            session.execute("; ".join(statements))

    def keys(self, shape: Shape, table: Table) -> set[tuple[Any, ...]]:
        query = f"SELECT {', '.join(table.key)} FROM {shape.name}.{table.name}"
        return set(self.sessions[shape.place, table.connector].execute(query).fetchall())

    def values(self, shape: Shape, table: Table) -> Sequence[Sequence[Any]]:
        found = self.sessions[shape.place, table.connector].execute(values_query(table, f"{shape.name}."))
        return found.fetchall()  # type: ignore[no-any-return]

    def close(self) -> None:
        for session in self.sessions.values():
            session.close()
        for shape in self.made.values():
            for connector in CONNECTORS:
                self.admin.execute(f"DROP DATABASE IF EXISTS {self.database(shape, connector)} WITH (FORCE)")
        self.admin.close()


class MariadbPlace(Place):
    """One database a shape and connector."""

    kind = "mariadb"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.name = f"retention_lawyer_{uuid.uuid4().hex[:12]}"
        self.server = MARIADB.rpartition("/")[0]
        self.session = mariadb.connect(MARIADB, autocommit=True)
        self._run("SET foreign_key_checks = 0, sql_mode = 'ALLOW_INVALID_DATES'")

    def make(self, shape: Shape) -> None:
        for connector in CONNECTORS:
            database = self.database(shape, connector)
            self._run(f"CREATE DATABASE {database} CHARACTER SET utf8mb4; USE {database}")
            for statement in create("mariadb", of(shape, connector)):
                self._run(statement)

    def _run(self, sql: str) -> Sequence[Any]:
        with self.session.cursor() as cursor:
            cursor.execute(sql)
            found = cursor.fetchall()
            while cursor.nextset():
                pass
            return list(found)

    def database(self, shape: Shape, connector: str) -> str:
        return f"{self.name}_{shape.place}_{connector}"

    def url(self, shape: Shape, connector: str) -> tuple[str, str | None]:
        return f"{self.server}/{self.database(shape, connector)}", None

    def fill(self, case: Case) -> None:
        self.made_for(case.shape)
        for connector in CONNECTORS:
            statements = [f"USE {self.database(case.shape, connector)}", "BEGIN"]
            for table in of(case.shape, connector):
                statements.append(f"DELETE FROM {table.name}")
                if case.world.rows[table.name]:
                    statements.append(insert("mariadb", table, case.world.rows[table.name]))
            if self._run(f"SHOW TABLES FROM {self.database(case.shape, connector)} LIKE 'retention_marker'"):
                statements.append("DELETE FROM retention_marker")
            self._run("; ".join([*statements, "COMMIT"]))

    def keys(self, shape: Shape, table: Table) -> set[tuple[Any, ...]]:
        database = self.database(shape, table.connector)
        return set(map(tuple, self._run(f"SELECT {', '.join(table.key)} FROM {database}.{table.name}")))

    def values(self, shape: Shape, table: Table) -> Sequence[Sequence[Any]]:
        return self._run(values_query(table, f"{self.database(shape, table.connector)}."))

    def close(self) -> None:
        for shape in self.made.values():
            for connector in CONNECTORS:
                self._run(f"DROP DATABASE IF EXISTS {self.database(shape, connector)}")
        self.session.close()
