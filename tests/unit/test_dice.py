"""The people of a demo are the same every time."""

import random

from retention.demo.dice import Dice


def test_dice_throw_what_python_s_own_would():
    """So the companies are those that the pages speak of."""
    for seed in ("store", "desk", 1):
        python, ours = random.Random(seed), Dice(seed)
        for high in range(2000):
            assert ours.randint(-3, high % 131) == python.randint(-3, high % 131)
            assert ours.choice("abcdefg") == python.choice("abcdefg")
            assert ours.sample(range(9), 3) == python.sample(range(9), 3)
            assert ours.random() == python.random()
