"""The least that a durable append can cost on a database: one row, one commit, by the driver alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_ROW = b"x" * 400
_MAKE = "CREATE TABLE bench_floor (id {number} PRIMARY KEY, line {bytes} NOT NULL)"


def floor(url: str) -> Callable[[], None]:
    """Adds one row of a line's size to a table of its own in the database at `url`, durably.

    Autocommit, so it is one round trip and one flush to disk.
    """
    family = urlsplit(url).scheme
    if family == "sqlite":
        return _sqlite(Path(url.removeprefix("sqlite:///") + "-floor"))
    return _postgresql(url) if family.startswith("postgres") else _mysql(url)


def _sqlite(path: Path) -> Callable[[], None]:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"):
        connection.execute(statement).close()
    connection.execute(_MAKE.format(number="INTEGER", bytes="BLOB"))

    def add() -> None:
        connection.execute("INSERT INTO bench_floor (line) VALUES (?)", (_ROW,)).close()

    return add


def _postgresql(url: str) -> Callable[[], None]:
    import psycopg

    connection = psycopg.connect(url, autocommit=True)
    connection.execute("SET synchronous_commit = on")
    connection.execute(_MAKE.format(number="bigserial", bytes="bytea"))

    def add() -> None:
        connection.execute("INSERT INTO bench_floor (line) VALUES (%s)", (_ROW,))

    return add


def _mysql(url: str) -> Callable[[], None]:
    import pymysql

    parts = urlsplit(url)
    connection = pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or "root"),
        password=unquote(parts.password or ""),
        database=parts.path.lstrip("/"),
        autocommit=True,
    )
    cursor: Any = connection.cursor()
    cursor.execute("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit")
    if cursor.fetchone() != (1,):
        raise SystemExit("innodb_flush_log_at_trx_commit is not 1: this server's commits are not durable")
    cursor.execute(_MAKE.format(number="bigint AUTO_INCREMENT", bytes="longblob"))

    def add() -> None:
        cursor.execute("INSERT INTO bench_floor (line) VALUES (%s)", (_ROW,))

    return add
