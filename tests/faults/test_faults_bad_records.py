"""Records that the database would not delete: found, set aside with a reason, tried again."""

import pytest

from retention.model.plan import JobStatus


class Objection:
    """The database objects to deleting some of a table's rows, from within a run on."""

    def __init__(self, shop, table, where):
        self.shop, self.table, self.where = shop, table, where

    def __call__(self, _remover=None):
        on = f"BEFORE DELETE ON {self.table} FOR EACH ROW WHEN ({self.where})"
        if self.shop.database.kind == "sqlite":
            self.shop.database.run(f"CREATE TRIGGER objects {on} BEGIN SELECT RAISE(ABORT, 'canary'); END")
        elif self.shop.database.kind == "mariadb":
            self.shop.database.run(
                f"CREATE TRIGGER objects BEFORE DELETE ON {self.table} FOR EACH ROW IF {self.where}"
                " THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'canary'; END IF"
            )
        else:
            self.shop.database.run(
                "CREATE OR REPLACE FUNCTION objects() RETURNS trigger LANGUAGE plpgsql"
                " AS $$ BEGIN RAISE 'canary %', OLD.id; END $$",
                f"CREATE TRIGGER objects {on} EXECUTE FUNCTION objects()",
            )

    def gone(self):
        on = f" ON {self.table}" if self.shop.database.kind == "postgresql" else ""
        self.shop.database.run(f"DROP TRIGGER objects{on}")


@pytest.fixture(params=["visits", "orders"])
def table(request):
    return request.param


@pytest.fixture
def filled(shop, table):
    getattr(shop, table)(due=1200)
    return shop.ready()


def test_the_one_bad_record_is_set_aside_the_rest_goes_and_it_is_forgotten_once_it_went(
    filled, table, hooks, monkeypatch
):
    before = filled.keys()
    objection = Objection(filled, table, "OLD.id = 612")
    hooks.before("window", objection, nth=1)
    outcome = filled.run()
    [job] = outcome.jobs
    assert (job.status, job.done, job.set_aside, job.left) == (JobStatus.PARTIAL, 1199, 1, 0)
    assert "1 set aside (shop.visits" in job.reason or "1 set aside (shop.orders" in job.reason
    assert "the database refused" in job.reason
    assert filled.left(table) == 1
    assert filled.aside() == ["612"]
    with filled.state() as state, state.read() as snapshot:
        [row] = snapshot.set_aside.of("shop", table)
    assert "refused" in row.reason
    assert "canary" not in row.reason
    if table == "orders":
        assert filled.count("order_lines", "order_id = 612") == 2
    objection.gone()
    monkeypatch.undo()
    assert filled.job().done == 1
    assert filled.aside() == []
    filled.must_be_whole(before)


def test_a_record_set_aside_is_not_forgotten_by_a_run_that_did_not_get_to_it(
    filled, table, hooks, monkeypatch
):
    """A canary of one record, or a stop, emptied the list of what was set aside."""
    objection = Objection(filled, table, "OLD.id = 612")
    hooks.before("window", objection, nth=1)
    filled.run()
    objection.gone()
    monkeypatch.undo()
    getattr(filled, f"add_{table}")(5000, 5, day="2014-01-01")
    assert filled.job(limit=1).done == 1
    assert filled.aside() == ["612"]
    assert filled.job(limit=100).done == 5
    assert filled.aside() == []


def test_a_record_set_aside_that_is_not_due_any_more_is_forgotten(filled, table, hooks, monkeypatch):
    objection = Objection(filled, table, "OLD.id = 612")
    hooks.before("window", objection, nth=1)
    filled.run()
    objection.gone()
    monkeypatch.undo()
    filled.database.run(
        f"DELETE FROM {'order_lines WHERE order_id' if table == 'orders' else 'visits WHERE id'} = 612"
    )
    if table == "orders":
        filled.database.run("DELETE FROM orders WHERE id = 612")
    assert filled.run().status == "nothing"
    assert filled.aside() == []


@pytest.mark.heavy
def test_more_than_a_hundred_fail_the_job(filled, table, hooks):
    hooks.before("window", Objection(filled, table, "OLD.id % 2 = 0"), nth=1)
    job = filled.job()
    assert job.status is JobStatus.FAILED
    assert "more than 100 records" in job.reason
    assert job.done + job.skipped.total + job.set_aside + job.left == job.planned == 1200


def test_a_deferred_constraint_speaks_before_the_intent(postgresql, hooks):
    """A foreign key that came after the catalogue was read, and is checked at the commit only."""
    postgresql.visits(due=1200)
    postgresql.ready()
    before = postgresql.keys()

    def referred(_remover):
        postgresql.database.run(
            "CREATE TABLE notes (id integer PRIMARY KEY, visit_id integer"
            " REFERENCES visits (id) DEFERRABLE INITIALLY DEFERRED)",
            "INSERT INTO notes VALUES (1, 612)",
        )

    hooks.before("window", referred, nth=1)
    job = postgresql.job()
    assert (job.done, job.set_aside) == (1199, 1)
    assert postgresql.events("batch.rolled_back") == []
    postgresql.must_be_whole(before)


def test_a_deferred_constraint_of_sqlite_speaks_at_the_commit_and_the_batch_is_rolled_back(sqlite, hooks):
    """A commit that failed left SQLite's transaction open, and no batch could begin any more."""
    sqlite.visits(due=1200)
    sqlite.ready()
    before = sqlite.keys()

    def referred(_remover):
        sqlite.database.run(
            "CREATE TABLE notes (id integer PRIMARY KEY, visit_id integer"
            " REFERENCES visits (id) DEFERRABLE INITIALLY DEFERRED)",
            "INSERT INTO notes VALUES (1, 612)",
        )

    hooks.before("window", referred, nth=1)
    job = sqlite.job()
    assert (job.done, job.set_aside) == (1199, 1)
    assert sqlite.events("batch.rolled_back") != []
    sqlite.must_be_whole(before)


def test_a_rule_that_swallows_the_delete_is_seen_by_the_count(postgresql, hooks):
    postgresql.orders(due=300)
    postgresql.ready()
    before = postgresql.keys()
    swallow = "CREATE RULE swallow AS ON DELETE TO orders WHERE OLD.id = 42 DO INSTEAD NOTHING"
    hooks.before("window", lambda _: postgresql.database.run(swallow), nth=1)
    job = postgresql.job()
    assert (job.done, job.set_aside) == (299, 1)
    assert postgresql.count("order_lines", "order_id = 42") == 2
    postgresql.must_be_whole(before)


def test_a_missing_right_fails_the_job_at_once_and_blames_no_record(postgresql, hooks):
    """A hundred innocent records were set aside before the job gave up."""
    postgresql.visits(due=1200)
    postgresql.ready()
    hooks.before("window", lambda _: postgresql.database.run("ALTER TABLE visits RENAME TO went"), nth=2)
    job = postgresql.job()
    postgresql.database.run("ALTER TABLE went RENAME TO visits")
    assert job.status is JobStatus.FAILED
    assert "went" in job.reason or "visits" in job.reason
    assert (job.set_aside, postgresql.aside()) == (0, [])
