"""The suite has teeth: engines that are wrong in one place each are told from the right one.

Each mutant is caught by companies from a plain seed, on which the engine itself agrees with the evaluator.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import psycopg
import pymysql
import pytest
import sqlalchemy as sa

from retention.connectors.sql import predicates
from retention.connectors.sql.mysql import clocks as mysql_clocks
from retention.connectors.sql.mysql.dialect import Mysql
from retention.connectors.sql.sqlite import iso_text
from retention.connectors.sql.target import SqlTarget
from retention.model import predicate as p
from retention.model.clock import Period
from retention.periods import zones
from retention.planning.binding import bind
from retention.planning.binding.conditions import Binder
from retention.planning.fates import competing, fate, joins, limbs, results, rings, sharers, stops
from retention.planning.fates.sharing import Sharing
from retention.safety import carrying, tellings
from retention.verbs.persons import carried, covering, reaching
from tests.oracles.lawyer import examples_fate, examples_found, examples_time, examples_within, places
from tests.oracles.lawyer.generate import case
from tests.oracles.lawyer.harness import Harness, judged
from tests.oracles.lawyer.profiles import KEEPING, Profile

Patch = pytest.MonkeyPatch


@dataclass(frozen=True, kw_only=True)
class Court:
    """A database of one kind, and what the engine says there of the companies of each seed while it is right."""

    harness: Harness
    right: dict[tuple[Profile, int], bool]

    def differs(self, profile: Profile, seed: int) -> bool:
        """Whether engine and evaluator tell some record apart. A refusal is no difference in meaning."""
        forget()
        made = case(seed, profile, companies=COMPANIES)
        return judged(self.harness, made, carried_out=False, explained=0).kind == "differs"

    def agrees(self, profile: Profile, seed: int) -> bool:
        """The engine as it is; asked once of each seed."""
        if (profile, seed) not in self.right:
            forget()
            made = case(seed, profile, companies=COMPANIES)
            verdict = judged(self.harness, made, carried_out=False, explained=0)
            self.right[profile, seed] = not verdict.differences and verdict.skipped is None
        return self.right[profile, seed]


@pytest.fixture(scope="module")
def courts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Court]]:
    """A court of a kind of database, opened when it is first asked for."""
    made: dict[str, Court] = {}

    def of(kind: str) -> Court:
        if kind not in made:
            folder = tmp_path_factory.mktemp(kind)
            try:
                place = places.opened(kind, folder)
            except (psycopg.OperationalError, pymysql.OperationalError) as error:
                if os.environ.get("CI") == "true":
                    raise
                pytest.skip(f"no {kind}: {type(error).__name__}")
            made[kind] = Court(harness=Harness(folder / "files", place), right={})
        return made[kind]

    yield of
    for court in made.values():
        court.harness.place.close()


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
    patch.setattr(competing.Competing, "acts_instead", lambda *_, **__: None)


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


def yields_to_ignored(patch: Patch) -> None:
    """Every rule gives way to every other."""

    def mutant(original: Any, self: Any, job: Any, rule: Any, root: Any, asked: Any, **more: Any) -> Any:
        return original(self, job, rule, root, lambda _: True, **more)

    wrapped(patch, stops.Stops, "keepers", mutant)


def needs_across_references_ignored(patch: Patch) -> None:
    """A rule keeps its own records, and not what these need."""
    patch.setattr(stops.Stops, "_needed", lambda *_, **__: None)


def conflict_forgotten(patch: Patch) -> None:
    """What another rule keeps is retained, though it should be gone by now."""
    patch.setattr(stops.Stops, "beyond_at_most", lambda *_: None)


def first_in_the_file_acts(patch: Patch) -> None:
    """Not the rule that ended last."""

    def mutant(original: Any, self: Any, job: Any, rule: Any, *more: Any, **named: Any) -> Any:
        return original(self, job, rule, *more, **named) if rule.order < job.rule.order else None

    wrapped(patch, competing.Competing, "acts_instead", mutant)


def sharing_forgotten(patch: Patch) -> None:
    """What keeps a record does not keep another that shares a row with it."""
    patch.setattr(Sharing, "sharing", lambda *_: ())


def hold_on_a_part_forgotten(patch: Patch) -> None:
    """A hold on a record does not cover another of which it is a part."""

    def mutant(original: Any, self: Any, *asked: Any, **more: Any) -> Any:
        self.sharing = lambda *_: ()
        try:
            return original(self, *asked, **more)
        finally:
            vars(self).pop("sharing", None)

    patch.setattr(SqlTarget, "sharing", lambda *_: ())
    wrapped(patch, stops.Stops, "_held_apart", mutant)


def held_keeps_not_what_it_refers_to(patch: Patch) -> None:
    """A hold on an order leaves its customer alone."""
    patch.setattr(SqlTarget, "referred", lambda *_: ())


def holds_are_not_carried_over(patch: Patch) -> None:
    """Whom a hold names by e-mail is held by e-mail alone."""
    for module in (covering, carried):
        patch.setattr(module, "to_the_end", lambda *_: [])


def tellings_are_not_carried_over(patch: Patch) -> None:
    """Nor who asked for erasure by e-mail."""
    patch.setattr(reaching, "one_step", lambda told, *_: [() for _ in told])


def identifiers_compared_as_they_are(patch: Patch) -> None:
    """A blank more, and it is somebody else who asked."""
    patch.setattr(carrying, "normalised", lambda value, steps: value)


def began_ignored(patch: Patch) -> None:
    """What was told concerns records that began after it."""
    patch.setattr(tellings, "began_at", lambda *_: date(1971, 1, 2))


def unknown_began_is_no_matter(patch: Patch) -> None:
    """What began nobody knows when was not meant."""
    wrapped(patch, tellings, "began_at", lambda original, *a: original(*a) or date(9000, 1, 1))


def month_counts_from_the_event(patch: Patch) -> None:
    """Who is told late is late at once."""

    def mutant(original: Any, *asked: Any, **more: Any) -> Any:
        known = original(*asked, **more)
        return replace(known, told=known.moments)

    wrapped(patch, tellings, "concerning", mutant)


def unknown_defer_while_is_false(patch: Patch) -> None:
    """Nobody knows whether there is a dispute: there is none."""
    wrapped(
        patch,
        limbs.Limbs,
        "deferred",
        lambda original, self, case, root, defers, **more: original(
            self, case, root, p.IsTrue(item=defers), **more
        ),
    )


def deferred_a_day_too_long(patch: Patch) -> None:
    """Until a day less than carrying it out may take."""

    def mutant(original: Any, as_of: Any, clock: Any, within: Period) -> Any:
        return original(as_of, clock, Period(months=within.months, days=within.days - 1))

    wrapped(patch, limbs.periods, "nearing_cutoff", mutant)


def exceptions_that_can_not_be_told_passed_over(patch: Patch) -> None:
    """The next variant holds, where nobody knows whether the one before does."""

    def mutant(original: Any, self: Any, case: Any, root: Any) -> Any:
        return tuple(p.Untrue(item=test.item.item) for test in original(self, case, root))

    def sure(original: Any, *asked: Any, **more: Any) -> Any:
        return tuple(found for found in original(*asked, **more) if not _unsure(found))

    wrapped(patch, results.Results, "_before", mutant)
    wrapped(patch, results.Results, "results", sure)


def _unsure(found: results.Result) -> bool:
    test = found.test
    return isinstance(test, p.All) and bool(test.items) and isinstance(test.items[-1], p.IsUnknown)


def demands_keep(patch: Patch) -> None:
    """All waits for requests that nobody makes."""

    def mutant(original: Any, *asked: Any, **more: Any) -> Any:
        return tuple(replace(found, keeps=True, label="not_due") for found in original(*asked, **more))

    wrapped(patch, results.Results, "results", mutant)


def late_by_a_wrong_day(patch: Patch) -> None:
    """A day more to carry it out."""
    wrapped(
        patch,
        limbs,
        "late_cutoff",
        lambda original, within, *more: original(Period(months=within.months, days=within.days + 1), *more),
    )


def earlier_ends_count(patch: Patch) -> None:
    """An opt-out of last year ends the consent of this one."""
    patch.setattr(limbs.Limbs, "_counts", lambda *_: ())


def tomorrow_has_come(patch: Patch) -> None:
    """An event of the coming day ends a clock."""
    day = timedelta(days=1)
    wrapped(patch, limbs.periods, "happened", lambda original, as_of, zone: original(as_of + day, zone))


def this_instant_has_not_come(patch: Patch) -> None:
    """Nor what happened at the very instant that is asked of."""
    tick = timedelta(microseconds=1)
    wrapped(patch, limbs.periods, "happened", lambda original, as_of, zone: original(as_of - tick, zone))


def unknown_where_of_an_event_is_false(patch: Patch) -> None:
    """Nobody knows whether it happened: it did not."""

    def mutant(original: Any, self: Any, source: Any, component: Any, state: p.State, dated: Any) -> Any:
        condition = self._condition(source, component)
        if condition is None or state is not p.State.UNCLEAR:
            return original(self, source, component, state, dated)
        return p.All(items=(p.IsTrue(item=condition), dated))

    wrapped(patch, limbs.Limbs, "_in_row", mutant)


def half_a_reference_refers(patch: Patch) -> None:
    """Of a composite reference the last column alone."""

    def mutant(original: Any, self: Any, reference: Any, *sources: Any) -> Any:
        short = replace(
            reference, columns=reference.columns[-1:], target_columns=reference.target_columns[-1:]
        )
        return original(self, short, *sources)

    wrapped(patch, joins.Joins, "refers", mutant)


def bounds_of_instructions_ignored(patch: Patch) -> None:
    """A tenant's instruction counts, however short or long."""
    wrapped(
        patch,
        p.Whole,
        "__init__",
        lambda original, self, *, item, least, most: original(self, item=item, least=0, most=most * 100),
    )


