"""Rows, tables and databases that others have locked."""

import sqlite3
import threading
from contextlib import closing, contextmanager

import pytest

from retention.cli.exits import exit_of_run
from retention.model.plan import JobStatus
from tests.support_faults.databases import KINDS
from tests.support_faults.removers import adds_up
from tests.support_faults.shops import OLD, Shop


@contextmanager
def locking(shop, *statements):
    """Another session's transaction that has executed `statements`."""
    with shop.database.session() as other:
        other.execute("BEGIN")
        for statement in statements:
            other.execute(statement)
        yield other
        other.execute("ROLLBACK")


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request, folder):
    """A shop where rows are locked one by one."""
    database = KINDS[request.param](folder)
    yield Shop(folder, database)
    database.drop()


def test_locked_rows_are_left_out_counted_and_taken_by_the_next_run(server):
    server.visits(due=2000)
    server.ready()
    before = server.keys()
    with locking(server, "SELECT id FROM visits WHERE id IN (7, 800, 801) FOR UPDATE"):
        outcome = server.run()
    [job] = outcome.jobs
    assert (job.status, job.done, job.skipped.locked) == (JobStatus.PARTIAL, 1997, 3)
    assert (outcome.status, exit_of_run(outcome)) == ("partial", 5)
    assert "3 locked by others" in job.reason
    assert {row[0] for row in server.database.rows("SELECT id FROM visits WHERE id < 10000")} == {
        7,
        800,
        801,
    }
    assert server.job().done == 3
    server.must_be_whole(before)


@pytest.mark.parametrize("index", [True, False])
def test_locked_rows_among_few_due_ones_are_left_out_and_counted_and_others_locks_are_passed(server, index):
    """Forty of two thousand are due; three of those are locked, and rows beside them that are not due."""
    server.visits(due=0, recent=2000)
    server.database.run(f"UPDATE visits SET seen = '{OLD}' WHERE id % 50 = 0")
    if index:
        server.database.run("CREATE INDEX visits_seen ON visits (seen)")
    server.ready()
    before = server.keys()
    first = 1_000_000_000
    due, others = [first + n for n in (50, 1000, 1050)], [first + n for n in (51, 999, 1051, 2000 - 1)]
    which = ", ".join(map(str, [*due, *others]))
    with locking(server, f"SELECT id FROM visits WHERE id IN ({which}) FOR UPDATE"):
        job = server.job()
    assert (job.status, job.planned, job.done, job.skipped.locked) == (JobStatus.PARTIAL, 40, 37, 3)
    assert {row[0] for row in server.database.rows("SELECT id FROM visits WHERE id % 50 = 0")} == set(due)
    assert server.job().done == 3
    assert server.count("visits") == 1960
    server.must_be_whole(before)


@pytest.mark.parametrize(
    "locked", ["orders WHERE id = 42", "order_lines WHERE order_id = 42 AND id % 10 = 1"]
)
def test_a_record_of_which_a_row_is_locked_is_left_whole(server, locked):
    server.orders(due=500)
    server.ready()
    before = server.keys()
    with locking(server, f"SELECT id FROM {locked} FOR UPDATE"):
        job = server.job()
    assert (job.status, job.done, job.skipped.locked) == (JobStatus.PARTIAL, 499, 1)
    assert server.count("order_lines", "order_id = 42") == 2
    assert server.job().done == 1
    server.must_be_whole(before)


@pytest.mark.parametrize("part", [False, True])
def test_a_lock_that_is_released_while_it_is_waited_for_lets_the_record_go(server, hooks, monkeypatch, part):
    from retention.connectors.sql.batches.removal import KeyRemover

    server.orders(due=300)
    server.ready()
    other = server.database.connect()
    released = threading.Event()
    table = "order_lines WHERE order_id = 42" if part else "orders WHERE id = 42"
    other.execute("BEGIN")
    other.execute(f"SELECT id FROM {table} FOR UPDATE")
    take = KeyRemover.take

    def watched(remover, window, most, *, wait=False):
        if wait:
            threading.Timer(0.05, lambda: (other.execute("ROLLBACK"), released.set())).start()
        return take(remover, window, most, wait=wait)

    monkeypatch.setattr(KeyRemover, "take", watched)
    job = server.job()
    assert (job.status, job.done) == (JobStatus.DONE, 300)
    assert released.wait(5)
    other.close()


