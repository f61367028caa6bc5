"""Two at once, workers that were stopped, leases that ran out."""

import signal
import sqlite3
import time
from contextlib import closing
from datetime import timedelta

import pytest

from retention.engine.journal import LEASE
from retention.errors import SafetyRefusal
from retention.model.plan import JobStatus
from retention.store.owners import this_process

LEASED = "shop.visits"


@pytest.mark.parametrize("step", ["window", "begin", "take", "commit"])
def test_a_second_run_is_refused_whatever_the_moment(postgresql, hooks, step):
    postgresql.visits(due=3000)
    postgresql.ready()
    before = postgresql.keys()
    seconds = []
    hooks.before(step, lambda _: seconds.append(postgresql.run()), nth=2)
    assert postgresql.job().done == 3000
    [second] = seconds
    assert second.status == "refused"
    assert "is at it since" in second.jobs[0].reason
    postgresql.must_be_whole(before)


def test_a_second_run_on_sqlite_is_refused(sqlite, hooks):
    sqlite.visits(due=3000)
    sqlite.ready()
    seconds = []
    hooks.before("window", lambda _: seconds.append(sqlite.run()), nth=2)
    assert sqlite.job().done == 3000
    assert [run.status for run in seconds] == ["refused"]


def test_a_second_run_between_counting_and_deleting_leaves_nothing_for_the_first(shop):
    shop.visits(due=300)
    shop.ready()
    before = shop.keys()
    seconds = []

    def asked(_plan):
        seconds.append(shop.run())
        return True

    first = shop.run(confirm=asked)
    assert seconds[0].jobs[0].done == 300
    assert (first.jobs[0].planned, first.jobs[0].done, first.jobs[0].skipped.changed) == (300, 0, 300)
    shop.must_be_whole(before)


def test_two_runs_of_one_approved_plan_carry_it_out_once(sqlite):
    """The second came out with an unexpected error instead of a refusal."""
    sqlite.visits(due=300)
    sqlite.ready(approval="changes")
    made = sqlite.plan()
    sqlite.approve(made.id)

    def asked(_plan):
        assert sqlite.run(plan_id=made.id).status == "done"
        return True

    with pytest.raises(SafetyRefusal, match="carried out already"):
        sqlite.run(plan_id=made.id, confirm=asked)


def take_over(shop):
    """Another worker takes the job's lease, which has run out."""
    shop.clock.forward(minutes=2)
    with shop.writing() as state, state.begin() as tx:
        tx.leases.acquire(LEASED, this_process(), shop.clock(), LEASE)


@pytest.mark.parametrize("step", ["begin", "take", "mark"])
def test_a_worker_whose_lease_was_taken_over_cannot_write_an_intent(shop, hooks, step):
    shop.visits(due=3000)
    shop.ready()
    before = shop.keys()
    intents = []

    def taken(_remover):
        intents.append(len(shop.events("batch.intent")))
        take_over(shop)

    hooks.before(step, taken, nth=2)
    job = shop.job()
    assert job.status is JobStatus.PARTIAL
    assert "lease is lost" in job.reason
    assert len(shop.events("batch.intent")) == intents[0] == 1
    assert job.done + job.left == 3000
    shop.must_be_whole(before)


def test_a_lease_that_ran_out_and_that_nobody_took_is_ones_own(shop, hooks):
    """A batch that was long in coming (a search over many records that are not due) ended the job."""
    shop.visits(due=3000)
    shop.ready()
    hooks.before("window", lambda _: shop.clock.forward(seconds=70), nth=2)
    hooks.before("take", lambda _: shop.clock.forward(seconds=70), nth=2)
    assert shop.job().done == 3000


def test_a_lease_is_held_while_a_search_finds_nothing(sqlite, hooks):
    sqlite.visits(due=300)
    sqlite.ready()
    expiries = []

    def looked(_remover):
        sqlite.clock.forward(seconds=40)
        with sqlite.state() as state, state.read() as snapshot:
            holder = snapshot.leases.holder(LEASED)
        expiries.append(holder[2] - sqlite.clock())

    hooks.after("window", looked)
    assert sqlite.job().done == 300
    assert len(expiries) >= 2
    assert all(left > timedelta(0) for left in expiries)


def test_a_stopped_process_whose_lease_was_taken_over_deletes_nothing_more(shop):
    shop.visits(due=30_000)
    shop.ready(batch_time="20 ms")
    before = shop.keys()
    process = shop.start("run", "--yes")
    with closing(sqlite3.connect(shop.state_path, timeout=10)) as connection:
        while connection.execute("SELECT count(*) FROM retention_batch").fetchone()[0] < 2:
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)
    process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(0.1)
        shop.clock.forward(minutes=2)
        try:
            take_over(shop)
        except Exception:  # it was stopped within a transaction of the state store
            process.send_signal(signal.SIGCONT)
            process.communicate()
            pytest.skip("stopped within the state store's transaction")
        intents = len(shop.events("batch.intent"))
    finally:
        process.send_signal(signal.SIGCONT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode in (4, 5), errors
    assert len(shop.events("batch.intent")) == intents
    known = sum(shop.committed().values()) + sum(row.count for row in shop.unresolved())
    gone = len(before["visits"] - shop.keys()["visits"])
    assert sum(shop.committed().values()) <= gone <= known


def test_a_run_that_was_not_heard_of_for_long_is_ended_and_told_so(sqlite, hooks):
    """On another machine's state store a killed run stayed open for a year, and its markers with it."""
    sqlite.visits(due=3000)
    sqlite.ready()

    def slept(_remover):
        sqlite.clock.forward(minutes=11)
        sqlite.run(plan_id=None, rules=("visits",))

    hooks.before("window", slept, nth=2)
    first = sqlite.job()
    assert first.status in (JobStatus.PARTIAL, JobStatus.REFUSED)
    ends = [data["status"] for _, data in sqlite.events("run.ended")]
    assert "killed" in ends
    assert len(ends) == len(sqlite.events("run.started"))
    sqlite.verify()
