"""Rows, tables and whole databases that another session has in its hands."""

import threading

import pytest

from retention.connectors.port import Transient, Window
from retention.connectors.sql.batches import pages
from tests.contract.target import schema
from tests.contract.target.sites import (
    MOST,
    ORIGIN,
    RUN,
    marker,
    removed,
    rows_by_name,
    tried,
    whole,
    windows,
)


@pytest.fixture
def pieces(monkeypatch):
    """A page a statement: several under way in one batch."""
    monkeypatch.setattr(pages, "_AHEAD", 1)


def row(site, n):
    return f"SELECT * FROM {site.dataset} WHERE {site.at_key(n)} FOR UPDATE"


def test_a_record_that_others_have_locked_is_left_out(served):
    locked = 6
    with served.remover() as remover:
        window = remover.keys_of(whole(remover))
        with served.other(row(served, locked)):
            taken = removed(remover, window)
            assert list(taken.locked) == [served.key(locked)]
            assert (set(taken.keys), taken.changed) == (served.due - {served.key(locked)}, 0)
            assert taken.sealed == served.committer.seal(taken.keys)
            assert rows_by_name(taken.rows) == schema.rows_of(served.dataset, 11)
        assert set(removed(remover, window, 2).keys) == {served.key(locked)}


@pytest.mark.one_in(4)
@pytest.mark.parametrize("most", [MOST, 100])
@pytest.mark.parametrize("locked", [1, 6, 12])
def test_a_locked_record_in_a_range_is_left_out_and_found_by_the_sweep(lockable, pieces, most, locked):
    """Wherever it is; in several statements one behind the other, and in one with a limit."""
    served = lockable
    with served.remover() as remover:
        window = whole(remover)
        with served.other(row(served, locked)):
            taken = removed(remover, window, most=most)
            assert set(taken.keys) == served.due - {served.key(locked)}
            assert taken.sealed == served.committer.seal(taken.keys)
            assert taken.overdue == len(set(schema.OVERDUE) - {locked})
            again = removed(remover, whole(remover, sweep=True), 2)
            assert (list(again.keys), list(again.locked)) == ([], [served.key(locked)])
        assert list(removed(remover, whole(remover, sweep=True), 3).keys) == [served.key(locked)]


@pytest.mark.parametrize("table", ["items", "labels"])
def test_a_record_of_which_a_part_is_locked_is_left_whole(served_family, table):
    with served_family.remover() as remover:
        window = whole(remover)
        with served_family.other(f"SELECT * FROM {served_family.dataset}_{table} WHERE id = 61 FOR UPDATE"):
            taken = removed(remover, window)
        assert (list(taken.locked), set(taken.keys)) == ([(6,)], served_family.due - {(6,)})
        assert taken.sealed == served_family.committer.seal(taken.keys)
        assert rows_by_name(taken.rows) == schema.rows_of(served_family.dataset, 11)
        assert served_family.part_rows(6) == (2, 2)


def test_a_record_whose_part_is_referred_to_by_an_open_transaction_is_left_whole(served_family):
    """A row that others are adding to a part's row holds it."""
    with served_family.remover() as remover:
        window = whole(remover)
        with served_family.other(f"INSERT INTO {served_family.dataset}_labels (id, above) VALUES (9000, 60)"):
            taken = removed(remover, window)
            assert (list(taken.locked), len(taken.keys)) == ([(6,)], 11)
        assert served_family.part_rows(6) == (2, 2)


def test_a_lock_that_is_waited_for_and_stays_is_transient(served):
    with served.remover() as remover:
        window = remover.keys_of(whole(remover))
        with served.other(row(served, 6)):
            with pytest.raises(Transient):
                tried(remover, window, wait=True)
            assert served.left() == served.everything
        taken = removed(remover, window, wait=True)
    assert (set(taken.keys), taken.locked) == (served.due, ())
    assert taken.sealed == served.committer.seal(taken.keys)


def test_a_lock_on_a_part_that_is_waited_for_and_stays_is_transient(served_family):
    with served_family.remover() as remover:
        window = whole(remover)
        held = f"SELECT * FROM {served_family.dataset}_labels WHERE id = 60 FOR UPDATE"
        with served_family.other(held), pytest.raises(Transient):
            tried(remover, window, wait=True)
        assert set(removed(remover, window, wait=True).keys) == served_family.due


def test_a_lock_that_is_released_while_it_is_waited_for_lets_the_record_go(served):
    with served.remover() as remover:
        window = remover.keys_of(whole(remover))
        with served.database.session() as other:
            other.execute("BEGIN")
            other.execute(row(served, 6))
            threading.Timer(0.1, other.execute, ("ROLLBACK",)).start()
            assert set(removed(remover, window, wait=True).keys) == served.due


@pytest.mark.one_in(4)
def test_a_table_that_others_have_locked_is_transient_and_then_works(served, impatient, pieces):
    with served.remover() as remover:
        window = whole(remover)
        with served.other(served.adapter.lock_table(served.dataset)):
            with pytest.raises(Transient):
                tried(remover, window)
            with pytest.raises(Transient):
                tried(remover, remover.keys_of(Window(after={}, keys=(served.key(1),))), wait=True)
            if not served.work.fleeting:  # what is written down is looked for nowhere else
                with pytest.raises(Transient):
                    remover.window({"by": "something else"}, 4, sweep=True)
        assert set(removed(remover, window).keys) == served.due


def test_a_database_that_another_session_writes_is_transient_and_then_works(alone, impatient):
    site = alone
    with site.remover() as remover:
        window = whole(remover)
        with site.other(), pytest.raises(Transient):
            remover.begin()
        assert set(removed(remover, window).keys) == site.due


def test_what_another_session_changed_under_a_lock_is_looked_at_again(served, impatient):
    """It was due when it was looked for, and locked until it was no longer."""
    with served.remover() as remover:
        window = remover.keys_of(whole(remover))
        table, condition = served.dataset, served.at_key(6)
        if table == "accounts":
            change = "INSERT INTO invoices VALUES (99, 6, '2026-11-01')"
        else:
            change = f"UPDATE {table} SET seen = '2026-11-01' WHERE {condition}"
        with served.database.session() as other:
            other.execute("BEGIN")
            other.execute(change)
            first = tried(remover, window)
            assert list(first.locked) == [served.key(6)]
            other.execute("COMMIT")
        taken = removed(remover, window)
    assert (taken.changed, set(taken.keys)) == (1, served.due - {served.key(6)})


def test_a_marker_in_another_session_s_hands_is_transient(served, impatient):
    with served.remover() as remover:
        window = whole(remover)
        held = f"INSERT INTO retention_marker VALUES ('{ORIGIN}', '{RUN}', 1, 'aborted', '', 0)"
        remover.begin()
        remover.take(window, MOST)
        with served.other(held), pytest.raises(Transient):
            remover.mark(marker(1))
        remover.rollback()
        assert served.left() == served.everything
        assert set(removed(remover, window).keys) == served.due


def test_every_window_can_be_removed_beside_a_lock(served, pieces):
    with served.remover() as remover, served.other(row(served, 6)):
        for number, window in enumerate(windows(remover)):
            taken = removed(remover, window, number)
            assert taken.sealed == (served.committer.seal(taken.keys) if taken.keys else None)
    assert served.left() == served.everything - served.due | {served.key(6)}
