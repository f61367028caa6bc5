"""One job over a remover in memory: what is counted, what is tried again, what is written."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retention.connectors.port import Lost, Refused, Transient
from retention.engine.job import MOST_HINDRANCES, MOST_SET_ASIDE
from retention.engine.journal import HoldsChangedError
from retention.errors import SafetyRefusal, UnreachableError
from retention.model.plan import JobStatus
from tests.support_faults.removers import MemoryJournal, MemoryRemover, adds_up, job_run, some_error

RECORDS = st.sets(st.integers(0, 300), max_size=120)


@given(
    due=RECORDS, locked=RECORDS, bad=RECORDS, changed=RECORDS, size=st.integers(1, 50), more=st.integers(0, 9)
)
def test_planned_is_done_and_skipped_and_set_aside_and_left(due, locked, bad, changed, size, more):
    bad = set(sorted(bad)[:20])
    remover = MemoryRemover(due, locked=locked, bad=bad - locked, changed=changed)
    outcome = job_run(remover, len(due) + more, size=size).run()
    assert adds_up(outcome)
    assert outcome.done == len(due - locked - bad - changed)
    assert outcome.set_aside == len((due & bad) - locked - changed)
    assert outcome.skipped.locked == len((due & locked) - changed)
    assert outcome.left == 0
    assert outcome.status in (JobStatus.DONE, JobStatus.PARTIAL)


@settings(max_examples=200)
@given(
    due=RECORDS,
    locked=RECORDS,
    plan=st.integers(0, 130),
    seed=st.integers(0, 10**6),
    limit=st.none() | st.integers(1, 40),
    chance=st.sampled_from((0.0, 0.05, 0.3, 0.9)),
)
def test_whatever_the_database_answers_the_numbers_add_up(due, locked, plan, seed, limit, chance):
    dice = random.Random(seed)
    answers = {"stop": False}

    def hinder(_):
        answers["stop"] |= dice.random() < chance / 20
        return some_error(dice) if dice.random() < chance else None

    def at_commit():
        if dice.random() < chance:
            raise some_error(dice)

    journal = MemoryJournal()
    remover = MemoryRemover(due, locked=locked, hinder=hinder)
    remover.at_commit = at_commit
    outcome = job_run(
        remover, plan, journal=journal, size=17, stop=lambda: answers["stop"], limit=limit
    ).run()
    assert adds_up(outcome)
    assert outcome.done == sum(map(len, remover.commits)) <= (plan if limit is None else min(plan, limit))
    assert outcome.done == sum(n for what, _, n in journal.written if what == "committed")
    intents = {number for what, number, _ in journal.written if what == "intent"}
    settled = [number for what, number, _ in journal.written if what != "intent"]
    assert len(settled) == len(set(settled))
    assert set(settled) == intents
    for progress in journal.progress:
        assert plan == progress.done + progress.changed + progress.locked + progress.set_aside + progress.left


def test_never_more_records_than_planned():
    remover = MemoryRemover(range(100))
    outcome = job_run(remover, 30, size=7).run()
    assert outcome.done == 30
    assert len(remover.there) == 70


def test_a_canary_takes_so_many_and_says_so():
    remover = MemoryRemover(range(100))
    outcome = job_run(remover, 100, limit=5).run()
    assert (outcome.status, outcome.done, outcome.left) == (JobStatus.DONE, 5, 95)
    assert "limited to 5" in outcome.reason
    assert remover.there == set(range(5, 100))


def test_one_lock_that_is_not_released_does_not_hide_what_is_free_beside_it():
    """What others had locked was tried once more a hundred at a time; one that stayed locked counted for all."""
    remover = MemoryRemover(range(60), locked=range(60))

    def hinder(window):
        if remover.calls["wait"] == 1:
            remover.locked = {7}
        return

    remover.hinder = hinder
    outcome = job_run(remover, 60).run()
    assert (outcome.done, outcome.skipped.locked) == (59, 1)
    assert outcome.status is JobStatus.PARTIAL


def test_a_hold_that_is_placed_while_locks_are_waited_for_fails_nothing():
    """The job failed, with what the engine says to itself for a reason."""
    remover = MemoryRemover(range(10), locked={7})
    journal = ChangingJournal(change=lambda: remover.calls["wait"] == 1 and not journal.changes)

    def hinder(_window):
        if remover.calls["wait"]:
            remover.locked = set()

    remover.hinder = hinder
    run = job_run(remover, 10, journal=journal)
    run.renew = lambda: remover
    outcome = run.run()
    assert (outcome.status, outcome.done, outcome.skipped.locked) == (JobStatus.DONE, 10, 0)
    assert journal.changes == 1


def test_a_hold_that_is_placed_during_the_last_sweep_leaves_nothing_behind():
    """What its batch left alone counted as changed, though it was due, and the job as done."""
    remover = MemoryRemover(range(20))
    journal = ChangingJournal(change=lambda: len(remover.commits) == 1 and journal.changes < 2)
    run = job_run(remover, 20, journal=journal, size=10)
    run.renew = lambda: remover
    outcome = run.run()
    assert (outcome.status, outcome.done, outcome.skipped.changed) == (JobStatus.DONE, 20, 0)
    assert journal.changes == 2


class ChangingJournal(MemoryJournal):
    """Somebody places a hold whenever `change` says so."""

    def __init__(self, change):
        super().__init__()
        self.change = change
        self.changes = 0

    def intent(self, *words, **options):
        if self.change():
            self.changes += 1
            raise HoldsChangedError
        super().intent(*words, **options)


def test_more_locked_records_than_are_remembered_are_counted_all_the_same(monkeypatch):
    """What was beyond the memory for locked records counted as changed."""
    monkeypatch.setattr("retention.engine.tally._LOCKED_REMEMBERED", 10)
    outcome = job_run(MemoryRemover(range(50), locked=range(50)), 50).run()
    assert (outcome.skipped.locked, outcome.skipped.changed) == (50, 0)


def test_a_batch_that_others_hinder_is_tried_again():
    failures = iter([Transient("deadlock")])
    remover = MemoryRemover(range(10), hinder=lambda _: next(failures, None))
    run = job_run(remover, 10, size=10)
    assert run.run().done == 10
    assert run.pace.size < 10


def test_a_batch_that_others_keep_hindering_is_halved_to_the_record_that_they_hold():
    def hinder(window):
        return Transient("lock timeout") if (3,) in window.keys else None

    remover = MemoryRemover(range(64), hinder=hinder)
    outcome = job_run(remover, 64).run()
    assert (outcome.done, outcome.skipped.locked) == (63, 1)


def test_a_whole_table_that_others_hold_fails_the_job_soon():
    """Each window was halved down to single records, every one of them waiting for the same lock."""
    remover = MemoryRemover(range(5000), hinder=lambda _: Transient("lock timeout"))
    outcome = job_run(remover, 5000, size=1000).run()
    assert outcome.status is JobStatus.FAILED
    assert "lock timeout" in outcome.reason
    assert remover.calls["take"] <= 2 * (MOST_HINDRANCES + 1)
    assert adds_up(outcome)


def test_a_search_that_is_kept_waiting_is_tried_again():
    """A search that met a lock failed the job at once."""
    remover = MemoryRemover(range(10))
    window, failures = remover.window, iter([Transient("busy")] * 3)

    def searching(*words, **options):
        for error in failures:
            raise error
        return window(*words, **options)

    remover.window = searching
    assert job_run(remover, 10).run().done == 10


@pytest.mark.parametrize("what", ["begin", "window"])
def test_a_database_that_stays_busy_fails_the_job(what):
    remover = MemoryRemover(range(10))

    def busy(*_, **__):
        raise Transient("database is locked")

    setattr(remover, what, busy)
    outcome = job_run(remover, 10).run()
    assert outcome.status is JobStatus.FAILED
    assert "database is locked" in outcome.reason


def test_one_bad_record_is_set_aside_and_the_rest_goes():
    journal = MemoryJournal()
    remover = MemoryRemover(range(1000), bad={612})
    outcome = job_run(remover, 1000, journal=journal, size=1000).run()
    assert (outcome.status, outcome.done, outcome.set_aside) == (JobStatus.PARTIAL, 999, 1)
    assert journal.set_aside_keys == ['["612"]']
    assert remover.there == {612}


def test_more_bad_records_than_a_record_can_be_to_blame_for_fail_the_job():
    remover = MemoryRemover(range(1000), bad=range(1000))
    outcome = job_run(remover, 1000, size=500).run()
    assert outcome.status is JobStatus.FAILED
    assert f"more than {MOST_SET_ASIDE} records" in outcome.reason
    assert adds_up(outcome)


@pytest.mark.parametrize(
    ("error", "written", "status"),
    [
        (Lost("gone"), "unknown", JobStatus.FAILED),
        (UnreachableError("disk I/O error"), "unknown", JobStatus.FAILED),
    ],
)
def test_a_commit_without_an_answer_is_unknown(error, written, status):
    """An I/O error at the commit was written down as rolled back, which nobody could know."""
    journal = MemoryJournal()
    remover = MemoryRemover(range(10))

    def at_commit():
        raise error

    remover.at_commit = at_commit
    outcome = job_run(remover, 10, journal=journal).run()
    assert outcome.status is status
    assert [what for what, *_ in journal.written] == ["intent", written]
    assert (outcome.done, outcome.batches, outcome.rolled_back, outcome.unknown) == (0, 0, 0, 1)


def test_a_commit_that_the_database_refused_is_rolled_back():
    journal, refusals = MemoryJournal(), iter([Refused("deferred constraint")])
    remover = MemoryRemover(range(10))

    def at_commit():
        for error in refusals:
            raise error

    remover.at_commit = at_commit
    outcome = job_run(remover, 10, journal=journal).run()
    assert journal.written[1][0] == "rolled_back"
    assert (outcome.done, outcome.batches, outcome.rolled_back, outcome.unknown) == (10, 2, 1, 0)


def test_a_second_interrupt_during_the_commit_leaves_an_unknown_batch_not_a_rolled_back_one():
    """The interrupt was taken for a refusal of the database: the ledger said rolled back of a committed batch."""
    journal = MemoryJournal()
    remover = MemoryRemover(range(10))

    def at_commit():
        raise KeyboardInterrupt

    remover.at_commit = at_commit
    with pytest.raises(KeyboardInterrupt):
        job_run(remover, 10, journal=journal).run()
    assert [what for what, *_ in journal.written] == ["intent", "unknown"]


def test_a_stop_ends_the_job_after_a_whole_batch():
    remover = MemoryRemover(range(100))
    outcome = job_run(remover, 100, size=10, stop=lambda: len(remover.commits) >= 3).run()
    assert outcome.status is JobStatus.STOPPED
    assert outcome.done == sum(map(len, remover.commits)) > 0
    assert outcome.left == 100 - outcome.done


@pytest.mark.parametrize(("before", "status"), [(0, JobStatus.REFUSED), (2, JobStatus.PARTIAL)])
def test_a_job_that_is_taken_over_is_refused_or_partial(before, status):
    journal = MemoryJournal()
    intent = journal.intent

    def guarded(*words, **options):
        if len(journal.written) >= 2 * before:
            raise SafetyRefusal("the lease is lost")
        intent(*words, **options)

    journal.intent = guarded
    outcome = job_run(MemoryRemover(range(100)), 100, journal=journal, size=10).run()
    assert outcome.status is status
    assert adds_up(outcome)


@settings(max_examples=60, deadline=None)
@given(
    due=st.sets(st.integers(0, 300), min_size=1),
    locked=st.sets(st.integers(0, 300), max_size=5),
    bad=st.sets(st.integers(0, 300), max_size=5),
    changed=st.sets(st.integers(0, 300), max_size=20),
    workers=st.integers(2, 4),
    size=st.integers(1, 60),
    less=st.integers(0, 20),
)
def test_several_workers_leave_what_one_leaves(due, locked, bad, changed, workers, size, less):
    planned = max(1, len(due - changed) - less)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("retention.engine.workers.LEAST", 0)
        first = MemoryRemover(due, locked=locked, bad=bad, changed=changed)
        helpers = [job_run(first.beside(), planned, size=size) for _ in range(workers - 1)]
        several = job_run(first, planned, size=size, helpers=helpers).run()
        alone = MemoryRemover(due, locked=locked, bad=bad, changed=changed)
        one = job_run(alone, planned, size=size).run()
    assert adds_up(several)
    assert (several.done, several.status) == (one.done, one.status)
    assert len(first.there) == len(alone.there)
    if not less:
        assert first.there == alone.there
        assert (several.set_aside, several.skipped, several.left) == (one.set_aside, one.skipped, one.left)


def test_a_cursor_of_ranges_is_gone_on_from_by_fewer_workers():
    """The ranges that a killed run left come first, then the sweep from the beginning."""
    remover = MemoryRemover(set(range(1000)))
    start = {"by": "ranges", "ranges": [[{"at": 99}, {"at": 199}], [{"at": 800}, None]]}
    job = job_run(remover, 900)
    job.start = start
    seen = []
    remover.hinder = lambda window: seen.append(window.keys[0][0])
    assert job.run().done == 900
    assert seen[:2] == [100, 801]
    assert remover.there == set(range(701, 801))


class Keeping(MemoryRemover):
    """Among its candidates are `kept` ones, which a look without locks tells from the others."""

    def __init__(self, due, *, kept):
        super().__init__({*due, *kept})
        self.kept = set(kept)

    def screened(self, window):
        self.calls["screened"] += 1
        return replace(window, keys=tuple(key for key in window.keys if key[0] not in self.kept))

    def take(self, window, most, *, wait=False):
        there, self.there = self.there, self.there - self.kept
        try:
            return super().take(window, most, wait=wait)
        finally:
            self.there = there


@pytest.mark.parametrize("due", [{999}, {0, 500, 999}, {7, 8, 9, 10}])
def test_the_last_records_are_not_looked_for_in_a_batch_a_candidate(due):
    """One record was due among two thousand that another rule keeps: two thousand transactions were begun for it."""
    remover = Keeping(due, kept=set(range(1000)) - due)
    outcome = job_run(remover, len(due), size=100).run()
    assert adds_up(outcome)
    assert outcome.done == len(due)
    assert sorted(key for keys in remover.commits for key in keys) == sorted(due)
    assert remover.calls["begin"] <= len(due)
    assert remover.calls["screened"] <= 10


def test_candidates_are_not_screened_while_all_of_them_may_go():
    remover = Keeping(set(range(300)), kept=set())
    assert job_run(remover, 300, size=100).run().done == 300
    assert remover.calls["screened"] == 0
