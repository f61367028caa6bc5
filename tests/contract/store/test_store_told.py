"""Holds and told events: what is stored comes back, what is over is forgotten."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pytest

from retention.errors import RetentionError
from retention.model.told import Cover, Hold, HoldReason, Subject, Telling
from retention.store.tellings import telling_digest
from tests.contract.store.conftest import AT

ANNA = Subject(kind="email", value=" Anna@Example.com\u00a0")
SEVEN = Subject(kind="customer_id", value="7", source="shop.accounts")
NINE = Subject(kind="account", value="9", source="shop.accounts")
HOLD = Hold(
    id="h1", cover=Cover(subjects=(ANNA, SEVEN)), reason=HoldReason.LITIGATION, text="Anna v. us, \U0001f4dc",
    by="ida", behalf="the lawyers", authority="Oslo tingrett", ref="CASE-12", at=AT, review=date(2027, 1, 31),
)  # fmt: skip
TOLD = Telling(
    id="t1", event="erasure_requested", subjects=(ANNA, SEVEN), at=AT, told_at=AT + timedelta(hours=1),
    by="ida", behalf="Anna", ref="REQ-1",
)  # fmt: skip
STEPS = {"email": ("trim", "lower")}


def test_a_hold_comes_back_whole_and_everything_in_force_with_it(store):
    record = Hold(
        id="h2",
        cover=Cover(dataset="shop.orders", key='7,"a,b"'),
        reason=HoldReason.AUDIT,
        text="",
        by="ida",
        at=AT,
    )
    with store.begin() as tx:
        tx.holds.place(HOLD)
        tx.holds.place(record)
        tx.tellings.put([(TOLD, "d1")])
    with store.read() as snapshot:
        assert snapshot.holds.get("h1") == HOLD
        assert snapshot.holds.get("nothing") is None
        told = snapshot.told()
    assert told.holds == [HOLD, record]
    assert told.tellings == [TOLD]


@pytest.mark.parametrize(
    "cover",
    [
        Cover(dataset="shop.orders"),
        Cover(data="orders"),
        Cover(rule="orders"),
        Cover(dataset="a.b", key="'; --"),
    ],
    ids=str,
)
def test_every_kind_of_cover_comes_back(store, cover):
    with store.begin() as tx:
        tx.holds.place(dataclasses.replace(HOLD, cover=cover))
    with store.read() as snapshot:
        assert snapshot.holds.get("h1").cover == cover


def test_the_epoch_changes_with_every_hold_placed_widened_or_released(store):
    seen = [_epoch(store)]
    for change in (
        lambda tx: tx.holds.place(HOLD),
        lambda tx: tx.holds.widen("h1", [Subject(kind="account", value="9", source="shop.accounts")]),
        lambda tx: tx.holds.release("h1", at=AT, why="settled"),
    ):
        with store.begin() as tx:
            change(tx)
            assert tx.holds.epoch() > seen[-1]
        seen.append(_epoch(store))
    with store.begin() as tx:
        tx.log.append("error", {"what": "nothing to do with holds"}, AT)
    assert _epoch(store) == seen[-1]
    assert len(set(seen)) == 4


def _epoch(store):
    with store.read() as snapshot:
        return snapshot.holds.epoch()


def test_a_transaction_that_fails_leaves_neither_hold_nor_epoch(store):
    before = _epoch(store)
    with pytest.raises(RetentionError, match="refused a statement"), store.begin() as tx:
        tx.holds.place(HOLD)
        tx.holds.place(HOLD)
    assert _epoch(store) == before
    with store.read() as snapshot:
        assert snapshot.told().holds == []


def test_what_a_released_hold_was_on_is_forgotten(place, store):
    with store.begin() as tx:
        tx.holds.place(HOLD)
        tx.holds.place(dataclasses.replace(HOLD, id="h2", cover=Cover(dataset="a.b", key="7")))
        for id in ("h1", "h2"):
            tx.holds.release(id, at=AT, why="settled")
        for id in ("h1", "nothing"):
            with pytest.raises(RetentionError, match="no hold"):
                tx.holds.release(id, at=AT, why="settled")
    with store.read() as snapshot:
        assert snapshot.told().holds == []
        ended = snapshot.holds.get("h1")
        assert (ended.released, ended.cover.subjects, ended.ref) == (AT, (), "CASE-12")
    assert list(place.database.rows("SELECT * FROM retention_hold_subject")) == []
    assert set(place.database.rows("SELECT digest, why FROM retention_hold")) == {("", "settled")}


def test_the_same_hold_is_known_again_however_it_is_typed(store):
    with store.begin() as tx:
        tx.holds.place(HOLD)
        again = dataclasses.replace(
            HOLD,
            id="h9",
            at=AT + timedelta(days=1),
            cover=Cover(subjects=(Subject(kind="email", value="ANNA@example.COM"),)),
        )
        assert tx.holds.same(again) == HOLD
        for other in (
            {"ref": "CASE-13"}, {"reason": HoldReason.AUDIT}, {"text": "x"}, {"review": None},
            {"cover": Cover(subjects=(Subject(kind="account", value="ANNA@example.COM"),))},
        ):  # fmt: skip
            assert tx.holds.same(dataclasses.replace(again, **other)) is None
        tx.holds.release("h1", at=AT, why="settled")
        assert tx.holds.same(again) is None


def test_a_telling_is_known_again_and_forgotten_when_it_is_withdrawn(place, store):
    day = dataclasses.replace(TOLD, id="t2", at=date(2026, 3, 1), ref=None)
    typed = dataclasses.replace(TOLD, subjects=(Subject(kind="email", value="anna@example.com"),))
    with store.begin() as tx:
        tx.tellings.put([(each, telling_digest(each, STEPS)) for each in (TOLD, day)])
        digest = telling_digest(typed, STEPS)
        assert tx.tellings.same([digest, "other"]) == {digest: "t1"}
        assert (
            tx.tellings.same([telling_digest(TOLD, {})]) == {}
        )  # told apart by case where nothing says otherwise
        assert tx.tellings.get("t2") == day
        tx.tellings.widen("t2", [NINE])
        day = dataclasses.replace(day, subjects=(*day.subjects, NINE))
        tx.tellings.withdraw("t1", at=AT)
        for id in ("t1", "nothing"):
            with pytest.raises(RetentionError, match="no told event"):
                tx.tellings.withdraw(id, at=AT)
        assert tx.tellings.same([digest]) == {}
        assert tx.tellings.in_force() == [day]
        assert tx.tellings.get("t1").withdrawn == AT
    assert {row[0] for row in place.database.rows("SELECT telling FROM retention_telling_subject")} == {"t2"}


def test_told_again_under_the_same_reference_is_the_same_whenever_it_was(store):
    later = dataclasses.replace(TOLD, at=AT + timedelta(days=1))
    assert telling_digest(later, STEPS, dated=False) == telling_digest(TOLD, STEPS, dated=False)
    assert telling_digest(later, STEPS) != telling_digest(TOLD, STEPS)
    bare = dataclasses.replace(TOLD, ref=None)
    assert telling_digest(dataclasses.replace(bare, at=later.at), STEPS, dated=False) != telling_digest(
        bare, STEPS, dated=False
    )
