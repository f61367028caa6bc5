"""What a dataset rewrites, tried on its live table by `check`; and what results depend on besides the value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from retention.actions.strategies import Keyed, rewriter
from retention.config import Configuration
from retention.connectors.port import Making, Target
from retention.errors import Problem
from retention.model.catalogue import Kind
from retention.model.policy import Policy
from retention.planning.binding.bound import BoundDataset, Rewritten
from retention.planning.binding.rewritable import room_of
from retention.planning.work import Work
from retention.store.state import StateStore
from retention.verbs.opening.pseudonyms import pseudonym_key

_SAMPLE_KEY = bytes(32)
_SAMPLE = {True: "192.0.2.77", False: "somebody"}
"""By whether an address is wanted."""


def trial_problems(policy: Policy, bound: Iterable[BoundDataset], target: Target) -> Iterator[Problem]:
    """What the database's CHECKs and the values that are there would make of each rewriting."""
    for item in bound:
        if item.rewriting:
            for misfit in target.tried(item, _samples(policy, item)):
                key = f"datasets.{item.dataset.name}.anonymize.{misfit.column}"
                yield Problem(file=item.connector.file, key=key, found=misfit.found, write=misfit.write)


def _samples(policy: Policy, bound: BoundDataset) -> Mapping[str, Any]:
    """One result of each strategy that the engine computes."""
    return {
        item.name: rewriter(item.strategy, keyed(policy, item, _SAMPLE_KEY))(_SAMPLE[item.strategy.address])
        for item in bound.rewriting
        if item.strategy.computed
    }


def making_of(config: Configuration, state: StateStore, item: Work, at: datetime) -> Making | None:
    """What the engine makes of the values of a job that rewrites, or restricts; None of one that deletes.

    Raises SetupError where it needs the pseudonyms' key, and that is missing or another one.
    """
    if not (item.stays or item.moves):
        return None
    rewrites = bool(item.rewrites or item.part_rewrites)
    columns = [each for each in item.bound.rewriting if each.strategy.computed] if rewrites else []
    key = pseudonym_key(config, state) if any(each.strategy.keyed for each in columns) else b""
    makes = {each.name: rewriter(each.strategy, keyed(config.policy, each, key)) for each in columns}
    return Making(makes=makes, at=at)


def keyed(policy: Policy, item: Rewritten, key: bytes) -> Keyed:
    """The key, the steps by which the column's kind of identifier is made alike, and the column's room."""
    kind = item.strategy.kind
    steps = policy.identifiers.get(kind, ()) if kind is not None else ()
    return Keyed(key=key, steps=steps, room=room_of(item.column), uuid=item.column.kind is Kind.UUID)
