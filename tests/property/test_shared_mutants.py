"""Engines that are wrong in one place about rows that records share fail a worked example that the engine passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from retention.connectors.sql.batches.shared_parts import SharedParts
from retention.model import predicate as p
from retention.planning.binding import bind, shared_parts
from retention.planning.fates import acting, shared_fates, stops
from retention.planning.fates.fate import Fates
from retention.planning.fates.shared_fates import SharedFates
from retention.safety import holds
from tests.oracles.lawyer import examples_fate, examples_within

Patch = pytest.MonkeyPatch
pytestmark = pytest.mark.heavy


def others_forgotten(patch: Patch) -> None:
    """Rows of other tables that refer to the shared row do not count."""
    patch.setattr(shared_parts, "_shared", lambda c, t, links, own: _only(links, t))


def _only(links: Any, table: Any) -> Any:
    return shared_parts.Shared(table=table, links=tuple(links), referring=tuple(links))


def goes_with_the_first(patch: Patch) -> None:
    """A plan thinks that nobody who stays refers to the row."""
    patch.setattr(SharedFates, "_stays_after", lambda *a, **k: [p.AnyOf(items=())])


def stays_for_ever(patch: Patch) -> None:
    """No batch deletes a shared row."""
    patch.setattr(SharedParts, "delete", lambda self, led_to, where, beside_locks: {})


def not_looked_at_again(patch: Patch) -> None:
    """A batch deletes what its records referred to, whoever else does: the database refuses."""
    first = SharedParts._of

    def mutant(self: Any, each: Any, query: Any, keys: Any) -> Any:
        return list(keys) if query is each.free else first(self, each, query, keys)

    patch.setattr(SharedParts, "_of", mutant)


def own_rules_forgotten(patch: Patch) -> None:
    """The row is no record of another dataset: its rules and holds do not matter."""
    patch.setattr(SharedFates, "sharing", Fates.sharing)


def counted_twice(patch: Patch) -> None:
    """A row that goes as a part of another is due by its own rule, too."""
    patch.setattr(SharedFates, "instead", Fates.instead)


def any_order(patch: Patch) -> None:
    """Who shares without saying so may go last, and leaves the row behind."""
    patch.setattr(acting, "_leaves_last", lambda job, other: False)


def what_it_refers_to_waits(patch: Patch) -> None:
    """A town waits a run for the houses that go as shared rows."""
    patch.setattr(SharedFates, "_goes_first", Fates._goes_first)


def hold_on_the_row_forgotten(patch: Patch) -> None:
    """A hold on the house is none on who lives there."""
    patch.setattr(holds, "_users", lambda found, bound, targets: {})


def held_for_others(patch: Patch) -> None:
    """A house that a neighbour's hold keeps holds all who live there."""
    first = stops.Stops._covered
    patch.setattr(stops.Stops, "_covered", lambda self, bound, root, listed=True: first(self, bound, root))


def a_record_is_a_mere_row(patch: Patch) -> None:
    """A house with a town of its own goes with who lives there, and leaves the town behind."""
    patch.setattr(bind, "with_parts", lambda datasets, catalogue: frozenset())
    patch.setattr(shared_fates, "by_themselves", lambda shared, bound: [])


MUTANTS: dict[Callable[[Patch], None], str] = {
    others_forgotten: "who is in no dataset keeps the house, and nobody in it",
    goes_with_the_first: "an address stays for the one who stays",
    stays_for_ever: "and goes with the last",
    not_looked_at_again: "an address stays for the one who stays",
    own_rules_forgotten: "a house that a rule keeps keeps who lives there, and the other way round",
    counted_twice: "a house goes with the last, and not by its own rule",
    any_order: "who lives there without sharing it goes before the last who does",
    what_it_refers_to_waits: "a town goes after the houses in it",
    hold_on_the_row_forgotten: "a hold on the house covers who lives there",
    held_for_others: "a hold on one covers no neighbour",
    a_record_is_a_mere_row: "a shared house that shares a town goes by its own rule, with the town",
}
EXAMPLES = {told.name: told for told in (*examples_fate.examples(), *examples_within.examples())}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_wrong_engine_is_told_from_the_right_one(
    told_apart: Callable[..., None], mutant: Callable[[Patch], None]
) -> None:
    told_apart(EXAMPLES[MUTANTS[mutant]].case, mutant)
