"""Several workers on one job: what one would do, in ranges of their own, whatever happens to one of them."""

import signal
import threading
import time

import pytest

from retention.errors import ConfigurationError, UnreachableError
from retention.model.plan import JobStatus
from retention.verbs.holds import place_hold
from tests.support_faults.databases import KINDS
from tests.support_faults.hooks import raising
from tests.support_faults.shops import Shop


@pytest.fixture(params=["postgresql", "mariadb"])
def served(request, folder):
    """A shop on a server, where several can work at once."""
    database = KINDS[request.param](folder)
    yield Shop(folder, database)
    database.drop()


def with_workers(shop, count, **policy):
    shop.write(**policy)
    file = shop.folder / "connectors" / "shop.toml"
    file.write_text(file.read_text().replace("batch_time", f"workers = {count}\nbatch_time", 1))
    return shop.ready_made()


def at_work(hooks):
    """The connections on which batches were committed."""
    seen = set()
    hooks.after("commit", lambda remover: seen.add(id(remover)))
    return seen


def test_survivors_and_numbers_are_those_of_one_worker(served, hooks):
    served.orders(due=9_000)
    with_workers(served, 3)
    before, removers = served.keys(), at_work(hooks)
    job = served.job()
    assert job.status is JobStatus.DONE
    assert (job.planned, job.done, job.left) == (9_000, 9_000, 0)
    assert job.rows == {name: n for name, n in job.rows.items() if n in (9_000, 18_000)}
    assert len(removers) == 3
    assert served.count("orders") == 10
    assert served.unresolved() == []
    served.must_be_whole(before)
    numbers = [data["batch"] for _, data in served.events("batch.committed")]
    assert sorted(numbers) == list(range(1, job.batches + 1))


def test_few_records_and_a_canary_are_one_workers(served, hooks):
    served.orders(due=9_000)
    with_workers(served, 3)
    removers = at_work(hooks)
    assert served.job(limit=4_000).done == 4_000
    assert (
        served.count("orders", "id <= 4000") == 0
    )  # the oldest first, and by their keys where they are equally old
    assert served.job(limit=3_000).done == 3_000
    assert served.job().done == 2_000
    assert len(removers) == 3  # one a run


def test_never_more_than_planned(served, hooks):
    """Records that become due meanwhile are the next plan's, though several take some at once."""
    served.orders(due=9_000)
    with_workers(served, 3)
    hooks.before("begin", lambda _: served.add_orders(2_000_000, 3_000), nth=1)
    job = served.job()
    assert (job.done, job.left) == (9_000, 0)
    assert served.left("orders") == 3_000


@pytest.mark.parametrize(
    "step", [*(pytest.param(step, marks=pytest.mark.heavy) for step in ("begin", "take", "mark")), "commit"]
)
def test_one_that_fails_stops_the_others_after_their_batches(served, hooks, step):
    served.orders(due=9_000)
    with_workers(served, 3, batch_time="20 ms")
    before = served.keys()
    threads = threading.active_count()
    hooks.before(step, raising(UnreachableError("it went away")), nth=3)
    job = served.job()
    assert job.status is JobStatus.FAILED
    assert "it went away" in job.reason
    assert job.done + job.left == 9_000
    assert job.left > 0
    assert threading.active_count() == threads
    served.must_be_whole(before)
    hooks.calls.clear()
    hooks.calls[step] = 100
    assert served.run().status == "done"
    assert served.left("orders") == 0
    assert served.unresolved() == []
    served.must_be_whole(before)


def test_a_hold_placed_meanwhile_is_respected_by_each(served, hooks):
    served.orders(due=9_000)
    with_workers(served, 3, batch_time="20 ms")
    before = served.keys()
    kept = (2_900, 5_900, 8_900)

    placed = threading.Event()

    def hold(_remover):
        if hooks.calls["take"] > 2:  # else they may be behind the last of these before it is held
            placed.wait(60)
        elif hooks.calls["take"] == 2:
            for key in kept:
                place_hold(
                    served.place,
                    key=("shop.orders", str(key)),
                    reason="dispute",
                    by="officer",
                    clock=served.clock,
                    patience=0.1,
                )
            placed.set()

    hooks.before("take", hold)
    job = served.job()
    assert placed.is_set()
    assert job.done == 9_000 - len(kept)
    assert {row[0] for row in served.database.rows("SELECT id FROM orders WHERE id <= 9000")} == set(kept)
    served.must_be_whole(before)


@pytest.mark.heavy
def test_killed_at_any_moment_the_next_goes_on_in_what_was_left(served):
    served.orders(due=60_000)
    with_workers(served, 3, batch_time="20 ms")
    before, killed = served.keys(), 0
    for wanted in (3, 6, 12, 20):
        process = served.start("run", "--yes")
        ends = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < ends:
            if len(served.events("batch.intent")) >= wanted:
                break
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        assert len(served.unresolved()) <= 3  # of each worker one
    assert killed >= 2
    assert served.cli("run", "--yes").returncode == 0
    assert served.left("orders") == 0
    assert served.unresolved() == []
    served.must_be_whole(before)


def test_several_workers_on_a_file_are_a_mistake(sqlite):
    sqlite.visits(due=3)
    with pytest.raises(ConfigurationError) as caught:
        with_workers(sqlite, 2)
    [problem] = caught.value.problems
    assert problem.key == "throttle.workers"
    assert "one writer at a time" in problem.found
