"""From a connector's file to a `SqlTarget`: the URL that people have, the driver, the session."""

from __future__ import annotations

import importlib.util
import os
import ssl
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from retention.config import urls
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.target import SqlTarget
from retention.errors import ConfigurationError, Problem, UnreachableError
from retention.model.dataset import Connector

Tls = Callable[[Connector, urls.Url], Mapping[str, Any]]
"""A connector and its URL → what the driver is told about TLS."""

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


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
    found, _, write = str(error).partition("; ")
    return ConfigurationError(problems=[Problem(file=connector.file, key=key, found=found, write=write)])


def _sqlite(connector: Connector, url: urls.Url) -> SqlTarget:
    from retention.connectors.sql.sqlite import Sqlite

    path = url.path or ""
    if not os.path.exists(path):
        raise UnreachableError(f"connector `{connector.name}`: there is no SQLite file {path}")
    dialect: Dialect = Sqlite()
    return SqlTarget(
        connector.name,
        dialect,
        reading=dialect.engine(path, read_only=True),
        writing=dialect.engine(path, read_only=False),
    )


def _postgresql(connector: Connector, url: urls.Url, environ: Mapping[str, str]) -> SqlTarget:
    _need(connector, "psycopg", "PostgreSQL", "postgresql")
    from retention.connectors.sql.postgresql import Postgresql

    dialect: Dialect = Postgresql()
    address = sa.URL.create(
        "postgresql+psycopg", host=url.host, port=url.port, database=url.database, query=dict(url.query)
    )
    return _server(connector, dialect, address, environ, _tls_of_libpq)


def _mysql(connector: Connector, url: urls.Url, environ: Mapping[str, str]) -> SqlTarget:
    _need(connector, "pymysql", "MariaDB and MySQL", "mysql")
    from retention.connectors.sql.mysql import Mysql

    datasets = connector.datasets.values()
    names = [d.table.pieces for d in datasets] + [part.table.pieces for d in datasets for part in d.parts]
    schemas = {name[0] for name in names if len(name) == 2} | {d.schema for d in datasets if d.schema}
    dialect: Dialect = Mysql(sorted(schemas))
    unknown = sorted(set(url.query) - {"unix_socket", "charset"})
    if unknown or url.query.get("charset", "utf8mb4") != "utf8mb4":
        name = unknown[0] if unknown else "charset"
        raise _problem(
            connector,
            "url",
            ValueError(f"the URL has the parameter `{name}`, which is not supported; take it out"),
        )
    address = sa.URL.create(
        "mysql+pymysql",
        host=url.host,
        port=url.port,
        database=url.database,
        query={name: value for name, value in url.query.items() if name == "unix_socket"},
    )
    return _server(connector, dialect, address, environ, _tls_of_pymysql)


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
    connector: Connector, dialect: Dialect, address: sa.URL, environ: Mapping[str, str], tls: Tls
) -> SqlTarget:
    engines = [dialect.engine(address, read_only=read_only) for read_only in (True, False)]
    for engine in engines:
        sa.event.listen(engine, "do_connect", _credentials(connector, environ, tls))
    return SqlTarget(connector.name, dialect, reading=engines[0], writing=engines[1])


def _local(url: urls.Url) -> bool:
    return url.host is None or url.host in _LOCAL or url.host.startswith("/")


def _tls_of_libpq(connector: Connector, url: urls.Url) -> Mapping[str, Any]:
    if connector.tls == "off" or _local(url) or "sslmode" in url.query:
        return {}
    return {"sslmode": "verify-full", "sslrootcert": connector.tls_ca or "system"}


def _tls_of_pymysql(connector: Connector, url: urls.Url) -> Mapping[str, Any]:
    if connector.tls == "off" or (_local(url) and connector.tls_ca is None):
        return {"ssl_disabled": True}
    try:
        return {"ssl": ssl.create_default_context(cafile=connector.tls_ca)}
    except OSError as error:
        found = f"{connector.tls_ca} can't be read as certificates ({error.strerror or error})"
        raise _problem(connector, "tls_ca", ValueError(f"{found}; name a PEM file")) from error


def _credentials(connector: Connector, environ: Mapping[str, str], tls: Tls) -> Any:
    """Reads every reference again at each new connection, so that a rotated secret is used at once."""

    def connect(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        try:
            url = urls.address(connector.url, connector.password, connector.folder, environ)
            if url.username is not None:
                parameters["user"] = url.username
            if url.password is not None:
                parameters["password"] = url.password
        except ValueError as error:
            raise _problem(connector, "url", error) from error
        parameters.update(tls(connector, url))

    return connect
