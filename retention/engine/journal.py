"""A job's lines in the state store: intents, outcomes, cursor, evidence.

The outcome of one batch and the intent of the next share a ledger transaction; whatever
the process dies of, at most one batch is left whose outcome is not written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from retention.connectors.port import Taken
from retention.store.aside import SetAsideRow
from retention.store.batches import COMMITTED, BatchRow, EvidenceRow
from retention.store.runs import JobProgress
from retention.store.state import StateStore, Transaction

LEASE = timedelta(seconds=60)
"""How long a job's lease outlives its last batch; renewed with every one."""


@dataclass(kw_only=True)
class Numbers:
    """Numbers the batches of one run, across its jobs."""

    last: int = 0

    def next(self) -> int:
        """The next batch's number, from 1 on."""
        self.last += 1
        return self.last


@dataclass(kw_only=True)
class Journal:
    """The state store, as one job of one run writes to it."""

    store: StateStore
    clock: Callable[[], datetime]
    run: str
    job: str
    connector: str
    dataset: str
    rule: str
    lease: str
    token: int
    evidence_key: str
    numbers: Numbers
    _pending: list[tuple[int, str, Mapping[str, Any]]] = field(default_factory=list)

    def intent(
        self, taken: Taken, *, batch: int, root: bytes, leaves: bytes, progress: JobProgress, cursor: str
    ) -> None:
        """Step 6: durable before the target commits, and only while the lease is one's own.

        Raises SafetyRefusal where another worker has taken the job over.
        """
        now = self.clock()
        data = self._data(taken, batch, root)
        with self.store.begin() as tx:
            self._write_pending(tx, now)
            tx.leases.check(self.lease, self.token, now)
            tx.leases.renew(self.lease, self.token, now, LEASE)
            tx.log.append("batch.intent", data, now)
            row = BatchRow(
                run=self.run,
                job=self.job,
                batch=batch,
                connector=self.connector,
                count=len(taken.keys),
                root=root.hex(),
                at=now,
            )
            tx.batches.intent(row)
            evidence = EvidenceRow(
                run=self.run, job=self.job, batch=batch, key_id=self.evidence_key, leaves=leaves
            )
            tx.evidence.put(evidence)
            tx.jobs.advance(self.run, self.job, progress=progress, cursor=cursor)
        self._pending.clear()

    def committed(self, taken: Taken, *, batch: int, root: bytes) -> None:
        """Step 8, written with the next intent or at the job's end."""
        self._pending.append((batch, COMMITTED, self._data(taken, batch, root)))

    def failed(self, taken: Taken, *, batch: int, root: bytes, status: str) -> None:
        """Step 8 for a batch that was rolled back, or of which nobody knows; written at once."""
        self._pending.append((batch, status, self._data(taken, batch, root)))
        self.flush()

    def set_aside(self, key: Any, reason: str) -> None:
        """A record that the database would not delete, kept with its reason until the next run."""
        now = self.clock()
        with self.store.begin() as tx:
            self._write_pending(tx, now)
            tx.set_aside.put(
                SetAsideRow(
                    connector=self.connector,
                    dataset=self.dataset,
                    key=json.dumps(key),
                    rule=self.rule,
                    reason=reason,
                    run=self.run,
                    at=now,
                )
            )
        self._pending.clear()

    def flush(self) -> None:
        """Writes outcomes that wait for the next intent."""
        if not self._pending:
            return
        now = self.clock()
        with self.store.begin() as tx:
            self._write_pending(tx, now)
        self._pending.clear()

    def _write_pending(self, tx: Transaction, now: datetime) -> None:
        for batch, status, data in self._pending:
            tx.log.append(f"batch.{status}", data, now)
            tx.batches.outcome(self.run, self.job, batch, status)

    def _data(self, taken: Taken, batch: int, root: bytes) -> dict[str, Any]:
        return {
            "run": self.run,
            "job": self.job,
            "batch": batch,
            "count": len(taken.keys),
            "rows": dict(taken.rows),
            "root": root.hex(),
            "evidence": self.evidence_key,
            "late": {"in_time": len(taken.keys) - taken.overdue, "overdue": taken.overdue},
        }
