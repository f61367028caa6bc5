"""Conditions of the policy held against each dataset: what compares a text with a number is said before a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from retention.errors import Problem
from retention.model import predicate as p
from retention.model.catalogue import Catalogue
from retention.model.condition import Condition
from retention.model.policy import Policy, Rule
from retention.planning.binding.bound import BoundDataset
from retention.planning.binding.names import NotFoundError
from retention.planning.fates.facts import FactBinder
from retention.planning.fates.joins import Joins


def condition_problems(
    policy: Policy, bound: Iterable[BoundDataset], catalogue: Catalogue
) -> tuple[Problem, ...]:
    """Every condition of a rule that can't be meant on a dataset that it reaches, where the policy has it."""
    return tuple(
        problem
        for rule in policy.rules.values()
        for dataset in bound
        if rule.speaks_of(dataset.dataset.data)
        for problem in _problems(rule, dataset, catalogue, policy.file)
    )


def _problems(rule: Rule, bound: BoundDataset, catalogue: Catalogue, file: str) -> Iterator[Problem]:
    root = p.Source(table=bound.root.id, alias="r")
    for key, condition in _conditions(rule):
        try:
            FactBinder(Joins(catalogue), catalogue, bound, root).test(condition.tree)
        except NotFoundError as error:
            found = f"on `{bound}`: {error.found}"
            yield Problem(file=file, key=f"rules.{rule.name}.{key}", found=found, write=error.write)


def _conditions(rule: Rule) -> Iterator[tuple[str, Condition]]:
    """Key in the rule's table → condition, each once."""
    if rule.where is not None:
        yield "where", rule.where
    for place, variant in enumerate(rule.variants, 1):
        last = place == len(rule.variants)
        before = "" if last else f"exceptions[{place}]."
        if variant.when is not None:
            yield f"{before}when", variant.when
        if variant.defer_while is not None and (last or variant.defer_while != rule.base.defer_while):
            yield f"{before}defer_while", variant.defer_while
