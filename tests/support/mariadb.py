"""A MariaDB database a test, which understands the vocabulary of `stores` as well."""

from __future__ import annotations

import itertools
import os
import re
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from tests.support.stores import MARKERS, Row, Snapshot

_NUMBERS = itertools.count(1)
_SPEECH = "ANSI_QUOTES,PIPES_AS_CONCAT,STRICT_ALL_TABLES"
_WORDS = (
    (
        re.compile(r"\bTIMESTAMP\b(?!\s*')"),
        "DATETIME(6)",
    ),  # of its own name it begins in 1970 and ends in 2038
    # Of its own name it takes no index; and what differs in case or in spaces at the end is to be two texts.
    (re.compile(r"\bTEXT\b"), "VARCHAR(300) COLLATE utf8mb4_nopad_bin"),
    (re.compile(r"(?<![\w\"'.])lines(?![\w\"'])"), '"lines"'),  # a word of its own
)


def connect(url: str, **options: Any) -> Any:
    """A session as a test wants it: names in double quotes, several statements at once, UTC."""
    import pymysql
    from pymysql.constants import CLIENT

    parts = urlsplit(url)
    return pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or "root"),
        password=unquote(parts.password or ""),
        database=unquote(parts.path[1:]) or None,
        client_flag=CLIENT.MULTI_STATEMENTS,
        init_command=f"SET SESSION sql_mode = '{_SPEECH}', SESSION time_zone = '+00:00'",
        connect_timeout=3,
        ssl_disabled=True,
        **options,
    )


class MariadbStore:
    kind = "mariadb"

    def __init__(self, server: str, name: str) -> None:
        self.name = name
        self.url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        self.place = f"{name}."

    def script(self, sql: str) -> None:
        self.verbatim(_in_its_words(sql))

    def verbatim(self, sql: str, *, mode: str = _SPEECH) -> None:
        """The statements as they stand, in MariaDB's own words."""
        with connect(self.url) as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = %s", (mode,))
            cursor.execute(sql)
            while cursor.nextset():
                pass
            connection.commit()

    def rows(self, sql: str) -> list[Row]:
        with connect(self.url) as connection, connection.cursor() as cursor:
            cursor.execute(_in_its_words(sql))
            return list(cursor.fetchall())

    def snapshot(self) -> Snapshot:
        names = self.rows(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
            f" AND TABLE_TYPE <> 'VIEW' AND TABLE_NAME <> '{MARKERS}' ORDER BY 1"
        )
        return {
            name: sorted(map(repr, self.rows(f'SELECT * FROM "{name.replace(chr(34), chr(34) * 2)}"')))
            for (name,) in names
        }


def _in_its_words(sql: str) -> str:
    for pattern, word in _WORDS:
        sql = pattern.sub(word, sql)
    return sql


class MariadbServer:
    """The MariaDB server of this session of tests; `why_not` says why it can't be used."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.why_not = self._why_not()

    def _why_not(self) -> str | None:
        try:
            import pymysql
        except ImportError:
            return "PyMySQL is not installed"
        try:
            connect(self.url).close()
        except pymysql.err.OperationalError as error:
            return f"no MariaDB server at RETENTION_TEST_MARIADB: {error}"
        return None

    def execute(self, sql: str) -> None:
        with connect(self.url, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(sql)

    def create(self) -> MariadbStore:
        """An empty database of its own name."""
        name = f"retention_test_{os.getpid()}_{next(_NUMBERS)}_{os.urandom(3).hex()}"
        self.execute(f'CREATE DATABASE "{name}" CHARACTER SET utf8mb4')
        return MariadbStore(self.url, name)

    def drop(self, store: MariadbStore) -> None:
        self.execute(f'DROP DATABASE IF EXISTS "{store.name}"')
