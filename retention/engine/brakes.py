"""What makes the next batch wait: replicas that lag behind, a database that is busy. What is not known waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from retention.connectors.gauges import Gauges
from retention.connectors.port import Refused, Transient
from retention.engine.between import Brake
from retention.errors import RetentionError
from retention.model.dataset import Throttle


def brakes(throttle: Throttle, gauges: Gauges | None) -> tuple[Brake, ...]:
    """The brakes that a connector asks for; `gauges` where it asks for any."""
    found: list[Brake] = []
    if gauges is not None and throttle.max_lag is not None:
        found.append(lagging(throttle.max_lag, gauges.lags))
    if gauges is not None and throttle.load is not None and throttle.max_load is not None:
        query = throttle.load
        found.append(loaded(throttle.max_load, lambda: gauges.value(query)))
    return tuple(found)


def lagging(most: timedelta, lags: Callable[[], Sequence[float | None]]) -> Brake:
    """Waits while a replica is more than `most` behind, while its lag is not known, and while none is seen.

    `lags`: seconds, of each replica.
    """

    def why() -> str | None:
        try:
            seen = lags()
        except (RetentionError, Transient, Refused) as error:
            return f"the replicas' lag is not known: {_words(error)}"
        if not seen:
            return "the replicas' lag is not known: no replica is seen"
        unknown = sum(lag is None for lag in seen)
        if unknown:
            return f"the lag of {unknown} of {len(seen)} replicas is not known"
        worst = max(lag for lag in seen if lag is not None)
        limit = most.total_seconds()
        return f"a replica is {worst:.1f} s behind (at most {limit:g} s)" if worst > limit else None

    return why


def loaded(most: float, value: Callable[[], float | None]) -> Brake:
    """Waits while the load query's value is above `most`, and while it has none."""

    def why() -> str | None:
        try:
            load = value()
        except (RetentionError, Transient, Refused) as error:
            return f"the load is not known: {_words(error)}"
        if load is None:
            return "the load is not known: the query gives no number"
        return f"the load is {load:g} (at most {most:g})" if load > most else None

    return why


def _words(error: Exception) -> str:
    return getattr(error, "message", None) or type(error).__name__
