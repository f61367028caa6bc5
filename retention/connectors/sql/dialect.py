"""What differs between SQL databases, by named capability.

Outside the dialect files nothing asks which database it is talking to.
"""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from retention.config.connecting.unreached import Reason
from retention.connectors.port import Lacking
from retention.connectors.sql.handing import Handing
from retention.connectors.sql.lines import least
from retention.connectors.sql.moments import Moments
from retention.connectors.sql.physical import Physical
from retention.connectors.sql.rewritten import Rewritable
from retention.connectors.sql.timeouts import Timeouts as Timeouts
from retention.connectors.sql.vault_tables import VaultTables
from retention.model import predicate as p
from retention.model.catalogue import Catalogue, Column, Kind, TableId
from retention.model.condition import Value
from retention.model.encoding import Encoding
from retention.planning.binding.rights import Need

Element = ColumnElement[Any]
Reading = tuple[ColumnElement[Any] | None, ColumnElement[Any]]
"""(readable, value): `readable`, plain of what is not NULL, or None for always, says of which rows `value` is true.

`value` is anything or NULL elsewhere, and never an error of the database.
"""

Rows = list[tuple[Any, ...]]
"""The driver's own tuples."""


def plain_rows(connection: Connection, statement: Any, given: Mapping[str, Any] | None = None) -> Rows:
    """All rows as the driver gives them: SQLAlchemy's cost more than the query where there are many."""
    result = connection.execute(statement, given)
    try:
        return list(result.cursor.fetchall())
    finally:
        result.close()


def rows_at_once(
    dialect: Dialect,
    connection: Connection,
    query: sa.Select[Any],
    kinds: Sequence[Kind],
    given: Mapping[str, Any],
) -> Rows:
    """The rows of a query without order or limit, in no order, packed into one on their way where that is faster.

    `kinds`: of its columns, of which only texts may be NULL. For as many rows as a batch has.
    """
    packed = dialect.packed_locks(query, kinds)
    rows = None if packed is None else dialect.unpacked(connection, packed, kinds, given)
    return plain_rows(connection, query, given) if rows is None else rows


