"""Calendar law: what people write, when it ends, and in every time zone the same cutoff by days."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from retention import periods
from retention.model.clock import Boundary, Clock, Period, Start
from tests.oracles import calendar as oracle

TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)


def day(text: str) -> date:
    return date.fromisoformat(text)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- when a period ends -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "keep", "start", "fiscal_year_end", "due"),
    [
        ("2025-08-31", "6 months", "next day", "12-31", "2026-03-01"),
        ("2023-08-31", "6 months", "next day", "12-31", "2024-03-01"),
        ("2025-08-30", "6 months", "next day", "12-31", "2026-03-01"),
        ("2025-08-28", "6 months", "next day", "12-31", "2026-03-01"),
        ("2025-08-27", "6 months", "next day", "12-31", "2026-02-28"),
        ("2024-02-29", "1 year", "next day", "12-31", "2025-03-01"),
        ("2024-02-29", "4 years", "next day", "12-31", "2028-03-01"),
        ("2023-02-28", "1 year", "next day", "12-31", "2024-02-29"),
        ("2024-11-21", "24 months", "next day", "12-31", "2026-11-22"),
        ("2024-11-22", "24 months", "next day", "12-31", "2026-11-23"),
        ("2024-01-31", "1 month 1 day", "next day", "12-31", "2024-03-02"),
        ("2023-08-31", "3 years 6 months", "next day", "12-31", "2027-03-01"),
        ("2023-01-31", "1 year 1 month", "next day", "12-31", "2024-03-01"),
        ("2026-01-01", "90 days", "next day", "12-31", "2026-04-02"),
        ("2026-01-01", "2 weeks", "next day", "12-31", "2026-01-16"),
        ("2026-01-01", "0 days", "next day", "12-31", "2026-01-02"),
        ("2026-12-31", "1 day", "next day", "12-31", "2027-01-02"),
        ("2021-03-01", "5 years", "after fiscal year", "12-31", "2027-01-01"),
        ("2021-12-31", "5 years", "after fiscal year", "12-31", "2027-01-01"),
        ("2022-01-01", "5 years", "after fiscal year", "12-31", "2028-01-01"),
        ("2020-07-01", "42 months", "after fiscal year", "06-30", "2025-01-01"),
        ("2021-06-30", "42 months", "after fiscal year", "06-30", "2025-01-01"),
        ("2021-07-01", "42 months", "after fiscal year", "06-30", "2026-01-01"),
        ("2021-08-30", "6 months", "after fiscal year", "08-30", "2022-03-01"),
        ("2023-08-28", "6 months", "after fiscal year", "08-28", "2024-02-29"),
        ("2022-08-28", "6 months", "after fiscal year", "08-28", "2023-03-01"),
        ("2024-02-29", "1 year", "after fiscal year", "02-28", "2025-03-01"),
        ("2024-03-01", "1 year", "after fiscal year", "02-28", "2026-03-01"),
        ("2021-03-01", "8 years", "after calendar year", "06-30", "2030-01-01"),
        ("2021-03-31", "1 month", "after quarter", "12-31", "2021-05-01"),
        ("2021-11-15", "1 month", "after quarter", "12-31", "2022-02-01"),
        ("2024-02-10", "0 days", "after month", "12-31", "2024-03-01"),
        ("2024-12-10", "1 month 10 days", "after month", "12-31", "2025-02-11"),
        ("9990-01-01", "10 years", "next day", "12-31", "9999-12-31"),
        ("9999-12-31", "0 days", "after fiscal year", "06-30", "9999-12-31"),
        ("9999-10-01", "1 day", "after quarter", "12-31", "9999-12-31"),
    ],
)
def test_a_record_is_due_on_the_day_after_its_period(
    event: str, keep: str, start: str, fiscal_year_end: str, due: str
) -> None:
    clock = Clock(
        period=periods.parse_period(keep),
        start=Start(start),
        fiscal_year_end=periods.parse_fiscal_year_end(fiscal_year_end),
    )
    assert periods.due_day(day(event), clock) == day(due)
    assert periods.ended_day(day(event), clock) == day(due) - DAY


@pytest.mark.parametrize(
    ("event", "keep", "within", "late"),
    [
        ("2024-11-22", "24 months", "1 month", "2026-12-23"),  # ended on 22 November
        ("2025-08-31", "6 months", "1 month", "2026-03-29"),  # ended on 28 February
        ("2026-01-01", "0 days", "0 days", "2026-01-02"),  # no grace: overdue as soon as due
        ("2026-01-01", "0 days", "3 days", "2026-01-05"),
        ("9999-01-01", "1 year", "1 month", "9999-12-31"),
    ],
)
def test_a_record_is_late_when_the_time_to_act_is_over_too(
    event: str, keep: str, within: str, late: str
) -> None:
    clock = Clock(period=periods.parse_period(keep))
    assert periods.late_day(day(event), clock, periods.parse_period(within)) == day(late)


@pytest.mark.parametrize(
    ("start", "after"),
    [
        ("next day", "2024-02-16"),
        ("after month", "2024-03-01"),
        ("after quarter", "2024-04-01"),
        ("after calendar year", "2025-01-01"),
        ("after fiscal year", "2024-07-01"),
    ],
)
def test_units_end_where_the_next_begins(start: str, after: str) -> None:
    assert periods.unit_start_after(day("2024-02-15"), Start(start), (6, 30)) == day(after)


PERIODS = st.builds(
    Period,
    months=st.one_of(st.integers(0, 36), st.integers(0, 480)),
    days=st.one_of(st.just(0), st.integers(0, 40), st.integers(0, 800)),
)
FISCAL_YEAR_ENDS = st.one_of(
    st.sampled_from([(12, 31), (2, 28), (6, 30), (4, 5), (8, 30), (1, 29), (1, 30), (10, 30)]),
    st.dates(date(2001, 1, 1), date(2001, 12, 31)).map(lambda d: (d.month, d.day)),
)
EVENT_DAYS = st.one_of(
    st.dates(date(1971, 1, 2), date(2099, 12, 31)),
    st.builds(
        lambda year, month, back: date(year, month, 1) - back * DAY,
        st.integers(1972, 2099),
        st.integers(1, 12),
        st.integers(0, 4),
    ),
    st.integers(493, 524).map(lambda n: date(4 * n, 2, 29)),
)


def clocks(timezone: str = "UTC") -> st.SearchStrategy[Clock]:
    return st.builds(
        Clock,
        period=PERIODS,
        start=st.sampled_from(Start),
        fiscal_year_end=FISCAL_YEAR_ENDS,
        timezone=st.just(timezone),
    )


def oracle_due(event_day: date, clock: Clock) -> date:
    months, days = clock.period.months, clock.period.days
    return oracle.due_day(event_day, months, days, clock.start.value, clock.fiscal_year_end)


@given(EVENT_DAYS, clocks(), PERIODS)
@settings(max_examples=400, deadline=None)
def test_days_are_those_that_one_counts_by_hand(event_day: date, clock: Clock, within: Period) -> None:
    due = oracle_due(event_day, clock)
    assert periods.due_day(event_day, clock) == due
    assert periods.late_day(event_day, clock, within) == oracle.late_day(
        event_day, (within.months, within.days), due
    )


@given(EVENT_DAYS, st.integers(0, 70), clocks(), PERIODS)
@settings(max_examples=400, deadline=None)
def test_a_later_event_is_never_due_or_late_earlier(
    event_day: date, more: int, clock: Clock, within: Period
) -> None:
    later = event_day + more * DAY
    assert event_day < periods.due_day(event_day, clock) <= periods.due_day(later, clock)
    assert periods.late_day(event_day, clock, within) <= periods.late_day(later, clock, within)
    assert periods.due_day(event_day, clock) <= periods.late_day(event_day, clock, within)


@given(EVENT_DAYS, clocks(), PERIODS)
@settings(max_examples=200, deadline=None)
def test_a_last_day_is_near_from_the_day_on_of_which_the_cutoff_first_says_so(
    event_day: date, clock: Clock, within: Period
) -> None:
    near = periods.nearing_day(event_day, clock, within)
    for day_, said in ((near - DAY, False), (near, True)):
        line = periods.nearing_cutoff(periods.first_instant(day_, clock.timezone), clock, within)
        assert (event_day < line.day) is said


@given(st.dates(), st.integers(0, 12_000), st.integers(0, 365_000), st.sampled_from(Start), FISCAL_YEAR_ENDS)
@settings(max_examples=300, deadline=None)
@example(date.max, 0, 0, Start.NEXT_DAY, (12, 31))
@example(date.min, 0, 0, Start.FISCAL_YEAR, (2, 28))
def test_the_whole_calendar_is_safe_to_ask(
    event_day: date, months: int, days: int, start: Start, end: tuple[int, int]
) -> None:
    clock = Clock(period=Period(months=months, days=days), start=start, fiscal_year_end=end)
    due = periods.due_day(event_day, clock)
    assert event_day < due or event_day == due == date.max
    assert periods.late_day(event_day, clock, clock.period) >= due


# --- days of a zone ---------------------------------------------------------------------------


@functools.cache
def changes() -> dict[str, tuple[datetime, ...]]:
    """Of every zone whose offset has changed since 1970: the instants of the changes, up to 2038.

    No two lie within six days; each is found by halving the span in which the offset differs.
    """
    found = {}
    steps = [datetime(1970, 1, 2) + 4 * n * DAY for n in range(6210)]
    for name in sorted(available_timezones() - {"localtime", "Factory"}):
        zone = ZoneInfo(name)
        offsets = [zone.utcoffset(step) for step in steps]
        spans = zip(steps, steps[1:], offsets, offsets[1:], strict=False)
        turns = tuple(turn(zone, low, high) for low, high, one, other in spans if one != other)
        if turns:
            found[name] = turns
    return found


def turn(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The instant between two wall-clock times at which the offset of the one becomes that of the other."""
    before, second = zone.utcoffset(low), timedelta(seconds=1)
    low, high = (low - DAY).replace(tzinfo=UTC), (high + DAY).replace(tzinfo=UTC)
    while high - low > second:
        middle = low + (high - low) // second // 2 * second
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def near_midnight(change: datetime, zone: ZoneInfo) -> bool:
    """The change starts or ends within an hour of midnight, or crosses it."""
    before, after = oracle.wall(change - TICK, zone), oracle.wall(change, zone)
    hour = timedelta(hours=1)
    return (
        before.date() != after.date()
        or (min(before, after) - hour).date() != (max(before, after) + hour).date()
    )


