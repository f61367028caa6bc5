"""What people told, found in the connected databases: what a plan counts with, and a run asks in every batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from retention.connectors.port import Key, People, Person, Refused, Target
from retention.connectors.sql.records import typed_key
from retention.errors import UnreachableError
from retention.model.catalogue import Catalogue
from retention.model.lists import NO_LISTS, Lists
from retention.model.told import NOTHING_TOLD, Told
from retention.planning.binding.bound import BoundDataset, Job, Ruled
from retention.planning.fates.holding import NOTHING_HELD, Holding
from retention.planning.fates.shared_fates import SharedFates
from retention.planning.work import Work, work
from retention.safety import holds, tellings
from retention.safety.people import Spoken
from retention.verbs.opening.prepared import Prepared


@dataclass(frozen=True, kw_only=True)
class Words:
    """`lists` and, by dataset, `special`: the only records to which they make a difference; `spoken` by dataset."""

    told: Told = NOTHING_TOLD
    holding: Holding = NOTHING_HELD
    lists: Lists = NO_LISTS
    special: Mapping[str, Sequence[Key]] = field(default_factory=dict)
    spoken: Mapping[str, Spoken] = field(default_factory=dict)

    def of(self, job: Job) -> Sequence[Key]:
        """The records of the job's dataset to which people's words make a difference."""
        return self.special.get(str(job.bound), ())

    def people(self, job: Job) -> People | None:
        """Whom a batch of the job asks; None where nobody has said anything that could concern its records."""
        found = self.spoken.get(str(job.bound))
        return None if found is None or found.silent else found


NO_WORDS = Words()
F = TypeVar("F", bound=SharedFates)


def words(ready: Prepared, told: Told, as_of: datetime) -> tuple[Prepared, Words]:
    """Everything that is told, found in the records as they are now; what answers no more takes no further part."""
    if not told.holds and not told.tellings:
        return ready, replace(NO_WORDS, told=told)
    holding = holds.widely(told, ready.bound)
    lists = NO_LISTS
    special: dict[str, Sequence[Key]] = {}
    spoken: dict[str, Spoken] = {}
    failed: dict[str, str] = {}
    listed: set[str] = set()
    held = set(holding.datasets)
    for name in ready.targets:
        try:
            here = _of_connector(ready, name, told, as_of, holding)
        except (UnreachableError, Refused) as error:
            failed[name] = error.message
            continue
        lists = lists.together(here.lists)
        special |= here.special
        spoken |= here.spoken
        listed |= here.holding.listed
        held |= here.holding.datasets
    whole = replace(holding, datasets=frozenset(held), listed=frozenset(listed))
    found = Words(told=told, holding=whole, lists=lists, special=special, spoken=spoken)
    return ready.without(failed), found


def _of_connector(ready: Prepared, name: str, told: Told, as_of: datetime, holding: Holding) -> Words:
    bound = [dataset for dataset in ready.bound if dataset.connector.name == name]
    since = {str(dataset): ready.targets[name].since(dataset) for dataset in bound if dataset.subject}
    persons = {str(dataset): _named(ready, dataset, told) for dataset in bound}
    held = holds.held(told, bound, ready.targets, _typed, holding, persons)
    found = {dataset: set(keys) for dataset, keys in held.keys.items()}
    lists = NO_LISTS
    spoken: dict[str, Spoken] = {}
    for job in ready.jobs():
        dataset = str(job.bound)
        if job.bound.connector.name != name or dataset in spoken:
            continue
        policy, named = ready.config.policy, persons[dataset]
        spoken[dataset] = Spoken(
            job=job,
            policy=policy,
            told=told,
            covered=held,
            as_of=as_of,
            persons=named,
            since=since.get(dataset),
        )
        listed = _listed(ready, spoken[dataset], named, as_of)
        lists = lists.together(listed)
        found[dataset] |= spoken[dataset].named(named)
    holds.follow(found, bound, ready.targets, users=True)
    return Words(
        told=told,
        holding=held.holding,
        lists=_where_they_will_be(lists, bound, spoken, ready.targets[name]),
        special={dataset: tuple(sorted(keys, key=repr)) for dataset, keys in found.items() if keys},
        spoken=spoken,
    )


def _named(ready: Prepared, dataset: BoundDataset, told: Told) -> list[Person]:
    """The dataset's records that may be about anybody who is held or of whom something was told, each once."""
    wanted = holds.people(told.holds)
    for kind, values in tellings.wanted(told.tellings).items():
        wanted.setdefault(kind, set()).update(values)
    found = ready.targets[dataset.connector.name].persons(dataset, wanted) if wanted else ()
    return list({person.key: person for person in found}.values())


