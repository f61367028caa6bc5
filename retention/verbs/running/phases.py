"""A job whose records meet different ends: its actions one after the other, each with batches of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from retention.connectors.port import Refused, Remembered, Target, Together
from retention.errors import UnreachableError
from retention.model.catalogue import TableId
from retention.model.outcome import JobOutcome, Skipped
from retention.model.plan import JobPlan, JobStatus
from retention.planning.binding.bound import BoundDataset
from retention.planning.fates.chains import DELETE, RESTRICT
from retention.planning.work import Work
from retention.store.runs import JobProgress
from retention.verbs.running.ended import not_run

DOING = {DELETE: "deleting", RESTRICT: "restricting"}
_WORST = (JobStatus.STOPPED, JobStatus.FAILED, JobStatus.REFUSED, JobStatus.PARTIAL, JobStatus.DONE)


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One action of a job: `plan` is the job's with the records of that action alone."""

    action: str
    plan: JobPlan
    work: Work

    @property
    def doing(self) -> str:
        """What it does, for people."""
        return f"{DOING.get(self.action, 'rewriting')} {self.work.bound}"


def phases(job: JobPlan, item: Work) -> tuple[Phase, ...]:
    """The actions by which records are due, in the order in which they are carried out: what deletes goes first."""
    if len(item.actions) == 1:
        (action,) = item.actions
        return (Phase(action=action, plan=job, work=item.only(action)),)
    order = sorted(item.actions, key=lambda action: (action != DELETE, action == RESTRICT))
    return tuple(
        Phase(action=action, plan=of_due(job, job.actions.get(action, 0)), work=item.only(action))
        for action in order
        if job.actions.get(action, 0)
    )


def of_due(job: JobPlan, due: int) -> JobPlan:
    """The job's plan with so many of its due records alone."""
    return replace(job, fates={**job.fates, "due": due}, by_action={})


def carried_out(
    job: JobPlan,
    every: Sequence[Phase],
    limit: int | None,
    carry: Callable[[Phase, JobProgress, int | None], JobOutcome],
) -> JobOutcome:
    """Each phase in turn, with how far the others are and how many records it may take; one outcome for all.

    A phase that fails or is stopped ends the job: what is left of the others is left.
    """
    found: list[JobOutcome] = []
    for place, phase in enumerate(every):
        last = found[-1] if found else None
        most = None if limit is None else limit - sum(outcome.done for outcome in found)
        if last is not None and last.status not in (JobStatus.DONE, JobStatus.PARTIAL):
            found.append(not_run(phase.plan, last.status, last.reason))
        elif most is not None and most <= 0:
            found.append(not_run(phase.plan, JobStatus.DONE, f"limited to {limit:,} records"))
        else:
            found.append(carry(phase, beside(found, every[place + 1 :]), most))
    return found[0] if len(found) == 1 else added(job, found)


def beside(done: Sequence[JobOutcome], waiting: Sequence[Phase]) -> JobProgress:
    """How far the other phases of the job are."""
    return JobProgress(
        done=sum(outcome.done for outcome in done),
        changed=sum(outcome.skipped.changed for outcome in done),
        held=sum(outcome.skipped.held for outcome in done),
        locked=sum(outcome.skipped.locked for outcome in done),
        set_aside=sum(outcome.set_aside for outcome in done),
        left=sum(outcome.left for outcome in done) + sum(phase.plan.due for phase in waiting),
        batches=sum(outcome.batches for outcome in done),
        millis=int(sum(outcome.seconds for outcome in done) * 1000),
        rows=_rows(outcome.rows for outcome in done),
    )