def test_most_zones_have_changed_their_clocks_since_1970() -> None:
    assert len(changes()) > 150
    assert {"America/St_Johns", "Pacific/Apia", "Pacific/Kwajalein", "Africa/Monrovia"} <= set(changes())


@pytest.mark.parametrize(
    ("zone", "instant", "expected"),
    [
        ("Europe/Oslo", "2026-11-21T22:59:59.999999Z", "2026-11-21"),
        ("Europe/Oslo", "2026-11-21T23:00:00Z", "2026-11-22"),
        ("Europe/Oslo", "2026-11-22T01:00:00+05:00", "2026-11-21"),
        # St John's: at 00:01 on 7 November 2010 back to 23:01 on the 6th
        ("America/St_Johns", "2010-11-07T02:29:59.999999Z", "2010-11-06"),
        ("America/St_Johns", "2010-11-07T02:30:00Z", "2010-11-07"),
        ("America/St_Johns", "2010-11-07T02:31:00Z", "2010-11-07"),  # the wall says 23:01 on the 6th
        ("America/St_Johns", "2010-11-07T03:29:59.999999Z", "2010-11-07"),
        # Havana: at 01:00 back to 00:00; one day
        ("America/Havana", "2025-11-02T04:30:00Z", "2025-11-02"),
        ("America/Havana", "2025-11-02T05:30:00Z", "2025-11-02"),
        # São Paulo: from 00:00 to 01:00
        ("America/Sao_Paulo", "2018-11-04T02:59:59.999999Z", "2018-11-03"),
        ("America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-04"),
        # Samoa: from the end of 29 December 2011 to 31 December
        ("Pacific/Apia", "2011-12-30T09:59:59.999999Z", "2011-12-29"),
        ("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31"),
        # Kwajalein: from the end of 30 September 1969 back to 01:00 on the same day
        ("Pacific/Kwajalein", "1969-09-30T12:59:59Z", "1969-09-30"),
        ("Pacific/Kwajalein", "1969-10-01T11:59:59.999999Z", "1969-09-30"),
        ("Pacific/Kwajalein", "1969-10-01T12:00:00Z", "1969-10-01"),
        # beyond what can be expressed
        ("America/New_York", "0001-01-01T00:00:00Z", "0001-01-01"),
        ("Asia/Tokyo", "9999-12-31T23:59:59.999999Z", "9999-12-31"),
    ],
)
def test_an_instant_falls_in_the_day_that_has_begun(zone: str, instant: str, expected: str) -> None:
    assert periods.day_of(at(instant), zone) == day(expected)


