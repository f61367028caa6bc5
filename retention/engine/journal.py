"""A job's lines in the state store: intents, outcomes, cursor, evidence.

The outcome of one batch and the intent of the next share a ledger transaction; whatever
the process dies of, of each worker at most one batch is left whose outcome is not written.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from retention.connectors.port import Key, Taken
from retention.errors import RetentionError
from retention.ledger.evidence import Sealed, key_text, pack
from retention.store.aside import SetAsideRow
from retention.store.batches import COMMITTED, BatchRow, EvidenceRow
from retention.store.runs import JobProgress
from retention.store.state import StateStore, Transaction

LEASE = timedelta(seconds=50)
"""How long a job's lease outlives its last batch; renewed with every one, and between them. Another process has
to take over within a minute."""
RUN_LEASE = timedelta(minutes=10)
"""How long a run's lease outlives its process where that can't be seen to be dead."""


@dataclass(kw_only=True)
class Numbers:
    """Numbers the batches of one run, across its jobs."""

    last: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def next(self) -> int:
        """The next batch's number, from 1 on."""
        with self._lock:
            self.last += 1
            return self.last


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What became of a batch. `freed`: records that were set aside before and went with it."""

    batch: int
    status: str
    data: Mapping[str, Any]
    freed: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Intent:
    """What a job is about to commit, before it does."""

    journal: Journal
    taken: Taken
    sealed: Sealed
    batch: int
    progress: JobProgress
    cursor: str


def intend(intents: Sequence[Intent]) -> None:
    """All of them or none: of jobs that have a share in one transaction of the target. Raises as `Journal.intent`."""
    store, now = intents[0].journal.store, intents[0].journal.clock()
    with store.begin() as tx:
        for intent in intents:
            intent.journal.write(tx, intent, now)
    for intent in intents:
        intent.journal.written()


def aside_key(key: Key) -> str:
    """A record's key as the list of records set aside has it."""
    return json.dumps([key_text(value) for value in key])


class HoldsChangedError(RetentionError):
    """A hold was placed or released, or everything stopped, since the batch looked for holds."""


