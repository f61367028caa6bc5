"""One rule, one record: its clock (DESIGN §3, and the first table of §4)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tests.oracles import calendar
from tests.oracles.lawyer import rows, told
from tests.oracles.lawyer.conditions import truth
from tests.oracles.lawyer.facts import true_of
from tests.oracles.lawyer.values import Point, day, is_day, later, read
from tests.oracles.lawyer.world import (
    INSTRUCTED,
    NONE,
    UNCLEAR,
    Component,
    Period,
    Record,
    Rule,
    Telling,
    Variant,
    World,
    remembered,
)

COME, AHEAD, MISSING = "come", "ahead", "missing"
ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class Limb:
    """COME, AHEAD, UNCLEAR or MISSING. `ended`: the day on which it ended the clock; `late_from`: from when on
    carrying it out is counted; `event`: the dates of the event that it counts from."""

    state: str
    ended: date = date.max
    late_from: date = date.max
    event: tuple[date | datetime, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Clock:
    """`word`: ENDED, or the fate. `ended`: the day on which the clock ended; `events`: the dates of every event by
    which a limb has come. `forced`: it is past `at_most`."""

    word: str
    variant: Variant | None = None
    ended: date = date.max
    events: tuple[date | datetime, ...] = ()
    forced: bool = False
    overdue: bool = False


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One time that an event may have happened: its dates (the latest is the one), or UNCLEAR; and who told it."""

    points: list[Point]
    telling: Telling | None = None


# --- the calendar -------------------------------------------------------------------------------


def today(world: World, variant: Variant) -> date:
    return day(world.as_of, variant.zone)


@functools.lru_cache(maxsize=200_000)
def due_day(on: date, months: int, days: int, starts: str, fiscal_year_end: tuple[int, int]) -> date:
    return calendar.due_day(on, months, days, starts, fiscal_year_end)


def ended_day(on: date, period: Period, variant: Variant) -> date:
    """The last day of the period: the record is due on the next."""
    counted = due_day(on, period.months, period.days, variant.starts, variant.fiscal_year_end)
    return counted - timedelta(days=1)


@functools.lru_cache(maxsize=200_000)
def plus(on: date, months: int, days: int) -> date:
    return calendar.last_day_of_period(on, months, days)


def lies_ahead(world: World, variant: Variant, point: date | datetime) -> bool:
    return point > today(world, variant) if is_day(point) else point > world.as_of


# --- events -------------------------------------------------------------------------------------


def spelled(world: World, variant: Variant, components: Sequence[Component], record: Record) -> list[Point]:
    """What the columns of an event say. NULL in the own row is skipped; in a related row that exists it is unclear."""
    found: list[Point] = []
    for component in components:
        table = record.dataset.table
        if component.path:
            reference, downward = component.path[-1]
            table = reference.table if downward else reference.target
        for row in rows.along(world, record.root, component.path):
            happened = truth(component.where, row)
            point = value_of(world, variant, component, table, row)
            if happened is None:
                found.append(UNCLEAR)
            elif happened and point is not None:
                found.append(point)
            elif happened and component.path:
                found.append(UNCLEAR)
    return found


def value_of(world: World, variant: Variant, component: Component, table: str, row: rows.Row) -> Point | None:
    stored = world.schema[table]
    zone = world.zones[stored.connector]
    return read(row[component.column], stored.columns[component.column], component, zone, variant.zone)


@remembered
def happenings(world: World, variant: Variant, event: str, record: Record) -> list[Happening]:
    """Each time that the event may have happened. What the columns say is one time, each telling is one of its own."""
    if event not in world.told:
        return [Happening(points=spelled(world, variant, record.dataset.events[event], record))]
    found = []
    for telling in told.tellings(world, event, record):
        concerned = told.concerns(world, telling, record, variant.zone)
        if concerned is not False:
            found.append(Happening(points=[telling.at if concerned is True else UNCLEAR], telling=telling))
    return found


def points(world: World, variant: Variant, event: str, record: Record) -> list[Point]:
    """All that is known of the event: the latest counts."""
    return [point for time in happenings(world, variant, event, record) for point in time.points]


