"""`python -m bench [--rows N] [--repeat N] [--only NAME]`: a table of medians and ratios."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import fates, rewriting, said, shop, whole_records
from bench.mariadb import mariadb
from bench.stores import Store, postgresql, sqlite
from retention.cli import collect_seldom

POLICY = """
[policy]
name = "Bench"
timezone = "UTC"
approval = "never"
limits = { share = "100%", rows = 10_000_000 }

[rules.visits]
promise = "Visits: five years"
data = "visits"
keep = "5 years"
from = "happened"
action = "delete"
"""

CONNECTOR = """
type = "sql"
url = "%s"
timezone = "UTC"
[throttle]
batch_time = "%s"
[datasets.visits]
data = "visits"
table = "%s"
events = { happened = "happened_at" }
%s
"""

CASES: dict[str, Callable[[int, Path], Store]] = {
    "postgresql-leaf": lambda rows, _: postgresql(rows, children=False),
    "postgresql-child": lambda rows, _: postgresql(rows, children=True),
    "sqlite": sqlite,
    "mariadb-leaf": lambda rows, _: mariadb(rows, children=False),
    "mariadb-child": lambda rows, _: mariadb(rows, children=True),
}


CHOICES = (*CASES, *fates.SIDES, *rewriting.SIDES, *said.SIDES, *shop.SIDES, *whole_records.SIDES)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument(
        "--batch-time", default="500 ms", help="one transaction's target; the leaf's is 50 ms"
    )
    parser.add_argument(
        "--only",
        choices=CHOICES,
        help="one case; may be given several times",
        action="append",
    )
    options = parser.parse_args()
    collect_seldom()  # as every command does
    with tempfile.TemporaryDirectory(prefix="retention-bench-") as name:
        folder = Path(name)
        for which, make in CASES.items():
            if options.only is None or which in options.only:
                store = make(options.rows, folder)
                try:
                    batch_time = "50 ms" if which == "postgresql-leaf" else options.batch_time
                    measure(store, folder / which, options.repeat, batch_time)
                finally:
                    store.drop()
        for which in fates.SIDES:
            if options.only is None or which in options.only:
                fates.measure(which, folder / which, options.rows, options.repeat)
        for which in rewriting.SIDES:
            if options.only is None or which in options.only:
                rewriting.measure(which, folder / which, options.rows, options.repeat)
        for which in whole_records.SIDES:
            if options.only is None or which in options.only:
                whole_records.measure(which, folder / which, options.rows // 5, options.repeat)
        for which in said.SIDES:
            if options.only is None or which in options.only:
                said.measure(which, folder / which, options.rows, options.repeat)
        for which in shop.SIDES:
            if options.only is None or which in options.only:
                shop.measure(which, folder / which, options.rows // 10, options.repeat)
        if options.only is None:
            memory(folder, options.rows, options.batch_time)
            start_up()


def measure(store: Store, folder: Path, repeat: int, batch_time: str) -> None:
    """The three contenders in turn, `repeat` times each, from the same copy."""
    print(f"\n{store.name}")
    seconds: dict[str, list[float]] = {"one unbatched DELETE": []}
    seconds |= {name: [] for name in store.scripts}
    if store.missing:
        print(f"  {store.missing}")
    told: list[dict[str, float]] = []
    for turn in range(repeat):
        store.fresh()
        seconds["one unbatched DELETE"].append(_timed(store, _unbatched(store)))
        for name, script in store.scripts.items():
            store.fresh()
            seconds[name].append(_timed(store, script))
        store.fresh()
        told.append(engine(store, folder / str(turn), batch_time))
    base = statistics.median(seconds["one unbatched DELETE"])
    for name, values in seconds.items():
        middle = statistics.median(values)
        print(f"  {name:32} {middle:7.2f} s   {middle / base:5.2f} x")
    deleting = statistics.median(t["deleting"] for t in told)
    whole = statistics.median(t["seconds"] for t in told)
    p99 = statistics.median(t["p99"] for t in told)
    print(f"  {'retention, the job':32} {deleting:7.2f} s   {deleting / base:5.2f} x")
    print(f"  {'retention, plan and run':32} {whole:7.2f} s   {whole / base:5.2f} x")
    done = int(told[0]["done"])
    print(
        f"  {done:,} records, {done / deleting:,.0f}/s, p99 of a transaction {p99 * 1000:.0f} ms,"
        f" {int(told[0]['transactions'])} transactions, peak {told[0]['peak_mb']:.0f} MB"
    )


def engine(store: Store, folder: Path, batch_time: str) -> dict[str, float]:
    """One run of the engine, in its own process."""
    (folder / "connectors").mkdir(parents=True)
    (folder / "policies.toml").write_text(POLICY)
    parts = f"parts = {json.dumps(list(store.parts))}" if store.parts else ""
    connector = CONNECTOR % (store.url, batch_time, store.table, parts)
    (folder / "connectors" / "bench.toml").write_text(connector)
    made = subprocess.run(
        [sys.executable, "-m", "bench.worker", str(folder)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise SystemExit(made.stderr)
    found: dict[str, float] = json.loads(made.stdout)
    if found["status"] != "done":
        raise SystemExit(f"the run ended as {found['status']}")
    return found


def memory(folder: Path, rows: int, batch_time: str) -> None:
    """Peak memory at a tenth of the rows and at all of them."""
    print("\nPeak memory (SQLite)")
    for count in (rows // 10, rows):
        place = folder / f"memory-{count}"
        place.mkdir()
        store = sqlite(count, place)
        store.fresh()
        print(f"  {count:>9,} rows: {engine(store, place / 'run', batch_time)['peak_mb']:.0f} MB")


def start_up() -> None:
    """`retention --help`, the median of nine."""
    spans = []
    for _ in range(9):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "retention", "--help"], capture_output=True, check=True)
        spans.append(time.perf_counter() - started)
    print(f"\nretention --help: {statistics.median(spans):.2f} s")


def _unbatched(store: Store) -> Callable[[Any], None]:
    def work(connection: Any) -> None:
        for statement in store.unbatched:
            connection.execute(statement)
        connection.commit()

    return work


def _timed(store: Store, work: Callable[[Any], None]) -> float:
    connection = store.connect()
    started = time.perf_counter()
    work(connection)
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


if __name__ == "__main__":
    main()
