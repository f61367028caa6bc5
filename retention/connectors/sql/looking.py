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
from retention.model.catalogue import Kind, Table

MOMENT = 2_000
"""Milliseconds that one statement of a look may take."""

SAMPLE = 1_000
"""Values of a column that are held against what is likely."""

_NUMBERS = frozenset({Kind.INTEGER, Kind.NUMERIC, Kind.REAL})


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
            nulls = rows - int(found[2]) if whole else None
            middle, zeros = _bulk(dialect, connection, column) if kind in _NUMBERS else (None, False)
            seen[name] = Seen(first=first, last=last, nulls=nulls, middle=middle, zeros=zeros)
    return Look(rows=min(rows, most), whole=whole, columns=seen)


def _bulk(dialect: Dialect, connection: Connection, column: sa.ColumnClause[Any]) -> tuple[str | None, bool]:
    """The median of some values of a column of numbers, and whether some are 0; (None, False) where it does not say."""
    shown = dialect.shown_value(column, Kind.NUMERIC)
    some = sa.select(shown.label("value"), column.label("number")).where(column != 0).limit(bound(SAMPLE))
    sample = some.subquery("some")
    ordered = sa.select(sample.c.value).order_by(sample.c.number)
    try:
        with dialect.shortly(connection, MOMENT):
            values = [str(row[0]) for row in connection.execute(ordered)]
            none: sa.Select[Any] = sa.select(sa.literal_column("1")).where(column == 0).limit(1)
            zero = connection.execute(none).first()
    except sa.exc.DBAPIError:
        return None, False
    finally:
        connection.rollback()
    return values[len(values) // 2] if values else None, zero is not None


def sighted(
    dialect: Dialect,
    connection: Connection,
    clock: p.Field,
    floor: p.Line,
    now: p.Line,
    likely: tuple[p.Line, p.Line] | None = None,
) -> Sight:
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
        sampled, unlikely = (0, 0) if likely is None else _sampled(compiler, connection, clock, likely)
        return Sight(past=True, served=served, sampled=sampled, unlikely=unlikely)
    counts = []
    for state in (p.State.RECENT, p.State.UNCLEAR):
        query = sa.select(sa.func.count()).select_from(source).where(having(state))
        counts.append(int(connection.execute(query).scalar_one()))
    return Sight(past=False, ahead=counts[0], unclear=counts[1], served=served)


def _sampled(
    compiler: Compiler, connection: Connection, clock: p.Field, likely: tuple[p.Line, p.Line]
) -> tuple[int, int]:
    """Of how many values how many are unlikely; (0, 0) where most are likely."""
    states = {
        state: compiler.test(p.Dated(field=clock, state=state, floor=likely[0], cutoff=likely[1]))
        for state in (p.State.MISSING, p.State.PAST)
    }
    source = compiler.source(clock.source)
    fits = sa.case((states[p.State.PAST], sa.literal_column("1")), else_=sa.literal_column("0"))
    some = sa.select(fits.label("fits")).select_from(source).where(sa.not_(states[p.State.MISSING]))
    sample = some.limit(bound(SAMPLE)).subquery("some")
    every, fit = connection.execute(sa.select(sa.func.count(), sa.func.sum(sample.c.fits))).one()
    unlikely = int(every) - int(fit or 0)
    return (int(every), unlikely) if 2 * unlikely > int(every) else (0, 0)


def _answer(dialect: Dialect, connection: Connection, query: sa.Select[Any]) -> Sequence[Any] | None:
    """The one row; None where the database would not have it, or not in time."""
    try:
        with dialect.shortly(connection, MOMENT):
            return connection.execute(query).one()
    except sa.exc.DBAPIError:
        return None
    finally:
        connection.rollback()
