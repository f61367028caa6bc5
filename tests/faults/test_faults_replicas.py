"""Real replicas: a run waits while one is behind, says why, and goes on when it has caught up."""

from __future__ import annotations

import contextlib
import time

import pytest

from retention.engine import between
from tests.support import own_servers
from tests.support.databases import Database
from tests.support_faults.databases import KINDS
from tests.support_faults.shops import Shop

pytestmark = pytest.mark.heavy


def database_on(server):
    """The database `shop` of a server of the tests' own, with the words of its kind."""
    kind = KINDS[server.kind]
    made = kind.__new__(kind)
    made.name, made.url = "shop", server.url(host=own_servers.HERE)
    if server.kind == "postgresql":
        made.url += "?sslmode=disable"
    assert isinstance(made, Database)
    return made


def throttled(shop, lines, **policy):
    shop.write(**policy)
    file = shop.folder / "connectors" / "shop.toml"
    file.write_text(file.read_text().replace("[throttle]", f"[throttle]\n{lines}", 1))
    return shop.ready_made()


def waited(shop, monkeypatch, catch_up, seconds=30):
    """What a run says that it waits for; when it has said so it is helped, and goes on."""
    said, ends = [], time.monotonic() + seconds

    def sleeping(pause):
        with shop.state() as state, state.read() as snapshot:
            why = snapshot.jobs.last()[0].waits
        if why is not None:
            said.append(why)
            catch_up()
        assert time.monotonic() < ends, said
        time.sleep(pause)

    monkeypatch.setitem(between.Between.__init__.__kwdefaults__, "sleep", sleeping)
    monkeypatch.setattr(between, "_LOOKS", 0.0)
    job = shop.job()
    assert (job.status.value, job.left) == ("done", 0)
    assert job.waited > 0
    return said


def until(condition, seconds=30):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_a_standby_whose_replay_is_paused_holds_a_run_up_until_it_is_resumed(folder, monkeypatch):
    with contextlib.ExitStack() as stack:
        primary = stack.enter_context(own_servers.postgresql(folder))
        standby = stack.enter_context(own_servers.postgresql_standby(primary))
        shop = Shop(folder, database_on(primary))
        shop.orders(due=4_000)
        throttled(shop, 'max_lag = "500 ms"', batch_time="10 ms")
        before = shop.keys()
        assert shop.run(limit=10).status == "done"  # nothing holds it up
        standby.execute("shop", "SELECT pg_wal_replay_pause()")
        shop.database.run("UPDATE orders SET note = 'told' WHERE id > 3000")
        lag = "SELECT coalesce(extract(epoch FROM max(replay_lag)), 0) FROM pg_stat_replication"
        until(lambda: primary.execute("shop", lag)[0][0] > 1 or time.sleep(0.2))
        said = waited(shop, monkeypatch, lambda: standby.execute("shop", "SELECT pg_wal_replay_resume()"))
        assert "behind (at most 500 ms)" in said[0] or "behind (at most 0.5 s)" in said[0], said
        shop.must_be_whole(before)
        last = "SELECT count(*) FROM orders WHERE booked = '2015-03-01'"
        until(lambda: standby.execute("shop", last) == [(0,)])


def test_a_replica_of_mariadb_that_can_not_write_holds_a_run_up_until_it_can(folder, monkeypatch):
    logging = ("--log-bin=log", "--binlog-format=ROW")
    with contextlib.ExitStack() as stack:
        primary = stack.enter_context(own_servers.mariadb(folder, "--server-id=1", *logging))
        (folder / "replica").mkdir()
        replica = stack.enter_context(own_servers.mariadb(folder / "replica", "--server-id=2"))
        [(position,)] = primary.execute("shop", "SELECT @@gtid_current_pos")
        replica.execute("shop", f"SET GLOBAL gtid_slave_pos = '{position}'")
        follow = f"master_host = '127.0.0.1', master_port = {primary.port}, master_user = 'open'"
        replica.execute("shop", f"CHANGE MASTER TO {follow}, master_use_gtid = slave_pos")
        replica.execute("shop", "START SLAVE")
        shop = Shop(folder, database_on(primary))
        shop.orders(due=4_000)
        url = replica.url(host=own_servers.HERE)
        throttled(shop, f'max_lag = "500 ms"\nreplicas = ["{url}"]', batch_time="10 ms")
        count = "SELECT count(*) FROM orders"
        until(lambda: replica.execute("shop", "SHOW TABLES LIKE 'orders'"))
        until(lambda: replica.execute("shop", count) == [(4_010,)])
        blocking = KINDS["mariadb"].connect(database_on(replica))
        blocking.execute("LOCK TABLES orders READ, order_lines READ")
        shop.database.run("UPDATE orders SET note = 'told' WHERE id = 1")

        def behind():
            with database_on(replica).session() as session:
                cursor = session.execute("SHOW SLAVE STATUS")
                names = [column[0] for column in cursor.description]
                return dict(zip(names, cursor.fetchall()[0], strict=True))["Seconds_Behind_Master"]

        until(lambda: (behind() or 0) >= 1)
        said = waited(shop, monkeypatch, lambda: blocking.execute("UNLOCK TABLES"))
        assert "behind" in said[0]
        until(lambda: replica.execute("shop", count) == [(10,)])
        blocking.close()
        replica.execute("shop", "STOP SLAVE")
        shop.add_orders(100_001, 20)
        said = waited(shop, monkeypatch, lambda: replica.execute("shop", "START SLAVE"))
        assert "not known" in said[0]
        assert shop.left("orders") == 0
        shop.verify()
