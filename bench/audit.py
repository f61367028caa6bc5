"""How long a long ledger takes to verify, and to archive: python -m bench.audit [EVENTS] [FOLDER].

A mirror and an export of so many events (a million by default) are written without a state store, and verified in
processes of their own: processor time and the most memory. Then a store of a tenth of it is archived by half.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from retention.ledger.line import FIRST_PREV, encode, hash_of
from retention.ledger.note import Checkpoint, Signer
from retention.ledger.tree import Builder, leaf_hash
from retention.store.state import StateStore
from retention.verbs.archiving import clear, move

AT = datetime(2026, 1, 1, tzinfo=UTC)
SIGNER = Signer("bench.example", b"\x01" * 32)
SEGMENT = 50_000
EACH = 1_000
DATA = {
    "run": "20260101T044924-d4b3e7",
    "job": "orders/store/orders",
    "count": 1000,
    "rows": {"orders": 1000, "order_lines": 4321, "shipments": 999},
    "root": "ab" * 32,
}
SCRIPT = Path(__file__).parents[1] / "retention" / "verbs" / "templates" / "export" / "verify.py"
ENGINE = (
    "import sys; from pathlib import Path; from retention.store.verifying import verify_folder;"
    "verify_folder(Path(sys.argv[1]), sys.argv[2])"
)


def lines(count: int) -> Iterator[bytes]:
    """A ledger's lines, by turns the intent and the outcome of a batch."""
    prev = FIRST_PREV
    for seq in range(count):
        kind = "batch.committed" if seq % 2 else "batch.intent"
        data = {**DATA, "batch": seq // 2}
        line = encode(seq=seq, at=AT + timedelta(seconds=seq), type=kind, data=data, prev=prev)
        prev = hash_of(line)
        yield line


def written(count: int, folder: Path) -> int:
    """An export that is a mirror, too; the bytes of its lines."""
    for name in ("segments", "checkpoints"):
        (folder / name).mkdir(parents=True)
    tree, size = Builder(), 0
    with (folder / "ledger.jsonl").open("wb") as mirror:
        for seq, line in enumerate(lines(count)):
            if seq % SEGMENT == 0:
                segment = (folder / "segments" / f"{seq:012d}.jsonl").open("wb")
            for stream in (mirror, segment):
                stream.write(line + b"\n")
            tree.append(leaf_hash(line))
            size += len(line) + 1
            if seq % EACH == EACH - 1 or seq == count - 1:
                point = Checkpoint(origin=SIGNER.name, size=seq + 1, root=tree.edge().root())
                (folder / "checkpoints" / f"{seq + 1:012d}.note").write_text(
                    point.sign(SIGNER), encoding="utf-8"
                )
            if seq % SEGMENT == SEGMENT - 1 or seq == count - 1:
                segment.close()
    newest = max((folder / "checkpoints").iterdir())
    (folder / "checkpoint").write_bytes(newest.read_bytes())
    (folder / "key.pub").write_text(f"{SIGNER.verifier_key}\n", encoding="utf-8")
    (folder / "verify.py").write_bytes(SCRIPT.read_bytes())
    return size


def measured(name: str, words: list[str], count: int) -> None:
    """Processor time and memory of a process."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{name}: {count:,} events in {spent:.1f} s of a core, {wall:.1f} s; memory so far"
        f" {after.ru_maxrss / 1024:.0f} MiB at most"
    )


def archived(count: int, folder: Path) -> None:
    """How long it takes to put half of a store's events away."""
    url = f"sqlite:///{folder}/state.db"
    StateStore.create(url, origin=SIGNER.name, verifier_key=SIGNER.verifier_key, evidence_key_id="0", at=AT)
    with StateStore.open(url, signer=SIGNER, evidence_key_id="0", mirror=folder / "mirror") as store:
        for first in range(0, count, EACH):
            with store.begin() as tx:
                for seq in range(first, min(first + EACH, count)):
                    tx.log.append("batch.intent", {**DATA, "batch": seq}, AT + timedelta(seconds=seq))
                tx.log.checkpoint(AT + timedelta(seconds=seq))
        store.catch_up()
        now = AT + timedelta(seconds=count)
        for name, work in (
            (
                "written, read back, and said",
                lambda: move(store, now - (now - AT) / 2, folder / "a", by="bench", now=now),
            ),
            ("removed from the store", lambda: clear(store)),
            ("removed from the mirror", store.catch_up),
        ):
            start = time.perf_counter()
            work()
            print(f"archive of {count // 2:,} events: {name} in {time.perf_counter() - start:.2f} s")


def main() -> None:
    """Measure all of it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as name:
        folder = Path(name) / "ledger"
        size = written(count, folder)
        print(f"{count:,} events of {size / count:.0f} bytes, a checkpoint over every {EACH:,}")
        measured("verify.py", [str(folder / "verify.py"), str(folder / "key.pub")], count)
        measured("audit verify --mirror", ["-c", ENGINE, str(folder), SIGNER.verifier_key], count)
        archived(count // 10, Path(name))


if __name__ == "__main__":
    main()
