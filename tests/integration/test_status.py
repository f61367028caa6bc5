"""`status` agrees with what plans and runs said of themselves."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta

import pytest

from retention.errors import SetupError
from retention.model.outcome import RunOutcome
from retention.model.status import OverdueLine, Status
from retention.store.runs import RunRow
from retention.verbs.staying import explained
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


def stays(work: Workplace, rule: str) -> list[tuple[str, int]]:
    (line,) = (line for line in status(work).overdue if line.rule == rule)
    return [(each.why, each.records) for each in line.stays]


def why(work: Workplace) -> str:
    """What the text says, without its line breaks."""
    return " ".join(work.cli("status").stdout.split())


def test_why_overdue_records_are_still_there(shop: Workplace, sqlite: SqliteStore) -> None:
    """It said how many, and not what keeps them: step by step until none is left."""
    sqlite.script(
        "CREATE TABLE claims (id INTEGER PRIMARY KEY, old_id INTEGER REFERENCES old (id));"
        "CREATE INDEX claims_of ON claims (old_id); INSERT INTO claims VALUES (1, 2), (2, 3)"
    )
    shop.approval = "changes"
    shop.rule("old", 'data = "old"\nkeep = "1 year"\nfrom = "made"\nschedule = "0 2 * * *"')
    plan(shop)
    assert stays(shop, "old") == [("approval", 5), ("referenced", 2)]
    told = why(shop)
    assert "old, db.old: why they are still there" in told
    assert "5 approval: a person has to approve: this form of the rule has not been approved; type:" in told
    assert "2 referenced: referred to by rows that stay: claims.old_id (2)" in told

    assert shop.cli("stop", "--reason", "wrong rows").exit_code == 0
    assert stays(shop, "old") == [("stopped", 5), ("referenced", 2)]
    assert shop.cli("resume").exit_code == 0

    (waiting, *_) = status(shop).waiting
    assert shop.cli("approve", waiting.plan).exit_code == 0
    assert stays(shop, "more") == [("by hand", 5)]
    assert "no schedule starts a run; type: retention run" in why(shop)
    assert stays(shop, "old") == [("schedule", 5), ("referenced", 2)]
    assert "the next run is at 2026-11-23 02:00+00:00" in why(shop)

    shop.run()
    assert stays(shop, "old") == [("referenced", 2)]
    document = json.loads(shop.cli("status", "--format", "json").stdout)
    (line,) = (line for line in document["overdue"] if line["rule"] == "old")
    assert [(each["why"], each["records"], each["late"]) for each in line["stays"]] == [
        ("referenced", 2, True)
    ]


def test_what_a_hold_keeps_is_told_and_is_not_late(shop: Workplace) -> None:
    held = shop.cli("hold", "add", "--key", "db.old", "3", "--reason", "litigation", "--by", "Ida")
    assert held.exit_code == 0, held.output
    plan(shop)
    assert stays(shop, "old") == [("by hand", 6), ("held", 1)]
    assert "1 held: under a legal hold, and not overdue by that" in why(shop)


def test_a_run_that_failed_is_why_its_records_are_still_there(
    shop: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retention.connectors.sql.target import SqlTarget

    with monkeypatch.context() as broken:
        broken.setattr(SqlTarget, "read_only", lambda _: "a read replica")
        shop.run()
    assert stays(shop, "old") == [("failed", 7)]
    assert "the last run was failed: the database is read-only: a read replica" in why(shop)


def test_what_the_last_run_set_aside_or_found_locked_is_told_beside_the_rest(shop: Workplace) -> None:
    plan(shop)
    line = next(line for line in status(shop).overdue if line.rule == "old")
    told = {"rule": "old", "connector": "db", "dataset": "old", "set_aside": 1, "skipped": {"locked": 2}}
    row = RunRow(
        id="r",
        as_of=shop.now,
        started=shop.now,
        ended=shop.now,
        by="Ida",
        policy="p",
        body=json.dumps({"jobs": [told]}),
    )
    seen = explained(replace(status(shop), overdue=(replace(line, stays=()),)), [row])
    assert [(each.why, each.records) for each in seen.overdue[0].stays] == [
        ("set aside", 1),
        ("locked", 2),
        ("by hand", 4),
    ]


def test_beyond_its_limits_a_job_says_so(shop: Workplace) -> None:
    shop.rule("old", 'data = "old"\nkeep = "1 year"\nfrom = "made"\nlimits = { rows = 3 }')
    plan(shop)
    ((reason, records),) = stays(shop, "old")
    assert (reason, records) in (("refused", 7), ("approval", 7))
    assert "3" in why(shop)


def test_times_of_schedules_that_are_not_over(shop: Workplace) -> None:
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


def test_a_limit_that_somebody_let_be_exceeded_refuses_nothing_any_more(shop: Workplace) -> None:
    """It went on advising the approval that had been given; and advised one without the limit, which is refused."""
    shop.approval = "changes"
    shop.rule("old", 'data = "old"\nkeep = "1 year"\nfrom = "made"\nlimits = { rows = 3 }')
    plan(shop)
    (waiting, *_) = status(shop).waiting
    assert f"To approve: retention approve {waiting.plan} --over-limit old" in why(shop)
    assert shop.cli("approve", waiting.plan, "--over-limit", "old").exit_code == 0
    assert stays(shop, "old") == [("by hand", 7)]
    assert "over-limit" not in why(shop)


def test_what_was_counted_before_a_hold_changed_says_so(shop: Workplace) -> None:
    """A plan made under a hold left `overdue 0` standing when the hold was over, with 829 records to go."""
    held = json.loads(
        shop.cli("hold", "add", "--data", "old", "--reason", "litigation", "--format", "json").stdout
    )
    plan(shop)
    assert "since this was counted" not in why(shop)
    shop.now += timedelta(minutes=1)
    assert shop.cli("hold", "release", held["hold"]["id"], "--reason", "settled").exit_code == 0
    assert "A hold was placed or released since this was counted; to count again: retention plan" in why(shop)
    plan(shop)
    assert "since this was counted" not in why(shop)
