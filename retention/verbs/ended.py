"""How jobs end that did not run, and what their run is called for it."""

from __future__ import annotations

from collections.abc import Sequence

from retention.model.outcome import JobOutcome
from retention.model.plan import JobPlan, JobStatus


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
