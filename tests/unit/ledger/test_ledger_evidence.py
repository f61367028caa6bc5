"""Commitments open one record, and only with the key."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import RetentionError
from retention.ledger import evidence
from retention.ledger.tree import inclusion_proof, verify_inclusion

KEY = bytes(range(32))
keys = st.tuples(st.integers() | st.text(st.characters(codec="utf-8"))) | st.tuples(
    st.integers(), st.text(st.characters(codec="utf-8")), st.booleans()
)


def by_the_book(key, connector, dataset, texts):
    message = json.dumps(
        ["retention/record/1", connector, dataset, texts], ensure_ascii=False, separators=(",", ":")
    ).encode()
    blind = hashlib.blake2b(message, key=key, digest_size=32).digest()
    return hashlib.sha256(b"\x00" + blind + message).digest()


def test_the_format_is_fixed():
    opening = evidence.open_record(KEY, "shop", "orders", (7, "x"))
    assert opening.message == b'["retention/record/1","shop","orders",["7","x"]]'
    assert opening.blind.hex() == hashlib.blake2b(opening.message, key=KEY, digest_size=32).hexdigest()
    assert opening.leaf.hex() == "cbbe37ec942c20e13180c08ce77e29f3e69a2ea9f89b3532ee6cafe13dc151ff"
    assert evidence.key_id(KEY) == hashlib.sha256(b"retention/evidence-key/1" + KEY).hexdigest()[:16]


@given(
    keys,
    st.sampled_from(["shop", "s%dop", 'sh"op', "købmand"]),
    st.sampled_from([KEY, b"k" * 32, b"\x00" * 32]),
)
def test_every_way_to_a_leaf_is_the_definition(record, connector, key):
    expected = by_the_book(key, connector, "orders", [evidence.key_text(value) for value in record])
    assert evidence.Committer(key, connector, "orders").leaves([record]) == [expected]
    assert evidence.Committer(key, connector, "orders").leaf(record) == expected
    opening = evidence.open_record(key, connector, "orders", record)
    assert opening.leaf == expected
    assert evidence.verify_opening(opening.blind, opening.message, expected)


@given(st.lists(st.tuples(st.integers()), unique=True, min_size=1, max_size=40), st.data())
def test_one_record_is_proved_by_its_opening_and_path_alone(records, data):
    leaves = evidence.Committer(KEY, "shop", "orders").leaves(records)
    assert leaves == sorted(leaves)
    assert evidence.unpack(evidence.pack(leaves)) == leaves
    root = evidence.batch_root(leaves)
    opening = evidence.open_record(KEY, "shop", "orders", data.draw(st.sampled_from(records)))
    place = evidence.locate(leaves, opening.leaf)
    assert place is not None
    assert verify_inclusion(opening.leaf, place, len(leaves), inclusion_proof(leaves, place), root)


def test_no_other_record_key_or_blind_opens_a_leaf():
    leaf = evidence.open_record(KEY, "shop", "orders", (7,)).leaf
    for other in (
        evidence.open_record(KEY, "shop", "orders", (8,)),
        evidence.open_record(KEY, "shop", "customers", (7,)),
        evidence.open_record(KEY, "crm", "orders", (7,)),
        evidence.open_record(KEY, "shop", "orders", (7, 7)),
        evidence.open_record(b"\x00" * 32, "shop", "orders", (7,)),
    ):
        assert not evidence.verify_opening(other.blind, other.message, leaf)
        assert evidence.locate([leaf], other.leaf) is None
    real = evidence.open_record(KEY, "shop", "orders", (7,))
    assert not evidence.verify_opening(real.blind + real.message[:1], real.message[1:], leaf)


def test_the_order_of_records_leaves_no_trace():
    committer = evidence.Committer(KEY, "shop", "orders")
    assert committer.leaves([(1,), (2,), (3,)]) == committer.leaves([(3,), (1,), (2,)])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (-7, "-7"),
        (2**70, str(2**70)),
        (True, "true"),
        (False, "false"),
        ("Ab ", "Ab "),
        (UUID("6BA7B810-9DAD-11D1-80B4-00C04FD430C8"), "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        (b"\x00\xff", "00ff"),
        (bytearray(b"\x01"), "01"),
        (memoryview(b"\x02"), "02"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 1, 2, 3), "2026-01-31T01:02:03"),
        (datetime(2026, 1, 31, 1, 2, 3, 4500), "2026-01-31T01:02:03.004500"),
        (datetime(2026, 1, 31, 1, 2, 3, tzinfo=UTC), "2026-01-31T01:02:03Z"),
        (datetime(2026, 1, 31, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))), "2026-01-30T23:02:03Z"),
        (Decimal("7.00"), "7"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.0"), "0"),
        (Decimal("0.10"), "0.1"),
        (Decimal("12345678901234567890123456789012345678.5"), "12345678901234567890123456789012345678.5"),
    ],
)
def test_a_key_has_one_text(value, text):
    assert evidence.key_text(value) == text


@pytest.mark.parametrize("value", [None, 1.5, [], Decimal("NaN"), Decimal("1e999999"), object()])
def test_what_identifies_nothing_is_refused(value):
    with pytest.raises(RetentionError):
        evidence.Committer(KEY, "shop", "orders").leaves([(value,)])


def test_an_empty_batch_has_the_empty_root():
    assert evidence.batch_root([]) == hashlib.sha256(b"").digest()


def test_half_a_leaf_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        evidence.unpack(b"x" * 33)
