"""A job as the adapters need it: every predicate of it, over one source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from retention.model import predicate as p
from retention.model.catalogue import Column
from retention.model.lists import NO_LISTS, Lists
from retention.model.policy import REWRITING
from retention.planning.binding.bound import BoundDataset, Component, Job, Outside, Some, Value
from retention.planning.fates.cases import Case
from retention.planning.fates.chains import (
    DELETE,
    DUE,
    RELEASE,
    RESTRICT,
    action_of,
    actions,
    due_by,
    empties,
    removes,
)
from retention.planning.fates.columns import PartRewrite, Rewrite
from retention.planning.fates.fate import Fates
from retention.planning.fates.results import cases
from retention.planning.fates.shared_fates import SharedFates, SharedRows
from retention.planning.fates.stops import always
from retention.planning.fates.substituting import nobody_goes

MARKER = "(done)"
"""Among the events of a job, where it is asked when records were rewritten: no event that a policy can name."""


@dataclass(frozen=True, kw_only=True)
class Referring:
    """A reference that can keep the record: `test` says that some row does; `rows` which of `source` do."""

    outside: Outside
    test: p.Test
    source: p.Source
    rows: p.Test


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A component of an event: its states, and where a related row's value is read, for showing, and to be reckoned
    with."""

    component: Component
    states: Mapping[p.State, p.Test]
    related: p.RelatedField | None
    readable: p.RelatedField | None


