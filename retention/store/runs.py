"""Runs and their jobs: what is executed, how far it got, how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from retention.errors import RetentionError
from retention.store.schema import job, run
from retention.store.sending import updating

_COUNTS = ("done", "changed", "held", "locked", "set_aside", "left", "batches", "millis")
_ADVANCE = updating(
    job,
    *_COUNTS,
    "rows",
    "cursor",
    where=[job.c.run == bindparam("its_run"), job.c.job == bindparam("its_job")],
)


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One execution. `ended` None: it runs now, or was killed. `policy` is a digest, `body` JSON."""

    id: str
    as_of: datetime
    started: datetime
    by: str
    policy: str
    plan: str | None = None
    status: str = "running"
    ended: datetime | None = None
    body: str = "{}"


@dataclass(frozen=True, kw_only=True)
class JobProgress:
    """How far a job got. planned = done + changed + held + locked + set_aside + left.

    `rows`: table → rows removed. `millis`: working time in milliseconds.
    """

    done: int = 0
    changed: int = 0
    held: int = 0
    locked: int = 0
    set_aside: int = 0
    left: int = 0
    batches: int = 0
    millis: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)

    def having_done(self, records: int) -> JobProgress:
        """The same of a job that died: its last batch was counted before it was committed, and may never have been."""
        return replace(self, done=records, left=self.left + self.done - records)

    def plus(self, other: JobProgress) -> JobProgress:
        """Both together."""
        numbers = ("done", "changed", "held", "locked", "set_aside", "left", "batches", "millis")
        sums = {name: getattr(self, name) + getattr(other, name) for name in numbers}
        tables = [*self.rows, *(table for table in other.rows if table not in self.rows)]
        rows = {table: self.rows.get(table, 0) + other.rows.get(table, 0) for table in tables}
        return JobProgress(**sums, rows=rows)


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """Rule × dataset within a run. `cursor` is JSON (personal data: the key that the job got to).

    `waits`: what the next batch waits for.
    """

    run: str
    job: str
    rule: str
    connector: str
    dataset: str
    as_of: datetime
    started: datetime
    planned: int
    status: str = "running"
    reason: str | None = None
    ended: datetime | None = None
    cursor: str | None = None
    waits: str | None = None
    progress: JobProgress = field(default_factory=JobProgress)


class RunsReading:
    """Runs, for reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, id: str) -> RunRow | None:
        """The run of this id; None where there is none."""
        row = self._connection.execute(select(run).where(run.c.id == id)).one_or_none()
        return None if row is None else _run(row)

    def newest(self, limit: int = 50) -> list[RunRow]:
        """Runs, newest first."""
        query = select(run).order_by(run.c.number.desc()).limit(limit)
        return [_run(row) for row in self._connection.execute(query)]

    def of_plan(self, plan: str) -> list[RunRow]:
        """The runs that carried this plan out, or a part of it, oldest first."""
        query = select(run).where(run.c.plan == plan).order_by(run.c.number)
        return [_run(row) for row in self._connection.execute(query)]

    def open(self) -> list[RunRow]:
        """Runs that have not ended, oldest first: they run now, or were killed."""
        query = select(run).where(run.c.ended.is_(None)).order_by(run.c.number)
        return [_run(row) for row in self._connection.execute(query)]


class Runs(RunsReading):
    """Runs, within a write transaction."""

    def start(self, row: RunRow) -> None:
        """Record that a run begins. Raises RetentionError for an id that is taken."""
        values = {name: getattr(row, name) for name in _RUN_FIELDS}
        self._connection.execute(insert(run), values)

    def end(self, id: str, *, status: str, at: datetime, body: str) -> None:
        """Record how a run ended. Raises RetentionError where it has ended already, or never began."""
        query = update(run).where(run.c.id == id, run.c.ended.is_(None))
        if self._connection.execute(query, {"status": status, "ended": at, "body": body}).rowcount != 1:
            raise RetentionError(f"run {id} is not open")


class JobsReading:
    """Jobs, for reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, run: str, name: str) -> JobRow | None:
        """One job of a run; None where there is none of this name."""
        row = self._connection.execute(select(job).where(*_is(run, name))).one_or_none()
        return None if row is None else _job(row)

    def of(self, run: str) -> list[JobRow]:
        """A run's jobs, in the order in which they were put."""
        query = select(job).where(job.c.run == run).order_by(job.c.number)
        return [_job(row) for row in self._connection.execute(query)]

    def last(self) -> list[JobRow]:
        """The newest job of each rule, connector and dataset."""
        newest = select(func.max(job.c.number)).group_by(job.c.rule, job.c.connector, job.c.dataset)
        query = select(job).where(job.c.number.in_(newest)).order_by(job.c.number)
        return [_job(row) for row in self._connection.execute(query)]

    def open(self) -> list[JobRow]:
        """Jobs that have not ended: they are at work, or died with their cursor."""
        query = select(job).where(job.c.ended.is_(None)).order_by(job.c.number)
        return [_job(row) for row in self._connection.execute(query)]

    def cursor(self, run: str, name: str) -> str | None:
        """How far the job got, as JSON; None at its beginning."""
        return self._connection.scalar(select(job.c.cursor).where(*_is(run, name)))


