"""Explain and plan agree on records of companies that nobody thought of: the fate, and the day of its clock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, given, reject, settings
from hypothesis import strategies as st

from retention.model.explanation import RuleView
from retention.model.typed import as_typed
from retention.verbs.explain import explain
from tests.oracles import databases
from tests.oracles.companies import Company, company
from tests.oracles.stores import Said, Shop, TooDeepError, reading_deeply

MANY = int(os.environ.get("RETENTION_ORACLE_EXAMPLES", "1000"))
CHOICES = st.randoms(use_true_random=False, note_method_calls=False)
ENDED = {"due", "held", "retained", "conflict", "referenced", "elsewhere"}
TICK = timedelta(microseconds=1)


def examples(number: int) -> settings:
    return settings(
        max_examples=number,
        derandomize=True,
        deadline=None,
        database=None,
        verbosity=Verbosity.quiet,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module", params=databases.SHOPS)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = databases.opened(request.param, tmp_path_factory.mktemp("shop"))
    yield shop
    shop.close()


def planned(shop: Shop, found: Company, as_of: datetime) -> dict[tuple[str, str], Said]:
    """(rule, dataset) → the fates of its records."""
    try:
        said = shop.asked(found.with_world(found.world.on(as_of)), briefly=True)
    except TooDeepError:
        reject()
    return {(job.rule, job.dataset): job for job in said}


def check(shop: Shop, rnd: object, most: int) -> None:
    found = replace(company(rnd, shop.family), only=())
    shop.build(found)
    as_of = found.world.as_of
    for (rule, dataset), job in planned(shop, found, as_of).items():
        different = {fate: key for key, fate in job.fates.items()}
        for fate, key in list(different.items())[:most]:
            typed = as_typed([str(value) for value in key])
            with reading_deeply():
                told = explain(
                    shop.place,
                    dataset=f"shop.{dataset}",
                    key=typed,
                    as_of=as_of.astimezone(UTC).isoformat(timespec="microseconds"),
                    clock=lambda: as_of,
                )
            (view,) = [each for each in told.rules if each.rule == rule]
            assert (view.fate, view.overdue) == (fate, key in job.overdue), view
            if view.due_on is not None:
                assert_first_due(shop, found, job, key, view)


def assert_first_due(shop: Shop, found: Company, job: Said, key: tuple[object, ...], view: RuleView) -> None:
    begins = datetime.combine(date.fromisoformat(view.due_on or ""), time.min, ZoneInfo(view.timezone))
    for moment, ended in ((begins, True), (begins.astimezone(UTC) - TICK, False)):
        fate = planned(shop, found, moment)[job.rule, job.dataset].fates[key]
        assert (fate in ENDED) is ended, (moment, fate, view)


@given(rnd=CHOICES)
@examples(5)
def test_explain_says_of_a_record_what_the_plan_says(shop: Shop, rnd: object) -> None:
    check(shop, rnd, 2)


@pytest.mark.heavy
@given(rnd=CHOICES)
@examples(MANY // 5)
def test_explain_says_of_a_record_what_the_plan_says_at_length(shop: Shop, rnd: object) -> None:
    check(shop, rnd, 6)