@pytest.mark.parametrize(
    ("zone", "of", "begins"),
    [
        ("UTC", "2026-11-22", "2026-11-22T00:00:00Z"),
        ("Europe/Oslo", "2026-11-22", "2026-11-21T23:00:00Z"),
        ("America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"),
        ("Pacific/Kwajalein", "1993-08-21", "1993-08-21T12:00:00Z"),
        ("Pacific/Kwajalein", "1993-08-22", "1993-08-21T12:00:00Z"),
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30:00Z"),  # from 23:30 to 00:30
        ("Africa/Monrovia", "1972-01-07", "1972-01-07T00:44:30Z"),
        ("Asia/Tokyo", "0001-01-01", "0001-01-01T00:00:00Z"),
    ],
)
def test_a_day_begins_at_its_first_instant(zone: str, of: str, begins: str) -> None:
    assert periods.first_instant(day(of), zone) == at(begins)
    assert periods.first_instant(day(of), zone).tzinfo is UTC


@pytest.mark.parametrize(
    ("zone", "reading", "means"),
    [
        ("UTC", "2026-03-29T02:30:00", "2026-03-29T02:30:00Z"),
        ("Europe/Oslo", "2026-07-01T12:00:00", "2026-07-01T10:00:00Z"),
        ("Europe/Oslo", "2026-10-25T02:30:00", "2026-10-25T01:30:00Z"),  # twice: the later
        ("Europe/Oslo", "2026-10-25T01:59:59", "2026-10-24T23:59:59Z"),
        ("Europe/Oslo", "2026-03-29T02:00:00", "2026-03-29T01:00:00Z"),  # never: the change
        ("Europe/Oslo", "2026-03-29T02:59:59.999999", "2026-03-29T01:00:00Z"),
        ("Europe/Oslo", "2026-03-29T03:00:00", "2026-03-29T01:00:00Z"),
        ("Pacific/Apia", "2011-12-30T15:00:00", "2011-12-30T10:00:00Z"),
        ("America/New_York", "9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999Z"),
        ("Asia/Tokyo", "0001-01-01T00:00:00", "0001-01-01T00:00:00Z"),
    ],
)
def test_a_wall_clock_reading_means_one_instant(zone: str, reading: str, means: str) -> None:
    assert periods.instant_of_naive(at(reading), zone) == at(means)


