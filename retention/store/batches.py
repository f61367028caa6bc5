"""Batches and the evidence of what was in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, literal_column, select, update

from retention.errors import RetentionError
from retention.ledger.line import format_instant
from retention.ledger.tree import HASH_SIZE
from retention.store.columns import raw
from retention.store.schema import batch, evidence
from retention.store.sending import inserting, updating

INTENT = "intent"
COMMITTED = "committed"
ROLLED_BACK = "rolled_back"
UNKNOWN = "unknown"
ABORTED = "aborted"

_UNRESOLVED = (INTENT, UNKNOWN)
_MAY_BECOME = {
    COMMITTED: _UNRESOLVED,
    ROLLED_BACK: _UNRESOLVED,
    ABORTED: _UNRESOLVED,
    UNKNOWN: (INTENT,),
}

_FIELDS = ("run", "job", "batch", "connector", "count", "root", "at", "status", "folded", "seq")
_ADD = inserting(batch, *_FIELDS)
_ADD_EVIDENCE = inserting(evidence, "run", "job", "batch", "key_id", "count", "leaves")
_SETTLE = updating(
    batch,
    "status",
    where=[
        batch.c.run == bindparam("its_run"),
        batch.c.job == bindparam("its_job"),
        batch.c.batch == bindparam("its_batch"),
        batch.c.status.in_([literal_column(f"'{status}'") for status in _UNRESOLVED]),
    ],
)


@dataclass(frozen=True, kw_only=True)
class BatchRow:
    """One transaction in a target. `count`: records; `root`: hex, over its evidence; `seq`: of its `batch.intent`."""

    run: str
    job: str
    batch: int
    connector: str
    count: int
    root: str
    at: datetime
    status: str = INTENT
    folded: bool = False
    seq: int | None = None


@dataclass(frozen=True, kw_only=True)
class EvidenceRow:
    """A batch's sorted commitments under the evidence key `key_id`: 32 bytes a record."""

    run: str
    job: str
    batch: int
    key_id: str
    leaves: bytes

    @property
    def count(self) -> int:
        """How many records are committed to."""
        return len(self.leaves) // HASH_SIZE


