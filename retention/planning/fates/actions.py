"""What a rule may do to a record whose clock has ended: each action of its chain, what stops it, what of it is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from retention.model import predicate as p
from retention.model.catalogue import Column, Table
from retention.model.dataset import Dataset
from retention.model.policy import ANONYMIZE as ANONYMIZE
from retention.model.policy import DELETE as DELETE
from retention.model.policy import RELEASE as RELEASE
from retention.model.policy import RESTRICT as RESTRICT
from retention.model.policy import REWRITING, Rule, Variant
from retention.model.strategy import Strategy
from retention.planning.binding.bound import BoundDataset, Component, Job, Rewritten
from retention.planning.fates.cases import Case
from retention.planning.fates.results import OUT_OF_SCOPE, cases
from retention.planning.fates.stops import Sign, Stops, always

DUE = "due"


def due_by(action: str) -> str:
    """The label of a record that is due by this action; of one that is due by being deleted it is plain."""
    return DUE if action == DELETE else f"{DUE} {action}"


def action_of(label: str) -> str | None:
    """The action of such a label; None of any other."""
    if label == DUE:
        return DELETE
    return label.removeprefix(f"{DUE} ") if label.startswith(f"{DUE} ") else None


def rank(action: str) -> int:
    """Of several rules that would act on a record: what restricts, then what deletes, then what rewrites."""
    return (RESTRICT, DELETE).index(action) if action in (RESTRICT, DELETE) else 2


def chain(rule: Rule, variant: Variant, bound: BoundDataset) -> tuple[str, ...]:
    """The actions that are tried, in order. A rule on any data skips those that the dataset does not spell out."""
    return tuple(action for action in variant.chain if rule.data or spelt_out(bound.dataset, action))


def spelt_out(dataset: Dataset, action: str) -> bool:
    """The dataset says how the action is carried out. What hashes is no anonymisation."""
    if action == DELETE:
        return dataset.columns is None
    if action == RESTRICT:
        return dataset.restrict is not None or dataset.vault_of is not None
    strategies = dataset.rewriting.strategies
    return bool(strategies) and not (action == ANONYMIZE and any(each.linking for each in strategies))


def actions(job: Job) -> tuple[str, ...]:
    """Every action that the job can come to, each once."""
    found = [a for variant in job.rule.variants for a in chain(job.rule, variant, job.bound)]
    return tuple(dict.fromkeys(found))


def removes(action: str, bound: BoundDataset) -> bool:
    """By this action the record leaves its tables: it is deleted, or moved to a vault."""
    return action == DELETE or (action == RESTRICT and bound.moves)


def empties(job: Job) -> bool:
    """The job can come to an action by which records leave their tables."""
    return any(removes(action, job.bound) for action in actions(job))


def only_deletes(job: Job) -> bool:
    """There is nothing that it tries but to delete."""
    return all(chain(job.rule, variant, job.bound) == (DELETE,) for variant in job.rule.variants)


@dataclass(frozen=True, kw_only=True)
class Way:
    """What the chain comes to for a record whose clock has ended, where `test` is true, plain: `action`.

    `done`: it has been carried out already, plain; None where that can't be.
    """

    action: str
    test: p.Test
    done: p.Test | None = None


@dataclass(frozen=True, kw_only=True)
class Rewrite:
    """A column, how it is rewritten, and `open`, plain, over the root: it has to be, in the record.

    `name` tells it from the others of its dataset. `freely`: the same of a record that was due when the run began, of
    which something else may need more columns now than then, and none may need what was needed then.
    """

    column: Column
    strategy: Strategy
    name: str
    open: p.Test
    freely: p.Test


@dataclass(frozen=True, kw_only=True)
class PartRewrite(Rewrite):
    """A column of a part's rows: it is open where one of them has to be rewritten.

    Those are the rows of `source` of which `undone` is true, of a record of which `free` is, both plain: no rule
    needs the column, and nothing says that it was rewritten.
    """

    table: Table
    source: p.Source
    undone: p.Test
    free: p.Test


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The variants that say the same of what is done: `guard` says that one of them holds, None where there is no
    other."""

    actions: tuple[str, ...]
    cases: tuple[Case, ...]
    guard: p.Test | None


