"""Looking for what is due: windows, cursors, the sweep, the oldest."""

import json

import pytest

from retention.connectors.port import Window
from tests.contract.target import schema
from tests.contract.target.sites import removed, tried, whole, windows


def names(site, keys):
    """The records' numbers, in the order of the keys."""
    return [key[-1] for key in keys]


def candidates(remover, window):
    return list(remover.keys_of(window).keys)


@pytest.mark.parametrize("size", [1, 4, 100_000])
@pytest.mark.parametrize("sweep", [False, True])
def test_windows_name_each_due_record_once_and_end(site, size, sweep):
    with site.remover() as remover:
        found = [key for window in windows(remover, size, sweep=sweep) for key in candidates(remover, window)]
    assert len(found) == len(set(found))
    assert set(found) == site.due


def test_a_window_of_keys_has_no_more_than_it_was_asked_for(site):
    with site.remover() as remover:
        for window in windows(remover, 3, sweep=True):
            assert window.keyed
            assert len(window.keys) <= 3


def test_a_window_of_a_range_is_about_as_large_as_it_was_asked_for(leaves):
    """There are four of the fat records in a page."""
    with leaves.remover() as remover:
        for window in windows(remover, 4):
            assert len(candidates(remover, window)) <= 4


def test_windows_go_on_behind_a_cursor_that_was_stored_as_json(site):
    with site.remover() as remover:
        first = remover.window(None, 4, sweep=False)
        rest, after = [], first.after
        while True:
            stored = json.loads(json.dumps(after))
            assert stored == after
            window = remover.window(stored, 4, sweep=False)
            if window is None:
                break
            rest += candidates(remover, window)
            after = window.after
        here = candidates(remover, first)
    assert rest
    assert not set(here) & set(rest)
    assert set(here) | set(rest) == site.due


def test_another_remover_goes_on_behind_a_stored_cursor(site):
    """What one process remembered is gone with it: there the next begins with all that it remembers itself."""
    with site.remover() as remover:
        first = remover.window(None, 4, sweep=False)
        gone = removed(remover, first)
    stored = json.loads(json.dumps(first.after))
    if site.work.fleeting:
        return
    with site.remover() as remover:
        after, found = stored, []
        while (window := remover.window(after, 4, sweep=False)) is not None:
            found += candidates(remover, window)
            after = window.after
    assert set(found) == site.due - set(gone.keys)


def test_a_cursor_of_another_way_means_the_beginning(site):
    """What is remembered is left to the sweep then: in a pass its cursor is the one that comes first."""
    with site.remover() as remover:
        window = remover.window({"by": "something else", "at": 3}, 100_000, sweep=False)
        assert site.work.fleeting or set(candidates(remover, window)) == site.due
        assert set(candidates(remover, whole(remover, sweep=True))) == site.due


def test_a_pass_does_not_come_back_to_what_it_left_and_a_sweep_does(site):
    left = {site.key(2), site.key(11)}
    with site.remover() as remover:
        after = None
        for number in range(100):
            window = remover.window(after, 3, sweep=False)
            if window is None:
                break
            keys = tuple(key for key in candidates(remover, window) if key not in left)
            removed(remover, Window(after=window.after, keys=keys), number)
            after = window.after
        assert site.left() == site.everything - site.due | left
        assert remover.window(after, 3, sweep=False) is None
        swept = [removed(remover, w, 100 + n) for n, w in enumerate(windows(remover, 3, sweep=True))]
    assert {key for taken in swept for key in taken.keys} == left


def test_a_sweep_finds_what_came_after_the_pass(leaves):
    with leaves.remover() as remover:
        for number, window in enumerate(windows(remover)):
            removed(remover, window, number)
        values = "0, 1, '2015-01-01'" if leaves.dataset in schema.COMPOSITE else "1, '2015-01-01', 'x'"
        leaves.database.run(f"INSERT INTO {leaves.dataset} VALUES ({values})")
        swept = whole(remover, sweep=True)
        assert set(candidates(remover, swept)) == {leaves.key(1)}
        removed(remover, swept, 100)
        assert remover.window(None, 4, sweep=True) is None


