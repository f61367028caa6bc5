"""The suite has teeth: engines that are wrong in one place each are told from the right one.

Each mutant is looked for with companies from plain seeds, the same ones that the engine itself passes.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from retention.connectors.sql import iso_text, mysql_clocks, predicates
from retention.connectors.sql.mysql import Mysql
from retention.model import predicate as p
from retention.model.clock import Period
from retention.planning import bind, fate, joins, limbs, results, stops
from retention.planning.conditions import Binder
from tests.oracles import databases
from tests.oracles.companies import company
from tests.oracles.comparing import plan_differences
from tests.oracles.stores import Shop, TooDeepError

Patch = pytest.MonkeyPatch
MOST_SEEDS = 400


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Shop]]:
    """A family's shop, opened when it is first asked for."""
    made: dict[str, Shop] = {}

    def of(family: str) -> Shop:
        if family not in made:
            made[family] = databases.opened(family, tmp_path_factory.mktemp("shop"))
        return made[family]

    yield of
    for shop in made.values():
        shop.close()


def wrapped(patch: Patch, owner: Any, name: str, change: Callable[..., Any]) -> None:
    """`change(original, …)` in place of the method."""
    original = getattr(owner, name)
    patch.setattr(owner, name, lambda *a, **k: change(original, *a, **k))


def cutoff_included(patch: Patch) -> None:
    """An event on the very day of the cutoff counts as past: a day early."""

    def mutant(original: Any, column: Any, state: p.State, floor: p.Line, cutoff: p.Line) -> Any:
        later = cutoff.day.fromordinal(cutoff.day.toordinal() + 1)
        return original(column, state, floor, replace(cutoff, day=later))

    wrapped(patch, iso_text, "dated", mutant)


def wall_clock_read_late(patch: Patch) -> None:
    """A wall clock's reading of the last second before the cutoff is not past yet: a day late."""
    wrapped(patch, limbs.periods, "naive_boundary", lambda original, *a: original(*a) - timedelta(seconds=1))


def offsets_ignored(patch: Patch) -> None:
    """A text with an offset is read as a wall clock's."""
    wrapped(
        patch,
        iso_text,
        "_before",
        lambda original, column, line: original(sa.literal_column(f"substr({column}, 1, 19)"), line),
    )


def floor_dropped(patch: Patch) -> None:
    """Zero dates and epoch 0 are long ago."""

    def mutant(original: Any, self: Any, test: p.Dated) -> Any:
        floor = test.floor
        early = [moment.replace(year=1001) for moment in (floor.day, floor.instant, floor.naive)]
        return original(self, replace(test, floor=p.Line(day=early[0], instant=early[1], naive=early[2])))

    wrapped(patch, predicates.Compiler, "_dated", mutant)


def null_of_a_related_row_skipped(patch: Patch) -> None:
    """A related row without a date is not one that makes the event unclear."""

    def mutant(
        original: Any, self: Any, case: Any, component: Any, root: Any, state: p.State, line: Any
    ) -> Any:
        tree = original(self, case, component, root, state, line)
        return _without_missing(tree) if state is p.State.UNCLEAR and component.hops else tree

    wrapped(patch, limbs.Limbs, "component", mutant)


def _without_missing(test: Any) -> Any:
    match test:
        case p.AnyOf(items=items):
            kept = [i for i in items if not (isinstance(i, p.Dated) and i.state is p.State.MISSING)]
            return p.AnyOf(items=tuple(map(_without_missing, kept)))
        case p.All(items=items):
            return p.All(items=tuple(map(_without_missing, items)))
        case p.Exists():
            return replace(test, where=_without_missing(test.where))
    return test


def references_inside_forgotten(patch: Patch) -> None:
    """Rows of other records of the same tables do not count as referring."""
    wrapped(
        patch,
        bind,
        "outside_references",
        lambda original, *a: tuple(item for item in original(*a) if not item.inside),
    )


