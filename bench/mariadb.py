"""The leaf table on MariaDB, and pt-archiver where percona-toolkit is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any
from urllib.parse import unquote, urlsplit

from bench.stores import CUTOFF, Store

SERVER = os.environ.get("RETENTION_TEST_MARIADB", "mysql://root@127.0.0.1:3306/test")

_ROOT = """
CREATE TABLE visit (id bigint PRIMARY KEY, happened_at datetime NOT NULL, page varchar(100) NOT NULL,
  note varchar(200) NOT NULL, KEY visit_happened_at (happened_at)) ENGINE=InnoDB
"""
_ROWS = """
INSERT INTO visit SELECT seq,
  IF(seq % 2 = 0, '2015-01-01' + INTERVAL seq % 2000 DAY, '2022-01-01' + INTERVAL seq % 1000 DAY),
  concat('/some/page/', seq), repeat('x', 130) FROM seq_1_to_{rows}
"""


class _Session:
    """A connection that answers as the other drivers' do."""

    def __init__(self, database: str | None) -> None:
        import pymysql

        parts = urlsplit(SERVER)
        self._raw = pymysql.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=unquote(parts.username or "root"),
            password=unquote(parts.password or ""),
            database=database,
        )

    def execute(self, statement: str, values: Any = None) -> Any:
        """A cursor that has executed it."""
        cursor = self._raw.cursor()
        cursor.execute(statement, values)
        return cursor

    def commit(self) -> None:
        """Commits."""
        self._raw.commit()

    def close(self) -> None:
        """Closes."""
        self._raw.close()


def mariadb(rows: int) -> Store:
    """A table is made once; `fresh` copies it."""
    base = f"retention_bench_{os.getpid()}"
    copy = f"{base}_copy"
    session = _Session(None)
    for statement in (f"CREATE DATABASE {base}", f"USE {base}", _ROOT, _ROWS.format(rows=rows)):
        session.execute(statement)
    session.commit()

    def drop() -> None:
        for name in (copy, base):
            session.execute(f"DROP DATABASE IF EXISTS {name}")
        session.close()

    def fresh() -> None:
        session.execute(f"CREATE OR REPLACE DATABASE {copy}")
        session.execute(f"CREATE TABLE {copy}.visit LIKE {base}.visit")
        session.execute(f"INSERT INTO {copy}.visit SELECT * FROM {base}.visit")
        session.commit()
        session.execute(f"ANALYZE TABLE {copy}.visit")

    due = f"happened_at < '{CUTOFF}'"
    return Store(
        name="MariaDB, leaf",
        url=SERVER.rpartition("/")[0] + f"/{copy}",
        table="visit",
        parts=(),
        fresh=fresh,
        drop=drop,
        connect=lambda: _Session(copy),
        unbatched=(f"DELETE FROM visit WHERE {due}",),
        script=lambda _: _archive(copy, due),
        script_name="pt-archiver, 1,000 a commit" if shutil.which("pt-archiver") else "",
    )


def _archive(database: str, due: str) -> None:
    """What people use."""
    parts = urlsplit(SERVER)
    source = f"h={parts.hostname},P={parts.port or 3306},u={parts.username or 'root'},D={database},t=visit"
    words = ["pt-archiver", "--source", source, "--where", due, "--purge", "--bulk-delete"]
    subprocess.run([*words, "--limit", "1000", "--commit-each", "--no-check-charset"], check=True)
