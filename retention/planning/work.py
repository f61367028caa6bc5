"""A job as the adapters need it: every predicate of it, over one source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from retention.model import predicate as p
from retention.model.lists import NO_LISTS, Lists
from retention.planning.bound import BoundDataset, Component, Job, Outside, Some, Value
from retention.planning.fate import Fates
from retention.planning.rewrites import Rewrite
from retention.planning.shared_fates import SharedFates, SharedRows


@dataclass(frozen=True, kw_only=True)
class Referring:
    """A reference that can keep the record: `test` says that some row does; `rows` which of `source` do."""

    outside: Outside
    test: p.Test
    source: p.Source
    rows: p.Test


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A component of an event, for showing: its states, and where a related row's value is read."""

    component: Component
    states: Mapping[p.State, p.Test]
    related: p.RelatedField | None


@dataclass(frozen=True, kw_only=True)
class Work:
    """One job's predicates, all over the source `root`.

    `records`: which rows of the root table are records. `fate`: as a plan counts it; `strict`: as
    a batch rechecks it. `reaches`: bare-column comparisons that every due record passes. `late`: of a
    record whose clock has ended, whether it is overdue. `own_columns`: all of it can be read off
    the root's own row. `nothing_refers`: no row of any table can refer to the record, and it has no parts.
    `fleeting`: other jobs of the plan delete rows that its event is read from; `free`: as `strict`, for a
    record that was due while that could be read. `goes_before`: which due records others of them refer to.
    `ringed`: which records a ring of rows keeps that the database lets not go; None where it lets every ring go.
    `shared`: of each shared part, which rows go with the records; `rewrites`: the columns that are rewritten; none
    where the record is deleted. `lists`: the keys on each list that a predicate names.
    `strict` and `free` are asked of records that were handed over together, and may refer to each other.
    """

    job: Job
    root: p.Source
    records: p.Test
    fate: p.Choice
    strict: p.Choice
    free: p.Choice
    reaches: tuple[p.Reaches, ...]
    late: p.Test
    latest_day: p.LatestDay
    referring: tuple[Referring, ...]
    events: Mapping[str, tuple[Shown, ...]]
    own_columns: bool
    nothing_refers: bool
    fleeting: bool
    goes_before: tuple[p.Pairs, ...]
    ringed: p.Test | None = None
    shared: tuple[SharedRows, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    lists: Lists = NO_LISTS

    @property
    def remembered(self) -> bool:
        """The due records are written down before the run's first batch, and the order in which they go."""
        return self.fleeting or (self.bound.entangled and not self.rewrites)

    @property
    def bound(self) -> BoundDataset:
        """The dataset that the job is on."""
        return self.job.bound

    @property
    def undecided(self) -> p.Test | None:
        """The dataset's `where` is neither true nor false of the record; None where it has none."""
        match self.records:
            case p.Untrue(item=p.Not(item=scope)):
                return p.IsUnknown(item=scope)
        return None

    @property
    def due(self) -> p.Test:
        """The record is due in a plan."""
        return p.All(items=(self.records, p.Chosen(choice=self.fate, label="due")))

    @property
    def still_due(self) -> p.Test:
        """The record is due in a batch: nothing refers to it any more."""
        return p.All(items=(self.records, p.Chosen(choice=self.strict, label="due")))

    @property
    def still_free(self) -> p.Test:
        """Nothing but its event, which was read before, stands between a remembered record and its end."""
        return p.All(items=(self.records, p.Chosen(choice=self.free, label="due")))


def work(fates: Fates, job: Job) -> Work:
    """The predicates of `job` as `fates` sees them."""
    root = fates.root(job.bound)
    bound = job.bound
    every = [c for rule in job.every for name in rule.events for c in bound.events.get(name, ())]
    related = any(
        isinstance(fact, Some) or (isinstance(fact, Value) and fact.hops) for fact in bound.facts.values()
    )
    return Work(
        job=job,
        root=root,
        records=fates.records(job, root),
        fate=fates.fate(job, root, strict=False),
        strict=fates.fate(job, root, strict=True),
        free=fates.free(job, root),
        reaches=fates.reaches(job, root),
        late=fates.late(job, root),
        latest_day=fates.dated_by(job, root),
        referring=()
        if job.rule.rewrites
        else tuple(_referring(fates, job, root, outside) for outside in job.bound.outside),
        events={
            name: _shown(fates, job, root, name)
            for rule in job.every
            for name in rule.events
            if name in bound.events
        },
        own_columns=(not bound.outside or all(rule.rewrites for rule in job.every))
        and not bound.shared
        and not bound.periods
        and not related
        and not any(c.hops for c in every),
        nothing_refers=not bound.outside and not bound.parts and not bound.shared,
        fleeting=fates.fleeting(job),
        goes_before=() if job.rule.rewrites else fates.goes_before(job),
        ringed=None if job.rule.rewrites else fates.ringed(job, root),
        rewrites=fates.rewrites(job, root),
        shared=() if job.rule.rewrites or not isinstance(fates, SharedFates) else fates.shared_rows(job),
    )


def _referring(fates: Fates, job: Job, root: p.Source, outside: Outside) -> Referring:
    source, rows = fates.referring_rows(job, root, outside)
    test = fates.referring(job, root, outside, strict=False)
    return Referring(outside=outside, test=test, source=source, rows=rows)


def _shown(fates: Fates, job: Job, root: p.Source, event: str) -> tuple[Shown, ...]:
    components = job.bound.events[event]
    related = iter(fates.latest_day(fates.base(job), event, root).related)
    return tuple(
        Shown(
            component=component,
            states={state: fates.component_state(job, root, event, component, state) for state in p.State},
            related=next(related) if component.hops else None,
        )
        for component in components
    )