def other_datasets_of_a_circle_forgotten(patch: Patch) -> None:
    """Only records of its own dataset keep a record that could go with others of its circle."""

    def mutant(original: Any, self: Any, job: Any) -> Any:
        return (pairs for pairs in original(self, job) if pairs.sources[0].table in job.bound.members)

    wrapped(patch, rings.Entangled, "_kept_at_first", mutant)


def one_step_round_a_circle(patch: Patch) -> None:
    """What a kept record refers to is kept, and what that refers to goes."""

    def kept(original: Any, self: Any, job: Any) -> Any:
        found = original(self, job)
        return replace(found, steps=tuple(replace(step, where=p.AnyOf(items=())) for step in found.steps))

    wrapped(patch, rings.Entangled, "_kept", kept)


def parts_in_common_bind_one_step(patch: Patch) -> None:
    """Who shares a part with a record that is kept is kept, and who shares another with that one goes."""

    def beside(original: Any, self: Any, *way: Any) -> Any:
        return replace(original(self, *way), where=p.AnyOf(items=()))

    wrapped(patch, rings.Entangled, "_beside", beside)


def records_within_bind_one_step(patch: Patch) -> None:
    """Of records that can be parts of one another, who shares a part with one that is kept is kept, and nobody else."""

    def common(original: Any, self: Any, bound: Any) -> Any:
        return (way for way in original(self, bound) if not (way[0].inside(way[1]) or way[1].inside(way[0])))

    wrapped(patch, rings.Entangled, "_common", common)


