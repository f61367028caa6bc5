"""Rewriting a million records against one UPDATE that sets the same columns, on PostgreSQL, MariaDB and SQLite.

`null`, `redact`, `year` by the database; then `hash` with them, by the engine, against md5 in the UPDATE.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from bench.mariadb import SERVER as MARIADB
from bench.mariadb import Session
from bench.stores import SERVER as POSTGRESQL

SIDES = ("rewriting-postgresql", "rewriting-mariadb", "rewriting-sqlite")

POLICY = """
[policy]
name = "Bench"
timezone = "UTC"
approval = "never"
limits = { share = "100%", rows = 10_000_000 }

[rules.people]
promise = "People: five years"
data = "people"
keep = "5 years"
from = "seen"
action = "pseudonymize"
"""
CONNECTOR = """
type = "sql"
url = "%s"
timezone = "UTC"
[datasets.people]
data = "people"
table = "person"
events = { seen = "seen_at" }
anonymize = { %s }
"""
SETS = {
    "null, redact, year": (
        'phone = "null", name = "redact", born = "year"',
        {
            "postgresql": "phone = NULL, name = '[redacted]', born = date_trunc('year', born)::date",
            "mariadb": "phone = NULL, name = '[redacted]', born = MAKEDATE(YEAR(born), 1)",
            "sqlite": "phone = NULL, name = '[redacted]', born = substr(born, 1, 4) || '-01-01'",
        },
    ),
    "null, redact, year, hash": (
        'phone = "null", name = "redact", born = "year", email = "hash"',
        {
            "postgresql": "phone = NULL, name = '[redacted]', born = date_trunc('year', born)::date,"
            " email = 'rh1-' || left(md5(email), 26)",
            "mariadb": "phone = NULL, name = '[redacted]', born = MAKEDATE(YEAR(born), 1),"
            " email = concat('rh1-', left(md5(email), 26))",
            "sqlite": "phone = NULL, name = '[redacted]', born = substr(born, 1, 4) || '-01-01',"
            " email = hashed(email)",
        },
    ),
}
_TABLE = (
    "CREATE TABLE person (id bigint PRIMARY KEY, email varchar(80) NOT NULL, name varchar(80), phone varchar(30),"
    " born date, seen_at {moment} NOT NULL, note varchar(200))"
)


@dataclass(kw_only=True)
class Side:
    """One database: `run` executes a statement, `fresh` fills the table anew."""

    kind: str
    url: str
    run: Callable[[str], None]
    rows: int

    def fresh(self) -> None:
        """The table as it is before any contender."""
        self.run("DROP TABLE IF EXISTS person")
        if self.kind == "postgresql":
            self.run(_TABLE.format(moment="timestamp"))
            self.run(
                "INSERT INTO person SELECT i, 'person' || i || '@example.org', 'Name of ' || i, '+47 ' || i,"
                " date '1950-02-03' + (i % 18000)::int, timestamp '2015-01-01' + (i % 2000) * interval '1 day',"
                f" repeat('x', 100) FROM generate_series(1, {self.rows}) AS i"
            )
            self.run("VACUUM ANALYZE person")
            self.run("CHECKPOINT")
        elif self.kind == "sqlite":
            self.run(_TABLE.format(moment="datetime").replace("bigint", "integer"))
            self.run(
                "INSERT INTO person WITH RECURSIVE every (i) AS"
                f" (SELECT 1 UNION ALL SELECT i + 1 FROM every WHERE i < {self.rows})"
                " SELECT i, 'person' || i || '@example.org', 'Name of ' || i, '+47 ' || i,"
                " date('1950-02-03', (i % 18000) || ' days'), datetime('2015-01-01', (i % 2000) || ' days'),"
                " printf('%.*c', 100, 'x') FROM every"
            )
            self.run("ANALYZE")
        else:
            self.run(_TABLE.format(moment="datetime"))
            self.run(
                "INSERT INTO person SELECT seq, concat('person', seq, '@example.org'), concat('Name of ', seq),"
                " concat('+47 ', seq), '1950-02-03' + INTERVAL seq % 18000 DAY,"
                f" '2015-01-01' + INTERVAL seq % 2000 DAY, repeat('x', 100) FROM seq_1_to_{self.rows}"
            )
            self.run("ANALYZE TABLE person")


@contextmanager
def opened(which: str, rows: int, folder: Path) -> Iterator[Side]:
    if which == SIDES[2]:
        folder.mkdir(parents=True)
        with contextlib.closing(sqlite3.connect(folder / "bench.db", isolation_level=None)) as session:
            session.execute("PRAGMA synchronous = FULL")
            session.create_function("hashed", 1, _hashed, deterministic=True)
            url = f"sqlite:///{folder / 'bench.db'}"
            yield Side(kind="sqlite", url=url, run=lambda text: _void(session, text), rows=rows)
        return
    name = f"retention_bench_rewriting_{os.getpid()}"
    server: Any
    if which == SIDES[0]:
        with psycopg.connect(POSTGRESQL, autocommit=True) as server:
            server.execute(f"CREATE DATABASE {name}")
            url = POSTGRESQL.rsplit("/", 1)[0] + f"/{name}"
            try:
                with psycopg.connect(url, autocommit=True) as session:
                    yield Side(kind="postgresql", url=url, run=lambda text: _void(session, text), rows=rows)
            finally:
                server.execute(f"DROP DATABASE IF EXISTS {name}")
        return
    server = Session(None)
    server.execute(f"CREATE DATABASE {name}")
    server.execute(f"USE {name}")
    try:
        server.execute("SET autocommit = 1")
        url = MARIADB.rsplit("/", 1)[0] + f"/{name}"
        yield Side(kind="mariadb", url=url, run=server.execute, rows=rows)
    finally:
        server.execute(f"DROP DATABASE IF EXISTS {name}")
        server.close()


def _hashed(text: str | None) -> str | None:
    return None if text is None else f"rh1-{hashlib.md5(text.encode()).hexdigest()[:26]}"


def _void(session: Any, text: str) -> None:
    session.execute(text)


def measure(which: str, folder: Path, rows: int, repeat: int) -> None:
    """Each set of columns: one UPDATE, and the engine's run; then the memory of a run over a tenth of the records."""
    with opened(which, rows, folder) as side:
        for what, (strategies, sets) in SETS.items():
            print(f"\n{which}: {what}, {rows:,} records")
            plain, mine = [], []
            for turn in range(repeat):
                side.fresh()
                started = time.perf_counter()
                side.run(f"UPDATE person SET {sets[side.kind]}")
                plain.append(time.perf_counter() - started)
                side.fresh()
                mine.append(
                    engine(side, folder / f"{len(what)}-{turn}", POLICY, CONNECTOR % (side.url, strategies))
                )
            peak = show("one UPDATE", plain, mine)
        few = replace(side, rows=rows // 10)
        few.fresh()
        less = engine(few, folder / "few", POLICY, CONNECTOR % (side.url, strategies))["peak_mb"]
        print(f"  memory: {less:.0f} MB at {few.rows:,} records, {peak:.0f} MB at {rows:,}")


def show(name: str, plain: Sequence[float], mine: Sequence[dict[str, float]]) -> float:
    """Prints what `name` took and what the engine took; the engine's peak memory in MB."""
    base = statistics.median(plain)
    job = statistics.median(told["deleting"] for told in mine)
    whole = statistics.median(told["seconds"] for told in mine)
    peak = max(told["peak_mb"] for told in mine)
    print(f"  {name:32} {base:7.2f} s   {1:5.2f} x")
    print(f"  {'retention, the job':32} {job:7.2f} s   {job / base:5.2f} x")
    print(f"  {'retention, plan and run':32} {whole:7.2f} s   {whole / base:5.2f} x")
    print(f"  {mine[0]['done'] / job:,.0f} records/s, peak {peak:.0f} MB")
    return peak


def engine(side: Side, folder: Path, policy: str, connector: str) -> dict[str, float]:
    """A run in a process of its own, as `bench.worker` tells of it."""
    (folder / "connectors").mkdir(parents=True)
    (folder / "policies.toml").write_text(policy)
    (folder / "connectors" / "bench.toml").write_text(connector)
    made = subprocess.run(
        [sys.executable, "-m", "bench.worker", str(folder)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise SystemExit(made.stderr)
    found: dict[str, float] = json.loads(made.stdout)
    if found["status"] != "done" or found["done"] != side.rows:
        raise SystemExit(f"the run ended as {found}")
    return found
