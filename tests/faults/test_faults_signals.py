"""Signals: the first ends a run after its batch."""

import signal
import sqlite3
import time
from contextlib import closing

import pytest


def at_work(shop, process):
    """Waits until the run has committed something."""
    with closing(sqlite3.connect(shop.state_path, timeout=10)) as connection:
        while connection.execute("SELECT count(*) FROM retention_batch").fetchone()[0] < 2:
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.heavy), signal.SIGTERM])
def test_a_signal_ends_the_run_after_its_batch(shop, number):
    shop.visits(due=40_000)
    shop.orders(due=5_000)
    shop.ready(batch_time="20 ms")
    before = shop.keys()
    process = shop.start("run", "--yes", "--format", "json")
    at_work(shop, process)
    process.send_signal(number)
    answer, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert '"status": "interrupted"' in answer
    assert [data["status"] for _, data in shop.events("run.ended")] == ["interrupted"]
    assert shop.unresolved() == []
    assert shop.left("visits") + shop.left("orders") > 0
    shop.must_be_whole(before)
    assert shop.run().status == "done"
    shop.must_be_whole(before)


def test_two_signals_end_it_at_once_and_nothing_is_half_done(shop):
    shop.visits(due=60_000)
    shop.ready(batch_time="20 ms")
    before = shop.keys()
    process = shop.start("run", "--yes")
    at_work(shop, process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode in (130, -signal.SIGINT), errors
    assert len(shop.unresolved()) <= 1
    assert shop.run().status in ("done", "nothing")
    assert shop.left() == 0
    shop.must_be_whole(before)


def test_an_interrupt_is_what_the_ledger_says_of_the_run(shop, hooks):
    """A run that broke off in the middle of a job was written down as having done nothing, successfully."""
    shop.visits(due=1500)
    shop.ready()
    before = shop.keys()

    def interrupted(_remover):
        raise KeyboardInterrupt

    hooks.before("take", interrupted, nth=2)
    with pytest.raises(KeyboardInterrupt):
        shop.run()
    assert [data["status"] for _, data in shop.events("run.ended")] == ["interrupted"]
    shop.must_be_whole(before)


def test_an_interrupt_within_the_state_store_stays_an_interrupt(sqlite, hooks, monkeypatch):
    """It came out as an error of the state store, and the run as a failed one."""
    sqlite.visits(due=1500)
    sqlite.ready()
    before = sqlite.keys()

    def interrupted(_remover):
        import sqlalchemy

        def execute(self, cursor, statement, parameters, context=None):
            monkeypatch.undo()
            raise KeyboardInterrupt

        monkeypatch.setattr(sqlalchemy.engine.default.DefaultDialect, "do_execute", execute)

    hooks.after("mark", interrupted, nth=2)
    with pytest.raises(KeyboardInterrupt):
        sqlite.run()
    assert [data["status"] for _, data in sqlite.events("run.ended")] == ["interrupted"]
    sqlite.must_be_whole(before)


def test_an_unexpected_error_is_what_the_ledger_says_of_the_run(shop, hooks):
    shop.visits(due=1500)
    shop.ready()

    def broken(_remover):
        raise ZeroDivisionError

    hooks.before("take", broken, nth=2)
    with pytest.raises(ZeroDivisionError):
        shop.run()
    assert [data["status"] for _, data in shop.events("run.ended")] == ["failed"]
