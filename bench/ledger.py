"""How fast the ledger and its store are here: python -m bench.ledger [FOLDER] [URL OF AN EMPTY DATABASE ...]."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.floor import floor
from retention.connectors.port import Taken
from retention.engine.journal import Journal, Numbers
from retention.ledger.evidence import Committer, batch_root
from retention.ledger.note import Signer
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
TIMES = 200
TURNS = 9
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


def rates(store: StateStore, url: str) -> None:
    """Durable events a second, beside the least that a commit costs here; all in turn, several times."""
    bare, batch = floor(url), batches(store)
    turns = [
        (
            TIMES / seconds(lambda: repeat(bare)),
            TIMES / seconds(lambda: repeat(lambda: append(store))),
            2 * TIMES / seconds(lambda: repeat(batch)),
        )
        for _ in range(TURNS)
    ]
    print(f"floor: {_middle([turn[0] for turn in turns])} rows, one a commit, by the driver alone")
    for name, at in (("single appends", 1), ("batches of 1,000 records, intent and outcome", 2)):
        ratio = statistics.median(turn[at] / turn[0] for turn in turns)
        print(f"{name}: {_middle([turn[at] for turn in turns])} events, {ratio:.2f} of the floor")


def append(store: StateStore) -> None:
    """One event in a durable transaction of its own."""
    with store.begin() as tx:
        tx.log.append("batch.intent", DATA, AT)


def batches(store: StateStore) -> Callable[[], None]:
    """What a run writes for one batch: the outcome of the last and the intent of this share a transaction."""
    run, job = f"r-{time.monotonic_ns()}", "orders/shop/orders"
    with store.begin() as tx:
        tx.runs.start(RunRow(id=run, as_of=AT, started=AT, by="bench", policy="p"))
        tx.jobs.put(
            JobRow(
                run=run,
                job=job,
                rule="orders",
                connector="shop",
                dataset="orders",
                as_of=AT,
                started=AT,
                planned=1,
            )
        )
        token = tx.leases.acquire("shop.orders", this_process(), AT, timedelta(days=1))
    journal = Journal(
        store=store,
        clock=lambda: AT,
        run=run,
        job=job,
        connector="shop",
        dataset="orders",
        rule="orders",
        lease="shop.orders",
        token=token,
        evidence_key="0",
        numbers=Numbers(),
    )
    sealed = Committer(b"k" * 32, "shop", "orders").seal([(number,) for number in range(1000)])
    taken = Taken(
        keys=[(number,) for number in range(1000)],
        sealed=sealed,
        overdue=0,
        rows={"orders": 1000, "order_lines": 3000},
    )

    def work() -> None:
        number = journal.numbers.next()
        journal.intent(taken, sealed, batch=number, progress=JobProgress(), cursor="[1]")
        journal.committed(taken, batch=number, root=sealed.root)

    return work


def repeat(work: Callable[[], object]) -> None:
    """TIMES times."""
    for _ in range(TIMES):
        work()


def _middle(values: list[float]) -> str:
    return f"{statistics.median(values):,.0f}/s (of {len(values)}: {min(values):,.0f} to {max(values):,.0f})"


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


def measured(url: str, mirror: Path) -> None:
    """Everything that needs a store, on a new one at `url`."""
    signer = Signer("bench.example", b"\x01" * 32)
    StateStore.create(url, origin=signer.name, verifier_key=signer.verifier_key, evidence_key_id="0", at=AT)
    with StateStore.open(url, signer=signer, evidence_key_id="0", mirror=mirror) as store:
        print(f"-- {store.place}")
        rates(store, url)
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
