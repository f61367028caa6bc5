"""Known keys by the range in which they lie."""

from __future__ import annotations

import pytest

from retention.connectors.sql.ranges import NONE_KNOWN, Lying

KEYS = [(10,), (9,), (100,), (-3,)]


@pytest.mark.parametrize(
    ("after", "upto", "found"),
    [
        (None, None, [-3, 9, 10, 100]),
        ((9,), None, [10, 100]),
        (None, (10,), [-3, 9, 10]),
        ((9,), (99,), [10]),
        ((100,), None, []),
        ([9], [10], [10]),  # as a cursor has them
    ],
)
def test_whole_numbers_are_those_behind_one_end_and_up_to_the_other(after, upto, found):
    assert list(Lying(KEYS).between(after, upto)) == [(number,) for number in found]


@pytest.mark.parametrize("keys", [[("b",), ("a",)], [(1,), ("a",)], [(1, 2), (3, 4)], [(True,), (1,)]])
def test_all_may_lie_in_a_range_where_only_the_database_knows_the_order(keys):
    assert Lying(keys).between(keys[0], None) == keys


def test_all_may_lie_behind_a_text_among_numbers():
    """SQLite has both in a column; it was an error."""
    assert Lying(KEYS).between(("a",), None) == KEYS
    assert Lying(KEYS).between(None, ("a",)) == KEYS


def test_of_none_none_lie_anywhere():
    assert list(NONE_KNOWN.between(None, (5,))) == []
