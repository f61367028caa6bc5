"""One database a test, on SQLite or PostgreSQL (or MariaDB: `mariadb`), with one small vocabulary for all.

A script that keeps to what all understand (`INTEGER`, `TEXT`, `TIMESTAMP`, names in double quotes,
rows of VALUES) is run as it is on each.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

MARKERS = "retention_marker"
"""The engine's own table: no part of what a test compares."""

Row = tuple[Any, ...]
Snapshot = Mapping[str, Sequence[str]]

_NUMBERS = itertools.count(1)


class Store(Protocol):
    """A database with some tables in it."""

    kind: str
    url: str
    place: str
    """What comes before a table's name in messages."""

    def script(self, sql: str) -> None:
        """Runs statements, all or none where the database can."""

    def rows(self, sql: str) -> list[Row]:
        """What a query gives."""

    def snapshot(self) -> Snapshot:
        """Every row of every table but the engine's own, each table's in a fixed order."""


class SqliteStore:
    kind = "sqlite"
    place = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        if not path.exists():
            sqlite3.connect(path).close()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            yield connection
        finally:
            connection.close()

    def script(self, sql: str) -> None:
        with self._connected() as connection:
            connection.executescript(f"PRAGMA synchronous = OFF; BEGIN; {sql}; COMMIT;")

    def rows(self, sql: str) -> list[Row]:
        with self._connected() as connection:
            return connection.execute(sql).fetchall()

    def snapshot(self) -> Snapshot:
        names = [
            name
            for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            if name != MARKERS and not name.startswith("sqlite_")
        ]
        return {name: sorted(map(repr, self.rows(f"SELECT * FROM {quoted(name)}"))) for name in names}

    def digest(self) -> str:
        """The file's content as a hash."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


class PostgresqlStore:
    kind = "postgresql"
    place = "public."

    def __init__(self, server: str, name: str) -> None:
        self.name = name
        self.url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))

    def script(self, sql: str) -> None:
        import psycopg

        with psycopg.connect(self.url) as connection:
            connection.execute(sql)  # type: ignore[call-overload]

    def rows(self, sql: str) -> list[Row]:
        import psycopg

        with psycopg.connect(self.url) as connection:
            connection.execute("SET timezone TO 'UTC'")
            return connection.execute(sql).fetchall()  # type: ignore[call-overload]

    def snapshot(self) -> Snapshot:
        """Every stored table by itself: a partition too, so that a row that moved would be seen."""
        names = self.rows(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind = 'r' AND left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema'"
            f" AND c.relname <> '{MARKERS}' ORDER BY 1, 2"
        )
        return {
            name if schema == "public" else f"{schema}.{name}": [
                text
                for (text,) in self.rows(
                    f"SELECT t::text FROM ONLY {quoted(schema)}.{quoted(name)} t ORDER BY 1"
                )
            ]
            for schema, name in names
        }


class Server:
    """The PostgreSQL server of this session of tests; `why_not` says why it can't be used."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.why_not = self._why_not()
        self._clean: list[PostgresqlStore] = []

    def _why_not(self) -> str | None:
        try:
            import psycopg
        except ImportError:
            return "psycopg is not installed"
        try:
            psycopg.connect(self.url, connect_timeout=3).close()
        except psycopg.OperationalError as error:
            return f"no PostgreSQL server at RETENTION_TEST_POSTGRESQL: {str(error).splitlines()[0]}"
        return None

    def execute(self, sql: str) -> None:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql)  # type: ignore[call-overload]

    def create(self, template: str = "template0") -> PostgresqlStore:
        """A database of its own name, a copy of `template`."""
        name = f"retention_test_{os.getpid()}_{next(_NUMBERS)}_{os.urandom(3).hex()}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return PostgresqlStore(self.url, name)

    def lend(self) -> PostgresqlStore:
        """An empty database: one that was given back, else a new one."""
        return self._clean.pop() if self._clean else self.create()

    def give_back(self, store: PostgresqlStore) -> None:
        """Empties a database that was lent: four times as fast as a new one."""
        try:
            store.script(_EMPTY)
        except Exception:
            self.drop(store)
            raise
        self._clean.append(store)

    def close(self) -> None:
        """Drops what was lent and given back."""
        while self._clean:
            self.drop(self._clean.pop())

    def drop(self, store: PostgresqlStore) -> None:
        self.execute(f'DROP DATABASE IF EXISTS "{store.name}" WITH (FORCE)')


_EMPTY = """
SET LOCAL client_min_messages TO warning;
DO $$
DECLARE thing text;
BEGIN
    FOR thing IN SELECT quote_ident(extname) FROM pg_extension WHERE extname <> 'plpgsql' LOOP
        EXECUTE 'DROP EXTENSION ' || thing || ' CASCADE';
    END LOOP;
    FOR thing IN SELECT quote_ident(nspname) FROM pg_namespace
        WHERE left(nspname, 3) <> 'pg_' AND nspname <> 'information_schema' LOOP
        EXECUTE 'DROP SCHEMA ' || thing || ' CASCADE';
    END LOOP;
    CREATE SCHEMA public;
END $$;
"""


def quoted(name: str) -> str:
    """An identifier as both databases quote it."""
    return '"' + name.replace('"', '""') + '"'


def changed(before: Snapshot, after: Snapshot) -> dict[str, tuple[int, int]]:
    """Table → (rows gone, rows come); tables that are as they were are left out."""
    found = {}
    for name in sorted(before.keys() | after.keys()):
        old, new = list(before.get(name, ())), list(after.get(name, ()))
        if old == new:
            continue
        gone, come = _less(old, new), _less(new, old)
        found[name] = (gone, come)
    return found


def _less(rows: Sequence[str], others: Sequence[str]) -> int:
    from collections import Counter

    return sum((Counter(rows) - Counter(others)).values())
