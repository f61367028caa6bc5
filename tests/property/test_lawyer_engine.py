"""The engine agrees with the evaluator that a lawyer can read: plan, explanation, run, and the plan after it."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from retention.config import load
from retention.engine.pace import Pace
from retention.verbs.running import working
from tests.oracles.lawyer import (
    examples_actions,
    examples_fate,
    examples_found,
    examples_run,
    examples_time,
    examples_vaults,
    examples_within,
    harness,
    places,
)
from tests.oracles.lawyer.generate import Case, case
from tests.oracles.lawyer.harness import Harness, asked, judged
from tests.oracles.lawyer.profiles import KEEPING, TODAY
from tests.oracles.lawyer.shrink import tidy, without_rules, without_the_rest, without_words
from tests.oracles.lawyer.situations import Situation, says
from tests.oracles.lawyer.telling_apart import smallest
from tests.support.meanwhile import changed_meanwhile

ACTIONS = [*examples_actions.examples(), *examples_vaults.examples()]
EXAMPLES = [*examples_time.examples(), *examples_fate.examples(), *ACTIONS]
SEEDS = [3, 12]
DIFFERED = [(1, 20), (500_001, 50)]
"""Seeds with so many companies of which the engine and the evaluator once said different things."""
PATIENCE = 300.0
AHEAD = datetime(2031, 1, 1)
FOUND = [*examples_found.examples(), *examples_run.examples(), *examples_within.examples()]


def some_of(every: Sequence[Situation], step: int) -> list[Any]:
    """All of them; but for one in `step` they are heavy."""
    heavy = pytest.mark.heavy
    return [told if not place % step else pytest.param(told, marks=heavy) for place, told in enumerate(every)]


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb"])
def court(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """The shapes in a database of each kind; a missing server skips, and fails where CI says that it must be there."""
    folder = tmp_path_factory.mktemp("lawyer")
    try:
        place = places.opened(request.param, folder)
    except (psycopg.OperationalError, pymysql.OperationalError) as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no {request.param}: {type(error).__name__}")
    yield Harness(folder / "files", place)
    place.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_plan_explanation_run_and_the_plan_after_are_what_the_evaluator_says(
    court: Harness, seed: int
) -> None:
    """The whole language; twenty companies under one policy, each with rows on either side of its lines."""
    made = case(seed, TODAY[court.place.kind], companies=20)
    assert asked(court, made) == []


def test_rows_that_records_share_by_referring_to_them_go_with_the_last(court: Harness) -> None:
    made = case(3, TODAY[court.place.kind], shape="homes", companies=20)
    assert asked(court, made) == []


@pytest.mark.heavy
@pytest.mark.parametrize("court", ["mariadb"], indirect=True)
def test_fifty_companies_of_whose_customers_people_told_something(court: Harness) -> None:
    assert asked(court, case(1, TODAY["mariadb"], companies=50), carried_out=False) == []


@pytest.mark.heavy
@pytest.mark.parametrize(("seed", "companies"), [*((seed, 20) for seed in range(100, 140)), *DIFFERED])
def test_so_they_are_at_length(court: Harness, seed: int, companies: int) -> None:
    verdict = judged(court, case(seed, TODAY[court.place.kind], companies=companies), patience=PATIENCE)
    if verdict.skipped is not None:
        pytest.skip(verdict.skipped)
    assert verdict.differences == ()


ONE_OF_MANY = [
    pytest.param(
        "sqlite", "sqlite", 40_014, 400, 224, id="a date that can't be read beside a later one that can"
    ),
    pytest.param("sqlite", "sqlite", 40_013, 60, 0, id="a column that two slices of a row have"),
    pytest.param(
        "postgresql", "mariadb", 40_061, 400, 160, id="kept as one record, and referred to as another"
    ),
    pytest.param(
        "postgresql",
        "postgresql",
        80_029,
        400,
        170,
        id="a part of a row that stays as a record of another",
        marks=pytest.mark.heavy,
    ),
]
"""Database, profile, seed, and one of so many companies."""


@pytest.mark.parametrize(("court", "profile", "seed", "companies", "one"), ONE_OF_MANY, indirect=["court"])
def test_one_company_of_which_they_said_different_things(
    court: Harness, profile: str, seed: int, companies: int, one: int
) -> None:
    made = case(seed, TODAY[profile], companies=companies)
    rows = {table: [r for r in every if r["id"] // 100 == one] for table, every in made.world.rows.items()}
    assert asked(court, replace(made, world=made.world.but(rows=rows))) == []


@pytest.mark.parametrize("told", EXAMPLES[::20], ids=lambda told: told.name)
def test_the_engine_agrees_with_some_worked_examples(court: Harness, told: Situation) -> None:
    as_the_example_says(court, told)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("told", some_of(FOUND, 4), ids=lambda told: told.name)
def test_the_engine_is_right_where_it_was_wrong(court: Harness, told: Situation) -> None:
    as_the_example_says(court, told)


def test_in_batches_of_one_a_record_takes_nobodys_place(
    court: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "Pace", functools.partial(Pace, size=1))
    as_the_example_says(court, examples_found.ring_of_one())


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    "told", list(examples_found.by_what_another_job_removes_first()), ids=lambda told: told.name
)
def test_what_begins_anew_during_the_run_is_left_alone(
    court: Harness, monkeypatch: pytest.MonkeyPatch, told: Situation
) -> None:
    """The call that ended the member's clock is gone when its turn comes, and it has become a member again since:
    before the run, but behind the call."""
    done = changed_meanwhile(court, monkeypatch, told.case, "members", {1: {"d": date(2025, 6, 1)}})
    assert (done["calls"].done, done["r"].done, done["r"].skipped.changed) == (1, 0, 1)
    assert keys_of(court, told.case, "members") == {1}


def keys_of(court: Harness, case: Case, table: str) -> set[Any]:
    return {row[0] for row in court.place.keys(case.shape, case.shape.tables[table])}


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    "changes", [{2: {"d": None}}, {2: {"d": date(2025, 6, 1)}}, {3: {"t": None}}, {3: {"t": AHEAD}}]
)
@pytest.mark.parametrize("action", ["restrict", "delete", "pseudonymize"])
def test_an_end_that_is_taken_back_during_the_run_ends_nothing(
    court: Harness, monkeypatch: pytest.MonkeyPatch, action: str, changes: dict[int, Any]
) -> None:
    """What another's call had not ended, but its own row, went all the same when its own row said so no more."""
    case = examples_found.by_a_call_or_by_itself(action).case
    done = changed_meanwhile(court, monkeypatch, case, "members", changes)
    (kept,) = changes
    assert (done["calls"].done, done["r"].done, done["r"].skipped.changed) == (1, 2, 1)
    if action == "pseudonymize":
        values = court.place.values(case.shape, case.shape.tables["members"])
        assert {row[0] for row in values if examples_actions.ANN["name"] in row} == {kept}
    else:
        assert keys_of(court, case, "members") == {kept}


