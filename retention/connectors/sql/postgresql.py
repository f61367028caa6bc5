"""PostgreSQL 14 and later, through psycopg 3."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.types import NullType

from retention.connectors.port import Lacking
from retention.connectors.sql.dialect import Dialect, Rows, Timeouts
from retention.connectors.sql.inspect import Reflected, serves, with_key
from retention.connectors.sql.postgresql_ahead import ahead
from retention.connectors.sql.postgresql_constraints import indexes_of, references_of
from retention.connectors.sql.postgresql_pages import Spelled, TupleIds
from retention.connectors.sql.postgresql_rights import lacking
from retention.connectors.sql.predicates import bound, comparable
from retention.connectors.sql.showing import PYFORMAT, with_values
from retention.model import predicate as p
from retention.model.catalogue import Catalogue, Column, Kind, Reference, Relation, Table, TableId, Trigger
from retention.planning.rights import Need

_RELATIONS = {
    "r": Relation.TABLE,
    "p": Relation.PARTITIONED,
    "v": Relation.VIEW,
    "m": Relation.MATERIALIZED_VIEW,
    "f": Relation.FOREIGN,
}

_LOOKING = {"timezone": "UTC", "row_security": "off"}  # an error instead of rows that a policy hides
_TRANSIENT = frozenset({"40001", "40P01", "55P03", "57014", "25P03", "57P03"})
_LOST = frozenset({"57P01", "57P02", "08000", "08003", "08006", "25P03"})


class Postgresql(Dialect):
    """Row locks, `ctid` ranges, a server with a clock of its own."""

    name = "postgresql"
    row_locks = True
    physical = TupleIds()
    marker_schemas = True
    own_clock = True

    def engine(self, url: Any, *, read_only: bool) -> sa.Engine:
        """`url` is a SQLAlchemy URL. Sessions are set by SET LOCAL in each transaction (PgBouncer)."""
        engine = sa.create_engine(
            url,
            poolclass=NullPool,
            connect_args={"prepare_threshold": None, "application_name": "retention", "connect_timeout": 10},
            isolation_level="READ COMMITTED",
        )

        @sa.event.listens_for(engine, "connect")
        def _connect(connection: Any, _record: Any) -> None:
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

    @contextlib.contextmanager
    def shortly(self, connection: Connection, milliseconds: int) -> Iterator[None]:
        limit = f"{milliseconds}ms"
        _set_local(connection, {"statement_timeout": limit, "lock_timeout": limit})
        yield

    def limit_waiting(self, connection: Connection, timeouts: Timeouts) -> None:
        _set_local(connection, {"lock_timeout": f"{timeouts.lock}ms"})

    def speak_constraints(self, connection: Connection) -> None:
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")

    def identity(self, connection: Connection) -> str:
        url = connection.engine.url
        where = url.host or url.query.get("host") or "local"
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
        return state in _LOST

    def forbidden(self, error: BaseException) -> bool:
        return (_sqlstate(error) or "").startswith("42")

    def denied(self, error: BaseException) -> bool:
        return _sqlstate(error) == "42501"

    def is_duplicate(self, error: BaseException) -> bool:
        return _sqlstate(error) == "23505"

    # -- the catalogue ---------------------------------------------------------------------

    def catalogue(self, connection: Connection) -> Catalogue:
        parents = _parents(connection)
        facts = _relations(connection)
        triggers = _triggers(connection)
        tables: dict[TableId, Table] = {}
        indexes = indexes_of(connection)
        for schema in sorted({str(id_.schema) for id_ in facts}):
            raw = Reflected(connection, schema)
            for key in raw.columns:
                id_ = TableId(schema=schema, name=key[1])
                if id_ not in facts:
                    continue
                relation, estimate, partition = facts[id_]
                tables[id_] = Table(
                    id=id_,
                    relation=Relation.PARTITION if partition else relation,
                    columns=raw.columns_of(key),
                    key=raw.key_of(key),
                    indexes=with_key(raw.key_of(key), indexes.get(id_, ())),
                    triggers=triggers.get(id_, ()),
                    parent=parents.get(id_) if partition else None,
                    # an analyzed parent's own estimate is the sum of its leaves' already
                    rows_estimate=None if relation is Relation.PARTITIONED else estimate,
                )
        stores = {id_ for id_, (relation, _, _) in facts.items() if relation is not Relation.PARTITIONED}
        tables = _with_families(tables, parents, stores)
        default = connection.exec_driver_sql("SELECT current_schema()").scalar()
        return Catalogue(
            tables=tables,
            references=_merged(references_of(connection), tables),
            default_schema=default or "public",
        )

    # -- expressions -----------------------------------------------------------------------

    def truth(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return column

    def dated_text(
        self, column: ColumnElement[Any], state: p.State, floor: p.Line, cutoff: p.Line
    ) -> ColumnElement[Any]:
        raise AssertionError("binding refuses dates in text on PostgreSQL")

    def reaches(self, column: ColumnElement[Any], kind: Kind, cutoff: p.Line) -> ColumnElement[Any]:
        return column < bound(comparable(kind, cutoff))

    def day(self, column: ColumnElement[Any], kind: Kind, timezone: str) -> ColumnElement[Any]:
        # Infinity, and years that the driver's calendar does not have, are no day that could be shown.
        known = sa.and_(column >= bound(date(1, 1, 2)), column < bound(date(9999, 12, 31)))
        local = sa.func.timezone(timezone, column) if kind is Kind.TIMESTAMPTZ else column
        return sa.case((known, sa.cast(local, sa.Date)))

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
        arrays = [
            sa.cast(sa.bindparam(f"keys{i}", type_=NullType()), Spelled(f"{column.type}[]"))
            for i, column in enumerate(key)
        ]
        if len(arrays) == 1:
            return columns[0] == sa.any_(arrays[0])
        rows = sa.func.unnest(*arrays).table_valued(*(f"k{i}" for i in range(len(key)))).render_derived()
        return sa.tuple_(*columns).in_(sa.select(*(rows.c[f"k{i}"] for i in range(len(key)))))

    def give_keys(
        self, connection: Connection, key: Sequence[Column], keys: Sequence[tuple[Any, ...]]
    ) -> Mapping[str, Any]:
        return {f"keys{i}": _array([row[i] for row in keys]) for i in range(len(key))}

    def lock(
        self, query: sa.Select[Any], of: FromClause, *, wait: bool, at_once: bool = False
    ) -> sa.Select[Any]:
        return query.with_for_update(of=of, skip_locked=not wait and not at_once, nowait=at_once)

    def is_held(self, error: BaseException) -> bool:
        return _sqlstate(error) == "55P03"

    def shown(self, statement: sa.ClauseElement) -> str:
        from sqlalchemy.dialects.postgresql import psycopg

        dialect: sa.Dialect = psycopg.dialect()  # type: ignore[no-untyped-call]
        return with_values(statement, dialect, PYFORMAT, _literal)


def _array(values: list[Any]) -> Any:
    """An array of whole numbers as its literal, which psycopg would take ten times as long to write."""
    if all(type(value) is int for value in values):
        return f"{{{','.join(map(str, values))}}}"
    return values


def _load_any_date(connection: Any) -> None:
    """What Python's dates can't hold (`infinity`, the year 20000, before Christ) comes as text, not as an error."""
    from psycopg import DataError
    from psycopg.types import datetime as loaders

    def lenient(loader: type[Any]) -> type[Any]:
        def load(self: Any, data: Any) -> Any:
            try:
                return loader.load(self, data)
            except DataError:
                return bytes(data).decode()

        return type(loader.__name__, (loader,), {"load": load})

    connection.adapters.register_loader("date", lenient(loaders.DateLoader))
    connection.adapters.register_loader("timestamp", lenient(loaders.TimestampLoader))
    connection.adapters.register_loader("timestamptz", lenient(loaders.TimestamptzLoader))


def _sqlstate(error: BaseException) -> str | None:
    return getattr(getattr(error, "orig", error), "sqlstate", None)


def _set_local(connection: Connection, settings: Mapping[str, str]) -> None:
    calls = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings.items())
    connection.exec_driver_sql(f"SELECT {calls}")


def _parents(connection: Connection) -> dict[TableId, TableId]:
    """Each child's topmost ancestor, by partition or by inheritance."""
    rows = connection.exec_driver_sql(
        "SELECT cn.nspname, c.relname, pn.nspname, p.relname FROM pg_inherits i"
        " JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace"
        " JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace"
        " WHERE c.relkind IN ('r', 'p', 'f')"
    ).fetchall()
    direct = {TableId(schema=a, name=b): TableId(schema=c, name=d) for a, b, c, d in rows}

    def top(id_: TableId) -> TableId:
        while id_ in direct:
            id_ = direct[id_]
        return id_

    return {child: top(child) for child in direct}


