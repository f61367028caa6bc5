"""How the batch size follows the time that batches take."""

import random
from datetime import timedelta
from itertools import pairwise

import pytest

from retention.engine.pace import FIRST, MOST, Pace


def paced(cost, batches=120, target=0.5, size=FIRST):
    """The sizes of batches whose time is `cost(size)` seconds, but for some noise."""
    dice = random.Random(5)
    pace = Pace(target=timedelta(seconds=target), size=size)
    sizes = []
    for _ in range(batches):
        sizes.append(pace.size)
        pace.worked(cost(pace.size) * dice.uniform(0.8, 1.25), full=True)
    return sizes


def test_it_grows_by_a_fifth_at_most():
    sizes = paced(lambda _: 0.001)
    assert all(b <= 1.2 * a for a, b in pairwise(sizes))
    assert sizes[-1] == MOST


def test_it_settles_near_the_target_for_records_that_cost():
    assert all(0.1 < size * 0.01 < 0.9 for size in paced(lambda size: size * 0.01)[10:])


def test_records_with_very_many_parts_go_nearly_alone():
    sizes = paced(lambda size: size * 2.0)[20:]
    assert max(sizes) <= 2
    assert sizes.count(1) > len(sizes) / 2


@pytest.mark.parametrize("size", [1, 100, FIRST])
def test_a_slow_disk_or_a_long_way_does_not_make_batches_of_one(size):
    """Each batch was slow whatever its size, and was halved for it down to a single record."""
    sizes = paced(lambda n: 0.06 + n * 1e-5, target=0.02, size=size)[60:]
    assert sum(sizes) / len(sizes) > FIRST / 2


def test_a_slow_disk_does_not_make_batches_larger_than_the_first():
    assert max(paced(lambda n: 0.2 + n * 1e-5, target=0.02, size=MOST)[10:]) <= FIRST


def test_few_records_do_not_make_it_grow():
    pace = Pace(target=timedelta(seconds=0.5))
    pace.worked(0.001, full=False)
    assert pace.size == FIRST
