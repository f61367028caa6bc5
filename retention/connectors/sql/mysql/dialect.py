"""MariaDB 10.6 and later and MySQL 8, through PyMySQL.

What differs between the two is a `Flavour`, told by the server's version when a session begins. Tried on
MariaDB 10.11; no MySQL server was to be had, so that for MySQL its documentation was followed.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.types import UserDefinedType

from retention.config.connecting import logins, unreached
from retention.config.connecting.unreached import Reason
from retention.connectors.port import Lacking
from retention.connectors.sql.dialect import Rows, Timeouts
from retention.connectors.sql.mysql import errors
from retention.connectors.sql.mysql.catalogue import read_catalogue, table_engine
from retention.connectors.sql.mysql.moments import MysqlMoments
from retention.connectors.sql.mysql.packed import packed_locks, packed_rows, packs, unpacked_rows
from retention.connectors.sql.mysql.rewritten import MysqlRewritable
from retention.connectors.sql.mysql.rights import lacking
from retention.connectors.sql.mysql.session import (
    Verbatim,
    assignments,
    flavour_of,
    greeting,
    recoded,
)
from retention.connectors.sql.mysql.vault_tables import MysqlVaultTables
from retention.connectors.sql.showing import PYFORMAT, with_values
from retention.errors import SetupError
from retention.model.catalogue import Catalogue, Column, Kind
from retention.model.condition import Value
from retention.planning.binding.rights import Need

_LOOKING = Timeouts(lock=30_000)
_OFF = (0, "0", "OFF", None)
_NO_DAY = "DATE '0001-01-01'"


class _Listed(UserDefinedType[Any]):
    """A list that the driver writes: SQLAlchemy would write a parameter a value, and take as long again."""

    cache_ok = True


class Mysql(MysqlVaultTables, MysqlRewritable, MysqlMoments):
    """Row locks, keys in lists, a server with a clock of its own."""

    name = "mysql"
    row_locks = True
    own_clock = True
    most_keys = 10_000  # lists of 60,000 turn into a scan that locks every row
    lists_are_slow = True
    writes_rows_down = True
    reads_from_beside = True  # MariaDB took 3.7 GB to prepare a statement that needs 80 MB so
    most_copies = 1_000_000  # 527,000 took MariaDB 0.3 GB
    own_keys = True
    marker_schemas = True

    def __init__(self, schemas: Sequence[str] = ()) -> None:
        """`schemas`: databases of the server that are named besides the one of the URL."""
        self._schemas = tuple(schemas)

    def engine(self, url: Any, *, read_only: bool) -> sa.Engine:
        """`url` is a SQLAlchemy URL. Every session is set the same, whatever the server's defaults are."""
        from pymysql.constants import CLIENT

        engine = sa.create_engine(
            url,
            poolclass=NullPool,
            connect_args={
                "charset": "utf8mb4",
                "client_flag": CLIENT.FOUND_ROWS,
                "connect_timeout": logins.CONNECT_SECONDS,
                "read_timeout": logins.CONNECT_SECONDS,
                "conv": recoded(),
                "init_command": greeting(),
                "local_infile": False,
            },
        )

        @sa.event.listens_for(engine, "connect")
        def _connect(connection: Any, record: Any) -> None:
            flavour = flavour_of(connection.get_server_info())
            record.info["flavour"], record.info["set"] = flavour, {}
            logins.answers_within(connection, None)  # from here on the server ends what takes too long
            with connection.cursor() as cursor:
                cursor.execute(flavour.opening(read_only=read_only))

        @sa.event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            if read_only:
                _waiting(connection, _LOOKING.lock)

        return engine

    def begin(self, connection: Connection, timeouts: Timeouts) -> None:
        flavour = connection.info["flavour"]
        limits = {**flavour.statement(timeouts.statement), **flavour.idle(timeouts.idle)}
        _settle(connection, {**_locks(timeouts.lock), **limits})

    def begin_reading(self, connection: Connection) -> None:
        flavour = connection.info["flavour"]
        _settle(connection, {**_locks(Timeouts().lock), **flavour.statement(0)})

    @contextlib.contextmanager
    def shortly(self, connection: Connection, milliseconds: int) -> Iterator[None]:
        limits = connection.info["flavour"].statement(milliseconds)
        _settle(connection, {**_locks(milliseconds), **limits})
        yield

    def limit_waiting(self, connection: Connection, timeouts: Timeouts) -> None:
        _waiting(connection, timeouts.lock)

    def speak_constraints(self, connection: Connection) -> None:
        """Nothing to ask: InnoDB defers no constraint."""

    def whole_numbers(self, column: Column) -> tuple[int, int]:
        return -(2**63), 2**64 - 1  # of BIGINT UNSIGNED; in others a larger one is just not found

    def identity(self, connection: Connection) -> str:
        url = connection.engine.url
        socket = url.query.get("unix_socket")
        where = f"{socket}" if socket else f"{(url.host or 'localhost').lower()}:{url.port or 3306}"
        return f"mysql:{where}/{url.database}"

    def now(self, connection: Connection) -> datetime:
        found = connection.exec_driver_sql("SELECT UTC_TIMESTAMP(6)").scalar_one()
        return datetime.fromisoformat(str(found)).replace(tzinfo=UTC)

    def read_only(self, connection: Connection) -> str | None:
        switches = connection.info["flavour"].read_only
        found = connection.exec_driver_sql(f"SELECT {', '.join(switches)}").fetchall()[0]
        for switch, value in zip(switches, found, strict=True):
            if value not in _OFF:
                return f"{switch.removeprefix('@@global.')} is on"
        return "the server is a replica" if _replicates(connection) else None

    replicates = True

    def behind(self, connection: Connection) -> float | None:
        """The slowest of the connections by which it follows; each says NULL while it stands still."""
        rows = connection.exec_driver_sql(connection.info["flavour"].replica).mappings().all()
        found = [row.get("Seconds_Behind_Master", row.get("Seconds_Behind_Source")) for row in rows]
        if not found or any(lag is None for lag in found):
            return None
        return max(float(lag) for lag in found)

    def store(self, connection: Connection) -> str:
        name = connection.exec_driver_sql("SELECT DATABASE()").scalar_one()
        return f"{self.server(connection)}:{name}"

    def server(self, connection: Connection) -> str:
        """Tables of every database of the server can be named."""
        found = connection.exec_driver_sql("SELECT @@hostname, @@port, @@datadir, @@server_id").fetchall()[0]
        return f"mysql:{':'.join(map(str, found))}"

    def lacking(
        self, connection: Connection, needs: Sequence[Need], marker_schema: str | None
    ) -> tuple[Lacking, ...]:
        return lacking(connection, needs, marker_schema)

    def transient(self, error: BaseException) -> bool:
        return errors.number(error) in errors.TRANSIENT

    def lost(self, error: BaseException) -> bool:
        if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
            return True
        return errors.number(error) in errors.LOST

    def unreached(self, error: BaseException) -> Reason | None:
        return unreached.mysql(errors.number(error), str(getattr(error, "orig", error)))

    def forbidden(self, error: BaseException) -> bool:
        return errors.number(error) in errors.FORBIDDEN

    def denied(self, error: BaseException) -> bool:
        return errors.number(error) in errors.DENIED

    def is_held(self, error: BaseException) -> bool:
        return errors.number(error) in errors.HELD

    def is_duplicate(self, error: BaseException) -> bool:
        return errors.number(error) in errors.DUPLICATE

    # -- the catalogue ---------------------------------------------------------------------

    def catalogue(self, connection: Connection) -> Catalogue:
        return read_catalogue(connection, connection.info["flavour"], self._schemas)

    def has_table(self, connection: Connection, name: str, schema: str | None) -> bool:
        engine = table_engine(connection, name, schema)
        if engine is not None and engine.upper() != "INNODB":
            raise SetupError(
                f"`{name}` is stored by {engine}, which undoes nothing; type in the database:"
                f" ALTER TABLE `{name}` ENGINE=InnoDB;"
            )
        return engine is not None

    # -- expressions -----------------------------------------------------------------------

    def value(self, value: Value) -> Any:
        return int(value) if isinstance(value, bool) else value

    def function(self, name: str) -> str:
        return "char_length" if name == "length" else name

    def truth(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return column != sa.literal_column("0")

    def is_null(self, expression: ColumnElement[Any]) -> ColumnElement[Any]:
        # Of a zero date in a NOT NULL column, IS NULL is true.
        return expression.op("<=>", is_comparison=True)(sa.null())

    def readable(self, column: ColumnElement[Any], kind: Kind) -> ColumnElement[Any] | None:
        # Zero dates, 2020-00-00, and with ALLOW_INVALID_DATES 30 February.
        last = sa.func.dayofmonth(sa.func.last_day(column))
        inside = sa.func.dayofmonth(column).between(sa.literal_column("1"), last)
        return sa.func.coalesce(inside, sa.literal_column("0")) == sa.literal_column("1")

    def shown_value(self, column: ColumnElement[Any], kind: Kind) -> ColumnElement[Any]:
        text = sa.cast(column, sa.CHAR)
        return sa.func.concat(text, sa.literal_column("'+00:00'")) if kind is Kind.TIMESTAMPTZ else text

    def greatest(self, days: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
        none: ColumnElement[Any] = sa.literal_column(_NO_DAY)
        return sa.func.nullif(sa.func.greatest(*(sa.func.coalesce(day, none) for day in days)), none)

    def returns_deleted(self, connection: Connection) -> bool:
        return bool(connection.info["flavour"].returns_deleted)

    # -- keys ------------------------------------------------------------------------------

    def beyond(
        self, columns: Sequence[ColumnElement[Any]], values: Sequence[ColumnElement[Any]]
    ) -> ColumnElement[Any]:
        # A comparison of rows is no range of an index here; this is one.
        first, value = columns[0], values[0]
        if len(columns) == 1:
            return first > value
        return sa.or_(first > value, sa.and_(first == value, self.beyond(columns[1:], values[1:])))

    def up_to(
        self, columns: Sequence[ColumnElement[Any]], values: Sequence[ColumnElement[Any]]
    ) -> ColumnElement[Any]:
        first, value = columns[0], values[0]
        if len(columns) == 1:
            return first <= value
        return sa.or_(first < value, sa.and_(first == value, self.up_to(columns[1:], values[1:])))

    def key_in(self, columns: Sequence[ColumnElement[Any]], key: Sequence[Column]) -> ColumnElement[Any]:
        return self.among_handed(columns, key, self.handed_as)

    def among_handed(
        self, columns: Sequence[ColumnElement[Any]], key: Sequence[Column], name: str
    ) -> ColumnElement[Any]:
        left, nothing = columns[0], "NULL"
        if len(columns) > 1:
            left, nothing = sa.tuple_(*columns), f"({', '.join('NULL' for _ in columns)})"
        keys = sa.bindparam(name, Verbatim(f"({nothing})"), type_=_Listed())
        return left.op("IN", is_comparison=True)(keys)

    def give_keys(
        self, connection: Connection, key: Sequence[Column], keys: Sequence[tuple[Any, ...]]
    ) -> Mapping[str, Any]:
        return self.handed(key, keys, self.handed_as)

    def handed(self, key: Sequence[Column], keys: Sequence[tuple[Any, ...]], name: str) -> Mapping[str, Any]:
        rows = keys or [(None,) * len(key)]  # an empty list is none of SQL's
        if len(key) > 1:
            return {name: tuple(rows)}
        values = [row[0] for row in rows]
        if all(type(value) is int for value in values):
            return {name: Verbatim(f"({','.join(map(str, values))})")}
        return {name: tuple(values)}

    def looked_up_apart(self, rows: int | None) -> bool | None:
        # Never joined by itself: a statement that locks would lock the rows of what it joins, but not of a query in it.
        return True if rows is not None and rows <= 10_000 else None

    def packed(
        self, connection: Connection, query: sa.Select[Any], kinds: Sequence[Kind], ordered: int
    ) -> Rows | None:
        """Texts are not ordered here as they are there."""
        if Kind.TEXT not in kinds[:ordered] and packs(kinds):
            found = packed_rows(connection, query, kinds)
            with contextlib.suppress(TypeError):  # a date that is none is a text
                return None if found is None else sorted(found, key=lambda row: row[:ordered])
        return None

    def packed_locks(self, query: sa.Select[Any], kinds: Sequence[Kind]) -> sa.Select[Any] | None:
        return packed_locks(query, kinds) if packs(kinds) else None

    def unpacked(
        self, connection: Connection, packed: sa.Select[Any], kinds: Sequence[Kind], given: Mapping[str, Any]
    ) -> Rows | None:
        return unpacked_rows(connection, packed, kinds, given)

    def lock(
        self, query: sa.Select[Any], of: FromClause, *, wait: bool, at_once: bool = False
    ) -> sa.Select[Any]:
        # No OF: MariaDB has none, and what else the query joins is the batch's own already.
        return query.with_for_update(skip_locked=not wait and not at_once, nowait=at_once)

    def shown(self, statement: sa.ClauseElement, given: Mapping[str, Any] | None = None) -> str:
        from sqlalchemy.dialects.mysql import pymysql

        dialect = pymysql.dialect(paramstyle="pyformat")
        return with_values(statement, dialect, PYFORMAT, _literal, given or {})


def _locks(milliseconds: int) -> dict[str, str]:
    """For rows, and for tables whose definition is being changed.

    At least a second: InnoDB counts in seconds, and where MariaDB is told to wait for none, SKIP LOCKED fails.
    """
    seconds = str(max(1, math.ceil(milliseconds / 1000)))
    return {"innodb_lock_wait_timeout": seconds, "lock_wait_timeout": seconds}


def _waiting(connection: Connection, milliseconds: int) -> None:
    _settle(connection, _locks(milliseconds))


def _settle(connection: Connection, wanted: Mapping[str, str]) -> None:
    """Sets what is not set already, in one round trip at most."""
    known: dict[str, str] = connection.info["set"]
    changed = {name: value for name, value in wanted.items() if known.get(name) != value}
    if changed:
        connection.exec_driver_sql(assignments(changed))
        known.update(changed)


def _replicates(connection: Connection) -> bool:
    """Whether it follows another server, as far as the role may know."""
    try:
        return connection.exec_driver_sql(connection.info["flavour"].replica).first() is not None
    except sa.exc.DBAPIError as error:
        if errors.number(error) in errors.DENIED:
            return False
        raise


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, Verbatim):
        return f"{value.text} /* known in the batch */"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    if isinstance(value, datetime):
        text = value.replace(tzinfo=None).isoformat(sep=" ")
    else:
        text = value.isoformat() if isinstance(value, date) else str(value)
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
