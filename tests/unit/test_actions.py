"""What each strategy promises of its results, whatever the value."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from retention.actions.strategies import Keyed, UnreadableError, rewriter
from retention.model.strategy import HASH_SHAPE, Strategy, Way

KEY, OTHER = Keyed(key=b"k" * 32, steps=("trim", "lower")), Keyed(key=b"o" * 32)
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "strategies.md"

TEXTS = {
    "null": Strategy(way=Way.NULL),
    "redact": Strategy(way=Way.REDACT),
    "hash": Strategy(way=Way.HASH),
    "mask, keep = 2": Strategy(way=Way.MASK, keep=2),
    "mask, keep_last = 2": Strategy(way=Way.MASK, keep=2, last=True),
    "year": Strategy(way=Way.YEAR),
    "month": Strategy(way=Way.MONTH),
    "prefix, length = 3": Strategy(way=Way.PREFIX, length=3),
    "prefix, ipv4 = 24, ipv6 = 48": Strategy(way=Way.PREFIX),
    "fake, of = city": Strategy(way=Way.FAKE, of="city"),
    "token": Strategy(way=Way.TOKEN),
}
texts = st.text(max_size=60) | st.dates().map(date.isoformat) | st.ip_addresses().map(str)


def made(strategy, value, keyed=KEY):
    try:
        return rewriter(strategy, keyed)(value)
    except UnreadableError:
        return UnreadableError


@pytest.mark.parametrize("strategy", TEXTS.values(), ids=TEXTS)
@settings(max_examples=40)
@given(value=texts, other=texts)
def test_a_text_never_survives_and_its_result_keeps_what_is_promised(strategy, value, other):
    assert rewriter(strategy, KEY)(None) is None
    result = made(strategy, value)
    assume(result is not UnreadableError)
    if strategy.way is Way.NULL:
        assert result is None
        return
    if strategy.longest is not None:
        assert len(result) <= strategy.longest
    if strategy.told:
        assert strategy.way is Way.HASH or made(strategy, result) == result
    else:
        assert result != value
    if strategy.way is Way.TOKEN:
        assert result != made(strategy, value)
        return
    assert result == made(strategy, value)
    if strategy.way is Way.HASH:
        assert re.fullmatch(r"rh1-[a-z2-7]{26}", result)
        assert (result == made(strategy, other)) == (value.strip().lower() == other.strip().lower())
        assert result != made(strategy, value, OTHER)


@settings(max_examples=200)
@given(
    value=st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.floats(allow_nan=False),
    width=st.integers(1, 10**6),
)
def test_a_number_goes_down_to_a_multiple_and_stays_there(value, width):
    result = made(Strategy(way=Way.ROUND, width=width), value)
    assert type(result) is type(value)
    assert made(Strategy(way=Way.ROUND, width=width), result) == result
    assert result <= value
    if not isinstance(value, float):
        assert Decimal(value) - Decimal(result) < width or isinstance(value, Decimal)
        assert int(result) % width == 0


@given(value=st.datetimes(timezones=st.none() | st.just(UTC)) | st.dates())
def test_a_date_goes_to_the_first_of_its_year_or_month(value):
    year, month = (made(Strategy(way=way), value) for way in (Way.YEAR, Way.MONTH))
    assert type(year) is type(month) is type(value)
    assert (year.year, year.month, year.day) == (value.year, 1, 1)
    assert (month.year, month.month, month.day) == (value.year, value.month, 1)
    assert made(Strategy(way=Way.YEAR), year) == year
    assert made(Strategy(way=Way.MONTH), month) == month


def test_tokens_of_uuids_are_uuids_and_fakes_are_cut_to_their_column():
    assert isinstance(made(Strategy(way=Way.TOKEN), uuid.uuid4(), Keyed(uuid=True)), uuid.UUID)
    short = Keyed(key=b"k" * 32, room=4)
    assert len(made(Strategy(way=Way.FAKE, of="street"), "Storgata 1", short)) <= 4


def test_a_keyed_strategy_without_a_key_is_refused():
    with pytest.raises(ValueError, match="key"):
        rewriter(Strategy(way=Way.HASH), Keyed())


def test_the_shape_of_a_hash_does_not_change():
    """Suppression lists are asked years later: a value, a key, one result."""
    assert made(Strategy(way=Way.HASH), " Ann@Example.org ") == "rh1-lsmd3bjjyvoyslxz2c4p73fbv4"
    assert len(HASH_SHAPE) == 30


AWKWARD = {
    "NULL": None,
    "empty": "",
    "`Ann`": "Ann",
    "`é` as two characters": "e\u0301t",
    "not UTF-8 (`C3 28`)": b"\xc3\x28".decode("utf-8", "surrogateescape"),
    "1 MB of `x`": "x" * 1_000_000,
    "`1984-05-06`": "1984-05-06",
    "`1984-05-06 07:08`": "1984-05-06 07:08",
    "`452649600` (seconds)": "452649600",
    "`192.0.2.77`": "192.0.2.77",
    "`2001:db8:1:2::7`": "2001:db8:1:2::7",
}
SHOWN = {
    name: strategy for name, strategy in TEXTS.items() if strategy.way not in (Way.HASH, Way.FAKE, Way.TOKEN)
}


def cell(result):
    if result is UnreadableError:
        return "not written"
    return "NULL" if result is None else f"`{result}`" if result else "empty"


def table():
    lines = ["| value | " + " | ".join(f"`{name}`" for name in SHOWN) + " |", "|---" * (len(SHOWN) + 1) + "|"]
    for name, value in AWKWARD.items():
        lines.append(f"| {name} | " + " | ".join(cell(made(s, value)) for s in SHOWN.values()) + " |")
    return "\n".join(lines).encode("utf-8", "backslashreplace").decode()


def test_the_page_shows_what_is_made_of_awkward_values():
    assert table() in PAGE.read_text(encoding="utf-8"), table()


def test_keyed_results_of_awkward_values_are_results():
    for value in AWKWARD.values():
        for strategy in (Strategy(way=Way.HASH), Strategy(way=Way.FAKE, of="name"), Strategy(way=Way.TOKEN)):
            result = made(strategy, value)
            assert result is None if value is None else result not in ("", value)


def test_instants_are_generalised_by_their_own_clock():
    moment = datetime(2020, 5, 6, 7, tzinfo=UTC)
    assert made(Strategy(way=Way.YEAR), moment) == datetime(2020, 1, 1, tzinfo=UTC)
