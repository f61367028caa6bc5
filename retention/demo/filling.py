"""Writes a company's rows into its databases, some thousands at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from retention.config.connecting import urls
from retention.demo.making import Making
from retention.errors import SafetyRefusal, UnreachableError, UsageError

_MARKERS = "retention_marker"

BATCH = 20_000
"""Rows of all tables that are held in memory at most."""

_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mysql+pymysql"}


def variable(connector: str) -> str:
    """The environment variable that puts a demo's store on a server."""
    return f"RETENTION_DEMO_{connector.upper()}_URL"


class Filling:
    """A context in which rows are put into tables; complete once it was left without an error.

    `stores`: connector → its tables. Keys are numbered from 1, by table. Raises UnreachableError where a
    database can't be written, UsageError for a URL that is none, SafetyRefusal for a database of a server that has
    tables already. Of what it makes it tells `making.made`.
    """

    def __init__(self, making: Making, stores: Mapping[str, sa.MetaData]) -> None:
        self._making = making
        self._stores = stores
        self._connections: dict[str, sa.Connection] = {}
        self._exit = ExitStack()
        self._held = 0
        self._rows: dict[sa.Table, list[dict[str, Any]]] = {}
        self._blank: dict[sa.Table, dict[str, Any]] = {}
        self._next: dict[sa.Table, int] = {}
        self.count = 0
        for metadata in stores.values():
            for table in metadata.sorted_tables:
                self._rows[table] = []
                self._blank[table] = dict.fromkeys((column.name for column in table.columns), None)
                self._next[table] = 1

    def put(self, table: sa.Table, **values: Any) -> int:
        """One row, what it does not name being NULL; its key `id`."""
        key = self._next[table]
        self._next[table] = key + 1
        self._rows[table].append({**self._blank[table], "id": key, **values})
        self.count += 1
        self._held += 1
        if self._held >= BATCH:
            self._flush()
        return key

    def __enter__(self) -> Filling:
        try:
            for name, metadata in self._stores.items():
                self._open(name, metadata)
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with self._exit:
            if kind is None:
                self._flush()

    def _open(self, name: str, metadata: sa.MetaData) -> None:
        engine = sa.create_engine(_address(self._making, name), poolclass=sa.pool.NullPool)
        try:
            connection = self._exit.enter_context(engine.connect())
            if engine.dialect.name == "sqlite":
                # Until all is there the folder says UNFINISHED: nothing needs to outlive a crash of the machine.
                for pragma in ("synchronous = OFF", "journal_mode = MEMORY", "foreign_keys = ON"):
                    connection.exec_driver_sql(f"PRAGMA {pragma}")
            there = sa.inspect(connection).get_table_names()
            if there:
                raise SafetyRefusal(_taken(name, there, metadata))
            self._connections[name] = connection
            self._making.made.append(name)
            metadata.create_all(connection)
            connection.commit()
        except SQLAlchemyError as error:
            raise _unreachable(name, error) from error

    def _flush(self) -> None:
        for name, connection in self._connections.items():
            try:
                for table in self._stores[name].sorted_tables:
                    if self._rows[table]:
                        connection.execute(sa.insert(table), self._rows[table])
                        self._rows[table] = []
                connection.commit()
            except SQLAlchemyError as error:
                raise _unreachable(name, error) from error
        self._held = 0


def emptied(making: Making, stores: Mapping[str, sa.MetaData]) -> None:
    """Takes what was built elsewhere than in the folder away again, with the table of markers. What can't go stays.

    Of the databases that a `Filling` found empty alone.
    """
    for name in making.urls.keys() & set(making.made):
        with contextlib.suppress(SQLAlchemyError):
            engine = sa.create_engine(_address(making, name), poolclass=sa.pool.NullPool)
            with engine.begin() as connection:
                stores[name].drop_all(connection)
                connection.exec_driver_sql(f"DROP TABLE IF EXISTS {_MARKERS}")


def _address(making: Making, name: str) -> sa.URL:
    written = making.urls.get(name)
    if written is None:
        return sa.URL.create("sqlite", database=str(making.folder / f"{name}.db"))
    try:
        url = urls.split(written, making.folder)
    except ValueError as error:
        raise UsageError(f"{variable(name)}: {error}") from error
    if url.family == "sqlite":
        return sa.URL.create("sqlite", database=url.path)
    return sa.URL.create(
        _DRIVERS[url.family],
        username=url.username,
        password=url.password,
        host=url.host,
        port=url.port,
        database=url.database,
        query=dict(url.query),
    )


def _taken(name: str, there: Sequence[str], metadata: sa.MetaData) -> str:
    """Why a database can't be filled that has these tables."""
    said = f"{variable(name)}: the database has tables already (`{there[0]}`). Nothing was changed; name an empty one"
    if set(there) <= {*metadata.tables, _MARKERS}:
        said += (
            ". All of them are a demo's, of an earlier one or of one that was killed while it was built: where nothing"
            " in them is needed, drop the database and create it anew"
        )
    return said


def _unreachable(name: str, error: SQLAlchemyError) -> UnreachableError:
    """The driver's own words, without statement or values."""
    said = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    return UnreachableError(f"{name}: the demo's database could not be built: {said}")
