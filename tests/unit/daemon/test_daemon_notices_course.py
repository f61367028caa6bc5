"""What a channel is told of a condition, against a plain account of what it should have been told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.daemon.notices import course
from retention.model.notice import Condition, Kind, Step

BEGIN = datetime(2026, 11, 22, 12, tzinfo=UTC)
CONDITION = Condition(kind=Kind.STOPPED, name="", text="stopped")
NAME = ("ops", course.key_of(CONDITION))
LOOKS = st.lists(
    st.tuples(
        st.sampled_from([timedelta(minutes=20), timedelta(hours=5), timedelta(hours=24), timedelta(days=3)]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=30,
)
"""How long after the last look; whether it is so; whether the channel takes anything."""


def heard(looks):
    """By the course, message after message until nothing is due: step and time of what was taken."""
    rows, now, found, ids = [], BEGIN, [], {}
    for pause, so, up in looks:
        now += pause
        wanted = {NAME: CONDITION} if so else {}
        changes = course.compared(rows, wanted, now, known=lambda row: True, ended=lambda row: True)
        assert not changes.drop
        rows = list(changes.put) or rows
        while rows and (step := course.due(rows[0], now)):
            message = course.message_of(rows[0], step, "shop.example")
            assert ids.setdefault(message.id, message) == message  # the same id: the same to the letter
            if not up:
                rows = [course.refused(rows[0], "away", now)]
                break
            found.append((step, now))
            row = course.taken(rows[0], step, now)
            rows = [] if row is None else [row]
    return found


def should_hear(looks):
    """An account of the channel's own: what it was told last, and when; whether there was something to tell."""
    now, last, at, waits, found = BEGIN, None, BEGIN, False, []
    for pause, so, up in looks:
        now += pause
        waits = waits or so  # it is so, or was since the channel was told that it is over
        if not up:
            continue
        if waits and last is None:
            found.append((Step.NEW, now))
            last, at = Step.NEW, now
        if last is not None and not so:
            found.append((Step.OVER, now))
            last, waits = None, False
        elif last is not None and now - at >= timedelta(days=1):
            found.append((Step.LASTS, now))
            at = now
    return found


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LOOKS)
def test_each_condition_is_told_once_then_daily_then_that_it_is_over(looks):
    assert heard(looks) == should_hear(looks)


def one(so=True):
    (row,) = course.compared([], {NAME: CONDITION}, BEGIN, known=lambda row: True, ended=lambda row: True).put
    return row


def test_what_comes_back_while_its_end_is_told_begins_anew():
    told = course.taken(one(), Step.NEW, BEGIN)
    over = replace(told, over=BEGIN + timedelta(hours=1))
    assert course.owed(over, BEGIN) is Step.OVER
    back = course.taken(replace(over, over=None), Step.OVER, BEGIN + timedelta(hours=2))
    assert (back.since, back.number, back.told) == (BEGIN + timedelta(hours=2), 0, None)


def test_the_words_of_a_message_that_was_tried_do_not_change():
    other = replace(CONDITION, text="stopped by another")
    for row, sent in ((course.refused(one(), "away", BEGIN), ()), (one(), {NAME})):
        changes = course.compared(
            [row], {NAME: other}, BEGIN, known=lambda row: True, ended=lambda row: True, sent=sent
        )
        assert not changes
    changes = course.compared([one()], {NAME: other}, BEGIN, known=lambda row: True, ended=lambda row: True)
    assert "another" in changes.put[0].text


def test_attempts_are_further_and_further_apart_up_to_a_quarter_of_an_hour():
    row, now, pauses = one(), BEGIN, []
    for _ in range(9):
        row = course.refused(row, "away", now)
        pauses.append((row.again - now).total_seconds())
        assert course.due(row, row.again - timedelta(seconds=1)) is None
        now = row.again
    assert pauses == [15, 30, 60, 120, 240, 480, 900, 900, 900]


def test_what_the_configuration_does_not_know_is_left_to_others_and_forgotten_after_two_days():
    def after(days):
        now = BEGIN + timedelta(days=days)
        return course.compared([one()], {}, now, known=lambda row: False, ended=lambda row: True)

    assert not after(2)
    assert after(3).drop == [one()]


def test_a_key_is_never_longer_than_a_column_takes():
    long = replace(CONDITION, name="x" * 1000)
    assert len(course.key_of(long)) <= 200
    assert course.key_of(long) != course.key_of(replace(long, name="x" * 1001))
