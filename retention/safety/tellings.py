"""Told events, found in the records: what each telling makes of the limbs that rest on it.

What people tell is no column, so these limbs are reckoned here, record by record, for the few records that a telling
names; the results are lists of keys that the predicates of `retention.planning.fates.limbs` look records up in.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TypeAlias

from retention import periods
from retention.connectors.port import Dates, Key, Person
from retention.model.clock import Clock, Period
from retention.model.policy import ToldEvent, Variant
from retention.model.told import Telling
from retention.periods.encodings import read
from retention.planning.binding.bound import BoundDataset, Component
from retention.planning.fates.cases import Case, Limb

Moment: TypeAlias = "date | datetime"
FIRST = date(1971, 1, 2)
"""An earlier date is unclear, as in every clock."""
_CLEAR = datetime(1971, 1, 4, tzinfo=UTC)
"""So late an instant is of no earlier day anywhere."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """An event of one record: the `moments` that are known of it, and whether there may be others that can't be told.

    `doubtful`: moments of which it can't be told whether they concern the record. `told`: for each moment the day
    on which the engine was told, where that is how it is known.
    """

    moments: tuple[Moment, ...] = ()
    unclear: bool = False
    told: tuple[datetime, ...] = ()
    doubtful: tuple[Moment, ...] = ()


@dataclass(kw_only=True)
class Found:
    """The lists of one dataset: name → keys, and name → day → keys."""

    keys: dict[str, list[Key]] = field(default_factory=dict)
    days: dict[str, dict[date, list[Key]]] = field(default_factory=dict)

    def add(self, name: str, key: Key) -> None:
        """Puts the key on a list."""
        self.keys.setdefault(name, []).append(key)

    def put(self, keys: Iterable[Key], like: Found) -> None:
        """Puts the keys on each list on which `like`, of one record, has that."""
        for name in like.keys:
            self.keys.setdefault(name, []).extend(keys)
        for name, days in like.days.items():
            mine = self.days.setdefault(name, {})
            for day in days:
                mine.setdefault(day, []).extend(keys)


def wanted(tellings: Iterable[Telling]) -> dict[str, set[str]]:
    """Every identifier that came with a telling, trimmed and case-folded, by its kind."""
    found: dict[str, set[str]] = {}
    for telling in tellings:
        for subject in telling.subjects:
            found.setdefault(subject.kind, set()).add(subject.value.strip().casefold())
    return found


def concerning(
    dataset: BoundDataset,
    person: Person,
    event: ToldEvent,
    tellings: Iterable[Telling],
    *,
    timezone: str,
) -> Known:
    """What tellings of the event say of the record that they name; those that it began after do not concern it."""
    began = began_at(dataset, person, timezone)
    moments: list[Moment] = []
    told: list[datetime] = []
    doubtful: list[Moment] = []
    for telling in tellings:
        if telling.event != event.name:
            continue
        if began is None:
            doubtful.append(telling.at)
        elif later(telling.at, began, timezone):
            moments.append(telling.at)
            told.append(telling.told_at)
    return Known(moments=tuple(moments), unclear=bool(doubtful), told=tuple(told), doubtful=tuple(doubtful))


def of_columns(dataset: BoundDataset, components: Sequence[Component], dates: Dates) -> Known:
    """An event that columns tell, of one record. What lies before the first day is none of its `dates`."""
    moments = [
        moment
        for component, value in zip(components, dates.values, strict=True)
        if value is not None and (moment := _moment(dataset, component, value)) is not None
    ]
    return Known(moments=tuple(moments), unclear=dates.unclear)


def reckon(
    case: Case,
    key: Key,
    events: Mapping[str, Known],
    as_of: datetime,
    into: Found,
    *,
    marked: Moment | None = None,
) -> None:
    """Puts the record on every list of the case that it belongs on. `marked`: when it was rewritten last."""
    variant = case.variant
    begin = events.get(variant.event or "", Known())
    if variant.event in case.told:
        _begin(case, key, begin, as_of, into)
    for limb in case.limbs:
        if not case.rests_on_told(limb):
            if variant.event in case.told and _precedes(begin, events[limb.event], variant.timezone):
                into.add(case.listed("precedes", limb), key)
        elif limb.keep:
            _keep(case, limb, key, begin, as_of, into, marked)
        else:
            first = begin if variant.event is not None else None
            _ending(case, limb, key, first, events[limb.event], as_of, into, marked)


def by_days(moment: Moment, told_at: Moment, as_of: datetime, timezone: str) -> tuple[date, bool, date]:
    """The same for all moments of an event that differ in no day, nor in whether they have happened: where nothing is
    earlier or later than anything else, `reckon` makes the same of them."""
    return _day(moment, timezone), _happened(moment, as_of, timezone), _day(told_at, timezone)


def later(left: Moment, right: Moment, timezone: str) -> bool:
    """`left` is the later one: as instants, or by days of the zone where one is only a day."""
    if isinstance(left, datetime) and isinstance(right, datetime):
        return left > right
    return _day(left, timezone) > _day(right, timezone)


def _begin(case: Case, key: Key, begin: Known, as_of: datetime, into: Found) -> None:
    """What is asked of the variant's `from` besides whether its period has ended."""
    variant = case.variant
    if begin.unclear:
        into.add(case.listed("blurred"), key)
    elif begin.moments:
        into.add(case.listed("dated"), key)
    day = _past_day(begin, variant, as_of)
    if day is None or variant.at_most is None:
        return
    today, clock = periods.day_of(as_of, variant.timezone), variant.counting(variant.at_most)
    if periods.due_day(day, clock) <= today:
        into.add(case.listed("past at_most"), key)
    if day < periods.nearing_cutoff(as_of, clock, variant.within).day:
        into.add(case.listed("near at_most"), key)


