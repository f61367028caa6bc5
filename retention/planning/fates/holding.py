"""What legal holds cover, as far as planning needs to know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Holding:
    """Names of `datasets` and `rules` that are held as a whole, and of datasets that have a list of held records."""

    datasets: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    listed: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.datasets or self.rules or self.listed)


NOTHING_HELD = Holding()


def held_list(dataset: object) -> str:
    """The name of the list of a dataset's held records."""
    return f"{dataset}/held"
