"""What the policy makes of a record today, as one choice: exactly one fate for every row.

`Fates` turns jobs into predicates. Two forms of a job's fate differ in one thing only: whether
rows that this very plan deletes still count as referring to the record. In a plan they do not
(children go first, in the same run); inside a batch they do, since by then they are gone, or
their job did not run and the record must wait.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from retention import periods
from retention.model import predicate as p
from retention.model.catalogue import Catalogue, TableId
from retention.model.clock import Boundary, Clock, Period
from retention.model.policy import Rule
from retention.planning.acting import acts
from retention.planning.bound import BoundDataset, Component, Job, Outside
from retention.planning.conditions import Binder
from retention.planning.joins import Joins

WITHIN = Period(months=1, days=0, text="1 month")
"""How long carrying out a rule may take before a record is overdue."""


@dataclass(frozen=True, kw_only=True)
class Instants:
    """A rule's lines on the day `as_of`: due before `cutoff`, overdue before `late`."""

    floor: Boundary
    cutoff: Boundary
    late: Boundary


@functools.lru_cache(maxsize=256)
def instants(clock: Clock, as_of: datetime) -> Instants:
    """The lines of `clock` on the day `as_of`."""
    return Instants(
        floor=periods.floor(clock.timezone),
        cutoff=periods.cutoff(as_of, clock),
        late=periods.late_cutoff(as_of, clock, WITHIN),
    )