def _keep(
    case: Case, limb: Limb, key: Key, begin: Known, as_of: datetime, into: Found, marked: Moment | None
) -> None:
    variant = case.variant
    assert variant.keep is not None, "binding refuses an instructed period from a told event"
    today, clock = periods.day_of(as_of, variant.timezone), variant.counting(variant.keep)
    ahead = any(not _happened(moment, as_of, variant.timezone) for moment in begin.moments)
    days = [_day(moment, variant.timezone) for moment in begin.moments]
    if ahead or any(periods.due_day(day, clock) > today for day in days):
        return
    if begin.unclear:
        into.add(case.listed("unclear", limb), key)
    elif days:
        ended = periods.ended_day(max(days), clock)
        _came(case, limb, key, ended, into)
        _since(case, limb, key, begin.moments, marked, into)
        if today >= late_from(since_told(begin, ended, variant, clock), variant):
            into.add(case.listed("late", limb), key)


def since_told(begin: Known, ended: date, variant: Variant, clock: Clock) -> date:
    """The day from which `within` counts, of a period that `ended`: that one, or the first on which the engine was told
    of a moment after which it ended so. What is told later, and changes nothing of it, is no excuse."""
    zone = variant.timezone
    told = [
        _day(since, zone)
        for moment, since in zip(begin.moments, begin.told, strict=True)
        if periods.ended_day(_day(moment, zone), clock) == ended
    ]
    return max(ended, min(told, default=ended))


def _precedes(begin: Known, end: Known, timezone: str) -> bool:
    """Some moment of `from` is later than every one of an event that columns tell."""
    return bool(end.moments) and any(
        all(later(one, other, timezone) for other in end.moments) for one in begin.moments
    )


def _ending(
    case: Case,
    limb: Limb,
    key: Key,
    begin: Known | None,
    end: Known,
    as_of: datetime,
    into: Found,
    marked: Moment | None,
) -> None:
    variant = case.variant
    today = _day(as_of, variant.timezone)
    counting: list[tuple[date, date]] = []  # the day, and that from which `within` counts
    come: list[Moment] = []
    zone = variant.timezone
    before = (
        () if begin is None else begin.moments
    )  # what is earlier than `from` does not count, doubtful or not
    unclear = (end.unclear and not end.doubtful) or any(
        _happened(moment, as_of, zone) and not any(later(other, moment, zone) for other in before)
        for moment in end.doubtful
    )
    for place, moment in enumerate(end.moments):
        if not _happened(moment, as_of, variant.timezone):
            continue
        if begin is not None and any(later(other, moment, variant.timezone) for other in begin.moments):
            continue
        if begin is not None and begin.unclear:
            unclear = True
            continue
        day = _day(moment, variant.timezone)
        counting.append((day, _day(end.told[place], variant.timezone)))
        come.append(moment)
    if counting:
        _came(case, limb, key, min(day for day, _ in counting), into)
        _since(case, limb, key, come, marked, into)
        if any(today >= late_from(day, variant) for _, day in counting):
            into.add(case.listed("late", limb), key)
    elif unclear:
        into.add(case.listed("unclear", limb), key)


def _came(case: Case, limb: Limb, key: Key, day: date, into: Found) -> None:
    into.add(case.listed("come", limb), key)
    into.days.setdefault(case.listed("day", limb), {}).setdefault(day, []).append(key)


def _since(
    case: Case, limb: Limb, key: Key, come: Iterable[Moment], marked: Moment | None, into: Found
) -> None:
    """The limb has come by something that is later than the record was rewritten last."""
    if marked is not None and any(later(moment, marked, case.variant.timezone) for moment in come):
        into.add(case.listed("since", limb), key)


def late_from(day: date, variant: Variant) -> date:
    """The first day on which an event of `day` that ends a clock has been there for longer than `within`."""
    return _within(day, variant.timezone, variant.within)


@functools.lru_cache(maxsize=4096)
def _within(day: date, timezone: str, within: Period) -> date:
    """The same by what decides it; days repeat, and telling each anew is most of what a telling costs."""
    return periods.due_day(day, Variant(timezone=timezone).counting(within))


def _past_day(known: Known, variant: Variant, as_of: datetime) -> date | None:
    """The event's day, where it has happened and is clear."""
    if known.unclear or not known.moments:
        return None
    if any(not _happened(moment, as_of, variant.timezone) for moment in known.moments):
        return None
    return max(_day(moment, variant.timezone) for moment in known.moments)


def _happened(moment: Moment, as_of: datetime, timezone: str) -> bool:
    if isinstance(moment, datetime):
        return moment <= as_of
    return moment <= _day(as_of, timezone)


@functools.lru_cache(maxsize=16_384)
def _day(moment: Moment, timezone: str) -> date:
    """Asked several times of every telling, and of the instants at which many were told at once."""
    return periods.day_of(moment, timezone) if isinstance(moment, datetime) else moment


def began_at(dataset: BoundDataset, person: Person, timezone: str) -> Moment | None:
    """When the record began; None where that can't be told."""
    if dataset.began is None or person.began is None:
        return None
    moment = _moment(dataset, dataset.began, person.began)
    if moment is None or (isinstance(moment, datetime) and moment >= _CLEAR):
        return moment
    return None if _day(moment, timezone) < FIRST else moment


def _moment(dataset: BoundDataset, component: Component, value: str) -> Moment | None:
    moment = read(value, component.encoding)
    if isinstance(moment, datetime) and moment.tzinfo is None:
        moment = periods.instant_of_naive(moment, dataset.connector.timezone or "UTC")
    if moment is None:
        return None
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment
