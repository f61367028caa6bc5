"""Rules of a run whose records stay after all, and what waits for them: a record goes after those that refer to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from retention.model.outcome import JobOutcome
from retention.model.plan import JobPlan, JobStatus
from retention.planning.binding.bound import BoundDataset
from retention.planning.fates.chains import removes
from retention.planning.leading import leading

_STAYS = (JobStatus.AWAITING, JobStatus.REFUSED, JobStatus.FAILED, JobStatus.STOPPED)


def naming_absent(
    outcome: JobOutcome, jobs: Sequence[JobPlan], ended: Sequence[JobOutcome], bound: Sequence[BoundDataset]
) -> JobOutcome:
    """The outcome; where records were passed over, with the rules that may be why, since they did not run.

    `jobs`: of the plan, which counted on all of them; `ended`: those that have had their turn.
    """
    if not outcome.skipped.changed:
        return outcome
    absent = ", ".join(f"`{rule}` ({status.value})" for rule, status in _absent(outcome, jobs, ended, bound))
    if not absent:
        return outcome
    why = f"{outcome.skipped.changed:,} of its records may wait for records of {absent}"
    return replace(outcome, reason=why if outcome.reason is None else f"{outcome.reason}; {why}")


def _absent(
    outcome: JobOutcome, jobs: Sequence[JobPlan], ended: Sequence[JobOutcome], bound: Sequence[BoundDataset]
) -> Iterator[tuple[str, JobStatus]]:
    """Each rule once, with how it ended where its records refer to those of the outcome."""
    own = (outcome.rule, outcome.connector, outcome.dataset)
    became = {(each.rule, each.connector, each.dataset): each.status for each in ended}
    named = {str(each): each for each in bound}
    others = leading(bound)[f"{outcome.connector}.{outcome.dataset}"]
    found: dict[str, JobStatus] = {}
    for job in jobs:
        where, place = f"{job.connector}.{job.dataset}", (job.rule, job.connector, job.dataset)
        status = became.get(place, job.status)
        if place == own or status not in _STAYS or where not in others:
            continue
        if any(many and removes(action, named[where]) for action, many in job.actions.items()):
            found.setdefault(job.rule, status)
    yield from found.items()
