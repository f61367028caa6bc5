"""Parts that records refer to, counted and deleted: rows go after the last that refers to them.

In a batch their rows are looked up before its records go. After them, those to which nothing refers any more are
locked, and what refers to them is asked for again in a statement of its own: under the lock nobody can refer to a row
anew by a reference that the database guards. What refers by one that only the operator knows of is looked for
once more when they are gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from retention.connectors.port import Key, Refused, Transient
from retention.connectors.sql.batches.own_keys import KeyedDelete
from retention.connectors.sql.batches.statements import Statements, column_of
from retention.connectors.sql.dialect import Dialect, plain_rows
from retention.connectors.sql.predicates import Compiler, bound, table
from retention.connectors.sql.ranges import key_range_of
from retention.model.catalogue import Column, Reference
from retention.planning.binding.bound import Shared
from retention.planning.binding.reach import described
from retention.planning.fates.shared_fates import SharedRows
from retention.planning.work import Work

RANGE = 50_000
"""Shared rows that one counting statement looks at."""

LedTo = Sequence[tuple["Leaving", Sequence[Key]]]
"""For each shared table the keys of rows that a batch's records refer to."""


def _key_of(item: Shared) -> list[Column]:
    return [item.table.columns[name] for name in item.table.key]


class Leaving:
    """The rows of one shared table."""

    def __init__(self, dialect: Dialect, statements: Statements, leaving: SharedRows) -> None:
        self._dialect = dialect
        self.item = item = leaving.shared
        self.key = _key_of(item)
        self.name = item.table.id.name
        self.led_to = [self._led_to(statements, link) for link in item.links]
        rows = self._rows("s")
        columns = [column_of(rows, column.name) for column in self.key]
        keyed = sa.select(*columns).select_from(rows).where(dialect.key_in(columns, self.key))
        free = (sa.not_(self._referred_to(rows, r)) for r in item.referring)
        self.free = keyed.where(*self._mere(rows, leaving), *free)
        self.lock = dialect.lock(keyed.order_by(*columns), rows, wait=True)
        self.guessed = tuple(r for r in item.referring if dialect.row_locks and not r.declared)
        self.delete = sa.delete(rows).where(dialect.key_in(columns, self.key))  # type: ignore[arg-type]
        self.keyed = KeyedDelete(dialect, item.table, self.key) if dialect.own_keys else None
        self.referring = [(r, self._values(r), self._by_now(r)) for r in self.guessed]

    def _rows(self, alias: str) -> FromClause:
        return table(self.item.table.id, only=self.item.table.only).alias(alias)

    def _mere(self, rows: FromClause, leaving: SharedRows) -> Iterator[ColumnElement[Any]]:
        """The row is no record that goes by rules of its own."""
        if leaving.mere is not None:
            compiler = Compiler(self._dialect).over(leaving.source, rows, lambda _: None)
            yield compiler.test(leaving.mere)

    def _led_to(self, statements: Statements, link: Reference) -> sa.Select[Any]:
        """The keys of rows to which the records that were handed over refer by `link`."""
        rows, row = self._rows("s"), self._referrer(link, "m")
        pairs = zip(link.columns, link.target_columns, strict=True)
        on = sa.and_(*(column_of(row, a) == column_of(rows, b) for a, b in pairs))
        columns = [column_of(rows, column.name) for column in self.key]
        query = sa.select(*columns).select_from(rows.join(row, on)).distinct()
        return query.where(statements.of_keys(link.table, row))

    def _referrer(self, reference: Reference, alias: str) -> FromClause:
        return table(reference.table, only=reference.table in self.item.only).alias(alias)

    def _referred_to(self, rows: FromClause, reference: Reference) -> ColumnElement[Any]:
        """Some row refers, by `reference`, to that of `rows`."""
        other = self._referrer(reference, "n")
        pairs = zip(reference.columns, reference.target_columns, strict=True)
        same = (column_of(other, a) == column_of(rows, b) for a, b in pairs)
        query: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(other).where(*same)
        return query.correlate(rows).exists()

    def _ends(self, reference: Reference) -> list[Column]:
        return [self.item.table.columns[name] for name in reference.target_columns]

    def _values(self, reference: Reference) -> sa.Select[Any]:
        """By which rows would refer to those whose keys are handed over."""
        rows = self._rows("s")
        columns = [column_of(rows, column.name) for column in self.key]
        ends = [column_of(rows, name) for name in reference.target_columns]
        query = sa.select(*ends).select_from(rows).where(self._dialect.key_in(columns, self.key))
        return query.where(*(end.is_not(sa.null()) for end in ends))

    def _by_now(self, reference: Reference) -> sa.Select[Any]:
        """A row that refers to one of those by whose values it would."""
        other = self._referrer(reference, "n")
        sides = [column_of(other, name) for name in reference.columns]
        query: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(other)
        return query.where(self._dialect.key_in(sides, self._ends(reference))).limit(sa.literal_column("1"))