def references_to_parts_forgotten(patch: Patch) -> None:
    """Only references to the root keep a record."""

    def mutant(original: Any, catalogue: Any, members: Any) -> Any:
        root = next(iter(members))
        return tuple(item for item in original(catalogue, members) if item.reference.target == root)

    wrapped(patch, bind, "outside_references", mutant)


def own_rows_count_as_outside(patch: Patch) -> None:
    """A record's own rows keep it."""
    wrapped(
        patch,
        bind,
        "outside_references",
        lambda original, *a: tuple(replace(item, inside=False) for item in original(*a)),
    )


def goes_first_without_being_due(patch: Patch) -> None:
    """Rows of another dataset that has a rule never keep anything."""

    def mutant(original: Any, self: Any, table: Any, referring: Any, visiting: Any) -> Any:
        for _ in original(self, table, referring, visiting):
            yield p.AnyOf(items=())

    wrapped(patch, fate.Fates, "_goes_first", mutant)


def nothing_goes_first(patch: Patch) -> None:
    """What the plan itself removes still counts as referring."""
    patch.setattr(fate.Fates, "_goes_first", lambda *_: ())


def unknown_scope_is_true(patch: Patch) -> None:
    """A `where` that is neither true nor false is taken for true."""

    def mutant(original: Any, self: Any, bound: Any, root: Any) -> Any:
        scope = original(self, bound, root)
        return None if scope is None else p.Untrue(item=p.Not(item=scope))

    wrapped(patch, results.Results, "scope", mutant)


def unknown_scope_is_false(patch: Patch) -> None:
    """A record whose `where` is unknown is not even counted."""

    def mutant(original: Any, self: Any, bound: Any, root: Any) -> Any:
        scope = original(self, bound, root)
        return None if scope is None else p.IsTrue(item=scope)

    wrapped(patch, results.Results, "scope", mutant)


def negation_lost(patch: Patch) -> None:
    """NOT is read over."""
    original = Binder.test

    def mutant(self: Any, node: Any) -> Any:
        found = original(self, node)
        return found.item if isinstance(found, p.Not) else found

    patch.setattr(Binder, "test", mutant)


def retained_ignored(patch: Patch) -> None:
    """Other rules keep nothing."""
    patch.setattr(results.Results, "keeps", lambda *_, **__: None)


def retained_by_dates_alone(patch: Patch) -> None:
    """Another rule keeps what is too recent, and loses what is unclear."""

    def mutant(original: Any, self: Any, *asked: Any, **more: Any) -> Any:
        kept = original(self, *asked, **more)
        return kept if kept is None else p.AnyOf(items=kept.items[:1])

    wrapped(patch, results.Results, "keeps", mutant)


def every_rule_acts(patch: Patch) -> None:
    """Two rules claim the same record."""
    patch.setattr(fate, "never_acts", lambda job: False)
    patch.setattr(stops.Stops, "acts_instead", lambda *_, **__: None)


def future_component_skipped(patch: Patch) -> None:
    """The latest of the dates that have passed, though another lies ahead."""

    def mutant(original: Any, self: Any, case: Any, event: Any, root: Any, state: p.State, line: Any) -> Any:
        found = original(self, case, event, root, state, line)
        return p.AnyOf(items=found.items[:1]) if state is p.State.RECENT else found

    wrapped(patch, limbs.Limbs, "_any", mutant)


def unreadable_is_long_ago(patch: Patch) -> None:
    """Text that is no date counts as none at all."""

    def mutant(original: Any, self: Any, test: p.Dated) -> Any:
        if test.state is p.State.UNCLEAR:
            return sa.false()
        return original(self, test)

    wrapped(patch, predicates.Compiler, "_dated", mutant)


def overdue_at_once(patch: Patch) -> None:
    """No time to carry it out."""
    at_once = Period(months=0, days=0)
    wrapped(patch, limbs, "late_cutoff", lambda original, within, *more: original(at_once, *more))


