"""What may run: approvals, limits, clocks, drift, canaries."""

import re
import shutil
from datetime import timedelta

import pytest

from retention.cli.exits import exit_of_run
from retention.errors import SafetyRefusal, UsageError
from retention.model.plan import JobStatus
from retention.verbs import approve as approving
from retention.verbs import init as initializing
from tests.support_faults.hooks import raising


@pytest.fixture
def visits(sqlite):
    """Three hundred due visits on SQLite, whose rule wants an approval of each form."""
    sqlite.visits(due=300)
    return sqlite.ready(approval="changes")


def yes(_plan):
    return True


def no(_plan):
    return False


# -- three forms ---------------------------------------------------------------------------


def test_never_runs_without_an_approval(sqlite):
    sqlite.visits(due=30)
    sqlite.ready(approval="never")
    assert sqlite.job().done == 30


def test_a_form_that_nobody_approved_waits(visits):
    outcome = visits.run()
    assert (outcome.status, exit_of_run(outcome)) == ("refused", 4)
    assert outcome.jobs[0].status is JobStatus.AWAITING
    assert "retention approve" in outcome.jobs[0].reason
    assert visits.left() == 300


def test_an_approved_plan_runs_and_later_nights_of_the_same_form_do(visits):
    made = visits.plan()
    visits.approve(made.id)
    first = visits.run()
    assert first.jobs[0].done == 300
    assert first.as_of == made.as_of
    [(_, started)] = visits.events("run.started")
    assert (started["plan"], started["digest"]) == (made.id, made.digest)
    assert [a["by"] for a in started["approvals"]] == ["officer"]
    visits.add_visits(1001, 40)
    later = visits.run()
    assert later.jobs[0].done == 40
    assert later.as_of > made.as_of


def test_always_wants_an_approval_of_every_plan(sqlite):
    sqlite.visits(due=30)
    sqlite.ready(approval="always")
    sqlite.approve(sqlite.plan().id)
    assert sqlite.job().done == 30
    sqlite.add_visits(1001, 10)
    assert sqlite.job().status is JobStatus.AWAITING
    sqlite.approve(sqlite.plan().id)
    assert sqlite.job().done == 10


def test_a_run_names_the_approval_that_lets_it_go(sqlite):
    """The newest of the form was named, though it was of another plan, which did not run."""
    sqlite.visits(due=30)
    sqlite.ready(approval="always")
    mine, other = sqlite.plan().id, sqlite.plan().id
    sqlite.approve(mine)
    approving.approve(sqlite.place, other, by="somebody else", clock=sqlite.clock)
    assert sqlite.job(plan_id=mine).done == 30
    [(_, started)] = sqlite.events("run.started")
    assert started["approvals"] == [{"rule": "visits", "by": "officer", "plan": mine}]


def test_an_approved_plan_is_what_runs_though_somebody_looked_at_another_one_since(visits):
    """A later plan that nobody approved hid the approved one, and the run took its own numbers."""
    made = visits.plan()
    visits.approve(made.id)
    visits.plan()
    outcome = visits.run()
    assert outcome.as_of == made.as_of
    assert visits.events("run.started")[0][1]["plan"] == made.id


def test_a_plan_that_was_approved_before_another_ran_does_not_come_back(visits):
    old = visits.plan()
    visits.approve(old.id)
    newer = visits.plan()
    visits.approve(newer.id)
    assert visits.run(plan_id=newer.id).jobs[0].done == 300
    visits.add_visits(1001, 10)
    assert visits.run().as_of > newer.as_of


# -- the question --------------------------------------------------------------------------


def test_a_yes_approves_in_ones_name(visits):
    assert visits.job(confirm=yes).done == 300
    [(_, data)] = visits.events("approval.granted")
    assert (data["by"], data["jobs"][0]["rule"]) == ("tester", "visits")
    visits.add_visits(1001, 5)
    assert visits.job().done == 5


def test_a_no_changes_nothing(visits):
    with pytest.raises(SafetyRefusal, match="nothing was deleted"):
        visits.run(confirm=no)
    assert visits.left() == 300
    assert visits.events("approval.granted", "run.started", "batch.intent") == []
    assert visits.job().status is JobStatus.AWAITING


def test_yes_on_the_command_line_approves_nothing(visits):
    done = visits.cli("run", "--yes")
    assert done.returncode == 4
    assert "approve" in done.stdout + done.stderr
    assert visits.left() == 300
    assert visits.events("approval.granted") == []


