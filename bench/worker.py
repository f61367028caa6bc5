"""One run of the engine in a process of its own: its seconds, transactions and peak memory, as JSON."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from retention.cli import collect_seldom
from retention.connectors.sql.batches.removal import KeyRemover
from retention.model.place import Place
from retention.model.progress import NoProgress
from retention.verbs.init import init
from retention.verbs.run import run

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def main() -> None:
    """Arguments: a folder with the configuration."""
    collect_seldom()  # as every command does
    folder = Path(sys.argv[1])
    place = Place(
        config=folder / "policies.toml",
        connectors=folder / "connectors",
        state=None,
        environ=dict(os.environ),
    )
    init(folder, place, by="bench", clock=lambda: datetime.now(UTC))
    spans: list[float] = []
    begun = [0.0]
    begin, commit = KeyRemover.begin, KeyRemover.commit

    def timed_begin(self: KeyRemover) -> None:
        begun[0] = time.perf_counter()
        begin(self)

    def timed_commit(self: KeyRemover) -> None:
        commit(self)
        spans.append(time.perf_counter() - begun[0])

    KeyRemover.begin, KeyRemover.commit = timed_begin, timed_commit  # type: ignore[method-assign]
    started = time.perf_counter()
    outcome = run(
        place, as_of="2026-11-25", by="bench", clock=lambda: datetime.now(UTC), progress=NoProgress()
    )
    seconds = time.perf_counter() - started
    job = max(outcome.jobs, key=lambda job: job.done)
    spans.sort()
    told = {
        "done": job.done,
        "status": outcome.status,
        "rows": dict(job.rows),
        "seconds": seconds,
        "deleting": job.seconds,
        "transactions": len(spans),
        "p50": spans[len(spans) // 2] if spans else 0.0,
        "p99": spans[int(len(spans) * 0.99)] if spans else 0.0,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
