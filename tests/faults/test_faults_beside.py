"""What a run makes of work that goes on beside it, and of many records at once."""

import pytest
import sqlalchemy as sa

from retention.connectors.sql.mysql.dialect import Mysql
from retention.connectors.sql.target import SqlTarget


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("look", [1, 2])
def test_a_run_beside_it_raises_no_alarm_about_markers(shop, monkeypatch, look, moment):
    """Another run's batches come, are marked and folded around each look at the markers: none is lost or restored."""
    shop.visits(due=30)
    shop.orders(due=20)
    shop.ready()
    before = shop.keys()
    markers, calls, beside = SqlTarget.markers, [], []

    def looked(target, origin, *words):
        calls.append(origin)
        now = len(calls) == look and not beside
        if now:
            beside.append(None)
        if now and moment == "before":
            beside.append(shop.run(rules=("orders",)))
        found = markers(target, origin, *words)
        if now and moment == "after":
            beside.append(shop.run(rules=("orders",)))
        return found

    monkeypatch.setattr(SqlTarget, "markers", looked)
    run = shop.run(rules=("visits",))
    assert [job.done for job in (*run.jobs, *beside[1].jobs)] == [30, 20]
    assert shop.events("error") == []
    assert run.notes == beside[1].notes == ()
    shop.must_be_whole(before)


def test_no_list_of_keys_is_so_long_that_mariadb_scans_the_table(mariadb, monkeypatch):
    assert 0 < Mysql.most_keys < 20_000
    monkeypatch.setattr(Mysql, "most_keys", 30)
    mariadb.orders(due=200)
    mariadb.ready()
    lists = []
    give = Mysql.give_keys

    def given(dialect, connection, key, keys):
        lists.append(len(keys))
        return give(dialect, connection, key, keys)

    monkeypatch.setattr(Mysql, "give_keys", given)
    assert mariadb.job().done == 200
    assert mariadb.count("order_lines", "order_id <= 200") == 0
    assert max(lists) == 30


def test_a_batch_takes_as_many_statements_for_two_records_as_for_fifty(shop):
    """One DELETE for each record made an hour of a minute's work."""
    sent = []

    def counted(*_words):
        sent.append(1)

    def statements():
        sent.clear()
        assert shop.job().done
        return len(sent)

    shop.orders(due=2)
    shop.ready()
    sa.event.listen(sa.Engine, "before_cursor_execute", counted)
    try:
        statements()
        shop.add_orders(101, 2)
        few = statements()
        shop.add_orders(201, 50)
        assert abs(statements() - few) < 10  # leases are renewed when it is time
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", counted)
