"""`retention_marker`: made once, read by origin and run, fenced, folded."""

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from retention.connectors.port import Refused, Transient
from retention.errors import RetentionError
from tests.contract.target.sites import MOST, ORIGIN, ROOT_HASH, RUN, marker, whole


def written(site, *markers):
    """Each in a batch of its own, as the engine writes them."""
    with site.remover() as remover:
        for item in markers:
            remover.begin()
            remover.mark(item)
            remover.commit()


def test_the_marker_table_is_made_once(visits):
    target = visits.target
    assert target.has_marker_table()
    visits.database.run("DROP TABLE retention_marker")
    assert not target.has_marker_table()
    assert target.create_marker_table() is True
    assert target.has_marker_table()
    written(visits, marker(1))
    assert target.create_marker_table() is False
    assert len(target.markers(ORIGIN)) == 1


def test_markers_come_back_as_they_were_written(visits):
    one = marker(1, count=5_000_000_000)
    other = dataclasses.replace(marker(2, run="r" * 64), root="cd" * 32)
    written(visits, one, other)
    assert visits.target.markers(ORIGIN) == {(RUN, 1): one, ("r" * 64, 2): other}


def test_markers_are_those_of_one_origin_and_of_one_run_where_it_is_named(visits):
    mine, later, foreign = marker(1), marker(1, run="r2"), marker(1, origin="other.example/retention")
    written(visits, mine, later, foreign)
    assert visits.target.markers(ORIGIN) == {(RUN, 1): mine, ("r2", 1): later}
    assert visits.target.markers(ORIGIN, "r2") == {("r2", 1): later}
    assert visits.target.markers("other.example/retention") == {(RUN, 1): foreign}
    assert visits.target.markers(ORIGIN, "r3") == {}
    assert visits.target.markers("nobody.example") == {}


# -- the fence -----------------------------------------------------------------------------


def test_a_batch_that_never_came_is_aborted_for_ever(visits):
    target = visits.target
    assert target.fence(ORIGIN, RUN, 7) == "aborted"
    assert target.fence(ORIGIN, RUN, 7) == "aborted"
    [found] = target.markers(ORIGIN).values()
    assert (found.status, found.count) == ("aborted", 0)
    with visits.remover() as remover:
        window = whole(remover)
        remover.begin()
        remover.take(window, MOST)
        with pytest.raises(Refused):
            remover.mark(marker(7))
        remover.rollback()
    assert visits.left() == visits.everything


def test_a_batch_that_was_committed_stays_so(visits):
    written(visits, marker(1, count=3))
    assert visits.target.fence(ORIGIN, RUN, 1) == "committed"
    assert visits.target.markers(ORIGIN) == {(RUN, 1): marker(1, count=3)}


def test_a_fence_is_one_batch_s_alone(visits):
    visits.target.fence(ORIGIN, RUN, 1)
    written(visits, marker(2), marker(1, run="r2"), marker(1, origin="other.example/retention"))
    assert visits.target.fence(ORIGIN, RUN, 2) == "committed"


def test_a_batch_in_another_session_s_hands_is_transient(site, impatient):
    """Its marker is written and not committed yet: neither answer would be true."""
    with site.remover() as remover:
        window = whole(remover)
        remover.begin()
        taken = remover.take(window, MOST)
        remover.mark(marker(1, count=len(taken.keys)))
        with pytest.raises(Transient):
            site.target.fence(ORIGIN, RUN, 1)
        remover.commit()
    assert site.target.fence(ORIGIN, RUN, 1) == "committed"


def test_a_batch_that_is_given_up_while_the_fence_waits_is_aborted(visits):
    with visits.remover() as remover, ThreadPoolExecutor(1) as beside:
        remover.begin()
        remover.mark(marker(1))
        answer = beside.submit(visits.target.fence, ORIGIN, RUN, 1)
        time.sleep(0.2)
        assert not answer.done()
        remover.rollback()
        assert answer.result() == "aborted"


# -- folding -------------------------------------------------------------------------------


def folded(count, run=RUN):
    return marker(0, run=run, status="folded", count=count)


def test_committed_markers_of_a_run_become_one(visits):
    one, other, later = marker(1, count=2), marker(2, count=3), marker(1, run="r2")
    written(visits, one, other, later)
    visits.target.fold([one, other], folded(5))
    assert visits.target.markers(ORIGIN) == {(RUN, 0): folded(5), ("r2", 1): later}


def test_folding_twice_is_folding_once(visits):
    written(visits, marker(1))
    for _ in range(2):
        visits.target.fold([marker(1)], folded(1))
    assert visits.target.markers(ORIGIN) == {(RUN, 0): folded(1)}
    visits.target.fold([], folded(9))
    assert visits.target.markers(ORIGIN) == {(RUN, 0): folded(1)}


def test_only_committed_markers_that_are_named_are_replaced(visits):
    """A batch that was fenced must never commit, folded or not."""
    written(visits, marker(1), marker(3))
    visits.target.fence(ORIGIN, RUN, 2)
    visits.target.fold([marker(1), marker(2)], folded(1))
    found = {number: item.status for (_, number), item in visits.target.markers(ORIGIN).items()}
    assert found == {0: "folded", 2: "aborted", 3: "committed"}


def test_folding_is_one_transaction(visits):
    """The second marker can't be deleted: the first stays, too."""
    written(visits, marker(1), marker(2))
    visits.database.run(*visits.adapter.objects("retention_marker", "batch = 2"))
    with pytest.raises(RetentionError):
        visits.target.fold([marker(1), marker(2)], folded(2))
    assert visits.target.markers(ORIGIN) == {(RUN, 1): marker(1), (RUN, 2): marker(2)}
    assert marker(1).root == ROOT_HASH
