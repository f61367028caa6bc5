"""`check` and `plan` on many tables: python -m bench.tables [--tables N] [--datasets N] [URL OF AN EMPTY DATABASE ...].

Every table is a dataset with ten rows and one part unless `--datasets` says fewer; every
empty database of a server that is named is measured, else a SQLite file. What is told of `plan` is its whole time
and, of that, what the counting took.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from retention.connectors.sql.target import SqlTarget
from retention.model.place import Place
from retention.verbs.check import check
from retention.verbs.plan import plan

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
POLICY = """
[policy]
name = "Tables"
timezone = "UTC"
[rules.all]
promise = "All of it: five years"
data = "things"
keep = "5 years"
from = "made"
action = "delete"
"""
ROWS = ", ".join(f"({i}, '20{10 + i}-01-01')" for i in range(1, 11))
DATASET = """
[datasets.t{n}]
data = "things"
table = "t{n}"
parts = ["p{n}"]
events = {{ made = "made" }}
"""


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser(prog="bench.tables", description=__doc__)
    parser.add_argument("--tables", type=int, default=500, help="root tables; each has a part beside it")
    parser.add_argument("--datasets", type=int, help="how many of them are datasets; all by default")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("urls", nargs="*")
    options = parser.parse_args()
    datasets = options.datasets if options.datasets is not None else options.tables
    with tempfile.TemporaryDirectory() as folder:
        urls = options.urls or [f"sqlite:///{folder}/tables.db"]
        for number, url in enumerate(urls):
            make(url, options.tables)
            place = configured(Path(folder) / str(number), url, datasets)
            family = url.partition(":")[0]
            print(f"-- {family}: {2 * options.tables:,} tables, {datasets:,} datasets")
            for _ in range(options.repeat):
                measure(place)


def make(url: str, tables: int) -> None:
    """Roots with ten rows and their parts."""
    drivers = {"mysql": "mysql+pymysql", "mariadb": "mysql+pymysql", "postgresql": "postgresql+psycopg"}
    family, _, rest = url.partition(":")
    engine = sa.create_engine(f"{drivers.get(family, family)}:{rest}")
    with engine.begin() as connection:
        for n in range(tables):
            for statement in (
                f"CREATE TABLE t{n} (id integer PRIMARY KEY, made date NOT NULL)",
                f"CREATE TABLE p{n} (id integer PRIMARY KEY, t integer NOT NULL, FOREIGN KEY (t) REFERENCES t{n} (id))",
                f"CREATE INDEX p{n}_t ON p{n} (t)",
                f"INSERT INTO t{n} VALUES {ROWS}",
                f"INSERT INTO p{n} VALUES (1, 1)",
            ):
                connection.exec_driver_sql(statement)
    engine.dispose()


def configured(folder: Path, url: str, datasets: int) -> Place:
    """The files."""
    (folder / "connectors").mkdir(parents=True)
    (folder / "policies.toml").write_text(POLICY)
    text = f'type = "sql"\nurl = "{url}"\ntimezone = "UTC"\n' + "".join(
        DATASET.format(n=n) for n in range(datasets)
    )
    (folder / "connectors" / "bench.toml").write_text(text)
    return Place(
        config=folder / "policies.toml",
        connectors=folder / "connectors",
        state=None,
        environ=dict(os.environ),
    )


def measure(place: Place) -> None:
    """One line."""
    counting = [0.0]
    count = SqlTarget.count

    def timed(self: SqlTarget, *given: Any) -> Any:
        started = time.perf_counter()
        try:
            return count(self, *given)
        finally:
            counting[0] += time.perf_counter() - started

    SqlTarget.count = timed  # type: ignore[method-assign]
    try:
        checking, own, report = _timed(lambda: check(place, clock=lambda: NOW))
        planning, _, made = _timed(
            lambda: plan(place, as_of="2026-11-25", rules=(), clock=lambda: NOW, store=False)
        )
    finally:
        SqlTarget.count = count  # type: ignore[method-assign]
    print(
        f"check {checking:.1f} s, {own:.1f} s of it this process ({len(report.problems)} problems);"
        f" plan {planning:.1f} s, {planning - counting[0]:.1f} s beyond the counting;"
        f" {sum(job.due for job in made.jobs):,} due in {len(made.jobs):,} jobs"
    )


def _timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Wall time, this process's own time, what came of it."""
    started, own = time.perf_counter(), time.process_time()
    found = work()
    return time.perf_counter() - started, time.process_time() - own, found


if __name__ == "__main__":
    main()
