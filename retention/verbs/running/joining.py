"""Jobs whose records can go only with one another's: what they take together, after each by itself."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from retention.connectors.port import JointRemover, Target
from retention.connectors.retrying import PATIENCE, Retry, again
from retention.engine.joint import JointRun, Member
from retention.engine.journal import LEASE, RUN_LEASE, Journal, run_lease
from retention.engine.pace import Pace
from retention.engine.recovery import lease_name
from retention.engine.tally import Tally
from retention.errors import RetentionError, SafetyRefusal, UnreachableError
from retention.ledger.evidence import Committer
from retention.model.outcome import JobOutcome
from retention.model.plan import JobPlan, JobStatus
from retention.planning.work import Work
from retention.store.owners import this_process
from retention.store.state import Transaction
from retention.verbs.running.beside import refuse_beside
from retention.verbs.running.ended import not_run
from retention.verbs.running.pacing import between
from retention.verbs.running.phases import DOING, Group, Phase, added, beside, of_due

if TYPE_CHECKING:
    from retention.verbs.running.execution import Execution

_GOES_ON = (JobStatus.DONE, JobStatus.PARTIAL)


def so_far(group: Group | None, job: JobPlan, outcome: JobOutcome) -> JobOutcome:
    """What became of a job that has had its turn; what it shares with others is left."""
    later = 0 if group is None else group.later(job.name)
    if group is None or not later:
        return outcome
    group.own[job.name] = outcome
    waits = outcome.status in _GOES_ON
    return replace(
        outcome,
        planned=job.due,
        left=outcome.left + later,
        status=JobStatus.PARTIAL if waits else outcome.status,
        reason=outcome.reason or f"{later:,} records go with records of other rules on {group.datasets}",
    )


def joined(execution: Execution, group: Group) -> Mapping[str, JobOutcome]:
    """By the names of the jobs, what has become of all of their records, when the last of them has had its turn.

    Who did not run, or failed, takes no part: what waits for records of theirs waits for another run.
    """
    waiting = {place: phase for place, phase in enumerate(group.phases) if group.together.counts.get(place)}
    taking = {
        place: replace(phase, plan=of_due(phase.plan, group.together.counts[place]))
        for place, phase in waiting.items()
        if (own := group.own.get(phase.plan.name)) is not None and own.status in _GOES_ON
    }
    found: dict[str, JobOutcome] = {}
    for place, outcome in _taken(execution, group, taking).items():
        job = group.phases[place].plan
        own = group.own[job.name]
        found[job.name] = added(of_due(job, own.planned + outcome.planned), [own, outcome])
    return found


def _taken(execution: Execution, group: Group, taking: Mapping[int, Phase]) -> Mapping[int, JobOutcome]:
    """What became of the shares of those that take part."""
    limit = execution.limit
    may: dict[int, int | None] = {}
    found: dict[int, JobOutcome] = {}
    for place, phase in taking.items():
        may[place] = None if limit is None else limit - group.own[phase.plan.name].done
        if limit is not None and may[place] == 0:
            found[place] = not_run(phase.plan, JobStatus.DONE, f"limited to {limit:,} records")
    working = {place: phase for place, phase in taking.items() if place not in found}
    if not working:
        return found
    try:
        found |= _leased(execution, group, working, may)
    except SafetyRefusal as error:
        found |= {place: _hindered(phase, JobStatus.REFUSED, error) for place, phase in working.items()}
    except RetentionError as error:
        found |= {place: _hindered(phase, JobStatus.FAILED, error) for place, phase in working.items()}
    for place, outcome in found.items():
        most = may[place]
        if most is not None and most < outcome.planned and outcome.reason is None:
            found[place] = replace(
                outcome, reason=f"limited to {limit:,} records; the next run takes the others"
            )
    return found


def _hindered(phase: Phase, status: JobStatus, error: RetentionError) -> JobOutcome:
    return not_run(phase.plan, status, error.message)


def _leased(
    execution: Execution, group: Group, working: Mapping[int, Phase], may: Mapping[int, int | None]
) -> Mapping[int, JobOutcome]:
    """The batches, under the leases of the datasets, which the jobs had one after the other."""
    state, now = execution.state, execution.clock()
    tokens: dict[str, int] = {}
    own = {str(phase.work.bound) for phase in working.values()}
    others = [bound for bound in execution.ready.bound if str(bound) not in own]
    with state.begin() as tx:
        tx.leases.renew(run_lease(execution.id), execution.token, now, RUN_LEASE)
        for phase in working.values():
            lease = lease_name(phase.plan.name)
            if lease not in tokens:
                refuse_beside(tx.leases, phase.work.bound, others, now)
                tokens[lease] = tx.leases.acquire(lease, this_process(), now, LEASE)
    try:
        with ExitStack() as stack:
            members = {
                place: Member(
                    tally=Tally(
                        plan=phase.plan,
                        limit=may[place],
                        progress=execution.progress,
                        timer=time.perf_counter,
                    ),
                    journal=_journal(execution, phase, group.own[phase.plan.name], tokens),
                )
                for place, phase in working.items()
            }
            joint = _Joint(execution=execution, group=group, phases=working, members=members, stack=stack)
            execution.progress.start(
                f"{DOING['delete']} {group.datasets}", sum(phase.plan.due for phase in working.values())
            )
            outcomes = joint.run().outcomes()
            execution.progress.finish()
            return outcomes
    finally:
        with suppress(RetentionError):
            state.repeat(lambda tx: _release(tx, tokens))


def _release(tx: Transaction, tokens: Mapping[str, int]) -> None:
    for lease, token in tokens.items():
        tx.leases.release(lease, token)


def _journal(execution: Execution, phase: Phase, own: JobOutcome, tokens: Mapping[str, int]) -> Journal:
    job, lease = phase.plan, lease_name(phase.plan.name)
    with execution.state.read() as snapshot:
        waiting = frozenset(row.key for row in snapshot.set_aside.of(job.connector, job.dataset))
    journal = execution.journal(job, lease, tokens[lease], waiting)
    journal.beside = beside([own], ())
    return journal


@dataclass(kw_only=True)
class _Joint:
    """How the batches are made. `phases`, `members`: by the places of the jobs in the group."""

    execution: Execution
    group: Group
    phases: Mapping[int, Phase]
    members: Mapping[int, Member]
    stack: ExitStack
    _first: Journal = field(init=False)

    def __post_init__(self) -> None:
        self._first = next(iter(self.members.values())).journal

    def run(self) -> JointRun:
        execution, phase = self.execution, next(iter(self.phases.values()))
        connector = phase.work.bound.connector
        return JointRun(
            plan=phase.plan,
            remover=again(Retry(attempts=PATIENCE), self._opened),
            journal=self._first,
            origin=execution.state.origin,
            pace=Pace(target=connector.throttle.batch_time),
            between=between(
                connector,
                execution.environ,
                self._first,
                stop=execution.stop,
                progress=execution.progress,
                stack=self.stack,
            ),
            progress=execution.progress,
            renew=self._renewed,
            members=self.members,
            together=self.group.together,
        )

    def _opened(self) -> JointRemover:
        execution = self.execution
        works: dict[int, Work] = {}
        committers: dict[int, Committer] = {}
        people: dict[int, Any] = {}
        for place, phase in self.phases.items():
            job = phase.plan
            now = execution.items.get(job.name)
            if now is None:
                raise UnreachableError(execution.ready.silent.get(job.connector, "its store does not answer"))
            self.members[place].journal.epoch = execution.said.told.epoch
            works[place] = now.only(phase.action)
            committers[place] = Committer(execution.evidence, job.connector, job.dataset)
            people[place] = execution.said.people(now.job), execution.said.of(now.job)
        job = next(iter(self.phases.values())).plan
        target: Target = execution.ready.targets[job.connector]
        way = partial(target.joint_remover, works, committers, self.group.together)
        remover: JointRemover = self.stack.enter_context(way(people=people, left=execution.left))
        return remover

    def _renewed(self) -> JointRemover:
        """One that knows what people told meanwhile."""
        self.execution.go_on()
        self.execution.listen_again()
        return self._opened()
