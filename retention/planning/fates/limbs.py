"""A rule's limbs as tests over a record's root: which have come, which can't be told, which are late.

The words are those of the contract: a rule's variant has the limb `keep`, counted from its event, and a limb for
each event of `until` or `upon`, which ends it by its own day. Where a limb rests on an event that no store
records, people's tellings decide: its tests are lists of records, made by `retention.safety.people`.
"""

from __future__ import annotations

import functools
from datetime import datetime

from retention import periods
from retention.model import predicate as p
from retention.model.catalogue import Catalogue
from retention.model.clock import Boundary, Clock, Period
from retention.model.strategy import DATES
from retention.planning.binding.bound import Component
from retention.planning.binding.conditions import Binder
from retention.planning.fates.cases import Case, Limb
from retention.planning.fates.drawing import lines
from retention.planning.fates.joins import Joins

Line = p.Line | p.Span
"""What dates are held against: one line for all records, or a period of each record's own."""


_REMEMBERED = 1_000
"""More than one plan asks for; of every run of a daemon some are left, which nobody asks for again."""


@functools.lru_cache(maxsize=_REMEMBERED)
def cutoff(as_of: datetime, clock: Clock) -> Boundary:
    return periods.cutoff(as_of, clock)


@functools.lru_cache(maxsize=_REMEMBERED)
def happened(as_of: datetime, timezone: str) -> Boundary:
    return periods.happened(as_of, timezone)


@functools.lru_cache(maxsize=_REMEMBERED)
def late_cutoff(within: Period, as_of: datetime, clock: Clock) -> Boundary:
    return periods.late_cutoff(as_of, clock, within)


@functools.lru_cache(maxsize=_REMEMBERED)
def line_of(boundary: Boundary, zone: str | None) -> p.Line:
    """`zone`: of readings without one."""
    naive = None if zone is None else periods.naive_boundary(boundary, zone)
    return p.Line(day=boundary.day, instant=boundary.instant, naive=naive)