def known(found: Sequence[Point]) -> list[date | datetime]:
    return [point for point in found if point != UNCLEAR]  # type: ignore[misc]


# --- limbs --------------------------------------------------------------------------------------


def instructed(world: World, record: Record) -> Period | str:
    """The tenant's own period. NULL, no row, no whole number, out of bounds: unclear."""
    said = record.dataset.instructed
    assert said is not None
    ends = rows.along(world, record.root, said.path)
    number = ends[0][said.column] if ends else None
    if not isinstance(number, int) or not said.between[0] <= number <= said.between[1]:
        return UNCLEAR
    months = {"months": 1, "years": 12}.get(said.unit, 0) * number
    days = {"days": 1, "weeks": 7}.get(said.unit, 0) * number
    return Period(text="", months=months, days=days)


def keep_limb(world: World, variant: Variant, record: Record) -> Limb:
    """The period after the latest of `from`."""
    assert variant.start is not None
    keep = instructed(world, record) if variant.keep == INSTRUCTED else variant.keep
    if not isinstance(keep, Period):
        return Limb(state=UNCLEAR)
    found = points(world, variant, variant.start, record)
    last_days = [ended_day(day(point, variant.zone), keep, variant) for point in known(found)]
    if any(last >= today(world, variant) for last in last_days):
        return Limb(state=AHEAD)
    if UNCLEAR in found:
        return Limb(state=UNCLEAR)
    if not found:
        return Limb(state=MISSING)
    times = happenings(world, variant, variant.start, record)
    told_on = [  # of those that say when it ended
        day(time.telling.told_at, variant.zone)
        for time in times
        if time.telling is not None
        if ended_day(day(time.telling.at, variant.zone), keep, variant) == max(last_days)
    ]
    late_from = max(max(last_days), min(told_on, default=date.min))
    return Limb(state=COME, ended=max(last_days), late_from=late_from, event=tuple(known(found)))


def event_limb(world: World, variant: Variant, event: str, record: Record) -> Limb:
    """The day of an event of `until` or `upon`: the earliest time that counts."""
    times = happenings(world, variant, event, record)
    limbs = [happened(world, variant, time, record) for time in times]
    come = [limb for limb in limbs if limb.state == COME]
    if come:
        ended, late_from = min(limb.ended for limb in come), min(limb.late_from for limb in come)
        every = tuple(point for limb in come for point in limb.event)
        return Limb(state=COME, ended=ended, late_from=late_from, event=every)
    states = [limb.state for limb in limbs]
    return Limb(state=UNCLEAR if UNCLEAR in states else MISSING)


def happened(world: World, variant: Variant, time: Happening, record: Record) -> Limb:
    """Whether one time has come, and counts: not if `from` is later."""
    dates, telling = known(time.points), time.telling
    told_of = dates if telling is None else [telling.at]
    if any(lies_ahead(world, variant, point) for point in told_of):
        return Limb(state=AHEAD)
    if UNCLEAR in time.points:  # what is earlier than `from` does not count, whomever it concerns
        counts_not = telling is not None and is_earlier(world, variant, told_of, record)
        return Limb(state=MISSING if counts_not else UNCLEAR)
    if not dates:
        return Limb(state=MISSING)
    earlier = is_earlier(world, variant, dates, record)
    if earlier is not False:
        return Limb(state=UNCLEAR if earlier is None else MISSING)
    on = max(day(point, variant.zone) for point in dates)
    late_from = on if telling is None else day(telling.told_at, variant.zone)
    return Limb(state=COME, ended=on, late_from=late_from, event=tuple(dates))


def is_earlier(
    world: World, variant: Variant, until: Sequence[date | datetime], record: Record
) -> bool | None:
    """Whether it happened before `from`, where the rule has one; None where that can't be told."""
    if variant.start is None:
        return False
    begun = points(world, variant, variant.start, record)
    if any(all(later(one, other, variant.zone) for other in until) for one in known(begun)):
        return True
    return None if UNCLEAR in begun else False


