"""Carries a plan out, here and now."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from retention.config import Configuration
from retention.connectors.port import Remembered, Target
from retention.engine.job import JobRun, stored_progress
from retention.engine.journal import LEASE, RUN_LEASE, Journal, Numbers, run_lease
from retention.engine.pace import Pace
from retention.engine.recovery import fold, in_doubt_still, lease_name, recover, settle
from retention.engine.retrying import Retry
from retention.errors import RetentionError, SafetyRefusal, SetupError
from retention.ledger.evidence import Committer, key_id
from retention.model.documents import plan_from_document, run_document
from retention.model.outcome import CheckpointRef, JobOutcome, RunOutcome
from retention.model.place import Place
from retention.model.plan import JobPlan, JobStatus, Plan
from retention.model.progress import Progress
from retention.planning.work import Work
from retention.safety import approvals, drift
from retention.safety import clock as clocks
from retention.store.owners import is_dead, this_process
from retention.store.runs import JobRow, RunRow
from retention.store.state import StateStore
from retention.verbs import stores
from retention.verbs.approve import grant
from retention.verbs.plan import count, judged, keep_plan, stored_row
from retention.verbs.prepared import Clock, Prepared, as_of_instant, configuration, in_zone, named, prepared

Confirm = Callable[[Plan], bool]


@dataclass(frozen=True, kw_only=True)
class Intention:
    """What is to run: `as_of`, and the stored plan that it carries out, where it is one made before."""

    as_of: datetime
    plan: Plan | None = None


@dataclass(kw_only=True)
class _Run:
    """One execution, while it lasts."""

    id: str
    ready: Prepared
    state: StateStore
    plan: Plan
    clock: Clock
    progress: Progress
    stop: Callable[[], bool]
    limit: int | None
    evidence: bytes
    in_doubt: Mapping[str, str]
    token: int = 0
    numbers: Numbers = field(default_factory=Numbers)


def run(
    place: Place,
    *,
    plan_id: str | None = None,
    rules: tuple[str, ...] = (),
    connectors: tuple[str, ...] = (),
    as_of: str | None = None,
    limit: int | None = None,
    by: str,
    clock: Clock,
    progress: Progress,
    confirm: Confirm | None = None,
    stop: Callable[[], bool] | None = None,
) -> RunOutcome:
    """Deletes what is due, as far as it is approved and within its limits.

    With `plan_id` the plan of that name is carried out; without, an approved plan that waits for it
    is, else a new one as of now. `confirm` is asked before anything is removed; its yes approves in the
    name `by` what awaits approval. Raises SafetyRefusal where nothing may run at all; what holds up one
    job is that job's outcome.
    """
    config = configuration(place)
    named(config, rules, connectors)
    stop = stop if stop is not None else _never
    with ExitStack() as stack:
        state = stack.enter_context(stores.opened(config, place))
        intention = _intention(state, config, plan_id, as_of, clock)
        ready = stack.enter_context(prepared(place, config, connectors))
        _refuse_missing_markers(ready)
        _refuse_clocks(state, ready, clock)
        _end_killed_runs(state, clock)
        recovered = recover(state, ready.targets, clock=clock, retry=Retry())
        plan = _planned(state, ready, intention, rules, clock, progress, stop)
        plan = replace(plan, notes=(*plan.notes, *recovered.notes))
        if confirm is not None and any(j.status in _ASKABLE for j in plan.jobs):
            plan = _asked(state, config, plan, confirm, by=by, clock=clock)
        execution = _Run(
            id=f"{clock():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
            ready=ready,
            state=state,
            plan=plan,
            clock=clock,
            progress=progress,
            stop=stop,
            limit=limit,
            evidence=stores.evidence_key(config),
            in_doubt=recovered.in_doubt,
        )
        return _execute(execution, rules, by)


def _never() -> bool:
    return False


_ASKABLE = (JobStatus.READY, JobStatus.AWAITING)


# -- before --------------------------------------------------------------------------------


def _intention(
    state: StateStore, config: Configuration, plan_id: str | None, as_of: str | None, clock: Clock
) -> Intention:
    with state.read() as snapshot:
        if plan_id is not None:
            row = stored_row(snapshot, plan_id)
            if row.used_by is not None:
                raise SafetyRefusal(
                    f"plan {plan_id} was carried out already, by run {row.used_by}; plan again"
                )
            moment = row.as_of
            made: Plan | None = plan_from_document(json.loads(row.body))
        else:
            moment = as_of_instant(config, as_of, clock)
            made = _approved_and_unused(state) if as_of is None else None
            moment = made.as_of if made is not None else moment
    verdict = clocks.ahead(as_of=moment, now=clock())
    if not verdict.allowed:
        raise SafetyRefusal(verdict.reason)
    return Intention(as_of=moment, plan=made)


def _approved_and_unused(state: StateStore) -> Plan | None:
    """The newest plan that was approved and waits to be carried out: what was approved is what runs.

    Plans made since then that nobody approved change nothing; one that was carried out does.
    """
    with state.read() as snapshot:
        for row in snapshot.plans.newest():
            if row.used_by is not None:
                return None
            if snapshot.approvals.of(row.id):
                return plan_from_document(json.loads(row.body))
    return None


def _refuse_missing_markers(ready: Prepared) -> None:
    for name, target in ready.targets.items():
        if not target.has_marker_table():
            raise SetupError(f"`{name}` has no table retention_marker yet; type: retention init")


def _refuse_clocks(state: StateStore, ready: Prepared, clock: Clock) -> None:
    with state.read() as snapshot:
        verdicts = [clocks.against_ledger(now=clock(), last=snapshot.log.last_at())]
    for name, target in ready.targets.items():
        if target.own_clock:
            verdicts.append(clocks.against_database(now=clock(), database=target.now(), name=name))
    for verdict in verdicts:
        if not verdict.allowed:
            raise SafetyRefusal(verdict.reason)


def _end_killed_runs(state: StateStore, clock: Clock) -> None:
    """Runs that never ended and whose process is gone, or has not been heard of for long."""
    now = clock()
    with state.read() as snapshot:
        dead = []
        for row in snapshot.runs.open():
            holder = snapshot.leases.holder(run_lease(row.id))
            if holder is None or holder[2] <= now or is_dead(holder[0]):
                dead.append(row.id)
    for run_id in dead:
        with suppress(SafetyRefusal), state.begin() as tx:
            # Takes its lease from it: a process that was only stopped is told so when it goes on.
            token = tx.leases.acquire(run_lease(run_id), this_process(), now, RUN_LEASE)
            tx.leases.release(run_lease(run_id), token)
            tx.log.append("run.ended", {"run": run_id, "status": "killed", "jobs": []}, now)
            tx.runs.end(run_id, status="killed", at=now, body="{}")


def _planned(
    state: StateStore,
    ready: Prepared,
    intention: Intention,
    rules: Sequence[str],
    clock: Clock,
    progress: Progress,
    stop: Callable[[], bool],
) -> Plan:
    """The plan with fresh numbers: a new one, or the stored one, of which never more is taken."""
    fresh = count(ready, intention.as_of, rules, progress, stop)
    if intention.plan is None:
        made = keep_plan(state, ready.config, fresh, clock)
        with state.read() as snapshot:
            return judged(made, ready, snapshot)
    old = intention.plan
    made = replace(fresh, id=old.id, digest=old.digest, stored=True)
    with state.read() as snapshot:
        made = judged(made, ready, snapshot)
    before = {(job.rule, job.connector, job.dataset): job for job in old.jobs}
    jobs = tuple(_as_approved(job, before.get((job.rule, job.connector, job.dataset))) for job in made.jobs)
    return replace(made, jobs=jobs)


def _as_approved(job: JobPlan, before: JobPlan | None) -> JobPlan:
    if job.status in (JobStatus.NOTHING, JobStatus.REFUSED):
        return job
    if before is None:
        return replace(job, status=JobStatus.REFUSED, reason="it is not in the plan; plan again")
    for what, then, now in (
        ("the rule", before.form, job.form),
        ("the database", before.target, job.target),
        ("the schema of its tables", before.schema, job.schema),
    ):
        if then != now:
            reason = f"{what} is not what it was when the plan was made; plan again"
            return replace(job, status=JobStatus.REFUSED, reason=reason)
    verdict = approvals.more_than_approved(job, before.due)
    return job if verdict.allowed else replace(job, status=verdict.status, reason=verdict.reason)


def _asked(
    state: StateStore, config: Configuration, plan: Plan, confirm: Confirm, *, by: str, clock: Clock
) -> Plan:
    if not confirm(replace(plan, as_of=in_zone(config, plan.as_of))):
        raise SafetyRefusal("not confirmed: nothing was deleted")
    waiting = [job for job in plan.jobs if job.status is JobStatus.AWAITING]
    if waiting:
        grant(state, plan, waiting, over_limit=(), by=by, clock=clock)
    allowed = {id(job) for job in waiting}
    jobs = tuple(
        replace(job, status=JobStatus.READY, reason=None) if id(job) in allowed else job for job in plan.jobs
    )
    return replace(plan, jobs=jobs)


# -- the run -------------------------------------------------------------------------------


def _execute(execution: _Run, rules: Sequence[str], by: str) -> RunOutcome:
    _start(execution, by)
    outcomes: list[JobOutcome] = []
    try:
        jobs = execution.ready.jobs(rules)
        works = tuple(execution.ready.works(jobs, execution.plan.as_of))
        with ExitStack() as stack:
            remembered = _remembered(execution, works, stack)
            for job, item in zip(execution.plan.jobs, works, strict=True):
                outcomes.append(_job(execution, job, item, remembered.get(item.job.name)))
    except BaseException as error:
        status = "failed" if isinstance(error, Exception) else "interrupted"
        with suppress(RetentionError):
            _end(execution, outcomes, status)
        raise
    status = _status(outcomes)
    checkpoint = _end(execution, outcomes, status)
    notes = fold(execution.state, execution.ready.targets)
    return RunOutcome(
        id=execution.id,
        as_of=in_zone(execution.ready.config, execution.plan.as_of),
        status=status,
        jobs=tuple(outcomes),
        checkpoint=checkpoint,
        notes=(*execution.plan.notes, *notes),
    )


def _start(execution: _Run, by: str) -> None:
    """`run.started`, bound to plan, policy and approvals; a plan is carried out once."""
    plan, started = execution.plan, execution.clock()
    with execution.state.begin() as tx:
        stored = tx.plans.get(plan.id)
        if stored is not None and stored.used_by is not None:
            raise SafetyRefusal(f"plan {plan.id} is being carried out already, by run {stored.used_by}")
        execution.token = tx.leases.acquire(run_lease(execution.id), this_process(), started, RUN_LEASE)
        row = RunRow(
            id=execution.id, as_of=plan.as_of, started=started, by=by, policy=plan.policy, plan=plan.id
        )
        tx.runs.start(row)
        tx.plans.mark_used(plan.id, execution.id)
        granted = [
            {"rule": a.rule, "by": a.by, "plan": a.plan}
            for job in plan.jobs
            if (a := tx.approvals.of_form(job.rule, job.form)) is not None
        ]
        data = {
            "run": execution.id,
            "by": by,
            "as_of": plan.as_of.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "plan": plan.id,
            "digest": plan.digest,
            "policy": plan.policy,
            "approvals": granted,
        }
        tx.log.append("run.started", data, started)


def _remembered(execution: _Run, works: Sequence[Work], stack: ExitStack) -> Mapping[str, Remembered]:
    """Before the first batch: what is due by rows that this very run removes first."""
    found: dict[str, Remembered] = {}
    for job, item in zip(execution.plan.jobs, works, strict=True):
        if job.status is JobStatus.READY and item.fleeting:
            found[item.job.name] = execution.ready.targets[job.connector].remember(item)
            stack.callback(found[item.job.name].close)
    return found


def _job(execution: _Run, job: JobPlan, item: Work, remembered: Remembered | None) -> JobOutcome:
    """One job: refused, nothing to do, or executed. A failure of its own is its outcome."""
    if job.status is JobStatus.NOTHING:
        _forget_set_aside(execution, job)
    if job.status is not JobStatus.READY:
        return _not_run(job, job.status, job.reason)
    if execution.stop():
        return _not_run(job, JobStatus.STOPPED, "the run was stopped before it")
    doubt = execution.in_doubt.get(item.job.name)
    if doubt is not None:
        return _not_run(job, JobStatus.REFUSED, in_doubt_still(doubt))
    with execution.state.read() as snapshot:
        seen = snapshot.schemas.seen(job.connector, job.dataset)
    verdict = drift.drifted(seen=seen, live=job.schema)
    if not verdict.allowed:
        return _not_run(job, verdict.status, verdict.reason)
    target = execution.ready.targets[job.connector]
    try:
        why = target.read_only()
        if why is not None:
            return _not_run(job, JobStatus.FAILED, f"the database is read-only: {why}")
        return _leased(execution, job, item, target, remembered)
    except SafetyRefusal as error:
        return _not_run(job, JobStatus.REFUSED, error.message)
    except RetentionError as error:
        return _not_run(job, JobStatus.FAILED, error.message)


def _not_run(job: JobPlan, status: JobStatus, reason: str | None) -> JobOutcome:
    return JobOutcome(
        rule=job.rule,
        connector=job.connector,
        dataset=job.dataset,
        status=status,
        reason=reason,
        planned=job.due,
        left=job.due,
    )


def _leased(
    execution: _Run, job: JobPlan, item: Work, target: Target, remembered: Remembered | None
) -> JobOutcome:
    """Executes the job under its lease: two at once on one dataset are refused."""
    state, name = execution.state, item.job.name
    lease = lease_name(name)
    now = execution.clock()
    with state.begin() as tx:
        tx.leases.renew(run_lease(execution.id), execution.token, now, RUN_LEASE)
        token = tx.leases.acquire(lease, this_process(), now, LEASE)
    outcome: JobOutcome | None = None
    try:
        settle(state, target, name, run=execution.id, clock=execution.clock, retry=Retry())
        start, waiting = _begin_job(execution, job, name)
        journal = Journal(
            store=state,
            clock=execution.clock,
            run=execution.id,
            job=name,
            connector=job.connector,
            dataset=job.dataset,
            rule=job.rule,
            lease=lease,
            token=token,
            evidence_key=key_id(execution.evidence),
            numbers=execution.numbers,
            run_token=execution.token,
            waiting=waiting,
        )
        outcome = _removed(execution, job, item, target, journal, start, remembered)
        _end_job(execution, job, name, outcome)
    except RetentionError as error:
        if outcome is None:
            raise
        outcome = replace(outcome, status=JobStatus.FAILED, reason=outcome.reason or error.message)
    finally:
        with suppress(RetentionError), state.begin() as tx:
            tx.leases.release(lease, token)
    return outcome


def _begin_job(
    execution: _Run, job: JobPlan, name: str
) -> tuple[Mapping[str, object] | None, frozenset[str]]:
    """The job's row; the cursor that a killed run left of it, and the records that were set aside."""
    now = execution.clock()
    start: Mapping[str, object] | None = None
    with execution.state.begin() as tx:
        waiting = frozenset(row.key for row in tx.set_aside.of(job.connector, job.dataset))
        for row in tx.jobs.last():
            if row.job != name or row.ended is not None:
                continue
            start = json.loads(row.cursor) if row.cursor else None
            tx.jobs.end(row.run, name, status="killed", at=now, progress=row.progress)
        if tx.schemas.seen(job.connector, job.dataset) is None:
            tx.schemas.put(job.connector, job.dataset, job.schema, now)
        tx.jobs.put(
            JobRow(
                run=execution.id,
                job=name,
                rule=job.rule,
                connector=job.connector,
                dataset=job.dataset,
                as_of=execution.plan.as_of,
                started=now,
                planned=job.due,
            )
        )
    return start, waiting


