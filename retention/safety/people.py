"""What people told, found in one dataset's records: the lists that its predicates look records up in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias

from retention.connectors.port import Dates, DatesOf, Key, People, Person
from retention.model.lists import Lists
from retention.model.policy import Policy
from retention.model.told import Telling, Told
from retention.planning.binding.bound import Job
from retention.planning.fates.cases import Case
from retention.planning.fates.holding import held_list
from retention.planning.fates.results import cases
from retention.planning.work import MARKER, marker_of
from retention.safety import tellings as telling
from retention.safety.carrying import Named
from retention.safety.holds import Held, names

_Read: TypeAlias = "Mapping[tuple[str, str], telling.Known]"
_Marked: TypeAlias = "Mapping[str, telling.Moment | None]"
_ToldOf: TypeAlias = "tuple[tuple[str, tuple[tuple[str, telling.Known], ...]], ...]"
_Seen: TypeAlias = "tuple[Person, _Read, _Marked]"
"""What is known of one record: who it is about, what columns tell of its events, when it was rewritten last. Both by
zone, too: a date is clear in one that is unclear in another."""


@dataclass(frozen=True, kw_only=True)
class Spoken(People):
    """People's words about the records of one dataset, as of `as_of`. `job` is any on that dataset.

    `persons`: its records that may be about somebody who was named, as they were before the run.
    """

    job: Job
    policy: Policy
    told: Told
    covered: Held
    as_of: datetime
    persons: Sequence[Person] = ()
    since: Any = None

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """Every variant of every rule on the dataset that has an event which people tell."""
        every = (case for rule in self.job.every for case in cases(rule, self.job.bound, self.job.told))
        return tuple(case for case in every if case.spoken_of)

    @cached_property
    def tellings(self) -> tuple[Telling, ...]:
        """The tellings of events that rules on the dataset name."""
        named = {name for case in self.cases for name in case.variant.events}
        return tuple(item for item in self.told.tellings if item.event in named)

    @property
    def silent(self) -> bool:
        """Nobody has said anything that could concern a record of the dataset."""
        people = any(kind in self.job.bound.subject for kind in self.covered.wanted)
        return not (self.held or people or self.tellings)

    @property
    def held(self) -> frozenset[Key]:
        return self.covered.keys.get(str(self.job.bound), frozenset())

    @property
    def typed(self) -> Sequence[Key]:
        return self.covered.typed.get(str(self.job.bound), ())

    @property
    def wanted(self) -> Mapping[str, frozenset[str]] | None:
        return None if self.typed else self._wanted

    @cached_property
    def _wanted(self) -> Mapping[str, frozenset[str]]:
        told = telling.wanted(self.tellings)
        held = self.covered.wanted
        return {kind: frozenset((*told.get(kind, ()), *held.get(kind, ()))) for kind in {*told, *held}}

    def before(self, keys: Sequence[Key]) -> Sequence[Person] | None:
        if self._columns or self.job.bound.done is not None:
            return None
        found = [person for key in keys if (person := self._before.get(key)) is not None]
        return found if len(found) == len(keys) else None

    @cached_property
    def _before(self) -> Mapping[Key, Person]:
        return {person.key: person for person in self.persons}

    def named(self, persons: Iterable[Person]) -> set[Key]:
        """Keys of the records that are about somebody who was named."""
        return {person.key for person in persons if names(person.identifiers, self._wanted)}

    def lists(self, persons: Sequence[Person], dates: DatesOf, came: Collection[Key] = ()) -> Lists:
        found = telling.Found()
        known, wanted = self.held.union(came), self.covered.wanted
        held = {p.key for p in persons if p.key in known or (wanted and names(p.identifiers, wanted))}
        if held:
            found.keys[held_list(self.job.bound)] = sorted(held, key=repr)
        if self.tellings:
            self._tellings(persons, dates, found)
        return Lists(keys=found.keys, days=found.days)

    def _tellings(self, persons: Sequence[Person], dates: DatesOf, found: telling.Found) -> None:
        spoken = {person.key: (person, said) for person in persons if (said := self._named.of(person))}
        read = {asked: self._read(*asked, dates, spoken) for asked in self._columns} if spoken else {}
        marked = {zone: self._marked(zone, dates, spoken) for zone in self._zones}
        made: dict[int, tuple[telling.Found, list[Key]]] = {}
        for key, (person, said) in spoken.items():
            columns_say = {asked: of_key.get(key, telling.Known()) for asked, of_key in read.items()}
            seen = person, columns_say, {zone: of_key.get(key) for zone, of_key in marked.items()}
            known = self._reckoned.get(key)
            if known is None or known[0] != seen:
                known = self._reckoned[key] = seen, self._reckon(said, *seen)
            made.setdefault(id(known[1]), (known[1], []))[1].append(key)
        for like, keys in made.values():
            found.put(keys, like)

    def _reckon(
        self,
        places: Sequence[int],
        person: Person,
        columns_say: _Read,
        marked: _Marked,
    ) -> telling.Found:
        """The lists that one record is on: those of any other of which people and columns say the same."""
        told = self._told_on(person, places) if self._days_count else self._told_of(person, places)
        same = told, tuple(columns_say.items()), tuple(marked.items())
        if same not in self._made:
            found = telling.Found()
            by_zone = self._told_of(person, places)
            for case in self.cases if any(known for _, known in by_zone) else ():
                zone = case.variant.timezone
                read = {name: known for (name, where), known in columns_say.items() if where == zone}
                whole = {**self._silence, **dict(dict(by_zone)[zone]), **read}
                telling.reckon(case, person.key, whole, self.as_of, found, marked=marked[zone])
            self._made[same] = found  # whole: another worker may ask for it now
        return self._made[same]

    @cached_property
    def _days_count(self) -> bool:
        """Nothing is compared with what was told: then only the days of it count."""
        return self.job.bound.done is None and all(case.variant.event is None for case in self.cases)

    def _told_of(self, person: Person, places: Sequence[int]) -> _ToldOf:
        """What these tellings say of the record, by zone and event."""
        said = [self._named.tellings[place] for place in places]
        return tuple((zone, tuple(self._known(person, said, zone).items())) for zone in self._zones)

    def _told_on(self, person: Person, places: Sequence[int]) -> object:
        """The same for all of which these days are told, and are known to concern the record or are not."""
        found = []
        for zone, days in self._days.items():
            began = telling.began_at(self.job.bound, person, zone)
            every = self._named.tellings
            on = [days[at] for at in places if began is None or telling.later(every[at].at, began, zone)]
            found.append((began is None, tuple(on)))
        return tuple(found)

    @cached_property
    def _days(self) -> Mapping[str, Sequence[object]]:
        """Zone → the event and the days of each telling, by its place."""
        return {
            zone: [
                (item.event, telling.by_days(item.at, item.told_at, self.as_of, zone))
                for item in self._named.tellings
            ]
            for zone in self._zones
        }

    def _marked(self, zone: str, dates: DatesOf, keys: Iterable[Key]) -> Mapping[Key, telling.Moment]:
        """When each of the records was rewritten last, where that is known."""
        bound, every = self.job.bound, list(keys)
        if bound.done is None or not every:
            return {}
        component = marker_of(bound, bound.done)
        known = {row.key: telling.of_columns(bound, (component,), row) for row in dates(MARKER, zone, every)}
        return {key: each.moments[0] for key, each in known.items() if each.moments}

    @cached_property
    def _reckoned(self) -> dict[Key, tuple[_Seen, telling.Found]]:
        """What was found of each record, and what it was found from: a batch asks again, mostly of the same."""
        return {}

    @cached_property
    def _made(self) -> dict[object, telling.Found]:
        """The same by what it was made from: few days are named, however many people are."""
        return {}

    @cached_property
    def _columns(self) -> frozenset[tuple[str, str]]:
        """The events that columns tell, of rules that have one which people tell; each with the zone of such a rule."""
        told, events = self.job.told, self.job.bound.events
        named = ((name, case.variant.timezone) for case in self.cases for name in case.variant.events)
        return frozenset((name, zone) for name, zone in named if name in events and name not in told)

    @cached_property
    def _zones(self) -> frozenset[str]:
        return frozenset(case.variant.timezone for case in self.cases)

    @cached_property
    def _silence(self) -> Mapping[str, telling.Known]:
        return dict.fromkeys(self.policy.told, telling.Known())

    @cached_property
    def _named(self) -> Named:
        return Named(self.tellings, self.policy.identifiers)

    def _known(self, person: Person, said: Sequence[Telling], zone: str) -> dict[str, telling.Known]:
        """Event → what these tellings say of the record, of those that say anything."""
        found = {}
        for name in {item.event for item in said}:
            known = telling.concerning(
                self.job.bound,
                person,
                self.policy.told[name],
                said,
                timezone=zone,
            )
            if known.moments or known.unclear:
                found[name] = known
        return found

    def _read(self, name: str, zone: str, dates: DatesOf, keys: Iterable[Key]) -> Mapping[Key, telling.Known]:
        bound = self.job.bound
        rows: Iterable[Dates] = dates(name, zone, list(keys))
        return {row.key: telling.of_columns(bound, bound.events[name], row) for row in rows}