class Limbs(Joins):
    """Tests of limbs at the instant `as_of`."""

    def __init__(self, catalogue: Catalogue, as_of: datetime) -> None:
        super().__init__(catalogue)
        self._as_of = as_of

    # -- limbs -----------------------------------------------------------------------------

    def come(self, case: Case, limb: Limb, root: p.Source) -> p.Test:
        """Plain: the limb has come."""
        if case.rests_on_told(limb):
            return self._listed(case, root, "come", limb)
        if limb.keep:
            known, line = self._keep(case, root)
            return p.All(items=(*known, self._past(case, limb.event, root, line)))
        return p.All(items=(self._happened(case, limb.event, root), *self._counts(case, limb.event, root)))

    def unclear(self, case: Case, limb: Limb, root: p.Source) -> p.Test:
        """Plain: whether the limb has come can't be told."""
        if case.rests_on_told(limb):
            return self._listed(case, root, "unclear", limb)
        if limb.keep:
            known, line = self._keep(case, root)
            unclear = self._unclear(case, limb.event, root, line)
            unknown = (p.Untrue(item=test) for test in known)
            return p.AnyOf(items=(*unknown, p.All(items=(*known, unclear)))) if known else unclear
        unclear = self._unclear(case, limb.event, root, self._now_line(case))
        if (event := case.variant.event) is None:
            return unclear
        blurred = (
            self._happened(case, limb.event, root),
            p.Untrue(item=self._precedes(case, limb.event, root)),
            self._blurred(case, event, root),
        )
        return p.AnyOf(items=(unclear, p.All(items=blurred)))

    def recent(self, case: Case, limb: Limb, root: p.Source) -> p.Test:
        """Plain: it has not come, as a date says."""
        if case.rests_on_told(limb):
            return p.AnyOf(items=())
        line = self._keep(case, root)[1] if limb.keep else self._now_line(case)
        return self._any(case, limb.event, root, p.State.RECENT, line)

    def limb_late(self, case: Case, limb: Limb, root: p.Source) -> p.Test:
        """Plain: the limb came longer ago than carrying the rule out may take."""
        within = case.variant.within
        if case.rests_on_told(limb):
            return self._listed(case, root, "late", limb)
        if limb.keep:
            known, line = self._keep(case, root, within=within)
            return p.All(items=(*known, self._past(case, limb.event, root, line)))
        boundary = periods.happened_late(self._as_of, case.variant.timezone, within)
        past = self._past(case, limb.event, root, self._line(case, boundary))
        return p.All(items=(past, *self._counts(case, limb.event, root)))

    def overdue(self, case: Case, root: p.Source) -> p.Test:
        """Plain, of a record whose clock has ended: past `at_most` where that has a date, else any limb is late."""
        late = p.AnyOf(items=tuple(self.limb_late(case, limb, root) for limb in case.limbs))
        if case.variant.at_most is None:
            return late
        return p.AnyOf(items=(self.past_at_most(case, root), p.All(items=(self._no_date(case, root), late))))

    def past_at_most(self, case: Case, root: p.Source) -> p.Test:
        """Plain: the variant's own `at_most` has passed."""
        if (at_most := case.variant.at_most) is None:
            return p.AnyOf(items=())
        line = periods.cutoff(self._as_of, case.variant.counting(at_most))
        return self._counted(case, root, "past at_most", line)

    def deferred(self, case: Case, root: p.Source, defers: p.Test, *, gone: bool = False) -> p.Test:
        """Plain, where a limb has come: `defer_while` (`defers`) is not false, and `at_most` is not near.

        `gone`: the rows may be gone that told when it is; where nothing tells it any more, it is taken as near."""
        variant = case.variant
        deferring: p.Test = p.Untrue(item=p.Not(item=defers))
        if variant.at_most is None:
            return deferring
        at_most = variant.counting(variant.at_most)
        line = periods.nearing_cutoff(self._as_of, at_most, variant.within)
        tests = [deferring, p.Untrue(item=self._counted(case, root, "near at_most", line))]
        if gone and case.window_in_other_rows:
            tests.append(self._told_at_all(case, variant.event or "", root))
        return p.All(items=tuple(tests))

    def _told_at_all(self, case: Case, event: str, root: p.Source) -> p.Test:
        """Something says of the event when it happened, were it unclear."""
        states = (state for state in p.State if state is not p.State.MISSING)
        line = self._now_line(case)
        return p.AnyOf(items=tuple(self._any(case, event, root, state, line) for state in states))

    def undated(self, case: Case, root: p.Source) -> p.Test:
        """Plain, of a variant with `keep` alone that has neither come nor is unclear: `from` has no date."""
        event = case.variant.event or ""
        if event in case.told:
            return p.Untrue(item=self._listed(case, root, "dated"))
        line = self._now_line(case)
        dated = (self._any(case, event, root, state, line) for state in (p.State.PAST, p.State.RECENT))
        return p.Untrue(item=p.AnyOf(items=tuple(dated)))

    def endings(self, case: Case, root: p.Source, guard: p.Test) -> tuple[p.Ending, ...]:
        """The days on which the variant's limbs ended, where `guard` holds."""
        found = []
        for limb in case.limbs:
            if not case.rests_on_told(limb) and not case.bound.events[limb.event]:
                continue  # it never happens
            come = p.All(items=(guard, self.come(case, limb, root)))
            if case.rests_on_told(limb):
                found.append(
                    p.Ending(
                        come=come,
                        latest=None,
                        listed=case.listed("day", limb),
                        fields=self._key(case.bound, root),
                    )
                )
                continue
            clock, times = None, None
            if limb.keep and case.variant.keep is not None:
                clock = case.variant.counting(case.variant.keep)
            elif limb.keep:
                told = case.bound.periods[case.variant.instructed or ""]
                clock = case.variant.counting(told.unit.period(1))
                times = p.Whole(item=self.value(told.value, root), least=told.least, most=told.most)
            latest = self.latest_day(case, limb.event, root)
            found.append(p.Ending(come=come, latest=latest, clock=clock, times=times))
        return tuple(found)

    def latest_day(self, case: Case, event: str, root: p.Source) -> p.LatestDay:
        """The day of the event, for ordering and showing."""
        own: list[p.OwnField] = []
        related: list[p.RelatedField] = []
        for component in case.bound.events.get(event, ()):
            source = root if not component.hops else self.source(component.table)
            field, scope = self._field(source, component), self._condition(source, component)
            happened = None if scope is None else p.IsTrue(item=scope)
            if not component.hops:
                own.append(p.OwnField(field=field, where=happened))
                continue
            joined = self._joined(component.hops, root, source)
            where = joined if happened is None else p.All(items=(joined, happened))
            related.append(p.RelatedField(field=field, where=where))
        return p.LatestDay(
            own=tuple(own),
            related=tuple(related),
            timezone=case.variant.timezone,
            naive=case.bound.connector.timezone,
        )

    # -- lines -----------------------------------------------------------------------------

    def _keep(
        self, case: Case, root: p.Source, *, within: Period | None = None
    ) -> tuple[tuple[p.Test, ...], Line]:
        """What must hold for the period to be known, and the line that it draws; with `within`, of being late."""
        variant = case.variant
        if variant.keep is not None:
            clock = variant.counting(variant.keep)
            late = None if within is None else late_cutoff(within, self._as_of, clock)
            return (), self._line(case, late or cutoff(self._as_of, clock))
        told = case.bound.periods[variant.instructed or ""]
        times = p.Whole(item=self.value(told.value, root), least=told.least, most=told.most)
        today = periods.day_of(self._as_of, variant.timezone)
        clock = variant.counting(told.unit.period(1))
        known = p.Not(item=p.IsNull(item=times))
        drawn = lines(
            self._as_of, clock, told.unit, (told.least, told.most), within, case.bound.connector.timezone
        )
        return (known,), p.Span(clock=clock, times=times, today=today, within=within, lines=drawn)

    def _counted(self, case: Case, root: p.Source, what: str, boundary: Boundary) -> p.Test:
        """The variant's `from` lies before a line of another period."""
        event = case.variant.event or ""
        if event in case.told:
            return self._listed(case, root, what)
        return self._past(case, event, root, self._line(case, boundary))

    def _no_date(self, case: Case, root: p.Source) -> p.Test:
        event = case.variant.event or ""
        if event in case.told:
            return p.Untrue(item=self._listed(case, root, "dated"))
        recent = self._any(case, event, root, p.State.RECENT, self._now_line(case))
        return p.Untrue(item=p.AnyOf(items=(recent, self._happened(case, event, root))))

    def _now_line(self, case: Case) -> p.Line:
        return self._line(case, happened(self._as_of, case.variant.timezone))

    def _line(self, case: Case, boundary: Boundary) -> p.Line:
        return line_of(boundary, case.bound.connector.timezone)

    # -- events ----------------------------------------------------------------------------

    def _happened(self, case: Case, event: str, root: p.Source) -> p.Test:
        return self._past(case, event, root, self._now_line(case))

    def _counts(self, case: Case, event: str, root: p.Source) -> tuple[p.Test, ...]:
        """What must hold for an event that has happened to count beside `from`: it is not earlier, for sure."""
        if (begin := case.variant.event) is None:
            return ()
        against = self._precedes(case, event, root), self._blurred(case, begin, root)
        return tuple(p.Untrue(item=test) for test in against)

    def _blurred(self, case: Case, begin: str, root: p.Source) -> p.Test:
        if begin in case.told:
            return self._listed(case, root, "blurred")
        return self._any(case, begin, root, p.State.UNCLEAR, self._now_line(case))

    def _precedes(self, case: Case, event: str, root: p.Source) -> p.Test:
        """Some known component of `from` is later than every component of `event`."""
        if case.variant.event in case.told:
            return self._listed(case, root, "precedes", Limb(event=event, keep=False))
        begin = case.bound.events[case.variant.event or ""]
        ending = case.bound.events[event]
        return p.AnyOf(items=tuple(self._after_all(case, one, ending, root) for one in begin))

    def _after_all(self, case: Case, one: Component, others: tuple[Component, ...], root: p.Source) -> p.Test:
        """Some date of `one` is later than every date of `others` that has happened."""

        def after(source: p.Source) -> p.Test:
            left = self._field(source, one)
            return self._where(source, one, p.All(items=tuple(beats(left, other) for other in others)))

        def beats(left: p.Field, other: Component) -> p.Test:
            def not_after(source: p.Source) -> p.Test:
                right = self._field(source, other)
                later = p.Later(
                    left=left,
                    right=right,
                    timezone=case.variant.timezone,
                    naive=case.bound.connector.timezone,
                )
                line = self._now_line(case)
                dated = (self._dated(case, right, state, line) for state in _DATED)
                known = self._where(source, other, p.AnyOf(items=tuple(dated)))
                return p.All(items=(known, p.Untrue(item=later)))

            return p.Untrue(item=self._along(other.hops, root, not_after))

        return self._along(one.hops, root, after)

    def _where(self, source: p.Source, component: Component, test: p.Test) -> p.Test:
        condition = self._condition(source, component)
        return test if condition is None else p.All(items=(p.IsTrue(item=condition), test))

    def _past(self, case: Case, event: str, root: p.Source, line: Line) -> p.Test:
        """The event has a date, which lies before the line."""
        past = self._any(case, event, root, p.State.PAST, line)
        components = case.bound.events[event]
        if len(components) == 1 and not components[0].hops:
            return past  # the states of one value exclude each other
        return p.All(
            items=(
                p.Untrue(item=self._any(case, event, root, p.State.RECENT, line)),
                p.Untrue(item=self._any(case, event, root, p.State.UNCLEAR, line)),
                past,
            )
        )

    def _unclear(self, case: Case, event: str, root: p.Source, line: Line) -> p.Test:
        """A component can't be told, and none is by itself too recent."""
        unclear = self._any(case, event, root, p.State.UNCLEAR, line)
        components = case.bound.events[event]
        if len(components) == 1 and not components[0].hops:
            return unclear
        return p.All(items=(p.Untrue(item=self._any(case, event, root, p.State.RECENT, line)), unclear))

    def _any(self, case: Case, event: str, root: p.Source, state: p.State, line: Line) -> p.Test:
        components = case.bound.events[event]
        return p.AnyOf(items=tuple(self.component(case, c, root, state, line) for c in components))

    def component(
        self, case: Case, component: Component, root: p.Source, state: p.State, line: Line
    ) -> p.Test:
        """Whether one component is in `state`, seen from `line`."""

        def dated(source: p.Source, *wanted: p.State) -> p.Test:
            field = self._field(source, component)
            states = (self._dated(case, field, each, line) for each in wanted)
            return self._in_row(source, component, state, p.AnyOf(items=tuple(states)))

        if not component.hops:
            return dated(root, state)
        if state is p.State.MISSING:
            # A row of which the condition is false is as good as none.
            return p.Not(item=self._along(component.hops, root, lambda s: self._may_count(s, component)))
        # A related row that exists but has no date is not one of long ago.
        wanted = (p.State.UNCLEAR, p.State.MISSING) if state is p.State.UNCLEAR else (state,)
        return self._along(component.hops, root, lambda source: dated(source, *wanted))

    def _dated(self, case: Case, field: p.Field, state: p.State, line: Line) -> p.Test:
        floor = self._line(case, periods.floor(case.variant.timezone))
        if isinstance(line, p.Line):
            return p.Dated(field=field, state=state, floor=floor, cutoff=line)
        now, naive = self._now_line(case), case.bound.connector.timezone
        if state in (p.State.MISSING, p.State.UNCLEAR):
            return p.Dated(field=field, state=state, floor=floor, cutoff=now)
        if line.lines is not None and field.kind in DATES and field.encoding.spelt_by_itself:
            drawn = p.Drawn(times=line.times, lines=line.lines, kind=field.kind)
            return p.DatedBy(field=field, state=state, floor=floor, cutoff=drawn)
        return p.Spanned(field=field, state=state, floor=floor, line=now, span=line, naive=naive)

    def _in_row(self, source: p.Source, component: Component, state: p.State, dated: p.Test) -> p.Test:
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

    def _may_count(self, source: p.Source, component: Component) -> p.Test:
        condition = self._condition(source, component)
        return p.All(items=()) if condition is None else p.Untrue(item=p.Not(item=condition))

    def _condition(self, source: p.Source, component: Component) -> p.Test | None:
        """What the component's row must be for it to have happened; None where nothing is asked."""
        if component.where is None:
            return None
        table = self._catalogue.tables[component.table]
        return Binder(self._catalogue, table, source).test(component.where.tree)

    def _listed(self, case: Case, root: p.Source, what: str, limb: Limb | None = None) -> p.Test:
        return p.Listed(fields=self._key(case.bound, root), name=case.listed(what, limb))


_DATED = (p.State.PAST, p.State.RECENT)