@dataclass(frozen=True, kw_only=True)
class Referenced:
    """Whether rows that stay refer to the record: `now`, as this form of the plan has it; `planned`, as the plan itself
    has it; and `lasting`: when all has gone that any rule deletes, whether it takes part or not. None: never."""

    now: p.Test | None
    planned: p.Test | None
    lasting: p.Test | None
    moving: Referenced | None = None
    """The same of what keeps it from being moved to a vault, where that is something else."""

    @property
    def by_plan(self) -> Referenced:
        """The same in the plan's own form."""
        moving = None if self.moving is None else self.moving.by_plan
        return Referenced(now=self.planned, planned=self.planned, lasting=self.lasting, moving=moving)

    @property
    def to_go(self) -> Referenced:
        """The same, as if it were what keeps the record from any action by which it leaves its tables."""
        return self if self.moving is None else replace(self, moving=None)

    def to(self, action: str) -> Referenced:
        """What keeps the record from this action."""
        return self if action != RESTRICT or self.moving is None else self.moving


def always_as(now: p.Test | None) -> Referenced:
    """In no form otherwise than `now`."""
    return Referenced(now=now, planned=now, lasting=now)


NEVER_REFERENCED = always_as(None)
NEVER_MOVED = replace(NEVER_REFERENCED, moving=always_as(p.All(items=())))
"""Nothing keeps the record from being deleted, and something does from a vault."""


def _one_holds(of: Iterable[tuple[p.Test | None, Mapping[str, p.Test]]], name: str) -> p.Test:
    """The test of this name is true of the record, of that of the chains, by their guards, that is its own."""
    tests = [every[name] if guard is None else p.All(items=(guard, every[name])) for guard, every in of]
    return tests[0] if len(tests) == 1 else p.AnyOf(items=tuple(tests))


