"""Batches by spans of the key's or the clock's order, one statement each.

For databases where a writer has everything to itself, and nothing can come between looking and deleting,
and for those whose DELETE gives back what it deleted: the statement that deletes is also the recheck. Only where
nothing refers to the record and its own columns decide; the sweep is by key. A DELETE that returns waits for
rows that others have locked, also for those that it only passes: where it would, the span is taken by keys.
Where a tenant's period decides, such a DELETE would lock the tenant's row: a SELECT locks the span's records, and
they go by their keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Key, Taken, Window
from retention.connectors.sql.batches.removal import KeyRemover
from retention.connectors.sql.batches.statements import Order, Statements
from retention.connectors.sql.dialect import Dialect, Rows, Timeouts, plain_rows, rows_at_once
from retention.connectors.sql.listing import Listing
from retention.connectors.sql.positions import frozen, thawed
from retention.connectors.sql.predicates import bound
from retention.connectors.sql.untold import ConcernedError, Untold
from retention.connectors.sql.wrapping import wrapped
from retention.ledger.evidence import Committer, Sealed
from retention.model.catalogue import Kind
from retention.planning.work import Work


class SpanRemover(KeyRemover):
    """Takes all that is due between two positions of the order."""

    def __init__(
        self,
        dialect: Dialect,
        connection: Connection,
        work: Work,
        committer: Committer,
        timeouts: Timeouts,
        *,
        dense: bool,
        listing: Listing | None = None,
        untold: Untold | None = None,
    ) -> None:
        """`untold`: with `listing`, what leaves out records that people's words could concern."""
        super().__init__(
            dialect, connection, work, committer, timeouts, dense=dense, listing=listing, untold=untold
        )
        self._asked = 0
        self._free = Statements(dialect, self._work, untold=untold)
        self._bare: Statements | None = None
        looks_up = dialect.row_locks and not work.own_columns
        self._due = looked_up(self._free) if looks_up else None
        if not looks_up and dialect.returns_deleted(connection):
            self._bare = Statements(dialect, self._work, bare=True, untold=untold)

    def cuts(self, ranges: int, due: int) -> Sequence[Mapping[str, Any]]:
        return ()

    def window(self, after: Mapping[str, Any] | None, size: int, *, sweep: bool) -> Window | None:
        if sweep:
            return super().window(after, size, sweep=True)
        told = self._told(after, size)
        if told is not None:
            return told
        kind = "clock" if self._order.clock is not None else "key"
        start = after["at"] if after is not None and after.get("by") == kind else None
        if start == []:
            return None
        self._asked = size
        with wrapped(self._dialect, f"{self._where}: looking for due records"), self._reading():
            every = candidates(self._statements, self._order, None if start is None else thawed(start))
            last = plain_rows(self._connection, every.offset(bound(size - 1)).limit(bound(1)))
            if not last and not plain_rows(self._connection, every.limit(bound(1))):
                return None
        end = frozen(last[0]) if last else None
        return Window(after={"by": kind, "at": end or []}, span=(start, end))

    def keys_of(self, window: Window) -> Window:
        if window.span is None:
            return window
        query = self._keys_in(window)
        with wrapped(self._dialect, f"{self._where}: looking for due records"), self._reading():
            rows = plain_rows(self._connection, query, self._range(window))
            return replace(window, span=None, keys=tuple(rows))

    def take(self, window: Window, most: int, *, wait: bool = False) -> Taken:
        if window.span is None:
            return super().take(window, most, wait=wait)
        with wrapped(self._dialect, f"{self._where}: deleting a batch"):
            if self._bare is not None and most >= self._asked:
                return self._hopefully(lambda: self._returned(window), lambda: self._by_keys(window, most))
            if most < self._asked:
                return self._hopefully(
                    lambda: self._by_keys(window, most, hopeful=True), lambda: self._by_keys(window, most)
                )
            if self._due is not None:
                return self._hopefully(lambda: self._locked(window), lambda: self._by_keys(window, most))
            due = self._due_in(window)
            rows = plain_rows(self._connection, found(self._free, due), self._range(window))
            if not rows:
                return Taken(keys=(), overdue=0, rows={})
            try:
                gone = self._looked_at(rows)
            except ConcernedError:
                return self._by_keys(window, most)
            with self._sealing(gone) as sealed:
                count = self._gone(delete(self._free, due), self._range(window), len(gone))
        return self._taken(gone, sealed.result(), rows, count)

    def _returned(self, window: Window) -> Taken:
        """One statement; what it gives back is what went."""
        assert self._bare is not None
        query = returning(self._bare, self._order, *self._ends(window))
        rows = plain_rows(self._connection, query, self._range(window))
        if not rows:
            return Taken(keys=(), overdue=0, rows={})
        gone = self._looked_at(rows)
        return self._taken(gone, self._committer.seal(gone), rows, len(gone))

    def _locked(self, window: Window) -> Taken:
        """Looked at and locked by one statement, which locks nothing that it looks up; deleted by their keys."""
        assert self._due is not None
        query, given = locking(self._free, self._due, self._order, *self._ends(window)), self._range(window)
        rows = rows_at_once(self._dialect, self._connection, query, kinds_of(self._free, self._untold), given)
        return self._take_found(self._looked_at(rows), rows)

    def _taken(self, gone: Sequence[Key], sealed: Sealed, rows: Rows, count: int) -> Taken:
        overdue = sum(row[len(self._statements.key)] for row in rows)
        root = str(self._work.bound.root.id)
        return Taken(keys=gone, sealed=sealed, overdue=overdue, rows={root: count})

    def _looked_at(self, rows: Rows) -> list[Key]:
        """Their keys; ConcernedError where people's words concern one of them."""
        width = len(self._statements.key)
        if self._untold is not None:
            self._untold.look(rows, width + 1)
        return [row[:width] for row in rows]

    def _range(self, window: Window) -> Mapping[str, Any]:
        """The parameters that leave out the records that people's words are known to concern."""
        if self._untold is None:
            return {}
        if self._order.clock is not None:
            return self._leaving_out
        return self._untold.leaving_out(self._untold.between(*self._ends(window)))

    def _by_keys(self, window: Window, most: int, *, hopeful: bool = False) -> Taken:
        query = self._keys_in(window).limit(bound(most))
        rows = plain_rows(self._connection, query, self._range(window))
        return self._take(rows, wait=False, hopeful=hopeful)

    def _keys_in(self, window: Window) -> sa.Select[Any]:
        if self._due is None:
            return keys(self._free, self._due_in(window))
        return keys_looked_up(self._free, self._due, self._order, *self._ends(window))

    def _due_in(self, window: Window) -> list[Any]:
        return due_in(self._free, self._order, *self._ends(window))

    def _ends(self, window: Window) -> tuple[Position, Position]:
        assert window.span is not None
        start, end = (None if at is None else thawed(at) for at in window.span)
        return start, end


