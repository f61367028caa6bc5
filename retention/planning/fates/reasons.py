"""Why a record has its fate, as questions to its database: the very tests that its fate is made of, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from retention.model import condition as c
from retention.model import predicate as p
from retention.model.catalogue import Kind
from retention.model.condition import Condition, named
from retention.planning.binding.bound import BoundDataset, Cell, Job, Outside, Value
from retention.planning.fates.actions import Way
from retention.planning.fates.cases import Case, Limb
from retention.planning.fates.chains import chain
from retention.planning.fates.limbs import Line
from retention.planning.fates.results import cases
from retention.planning.fates.shared_fates import SharedFates
from retention.planning.fates.sharing import Share
from retention.planning.fates.stops import Instead, Keeper


@dataclass(frozen=True, kw_only=True)
class Latest:
    """The latest value of a component in the rows of a related table, as text."""

    related: p.RelatedField


Asked: TypeAlias = "p.Expression | Latest"


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of `source` that pass `where`, seen from the record: how many, and `key` of some."""

    source: p.Source
    where: p.Test
    key: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Questions:
    """About one record, by names that the answers have too: tests (three-valued where they are), values, rows."""

    tests: Mapping[str, p.Test] = field(default_factory=dict)
    values: Mapping[str, Asked] = field(default_factory=dict)
    rows: Mapping[str, Rows] = field(default_factory=dict)


def opened(test: p.Test, source: p.Source) -> p.Test:
    """`test`, in which some row of `source` is asked for, as a test over the rows of `source` themselves."""
    match test:
        case p.Exists(source=inner, where=where) if inner == source:
            return where
        case p.Exists(source=inner, where=where):
            return p.Exists(source=inner, where=opened(where, source))
        case p.All(items=items):
            return p.All(items=tuple(opened(item, source) for item in items))
    return test


