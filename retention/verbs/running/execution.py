"""A plan while it is carried out: run, jobs, leases, and how each of them ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC

from retention.connectors.port import Target
from retention.connectors.retrying import PATIENCE, Retry, again
from retention.engine.journal import LEASE, RUN_LEASE, Journal, Numbers, run_lease
from retention.engine.recovery import fold, in_doubt_still, lease_name, settle
from retention.errors import RetentionError, SafetyRefusal, UnreachableError
from retention.ledger.evidence import key_id
from retention.model.documents import run_document
from retention.model.outcome import CheckpointRef, JobOutcome, RunOutcome
from retention.model.plan import JobPlan, JobStatus, Plan
from retention.model.progress import Progress
from retention.planning.fates.chains import DELETE
from retention.planning.work import Work
from retention.safety import drift
from retention.store.leases import LeaseTakenError
from retention.store.owners import this_process
from retention.store.runs import JobProgress, JobRow, RunRow
from retention.store.state import StateStore, Transaction
from retention.verbs.approve import letting_go
from retention.verbs.opening.configured import Clock, in_zone
from retention.verbs.opening.prepared import Prepared
from retention.verbs.persons.spoken import NO_WORDS, Words, words, worked
from retention.verbs.running.absent import naming_absent
from retention.verbs.running.beside import refuse_beside
from retention.verbs.running.ended import as_events, not_run, standing_of, status_of, stored_progress
from retention.verbs.running.joining import joined, so_far
from retention.verbs.running.phases import Group, Memory, Phase, carried_out, of_due, phases, remember
from retention.verbs.running.refusing import document
from retention.verbs.running.upkeep import end_dead, tidy
from retention.verbs.running.working import worked_off

NOT_REACHED = "store not reached"


@dataclass(kw_only=True)
class Execution:
    """One execution, while it lasts.

    `uses_up`: the plan is carried out by it. Not by a canary, and not where nothing may run that is in it: then
    it can still be approved. `stop`: whether somebody asks it to end; it and `go_on` raise SafetyRefusal where
    everything is stopped, `go_on` after a look at once. `left`: seconds until it has to be over, if ever. `ended`: what
    became of the jobs that have had their turn.
    """

    id: str
    ready: Prepared
    state: StateStore
    plan: Plan
    clock: Clock
    progress: Progress
    stop: Callable[[], bool]
    left: Callable[[], float | None]
    limit: int | None
    evidence: bytes
    environ: Mapping[str, str]
    in_doubt: Mapping[str, str]
    go_on: Callable[[], None]
    said: Words = NO_WORDS
    uses_up: bool = True
    token: int = 0
    numbers: Numbers = field(default_factory=Numbers)
    items: Mapping[str, Work] = field(default_factory=dict)
    rules: Sequence[str] = ()
    ended: list[JobOutcome] = field(default_factory=list)

    def work_out(self) -> None:
        """Every job's predicates, with what people told."""
        jobs = self.ready.jobs(self.rules)
        items = worked(self.ready, jobs, self.plan.as_of, self.said)
        self.items = {item.job.name: item for item in items}

    def listen_again(self) -> None:
        """What people told is read once more: a hold was placed or released."""
        with self.state.read() as snapshot:
            told = snapshot.told()
        self.ready, self.said = words(self.ready, told, self.plan.as_of)
        self.work_out()

    def journal(self, job: JobPlan, lease: str, token: int, waiting: frozenset[str]) -> Journal:
        """Where a job is written down. `lease`, `token`: its dataset's; `waiting`: what earlier runs set aside."""
        return Journal(
            store=self.state,
            clock=self.clock,
            run=self.id,
            job=job.name,
            connector=job.connector,
            dataset=job.dataset,
            rule=job.rule,
            lease=lease,
            token=token,
            evidence_key=key_id(self.evidence),
            numbers=self.numbers,
            run_token=self.token,
            waiting=waiting,
        )


def execute(execution: Execution, rules: Sequence[str], by: str) -> RunOutcome:
    """Every job of the plan in turn, between `run.started` and `run.ended`; a signed checkpoint at the end."""
    _start(execution, by)
    outcomes = execution.ended
    try:
        execution.rules = rules
        execution.work_out()
        with ExitStack() as stack:
            remembered = remember(execution.plan.jobs, execution.items, execution.ready.targets, stack)
            for job in execution.plan.jobs:
                outcome = _job(execution, job, execution.items.get(job.name), remembered)
                outcomes.append(outcome)
                group = remembered.groups.get(job.name)
                if group is not None:
                    _joined(execution, group)
    except BaseException as error:
        status = "failed" if isinstance(error, Exception) else "interrupted"
        with suppress(RetentionError):
            _end(execution, outcomes, status)
        raise
    status = status_of(outcomes)
    checkpoint = _end(execution, outcomes, status)
    tidied = tidy(execution.state, execution.ready.config, execution.plan.jobs, execution.clock)
    notes = (*fold(execution.state, execution.ready.targets), *tidied, *_mirrored(execution.state))
    return RunOutcome(
        id=execution.id,
        as_of=in_zone(execution.ready.config, execution.plan.as_of),
        status=status,
        jobs=tuple(outcomes),
        checkpoint=checkpoint,
        notes=(*execution.plan.notes, *notes),
    )