def _rows(every: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for rows in every:
        found.update(rows)
    return dict(found)


def added(job: JobPlan, found: Sequence[JobOutcome]) -> JobOutcome:
    """planned = done + skipped + set aside + left, as of each of them."""
    status = next(status for status in _WORST if any(outcome.status is status for outcome in found))
    return replace(
        found[0],
        status=status,
        reason=next((outcome.reason for outcome in found if outcome.reason is not None), None),
        planned=job.due,
        done=sum(outcome.done for outcome in found),
        overdue=sum(outcome.overdue for outcome in found),
        skipped=Skipped(
            changed=sum(outcome.skipped.changed for outcome in found),
            held=sum(outcome.skipped.held for outcome in found),
            locked=sum(outcome.skipped.locked for outcome in found),
        ),
        set_aside=sum(outcome.set_aside for outcome in found),
        left=sum(outcome.left for outcome in found),
        rows=_rows(outcome.rows for outcome in found),
        batches=sum(outcome.batches for outcome in found),
        rolled_back=sum(outcome.rolled_back for outcome in found),
        unknown=sum(outcome.unknown for outcome in found),
        seconds=sum(outcome.seconds for outcome in found),
        waited=sum(outcome.waited for outcome in found),
    )


@dataclass(frozen=True, kw_only=True)
class Group:
    """Jobs on one dataset, or on several of a circle, in the order of the run, of which records can go only with one
    another's.

    `phases`: how each deletes; `own`: what became of each that has had its turn, by its name, of the other records.
    """

    phases: Sequence[Phase]
    together: Together
    own: dict[str, JobOutcome] = field(default_factory=dict)

    @property
    def datasets(self) -> str:
        """What they are on, in words."""
        return " and ".join(dict.fromkeys(str(phase.work.bound) for phase in self.phases))

    def later(self, name: str) -> int:
        """How many records of this job are written down together with others'."""
        places = (place for place, phase in enumerate(self.phases) if phase.plan.name == name)
        return sum(self.together.counts.get(place, 0) for place in places)


@dataclass(frozen=True, kw_only=True)
class Memory:
    """`of`: (job, action) → its remembered records; `failed`: connector → why they could not be written down.

    `groups`: the last of several jobs → what they wrote down together.
    """

    of: Mapping[tuple[str, str], Remembered]
    failed: Mapping[str, str]
    groups: Mapping[str, Group]

    def group_of(self, job: JobPlan) -> Group | None:
        """The group in which the job has records that wait until others have had their turn."""
        return next((group for group in self.groups.values() if group.later(job.name)), None)

    def later(self, job: JobPlan) -> int:
        """How many these are."""
        group = self.group_of(job)
        return 0 if group is None else group.later(job.name)


def remember(
    jobs: Iterable[JobPlan], items: Mapping[str, Work], targets: Mapping[str, Target], stack: ExitStack
) -> Memory:
    """Before the first batch: what is due by rows that this very run removes first, goes in an order of its own, or
    could be taken for what an earlier job has just changed, and left where it is; or of which others become due as
    soon as what keeps them has gone, and could be taken instead.

    Where that fails no job of the connector runs: one could remove what another had to be told by.
    """
    found: dict[tuple[str, str], Remembered] = {}
    failed: dict[str, str] = {}
    changed: set[tuple[str, TableId]] = set()
    emptied: set[str] = set()
    meeting: dict[tuple[str, ...], list[Phase]] = {}
    for job in jobs:
        item = items.get(job.name)
        every = () if job.status is not JobStatus.READY or item is None else phases(job, item)
        behind = bool(changed & {row for phase in every for row in _rows_seen(phase.work.bound)})
        changed |= {row for phase in every for row in _rows_changed(phase)}
        emptied |= {str(phase.work.bound) for phase in every if phase.plan.due and _goes_though_kept(phase)}
        for phase in every:
            try:
                if phase.work.meets:
                    meeting.setdefault(phase.work.bound.together, []).append(phase)
                elif phase.work.remembered or behind or phase.work.keepers & emptied:
                    found[job.name, phase.action] = kept = targets[job.connector].remember(phase.work)
                    stack.callback(kept.close)
            except (UnreachableError, Refused) as error:
                failed[job.connector] = error.message
    groups: dict[str, Group] = {}
    for several in meeting.values():
        target, works = targets[connector := several[0].plan.connector], [phase.work for phase in several]
        try:
            kept_of, together = (
                target.remember_together(works) if len(works) > 1 else ([target.remember(works[0])], None)
            )
        except (UnreachableError, Refused) as error:
            failed[connector] = error.message
            continue
        for phase, kept in zip(several, kept_of, strict=True):
            found[phase.plan.name, phase.action] = kept
            stack.callback(kept.close)
        if together is not None:
            stack.callback(together.close)
            groups[several[-1].plan.name] = Group(phases=several, together=together)
    return Memory(of=found, failed=failed, groups=groups)


def _goes_though_kept(phase: Phase) -> bool:
    """Records that another rule keeps can leave their tables by it, and with them the need of what they refer to."""
    yielding = all(variant.yields_to is None for variant in phase.work.job.rule.variants)
    return not phase.work.stays and (phase.work.moves or not yielding)


def _rows_changed(phase: Phase) -> Iterator[tuple[str, TableId]]:
    """Tables of which rows are different when the action is over, and there."""
    bound = phase.work.bound
    if phase.plan.due and phase.work.stays:
        yield from _rows_seen(bound)
    if phase.work.moves and bound.vault is not None:
        yield from ((bound.connector.name, twin.target.id) for twin in bound.vault.twins)


def _rows_seen(bound: BoundDataset) -> Iterator[tuple[str, TableId]]:
    """Tables of which the rows of a record say whether something of it is done already."""
    yield bound.connector.name, bound.root.id
    yield from ((bound.connector.name, item.table.id) for item in bound.rewriting)
