"""Stores that are full, read-only, silent or restarted; sessions as they are set; a canary in the data."""

import json
import os
import re
import resource
import shutil
import subprocess
from contextlib import contextmanager

import pytest

from retention.errors import SetupError, UnreachableError
from retention.model.plan import JobStatus
from tests.support.disks import small_disk
from tests.support_faults.hooks import raising
from tests.support_faults.shops import CANARY

# -- read-only -----------------------------------------------------------------------------


def test_a_read_only_database_fails_the_job_and_says_so(postgresql):
    postgresql.visits(due=30)
    postgresql.ready()
    name = postgresql.database.name
    postgresql.database.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    done = postgresql.cli("run", "--yes")
    assert done.returncode == 5
    assert "read-only" in done.stdout
    assert postgresql.left() == 30
    assert postgresql.events("batch.intent") == []
    with postgresql.database.session() as other:
        other.execute("SET default_transaction_read_only = off")
        other.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert postgresql.job().done == 30


def test_a_database_that_becomes_read_only_fails_the_job(postgresql, hooks):
    postgresql.visits(due=1500)
    postgresql.ready()
    before = postgresql.keys()
    hooks.before(
        "take", lambda remover: remover._connection.exec_driver_sql("SET TRANSACTION READ ONLY"), nth=2
    )
    job = postgresql.job()
    assert job.status is JobStatus.FAILED
    assert "read-only" in job.reason
    postgresql.must_be_whole(before)


def test_a_read_only_file_system_fails_the_job_and_says_so(sqlite):
    sqlite.visits(due=30)
    with small_disk(kilobytes=8 * 1024) as disk:
        shutil.move(sqlite.database.path, disk / "shop.db")
        sqlite.database.path = disk / "shop.db"
        sqlite.database.url = f"sqlite:///{disk}/shop.db"
        sqlite.ready()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        done = sqlite.cli("run", "--yes")
        assert done.returncode == 5, done.stderr
        assert "read-only" in done.stdout
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        assert sqlite.job().done == 30


# -- full ----------------------------------------------------------------------------------


def fill(disk, leave):
    """Leaves so many bytes free."""
    stat = os.statvfs(disk)
    (disk / "filler").write_bytes(b"x" * max(0, stat.f_bavail * stat.f_frsize - leave))


def test_a_full_disk_of_the_target_fails_the_job_and_nothing_is_half_done(sqlite, hooks):
    sqlite.visits(due=3000)
    with small_disk(kilobytes=8 * 1024) as disk:
        shutil.move(sqlite.database.path, disk / "shop.db")
        sqlite.database.path = disk / "shop.db"
        sqlite.database.url = f"sqlite:///{disk}/shop.db"
        sqlite.ready()
        before = sqlite.keys()
        hooks.before("begin", lambda _: (disk / "filler").exists() or fill(disk, 4096), nth=3)
        job = sqlite.job()
        assert job.status is JobStatus.FAILED
        assert "full" in job.reason
        sqlite.must_be_whole(before)
        (disk / "filler").unlink()
        assert sqlite.run().status == "done"
        sqlite.must_be_whole(before)


def test_a_full_disk_of_a_postgresql_target_fails_the_job(postgresql, hooks):
    postgresql.visits(due=3000)
    postgresql.ready()
    before = postgresql.keys()

    def full(_remover):
        postgresql.database.run(
            "CREATE FUNCTION filled() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$",
            "CREATE TRIGGER filled BEFORE INSERT ON retention_marker FOR EACH ROW EXECUTE FUNCTION filled()",
        )

    hooks.before("begin", full, nth=3)
    job = postgresql.job()
    assert job.status is JobStatus.FAILED
    assert "disk is full" in job.reason
    assert (job.set_aside, postgresql.aside()) == (0, [])
    postgresql.must_be_whole(before)
    postgresql.database.run("DROP TRIGGER filled ON retention_marker")
    assert postgresql.run().status == "done"
    postgresql.must_be_whole(before)


