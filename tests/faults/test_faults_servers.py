"""Servers of the tests' own that are restarted, filled up, made replicas of, and locked up in the middle of a run."""

import contextlib
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from retention.model.plan import JobStatus
from tests.support import servers
from tests.support.lone_servers import OWN, OwnMariadb, folder_of_its_own
from tests.support.mariadb import MariadbServer
from tests.support.stores import Server
from tests.support_faults.databases import KINDS
from tests.support_faults.shops import Shop

pytestmark = pytest.mark.heavy


def made(own, *options, **where):
    """The server, running; where there can be none a skip (a failure in CI)."""
    if own.why_not is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(own.why_not)
        pytest.skip(own.why_not)
    own.make(*options, **where)
    return own


@pytest.fixture(scope="module", params=sorted(OWN))
def server(request):
    own = made(OWN[request.param]())
    yield own
    own.remove()


def on_it(monkeypatch, own):
    """Databases are made on this server from here on."""
    made_on = Server(own.url) if own.kind == "postgresql" else MariadbServer(own.url)
    monkeypatch.setattr(servers, own.kind, lambda: made_on)


@pytest.fixture
def shop(server, folder, monkeypatch):
    """A shop on the server of the tests' own."""
    on_it(monkeypatch, server)
    return Shop(folder, KINDS[server.kind](folder))


@pytest.mark.parametrize("table", ["visits", "orders"])
@pytest.mark.parametrize("step", ["take", "commit"])
def test_a_server_that_is_really_restarted_fails_the_job_and_the_next_run_completes(
    shop, server, hooks, table, step
):
    getattr(shop, table)(due=1500)
    shop.ready()
    before = shop.keys()

    def restart(_remover):
        server.stop()
        server.start()

    hooks.before(step, restart, nth=2)
    outcome = shop.run()
    [job] = outcome.jobs
    assert (outcome.status, job.status) == ("failed", JobStatus.FAILED)
    assert "connection" in job.reason
    assert job.done + job.left == 1500
    assert len(shop.unresolved()) == (1 if step == "commit" else 0)
    assert shop.run().status == "done"
    assert shop.unresolved() == []
    shop.must_be_whole(before)


def test_a_server_that_goes_and_does_not_come_back_leaves_the_rest_to_the_next_run(shop, server, hooks):
    """Housekeeping and the ledger come to their end without it; two jobs, neither of them half done."""
    shop.visits(due=300)
    shop.orders(due=300)
    shop.ready()
    before = shop.keys()
    hooks.before("take", lambda _: server.stop(), nth=1)
    outcome = shop.run()
    hooks.calls["take"] = 1000
    assert [job.status for job in outcome.jobs] == [JobStatus.FAILED, JobStatus.FAILED]
    assert any("can't be reached" in job.reason for job in outcome.jobs)
    assert shop.events()[-1][0] == "run.ended"
    done = shop.cli("run", "--yes")
    server.start()
    assert done.returncode == 5
    assert "`shop` can't be reached" in done.stderr
    assert shop.run().status == "done"
    shop.must_be_whole(before)


def test_a_password_that_is_rotated_is_read_anew(shop, server):
    """The next connection takes what the reference says by then."""
    shop.visits(due=3)
    shop.ready()
    name = shop.database.name
    if server.kind == "postgresql":
        server.let_in("scram-sha-256")
        server.execute("CREATE ROLE ops SUPERUSER LOGIN PASSWORD 'first'")
    else:
        server.execute("CREATE USER ops IDENTIFIED BY 'first'", "GRANT ALL ON *.* TO ops")
    url = shop.database.url.replace("postgres@", "ops@").replace("root@", "ops@")
    connector = shop.folder / "connectors" / "shop.toml"
    connector.write_text(
        connector.read_text()
        .replace(shop.database.url, url)
        .replace("timezone", 'password = "env:PW"\ntimezone', 1)
    )
    try:
        assert shop.cli("run", "--yes", environ={"PW": "first"}).returncode == 0
        shop.add_visits(10, 5)
        change = "ALTER ROLE ops PASSWORD 'second'"
        server.execute(change if server.kind == "postgresql" else "ALTER USER ops IDENTIFIED BY 'second'")
        done = shop.cli("run", "--yes", environ={"PW": "first"})
        assert done.returncode == 5
        assert "can't be reached" in done.stderr
        assert "first" not in done.stderr
        assert shop.left() == 5
        assert shop.cli("run", "--yes", environ={"PW": "second"}).returncode == 0
        assert shop.left() == 0
    finally:
        if server.kind == "postgresql":
            server.execute(f"DROP DATABASE {name} WITH (FORCE)", "DROP ROLE ops")
        else:
            server.execute("DROP USER ops")


# -- a replica -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def replica():
    """A MariaDB that is told to be read-only, and a user whom that binds."""
    own = made(OwnMariadb())
    own.execute("CREATE USER ops", "GRANT ALL ON *.* TO ops", "REVOKE READ_ONLY ADMIN, SUPER ON *.* FROM ops")
    yield own
    own.remove()


def test_a_mariadb_that_is_read_only_is_planned_on_and_not_run_on(replica, folder, monkeypatch):
    on_it(monkeypatch, replica)
    shop = Shop(folder, KINDS["mariadb"](folder))
    shop.visits(due=30)
    shop.database.url = shop.database.url.replace("root@", "ops@")
    shop.ready()
    replica.execute("SET GLOBAL read_only = 1")
    try:
        assert shop.cli("plan").returncode == 0
        check = shop.cli("check")
        assert check.returncode == 0
        assert "can be planned on, and not run on: read_only is on" in " ".join(check.stdout.split())
        done = shop.cli("run", "--yes")
        assert done.returncode == 5
        assert "the database is read-only: read_only is on" in " ".join(done.stdout.split())
        assert shop.left() == 30
        assert shop.events("batch.intent") == []
    finally:
        replica.execute("SET GLOBAL read_only = 0")
    assert shop.job().done == 30


