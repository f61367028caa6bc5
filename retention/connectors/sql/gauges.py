"""What a database and its replicas tell of how they are, by connections that can write nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from retention.connectors.gauges import Gauges
from retention.connectors.sql.opening import open_target
from retention.errors import ConfigurationError, Problem
from retention.model.dataset import Connector


class SqlGauges(Gauges):
    """Of a connector whose throttle asks for them. Every look has a connection of its own, and lets it go."""

    def __init__(self, connector: Connector, environ: Mapping[str, str]) -> None:
        """Raises ConfigurationError where the kind of database can't tell what is asked for."""
        throttle = connector.throttle
        self._main = open_target(connector, environ)
        replicas = [replace(connector, url=url, password=None) for url in throttle.replicas]
        self._replicas = [open_target(each, environ) for each in replicas]
        for target in (self._main, *self._replicas):
            if throttle.max_lag is not None and not target._dialect.replicates:
                raise _problem(connector, "max_lag", "means nothing for a SQLite file", "take it out")
        if throttle.max_lag is not None and not (self._replicas or self._main._dialect.sees_replicas):
            found = "is asked for, and a server of this kind does not know how far its replicas are"
            raise _problem(connector, "max_lag", found, 'name them: replicas = ["env:NAME", …]')

    def lags(self) -> Sequence[float | None]:
        seen: list[float | None] = []
        if self._main._dialect.sees_replicas:
            with self._main._reader("looking at replicas") as connection:
                seen += self._main._dialect.replicas(connection)
        for target in self._replicas:
            with target._reader("asking a replica how far it is") as connection:
                seen.append(target._dialect.behind(connection))
        return seen

    def value(self, query: str) -> float | None:
        with (
            self._main._reader("asking how loaded it is") as connection,
            self._main._dialect.shortly(connection, _PATIENCE),
        ):
            rows = connection.exec_driver_sql(query.replace("%", "%%")).fetchmany(2)
        if len(rows) != 1 or len(rows[0]) != 1 or rows[0][0] is None:
            return None
        try:
            return float(str(rows[0][0]))
        except ValueError:
            return None

    def close(self) -> None:
        for target in (self._main, *self._replicas):
            target.close()


_PATIENCE = 2_000
"""Milliseconds that the load query may take."""


def _problem(connector: Connector, key: str, found: str, write: str) -> ConfigurationError:
    problem = Problem(file=connector.file, key=f"throttle.{key}", found=found, write=write)
    return ConfigurationError(str(problem), [problem])
