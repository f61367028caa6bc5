"""Databases of a test's own: a SQLite file, or one of a server's that is dropped afterwards."""

import itertools
import os
import re
import shutil
import sqlite3
from contextlib import closing, contextmanager

import pytest

from tests.support.mariadb import MariadbServer, connect

SERVER = os.environ.get("RETENTION_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
MARIADB = os.environ.get("RETENTION_TEST_MARIADB", "mysql://root@127.0.0.1:3306/test")
_numbers = itertools.count(1)


def psycopg_or_skip():
    """The driver, where it is installed and the server answers; else a skip (a failure in CI)."""
    try:
        import psycopg

        psycopg.connect(SERVER, connect_timeout=3).close()
    except Exception as error:
        reason = f"no PostgreSQL at RETENTION_TEST_POSTGRESQL: {type(error).__name__}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return psycopg


class SqliteDatabase:
    """One file. Dates are ISO text."""

    kind = "sqlite"
    date = "TEXT"

    def __init__(self, folder):
        self.path = folder / "shop.db"
        self.url = "sqlite:///shop.db"
        with self.session() as connection:
            connection.execute("PRAGMA foreign_keys = ON")

    def connect(self):
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=5)
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    @contextmanager
    def session(self):
        with closing(self.connect()) as connection:
            yield connection

    def run(self, *statements):
        with self.session() as connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, query):
        with self.session() as connection:
            return connection.execute(query).fetchall()

    def one(self, query):
        return self.rows(query)[0][0]

    def series(self, start, end):
        """A FROM element `s(n)` of the numbers from `start` to `end`."""
        return (
            f"(WITH RECURSIVE c(n) AS (VALUES ({start}) UNION ALL SELECT n + 1 FROM c WHERE n < {end})"
            " SELECT n FROM c) AS s"
        )

    def keep_copy(self):
        shutil.copy(self.path, self.path.with_suffix(".copy"))

    def put_back(self):
        shutil.copy(self.path.with_suffix(".copy"), self.path)

    def drop(self):
        """The file goes with its folder."""


class PostgresqlDatabase:
    """One database of the server. The copy is a second one, made from it as a template."""

    kind = "postgresql"
    date = "date"

    def __init__(self, folder):
        self._psycopg = psycopg_or_skip()
        self.name = f"faults_{os.getpid()}_{next(_numbers)}"
        self._admin(f"CREATE DATABASE {self.name}")
        head, _, _ = SERVER.partition("?")
        self.url = head.rsplit("/", 1)[0] + "/" + self.name

    def _admin(self, statement):
        with self._psycopg.connect(SERVER, autocommit=True) as connection:
            connection.execute(statement)

    def connect(self):
        return self._psycopg.connect(self.url, autocommit=True)

    @contextmanager
    def session(self):
        with self.connect() as connection:
            yield connection

    def run(self, *statements):
        with self.session() as connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, query):
        with self.session() as connection:
            return connection.execute(query).fetchall()

    def one(self, query):
        return self.rows(query)[0][0]

    def series(self, start, end):
        return f"generate_series({start}, {end}) AS s(n)"

    def end_sessions(self):
        """Every session of this database but one's own, as a restart of the server would."""
        return self.one(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def keep_copy(self):
        self._admin(f"DROP DATABASE IF EXISTS {self.name}_copy")
        self._admin(f"CREATE DATABASE {self.name}_copy TEMPLATE {self.name}")

    def put_back(self):
        self._admin(f"DROP DATABASE {self.name} WITH (FORCE)")
        self._admin(f"CREATE DATABASE {self.name} TEMPLATE {self.name}_copy")

    def drop(self):
        for name in (self.name, f"{self.name}_copy"):
            self._admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


_WORDS = (
    (re.compile(r"\btext(?= PRIMARY KEY| NOT NULL REFERENCES)"), "varchar(100)"),
    (re.compile(r"\bAS bigint\b"), "AS signed"),
)


class MariadbSession:
    """A connection that answers as the other drivers' do, and knows some of their words."""

    def __init__(self, url):
        self.raw = connect(url, autocommit=True)

    def execute(self, statement):
        for pattern, word in _WORDS:
            statement = pattern.sub(word, statement)
        cursor = self.raw.cursor()
        cursor.execute(statement)
        while cursor.nextset():
            pass
        return cursor

    def close(self):
        self.raw.close()


class MariadbDatabase:
    """One database of the server. The copy is a second one with the same rows."""

    kind = "mariadb"
    date = "date"

    def __init__(self, folder):
        server = MariadbServer(MARIADB)
        if server.why_not is not None:
            if os.environ.get("CI") == "true":
                pytest.fail(server.why_not)
            pytest.skip(server.why_not)
        self._server = server
        store = server.create()
        self.name, self.url = store.name, store.url

    def connect(self):
        return MariadbSession(self.url)

    @contextmanager
    def session(self):
        with closing(self.connect()) as connection:
            yield connection

    def run(self, *statements):
        with self.session() as connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, query):
        with self.session() as connection:
            return list(connection.execute(query).fetchall())

    def one(self, query):
        return self.rows(query)[0][0]

    def series(self, start, end):
        return f"(SELECT seq AS n FROM seq_{start}_to_{end}) AS s"

    def end_sessions(self):
        """Every session of this database but one's own, as a restart of the server would."""
        others = self.rows(
            "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        )
        self.run(*(f"KILL CONNECTION {number}" for (number,) in others))
        return len(others)

    def _tables(self):
        return [name for (name,) in self.rows("SHOW TABLES")]

    def keep_copy(self):
        self._server.execute(f'CREATE OR REPLACE DATABASE "{self.name}_copy"')
        for table in self._tables():
            self.run(f'CREATE TABLE "{self.name}_copy"."{table}" AS SELECT * FROM "{table}"')

    def put_back(self):
        for table in self._tables():
            self.run(
                "SET foreign_key_checks = 0; "
                f'DELETE FROM "{table}"; INSERT INTO "{table}" SELECT * FROM "{self.name}_copy"."{table}"'
            )

    def drop(self):
        for name in (self.name, f"{self.name}_copy"):
            self._server.execute(f'DROP DATABASE IF EXISTS "{name}"')


KINDS = {"sqlite": SqliteDatabase, "postgresql": PostgresqlDatabase, "mariadb": MariadbDatabase}