class SharedParts:
    """The shared tables of one job, in the batches of one connection."""

    def __init__(self, dialect: Dialect, connection: Connection, statements: Statements) -> None:
        self._dialect = dialect
        self._connection = connection
        self.locking = dialect.row_locks
        self.leaving = [Leaving(dialect, statements, item) for item in statements.work.shared]

    def led_to(self, given: Mapping[str, Any]) -> LedTo:
        """Before the batch deletes: the shared rows of the records handed over as `given`."""
        return [
            (each, list(dict.fromkeys(key for query in each.led_to for key in self._rows(query, given))))
            for each in self.leaving
        ]

    def delete(self, led_to: LedTo, where: str, *, beside_locks: bool) -> dict[str, list[Key]]:
        """After its records are gone: table → the keys of shared rows that went after them."""
        found: dict[str, list[Key]] = {}
        for each, keys in led_to:
            found[str(each.item.table.id)] = [
                key
                for some in self._pieces(keys)
                for key in self._delete(each, some, where, beside_locks=beside_locks)
            ]
        return found

    def _delete(self, each: Leaving, keys: Sequence[Key], where: str, *, beside_locks: bool) -> list[Key]:
        free = self._of(each, each.free, keys)
        if self._dialect.row_locks and free:
            locked = self._of(each, each.lock, free)
            free = self._of(each, each.free, locked)
        if not free:
            return []
        led_to = [(r, self._of(each, values, free), by_now) for r, values, by_now in each.referring]
        gone = self._gone(each, free, beside_locks=beside_locks)
        if gone != len(free):
            raise Refused(f"{where}: {each.name}: {gone} rows deleted where {len(free)} were counted")
        for reference, ends, by_now in led_to:
            columns = [each.item.table.columns[name] for name in reference.target_columns]
            given = self._dialect.give_keys(self._connection, columns, ends)
            if ends and self._rows(by_now, given):
                raise Transient(
                    f"{where}: a row that refers to {each.name} by {described(reference)} came meanwhile"
                )
        return free

    def _gone(self, each: Leaving, keys: Sequence[Key], *, beside_locks: bool) -> int:
        if each.keyed is not None:
            return each.keyed.delete(self._connection, keys, beside_locks=beside_locks)
        given = self._dialect.give_keys(self._connection, each.key, keys)
        return int(self._connection.execute(each.delete, given).rowcount)

    def _of(self, each: Leaving, query: sa.Select[Any], keys: Sequence[Key]) -> list[Key]:
        if not keys:
            return []
        return self._rows(query, self._dialect.give_keys(self._connection, each.key, keys))

    def _rows(self, query: sa.Select[Any], given: Mapping[str, Any]) -> list[Key]:
        return [tuple(row) for row in plain_rows(self._connection, query, given)]

    def _pieces(self, keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
        size = self._dialect.most_keys or len(keys) or 1
        for start in range(0, len(keys), size):
            yield keys[start : start + size]


def counting(dialect: Dialect, work: Work, item: SharedRows) -> sa.Select[Any]:
    """How many rows of the shared part go with the records, in a range without limits."""
    compiler = Compiler(dialect, lists=work.lists)
    query = sa.select(sa.func.count()).select_from(compiler.source(item.source))
    return query.where(compiler.test(item.goes))


def count(dialect: Dialect, connection: Connection, work: Work, item: SharedRows) -> int:
    """How many rows of the shared part go with the records of a plan, in ranges of their key.

    In one statement where what decides is worked out once for it anyway.
    """
    compiler = Compiler(dialect, lists=work.lists)
    rows = compiler.source(item.source)
    columns = [compiler.column(item.source, name) for name in item.shared.table.key]
    test = compiler.test(item.goes)
    total = 0
    after: Key | None = None
    while True:
        behind = key_range_of(dialect, columns, after, None)
        last = sa.select(*columns).select_from(rows).where(*behind).order_by(*columns)
        last = last.offset(bound(RANGE - 1)).limit(bound(1))
        upto = None if compiler.at_once else connection.execute(last).first()
        limits = key_range_of(dialect, columns, after, upto)
        query = sa.select(sa.func.count()).select_from(rows).where(*limits, test)
        total += int(connection.execute(query).scalar_one())
        if upto is None:
            return total
        after = tuple(upto)