@pytest.mark.parametrize(
    ("zone", "instant", "reading"),
    [
        ("UTC", "2026-11-22T00:00:00Z", "2026-11-22T00:00:00"),
        ("Europe/Oslo", "2026-11-21T23:00:00Z", "2026-11-22T00:00:00"),
        ("Europe/Oslo", "2026-10-25T00:30:00Z", "2026-10-25T02:00:00"),  # 02:00 to 03:00 come again
        ("Europe/Oslo", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00"),
        ("Europe/Oslo", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00"),
        ("Europe/Oslo", "2026-03-29T01:00:00.000001Z", "2026-03-29T03:00:00.000001"),
        ("America/St_Johns", "2010-11-07T02:30:00Z", "2010-11-06T23:01:00"),
    ],
)
def test_the_boundary_for_columns_without_zone(zone: str, instant: str, reading: str) -> None:
    boundary = Boundary(day=day("2000-01-01"), instant=at(instant))
    assert periods.naive_boundary(boundary, zone) == at(reading)


def test_naive_and_aware_are_not_confused() -> None:
    with pytest.raises(ValueError, match="has no offset"):
        periods.day_of(at("2026-11-22T00:00:00"), "UTC")
    with pytest.raises(ValueError, match="has no offset"):
        periods.cutoff(at("2026-11-22T00:00:00"), Clock(period=Period(months=1, days=0)))
    with pytest.raises(ValueError, match="has an offset"):
        periods.instant_of_naive(at("2026-11-22T00:00:00Z"), "UTC")


def test_the_floor_is_the_second_day_of_1971_everywhere() -> None:
    assert periods.floor("Europe/Oslo") == Boundary(day=day("1971-01-02"), instant=at("1971-01-01T23:00:00Z"))
    for name in sorted(available_timezones()):
        assert at("1970-01-02T00:00:00Z") < periods.floor(name).instant


# --- the cutoff and the days agree --------------------------------------------------------------


oracle_day = functools.lru_cache(maxsize=1000)(oracle.day_of)


def check_agreement(
    clock: Clock, within: Period, as_of: datetime, events: Iterator[datetime], other: str
) -> None:
    """For aware events, their days, and readings in the zone `other`: due by cutoff as by days."""
    zone, elsewhere = ZoneInfo(clock.timezone), ZoneInfo(other)
    today = oracle.day_of(as_of, zone)
    cutoff = periods.cutoff(as_of, clock)
    late = periods.late_cutoff(as_of, clock, within)
    boundaries = [
        (cutoff, periods.naive_boundary(cutoff, other)),
        (late, periods.naive_boundary(late, other)),
    ]

    @functools.cache
    def expected(event_day: date) -> tuple[bool, bool]:
        due = oracle_due(event_day, clock)
        return due <= today, oracle.late_day(event_day, (within.months, within.days), due) <= today

    for event in events:
        told = oracle_day(event, zone)
        reading = oracle.wall(event, elsewhere)
        meant = oracle.instant_of(reading, elsewhere)
        assert periods.day_of(event, clock.timezone) == told, event
        assert periods.instant_of_naive(reading, other) == meant, reading
        as_read = expected(oracle_day(meant, zone))
        for n, (boundary, naive) in enumerate(boundaries):
            assert (event < boundary.instant) == expected(told)[n], (clock, as_of, event)
            assert (told < boundary.day) == expected(told)[n], (clock, as_of, told)
            assert (reading < naive) == as_read[n], (clock, as_of, reading, other)


def around(*moments: datetime) -> Iterator[datetime]:
    for moment in moments:
        for seconds in (-1800, -60, 0, 60, 1800, 3660):
            yield moment + timedelta(seconds=seconds)
        yield moment - TICK
        yield moment + TICK


def aimed(name: str) -> list[datetime]:
    """The changes of a zone that matter most for days: the newest near midnight, the newest two at all."""
    zone = ZoneInfo(name)
    turns = changes()[name]
    return sorted({*[change for change in turns if near_midnight(change, zone)][-2:], *turns[-2:]})


@functools.cache
def families() -> tuple[str, ...]:
    """One name for all that have told the same time since 1970: the others are its aliases."""
    told: dict[tuple[object, ...], str] = {}
    for name, turns in changes().items():
        sides = tuple(
            oracle.wall(moment, ZoneInfo(name)) for change in turns for moment in (change - TICK, change)
        )
        told.setdefault((turns, sides), name)
    return tuple(told.values())


def test_more_than_150_zones_differ() -> None:
    assert len(families()) > 150


@pytest.mark.one_in(4)
@pytest.mark.parametrize("part", range(8))
def test_every_zone_agrees_in_the_nights_when_its_clocks_change(part: int) -> None:
    grace = Period(months=0, days=0)
    for name in families()[part::8]:
        for change in aimed(name):
            at_once = Clock(period=Period(months=0, days=0), timezone=name)
            check_agreement(at_once, grace, change, around(change), name)
            half_year = Clock(period=Period(months=6, days=0), timezone=name)
            when = oracle_due(oracle.day_of(change, ZoneInfo(name)), half_year)
            noon = datetime(when.year, when.month, when.day, 12, tzinfo=UTC)
            midnight = periods.cutoff(noon, half_year).instant
            check_agreement(half_year, grace, noon, around(midnight), name)


def test_every_reading_near_every_change_is_read_as_by_hand() -> None:
    for name in families():
        zone = ZoneInfo(name)
        for change in changes()[name][-3:]:
            sides = oracle.wall(change - TICK, zone), oracle.wall(change, zone)
            boundary = Boundary(day=change.date(), instant=change)
            line = periods.naive_boundary(boundary, name)
            middle = sides[0] + (sides[1] - sides[0]) / 2
            for reading in (*sides, middle, *(side + TICK for side in sides), line - TICK, line):
                meant = oracle.instant_of(reading, zone)
                assert periods.instant_of_naive(reading, name) == meant
                assert (reading < line) == (meant < change), (name, reading)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Clock, Period, datetime, list[datetime], str]:
    """A clock, a day to look at it, and events around its cutoff or around a change of clocks."""
    name = draw(st.sampled_from(sorted(changes())))
    other = draw(st.sampled_from([name, name, "UTC", *sorted(changes())]))
    clock = draw(clocks(name))
    moments = st.one_of(
        st.datetimes(datetime(1972, 1, 1), datetime(2040, 1, 1)).map(lambda d: d.replace(tzinfo=UTC)),
        st.builds(
            lambda change, seconds: change + timedelta(seconds=seconds),
            st.sampled_from(changes()[name]),
            st.sampled_from([-86400, -3600, -1, 0, 1, 60, 3600, 86400]),
        ),
    )
    target = draw(moments)
    if draw(st.booleans()):  # look on the day on which the target, or the day before or after, is due
        due = oracle_due(oracle.day_of(target, ZoneInfo(name)), clock) + draw(st.integers(-1, 1)) * DAY
        as_of = datetime(due.year, due.month, due.day, draw(st.integers(0, 23)), tzinfo=UTC)
    else:
        as_of = target
    within = draw(PERIODS)
    lines = [periods.cutoff(as_of, clock).instant, periods.late_cutoff(as_of, clock, within).instant, target]
    steps = draw(st.lists(st.timedeltas(timedelta(hours=-27), timedelta(hours=27)), max_size=3))
    events = [*around(*lines), *(line + step for line in lines for step in steps)]
    return clock, within, as_of, events, other


@given(situations())
@settings(max_examples=100, deadline=None)
def test_cutoff_and_days_agree(situation: tuple[Clock, Period, datetime, list[datetime], str]) -> None:
    clock, within, as_of, events, other = situation
    assume(all(event.year > 1900 for event in events))
    check_agreement(clock, within, as_of, iter(events), other)


def test_a_cutoff_takes_less_than_a_millisecond() -> None:
    clock = Clock(
        period=Period(months=60, days=3),
        start=Start.FISCAL_YEAR,
        fiscal_year_end=(2, 28),
        timezone="Europe/Oslo",
    )
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        periods.naive_boundary(periods.cutoff(at("2026-11-22T02:00:00Z"), clock), "Europe/Oslo")
        taken.append(time.perf_counter() - began)
    assert min(taken) < 0.001


def test_nothing_is_due_before_there_were_days() -> None:
    clock = Clock(period=Period(months=12_000, days=0))
    for zone in ("UTC", "Asia/Tokyo", "America/New_York"):
        cutoff = periods.cutoff(at("0500-01-01T00:00:00Z"), replace(clock, timezone=zone))
        assert cutoff.day == date.min
        naive = periods.naive_boundary(cutoff, zone)
        assert naive == datetime.min


def test_the_law_never_asks_for_the_time() -> None:
    for file in Path(periods.__file__).parent.glob("*.py"):
        source = file.read_text(encoding="utf-8")
        assert not any(word in source for word in ("now(", "today(", "time.time", "utcnow")), file


# --- what people write --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "months", "days"),
    [
        ("5 years", 60, 0),
        ("24 months", 24, 0),
        ("3 years 6 months", 42, 0),
        ("90 days", 0, 90),
        ("2 weeks", 0, 14),
        ("1 year", 12, 0),
        ("0 days", 0, 0),
        ("1 year 2 months 3 weeks 4 days", 14, 25),
        ("  5   Years ", 60, 0),
        ("P5Y", 60, 0),
        ("P1Y6M", 18, 0),
        ("P2W", 0, 14),
        ("P90D", 0, 90),
        ("p1y", 12, 0),
        ("P0D", 0, 0),
        ("1000 years", 12_000, 0),
        ("365242 days", 0, 365_242),
    ],
)
def test_periods_are_read(text: str, months: int, days: int) -> None:
    period = periods.parse_period(text)
    assert (period.months, period.days, period.text) == (months, days, text)


