"""What a job does between two batches, by its connector's throttle: the brakes, over the databases that they ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack

from retention.connectors.sql.gauges import SqlGauges
from retention.engine.between import Between
from retention.engine.brakes import brakes
from retention.engine.journal import Journal
from retention.model.dataset import Connector
from retention.model.progress import Progress


def between(
    connector: Connector,
    environ: Mapping[str, str],
    journal: Journal,
    *,
    stop: Callable[[], bool],
    progress: Progress,
    stack: ExitStack,
) -> Between:
    """Raises ConfigurationError where a database can't tell what the throttle asks for."""
    throttle = connector.throttle
    gauges = SqlGauges(connector, environ) if throttle.gauged else None
    if gauges is not None:
        stack.callback(gauges.close)

    def told(why: str | None) -> None:
        journal.waits(why)
        progress.say(f"{connector.name}: {'waiting: ' + why if why is not None else 'going on'}")

    return Between(
        stop=stop,
        keep=journal.keep,
        brakes=brakes(throttle, gauges),
        rest=throttle.rest,
        rows_per_second=throttle.rows_per_second,
        told=told,
    )
