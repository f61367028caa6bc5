"""How fast one record is proved out of a long ledger, and what evidence and events cost there.

    python -m bench.proofs [--records N] [--events N] [FOLDER]

A state store as `init` makes it, one real run, and then as many batches of 1,000 records and as many events as are
asked for, written as a run writes them. The commands of an auditor's day are then typed, in processes of their own. A
hundred million records take 4 GB and some ten minutes to make; a FOLDER that is named stays, and is measured again
where it is there.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from retention.errors import AnswerIsNo
from retention.ledger.evidence import Committer, batch_root, pack
from retention.model.place import Place
from retention.model.progress import NoProgress
from retention.store.batches import BatchRow, EvidenceRow
from retention.store.state import StateStore
from retention.verbs.init import init
from retention.verbs.opening import stores
from retention.verbs.opening.configured import configuration
from retention.verbs.proving import prove
from retention.verbs.run import run

SIZE = 1000
APPENDS = 200
POLICY = """
[policy]
name = "Proofs"
timezone = "UTC"
approval = "never"
limits = { share = "100%", rows = 1_000_000 }
[rules.orders]
promise = "Orders: a year"
data = "orders"
keep = "1 year"
from = "made"
action = "delete"
"""
CONNECTOR = """
type = "sql"
url = "sqlite:///shop.db"
timezone = "UTC"
[datasets.orders]
data = "orders"
table = "orders"
events = { made = "made" }
"""
JOB = "orders/shop/orders"


def clock() -> datetime:
    """The time of everything that is made here."""
    return datetime.now(UTC)


def company(folder: Path) -> Place:
    """A folder with a policy and a database of three orders; their run is the one that all batches are put into."""
    (folder / "connectors").mkdir(parents=True)
    (folder / "policies.toml").write_text(POLICY, encoding="utf-8")
    (folder / "connectors" / "shop.toml").write_text(CONNECTOR, encoding="utf-8")
    with sqlite3.connect(folder / "shop.db") as shop:
        shop.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, made TEXT)")
        shop.executemany("INSERT INTO orders VALUES (?, '2020-01-01 10:00:00')", [(-1,), (-2,), (-3,)])
    init(folder, placed(folder), by="bench", clock=clock)
    assert run(placed(folder), by="bench", clock=clock, progress=NoProgress()).status == "done"
    return placed(folder)


def placed(folder: Path) -> Place:
    """The folder's files."""
    return Place(config=folder / "policies.toml", connectors=folder / "connectors", state=None, environ={})