@dataclass(frozen=True, kw_only=True)
class Work:
    """One job's predicates, all over the source `root`.

    `records`: which rows of the root table are records. `fate`: as a plan counts it; `strict`: as
    a batch rechecks it. `reaches`: bare-column comparisons that every due record passes. `late`: of a
    record whose clock has ended, whether it is overdue. `own_columns`: all of it can be read off
    the root's own row. `at_once`: the same, but for periods that are looked up in other rows, which no lock of the
    record keeps as they are: a statement that looks and deletes at once sees as much of them as one under a lock.
    `nothing_refers`: no row of any table can refer to the record, and it has no parts.
    `fleeting`: other jobs of the plan delete rows that its event is read from; `arriving`: others restrict records that
    refer to it, which are to be deleted then; `freed`, by action, where one of both is so: as `strict`, for a record
    that was due by it before; `own_ends`: ends that have come, whatever becomes of other rows, and what does not put it
    off: none has been taken back since.
    `keepers`: datasets of which the records can keep these from it: what they keep is due when they have gone.
    `unsettled_beside`: the plan removes rows that tell what becomes of those, or of records that share a row with them.
    `goes_before`: which due records others of them refer to; `moves_before`: the same of those that are moved.
    `ringed`: which records a ring of rows keeps that the database lets not go; None where it lets every ring go.
    `shared`: of each shared part, which rows go with the records; `rewrites`: the columns of the root that are
    rewritten, none where no record is; `part_rewrites`: those of its parts. `actions`: what it can come to; `action`:
    of one that is about that alone, with a plain label.
    `events`: event and zone → its components, as rules read them that count in that zone.
    `marker`: the column that says when the action was done. `lists`: the keys on each list that a predicate names.
    `strict` and `freed` are asked of records that were handed over together, and may refer to each other.
    `leading_here`: other datasets of the circle, with (key, key) of which the first, of theirs, refers to the second, a
    due one of these; `jointly`: the same job where records of all of them are handed over together.
    """

    job: Job
    root: p.Source
    records: p.Test
    fate: p.Choice
    strict: p.Choice
    freed: Mapping[str, p.Choice]
    reaches: tuple[p.Reaches, ...]
    late: p.Test
    latest_day: p.LatestDay
    referring: tuple[Referring, ...]
    events: Mapping[tuple[str, str], tuple[Shown, ...]]
    own_columns: bool
    at_once: bool
    nothing_refers: bool
    fleeting: bool
    own_ends: tuple[p.Test, ...]
    goes_before: tuple[p.Pairs, ...]
    moves_before: tuple[p.Pairs, ...] = ()
    keepers: frozenset[str] = frozenset()
    arriving: bool = False
    unsettled_beside: bool = False
    ringed: p.Test | None = None
    rewrites: tuple[Rewrite, ...] = ()
    part_rewrites: tuple[PartRewrite, ...] = ()
    actions: tuple[str, ...] = (DELETE,)
    action: str | None = None
    marker: Column | None = None
    shared: tuple[SharedRows, ...] = ()
    lists: Lists = NO_LISTS
    leading_here: tuple[tuple[BoundDataset, p.Pairs], ...] = ()
    jointly: Work | None = None

    @property
    def together(self) -> Work:
        """As batches of several datasets ask of it."""
        assert self.jointly is not None
        return replace(self.jointly, lists=self.lists)

    @property
    def remembered(self) -> bool:
        """The due records are written down before the run's first batch, and the order in which they go."""
        return self.blurred or self.unsettled_beside or (self.bound.tangled and not self.stays)

    @property
    def blurred(self) -> bool:
        """What told before the first batch that a record is due may be gone when its turn comes, or something else have
        come, by this very run: that it was due then counts."""
        return self.fleeting or (self.arriving and self.stays)

    @property
    def stays(self) -> bool:
        """The records stay, and only what is in them changes."""
        every = self.actions if self.action is None else (self.action,)
        return not any(removes(action, self.bound) for action in every)

    @property
    def meets(self) -> bool:
        """It is about deleting records that may refer to records which go by other jobs on the dataset, or on others of
        its circle: some of theirs may have to go with some of its own."""
        return self.action == DELETE and self.bound.tangled

    @property
    def moves(self) -> bool:
        """It is about moving records to a vault, or back, and nothing else."""
        return self.action in (RESTRICT, RELEASE) and self.bound.vault is not None

    @property
    def taking(self) -> tuple[str, ...]:
        """What the fate is called of a record that leaves its tables, with its parts."""
        if self.action is not None:
            return () if self.stays else (DUE,)
        return tuple(due_by(action) for action in self.actions if removes(action, self.bound))

    @property
    def marker_of_rewriting(self) -> Column | None:
        """The column of the root that is set with every record that is rewritten."""
        return self.bound.done if self.rewrites or self.part_rewrites else None

    @property
    def rewriting(self) -> tuple[str, ...]:
        """What the fate is called of a record that is rewritten."""
        if self.action is not None:
            return (DUE,) if self.action in REWRITING else ()
        return tuple(due_by(action) for action in self.actions if action in REWRITING)

    @property
    def labels(self) -> tuple[str, ...]:
        """What the fate is called of a record that is due."""
        return tuple(map(due_by, self.actions)) if self.action is None else (DUE,)

    def only(self, action: str) -> Work:
        """The same about this action alone: what is due by another one is due elsewhere."""
        if self.actions == (DELETE,) == (action,):
            jointly = None if self.jointly is None else self.jointly.only(action)
            return replace(self, action=action, jointly=jointly)
        rewriting = action in REWRITING
        gone = removes(action, self.bound)
        strict, freed = self.strict, self.freed.get(action)
        if not gone:
            strict, freed = nobody_goes(strict), None if freed is None else nobody_goes(freed)
        return replace(
            self,
            action=action,
            fate=_only(self.fate, action),
            strict=_only(strict, action),
            freed={} if freed is None else {action: _only(freed, action)},
            rewrites=self.rewrites if rewriting else (),
            part_rewrites=self.part_rewrites if rewriting else (),
            marker=self.bound.done if rewriting else None if gone else self.bound.mark,
            referring=self.referring if gone else (),
            goes_before=() if not gone else self.moves_before if action == RESTRICT else self.goes_before,
            ringed=self.ringed if gone else None,
            shared=self.shared if action == DELETE else (),
            leading_here=self.leading_here if action == DELETE else (),
            jointly=self.jointly.only(action) if self.jointly is not None and action == DELETE else None,
        )

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
        return self._is_due(self.fate)

    @property
    def still_due(self) -> p.Test:
        """The record is due in a batch: nothing refers to it any more."""
        return self._is_due(self.strict)

    @property
    def still_free(self) -> p.Test:
        """Nothing but its event, which was read before, stands between a remembered record and its end."""
        return self._is_due(next(iter(self.freed.values())))

    def _is_due(self, choice: p.Choice) -> p.Test:
        chosen = tuple(p.Chosen(choice=choice, label=label) for label in self.labels)
        return p.All(items=(self.records, chosen[0] if len(chosen) == 1 else p.AnyOf(items=chosen)))


def _only(choice: p.Choice, action: str) -> p.Choice:
    def of(label: str) -> str:
        by = action_of(label)
        return label if by is None else DUE if by == action else "elsewhere"

    cases = tuple((test, of(label)) for test, label in choice.cases)
    return p.Choice(cases=cases, otherwise=of(choice.otherwise))


