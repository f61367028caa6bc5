"""The facts that a policy's conditions speak of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.oracles.lawyer import rows
from tests.oracles.lawyer.conditions import truth
from tests.oracles.lawyer.world import Fact, Holds, InTheVault, Record, Some, Tree, Value, World, remembered


def fact(world: World, record: Record, said: Fact) -> Any:
    """Its value for this record; None where there is none, or it can't be told."""
    match said:
        case InTheVault():
            return said.inside
        case Value():
            ends = rows.along(world, record.root, said.path)
            return ends[0][said.column] if ends else None
        case Holds():
            return truth(said.tree, record.root)
        case Some():
            found = [truth(said.where, row) for row in rows.along(world, record.root, said.path)]
            return True if True in found else None if None in found else False


@remembered
def facts(world: World, record: Record) -> Mapping[str, Any]:
    """Every fact that the record's dataset spells out."""
    return {name: fact(world, record, said) for name, said in record.dataset.facts.items()}


def true_of(world: World, tree: Tree | None, record: Record) -> bool | None:
    """Whether a condition of the policy is true of the record."""
    return truth(tree, facts(world, record)) if tree is not None else True
