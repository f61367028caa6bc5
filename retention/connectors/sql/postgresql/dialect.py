"""PostgreSQL 14 and later, through psycopg 3."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.types import NullType

from retention.config.connecting import unreached
from retention.config.connecting.unreached import Reason
from retention.connectors.port import Lacking
from retention.connectors.sql.dialect import Rows, Timeouts
from retention.connectors.sql.postgresql.ahead import ahead
from retention.connectors.sql.postgresql.constraints import references_of
from retention.connectors.sql.postgresql.lag import behind, replicas
from retention.connectors.sql.postgresql.moments import PostgresqlMoments
from retention.connectors.sql.postgresql.pages import Spelled, TupleIds
from retention.connectors.sql.postgresql.rewritten import PostgresqlRewritable
from retention.connectors.sql.postgresql.rights import lacking
from retention.connectors.sql.postgresql.tables import merged, tables_of
from retention.connectors.sql.showing import PYFORMAT, with_values
from retention.errors import SetupError
from retention.model.catalogue import Catalogue, Column, Dates, Kind, Table
from retention.planning.binding.reach import qualified
from retention.planning.binding.rights import Need

_LOOKING = {
    "timezone": "UTC",
    "row_security": "off",  # an error instead of rows that a policy hides
    "jit": "off",  # every range and batch would be compiled anew: a plan of 900,000 records took 6.0 s instead of 2.7 s
}
_TRANSIENT = frozenset({"40001", "40P01", "55P03", "57014", "25P03", "57P03"})
_LOST = frozenset({"57P01", "57P02", "57P05", "25P03"})


OLDEST = 140000
"""The oldest server version that ranges of the physical order are served by."""


class Postgresql(PostgresqlRewritable, PostgresqlMoments):
    """Row locks, `ctid` ranges, a server with a clock of its own."""

    name = "postgresql"
    row_locks = True
    looks_up_laterally = True
    hashes_arrays = True
    physical = TupleIds()
    marker_schemas = True
    own_clock = True
    copies_given_keys = "OVERRIDING SYSTEM VALUE"
    since_type = "timestamp with time zone NOT NULL"

    def vault_columns(self, table: Table) -> list[str]:
        """Names, types and NOT NULL, to the letter; not what is computed, nor what gives out numbers."""
        return [f"LIKE {qualified(table.id)}"]

    def engine(self, url: Any, *, read_only: bool) -> sa.Engine:
        """`url` is a SQLAlchemy URL. Sessions are set by SET LOCAL in each transaction (PgBouncer)."""
        engine = sa.create_engine(
            url,
            poolclass=NullPool,
            connect_args={"prepare_threshold": None},
            isolation_level="READ COMMITTED",
        )

        @sa.event.listens_for(engine, "connect")
        def _connect(connection: Any, _record: Any) -> None:
            _refuse_old(connection.info.server_version)
            _load_any_date(connection)

        @sa.event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            if read_only:
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
                _set_local(connection, {**_LOOKING, "lock_timeout": "30s"})

        return engine

    def begin(self, connection: Connection, timeouts: Timeouts) -> None:
        _set_local(
            connection,
            {
                **_LOOKING,
                "synchronous_commit": "on",
                "lock_timeout": f"{timeouts.lock}ms",
                "statement_timeout": f"{timeouts.statement}ms",
                "idle_in_transaction_session_timeout": f"{timeouts.idle}ms",
            },
        )

    def begin_reading(self, connection: Connection) -> None:
        _set_local(connection, {**_LOOKING, "lock_timeout": f"{Timeouts().lock}ms"})

    def begin_searching(self, connection: Connection) -> None:
        # The planner takes every row for one that is found, and what workers find for dear to hand over: then it
        # lets one process look at them all.
        _set_local(connection, {"parallel_tuple_cost": "0"})

    @contextlib.contextmanager
    def shortly(self, connection: Connection, milliseconds: int) -> Iterator[None]:
        limit = f"{milliseconds}ms"
        _set_local(connection, {"statement_timeout": limit, "lock_timeout": limit})
        yield

    def limit_waiting(self, connection: Connection, timeouts: Timeouts) -> None:
        _set_local(connection, {"lock_timeout": f"{timeouts.lock}ms"})

    def defer_constraints(self, connection: Connection) -> None:
        connection.exec_driver_sql("SET CONSTRAINTS ALL DEFERRED")

    def speak_constraints(self, connection: Connection) -> None:
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")

    def identity(self, connection: Connection) -> str:
        url = connection.engine.url
        where = url.query.get("host") or url.host or "local"
        return f"postgresql:{where}:{url.port or 5432}/{url.database}"

    def store(self, connection: Connection) -> str:
        told = connection.exec_driver_sql(
            "SELECT CASE WHEN has_function_privilege('pg_control_system()', 'EXECUTE')"
            " THEN (SELECT system_identifier FROM pg_control_system()) END, current_database()"
        ).one()
        return self.identity(connection) if told[0] is None else f"postgresql:{told[0]}/{told[1]}"

    def now(self, connection: Connection) -> datetime:
        return cast(datetime, connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one())

    def read_only(self, connection: Connection) -> str | None:
        if connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar():
            return "the server is a read replica"
        default = connection.exec_driver_sql(
            "SELECT setting FROM pg_settings WHERE name = 'default_transaction_read_only'"
        ).scalar()
        return "default_transaction_read_only is on" if default == "on" else None

    sees_replicas = True
    replicates = True

    def replicas(self, connection: Connection) -> tuple[float | None, ...]:
        return replicas(connection)

    def behind(self, connection: Connection) -> float | None:
        return behind(connection)

    def lacking(
        self, connection: Connection, needs: Sequence[Need], marker_schema: str | None
    ) -> tuple[Lacking, ...]:
        return lacking(connection, needs, marker_schema)

    def transient(self, error: BaseException) -> bool:
        return _sqlstate(error) in _TRANSIENT

    def lost(self, error: BaseException) -> bool:
        state = _sqlstate(error)
        if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
            return True
        if state is None:
            return type(getattr(error, "orig", error)).__name__ in ("OperationalError", "InterfaceError")
        return state in _LOST or state.startswith("08")

    def unreached(self, error: BaseException) -> Reason | None:
        return unreached.postgresql(str(getattr(error, "orig", error)))

    def forbidden(self, error: BaseException) -> bool:
        return (_sqlstate(error) or "").startswith("42")

    def denied(self, error: BaseException) -> bool:
        return _sqlstate(error) == "42501"

    def is_duplicate(self, error: BaseException) -> bool:
        return _sqlstate(error) == "23505"

    # -- the catalogue ---------------------------------------------------------------------

    def catalogue(self, connection: Connection) -> Catalogue:
        tables = tables_of(connection)
        default = connection.exec_driver_sql("SELECT current_schema()").scalar()
        return Catalogue(
            tables=tables,
            references=merged(references_of(connection), tables),
            default_schema=default or "public",
            dates=Dates(odd="infinity", shape="-?infinity"),
            at_once=True,
        )

    # -- expressions -----------------------------------------------------------------------

    def truth(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return column

    def shown_value(self, column: ColumnElement[Any], kind: Kind) -> ColumnElement[Any]:
        return sa.cast(column, sa.Text)

    def greatest(self, days: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
        return sa.func.greatest(*days)

    # -- rows ------------------------------------------------------------------------------

    def ahead(
        self, connection: Connection, statement: Any
    ) -> Callable[[Iterable[Mapping[str, Any]]], Generator[Rows]]:
        return ahead(connection, statement)

    # -- keys ------------------------------------------------------------------------------

    def key_in(self, columns: Sequence[ColumnElement[Any]], key: Sequence[Column]) -> ColumnElement[Any]:
        return self.among_handed(columns, key, self.handed_as)

    def among_handed(
        self, columns: Sequence[ColumnElement[Any]], key: Sequence[Column], name: str
    ) -> ColumnElement[Any]:
        arrays = [
            sa.cast(sa.bindparam(f"{name}{i}", type_=NullType()), Spelled(f"{column.type}[]"))
            for i, column in enumerate(key)
        ]
        if len(arrays) == 1:
            return columns[0] == sa.any_(arrays[0])
        return _among_arrays(columns, arrays)

    def among_listed(
        self, columns: Sequence[ColumnElement[Any]], key: Sequence[Column], keys: Sequence[tuple[Any, ...]]
    ) -> ColumnElement[Any]:
        if not keys:
            return sa.false()
        if len(key) == 1:
            return self.one_of(columns[0], [value for (value,) in keys], key[0].type)
        arrays = [
            sa.cast(
                sa.bindparam(None, _array(list(values)), type_=NullType(), unique=True),
                Spelled(f"{c.type}[]"),
            )
            for c, values in zip(key, zip(*keys, strict=True), strict=True)
        ]
        return _among_arrays(columns, arrays)

    def one_of(self, value: ColumnElement[Any], values: Sequence[Any], type_: str) -> ColumnElement[Any]:
        given = sa.bindparam(None, _array(list(values)), type_=NullType(), unique=True)
        return value == sa.any_(sa.cast(given, Spelled(f"{type_}[]")))

    def among(
        self, columns: Sequence[ColumnElement[Any]], keys: Sequence[ColumnElement[Any]], *known: Any
    ) -> ColumnElement[Any]:
        # By way of arrays: the planner takes those for small, and hashes them. A query's own rows, once it guesses
        # them to be many, it would read through for every record.
        arrays = [
            sa.func.array(sa.select(key).where(*known).correlate(None).scalar_subquery()) for key in keys
        ]
        names = [f"k{place}" for place in range(len(keys))]
        rows = sa.func.unnest(*arrays).table_valued(*names).render_derived()
        left = columns[0] if len(columns) == 1 else sa.tuple_(*columns)
        return left.in_(sa.select(*(rows.c[name] for name in names)))

    def give_keys(
        self, connection: Connection, key: Sequence[Column], keys: Sequence[tuple[Any, ...]]
    ) -> Mapping[str, Any]:
        return self.handed(key, keys, self.handed_as)

    def handed(self, key: Sequence[Column], keys: Sequence[tuple[Any, ...]], name: str) -> Mapping[str, Any]:
        return {f"{name}{i}": _array([row[i] for row in keys]) for i in range(len(key))}

    def whole_numbers(self, column: Column) -> tuple[int, int]:
        bits = {"smallint": 15, "integer": 31}.get(
            column.type.lower(), 63
        )  # a larger one can't even be compared
        return -(2**bits), 2**bits - 1

    def looked_up_apart(self, rows: int | None) -> bool | None:
        return rows is not None and rows <= 1_000  # else the planner chooses, and may look each row up

    def lock(
        self, query: sa.Select[Any], of: FromClause, *, wait: bool, at_once: bool = False
    ) -> sa.Select[Any]:
        return query.with_for_update(of=of, skip_locked=not wait and not at_once, nowait=at_once)

    def is_held(self, error: BaseException) -> bool:
        return _sqlstate(error) == "55P03"

    def shown(self, statement: sa.ClauseElement, given: Mapping[str, Any] | None = None) -> str:
        from sqlalchemy.dialects.postgresql import psycopg

        dialect: sa.Dialect = psycopg.dialect()  # type: ignore[no-untyped-call]
        return with_values(statement, dialect, PYFORMAT, _literal, given or {}, "'{}'")


def _among_arrays(columns: Sequence[ColumnElement[Any]], arrays: Sequence[Any]) -> ColumnElement[Any]:
    """`columns` are one of the keys of which each array has a value, in the same order."""
    names = [f"k{place}" for place in range(len(arrays))]
    rows = sa.func.unnest(*arrays).table_valued(*names).render_derived()
    return sa.tuple_(*columns).in_(sa.select(*(rows.c[name] for name in names)))


def _array(values: list[Any]) -> Any:
    """An array of whole numbers as its literal, which psycopg would take ten times as long to write.

    What was read and what somebody typed may be of two types: then all of them are texts.
    """
    types = {type(value) for value in values if value is not None}
    if types <= {int} and None not in values:
        return f"{{{','.join(map(str, values))}}}"
    return values if len(types) < 2 else [None if value is None else str(value) for value in values]


@functools.cache
def _loaders() -> Mapping[str, type[Any]]:
    """Made once: a class that was made for each connection was never freed, and a daemon grew by it with every run."""
    from psycopg import DataError
    from psycopg.types import datetime as loaders

    def lenient(loader: type[Any]) -> type[Any]:
        def load(self: Any, data: Any) -> Any:
            try:
                return loader.load(self, data)
            except DataError:
                return bytes(data).decode()

        return type(loader.__name__, (loader,), {"load": load})

    return {
        "date": lenient(loaders.DateLoader),
        "timestamp": lenient(loaders.TimestampLoader),
        "timestamptz": lenient(loaders.TimestamptzLoader),
    }


def _load_any_date(connection: Any) -> None:
    """What Python's dates can't hold (`infinity`, the year 20000, before Christ) comes as text, not as an error."""
    for name, loader in _loaders().items():
        connection.adapters.register_loader(name, loader)


def _sqlstate(error: BaseException) -> str | None:
    return getattr(getattr(error, "orig", error), "sqlstate", None)


def _set_local(connection: Connection, settings: Mapping[str, str]) -> None:
    calls = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings.items())
    connection.exec_driver_sql(f"SELECT {calls}")


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, list):
        return f"'{{{', '.join(map(str, value))}}}'"
    text = value.isoformat() if isinstance(value, date | datetime) else str(value)
    return "'" + text.replace("'", "''") + "'"


def _refuse_old(version: int) -> None:
    """`version` is 140005 for 14.5. SetupError for a server without ranges of `ctid`."""
    if version < OLDEST:
        raise SetupError(
            f"the server is PostgreSQL {version // 10_000}, which can't read a table by ranges of its pages;"
            " PostgreSQL 14 and later can"
        )