@pytest.mark.parametrize("way", ["small disk", pytest.param("limited files", marks=pytest.mark.heavy)])
def test_a_full_disk_of_the_state_store_ends_the_run_and_the_next_one_completes(shop, way):
    shop.visits(due=30_000)
    shop.ready(batch_time="20 ms")
    before = shop.keys()
    if way == "small disk":
        with small_disk(kilobytes=6 * 1024) as disk:
            shutil.copytree(shop.folder / "state", disk / "state")
            shutil.rmtree(shop.folder / "state")
            (shop.folder / "state").symlink_to(disk / "state")
            fill(disk, 300_000)
            done = shop.cli("run", "--yes")
            (disk / "filler").unlink()
            (shop.folder / "state").unlink()
            shutil.copytree(disk / "state", shop.folder / "state")
    else:
        files = [shop.state_path, getattr(shop.database, "path", shop.state_path)]
        size = max(path.stat().st_size for path in files) + 200_000
        done = shop.cli(
            "run", "--yes", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        )
    assert done.returncode == 5, (done.stdout, done.stderr)
    said = done.stdout + done.stderr
    assert "state" in said
    assert "full" in said or "No space left" in said
    assert "Traceback" not in said
    assert len(shop.unresolved()) <= 1
    assert shop.left() > 0
    assert shop.run().status == "done"
    assert shop.unresolved() == []
    shop.must_be_whole(before)


def test_a_state_store_that_fails_at_the_jobs_end_loses_no_numbers(shop, hooks, monkeypatch):
    """The job's own numbers were thrown away when its end could not be written."""
    shop.visits(due=300)
    shop.ready()
    before = shop.keys()

    def full(*_, **__):
        raise UnreachableError("the state store cannot grow: its disk is full")

    monkeypatch.setattr("retention.store.runs.Jobs.end", full)
    job = shop.job()
    assert (job.status, job.done) == (JobStatus.FAILED, 300)
    assert "disk is full" in job.reason
    shop.must_be_whole(before)


# -- silent, restarted ---------------------------------------------------------------------


def test_a_database_that_does_not_answer_is_named(postgresql):
    postgresql.visits(due=3)
    postgresql.ready()
    path = postgresql.folder / "connectors" / "shop.toml"
    path.write_text(path.read_text().replace(":5432/", ":59999/"))
    done = postgresql.cli("run", "--yes")
    assert done.returncode == 5
    assert "`shop`" in done.stderr
    assert "can't be reached" in done.stderr
    assert "refused" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.one_in(3)
@pytest.mark.parametrize("table", ["visits", "orders"])
@pytest.mark.parametrize("step", ["window", "begin", "take", "mark", "commit"])
def test_a_server_that_restarts_fails_the_job_and_the_next_run_completes(postgresql, hooks, table, step):
    """(On the way by pages the driver's own error came out bare, and ended the whole run.)"""
    getattr(postgresql, table)(due=1500)
    postgresql.ready()
    before = postgresql.keys()
    hooks.before(step, lambda _: postgresql.database.end_sessions(), nth=2)
    outcome = postgresql.run()
    [job] = outcome.jobs
    assert job.status is JobStatus.FAILED
    assert "connection" in job.reason
    assert outcome.status == "failed"
    assert job.done + job.left == 1500
    assert len(postgresql.unresolved()) == (1 if step == "commit" else 0)
    again = postgresql.run()
    assert again.status == "done"
    postgresql.must_be_whole(before)


@pytest.mark.parametrize("step", ["take", "commit"])
def test_a_mariadb_that_restarts_fails_the_job_and_the_next_run_completes(mariadb, hooks, step):
    mariadb.orders(due=300)
    mariadb.ready()
    before = mariadb.keys()
    hooks.before(step, lambda _: mariadb.database.end_sessions(), nth=2)
    outcome = mariadb.run()
    [job] = outcome.jobs
    assert (outcome.status, job.status) == ("failed", JobStatus.FAILED)
    assert "connection" in job.reason
    assert (job.set_aside, job.done + job.left) == (0, 300)
    assert len(mariadb.unresolved()) == (1 if step == "commit" else 0)
    assert mariadb.run().status == "done"
    mariadb.must_be_whole(before)


