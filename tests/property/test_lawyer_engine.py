"""The engine agrees with the evaluator that a lawyer can read: plan, explanation, run, and the plan after it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pymysql
import pytest

from tests.oracles.lawyer import harness, places
from tests.oracles.lawyer.generate import case
from tests.oracles.lawyer.harness import TODAY, Harness, asked
from tests.oracles.lawyer.shrink import shrunk


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


@pytest.mark.parametrize("seed", range(4))
def test_a_plan_and_a_run_are_what_the_evaluator_says(court: Harness, seed: int) -> None:
    """Twelve companies under one policy, each with rows on either side of its lines."""
    assert asked(court, case(seed, TODAY[court.place.kind], companies=12)) == []


def test_a_difference_is_found_and_made_small(court: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A harness that saw no difference would be no harness: the engine is told of another day than the evaluator."""
    made = case(3, TODAY[court.place.kind], companies=2)

    def fails(one: object) -> bool:
        return bool(asked(court, one, carried_out=False))  # type: ignore[arg-type]

    assert not fails(made)
    monkeypatch.setattr(harness, "at", lambda moment: "2001-01-01T00:00:00Z")
    assert fails(made)
    small = shrunk(made, fails, most=12)
    assert sum(map(len, small.world.rows.values())) < sum(map(len, made.world.rows.values()))