@pytest.mark.parametrize(
    ("text", "found", "write"),
    [
        ("5 yrs", "is not a period", "did you mean `5 years`?"),
        ("5years", "is not a period", "did you mean `5 years`?"),
        ("5 yeras", "is not a period", "did you mean `5 years`?"),
        ("5 years, 6 months", "is not a period", "did you mean `5 years 6 months`?"),
        ("5 years and 6 months", "is not a period", "did you mean `5 years 6 months`?"),
        ("2 quarters", "is not a period", "did you mean `6 months`?"),
        ("five years", "is not a period", "such as `5 years`"),
        ("forever", "is not a period", "such as `5 years`"),
        ("P", "is not a period", "such as `5 years`"),
        ("5 years\0", "is not a period", "such as `5 years`"),
        ("90", "has no unit", "such as `90 days`"),
        ("", "is empty", "such as `5 years`"),
        (" \t", "is empty", "such as `5 years`"),
        ("0 months", "no time at all", "write `0 days`"),
        ("0 years", "no time at all", "write `0 days`"),
        ("0 weeks", "no time at all", "write `0 days`"),
        ("P0Y", "no time at all", "write `0 days`"),
        ("0 years 0 days", "no time at all", "write `0 days`"),
        ("1 year 0 months", "counts `0 months`", "`1 year`"),
        ("24 hours", "counts hours", "write `1 day`"),
        ("36 hours", "counts hours", "write `2 days`"),
        ("PT24H", "counts hours", "write `1 day`"),
        ("P1DT12H", "counts hours", "such as `1 day`"),
        ("PT5M", "counts hours", "such as `1 day`"),
        ("-1 year", "has a sign", "write `1 year`"),
        ("+1 year", "has a sign", "write `1 year`"),
        ("-P1Y", "has a sign", "write `1 year`"),
        ("1.5 years", "not a whole number", "write `18 months`"),
        ("1,5 years", "not a whole number", "write `18 months`"),
        ("P1.5Y", "not a whole number", "write `18 months`"),
        ("0.3 years", "not a whole number", "write whole numbers"),
        ("1 year 1 year", "each once", "did you mean `2 years`?"),
        ("6 months 3 years", "from years to days", "did you mean `3 years 6 months`?"),
        ("P6M1Y", "from years to days", "did you mean `1 year 6 months`?"),
        ("1001 years", "more than 1000 years", "at most `1000 years`"),
        ("1000 years 1 day", "more than 1000 years", "at most `1000 years`"),
        ("365243 days", "more than 1000 years", "at most `1000 years`"),
        ("9" * 5000 + " years", "too long", "such as `5 years`"),
        ("٥ years", "not ASCII", "such as `5 years`"),
        ("５ years", "not ASCII", "did you mean `5 years`?"),
        ("5\u00a0years", "not ASCII", "did you mean `5 years`?"),
    ],
)
def test_what_is_no_period_is_refused_with_what_to_write(text: str, found: str, write: str) -> None:
    with pytest.raises(periods.MisreadError) as refusal:
        periods.parse_period(text)
    assert found in refusal.value.found
    assert write in refusal.value.write
    assert str(refusal.value) == f"{refusal.value.found}; {refusal.value.write}"
    assert str(refusal.value).isprintable()