def _mirrored(state: StateStore) -> tuple[str, ...]:
    """Brings the mirror up to date; that it can't be written hides no run's outcome."""
    try:
        state.catch_up()
    except UnreachableError as error:
        state.mirror = None
        return (error.message,)
    return ()


def _start(execution: Execution, by: str) -> None:
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
        if execution.uses_up:
            tx.plans.mark_used(plan.id, execution.id)
        named = ((job.rule, letting_go(tx, job, plan)) for job in plan.jobs if job.status is JobStatus.READY)
        granted = dict.fromkeys((rule, given.by, given.plan) for rule, given in named if given is not None)
        data = {
            "run": execution.id,
            "by": by,
            "as_of": plan.as_of.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "plan": plan.id,
            "digest": plan.digest,
            "policy": plan.policy,
            "approvals": [{"rule": rule, "by": who, "plan": of} for rule, who, of in granted],
        }
        tx.log.append("run.started", data, started)
        for name in execution.ready.silent:
            tx.log.append("error", {"what": NOT_REACHED, "connector": name, "run": execution.id}, started)


def _job(execution: Execution, job: JobPlan, item: Work | None, memory: Memory) -> JobOutcome:
    """One job: refused, nothing to do, or executed. A failure of its own is its outcome."""
    if job.status is JobStatus.NOTHING:
        _forget_set_aside(execution, job)
        return _nothing(execution, job, item)
    if job.status is not JobStatus.READY:
        return not_run(job, job.status, job.reason)
    if item is None:  # its store has ceased to answer since the plan was made
        return not_run(job, JobStatus.FAILED, execution.ready.silent.get(job.connector))
    if job.connector in memory.failed:
        return not_run(job, JobStatus.FAILED, memory.failed[job.connector])
    doubt = execution.in_doubt.get(item.job.name)
    if doubt is not None:
        return not_run(job, JobStatus.REFUSED, in_doubt_still(doubt))
    with execution.state.read() as snapshot:
        seen = snapshot.schemas.seen(job.connector, job.dataset)
    verdict = drift.drifted(seen=seen, live=job.schema)
    if not verdict.allowed:
        return not_run(job, verdict.status, verdict.reason)
    target = execution.ready.targets[job.connector]
    try:
        if execution.stop():
            return not_run(job, JobStatus.STOPPED, "the run was stopped before it")
        why = again(Retry(attempts=PATIENCE), target.read_only)
        if why is not None:
            return not_run(job, JobStatus.FAILED, f"the database is read-only: {why}")
        document(execution, job, item)
        return _leased(execution, job, item, target, memory)
    except SafetyRefusal as error:
        refused = not_run(job, JobStatus.REFUSED, error.message)
        return replace(refused, busy=isinstance(error, LeaseTakenError))
    except RetentionError as error:
        return not_run(job, JobStatus.FAILED, error.message)


def _nothing(execution: Execution, job: JobPlan, item: Work | None) -> JobOutcome:
    """Nothing is due; what was demanded and is refused is written down all the same."""
    try:
        if item is not None:
            document(execution, job, item)
    except RetentionError as error:
        return not_run(job, JobStatus.FAILED, error.message)
    return not_run(job, job.status, job.reason)


def _leased(execution: Execution, job: JobPlan, item: Work, target: Target, memory: Memory) -> JobOutcome:
    """Executes the job under its lease: two at once on one dataset, or on rows that two share, are refused."""
    state, name, now = execution.state, item.job.name, execution.clock()
    lease = lease_name(name)
    with state.begin() as tx:
        tx.leases.renew(run_lease(execution.id), execution.token, now, RUN_LEASE)
        refuse_beside(tx.leases, item.bound, execution.ready.bound, now)
        token = tx.leases.acquire(lease, this_process(), now, LEASE)
    outcome: JobOutcome | None = None
    try:
        settle(state, target, name, run=execution.id, clock=execution.clock, retry=Retry())
        start, waiting = _begin_job(execution, job, name)
        journal = execution.journal(job, lease, token, waiting)
        outcome = _removed(execution, job, item, target, journal, start, memory)
        _end_job(execution, job, name, outcome)
    except RetentionError as error:
        if outcome is None:
            raise
        outcome = replace(outcome, status=JobStatus.FAILED, reason=outcome.reason or error.message)
    finally:
        with suppress(RetentionError):
            state.repeat(lambda tx: tx.leases.release(lease, token))
    return outcome


