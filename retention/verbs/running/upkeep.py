"""What a run does for those who will ask later: evidence is put where it is found, and dropped when it is old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from retention import periods
from retention.config import Configuration
from retention.errors import RetentionError
from retention.ledger.line import format_instant
from retention.model.clock import Clock as Counting
from retention.model.plan import JobPlan, JobStatus
from retention.store.runs import JobRow
from retention.store.state import StateStore, Transaction
from retention.verbs.opening.configured import Clock
from retention.verbs.proof.published import publish_newest


def tidy(state: StateStore, config: Configuration, jobs: Sequence[JobPlan], clock: Clock) -> tuple[str, ...]:
    """Groups the evidence of committed batches, drops what is older than `evidence_keep`, publishes the checkpoint.

    Jobs that died and have nothing to come back to are ended; `jobs`: the plan's.

    Housekeeping, so nothing of it fails a run: a sentence says what could not be done, and the next run tries again.
    """
    notes: tuple[str, ...] = ()
    try:
        _end_the_dead(state, config, jobs, clock)
        _drop(state, config, clock)
        _group(state)
    except RetentionError as error:
        notes = (f"the state store was not put in order: {error.message}",)
    return (*notes, *publish_newest(state, config))


def end_dead(tx: Transaction, row: JobRow, now: datetime) -> None:
    """A job that died ends as killed, with what its committed batches did; its cursor is forgotten."""
    progress = row.progress.having_done(tx.batches.committed(row.run).get(row.job, 0))
    tx.jobs.end(row.run, row.job, status="killed", at=now, progress=progress)


def _end_the_dead(state: StateStore, config: Configuration, jobs: Sequence[JobPlan], clock: Clock) -> None:
    """Jobs of ended runs that no run will go on with: nothing is left to do, or no rule names their records any more.

    A cursor is a record's key, and nobody's to keep. What has records left keeps its own for the next run.
    """
    nothing = {job.name for job in jobs if job.status is JobStatus.NOTHING}
    with state.read() as snapshot:
        runs = {row.id for row in snapshot.runs.open()}
        dead = [row for row in snapshot.jobs.open() if row.run not in runs]
    dead = [row for row in dead if row.job in nothing or not _named(config, row)]
    if dead:
        with state.begin() as tx:
            for row in dead:
                end_dead(tx, row, clock())


def _named(config: Configuration, row: JobRow) -> bool:
    connector = config.connectors.get(row.connector)
    return row.rule in config.policy.rules and connector is not None and row.dataset in connector.datasets


def _group(state: StateStore) -> None:
    with state.read() as snapshot:
        full = snapshot.finding.waiting()
    for rows in full:
        with state.begin() as tx:
            tx.grouping.make(rows)


def _drop(state: StateStore, config: Configuration, clock: Clock) -> None:
    keep = config.settings.evidence_keep
    if keep is None:
        return
    now = clock()
    line = periods.cutoff(now, Counting(period=keep, timezone=config.policy.timezone)).instant
    with state.read() as snapshot:
        if not snapshot.finding.older(line) and not snapshot.refusals.older(line):
            return
    with state.begin() as tx:
        batches, records = tx.grouping.drop(line)
        refused = tx.refusals.drop(line)
        before = format_instant(line)
        data: dict[str, object] = {"before": before, "batches": batches, "records": records}
        data |= {"by": "evidence_keep", **({"refused": refused} if refused else {})}
        tx.log.append("evidence.dropped", data, now)
        tx.log.checkpoint(now)
