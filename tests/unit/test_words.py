"""Sentences that are put together from pieces."""

from decimal import Decimal

import pytest

from retention.errors import Problem
from retention.model.policy import Limits
from retention.safety.limits import exceeded


@pytest.mark.parametrize(
    ("share", "words"),
    [
        ("0.25", "388 of 1,000 rows (38.8%) are above the limit of 25% of the table"),
        ("0.125", "388 of 1,000 rows (38.8%) are above the limit of 12.5% of the table"),
        ("0.30", "388 of 1,000 rows (38.8%) are above the limit of 30% of the table"),
        ("0.388", None),
        ("1", None),
    ],
)
def test_a_limit_is_told_as_it_was_written(share, words):
    """`38.8 %` beside `25%`; and 12.5% was told as 12%."""
    assert exceeded(due=388, table_rows=1000, limits=Limits(share=Decimal(share), rows=10**6)) == words


@pytest.mark.parametrize(
    ("key", "found", "words"),
    [
        ("rules", "is missing", "policies.toml: rules is missing; write one"),
        (
            "a.table",
            "table `x` does not exist",
            "policies.toml: a.table: table `x` does not exist; write one",
        ),
        ("", "is not there", "policies.toml: is not there; write one"),
    ],
)
def test_a_problem_in_one_line(key, found, words):
    assert str(Problem(file="policies.toml", key=key, found=found, write="write one")) == words
