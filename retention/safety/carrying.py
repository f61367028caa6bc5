"""One person's identifiers lead to their others, through every dataset that knows two kinds.

A hold follows them to the end. A told event takes one step: people who share an address must not take each
other's data along. A blank is nobody's identifier, and leads nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from retention.connectors.port import Key, Person
from retention.model.policy import ToldEvent
from retention.model.told import Subject, Telling, folded, normalised
from retention.planning.binding.bound import BoundDataset

Look: TypeAlias = Callable[[BoundDataset, Mapping[str, Collection[str]]], Iterable[Person]]
"""(dataset, kind → folded identifiers) → records that may be about one of them."""

Steps: TypeAlias = Mapping[str, Sequence[str]]
"""Kind → how its text is compared for told events."""


def to_the_end(known: Iterable[Subject], datasets: Sequence[BoundDataset], look: Look) -> list[Subject]:
    """Every identifier that the known ones lead to and that is not among them, each once, with its dataset."""
    seen = {(s.kind, folded(s.value)) for s in known}
    fresh, found = set(seen), []
    while fresh:
        asked, fresh = _by_kind(fresh), set()
        for dataset in datasets:
            for person in _asked(dataset, asked, look):
                named = {(kind, folded(value)) for kind, value in _identifiers(person)}
                if not any(text in asked.get(kind, ()) for kind, text in named):
                    continue
                for kind, value in _identifiers(person):
                    if (kind, folded(value)) not in seen:
                        seen.add((kind, folded(value)))
                        fresh.add((kind, folded(value)))
                        found.append(Subject(kind=kind, value=value, source=str(dataset)))
    return found


class Remembering:
    """Looks, and remembers every record that was found: what was looked for once is followed again in memory."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._found: dict[str, dict[tuple[str, str], dict[Key, Person]]] = {}

    def look(self, dataset: BoundDataset, wanted: Mapping[str, Collection[str]]) -> Iterable[Person]:
        """In the store."""
        persons = list(self._look(dataset, wanted))
        index = self._found.setdefault(str(dataset), {})
        for person in persons:
            for kind, value in _identifiers(person):
                index.setdefault((kind, folded(value)), {})[person.key] = person
        return persons

    def again(self, dataset: BoundDataset, wanted: Mapping[str, Collection[str]]) -> Iterable[Person]:
        """In what was found before."""
        index = self._found.get(str(dataset), {})
        found: dict[Key, Person] = {}
        for kind, values in wanted.items():
            for value in values:
                found |= index.get((kind, value), {})
        return found.values()


class Named:
    """Tellings by whom they name, so that a record's are found at once."""

    def __init__(self, tellings: Iterable[Telling], steps: Steps) -> None:
        self._steps = steps
        self._by: dict[tuple[str, str], list[int]] = {}
        self.tellings = list(tellings)
        for place, telling in enumerate(self.tellings):
            for subject in telling.subjects:
                at = self._by.setdefault(self._name(subject.kind, subject.value), [])
                if place not in at[-1:]:
                    at.append(place)

    def of(self, person: Person) -> list[int]:
        """The places of the tellings that name the record's person."""
        found: list[int] = []
        for kind, value in _identifiers(person):
            found += self._by.get(self._name(kind, value), ())
        return sorted(set(found)) if len(found) > 1 else found

    def wanted(self) -> dict[str, set[str]]:
        """Every identifier, trimmed and case-folded, by its kind."""
        return _by_kind((s.kind, folded(s.value)) for telling in self.tellings for s in telling.subjects)

    def _name(self, kind: str, value: str) -> tuple[str, str]:
        return kind, normalised(value, self._steps.get(kind, ()))


def one_step(
    tellings: Sequence[Telling],
    datasets: Sequence[BoundDataset],
    look: Look,
    steps: Steps,
    events: Mapping[str, ToldEvent],
) -> list[tuple[Subject, ...]]:
    """For each telling the identifiers that the records which it names know besides.

    Of the kinds only that its event may come with: a telephone that two people share names neither of them,
    where the policy does not say that it does.
    """
    named = Named(tellings, steps)
    seen = [
        {(s.kind, normalised(s.value, steps.get(s.kind, ()))) for s in telling.subjects}
        for telling in tellings
    ]
    found: list[list[Subject]] = [[] for _ in tellings]
    asked = named.wanted()
    for dataset in datasets:
        for person in _asked(dataset, asked, look):
            for place in named.of(person):
                by = events[tellings[place].event].by
                for kind, value in _identifiers(person):
                    if kind not in by:
                        continue
                    name = (kind, normalised(value, steps.get(kind, ())))
                    if name not in seen[place]:
                        seen[place].add(name)
                        found[place].append(Subject(kind=kind, value=value, source=str(dataset)))
    return [tuple(each) for each in found]


def _asked(dataset: BoundDataset, asked: Mapping[str, Collection[str]], look: Look) -> Iterable[Person]:
    if len(dataset.subject) < 2 or not asked.keys() & dataset.subject.keys():
        return ()
    return look(dataset, asked)


def _identifiers(person: Person) -> Iterator[tuple[str, str]]:
    return ((kind, value) for kind, value in person.identifiers.items() if value and not value.isspace())


def _by_kind(names: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for kind, text in names:
        found.setdefault(kind, set()).add(text)
    return found
