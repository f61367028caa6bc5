"""`status` agrees with what plans and runs said of themselves."""

from __future__ import annotations

import os

import pytest

from retention.errors import SetupError
from retention.model.outcome import RunOutcome
from retention.model.status import OverdueLine, Status
from tests.support.stores import SqliteStore
from tests.support.workplace import Workplace

DATASETS = """
[datasets.old]
data   = "old"
table  = "old"
events = {{ made = "made" }}
[datasets.more]
data   = "more"
table  = "more"
events = {{ made = "made" }}
"""


@pytest.fixture
def shop(work: Workplace, sqlite: SqliteStore) -> Workplace:
    for table, count in (("old", 7), ("more", 5)):
        rows = ", ".join(f"({n}, '2020-05-05 10:00:00')" for n in range(count))
        sqlite.script(
            f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, made TEXT); INSERT INTO {table} VALUES {rows}"
        )
        work.rule(table, f'data = "{table}"\nkeep = "1 year"\nfrom = "made"')
    work.connect(sqlite, DATASETS.format())
    work.init()
    return work


def status(work: Workplace) -> Status:
    from retention.verbs.status import status

    return status(work.place, clock=work.clock)


def plan(work: Workplace, as_of: str | None = None) -> None:
    from retention.verbs.plan import plan

    plan(work.place, as_of=as_of, clock=work.clock)


def overdue(work: Workplace) -> dict[str, int]:
    return {line.rule: line.overdue for line in status(work).overdue}


def agrees(work: Workplace, outcome: RunOutcome) -> None:
    run = status(work).runs[0]
    assert (run.done, run.left) == (
        sum(job.done for job in outcome.jobs),
        sum(job.left for job in outcome.jobs),
    )


def test_what_is_left_is_what_the_run_said(shop: Workplace) -> None:
    agrees(shop, shop.run(limit=3))


def test_what_a_refused_run_left_is_left(shop: Workplace) -> None:
    shop.rule("old", 'data = "old"\nkeep = "1 year"\nfrom = "made"\napproval = "always"')
    shop.rule("more", 'data = "more"\nkeep = "1 year"\nfrom = "made"\napproval = "always"')
    outcome = shop.run()
    assert outcome.status == "refused"
    agrees(shop, outcome)
    assert status(shop).runs[0].left == 12


def test_what_a_run_on_a_read_only_file_left_is_left(
    shop: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retention.connectors.sql.target import SqlTarget

    monkeypatch.setattr(SqlTarget, "read_only", lambda _: "the file can't be written")
    outcome = shop.run()
    assert outcome.status == "failed"
    agrees(shop, outcome)


def test_what_was_counted_is_told_though_it_is_nothing(shop: Workplace) -> None:
    """`Nothing was counted yet; type: retention plan`, after plans and runs."""
    assert status(shop).overdue == ()
    plan(shop, "2019-01-01")
    assert overdue(shop) == {"old": 0, "more": 0}
    plan(shop)
    plan(shop, "2019-01-01")  # newer, and of an earlier day
    plan(shop, "2040-01-01")  # of a day to come
    assert overdue(shop) == {"old": 7, "more": 5}
    shop.run("old")
    assert overdue(shop) == {"old": 0, "more": 5}
    shop.run()
    assert overdue(shop) == {"old": 0, "more": 0}
    line = status(shop).overdue[0]
    assert isinstance(line, OverdueLine)
    text = shop.cli("status").stdout
    assert "Nothing was counted yet" not in text


def test_a_plan_of_a_day_to_come_advises_nobody_to_approve_it(shop: Workplace) -> None:
    shop.rule("old", 'data = "old"\nkeep = "1 year"\nfrom = "made"\napproval = "always"')
    told = shop.cli("plan", "--as-of", "2040-01-01")
    assert told.exit_code == 0
    assert "retention approve" not in told.stdout
    assert "retention run" not in told.stdout
    assert "it can't be approved or run before 2040-01-01 (UTC)" in told.stdout
    assert "retention approve" in shop.cli("plan").stdout


@pytest.mark.parametrize("name", ["signing", "evidence"])
def test_a_lost_key_is_to_be_put_back_and_init_does_not_lead_in_a_circle(shop: Workplace, name: str) -> None:
    key = shop.folder / "state" / "keys" / f"{name}.key"
    os.rename(key, key.with_suffix(".away"))
    for verb in (shop.init, shop.run):
        with pytest.raises(SetupError, match="put your copy of it back") as told:
            verb()
        assert "retention init" not in told.value.message
    assert not key.exists()


def test_what_is_stopped_is_told_first(shop: Workplace) -> None:
    ran = shop.cli("stop", "--reason", "wrong rows", "--by", "Ida")
    assert ran.exit_code == 0, ran.output
    told = shop.cli("status").stdout
    assert "for Ida at" in told
    assert "wrong rows" in told
    assert shop.cli("run", "--yes").exit_code == 4
    assert "goes on" in shop.cli("resume").stdout
    assert "Nothing was stopped" in shop.cli("resume").stdout
    assert shop.cli("run", "--yes").exit_code == 0
