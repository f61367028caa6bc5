"""Engines that think wrongly of what their plan restricts fail a worked example that the engine passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from retention.model import predicate as p
from retention.planning.fates.chained import Chained
from retention.planning.fates.foreseen import Foreseen
from tests.oracles.lawyer import examples_vaults

Patch = pytest.MonkeyPatch
pytestmark = pytest.mark.heavy


def nobody_thinks_of_it(patch: Patch) -> None:
    """What will be needed is rewritten, or planned to be."""
    patch.setattr(Foreseen, "to_need", lambda self, *given, **more: iter(()))


def by_the_clocks_of_here(patch: Patch) -> None:
    """The vault's rules are asked of the record as if it stayed where it is."""

    def mutant(self: Any, need: Any, there: Any, told: Any, owner: p.Source) -> p.Test | None:
        return self.keeps(need.rule, need.holder, told, owner, places=need.places)

    patch.setattr(Foreseen, "_kept_there", mutant)


def whether_it_is_restricted_or_not(patch: Patch) -> None:
    """What could be restricted some day needs today what it will need then."""
    patch.setattr(Chained, "restricted", lambda self, by, root: p.All(items=()))


MUTANTS: dict[Callable[[Patch], None], str] = {
    nobody_thinks_of_it: "nothing is left to rewrite",
    by_the_clocks_of_here: "the vault's clock is another column",
    whether_it_is_restricted_or_not: "what can't be moved today needs what it needs now",
}
EXAMPLES = {told.name: told for told in examples_vaults.what_it_will_need()}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_wrong_engine_is_told_from_the_right_one(
    told_apart: Callable[..., None], mutant: Callable[[Patch], None]
) -> None:
    told_apart(EXAMPLES[MUTANTS[mutant]].case, mutant)
