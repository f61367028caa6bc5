"""A leaf table and one with children on MariaDB, and pt-archiver where percona-toolkit is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import Any
from urllib.parse import unquote, urlsplit

from bench.stores import CUTOFF, SCRIPT, Store, thousands

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
_CHILD = """
CREATE TABLE hit (id bigint PRIMARY KEY, visit_id bigint NOT NULL, what varchar(60) NOT NULL,
  KEY hit_visit_id (visit_id), FOREIGN KEY (visit_id) REFERENCES visit (id)) ENGINE=InnoDB
"""
_CHILD_ROWS = """
INSERT INTO hit SELECT seq, (seq - 1) DIV 3 + 1, repeat('y', 40) FROM seq_1_to_{rows}
"""


class Session:
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


def mariadb(rows: int, *, children: bool) -> Store:
    """Tables are made once; `fresh` copies them."""
    base = f"retention_bench_{'child' if children else 'leaf'}_{os.getpid()}"
    copy = f"{base}_copy"
    parts = ("hit",) if children else ()
    tables = ("visit", *parts)
    session = Session(None)
    making = [f"CREATE DATABASE {base}", f"USE {base}", _ROOT, _ROWS.format(rows=rows)]
    if children:
        making += [_CHILD, _CHILD_ROWS.format(rows=rows * 3)]
    for statement in making:
        session.execute(statement)
    session.commit()

    def drop() -> None:
        for name in (copy, base):
            session.execute(f"DROP DATABASE IF EXISTS {name}")
        session.close()

    def fresh() -> None:
        session.execute(f"CREATE OR REPLACE DATABASE {copy}")
        session.execute(f"USE {copy}")
        for statement in making[2:][::2]:
            session.execute(statement)
        for table in tables:
            session.execute(f"INSERT INTO {table} SELECT * FROM {base}.{table}")
            session.commit()
            session.execute(f"ANALYZE TABLE {table}")
        _let_purge_catch_up(session)

    due = f"happened_at < '{CUTOFF}'"
    belonging = f"visit_id IN (SELECT id FROM visit WHERE {due})"
    unbatched = [f"DELETE FROM visit WHERE {due}"]
    if children:
        unbatched.insert(0, f"DELETE hit FROM hit JOIN visit ON visit.id = visit_id WHERE {due}")
    scripts = {SCRIPT: lambda connection: thousands(connection, parts, "%s", due)}
    archiver = shutil.which("pt-archiver") is not None
    if archiver:
        jobs = [("hit", belonging)] if children else []
        scripts["pt-archiver, 1,000 a commit"] = lambda _: _archive(copy, [*jobs, ("visit", due)])
    return Store(
        name="MariaDB, three children a row" if children else "MariaDB, leaf",
        url=SERVER.rpartition("/")[0] + f"/{copy}",
        table="visit",
        parts=parts,
        fresh=fresh,
        drop=drop,
        connect=lambda: Session(copy),
        unbatched=tuple(unbatched),
        scripts=scripts,
        missing="" if archiver else "pt-archiver is not here: apt-get install percona-toolkit",
    )


def _let_purge_catch_up(session: Session) -> None:
    """What an earlier contender deleted is InnoDB's to clear away, and must not cost the next one time."""
    for _ in range(600):
        found = session.execute("SHOW GLOBAL STATUS LIKE 'Innodb_history_list_length'").fetchone()
        if found is None or int(found[1]) < 100:
            return
        time.sleep(0.1)


def _archive(database: str, jobs: list[tuple[str, str]]) -> None:
    """What people use, a table at a time: it does not know what belongs together."""
    parts = urlsplit(SERVER)
    for table, where in jobs:
        source = (
            f"h={parts.hostname},P={parts.port or 3306},u={parts.username or 'root'},D={database},t={table}"
        )
        words = ["pt-archiver", "--source", source, "--where", where, "--purge", "--bulk-delete"]
        subprocess.run([*words, "--limit", "1000", "--commit-each", "--no-check-charset"], check=True)
