"""Where the candidates of a job's batches are found: by their keys, behind a cursor, without locks."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Key, Remover, Window
from retention.connectors.sql.batches.shared_parts import SharedParts
from retention.connectors.sql.batches.statements import Order, Statements
from retention.connectors.sql.batches.stretches import Stretches, due_in_stretch
from retention.connectors.sql.dialect import Dialect, Rows, plain_rows, rows_at_once
from retention.connectors.sql.lines import bound as given_value
from retention.connectors.sql.listing import Listing
from retention.connectors.sql.positions import frozen, thawed
from retention.connectors.sql.untold import Untold
from retention.connectors.sql.wrapping import wrapped
from retention.planning.work import Work

_OLDEST_AT_ONCE = 1_000


class KeyWindows(Remover):
    """Candidates in clock order where an index serves it, else in key order."""

    _dialect: Dialect
    _connection: Connection
    _work: Work
    _where: str
    _statements: Statements
    _order: Order
    _listing: Listing | None
    _settled: Collection[Key]
    _others: Sequence[Any]
    _leaving_out: Mapping[str, Any]
    _shared: SharedParts
    _untold: Untold | None
    _upto: Mapping[str, Any] | None = None
    _special_due: Sequence[Key] | None = None

    def window(self, after: Mapping[str, Any] | None, size: int, *, sweep: bool) -> Window | None:
        told = self._told(after, size)
        return told if told is not None else self._by_columns(after, size)

    def _told(self, after: Mapping[str, Any] | None, size: int) -> Window | None:
        """First come the records that people told something of."""
        if after is not None and after.get("by") != "told":
            return None
        special, at = self._worth_a_look(), 0 if after is None else after["at"]
        while some := special[at : at + size]:
            at += len(some)
            if keys := tuple(key for key in some if key not in self._settled):
                return Window(after={"by": "told", "at": at}, keys=keys)
        return None

    def _worth_a_look(self) -> Sequence[Key]:
        """Those of them that a batch could take. Where it is known what was told of each, and they don't decide about
        each other, those that are due now: what becomes so later is another run's.
        """
        if self._special_due is None:
            listing = self._listing
            special = [] if listing is None else listing.special
            known = None
            if listing is not None and special:
                known = listing.beforehand("screen", special, self._screening)
            if known is not None:
                with wrapped(self._dialect, f"{self._where}: looking for due records"), self._reading():
                    due = {key for asked in known[1] for key in self._screened(*asked)}
                special = [key for key in special if key in due]
            self._special_due = special
        return self._special_due

    def _screening(self, work: Work) -> sa.Select[Any]:
        return Statements(self._dialect, work).screen()

    def _screened(self, screen: sa.Select[Any], keys: Sequence[Key], values: Mapping[str, Any]) -> Rows:
        given = self._give(keys)
        kinds = [column.kind for column in self._statements.key]
        return rows_at_once(self._dialect, self._connection, screen, kinds, {**given, **values})

    def cuts(self, ranges: int, due: int) -> Sequence[Mapping[str, Any]]:
        bound = self._work.bound
        meet = bound.entangled or bound.loosened or self._shared.leaving or self._work.moves
        if ranges < 2 or meet or not self._dialect.row_locks:
            return ()
        found: list[Mapping[str, Any]] = []
        position: Key | None = None
        with wrapped(self._dialect, f"{self._where}: looking for due records"), self._reading():
            while len(found) < ranges - 1:
                query = self._finding(position, 1).offset(given_value(max(due // ranges, 1) - 1))
                rows = plain_rows(self._connection, query)
                if not rows:
                    break
                position = rows[0]
                found.append({"by": self._by, "at": frozen(position)})
        return found

    def confine(self, upto: Mapping[str, Any] | None) -> None:
        self._upto = upto

    @property
    def _by(self) -> str:
        return "key" if self._order.clock is None else "clock"

    def _by_columns(self, after: Mapping[str, Any] | None, size: int) -> Window | None:
        kind = self._by
        size = min(size, self._dialect.most_keys or size)
        position = thawed(after["at"]) if after is not None and after.get("by") == kind else None
        with wrapped(self._dialect, f"{self._where}: looking for due records"):
            rows, keys = self._found_behind(position, size)
        if not rows:
            return None
        return Window(after={"by": kind, "at": frozen(rows[-1])}, keys=tuple(keys))

    def _found_behind(self, position: Sequence[Any] | None, size: int) -> tuple[Sequence[Key], Sequence[Key]]:
        """Candidates as they are ordered, and the keys of those that a batch is worth."""
        with self._reading():
            stretches = self._stretches
            if stretches is not None:
                found = stretches.found(self._connection, self._finding(position, size))
                if found is not None:
                    return found[0], self._untold_of(found[1])
            rows = self._candidates(position, size)
            if stretches is not None:
                stretches.read(rows)
            keys = self._untold_of(rows if self._order.clock is None else [row[1:] for row in rows])
            if keys and not self._statements.found_at_once:
                keys = self._rows_of_keys(self._statements.screen(), keys)
            return rows, keys

    @functools.cached_property
    def _stretches(self) -> Stretches | None:
        """Their statement is made once, and only where windows are looked for."""
        due = due_in_stretch(self._statements, self._order)
        return None if due is None else Stretches(due)

    def _untold_of(self, keys: Sequence[Key]) -> Sequence[Key]:
        """Those of them of which nobody had told anything before the run: the others came first, by their keys."""
        return keys if self._untold is None else self._untold.among(keys)

    def _candidates(self, position: Sequence[Any] | None, size: int) -> Sequence[Key]:
        return plain_rows(self._connection, self._finding(position, size))

    def _finding(self, position: Sequence[Any] | None, size: int) -> sa.Select[Any]:
        query = self._statements.find(self._order, position, size)
        if self._upto is None or self._upto.get("by") != self._by:
            return query
        return query.where(*self._statements.up_to(self._order, thawed(self._upto["at"])))

    def keys_of(self, window: Window) -> Window:
        return window

    def screened(self, window: Window) -> Window:
        if window.after.get("by") != self._by or not self._statements.found_at_once:
            return window  # others were screened when they were found
        with wrapped(self._dialect, f"{self._where}: looking for due records"), self._reading():
            return replace(window, keys=self._rows_of_keys(self._statements.screen(), window.keys))

    def oldest(self, most: int) -> Iterator[Window]:
        told = self._told(None, _OLDEST_AT_ONCE)
        while told is not None:
            yield told
            told = self._told(told.after, _OLDEST_AT_ONCE)
        with wrapped(self._dialect, f"{self._where}: looking for the oldest records"), self._reading():
            held = frozenset() if self._listing is None else self._listing.before
            query = self._statements.oldest(most + len(held)).where(*self._others)
            rows = plain_rows(self._connection, query, self._leaving_out)
            rows = [key for key in rows if key not in held][:most]
        for start in range(0, len(rows), _OLDEST_AT_ONCE):
            keys = tuple(rows[start : start + _OLDEST_AT_ONCE])
            yield Window(after={"by": "oldest", "at": frozen(keys[-1])}, keys=keys, sure=True)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """A short transaction that reads and leaves nothing open."""
        try:
            self._dialect.begin_reading(self._connection)
            yield
        finally:
            self._end()

    def _give(self, keys: Sequence[Key]) -> Mapping[str, Any]:
        """Hands keys to the database: the parameters of statements about them."""
        return self._dialect.give_keys(self._connection, self._statements.key, keys)

    def _rows_of_keys(self, query: sa.Select[Any], keys: Sequence[Key]) -> tuple[Key, ...]:
        given = self._give(keys)
        return tuple(plain_rows(self._connection, query, given))

    def _end(self) -> None:
        """Ends the transaction, also one whose commit failed: SQLAlchemy counts that as ended, SQLite does not."""
        with contextlib.suppress(Exception):
            self._connection.rollback()
        with contextlib.suppress(Exception):
            if not self._connection.invalidated:
                self._connection.connection.rollback()