@dataclass(kw_only=True)
class Journal:
    """The state store, as one job of one run writes to it.

    `lease` and `token` are the job's, `run_token` that of the run's own lease. `waiting`: records
    that earlier runs set aside, by `aside_key`. `action`: what is done to the records. `beside`: how far the job's
    other actions are, which its progress counts with this one.
    """

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
    run_token: int = 0
    waiting: frozenset[str] = frozenset()
    epoch: int | None = None
    action: str = "delete"
    beside: JobProgress = field(default_factory=JobProgress)
    _pending: list[_Outcome] = field(default_factory=list)
    _renewed: datetime | None = None

    def another(self) -> Journal:
        """The same for another worker on the job."""
        return replace(self, _pending=[], _renewed=None)

    def intent(self, taken: Taken, sealed: Sealed, *, batch: int, progress: JobProgress, cursor: str) -> None:
        """Step 6: durable before the target commits, and only while the lease is one's own.

        A lease that ran out and that nobody took is one's own still. Raises SafetyRefusal where
        another worker has taken the job over, and HoldsChangedError where a hold was placed or released
        that the recheck did not see.
        """
        one = Intent(journal=self, taken=taken, sealed=sealed, batch=batch, progress=progress, cursor=cursor)
        intend([one])

    def write(self, tx: Transaction, intent: Intent, now: datetime) -> None:
        """The intent, in a transaction that others of the same batch may share."""
        tx.leases.renew(self.lease, self.token, now, LEASE)
        if self.epoch is not None and tx.holds.epoch() != self.epoch:
            raise HoldsChangedError
        taken, sealed, batch = intent.taken, intent.sealed, intent.batch
        tx.jobs.advance(self.run, self.job, progress=self.beside.plus(intent.progress), cursor=intent.cursor)
        self._write_pending(tx, now)
        seq = tx.log.append("batch.intent", self._data(taken, batch, sealed.root), now)
        row = BatchRow(
            run=self.run,
            job=self.job,
            batch=batch,
            connector=self.connector,
            count=len(taken.keys),
            root=sealed.root.hex(),
            at=now,
            seq=seq,
        )
        tx.batches.intent(row)
        leaves = pack(sealed.leaves)
        tx.evidence.put(
            EvidenceRow(run=self.run, job=self.job, batch=batch, key_id=self.evidence_key, leaves=leaves)
        )

    def written(self) -> None:
        """The transaction that wrote what waited is durable."""
        self._pending.clear()

    def keep(self) -> None:
        """Between batches: holds the leases while batches are long in coming. Cheap when they are not.

        Raises SafetyRefusal where another worker has taken the job over.
        """
        now = self.clock()
        if self._renewed is not None and timedelta() <= now - self._renewed < LEASE / 3:
            return

        def renewed(tx: Transaction) -> None:
            tx.leases.renew(self.lease, self.token, now, LEASE)
            if self.run_token:
                tx.leases.renew(run_lease(self.run), self.run_token, now, RUN_LEASE)
            self._write_pending(tx, now)

        self.store.repeat(renewed)
        self._pending.clear()
        self._renewed = now

    def committed(self, taken: Taken, *, batch: int, root: bytes) -> None:
        """Step 8, written with the next intent or at the job's end."""
        data = self._data(taken, batch, root)
        freed = [k for k in map(aside_key, taken.keys) if k in self.waiting] if self.waiting else []
        self._pending.append(_Outcome(batch=batch, status=COMMITTED, data=data, freed=freed))

    def failed(self, taken: Taken, *, batch: int, root: bytes, status: str) -> None:
        """Step 8 for a batch that was rolled back, or of which nobody knows; written at once."""
        self._pending.append(_Outcome(batch=batch, status=status, data=self._data(taken, batch, root)))
        self.flush()

    def waits(self, why: str | None) -> None:
        """What the next batch waits for; None where it goes on."""
        now = self.clock()

        def told(tx: Transaction) -> None:
            tx.jobs.waits(self.run, self.job, why)
            self._write_pending(tx, now)

        self.store.repeat(told)
        self._pending.clear()

    def set_aside(self, key: Key, reason: str) -> None:
        """A record that the database would not delete, kept with its reason until the next run."""
        row = SetAsideRow(
            connector=self.connector,
            dataset=self.dataset,
            key=aside_key(key),
            rule=self.rule,
            reason=reason,
            run=self.run,
            at=self.clock(),
        )

        def put(tx: Transaction) -> None:
            self._write_pending(tx, row.at)
            tx.set_aside.put(row)

        self.store.repeat(put)
        self._pending.clear()

    def flush(self) -> None:
        """Writes outcomes that wait for the next intent."""
        if not self._pending:
            return
        now = self.clock()
        self.store.repeat(lambda tx: self._write_pending(tx, now))
        self._pending.clear()

    def _write_pending(self, tx: Transaction, now: datetime) -> None:
        for item in self._pending:
            if tx.batches.settle(self.run, self.job, item.batch, item.status):
                tx.log.append(f"batch.{item.status}", item.data, now)
            for key in item.freed:
                tx.set_aside.remove(self.connector, self.dataset, key)

    def _data(self, taken: Taken, batch: int, root: bytes) -> dict[str, Any]:
        return {
            "run": self.run,
            "job": self.job,
            "batch": batch,
            "count": len(taken.keys),
            "rows": dict(taken.rows),
            "root": root.hex(),
            **({} if self.action == "delete" else {"action": self.action}),
            "evidence": self.evidence_key,
            "late": {"in_time": len(taken.keys) - taken.overdue, "overdue": taken.overdue},
        }


def run_lease(run: str) -> str:
    """The lease that a run has while its process lives."""
    return f"run {run}"
