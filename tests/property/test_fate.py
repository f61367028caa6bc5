"""The engine and the oracle agree on every record: what the plan says, and what a run leaves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, given, reject, settings
from hypothesis import strategies as st

from tests.oracles import databases
from tests.oracles import fate as oracle
from tests.oracles.companies import Company, company
from tests.oracles.comparing import (
    plan_differences,
    run_differences,
    something_goes,
)
from tests.oracles.stores import Said, Shop, TooDeepError, tomorrow

MANY = int(os.environ.get("RETENTION_ORACLE_EXAMPLES", "1000"))
CHOICES = st.randoms(use_true_random=False, note_method_calls=False)


def examples(number: int) -> settings:
    """The same every time, and no time limit: a database answers when it does."""
    return settings(
        max_examples=number,
        derandomize=True,
        deadline=None,
        database=None,
        verbosity=Verbosity.quiet,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module", params=databases.SHOPS)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = databases.opened(request.param, tmp_path_factory.mktemp("shop"))
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return databases.template_state(tmp_path_factory.mktemp("template"))


def check_plan(shop: Shop, rnd: object) -> None:
    """Of two companies with the same tables, which are made once."""
    first = company(rnd, shop.family)
    for one in (first, company(rnd, shop.family, like=first)):
        shop.build(one)
        assert plan_differences(one, asked(shop, one)) == []


def asked(shop: Shop, company: Company) -> list[Said]:
    """The plan; what SQLite can't read is refused as a whole, and is no example."""
    try:
        return shop.asked(company)
    except TooDeepError:
        reject()


def busy(rnd: object, family: str) -> Company:
    """A company in which something goes, mostly: the first of ten. InnoDB lets no ring go, as its page says."""
    for _ in range(10):
        found = company(rnd, family, rings=family != "mariadb")
        if something_goes(found):
            break
    return found


def check_run(shop: Shop, template: Path, company: Company) -> None:
    """Survivors, what the run said of itself, and the plan of what is left."""
    shop.build(company)
    planned = asked(shop, company)
    jobs = [(job.rule, job.dataset) for job in planned]
    outcome = shop.carried_out(company, template)
    assert run_differences(company, shop, jobs) == []
    for job, done in zip(planned, outcome.jobs, strict=True):
        assert (done.rule, done.planned, done.done, done.left) == (job.rule, job.plan.due, job.plan.due, 0)
        assert {name: n for name, n in done.rows.items() if n} == {
            name: n for name, n in job.plan.rows.items() if n
        }
        assert done.overdue == sum(job.fates[key] == "due" for key in job.overdue)
    _, gone = oracle.plan(company.world, jobs)
    assert plan_differences(company.with_world(oracle.after(company.world, gone)), asked(shop, company)) == []


@given(rnd=CHOICES)
@examples(20)
def test_a_plan_is_what_the_oracle_says_of_every_record(shop: Shop, rnd: object) -> None:
    check_plan(shop, rnd)


@given(rnd=CHOICES)
@examples(12)
def test_a_run_leaves_what_the_oracle_leaves(shop: Shop, template: Path, rnd: object) -> None:
    check_run(shop, template, busy(rnd, shop.family))


@given(rnd=CHOICES)
@examples(12)
def test_what_is_due_stays_due_where_nothing_refers(shop: Shop, rnd: object) -> None:
    """Another day later nothing that was due is kept again, but for a related row that is dated by then."""
    today = company(rnd, shop.family, alone=True)
    later = today.with_world(today.world.on(tomorrow(today.world.as_of)))
    shop.build(today)
    before, after = shop.asked(today), shop.asked(later)
    ended = ("due", "elsewhere")
    for one, other in zip(before, after, strict=True):
        assert {k for k, fate in one.fates.items() if fate in ended} <= {
            k for k, fate in other.fates.items() if fate in ended
        }
        assert one.overdue <= other.overdue
        assert one.strictly == {k for k, fate in one.fates.items() if fate == "due"}


@pytest.mark.heavy
@given(rnd=CHOICES)
@examples(MANY // 2)
def test_a_plan_is_what_the_oracle_says_at_length(shop: Shop, rnd: object) -> None:
    check_plan(shop, rnd)


@pytest.mark.heavy
@given(rnd=CHOICES)
@examples(max(1, MANY // 3))
def test_a_run_leaves_what_the_oracle_leaves_at_length(shop: Shop, template: Path, rnd: object) -> None:
    check_run(shop, template, busy(rnd, shop.family))