def _relations(connection: Connection) -> dict[TableId, tuple[Relation, int | None, bool]]:
    rows = connection.exec_driver_sql(
        "SELECT n.nspname, c.relname, c.relkind::text, c.reltuples::bigint, c.relispartition FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r','p','v','m','f')"
        " AND left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema'"
    ).fetchall()
    return {
        TableId(schema=a, name=b): (_RELATIONS[kind], tuples if tuples >= 0 else None, partition)
        for a, b, kind, tuples, partition in rows
    }


def _triggers(connection: Connection) -> dict[TableId, tuple[Trigger, ...]]:
    """Enabled triggers that people made, and rewrite rules other than a view's own."""
    rows = connection.exec_driver_sql(
        "SELECT n.nspname, c.relname, t.tgname, t.tgtype::int FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'"
    ).fetchall()
    bits = ((4, "INSERT"), (8, "DELETE"), (16, "UPDATE"))
    found: dict[TableId, list[Trigger]] = {}
    for schema, name, trigger, kind in rows:
        id_ = TableId(schema=schema, name=name)
        events = frozenset(word for bit, word in bits if kind & bit)
        found.setdefault(id_, []).append(Trigger(name=trigger, table=id_, events=events))
    rules = connection.exec_driver_sql(
        "SELECT n.nspname, c.relname, r.rulename, r.ev_type::text FROM pg_rewrite r"
        " JOIN pg_class c ON c.oid = r.ev_class"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.rulename <> '_RETURN' AND r.ev_enabled <> 'D'"
    ).fetchall()
    words = {"2": "UPDATE", "3": "INSERT", "4": "DELETE"}
    for schema, name, rule, kind in rules:
        id_ = TableId(schema=schema, name=name)
        events = frozenset({words[kind]} if kind in words else ())
        found.setdefault(id_, []).append(Trigger(name=rule, table=id_, events=events, what="rule"))
    return {id_: tuple(items) for id_, items in found.items()}


