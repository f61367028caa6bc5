"""What a store tells of how it is, between two batches: a port of its own, which can write nothing."""

from __future__ import annotations

import abc
from collections.abc import Sequence


class Gauges(abc.ABC):
    """What a store tells of how it is just now, between two batches. All raise RetentionError or Transient."""

    @abc.abstractmethod
    def lags(self) -> Sequence[float | None]:
        """Seconds that each replica is behind, those that the store knows and those that are named; None: not known."""

    @abc.abstractmethod
    def value(self, query: str) -> float | None:
        """The number that a query gives, which was looked at by the configuration; None where it gives none."""

    @abc.abstractmethod
    def close(self) -> None:
        """Lets every connection go."""
