"""The stores that are measured: a leaf table and one with children on PostgreSQL, a table on SQLite.

A row of the root table has about 200 bytes; half of the rows are due. Each contender starts from
the same copy: a template database, a copied file.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

SERVER = os.environ.get("RETENTION_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
CUTOFF = "2021-11-25 00:00:00"

_PG_ROOT = """
CREATE TABLE visit (id bigint PRIMARY KEY, happened_at timestamp NOT NULL, page text NOT NULL, note text NOT NULL);
INSERT INTO visit SELECT i,
  CASE WHEN i %% 2 = 0 THEN timestamp '2015-01-01' + (i %% 2000) * interval '1 day'
       ELSE timestamp '2022-01-01' + (i %% 1000) * interval '1 day' END,
  '/some/page/' || i, repeat('x', 130) FROM generate_series(1, {rows}) AS i;
CREATE INDEX visit_happened_at ON visit (happened_at);
"""

_PG_CHILD = """
CREATE TABLE hit (id bigint PRIMARY KEY, visit_id bigint NOT NULL REFERENCES visit (id), what text NOT NULL);
INSERT INTO hit SELECT i, (i - 1) / 3 + 1, repeat('y', 40) FROM generate_series(1, {rows} * 3) AS i;
CREATE INDEX hit_visit_id ON hit (visit_id);
"""


@dataclass(frozen=True, kw_only=True)
class Store:
    """`url`: of the copy that a contender works on; `fresh` makes it anew."""

    name: str
    url: str
    table: str
    parts: tuple[str, ...]
    fresh: Callable[[], None]
    drop: Callable[[], None]
    connect: Callable[[], Any]
    unbatched: tuple[str, ...]
    scripts: Mapping[str, Callable[[Any], None]]
    """What people use instead, by its name."""
    missing: str = ""
    """What could not be compared with, and how to get it."""


SCRIPT = "a script, 1,000 keys a time"


def postgresql(rows: int, *, children: bool) -> Store:
    """A template database is made once; `fresh` copies it."""
    base = f"retention_bench_{'child' if children else 'leaf'}_{os.getpid()}"
    copy = f"{base}_copy"
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{base}"')
    with psycopg.connect(_named(base), autocommit=True) as connection:
        for statement in (_PG_ROOT + (_PG_CHILD if children else "")).replace("%%", "%").split(";\n"):
            if statement.strip():
                connection.execute(statement.format(rows=rows))
        connection.execute("VACUUM ANALYZE")

    def drop() -> None:
        with psycopg.connect(SERVER, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{copy}"')
            connection.execute(f'DROP DATABASE IF EXISTS "{base}"')

    def fresh() -> None:
        with psycopg.connect(SERVER, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{copy}"')
            connection.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{base}"')
            connection.execute("CHECKPOINT")

    due = f"happened_at < '{CUTOFF}'"
    parts = ("hit",) if children else ()
    unbatched = (f"DELETE FROM visit WHERE {due}",)
    if children:
        unbatched = (f"DELETE FROM hit WHERE visit_id IN (SELECT id FROM visit WHERE {due})", *unbatched)
    return Store(
        name="PostgreSQL, three children a row" if children else "PostgreSQL, leaf",
        url=_named(copy),
        table="visit",
        parts=parts,
        fresh=fresh,
        drop=drop,
        connect=lambda: psycopg.connect(_named(copy)),
        unbatched=unbatched,
        scripts={SCRIPT: lambda connection: thousands(connection, parts, "%s", due)},
    )


def sqlite(rows: int, folder: Path) -> Store:
    """A file is made once; `fresh` copies it."""
    base, copy = folder / "base.db", folder / "copy.db"
    connection = sqlite3.connect(base)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(
        "CREATE TABLE visit (id INTEGER PRIMARY KEY, happened_at TEXT NOT NULL, page TEXT NOT NULL, note TEXT NOT NULL)"
    )
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " INSERT INTO visit SELECT i, CASE WHEN i % 2 = 0 THEN datetime('2015-01-01', (i % 2000) || ' days')"
        " ELSE datetime('2022-01-01', (i % 1000) || ' days') END, '/some/page/' || i,"
        " replace(hex(zeroblob(65)), '00', 'xx') FROM n",
        (rows,),
    )
    connection.execute("CREATE INDEX visit_happened_at ON visit (happened_at)")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()

    def fresh() -> None:
        for old in folder.glob("copy.db*"):
            old.unlink()
        shutil.copyfile(base, copy)

    def connect() -> sqlite3.Connection:
        made = sqlite3.connect(copy)
        made.execute("PRAGMA synchronous = FULL")
        return made

    due = f"happened_at < '{CUTOFF}'"
    return Store(
        name="SQLite",
        url=f"sqlite:///{copy}",
        table="visit",
        parts=(),
        fresh=fresh,
        drop=lambda: None,
        connect=connect,
        unbatched=(f"DELETE FROM visit WHERE {due}",),
        scripts={SCRIPT: lambda made: thousands(made, (), "?", due)},
    )


def _named(database: str) -> str:
    return SERVER.rsplit("/", 1)[0] + f"/{database}"


def thousands(connection: Any, parts: tuple[str, ...], mark: str, due: str) -> None:
    """What people write: select a thousand keys, delete them, commit, again."""
    while True:
        cursor = connection.execute(f"SELECT id FROM visit WHERE {due} LIMIT 1000")
        keys = [row[0] for row in cursor.fetchall()]
        if not keys:
            connection.commit()
            return
        marks = ", ".join([mark] * len(keys))
        for part in parts:
            connection.execute(f"DELETE FROM {part} WHERE visit_id IN ({marks})", keys)
        connection.execute(f"DELETE FROM visit WHERE id IN ({marks})", keys)
        connection.commit()