def _with_families(
    tables: Mapping[TableId, Table], parents: Mapping[TableId, TableId], stores: set[TableId]
) -> dict[TableId, Table]:
    """Partitioned tables with their leaves and the leaves' triggers; parents by inheritance told apart."""
    finished = dict(tables)
    for child, top in sorted(parents.items(), key=str):
        if child not in tables or top not in finished:
            continue
        parent, leaf = finished[top], tables[child]
        if leaf.relation is not Relation.PARTITION:
            finished[top] = replace(parent, relation=Relation.INHERITED)
            continue
        finished[top] = replace(
            parent,
            leaves=(*parent.leaves, child) if child in stores else parent.leaves,
            triggers=tuple({(t.name, t.what): t for t in (*leaf.triggers, *parent.triggers)}.values()),
            rows_estimate=(parent.rows_estimate or 0) + (leaf.rows_estimate or 0),
        )
    return finished


def _merged(references: Sequence[Reference], tables: Mapping[TableId, Table]) -> tuple[Reference, ...]:
    """References with partitions' own folded into one on the parent, and the indexes looked up."""

    def top(id_: TableId) -> TableId:
        table = tables.get(id_)
        return table.parent if table is not None and table.parent is not None else id_

    merged: dict[tuple[Any, ...], Reference] = {}
    for item in references:
        folded = replace(item, table=top(item.table), target=top(item.target))
        same = (folded.table, folded.columns, folded.target, folded.target_columns, folded.on_delete)
        merged.setdefault(same, folded)
    result = []
    for item in merged.values():
        table = tables[item.table]
        stored = table.leaves or (item.table,)
        missing = tuple(t for t in stored if not serves(tables[t].indexes, item.columns))
        if missing and serves(table.indexes, item.columns):
            missing = ()
        if len(missing) > 1 and len(missing) == len(stored):
            missing = (item.table,)
        result.append(replace(item, indexed=not missing, unindexed_on=missing))
    return tuple(result)


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
