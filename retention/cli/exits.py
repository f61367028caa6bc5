"""Exit codes of answers. (Those of errors are in the tree of `retention.errors`.)"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retention.model.explanation import CheckReport
    from retention.model.outcome import RunOutcome
    from retention.model.plan import JobStatus, Plan
    from retention.model.status import Status


DONE = 0
INVALID = 3
REFUSED = 4
PARTIAL = 5
UNVERIFIED = 6
NO = 7
INTERRUPTED = 130

PRECEDENCE = (UNVERIFIED, INVALID, REFUSED, PARTIAL)

OF_RUN = {"refused": REFUSED, "partial": PARTIAL, "failed": PARTIAL}


def worst(codes: Iterable[int]) -> int:
    """The one that is told when there are several; 0 when there is none."""
    given = set(codes)
    return next((code for code in PRECEDENCE if code in given), DONE)


def exit_of_check(report: CheckReport) -> int:
    """A database that does not answer is no mistake of anybody's files."""
    wrong = len(report.problems) > len(report.unreached)
    return worst([INVALID] * wrong + [PARTIAL] * bool(report.unreached))


def exit_of_plan(plan: Plan, *, ask: bool = False) -> int:
    """`ask`: whether something is due is the question. Jobs that could not be counted leave it open."""
    failed = worst(code for job in plan.jobs if (code := _of_job(job.status)) == PARTIAL)
    return failed or (NO if ask and plan.totals["due"] else DONE)


def exit_of_run(outcome: RunOutcome, *, declined: bool = False) -> int:
    """`declined`: somebody was asked and said no."""
    if outcome.status == "interrupted":
        return INTERRUPTED
    codes = [_of_job(job.status) for job in outcome.jobs]
    codes.append(OF_RUN.get(outcome.status, DONE))
    if declined:
        codes.append(REFUSED)
    return worst(codes)


def exit_of_status(status: Status, *, ask: bool = False) -> int:
    """`ask`: whether all is well is the question. What is stopped or waits for a person is refused."""
    if not ask:
        return DONE
    refused = status.stopped is not None or bool(status.waiting)
    failed = bool(status.failed) or bool(status.in_doubt) or any(each.failures for each in status.standing)
    late = any(each.overdue for each in status.overdue)
    return worst([REFUSED] * refused + [PARTIAL] * (failed or late))


def _of_job(status: JobStatus) -> int:
    from retention.model.plan import JobStatus

    match status:
        case JobStatus.READY | JobStatus.NOTHING | JobStatus.DONE:
            return DONE
        case JobStatus.AWAITING | JobStatus.REFUSED:
            return REFUSED
        case JobStatus.PARTIAL | JobStatus.FAILED | JobStatus.STOPPED:
            return PARTIAL