@pytest.mark.one_in(4)
@pytest.mark.parametrize(
    ("action", "by"),
    [*((action, "itself") for action in ("restrict", "delete", "pseudonymize")), ("delete", "another rule")],
)
def test_what_is_disputed_during_the_run_is_put_off_though_its_call_is_gone(
    court: Harness, monkeypatch: pytest.MonkeyPatch, action: str, by: str
) -> None:
    """Nothing put it off when the run began, nor was the longest over for which something may."""
    case = examples_found.put_off_no_longer(action, by, at_most="20 years", active=False).case
    done = changed_meanwhile(court, monkeypatch, case, "members", {1: {"active": True}})
    (job,) = (job for rule, job in done.items() if rule != "calls")
    assert (done["calls"].done, job.done, job.skipped.changed) == (1, 0, 1)
    values = court.place.values(case.shape, case.shape.tables["members"])
    assert [examples_actions.ANN["name"] in row for row in values] == [True]


UNTIL = {"start": "booked", "keep": "30 years", "until": ("seen",)}
NEWS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "an end of its own is taken back": (
        {**UNTIL, "until": ("seen", "closed")},
        {"t": datetime(2021, 3, 1)},
        {"t": None},
    ),
    "its period begins": ({**UNTIL, "start": "closed"}, {}, {"t": datetime(2020, 3, 1)}),
    "its period begins anew": (
        {**UNTIL, "start": "closed", "keep": "9 years"},
        {"t": datetime(2010, 3, 1)},
        {"t": datetime(2020, 3, 1)},
    ),
    "the rule speaks of it now": (
        {**UNTIL, "where": ("=", "status", "paid")},
        {"status": "open"},
        {"status": "paid"},
    ),
    "another variant holds": (
        {"keep": "1 month", "start": "seen", "exceptions": [says(**UNTIL, when=("=", "status", "paid"))]},
        {"status": "open"},
        {"status": "paid"},
    ),
}
"""What a rule on an order says by which it has ended, or does not speak of it; the order; and what is changed in it."""


@pytest.mark.one_in(3)
@pytest.mark.parametrize("where", ["again", "orders"])
@pytest.mark.parametrize("news", NEWS)
def test_what_another_rule_begins_to_keep_during_the_run_stays_though_its_claim_is_gone(
    court: Harness, monkeypatch: pytest.MonkeyPatch, news: str, where: str
) -> None:
    """The claim that had ended the rule goes first, and tells nothing any more: the order does."""
    words, row, change = NEWS[news]
    told = examples_found.kept_by_another_rule("", where, words, row)
    done = changed_meanwhile(court, monkeypatch, told.case, "orders", {1: change})
    assert (done["claims"].done, done["r"].done, done["r"].skipped.changed) == (1, 0, 1)
    assert keys_of(court, told.case, "orders") == {1}