class BatchesReading:
    """Batches, for reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, run: str, job: str, number: int) -> BatchRow | None:
        """One batch; None where there is none."""
        row = self._connection.execute(select(batch).where(*_is(run, job, number))).one_or_none()
        return None if row is None else _batch(row)

    def unresolved(self, connector: str | None = None) -> list[BatchRow]:
        """Batches of which nobody knows yet whether they were committed, oldest first."""
        query = select(batch).where(batch.c.status.in_(_UNRESOLVED))
        if connector is not None:
            query = query.where(batch.c.connector == connector)
        return [_batch(row) for row in self._connection.execute(query.order_by(batch.c.at, batch.c.batch))]

    def settled(self, connector: str) -> list[BatchRow]:
        """Committed batches whose markers have not been folded yet, oldest first."""
        query = (
            select(batch)
            .where(batch.c.connector == connector, batch.c.status == COMMITTED, batch.c.folded.is_(False))
            .order_by(batch.c.at, batch.c.batch)
        )
        return [_batch(row) for row in self._connection.execute(query)]

    def committed(self, run: str) -> dict[str, int]:
        """Job → records of its batches that are known to have been committed."""
        query = (
            select(batch.c.job, func.sum(batch.c.count))
            .where(batch.c.run == run, batch.c.status == COMMITTED)
            .group_by(batch.c.job)
        )
        return {row[0]: int(row[1]) for row in self._connection.execute(query)}

    def known(self, connector: str, runs: Iterable[str]) -> set[tuple[str, int]]:
        """(run, batch) of every batch of these runs in one target, whatever became of it."""
        found: set[tuple[str, int]] = set()
        for run in runs:
            query = select(batch.c.run, batch.c.batch).where(
                batch.c.run == run, batch.c.connector == connector
            )
            found |= {(row.run, row.batch) for row in self._connection.execute(query)}
        return found

    def folded(self, connector: str) -> dict[str, int]:
        """Run → records, of runs whose markers in one target are one row."""
        query = (
            select(batch.c.run, func.sum(batch.c.count))
            .where(batch.c.connector == connector, batch.c.status == COMMITTED, batch.c.folded.is_(True))
            .group_by(batch.c.run)
        )
        return {row[0]: int(row[1]) for row in self._connection.execute(query)}


class Batches(BatchesReading):
    """Batches, within a write transaction."""

    def intent(self, row: BatchRow) -> None:
        """Record that a batch is about to be committed.

        Where it is there already, RetentionError is raised by the transaction's next question, or
        by its end.
        """
        values = {name: getattr(row, name) for name in _FIELDS}
        _ADD.later(
            self._connection, {**values, "at": format_instant(row.at), "status": INTENT, "folded": False}
        )

    def settle(self, run: str, job: str, number: int, status: str) -> bool:
        """Record what became of a batch, unless somebody has done so before: whether it was recorded.

        Raises RetentionError for a batch that is not there.
        """
        if status not in _MAY_BECOME:
            raise RetentionError(f"{status!r} is no outcome of a batch")
        values = {"new_status": status, "its_run": run, "its_job": job, "its_batch": number}
        if _SETTLE.count(self._connection, values) == 1:
            return True
        if self.get(run, job, number) is None:
            raise RetentionError(f"there is no batch {number} of {job} in run {run}")
        return False

    def outcome(self, run: str, job: str, number: int, status: str) -> None:
        """Record what became of a batch: committed, rolled_back, unknown or aborted.

        The same outcome again is no error. Raises RetentionError for a batch that has another
        one, or that is not there.
        """
        before = _MAY_BECOME.get(status)
        if before is None:
            raise RetentionError(f"{status!r} is no outcome of a batch")
        query = update(batch).where(*_is(run, job, number), batch.c.status.in_((*before, status)))
        if self._connection.execute(query, {"status": status}).rowcount != 1:
            raise RetentionError(f"batch {number} of {job} in run {run} cannot become {status} any more")

    def mark_folded(self, run: str, connector: str) -> None:
        """Say that a run's markers in one target are one row now."""
        query = update(batch).where(
            batch.c.run == run, batch.c.connector == connector, batch.c.status == COMMITTED
        )
        self._connection.execute(query, {"folded": True})


class EvidenceReading:
    """Evidence, for reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, run: str, job: str, number: int) -> EvidenceRow | None:
        """The evidence of one batch; None where there is none."""
        query = select(evidence).where(
            evidence.c.run == run, evidence.c.job == job, evidence.c.batch == number
        )
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        return EvidenceRow(run=run, job=job, batch=number, key_id=row.key_id, leaves=raw(row.leaves))

    def keys(self) -> list[str]:
        """The ids of all evidence keys that something is committed under."""
        return list(
            self._connection.scalars(select(evidence.c.key_id).distinct().order_by(evidence.c.key_id))
        )


class Evidence(EvidenceReading):
    """Evidence, within a write transaction."""

    def put(self, row: EvidenceRow) -> None:
        """Store a batch's evidence, after its intent. Raises RetentionError for half a commitment."""
        if len(row.leaves) % HASH_SIZE:
            raise RetentionError("evidence has 32 bytes a record")
        values = {"run": row.run, "job": row.job, "batch": row.batch, "key_id": row.key_id}
        _ADD_EVIDENCE.later(self._connection, {**values, "count": row.count, "leaves": row.leaves})


def _is(run: str, job: str, number: int) -> tuple[Any, Any, Any]:
    return batch.c.run == run, batch.c.job == job, batch.c.batch == number


def _batch(row: Row[Any]) -> BatchRow:
    fields = row._mapping
    return BatchRow(**{name: fields[name] for name in _FIELDS})