def a_part_goes_with_its_whole_whatever_it_has(patch: Patch) -> None:
    """A record that is a part of one that goes is left to that, though it has rows that are none of it."""
    wrapped(patch, sharers.Sharers, "_beyond", lambda *_: None)


def two_records_of_a_row_go_by_one_rule(patch: Patch) -> None:
    """The rule that ended last deletes the row, with the parts of one of them."""
    wrapped(patch, sharers.Sharers, "_deleted_with", lambda *_: (None, None))


COMPANIES = 10
MOST_SEEDS = 40
PLAIN = KEEPING
CONDITIONS = KEEPING.without(conditions=True, limbs=True)
TOLD = KEEPING.without(limbs=True, told=True)
HELD = KEEPING.without(holds=True, sharing=True)
BASES = KEEPING.without(limbs=True, bases=True, sharing=True, one_from=False)
MUTANTS: dict[Callable[[Patch], None], tuple[Profile, int]] = {
    cutoff_included: (PLAIN, 8),
    wall_clock_read_late: (PLAIN, 0),
    offsets_ignored: (PLAIN, 0),
    floor_dropped: (PLAIN, 0),
    null_of_a_related_row_skipped: (PLAIN, 0),
    references_inside_forgotten: (PLAIN, 2),
    references_to_parts_forgotten: (PLAIN, 53),
    own_rows_count_as_outside: (PLAIN, 8),
    goes_first_without_being_due: (PLAIN, 3),
    nothing_goes_first: (PLAIN, 2),
    unknown_scope_is_true: (CONDITIONS, 3),
    unknown_scope_is_false: (CONDITIONS, 3),
    negation_lost: (CONDITIONS, 3),
    retained_ignored: (PLAIN, 0),
    retained_by_dates_alone: (PLAIN, 7),
    every_rule_acts: (BASES, 0),
    future_component_skipped: (PLAIN, 0),
    unreadable_is_long_ago: (PLAIN, 0),
    overdue_at_once: (PLAIN, 2),
    yields_to_ignored: (BASES, 0),
    conflict_forgotten: (CONDITIONS, 2),
    first_in_the_file_acts: (BASES, 0),
    sharing_forgotten: (HELD, 1),
    held_keeps_not_what_it_refers_to: (HELD, 8),
    holds_are_not_carried_over: (HELD, 2),
    tellings_are_not_carried_over: (TOLD, 55),
    began_ignored: (TOLD, 5),
    unknown_began_is_no_matter: (TOLD, 23),
    month_counts_from_the_event: (TOLD, 15),
    unknown_defer_while_is_false: (CONDITIONS, 2),
    exceptions_that_can_not_be_told_passed_over: (CONDITIONS, 11),
    demands_keep: (TOLD, 0),
    late_by_a_wrong_day: (PLAIN, 3),
    earlier_ends_count: (CONDITIONS, 1),
    tomorrow_has_come: (BASES, 0),
    this_instant_has_not_come: (BASES, 2),
    unknown_where_of_an_event_is_false: (CONDITIONS, 4),
    half_a_reference_refers: (PLAIN, 0),
    bounds_of_instructions_ignored: (TOLD, 24),
}
"""Each with the language and the seed that find it on SQLite."""
LONG = (
    exceptions_that_can_not_be_told_passed_over,
    references_to_parts_forgotten,
    unknown_where_of_an_event_is_false,
)
"""Found by policies that take a quarter of a minute."""
ON_MARIADB: dict[Callable[[Patch], None], tuple[Profile, int]] = {
    zero_dates_are_long_ago: (PLAIN, 0),
    offsets_of_mariadb_s_texts_ignored: (PLAIN, 6),
    unreadable_texts_of_mariadb_are_no_dates: (PLAIN, 0),
}


