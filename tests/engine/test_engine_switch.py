"""The kill switch: what it stops, how soon, and that it outlives a state store that is away."""

import json

import pytest

from retention.errors import SafetyRefusal, UnreachableError
from retention.model.plan import JobStatus
from retention.verbs import switch


def stop(shop, **options):
    options = {"reason": "wrong rows", "by": "ida", "patience": 0.0, **options}
    return switch.stop(shop.place, clock=shop.clock, **options)


def resume(shop):
    return switch.resume(shop.place, by="ida", clock=shop.clock)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("step", ["window", "begin", "take", "mark"])
def test_no_batch_commits_once_everything_is_stopped(shop, hooks, step):
    """Whatever the run is at: the intent of the next batch is refused."""
    shop.visits(due=3000)
    shop.ready()
    before = shop.keys()
    intents = []

    def stopped(_remover):
        stop(shop)
        intents.append(len(shop.events("batch.intent")))

    hooks.before(step, stopped, nth=2)
    job = shop.job()
    assert job.status is JobStatus.PARTIAL
    assert "everything was stopped by ida" in job.reason
    assert len(shop.events("batch.intent")) == intents[0] == 1
    assert 0 < job.done < 3000
    shop.must_be_whole(before)
    with pytest.raises(SafetyRefusal, match="retention resume"):
        shop.run()
    resume(shop)
    assert shop.job().done == 3000 - job.done


def test_the_switch_is_looked_at_twice_a_second_while_nothing_else_asks(sqlite):
    sqlite.visits(due=3)
    sqlite.ready()
    seconds = 0.0
    with sqlite.state() as state:
        watch = switch.Watch(state=state, folder=sqlite.folder, timer=lambda: seconds)
        watch.refuse()
        stop(sqlite)
        seconds = 0.4
        watch.refuse()
        seconds = 0.6
        with pytest.raises(SafetyRefusal):
            watch.refuse()
        resume(sqlite)
        watch.look()


def test_jobs_that_have_not_begun_are_refused(sqlite, hooks):
    sqlite.visits(due=300)
    sqlite.orders(due=300)
    sqlite.ready()
    hooks.before("take", lambda _: stop(sqlite), nth=2)
    outcome = sqlite.run()
    assert [job.status for job in outcome.jobs] == [JobStatus.PARTIAL, JobStatus.REFUSED]
    assert outcome.status in ("refused", "partial")


def test_stop_and_resume_are_in_the_ledger_without_their_words(sqlite):
    sqlite.visits(due=3)
    sqlite.ready()
    assert stop(sqlite, reason="Kari's rows", ref="CASE-12").new
    again = stop(sqlite, by="ola", reason="me too")
    assert (again.new, again.stop.by, again.stop.reason) == (False, "ida", "Kari's rows")
    assert [each.reason for each in resume(sqlite).over] == ["Kari's rows"]
    assert resume(sqlite).over == ()
    (stopped, told), (resumed, ended) = sqlite.events("engine.stopped", "engine.resumed")
    assert (stopped, told["by"], told["ref"]) == ("engine.stopped", "ida", "CASE-12")
    assert (resumed, ended) == ("engine.resumed", {"by": "ida", "ref": "CASE-12"})
    assert "Kari" not in json.dumps([told, ended])
    sqlite.verify()


def test_a_file_stops_a_run_that_is_under_way(sqlite, hooks, monkeypatch):
    sqlite.visits(due=3000)
    sqlite.ready()
    monkeypatch.setattr(switch, "_LOOKS", 0.0)  # half a second goes by between two batches
    file = sqlite.folder / "retention.stop"
    hooks.after("commit", lambda _: file.write_text("wrong rows\n"), nth=2)
    job = sqlite.job()
    assert job.status is JobStatus.PARTIAL
    assert str(file) in job.reason
    assert resume(sqlite).over[0].reason == "wrong rows"
    assert not file.exists()
    assert sqlite.job().left == 0


def test_where_the_state_store_is_away_a_file_is_written(sqlite):
    sqlite.visits(due=30)
    sqlite.ready()
    away = sqlite.state_path.rename(sqlite.state_path.with_suffix(".away"))
    done = stop(sqlite)
    file = sqlite.folder / "retention.stop"
    assert done.away is not None
    assert done.stop.file == str(file)
    assert file.read_text() == "wrong rows\n"
    away.rename(sqlite.state_path)
    with pytest.raises(SafetyRefusal, match="retention resume"):
        sqlite.run()


def test_where_the_configuration_is_broken_too(sqlite):
    sqlite.visits(due=30)
    sqlite.ready()
    (sqlite.folder / "policies.toml").write_text("nonsense")
    assert stop(sqlite).away is not None
    assert (sqlite.folder / "retention.stop").exists()


def test_that_nothing_could_be_stopped_is_said(sqlite):
    sqlite.visits(due=30)
    sqlite.ready()
    sqlite.state_path.unlink()
    (sqlite.folder / "retention.stop").mkdir()
    with pytest.raises(UnreachableError, match="nothing is stopped"):
        stop(sqlite)