class Fates(Joins):
    """Predicates of one connector's jobs at the instant `as_of`.

    `acting`: the jobs of this plan in the order of the run. Only what an earlier one deletes may be
    counted as gone already; every rule protects, whether it acts or not.
    """

    def __init__(self, catalogue: Catalogue, acting: Sequence[Job], as_of: datetime) -> None:
        super().__init__(catalogue)
        self._acting = tuple(acting)
        self._as_of = as_of
        self._closures: dict[str, p.Closure] = {}

    def root(self, bound: BoundDataset) -> p.Source:
        """The source that a statement over the dataset's root table starts from."""
        return p.Source(table=bound.root.id, alias="r", only=bound.root.only)

    def fate(self, job: Job, root: p.Source, *, strict: bool) -> p.Choice:
        """The record's fate under `job`. `strict`: rows that other jobs delete still count as referring."""
        return self._fate(job, root, strict=strict, visiting=())

    def free(self, job: Job, root: p.Source) -> p.Choice:
        """The strict fate of a record that was due while its event could be read, and may have none now."""
        return self._fate(job, root, strict=True, visiting=(), gone=True)

    def fleeting(self, job: Job) -> bool:
        """Other jobs of this plan delete rows that the job's event is read from, and nothing else tells it."""
        components = job.bound.events[job.rule.event or ""]
        if any(component.always for component in components):
            return False
        read = {hop.arrives for c in components for hop in c.hops}
        return any(read & other.bound.members for other in self._acting if acts(other))

    def records(self, job: Job, root: p.Source) -> p.Test:
        """Which rows of the root table are records: all but those of which `where` is false."""
        scope = self._scope(job.bound, root)
        return p.All(items=()) if scope is None else p.Untrue(item=p.Not(item=scope))

    def reaches(self, job: Job, root: p.Source) -> tuple[p.Reaches, ...]:
        """Bare-column comparisons that every due record passes; empty where an event is in related rows only."""
        components = job.bound.events[job.rule.event or ""]
        if len(components) != 1 or components[0].hops:
            return ()
        lines = instants(job.clock, self._as_of)
        field = self._field(root, components[0])
        return (p.Reaches(field=field, cutoff=self._line(job, lines.cutoff)),)

    def late(self, job: Job, root: p.Source) -> p.Test:
        """Of a record whose clock has ended: it ended longer ago than carrying it out may take."""
        late = instants(job.clock, self._as_of).late
        return p.Untrue(item=self._any(job, root, p.State.RECENT, late))

    def latest_day(self, job: Job, root: p.Source) -> p.LatestDay:
        """The day of the record's event, for showing and ordering."""
        own: list[p.OwnField] = []
        related: list[p.RelatedField] = []
        for component in job.bound.events[job.rule.event or ""]:
            source = root if not component.hops else self._source(component.table)
            field, scope = self._field(source, component), self._condition(source, component)
            happened = None if scope is None else p.IsTrue(item=scope)
            if not component.hops:
                own.append(p.OwnField(field=field, where=happened))
                continue
            joined = self._joined(component.hops, root, source)
            where = joined if happened is None else p.All(items=(joined, happened))
            related.append(p.RelatedField(field=field, where=where))
        return p.LatestDay(own=tuple(own), related=tuple(related), timezone=job.clock.timezone)

    def component_state(self, job: Job, root: p.Source, component: Component, state: p.State) -> p.Test:
        """Whether `component` is in `state` for this record, as the fate reads it."""
        return self._component(job, root, component, state, instants(job.clock, self._as_of).cutoff)

    def referring(self, job: Job, root: p.Source, outside: Outside, *, strict: bool) -> p.Test:
        """Some row that stays refers to this record by this reference."""
        return self._referring(job, root, outside, strict=strict, visiting=(job,))

    def referring_rows(self, job: Job, root: p.Source, outside: Outside) -> tuple[p.Source, p.Test]:
        """The rows themselves: a source, and which of its rows stay and refer to the record of `root`."""
        reference, bound = outside.reference, job.bound
        referring = self._source(reference.table)
        stays = self._stays(job, root, outside, referring, strict=False, visiting=(job,))
        if reference.target == bound.root.id:
            return referring, p.All(items=(self._refers(reference, referring, root), *stays))
        member = self._source(reference.target)
        belongs = self._belongs(bound, reference.target, member, root)
        linked = p.All(items=(self._refers(reference, referring, member), belongs))
        return referring, p.All(items=(p.Exists(source=member, where=linked), *stays))

    # -- the choice ------------------------------------------------------------------------

    def _fate(
        self,
        job: Job,
        root: p.Source,
        *,
        strict: bool,
        visiting: tuple[Job, ...],
        gone: bool = False,
        alone: bool = False,
    ) -> p.Choice:
        """`alone`: as if no record of the dataset referred to another."""
        cases: list[tuple[p.Test, str]] = []
        scope = self._scope(job.bound, root)
        if scope is not None:
            cases.append((p.IsUnknown(item=scope), "unclear"))
        cutoff = instants(job.clock, self._as_of).cutoff
        cases += [
            (self._any(job, root, p.State.RECENT, cutoff), "not_due"),
            (self._any(job, root, p.State.UNCLEAR, cutoff), "unclear"),
        ]
        if not gone:
            cases.append((p.Untrue(item=self._any(job, root, p.State.PAST, cutoff)), "undated"))
        keeping = tuple(p.Untrue(item=self._ended(job, rule, root, gone=gone)) for rule in job.others)
        if keeping:
            cases.append((p.AnyOf(items=keeping), "retained"))
        referring = [
            self._referring(job, root, item, strict=strict, visiting=(*visiting, job))
            for item in job.bound.outside
            if not item.inside or (strict and not alone)
        ]
        if job.bound.entangled and not strict and not alone:
            referring.append(p.Reached(fields=self._key(job.bound, root), closure=self._kept(job)))
        if referring:
            cases.append((p.AnyOf(items=tuple(referring)), "referenced"))
        if not acts(job):
            return p.Choice(cases=tuple(cases), otherwise="elsewhere")
        return p.Choice(cases=tuple(cases), otherwise="due")

    def _ended(self, job: Job, rule: Rule, root: p.Source, *, gone: bool) -> p.Test:
        """Rule's own clock has ended for this record; where its event may be `gone`, it has unless it says not."""
        assert rule.clock is not None
        other = Job(rule=rule, bound=job.bound)
        cutoff = instants(rule.clock, self._as_of).cutoff
        past = () if gone else (self._any(other, root, p.State.PAST, cutoff),)
        return p.All(
            items=(
                p.Untrue(item=self._any(other, root, p.State.RECENT, cutoff)),
                p.Untrue(item=self._any(other, root, p.State.UNCLEAR, cutoff)),
                *past,
            )
        )

    def _scope(self, bound: BoundDataset, root: p.Source) -> p.Test | None:
        if bound.where is None:
            return None
        return Binder(self._catalogue, bound.root, root).test(bound.where.tree)

    # -- events ----------------------------------------------------------------------------

    def _any(self, job: Job, root: p.Source, state: p.State, cutoff: Boundary) -> p.Test:
        components = job.bound.events[job.rule.event or ""]
        return p.AnyOf(items=tuple(self._component(job, root, c, state, cutoff) for c in components))

    def _component(
        self, job: Job, root: p.Source, component: Component, state: p.State, cutoff: Boundary
    ) -> p.Test:
        floor = self._line(job, periods.floor(job.clock.timezone))
        line = self._line(job, cutoff)

        def dated(source: p.Source, *wanted: p.State) -> p.Test:
            field = self._field(source, component)
            states = (p.Dated(field=field, state=each, floor=floor, cutoff=line) for each in wanted)
            return self._happened(source, component, state, p.AnyOf(items=tuple(states)))

        if not component.hops:
            return dated(root, state)
        if state is p.State.MISSING:
            # A row of which the condition is false is as good as none.
            return p.Not(item=self._along(component.hops, root, lambda s: self._counts(s, component)))
        # A related row that exists but has no date is not one of long ago.
        wanted = (p.State.UNCLEAR, p.State.MISSING) if state is p.State.UNCLEAR else (state,)
        return self._along(component.hops, root, lambda source: dated(source, *wanted))

    def _happened(self, source: p.Source, component: Component, state: p.State, dated: p.Test) -> p.Test:
        """The row's component is in `state`, where `dated` says so of its column alone."""
        condition = self._condition(source, component)
        if condition is None:
            return dated
        here = p.All(items=(p.IsTrue(item=condition), dated))
        match state:
            case p.State.UNCLEAR:
                return p.AnyOf(items=(p.IsUnknown(item=condition), here))
            case p.State.MISSING:
                return p.AnyOf(items=(p.IsTrue(item=p.Not(item=condition)), here))
            case _:
                return here

    def _counts(self, source: p.Source, component: Component) -> p.Test:
        condition = self._condition(source, component)
        return p.All(items=()) if condition is None else p.Untrue(item=p.Not(item=condition))

    def _condition(self, source: p.Source, component: Component) -> p.Test | None:
        """What the component's row must be for it to have happened; None where nothing is asked."""
        if component.where is None:
            return None
        return Binder(self._catalogue, self._catalogue.tables[component.table], source).test(
            component.where.tree
        )

    def _line(self, job: Job, boundary: Boundary) -> p.Line:
        zone = job.bound.connector.timezone
        naive = None if zone is None else periods.naive_boundary(boundary, zone)
        return p.Line(day=boundary.day, instant=boundary.instant, naive=naive)

    # -- references ------------------------------------------------------------------------

    def _referring(
        self,
        job: Job,
        root: p.Source,
        outside: Outside,
        *,
        strict: bool,
        visiting: tuple[Job, ...],
    ) -> p.Test:
        reference = outside.reference
        referring = self._source(reference.table)
        stays = self._stays(job, root, outside, referring, strict=strict, visiting=visiting)

        def refers_to(target: p.Source) -> p.Test:
            items = (self._refers(reference, referring, target), *stays)
            return p.Exists(source=referring, where=p.All(items=items))

        return self._downward(job.bound, root, reference.target, refers_to)

    def _stays(
        self,
        job: Job,
        root: p.Source,
        outside: Outside,
        referring: p.Source,
        *,
        strict: bool,
        visiting: tuple[Job, ...],
    ) -> list[p.Test]:
        """The row of `referring` is outside the record, and this plan does not delete it before or with it."""
        table = outside.reference.table
        if not outside.inside:
            return [] if strict else list(self._goes_first(table, referring, visiting))
        if strict:
            handed = functools.partial(self._handed, job.bound)
            return [p.Untrue(item=self._of_record(job.bound, table, referring, handed))]
        going = functools.partial(self._going, job, visiting=visiting)
        return [
            p.Untrue(item=self._belongs(job.bound, table, referring, root)),
            p.Untrue(item=self._of_record(job.bound, table, referring, going)),
        ]

    def _goes_first(self, table: TableId, referring: p.Source, visiting: tuple[Job, ...]) -> Iterable[p.Test]:
        """For each earlier job of this plan that deletes rows of `table`: the row is not one of those."""
        for job in self._earlier(visiting[-1]):
            if table not in job.bound.members or not acts(job):
                continue
            going = functools.partial(self._going, job, visiting=visiting)
            yield p.Untrue(item=self._of_record(job.bound, table, referring, going))

    def _earlier(self, job: Job) -> Iterable[Job]:
        """The jobs that have run when `job` begins: where datasets refer to each other, not all of the others."""
        return itertools.takewhile(lambda other: other.name != job.name, self._acting)

    def _going(self, job: Job, root: p.Source, *, visiting: tuple[Job, ...], alone: bool = False) -> p.Test:
        """The row of `root` is a record that nothing keeps."""
        choice = self._fate(job, root, strict=False, visiting=visiting, alone=alone)
        return p.All(items=(self.records(job, root), p.Chosen(choice=choice, label=choice.otherwise)))

    # -- records that refer to each other --------------------------------------------------

    def goes_before(self, job: Job) -> tuple[p.Pairs, ...]:
        """(key, key) of due records of which the first refers to the second."""
        if not job.bound.entangled:
            return ()
        return tuple(self._between(job, item, due=True) for item in job.bound.outside if item.inside)

    def ringed(self, job: Job, root: p.Source) -> p.Test | None:
        """The record has rows that refer to each other in a ring and can't go, or one that has leads to it."""
        if not job.bound.stubborn:
            return None
        closure = self._followed(job, "ringed", tuple(self._in_rings(job.bound)))
        return p.Reached(fields=self._key(job.bound, root), closure=closure)

    def _kept(self, job: Job) -> p.Closure:
        """The records that others of their dataset keep: those that stay for another reason, and theirs in turn.

        Records that refer to each other go together: the rest is the largest set that leaves no reference behind.
        Where the database lets no row of a ring go, its records are among those that stay.
        """
        if f"kept {job.name}" not in self._closures:
            inside = [item for item in job.bound.outside if item.inside]
            seeds = [self._kept_at_first(job, item) for item in inside]
            self._followed(job, "kept", (*seeds, *self._in_rings(job.bound)))
        return self._closures[f"kept {job.name}"]

    def _followed(self, job: Job, word: str, seeds: tuple[p.Pairs, ...]) -> p.Closure:
        """The records of `seeds`, and all that they refer to."""
        name = f"{word} {job.name}"
        if name not in self._closures:
            steps = tuple(self._between(job, item) for item in job.bound.outside if item.inside)
            alias = f"{word}{len(self._closures) + 1}"
            self._closures[name] = p.Closure(name=alias, seeds=seeds, steps=steps)
        return self._closures[name]

    def _kept_at_first(self, job: Job, item: Outside) -> p.Pairs:
        """Records that could go, and that a row refers to which could not."""
        bound, reference = job.bound, item.reference
        row, (sources, root, linked) = self._source(reference.table), self._referred_record(bound, item)
        alone = functools.partial(self._going, job, visiting=(), alone=True)
        tests = (
            linked(row),
            p.Untrue(item=self._belongs(bound, reference.table, row, root)),
            p.Untrue(item=self._of_record(bound, reference.table, row, alone)),
            alone(root),
        )
        return p.Pairs(sources=(row, *sources), where=p.All(items=tests), fields=self._key(bound, root))

    def _between(self, job: Job, item: Outside, *, due: bool = False) -> p.Pairs:
        """(key, key) of records of which the first refers to the second; `due`: only of those that go."""
        bound, reference = job.bound, item.reference
        row, (sources, root, linked) = self._source(reference.table), self._referred_record(bound, item)
        owner, tests = row, [linked(row)]
        if reference.table != bound.root.id:
            owner = self._source(bound.root.id)
            tests.append(self._belongs(bound, reference.table, row, owner))
            sources = (owner, *sources)
        keys = self._key(bound, owner), self._key(bound, root)
        tests.append(p.Untrue(item=p.SameValues(left=keys[0], right=keys[1])))
        if due:
            tests.append(self._going(job, root, visiting=()))
        return p.Pairs(sources=(row, *sources), where=p.All(items=tuple(tests)), fields=(*keys[0], *keys[1]))