def test_a_yes_does_not_name_a_limit(sqlite):
    sqlite.visits(due=300)
    sqlite.ready(approval="changes", rows=100)
    assert sqlite.run(confirm=yes).jobs[0].status is JobStatus.REFUSED
    assert sqlite.left() == 300


# -- what runs is what was approved --------------------------------------------------------


def edit(shop, name, old, new):
    path = shop.folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("policies.toml", '"12 months"', '"11 months"'),
        ("policies.toml", "Europe/Oslo", "Europe/Paris"),
        ("policies.toml", 'share = "100%"', 'share = "99%"'),
        (
            "connectors/shop.toml",
            'events = { seen = "seen" }',
            'events = { seen = "seen" }\nwhere = "id > 5"',
        ),
        ("connectors/shop.toml", "Europe/Oslo", "Europe/Paris"),
    ],
)
def test_any_change_of_the_form_in_whichever_file_wants_a_new_approval(visits, file, old, new):
    made = visits.plan()
    visits.approve(made.id)
    edit(visits, file, old, new)
    with pytest.raises(SafetyRefusal, match="has changed"):
        visits.approve(made.id)
    job = visits.run(plan_id=made.id).jobs[0]
    assert job.status is JobStatus.REFUSED
    assert "not what it was" in job.reason
    assert visits.job().status is JobStatus.AWAITING
    assert visits.left() == 300
    visits.approve(visits.plan().id)
    assert visits.job().done > 0


def test_a_plan_of_another_database_is_refused(visits):
    made = visits.plan()
    visits.approve(made.id)
    shutil.copy(visits.database.path, visits.folder / "other.db")
    edit(visits, "connectors/shop.toml", "shop.db", "other.db")
    job = visits.run(plan_id=made.id).jobs[0]
    assert job.status is JobStatus.REFUSED
    assert "the database is not what it was" in job.reason
    assert visits.job().status is JobStatus.AWAITING


def test_a_plan_of_another_schema_is_refused(visits):
    made = visits.plan()
    visits.approve(made.id)
    visits.database.run("ALTER TABLE visits ADD COLUMN more text")
    job = visits.run(plan_id=made.id).jobs[0]
    assert job.status is JobStatus.REFUSED
    assert "schema" in job.reason
    assert visits.left() == 300


def test_more_records_than_were_approved_are_refused(visits):
    made = visits.plan()
    visits.approve(made.id)
    visits.add_visits(1001, 1)
    job = visits.run(plan_id=made.id).jobs[0]
    assert job.status is JobStatus.REFUSED
    assert "301 records are due now, and 300 were" in job.reason
    assert visits.left() == 301


def test_fewer_records_than_were_approved_go(visits):
    made = visits.plan()
    visits.approve(made.id)
    visits.database.run("DELETE FROM visits WHERE id <= 10")
    assert visits.run(plan_id=made.id).jobs[0].done == 290


def test_a_plan_runs_as_of_its_own_instant(visits):
    """What became due since it was made is not its own."""
    made = visits.plan()
    visits.approve(made.id)
    visits.clock.forward(days=400)
    outcome = visits.run(plan_id=made.id)
    assert (outcome.as_of, outcome.jobs[0].done) == (made.as_of, 300)
    assert visits.count("visits") == 10


def test_a_plan_is_carried_out_once(visits):
    made = visits.plan()
    visits.approve(made.id)
    visits.run(plan_id=made.id)
    with pytest.raises(SafetyRefusal, match="carried out already"):
        visits.run(plan_id=made.id)
    with pytest.raises(SafetyRefusal, match="carried out already"):
        visits.approve(made.id)


# -- limits --------------------------------------------------------------------------------


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    ("limits", "said"), [({"rows": 100}, "limit of 100 rows"), ({"share": "50%"}, "limit of 50%")]
)
@pytest.mark.parametrize("approval", ["never", "changes", "always"])
def test_a_limit_holds_before_the_first_batch_until_an_approval_names_it(sqlite, limits, said, approval):
    sqlite.visits(due=300)
    sqlite.ready(approval=approval, **limits)
    job = sqlite.job()
    assert job.status is JobStatus.REFUSED
    assert said in job.reason
    made = sqlite.plan()
    assert (made.jobs[0].status, said in made.jobs[0].reason) == (JobStatus.REFUSED, True)
    with pytest.raises(SafetyRefusal, match=said):
        sqlite.approve(made.id)
    assert sqlite.run(plan_id=made.id).jobs[0].status is JobStatus.REFUSED
    assert sqlite.events("batch.intent") == []
    made = sqlite.plan()
    sqlite.approve(made.id, over_limit=("visits",))
    assert sqlite.run(plan_id=made.id).jobs[0].done == 300
    sqlite.add_visits(1001, 300)
    assert sqlite.job().status is JobStatus.REFUSED