class Reasons(SharedFates):
    """Questions about records of one job, each over the same root."""

    def cases(self, job: Job) -> tuple[Case, ...]:
        """The variants of the job's rule, in the order in which they are tried."""
        return cases(job.rule, job.bound, job.told)

    def conditions(self, job: Job, root: p.Source) -> dict[str, tuple[Condition, p.Test]]:
        """Every condition that decides which variant holds, if any: key → (what was written, the test)."""
        found: dict[str, tuple[Condition, p.Test]] = {}
        scope = self.scope(job.bound, root)
        if scope is not None and job.bound.where is not None:
            found["dataset.where"] = (job.bound.where, scope)
        if job.rule.where is not None:
            found["where"] = (job.rule.where, self.condition(job.bound, root, job.rule.where))
        for case in self.cases(job):
            when = case.variant.when
            if when is not None:
                key = f"exceptions[{case.place + 1}].when"
                found[key] = (when, self.condition(job.bound, root, when))
        return found

    def holds_for(self, job: Job, root: p.Source) -> dict[str, p.Test]:
        """Place of a variant → whether it is the one that holds."""
        found = {}
        for case in self.cases(job):
            guard = self.guard(case, root)
            found[str(case.place)] = p.All(items=()) if guard is None else guard
        return found

    def facts(self, job: Job, root: p.Source, conditions: Iterable[Condition]) -> Questions:
        """The facts that the conditions name: values of columns, and what is true or false of a record."""
        tests: dict[str, p.Test] = {}
        values: dict[str, Asked] = {}
        for name in dict.fromkeys(name for each in conditions for name in named(each.tree)):
            fact = job.bound.facts.get(name)
            if isinstance(fact, Value) and fact.column.kind is not Kind.BOOLEAN:
                values[name] = self.value(fact, root)
            elif fact is not None:
                truth = c.Truth(item=c.NameTerm(pieces=tuple(name.split("."))))
                tests[name] = self.condition(job.bound, root, Condition(tree=truth, text=name))
        return Questions(tests=tests, values=values)

    def limb(self, case: Case, limb: Limb, root: p.Source) -> Questions:
        """Whether the limb has come or is unclear, and each component of its event with its value."""
        tests: dict[str, p.Test] = {
            "come": self.come(case, limb, root),
            "unclear": self.unclear(case, limb, root),
        }
        if limb.event in case.told:
            return Questions(tests=tests)
        line = self._keep(case, root)[1] if limb.keep else self._now_line(case)
        asked = self._components(case, limb.event, root, line)
        return Questions(tests={**tests, **asked.tests}, values=asked.values)

    def begin(self, case: Case, root: p.Source) -> Questions:
        """Each component of `from`, where no period counts from it."""
        if case.variant.event is None or case.variant.event in case.told:
            return Questions()
        return self._components(case, case.variant.event, root, self._now_line(case))

    def _components(self, case: Case, event: str, root: p.Source, line: Line) -> Questions:
        """Place of a component → its value; place/word → whether it is in that state; "recent": seen from the line."""
        tests: dict[str, p.Test] = {}
        values: dict[str, Asked] = {}
        now = self._now_line(case)
        related = iter(self.latest_day(case, event, root).related)
        for place, component in enumerate(case.bound.events[event]):
            for word, state, seen_from in (
                ("future", p.State.RECENT, now),
                ("recent", p.State.RECENT, line),
                ("unclear", p.State.UNCLEAR, now),
                ("past", p.State.PAST, now),
            ):
                tests[f"{place}/{word}"] = self.component(case, component, root, state, seen_from)
            own = self._field(root, component)
            values[str(place)] = Latest(related=next(related)) if component.hops else own
        return Questions(tests=tests, values=values)

    def variant(self, case: Case, root: p.Source) -> Questions:
        """What else the variant asks: whether it defers, whether `at_most` has passed, the instructed period."""
        tests: dict[str, p.Test] = {"past at_most": self.past_at_most(case, root)}
        values: dict[str, p.Expression] = {}
        variant = case.variant
        if variant.defer_while is not None:
            tests["defers"] = self.condition(case.bound, root, variant.defer_while)
        if variant.instructed is not None:
            told = case.bound.periods[variant.instructed]
            values["written"] = self.value(told.value, root)
            values["times"] = p.Whole(item=values["written"], least=told.least, most=told.most)
        return Questions(tests=tests, values=values)

    def kept_by(self, job: Job, root: p.Source, case: Case) -> list[Keeper]:
        """Every rule that can keep the record where the variant holds, from the first action of its chain."""
        bases = case.variant.yields_to
        first = chain(job.rule, case.variant, job.bound)[:1]
        return self.keepers_from(job, root, first, lambda variant: bases is None or variant.basis in bases)

    def needed_by(self, job: Job, root: p.Source, case: Case, cell: Cell) -> list[Keeper]:
        """Every rule that can need the column of the record where the variant holds."""
        bases = case.variant.yields_to
        return self.keepers(
            job, job.rule, root, lambda variant: bases is None or variant.basis in bases, column=cell
        )

    def shared(self, job: Job, root: p.Source) -> list[tuple[Share, p.Test]]:
        """Records that stay and share a part with it."""
        return self.staying(job, root)

    def open_ways(self, job: Job, root: p.Source) -> list[Way]:
        """What the job's chain can come to for a record whose clock has ended."""
        return list(self.ways(job, root, self.referenced(job, root)))

    def acting(self, job: Job, root: p.Source, action: str) -> list[Instead]:
        """What could act on the record in place of the job, which would do `action`."""
        return self.instead(job, root, action=action)

    def linked(self, job: Job, root: p.Source, outside: Outside) -> tuple[p.Source, p.Test]:
        """Every row outside the record that refers to it by the reference, whether it stays or goes."""
        bound, reference = job.bound, outside.reference
        row = self.source(reference.table)
        tests: list[p.Test] = []
        if outside.inside:
            tests.append(p.Untrue(item=self.belongs(bound, reference.table, row, root)))
        if reference.target == bound.root.id:
            return row, p.All(items=(self.refers(reference, row, root), *tests))
        member = self.source(reference.target)
        belongs = self.belongs(bound, reference.target, member, root)
        linked = p.All(items=(self.refers(reference, row, member), belongs))
        return row, p.All(items=(p.Exists(source=member, where=linked), *tests))

    def later(self, job: Job, root: p.Source, outside: Outside) -> tuple[p.Source, p.Test] | None:
        """The rows that stay and refer to the record by the reference, and that a later job of the plan deletes.

        None where no job could: only where datasets refer to each other there is one.
        """
        source, stays = self.referring_rows(job, root, outside)
        table, going = outside.reference.table, []
        for bound in {id(each.bound): each.bound for each in self._acting}.values():
            if bound is not job.bound and table in bound.members:
                goes = partial(self._goes_of, bound, visiting=())
                going.append(self._of_record(bound, table, source, goes))
        return (source, p.All(items=(stays, p.AnyOf(items=tuple(going))))) if going else None

    def _of_the_same_row(
        self, bound: BoundDataset, record: p.Test, owner: p.Source, root: p.Source
    ) -> p.Test:
        """Asked as of a row of another table, so that it can be counted and named."""
        names = tuple(column.name for column in bound.key)
        same = p.SameValues(left=self._fields(owner, names), right=self._fields(root, names))
        return p.Exists(source=owner, where=p.All(items=(same, record)))

    def records_of(self, source: p.Source, test: p.Test, key: tuple[str, ...]) -> Rows:
        """The rows of `source` by which `test` is true of the record."""
        return Rows(source=source, where=opened(test, source), key=key)
