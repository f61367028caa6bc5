"""One record moved back from its vault: the steps of a batch, with who asked for it and why in its intent.

It is a run of its own, of one batch and no plan, so that a process that dies in the middle leaves what the next start
settles like any batch in doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from retention.connectors.port import Key, Lost, Marker, Refused, Remover, Taken, Transient, Window
from retention.engine.journal import LEASE, RUN_LEASE, run_lease
from retention.engine.recovery import lease_name, released_data
from retention.errors import RetentionError, SafetyRefusal, UnreachableError
from retention.ledger.evidence import Sealed, pack
from retention.model.policy import RELEASE
from retention.store.batches import COMMITTED, ROLLED_BACK, UNKNOWN, BatchRow, EvidenceRow
from retention.store.owners import this_process
from retention.store.runs import RunRow
from retention.store.state import StateStore, Transaction

_BATCH = 1


@dataclass(frozen=True, kw_only=True)
class GivingBack:
    """`run`: its name; `source`, `vault`: datasets of `connector`. `epoch`: of the holds that `remover` knows of.

    `said`: who, why, by which reference, as the ledger is to have it.
    """

    store: StateStore
    clock: Callable[[], datetime]
    run: str
    connector: str
    vault: str
    source: str
    policy: str
    evidence_key: str
    epoch: int
    said: Mapping[str, Any]

    @property
    def job(self) -> str:
        """As the state store and the ledger name it."""
        return f"{RELEASE}/{self.connector}/{self.vault}"

    def give_back(self, remover: Remover, key: Key) -> Taken:
        """The record's batch. SafetyRefusal where it can't go back, or another is at work on the vault."""
        now = self.clock()
        with self.store.begin() as tx:
            token = tx.leases.acquire(lease_name(self.job), this_process(), now, LEASE)
        try:
            return self._batch(remover, key, token)
        finally:
            with suppress(RetentionError), self.store.begin() as tx:
                tx.leases.release(lease_name(self.job), token)

    def _batch(self, remover: Remover, key: Key, token: int) -> Taken:
        remover.begin()
        intended = False
        try:
            taken = remover.take(Window(after={}, keys=(key,)), 1, wait=True)
            if taken.sealed is None or len(taken.keys) != 1:
                why = "somebody is at work on it" if taken.locked else "it is held, or not there any more"
                raise SafetyRefusal(f"the record was left where it is: {why}")
            root = taken.sealed.root
            remover.mark(
                Marker(
                    origin=self.store.origin,
                    run=self.run,
                    batch=_BATCH,
                    status="committed",
                    root=root.hex(),
                    count=1,
                )
            )
            data = self._intent(taken, taken.sealed, token)
            intended = True
            remover.commit()
        except BaseException as error:
            if not isinstance(error, Lost):
                remover.rollback()
            if intended:
                self._end(ROLLED_BACK if isinstance(error, Transient | Refused) else UNKNOWN, data)
            if isinstance(error, Lost):
                raise UnreachableError(error.message) from error
            raise
        self._end(COMMITTED, data)
        return taken

    def _intent(self, taken: Taken, sealed: Sealed, token: int) -> dict[str, Any]:
        """Durable before the target commits; it says already why, for whoever finds out what became of it."""
        now = self.clock()
        data = {
            "run": self.run,
            "job": self.job,
            "batch": _BATCH,
            "count": 1,
            "rows": dict(taken.rows),
            "root": sealed.root.hex(),
            "action": RELEASE,
            "evidence": self.evidence_key,
            "late": {"in_time": 1, "overdue": 0},
            "to": self.source,
            **self.said,
        }
        with self.store.begin() as tx:
            tx.leases.renew(lease_name(self.job), token, now, LEASE)
            if tx.holds.epoch() != self.epoch:
                raise SafetyRefusal("a hold was placed or released meanwhile; type it again")
            tx.leases.acquire(run_lease(self.run), this_process(), now, RUN_LEASE)
            by = str(self.said["by"])
            tx.runs.start(RunRow(id=self.run, as_of=now, started=now, by=by, policy=self.policy))
            seq = tx.log.append("batch.intent", data, now)
            tx.batches.intent(
                BatchRow(
                    run=self.run,
                    job=self.job,
                    batch=_BATCH,
                    connector=self.connector,
                    count=1,
                    root=sealed.root.hex(),
                    at=now,
                    seq=seq,
                )
            )
            tx.evidence.put(
                EvidenceRow(
                    run=self.run,
                    job=self.job,
                    batch=_BATCH,
                    key_id=self.evidence_key,
                    leaves=pack(sealed.leaves),
                )
            )
        return data

    def _end(self, status: str, data: Mapping[str, Any]) -> None:
        """What became of it; where that can't be written, the next start finds out."""
        now = self.clock()
        with suppress(RetentionError), self.store.begin() as tx:
            if tx.batches.settle(self.run, self.job, _BATCH, status):
                _append(tx, status, {name: data[name] for name in data if name not in self.said}, now)
                if status == COMMITTED:
                    tx.log.append("record.released", released_data(data), now)
            tx.runs.end(self.run, status="done" if status == COMMITTED else "failed", at=now, body="{}")
            tx.log.checkpoint(now)


def _append(tx: Transaction, status: str, data: Mapping[str, Any], now: datetime) -> None:
    if status == COMMITTED:
        tx.log.append("batch.committed", data, now)
    elif status == ROLLED_BACK:
        tx.log.append("batch.rolled_back", data, now)
    else:
        tx.log.append("batch.unknown", data, now)
