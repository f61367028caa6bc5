"""Why records whose time has come are still there: what the last plan and the last run knew of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from retention.model.plan import JobPlan, JobStatus
from retention.model.status import OverdueLine, RunningLine, StandingLine, Status, StayingLine
from retention.store.runs import RunRow

_UNDONE = (JobStatus.REFUSED.value, JobStatus.FAILED.value, JobStatus.PARTIAL.value)
_HINDERED = (
    ("set_aside", "set aside", "set aside with a reason, and tried again at every run"),
    ("locked", "locked", "locked by others when the last run came by; the next one tries again"),
)
_STAY = (
    ("conflict", True, "kept by another rule, past this rule's own at_most"),
    ("held", False, "under a legal hold"),
    ("retained", False, "kept by another rule"),
    ("deferred", False, "deferred while the rule says so"),
)


def as_planned(job: JobPlan) -> tuple[StayingLine, ...]:
    """What the plan counted that no run of this job would remove."""
    found = []
    if many := job.fates["referenced"]:
        tables = ", ".join(f"{table} ({count:,})" for table, count in job.referenced_by.items())
        text = f"referred to by rows that stay: {tables}" if tables else "referred to by rows that stay"
        found.append(StayingLine(why="referenced", records=many, text=text))
    found += (
        StayingLine(why=fate, records=many, text=text, late=late)
        for fate, late, text in _STAY
        if (many := job.fates[fate])
    )
    return tuple(found)


def explained(status: Status, runs: Sequence[RunRow]) -> Status:
    """The same, with what keeps the due records of each job from going. `runs`: newest first."""
    told = [json.loads(row.body).get("jobs", []) for row in runs if row.ended is not None]

    def of(line: OverdueLine) -> OverdueLine:
        last = next((job for jobs in told for job in jobs if _same(line, job)), None)
        return replace(line, stays=(*_due(line, status, last), *line.stays))

    return replace(status, overdue=tuple(map(of, status.overdue)))


def _same(line: OverdueLine, job: Mapping[str, Any]) -> bool:
    return (job["rule"], job["connector"], job["dataset"]) == (line.rule, line.connector, line.dataset)


def _due(line: OverdueLine, status: Status, last: Mapping[str, Any] | None) -> Iterator[StayingLine]:
    """`last`: the job as the newest run that had it told."""
    left = line.due
    skipped = {} if last is None else {**last["skipped"], "set_aside": last["set_aside"]}
    for key, why, text in _HINDERED:
        many = min(left, int(skipped.get(key, 0)))
        if many:
            left -= many
            yield StayingLine(why=why, records=many, text=text)
    if left:
        why, text = _waits(line, status)
        yield StayingLine(why=why, records=left, text=text)


def _waits(line: OverdueLine, status: Status) -> tuple[str, str]:
    """What the rest of the due records wait for, in the order in which it has to be cleared away."""
    if status.stopped is not None:
        return "stopped", "everything is stopped; type: retention resume"
    if any(_is_of(line, job) for job in status.running):
        return "running", "a run is at it"
    waiting = next((each for each in status.waiting if each.rule == line.rule), None)
    if waiting is not None:
        return "approval", f"a person has to approve: {waiting.reason}"
    coming = next((each for each in status.next if each.rule == line.rule), None)
    if line.rule in status.awaited or (coming is not None and coming.waits is not None):
        why = (
            coming.waits
            if coming is not None and coming.waits is not None
            else "the last run found no approval"
        )
        return "approval", f"{why}; type: retention plan, and approve it"
    if line.refused is not None:
        return "refused", line.refused
    fared = next((each for each in status.standing if _is_of(line, each)), None)
    if fared is not None and fared.status in _UNDONE and fared.at >= line.as_of:
        return (
            fared.status,
            f"the last run was {fared.status}: {fared.reason or 'it did not come to the end'}",
        )
    if coming is not None and coming.at is not None:
        return "schedule", f"the next run is at {coming.at.isoformat(sep=' ', timespec='minutes')}"
    return "by hand", "no schedule starts a run; type: retention run"


def _is_of(line: OverdueLine, job: RunningLine | StandingLine) -> bool:
    return (job.rule, job.connector, job.dataset) == (line.rule, line.connector, line.dataset)
