"""What people told, found in one dataset's records: the lists that its predicates look records up in."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from retention.connectors.port import Dates, DatesOf, Key, People, Person
from retention.model.lists import Lists
from retention.model.policy import Policy
from retention.model.told import Telling, Told, normalised
from retention.planning.bound import Job
from retention.planning.holding import held_list
from retention.planning.limbs import Case
from retention.planning.results import cases
from retention.safety import tellings as telling
from retention.safety.holds import Held, names


@dataclass(frozen=True, kw_only=True)
class Spoken(People):
    """People's words about the records of one dataset, as of `as_of`. `job` is any on that dataset."""

    job: Job
    policy: Policy
    told: Told
    held: Held
    as_of: datetime

    @functools.cached_property
    def cases(self) -> tuple[Case, ...]:
        """Every variant of every rule on the dataset that has a limb which rests on tellings."""
        every = (case for rule in self.job.every for case in cases(rule, self.job.bound, self.job.told))
        return tuple(case for case in every if any(case.rests_on_told(limb) for limb in case.limbs))

    @functools.cached_property
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
        named = {event.name: event for event in self.policy.told.values()}
        spoken: dict[Key, dict[str, telling.Known]] = {}
        for person in persons:
            for case in every:
                zone = case.variant.timezone
                for name in case.variant.events:
                    if name in named:
                        known = telling.concerning(
                            bound,
                            person,
                            named[name],
                            self._of(name, person),
                            timezone=zone,
                            steps=self.policy.identifiers,
                        )
                        if known.moments or known.unclear:
                            spoken.setdefault(person.key, {})[name] = known
        read = {name: self._read(name, dates, spoken) for name in columns}
        for key, events in spoken.items():
            whole = {**dict.fromkeys(named, telling.Known()), **events}
            whole |= {name: of_key.get(key, telling.Known()) for name, of_key in read.items()}
            for case in every:
                telling.reckon(case, key, whole, self.as_of, found)

    @functools.cached_property
    def _index(self) -> Mapping[tuple[str, str, str], Sequence[Telling]]:
        """Tellings by event, kind and identifier: there may be many, and every record asks."""
        found: dict[tuple[str, str, str], list[Telling]] = {}
        for item in self.tellings:
            for subject in item.subjects:
                value = normalised(subject.value, self.policy.identifiers.get(subject.kind, ()))
                found.setdefault((item.event, subject.kind, value), []).append(item)
        return found

    def _of(self, event: str, person: Person) -> Sequence[Telling]:
        """The tellings of the event that name the person."""
        found: dict[str, Telling] = {}
        for kind, value in person.identifiers.items():
            if value is not None:
                named = event, kind, normalised(value, self.policy.identifiers.get(kind, ()))
                found |= {item.id: item for item in self._index.get(named, ())}
        return tuple(found.values())

    def _read(self, name: str, dates: DatesOf, keys: Iterable[Key]) -> Mapping[Key, telling.Known]:
        bound = self.job.bound
        rows: Iterable[Dates] = dates(name, list(keys))
        return {row.key: telling.of_columns(bound, bound.events[name], row) for row in rows}
