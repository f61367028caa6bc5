"""A commit whose answer was lost, late workers, batches in another session's hands."""

import pytest

from retention.config import load
from retention.connectors.port import Lost, Marker, Refused, Transient
from retention.connectors.sql.opening import open_target
from retention.errors import SafetyRefusal
from retention.model.plan import JobStatus
from tests.support_faults.hooks import raising

LOST = Lost("the answer was lost")


@pytest.fixture(params=["visits", "orders"])
def table(request):
    return request.param


@pytest.fixture
def filled(shop, table):
    """Taken in ranges of pages on PostgreSQL, or by keys with their parts."""
    getattr(shop, table)(due=3000)
    return shop.ready()


@pytest.mark.one_in(4)
@pytest.mark.parametrize(("when", "outcome"), [("before", "aborted"), ("after", "committed")])
def test_a_commit_whose_answer_is_lost_is_unknown_until_the_next_start(
    filled, hooks, monkeypatch, when, outcome
):
    before = filled.keys()
    getattr(hooks, when)("commit", raising(LOST), nth=2)
    job = filled.job()
    assert job.status is JobStatus.FAILED
    assert "lost" in job.reason
    assert len(filled.unresolved()) == len(filled.events("batch.unknown")) == 1
    monkeypatch.undo()
    again = filled.run()
    assert again.status == "done"
    assert any(outcome in note for note in again.notes)
    assert [d["outcome"] for _, d in filled.events("batch.reconciled")] == [outcome]
    assert filled.unresolved() == []
    filled.must_be_whole(before)


def test_a_session_that_ends_at_the_commit_is_unknown(postgresql, hooks, monkeypatch):
    postgresql.visits(due=3000)
    postgresql.ready()
    before = postgresql.keys()
    hooks.before("commit", lambda _: postgresql.database.end_sessions(), nth=2)
    job = postgresql.job()
    assert job.status is JobStatus.FAILED
    assert [kind for kind, _ in postgresql.events("batch.unknown")] == ["batch.unknown"]
    monkeypatch.undo()
    assert postgresql.run().status == "done"
    assert [d["outcome"] for _, d in postgresql.events("batch.reconciled")] == ["aborted"]
    postgresql.must_be_whole(before)


def target_of(shop):
    config = load(shop.place.config, shop.place.connectors, environ=shop.environ)
    return open_target(config.connectors["shop"], shop.environ)


def test_a_late_worker_whose_batch_was_fenced_cannot_commit(filled, table, hooks):
    """It wakes up after another process has said that its batch never will be committed."""
    target = target_of(filled)

    def fenced(remover):
        number = max(row.batch for row in filled.unresolved())
        with filled.state() as state:
            remover.rollback()
            assert target.fence(state.origin, filled.unresolved()[0].run, number) == "aborted"

    seen = []

    def late(remover):
        """Does the batch once more, marker and all."""
        row = filled.unresolved()[0]
        with filled.state() as state:
            origin = state.origin
        remover.begin()
        marker = Marker(origin=origin, run=row.run, batch=row.batch, status="committed", root="", count=1)
        try:
            remover.mark(marker)
        except Refused as error:
            seen.append(error)
        remover.rollback()
        raise LOST

    def at_commit(remover):
        fenced(remover)
        late(remover)

    hooks.before("commit", at_commit, nth=1)
    assert filled.job().status is JobStatus.FAILED
    target.close()
    assert len(seen) == 1
    assert filled.left(table) == 3000


@pytest.mark.heavy
def test_a_batch_in_another_sessions_hands_stays_unknown_and_others_go_on(
    postgresql, hooks, monkeypatch, impatient
):
    postgresql.visits(due=500)
    postgresql.orders(due=500)
    postgresql.ready()
    before = postgresql.keys()
    hooks.before("commit", raising(LOST), nth=1)
    first = postgresql.run()
    assert {j.dataset: j.status for j in first.jobs}["visits"] is JobStatus.FAILED
    monkeypatch.undo()
    [row] = postgresql.unresolved()
    with postgresql.state() as state:
        origin = state.origin
    postgresql.add_orders(1001, 10)
    before = {**before, "orders": before["orders"] | set(range(1001, 1011))}
    with postgresql.database.connect() as other, other.transaction(force_rollback=True):
        other.execute(
            "INSERT INTO retention_marker VALUES (%s, %s, %s, 'committed', '', 0)",
            (origin, row.run, row.batch),
        )
        second = postgresql.run()
        assert [r.batch for r in postgresql.unresolved()] == [row.batch]
    jobs = {job.dataset: job for job in second.jobs}
    assert jobs["visits"].status is JobStatus.REFUSED
    assert "in doubt" in jobs["visits"].reason
    assert jobs["orders"].done == 10
    third = postgresql.run()
    assert {job.dataset: job.done for job in third.jobs} == {"visits": 500, "orders": 0}
    assert postgresql.unresolved() == []
    postgresql.must_be_whole(before)


def test_a_marker_in_another_sessions_hands_is_transient(postgresql, impatient):
    postgresql.visits(due=1)
    postgresql.ready()
    target = target_of(postgresql)
    with postgresql.database.connect() as other, other.transaction(force_rollback=True):
        other.execute("INSERT INTO retention_marker VALUES ('o', 'r', 1, 'committed', '', 0)")
        with pytest.raises(Transient):
            target.fence("o", "r", 1)
    assert target.fence("o", "r", 1) == "aborted"
    assert target.fence("o", "r", 1) == "aborted"
    target.close()


def test_a_marker_that_may_not_be_written_leaves_the_batch_in_doubt(postgresql, hooks, monkeypatch):
    """A missing right stopped the whole run, instead of the job whose batch it was."""
    postgresql.visits(due=200)
    postgresql.ready()
    hooks.before("commit", raising(LOST), nth=1)
    postgresql.run()
    monkeypatch.undo()
    postgresql.database.run(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$",
        "CREATE TRIGGER no BEFORE INSERT ON retention_marker FOR EACH ROW EXECUTE FUNCTION no()",
    )
    job = postgresql.job()
    assert job.status is JobStatus.REFUSED
    assert "in doubt" in job.reason
    postgresql.database.run("DROP TRIGGER no ON retention_marker")
    assert postgresql.job().done == 200


def test_what_another_process_settled_is_not_written_twice(filled, table, hooks):
    """A slow worker wrote `batch.committed` of a batch that had been reconciled meanwhile."""

    def taken_over(_remover):
        """Another process settles the first batch while its worker is between two batches."""
        if hooks.calls["begin"] != 2:
            return
        filled.clock.forward(minutes=2)
        with pytest.MonkeyPatch.context() as other:
            other.setattr("retention.verbs.running.execution.settle", settled)
            filled.run()

    def settled(*words, **options):
        from retention.engine.recovery import settle

        settle(*words, **options)
        raise SafetyRefusal("enough")

    before = filled.keys()
    hooks.before("begin", taken_over)
    job = filled.job()
    assert job.status in (JobStatus.PARTIAL, JobStatus.REFUSED, JobStatus.DONE)
    assert len(filled.events("batch.reconciled")) == 1
    filled.must_be_whole(before)
