"""SQLite: one writer at a time, dates as text, foreign keys only where a session asks for them."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.types import NullType

from retention.connectors.port import Lacking
from retention.connectors.sql.dialect import Element, Reading, Timeouts
from retention.connectors.sql.inspect import Reflected, kind_of, with_key
from retention.connectors.sql.lines import least_float
from retention.connectors.sql.pinning import with_pins
from retention.connectors.sql.predicates import bound
from retention.connectors.sql.showing import NAMED, with_values
from retention.connectors.sql.sqlite import iso_text
from retention.connectors.sql.sqlite import values as sqlite_values
from retention.connectors.sql.sqlite.collations import with_collations
from retention.connectors.sql.sqlite.moments import SqliteMoments, teach
from retention.connectors.sql.sqlite.rewritten import SqliteRewritable
from retention.connectors.sql.sqlite.triggers import trigger_of
from retention.model import predicate as p
from retention.model.catalogue import (
    Catalogue,
    Column,
    Index,
    Kind,
    Reference,
    Relation,
    Table,
    TableId,
    Trigger,
    folded,
    with_index,
)
from retention.model.condition import Value
from retention.model.encoding import Encoding
from retention.planning.binding.rights import Need

_CLAIM = "retention_claim"
_ROW_BY_ROW = frozenset({"RESTRICT"})


class Sqlite(SqliteRewritable, SqliteMoments):
    """A file: one writer at a time, no row locks, no server."""

    name = "sqlite"
    row_locks = False
    marker_schemas = False
    typed = False
    own_clock = False
    roles = False

    def engine(self, url: Any, *, read_only: bool) -> sa.Engine:
        """`url` is the path of a file that must exist: a wrong path never becomes a new database."""
        path = os.fspath(url)

        def connect() -> sqlite3.Connection:
            # mode=rw: sqlite3 would make a missing file. A file that may only be read is opened so.
            mode = "rw" if os.access(path, os.W_OK) else "ro"
            connection = sqlite3.connect(
                f"file:{quote(path)}?mode={mode}", uri=True, isolation_level=None, timeout=5.0
            )
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA recursive_triggers = ON")
            connection.execute("PRAGMA cache_size = -16000")
            teach(connection)
            if read_only:
                connection.execute("PRAGMA query_only = ON")
            return connection

        engine = sa.create_engine("sqlite://", creator=connect, poolclass=NullPool)

        @sa.event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            if read_only:
                connection.exec_driver_sql("BEGIN")

        return engine

    def begin(self, connection: Connection, timeouts: Timeouts) -> None:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(timeouts.lock)}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def begin_reading(self, connection: Connection) -> None:
        """Each statement reads by itself."""

    @contextlib.contextmanager
    def shortly(self, connection: Connection, milliseconds: int) -> Iterator[None]:
        driver: Any = connection.connection.driver_connection
        end = time.monotonic() + milliseconds / 1000
        driver.set_progress_handler(lambda: time.monotonic() > end, 100_000)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)

    def limit_waiting(self, connection: Connection, timeouts: Timeouts) -> None:
        """The one write lock is held already."""

    def defer_constraints(self, connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")  # of this transaction only

    def speak_constraints(self, connection: Connection) -> None:
        """Nothing to ask: the recheck under the one write lock leaves no row that refers, and a commit
        that fails here is known to have failed."""

    def identity(self, connection: Connection) -> str:
        path = connection.exec_driver_sql("PRAGMA database_list").fetchall()[0][2]
        return f"sqlite:{os.path.realpath(path)}"

    def store(self, connection: Connection) -> str:
        found = os.stat(connection.exec_driver_sql("PRAGMA database_list").fetchall()[0][2])
        return f"sqlite:{found.st_dev}:{found.st_ino}"  # also under another name

    def now(self, connection: Connection) -> datetime:
        text = connection.exec_driver_sql("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')").scalar_one()
        return datetime.fromisoformat(str(text))

    def read_only(self, connection: Connection) -> str | None:
        path = connection.exec_driver_sql("PRAGMA database_list").fetchall()[0][2]
        folder = os.path.dirname(path) or "."
        if not os.access(path, os.W_OK):
            return f"{path} may not be written by this account"
        return (
            None
            if os.access(folder, os.W_OK)
            else f"{folder} may not be written: SQLite needs a journal there"
        )

    def lacking(
        self, connection: Connection, needs: Sequence[Need], marker_schema: str | None
    ) -> tuple[Lacking, ...]:
        return ()  # there are no rights but the file's: see `read_only`

    def transient(self, error: BaseException) -> bool:
        cause = getattr(error, "orig", error)
        code = getattr(cause, "sqlite_errorcode", 0) or 0
        return (code & 0xFF) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

    def lost(self, error: BaseException) -> bool:
        return False  # there is no server to lose: a commit that raises has not happened

    def forbidden(self, error: BaseException) -> bool:
        cause = getattr(error, "orig", error)
        return isinstance(cause, sqlite3.OperationalError) and str(cause).startswith("no such ")

    def is_duplicate(self, error: BaseException) -> bool:
        code = getattr(getattr(error, "orig", error), "sqlite_errorcode", 0) or 0
        return code in (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE)

    # -- the catalogue ---------------------------------------------------------------------

    def catalogue(self, connection: Connection) -> Catalogue:
        masters = connection.exec_driver_sql(
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        ).fetchall()
        relations = {
            name: _relation(kind, sql or "") for kind, name, _, sql in masters if kind in ("table", "view")
        }
        creates = {name: sql or "" for kind, name, _, sql in masters if kind == "table"}
        triggers: dict[str, list[Trigger]] = {}
        for kind, name, on, sql in masters:
            if kind == "trigger":
                id_ = TableId(schema=None, name=on)
                triggers.setdefault(folded(on), []).append(trigger_of(name, id_, sql))
        raw = Reflected(connection, None)
        exact = {folded(name): name for name in relations}
        indexes = _indexes(connection)
        tables: dict[TableId, Table] = {}
        for key in raw.columns:
            name = key[1]
            if name not in relations:
                continue
            id_ = TableId(schema=None, name=name)
            table = Table(
                id=id_,
                relation=relations[name],
                columns=raw.columns_of(key, _kind),
                key=raw.key_of(key),
                indexes=with_key(raw.key_of(key), indexes.get(name, ())),
                triggers=tuple(triggers.get(folded(name), ())),
            )
            tables[id_] = with_collations(connection, table, creates.get(name, ""))
        references = tuple(_finish(r, tables, exact) for r in _references(connection))
        for r in references:
            if r.table in tables:
                tables[r.table] = with_pins(tables[r.table], creates[r.table.name], "sqlite", r.columns)
        return Catalogue(
            tables=tables, references=references, folds_case=True, typed=False, row_by_row=_ROW_BY_ROW
        )

    # -- expressions -----------------------------------------------------------------------

    def value(self, value: Value) -> Any:
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, datetime):
            return value.isoformat(sep=" ")
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, Decimal):
            return int(value) if value == value.to_integral_value() else float(value)
        return value

    def truth(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return column != sa.literal_column("0")

    def compared(self, column: Element, field: p.Field, made: Element | None = None) -> Element:
        return sqlite_values.of_kind(column, field, made)

    def reaches(self, column: ColumnElement[Any], kind: Kind, cutoff: p.Line) -> ColumnElement[Any]:
        # A text with an offset can name an instant before the cutoff and yet a later day.
        return column < bound(iso_text.days_on(cutoff.day, 2))

    def day(self, column: ColumnElement[Any], kind: Kind, timezone: str) -> ColumnElement[Any]:
        return sa.func.substr(column, 1, 10)

    def number(self, column: ColumnElement[Any], field: p.Field) -> Reading:
        return sqlite_values.number(column, field.type)

    def text(self, column: ColumnElement[Any], field: p.Field) -> Reading:
        return sqlite_values.text(column)

    def matches(self, text: ColumnElement[Any], shape: str) -> ColumnElement[Any]:
        return sqlite_values.matches(text, shape)

    def is_day(self, text: ColumnElement[Any]) -> ColumnElement[Any]:
        return sqlite_values.is_day(text)

    def counted_day(self, value: ColumnElement[Any], encoding: Encoding, timezone: str) -> ColumnElement[Any]:
        return sqlite_values.counted_day(value, encoding)

    def spelled_day(self, text: ColumnElement[Any], *, last_of_month: bool) -> ColumnElement[Any]:
        return sqlite_values.spelled_day(text, last_of_month=last_of_month)

    def serves(self, field: p.Field) -> bool:
        if field.encoding.unit is not None:
            return sqlite_values.affinity(field.type) != "TEXT"
        return super().serves(field)

    def number_line(self, field: p.Field, line: Fraction) -> Any:
        return line.numerator if line.denominator == 1 else least_float(line)

    def spelled_line(self, field: p.Field, text: str) -> Any:
        numbers = sqlite_values.affinity(field.type) not in ("TEXT", "BLOB")
        return int(text) if numbers and text.isdigit() else text

    def greatest(self, days: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
        filled = [sa.func.coalesce(day, sa.literal_column("''")) for day in days]
        return sa.func.nullif(sa.func.max(*filled), sa.literal_column("''"))

    # -- keys ------------------------------------------------------------------------------

    def key_in(self, columns: Sequence[ColumnElement[Any]], key: Sequence[Column]) -> ColumnElement[Any]:
        names = [sa.column(f"k{i}", NullType()) for i in range(len(key))]
        claim = sa.table(_claim(key), *names, schema="temp")
        chosen = sa.select(*names).select_from(claim)
        return (columns[0] if len(columns) == 1 else sa.tuple_(*columns)).in_(chosen)

    def before_keys(self, key: Sequence[Column]) -> Sequence[str]:
        names = ", ".join(f"k{i}" for i in range(len(key)))
        return (f"CREATE TEMP TABLE IF NOT EXISTS {_claim(key)} ({names})",)

    def give_keys(
        self, connection: Connection, key: Sequence[Column], keys: Sequence[tuple[Any, ...]]
    ) -> Mapping[str, Any]:
        marks = ", ".join("?" for _ in key)
        for statement in self.before_keys(key):
            connection.exec_driver_sql(statement)
        name = _claim(key)
        connection.exec_driver_sql(f"DELETE FROM temp.{name}")
        if len(key) == 1 and keys and all(type(row[0]) is int for row in keys):
            listed = f"[{','.join(str(row[0]) for row in keys)}]"
            connection.exec_driver_sql(f"INSERT INTO temp.{name} SELECT value FROM json_each(?)", (listed,))
        elif keys:
            connection.exec_driver_sql(f"INSERT INTO temp.{name} VALUES ({marks})", list(keys))
        return {}

    def lock(
        self, query: sa.Select[Any], of: FromClause, *, wait: bool, at_once: bool = False
    ) -> sa.Select[Any]:
        return query  # BEGIN IMMEDIATE has locked the database

    def shown(self, statement: sa.ClauseElement, given: Mapping[str, Any] | None = None) -> str:
        from sqlalchemy.dialects import sqlite

        return with_values(statement, sqlite.dialect(paramstyle="named"), NAMED, _literal, given or {})


def _claim(key: Sequence[Column]) -> str:
    """Keys of one width lie in one table: a batch may hand over those of several."""
    return _CLAIM if len(key) == 1 else f"{_CLAIM}{len(key)}"


def _relation(kind: str, sql: str) -> Relation:
    if kind == "view":
        return Relation.VIEW
    virtual = re.match(r"\s*CREATE\s+VIRTUAL\b", sql, re.IGNORECASE)
    return Relation.VIRTUAL if virtual else Relation.TABLE


def _indexes(connection: Connection) -> dict[str, tuple[Index, ...]]:
    """Table → indexes that serve any row: not partial ones, and as far as their first expression."""
    rows = connection.exec_driver_sql(
        'SELECT m.name, l.name, l."unique", x.name FROM sqlite_master m'
        " JOIN pragma_index_list(m.name) l JOIN pragma_index_xinfo(l.name) x"
        " WHERE m.type = 'table' AND NOT l.partial AND x.key ORDER BY m.name, l.seq, x.seqno"
    ).fetchall()
    columns: dict[tuple[str, str, bool], list[str | None]] = {}
    for name, index, unique, column in rows:
        columns.setdefault((name, index, bool(unique)), []).append(column)
    found: dict[str, tuple[Index, ...]] = {}
    for (name, index, unique), every in columns.items():
        leading = tuple(itertools.takewhile(lambda c: c is not None, every))
        item = Index(
            name=index, columns=tuple(map(str, leading)), unique=unique and len(leading) == len(every)
        )
        found[name] = (*found.get(name, ()), item)
    return found


def _references(connection: Connection) -> list[Reference]:
    """Every foreign key, by SQLite's own account of it; one without target columns means the target's key."""
    rows = connection.exec_driver_sql(
        'SELECT m.name, f.id, f."table", f."from", f."to", f.on_delete FROM sqlite_master m'
        " JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' ORDER BY m.name, f.id, f.seq"
    ).fetchall()
    references: list[Reference] = []
    for (name, _), steps in itertools.groupby(rows, key=lambda row: (row[0], row[1])):
        every = list(steps)
        references.append(
            Reference(
                name="",
                table=TableId(schema=None, name=name),
                columns=tuple(row[3] for row in every),
                target=TableId(schema=None, name=every[0][2]),
                target_columns=tuple(row[4] for row in every if row[4] is not None),
                on_delete=every[0][5].upper(),
                deferrable=every[0][5].upper() == "NO ACTION",  # a session can ask that of any
            )
        )
    return references


def _kind(type_: Any) -> Kind:
    """SQLite stores what it is given; dates are text whatever the column is declared as."""
    kind = kind_of(type_)
    return Kind.TEXT if kind in (Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ) else kind


def _finish(reference: Reference, tables: Mapping[TableId, Table], exact: Mapping[str, str]) -> Reference:
    """The reference with names as the tables have them, and with its index looked up."""
    target = TableId(schema=None, name=exact.get(folded(reference.target.name), reference.target.name))
    columns = _as_declared(tables.get(reference.table), reference.columns)
    there = tables.get(target)
    meant = reference.target_columns or (there.key if there is not None else ())
    finished = replace(reference, columns=columns, target=target, target_columns=_as_declared(there, meant))
    return with_index(finished, tables)


def _as_declared(table: Table | None, columns: tuple[str, ...]) -> tuple[str, ...]:
    if table is None:
        return columns
    known = {folded(name): name for name in table.columns}
    return tuple(known.get(folded(name), name) for name in columns)


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"
