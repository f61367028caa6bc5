"""How fast one record is proved, and what its evidence costs: python -m bench.proofs [RECORDS] [EVENTS] [FOLDER].

A state store with so many records in batches of 1,000, and so many events, made as a run makes them.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from retention.ledger.evidence import Committer, open_record, pack, sealed
from retention.ledger.note import Signer
from retention.ledger.tree import verify_inclusion
from retention.store.batches import BatchRow, EvidenceRow
from retention.store.runs import RunRow
from retention.store.state import StateStore

AT = datetime(2026, 1, 1, tzinfo=UTC)
JOB, SIZE, KEY = "orders/shop/orders", 1000, b"k" * 32


def made(store: StateStore, records: int, events: int) -> None:
    """Batches with commitments that are random but for one in each, which is a record's own; then further events."""
    committer = Committer(KEY, "shop", "orders")
    with store.begin() as tx:
        tx.runs.start(RunRow(id="r1", as_of=AT, started=AT, by="bench", policy="p"))
        tx.log.append("run.started", {"run": "r1", "by": "bench"}, AT)
    for start in range(0, records // SIZE, 100):
        with store.begin() as tx:
            for number in range(start, min(start + 100, records // SIZE)):
                noise = os.urandom(32 * (SIZE - 1))
                own = committer.open((number,)).leaf
                batch = sealed([own, *(noise[at : at + 32] for at in range(0, len(noise), 32))])
                data = {"run": "r1", "job": JOB, "batch": number, "count": SIZE, "root": batch.root.hex()}
                seq = tx.log.append("batch.intent", data, AT)
                at = AT + timedelta(seconds=number)
                row = BatchRow(
                    run="r1", job=JOB, batch=number, connector="shop", count=SIZE, root=batch.root.hex(), at=at, seq=seq
                )  # fmt: skip
                tx.batches.intent(row)
                leaves = pack(batch.leaves)
                tx.evidence.put(EvidenceRow(run="r1", job=JOB, batch=number, key_id="k", leaves=leaves))
                tx.batches.settle("r1", JOB, number, "committed")
                tx.log.append("batch.committed", data, AT)
    for start in range(0, max(0, events - 2 * (records // SIZE)), 5000):
        with store.begin() as tx:
            for number in range(start, start + 5000):
                tx.log.append("error", {"what": "bench", "number": number}, AT)
    with store.begin() as tx:
        tx.log.checkpoint(AT)


def grouped(store: StateStore) -> None:
    """What the end of a run does."""
    with store.read() as snapshot:
        full = snapshot.finding.waiting()
    for rows in full:
        with store.begin() as tx:
            tx.grouping.make(rows)


def proved(store: StateStore, number: int) -> float:
    """Seconds until a record is found, with both inclusion proofs."""
    start = time.perf_counter()
    with store.read() as snapshot:
        leaf = open_record(KEY, "shop", "orders", (number,)).leaf
        (found,) = snapshot.finding.find("k", leaf)
        size = snapshot.log.head().size
        history = snapshot.log.history(size)
        path = history.inclusion(found.batch.seq or 0)
        line = snapshot.log.line(found.batch.seq or 0) or b""
        from retention.ledger.tree import leaf_hash

        assert verify_inclusion(leaf_hash(line), found.batch.seq or 0, size, path, history.root())
    return time.perf_counter() - start


def main() -> None:
    """Make it, measure it."""
    records, events = (int(word) for word in (*sys.argv[1:3], "10000000", "100000")[:2])
    with tempfile.TemporaryDirectory(dir=sys.argv[3] if len(sys.argv) > 3 else None) as folder:
        path = Path(folder) / "state.db"
        signer = Signer("bench.example", b"\x01" * 32)
        StateStore.create(
            f"sqlite:///{path}",
            origin=signer.name,
            verifier_key=signer.verifier_key,
            evidence_key_id="k",
            at=AT,
        )
        with StateStore.open(f"sqlite:///{path}", signer=signer, evidence_key_id="k") as store:
            start = time.perf_counter()
            made(store, records, events)
            print(
                f"made {records:,} records, {events:,} events in {time.perf_counter() - start:.0f} s",
                flush=True,
            )
            start = time.perf_counter()
            grouped(store)
            print(f"grouped in {time.perf_counter() - start:.1f} s", flush=True)
            with store._reading.connect() as connection:
                sizes = dict(
                    connection.exec_driver_sql("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").all()
                )
            of = sum(size for name, size in sizes.items() if "evidence" in name) / records
            print(f"evidence: {of:.1f} bytes a record on disk, {sizes}", flush=True)
            times = [
                proved(store, number) for number in range(0, records // SIZE, max(1, records // SIZE // 20))
            ]
            times.sort()
            print(f"proof: {times[len(times) // 2]:.3f} s, slowest of {len(times)}: {times[-1]:.3f} s")
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
