"""Engines that are wrong about rows that records share are told from the right one, by companies from seeds.

Each is wrong in one place; each seed is one that the engine itself passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from retention.connectors.sql.shared_parts import SharedParts
from retention.model import predicate as p
from retention.planning import acting, shared_fates, shared_parts, stops
from retention.planning.fate import Fates
from retention.planning.shared_fates import SharedFates
from retention.safety import holds
from tests.oracles.lawyer import places
from tests.oracles.lawyer.generate import case
from tests.oracles.lawyer.harness import Harness, asked
from tests.oracles.lawyer.profiles import EVERYTHING, KEEPING

Patch = pytest.MonkeyPatch
pytestmark = pytest.mark.heavy
SIMPLE = replace(KEEPING, shared_parts=True)


def others_forgotten(patch: Patch) -> None:
    """Rows of other tables that refer to the shared row do not count."""
    patch.setattr(shared_parts, "_shared", lambda c, t, links: _only(links, t))


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
    first = shared_parts_of = SharedParts._of

    def mutant(self: Any, each: Any, query: Any, keys: Any) -> Any:
        return list(keys) if query is each.free else shared_parts_of(self, each, query, keys)

    assert first is shared_parts_of
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


def keeps_its_records(patch: Patch) -> None:
    """Records that share a row by referring to it keep each other, as those do that share a part."""
    patch.setattr(shared_fates.SharedFates, "_around", Fates._around)


MUTANTS: dict[Callable[[Patch], None], tuple[Any, int]] = {
    others_forgotten: (SIMPLE, 0),
    goes_with_the_first: (SIMPLE, 0),
    stays_for_ever: (SIMPLE, 0),
    not_looked_at_again: (SIMPLE, 0),
    own_rules_forgotten: (SIMPLE, 0),
    counted_twice: (SIMPLE, 0),
    any_order: (SIMPLE, 0),
    what_it_refers_to_waits: (SIMPLE, 0),
    hold_on_the_row_forgotten: (EVERYTHING, 0),
    held_for_others: (EVERYTHING, 0),
}


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    folder = tmp_path_factory.mktemp("homes")
    place = places.opened("sqlite", folder)
    yield Harness(folder / "files", place)
    place.close()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_wrong_engine_is_told_from_the_right_one(
    court: Harness, mutant: Callable[[Patch], None], monkeypatch: Patch
) -> None:
    profile, seed = MUTANTS[mutant]
    made = case(seed, profile, shape="homes", companies=6)
    assert asked(court, made, carried_out=profile is SIMPLE) == []
    mutant(monkeypatch)
    assert asked(court, made, carried_out=profile is SIMPLE) != []
