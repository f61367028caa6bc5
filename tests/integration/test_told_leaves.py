"""A leaf table is emptied in ranges though people told something: the database tells apart what their words concern."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
import sqlalchemy as sa

from retention.connectors.sql import alike, days
from retention.connectors.sql.batches.pages import PageRemover
from retention.connectors.sql.batches.removal import KeyRemover
from retention.connectors.sql.batches.spans import SpanRemover
from retention.connectors.sql.batches.windows import KeyWindows
from retention.connectors.sql.listing import Listing
from retention.connectors.sql.postgresql import pages as places
from retention.connectors.sql.untold import Untold
from retention.engine.pace import Pace
from retention.verbs.running import working
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
    monkeypatch.setattr(working, "Pace", partial(Pace, size=10))  # more are due than a batch takes
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


@pytest.fixture
def asked(monkeypatch) -> list[tuple]:
    """The records of which batches asked, under their locks, whom they are about now."""
    found: list[tuple] = []

    def ask(self, keys, original=Listing.ask):
        found.extend(keys)
        original(self, keys)

    monkeypatch.setattr(Listing, "ask", ask)
    return found


def first_of_all(monkeypatch, store, change: str) -> None:
    """Somebody changes records when everything is known of them and the first batch begins."""
    original, changed = KeyRemover.begin, []

    def begin(self):
        if not changed:
            changed.append(True)
            store.script(change)
        original(self)

    monkeypatch.setattr(KeyRemover, "begin", begin)


@contextmanager
def locking(store, statement: str) -> Iterator[sa.Connection]:
    """Another session that has executed `statement` and is not done yet."""
    driver = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql"}[store.kind]
    engine = sa.create_engine(sa.make_url(store.url).set(drivername=driver), poolclass=sa.NullPool)
    with engine.connect() as other:
        other.exec_driver_sql(statement)
        yield other


def test_told_records_that_are_as_they_were_are_not_asked_about_again(visits, store, asked):
    tell(visits, "erasure_requested", "--subject", "email=bob@example.com", "--at", "2026-11-20")
    visits.run()
    assert left(store) == [MANY + 3]
    assert store.kind == "sqlite" or not {(n,) for n in TOLD}.intersection(asked)


@pytest.mark.parametrize(
    ("change", "stays"),
    [
        ("UPDATE visits SET email = 'p@example.com' WHERE id = 61", 61),  # another's now
        ("UPDATE visits SET email = 'anna@example.com' WHERE id = 62", 62),  # a held person's
        ("UPDATE visits SET at = '2026-11-21 00:00:00' WHERE id = 61", 61),  # began after what was told
        ("UPDATE visits SET email = NULL WHERE id = 62", 62),  # nobody's
    ],
)
def test_a_told_record_that_says_something_else_during_the_run_stays(
    visits, store, monkeypatch, asked, change, stays
):
    hold(visits, "--subject", "email=anna@example.com")
    tell(visits, "erasure_requested", "--subject", "email=bob@example.com", "--at", "2026-11-20")
    first_of_all(monkeypatch, store, change)

    (job,) = (job for job in visits.run().jobs if job.rule == "erasure")

    assert left(store) == [2, 3, stays, MANY + 3]
    assert (job.done, job.skipped.total, job.left) == (1, 1, 0)
    assert (stays,) in asked


@pytest.mark.parametrize("store", ["postgresql", "mariadb"], indirect=True)
def test_a_told_record_that_is_locked_is_left_and_the_others_go(visits, store):
    tell(visits, "erasure_requested", "--subject", "email=bob@example.com", "--at", "2026-11-20")

    with locking(store, f"SELECT id FROM visits WHERE id = {MANY + 1} FOR UPDATE"):
        (job,) = (job for job in visits.run().jobs if job.rule == "erasure")

    assert left(store) == [MANY + 1, MANY + 3]
    assert (job.done, job.skipped.locked) == (1, 1)


def test_what_was_told_of_more_days_than_a_statement_takes_goes_in_one_batch(visits, store, monkeypatch):
    for module in (alike, days):
        monkeypatch.setattr(module, "SLOTS", 1)
    tell(visits, "erasure_requested", "--subject", "email=bob@example.com", "--at", "2026-11-20")
    tell(visits, "erasure_requested", "--subject", "email=p@example.com", "--at", "2026-11-21")

    (job,) = (job for job in visits.run().jobs if job.rule == "erasure")

    assert left(store) == []
    assert (job.done, job.batches, job.left) == (3, 1, 0)


def test_a_canary_takes_as_many_as_it_may_beside_what_is_held_and_counts_what_stays_as_left(visits, store):
    """Held records came among the oldest, so that fewer went, and counted as changed, though nobody changed one."""
    hold(visits, "--subject", "email=anna@example.com")
    hold(visits, "--key", "db.visits", "7")
    tell(visits, "erasure_requested", "--subject", "email=bob@example.com", "--at", "2026-11-20")

    (job,) = (job for job in visits.run(limit=10).jobs if job.rule == "old")

    assert (job.planned, job.done, job.skipped.total, job.left) == (MANY - 3, 10, 0, MANY - 13)
    assert not set(left(store)) & {n for n in range(1, 14) if n not in (2, 3, 7)}
    assert fates(visits, "old")["visits"]["due"] == MANY - 13


def test_a_change_that_was_under_way_when_persons_were_looked_for_is_seen(visits, store, monkeypatch):
    """It is committed when the job begins: it began before the search, which did not see it."""
    if store.kind == "sqlite":
        pytest.skip("nobody else can be writing there")
    hold(visits, "--subject", "email=anna@example.com")
    original, over = KeyRemover.begin, []

    with locking(store, "UPDATE visits SET email = 'ANNA@example.com' WHERE id IN (20, 40)") as other:

        def begin(self):
            if not over:
                over.append(True)
                other.commit()
            original(self)

        monkeypatch.setattr(KeyRemover, "begin", begin)
        visits.run()

    assert left(store) == [2, 3, 20, 40, MANY + 1, MANY + 2, MANY + 3]


def test_a_column_that_means_another_during_the_run_is_looked_at_in_every_record(visits, store, monkeypatch):
    """PostgreSQL writes no row for it: by their own word they are as they were when persons were looked for."""
    hold(visits, "--subject", "email=anna@example.com")
    store.script(
        "ALTER TABLE visits ADD COLUMN other VARCHAR(60); UPDATE visits SET other = 'anna@example.com';"
    )
    change = (
        "ALTER TABLE visits RENAME COLUMN email TO former; ALTER TABLE visits RENAME COLUMN other TO email;"
    )
    first_of_all(monkeypatch, store, change)

    (job,) = (job for job in visits.run().jobs if job.rule == "old")

    assert left(store) == list(range(1, MANY + 4))
    assert (job.done, job.skipped.total, job.left) == (0, MANY - 2, 0)


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_only_records_that_changed_say_again_whom_they_are_about(visits, store, in_ranges, monkeypatch):
    """As if no other session of the server were writing: what was written since such a one began says it, too."""
    now = sa.text("SELECT pg_snapshot_xmax(pg_current_snapshot())::xid::text")
    monkeypatch.setattr(places, "_OLDEST_UNDER_WAY", now)
    hold(visits, "--subject", "email=anna@example.com")
    first_of_all(monkeypatch, store, "UPDATE visits SET email = 'berit@example.com' WHERE id = 20")
    said: dict[int, str | None] = {}

    def look(self, rows, at, original=Untold.look):
        said.update((row[0], row[at]) for row in rows)
        original(self, rows, at)

    monkeypatch.setattr(Untold, "look", look)
    visits.run()

    assert in_ranges
    assert left(store) == [2, 3, MANY + 1, MANY + 2, MANY + 3]
    assert {key: email for key, email in said.items() if email is not None} == {20: "berit@example.com"}
    assert len(said) == MANY - 2


def test_told_records_are_candidates_only_of_the_job_that_takes_them(visits, store, monkeypatch):
    tell(visits, "erasure_requested", "--subject", "email=bob@example.com", "--at", "2026-11-20")
    candidates: list[tuple] = []

    def told(self, after, size, original=KeyWindows._told):
        found = original(self, after, size)
        candidates.extend(found.keys if found is not None else ())
        return found

    monkeypatch.setattr(KeyWindows, "_told", told)
    visits.run()

    assert left(store) == [MANY + 3]
    assert candidates == [(n,) for n in TOLD]


def test_blanks_and_control_characters_about_an_identifier_hide_nobody(visits, store, in_ranges):
    edges = {
        8: "\tanna@example.com",
        10: "anna@example.com\n",
        11: "\r\nAnna@example.com \t",
        12: "a nna@example.com",
    }
    store.script(
        ";".join(f"UPDATE visits SET email = '{email}' WHERE id = {n}" for n, email in edges.items())
    )
    hold(visits, "--subject", "email=anna@example.com")
    assert fates(visits, "old")["visits"]["held"] == 5

    visits.run()

    assert in_ranges
    assert left(store) == [2, 3, 8, 10, 11, MANY + 1, MANY + 2, MANY + 3]


def test_nothing_is_asked_of_records_nobody_spoke_of_in_the_last_batch_either(visits, store, asked):
    """Fewer may go than it looks at: on MariaDB each of its records was asked about, and what people said reckoned."""
    hold(visits, "--subject", "email=anna@example.com")
    visits.run()
    assert left(store) == [2, 3, MANY + 1, MANY + 2, MANY + 3]
    assert store.kind == "sqlite" or asked == []


def test_a_record_that_comes_to_be_about_a_held_person_before_the_last_batch_stays(
    visits, store, monkeypatch, asked
):
    hold(visits, "--subject", "email=anna@example.com")
    change = "UPDATE visits SET email = 'Anna@example.com' WHERE id IN (59, 60)"
    first_of_all(monkeypatch, store, change)

    (job,) = (job for job in visits.run().jobs if job.rule == "old")

    assert left(store) == [2, 3, 59, 60, MANY + 1, MANY + 2, MANY + 3]
    assert (job.done, job.skipped.total, job.left) == (MANY - 4, 2, 0)
    assert {(59,), (60,)} <= set(asked)


def test_another_record_under_the_key_of_a_told_one_that_is_gone_is_looked_at(visits, store, monkeypatch):
    """What was told of went first, and is left out of ranges no more; the new one is about a held person."""
    store.script("UPDATE visits SET email = 'bob@example.com' WHERE id = 30")
    hold(visits, "--subject", "email=anna@example.com")
    tell(visits, "erasure_requested", "--subject", "email=bob@example.com", "--at", "2020-06-01")
    original, back = KeyRemover.begin, []

    def begin(self):
        if not back and 30 not in left(store):
            back.append(True)
            store.script(f"INSERT INTO visits VALUES (30, 'anna@example.com', '{OLD}')")
        original(self)

    monkeypatch.setattr(KeyRemover, "begin", begin)
    visits.run()

    assert back
    assert left(store) == [2, 3, 30, MANY + 1, MANY + 2, MANY + 3]
