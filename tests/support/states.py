"""Where a state store can be in a test: a SQLite file, or a database of a test's own on a server."""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

POSTGRESQL = os.environ.get("RETENTION_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
MARIADB = os.environ.get("RETENTION_TEST_MARIADB", "mysql://root@127.0.0.1:3306/test")
_NUMBERS = itertools.count(1)


def missing(reason: str) -> None:
    """A server that is not there: a skip on a laptop, a failure in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def a_name() -> str:
    return f"retention_state_{os.getpid()}_{next(_NUMBERS)}"


def named(server: str, database: str, user: str | None) -> str:
    """The URL of another database of a server, for another account where one is given."""
    parts = urlsplit(server)
    place = parts.netloc if user is None else f"{user}@{parts.netloc.rpartition('@')[2]}"
    return urlunsplit(parts._replace(path=f"/{database}", netloc=place))


class SqliteState:
    kind = "sqlite"
    made = False

    def __init__(self, folder: Path) -> None:
        self.path = folder / "state" / "state.db"
        self.url = f"sqlite:///{self.path}"
        self.shown = str(self.path)

    @contextmanager
    def session(self) -> Iterator[Any]:
        """A connection of the driver's, in autocommit mode."""
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=10)
        try:
            yield connection
        finally:
            connection.close()

    def run(self, *statements: str) -> None:
        with self.session() as connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.session() as connection:
            return list(connection.execute(query).fetchall())

    def tables(self) -> set[str]:
        return {name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def line_with(self, seq: int, old: str, new: str) -> str:
        """The statement that changes a piece of an event's line."""
        return (
            f"UPDATE retention_event SET line = CAST(replace(CAST(line AS TEXT), '{old}', '{new}') AS BLOB)"
            f" WHERE seq = {seq}"
        )

    def drop(self) -> None:
        """The file goes with its folder."""


class PostgresqlState:
    kind = "postgresql"
    made = False

    def __init__(self, _folder: Path) -> None:
        try:
            import psycopg

            psycopg.connect(POSTGRESQL, connect_timeout=3).close()
        except Exception as error:
            missing(f"no PostgreSQL at RETENTION_TEST_POSTGRESQL: {type(error).__name__}")
        self.name = a_name()
        self.url = self.url_of(self.name)
        parts = urlsplit(self.url)
        self.shown = f"postgresql://{parts.hostname or 'localhost'}:{parts.port or 5432}/{self.name}"
        self.admin(f"CREATE DATABASE {self.name}")

    @staticmethod
    def url_of(name: str, user: str | None = None) -> str:
        return named(POSTGRESQL, name, user)

    def admin(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(POSTGRESQL, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    @contextmanager
    def session(self) -> Iterator[Any]:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            yield connection

    def run(self, *statements: str) -> None:
        with self.session() as connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.session() as connection:
            return list(connection.execute(query).fetchall())

    def tables(self) -> set[str]:
        found = self.rows("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return {name for (name,) in found}

    def line_with(self, seq: int, old: str, new: str) -> str:
        return (
            "UPDATE retention_event SET line ="
            f" convert_to(replace(convert_from(line, 'UTF8'), '{old}', '{new}'), 'UTF8') WHERE seq = {seq}"
        )

    def end_sessions(self) -> int:
        """Every other session of this database is ended; how many there were."""
        [(ended,)] = self.rows(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(ended)

    def drop(self) -> None:
        self.admin(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")


class MariadbState:
    kind = "mariadb"
    made = False

    def __init__(self, _folder: Path) -> None:
        try:
            self._connect(None).close()
        except Exception as error:
            missing(f"no MariaDB at RETENTION_TEST_MARIADB: {type(error).__name__}")
        self.name = a_name()
        self.url = self.url_of(self.name)
        parts = urlsplit(self.url)
        self.shown = f"{parts.scheme}://{parts.hostname or 'localhost'}:{parts.port or 3306}/{self.name}"
        self.admin(f"CREATE DATABASE {self.name}")

    @staticmethod
    def url_of(name: str, user: str | None = None) -> str:
        return named(MARIADB, name, user)

    def _connect(self, database: str | None) -> Any:
        import pymysql

        parts = urlsplit(MARIADB if database is None else self.url)
        return pymysql.connect(
            host=parts.hostname or "localhost",
            port=parts.port or 3306,
            user=parts.username,
            password=parts.password or "",
            database=database,
            autocommit=True,
            connect_timeout=3,
        )

    def admin(self, statement: str) -> None:
        connection = self._connect(None)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    @contextmanager
    def session(self) -> Iterator[Any]:
        connection = self._connect(self.name)
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def run(self, *statements: str) -> None:
        with self.session() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.session() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def tables(self) -> set[str]:
        return {name for (name,) in self.rows("SHOW TABLES")}

    def line_with(self, seq: int, old: str, new: str) -> str:
        return f"UPDATE retention_event SET line = replace(line, '{old}', '{new}') WHERE seq = {seq}"

    def end_sessions(self) -> int:
        ids = self.rows(
            "SELECT id FROM information_schema.processlist"
            f" WHERE db = '{self.name}' AND id <> connection_id()"
        )
        self.run(*(f"KILL {number}" for (number,) in ids))
        return len(ids)

    def drop(self) -> None:
        self.admin(f"DROP DATABASE IF EXISTS {self.name}")


STATES: dict[str, Any] = {"sqlite": SqliteState, "postgresql": PostgresqlState, "mariadb": MariadbState}
SERVERS = tuple(kind for kind in STATES if kind != "sqlite")
