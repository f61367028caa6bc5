"""Whether a named person has approved what is about to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retention.model.plan import JobPlan
from retention.model.policy import Approval
from retention.safety.verdict import GO_ON, Verdict, awaiting, refused


@dataclass(frozen=True, kw_only=True)
class Granted:
    """One approval: of a rule's resolved form on one target, by its plan."""

    plan: str
    rule: str
    form: str
    target: str
    schema: str
    records: int
    over_limit: bool
    by: str


def approved(
    job: JobPlan, *, plan: str, mode: Approval, over: str | None, grants: Sequence[Granted]
) -> Verdict:
    """May `job` of the plan `plan` run? `over`: the limit that it exceeds, in words.

    `never` needs no approval, `changes` one of this resolved form on this target, `always` one of
    this very plan. Above a limit each needs one of this very plan that names the limit.
    """
    fitting = [g for g in grants if (g.rule, g.form, g.target) == (job.rule, job.form, job.target)]
    mine = [g for g in fitting if g.plan == plan and g.schema == job.schema]
    if over is not None and not any(g.over_limit for g in mine):
        return refused(f"{over}; to go on, {_type(plan)} --over-limit {job.rule}")
    if mode is Approval.NEVER or mine:
        return GO_ON
    if mode is Approval.ALWAYS:
        return awaiting(f"each run of this rule wants an approval; {_type(plan)}")
    if not fitting:
        return awaiting(f"this form of the rule has not been approved; {_type(plan)}")
    return GO_ON


def advised_anew(reason: str | None, plan: str) -> str | None:
    """`reason`, where `plan` is used up by the run that tells it: another plan is what can be approved."""
    return (
        None if reason is None else reason.replace(_type(plan), "type: retention plan, and then approve PLAN")
    )


def _type(plan: str) -> str:
    return f"type: retention approve {plan}"


def more_than_approved(job: JobPlan, approved_due: int, done: int = 0) -> Verdict:
    """A plan that is carried out later never takes more records than were approved.

    `done`: what runs of it have removed already, a few at a time.
    """
    if job.due + done <= approved_due:
        return GO_ON
    before = f", after {done:,} that went already" if done else ""
    return refused(
        f"{job.due:,} {'record is' if job.due == 1 else 'records are'} due now{before}, and {approved_due:,}"
        f" {'was' if approved_due == 1 else 'were'} in the plan that was approved; plan again"
    )
