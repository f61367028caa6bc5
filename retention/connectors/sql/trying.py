"""What a dataset's rewriting would come to grief over, tried on some rows without writing any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.answers import Misfit
from retention.connectors.sql import rewritten
from retention.connectors.sql.batches.statements import column_of
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.lines import bound as given
from retention.connectors.sql.looking import MOMENT
from retention.connectors.sql.named import table as named_table
from retention.connectors.sql.rewritten import Element
from retention.model.catalogue import Table
from retention.model.strategy import Strategy
from retention.planning.binding.bound import BoundDataset, Rewritten
from retention.planning.binding.reach import qualified

LOOKED_AT = 100_000
"""Rows that are tried at the most; what the others hold is told when their batch is."""


def misfits(
    dialect: Dialect, connection: Connection, bound: BoundDataset, samples: Mapping[str, Any]
) -> Iterator[Misfit]:
    """Of the rewriting of one dataset, on one connection that only reads: table by table, each thing once."""
    tables = {item.table.id: item.table for item in bound.rewriting}
    for id_, table in tables.items():
        items = [item for item in bound.rewriting if item.table.id == id_]
        yield from Trial(dialect, connection, table, items, samples).misfits()


class Trial:
    """The rewriting of one table's columns."""

    def __init__(
        self,
        dialect: Dialect,
        connection: Connection,
        table: Table,
        items: Sequence[Rewritten],
        samples: Mapping[str, Any],
    ) -> None:
        self._dialect, self._connection, self._table, self._items = dialect, connection, table, items
        self._samples = samples
        rows = named_table(table.id, only=table.only).alias("r")
        names = [name for name, column in table.columns.items() if not column.generated]
        some: sa.Select[Any] = sa.select(*(column_of(rows, name) for name in names)).select_from(rows)
        self._some = some.limit(given(LOOKED_AT)).subquery("s")
        self._names = names

    def misfits(self) -> Iterator[Misfit]:
        """Each thing once, in the order of the columns."""
        guards = self._dialect.guards(self._connection, self._table)
        for item in self._items:
            yield from self._unreadable(item)
            for index, columns in guards.uniques:
                if item.column.name in columns and not item.strategy.unequal:
                    found = f"`{item.name}` is in the unique index `{index}`, and {item.strategy.text}"
                    write = "write a strategy that keeps them apart (null, hash, token), or drop the index"
                    yield Misfit(column=item.name, found=f"{found} makes values alike", write=write)
        for name, clause in guards.checks:
            yield from self._broken(name, clause)

    def _unreadable(self, item: Rewritten) -> Iterator[Misfit]:
        column = column_of(self._some, item.column.name)
        unread = self._not_for(column, item)
        count = None if unread is None else self._count(sa.select(sa.func.count()).where(unread))
        if count:
            what = "is no IP address" if item.strategy.address else "is no ISO 8601 date"
            what = "is no number" if item.strategy.width else what
            found = f"of the first {LOOKED_AT:,} rows {count:,} hold something in `{item.name}` that {what}"
            write = 'mend them, or write "redact", "null" or { strategy = "prefix", length = 4 }'
            yield Misfit(column=item.name, found=found, write=write)

    def _not_for(self, column: Element, item: Rewritten) -> Element | None:
        if not item.strategy.address:
            return rewritten.unreadable(self._dialect, column, item.column, item.strategy)
        if item.column.type.upper() == "INET":
            return None
        shapes = (column.not_like(given("%_.%_.%_.%_")), column.not_like(given("%:%:%")))
        return sa.and_(column.is_not(sa.null()), sa.not_(self._dialect.exactly(column, "")), *shapes)

    def _broken(self, name: str, clause: str) -> Iterator[Misfit]:
        """A CHECK asked of rows as they would be; the clause is the database's own."""
        mine = {item.column.name: item for item in self._items}
        touched = [column for column in mine if column.casefold() in clause.casefold()]
        if not touched:
            return
        columns = [
            self._result(mine[column]).label(column) if column in mine else column_of(self._some, column)
            for column in self._names
        ]
        after = sa.select(*columns).select_from(self._some).subquery(self._table.id.name)
        refused: Element = sa.literal_column(f"NOT ({clause})")
        count = self._count(sa.select(sa.func.count()).select_from(after).where(refused))
        if count:
            strategies = ", ".join(f"{column} = {mine[column].strategy.text}" for column in touched)
            found = f"CHECK ({name}) of `{qualified(self._table.id)}` would not hold then ({strategies})"
            yield Misfit(
                column=mine[touched[0]].name, found=found, write="write a strategy whose results pass it"
            )

    def _result(self, item: Rewritten) -> Element:
        column = column_of(self._some, item.column.name)
        if not item.strategy.computed:
            return rewritten.value(self._dialect, column, item.column, item.strategy)
        sample = self._sample(item.name, item.strategy)
        return sa.case((column.is_not(sa.null()), sample))

    def _sample(self, name: str, strategy: Strategy) -> Element:
        if name not in self._samples:
            raise AssertionError(f"no sample of what {strategy.text} makes")
        return given(self._dialect.value(self._samples[name]))

    def _count(self, query: sa.Select[Any]) -> int | None:
        """None where the database would not have it, or not in a moment: then a batch finds out."""
        try:
            with self._dialect.shortly(self._connection, MOMENT):
                return int(self._connection.execute(query).scalar_one())
        except sa.exc.DBAPIError:
            return None
        finally:
            self._connection.rollback()