def limbs_of(world: World, variant: Variant, record: Record) -> list[Limb]:
    found = [keep_limb(world, variant, record)] if variant.keep is not None else []
    return found + [event_limb(world, variant, event, record) for event in (*variant.until, *variant.upon)]


# --- the longest that it may be deferred --------------------------------------------------------


def last_day_at_most(world: World, variant: Variant, record: Record) -> date | None:
    """The last day on which it may be there at all; None where no such day is known."""
    if not isinstance(variant.at_most, Period) or variant.start is None:
        return None
    found = points(world, variant, variant.start, record)
    if not found or UNCLEAR in found:
        return None
    latest = max(day(point, variant.zone) for point in known(found))
    return ended_day(latest, variant.at_most, variant)


def is_deferred(world: World, variant: Variant, record: Record, last: date | None) -> bool:
    """It stays for now; not where the last day is no longer away than carrying it out may take."""
    if variant.defer_while is None or true_of(world, variant.defer_while, record) is False:
        return False
    within = variant.within
    return (
        variant.at_most == NONE
        or last is None
        or plus(today(world, variant), within.months, within.days) < last
    )


def is_put_off(world: World, variant: Variant, record: Record) -> bool:
    """A limb has come, and it is deferred."""
    come = any(limb.state == COME for limb in limbs_of(world, variant, record))
    return come and is_deferred(world, variant, record, last_day_at_most(world, variant, record))


def is_overdue(world: World, variant: Variant, come: Sequence[Limb], last: date | None) -> bool:
    if last is not None:
        return today(world, variant) > last
    within = variant.within
    return any(today(world, variant) > plus(limb.late_from, within.months, within.days) for limb in come)


# --- the clock ----------------------------------------------------------------------------------


def variant_of(world: World, rule: Rule, record: Record) -> Variant | None:
    """The first of which `when` is true, the rule itself last; None where one before can't be told."""
    for variant in rule.variants:
        applies = true_of(world, variant.when, record)
        if applies is not False:
            return variant if applies else None
    raise AssertionError("the rule itself has no `when`")


def reaches(rule: Rule, record: Record) -> bool:
    """The rule speaks of the record's data, and is kept here. On any data: not slices it can't rewrite."""
    if rule.kept_by or not (rule.data == ("any",) or record.dataset.data in rule.data):
        return False
    said = {action for variant in rule.variants for action in (variant.action, *variant.otherwise)}
    can = bool(said & {"anonymize", "pseudonymize"}) and bool(record.dataset.anonymize)
    return rule.data != ("any",) or record.dataset.columns is None or can


@remembered
def clock(world: World, rule: Rule, record: Record) -> Clock:
    """The first of these that is true is the result."""
    in_scope = true_of(world, rule.where, record)
    if in_scope is False:
        return Clock(word="out_of_scope")
    variant = variant_of(world, rule, record)
    if in_scope is None or truth(record.dataset.where, record.root) is None or variant is None:
        return Clock(word=UNCLEAR, variant=variant)
    limbs = limbs_of(world, variant, record)
    come = [limb for limb in limbs if limb.state == COME]
    last = last_day_at_most(world, variant, record)
    if is_put_off(world, variant, record):
        return Clock(word="deferred", variant=variant)
    if come:
        return Clock(
            word=ENDED,
            variant=variant,
            ended=min(limb.ended for limb in come),
            events=tuple(point for limb in come for point in limb.event),
            forced=last is not None and today(world, variant) > last,
            overdue=is_overdue(world, variant, come, last),
        )
    return Clock(word=why_not_ended(world, variant, limbs, record), variant=variant)


def why_not_ended(world: World, variant: Variant, limbs: Sequence[Limb], record: Record) -> str:
    if any(limb.state == UNCLEAR for limb in limbs):
        return UNCLEAR
    if variant.upon:
        return "out_of_scope"
    if not variant.until and variant.start is not None and not points(world, variant, variant.start, record):
        return "undated"
    return "not_due"
