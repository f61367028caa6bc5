"""Records to which others refer, emptied though people told something: who is asked whom they are about."""

from __future__ import annotations

from functools import partial

import pytest

from retention.connectors.sql.batches.removal import KeyRemover
from retention.connectors.sql.listing import Listing
from retention.connectors.sql.untold import Untold
from retention.engine.pace import Pace
from retention.verbs.running import working
from tests.integration.test_told_events import tell
from tests.integration.test_told_fates import fates, hold
from tests.support.workplace import Workplace

EVENTS = '[events.erasure_requested]\nby = ["email"]\n[identifiers]\nemail = ["trim", "lower"]\n'
MANY = 40
OLD, NEW = "2020-01-01 00:00:00", "2026-11-01 00:00:00"
HELD, CALLED, TOLD, TOLD_AND_CALLED = {2, 3}, {5, 6}, {MANY + 1, MANY + 2}, MANY + 3
"""Visits 1 to `MANY` are old, and go by their age; a request is about new ones. Calls keep what they refer to."""


@pytest.fixture
def asked(monkeypatch) -> list[int]:
    """The records of which batches asked, under their locks, whom they are about."""
    found: list[int] = []

    def ask(self, keys, original=Listing.ask):
        found.extend(key for (key,) in keys)
        original(self, keys)

    monkeypatch.setattr(Listing, "ask", ask)
    monkeypatch.setattr(working, "Pace", partial(Pace, size=10))  # more are due than a batch takes
    return found


@pytest.fixture
def visits(work, store) -> Workplace:
    people = {
        **dict.fromkeys(HELD, " Anna@example.com"),
        **dict.fromkeys({*TOLD, TOLD_AND_CALLED}, "BOB@example.com"),
    }
    rows = [(n, people.get(n, f"p{n}@example.com"), OLD if n <= MANY else NEW) for n in range(1, MANY + 5)]
    values = ", ".join(f"({n}, '{email}', '{at}')" for n, email, at in rows)
    calls = ", ".join(f"({n}, {n}, '{NEW}')" for n in (*CALLED, TOLD_AND_CALLED))
    store.script(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, email VARCHAR(60), at TIMESTAMP NULL);"
        "CREATE TABLE calls (id INTEGER PRIMARY KEY, visit_id INTEGER REFERENCES visits (id), at TIMESTAMP NULL);"
        "CREATE INDEX calls_visit ON calls (visit_id);"
        f"INSERT INTO visits VALUES {values}; INSERT INTO calls VALUES {calls};"
    )
    work.connect(
        store,
        '[datasets.visits]\ndata = "visits"\ntable = "visits"\nsubject = { email = "email" }\nbegan = "at"\n'
        'events = { made = "at" }\n[datasets.calls]\ndata = "calls"\ntable = "calls"\nevents = { made = "at" }\n',
    )
    work.rules["told"] = EVENTS
    work.rule("calls", 'data = "calls"\nkeep = "1 year"\nfrom = "made"')
    work.rule("old", 'basis = "contract"\ndata = "visits"\nkeep = "1 year"\nfrom = "made"')
    work.rule("erasure", 'data = "visits"\nupon = ["erasure_requested"]\nyields_to = ["legal claims"]')
    work.init()
    hold(work, "--subject", "email=anna@example.com")
    tell(work, "erasure_requested", "--subject", "email=bob@example.com", "--at", "2026-11-20")
    return work


def left(store) -> set[int]:
    return {row[0] for row in store.rows("SELECT id FROM visits")}


def test_what_is_held_or_referred_to_stays_and_what_was_told_goes(visits, store, asked):
    counts = {"held": 2, "referenced": 2, "due": MANY - 4, "not_due": 4}
    assert fates(visits, "old")["visits"] == counts

    done = {job.rule: job.done for job in visits.run().jobs}

    assert done == {"calls": 0, "old": MANY - 4, "erasure": 2}
    assert left(store) == {*HELD, *CALLED, TOLD_AND_CALLED, MANY + 4}


def test_only_told_records_that_are_due_are_asked_about_and_once(visits, asked):
    """Each job took all of them, though another was to delete them, and asked of everybody who he is."""
    visits.run()
    assert sorted(asked) == sorted(TOLD)


@pytest.mark.parametrize("first", [True, False])
def test_a_record_that_comes_to_be_about_a_held_person_during_the_run_stays(
    visits, store, asked, monkeypatch, first
):
    """Nobody told anything of it when the job began. `first`: of the first batch; or of one after records were gone."""
    original, begun = KeyRemover.begin, []

    def begin(self):
        begun.append(True)
        if len(begun) == (1 if first else 2):
            store.script("UPDATE visits SET email = 'ANNA@example.com' WHERE id IN (20, 38)")
        original(self)

    monkeypatch.setattr(KeyRemover, "begin", begin)

    (job,) = (job for job in visits.run().jobs if job.rule == "old")

    assert {38, *HELD, *CALLED} <= left(store)
    assert job.done + job.skipped.total == MANY - 4
    assert job.skipped.total == len(left(store) & {20, 38})
    assert first <= (20 in left(store))
    assert 38 in asked


def test_where_the_record_does_not_say_itself_whom_it_is_about_every_batch_asks(
    visits, store, asked, monkeypatch
):
    """As where an identifier lies in a related row."""
    original = Untold.__init__

    def made(self, *given):
        original(self, *given)
        self.told_apart = False

    monkeypatch.setattr(Untold, "__init__", made)
    visits.run()
    assert left(store) == {*HELD, *CALLED, TOLD_AND_CALLED, MANY + 4}
    assert len(asked) > MANY - 8
