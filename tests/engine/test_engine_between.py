"""Between two batches: what holds the next one up, for how long, and that it is told."""

from datetime import timedelta

import pytest

from retention.connectors.port import Transient
from retention.engine.between import Between, StoppedError
from retention.engine.brakes import lagging, loaded
from retention.errors import SafetyRefusal, UnreachableError


class Desk:
    """A clock that only sleeping moves, and what was told."""

    def __init__(self, **options):
        self.now, self.said, self.kept, self.stopping = 0.0, [], 0, lambda: False
        self.between = Between(
            stop=lambda: self.stopping(), keep=self.keep, told=self.said.append,
            sleep=self.sleep, timer=lambda: self.now, **options,
        )  # fmt: skip

    def keep(self):
        self.kept += 1

    def sleep(self, seconds):
        self.now += seconds

    def took(self):
        """Seconds until the next batch may begin."""
        before = self.now
        self.between()
        return self.now - before


def test_without_brakes_it_goes_on_at_once():
    desk = Desk()
    desk.between.worked(1.0, 1000)
    assert (desk.took(), desk.said, desk.kept) == (0, [], 1)


@pytest.mark.parametrize(("rest", "worked", "pause"), [(1.0, 2.0, 2.0), (0.5, 2.0, 1.0), (9.0, 0.5, 4.5)])
def test_it_rests_in_proportion_to_its_work(rest, worked, pause):
    desk = Desk(rest=rest)
    desk.between.worked(worked, 1000)
    assert pause <= desk.took() < pause + 0.3
    assert desk.took() == 0


def test_no_more_rows_go_than_are_allowed_in_a_second():
    desk = Desk(rows_per_second=100)
    for _ in range(20):
        desk.now += 0.5  # a batch
        desk.between.worked(0.5, 200)
        desk.took()
    assert 39 <= desk.now <= 46  # 4,000 rows


def test_a_rest_of_a_moment_is_told_to_nobody():
    desk = Desk(rest=1.0)
    desk.between.worked(0.5, 1)
    desk.took()
    assert desk.said == []
    desk.between.worked(5.0, 1)
    desk.took()
    assert [why is None for why in desk.said] == [False, True]


def test_it_waits_while_replicas_lag_and_says_so():
    lags = iter([[0.5, 9.0], [0.5, 6.0], [None, 1.0], [], [0.5, 1.0]])
    desk = Desk(brakes=[lagging(timedelta(seconds=5), lambda: next(lags))])
    assert 3.5 <= desk.took() <= 5
    assert desk.said == [
        "a replica is 9.0 s behind (at most 5 s)",
        "a replica is 6.0 s behind (at most 5 s)",
        "the lag of 1 of 2 replicas is not known",
        "the replicas' lag is not known: no replica is seen",
        None,
    ]


@pytest.mark.parametrize("error", [UnreachableError("gone"), Transient("busy")])
def test_what_cannot_be_asked_waits(error):
    answers = iter([error, 30.0, None, 5.0])

    def value():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    desk = Desk(brakes=[loaded(20, value)])
    assert desk.took() >= 2.5
    assert desk.said[0].startswith("the load is not known: ")
    assert desk.said[1:] == [
        "the load is 30 (at most 20)",
        "the load is not known: the query gives no number",
        None,
    ]


def test_it_is_asked_once_a_second_at_most_between_quick_batches():
    asked = []
    desk = Desk(brakes=[lambda: asked.append(desk.now)])
    for _ in range(100):
        desk.now += 0.05
        desk.between()
    assert len(asked) <= 6


def test_a_wait_ends_when_it_is_told_to_stop_or_has_lost_its_lease():
    desk = Desk(brakes=[lambda: "for ever"])
    desk.stopping = lambda: desk.now > 10
    with pytest.raises(StoppedError):
        desk.between()
    assert 10 < desk.now < 10.5
    assert desk.said == ["for ever", None]
    assert desk.kept > 30  # the leases are held meanwhile

    def refused():
        raise SafetyRefusal("stopped")

    desk.stopping = refused
    with pytest.raises(SafetyRefusal):
        desk.between()
