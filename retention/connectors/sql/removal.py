"""One job's batches on a SQL database: find, lock, recheck, delete, mark, commit.

Two ways, one protocol. `KeyRemover` takes records by their keys, parts first. `PageRemover`
(PostgreSQL, where nothing refers to the table and the predicate is on its own columns) takes
ranges of the table's physical order in one statement a batch, and sweeps by key.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Key, Marker, Refused, Remover, Taken, Transient, Window
from retention.connectors.sql.dialect import Dialect, Physical, Timeouts
from retention.connectors.sql.markers import insert_marker
from retention.connectors.sql.positions import frozen, thawed
from retention.connectors.sql.statements import Statements
from retention.connectors.sql.wrapping import wrapped
from retention.model.catalogue import Table
from retention.planning.work import Work

_WAITING = Timeouts(lock=300)
_OLDEST_AT_ONCE = 1_000


def plain_rows(
    connection: Connection, statement: Any, given: Mapping[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    """The driver's own tuples, all of them: SQLAlchemy's rows cost more than the query where there are many."""
    result = connection.execute(statement, given)
    try:
        return list(result.cursor.fetchall())
    finally:
        result.close()


class _HeldByOthersError(Exception):
    """A part of some record is locked: time to look for which."""


class KeyRemover(Remover):
    """Batches by keys, in clock order where an index serves it, else in key order."""

    def __init__(
        self,
        dialect: Dialect,
        connection: Connection,
        work: Work,
        timeouts: Timeouts,
        *,
        dense: bool = False,
    ) -> None:
        """`dense`: a good part of the table is due."""
        self._dialect = dialect
        self._connection = connection
        self._work = work
        self._timeouts = timeouts
        self._statements = Statements(dialect, work)
        self._order = self._statements.order(dense=dense)
        tables = {part.table.id: part.table for part in work.bound.parts}
        self._parts: list[Table] = [tables[id_] for id_ in work.bound.removal if id_ in tables]
        self._delete_parts = {part.id: self._statements.delete_part(part) for part in self._parts}
        self._delete_root = self._statements.delete_root()
        self._recheck = self._statements.recheck()
        self._locks = {wait: self._statements.lock(wait=wait) for wait in (False, True)}
        self._where = str(work.bound)

    # -- finding ---------------------------------------------------------------------------

    def window(self, after: Mapping[str, Any] | None, size: int, *, sweep: bool) -> Window | None:
        order = self._order
        kind = "clock" if order.clock is not None else "key"
        position = thawed(after["at"]) if after is not None and after.get("by") == kind else None
        with wrapped(self._dialect, f"{self._where}: looking for due records"), self._reading():
            rows = plain_rows(self._connection, self._statements.find(order, position, size))
            if not rows:
                return None
            keys = tuple(rows) if order.clock is None else tuple(row[1:] for row in rows)
            if not self._work.own_columns:
                keys = self._rows_of_keys(self._statements.screen(), keys)
        return Window(after={"by": kind, "at": frozen(rows[-1])}, keys=keys)

    def keys_of(self, window: Window) -> Window:
        return window

    def oldest(self, most: int) -> Iterator[Window]:
        with wrapped(self._dialect, f"{self._where}: looking for the oldest records"), self._reading():
            rows = plain_rows(self._connection, self._statements.oldest(most))
        for start in range(0, len(rows), _OLDEST_AT_ONCE):
            keys = tuple(rows[start : start + _OLDEST_AT_ONCE])
            yield Window(after={"by": "oldest", "at": frozen(keys[-1])}, keys=keys)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """A short transaction that reads and leaves nothing open."""
        try:
            self._dialect.begin_reading(self._connection)
            yield
        finally:
            self._end()

    def _rows_of_keys(self, query: sa.Select[Any], keys: Sequence[Key]) -> tuple[Key, ...]:
        given = self._dialect.give_keys(self._connection, self._statements.key, keys)
        return tuple(plain_rows(self._connection, query, given))

    # -- the batch -------------------------------------------------------------------------

    def begin(self) -> None:
        try:
            with wrapped(self._dialect, f"{self._where}: beginning a batch"):
                self._dialect.begin(self._connection, self._timeouts)
        except BaseException:
            self._end()
            raise

    def take(self, window: Window, most: int, *, wait: bool = False) -> Taken:
        with wrapped(self._dialect, f"{self._where}: deleting a batch"):
            if wait:
                self._dialect.limit_waiting(self._connection, _WAITING)
                return self._take(window.keys[:most], wait=True)
            try:
                return self._take(window.keys[:most], wait=False, hopeful=True)
            except _HeldByOthersError:
                self._end()
                self._dialect.begin(self._connection, self._timeouts)
                return self._take(window.keys[:most], wait=False)

    def _take(self, keys: Sequence[Key], *, wait: bool, hopeful: bool = False) -> Taken:
        """`hopeful`: no part is locked by others, or else _HeldByOthersError: counting twice is seldom needed."""
        held, skipped = self._lock_roots(keys, wait=wait)
        held, busy, counted = self._lock_parts(held, wait=wait, hopeful=hopeful)
        given = self._dialect.give_keys(self._connection, self._statements.key, held)
        found = self._due_of(held, given)
        due = [row[:-1] for row in found]
        overdue = sum(row[-1] for row in found)
        changed = len(keys) - len(skipped) - len(busy) - len(due)
        rows: Mapping[str, int] = {}
        if due:
            if len(due) != len(held):
                given = self._dialect.give_keys(self._connection, self._statements.key, due)
                counted = self._count_parts(given) if self._dialect.row_locks else {}
            rows = self._delete(due, given, counted)
        return Taken(keys=due, overdue=overdue, rows=rows, changed=changed, locked=(*skipped, *busy))

    def _due_of(self, held: Sequence[Key], given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Step 3: of the locked keys handed over as `given` those that are due, each with whether it is late."""
        return plain_rows(self._connection, self._recheck, given) if held else []

    def _lock_roots(self, keys: Sequence[Key], *, wait: bool) -> tuple[list[Key], list[Key]]:
        """The keys locked, and those that others hold. Keys that are gone are in neither."""
        if not self._dialect.row_locks or not keys:
            return list(keys), []
        held = self._rows_of_keys(self._locks[wait], keys)
        if len(held) == len(keys):
            return list(held), []
        known = set(held)
        missing = [key for key in keys if key not in known]
        return list(held), list(self._rows_of_keys(self._statements.present(), missing))

    def _lock_parts(
        self, held: list[Key], *, wait: bool, hopeful: bool
    ) -> tuple[list[Key], list[Key], dict[str, int]]:
        """Locks the records' parts; a record of which one is locked by others is left out whole.

        Parents first: nobody can add a row to a parent that is locked, so that what was counted stays.
        """
        counted: dict[str, int] = {}
        if not self._dialect.row_locks or not held:
            return held, [], counted
        given = self._dialect.give_keys(self._connection, self._statements.key, held)
        if hopeful:
            return held, [], {str(part.id): self._lock_at_once(part, given) for part in reversed(self._parts)}
        busy: set[Key] = set()
        for part in reversed(self._parts):
            total = self._connection.execute(self._statements.count_part(part), given).scalar_one()
            query = self._statements.lock_part(part, wait=wait)
            locked = self._connection.execute(query, given).scalar_one()
            counted[str(part.id)] = locked
            if total != locked:
                every = Counter(tuple(r) for r in self._roots(part, given, locking=False))
                mine = Counter(tuple(r) for r in self._roots(part, given, locking=True))
                busy |= {key for key, n in every.items() if mine[key] != n}
        if not busy:
            return held, [], counted
        free = [key for key in held if key not in busy]
        given = self._dialect.give_keys(self._connection, self._statements.key, free)
        return free, sorted(busy, key=repr), self._count_parts(given)

    def _lock_at_once(self, part: Table, given: Mapping[str, Any]) -> int:
        """Every row of the part, locked without waiting; how many they are."""
        try:
            query = self._statements.lock_part(part, wait=False, at_once=True)
            return int(self._connection.execute(query, given).scalar_one())
        except sa.exc.DBAPIError as error:
            if self._dialect.is_held(error):
                raise _HeldByOthersError from error
            raise

    def _roots(self, part: Table, given: Mapping[str, Any], *, locking: bool) -> Sequence[Any]:
        query = self._statements.roots_of_part(part, locking=locking)
        return self._connection.execute(query, given).fetchall()

    def _count_parts(self, given: Mapping[str, Any]) -> dict[str, int]:
        return {
            str(part.id): self._connection.execute(self._statements.count_part(part), given).scalar_one()
            for part in self._parts
        }

    def _delete(
        self, due: Sequence[Key], given: Mapping[str, Any], counted: Mapping[str, int]
    ) -> Mapping[str, int]:
        """Step 4: parts first, every row counted."""
        rows: dict[str, int] = {}
        for part in self._parts:
            gone = self._connection.execute(self._delete_parts[part.id], given).rowcount
            expected = counted.get(str(part.id), gone)
            if gone != expected:
                raise Refused(f"{self._where}: {part.id}: {gone} rows deleted where {expected} were locked")
            rows[str(part.id)] = gone
        gone = self._connection.execute(self._delete_root, given).rowcount
        if gone != len(due):
            raise Refused(f"{self._where}: {gone} records deleted where {len(due)} were due")
        rows[str(self._work.bound.root.id)] = gone
        return rows

    def mark(self, marker: Marker) -> None:
        with wrapped(self._dialect, f"{self._where}: marking the batch"):
            self._dialect.speak_constraints(self._connection)
            insert_marker(self._connection, marker)

    def commit(self) -> None:
        with wrapped(self._dialect, f"{self._where}: committing a batch", committing=True):
            self._connection.commit()

    def rollback(self) -> None:
        self._end()

    def _end(self) -> None:
        """Ends the transaction, also one whose commit failed: SQLAlchemy counts that as ended, SQLite does not."""
        with contextlib.suppress(Exception):
            self._connection.rollback()
        with contextlib.suppress(Exception):
            if not self._connection.invalidated:
                self._connection.connection.rollback()