def test_keys_of_a_window_take_what_the_window_takes(site):
    with site.remover() as remover:
        for window in list(windows(remover)):
            keyed = remover.keys_of(window)
            assert keyed.keyed
            assert keyed.after == window.after
            assert sorted(keyed.keys) == sorted(tried(remover, window).keys)
            assert sorted(keyed.keys) == sorted(tried(remover, keyed).keys)


def test_keys_of_keys_are_the_keys(site):
    with site.remover() as remover:
        window = Window(after={"by": "x"}, keys=(site.key(2), site.key(1)))
        assert remover.keys_of(window) == window


def test_a_window_that_is_screened_has_all_that_are_due(site):
    with site.remover() as remover:
        for window in list(windows(remover, sweep=True)):
            screened = remover.screened(window)
            assert screened.after == window.after
            assert sorted(screened.keys) == sorted(window.keys)


def test_what_is_screened_is_not_due_or_is_left_to_the_look_under_the_lock(site):
    """Where one record is not due after all, a screened window is without it, or has it as before."""
    with site.remover() as remover:
        window = whole(remover, sweep=True)
        if site.dataset == "accounts":
            site.database.run("INSERT INTO invoices VALUES (99, 4, '2026-11-01')")
        else:
            site.database.run(f"UPDATE {site.dataset} SET seen = '2026-11-01' WHERE {site.where(4)}")
        screened = remover.screened(window)
        by_own_columns = site.work.at_once and window.after["by"] in ("key", "clock")
        assert set(window.keys) - set(screened.keys) == ({site.key(4)} if by_own_columns else set())
        taken = removed(remover, screened)
    assert set(taken.keys) == site.due - {site.key(4)}


@pytest.mark.parametrize("most", [1, 9, 100])
def test_the_oldest_come_first_and_no_more_than_so_many(site, most):
    """Of those that are remembered all are offered: some may have to wait for rows that stay."""
    with site.remover() as remover:
        found = [key for window in remover.oldest(most) for key in window.keys]
    oldest_first = [*reversed(schema.OVERDUE), *reversed(schema.DUE[len(schema.OVERDUE) :])]
    expected = oldest_first if site.work.fleeting else oldest_first[:most]
    assert names(site, found) == expected


def test_the_oldest_can_be_taken(site):
    with site.remover() as remover:
        [window] = remover.oldest(2)
        taken = removed(remover, window, most=2)
        assert names(site, sorted(taken.keys)) == [7, 8]


def test_looking_leaves_no_transaction_open(site):
    """Another session can change the table's shape meanwhile."""
    with site.remover() as remover:
        window = whole(remover)
        remover.keys_of(window)
        list(remover.oldest(3))
        site.database.run(f"ALTER TABLE {site.dataset} ADD COLUMN extra integer")
        assert set(removed(remover, window).keys) == site.due


def test_looking_takes_no_locks_and_waits_for_none(served):
    with served.remover() as remover, served.other(f"SELECT * FROM {served.dataset} FOR UPDATE"):
        window = whole(remover)
        assert set(candidates(remover, window)) == served.due
        assert list(remover.oldest(1))
        assert whole(remover, sweep=True) is not None


def test_a_sweep_keeps_to_what_is_left_where_others_have_rows_locked(served):
    held = f"SELECT * FROM {served.dataset} WHERE {served.at_key(3)} FOR UPDATE"
    with served.remover() as remover, served.other(held):
        removed(remover, whole(remover))
        again = tried(remover, whole(remover, sweep=True))
    assert (list(again.keys), list(again.locked)) == ([], [served.key(3)])


def test_ranges_between_cuts_hold_every_candidate_once(site):
    """However a pass is divided; a remover that gains nothing by it, or must not, gives no cuts."""
    with site.remover() as remover:
        cuts = [json.loads(json.dumps(cut)) for cut in remover.cuts(4, len(site.due))]
        assert len(cuts) <= 3
        found = []
        for after, upto in zip([None, *cuts], [*cuts, None], strict=True):
            remover.confine(upto)
            while (window := remover.window(after, 2, sweep=False)) is not None:
                found += candidates(remover, window)
                after = window.after
        remover.confine(None)
        assert len(found) == len(set(found))
        assert set(found) >= site.due
        assert set(candidates(remover, whole(remover, sweep=True))) >= site.due
