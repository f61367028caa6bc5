"""How jobs end that did not run, and what their run is called for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from retention.model.outcome import JobOutcome
from retention.model.plan import JobPlan, JobStatus
from retention.store.runs import JobProgress
from retention.store.standings import Standing


def not_run(job: JobPlan, status: JobStatus, reason: str | None) -> JobOutcome:
    """The outcome of a job of which no batch was begun."""
    return JobOutcome(
        rule=job.rule,
        connector=job.connector,
        dataset=job.dataset,
        status=status,
        reason=reason,
        planned=job.due,
        left=job.due,
    )


def stored_progress(outcome: JobOutcome) -> JobProgress:
    """An outcome's numbers as the state store keeps them."""
    return JobProgress(
        done=outcome.done,
        changed=outcome.skipped.changed,
        held=outcome.skipped.held,
        locked=outcome.skipped.locked,
        set_aside=outcome.set_aside,
        left=outcome.left,
        batches=outcome.batches,
        millis=int(outcome.seconds * 1000),
        rows=dict(outcome.rows),
    )


def as_events(outcomes: Sequence[JobOutcome]) -> list[dict[str, Any]]:
    """The jobs of `run.ended`, as the ledger has them."""
    return [
        {
            "rule": o.rule,
            "connector": o.connector,
            "dataset": o.dataset,
            "status": o.status.value,
            "planned": o.planned,
            "done": o.done,
            "changed": o.skipped.changed,
            "held": o.skipped.held,
            "locked": o.skipped.locked,
            "set_aside": o.set_aside,
            "left": o.left,
            "rows": dict(o.rows),
            **({} if o.counted else {"counted": False}),
        }
        for o in outcomes
    ]


def standing_of(outcome: JobOutcome, run: str, at: datetime) -> Standing:
    """What is remembered of a job beyond its run. One that waits for a person, or was stopped, has neither failed
    nor succeeded."""
    failed = outcome.status in (JobStatus.FAILED, JobStatus.REFUSED, JobStatus.PARTIAL) and not outcome.busy
    succeeded = outcome.status in (JobStatus.DONE, JobStatus.NOTHING)
    return Standing(
        rule=outcome.rule,
        connector=outcome.connector,
        dataset=outcome.dataset,
        run=run,
        at=at,
        status=outcome.status.value,
        reason=outcome.reason,
        succeeded=at if succeeded else None,
        failures=1 if failed else 0,
    )


def status_of(outcomes: Sequence[JobOutcome]) -> str:
    """The run's status: its worst job's."""
    found = {outcome.status for outcome in outcomes}
    for status, word in (
        (JobStatus.STOPPED, "interrupted"),
        (JobStatus.FAILED, "failed"),
        (JobStatus.REFUSED, "refused"),
        (JobStatus.AWAITING, "refused"),
        (JobStatus.PARTIAL, "partial"),
        (JobStatus.DONE, "done"),
    ):
        if status in found:
            return word
    return "nothing"