def _begin_job(
    execution: Execution, job: JobPlan, name: str
) -> tuple[Mapping[str, object] | None, frozenset[str]]:
    """The job's row; the cursor that a killed run left of it, and the records that were set aside."""
    now = execution.clock()
    start: Mapping[str, object] | None = None
    with execution.state.begin() as tx:
        waiting = frozenset(row.key for row in tx.set_aside.of(job.connector, job.dataset))
        for row in tx.jobs.open():
            if row.job == name:
                start = json.loads(row.cursor) if row.cursor else None
                end_dead(tx, row, now)
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
    execution: Execution,
    job: JobPlan,
    item: Work,
    target: Target,
    journal: Journal,
    start: Mapping[str, object] | None,
    memory: Memory,
) -> JobOutcome:
    """The batches of each action. What happens to this job alone is its outcome."""
    later = memory.later(job)
    every = [
        replace(phase, plan=of_due(phase.plan, phase.plan.due - later))
        if phase.action == DELETE and later
        else phase
        for phase in phases(job, item)
    ]

    def carry(phase: Phase, beside: JobProgress, limit: int | None) -> JobOutcome:
        journal.action, journal.beside = phase.action, beside
        cursor = start if len(every) == 1 else None
        remembered = memory.of.get((job.name, phase.action))
        return worked_off(execution, phase, target, journal, cursor, remembered, limit)

    outcome = carried_out(of_due(job, job.due - later) if later else job, every, execution.limit, carry)
    return _with_absent(execution, so_far(memory.group_of(job), job, outcome))


def _with_absent(execution: Execution, outcome: JobOutcome) -> JobOutcome:
    return naming_absent(outcome, execution.plan.jobs, execution.ended, execution.ready.bound)


def _joined(execution: Execution, group: Group) -> None:
    """What jobs of a group take together, when the last has had its turn; their outcomes are of all of it."""
    found = {name: _with_absent(execution, outcome) for name, outcome in joined(execution, group).items()}
    for phase in group.phases:
        if (outcome := found.get(phase.plan.name)) is not None:
            _end_job(execution, phase.plan, phase.plan.name, outcome)
    execution.ended[:] = [found.get(f"{o.rule}/{o.connector}/{o.dataset}", o) for o in execution.ended]


def _end_job(execution: Execution, job: JobPlan, name: str, outcome: JobOutcome) -> None:
    status, progress = outcome.status.value, stored_progress(outcome)
    now = execution.clock()
    execution.state.repeat(
        lambda tx: tx.jobs.end(
            execution.id, name, status=status, at=now, progress=progress, reason=outcome.reason
        )
    )
    complete = outcome.status in (JobStatus.DONE, JobStatus.PARTIAL) and not outcome.left
    if complete and execution.limit is None:
        _forget_set_aside(execution, job)


def _forget_set_aside(execution: Execution, job: JobPlan) -> None:
    """After a whole look at the dataset: records that earlier runs set aside are gone, or not due any more."""
    known = execution.ready.config.policy.rules
    with execution.state.read() as snapshot:
        old = [
            row.key
            for row in snapshot.set_aside.of(job.connector, job.dataset)
            if row.run != execution.id and (row.rule == job.rule or row.rule not in known)
        ]

    def forget(tx: Transaction) -> None:
        for key in old:
            tx.set_aside.remove(job.connector, job.dataset, key)

    if old:
        execution.state.repeat(forget)


def _end(execution: Execution, outcomes: Sequence[JobOutcome], status: str) -> CheckpointRef | None:
    """`run.ended` with what is left, and a signed checkpoint. None where another process ended it as killed."""
    now = execution.clock()
    outcome = RunOutcome(id=execution.id, as_of=execution.plan.as_of, status=status, jobs=tuple(outcomes))
    with execution.state.begin() as tx:
        row = tx.runs.get(execution.id)
        if row is None or row.ended is not None:
            return None
        tx.log.append("run.ended", {"run": execution.id, "status": status, "jobs": as_events(outcomes)}, now)
        tx.runs.end(execution.id, status=status, at=now, body=json.dumps(run_document(outcome)))
        tx.standings.put([standing_of(o, execution.id, now) for o in outcomes])
        tx.leases.release(run_lease(execution.id), execution.token)
        return tx.log.checkpoint(now)