def test_a_mariadb_that_does_not_answer_is_named(mariadb):
    mariadb.visits(due=3)
    mariadb.ready()
    path = mariadb.folder / "connectors" / "shop.toml"
    path.write_text(re.sub(r"(127\.0\.0\.1):\d+/", r"\1:1/", path.read_text()))
    done = mariadb.cli("run", "--yes")
    assert done.returncode == 5
    assert "`shop` can't be reached" in done.stderr
    assert "Traceback" not in done.stderr
    assert [data["status"] for _, data in mariadb.events("run.ended")] == ["failed"]
    assert mariadb.left() == 3


def test_markers_that_cannot_be_folded_do_not_hide_the_outcome(shop, monkeypatch):
    """The run had ended well, and its answer was the error of the housekeeping behind it."""
    shop.visits(due=30)
    shop.ready()
    monkeypatch.setattr("retention.connectors.sql.target.replace_markers", raising(UnreachableError("gone")))
    monkeypatch.setattr(
        "retention.connectors.sql.target.SqlTarget.fold",
        lambda *_: raising(UnreachableError("gone"))(None),
    )
    outcome = shop.run()
    assert outcome.status == "done"
    assert any("not folded" in note for note in outcome.notes)


# -- sessions ------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["visits", "orders"])
def test_sessions_are_set_whatever_the_role_and_the_database_say(postgresql, hooks, table):
    getattr(postgresql, table)(due=30)
    postgresql.ready()
    name = postgresql.database.name
    for setting in (
        "synchronous_commit = off",
        "timezone = 'Asia/Tokyo'",
        "lock_timeout = 0",
        "statement_timeout = 0",
    ):
        postgresql.database.run(f"ALTER DATABASE {name} SET {setting}")
    seen = []

    def look(remover):
        names = ["synchronous_commit", "timezone", "lock_timeout", "statement_timeout", "row_security"]
        names.append("idle_in_transaction_session_timeout")
        row = remover._connection.exec_driver_sql(
            "SELECT "
            + ", ".join(f"current_setting('{n}')" for n in names)
            + ", current_setting('transaction_isolation')"
        ).one()
        seen.append(dict(zip([*names, "isolation"], row, strict=True)))

    hooks.before("commit", look)
    postgresql.run()
    assert seen[0].pop("lock_timeout") in (
        "100ms",
        "2s",
    )  # it hopes that nobody holds a row, or waits for who does
    assert seen[0] == {
        "synchronous_commit": "on",
        "timezone": "UTC",
        "statement_timeout": "1min",
        "row_security": "off",
        "idle_in_transaction_session_timeout": "1min",
        "isolation": "read committed",
    }


def test_a_search_does_not_wait_for_a_lock_for_ever(postgresql, hooks):
    postgresql.visits(due=30)
    postgresql.ready()
    seen = []
    begin = "SELECT current_setting('lock_timeout')"

    def look(remover):
        with remover._reading():
            seen.append(remover._connection.exec_driver_sql(begin).scalar_one())

    hooks.before("window", look, nth=1)
    postgresql.run()
    assert seen == ["2s"]