def test_a_limit_that_is_not_exceeded_is_not_named(visits):
    """The ledger said of a rule within its limits that it had been above them."""
    made = visits.plan()
    with pytest.raises(UsageError, match="within its limits"):
        visits.approve(made.id, over_limit=("visits",))
    assert visits.events("approval.granted") == []


def test_what_a_run_advises_can_be_typed(sqlite):
    """It named the plan that it had just used up, so that approving it was refused."""
    sqlite.visits(due=300)
    sqlite.ready(approval="changes", share="50%")
    for keep, options in (("12 months", {"over_limit": ("visits",)}), ("13 months", {})):
        edit(sqlite, "policies.toml", "12 months", keep)
        job = sqlite.job()
        [plan] = re.findall(r"type: retention approve (\w+)", job.reason)
        sqlite.approve(plan, **options)
        assert sqlite.job().done == 300
        sqlite.database.run("DELETE FROM visits")
        sqlite.add_visits(1, 300)
        sqlite.add_visits(1001, 700, day=sqlite.recently())


def test_a_plan_that_nobody_has_approved_is_not_used_up_by_a_run_that_may_do_nothing(sqlite):
    """The run did nothing, and the approval that it asked for was refused: the plan counted as carried out."""
    sqlite.visits(due=30)
    sqlite.ready(approval="changes")
    made = sqlite.plan()
    outcome = sqlite.run(plan_id=made.id)
    assert (outcome.jobs[0].status, sqlite.left()) == (JobStatus.AWAITING, 30)
    assert f"retention approve {made.id}" in outcome.jobs[0].reason
    sqlite.approve(made.id)
    assert sqlite.run(plan_id=made.id).jobs[0].done == 30


def test_what_is_left_of_a_plan_that_ran_in_part_is_approved_by_another(sqlite):
    sqlite.visits(due=30)
    sqlite.orders(due=30)
    sqlite.ready(approval="changes")
    sqlite.approve(sqlite.plan().id, rules=("visits",))
    outcome = sqlite.run()
    waiting = next(job for job in outcome.jobs if job.rule == "orders")
    assert waiting.status is JobStatus.AWAITING
    assert waiting.reason.endswith("type: retention plan, and then approve PLAN")
    sqlite.approve(sqlite.plan().id)
    assert {job.rule: job.done for job in sqlite.run().jobs} == {"visits": 0, "orders": 30}


def test_a_canary_leaves_the_rest_of_an_approved_plan_to_be_carried_out(sqlite):
    """It used up the plan, and the approval that named the limit with it."""
    sqlite.visits(due=300)
    sqlite.ready(approval="always", share="50%")
    made = sqlite.plan()
    sqlite.approve(made.id, over_limit=("visits",))
    assert sqlite.run(plan_id=made.id, limit=10).jobs[0].done == 10
    sqlite.add_visits(1001, 11)
    refused = sqlite.run(plan_id=made.id, limit=10).jobs[0]
    assert refused.status is JobStatus.REFUSED
    assert "301 records are due now, after 10 that went already, and 300 were" in refused.reason
    sqlite.database.run("DELETE FROM visits WHERE id > 1000 AND id < 1000000000")
    assert sqlite.run().jobs[0].done == 290
    with pytest.raises(SafetyRefusal, match="carried out already"):
        sqlite.run(plan_id=made.id)


def test_a_canary_that_died_leaves_its_plan_to_be_carried_out(sqlite, hooks):
    """Its batch was counted with its intent, never came, and counted as gone: the plan was refused for good."""
    sqlite.visits(due=300)
    sqlite.ready(approval="changes")
    made = sqlite.plan()
    sqlite.approve(made.id)
    hooks.before("commit", raising(KeyboardInterrupt()), nth=1)
    with pytest.raises(KeyboardInterrupt):
        sqlite.run(plan_id=made.id, limit=50)
    assert sqlite.left() == 300
    assert sqlite.job(plan_id=made.id).done == 300
    with sqlite.state() as state, state.read() as snapshot:
        died, _ = (snapshot.jobs.of(run.id)[0] for run in snapshot.runs.of_plan(made.id))
    assert (died.status, died.progress.done, died.progress.left) == ("killed", 0, 300)


