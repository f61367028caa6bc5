"""Identifiers that lead to others: to the end for holds, one step for told events."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from retention.connectors.port import Person
from retention.model.policy import ToldEvent
from retention.model.told import Subject, Telling
from retention.safety.carrying import Remembering, one_step, to_the_end

AT = datetime(2026, 3, 1, tzinfo=UTC)


class Dataset(SimpleNamespace):
    """What carrying over knows of a dataset: its name and its kinds."""

    def __str__(self):
        return self.name


def dataset(name, *kinds):
    return Dataset(name=name, subject=dict.fromkeys(kinds))


class Store:
    """Records by dataset: a dict of identifiers each."""

    def __init__(self, **records):
        self.records, self.asked = records, []

    def look(self, of, wanted):
        self.asked.append((str(of), {kind: set(values) for kind, values in wanted.items()}))
        for number, identifiers in enumerate(self.records[str(of)]):
            yield Person(
                key=(number,), identifiers={kind: identifiers.get(kind) for kind in of.subject}, began=None
            )


ACCOUNTS = dataset("accounts", "email", "id")
LETTERS = dataset("letters", "email", "phone")
ORDERS = dataset("orders", "id")
EVERY = (ORDERS, LETTERS, ACCOUNTS)


def email(value):
    return Subject(kind="email", value=value)


def found(subjects):
    return {(s.kind, s.value, s.source) for s in subjects}


def test_a_hold_follows_every_identifier_to_the_end():
    store = Store(
        accounts=[{"email": " A@x", "id": "1"}, {"email": "b@x", "id": "2"}, {"email": "c@x", "id": "3"}],
        letters=[{"email": "a@X", "phone": "+47 1"}, {"email": "b@x", "phone": "+47 1"}, {"email": "c@x"}],
    )
    carried = to_the_end([email("a@x ")], EVERY, store.look)
    assert found(carried) == {
        ("phone", "+47 1", "letters"), ("id", "1", "accounts"), ("email", "b@x", "letters"), ("id", "2", "accounts"),
    }  # fmt: skip
    assert not [name for name, _ in store.asked if name == "orders"]  # one kind leads nowhere


def test_people_who_refer_to_each_other_in_a_ring_come_to_an_end():
    store = Store(
        accounts=[{"email": "a@x", "id": "1"}, {"email": "b@x", "id": "1"}, {"email": "b@x", "id": "2"}],
        letters=[],
    )
    carried = to_the_end([Subject(kind="id", value="2")], EVERY, store.look)
    assert {s.value for s in carried} == {"b@x", "1", "a@x"}


@pytest.mark.parametrize("blank", ["", " ", "\u00a0\t", None])
def test_a_blank_leads_nowhere(blank):
    store = Store(
        accounts=[{"email": blank, "id": "1"}, {"email": blank, "id": "2"}],
        letters=[{"email": blank, "phone": "5"}],
    )
    one = Subject(kind="id", value="1")
    assert to_the_end([one], EVERY, store.look) == []
    told = Telling(id="t", event="e", subjects=(one,), at=AT, told_at=AT)
    events = {"e": ToldEvent(name="e", by=("id", "email", "phone"))}
    assert one_step([told], EVERY, store.look, {}, events) == [()]


def test_what_was_looked_for_once_is_followed_again_in_memory():
    store = Store(accounts=[{"email": "a@x", "id": "1"}, {"email": "b@x", "id": "2"}], letters=[])
    remembering = Remembering(store.look)
    to_the_end([email("a@x"), email("b@x")], EVERY, remembering.look)
    asked = len(store.asked)
    assert found(to_the_end([email("B@x")], EVERY, remembering.again)) == {("id", "2", "accounts")}
    assert len(store.asked) == asked


def tellings(*values, event="e"):
    return [Telling(id=v, event=event, subjects=(email(v),), at=date(2026, 3, 1), told_at=AT) for v in values]


def test_a_told_event_takes_one_step_each_for_itself():
    store = Store(
        accounts=[{"email": "A@x ", "id": "1"}, {"email": "b@x", "id": "1"}, {"email": "b@x", "id": "2"}],
        letters=[],
    )
    events = {"e": ToldEvent(name="e", by=("email", "id"))}
    first, second, third = one_step(
        tellings("a@x", "b@x", "c@x"), EVERY, store.look, {"email": ("trim", "lower")}, events
    )
    assert found(first) == {("id", "1", "accounts")}  # and not b@x, who shares the number
    assert found(second) == {("id", "1", "accounts"), ("id", "2", "accounts")}
    assert third == ()


def test_text_is_the_same_only_as_far_as_the_policy_says():
    store = Store(accounts=[{"email": "A@x", "id": "1"}], letters=[])
    events = {"e": ToldEvent(name="e", by=("email", "id"))}
    assert one_step(tellings("a@x"), EVERY, store.look, {}, events) == [()]
    assert one_step(tellings("a@x"), EVERY, store.look, {"email": ("lower",)}, events) != [()]


def test_it_leads_only_to_kinds_that_the_event_comes_with():
    store = Store(accounts=[{"email": "a@x", "id": "1"}], letters=[{"email": "a@x", "phone": "5"}])
    events = {
        "e": ToldEvent(name="e", by=("email", "id")),
        "all": ToldEvent(name="all", by=("email", "phone")),
    }
    told = [*tellings("a@x"), *tellings("a@x", event="all")]
    carried = one_step(told, EVERY, store.look, {}, events)
    assert [found(each) for each in carried] == [{("id", "1", "accounts")}, {("phone", "5", "letters")}]
