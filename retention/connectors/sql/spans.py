"""Batches by spans of the key's or the clock's order, one statement each.

For databases where a writer has everything to itself, and nothing can come between looking and deleting,
and for those whose DELETE gives back what it deleted: the statement that deletes is also the recheck. Only where
nothing refers to the record and its own columns decide; the sweep is by key. A DELETE that returns waits for
rows that others have locked, also for those that it only passes: where it would, the span is taken by keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Taken, Window
from retention.connectors.sql.dialect import Dialect, Timeouts, plain_rows
from retention.connectors.sql.positions import frozen, thawed
from retention.connectors.sql.predicates import bound
from retention.connectors.sql.removal import KeyRemover
from retention.connectors.sql.statements import Statements
from retention.connectors.sql.wrapping import wrapped
from retention.ledger.evidence import Committer
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
    ) -> None:
        super().__init__(dialect, connection, work, committer, timeouts, dense=dense)
        self._asked = 0
        self._bare = Statements(dialect, work, bare=True) if dialect.returns_deleted(connection) else None

    def window(self, after: Mapping[str, Any] | None, size: int, *, sweep: bool) -> Window | None:
        if sweep:
            return super().window(after, size, sweep=True)
        kind = "clock" if self._order.clock is not None else "key"
        start = after["at"] if after is not None and after.get("by") == kind else None
        if start == []:
            return None
        self._asked = size
        with wrapped(self._dialect, f"{self._where}: looking for due records"), self._reading():
            found = plain_rows(
                self._connection, self._candidates(start).offset(bound(size - 1)).limit(bound(1))
            )
            if not found and not plain_rows(self._connection, self._candidates(start).limit(bound(1))):
                return None
        end = frozen(found[0]) if found else None
        return Window(after={"by": kind, "at": end or []}, span=(start, end))

    def keys_of(self, window: Window) -> Window:
        if window.span is None:
            return window
        statements = self._statements
        query = sa.select(*statements.key_columns).select_from(statements.root).where(*self._due_in(window))
        with wrapped(self._dialect, f"{self._where}: looking for due records"), self._reading():
            return replace(window, span=None, keys=tuple(plain_rows(self._connection, query)))

    def take(self, window: Window, most: int, *, wait: bool = False) -> Taken:
        if window.span is None:
            return super().take(window, most, wait=wait)
        statements = self._statements
        with wrapped(self._dialect, f"{self._where}: deleting a batch"):
            due = self._due_in(window)
            if self._bare is not None and most >= self._asked:
                return self._hopefully(lambda: self._returned(window), lambda: self._by_keys(window, most))
            if most < self._asked:
                some = sa.select(*statements.key_columns).select_from(statements.root).where(*due)
                return self._take(plain_rows(self._connection, some.limit(bound(most))), wait=wait)
            select = sa.select(*statements.key_columns, statements.late).select_from(statements.root)
            found = plain_rows(self._connection, select.where(*due))
            if not found:
                return Taken(keys=(), overdue=0, rows={})
            keys = [row[:-1] for row in found]
            with self._sealing(keys) as sealed:
                gone = self._gone(sa.delete(statements.root).where(*due), {}, len(keys))  # type: ignore[arg-type]
        overdue = sum(row[-1] for row in found)
        rows = {str(self._work.bound.root.id): gone}
        return Taken(keys=keys, sealed=sealed.result(), overdue=overdue, rows=rows)

    def _returned(self, window: Window) -> Taken:
        """One statement; what it gives back is what went."""
        assert self._bare is not None
        bare = self._bare
        delete = sa.delete(bare.root).where(*self._due_in(window, bare))  # type: ignore[arg-type]
        found = plain_rows(self._connection, delete.returning(*bare.key_columns, bare.late))
        if not found:
            return Taken(keys=(), overdue=0, rows={})
        keys = [row[:-1] for row in found]
        overdue = sum(row[-1] for row in found)
        rows = {str(self._work.bound.root.id): len(keys)}
        return Taken(keys=keys, sealed=self._committer.seal(keys), overdue=overdue, rows=rows)

    def _by_keys(self, window: Window, most: int) -> Taken:
        statements = self._statements
        query = sa.select(*statements.key_columns).select_from(statements.root).where(*self._due_in(window))
        return self._take(plain_rows(self._connection, query.limit(bound(most))), wait=False)

    def _candidates(self, start: Sequence[Any] | None) -> sa.Select[Any]:
        statements = self._statements
        query = sa.select(*statements.ordering(self._order)).select_from(statements.root)
        query = query.where(
            *statements.key_known, *self._behind(start, statements), *self._reaching(statements)
        )
        return query.order_by(*statements.ordering(self._order))

    def _due_in(self, window: Window, statements: Statements | None = None) -> list[Any]:
        assert window.span is not None
        statements = statements or self._statements
        start, end = window.span
        limits = [*self._behind(start, statements), *self._reaching(statements)]
        if end is not None:
            limits += statements.up_to(self._order, thawed(end))
        return [*statements.key_known, *limits, statements.compiler.test(self._work.still_due)]

    def _behind(self, start: Sequence[Any] | None, statements: Statements) -> list[Any]:
        return statements.behind(self._order, None if start is None else thawed(start))

    def _reaching(self, statements: Statements) -> list[Any]:
        return [statements.compiler.test(item) for item in self._work.reaches]
