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


def test_what_runs_now_and_how_far(shop: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    from retention.engine.journal import Journal

    seen: list[Status] = []
    intent = Journal.intent

    def looked(journal: Journal, *words: object, **options: object) -> None:
        intent(journal, *words, **options)  # type: ignore[arg-type]
        journal.waits("a replica is 9.0 s behind (at most 5 s)")
        seen.append(status(shop))

    monkeypatch.setattr(Journal, "intent", looked)
    shop.run()
    (line,) = seen[0].running
    assert (line.rule, line.planned, line.done) == ("old", 7, 7)
    assert line.waits == "a replica is 9.0 s behind (at most 5 s)"
    assert status(shop).running == ()


def test_failures_in_a_row_are_counted_until_a_success(
    shop: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retention.connectors.sql.target import SqlTarget

    with monkeypatch.context() as broken:
        broken.setattr(SqlTarget, "read_only", lambda _: "a read replica")
        for _ in range(3):
            shop.run()
    (more, old) = status(shop).standing
    assert (old.status, old.failures, old.succeeded) == ("failed", 3, None)
    assert more.failures == 3
    told = shop.cli("status")
    assert "3 failures in a row, never a success" in told.stdout
    assert told.exit_code == 0
    assert shop.cli("status", "--exit-code").exit_code == 5
    assert {line.due for line in status(shop).overdue} == {5, 7}
    shop.run()
    assert {line.failures for line in status(shop).standing} == {0}
    assert {line.due for line in status(shop).overdue} == {0}
    assert all(line.succeeded is not None for line in status(shop).standing)
    assert shop.cli("status", "--exit-code").exit_code == 0
    shop.cli("stop", "--reason", "wrong rows")
    assert shop.cli("status", "--exit-code").exit_code == 4


def test_times_of_schedules_that_are_not_over(shop: Workplace) -> None:
    from datetime import timedelta

    from retention.store.turns import Turn
    from retention.verbs.opening import stores
    from retention.verbs.opening.configured import configuration

    config = configuration(shop.place)
    with stores.opened(config, shop.place) as state, state.begin() as tx:
        turn = Turn(
            rule="old",
            schedule="@daily",
            timezone="UTC",
            slot=shop.now,
            ended=False,
            attempts=2,
            again=shop.now + timedelta(minutes=1),
            connectors=("db",),
        )
        tx.turns.put(turn)
    (line,) = status(shop).turns
    assert (line.by, line.attempts, line.connectors) == (None, 2, ("db",))
    assert "Tried again on db" in shop.cli("status").stdout
