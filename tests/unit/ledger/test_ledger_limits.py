"""What the ledger is promised to cost: processor time and memory to verify, hashes of an append, bytes a record."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.audit import AT, ENGINE, SIGNER, written
from retention.ledger import tree
from retention.ledger.evidence import pack
from retention.ledger.tree import Edge, leaf_hash
from retention.store.batches import BatchRow, EvidenceRow
from retention.store.runs import RunRow
from retention.store.state import StateStore
from tests.support.stores import SqliteStore

EVENTS = 200_000
SECONDS_A_MILLION, MEGABYTES = 60, 200
BYTES_A_RECORD = 40


def spent(words: list[str]) -> tuple[float, float]:
    """Seconds of a core, and the most memory in MB, of a Python process that must succeed."""
    report = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_utime + used.ru_stime, used.ru_maxrss)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", report, sys.executable, *words], check=True, capture_output=True, text=True
    )
    seconds, kilobytes = ran.stdout.split()
    return float(seconds), float(kilobytes) / 1000


@pytest.mark.heavy
def test_a_million_events_are_verified_in_a_minute_of_a_core_and_200_mb(tmp_path: Path) -> None:
    """By verify.py, and by our own verification; on a fifth of a million, in a fifth of the time."""
    folder = tmp_path / "ledger"
    written(EVENTS, folder)
    for words in (
        [str(folder / "verify.py"), str(folder / "key.pub")],
        ["-c", ENGINE, str(folder), SIGNER.verifier_key],
    ):
        seconds, megabytes = spent(words)
        assert seconds < SECONDS_A_MILLION * EVENTS / 1_000_000, words[0]
        assert megabytes < MEGABYTES, words[0]


@pytest.mark.heavy
def test_memory_is_that_of_a_tenth_of_the_events(tmp_path: Path) -> None:
    """It streams: what is kept does not grow with the ledger."""
    most = []
    for count in (2_000, 20_000):
        folder = tmp_path / str(count)
        written(count, folder)
        most.append(spent([str(folder / "verify.py"), str(folder / "key.pub")])[1])
    assert most[1] < most[0] * 1.15


@pytest.mark.parametrize("size", [1, 2**10 - 1, 2**10, 10_000_000, 2**30 - 1])
def test_an_append_hashes_no_more_than_the_tree_is_high(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind ten million events, too; the head row keeps one hash for each bit of the size."""
    edge = Edge(size=size, hashes=tuple(bytes([bit]) * 32 for bit in range(size.bit_count())))
    leaf, hashed, short = leaf_hash(b"x"), [], tree.short_sha256
    monkeypatch.setattr(tree, "short_sha256", lambda data: hashed.append(1) or short(data))
    after = edge.append(leaf)
    assert after.size == size + 1
    assert len(hashed) <= math.log2(size + 1)
    assert len(after.encode()) <= 8 + 32 * after.size.bit_length()


def test_evidence_is_at_most_forty_bytes_a_record_on_disk(tmp_path: Path) -> None:
    """In batches of a thousand, grouped as the end of a run does it; with indexes, and pages that are half full."""
    records, each = 320_000, 1000
    url = f"sqlite:///{tmp_path}/state.db"
    StateStore.create(url, origin=SIGNER.name, verifier_key=SIGNER.verifier_key, evidence_key_id="k", at=AT)
    with StateStore.open(url, signer=SIGNER, evidence_key_id="k") as store:
        with store.begin() as tx:
            tx.runs.start(RunRow(id="r", as_of=AT, started=AT, by="ida", policy="p"))
            for number in range(records // each):
                noise = os.urandom(32 * each)
                leaves = sorted(noise[at : at + 32] for at in range(0, len(noise), 32))
                key = {"run": "r", "job": "orders/shop/orders", "batch": number}
                tx.batches.intent(BatchRow(**key, connector="shop", count=each, root="00" * 32, at=AT, seq=1))
                tx.evidence.put(EvidenceRow(**key, key_id="k", leaves=pack(leaves)))
                tx.batches.settle(*key.values(), "committed")
        with store.read() as snapshot:
            full = snapshot.finding.waiting()
        for rows in full:
            with store.begin() as tx:
                tx.grouping.make(rows)
        assert full
    pages = SqliteStore(tmp_path / "state.db").rows("SELECT name, sum(pgsize) FROM dbstat GROUP BY name")
    size = sum(size for name, size in pages if "evidence" in name)
    assert 32 < size / records <= BYTES_A_RECORD
