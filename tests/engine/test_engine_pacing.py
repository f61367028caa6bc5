"""Pacing, on real databases: a run waits for load and lag, says so, and goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from retention.connectors.sql.gauges import SqlGauges
from retention.engine import between
from retention.errors import ConfigurationError
from retention.model.plan import JobStatus


def throttled(shop, text, **policy):
    shop.ready(**policy)
    file = shop.folder / "connectors" / "shop.toml"
    file.write_text(file.read_text().replace("[throttle]", f"[throttle]\n{text}", 1))


def gauges(shop):
    return SqlGauges(shop.config().connectors["shop"], shop.environ)


def test_the_load_query_is_asked_of_the_database_and_holds_the_run_up(shop, monkeypatch):
    shop.visits(due=300)
    shop.database.run("CREATE TABLE busy (n integer)", "INSERT INTO busy VALUES (30)")
    throttled(shop, 'load = "SELECT max(n) FROM busy WHERE n > 5"\nmax_load = 20')
    said = []

    def sleeping(_seconds):
        with shop.state() as state, state.read() as snapshot:
            said.extend(job.waits for run in snapshot.runs.newest() for job in snapshot.jobs.of(run.id))
        if len(said) == 1:
            shop.database.run("UPDATE busy SET n = 3")  # NULL: not known
        else:
            shop.database.run("UPDATE busy SET n = 6")

    monkeypatch.setitem(between.Between.__init__.__kwdefaults__, "sleep", sleeping)
    monkeypatch.setattr(between, "_LOOKS", 0.0)
    assert shop.job().done == 300
    assert said[0] == "the load is 30 (at most 20)"
    assert said[1] == "the load is not known: the query gives no number"
    with shop.state() as state, state.read() as snapshot:
        assert [job.waits for job in snapshot.jobs.last()] == [None]


def test_the_load_query_can_write_nothing(shop):
    shop.visits(due=3)
    throttled(shop, 'load = "SELECT 1"\nmax_load = 20')
    found = gauges(shop)
    with pytest.raises(Exception, match=r"(?i)read.?only|attempt to write"):
        found.value("DELETE FROM visits")
    found.close()
    assert shop.left() == 3


@pytest.mark.parametrize(
    "query",
    [
        "SELECT pg_terminate_backend(1)", "DELETE FROM visits", "SELECT 1; SELECT 2", "SELECT 1, 2",
        "SELECT n INTO t FROM s", "SELECT n FROM s FOR UPDATE", "SELECT nextval('s')", "SELECT sleep(9)",
        "WITH gone AS (DELETE FROM visits RETURNING id) SELECT count(*) FROM gone", "SELEC 1", "SELECT :x",
        "SELECT get_lock('x', 1)", "SELECT public.evil(1)", "COPY visits TO PROGRAM 'sh'",
    ],
)  # fmt: skip
def test_a_load_query_that_could_do_more_than_read_is_refused(sqlite, query):
    sqlite.visits(due=3)
    throttled(sqlite, f'load = "{query}"\nmax_load = 20')
    with pytest.raises(ConfigurationError) as caught:
        sqlite.run()
    (problem,) = caught.value.problems
    assert problem.key == "throttle.load"


def test_without_a_replica_the_lag_is_not_known_and_the_run_waits(postgresql, monkeypatch):
    postgresql.visits(due=300)
    throttled(postgresql, 'max_lag = "5 s"')
    assert list(gauges(postgresql).lags()) == []
    said = []

    def sleeping(_seconds):
        with postgresql.state() as state, state.read() as snapshot:
            said.append(snapshot.jobs.last()[0].waits)
        (postgresql.folder / "retention.stop").touch()

    monkeypatch.setitem(between.Between.__init__.__kwdefaults__, "sleep", sleeping)
    assert postgresql.job().status is JobStatus.REFUSED
    assert said[0] == "the replicas' lag is not known: no replica is seen"
    assert postgresql.left() == 300


def test_a_server_that_follows_nobody_is_no_replica(mariadb):
    mariadb.visits(due=3)
    throttled(mariadb, f'max_lag = "5 s"\nreplicas = ["{mariadb.database.url}"]')
    assert list(gauges(mariadb).lags()) == [None]


def test_replicas_of_mariadb_must_be_named(mariadb):
    mariadb.visits(due=3)
    throttled(mariadb, 'max_lag = "5 s"')
    with pytest.raises(ConfigurationError) as caught:
        mariadb.run()
    assert "replicas" in caught.value.problems[0].write


def test_a_rest_ratio_and_rows_a_second_are_kept(sqlite, monkeypatch):
    sqlite.visits(due=3000)
    throttled(sqlite, "rest = 2.0\nrows_per_second = 1000", batch_time="10 ms")
    rests = []
    monkeypatch.setitem(between.Between.__init__.__kwdefaults__, "sleep", rests.append)
    now = iter(range(10_000))
    monkeypatch.setitem(between.Between.__init__.__kwdefaults__, "timer", lambda: next(now) * 0.1)
    assert sqlite.job().done == 3000
    assert rests
    assert timedelta(seconds=sum(rests)) >= timedelta(seconds=1)
