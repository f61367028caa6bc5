"""One job's batches that rewrite records, by their keys: find, lock, recheck, read what the engine makes, update, mark.

The recheck says of each record which columns are open. Only those are set (and such as are NULL, which stay so);
records with the same open columns share a statement. What the engine makes is written over the value that was read,
and over no other. Of parts, whose rows are locked with the record, those are rewritten that are not done.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Key, Making, Refused, Remembered, Taken, Window
from retention.connectors.sql.batches.outright import Outright, Ready, outright
from retention.connectors.sql.batches.reading_ahead import ReadingAhead
from retention.connectors.sql.batches.remembering import RememberedKeys, RememberedWindows
from retention.connectors.sql.batches.removal import KeyRemover
from retention.connectors.sql.batches.statements import Statements
from retention.connectors.sql.batches.updating import (
    Flags,
    Found,
    Updates,
    lock_due,
    recheck,
    told_apart,
)
from retention.connectors.sql.batches.updating_parts import part_rows
from retention.connectors.sql.batches.written_down import recheck_remembered
from retention.connectors.sql.dialect import Dialect, Rows, Timeouts, plain_rows
from retention.connectors.sql.listing import Listing
from retention.ledger.evidence import Committer, Sealed
from retention.planning.work import Work


class RewritingRemover(KeyRemover):
    """Batches by keys whose records are rewritten."""

    doing = "rewriting"
    _exact = False
    """What is to be set is asked of each column: some are due to be set, and others not."""

    def __init__(
        self,
        dialect: Dialect,
        connection: Connection,
        work: Work,
        committer: Committer,
        timeouts: Timeouts,
        *,
        making: Making,
        ahead: ReadingAhead[Ready],
        dense: bool = False,
        listing: Listing | None = None,
    ) -> None:
        """`ahead`: where the next candidates are read and made ready meanwhile."""
        super().__init__(dialect, connection, work, committer, timeouts, dense=dense, listing=listing)
        self._updates = Updates(dialect, self._statements, making)
        self._part_rows = part_rows(dialect, self._statements, making)
        self._parts = [part.table for part in self._part_rows]  # no row of another is touched, nor locked
        self._recheck = recheck(self._statements, exact=self._exact)
        self._lock_due = lock_due(self._statements)
        self._by_itself = work.own_columns and listing is None
        self._width = len(self._statements.key)
        self._outright = outright(dialect, self._statements, making) if self._by_itself else None
        if self._outright is not None:
            self._outright.prepare(connection)
        self._ahead = ahead
        self._behind: tuple[Key, int] | None = None  # where the next window begins, and how large it may be
        self._hopes = self._hopes or self._outright is not None
        self._found: Rows = []  # of the last window, as `Outright.read` has them
        self._ready: Ready | None = None  # what was made ready last

    def cuts(self, ranges: int, due: int) -> Sequence[Mapping[str, Any]]:
        return ()

    def _by_columns(self, after: Mapping[str, Any] | None, size: int) -> Window | None:
        return super()._by_columns(after, size if self._outright is None else min(size, self._outright.most))

    def _found_behind(self, position: Sequence[Any] | None, size: int) -> tuple[Sequence[Key], Sequence[Key]]:
        if self._outright is None:
            return super()._found_behind(position, size)
        read = self._ahead.rows(position)
        if read is None:
            with self._reading():
                rows = self._rows_of(self._finding(position, size), self._connection)
            self._ready = self._made_ready(self._outright, self._without_clock(rows)) if rows else None
        else:
            rows, self._ready = read
        rows = rows[:size]
        ordered = self._first + self._width
        self._found = self._without_clock(rows)
        self._behind = (rows[-1][:ordered], size) if rows else None
        return [row[:ordered] for row in rows], [row[: self._width] for row in self._found]

    @property
    def _first(self) -> int:
        """Where the key begins in a row of the candidates."""
        return 0 if self._order.clock is None else 1

    def _without_clock(self, rows: Rows) -> Rows:
        """Candidates as `Outright.read` has them."""
        return [row[1:] for row in rows] if self._first else rows

    def _finding(self, position: Sequence[Any] | None, size: int) -> sa.Select[Any]:
        query = super()._finding(position, size)
        if self._outright is None:
            return query
        if not self._statements.sorts_out(self._order):
            query = query.where(self._statements.still_due())
        return query.add_columns(*self._outright.looked_at)

    def _rows_of(self, query: sa.Select[Any], connection: Connection) -> Rows:
        """What `_finding` finds, over any connection."""
        clock, columns = self._order.clock, self._work.bound.root.columns
        ordered = [*([] if clock is None else [columns[clock]]), *self._statements.key]
        beside = () if self._outright is None else self._outright.kinds
        kinds = [*(column.kind for column in ordered), *beside]
        packed = self._dialect.packed(connection, query, kinds, len(ordered))
        return plain_rows(connection, query) if packed is None else packed

    def _look_ahead(self, update: Outright) -> None:
        """Begins to look for the next candidates, once for each window."""
        behind, self._behind = self._behind, None
        if behind is not None:
            self._ahead.begin(
                behind[0],
                partial(self._rows_of, self._finding(*behind)),
                lambda rows: self._made_ready(update, self._without_clock(rows)),
            )

    def _made_ready(self, update: Outright, found: Rows) -> Ready:
        return update.ready(found, self._committer.seal, self._ahead)

    def _take_outright(self, update: Outright, keys: Sequence[Key]) -> Taken:
        """Of what was found with the window, or is read now, every record, or none."""
        ready, self._ready = self._ready, None
        if ready is None or ready.keys != tuple(keys):
            if ready is not None:
                ready.drop()
            ready = self._made_ready(update, self._looked_at(update, keys))
        self._look_ahead(update)
        met = update.execute(self._connection, ready.parts)
        self._counted(met, len(keys), self._work.bound.root.id.name, "rewritten")
        return Taken(
            keys=keys,
            sealed=ready.sealed.result(),
            overdue=ready.overdue,
            rows={str(self._work.bound.root.id): met},
        )

    def _looked_at(self, update: Outright, keys: Sequence[Key]) -> Rows:
        wanted = set(keys)
        found = [row for row in self._found if row[: self._width] in wanted]
        return found if len(found) == len(wanted) else update.read(self._connection, keys)

    def _ask(self, held: Sequence[Key]) -> None:
        if self._listing is not None and self._work.bound.entangled:  # they decide about each other
            self._recheck = recheck(self._listing.statements(held), exact=self._exact)
        elif self._listing is not None:
            self._listing.ask(held)
            self._said = True

    def _rechecking(self, work: Work) -> sa.Select[Any]:
        return recheck(Statements(self._dialect, work), exact=self._exact)

    def _take(self, keys: Sequence[Key], *, wait: bool, hopeful: bool = False) -> Taken:
        if hopeful and self._outright is not None:
            return self._take_outright(self._outright, keys)
        if hopeful and self._by_itself:
            found, locked = self._lock_and_look(keys)
            return self._rewritten(found, changed=len(keys) - len(found) - len(locked), locked=locked)
        held, skipped = self._lock_roots(keys, wait=wait)
        held, busy, _ = self._lock_parts(held, wait=wait, hopeful=hopeful)
        self._ask(held)
        found = self._due_of(held, self._give(held))
        kept = () if self._listing is None else self._listing.held(held)
        changed = len(keys) - len(skipped) - len(busy) - len(found) - len(kept)
        return self._rewritten(
            found, changed=changed, held=kept, locked=(*skipped, *busy), careful=not hopeful
        )

    def _lock_and_look(self, keys: Sequence[Key]) -> tuple[list[tuple[Any, ...]], tuple[Key, ...]]:
        """What is due by its own columns, locked by the statement that looks, and what others have locked."""
        given = self._give(keys)
        found = plain_rows(self._connection, self._lock_due, given)
        if len(found) == len(keys):
            return found, ()
        known = {row[: self._width] for row in found}
        missing = [key for key in keys if key not in known]
        return found, self._rows_of_keys(self._statements.screen(), missing)

    def _rewritten(
        self,
        found: Sequence[tuple[Any, ...]],
        *,
        changed: int,
        held: Sequence[Key] = (),
        locked: Sequence[Key] = (),
        careful: bool = False,
    ) -> Taken:
        width = self._width
        due = [row[:width] for row in found]
        rows, sealed = self._update(found, due, careful=careful) if due else ({}, None)
        overdue = sum(row[width] for row in found)
        return Taken(
            keys=due, sealed=sealed, overdue=overdue, rows=rows, changed=changed, held=held, locked=locked
        )

    def _update(
        self, found: Sequence[tuple[Any, ...]], due: Sequence[Key], *, careful: bool
    ) -> tuple[Mapping[str, int], Sealed]:
        """Step 4: every record counted; meanwhile they are committed to."""
        if any(row[-2] for row in found):
            raise Refused(f"{self._where}: a value is none that can be generalised")
        groups: dict[Flags, list[Found]] = {}
        beside = self._width + 1 + len(self._work.rewrites)
        for row in found:
            flags = tuple(map(bool, row[self._width + 1 : beside]))
            groups.setdefault(flags, []).append((row[: self._width], int(row[-1])))
        root, rows = self._work.bound.root.id, 0
        with self._sealing(due) as sealed:
            for flags, some in groups.items():
                if any(flags) or self._work.marker is not None or not self._part_rows:
                    met = self._updates.of(flags).execute(self._connection, some, beside_locks=careful)
                    rows += self._counted(met, len(some), root.name, "rewritten")
            parts = self._update_parts(found, beside, careful=careful)
        return {**dict(reversed(parts.items())), str(root): rows}, sealed.result()

    def _update_parts(self, found: Sequence[Any], at: int, *, careful: bool) -> dict[str, int]:
        """Rows rewritten of each part; the flags of its columns stand from `at` on."""
        rows: dict[str, int] = {}
        for part in self._part_rows:
            keys: dict[Flags, list[Key]] = {}
            for row in found:
                flags = tuple(map(bool, row[at : at + len(part.items)]))
                if any(flags):
                    keys.setdefault(flags, []).append(row[: self._width])
            at += len(part.items)
            for wanted, met in part.rewrite(self._connection, keys, beside_locks=careful):
                self._counted(met, wanted, part.table.id.name, "rewritten")
                rows[str(part.table.id)] = rows.get(str(part.table.id), 0) + met
        return rows

    @contextlib.contextmanager
    def _sealing(self, keys: Sequence[Key]) -> Iterator[Future[Sealed]]:
        yield self._ahead.submit(self._committer.seal, keys)


class RememberedRewriter(RememberedWindows, RewritingRemover):
    """What was written down before other jobs changed what tells of it."""

    _exact = True  # else a record would be taken again for a column of which there was no need to be set

    def __init__(
        self,
        dialect: Dialect,
        connection: Connection,
        work: Work,
        committer: Committer,
        timeouts: Timeouts,
        remembered: RememberedKeys,
        *,
        making: Making,
        ahead: ReadingAhead[Ready],
        listing: Listing | None = None,
    ) -> None:
        super().__init__(
            dialect, connection, work, committer, timeouts, making=making, ahead=ahead, listing=listing
        )
        self._remembered = remembered
        self._by_itself, self._outright = False, None
        self._hopes = dialect.row_locks
        self._apart = self._width + 1 + len(work.own_ends)
        self._beside = self._apart + len(work.rewrites) + len(work.part_rewrites)

    def _as_written_down(self, due: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Of records that are due, only the columns that were to be set when the run began; none where none is left."""
        found: list[tuple[Any, ...]] = []
        width, behind = self._width + 1, self._beside - len(self._work.own_ends)
        known = self._remembered.among([row[: self._width] for row in due])
        for row in due:
            columns = known[row[: self._width]].still_to_set(row[width:behind])
            if any(columns) or not columns:
                found.append((*row[:width], *columns, *row[behind:]))
        return found

    def _rechecking_remembered(self, statements: Statements) -> sa.Select[Any]:
        return recheck_remembered(statements).add_columns(*told_apart(statements, freely=True, exact=True))

    def _due_of(self, held: Sequence[Key], given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        found = self._as_written_down(super()._due_of(held, given))
        if not self._work.blurred:
            return found
        known = {row[: self._width] for row in found}
        covered = () if self._listing is None else self._listing.covers(held)
        late = self._remembered.among([key for key in held if key not in known and key not in covered])
        if late:
            for row in self._again(list(late)):
                was = late[key := row[: self._width]]
                columns = was.still_to_set(row[self._apart : self._beside])
                if (any(columns) or not columns) and was.still(*row[self._width : self._apart]):
                    found.append((*key, was.late, *columns, *row[self._beside :]))
        return found


def rewriter(
    dialect: Dialect,
    connection: Connection,
    work: Work,
    committer: Committer,
    timeouts: Timeouts,
    making: Making,
    remembered: Remembered | None,
    *,
    ahead: ReadingAhead[Ready],
    dense: bool,
    listing: Listing | None,
) -> RewritingRemover:
    """The remover of a job that rewrites."""
    if isinstance(remembered, RememberedKeys):
        return RememberedRewriter(
            dialect,
            connection,
            work,
            committer,
            timeouts,
            remembered,
            making=making,
            ahead=ahead,
            listing=listing,
        )
    return RewritingRemover(
        dialect,
        connection,
        work,
        committer,
        timeouts,
        making=making,
        ahead=ahead,
        dense=dense,
        listing=listing,
    )