class PageRemover(KeyRemover):
    """Batches by ranges of physical pages of each stored table in turn; the sweep is by key."""

    def __init__(
        self, dialect: Dialect, physical: Physical, connection: Connection, work: Work, timeouts: Timeouts
    ) -> None:
        super().__init__(dialect, connection, work, timeouts)
        self._physical = physical
        self._stored = {str(id_): id_ for id_ in (work.bound.root.leaves or (work.bound.root.id,))}
        self._leaves = {name: Statements(dialect, work, id_) for name, id_ in self._stored.items()}
        self._takes = {name: self._page_delete(statements) for name, statements in self._leaves.items()}
        self._sizes: dict[str, tuple[int, int]] = {}  # pages and file, at the pass's beginning
        self._density = 20.0  # due records a page, as the last batches had them
        self._over = False  # a table was rewritten: the pass starts over

    def window(self, after: Mapping[str, Any] | None, size: int, *, sweep: bool) -> Window | None:
        if sweep:
            return super().window(after, size, sweep=True)
        leaf, page = next(iter(self._stored)), 0
        if after is not None and after.get("by") == "pages" and not self._over:
            leaf, page = after["leaf"], int(after["page"])
        self._over = False
        with wrapped(self._dialect, f"{self._where}: looking for due records"), self._reading():
            return self._next_pages(leaf, page, size)

    def _next_pages(self, leaf: str, page: int, size: int) -> Window | None:
        names = list(self._stored)
        for name in names[names.index(leaf) if leaf in names else 0 :]:
            start = page if name == leaf else 0
            pages = self._size(name)[0]
            if start < pages:
                end = min(start + max(1, int(size / max(self._density, 0.05))), pages)
                return Window(after={"by": "pages", "leaf": name, "page": end}, pages=(name, start, end))
        return None

    def keys_of(self, window: Window) -> Window:
        if window.pages is None:
            return window
        name, start, end = window.pages
        statements = self._leaves[name]
        query = sa.select(*statements.key_columns).select_from(statements.root)
        query = query.where(
            self._physical.inside(statements.root), statements.compiler.test(self._work.still_due)
        )
        with wrapped(self._dialect, f"{self._where}: looking for due records"), self._reading():
            rows = plain_rows(self._connection, query, self._physical.parameters(start, end))
        return Window(after=window.after, keys=tuple(rows))

    def take(self, window: Window, most: int, *, wait: bool = False) -> Taken:
        if window.pages is None:
            return super().take(window, most, wait=wait)
        name, start, end = window.pages
        with wrapped(self._dialect, f"{self._where}: deleting a batch"):
            given = {**self._physical.parameters(start, end), "most": most}
            found = plain_rows(self._connection, self._takes[name], given)
            if self._physical.size(self._connection, self._stored[name])[1] != self._size(name)[1]:
                self._sizes.clear()
                self._over = True
                raise Transient(f"{self._where}: {name} was rewritten during the run")
        self._density = 0.5 * self._density + 0.5 * len(found) / (end - start)
        keys = [row[:-1] for row in found]
        rows = {str(self._work.bound.root.id): len(keys)} if keys else {}
        return Taken(keys=keys, overdue=sum(row[-1] for row in found), rows=rows)

    def _page_delete(self, statements: Statements) -> Any:
        """Lock, recheck and delete in one statement: nothing but the row itself decides."""
        inner = Statements(self._dialect, self._work, statements.leaf)
        chosen = sa.select(self._physical.place(inner.root)).select_from(inner.root)
        chosen = chosen.where(self._physical.inside(inner.root), inner.compiler.test(self._work.still_due))
        chosen = chosen.limit(sa.bindparam("most", type_=sa.BigInteger()))
        chosen = self._dialect.lock(chosen, inner.root, wait=False)
        delete = sa.delete(statements.root).where(self._physical.at(statements.root, chosen))  # type: ignore[arg-type]
        return delete.returning(*statements.key_columns, statements.late)

    def _size(self, name: str) -> tuple[int, int]:
        if name not in self._sizes:
            self._sizes[name] = self._physical.size(self._connection, self._stored[name])
        return self._sizes[name]
