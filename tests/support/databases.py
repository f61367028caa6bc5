"""Databases of a test's own as a test handles them: a SQLite file, or one of a server's that is dropped afterwards.

A session is a connection in autocommit mode with `execute`, which gives something to fetch from.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests.support import mariadb, servers


class Database:
    """What is the same for all kinds."""

    kind: str
    url: str

    def connect(self) -> Any:
        """A new session, for the caller to close."""
        raise NotImplementedError

    @contextmanager
    def session(self) -> Iterator[Any]:
        with closing(self.connect()) as connection:
            yield connection

    def run(self, *statements: str) -> None:
        with self.session() as session:
            for statement in statements:
                session.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.session() as session:
            return list(session.execute(query).fetchall())

    def one(self, query: str) -> Any:
        return self.rows(query)[0][0]

    def drop(self) -> None:
        """A file goes with its folder."""


class SqliteDatabase(Database):
    """`patience`: how long a session waits for another's lock, in seconds."""

    kind = "sqlite"
    path: Path
    patience = 10

    def connect(self) -> Any:
        return sqlite3.connect(self.path, isolation_level=None, timeout=self.patience)


class ServerDatabase(Database):
    """`store`: the database that the server made for it."""

    server: Any

    def __init__(self) -> None:
        self.store = self.server.create()
        self.name, self.url = self.store.name, self.store.url

    def url_of(self, name: str, user: str | None = None) -> str:
        """The URL of another database of the server, for another account where one is given."""
        parts = urlsplit(self.url)
        place = parts.netloc if user is None else f"{user}@{parts.netloc.rpartition('@')[2]}"
        return urlunsplit(parts._replace(path=f"/{name}", netloc=place))

    def admin(self, statement: str) -> None:
        """Run beside the database, which it may make or drop."""
        self.server.execute(statement)

    def drop(self) -> None:
        self.server.drop(self.store)


class PostgresqlDatabase(ServerDatabase):
    kind = "postgresql"

    def __init__(self) -> None:
        self.server = servers.postgresql()
        super().__init__()

    def connect(self) -> Any:
        import psycopg

        return psycopg.connect(self.url, autocommit=True)

    def end_sessions(self) -> int:
        """Every other session of this database is ended, as a restart would; how many there were."""
        return int(
            self.one(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )


class MariadbSession:
    """A connection that answers as the other drivers' do."""

    def __init__(self, url: str) -> None:
        self.raw = mariadb.connect(url, autocommit=True)

    def execute(self, statement: str) -> Any:
        cursor = self.raw.cursor()
        cursor.execute(statement)
        return cursor

    def close(self) -> None:
        self.raw.close()


class MariadbDatabase(ServerDatabase):
    kind = "mariadb"

    def __init__(self) -> None:
        self.server = servers.mariadb()
        super().__init__()

    def connect(self) -> Any:
        return MariadbSession(self.url)

    def end_sessions(self) -> int:
        """Every other session of this database is ended, as a restart would; how many there were."""
        others = self.rows(
            "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        )
        self.run(*(f"KILL CONNECTION {number}" for (number,) in others))
        return len(others)
