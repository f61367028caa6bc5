"""What the database would not have: said, nothing of the batch left, and the next batch works."""

import pytest

from retention.connectors.port import Refused
from tests.contract.target import schema
from tests.contract.target.sites import MOST, marker, removed, tried, whole


def refused_then_works(site, remover, window, table):
    """The batch is refused, with no value of a row in the words; without the objection it goes."""
    before = site.rows()
    with pytest.raises(Refused) as raised:
        removed(remover, window)
    remover.rollback()
    assert "canary" not in str(raised.value)
    assert site.rows() == before
    site.database.run(*site.adapter.relents(table))
    taken = removed(remover, window)
    assert set(taken.keys) == site.due
    assert taken.sealed == site.committer.seal(taken.keys)


def test_a_trigger_that_raises_is_refused_and_the_next_batch_works(site):
    with site.remover() as remover:
        window = whole(remover)
        site.database.run(*site.objects(site.dataset, site.where(6)))
        refused_then_works(site, remover, window, site.dataset)


def test_the_rest_of_a_refused_window_goes_by_itself(site):
    with site.remover() as remover:
        window = whole(remover)
        site.database.run(*site.objects(site.dataset, site.where(6)))
        with pytest.raises(Refused):
            tried(remover, window)
        one, other = remover.keys_of(window).halves()
        good, bad = (other, one) if site.key(6) in one.keys else (one, other)
        with pytest.raises(Refused):
            tried(remover, bad)
        assert set(removed(remover, good).keys) == set(good.keys)
    assert site.left() == site.everything - set(good.keys)


@pytest.mark.parametrize("part", ["items", "labels"])
def test_a_trigger_of_a_part_that_raises_is_refused(family, part):
    with family.remover() as remover:
        window = whole(remover)
        table = f"{family.dataset}_{part}"
        family.database.run(*family.objects(table, "id = 60"))
        refused_then_works(family, remover, window, table)


def test_a_trigger_that_keeps_a_record_in_silence_is_refused(site):
    """By keys. A range of pages has no number to compare with: there the record is none of those that went."""
    with site.remover() as remover:
        window = remover.keys_of(whole(remover))
        site.database.run(*site.swallows(site.dataset, site.where(6)))
        refused_then_works(site, remover, window, site.dataset)


@pytest.mark.parametrize("most", [MOST, 100])
def test_a_record_that_is_kept_in_silence_within_a_range_is_never_said_to_be_gone(leaves, most):
    with leaves.remover() as remover:
        window = whole(remover)
        leaves.database.run(*leaves.swallows(leaves.dataset, leaves.where(6)))
        remover.begin()
        try:
            taken = remover.take(window, most)
        except Refused:
            remover.rollback()
            assert leaves.left() == leaves.everything
        else:
            assert window.pages is not None
            remover.mark(marker(count=len(taken.keys)))
            remover.commit()
            assert leaves.left() == leaves.everything - leaves.due | {leaves.key(6)}
            assert set(taken.keys) == leaves.due - {leaves.key(6)}
            assert taken.sealed == leaves.committer.seal(taken.keys)
        with pytest.raises(Refused):
            tried(remover, remover.keys_of(whole(remover, sweep=True)))


@pytest.mark.parametrize("part", ["items", "labels"])
def test_a_trigger_that_keeps_a_part_in_silence_is_refused(family, part):
    """Where it goes with its record by ON DELETE CASCADE, too: it would be left without one."""
    with family.remover() as remover:
        window = whole(remover)
        table = f"{family.dataset}_{part}"
        family.database.run(*family.swallows(table, "id = 60"))
        refused_then_works(family, remover, window, table)


def test_a_row_that_refers_by_a_reference_nobody_knew_of_is_refused(removing):
    """A table that came after the catalogue was read."""
    site = removing
    columns = "room integer, night integer" if site.dataset in schema.COMPOSITE else "id integer"
    names = "room, night" if site.dataset in schema.COMPOSITE else "id"
    with site.remover() as remover:
        window = whole(remover)
        values = ", ".join(map(str, site.key(6)))
        site.database.run(
            f"CREATE TABLE notes ({columns}, FOREIGN KEY ({names}) REFERENCES {site.dataset} ({names}))",
            f"INSERT INTO notes VALUES ({values})",
        )
        before = site.rows()
        with pytest.raises(Refused):
            tried(remover, window)
        assert site.rows() == before
        site.database.run("DROP TABLE notes")
        assert set(removed(remover, window).keys) == site.due


def test_a_deferred_constraint_speaks_before_anything_is_committed(removing):
    """By `mark` where the database can be asked, else by `commit`, which then is known to have failed."""
    site = removing
    if not site.adapter.defers_constraints:
        pytest.skip("no constraint can be deferred")
    composite = site.dataset in schema.COMPOSITE
    columns, names = ("room integer, night integer", "room, night") if composite else ("id integer", "id")
    with site.remover() as remover:
        window = whole(remover)
        site.database.run(
            f"CREATE TABLE notes ({columns}, FOREIGN KEY ({names})"
            f" REFERENCES {site.dataset} ({names}) DEFERRABLE INITIALLY DEFERRED)",
            f"INSERT INTO notes VALUES ({', '.join(map(str, site.key(6)))})",
        )
        before = site.rows()
        remover.begin()
        remover.take(window, MOST)
        if site.adapter.deferred_speak_at_mark:
            with pytest.raises(Refused):
                remover.mark(marker())
        else:
            remover.mark(marker())
            with pytest.raises(Refused):
                remover.commit()
        remover.rollback()
        assert site.rows() == before
        site.database.run("DROP TABLE notes")
        assert set(removed(remover, window).keys) == site.due