def made(store: StateStore, secret: bytes, records: int, events: int) -> None:
    """Batches with commitments that are random but for one in each, which is a record's own; then further events."""
    committer = Committer(secret, "shop", "orders")
    with store.read() as snapshot:
        key_id, (started,) = snapshot.log.evidence_key_id(), snapshot.log.named("run.started")
        name = str(json.loads(snapshot.log.line(started) or b"")["data"]["run"])
    at = clock()
    for start in range(0, records // SIZE, 200):
        with store.begin() as tx:
            for number in range(start, min(start + 200, records // SIZE)):
                noise = os.urandom(32 * (SIZE - 1))
                own = committer.open((number,)).leaf
                leaves = sorted([own, *(noise[at : at + 32] for at in range(0, len(noise), 32))])
                root, batch = batch_root(leaves).hex(), number + 2
                data = {
                    "run": name, "job": JOB, "batch": batch, "count": SIZE, "root": root, "action": "delete",
                    "rows": {"orders": SIZE}, "late": {"none": SIZE},
                }  # fmt: skip
                moment = at + timedelta(milliseconds=number)
                seq = tx.log.append("batch.intent", data, at)
                tx.batches.intent(
                    BatchRow(
                        run=name, job=JOB, batch=batch, connector="shop", count=SIZE, root=root, at=moment, seq=seq
                    )
                )  # fmt: skip
                tx.evidence.put(
                    EvidenceRow(run=name, job=JOB, batch=batch, key_id=key_id, leaves=pack(leaves))
                )
                tx.batches.settle(name, JOB, batch, "committed")
                tx.log.append("batch.committed", data, at)
    filled(store, events, at)
    with store.begin() as tx:
        tx.log.checkpoint(at)


def filled(store: StateStore, events: int, at: datetime) -> None:
    """The ledger with so many events."""
    with store.read() as snapshot:
        there = snapshot.log.head().size
    for start in range(there, events, 5000):
        with store.begin() as tx:
            for number in range(start, min(start + 5000, events)):
                tx.log.append("error", {"what": "bench", "number": number}, at)


def grouped(store: StateStore) -> None:
    """What the end of a run does."""
    with store.read() as snapshot:
        full = snapshot.finding.waiting()
    for rows in full:
        with store.begin() as tx:
            tx.grouping.make(rows)


def timed(what: str, work: Callable[[], object]) -> None:
    """Says how long it took."""
    start = time.perf_counter()
    work()
    print(f"{what}: {time.perf_counter() - start:.1f} s", flush=True)


def made_anew(folder: Path, records: int, events: int) -> None:
    """The company and its long past."""
    place = company(folder)
    config = configuration(place)
    (secret,) = stores.evidence_keys(config)
    with stores.opened(config, place) as store:
        timed(f"{records:,} records, {events:,} events made", lambda: made(store, secret, records, events))
        timed("grouped", lambda: grouped(store))


def appended(folder: Path) -> None:
    """What one event costs at the end of a long ledger, and of one that has just begun: processor time."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        company(Path(name) / "short")
        places = {"a ledger that has just begun": placed(Path(name) / "short"), "this one": placed(folder)}
        for what, place in places.items():
            config = configuration(place)
            with stores.opened(config, place) as store:
                with store.read() as snapshot:
                    size = snapshot.log.head().size
                times = [_append(store) for _ in range(APPENDS)]
                middle = statistics.median(times) * 1e6
                print(f"append to {what}, {size:,} events: {middle:.0f} us of a core each", flush=True)


def _append(store: StateStore) -> float:
    start = time.process_time()
    with store.begin() as tx:
        tx.log.append("error", {"what": "bench"}, clock())
    return time.process_time() - start


def sizes(folder: Path) -> None:
    """Bytes on disk by table."""
    database = folder / "state" / "retention.db"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        found = dict(connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
        (records,) = connection.execute("SELECT sum(count) FROM retention_evidence").fetchone()
    of = sum(size for name, size in found.items() if "evidence" in name) / records
    events = found["retention_event"] + found["sqlite_autoindex_retention_event_index_1"]
    print(
        f"evidence of {records:,} records: {of:.1f} bytes a record on disk; events {events / 1e6:,.0f} MB",
        flush=True,
    )


def typed(folder: Path, *words: str, expected: int = 0) -> float:
    """Seconds by the clock of a command, from the first byte of Python on."""
    environ = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-m", "retention", "--config", str(folder / "policies.toml"), "--connectors",
         str(folder / "connectors"), *words],
        check=False, capture_output=True, text=True, env=environ,
    )  # fmt: skip
    assert ran.returncode == expected, ran.stderr
    return time.perf_counter() - start


def asked(folder: Path, key: str) -> float:
    """Seconds by the clock of the same in a process that runs already."""
    start = time.perf_counter()
    with contextlib.suppress(AnswerIsNo):
        prove(placed(folder), dataset="shop.orders", key=key)
    return time.perf_counter() - start


def told(what: str, times: list[float]) -> None:
    """Median and slowest."""
    print(f"{what}: {statistics.median(times):.2f} s, slowest of {len(times)} {max(times):.2f} s", flush=True)


def measured(folder: Path, *, verify: bool) -> None:
    """What an auditor types."""
    sizes(folder)
    with sqlite3.connect(f"file:{folder}/state/retention.db?mode=ro", uri=True) as connection:
        (batches,) = connection.execute("SELECT count(*) FROM retention_batch").fetchone()
    step = max(1, batches // 10)
    typed(folder, "key", "list")
    told("a command that does nothing", [typed(folder, "key", "list") for _ in range(5)])
    told(
        "audit prove, found",
        [
            typed(folder, "audit", "prove", "shop.orders", str(n), "--export", str(folder / "proof.json"))
            for n in range(1, batches - 1, step)
        ],
    )
    told(
        "audit prove, not found",
        [
            typed(folder, "audit", "prove", "shop.orders", f"{n}-x", "--format", "json", expected=7)
            for n in range(10, 10 + 10 * step, step)
        ],
    )
    asked(folder, "1")
    told(
        "the same without Python's start, found", [asked(folder, str(n)) for n in range(1, batches - 1, step)]
    )
    told(
        "the same without Python's start, not found",
        [asked(folder, f"{n}-x") for n in range(1, batches, step)],
    )
    appended(folder)
    if verify:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        typed(folder, "audit", "verify")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"audit verify: {spent:.1f} s of a core; {after.ru_maxrss / 1024:.0f} MiB at most so far")


def main() -> None:
    """Make it, measure it."""
    parser = argparse.ArgumentParser(prog="bench.proofs", description=__doc__)
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--make", action="store_true", help="make FOLDER, and measure nothing")
    parser.add_argument("--no-verify", action="store_true", help="leave out the verification")
    parser.add_argument("folder", nargs="?", type=Path, help="where it stays")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = (options.folder or Path(name) / "proofs").resolve()
        if not folder.exists():
            made_anew(folder, options.records, options.events)
        if not options.make:
            measured(folder, verify=not options.no_verify)


if __name__ == "__main__":
    main()