BY_EXAMPLE: dict[Callable[[Patch], None], str] = {
    needs_across_references_ignored: "needed by a later record of the same rule: it yields to all",
    hold_on_a_part_forgotten: "held by way of a part, and what that refers to in its own dataset",
    one_hop_too_few: "counted from a row two steps away",
    identifiers_compared_as_they_are: "who asked is spelt otherwise",
    deferred_a_day_too_long: "a month before the end it does not",
    other_datasets_of_a_circle_forgotten: "a ring of two datasets",
    one_step_round_a_circle: "what a kept record of another dataset leads to stays",
    parts_in_common_bind_one_step: "who shares a part with one that stays stays, however far that leads",
    records_within_bind_one_step: "papers of matters and of memos of nobody bind them however far that leads",
    a_part_goes_with_its_whole_whatever_it_has: "papers of a memo that are no part of its matter go first",
    two_records_of_a_row_go_by_one_rule: "a firm that buys and sells goes by both rules, with orders and offers",
}
"""Each with the worked example that finds it."""


@pytest.mark.parametrize("mutant", BY_EXAMPLE, ids=lambda mutant: mutant.__name__)
def test_a_wrong_engine_fails_a_worked_example(
    courts: Callable[[str], Court], monkeypatch: Patch, mutant: Callable[[Patch], None]
) -> None:
    found = (*examples_found.examples(), *examples_within.examples())
    every = (*examples_time.examples(), *found, *examples_fate.examples())
    (told,) = (told for told in every if told.name == BY_EXAMPLE[mutant])
    forget()
    assert judged(courts("sqlite").harness, told.case, carried_out=False).differences == ()
    mutant(monkeypatch)
    forget()
    assert judged(courts("sqlite").harness, told.case, carried_out=False).kind == "differs"


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    "mutant",
    [
        each if not place % 3 and each not in LONG else pytest.param(each, marks=pytest.mark.heavy)
        for place, each in enumerate(MUTANTS)
    ],
    ids=lambda mutant: mutant.__name__,
)
def test_a_wrong_engine_is_found_out(
    courts: Callable[[str], Court], monkeypatch: Patch, mutant: Callable[[Patch], None]
) -> None:
    found_out(courts("sqlite"), monkeypatch, mutant, *MUTANTS[mutant])


@pytest.mark.parametrize("mutant", ON_MARIADB, ids=lambda mutant: mutant.__name__)
def test_a_wrong_engine_is_found_out_on_mariadb(
    courts: Callable[[str], Court], monkeypatch: Patch, mutant: Callable[[Patch], None]
) -> None:
    found_out(courts("mariadb"), monkeypatch, mutant, *ON_MARIADB[mutant])


def found_out(
    court: Court, monkeypatch: Patch, mutant: Callable[[Patch], None], profile: Profile, first: int
) -> None:
    """By the seed that found it last, else by one after it: seeds mean other companies where the drawing changes."""
    mutant(monkeypatch)
    for seed in itertools.islice(itertools.chain([first], range(MOST_SEEDS)), MOST_SEEDS):
        if court.differs(profile, seed):
            break
    else:
        pytest.fail(f"{MOST_SEEDS} policies do not tell it from the right one")
    monkeypatch.undo()
    assert court.agrees(profile, seed)


def forget() -> None:
    """What the engine keeps of the lines that it reckoned."""
    for kept in (*vars(limbs).values(), *vars(zones).values()):
        if hasattr(kept, "cache_clear"):
            kept.cache_clear()
    iso_text.written.cache_clear()
