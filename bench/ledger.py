"""How fast the ledger and its store are here: python -m bench.ledger [FOLDER] [URL OF AN EMPTY DATABASE ...]."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from retention.ledger.evidence import Committer, batch_root
from retention.ledger.note import Signer
from retention.store.batches import BatchRow
from retention.store.owners import this_process
from retention.store.runs import JobProgress, JobRow, RunRow
from retention.store.state import StateStore
from retention.store.verifying import verify_folder, verify_store

AT = datetime(2026, 1, 1, tzinfo=UTC)
DATA = {
    "run": "r-1",
    "job": "orders:shop.orders",
    "batch": 1,
    "count": 1000,
    "rows": {"orders": 1000, "order_lines": 3000},
    "root": "ab" * 32,
}
RECORDS = 500_000
APPENDS = 1_000
BATCHES = 2_000
EVENTS = 200_000


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def evidence() -> None:
    """Commitments and their root, for half a million records with a key of one integer."""
    committer = Committer(b"k" * 32, "shop", "orders")
    keys = [(number,) for number in range(RECORDS)]
    leaves = committer.leaves(keys)
    each = min(seconds(lambda: committer.leaves(keys)) for _ in range(3))
    root = min(seconds(lambda: batch_root(leaves)) for _ in range(3))
    print(f"evidence: {RECORDS:,} leaves {each:.2f} s, their root {root:.2f} s")


def appends(store: StateStore) -> None:
    """Events a second, each in a durable transaction of its own."""

    def work() -> None:
        for _ in range(APPENDS):
            with store.begin() as tx:
                tx.log.append("batch.intent", DATA, AT)

    rates = [APPENDS / seconds(work) for _ in range(7)]
    middle, least, most = statistics.median(rates), min(rates), max(rates)
    print(f"appends: median {middle:,.0f}/s durable (of 7: {least:,.0f} to {most:,.0f})")


def verification(store: StateStore, mirror: Path) -> None:
    """Verifying the store and its mirror, per million events."""
    with store.begin() as tx:
        for _ in range(EVENTS - tx.log.head().size):
            tx.log.append("batch.intent", DATA, AT)
        tx.log.checkpoint(AT)
    print(f"mirror: {EVENTS:,} events written in {seconds(store.catch_up):.2f} s")
    print(f"mirror: nothing new, {seconds(store.catch_up) * 1000:.2f} ms")
    for name, work in (
        ("store", lambda: verify_store(store, store.verifier_key)),
        ("mirror", lambda: verify_folder(mirror, store.verifier_key)),
    ):
        print(f"verify {name}: {seconds(work) * 1_000_000 / EVENTS:.0f} s for a million events")


def batches(store: StateStore) -> None:
    """Batches a second as a run writes them: the outcome of one and the intent of the next share a transaction."""
    run, job, at = f"r-{time.monotonic_ns()}", "orders/shop/orders", AT
    with store.begin() as tx:
        tx.runs.start(RunRow(id=run, as_of=at, started=at, by="bench", policy="p"))
        tx.jobs.put(
            JobRow(
                run=run,
                job=job,
                rule="orders",
                connector="shop",
                dataset="orders",
                as_of=at,
                started=at,
                planned=1,
            )
        )
        token = tx.leases.acquire(job, this_process(), at, timedelta(days=1))

    def work() -> None:
        for number in range(1, BATCHES + 1):
            with store.begin() as tx:
                tx.leases.renew(job, token, at, timedelta(days=1))
                if number > 1:
                    tx.log.append("batch.committed", DATA, at)
                    tx.batches.outcome(run, job, number - 1, "committed")
                tx.log.append("batch.intent", DATA, at)
                tx.batches.intent(
                    BatchRow(run=run, job=job, batch=number, connector="shop", count=1, root="ab" * 32, at=at)
                )
                tx.jobs.advance(run, job, progress=JobProgress(), cursor="[1]")

    rate = BATCHES / seconds(work)
    with store.begin() as tx:
        tx.leases.release(job, token)
    print(f"batches: {rate:,.0f}/s with intent and outcome, so {2 * rate:,.0f} durable events/s")


def measured(url: str, mirror: Path) -> None:
    """Everything that needs a store, on a new one at `url`."""
    signer = Signer("bench.example", b"\x01" * 32)
    StateStore.create(url, origin=signer.name, verifier_key=signer.verifier_key, evidence_key_id="0", at=AT)
    with StateStore.open(url, signer=signer, evidence_key_id="0", mirror=mirror) as store:
        print(f"-- {store.place}")
        appends(store)
        batches(store)
        verification(store, mirror)


def main() -> None:
    """Measure all of it: in a file, and in every empty database of a server that is named."""
    evidence()
    folders = [word for word in sys.argv[1:] if "://" not in word]
    servers = [word for word in sys.argv[1:] if "://" in word]
    with tempfile.TemporaryDirectory(dir=folders[0] if folders else None) as folder:
        for number, url in enumerate((f"sqlite:///{folder}/state.db", *servers)):
            measured(url, Path(folder) / f"mirror-{number}")


if __name__ == "__main__":
    main()
