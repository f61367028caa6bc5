"""What people told, found in one dataset's records: the lists that its predicates look records up in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from retention.connectors.port import Dates, DatesOf, Key, People, Person
from retention.model.lists import Lists
from retention.model.policy import Policy
from retention.model.told import Telling, Told
from retention.planning.bound import Job
from retention.planning.holding import held_list
from retention.planning.limbs import Case
from retention.planning.results import cases
from retention.planning.work import MARKER, marker_of
from retention.safety import tellings as telling
from retention.safety.carrying import Named
from retention.safety.holds import Held, names


@dataclass(frozen=True, kw_only=True)
class Spoken(People):
    """People's words about the records of one dataset, as of `as_of`. `job` is any on that dataset."""

    job: Job
    policy: Policy
    told: Told
    held: Held
    as_of: datetime

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
        listed = self.held.keys.get(str(self.job.bound))
        people = any(kind in self.job.bound.subject for kind in self.held.wanted)
        return not (listed or people or self.tellings)

    @cached_property
    def wanted(self) -> Mapping[str, frozenset[str]]:
        told = telling.wanted(self.tellings)
        held = self.held.wanted
        return {kind: frozenset((*told.get(kind, ()), *held.get(kind, ()))) for kind in {*told, *held}}

    def lists(self, persons: Sequence[Person], dates: DatesOf) -> Lists:
        found = telling.Found()
        dataset = str(self.job.bound)
        known = self.held.keys.get(dataset, frozenset())
        held = {p.key for p in persons if p.key in known or names(p.identifiers, self.held.wanted)}
        if held:
            found.keys[held_list(self.job.bound)] = sorted(held, key=repr)
        if self.tellings:
            self._tellings(persons, dates, found)
        return Lists(keys=found.keys, days=found.days)

    def _tellings(self, persons: Sequence[Person], dates: DatesOf, found: telling.Found) -> None:
        every, bound = self.cases, self.job.bound
        columns = {
            n for case in every for n in case.variant.events if n in bound.events and n not in self.job.told
        }
        zones = {case.variant.timezone for case in every}
        spoken: dict[Key, dict[str, dict[str, telling.Known]]] = {}
        for person in persons:
            said = [self._named.tellings[place] for place in self._named.of(person)]
            known = {zone: self._known(person, said, zone) for zone in zones} if said else {}
            if any(known.values()):
                spoken[person.key] = known
        read = {name: self._read(name, dates, spoken) for name in columns}
        marked = self._marked(dates, spoken)
        silence = dict.fromkeys(self.policy.told, telling.Known())
        for key, by_zone in spoken.items():
            columns_say = {name: of_key.get(key, telling.Known()) for name, of_key in read.items()}
            for case in every:
                whole = {**silence, **by_zone[case.variant.timezone], **columns_say}
                telling.reckon(case, key, whole, self.as_of, found, marked=marked.get(key))

    def _marked(self, dates: DatesOf, keys: Iterable[Key]) -> Mapping[Key, telling.Moment]:
        """When each of the records was rewritten last, where that is known."""
        bound, every = self.job.bound, list(keys)
        if bound.done is None or not every:
            return {}
        component = marker_of(bound, bound.done)
        known = {row.key: telling.of_columns(bound, (component,), row) for row in dates(MARKER, every)}
        return {key: each.moments[0] for key, each in known.items() if each.moments}

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
                steps=self.policy.identifiers,
            )
            if known.moments or known.unclear:
                found[name] = known
        return found

    def _read(self, name: str, dates: DatesOf, keys: Iterable[Key]) -> Mapping[Key, telling.Known]:
        bound = self.job.bound
        rows: Iterable[Dates] = dates(name, list(keys))
        return {row.key: telling.of_columns(bound, bound.events[name], row) for row in rows}
