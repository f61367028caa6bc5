"""The day that `explain` names as that of the next change is one on which the evaluator, too, says something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from retention.connectors.sql.copies import copies
from retention.connectors.sql.target import SqlTarget
from retention.errors import UnreachableError, UsageError
from retention.model.explanation import RuleView
from retention.planning.work import Work
from retention.verbs import plan
from retention.verbs.persons.spoken import worked
from tests.oracles.lawyer import examples_within, fate, lines, places
from tests.oracles.lawyer.generate import Case, case
from tests.oracles.lawyer.harness import Harness
from tests.oracles.lawyer.profiles import TODAY

HEAVY = [7, *range(23, 32), *range(35, 38), *range(39, 42), 47, *range(49, 52), *range(53, 57)]
SEEDS = [4, 12, 17, 18, 19, 21, 22, *(pytest.param(seed, marks=pytest.mark.heavy) for seed in HEAVY)]
"""Policies of which a day is named for some record."""
RECORDS = 8
OWN = {"not_due", "out_of_scope", "deferred", "unclear"}
"""Fates that the record's own clock changes, in the rule's zone; others' rules may have another zone."""


@pytest.fixture
def court(tmp_path: Path) -> Iterator[Harness]:
    place = places.opened("sqlite", tmp_path)
    yield Harness(tmp_path / "files", place)
    place.close()


def around(made: Case, view: RuleView) -> tuple[datetime, datetime]:
    """The last moment before the day that is named, and the last within it; a day more on either side where others'
    rules decide."""
    on = date.fromisoformat(view.changes_on or "")
    more = 0 * lines.DAY if view.fate in OWN else lines.DAY
    before = lines.first_instant(on - more, view.timezone) - lines.TICK
    within = lines.first_instant(on + more + lines.DAY, view.timezone) - lines.TICK
    return max(before, made.world.as_of), max(within, lines.first_instant(on, view.timezone))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_fate_changes_on_the_day_that_is_named(court: Harness, seed: int) -> None:
    made = case(seed, TODAY["sqlite"], companies=1)
    made = replace(made, world=made.world.but(only=()))
    court.set_up(made)
    court.remember(made)
    answers: dict[datetime, fate.Answer] = {}

    def said(moment: datetime, job: fate.Job, key: tuple[object, ...]) -> str:
        if moment not in answers:
            answers[moment] = fate.answer(made.world.but(as_of=moment))
        return answers[moment].fates[job][key][0]

    records = {
        (dataset, key) for (_, dataset), found in fate.answer(made.world).fates.items() for key in found
    }
    looked = Counter[str]()
    for dataset, key in sorted(records, key=str)[:RECORDS]:
        for rule, view in court.explain(made, dataset, key).items():
            if view.changes_on is None:
                continue
            before, within = around(made, view)
            looked[view.fate] += 1
            told = said(before, (rule, dataset), key), said(within, (rule, dataset), key)
            assert told[0] == view.fate != told[1], (rule, dataset, key, view.changes_on, view.changes, told)
    assert looked


def test_explain_asks_no_more_tables_than_the_plan(court: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """It read predicates of its own, in which another record of the same row was a row of another table: MariaDB
    would have needed 6.7 GB for one record of a policy that it plans with 0.9."""
    made = next(examples_within.of_one_row()).case
    court.set_up(made)
    court.remember(made)
    tables: dict[str, dict[str, int]] = {"plan": {}, "explain": {}}

    def planned(*asked: Any) -> Any:
        tables["plan"] |= {work.job.name: copies(work.fate) for work in worked(*asked)}
        raise UnreachableError("that is all that was asked")

    def read(_: SqlTarget, work: Work, key: str) -> None:
        tables["explain"][work.job.name] = copies(work.fate)

    monkeypatch.setattr(plan, "worked", planned)
    monkeypatch.setattr(SqlTarget, "record", read)
    with pytest.raises(UnreachableError):
        court.plan(made)
    for dataset in {dataset for _, dataset in fate.answer(made.world).fates}:
        with pytest.raises(UsageError):
            court.explain(made, dataset, (1,))
    assert tables["explain"] == tables["plan"]
