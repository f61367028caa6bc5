"""Legal holds: which records they cover, and everything that those refer to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from retention.connectors.port import Key, Person, Target
from retention.errors import SafetyRefusal, UsageError
from retention.model.catalogue import Kind
from retention.model.dataset import Dataset
from retention.model.policy import Policy
from retention.model.told import Hold, Told, folded
from retention.planning.binding.bound import BoundDataset
from retention.planning.fates.holding import Holding

Wanted = dict[str, set[str]]
"""Kind of identifier → identifiers, trimmed and case-folded."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """Who and what is held. `keys`: dataset → keys of records that a person's or a record's hold reaches; `typed`: of
    those the ones that no record has, and of which a database may have another form."""

    holding: Holding
    wanted: Mapping[str, frozenset[str]]
    keys: Mapping[str, frozenset[Key]]
    typed: Mapping[str, Sequence[Key]] = field(default_factory=dict)


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


def lost(hold: Hold, policy: Policy, datasets: Collection[Dataset]) -> str | None:
    """Why a hold covers nothing any more: what it is on is not configured; None where it is."""
    cover = hold.cover
    names_of = {
        "dataset": (cover.dataset, {str(dataset) for dataset in datasets}),
        "data": (cover.data, {dataset.data for dataset in datasets}),
        "rule": (cover.rule, {name for name, rule in policy.rules.items() if rule.acts}),
    }
    for what, (name, known) in names_of.items():
        if name is not None and name not in known:
            return f"it is on {what} `{name}`, which is not configured any more"
    kinds = {subject.kind for subject in cover.subjects}
    if kinds and not any(kinds & set(dataset.subject or ()) for dataset in datasets):
        return (
            f"it is on people by {' and '.join(sorted(kinds))}, and no dataset knows people by that any more"
        )
    return None


def refuse_lost(holds: Iterable[Hold], policy: Policy, datasets: Collection[Dataset]) -> None:
    """Raises SafetyRefusal where a hold in force covers nothing, because a name has changed under it."""
    for hold in holds:
        why = lost(hold, policy, datasets)
        if why is not None:
            raise SafetyRefusal(
                f"hold {hold.id}: {why}; name it as before, or place the hold anew and type:"
                f" retention hold release {hold.id} --reason WORDS"
            )


def held(
    told: Told,
    bound: Sequence[BoundDataset],
    targets: Mapping[str, Target],
    typed: Typed,
    holding: Holding,
    persons: Mapping[str, Iterable[Person]],
) -> Held:
    """What the holds in force cover now, followed through references to the end.

    `holding`: what is held as a whole; a dataset is, too, where a hold is on a record whose key can't be one any more.
    `persons`: dataset → its records that may be about one of the persons who are held, or who somebody named.
    """
    wanted = people(told.holds)
    whole = set(holding.datasets)
    found: dict[str, set[Key]] = {str(dataset): set() for dataset in bound}
    missing: dict[str, Sequence[Key]] = {}
    for dataset in bound:
        for person in persons.get(str(dataset), ()) if wanted else ():
            if names(person.identifiers, wanted):
                found[str(dataset)].add(person.key)
        keys: set[Key] = set()
        for hold in told.holds:
            if hold.cover.dataset == str(dataset) and hold.cover.key is not None:
                try:
                    keys.add(typed(dataset, hold.cover.key))
                except UsageError:
                    whole.add(str(dataset))
        if keys:
            stored, lacking = _as_stored(sorted(keys, key=repr), dataset, targets[dataset.connector.name])
            found[str(dataset)] |= stored.union(lacking)
            if any(column.kind is not Kind.INTEGER for column in dataset.key):
                missing[str(dataset)] = lacking
    for name, more in _users(found, bound, targets).items():
        found[name] |= more
    follow(found, bound, targets)
    return Held(
        holding=Holding(
            datasets=frozenset(whole),
            rules=holding.rules,
            listed=frozenset(name for name, keys in found.items() if keys),
        ),
        wanted={kind: frozenset(values) for kind, values in wanted.items()},
        keys={name: frozenset(keys) for name, keys in found.items()},
        typed=missing,
    )


def _as_stored(keys: Sequence[Key], dataset: BoundDataset, target: Target) -> tuple[set[Key], list[Key]]:
    """The keys as the database gives them back, since batches compare them with those that they read: `17` is typed
    where it has a decimal number, or a text in other capitals that it takes for the same. And those of no record.
    """
    stored = {person.key for person in target.persons(dataset, {}, keys)}
    if len(stored) == len(keys):
        return stored, []
    if len(keys) == 1:
        return stored, list(keys)
    middle = len(keys) // 2
    halves = [_as_stored(half, dataset, target) for half in (keys[:middle], keys[middle:])]
    return stored, [key for _, lacking in halves for key in lacking]


def _users(
    found: Mapping[str, Collection[Key]], bound: Sequence[BoundDataset], targets: Mapping[str, Target]
) -> dict[str, set[Key]]:
    """The records of which a shared part is one of these, a record of another dataset.

    Only where that is held itself: one that is held because somebody refers to it stays for that alone, and keeps
    nobody else who refers to it.
    """
    users: dict[str, set[Key]] = {str(dataset): set() for dataset in bound}
    for dataset in bound:
        target = targets[dataset.connector.name]
        for item in dataset.shared:
            for holder in bound:
                keys = sorted(found[str(holder)], key=repr)
                beside = holder.connector.name == dataset.connector.name
                for link in item.links if keys and beside and holder.root.id == item.table.id else ():
                    users[str(dataset)] |= set(target.users(holder, link, keys, dataset))
    return users


def follow(
    found: dict[str, set[Key]],
    bound: Sequence[BoundDataset],
    targets: Mapping[str, Target],
    *,
    users: bool = False,
) -> None:
    """Adds the records that held ones refer to, and those that share a row with one, to the end.

    `users`: and those that refer to one as a shared part of theirs.
    """
    fresh = {name: set(keys) for name, keys in found.items()}
    while any(fresh.values()):
        reached: dict[str, set[Key]] = {name: set() for name in found}
        for holder in bound:
            keys = sorted(fresh[str(holder)], key=repr)
            for dataset in bound if keys else ():
                if dataset.connector.name != holder.connector.name:
                    continue
                target = targets[dataset.connector.name]
                for table in holder.members & dataset.members if dataset is not holder else ():
                    reached[str(dataset)] |= set(target.sharing(holder, table, keys, dataset))
                for item in dataset.outside:
                    if item.reference.table in holder.members:
                        reached[str(dataset)] |= set(target.referred(holder, item.reference, keys, dataset))
        for name, more in (_users(fresh, bound, targets) if users else {}).items():
            reached[name] |= more
        fresh = {name: keys - found[name] for name, keys in reached.items()}
        for name, more in fresh.items():
            found[name] |= more


def widely(told: Told, bound: Sequence[BoundDataset]) -> Holding:
    """What is held as a whole: datasets, by their name or data, the vaults of those that are named, and rules."""
    data = {hold.cover.data for hold in told.holds if hold.cover.data is not None}
    whole = (hold.cover.dataset for hold in told.holds if hold.cover.key is None)
    named = {name for name in whole if name is not None}
    return Holding(
        datasets=frozenset(
            str(d) for d in bound if d.dataset.data in data or str(d) in named or d.dataset.source in named
        ),
        rules=frozenset(hold.cover.rule for hold in told.holds if hold.cover.rule is not None),
    )
