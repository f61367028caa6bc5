"""Carries a plan out, here and now."""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from retention.config import Configuration
from retention.connectors.port import Target
from retention.connectors.retrying import Retry
from retention.engine.journal import RUN_LEASE, run_lease
from retention.engine.recovery import recover
from retention.errors import SafetyRefusal, SetupError, UnreachableError
from retention.model.documents import plan_from_document
from retention.model.outcome import RunOutcome
from retention.model.place import Place
from retention.model.plan import JobPlan, JobStatus, Plan
from retention.model.progress import Progress
from retention.safety import approvals
from retention.safety import clock as clocks
from retention.store.owners import is_dead, this_process
from retention.store.state import StateStore
from retention.verbs.approve import grant
from retention.verbs.keys import rotate_yearly
from retention.verbs.opening import apart, stores
from retention.verbs.opening.configured import Clock, as_of_instant, configuration, in_zone
from retention.verbs.opening.prepared import Prepared, named, prepared
from retention.verbs.persons.carried import carry_over
from retention.verbs.persons.spoken import Words, words
from retention.verbs.plan import count, judged, keep_plan, stored_row
from retention.verbs.proof.published import refuse_damaged
from retention.verbs.running.execution import Execution, execute
from retention.verbs.switch import Watch

Confirm = Callable[[Plan], bool]


