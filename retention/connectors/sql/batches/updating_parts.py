"""The statements that rewrite rows of the parts of records, under the record's lock and theirs.

The recheck says of each record which columns of its parts are open: by rules over the record, and because some row
is not done. Of those records the rows that are not done are read, each with its own key, and rewritten by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from retention.connectors.port import Key, Making, Refused
from retention.connectors.sql import rewritten
from retention.connectors.sql.batches.statements import Statements, column_of
from retention.connectors.sql.batches.updating import Flags, Found, Update
from retention.connectors.sql.dialect import Dialect, plain_rows
from retention.connectors.sql.rewritten import number
from retention.model.catalogue import Kind, Table
from retention.planning.fates.columns import PartRewrite
from retention.planning.work import Work


class PartRows:
    """One part's rows, of which columns are rewritten."""

    def __init__(
        self,
        dialect: Dialect,
        statements: Statements,
        making: Making | None,
        items: Sequence[PartRewrite],
    ) -> None:
        """`making`: None where the statements are only looked at."""
        self._dialect, self._statements, self._making = dialect, statements, making
        self.items = tuple(items)
        self.table: Table = items[0].table
        self._width = len(self.table.key)
        self._rows = statements.compiler.source(items[0].source)
        self._readings: dict[Flags, sa.Select[Any]] = {}
        self._updates: dict[Flags, Update] = {}

    def rewrite(
        self, connection: Connection, keys: Mapping[Flags, Sequence[Key]], *, beside_locks: bool
    ) -> Iterator[tuple[int, int]]:
        """(rows found, rows met) of each statement. `keys`: of records, by which of the columns are open in them.

        Raises Refused where a value can't be read.
        """
        for flags, some in keys.items():
            given = self._dialect.give_keys(connection, self._statements.key, some)
            groups: dict[Flags, list[Found]] = {}
            for row in plain_rows(connection, self.reading(flags), given):
                if row[-2]:
                    raise Refused(
                        f"{self._statements.work.bound}: {self.table.id.name}: a value is none that can be"
                        " generalised"
                    )
                open_ = tuple(map(bool, row[self._width : -2]))
                groups.setdefault(open_, []).append((row[: self._width], int(row[-1])))
            for open_, found in groups.items():
                yield len(found), self.update(open_).execute(connection, found, beside_locks=beside_locks)

    def reading(self, flags: Flags) -> sa.Select[Any]:
        """Of records whose keys are handed over, the part's rows in which one of these columns is not done.

        (own key, whether each column is set, whether the database can't read one of those, the length of those that
        the engine reads).
        """
        if flags not in self._readings:
            self._readings[flags] = self._reading(flags)
        return self._readings[flags]

    def _reading(self, flags: Flags) -> sa.Select[Any]:
        yes, no = number(1), number(0)
        opens: list[ColumnElement[Any]] = []
        set_: list[ColumnElement[Any]] = []
        bad: list[ColumnElement[Any]] = []
        length = no
        for item, flag in zip(self.items, flags, strict=True):
            open_ = self._statements.compiler.test(item.undone)
            set_.append(sa.case((open_, yes), else_=no) if flag else no)
            if not flag:
                continue
            opens.append(open_)
            column = column_of(self._rows, item.column.name)
            unread = rewritten.unreadable(self._dialect, column, item.column, item.strategy)
            if unread is not None:
                bad.append(sa.and_(open_, unread))
            if item.strategy.computed and item.column.kind is Kind.TEXT:
                length = length + sa.func.coalesce(self._dialect.characters(column), no)
        unread_one = sa.case((sa.or_(*bad), yes), else_=no) if bad else no
        key = (column_of(self._rows, name) for name in self.table.key)
        query = sa.select(*key, *set_, unread_one, length).select_from(self._rows)
        return query.where(self._statements.part_of_keys(self.table.id, self._rows), sa.or_(*opens))

    def update(self, flags: Flags) -> Update:
        """The update of rows in which these columns are set."""
        if flags not in self._updates:
            chosen = tuple(item for item, flag in zip(self.items, flags, strict=True) if flag)
            self._updates[flags] = Update(
                self._dialect, self._statements, self._making, chosen, part=self.table
            )
        return self._updates[flags]


def part_rows(dialect: Dialect, statements: Statements, making: Making | None) -> tuple[PartRows, ...]:
    """Of each part of which columns are rewritten, in the order of the plan."""
    return tuple(PartRows(dialect, statements, making, items) for items in by_table(statements.work))


def by_table(work: Work) -> tuple[tuple[PartRewrite, ...], ...]:
    """The columns of parts that the job rewrites, table by table."""
    found: dict[str, list[PartRewrite]] = {}
    for item in work.part_rewrites:
        found.setdefault(str(item.table.id), []).append(item)
    return tuple(map(tuple, found.values()))
