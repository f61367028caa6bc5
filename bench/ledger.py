"""How fast the ledger and its store are here: python bench/ledger.py [FOLDER ON THE DISK TO MEASURE]."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from retention.ledger.evidence import Committer, batch_root
from retention.ledger.note import Signer
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


def main() -> None:
    """Measure all of it."""
    evidence()
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        url, mirror = f"sqlite:///{folder}/state.db", Path(folder) / "mirror"
        signer = Signer("bench.example", b"\x01" * 32)
        StateStore.create(
            url, origin=signer.name, verifier_key=signer.verifier_key, evidence_key_id="0", at=AT
        )
        with StateStore.open(url, signer=signer, evidence_key_id="0", mirror=mirror) as store:
            appends(store)
            verification(store, mirror)


if __name__ == "__main__":
    main()
