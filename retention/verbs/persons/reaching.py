"""What told events reach: the identifiers that one step leads to, and the records that they concern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from retention.config import Configuration
from retention.model.coverage import ReachLine
from retention.model.dataset import Dataset
from retention.model.told import Subject, Telling
from retention.planning.binding.bound import BoundDataset
from retention.safety import tellings as told
from retention.safety.carrying import Named, one_step
from retention.verbs.opening.prepared import reaches
from retention.verbs.persons.everywhere import Everywhere


@dataclass(kw_only=True)
class _Count:
    records: int = 0
    unclear: int = 0
    later: int = 0
    by_telling: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reached:
    """`tellings` with what one step leads to; for each of them dataset → records, and all of them together."""

    tellings: tuple[Telling, ...]
    lines: tuple[ReachLine, ...]
    records: tuple[dict[str, int], ...]


def carried(tellings: Sequence[Telling], where: Everywhere) -> list[tuple[Subject, ...]]:
    """For each telling the identifiers that one step leads to."""
    policy = where.config.policy
    return one_step(tellings, tuple(where.bound.values()), where.persons, policy.identifiers, policy.told)


def reached(tellings: Sequence[Telling], where: Everywhere) -> Reached:
    """Looks once through each dataset that knows people, however many tellings there are."""
    config = where.config
    whole = [
        replace(telling, subjects=(*telling.subjects, *more))
        for telling, more in zip(tellings, carried(tellings, where), strict=True)
    ]
    named = Named(whole, config.policy.identifiers)
    lines, records = [], [dict[str, int]() for _ in whole]
    events = {telling.event for telling in whole}
    for dataset in where.datasets:
        missing = where.why_not(dataset) is not None and _leads_on(config, dataset, events)
        if not (missing or _acts_on(config, dataset, events)):
            continue
        found = where.bound.get(str(dataset))
        count = _Count() if found is None else _counted(found, named, where)
        lines.append(
            ReachLine(
                connector=dataset.connector,
                dataset=dataset.name,
                records=count.records,
                unclear=count.unclear,
                later=count.later,
                because=where.why_not(dataset),
            )
        )
        for place, some in count.by_telling.items():
            records[place][str(dataset)] = some
    return Reached(tellings=tuple(whole), lines=tuple(lines), records=tuple(records))


def _acts_on(config: Configuration, dataset: Dataset, events: set[str]) -> bool:
    """A rule that names one of the events is one on the dataset."""
    return any(
        rule.acts and reaches(rule, dataset) and events & set(rule.events)
        for rule in config.policy.rules.values()
    )


def _leads_on(config: Configuration, dataset: Dataset, events: set[str]) -> bool:
    """It can know other identifiers of the persons."""
    kinds = set(dataset.subject or ())
    return any(len(kinds & set(config.policy.told[event].by)) > 1 for event in events)


def _counted(dataset: BoundDataset, named: Named, where: Everywhere) -> _Count:
    policy, count, wanted = where.config.policy, _Count(), named.wanted()
    if not wanted.keys() & dataset.subject.keys():
        return count
    for person in where.persons(dataset, wanted):
        concerned = unclear = False
        places = named.of(person)
        for place in places:
            telling = named.tellings[place]
            known = told.concerning(
                dataset,
                person,
                policy.told[telling.event],
                (telling,),
                timezone=policy.timezone,
            )
            unclear = unclear or known.unclear
            if known.moments:
                concerned = True
                count.by_telling[place] = count.by_telling.get(place, 0) + 1
        count.records += concerned
        count.unclear += unclear and not concerned
        count.later += bool(places) and not (concerned or unclear)
    return count