def _removed(
    execution: _Run,
    job: JobPlan,
    item: Work,
    target: Target,
    journal: Journal,
    start: Mapping[str, object] | None,
    remembered: Remembered | None,
) -> JobOutcome:
    """The batches. What happens to this job alone is its outcome."""
    try:
        share = job.due / max(job.total, 1)
        with target.remover(item, remembered, share=share) as remover:
            execution.progress.start(f"deleting {item.bound}", job.due)
            outcome = JobRun(
                plan=job,
                remover=remover,
                journal=journal,
                committer=Committer(execution.evidence, job.connector, job.dataset),
                origin=execution.state.origin,
                pace=Pace(target=item.bound.connector.throttle.batch_time),
                stop=execution.stop,
                progress=execution.progress,
                limit=execution.limit,
                start=start,
            ).run()
            execution.progress.finish()
            return outcome
    except RetentionError as error:
        return _not_run(job, JobStatus.FAILED, error.message)


def _end_job(execution: _Run, job: JobPlan, name: str, outcome: JobOutcome) -> None:
    now = execution.clock()
    with execution.state.begin() as tx:
        tx.jobs.end(
            execution.id,
            name,
            status=outcome.status.value,
            at=now,
            progress=stored_progress(outcome),
            reason=outcome.reason,
        )
    complete = outcome.status in (JobStatus.DONE, JobStatus.PARTIAL) and not outcome.left
    if complete and execution.limit is None:
        _forget_set_aside(execution, job)


