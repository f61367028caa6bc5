"""Which columns of a record are rewritten, by which of its rule's variants, and which of that is done."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from retention.model import predicate as p
from retention.model.catalogue import Column, Table
from retention.model.strategy import Strategy
from retention.planning.binding.bound import Component, Job, Rewritten
from retention.planning.fates.cases import Case
from retention.planning.fates.chains import REWRITING, actions, chain
from retention.planning.fates.foreseen import Foreseen
from retention.planning.fates.results import cases
from retention.planning.fates.stops import Sign, always


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


def _one_holds(of: Iterable[tuple[p.Test | None, Mapping[str, p.Test]]], name: str) -> p.Test:
    """The test of this name is true of the record, of that of the chains, by their guards, that is its own."""
    tests = [every[name] if guard is None else p.All(items=(guard, every[name])) for guard, every in of]
    return tests[0] if len(tests) == 1 else p.AnyOf(items=tuple(tests))


class Columns(Foreseen, abc.ABC):
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