class Jobs(JobsReading):
    """Jobs, within a write transaction."""

    def waits(self, run: str, name: str, why: str | None) -> None:
        """Record what the next batch of a job waits for; None where it goes on."""
        self._connection.execute(update(job).where(*_is(run, name)), {"waits": why})

    def put(self, row: JobRow) -> None:
        """Record that a job begins. Raises RetentionError where the run has one of this name."""
        values = {name: getattr(row, name) for name in _JOB_FIELDS}
        self._connection.execute(insert(job), {**values, **_progress_columns(row.progress)})

    def advance(self, run: str, name: str, *, progress: JobProgress, cursor: str | None) -> None:
        """Store counters and cursor: with every batch.

        Where there is no such job, RetentionError is raised by the transaction's next question, or
        by its end.
        """

        def there(count: int) -> None:
            if count != 1:
                raise _no_job(run, name)

        new = {**_progress_columns(progress), "cursor": cursor}
        values = {f"new_{column}": value for column, value in new.items()}
        _ADVANCE.later(self._connection, {**values, "its_run": run, "its_job": name}, there)

    def end(
        self,
        run: str,
        name: str,
        *,
        status: str,
        at: datetime,
        progress: JobProgress,
        reason: str | None = None,
    ) -> None:
        """Record how a job ended; its cursor, which is a record's key, is forgotten."""
        ending = {"status": status, "reason": reason, "ended": at, "cursor": None, "waits": None}
        self._set(run, name, {**_progress_columns(progress), **ending})

    def _set(self, run: str, name: str, values: dict[str, Any]) -> None:
        if self._connection.execute(update(job).where(*_is(run, name)), values).rowcount != 1:
            raise _no_job(run, name)


_RUN_FIELDS = ("id", "as_of", "started", "by", "policy", "plan", "status", "ended", "body")
_JOB_FIELDS = (
    "run",
    "job",
    "rule",
    "connector",
    "dataset",
    "as_of",
    "started",
    "planned",
    "status",
    "reason",
    "ended",
    "cursor",
    "waits",
)


def _is(run: str, name: str) -> tuple[Any, Any]:
    return job.c.run == run, job.c.job == name


def _no_job(run: str, name: str) -> RetentionError:
    return RetentionError(f"run {run} has no job {name}")


def _progress_columns(progress: JobProgress) -> dict[str, Any]:
    counts: dict[str, Any] = {name: getattr(progress, name) for name in _COUNTS}
    return {**counts, "rows": json.dumps(dict(progress.rows), sort_keys=True)}


def _run(row: Row[Any]) -> RunRow:
    fields = row._mapping
    return RunRow(**{name: fields[name] for name in _RUN_FIELDS})


def _job(row: Row[Any]) -> JobRow:
    fields = row._mapping
    progress = JobProgress(**{name: fields[name] for name in _COUNTS}, rows=json.loads(fields["rows"]))
    return JobRow(**{name: fields[name] for name in _JOB_FIELDS}, progress=progress)