def test_one_lock_that_stays_does_not_hide_those_that_were_released(server, hooks, monkeypatch, impatient):
    """A hundred records were tried once more together, and one lock among them made all of them locked."""
    from retention.connectors.sql.batches.removal import KeyRemover

    server.orders(due=300)
    server.ready()
    take = KeyRemover.take
    with locking(server, "SELECT id FROM orders WHERE id = 42 FOR UPDATE"):
        other = server.database.connect()
        other.execute("BEGIN")
        other.execute("SELECT id FROM orders WHERE id BETWEEN 43 AND 60 FOR UPDATE")

        def watched(remover, window, most, *, wait=False):
            if wait:
                other.execute("ROLLBACK")
            return take(remover, window, most, wait=wait)

        monkeypatch.setattr(KeyRemover, "take", watched)
        job = server.job()
        other.close()
    assert (job.done, job.skipped.locked) == (299, 1)


@pytest.mark.heavy
@pytest.mark.parametrize("table", ["visits", "orders"])
@pytest.mark.parametrize("mode", [pytest.param("EXCLUSIVE", marks=pytest.mark.heavy), "ACCESS EXCLUSIVE"])
def test_a_table_that_another_session_holds_fails_the_job_and_the_next_run_completes(
    postgresql, hooks, impatient, table, mode
):
    getattr(postgresql, table)(due=1500)
    postgresql.ready()
    before = postgresql.keys()
    other = postgresql.database.connect()

    def held(_remover):
        other.execute("BEGIN")
        other.execute(f"LOCK TABLE {table} IN {mode} MODE")

    hooks.before("window", held, nth=2)
    job = postgresql.job()
    other.close()
    assert job.status is JobStatus.FAILED
    assert "55P03" in job.reason
    assert 0 < job.done < 1500
    assert adds_up(job)
    again = postgresql.job()
    assert again.done == 1500 - job.done
    postgresql.must_be_whole(before)


def test_a_deadlock_is_tried_again(postgresql, hooks):
    postgresql.orders(due=300)
    postgresql.database.run(
        "CREATE FUNCTION deadlock() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'deadlock detected' USING ERRCODE = '40P01'; END $$",
    )
    postgresql.ready()
    before = postgresql.keys()

    def begun(_remover):
        """The second batch meets a deadlock, whatever it does; the third attempt does not."""
        if hooks.calls["begin"] == 2:
            postgresql.database.run(
                "CREATE TRIGGER deadlock BEFORE DELETE ON orders EXECUTE FUNCTION deadlock()",
            )
        elif hooks.calls["begin"] == 3:
            postgresql.database.run("DROP TRIGGER deadlock ON orders")

    hooks.before("begin", begun)
    job = postgresql.job()
    assert (job.status, job.done) == (JobStatus.DONE, 300)
    postgresql.must_be_whole(before)


def test_a_sqlite_database_that_is_locked_for_a_while_is_waited_for(sqlite, hooks):
    sqlite.visits(due=1500)
    sqlite.ready()
    before = sqlite.keys()

    def held(_remover):
        other = sqlite3.connect(sqlite.database.path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.7, other.close).start()

    hooks.before("begin", held, nth=2)
    assert sqlite.job().done == 1500
    sqlite.must_be_whole(before)


@pytest.mark.heavy
@pytest.mark.parametrize(
    "lock", ["BEGIN IMMEDIATE", pytest.param("BEGIN EXCLUSIVE", marks=pytest.mark.heavy)]
)
def test_a_sqlite_database_that_stays_locked_fails_the_job(sqlite, hooks, impatient, lock):
    """Every record was waited for by itself, each for as long as the first."""
    sqlite.visits(due=1500)
    sqlite.ready()
    before = sqlite.keys()
    with closing(sqlite3.connect(sqlite.database.path, isolation_level=None)) as other:
        hooks.before("begin", lambda _: other.in_transaction or other.execute(lock), nth=2)
        job = sqlite.job()
    assert job.status is JobStatus.FAILED
    assert "BUSY" in job.reason
    assert "too long" in job.reason
    assert hooks.calls["begin"] < 30
    assert sqlite.job().done == 1500 - job.done
    sqlite.must_be_whole(before)