def _listed(ready: Prepared, spoken: Spoken, persons: Sequence[Person], as_of: datetime) -> Lists:
    """The lists of one dataset. `persons`: its records that may be about somebody who was named."""
    job = spoken.job
    target = ready.targets[job.bound.connector.name]
    known = {person.key for person in persons}
    held = (key for key in spoken.held if key not in known)
    persons = [
        *persons,
        *(Person(key=key, identifiers={}, began=None) for key in held),
    ]  # of others nothing was told
    if not persons:
        return NO_LISTS
    item = work(SharedFates(ready.catalogues[job.bound.connector.name], (job,), as_of), job)
    return spoken.lists(persons, lambda event, zone, keys: target.dates(item, event, zone, keys))


def _where_they_will_be(
    lists: Lists, bound: Sequence[BoundDataset], spoken: Mapping[str, Spoken], target: Target
) -> Lists:
    """With what was told of records also where a run may move them to: what is asked of other records then finds it, as
    the plan has foreseen.

    Only of rules that count on nothing but what is told, and where the vault's records are about the same people by the
    same columns; what is in the vault already has lists of its own.
    """
    for source in (each for each in bound if each.vault is not None and str(each) in spoken):
        vault = next((each for each in bound if each.dataset.vault_of == source.dataset.name), None)
        if vault is None or not _about_the_same(source, vault):
            continue
        told = spoken[str(source)].job.told
        cases = [case for case in spoken[str(source)].cases if told.issuperset(case.variant.events)]
        mine = tuple(f"{source}/{case.rule.name}/{case.place}/" for case in cases)
        names = [name for name in {**lists.keys, **lists.days} if name.startswith(mine)]
        keys = {key for name in names for key in lists.keys.get(name, ())}
        there = {person.key for person in target.persons(vault, {}, sorted(keys, key=repr))} if keys else ()
        lists = lists.also(
            {name: f"{vault}/{name.removeprefix(f'{source}/')}" for name in names}, keys.difference(there)
        )
    return lists


def _about_the_same(source: BoundDataset, vault: BoundDataset) -> bool:
    """The records of both are about the same people, and began, by columns of one name."""

    def columns(of: BoundDataset) -> object:
        began = None if of.began is None else (of.began.column.name, of.began.encoding)
        return began, {kind: value.column.name for kind, value in of.subject.items() if not value.hops}

    paths = any(value.hops for each in (source, vault) for value in each.subject.values())
    return not paths and columns(source) == columns(vault)


def _typed(bound: BoundDataset, text: str) -> Key:
    return tuple(typed_key(bound.key, text))


def worked(ready: Prepared, jobs: Sequence[Job], as_of: datetime, said: Words) -> tuple[Work, ...]:
    """Each job's predicates; what the others of these jobs delete goes first. Those of one connector share parts."""
    made: dict[str, SharedFates] = {}
    found = []
    for job in jobs:
        name = job.bound.connector.name
        if name not in made:
            made[name] = fates_of(ready, jobs, job, as_of, said, SharedFates)
        found.append(replace(work(made[name], job), lists=said.lists))
    return tuple(found)


def fates_of(
    ready: Prepared, jobs: Sequence[Job], job: Job, as_of: datetime, said: Words, kind: type[F]
) -> F:
    """What the predicates of one of these jobs are made by."""
    name = job.bound.connector.name
    acting = [other for other in jobs if other.bound.connector.name == name]
    every = [
        Ruled(bound=bound, rules=ready.rules_on(bound))
        for bound in ready.bound
        if bound.connector.name == name
    ]
    catalogue: Catalogue = ready.catalogues[name]
    return kind(catalogue, acting, as_of, said.holding, every)
