"""A batch: begin, take, mark, commit; nothing of it before that, all of it after."""

import pytest

from retention.connectors.port import Refused, Window
from retention.errors import RetentionError
from tests.contract.target import schema
from tests.contract.target.adapters import ADAPTERS
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


def test_every_way_of_removing_is_held_to_the_contract():
    for name in ("sqlite", "postgresql"):
        assert name in ADAPTERS
    ways = {way.__name__ for adapter in ADAPTERS.values() for way in adapter.ways.values()}
    deleting = {"KeyRemover", "PageRemover", "SpanRemover", "RememberingRemover"}
    assert ways == deleting | {"RewritingRemover", "Mover"}


def test_what_is_due_goes_with_its_parts_and_nothing_else(site):
    before = site.rows()
    with site.remover() as remover:
        batches = [removed(remover, window, n) for n, window in enumerate(windows(remover))]
    assert site.left() == site.everything - site.due
    assert sorted(key for taken in batches for key in taken.keys) == sorted(site.due)
    for table in schema.parts_of(site.dataset):
        assert len(set(before[table]) - set(site.rows()[table])) == 2 * len(schema.DUE)


def test_records_come_to_another_end_whole_and_once(ending):
    """Nothing of it is left by a rollback; every row that is moved is in the vault, and none of the others goes."""
    before = ending.rows()
    tables = (ending.dataset, *schema.parts_of(ending.dataset))
    with ending.remover() as remover:
        window = whole(remover)
        remover.begin()
        remover.take(window, MOST)
        remover.rollback()
        assert ending.rows() == before
        taken = removed(remover, window)
        assert set(taken.keys) == ending.due
        assert rows_by_name(taken.rows) == schema.rows_of(ending.dataset, len(schema.DUE))
        assert taken.sealed == ending.committer.seal(taken.keys)
        after = ending.rows()
        again = whole(remover, sweep=True)
        assert again is None or not tried(remover, again).keys
    assert ending.left() == ending.everything - ending.due
    if ending.rewrites:
        assert [len(after[name]) for name in tables] == [len(before[name]) for name in tables]
        changed = [len(set(before[name]) - set(after[name])) for name in tables]
        assert changed == [len(schema.DUE) * (1 if name == ending.dataset else 2) for name in tables]
        return
    for name in tables:
        moved = sorted(row[: len(before[name][0])] for row in after[f"{name}_vault"])
        assert moved == sorted(set(before[name]) - set(after[name]))


def test_nothing_is_visible_to_another_session_before_the_commit(site):
    with site.remover() as remover:
        before = site.rows()
        window = whole(remover)
        remover.begin()
        assert site.rows() == before
        taken = remover.take(window, MOST)
        assert taken.keys
        assert site.rows() == before
        remover.mark(marker(count=len(taken.keys)))
        assert site.rows() == before
        remover.commit()
        assert site.left() == site.everything - set(taken.keys)
        assert site.target.markers(ORIGIN).keys() == {(RUN, 1)}


def test_nothing_survives_where_the_connection_is_let_go_before_the_commit(site):
    with site.remover() as remover:
        before = site.rows()
        window = whole(remover)
        remover.begin()
        remover.mark(marker(count=len(remover.take(window, MOST).keys)))
    assert site.rows() == before


def test_after_a_rollback_nothing_is_left_and_the_same_window_gives_the_same(site):
    with site.remover() as remover:
        before = site.rows()
        window = whole(remover)
        remover.begin()
        first = remover.take(window, MOST)
        remover.mark(marker(count=len(first.keys)))
        remover.rollback()
        assert site.rows() == before
        second = removed(remover, window)
    assert sorted(first.keys) == sorted(second.keys)
    assert (first.sealed, first.overdue, first.rows) == (second.sealed, second.overdue, second.rows)
    assert site.left() == site.everything - site.due


def test_after_a_rollback_parts_of_the_window_give_their_part(site):
    with site.remover() as remover:
        window = whole(remover)
        tried(remover, window)
        keyed = remover.keys_of(window)
        one, other = keyed.halves()
        assert one.keys + other.keys == keyed.keys
        assert one.after == other.after == keyed.after
        assert set(removed(remover, one, 1).keys) == set(one.keys)
        assert site.left() == site.everything - set(one.keys)
        assert set(removed(remover, other, 2).keys) == set(other.keys)
    assert site.left() == site.everything - site.due


def test_a_rollback_never_raises(site):
    with site.remover() as remover:
        remover.rollback()
        remover.begin()
        remover.rollback()
        remover.rollback()
        removed(remover, whole(remover))
        remover.rollback()
    remover.rollback()


@pytest.mark.parametrize("most", [1, 5, 11])
def test_no_more_than_so_many_are_taken(site, most):
    with site.remover() as remover:
        taken = removed(remover, whole(remover), most=most)
        assert len(taken.keys) == most
        assert taken.sealed == site.committer.seal(taken.keys)
        assert rows_by_name(taken.rows) == schema.rows_of(site.dataset, most)
        rest = removed(remover, whole(remover, sweep=True), 2)
    assert not set(rest.keys) & set(taken.keys)
    assert site.left() == site.everything - set(taken.keys) - set(rest.keys)


