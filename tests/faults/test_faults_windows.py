"""A batch that is under way when the maintenance window closes."""

from datetime import UTC, datetime, time
from functools import partial

import pytest

from retention.connectors.sql import timeouts
from retention.daemon.window import closes_in, is_open
from retention.engine.pace import Pace
from retention.model.plan import JobStatus
from retention.model.progress import NoProgress
from retention.model.settings import Window
from retention.verbs.opening.configured import configuration
from retention.verbs.run import carry_out
from retention.verbs.running import working
from tests.support_faults.databases import KINDS
from tests.support_faults.shops import Shop

SLOW = {
    "postgresql": "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM pg_sleep(20); RETURN OLD; END $$;"
    " CREATE TRIGGER slow BEFORE DELETE ON visits FOR EACH ROW EXECUTE FUNCTION slow()",
    "mariadb": "CREATE TRIGGER slow BEFORE DELETE ON visits FOR EACH ROW DO SLEEP(20)",
}


@pytest.fixture(params=list(SLOW))
def server(request, folder):
    database = KINDS[request.param](folder)
    yield Shop(folder, database), SLOW[request.param]
    database.drop()


def test_a_statement_that_would_outlast_the_window_is_ended_and_its_batch_undone(server, hooks, monkeypatch):
    """It ran for as long as a statement of any batch may: a minute."""
    shop, slow = server
    monkeypatch.setattr(timeouts, "_LAST", 50)
    shop.visits(due=4)
    shop.ready()
    before = shop.keys()
    begun = []

    def closing(_remover):
        if not begun:
            shop.database.run(slow)
        begun.append(True)

    hooks.before("begin", closing)
    outcome = carry_out(
        configuration(shop.place),
        shop.place,
        by="tester",
        clock=shop.clock,
        progress=NoProgress(),
        stop=lambda: bool(begun),
        left=lambda: 0.1,
    )
    [job] = outcome.jobs
    assert (job.status, job.done, job.left) == (JobStatus.STOPPED, 0, 4)
    assert begun
    assert shop.left() == 4
    shop.database.run(
        "DROP TRIGGER slow" + (" ON visits" if shop.database.url.startswith("postgres") else "")
    )
    assert shop.job().done == 4
    shop.must_be_whole(before)


def test_the_session_of_a_batch_is_told_what_is_left(server, hooks, monkeypatch):
    """Half an hour before the end the limits are the usual ones; ten seconds before it they are ten."""
    shop, _ = server
    monkeypatch.setattr(working, "Pace", partial(Pace, size=10))
    shop.orders(due=300)
    shop.ready()
    asked = {
        "postgresql": "SELECT extract(epoch FROM current_setting('statement_timeout')::interval),"
        " extract(epoch FROM current_setting('lock_timeout')::interval)",
        "mysql": "SELECT @@max_statement_time, @@innodb_lock_wait_timeout",
    }
    seen = []

    def look(remover):
        query = asked[remover._dialect.name]
        [row] = remover._connection.exec_driver_sql(query).fetchall()
        seen.append(tuple(map(float, row)))

    hooks.after("begin", look)
    given = iter([None, 1800.0, 10.0, 1.5])
    carry_out(
        configuration(shop.place),
        shop.place,
        by="tester",
        clock=shop.clock,
        progress=NoProgress(),
        left=lambda: next(given, -5.0),
    )
    assert seen[:3] == [(60, 2), (60, 2), (10, 2)]
    assert seen[3][0] == 1.5
    assert len(seen) > 5
    assert set(seen[4:]) == {(1, 1)}  # none would be no limit


@pytest.mark.parametrize(
    ("window", "now", "left"),
    [
        (("22:00", "06:00"), "2026-11-26T21:00", 8 * 3600),  # 22:00 in Oslo
        (("22:00", "06:00"), "2026-11-27T04:59", 60),
        (("22:00", "06:00"), "2026-11-27T05:00", 24 * 3600),
        (("01:00", "03:00"), "2026-11-27T01:30", 1800),
        (("01:00", "04:00"), "2026-10-25T00:30", 2.5 * 3600),  # clocks go back at 01:00 UTC
        (("01:00", "04:00"), "2026-03-29T00:30", 1.5 * 3600),  # and forward
    ],
)
def test_what_is_left_of_a_window(window, now, left):
    hours = Window(*map(time.fromisoformat, window))
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert closes_in(hours, moment, "Europe/Oslo") == left
    assert is_open(hours, moment, "Europe/Oslo") is (left < 24 * 3600)
    assert closes_in(None, moment, "Europe/Oslo") is None