def test_a_plan_says_what_a_run_would_where_there_is_no_state_store_too(sqlite):
    """Every rule was `ready`, approved or not, above its limits or not."""
    sqlite.visits(due=300)
    sqlite.write(approval="changes")
    assert sqlite.plan().jobs[0].status is JobStatus.AWAITING
    sqlite.write(approval="changes", share="50%")
    assert sqlite.plan().jobs[0].status is JobStatus.REFUSED


def test_what_changed_is_told_before_the_limit_that_it_exceeds_too(sqlite):
    sqlite.visits(due=300)
    sqlite.ready(approval="changes", share="50%")
    made = sqlite.plan()
    sqlite.approve(made.id, over_limit=("visits",))
    sqlite.database.run("ALTER TABLE visits ADD COLUMN more text")
    assert "schema of its tables is not what it was" in sqlite.run(plan_id=made.id).jobs[0].reason


def test_a_share_of_a_slice_counts_against_the_whole_table(sqlite):
    sqlite.visits(due=30, recent=100)
    sqlite.write(share="50%")
    edit(sqlite, "connectors/shop.toml", 'table  = "visits"', 'table  = "visits"\nwhere = "id < 1000"')
    initializing.init(sqlite.folder, sqlite.place, by="tester", clock=sqlite.clock)
    assert sqlite.job().done == 30


def test_over_limit_for_a_rule_that_is_not_approved_is_a_mistake(sqlite):
    """It was accepted and did nothing."""
    sqlite.visits(due=3)
    sqlite.orders(due=3)
    sqlite.ready(approval="changes")
    made = sqlite.plan()
    with pytest.raises(UsageError, match="over-limit orders"):
        sqlite.approve(made.id, rules=("visits",), over_limit=("orders",))
    assert sqlite.events("approval.granted") == []


# -- canaries ------------------------------------------------------------------------------


def test_a_canary_takes_the_oldest(shop):
    shop.visits(due=300)
    shop.ready()
    shop.add_visits(5001, 7, day="2011-01-01")
    job = shop.job(limit=5)
    assert (job.status, job.done, job.left) == (JobStatus.DONE, 5, 302)
    assert shop.count("visits", "seen = '2011-01-01'") == 2
    assert shop.job(limit=4).done == 4
    assert shop.count("visits", "seen = '2011-01-01'") == 0
    assert shop.left() == 298
    assert shop.job().done == 298


# -- clocks --------------------------------------------------------------------------------


def test_nothing_runs_before_its_day(visits):
    ahead = (visits.clock() + timedelta(days=3)).date().isoformat()
    made = visits.plan(as_of=ahead)
    assert made.jobs[0].due == 300
    with pytest.raises(SafetyRefusal, match="future"):
        visits.run(as_of=ahead)
    with pytest.raises(SafetyRefusal, match="future"):
        visits.approve(made.id)
    with pytest.raises(SafetyRefusal, match="future"):
        visits.run(plan_id=made.id)
    assert visits.left() == 300


def test_a_clock_behind_the_ledger_is_refused(sqlite):
    sqlite.visits(due=30)
    sqlite.ready()
    sqlite.clock.forward(minutes=-20)
    with pytest.raises(SafetyRefusal, match="set back"):
        sqlite.run()
    sqlite.clock.forward(minutes=18)
    assert sqlite.job().done == 30


@pytest.mark.parametrize("minutes", [6, -6])
def test_a_clock_far_from_the_databases_is_refused(postgresql, minutes):
    postgresql.visits(due=30)
    postgresql.clock.forward(minutes=min(0, minutes))
    postgresql.ready()
    postgresql.clock.forward(minutes=max(0, minutes))
    with pytest.raises(SafetyRefusal, match="apart"):
        postgresql.run()
    assert postgresql.left() == 30


# -- drift ---------------------------------------------------------------------------------


def test_a_schema_that_changed_is_refused_until_check_passes(shop):
    shop.visits(due=30)
    shop.ready()
    assert shop.job().done == 30
    shop.add_visits(1001, 5)
    shop.database.run("ALTER TABLE visits ADD COLUMN more text")
    job = shop.job()
    assert job.status is JobStatus.REFUSED
    assert "retention check" in job.reason
    assert shop.left() == 5
    assert shop.check().problems == ()
    assert shop.job().done == 5


def test_reasons_name_the_command_to_type(visits):
    reason = visits.job().reason
    assert re.search(r"retention approve [0-9a-f]{8}$", reason)