@dataclass(frozen=True, kw_only=True)
class Intention:
    """What is to run: `as_of`, and the stored plan that it carries out, where it is one made before.

    `approved`: somebody has approved something of that plan.
    """

    as_of: datetime
    plan: Plan | None = None
    approved: bool = False


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
    name `by` what awaits approval. Raises SafetyRefusal where nothing may run at all,
    or everything is stopped; what holds up one job is that job's outcome, and so is a database that does not
    answer. Where none answers the run is
    written down as failed, and UnreachableError raised.
    """
    return carry_out(
        configuration(place),
        place,
        plan_id=plan_id,
        rules=rules,
        connectors=connectors,
        as_of=as_of,
        limit=limit,
        by=by,
        clock=clock,
        progress=progress,
        confirm=confirm,
        stop=stop,
    )


def carry_out(
    config: Configuration,
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
    left: Callable[[], float | None] = lambda: None,
) -> RunOutcome:
    """The same, under a configuration that was loaded before.

    `left`: seconds until it has to be over (None: whenever it is); `stop` says then that it is to end, and no
    statement of a batch takes longer.
    """
    named(config, rules, connectors)
    with ExitStack() as stack:
        state = stack.enter_context(stores.opened(config, place))
        switch = Watch(state=state, folder=config.folder)
        switch.look()
        stop = _stopping(stop, switch)
        refuse_damaged(state, config)
        keyed = rotate_yearly(state, config, by=by, clock=clock)
        intention = _intention(state, config, plan_id, as_of, clock)
        ready = stack.enter_context(prepared(place, config, connectors))
        _refuse_turned_clock(state, clock)
        ready = _answering(ready, partial(_refuse_unfit, clock=clock))
        apart.remember(state, ready.servers, ready.addresses, clock())
        _end_killed_runs(state, clock)
        recovered = recover(state, ready.targets, ready.silent, clock=clock, retry=Retry())
        ready = ready.without(recovered.silent)
        carried = carry_over(ready, place, state, config, clock)
        ready, said = words(carried.of(ready), carried.told, intention.as_of)
        begun = time.perf_counter()
        ready, plan = _planned(state, ready, intention, rules, clock, progress, stop, said)
        planning = round(time.perf_counter() - begun, 3)
        plan = replace(plan, notes=(*plan.notes, *keyed, *recovered.notes))
        if confirm is not None and any(j.status in _ASKABLE for j in plan.jobs):
            plan = _asked(state, config, plan, confirm, by=by, clock=clock)
        uses_up = limit is None and (_any_ready(plan) or (intention.approved and _any_seen(plan)))
        if uses_up:
            told = tuple(replace(j, reason=approvals.advised_anew(j.reason, plan.id)) for j in plan.jobs)
            plan = replace(plan, jobs=told)
        execution = Execution(
            id=f"{clock():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
            ready=ready,
            state=state,
            plan=plan,
            clock=clock,
            progress=progress,
            stop=stop,
            left=left,
            limit=limit,
            uses_up=uses_up,
            evidence=stores.committing_key(config, state),
            in_doubt=recovered.in_doubt,
            said=said,
            go_on=switch.look,
            environ=place.environ,
        )
        outcome = execute(execution, rules, by)
        ready.refuse_silence()
        return replace(outcome, planning=planning)


def _any_ready(plan: Plan) -> bool:
    return any(job.status is JobStatus.READY for job in plan.jobs)


def _any_seen(plan: Plan) -> bool:
    """A plan of which no database answered waits until one does."""
    return any(job.status is not JobStatus.FAILED for job in plan.jobs)


def _stopping(stop: Callable[[], bool] | None, switch: Watch) -> Callable[[], bool]:
    """Whether somebody asks this run to stop; SafetyRefusal where everything is to."""

    def asked() -> bool:
        if stop is not None and stop():
            return True
        switch.refuse()
        return False

    return asked


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
            granted = bool(snapshot.approvals.of(row.id))
        else:
            moment = as_of_instant(config, as_of, clock)
            made = _approved_and_unused(state) if as_of is None else None
            granted = made is not None
            moment = made.as_of if made is not None else moment
    verdict = clocks.ahead(as_of=moment, now=clock())
    if not verdict.allowed:
        raise SafetyRefusal(verdict.reason)
    return Intention(as_of=moment, plan=made, approved=granted)


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


def _answering(ready: Prepared, ask: Callable[[str, Target], None]) -> Prepared:
    """Asks every database; one that ceases to answer takes no further part."""
    silent: dict[str, str] = {}
    for name, target in ready.targets.items():
        try:
            ask(name, target)
        except UnreachableError as error:
            silent[name] = error.message
    return ready.without(silent)


def _refuse_unfit(name: str, target: Target, *, clock: Clock) -> None:
    """A database without markers, or with another time."""
    if not target.has_marker_table():
        raise SetupError(f"`{name}` has no table retention_marker yet; type: retention init")
    if target.own_clock:
        verdict = clocks.against_database(now=clock(), database=target.now(), name=name)
        if not verdict.allowed:
            raise SafetyRefusal(verdict.reason)


def _refuse_turned_clock(state: StateStore, clock: Clock) -> None:
    with state.read() as snapshot:
        verdict = clocks.against_ledger(now=clock(), last=snapshot.log.last_at())
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
            ended = tx.runs.get(run_id)
            if ended is not None and ended.plan is not None:  # one without: its batch says all
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
    said: Words,
) -> tuple[Prepared, Plan]:
    """The plan with fresh numbers: a new one, or the stored one, of which never more is taken."""
    ready, fresh = count(ready, intention.as_of, rules, progress, stop, said=said)
    if intention.plan is None:
        with state.read() as snapshot:
            made = judged(fresh, ready, snapshot)
        return ready, keep_plan(state, ready.config, made, clock)
    old = intention.plan
    made = replace(fresh, id=old.id, digest=old.digest, stored=True)
    with state.read() as snapshot:
        made = judged(made, ready, snapshot)
        done = Counter[_Place]()
        for run in snapshot.runs.of_plan(old.id):
            gone = snapshot.batches.committed(run.id)
            for row in snapshot.jobs.of(run.id):
                done[row.rule, row.connector, row.dataset] += gone.get(row.job, 0)
    before = {_place(job): job for job in old.jobs}
    jobs = tuple(_as_approved(job, before.get(_place(job)), done[_place(job)]) for job in made.jobs)
    return ready, replace(made, jobs=jobs)


_Place = tuple[str, str, str]


def _place(job: JobPlan) -> _Place:
    return job.rule, job.connector, job.dataset


def _as_approved(job: JobPlan, before: JobPlan | None, done: int) -> JobPlan:
    """What changed since then is the first reason, though there be others."""
    if job.status is JobStatus.NOTHING:
        return job
    if job.status is JobStatus.FAILED:
        return _still_to_do(job, before, done)
    if before is None:
        return replace(job, status=JobStatus.REFUSED, reason="it is not in the plan; plan again")
    if before.status is JobStatus.FAILED:
        reason = (
            "its database did not answer when the plan was made, and nothing of it was approved; plan again"
        )
        return replace(job, status=JobStatus.REFUSED, reason=reason)
    for what, then, now in (
        ("the rule", before.form, job.form),
        ("the database", before.target, job.target),
        ("the schema of its tables", before.schema, job.schema),
    ):
        if then != now:
            reason = f"{what} is not what it was when the plan was made; plan again"
            return replace(job, status=JobStatus.REFUSED, reason=reason)
    if job.status is JobStatus.REFUSED:
        return job
    verdict = approvals.more_than_approved(job, before.due, done)
    return job if verdict.allowed else replace(job, status=verdict.status, reason=verdict.reason)


def _still_to_do(job: JobPlan, before: JobPlan | None, done: int) -> JobPlan:
    """What the plan that was approved counted in a database that does not answer now, less what went."""
    left = max(0, before.due - done) if before is not None else 0
    fates = {**job.fates, "due": left}
    return replace(job, fates=fates, total=left, rows={})


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


__all__ = ["run"]
