"""PostgreSQL's foreign keys and indexes, from its own catalogue, whatever the search path."""

from __future__ import annotations

import itertools

from sqlalchemy.engine import Connection

from retention.model.catalogue import Index, Reference, TableId

_ON_DELETE = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


def references_of(connection: Connection) -> list[Reference]:
    """Every foreign key, those that partitions have one by one too."""
    rows = connection.exec_driver_sql(
        "SELECT k.conname, n.nspname, c.relname, fn.nspname, f.relname, k.confdeltype::text, k.condeferrable,"
        " k.condeferred, k.confupdtype::text,"
        " ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(n, i) JOIN pg_attribute a"
        " ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.i),"
        " ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(n, i) JOIN pg_attribute a"
        " ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY u.i)"
        " FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace"
        " WHERE k.contype = 'f' AND left(n.nspname, 3) <> 'pg_' ORDER BY n.nspname, c.relname, k.conname"
    ).fetchall()
    return [
        Reference(
            name=name,
            table=TableId(schema=schema, name=table),
            columns=tuple(columns),
            target=TableId(schema=target_schema, name=target),
            target_columns=tuple(target_columns),
            on_delete=_ON_DELETE[action],
            deferrable=deferrable,
            besides=_besides(_ON_DELETE[updating], deferrable=deferrable, late=late),
        )
        for (
            name,
            schema,
            table,
            target_schema,
            target,
            action,
            deferrable,
            late,
            updating,
            columns,
            target_columns,
        ) in rows
    ]


def _besides(updating: str, *, deferrable: bool, late: bool) -> str:
    words = [f" ON UPDATE {updating}"] * (updating != "NO ACTION")
    words += [" DEFERRABLE"] * deferrable + [" INITIALLY DEFERRED"] * late
    return "".join(words)


def keys_of(connection: Connection) -> dict[TableId, tuple[str, ...]]:
    """Table → the columns of its primary key."""
    rows = connection.exec_driver_sql(
        "SELECT n.nspname, c.relname, ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(n, i)"
        " JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.i)"
        " FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE k.contype = 'p' AND left(n.nspname, 3) <> 'pg_'"
    ).fetchall()
    return {TableId(schema=schema, name=table): tuple(columns) for schema, table, columns in rows}


def indexes_of(connection: Connection) -> dict[TableId, tuple[Index, ...]]:
    """Table → indexes that serve any row: valid, not partial, sorted or hashed, as far as the first expression."""
    rows = connection.exec_driver_sql(
        "SELECT n.nspname, c.relname, i.relname, x.indisunique,"
        " ARRAY(SELECT a.attname::text FROM unnest(x.indkey::int2[]) WITH ORDINALITY u(n, i)"
        " LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = u.n AND u.n <> 0"
        " WHERE u.i <= x.indnkeyatts ORDER BY u.i)"
        " FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am am ON am.oid = i.relam"
        " WHERE x.indisvalid AND x.indpred IS NULL AND am.amname IN ('btree', 'hash')"
        " AND left(n.nspname, 3) <> 'pg_' ORDER BY n.nspname, c.relname, i.relname"
    ).fetchall()
    found: dict[TableId, tuple[Index, ...]] = {}
    for schema, table, name, unique, every in rows:
        id_ = TableId(schema=schema, name=table)
        columns = tuple(itertools.takewhile(lambda c: c is not None, every))
        item = Index(name=name, columns=columns, unique=unique and len(columns) == len(every))
        found[id_] = (*found.get(id_, ()), item)
    return found