def _forget_set_aside(execution: _Run, job: JobPlan) -> None:
    """After a whole look at the dataset: records that earlier runs set aside are gone, or not due any more."""
    known = execution.ready.config.policy.rules
    with execution.state.read() as snapshot:
        old = [
            row.key
            for row in snapshot.set_aside.of(job.connector, job.dataset)
            if row.run != execution.id and (row.rule == job.rule or row.rule not in known)
        ]
    if old:
        with execution.state.begin() as tx:
            for key in old:
                tx.set_aside.remove(job.connector, job.dataset, key)


def _end(execution: _Run, outcomes: Sequence[JobOutcome], status: str) -> CheckpointRef | None:
    """`run.ended` with what is left, and a signed checkpoint. None where another process ended it as killed."""
    now = execution.clock()
    jobs = [
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
        }
        for o in outcomes
    ]
    outcome = RunOutcome(id=execution.id, as_of=execution.plan.as_of, status=status, jobs=tuple(outcomes))
    with execution.state.begin() as tx:
        row = tx.runs.get(execution.id)
        if row is None or row.ended is not None:
            return None
        tx.log.append("run.ended", {"run": execution.id, "status": status, "jobs": jobs}, now)
        tx.runs.end(execution.id, status=status, at=now, body=json.dumps(run_document(outcome)))
        tx.leases.release(run_lease(execution.id), execution.token)
        return tx.log.checkpoint(now)


def _status(outcomes: Sequence[JobOutcome]) -> str:
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


__all__ = ["run"]