@contextmanager
def acting_as_a_plain_role(shop):
    """The engine comes as a role that row security applies to."""
    role = f"{shop.database.name}_role"
    shop.database.run(f"CREATE ROLE {role} LOGIN")
    try:
        shop.database.run(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
        path = shop.folder / "connectors" / "shop.toml"
        path.write_text(path.read_text().replace("postgres@", f"{role}@"))
        yield
    finally:
        shop.database.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


HIDING = ("ALTER TABLE visits ENABLE ROW LEVEL SECURITY", "CREATE POLICY few ON visits USING (id > 10)")


def test_rows_that_a_policy_hides_are_an_error_not_a_smaller_plan(postgresql):
    postgresql.visits(due=30)
    postgresql.ready()
    postgresql.database.run(*HIDING)
    with acting_as_a_plain_role(postgresql):
        with pytest.raises(SetupError, match="row-level security"):
            postgresql.run()
        assert postgresql.left() == 30


def test_a_policy_that_comes_during_the_run_hides_nothing(postgresql, hooks):
    postgresql.visits(due=1500)
    postgresql.ready()
    hooks.before("begin", lambda _: postgresql.database.run(*HIDING), nth=2)
    with acting_as_a_plain_role(postgresql):
        job = postgresql.job()
        assert job.status is JobStatus.FAILED
        assert "row-level security" in job.reason
        assert (job.set_aside, postgresql.aside()) == (0, [])


# -- a canary ------------------------------------------------------------------------------


def test_a_canary_in_the_data_turns_up_nowhere(shop, hooks, monkeypatch):
    """Keys, columns, parts: in no line of the ledger, no mirror, no log, no error, no plan."""
    date = shop.database.date
    shop.datasets = ("orders",)
    shop.database.run(
        f"CREATE TABLE orders (id text PRIMARY KEY, booked {date}, note text)",
        "CREATE TABLE order_lines (id text PRIMARY KEY, order_id text NOT NULL REFERENCES orders (id), what text)",
        "CREATE INDEX order_lines_order ON order_lines (order_id)",
        f"INSERT INTO orders SELECT '{CANARY}-' || n, '2015-03-01', '{CANARY}' FROM {shop.database.series(1, 300)}",
        f"INSERT INTO order_lines SELECT '{CANARY}-' || n, '{CANARY}-' || n, '{CANARY}'"
        f" FROM {shop.database.series(1, 300)}",
    )
    shop.ready(approval="changes")
    said = [shop.cli("plan", "--format", "json"), shop.cli("plan"), shop.cli("run", "--yes")]
    made = shop.plan()
    shop.approve(made.id)
    objects = {
        "sqlite": ("CREATE TRIGGER objects BEFORE DELETE ON orders WHEN OLD.id LIKE '%-17'"
                   " BEGIN SELECT RAISE(ABORT, 'canary-7f3a91 objects'); END",),
        "postgresql": (
            "CREATE FUNCTION objects() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE 'no: %', OLD.id USING ERRCODE = '23503'; END $$",
            "CREATE TRIGGER objects BEFORE DELETE ON orders FOR EACH ROW WHEN (OLD.id LIKE '%-17')"
            " EXECUTE FUNCTION objects()",
        ),
        "mariadb": (
            "CREATE TRIGGER objects BEFORE DELETE ON orders FOR EACH ROW IF OLD.id LIKE '%-17' THEN"
            " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'canary-7f3a91 objects'; END IF",
        ),
    }[shop.database.kind]  # fmt: skip
    hooks.before("window", lambda _: shop.database.run(*objects), nth=1)
    outcome = shop.run(plan_id=made.id)
    assert (outcome.jobs[0].done, outcome.jobs[0].set_aside) == (299, 1)
    on = " ON orders" if shop.database.kind == "postgresql" else ""
    shop.database.run(f"DROP TRIGGER objects{on}")
    monkeypatch.undo()
    said += [shop.cli("run", "--yes", "--format", "json"), shop.cli("status"), shop.cli("audit", "log")]
    texts = [text for each in said for text in (each.stdout, each.stderr)]
    texts += [json.dumps(shop.events()), str(outcome), str(made)]
    texts += [path.read_text() for path in shop.mirror.rglob("*") if path.is_file()]
    with shop.state() as state, state.read() as snapshot:
        texts += [row.body for row in snapshot.plans.newest()] + [row.body for row in snapshot.runs.newest()]
    assert len(texts) > 15
    assert not [text for text in texts if CANARY in text]
    # What is left of it is nothing: the cursor and the list of what was set aside were cleaned.
    assert CANARY.encode() not in shop.state_path.read_bytes()


def test_a_mirror_that_cannot_be_written_does_not_hide_what_a_run_did(sqlite, hooks):
    """The run's outcome was lost behind the error, and with it what was deleted."""
    sqlite.visits(due=20)
    sqlite.ready()
    lines = sqlite.mirror / "ledger.jsonl"

    def in_the_way(_remover=None):
        lines.rename(sqlite.mirror / "aside")
        lines.mkdir()

    hooks.before("begin", in_the_way, nth=1)
    outcome = sqlite.run()
    assert (outcome.status, outcome.jobs[0].done) == ("done", 20)
    assert any("mirror cannot be written" in note for note in outcome.notes)
    with pytest.raises(UnreachableError, match="mirror cannot be written"):
        sqlite.run()
    lines.rmdir()
    (sqlite.mirror / "aside").rename(lines)
    sqlite.run()
    sqlite.verify()