TERMS = st.tuples(
    st.sampled_from(["", "-", "P", "0", "1", "1.5", "90 ", "7"]),
    st.sampled_from([*"YMWDdhx ,", "years", " days"]),
)


@given(st.text(max_size=90) | st.lists(TERMS.map("".join), max_size=4).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_period_or_refused(text: str) -> None:
    try:
        period = periods.parse_period(text)
    except periods.MisreadError:
        return
    assert period.months >= 0
    assert period.days >= 0
    assert text.isascii()


@pytest.mark.parametrize(("text", "end"), [("12-31", (12, 31)), ("06-30", (6, 30)), ("02-28", (2, 28))])
def test_fiscal_year_ends_are_read(text: str, end: tuple[int, int]) -> None:
    assert periods.parse_fiscal_year_end(text) == end


@pytest.mark.parametrize(
    ("text", "write"),
    [
        ("02-29", "write `02-28`"),
        ("02-30", "write `02-28`"),
        ("06-31", "write `06-30`"),
        ("12-00", "write `12-31`"),
        ("6-30", "write `06-30`"),
        ("31-12", "`12-31`"),
        ("29-02", "`02-28`"),
        ("00-10", "such as `06-30`"),
        ("13-40", "such as `06-30`"),
        ("December 31", "such as `06-30`"),
        ("١٢-31", "such as `06-30`"),
        ("12-31\n", "such as `06-30`"),
        ("", "such as `06-30`"),
    ],
)
def test_impossible_fiscal_year_ends_are_refused(text: str, write: str) -> None:
    with pytest.raises(periods.MisreadError) as refusal:
        periods.parse_fiscal_year_end(text)
    assert write in refusal.value.write


def test_zones_are_known_by_their_name() -> None:
    for name in ("Europe/Oslo", "UTC", "America/Argentina/Buenos_Aires", "Asia/Kathmandu"):
        periods.check_zone(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Europe/Olso", "did you mean `Europe/Oslo`?"),
        ("europe/oslo", "did you mean `Europe/Oslo`?"),
        ("Oslo", "did you mean `Europe/Oslo`?"),
        ("New York", "did you mean `America/New_York`?"),
        ("right/Europe/Oslo", "did you mean `Europe/Oslo`?"),
        ("CEST", "abbreviation"),
        ("PST", "abbreviation"),
        ("UTC+2", "offset"),
        ("GMT+2", "offset"),
        ("+02:00", "offset"),
        ("localtime", "not a known time zone"),
        ("Factory", "not a known time zone"),
        ("../../etc/passwd", "not a known time zone"),
        ("/etc/localtime", "not a known time zone"),
        ("Europe/Oslo\0", "not a known time zone"),
        ("", "not a known time zone"),
        ("a" * 1000, "not a known time zone"),
    ],
)
def test_what_is_no_zone_is_refused_with_the_nearest(name: str, message: str) -> None:
    with pytest.raises(periods.MisreadError) as refusal:
        periods.check_zone(name)
    assert message in str(refusal.value)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-22", "2026-11-21T23:00:00Z"),
        ("2026-11-22T02:00:00Z", "2026-11-22T02:00:00Z"),
        ("2026-11-22t02:00:00z", "2026-11-22T02:00:00Z"),
        ("2026-11-22 02:00:00+01:00", "2026-11-22T01:00:00Z"),
        ("2026-11-22T02:00:00.1234569-05:30", "2026-11-22T07:30:00.123456Z"),
    ],
)
def test_points_in_time_are_read(text: str, instant: str) -> None:
    read = periods.parse_as_of(text, "Europe/Oslo")
    assert read == at(instant)
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "write"),
    [
        ("2026-11-22T02:00:00", "add it: `2026-11-22T02:00:00Z`, or `2026-11-22T02:00:00+01:00`"),
        ("2026-11-22T02:00", "such as `2026-11-22`"),
        ("2026-02-30", "such as `2026-11-22`"),
        ("2026-02-30T02:00:00Z", "such as `2026-11-22T02:00:00Z`"),
        ("2026-11-22T24:00:00Z", "such as `2026-11-22T02:00:00Z`"),
        ("2026-11-22T02:00:00+25:00", "such as `2026-11-22T02:00:00Z`"),
        ("0001-01-01T00:00:00+10:00", "such as `2026-11-22T02:00:00Z`"),
        ("9999-01-01", "up to `9998-12-31`"),
        ("9998-12-31T23:59:59-10:00", "up to `9998-12-31`"),
        ("20261122", "such as `2026-11-22`"),
        ("22.11.2026", "such as `2026-11-22`"),
        ("2026-11-22\n", "such as `2026-11-22`"),
        ("٢٠٢٦-11-22", "such as `2026-11-22`"),
        ("today", "such as `2026-11-22`"),
        ("", "such as `2026-11-22`"),
    ],
)
def test_what_is_no_point_in_time_is_refused(text: str, write: str) -> None:
    with pytest.raises(periods.MisreadError) as refusal:
        periods.parse_as_of(text, "Europe/Oslo")
    assert write in refusal.value.write
