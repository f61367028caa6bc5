"""A leaf table is emptied in ranges though people told something: the database tells apart what their words concern."""

from __future__ import annotations

from functools import partial

import pytest

from retention.connectors.sql import alike, days
from retention.connectors.sql.batches.pages import PageRemover
from retention.connectors.sql.batches.removal import KeyRemover
from retention.connectors.sql.batches.spans import SpanRemover
from retention.engine.pace import Pace
from retention.verbs import execution
from tests.integration.test_told_events import tell
from tests.integration.test_told_fates import fates, hold
from tests.support.workplace import Workplace

EVENTS = '[events.erasure_requested]\nby = ["email"]\n[identifiers]\nemail = ["trim", "lower"]\n'
MANY = 60
OLD, NEW = "2020-01-01 00:00:00", "2026-11-01 00:00:00"
HELD = {2: "anna@example.com", 3: "  ANNA@Example.com ", 4: "åse@example.com", 5: "ÅSE@example.com"}
TOLD = {MANY + 1: "bob@example.com", MANY + 2: "Bob@example.com"}
"""Held visits are old, so that they would go; those that a request is about are new, so that nothing else ends them."""


@pytest.fixture
def in_ranges(monkeypatch) -> list[str]:
    """The datasets whose batches were taken in ranges, with people's words told apart."""
    taken: list[str] = []
    for kind, what in ((PageRemover, "pages"), (SpanRemover, "span")):

        def take(self, window, most, *, wait=False, original=kind.take, what=what):
            taken.extend(["in ranges"] * (getattr(window, what) is not None))
            return original(self, window, most, wait=wait)

        monkeypatch.setattr(kind, "take", take)
    monkeypatch.setattr(execution, "Pace", partial(Pace, size=10))  # more are due than a batch takes
    return taken


@pytest.fixture
def visits(work, store) -> Workplace:
    rows = [(n, HELD.get(n, f"p{n}@example.com"), OLD) for n in range(1, MANY + 1)]
    rows += [(n, email, NEW) for n, email in TOLD.items()] + [(MANY + 3, "p@example.com", NEW)]
    values = ", ".join(f"({n}, '{email}', '{at}')" for n, email, at in rows)
    store.script(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, email VARCHAR(60), at TIMESTAMP NULL);"
        "CREATE INDEX visits_at ON visits (at);"
        f"INSERT INTO visits VALUES {values}; UPDATE visits SET email = NULL WHERE id = 6;"
    )
    work.connect(
        store,
        '[datasets.visits]\ndata = "visits"\ntable = "visits"\nsubject = { email = "email" }\nbegan = "at"\n'
        'events = { made = "at" }\n',
    )
    work.rules["told"] = EVENTS
    work.rule("old", 'basis = "contract"\ndata = "visits"\nkeep = "1 year"\nfrom = "made"')
    work.rule("erasure", 'data = "visits"\nupon = ["erasure_requested"]\nyields_to = ["legal claims"]')
    work.init()
    return work


def left(store) -> list[int]:
    return [row[0] for row in store.rows("SELECT id FROM visits ORDER BY id")]


def test_what_is_held_stays_and_what_was_told_goes(visits, store, in_ranges):
    hold(visits, "--subject", "email=anna@example.com")
    hold(visits, "--subject", "email=Åse@example.com")
    hold(visits, "--key", "db.visits", "9")
    tell(visits, "erasure_requested", "--subject", "email=bob@example.com", "--at", "2026-11-20")
    assert fates(visits, "old") == {"visits": {"held": 5, "due": MANY - 5, "not_due": 3}}
    assert fates(visits, "erasure")["visits"]["due"] == 2

    visits.run()

    assert in_ranges
    assert left(store) == [2, 3, 4, 5, 9, MANY + 3]


def test_a_record_that_comes_to_be_about_a_held_person_during_the_run_stays(
    visits, store, in_ranges, monkeypatch
):
    """Nobody told anything of it when the job began: what the statement that deletes it gives back says whose it is."""
    hold(visits, "--subject", "email=anna@example.com")
    original, moved = KeyRemover.begin, []

    def begin(self):
        if not moved:
            moved.append(True)
            store.script("UPDATE visits SET email = 'Anna@example.com' WHERE id IN (20, 40)")
        original(self)

    monkeypatch.setattr(KeyRemover, "begin", begin)

    (job,) = (job for job in visits.run().jobs if job.rule == "old")

    assert in_ranges
    assert left(store) == [2, 3, 20, 40, MANY + 1, MANY + 2, MANY + 3]
    assert (job.done, job.skipped.total, job.left) == (MANY - 4, 2, 0)


def test_what_was_told_of_more_days_than_a_statement_takes_goes_in_one_batch(visits, store, monkeypatch):
    for module in (alike, days):
        monkeypatch.setattr(module, "SLOTS", 1)
    tell(visits, "erasure_requested", "--subject", "email=bob@example.com", "--at", "2026-11-20")
    tell(visits, "erasure_requested", "--subject", "email=p@example.com", "--at", "2026-11-21")

    (job,) = (job for job in visits.run().jobs if job.rule == "erasure")

    assert left(store) == []
    assert (job.done, job.batches, job.left) == (3, 1, 0)
