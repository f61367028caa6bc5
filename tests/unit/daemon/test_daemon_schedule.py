"""When schedules come: against a plain walk through a year, in six zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retention.daemon.schedule import Schedule

ZONES = (
    "UTC",
    "Europe/Oslo",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
)
MINUTE = timedelta(minutes=1)
_LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_ALIASES = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *"}


def field(text: str, place: int) -> set[int]:
    """The numbers that a field names: `*`, `a`, `a-b`, `/n`, lists."""
    low, high = _LIMITS[place]
    found: set[int] = set()
    for piece in text.split(","):
        span, _, step = piece.partition("/")
        first, _, last = span.partition("-")
        begin = low if first == "*" else int(first)
        end = high if first == "*" or (step and not last) else int(last or first)
        found |= set(range(begin, end + 1, int(step or 1)))
    return {number % 7 for number in found} if place == 4 else found


def names(expression: str, wall: datetime) -> bool:
    """Whether cron names this minute: day of month or weekday, where both are narrowed."""
    fields = _ALIASES.get(expression, expression).split()
    minute, hour, day, month, weekday = (field(text, place) for place, text in enumerate(fields))
    by_day, by_weekday = wall.day in day, wall.isoweekday() % 7 in weekday
    both = not fields[2].startswith("*") and not fields[4].startswith("*")
    days = (by_day or by_weekday) if both else (by_day and by_weekday)
    return wall.minute in minute and wall.hour in hour and wall.month in month and days


def oracle(
    expression: str, zone: str, begin: datetime, end: datetime, step: timedelta = MINUTE
) -> list[datetime]:
    """Every instant in (begin, end] at which one of the schedule's times is first reached.

    Step by step in UTC: the wall clock has then gone through all from the furthest that it ever showed
    (it may go back) to what it shows.
    """
    place, fires = ZoneInfo(zone), []
    furthest = begin.astimezone(place).replace(tzinfo=None)
    fields = _ALIASES.get(expression, expression).split()
    minutes, hours = field(fields[0], 0), field(fields[1], 1)
    at = begin
    while at < end:
        at += step
        wall = at.astimezone(place).replace(tzinfo=None)
        reached = False
        while furthest < wall:
            furthest += step
            if furthest.minute in minutes and furthest.hour in hours:
                reached |= names(expression, furthest)
        if reached:
            fires.append(at)
    return fires


BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
NIGHTLY = ("30 2 * * *", "0 0 1,15 * 1")
OFTEN = ("*/15 1-3 * * *", "@hourly", "45 */2 * * *", "@daily")


def through_the_year(schedule: Schedule, begin: datetime, end: datetime) -> list[datetime]:
    """A clock of the test's own: it is put to each time that the schedule tells."""
    found, now = [], begin
    while (now := schedule.after(now)) <= end:
        found.append(now.astimezone(UTC))
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_a_year_of_schedules_is_as_a_walk_through_its_quarter_hours_finds_it(zone):
    as_the_walk_finds(NIGHTLY, zone)


@pytest.mark.heavy
@pytest.mark.parametrize("zone", ZONES)
def test_a_year_of_schedules_that_come_often(zone):
    as_the_walk_finds(OFTEN, zone)


def as_the_walk_finds(expressions, zone):
    """All of these clocks change by quarters of an hour, and the schedules name no other minutes."""
    for expression in expressions:
        wanted = oracle(expression, zone, BEGIN, END, timedelta(minutes=15))
        assert len(wanted) > 30
        assert through_the_year(Schedule(expression, zone), BEGIN, END) == wanted, expression


CHANGES = [
    (zone, datetime(2026, month, day, hour, tzinfo=UTC))
    for zone, month, day, hour in (
        ("Europe/Oslo", 3, 28, 18), ("Europe/Oslo", 10, 24, 18),
        ("America/St_Johns", 3, 7, 20), ("America/St_Johns", 10, 31, 20),
        ("Australia/Lord_Howe", 4, 4, 9), ("Australia/Lord_Howe", 10, 3, 9),
        ("Africa/Casablanca", 2, 14, 20), ("Africa/Casablanca", 3, 21, 20),
    )
]  # fmt: skip
_SPANS = st.sampled_from(["*", "*/5", "*/7", "0", "30", "5-50/9", "0,30"])
_HOURS = st.sampled_from(["*", "1-3", "2", "3", "0", "1,2", "*/2"])


@settings(max_examples=25, deadline=None)
@given(_SPANS, _HOURS, st.sampled_from(CHANGES), st.integers(0, 24 * 60))
def test_on_nights_on_which_the_clocks_change_too(minutes, hours, change, later):
    zone, begin = change
    expression = f"{minutes} {hours} * * *"
    end = begin + timedelta(hours=26)
    wanted = oracle(expression, zone, begin, end)
    schedule = Schedule(expression, zone)
    assert through_the_year(schedule, begin, end) == wanted
    moment = begin + timedelta(minutes=later, seconds=13)
    past = [each for each in wanted if each <= moment]
    latest = schedule.latest(moment).astimezone(UTC)
    assert latest == past[-1] if past else latest <= begin


@pytest.mark.parametrize(
    ("expression", "night", "fires"),
    [
        ("30 2 * * *", date(2026, 10, 25), ["02:30+02:00"]),  # it comes twice, and is the first
        ("30 2 * * *", date(2026, 3, 29), ["03:00+02:00"]),  # it never comes
        ("*/20 2 * * *", date(2026, 3, 29), ["03:00+02:00"]),
        ("0 * * * *", date(2026, 10, 25), None),
    ],
)
def test_a_night_in_oslo(expression, night, fires):
    oslo = ZoneInfo("Europe/Oslo")
    begin = datetime(night.year, night.month, night.day, tzinfo=oslo) - timedelta(seconds=1)
    found = through_the_year(Schedule(expression, "Europe/Oslo"), begin, begin + timedelta(days=1, hours=1))
    shown = [
        each.astimezone(oslo).isoformat()[11:16] + each.astimezone(oslo).isoformat()[19:] for each in found
    ]
    if fires is None:
        assert len([each for each in shown if each.startswith("02:00")]) == 1
    else:
        assert [each for each in shown if not each.startswith("00")] == fires


def test_its_times_are_told_in_its_own_zone():
    schedule = Schedule("0 2 * * *", "Asia/Kathmandu")
    found = schedule.after(datetime(2026, 11, 26, 12, tzinfo=UTC))
    assert found.isoformat() == "2026-11-27T02:00:00+05:45"


def test_one_that_comes_every_28_years():
    schedule = Schedule("0 0 29 2 *", "UTC")
    assert schedule.after(datetime(2096, 3, 1, tzinfo=UTC)).year == 2104  # 2100 is no leap year
