"""A line has one spelling."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import LedgerError, RetentionError
from retention.ledger.line import (
    FIRST_PREV,
    MAX_LINE,
    canonical,
    encode,
    format_instant,
    hash_of,
    parse,
    parse_instant,
    quick,
)

AT = datetime(2026, 11, 25, 18, 23, 34, 123456, tzinfo=UTC)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(st.text(), values, max_size=5)


def line(**changes):
    fields = {"seq": 3, "at": AT, "type": "batch.intent", "data": {"run": "r1"}, "prev": FIRST_PREV}
    return encode(**{**fields, **changes})


def test_a_line_is_spelt_just_so():
    assert (
        line(data={"b": [1, None, True], "a": "é\n"})
        == (
            '{"at":"2026-11-25T18:23:34.123456Z","data":{"a":"é\\n","b":[1,null,true]},'
            f'"prev":"{"0" * 64}","seq":3,"type":"batch.intent"}}'
        ).encode()
    )


@given(objects)
def test_what_is_encoded_comes_back_and_is_plain_json(data):
    raw = line(data=data)
    assert json.loads(raw)["data"] == data
    assert b"\n" not in raw
    found = parse(raw)
    assert (found.seq, found.at, found.type, found.data, found.prev) == (
        3,
        AT,
        "batch.intent",
        data,
        FIRST_PREV,
    )
    assert line(data=found.data) == raw


@given(objects)
def test_json_of_the_same_content_in_another_spelling_is_refused(data):
    raw = line(data=data)
    for other in (
        json.dumps(json.loads(raw)).encode(),
        json.dumps(json.loads(raw), separators=(",", ":"), ensure_ascii=False, indent=1).encode(
            "utf-8", "surrogatepass"
        ),
        raw + b" ",
        b" " + raw,
        raw + b"\n",
        raw + b"\r",
        b"\xef\xbb\xbf" + raw,
    ):
        with pytest.raises(LedgerError):
            parse(other)


def test_rfc_8785_sorts_keys_by_utf_16_units():
    # the example of RFC 8785, section 3.2.3
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    text = canonical(dict.fromkeys(keys, 0)).decode()
    assert list(json.loads(text)) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert parse(line(data=dict.fromkeys(keys, 0))).data.keys() == set(keys)


def test_rfc_8785_spells_strings_with_the_fewest_escapes():
    text = '\u20ac$\u000f\nA\'B"\\\\"/\u007f\u2028'
    assert canonical(text) == b'"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\x7f\xe2\x80\xa8"'


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"share": 0.5}, "share: a float"),
        ({"a": {"b": [1, float("nan")]}}, "a.b: a float"),
        (2**53, "2^53"),
        (-(2**53), "2^53"),
        ({"n": 10**400}, "n: an integer beyond"),
        ("\ud800", "surrogate"),
        ({1: 2}, "key that is no string"),
        ({"when": AT}, "when: a datetime"),
        (b"x", "a bytes"),
    ],
)
def test_what_the_format_does_not_know_is_refused_by_name(value, words):
    with pytest.raises(RetentionError, match=re.escape(words)):
        line(data={"x": value})


def deep(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


def test_nesting_ends_at_sixteen():
    raw = line(data={"x": deep(14)})
    assert parse(raw).data == {"x": deep(14)}
    with pytest.raises(RetentionError, match="nested deeper than 16"):
        line(data={"x": deep(15)})
    with pytest.raises(LedgerError, match="nested deeper"):
        parse(raw.replace(b"[1]", b"[[1]]"))
    with pytest.raises(LedgerError):
        parse(b"[" * 100_000)


def test_a_line_ends_at_one_mebibyte():
    room = MAX_LINE - len(line(data={"x": ""}))
    assert len(line(data={"x": "a" * room})) == MAX_LINE
    with pytest.raises(RetentionError, match="1,048,57"):
        line(data={"x": "a" * (room + 1)})
    with pytest.raises(LedgerError, match="longer"):
        parse(b"{" * 10_000_000)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"seq":3', b'"seq":3,"seq":3'),
        (b'"seq":3', b'"seq":3.0'),
        (b'"seq":3', b'"seq":-0'),
        (b'"seq":3', b'"seq":03'),
        (b'"seq":3', b'"seq":"3"'),
        (b'"seq":3', b'"seq":true'),
        (b'"seq":3', b'"seq":-1'),
        (b'"seq":3', b'"seq":9007199254740992'),
        (b'"seq":3', b'"extra":1,"seq":3'),
        (b'"seq":3,', b""),
        (b'"r1"', b'"\\u0072\\u0031"'),
        (b'"r1"', b'"\xff"'),
        (b'"r1"', b'"\\ud800"'),
        (b'"r1"', b"1e3"),
        (b'"r1"', b"NaN"),
        (b'{"run":"r1"}', b"[]"),
        (b'{"run":"r1"}', b'{"run":"r1","run":"r1"}'),
        (b'{"run":"r1"}', b'{"run":"r1","a":1}'),
        (b"0000", b"000A"),
        (b"0000", b"00"),
        (b"batch.intent", b"Batch.intent"),
        (b"batch.intent", b"batch."),
        (b"123456Z", b"123Z"),
        (b"123456Z", b"123456+00:00"),
        (b"2026-11-25", b"2026-11-31"),
        (b"T18:23:34", b"T24:00:00"),
        (b"T18:23:34", b" 18:23:34"),
        (b"T18:23:34", b"T18:23:60"),
    ],
)
def test_every_other_spelling_is_refused(old, new):
    raw = line()
    assert old in raw
    with pytest.raises(LedgerError):
        parse(raw.replace(old, new, 1))
    assert quick(raw.replace(old, new, 1), seq=3, prev=FIRST_PREV) is None


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.from_regex("[ -~]*", fullmatch=True),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.from_regex("[ -~]*", fullmatch=True), inner)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.from_regex("[ -~]*", fullmatch=True), plain, max_size=4))
def test_a_plain_line_is_known_the_quick_way(data):
    raw = line(data=data)
    is_plain = raw.count(b"{") + raw.count(b"[") <= 16
    assert quick(raw, seq=3, prev=FIRST_PREV) == (AT if is_plain else None)
    assert quick(raw, seq=4, prev=FIRST_PREV) is None
    assert quick(raw, seq=3, prev="1" * 64) is None


EDITS = [
    b"", b" ", b'"', b",", b":", b"{", b"}", b"[", b"]", b"0", b"-", b"1", b".0", b"e1", b"\\", b"\\u0041",
    b"\xc3\xa9", b"\x00", b"\x7f", b"\n", b"null", b"NaN", b'"a":1,', b'"seq":3', b'"}', b"9007199254740992",
]  # fmt: skip


@given(objects, st.integers(0, 200), st.integers(0, 3), st.sampled_from(EDITS))
def test_the_quick_way_takes_nothing_that_is_refused(data, place, length, edit):
    """Whatever is put in place of whatever."""
    raw = line(data={"run": "r1", "rows": {"a": 1, "b": [2]}, **data})
    raw = raw[: place % len(raw)] + edit + raw[place % len(raw) + length :]
    at = quick(raw, seq=3, prev=FIRST_PREV)
    if at is not None:
        found = parse(raw)
        assert (found.at, found.seq, found.prev) == (at, 3, FIRST_PREV)


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"{}", b"{", b"\x00", b'"x"'])
def test_what_is_no_event_is_refused(raw):
    with pytest.raises(LedgerError):
        parse(raw)


@given(st.binary(max_size=80))
def test_no_bytes_make_the_parser_raise_anything_else(raw):
    with pytest.raises(LedgerError):
        parse(raw)


@given(
    st.datetimes(
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
        min_value=datetime(2, 1, 1),
        max_value=datetime(9998, 1, 1),
    )
)
def test_instants_come_back_from_their_text(at):
    text = format_instant(at)
    assert len(text) == 27
    assert text.endswith("Z")
    assert parse_instant(text) == at


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(RetentionError):
        line(at=datetime(2026, 1, 1))


def test_prev_is_the_hash_of_the_bytes_without_newline():
    assert hash_of(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("retention", ("sqlalchemy", "alembic", "cryptography", "json")),
        ("retention.ledger.line", ("sqlalchemy", "cryptography")),
        ("retention.ledger.verify", ("sqlalchemy", "alembic")),
        ("retention.store.state", ("alembic",)),
    ],
)
def test_importing_loads_nothing_that_is_not_needed(module, heavy):
    code = f"import sys, {module}; print([name for name in {heavy!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "[]\n"