def test_rows_are_counted_by_table_with_those_of_nested_parts(site):
    with site.remover() as remover:
        taken = removed(remover, whole(remover))
    assert rows_by_name(taken.rows) == schema.rows_of(site.dataset, len(schema.DUE))
    names = [table.rpartition(".")[2] for table in taken.rows]
    assert names == [*reversed(schema.parts_of(site.dataset)), site.dataset]


def test_the_overdue_are_counted(site):
    with site.remover() as remover:
        assert removed(remover, whole(remover)).overdue == len(schema.OVERDUE)


def test_what_is_taken_is_committed_to(site):
    with site.remover() as remover:
        for n, window in enumerate(windows(remover)):
            taken = removed(remover, window, n)
            if taken.keys:
                assert taken.sealed == site.committer.seal(taken.keys)
            else:
                assert taken.sealed is None


def test_nothing_to_take_is_no_error_and_nothing_to_commit_to(site):
    with site.remover() as remover:
        window = whole(remover)
        removed(remover, window)
        taken = tried(remover, window)
    assert (list(taken.keys), taken.sealed, taken.overdue, rows_by_name(taken.rows)) == ([], None, 0, {})
    assert list(taken.locked) == []


def test_records_that_are_gone_or_no_longer_due_are_changed(site):
    """Looked at again under the lock; of a window that names no candidates nothing can be told."""
    with site.remover() as remover:
        keyed = remover.keys_of(whole(remover))
        for table in (*reversed(schema.parts_of(site.dataset)),):
            above = f"(SELECT id FROM {site.dataset}_items WHERE above = 3)" if "labels" in table else "(3)"
            site.database.run(f"DELETE FROM {table} WHERE above IN {above}")
        site.database.run(f"DELETE FROM {site.dataset} WHERE {site.where(3)}")
        if site.dataset == "accounts":
            site.database.run("INSERT INTO invoices VALUES (99, 4, '2026-11-01')")
        else:
            site.database.run(f"UPDATE {site.dataset} SET seen = '2026-11-01' WHERE {site.where(4)}")
        taken = removed(remover, keyed)
    assert taken.changed == 2
    assert set(taken.keys) == site.due - {site.key(3), site.key(4)}
    assert taken.sealed == site.committer.seal(taken.keys)
    assert site.key(4) in site.left()


def test_a_reference_that_came_meanwhile_keeps_its_record(orders):
    with orders.remover() as remover:
        window = whole(remover)
        orders.database.run("INSERT INTO complaints VALUES (1, 5)")
        taken = removed(remover, window)
    assert (taken.changed, set(taken.keys)) == (1, orders.due - {(5,)})
    assert orders.part_rows(5) == (2, 2)


def test_a_part_that_came_meanwhile_goes_with_its_record(family):
    with family.remover() as remover:
        window = whole(remover)
        family.database.run(f"INSERT INTO {family.dataset}_items (id, above) VALUES (9000, 5)")
        taken = removed(remover, window)
    assert rows_by_name(taken.rows)[f"{family.dataset}_items"] == 2 * len(schema.DUE) + 1


def test_unknown_keys_are_taken_for_gone(site):
    with site.remover() as remover:
        taken = tried(remover, Window(after={}, keys=(site.key(500), site.key(1))))
    assert (list(taken.keys), taken.changed) == ([site.key(1)], 1)


def test_what_the_committer_will_not_have_is_not_deleted_and_the_next_batch_works(site):
    class Broken:
        def leaves(self, _keys):
            raise RetentionError("canary")

        seal = leaves

    with site.remover(committer=Broken()) as remover:
        window = whole(remover)
        for _ in range(2):
            with pytest.raises(RetentionError, match="canary"):
                tried(remover, window)
        assert site.left() == site.everything
        remover._committer = site.committer
        assert set(removed(remover, window).keys) == site.due


def test_a_marker_is_written_once(site):
    with site.remover() as remover:
        one, other = remover.keys_of(whole(remover)).halves()
        removed(remover, one, 1)
        remover.begin()
        taken = remover.take(other, MOST)
        with pytest.raises(Refused):
            remover.mark(marker(1, count=len(taken.keys)))
        remover.rollback()
        assert site.left() == site.everything - set(one.keys)
        removed(remover, other, 2)
    assert {number for _, number in site.target.markers(ORIGIN)} == {1, 2}


def test_a_batch_that_was_fenced_can_not_be_marked(site):
    with site.remover() as remover:
        window = whole(remover)
        assert site.target.fence(ORIGIN, RUN, 1) == "aborted"
        remover.begin()
        remover.take(window, MOST)
        with pytest.raises(Refused):
            remover.mark(marker(1))
        remover.rollback()
    assert site.left() == site.everything