LATELY = {"d": date(2025, 12, 1)}


@pytest.mark.one_in(4)
@pytest.mark.parametrize(
    ("by", "change"),
    [
        ("its scope", LATELY),
        ("its scope and its own column", {"status": "paid"}),
        ("an exception", LATELY),
        ("that no exception holds", LATELY),
    ],
)
def test_what_the_rest_of_its_rule_keeps_stays_though_a_claim_that_told_of_it_is_gone(
    court: Harness, monkeypatch: pytest.MonkeyPatch, by: str, change: dict[str, Any]
) -> None:
    """What the claim said is taken for neither true nor false; what the order says itself is looked at again."""
    (told,) = (each for each in examples_run.told_by_what_goes_first() if f" goes by {by}," in each.name)
    done = changed_meanwhile(court, monkeypatch, told.case, "orders", {1: change})
    assert (done["claims"].done, done["r"].done, done["r"].skipped.changed) == (2, 0, 1)
    assert keys_of(court, told.case, "orders") == {1, 2}


@pytest.mark.one_in(3)
@pytest.mark.parametrize("keeps", [{"keep": "1 month", "start": "seen"}, UNTIL], ids=["undated", "not over"])
def test_what_becomes_a_record_of_another_dataset_during_the_run_stays(
    court: Harness, monkeypatch: pytest.MonkeyPatch, keeps: dict[str, Any]
) -> None:
    """The rule on that dataset had not ended for it: it did not speak of it. The claim that would have ended it is gone
    by then."""
    told = examples_found.kept_by_another_rule("", "again", keeps, {"status": "open"})
    datasets = [
        replace(each, where=("=", "status", "paid")) if each.name == "again" else each
        for each in told.case.world.datasets
    ]
    case = told.case.but(datasets=datasets)
    done = changed_meanwhile(court, monkeypatch, case, "orders", {1: {"status": "paid"}})
    assert (done["claims"].done, done["r"].done, done["r"].skipped.changed) == (1, 0, 1)
    assert keys_of(court, case, "orders") == {1}


def test_a_record_among_its_own_kind_stays_when_its_date_is_gone_meanwhile(
    court: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records that refer to each other are written down for their order: they went though nobody knew their date any
    more."""
    case = examples_found.ring_of_one().case
    done = changed_meanwhile(court, monkeypatch, case, "orders", {3: {"d": None}})
    assert (done["orders"].done, done["orders"].skipped.changed) == (2, 1)
    assert keys_of(court, case, "orders") == {3}


@pytest.mark.heavy
@pytest.mark.parametrize("told", EXAMPLES, ids=lambda told: told.name)
def test_the_engine_agrees_with_the_worked_example(court: Harness, told: Situation) -> None:
    as_the_example_says(court, told)


def as_the_example_says(court: Harness, told: Situation) -> None:
    """What the example says is what the evaluator says: `test_lawyer.py`. Run where it tells what a run leaves."""
    found = asked(court, told.case, carried_out=bool(told.left or told.does or told.then))
    assert found == []


def test_a_difference_is_found_and_made_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A harness that saw no difference would be no harness: the engine is told of another day than the evaluator.

    The smallest case is one that the engine takes: it differs as the whole did, and what both say is told.
    """
    place = places.opened("sqlite", tmp_path)
    court = Harness(tmp_path / "files", place)
    made = case(3, KEEPING, companies=2)
    assert asked(court, made, carried_out=False) == []
    monkeypatch.setattr(harness, "at", lambda moment: "2001-01-01T00:00:00Z")
    told = smallest(court, made, carried_out=False, patience=PATIENCE, most=20)
    rows = [line for line in told.splitlines() if line.split(":")[0] in made.shape.tables]
    assert 0 < len(rows) < sum(map(len, made.world.rows.values())) // 4
    assert "[policy]" in told
    assert "the plan says" in told
    assert "; explained as " in told
    place.close()


@pytest.mark.parametrize("seed", range(8))
def test_smaller_cases_are_such_as_the_engine_takes(tmp_path: Path, seed: int) -> None:
    """Whatever is left out: every step of the shrinker is a company that `check` finds nothing wrong with."""
    place = places.opened("sqlite", tmp_path)
    court = Harness(tmp_path / "files", place)
    small = case(seed, TODAY["sqlite"])
    for ways in (without_rules, without_the_rest, without_words):
        for smaller in itertools.islice(ways(small), 6):
            court.set_up(tidy(smaller))
            load(court.files.config, court.files.connectors, environ={})
            small = tidy(smaller)
    place.close()
