"""A short look at a table: how many rows, from when to when. Nothing here may keep a database busy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Look, Seen, Sight
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.predicates import Compiler, bound
from retention.connectors.sql.predicates import table as named_table
from retention.model import predicate as p
from retention.model.catalogue import Table

MOMENT = 2_000
"""Milliseconds that one statement of a look may take."""


def look(
    dialect: Dialect, connection: Connection, table: Table, columns: Sequence[str], most: int
) -> Look | None:
    """See `Target.look`. Each statement has a transaction of its own: one that is refused spoils no other."""
    source = named_table(table.id, table.columns)
    some: sa.Select[Any] = sa.select(sa.literal_column("1").label("one")).select_from(source)
    counted = _answer(
        dialect,
        connection,
        sa.select(sa.func.count()).select_from(some.limit(bound(most + 1)).subquery("some")),
    )
    if counted is None:
        return None
    rows = int(counted[0])
    whole = rows <= most
    seen: dict[str, Seen] = {}
    for name in columns:
        if not whole and not any(index.columns[:1] == (name,) for index in table.indexes):
            continue
        column = source.c[name]
        kind = table.columns[name].kind
        ends = [dialect.shown_value(end(column), kind) for end in (sa.func.min, sa.func.max)]
        filled = [sa.func.count(column)] if whole else []
        found = _answer(dialect, connection, sa.select(*ends, *filled).select_from(source))
        if found is not None:
            first, last = (None if value is None else str(value) for value in found[:2])
            seen[name] = Seen(first=first, last=last, nulls=rows - int(found[2]) if whole else None)
    return Look(rows=min(rows, most), whole=whole, columns=seen)


def sighted(dialect: Dialect, connection: Connection, clock: p.Field, floor: p.Line, now: p.Line) -> Sight:
    """See `Target.sight`."""
    compiler = Compiler(dialect)

    def having(state: p.State) -> Any:
        return compiler.test(p.Dated(field=clock, state=state, floor=floor, cutoff=now))

    served = dialect.serves(clock)
    reaches = compiler.test(p.Reaches(field=clock, cutoff=now))
    source = compiler.source(clock.source)
    some: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(source)
    some = some.where(reaches, having(p.State.PAST))
    if connection.execute(some.limit(1)).first() is not None:
        return Sight(past=True, served=served)
    counts = []
    for state in (p.State.RECENT, p.State.UNCLEAR):
        query = sa.select(sa.func.count()).select_from(source).where(having(state))
        counts.append(int(connection.execute(query).scalar_one()))
    return Sight(past=False, ahead=counts[0], unclear=counts[1], served=served)


def _answer(dialect: Dialect, connection: Connection, query: sa.Select[Any]) -> Sequence[Any] | None:
    """The one row; None where the database would not have it, or not in time."""
    try:
        with dialect.shortly(connection, MOMENT):
            return connection.execute(query).one()
    except sa.exc.DBAPIError:
        return None
    finally:
        connection.rollback()
