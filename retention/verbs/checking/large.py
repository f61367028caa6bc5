"""What `check` says of policies that are large: what is known of a plan's work before it is done.

A plan holds each rule on a dataset against every rule there, and against every rule on the datasets that refer to it:
what these take or leave decides what may go. It follows each way by which they refer to it, and a statement has a
level for each dataset on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retention.model.policy import Policy
from retention.planning.binding.bound import BoundDataset
from retention.planning.leading import leading, rows
from retention.verbs.opening.prepared import acts_in, reaches

MANY = 1_500
"""Of one database: such a plan takes 10 to 15 seconds on an empty one, and each hundred more another second."""
WAYS = 5_000
"""Of one database: as long. A database looks at each way by itself; with every further such dataset they double."""
DEEP = 20
"""Datasets in a row: a plan of the simplest rules takes ten seconds for 25 of them, on an empty database, and a minute
for 45."""


@dataclass(frozen=True, kw_only=True)
class _Weight:
    """What a plan does for one dataset: `rules` that act on it, each held against `cases`; those of `leading` too."""

    name: str
    rules: int
    cases: int
    leading: int

    @property
    def times(self) -> int:
        return self.rules * self.cases


def large(policy: Policy, bound: Sequence[BoundDataset]) -> Iterator[str]:
    """Of the datasets of one database, in words."""
    weights = _weights(policy, bound)
    times = sum(weight.times for weight in weights)
    if times > MANY:
        most = max(weights, key=lambda weight: weight.times)
        beside = f", on it and on {most.leading:,} that lead to it" if most.leading else " on it"
        yield (
            f"`{most.name}`: plans take long, {times / 100:,.0f} seconds or more before a row is counted:"
            f" {most.rules:,} rules act here, and each is held against the {most.cases:,} rules and exceptions{beside}"
            f" ({most.times:,} times of {times:,}; up to {MANY:,} it is quick). What helps: one rule with exceptions"
            " instead of several rules, and parts of a record instead of datasets"
        )
    found = rows(bound)
    ways = sum(each.many for each in found.values())
    if ways > WAYS:
        name = max(found, key=lambda name: found[name].many)
        yield (
            f"`{name}`: plans take long, since datasets refer to it, and to each other, in {found[name].many:,} ways"
            f" ({ways:,} on this database; up to {WAYS:,} it is quick), and each is followed. What helps: parts of a"
            " record instead of datasets"
        )
    deepest = max((each.longest for each in found.values()), key=len, default=())
    if len(deepest) > DEEP:
        yield (
            f"`{deepest[-1]}`: {len(deepest)} datasets in a row refer to each other and to it, from `{deepest[0]}` on:"
            f" beyond {DEEP} plans take long, and may fail, since their statements are nested deeply. What helps: parts"
            " of a record instead of datasets"
        )


def _weights(policy: Policy, bound: Sequence[BoundDataset]) -> list[_Weight]:
    rules = [rule for rule in policy.rules.values() if rule.acts]
    cases = {
        str(item): sum(len(rule.variants) for rule in rules if reaches(rule, item.dataset)) for item in bound
    }
    found = []
    for name, others in leading(bound).items():
        (item,) = (each for each in bound if str(each) == name)
        found.append(
            _Weight(
                name=name,
                rules=sum(acts_in(rule, item) for rule in rules),
                cases=sum(cases[other] for other in {name, *others}),
                leading=len(others - {name}),
            )
        )
    return found
