"""SIGKILL at random moments: what is gone is what the ledger says, nothing twice, nothing half."""

import random
import signal
import sqlite3
import time
from contextlib import closing

import pytest

from tests.support_faults.hooks import raising


def events(shop):
    with closing(sqlite3.connect(shop.state_path, timeout=10)) as connection:
        return connection.execute("SELECT count(*) FROM retention_event").fetchone()[0]


def killed_run(shop, dice, longest):
    """A run that is killed somewhere between its first event and its end; False where it ended first."""
    before = events(shop)
    process = shop.start("run", "--yes")
    early = dice.random() < 0.1
    deadline = time.monotonic() + 60
    while not early and process.poll() is None and events(shop) < before + 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(dice.random() * longest)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def kill_test(shop, records, kills, longest):
    dice = random.Random(records * kills)
    shop.visits(due=records // 2)
    shop.orders(due=records // 2)
    shop.ready(batch_time="20 ms")
    before = shop.keys()
    killed = 0
    for _ in range(kills):
        killed += killed_run(shop, dice, longest)
        assert len(shop.unresolved()) <= 1
        known = sum(shop.committed().values()) + sum(row.count for row in shop.unresolved())
        gone = sum(len(before[name] - keys) for name, keys in shop.keys().items())
        assert sum(shop.committed().values()) <= gone <= known
    assert killed >= kills // 2, "most of them should have been killed at work"
    last = shop.cli("run", "--yes")
    assert last.returncode == 0, last.stderr
    assert shop.left("visits") == shop.left("orders") == 0
    assert shop.unresolved() == []
    shop.must_be_whole(before)
    assert [job.due for job in shop.plan().jobs] == [0, 0]
    ends = {data["run"]: data["status"] for _, data in shop.events("run.ended")}
    assert {data["run"] for _, data in shop.events("run.started")} == set(ends)
    with shop.state() as state, state.read() as snapshot:
        for run in ends:
            assert all(job.cursor is None for job in snapshot.jobs.of(run)), "a cursor is a record's key"


def test_a_run_killed_four_times(shop):
    kill_test(shop, records=20_000, kills=4, longest=0.4)


@pytest.mark.heavy
def test_a_run_killed_twenty_times(shop):
    kill_test(shop, records=200_000, kills=20, longest=0.6)


def cursors(shop):
    with shop.state() as state, state.read() as snapshot:
        return [
            job.cursor for run in snapshot.runs.newest() for job in snapshot.jobs.of(run.id) if job.cursor
        ]


def test_a_job_killed_behind_its_last_batch_leaves_no_key_behind(shop, hooks):
    """Nothing is due any more, so no job goes on with it: the cursor stayed in the state store for good."""
    shop.visits(due=100)
    shop.ready()
    hooks.after("commit", raising(KeyboardInterrupt()), nth=1)
    with pytest.raises(KeyboardInterrupt):
        shop.run()
    assert len(cursors(shop)) == 1
    assert shop.left("visits") == 0
    assert [job.planned for job in shop.run().jobs] == [0]
    assert cursors(shop) == []
    with shop.state() as state, state.read() as snapshot:
        assert snapshot.jobs.open() == []
        [first] = [job for run in snapshot.runs.newest() for job in snapshot.jobs.of(run.id)]
        assert (first.status, first.progress.done) == ("killed", 100)


def test_a_killed_job_of_a_rule_that_is_no_more_leaves_no_key_behind(sqlite, hooks):
    sqlite.visits(due=100)
    sqlite.orders(due=10)
    sqlite.ready()
    hooks.before("commit", raising(KeyboardInterrupt()), nth=1)
    with pytest.raises(KeyboardInterrupt):
        sqlite.run(rules=("visits",))
    assert len(cursors(sqlite)) == 1
    sqlite.run(rules=("orders",))
    assert len(cursors(sqlite)) == 1, "the rule still goes on with it"
    sqlite.datasets = ("orders",)
    sqlite.write()
    sqlite.run()
    assert cursors(sqlite) == []
