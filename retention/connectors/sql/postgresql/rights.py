"""Which of the rights that are needed the role does not have, and the GRANT for each."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Lacking
from retention.connectors.sql.markers import MARKERS
from retention.model.catalogue import TableId
from retention.planning.binding.reach import qualified, quoted
from retention.planning.binding.rights import Need, Right

_MARKER_RIGHTS = ("SELECT", "INSERT", "DELETE")

_ASKED = sa.text(
    "SELECT n.nspname, c.relname, current_user, has_schema_privilege(n.oid, 'USAGE'),"
    " has_table_privilege(c.oid, 'SELECT'), has_table_privilege(c.oid, 'DELETE'),"
    " has_any_column_privilege(c.oid, 'UPDATE'), has_table_privilege(c.oid, 'INSERT'), row_security_active(c.oid)"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE (n.nspname, c.relname) IN (SELECT * FROM unnest(CAST(:schemas AS text[]), CAST(:names AS text[])))"
)


def lacking(connection: Connection, needs: Sequence[Need], marker_schema: str | None) -> tuple[Lacking, ...]:
    """See `Target.lacking`; one query for all tables."""
    tables = sorted({need.table for need in needs}, key=str)
    given = {"schemas": [t.schema for t in tables], "names": [t.name for t in tables]}
    found: list[Lacking] = []
    has: dict[tuple[TableId, Right], bool] = {}
    role, closed = "", set()
    for schema, name, user, usage, read, delete, update, insert, hidden in connection.execute(_ASKED, given):
        role, table = user, TableId(schema=schema, name=name)
        has[table, Right.READ], has[table, Right.DELETE], has[table, Right.LOCK] = read, delete, update
        has[table, Right.INSERT] = insert
        if not usage:
            closed.add((schema, table))
        if hidden:
            # Not even a policy that shows every row will do: sessions ask for an error wherever one could hide some.
            grant = f"ALTER ROLE {quoted(role)} BYPASSRLS;"
            found.append(Lacking(table=table, right="be sure to see every row of", grant=grant, looking=True))
    for schema, table in sorted(closed, key=str):
        if not any(
            lack.right == "use the schema of" and f" {quoted(schema)} " in lack.grant for lack in found
        ):
            grant = f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {quoted(role)};"
            found.append(Lacking(table=table, right="use the schema of", grant=grant, looking=True))
    has |= {
        (need.table, need.right): _may_rewrite(connection, need)
        for need in needs
        if need.right is Right.REWRITE
    }
    for need in needs:
        if not has.get((need.table, need.right), True):
            grant = f"GRANT {_word(need)} ON {qualified(need.table)} TO {quoted(role)};"
            looking = need.right is Right.READ
            found.append(Lacking(table=need.table, right=need.right.value, grant=grant, looking=looking))
    return (*found, *_of_marker(connection, marker_schema))


def _may_rewrite(connection: Connection, need: Need) -> bool:
    """The role may change every column of it."""
    return bool(
        connection.execute(
            sa.text(
                "SELECT coalesce(bool_and(has_column_privilege(c.oid, a.attnum, 'UPDATE')), true) FROM pg_class c"
                " JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid"
                " WHERE n.nspname = :schema AND c.relname = :name AND a.attname = ANY(CAST(:columns AS text[]))"
            ),
            {"schema": need.table.schema, "name": need.table.name, "columns": list(need.columns)},
        ).scalar_one()
    )


def _word(need: Need) -> str:
    match need.right:
        case Right.READ:
            return "SELECT"
        case Right.DELETE:
            return "DELETE"
        case Right.INSERT:
            return "INSERT"
        case Right.LOCK | Right.REWRITE:
            return f"UPDATE ({', '.join(map(quoted, need.columns))})" if need.columns else "UPDATE"


def _of_marker(connection: Connection, schema: str | None) -> tuple[Lacking, ...]:
    """Nothing where the table is not there: that is said otherwise."""
    row = connection.execute(
        sa.text(
            "SELECT n.nspname, current_user, has_table_privilege(c.oid, 'SELECT'),"
            " has_table_privilege(c.oid, 'INSERT'), has_table_privilege(c.oid, 'DELETE') FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(:name)"
        ),
        {"name": f"{quoted(schema)}.{quoted(MARKERS.name)}" if schema else quoted(MARKERS.name)},
    ).first()
    if row is None or all(row[2:]):
        return ()
    missing = [word for word, there in zip(_MARKER_RIGHTS, row[2:], strict=True) if not there]
    table = TableId(schema=row[0], name=MARKERS.name)
    grant = f"GRANT {', '.join(missing)} ON {qualified(table)} TO {quoted(row[1])};"
    return (Lacking(table=table, right="write markers to", grant=grant),)