Position = Sequence[Any] | None
"""The values that a row is ordered by; None: open."""


def candidates(statements: Statements, order: Order, start: Position) -> sa.Select[Any]:
    """The positions behind `start` at which due rows may be, in order."""
    query = sa.select(*statements.ordering(order)).select_from(statements.root)
    limits = statements.behind(order, start)
    query = query.where(*statements.key_known, *limits, *_reaching(statements))
    return query.order_by(*statements.ordering(order))


def due_in(statements: Statements, order: Order, start: Position, end: Position) -> list[Any]:
    """Conditions for the due rows behind `start`, up to `end` and with it."""
    limits = [*statements.behind(order, start), *_reaching(statements)]
    if end is not None:
        limits += statements.up_to(order, end)
    return [*statements.key_known, *limits, statements.still_due()]


def within(statements: Statements, order: Order, start: Position, end: Position) -> list[Any]:
    """Conditions for the rows behind `start`, up to `end` and with it."""
    return [*statements.behind(order, start), *([] if end is None else statements.up_to(order, end))]


def keys(statements: Statements, due: Sequence[Any]) -> sa.Select[Any]:
    """The keys of the rows of which `due` is true."""
    return sa.select(*statements.key_columns).select_from(statements.root).where(*due)


def found(statements: Statements, due: Sequence[Any]) -> sa.Select[Any]:
    """The same, each with whether it is late."""
    columns = (*statements.key_columns, statements.late, *statements.told_by)
    return sa.select(*columns).select_from(statements.root).where(*due)


def looked_up(statements: Statements) -> sa.Select[Any]:
    """The same of what is due anywhere, with what it looks up beside it; it takes long to make, and is made once."""
    looking = statements.looking()
    query = sa.select(*looking.key_columns, looking.late, *looking.told_by)
    query = query.where(*looking.key_known, *_reaching(looking), looking.still_due())
    return query.select_from(looking.rows)


def locking(
    statements: Statements, due: sa.Select[Any], order: Order, start: Position, end: Position
) -> sa.Select[Any]:
    """What `looked_up` found to be `due`, of a span, locked at once, or an error."""
    query = due.where(*within(statements, order, start, end))
    return statements.dialect.lock(query, statements.root, wait=False, at_once=True)


def keys_looked_up(
    statements: Statements, due: sa.Select[Any], order: Order, start: Position, end: Position
) -> sa.Select[Any]:
    """The same without locks, and the keys alone."""
    found = due.with_only_columns(*statements.key_columns, maintain_column_froms=True)
    return found.where(*within(statements, order, start, end))


def kinds_of(statements: Statements, untold: Untold | None = None) -> list[Kind]:
    """Of the columns that `looked_up` gives."""
    told = [] if untold is None else untold.kinds
    return [*(column.kind for column in statements.key), Kind.INTEGER, *told]


def delete(statements: Statements, due: Sequence[Any]) -> sa.Delete:
    """Deletes the rows of which `due` is true."""
    return sa.delete(statements.root).where(*due)  # type: ignore[arg-type]


def returning(bare: Statements, order: Order, start: Position, end: Position) -> Any:
    """One statement that deletes what is due in a span, and gives it back; for databases that can."""
    due = due_in(bare, order, start, end)
    return delete(bare, due).returning(*bare.key_columns, bare.late, *bare.told_by)


def _reaching(statements: Statements) -> list[Any]:
    return [statements.compiler.test(item) for item in statements.work.reaches]