def one_hop_too_few(patch: Patch) -> None:
    """A part's own part is looked for at the root."""

    def mutant(original: Any, self: Any, hops: Any, start: Any, leaf: Any) -> Any:
        return original(self, hops, start, leaf) if len(hops) < 2 else p.AnyOf(items=())

    wrapped(patch, joins.Joins, "_along", mutant)


def zero_dates_are_long_ago(patch: Patch) -> None:
    """What MariaDB holds in place of a day counts as one."""
    patch.setattr(Mysql, "readable", lambda *_: None)


def offsets_of_mariadb_s_texts_ignored(patch: Patch) -> None:
    """There too, a text with an offset is read as a wall clock's."""
    wrapped(
        patch,
        mysql_clocks,
        "_before",
        lambda original, column, line: original(sa.func.left(column, 19), line),
    )


def unreadable_texts_of_mariadb_are_no_dates(patch: Patch) -> None:
    """There too, text that is no date counts as none at all."""

    def mutant(original: Any, self: Any, column: Any, state: p.State, floor: p.Line, cutoff: p.Line) -> Any:
        return sa.false() if state is p.State.UNCLEAR else original(self, column, state, floor, cutoff)

    wrapped(patch, Mysql, "dated_text", mutant)


MUTANTS = {
    cutoff_included: 72,
    wall_clock_read_late: 32,
    offsets_ignored: 13,
    floor_dropped: 0,
    null_of_a_related_row_skipped: 30,
    references_inside_forgotten: 0,
    references_to_parts_forgotten: 25,
    own_rows_count_as_outside: 83,
    goes_first_without_being_due: 1,
    nothing_goes_first: 14,
    unknown_scope_is_true: 5,
    unknown_scope_is_false: 5,
    negation_lost: 18,
    retained_ignored: 3,
    retained_by_dates_alone: 3,
    every_rule_acts: 0,
    future_component_skipped: 23,
    unreadable_is_long_ago: 0,
    overdue_at_once: 13,
    one_hop_too_few: 30,
}
"""Each with the seed that found it last on SQLite, which is tried first: all of them in a few seconds."""
ON_MARIADB = {
    zero_dates_are_long_ago: 7,
    offsets_of_mariadb_s_texts_ignored: 98,
    unreadable_texts_of_mariadb_are_no_dates: 11,
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_wrong_engine_is_found_out(
    shops: Callable[[str], Shop], monkeypatch: Patch, mutant: Callable[[Patch], None]
) -> None:
    found_out(shops("sqlite"), monkeypatch, mutant, MUTANTS[mutant])


@pytest.mark.parametrize("mutant", ON_MARIADB, ids=lambda mutant: mutant.__name__)
def test_a_wrong_engine_is_found_out_on_mariadb(
    shops: Callable[[str], Shop], monkeypatch: Patch, mutant: Callable[[Patch], None]
) -> None:
    found_out(shops("mariadb"), monkeypatch, mutant, ON_MARIADB[mutant])


def found_out(shop: Shop, monkeypatch: Patch, mutant: Callable[[Patch], None], first: int) -> None:
    mutant(monkeypatch)
    forget()
    for seed in (first, *range(MOST_SEEDS)):
        one = company(random.Random(seed), shop.family)
        shop.build(one)
        with contextlib.suppress(TooDeepError):
            if plan_differences(one, shop.asked(one, briefly=True)):
                break
    else:
        pytest.fail(f"{MOST_SEEDS} companies do not tell it from the right one")
    monkeypatch.undo()
    forget()
    shop.build(one)
    assert plan_differences(one, shop.asked(one, briefly=True)) == []


def forget() -> None:
    """What the engine keeps of the lines that it reckoned."""
    limbs.cutoff.cache_clear()
    if hasattr(limbs.late_cutoff, "cache_clear"):
        limbs.late_cutoff.cache_clear()
    iso_text.written.cache_clear()