class Actions(Stops):
    """Tests of one connector's jobs."""

    def chains(self, job: Job, root: p.Source, *, gone: bool = False) -> tuple[Chain, ...]:
        """The job's chains, with the variants that say each."""
        found: dict[tuple[str, ...], list[Case]] = {}
        for case in cases(job.rule, job.bound, job.told):
            found.setdefault(chain(job.rule, case.variant, job.bound), []).append(case)
        alone = len(found) == 1
        return tuple(
            Chain(actions=said, cases=tuple(of), guard=None if alone else self.one_of(of, root, gone=gone))
            for said, of in found.items()
        )

    def one_of(self, of: Iterable[Case], root: p.Source, *, gone: bool = False) -> p.Test:
        """Plain: one of these variants holds for the record."""
        guards = [self.guard(case, root, gone=gone) for case in of]
        return p.AnyOf(items=tuple(p.All(items=()) if guard is None else guard for guard in guards))

    def ways(self, job: Job, root: p.Source, referenced: Referenced, *, gone: bool = False) -> Iterator[Way]:
        """What the chains come to: for any record at most one way."""
        for said in self.chains(job, root, gone=gone):
            yield from self.ways_of(job, said, root, referenced, gone=gone)

    def ways_of(
        self, job: Job, said: Chain, root: p.Source, referenced: Referenced, *, gone: bool = False
    ) -> Iterator[Way]:
        """What one chain comes to: its actions in order, as far as one can be stopped."""
        before: list[p.Test] = [] if said.guard is None else [said.guard]
        for action in said.actions:
            kept = self.kept_from(job, root, action, gone=gone)
            refer = referenced.to(action) if removes(action, job.bound) else NEVER_REFERENCED
            stops = [kept, refer.now]
            free = [p.Untrue(item=stop) for stop in stops if stop is not None]
            done = self.done(job, said, root, action, gone=gone)
            yield Way(action=action, test=p.All(items=(*before, *free)), done=done)
            lasting = [s for s in (kept, refer.lasting) if s is not None]
            if not lasting:
                break
            before.append(lasting[0] if len(lasting) == 1 else p.AnyOf(items=tuple(lasting)))

    def kept_from(self, job: Job, root: p.Source, action: str, *, gone: bool = False) -> p.Test | None:
        """Plain: other rules stop the action: rewriting where they need every column, and no restriction at all.

        It is made once for each row that is asked about: every fate of the job asks it anew, and is told the same.
        """
        same = id(job.rule), id(job.bound), *map(id, job.others)
        asked = same, job.told, root, action, gone
        if asked not in self._stopping:  # the job is kept, too, that the ids stay its own
            self._stopping[asked] = job, self._kept_from(job, root, action, gone=gone)
        return self._stopping[asked][1]

    def _kept_from(self, job: Job, root: p.Source, action: str, *, gone: bool) -> p.Test | None:
        if action == DELETE:
            return self.retained(job, job.rule, root, gone=gone)
        if action == RESTRICT:
            return None
        needed = self.needed(job, root, gone=gone)
        if None in needed.values():
            return None
        return p.All(items=tuple(dict.fromkeys(test for test in needed.values() if test is not None)))

    def all_stopped(self, job: Job, root: p.Source, *, gone: bool = False) -> Iterator[tuple[p.Test, str]]:
        """Of a record that none of the ways is open to: what stops the first action; where nothing is said here, rows
        that refer to it do."""
        past = self.beyond_at_most(job, root)
        for said in self.chains(job, root, gone=gone):
            guard = () if said.guard is None else (said.guard,)
            if not said.actions:
                yield p.All(items=guard), OUT_OF_SCOPE
                continue
            kept = self.kept_from(job, root, said.actions[0], gone=gone)
            if kept is not None and past is not None:
                yield p.All(items=(*guard, kept, past)), "conflict"
            if kept is not None:
                yield p.All(items=(*guard, kept)), "retained"

    # -- columns ---------------------------------------------------------------------------

    def needed(self, job: Job, root: p.Source, *, gone: bool = False) -> Mapping[str, p.Test | None]:
        """Name of a rewritten column → plain: a rule needs it to which the job's yields; None: none ever does."""
        made: dict[tuple[Sign, ...], p.Test | None] = {}
        found: dict[str, p.Test | None] = {}
        for item in job.bound.rewriting:
            sign = tuple(sign for sign, _ in self.keeping(job, job.rule, root, always, column=item.cell))
            if sign not in made:
                made[sign] = self.retained(job, job.rule, root, gone=gone, column=item.cell)
            found[item.name] = made[sign]
        return found

    # -- done ------------------------------------------------------------------------------

    def done(
        self, job: Job, said: Chain, root: p.Source, action: str, *, gone: bool = False
    ) -> p.Test | None:
        """Plain, where the chain comes to the action: it has been carried out, on all columns that nothing needs."""
        if action == RESTRICT and job.bound.dataset.vault_of is not None:
            return p.All(items=())
        if action == RESTRICT and job.bound.mark is not None:
            return p.Not(item=p.IsNull(item=self._column(root, job.bound.mark)))
        if action not in REWRITING:
            return None
        left = self.left_to_rewrite(job, said, root, gone=gone)
        return p.Untrue(item=p.AnyOf(items=tuple(left.values())))

    def rewrites(self, job: Job, root: p.Source, *, gone: bool) -> tuple[Rewrite, ...]:
        """Every column of the root that the job rewrites; none where it never does."""
        if not REWRITING & set(actions(job)):
            return ()
        left, freely = self._left(job, root, gone=False), self._left(job, root, gone=gone)
        return tuple(
            Rewrite(
                column=item.column,
                strategy=item.strategy,
                name=item.name,
                open=_one_holds(left, item.name),
                freely=_one_holds(freely, item.name),
            )
            for item in job.bound.rewriting
            if item.own
        )

    def part_rewrites(self, job: Job, root: p.Source, *, gone: bool) -> tuple[PartRewrite, ...]:
        """Every column of the record's parts that the job rewrites; one source for each of their tables."""
        items = [item for item in job.bound.rewriting if not item.own]
        if not items or not REWRITING & set(actions(job)):
            return ()
        left, freely = self._left(job, root, gone=False), self._left(job, root, gone=gone)
        free = [(said.guard, self._free(job, said, root)) for said in self.chains(job, root)]
        sources = {item.table.id: self.source(item.table.id) for item in items}
        return tuple(
            PartRewrite(
                column=item.column,
                strategy=item.strategy,
                name=item.name,
                open=_one_holds(left, item.name),
                freely=_one_holds(freely, item.name),
                table=item.table,
                source=sources[item.table.id],
                undone=self._undone(item, sources[item.table.id]),
                free=_one_holds(free, item.name),
            )
            for item in items
        )

    def _left(
        self, job: Job, root: p.Source, *, gone: bool
    ) -> list[tuple[p.Test | None, Mapping[str, p.Test]]]:
        """Of each chain, its guard and what is left to rewrite by it."""
        chains = self.chains(job, root, gone=gone)
        return [(said.guard, self.left_to_rewrite(job, said, root, gone=gone)) for said in chains]

    def left_to_rewrite(
        self, job: Job, said: Chain, root: p.Source, *, gone: bool = False
    ) -> Mapping[str, p.Test]:
        """Name of a column → plain: no rule needs it, and it has not been rewritten, in all rows of the record."""
        found: dict[str, p.Test] = {}
        needed = self.needed(job, root, gone=gone)
        for item in job.bound.rewriting:
            if item.own:
                undone = self._undone(item, root)
            else:
                undone = self._downward(job.bound, root, item.table.id, partial(self._undone, item))
            if not item.strategy.told:
                undone = p.All(items=(undone, p.Untrue(item=self.marked(job, said, root, gone=gone))))
            kept = needed[item.name]
            found[item.name] = undone if kept is None else p.All(items=(p.Untrue(item=kept), undone))
        return found

    def _free(self, job: Job, said: Chain, root: p.Source) -> Mapping[str, p.Test]:
        """The same but for what the rows of parts tell."""
        found: dict[str, p.Test] = {}
        needed = self.needed(job, root)
        for item in job.bound.rewriting:
            kept = needed[item.name]
            tests: list[p.Test] = [] if kept is None else [p.Untrue(item=kept)]
            if not item.strategy.told:
                tests.append(p.Untrue(item=self.marked(job, said, root)))
            found[item.name] = p.All(items=tuple(tests))
        return found

    def left_in(self, job: Job, said: Chain, root: p.Source, row: p.Source) -> p.Test:
        """Plain: some column of this row of a part of the record is still to be rewritten, and no rule needs it."""
        free = self._free(job, said, root)
        items = (item for item in job.bound.rewriting if item.table.id == row.table)
        found = (p.All(items=(free[item.name], self._undone(item, row))) for item in items)
        return p.AnyOf(items=tuple(found))

    def _undone(self, item: Rewritten, row: p.Source) -> p.Test:
        """By its value alone the column is not rewritten in this row, plain; of what no value tells: it has one."""
        field = self._column(row, item.column)
        if item.strategy.told:
            return p.Untrue(item=p.IsDone(field=field, strategy=item.strategy))
        return p.Not(item=p.IsNull(item=field))

    def marked(self, job: Job, said: Chain, root: p.Source, *, gone: bool = False) -> p.Test:
        """Plain: the record was rewritten not earlier than every event by which a limb of its rule has come."""
        assert job.bound.done is not None, "binding wants a marker for what no value tells"
        marker = self._column(root, job.bound.done)
        later: list[p.Test] = []
        for case in said.cases:
            guard = self.guard(case, root, gone=gone)
            found = [self._come_after(case, root, marker)]
            later.append(p.All(items=(*([] if guard is None else [guard]), *found)))
        line = self._now_line(said.cases[0])
        known = (self._dated(said.cases[0], marker, state, line) for state in (p.State.PAST, p.State.RECENT))
        return p.All(items=(p.AnyOf(items=tuple(known)), p.Untrue(item=p.AnyOf(items=tuple(later)))))

    def _come_after(self, case: Case, root: p.Source, marker: p.Field) -> p.Test:
        """A limb has come by an event that is later than the marker."""
        found: list[p.Test] = []
        for limb in case.limbs:
            if case.rests_on_told(limb):
                found.append(self._listed(case, root, "since", limb))
                continue
            dates = [self._later(case, c, root, marker) for c in case.bound.events[limb.event]]
            found.append(p.All(items=(self.come(case, limb, root), p.AnyOf(items=tuple(dates)))))
        return p.AnyOf(items=tuple(found))

    def _later(self, case: Case, component: Component, root: p.Source, marker: p.Field) -> p.Test:
        zone, naive = case.variant.timezone, case.bound.connector.timezone

        def after(source: p.Source) -> p.Test:
            left = self._field(source, component)
            later = p.Later(left=left, right=marker, timezone=zone, naive=naive)
            return self._where(source, component, later)

        return self._along(component.hops, root, after)

    # -- for others ------------------------------------------------------------------------

    def comes_to(self, job: Job, root: p.Source, action: str) -> p.Test | None:
        """Plain, of an ended record to which nothing refers: `action` is the first that other rules do not stop, and
        it is not done yet; None: it never is."""
        found = []
        for way in self.ways(job, root, NEVER_REFERENCED):
            if way.action == action:
                undone = () if way.done is None else (p.Untrue(item=way.done),)
                found.append(p.All(items=(way.test, *undone)))
        if not found:
            return None
        return found[0] if len(found) == 1 else p.AnyOf(items=tuple(found))
