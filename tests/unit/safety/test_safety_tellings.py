"""What tellings make of a record's limbs, reckoned by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.connectors.port import Person
from retention.model.clock import Period
from retention.model.policy import Rule, ToldEvent, Variant
from retention.model.told import Subject, Telling
from retention.periods import parse_period
from retention.planning.fates.cases import Case
from retention.safety.carrying import Named
from retention.safety.tellings import Found, Known, by_days, concerning, later, reckon

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
MONTH = parse_period("1 month")
KEY = (1,)


def day(text):
    return date.fromisoformat(text)


def instant(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def case(**keys):
    variant = Variant(timezone=keys.pop("timezone", "UTC"), **keys)
    rule = Rule(name="r", promise="p", data=("d",), order=0, variants=(variant,))
    return Case(rule=rule, place=0, bound="db.d", told=frozenset({"asked", "joined"}))


def lists(one, events, as_of=NOW):
    """List, without dataset, rule and variant → whether the record is on it; and its days."""
    found = Found()
    reckon(one, KEY, events, as_of, found)
    short = {name.removeprefix("db.d/r/0/") for name in found.keys}
    days = {name.removeprefix("db.d/r/0/"): list(by) for name, by in found.days.items()}
    return short, days


def told(*moments, unclear=False, at=None):
    known = tuple(day(m) if len(m) == 10 else instant(m) for m in moments)
    return Known(
        moments=known, unclear=unclear, told=tuple(at or instant("2026-03-01T00:00:00") for _ in known)
    )


def test_what_was_asked_ends_the_clock_on_its_day():
    one = case(upon=("asked",))
    assert lists(one, {"asked": told("2026-03-02")}) == ({"asked/come"}, {"asked/day": [day("2026-03-02")]})
    assert lists(one, {"asked": told("2026-03-10")})[0] == {"asked/come"}  # today is not ahead
    assert lists(one, {"asked": told("2026-03-11")}) == (set(), {})
    assert lists(one, {"asked": told("2026-03-10T12:00:00")})[0] == {"asked/come"}
    assert lists(one, {"asked": told("2026-03-10T12:00:01")}) == (set(), {})


def test_the_earliest_that_counts_ends_it_and_an_unclear_one_matters_only_without():
    one = case(upon=("asked",))
    assert lists(one, {"asked": told("2026-03-05", "2026-03-02", unclear=True)}) == (
        {"asked/come"}, {"asked/day": [day("2026-03-02")]},
    )  # fmt: skip
    assert lists(one, {"asked": told(unclear=True)}) == ({"asked/unclear"}, {})


def test_within_counts_from_the_day_of_the_telling():
    one = case(upon=("asked",), within=MONTH)
    long_ago, told_late = {"asked": told("2025-01-01", at=NOW)}, instant("2026-02-09T00:00:00")
    assert lists(one, long_ago)[0] == {"asked/come"}
    assert lists(one, {"asked": told("2025-01-01", at=told_late)})[0] == {"asked/come", "asked/late"}
    assert lists(one, {"asked": told("2025-01-01", at=instant("2026-02-10T00:00:00"))})[0] == {"asked/come"}


def test_an_end_before_the_begin_does_not_count_and_the_same_day_is_not_before():
    one = case(event="joined", until=("asked",))
    joined = told("2026-03-01T10:00:00")
    assert "asked/come" not in lists(one, {"joined": joined, "asked": told("2026-02-28")})[0]
    assert "asked/come" in lists(one, {"joined": joined, "asked": told("2026-03-01")})[0]
    assert "asked/come" not in lists(one, {"joined": joined, "asked": told("2026-03-01T09:59:59")})[0]
    assert "asked/come" in lists(one, {"joined": Known(), "asked": told("2026-02-28")})[0]


def test_where_the_begin_is_unclear_the_end_is_too():
    one = case(event="joined", until=("asked",))
    found, _ = lists(one, {"joined": told(unclear=True), "asked": told("2026-02-28")})
    assert found == {"asked/unclear", "blurred"}
    found, _ = lists(one, {"joined": told("2026-03-01", unclear=True), "asked": told("2026-02-28")})
    assert "asked/unclear" not in found  # before what is known already


def test_an_end_of_columns_is_held_against_a_told_begin():
    one = case(event="joined", until=("left",))
    events = {"joined": told("2026-03-01"), "left": Known(moments=(day("2026-02-01"), day("2026-03-03")))}
    assert lists(one, events) == ({"dated"}, {})  # columns tell whether it has come
    early = {**events, "left": Known(moments=(day("2026-02-01"),))}
    assert lists(one, early)[0] == {"dated", "left/precedes"}
    assert lists(one, {**events, "left": Known()})[0] == {"dated"}


def test_a_period_from_a_told_event_counts_from_the_latest():
    one = case(event="joined", keep=MONTH, within=MONTH)
    assert lists(one, {"joined": told("2026-01-01", "2026-02-09")}) == (
        {"dated", "keep/come"}, {"keep/day": [day("2026-03-09")]},
    )  # fmt: skip
    assert lists(one, {"joined": told("2026-01-01", "2026-02-10")})[0] == {"dated"}
    early = instant("2026-02-01T00:00:00")
    assert lists(one, {"joined": told("2026-01-09", at=early)})[0] == {"dated", "keep/come", "keep/late"}
    assert lists(one, {"joined": told("2026-01-10", at=early)})[0] == {"dated", "keep/come"}
    assert lists(one, {"joined": told("2026-01-01", "2026-03-11")})[0] == {"dated"}
    assert lists(one, {"joined": told("2026-01-01", unclear=True)})[0] == {"keep/unclear", "blurred"}


def test_of_a_period_that_was_over_when_its_begin_was_told_within_counts_from_the_telling():
    """Nobody could have carried it out before."""
    one = case(event="joined", keep=MONTH, within=MONTH)
    found = {
        text: lists(one, {"joined": told("2025-01-01", at=instant(text))})[0]
        for text in ("2026-02-09T23:59:59", "2026-02-10T00:00:00")
    }
    assert found["2026-02-09T23:59:59"] == {"dated", "keep/come", "keep/late"}
    assert found["2026-02-10T00:00:00"] == {"dated", "keep/come"}


def test_a_telling_that_changes_nothing_of_when_a_period_ended_is_no_excuse():
    one = case(event="joined", keep=MONTH, within=MONTH)
    moments = (day("2025-12-01"), day("2025-06-01"), day("2025-12-01"))
    known = Known(moments=moments, told=(instant("2025-12-02"), NOW, NOW))
    assert lists(one, {"joined": known})[0] == {"dated", "keep/come", "keep/late"}
    first = replace(known, told=(NOW, instant("2025-06-02"), NOW))
    assert lists(one, {"joined": first})[0] == {"dated", "keep/come"}


def test_at_most_of_a_told_event():
    one = case(event="joined", keep=MONTH, at_most=Period(months=3, days=0, text="3 months"), within=MONTH)
    near, past = "near at_most", "past at_most"
    for joined, expected in (
        ("2025-12-09", {near, past}),
        ("2025-12-10", {near}),
        ("2026-01-10", {near}),
        ("2026-01-11", set()),
    ):
        found, _ = lists(one, {"joined": told(joined)})
        assert found & {near, past} == expected, joined


# -- whom a telling concerns ---------------------------------------------------------------

ASKED = ToldEvent(name="asked", by=("email",))


def telling(at, *values, event="asked"):
    subjects = tuple(Subject(kind="email", value=value) for value in values or ("a@x",))
    return Telling(id="t", event=event, subjects=subjects, at=at, told_at=NOW)


def concerned(began, *said, identifiers=None, timezone="UTC", zone="UTC"):
    from retention.model.catalogue import Column, Kind, TableId
    from retention.model.encoding import PLAIN
    from retention.planning.binding.bound import Component

    column = Column(name="at", type="TIMESTAMP", kind=Kind.TIMESTAMP, nullable=True)
    component = Component(
        text="at", hops=(), table=TableId(schema=None, name="t"), column=column, encoding=PLAIN
    )
    dataset = SimpleNamespace(began=component, connector=SimpleNamespace(timezone=zone))
    person = Person(
        key=KEY,
        identifiers={"email": "A@x ", "id": None} if identifiers is None else identifiers,
        began=began,
    )
    named = Named(said, {"email": ("trim", "lower")})
    naming = [named.tellings[place] for place in named.of(person)]
    return concerning(dataset, person, ASKED, naming, timezone=timezone)


def test_it_concerns_records_that_began_before_it():
    assert concerned("2026-03-01 09:00:00", telling(instant("2026-03-01T09:00:01"))).moments
    assert not concerned("2026-03-01 09:00:00", telling(instant("2026-03-01T09:00:00"))).moments
    assert not concerned("2026-03-01 09:00:00", telling(day("2026-03-01"))).moments
    assert concerned("2026-03-01 09:00:00", telling(day("2026-03-02"))).moments


def test_whether_it_began_on_the_day_depends_on_the_zone_of_the_rule():
    late = "2026-03-01 23:30:00"
    assert concerned(late, telling(day("2026-03-02"))).moments
    assert not concerned(late, telling(day("2026-03-02")), timezone="Europe/Oslo").moments


@pytest.mark.parametrize("began", [None, "", "soon", "0000-00-00 00:00:00", "1970-01-01 00:00:00"])
def test_a_begin_that_can_not_be_read_is_unclear(began):
    known = concerned(began, telling(day("2026-03-02")))
    assert (known.moments, known.unclear) == ((), True)


def test_it_concerns_nobody_else_and_no_other_event():
    assert concerned("2026-01-01 00:00:00", telling(day("2026-03-02"), "b@x")) == Known()
    assert concerned("2026-01-01 00:00:00", telling(day("2026-03-02"), event="other")) == Known()
    assert (
        concerned("2026-01-01 00:00:00", telling(day("2026-03-02")), identifiers={"email": None}) == Known()
    )
    assert concerned("2026-01-01 00:00:00", telling(day("2026-03-02"), "b@x", " a@X")).moments


def test_a_day_and_an_instant_are_compared_by_days():
    assert not later(day("2026-03-01"), instant("2026-03-01T00:00:00"), "UTC")
    assert not later(instant("2026-03-01T23:59:59"), day("2026-03-01"), "UTC")
    assert later(instant("2026-03-01T23:30:00"), day("2026-03-01"), "Europe/Oslo")


MOMENTS = st.one_of(
    st.integers(-40, 3).map(lambda days: day("2026-03-10") + timedelta(days=days)),
    st.integers(-40 * 24, 30).map(lambda hours: NOW + timedelta(hours=hours)),
)


@st.composite
def knowns(draw):
    moments = draw(st.lists(MOMENTS, max_size=2))
    at = [NOW - timedelta(hours=draw(st.integers(0, 60 * 24))) for _ in moments]
    return Known(
        moments=tuple(moments),
        told=tuple(at),
        unclear=draw(st.booleans()),
        doubtful=tuple(draw(st.lists(MOMENTS, max_size=1))),
    )


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # of a busy machine
@given(knowns(), st.sampled_from(["UTC", "Europe/Oslo", "Pacific/Auckland"]), st.data())
def test_where_nothing_is_compared_with_what_was_told_its_days_decide(known, timezone, data):
    """What was reckoned of one record is taken for all that differ in no day."""
    one = case(upon=("asked",), within=MONTH, timezone=timezone)

    def moved(moment):  # to another instant of the same day
        return (
            moment + timedelta(minutes=data.draw(st.integers(-90, 90))) if hasattr(moment, "hour") else moment
        )

    other = Known(
        moments=tuple(map(moved, known.moments)),
        told=tuple(map(moved, known.told)),
        unclear=known.unclear,
        doubtful=tuple(map(moved, known.doubtful)),
    )

    def days(of):
        told = [by_days(*both, NOW, timezone) for both in zip(of.moments, of.told, strict=True)]
        return told, [by_days(moment, moment, NOW, timezone) for moment in of.doubtful]

    if days(known) == days(other):
        assert lists(one, {"asked": known}) == lists(one, {"asked": other})
