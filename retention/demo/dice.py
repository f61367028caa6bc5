"""Chance that is the same every time: invented people, and what becomes of them."""

from __future__ import annotations

import random


class Dice(random.Random):
    """What `random.Random` throws for the same seed; whole numbers, of which a demo throws millions, sooner."""

    def randint(self, a: int, b: int) -> int:
        """A whole number from `a` to `b`, both included: as many bits as it takes, until they are of one of them."""
        wide = b - a + 1
        bits = wide.bit_length()
        while (found := self.getrandbits(bits)) >= wide:
            pass
        return a + found
