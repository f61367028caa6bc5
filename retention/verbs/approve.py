"""A named person approves a stored plan."""

from __future__ import annotations

import json

from retention.config.forms import resolved_form
from retention.errors import SafetyRefusal, UsageError
from retention.model.documents import plan_from_document
from retention.model.outcome import ApprovalLine
from retention.model.place import Place
from retention.model.plan import JobPlan, JobStatus, Plan
from retention.safety import clock as clocks
from retention.store.plans import ApprovalRow
from retention.store.state import StateStore, Transaction
from retention.verbs.opening import stores
from retention.verbs.opening.configured import Clock, configuration
from retention.verbs.opening.prepared import named
from retention.verbs.plan import stored_row


def approve(
    place: Place,
    plan_id: str,
    *,
    rules: tuple[str, ...] = (),
    over_limit: tuple[str, ...] = (),
    by: str,
    clock: Clock,
) -> tuple[ApprovalLine, ...]:
    """Approves the plan's rules (all, or those named) in the name `by`.

    `over_limit` names rules that may exceed their limit this once. Raises SafetyRefusal for a plan
    that looks ahead of now, was carried out already, or was made before a rule changed. What the plan did not
    see is not approved: a dataset whose database did not answer is told as left out, and where the rules
    have no other, that is a SafetyRefusal.
    """
    config = configuration(place)
    named(config, (*rules, *over_limit), ())
    now = clock()
    with stores.opened(config, place) as state:
        with state.read() as snapshot:
            row = stored_row(snapshot, plan_id)
        verdict = clocks.ahead(as_of=row.as_of, now=now)
        if not verdict.allowed:
            raise SafetyRefusal(f"plan {plan_id}: {verdict.reason}")
        if row.used_by is not None:
            raise SafetyRefusal(f"plan {plan_id} was carried out already, by run {row.used_by}; plan again")
        made = plan_from_document(json.loads(row.body))
        left_out = [rule for rule in over_limit if rules and rule not in rules]
        if left_out:
            raise UsageError(f"--over-limit {left_out[0]}: that rule is not among those to approve")
        chosen = [job for job in made.jobs if not rules or job.rule in rules]
        missing = (set(rules) | set(over_limit)) - {job.rule for job in made.jobs}
        if missing:
            raise UsageError(f"plan {plan_id} has no rule {', '.join(sorted(missing))}")
        unseen = [job for job in chosen if job.status is JobStatus.FAILED]
        chosen = [job for job in chosen if job.status is not JobStatus.FAILED]
        _refuse_unseen(plan_id, chosen, unseen, rules)
        _refuse_limits(plan_id, chosen, over_limit)
        for job in chosen:
            if job.form != resolved_form(config, job.rule):
                raise SafetyRefusal(
                    f"rule `{job.rule}` has changed since plan {plan_id} was made; plan again"
                )
        granted = grant(state, made, chosen, over_limit=over_limit, by=by, clock=clock)
        return (*granted, *map(_left_out, unseen))


def _refuse_unseen(plan_id: str, seen: list[JobPlan], unseen: list[JobPlan], rules: tuple[str, ...]) -> None:
    """Nobody approves what nobody saw."""
    known = {job.rule for job in seen}
    for job in unseen:
        if not seen or (job.rule in rules and job.rule not in known):
            raise SafetyRefusal(
                f"rule `{job.rule}`: plan {plan_id} did not see its records ({job.reason});"
                " plan again when the database answers"
            )


def _left_out(job: JobPlan) -> ApprovalLine:
    return ApprovalLine(
        rule=job.rule, connector=job.connector, dataset=job.dataset, records=0, left_out=job.reason
    )


def _refuse_limits(plan_id: str, chosen: list[JobPlan], over_limit: tuple[str, ...]) -> None:
    """A limit is named by those that exceed it, and by no others."""
    above = {job.rule: job.reason for job in chosen if job.status is JobStatus.REFUSED}
    for rule, reason in above.items():
        if rule not in over_limit:
            raise SafetyRefusal(f"rule `{rule}`: {reason}")
    for rule in over_limit:
        if rule not in above:
            raise UsageError(
                f"rule `{rule}` is within its limits in plan {plan_id}; leave out --over-limit {rule}"
            )


def grant(
    state: StateStore,
    made: Plan,
    jobs: list[JobPlan],
    *,
    over_limit: tuple[str, ...],
    by: str,
    clock: Clock,
) -> tuple[ApprovalLine, ...]:
    """Writes the approvals and their event; the digest binds them to all that the plan says."""
    now = clock()
    lines = tuple(
        ApprovalLine(
            rule=job.rule,
            connector=job.connector,
            dataset=job.dataset,
            records=job.due,
            over_limit=job.rule in over_limit and job.status is JobStatus.REFUSED,
        )
        for job in jobs
    )
    with state.begin() as tx:
        for job, line in zip(jobs, lines, strict=True):
            _add(tx, made, job, line, by=by, clock=clock)
        granted = [
            {
                "rule": n.rule,
                "connector": n.connector,
                "dataset": n.dataset,
                "records": n.records,
                "over_limit": n.over_limit,
            }
            for n in lines
        ]
        data = {"plan": made.id, "digest": made.digest, "policy": made.policy, "by": by, "jobs": granted}
        tx.log.append("approval.granted", data, now)
    return lines


def _add(tx: Transaction, made: Plan, job: JobPlan, line: ApprovalLine, *, by: str, clock: Clock) -> None:
    tx.approvals.add(
        ApprovalRow(
            plan=made.id,
            rule=job.rule,
            form=job.form,
            target=job.target,
            schema=job.schema,
            by=by,
            at=clock(),
            over_limit=line.over_limit,
            records=job.due,
        )
    )
    if tx.schemas.seen(job.connector, job.dataset) is None:
        tx.schemas.put(job.connector, job.dataset, job.schema, clock())


def letting_go(tx: Transaction, job: JobPlan, plan: Plan) -> ApprovalRow | None:
    """The approval that lets a job go: of this plan, else the newest of its form, on its database; None for none."""
    given = [row for row in tx.approvals.all_of_form(job.rule, job.form) if row.target == job.target]
    return next((row for row in given if row.plan == plan.id), next(iter(given), None))