def test_a_mariadb_that_becomes_read_only_fails_the_job(replica, folder, monkeypatch, hooks):
    on_it(monkeypatch, replica)
    shop = Shop(folder, KINDS["mariadb"](folder))
    shop.orders(due=300)
    shop.database.url = shop.database.url.replace("root@", "ops@")
    shop.ready()
    before = shop.keys()
    hooks.after("rollback", lambda _: None)
    hooks.before("begin", lambda _: replica.execute("SET GLOBAL read_only = 1"), nth=2)
    try:
        job = shop.job()
        assert job.status is JobStatus.FAILED
        assert "read-only" in job.reason
        assert (job.set_aside, job.done + job.left) == (0, 300)
    finally:
        replica.execute("SET GLOBAL read_only = 0")
    hooks.calls["begin"] = 1000
    assert shop.run().status == "done"
    shop.must_be_whole(before)


# -- an older server -----------------------------------------------------------------------


def test_a_mariadb_that_is_too_old_is_refused(folder, monkeypatch):
    """(It says so of itself; there is no other in the package.)"""
    own = made(OwnMariadb())
    try:
        on_it(monkeypatch, own)
        shop = Shop(folder, KINDS["mariadb"](folder))
        shop.visits(due=3)
        shop.ready()
        own.stop()
        own._options.append("--version=10.5.20-MariaDB")
        own.start()
        for words in (("check",), ("plan",), ("run", "--yes")):
            done = shop.cli(*words)
            said = " ".join((done.stdout + done.stderr).split())
            assert done.returncode == 3, said
            assert "version 10.5.20-MariaDB" in said
            assert "MariaDB 10.6 or MySQL 8.0 and later can" in said
        assert shop.left() == 3
    finally:
        own.remove()


# -- full ----------------------------------------------------------------------------------


@contextmanager
def small_disk(megabytes):
    """A file system of its own, where one may be mounted."""
    folder = folder_of_its_own()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        folder.rmdir()
        pytest.skip("no file system can be mounted here")
    folder.chmod(0o777)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


def fill(disk: Path) -> None:
    """To the last byte."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        for size in (1 << 20, 1 << 12):
            try:
                while filler.write(b"x" * size) == size:
                    pass
            except OSError:
                continue


def test_a_postgresql_whose_disk_is_full_fails_the_job_and_the_next_run_completes(folder, monkeypatch, hooks):
    """The database lies in a table space of a small disk; its markers can't grow."""
    own = made(OWN["postgresql"]())
    try:
        with small_disk(60) as disk:
            shutil.chown(disk, "postgres", "postgres")
            own.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
            on_it(monkeypatch, own)
            shop = Shop(folder, KINDS["postgresql"](folder))
            own.execute(f"ALTER DATABASE {shop.database.name} SET TABLESPACE small")
            shop.orders(due=300)
            shop.ready()
            before = shop.keys()
            hooks.before("begin", lambda _: fill(disk), nth=1)
            job = shop.job()
            assert job.status is JobStatus.FAILED
            assert "disk is full" in job.reason
            assert (job.done, job.left, job.set_aside) == (0, 300, 0)
            shop.must_be_whole(before)
            (disk / "filler").unlink()
            hooks.calls["begin"] = 1000
            assert shop.run().status == "done"
            shop.must_be_whole(before)
            own.execute(f"DROP DATABASE {shop.database.name} WITH (FORCE)", "DROP TABLESPACE small")
    finally:
        own.remove()


def use_up(session):
    """A transaction that is not ended holds all the space for undo that there is."""
    import pymysql

    session.execute("START TRANSACTION")
    for rows in (2000, 200, 20, 1):
        with contextlib.suppress(pymysql.err.MySQLError):
            for turn in range(10_000):
                session.execute(f"UPDATE filler SET pad = '{turn % 10}{rows}' WHERE id <= {rows}")
            pytest.fail("the space for undo has no end")


def test_a_mariadb_that_may_not_grow_fails_the_job_and_blames_no_record(folder, monkeypatch):
    """Its table "is full": records were set aside for it, one after the other. The space for undo is what runs out."""
    own = made(OwnMariadb(), "--innodb-undo-tablespaces=0", "--innodb-autoextend-increment=1")
    try:
        on_it(monkeypatch, own)
        shop = Shop(folder, KINDS["mariadb"](folder))
        shop.orders(due=2_000, lines=1)
        shop.database.run("CREATE TABLE filler (id int PRIMARY KEY, pad char(250))")
        shop.database.run("INSERT INTO filler SELECT seq, seq FROM seq_1_to_2000")
        shop.ready()
        before = shop.keys()
        own.stop()
        size = (own.folder / "data" / "ibdata1").stat().st_size >> 20
        own._options.append(f"--innodb-data-file-path=ibdata1:{size}M")
        own.start()
        with shop.database.session() as other:
            use_up(other)
            job = shop.job()
        assert job.status is JobStatus.FAILED
        assert "the database's disk is full" in job.reason
        assert (job.set_aside, shop.aside(), job.done + job.left) == (0, [], 2_000)
        assert job.left > 0
        shop.must_be_whole(before)
        own.stop()
        own._options[-1] += ":autoextend"
        own.start()
        assert shop.run().status == "done"
        shop.must_be_whole(before)
    finally:
        own.remove()