class Dialect(Moments, Rewritable, Handing, VaultTables):
    """One database family. Methods take and give SQLAlchemy elements; none keeps state of a run."""

    name: str
    row_locks: bool
    """Rows are locked one by one, and locked ones can be skipped; else a writer has the database to itself."""
    physical: Physical | None = None
    """Rows can be taken in ranges of their physical place; None where they can't."""
    marker_schemas: bool
    """`retention_marker` may lie in a schema of its own, in one transaction with the rows."""
    typed: bool = True
    """A column's values are of its declared type."""
    own_clock: bool
    """The server has a clock that is not this machine's."""
    most_keys: int | None = None
    """More keys than these are too many for one statement; None: as many as there are."""
    lists_are_slow: bool = False
    """To read a list of keys, and look each of them up, takes longer than to pass a few rows more."""
    writes_rows_down: bool = False
    """A query in FROM with a limit of its own is worked out whole, and its rows are written down, before they are read.

    What few rows pass is asked before that.
    """
    reads_from_beside: bool = False
    """A query that others read from is written down behind the definitions that it asks for, rather than in FROM.

    For a database that prepares each query in FROM again with every copy that it makes of a definition.
    """
    most_copies: int | None = None
    """A statement that names more tables, with each definition put in every place that asks for it, is refused: it
    could take all of the server's memory to prepare. None: the server has a limit of its own, or copies nothing.
    """
    own_keys: bool = False
    """Rows are deleted by the keys of their own table, which are looked up first, and without an alias.

    For databases where a DELETE that looks for its rows locks others.
    """

    # -- connections -----------------------------------------------------------------------

    @abc.abstractmethod
    def engine(self, url: Any, *, read_only: bool) -> sa.Engine:
        """An engine whose sessions are set as the design says (UTC, durability, isolation)."""

    @abc.abstractmethod
    def begin(self, connection: Connection, timeouts: Timeouts) -> None:
        """Begins a batch's transaction by hand and sets its timeouts, in as few round trips as can be."""

    @abc.abstractmethod
    def begin_reading(self, connection: Connection) -> None:
        """Sets up a short transaction of a batch's connection that only looks."""

    def begin_searching(self, connection: Connection) -> None:
        """What the transaction, which only looks, asks for now goes through whole tables and finds little in them."""

    @contextlib.contextmanager
    def shortly(self, connection: Connection, milliseconds: int) -> Iterator[None]:
        """Statements of the block, which only look, end with an error after so long, where that can be."""
        yield

    @abc.abstractmethod
    def limit_waiting(self, connection: Connection, timeouts: Timeouts) -> None:
        """Changes what the transaction at hand waits for locks."""

    def defer_constraints(self, connection: Connection) -> None:
        """Lets the transaction's deferrable constraints wait until they are made to speak."""
        raise AssertionError("no reference of this database is deferrable")

    @abc.abstractmethod
    def speak_constraints(self, connection: Connection) -> None:
        """Makes deferred constraints speak now, not at the commit."""

    @abc.abstractmethod
    def identity(self, connection: Connection) -> str:
        """What tells this database from another; no password in it."""

    def store(self, connection: Connection) -> str:
        """See `Target.store`."""
        return self.identity(connection)

    def server(self, connection: Connection) -> str:
        """See `Target.server`. A database that names no tables of another one is all that can be named."""
        return self.store(connection)

    @abc.abstractmethod
    def now(self, connection: Connection) -> datetime:
        """The database's clock, aware."""

    @abc.abstractmethod
    def read_only(self, connection: Connection) -> str | None:
        """Why this database can't be written, None where it can."""

    sees_replicas: bool = False
    """The server knows of its replicas how far they are."""
    replicates: bool = False
    """It may have replicas at all."""

    def replicas(self, connection: Connection) -> tuple[float | None, ...]:
        """Seconds that each replica of this server is behind, as it knows; None: it does not."""
        del connection
        return ()

    def behind(self, connection: Connection) -> float | None:
        """Seconds that this server is behind the one that it follows; None where that is not known, or none is."""
        del connection
        return None

    @abc.abstractmethod
    def lacking(
        self, connection: Connection, needs: Sequence[Need], marker_schema: str | None
    ) -> tuple[Lacking, ...]:
        """See `Target.lacking`. `marker_schema`: where markers are; None: where a session looks first."""

    @abc.abstractmethod
    def transient(self, error: BaseException) -> bool:
        """Whether the same batch may succeed a little later: lock timeout, deadlock, serialization."""

    @abc.abstractmethod
    def lost(self, error: BaseException) -> bool:
        """Whether the connection is gone, so that a commit's outcome may be unknown."""

    def unreached(self, error: BaseException) -> Reason | None:
        """Why there was no connection to be had, where that can be told."""
        return None

    def forbidden(self, error: BaseException) -> bool:
        """Whether the statement itself was refused, whatever the rows: a right, a table or a column is missing.

        The message of such an error names objects of the schema, never a value of a row.
        """
        return False

    def denied(self, error: BaseException) -> bool:
        """Whether the role lacks a right. The message names it, and never a value of a row."""
        return False

    # -- the catalogue ---------------------------------------------------------------------

    def has_table(self, connection: Connection, name: str, schema: str | None) -> bool:
        """Whether one of the engine's own tables is there; SetupError where it can't be relied on."""
        return sa.inspect(connection).has_table(name, schema=schema)

    @abc.abstractmethod
    def catalogue(self, connection: Connection) -> Catalogue:
        """Every table that the role sees, in set-based queries."""

    # -- expressions -----------------------------------------------------------------------

    def value(self, value: Value) -> Any:
        """A literal of a condition as the driver wants it."""
        return value

    def whole_numbers(self, column: Column) -> tuple[int, int]:
        """The least and the greatest that a column of integers could hold."""
        return -(2**63), 2**63 - 1

    def function(self, name: str) -> str:
        """The database's name of one of lower, upper, trim, length, abs, coalesce."""
        return name

    @abc.abstractmethod
    def truth(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """A boolean column as a condition."""

    def compared(self, column: Element, field: p.Field, made: Element | None = None) -> Element:
        """A column in a condition, or `made` of it; unknown where it holds something that is none of its kind."""
        return column if made is None else made

    def is_null(self, expression: ColumnElement[Any]) -> ColumnElement[Any]:
        """Plain: NULL, and nothing else."""
        return expression.is_(sa.null())

    def whole_between(self, value: ColumnElement[Any], least: int, most: int) -> ColumnElement[Any]:
        """Plain: the value is a whole number from `least` to `most`."""
        whole = sa.and_(value >= sa.literal_column(str(least)), value <= sa.literal_column(str(most)))
        return sa.and_(value.is_not(sa.null()), whole, sa.func.floor(value) == value)

    def readable(self, column: ColumnElement[Any], kind: Kind) -> ColumnElement[Any] | None:
        """Plain: a stored date that is not NULL is a day of the calendar; None where it always is."""
        return None

    @abc.abstractmethod
    def dated_text(
        self, column: ColumnElement[Any], state: p.State, floor: p.Line, cutoff: p.Line
    ) -> ColumnElement[Any]:
        """Plain: ISO 8601 text in `state` (never MISSING)."""

    @abc.abstractmethod
    def reaches(self, column: ColumnElement[Any], kind: Kind, cutoff: p.Line) -> ColumnElement[Any]:
        """A comparison of the bare column, a date or ISO 8601 text, that every PAST value passes."""

    @abc.abstractmethod
    def day(self, column: ColumnElement[Any], kind: Kind, timezone: str) -> ColumnElement[Any]:
        """The calendar day of a date or of ISO 8601 text, for showing and ordering; NULL for what is none."""

    # -- clocks in numbers, and dates spelt out (`encodings` puts them together) --------------

    @abc.abstractmethod
    def number(self, column: ColumnElement[Any], field: p.Field) -> Reading:
        """The column as a number; where it is a text, what `encodings.NUMBER` matches is one."""

    @abc.abstractmethod
    def text(self, column: ColumnElement[Any], field: p.Field) -> Reading:
        """The column, a text or a whole number, as a text."""

    @abc.abstractmethod
    def matches(self, text: ColumnElement[Any], shape: str) -> ColumnElement[Any]:
        """The whole text has the shape, in which a 9 stands for a digit from 0 to 9, all else for itself."""

    @abc.abstractmethod
    def is_day(self, text: ColumnElement[Any]) -> ColumnElement[Any]:
        """A text of the shape 9999-99-99 is a day of the calendar."""

    @abc.abstractmethod
    def counted_day(self, value: ColumnElement[Any], encoding: Encoding, timezone: str) -> ColumnElement[Any]:
        """The day of a number between the years 1 and 9999, as `day` gives it."""

    @abc.abstractmethod
    def spelled_day(self, text: ColumnElement[Any], *, last_of_month: bool) -> ColumnElement[Any]:
        """An ISO day of the calendar as `day` gives it, or the last of its month; asked of such texts only."""

    def serves(self, field: p.Field) -> bool:
        """The order of the bare column's values is the order of time, so that an index of it serves."""
        if field.encoding.unit is not None:
            return field.kind is not Kind.TEXT
        return field.encoding.format is None or field.encoding.format.in_order

    def number_line(self, field: p.Field, line: Fraction) -> Any:
        """The least number not below `line`, as the column, or `number` of it, is compared with it."""
        return least(field.kind, line)

    def spelled_line(self, field: p.Field, text: str) -> Any:
        """`text`, of a format in order, as the bare column is compared with it: a number where that holds digits."""
        return text if field.kind is Kind.TEXT else int(text)

    @abc.abstractmethod
    def lowered(self, value: ColumnElement[Any], kind: Kind) -> ColumnElement[Any]:
        """The value as a text, in lower case as far as it is ASCII, letters told apart."""

    @abc.abstractmethod
    def odd(self, value: ColumnElement[Any], kind: Kind) -> ColumnElement[Any]:
        """Plain of what is not NULL: the value is a text with a letter that is not ASCII, or that begins or ends with a
        blank or a control character; no other is.
        """

    def shown_value(self, column: ColumnElement[Any], kind: Kind) -> ColumnElement[Any]:
        """A value for showing, as text where the driver can't hold all that the database can."""
        return column

    @abc.abstractmethod
    def greatest(self, days: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
        """The greatest that is not NULL; NULL if all are."""

    # -- keys ------------------------------------------------------------------------------

    def beyond(
        self, columns: Sequence[ColumnElement[Any]], values: Sequence[ColumnElement[Any]]
    ) -> ColumnElement[Any]:
        """`columns` come after `values` in their order, said so that an index serves it."""
        if len(columns) == 1:
            return columns[0] > values[0]
        return sa.tuple_(*columns) > sa.tuple_(*values)

    def up_to(
        self, columns: Sequence[ColumnElement[Any]], values: Sequence[ColumnElement[Any]]
    ) -> ColumnElement[Any]:
        """`columns` come before `values` in their order, or are they."""
        if len(columns) == 1:
            return columns[0] <= values[0]
        return sa.tuple_(*columns) <= sa.tuple_(*values)

    @abc.abstractmethod
    def key_in(self, columns: Sequence[ColumnElement[Any]], key: Sequence[Column]) -> ColumnElement[Any]:
        """`columns` are one of the keys that `give_keys` gave."""

    def before_keys(self, key: Sequence[Column]) -> Sequence[str]:
        """What is executed once on a connection, in its own temporary space, before keys can be handed over."""
        return ()

    @abc.abstractmethod
    def give_keys(
        self, connection: Connection, key: Sequence[Column], keys: Sequence[tuple[Any, ...]]
    ) -> Mapping[str, Any]:
        """Hands keys to the database; the result is the parameters of statements that use `key_in`."""

    @abc.abstractmethod
    def lock(
        self, query: sa.Select[Any], of: FromClause, *, wait: bool, at_once: bool = False
    ) -> sa.Select[Any]:
        """`query`, locking the rows of `of`; rows locked by others are left out unless `wait`.

        `at_once`: they are an error that `is_held` knows instead.
        """

    def is_held(self, error: BaseException) -> bool:
        """Whether a row could not be locked at once."""
        return False

    # -- rows ------------------------------------------------------------------------------

    def returns_deleted(self, connection: Connection) -> bool:
        """A DELETE of one table, without an alias, can give back what it deleted."""
        return False

    def ahead(
        self, connection: Connection, statement: Any
    ) -> Callable[[Iterable[Mapping[str, Any]]], Generator[Rows]]:
        """`statement`, to be executed with each of the given parameters in turn; its rows, each time.

        Where it can, the database is at the next while the caller is at the rows of the last. To be closed
        where it is not read to its end.
        """
        return lambda givens: (plain_rows(connection, statement, given) for given in givens)

    # -- markers ---------------------------------------------------------------------------

    @abc.abstractmethod
    def is_duplicate(self, error: BaseException) -> bool:
        """Whether an insert failed because the same key is there already."""

    # -- showing ---------------------------------------------------------------------------

    @abc.abstractmethod
    def shown(self, statement: sa.ClauseElement, given: Mapping[str, Any] | None = None) -> str:
        """The statement with its values in place, for `--sql`; never executed. `given`: see `with_values`."""

    def leaves(self, catalogue: Catalogue, table: TableId) -> Iterable[TableId]:
        """The tables that store `table`'s rows."""
        return catalogue.tables[table].leaves or (table,)