def work(fates: Fates, job: Job) -> Work:
    """The predicates of `job` as `fates` sees them."""
    root = fates.root(job.bound)
    bound = job.bound
    every = [c for rule in job.every for name in rule.events for c in bound.events.get(name, ())]
    deletes = DELETE in actions(job)
    removing = empties(job)
    fleeting, arriving = fates.fleeting(job), fates.arriving(job)
    keepers = frozenset(_keepers(fates, job, root))
    related = any(
        isinstance(fact, Some) or (isinstance(fact, Value) and fact.hops) for fact in bound.facts.values()
    )
    at_once = (
        (not bound.outside or _by_itself(fates, job, root))
        and not bound.shared
        and not related
        and not any(c.hops for c in every)
        and not bound.rewrites_parts
    )
    found = Work(
        job=job,
        root=root,
        records=fates.records(job, root),
        fate=fates.fate(job, root, strict=False),
        strict=fates.fate(job, root, strict=True),
        freed={action: fates.free(job, root, action) for action in actions(job)}
        if fleeting or arriving
        else {},
        reaches=fates.reaches(job, root),
        late=fates.late(job, root),
        latest_day=fates.dated_by(job, root),
        referring=tuple(_referring(fates, job, root, outside) for outside in job.bound.outside if removing),
        events=dict(_events(fates, job, root)),
        own_columns=at_once and not any(period.value.hops for period in bound.periods.values()),
        at_once=at_once,
        nothing_refers=not bound.outside and not bound.parts and not bound.shared,
        fleeting=fleeting,
        own_ends=fates.own_ends(job, root) if fleeting else (),
        arriving=arriving,
        keepers=keepers,
        unsettled_beside=fates.unsettled_beside(job, keepers),
        goes_before=fates.goes_before(job) if deletes else (),
        moves_before=fates.moves_before(job) if removing else (),
        ringed=fates.ringed(job, root) if removing else None,
        rewrites=fates.rewrites(job, root, gone=fleeting),
        part_rewrites=fates.part_rewrites(job, root, gone=fleeting),
        actions=actions(job),
        shared=fates.shared_rows(job) if deletes and isinstance(fates, SharedFates) else (),
        leading_here=fates.leading_here(job) if deletes else (),
    )
    if not deletes or bound.circled is None:
        return found
    several = fates.jointly()
    freed = {action: several.free(job, root, action) for action in found.freed}
    return replace(found, jointly=replace(found, strict=several.fate(job, root, strict=True), freed=freed))


def marker_of(bound: BoundDataset, done: Column) -> Component:
    """The column that says when a record was rewritten, read as an event's."""
    return Component(text=done.name, hops=(), table=bound.root.id, column=done)


def _events(fates: Fates, job: Job, root: p.Source) -> Iterator[tuple[tuple[str, str], tuple[Shown, ...]]]:
    """Every event that columns tell, once in each zone in which a rule on the dataset reads it; and the marker."""
    bound, seen = job.bound, set[tuple[str, str]]()
    marker = () if bound.done is None else (marker_of(bound, bound.done),)
    for case in (case for rule in job.every for case in cases(rule, bound, job.told)):
        for name, components in (*((n, bound.events.get(n)) for n in case.variant.events), (MARKER, marker)):
            asked = name, case.variant.timezone
            if components is not None and asked not in seen:
                seen.add(asked)
                yield asked, _shown(fates, case, root, name, components)


def _keepers(fates: Fates, job: Job, root: p.Source) -> Iterator[str]:
    """Datasets whose records can keep records of this one, but for what is the very same row."""
    for cell in (None, *(item.cell for item in job.bound.rewriting)):
        for (where, _, _), _ in fates.keeping(job, job.rule, root, always, column=cell):
            if where and where[0] != "same":
                yield where[1]


def _by_itself(fates: Fates, job: Job, root: p.Source) -> bool:
    """Rows that refer to it matter to no rule on the record: none removes it, none elsewhere needs a column of it."""
    if any(empties(fates.other(job, rule, job.bound)) for rule in job.every):
        return False
    cells = (item.cell for item in job.bound.rewriting)
    signs = (sign for cell in cells for sign, _ in fates.keeping(job, None, root, always, column=cell))
    return not any(where for where, _, _ in signs)


def _referring(fates: Fates, job: Job, root: p.Source, outside: Outside) -> Referring:
    source, rows = fates.referring_rows(job, root, outside)
    test = fates.referring(job, root, outside, strict=False)
    return Referring(outside=outside, test=test, source=source, rows=rows)


def _shown(
    fates: Fates, case: Case, root: p.Source, event: str, components: tuple[Component, ...]
) -> tuple[Shown, ...]:
    related = iter(fates.latest_day(case, event, root).related)
    found = []
    for component in components:
        states = {state: fates.component_state(case, root, component, state) for state in p.State}
        there = next(related) if component.hops else None
        readable = None if there is None else fates.readable(case, there)
        found.append(Shown(component=component, states=states, related=there, readable=readable))
    return tuple(found)
