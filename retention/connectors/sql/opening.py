"""From a connector's file to a `SqlTarget`: the URL that people have, the driver, the session."""

from __future__ import annotations

import importlib.util
import os
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from retention.config.connecting import logins, urls
from retention.config.reading.findings import Unusable
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.target import SqlTarget
from retention.errors import ConfigurationError, Problem, UnreachableError
from retention.model.dataset import Connector, Tls

OLDEST_SQLITE = (3, 35)
"""The first that returns what it deletes."""

Login = Callable[[urls.Url, Tls], Mapping[str, Any]]
"""A URL, and TLS with whole paths → what the driver is told."""


def open_target(connector: Connector, environ: Mapping[str, str]) -> SqlTarget:
    """The connector's database, not connected to yet.

    Raises ConfigurationError for a secret that can't be read or a driver that is not installed,
    UnreachableError for a SQLite file that is not there.
    """
    try:
        url = urls.address(connector.url, connector.password, connector.folder, environ)
    except ValueError as error:
        raise _problem(connector, "url", error) from error
    if url.family == "sqlite":
        return _sqlite(connector, url)
    if url.family == "postgresql":
        return _postgresql(connector, url, environ)
    return _mysql(connector, url, environ)


def _problem(connector: Connector, key: str, error: Exception) -> ConfigurationError:
    if isinstance(error, Unusable):
        first = error.findings[0]
        place = ".".join(map(str, first.at)) or key
        return ConfigurationError(
            problems=[Problem(file=connector.file, key=place, found=first.found, write=first.write)]
        )
    found, _, write = str(error).partition("; ")
    return ConfigurationError(problems=[Problem(file=connector.file, key=key, found=found, write=write)])


def _sqlite(connector: Connector, url: urls.Url) -> SqlTarget:
    from retention.connectors.sql.sqlite.dialect import Sqlite

    path = url.path or ""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        old = ValueError(f"Python's SQLite is version {sqlite3.sqlite_version}; 3.35 or later is needed")
        raise _problem(connector, "url", old)
    if not os.path.exists(path):
        how = (
            "mend the URL: a relative path starts in the folder of policies.toml, sqlite:////PATH is absolute"
        )
        raise UnreachableError(f"connector `{connector.name}`: there is no SQLite file {path}", write=how)
    dialect: Dialect = Sqlite()
    if connector.marker_schema is not None and not dialect.marker_schemas:
        write = ValueError("the URL is one of a SQLite file, which has no schemas; take it out")
        raise _problem(connector, "marker_schema", write)
    return SqlTarget(
        connector.name,
        dialect,
        reading=dialect.engine(path, read_only=True),
        writing=dialect.engine(path, read_only=False),
    )


def _postgresql(connector: Connector, url: urls.Url, environ: Mapping[str, str]) -> SqlTarget:
    _need(connector, "psycopg", "PostgreSQL", "postgresql")
    from retention.connectors.sql.postgresql.dialect import Postgresql

    dialect: Dialect = Postgresql()
    address = sa.URL.create(
        "postgresql+psycopg", host=url.host, port=url.port, database=url.database, query=dict(url.query)
    )
    return _server(connector, dialect, address, environ, logins.postgresql)


def _mysql(connector: Connector, url: urls.Url, environ: Mapping[str, str]) -> SqlTarget:
    _need(connector, "pymysql", "MariaDB and MySQL", "mysql")
    from retention.connectors.sql.mysql.dialect import Mysql

    dialect: Dialect = Mysql(sorted(connector.schemas))
    address = sa.URL.create(
        "mysql+pymysql", host=url.host, port=url.port, database=url.database, query=dict(url.query)
    )
    return _server(connector, dialect, address, environ, logins.mysql)


def _need(connector: Connector, module: str, database: str, extra: str) -> None:
    """ConfigurationError where a driver is not installed."""
    if importlib.util.find_spec(module) is None:
        raise ConfigurationError(
            problems=[
                Problem(
                    file=connector.file,
                    key="url",
                    found=f"the driver for {database} is not installed",
                    write=f"pip install 'retention[{extra}]'",
                )
            ]
        )


def _server(
    connector: Connector, dialect: Dialect, address: sa.URL, environ: Mapping[str, str], login: Login
) -> SqlTarget:
    engines = [dialect.engine(address, read_only=read_only) for read_only in (True, False)]
    for engine in engines:
        sa.event.listen(engine, "do_connect", _credentials(connector, environ, login))
    return SqlTarget(
        connector.name, dialect, reading=engines[0], writing=engines[1], marker_schema=connector.marker_schema
    )


def _credentials(connector: Connector, environ: Mapping[str, str], login: Login) -> Any:
    """Reads every reference again at each new connection, so that a rotated secret is used at once."""

    def connect(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        try:
            url = urls.address(connector.url, connector.password, connector.folder, environ)
            parameters.update(login(url, logins.from_folder(connector.tls, connector.folder)))
        except ValueError as error:
            raise _problem(connector, "url", error) from error

    return connect
