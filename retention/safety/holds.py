"""Legal holds: which records they cover, and everything that those refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from retention.connectors.port import Key, Target
from retention.model.told import Hold, Told, folded
from retention.planning.bound import BoundDataset
from retention.planning.holding import Holding

Wanted = dict[str, set[str]]
"""Kind of identifier → identifiers, trimmed and case-folded."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """Who and what is held. `keys`: dataset → keys of records that a person's or a record's hold reaches."""

    holding: Holding
    wanted: Mapping[str, frozenset[str]]
    keys: Mapping[str, frozenset[Key]]


Typed = Callable[[BoundDataset, str], Key]
"""A dataset's key as it was typed → its values; UsageError for one that can't be a key."""


def people(holds: Iterable[Hold]) -> Wanted:
    """Every identifier that a hold names."""
    wanted: Wanted = {}
    for hold in holds:
        for subject in hold.cover.subjects:
            wanted.setdefault(subject.kind, set()).add(folded(subject.value))
    return wanted


def names(identifiers: Mapping[str, str | None], wanted: Mapping[str, Iterable[str]]) -> bool:
    """Whether a record with these identifiers is about one of the persons."""
    return any(
        value is not None and folded(value) in wanted.get(kind, ()) for kind, value in identifiers.items()
    )


def held(
    told: Told, bound: Sequence[BoundDataset], targets: Mapping[str, Target], typed: Typed, holding: Holding
) -> Held:
    """What the holds in force cover now, followed through references to the end.

    `holding`: what is held as a whole.
    """
    wanted = people(told.holds)
    found: dict[str, set[Key]] = {str(dataset): set() for dataset in bound}
    for dataset in bound:
        target = targets[dataset.connector.name]
        for person in target.persons(dataset, wanted) if wanted else ():
            if names(person.identifiers, wanted):
                found[str(dataset)].add(person.key)
        for hold in told.holds:
            if hold.cover.dataset == str(dataset) and hold.cover.key is not None:
                found[str(dataset)].add(typed(dataset, hold.cover.key))
    follow(found, bound, targets)
    return Held(
        holding=Holding(
            datasets=holding.datasets,
            rules=holding.rules,
            listed=frozenset(name for name, keys in found.items() if keys),
        ),
        wanted={kind: frozenset(values) for kind, values in wanted.items()},
        keys={name: frozenset(keys) for name, keys in found.items()},
    )


def follow(found: dict[str, set[Key]], bound: Sequence[BoundDataset], targets: Mapping[str, Target]) -> None:
    """What is held keeps whole what it refers to: adds the records that held ones refer to, to the end."""
    fresh = {name: set(keys) for name, keys in found.items()}
    while any(fresh.values()):
        reached: dict[str, set[Key]] = {name: set() for name in found}
        for holder in bound:
            keys = sorted(fresh[str(holder)], key=repr)
            for dataset in bound if keys else ():
                if dataset.connector.name != holder.connector.name:
                    continue
                for item in dataset.outside:
                    if item.reference.table in holder.members:
                        target = targets[dataset.connector.name]
                        reached[str(dataset)] |= set(target.referred(holder, item.reference, keys, dataset))
        fresh = {name: keys - found[name] for name, keys in reached.items()}
        for name, more in fresh.items():
            found[name] |= more


def widely(told: Told, bound: Sequence[BoundDataset]) -> Holding:
    """What is held as a whole: datasets, by their name or data, and rules."""
    data = {hold.cover.data for hold in told.holds if hold.cover.data is not None}
    named = {hold.cover.dataset for hold in told.holds if hold.cover.key is None}
    return Holding(
        datasets=frozenset(str(d) for d in bound if d.dataset.data in data or str(d) in named),
        rules=frozenset(hold.cover.rule for hold in told.holds if hold.cover.rule is not None),
    )
