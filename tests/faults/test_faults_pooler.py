"""Through PgBouncer in transaction mode: every transaction may be another session's, and whose settings stay."""

import os
import re
import shutil
import socket
import subprocess
import time

import psycopg
import pytest

from tests.support import servers
from tests.support.states import PostgresqlState

POOLER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@pytest.fixture
def pooled(postgresql, folder):
    """The shop's URL leads to a pooler with two sessions for all."""
    if POOLER is None:
        reason = "PgBouncer is not installed"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = re.fullmatch(
        r"postgresql://(?P<user>\w+)@(?P<host>[\w.]+):(?P<port>\d+)/\w+", servers.POSTGRESQL
    )
    if server is None:
        pytest.skip("the server's URL has a password or parameters")
    home = folder / "pooler"
    home.mkdir()
    (home / "pooler.ini").write_text(
        "[databases]\n* = host={host} port={port} user={user}\n".format(**server.groupdict())
        + f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = transaction\n"
        f"default_pool_size = 2\nunix_socket_dir =\nlogfile = {home / 'log'}\n"
    )
    as_other = []
    if os.geteuid() == 0:
        as_other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        folder.chmod(0o711)
        for path in (home, *home.iterdir()):
            shutil.chown(path, "postgres", "postgres")
    process = subprocess.Popen([*as_other, POOLER, str(home / "pooler.ini")], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "the pooler does not answer"
                assert process.poll() is None, "the pooler did not start"
        direct = postgresql.database.url
        postgresql.database.url = f"postgresql://{server['user']}@127.0.0.1:{port}/{postgresql.database.name}"
        yield postgresql, direct
        postgresql.database.url = direct
    finally:
        process.terminate()
        process.wait()


def test_a_run_through_a_pooler_deletes_what_is_due_and_leaves_its_sessions_as_they_were(pooled):
    shop, direct = pooled
    pooler, shop.database.url = shop.database.url, direct
    shop.visits(due=2500)
    shop.orders(due=1200)
    before = shop.keys()
    shop.database.url = pooler
    shop.ready(batch_time="20 ms")
    outcome = shop.run()
    assert {j.dataset: (j.planned, j.done) for j in outcome.jobs} == {
        "visits": (2500, 2500),
        "orders": (1200, 1200),
    }
    settings = "lock_timeout", "statement_timeout", "row_security", "synchronous_commit"
    wanted = ", ".join(f"current_setting('{name}')" for name in settings)
    query = f"SELECT {wanted}, current_setting('transaction_read_only')"
    assert {tuple(row) for _ in range(4) for row in shop.database.rows(query)} == {
        ("0", "0", "on", "on", "off")
    }
    shop.database.url = direct
    shop.must_be_whole(before)


def test_a_state_store_behind_a_pooler(pooled, folder):
    """Its settings are those of each transaction, and its lock is the head row's."""
    shop, direct = pooled
    pooler, shop.database.url = shop.database.url, direct
    state = PostgresqlState(folder)
    try:
        shop.state_url = pooler.rpartition("/")[0] + f"/{state.name}"
        shop.visits(due=1200)
        shop.ready(batch_time="20 ms")
        before = shop.keys()
        assert shop.run().status == "done"
        shop.must_be_whole(before)
        with psycopg.connect(shop.state_url) as connection:
            [left] = connection.execute(
                "SELECT current_setting('lock_timeout'), current_setting('timezone') = reset_val"
                " FROM pg_settings WHERE name = 'TimeZone'"
            ).fetchall()
        assert left == ("0", True)
    finally:
        state.drop()
