"""One job's batches on a SQL database, by their keys: find, lock, recheck, delete, mark, commit.

Leaves have faster ways to find and take their records under the same protocol: `pages`, `spans`.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Key, Marker, Refused, Taken, Window
from retention.connectors.sql.batches.as_before import AsBefore
from retention.connectors.sql.batches.emptying import Emptying, Loosening
from retention.connectors.sql.batches.looking_again import LookAgain
from retention.connectors.sql.batches.shared_parts import SharedParts
from retention.connectors.sql.batches.statements import Statements
from retention.connectors.sql.batches.windows import KeyWindows
from retention.connectors.sql.dialect import Dialect, Rows, Timeouts, plain_rows
from retention.connectors.sql.listing import Listing
from retention.connectors.sql.markers import insert_marker
from retention.connectors.sql.untold import ConcernedError, Untold
from retention.connectors.sql.wrapping import wrapped
from retention.ledger.evidence import Committer, Sealed
from retention.model.catalogue import Reference, Table
from retention.planning.work import Work

WAITING = Timeouts(lock=300)
_HOPING = Timeouts(lock=100)
_GUARDING = frozenset({"NO ACTION", "RESTRICT"})
"""Delete rules under which a row that is still referred to can't go."""


def _guards(reference: Reference) -> bool:
    return reference.declared and reference.on_delete in _GUARDING


class MiscountedError(Refused):
    """Other rows went than the batch had counted on."""


class KeyRemover(KeyWindows):
    """Batches by keys, in clock order where an index serves it, else in key order."""

    doing = "deleting"

    def __init__(
        self,
        dialect: Dialect,
        connection: Connection,
        work: Work,
        committer: Committer,
        timeouts: Timeouts,
        *,
        dense: bool = False,
        listing: Listing | None = None,
        untold: Untold | None = None,
    ) -> None:
        """`dense`: a good part of the table is due. `listing`: what people told of the records, asked in each batch.

        `untold`: with it, what tells the records apart that are asked for before all others, by their keys.
        """
        self._listing = listing
        self._said = False  # of the records that are looked at, something was told
        self._special = frozenset(() if listing is None else listing.special)
        self._as_before = AsBefore(dialect, connection, listing, untold)
        self._settled: set[Key] = set()  # those of them that are gone
        self._going: Sequence[Key] = ()
        self._after: Mapping[str, Sequence[Key]] = {}  # shared rows that went after the last batch's records
        self._dialect, self._connection = dialect, connection
        beside = work.lists.beside(str(work.bound))  # each batch asks for its own
        self._work = work = replace(work, lists=beside)
        self._committer, self._timeouts = committer, timeouts
        self._statements = statements = Statements(dialect, work, untold=untold)
        self._order, self._untold = statements.order(dense=dense), untold
        self._others = (
            () if untold is None or not untold.few else tuple(untold.others(statements.key_columns))
        )
        self._leaving_out = untold.leaving_out() if self._others and untold is not None else {}
        *self._parts, _ = statements.members
        self._unguarded = [part for part in self._parts if not _guards(work.bound.part(part.id).reference)]
        self._look_again = LookAgain(dialect, connection, self._statements)
        self._shared = SharedParts(dialect, connection, self._statements)
        self._loosenings = [Loosening(dialect, statements, item) for item in work.bound.loosened]
        self._emptyings = {str(m.id): Emptying(dialect, statements, m) for m in statements.members}
        self._recheck, self._lock_due = statements.recheck(), statements.lock_due()
        alone = listing is not None and listing.alone and untold is not None and untold.told_apart
        self._unconcerned = untold if alone else None
        self._locks = {wait: statements.lock(wait=wait) for wait in (False, True)}
        apart = untold is None or untold.told_apart
        self._by_itself = work.at_once and not work.bound.outside and (listing is None or apart)
        self._hopes = dialect.row_locks
        self._where = str(work.bound)

    # -- the batch -------------------------------------------------------------------------

    def begin(self) -> None:
        try:
            with wrapped(self._dialect, f"{self._where}: beginning a batch"):
                self._begin()
        except BaseException:
            self._end()
            raise

    def _begin(self) -> None:
        self._going, self._after = (), {}
        self._dialect.begin(self._connection, self._timeouts.clamped())
        if self._work.bound.deferring:
            self._dialect.defer_constraints(self._connection)

    def take(self, window: Window, most: int, *, wait: bool = False) -> Taken:
        with wrapped(self._dialect, f"{self._where}: {self.doing} a batch"):
            if wait:
                self._dialect.limit_waiting(self._connection, WAITING)
                return self._take(window.keys[:most], wait=True)
            return self._hopefully(
                lambda: self._take(window.keys[:most], wait=False, hopeful=True),
                lambda: self._take(window.keys[:most], wait=False),
            )

    def _hopefully(self, hopeful: Callable[[], Taken], careful: Callable[[], Taken]) -> Taken:
        """`hopeful` counts on nobody else being at the rows; where somebody is, it is undone, and `careful` looks."""
        if not self._hopes:
            return careful()
        try:
            self._dialect.limit_waiting(self._connection, _HOPING)
            return hopeful()
        except (MiscountedError, ConcernedError):
            pass
        except sa.exc.DBAPIError as error:
            if not self._dialect.is_held(error):
                raise
        self._end()
        self._begin()
        return careful()

    def _take(self, keys: Sequence[Key], *, wait: bool, hopeful: bool = False) -> Taken:
        """`hopeful`: parts are not looked at one by one for who else might hold them."""
        if hopeful and self._by_itself and (self._untold is None or not self._untold.knows(keys)):
            return self._take_by_itself(keys)
        if hopeful and self._by_itself and (found := self._as_before.lock(keys)) is not None:
            return self._take_found(keys, found)
        held, skipped = self._lock_roots(keys, wait=wait)
        held, busy, counted = self._lock_parts(held, wait=wait, hopeful=hopeful)
        given = self._give(held)
        found, kept = self._due_and_held(held, given)
        due = [row[:-1] for row in found]
        overdue = sum(row[-1] for row in found)
        changed = len(keys) - len(skipped) - len(busy) - len(due) - len(kept)
        if due and len(due) != len(held):
            given = self._give(due)
            counted = self._count(self._parts, given) if self._dialect.row_locks else {}
        rows, sealed = self._delete(due, given, counted, beside_locks=not hopeful)
        self._going = due
        return Taken(
            keys=due,
            sealed=sealed,
            overdue=overdue,
            rows=rows,
            changed=changed,
            held=kept,
            locked=(*skipped, *busy),
        )

    def _due_and_held(self, held: Sequence[Key], given: Mapping[str, Any]) -> tuple[Rows, Sequence[Key]]:
        """Step 3, and what people told of the locked records: (those that are due, each with whether it is late; those
        that are held).

        Where none of them was known to be concerned, they say themselves whom they are about, and are asked for only
        where somebody was named after all.
        """
        if (untold := self._unconcerned) is not None and not untold.knows(held):
            rows, width = plain_rows(self._connection, self._recheck, given), len(self._statements.key) + 1
            with contextlib.suppress(ConcernedError):
                untold.look(rows, width)
                return [row[:width] for row in rows], ()
        self._ask(held)
        given = self._give(held)
        return self._due_of(held, given), () if self._listing is None else self._listing.held(held)

    def _ask(self, held: Sequence[Key]) -> None:
        """What people told of the locked records, as they are now: the recheck looks it up."""
        if self._listing is not None and self._work.bound.entangled:  # they decide about each other
            self._recheck = self._listing.statements(held).recheck()
        elif self._listing is not None:
            self._listing.ask(held)
            self._said = True

    def _take_by_itself(self, keys: Sequence[Key]) -> Taken:
        """The root's own columns, and periods, decide: then the statement that locks it has looked at what it locks.

        Nobody can add a row to a parent that is locked. A part that would stay where it must not is the database's to
        refuse, where it guards the reference; the others are counted first, and a batch that finds another count is
        undone, and looks at them one by one.
        """
        given = self._give(keys)
        found = plain_rows(self._connection, self._lock_due, given)
        width = len(self._statements.key)
        if self._untold is not None:
            self._untold.look(found, width + 1)
        locked: tuple[Key, ...] = ()
        if len(found) != len(keys):
            known = {row[:width] for row in found}
            locked = self._rows_of_keys(self._statements.screen(), [key for key in keys if key not in known])
        return self._take_found(keys, found, locked)

    def _take_found(self, keys: Sequence[Key], found: Rows, locked: tuple[Key, ...] = ()) -> Taken:
        width = len(self._statements.key)
        self._going = due = [row[:width] for row in found]
        given = self._give(due)
        counted = self._count(self._unguarded, given) if due else {}
        rows, sealed = self._delete(due, given, counted, beside_locks=False)
        late, changed = sum(row[width] for row in found), len(keys) - len(due) - len(locked)
        return Taken(keys=due, sealed=sealed, overdue=late, rows=rows, changed=changed, locked=locked)

    def _rechecking(self, work: Work) -> sa.Select[Any]:
        return Statements(self._dialect, work).recheck()

    def _due_of(self, held: Sequence[Key], given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Step 3: of the locked keys handed over as `given` those that are due, each with whether it is late."""
        if not held:
            return []
        if not self._said or self._listing is None:
            return plain_rows(self._connection, self._recheck, given)
        found = []
        for recheck, keys, values in self._listing.rechecks(held, self._rechecking):
            some = self._give(keys)
            found += plain_rows(self._connection, recheck, {**some, **values})
        self._give(held)
        return found

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
        given = self._give(held)
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
        given = self._give(free)
        return free, sorted(busy, key=repr), self._count(self._parts, given)

    def _lock_at_once(self, part: Table, given: Mapping[str, Any]) -> int:
        """Every row of the part, locked without waiting; how many they are."""
        query = self._statements.lock_part(part, wait=False, at_once=True)
        return int(self._connection.execute(query, given).scalar_one())

    def _roots(self, part: Table, given: Mapping[str, Any], *, locking: bool) -> Sequence[Any]:
        query = self._statements.roots_of_part(part, locking=locking)
        return self._connection.execute(query, given).fetchall()

    def _count(self, parts: Sequence[Table], given: Mapping[str, Any]) -> dict[str, int]:
        return {
            str(part.id): self._connection.execute(self._statements.count_part(part), given).scalar_one()
            for part in parts
        }

    def _delete(
        self,
        due: Sequence[Key],
        given: Mapping[str, Any],
        counted: Mapping[str, int],
        *,
        beside_locks: bool,
    ) -> tuple[Mapping[str, int], Sealed | None]:
        """Step 4: parts first, every row counted; meanwhile the records are committed to."""
        if not due:
            return {}, None
        with self._sealing(due) as sealed:
            led_to = self._look_again.remember(given)
            shared = self._shared.led_to(given)
            for item in self._loosenings:
                changed, wanted = item.loosen(self._connection, given, beside_locks=beside_locks)
                self._counted(changed, wanted, item.name, "changed")
            expected = {**counted, str(self._work.bound.root.id): len(due)}
            rows: dict[str, int] = {}
            for id_, emptying in self._emptyings.items():
                gone = emptying.delete(self._connection, due, given, beside_locks=beside_locks)
                rows[id_] = self._counted(gone, expected.get(id_), emptying.name)
            self._look_again.look(led_to, self._where)
            after = self._shared.delete(shared, self._where, beside_locks=beside_locks)
            rows |= {table: len(keys) for table, keys in after.items()}
        self._after = after
        return rows, sealed.result()

    def _gone(self, statement: sa.Delete, given: Mapping[str, Any], expected: int | None) -> int:
        gone = self._connection.execute(statement, given).rowcount
        return self._counted(gone, expected, statement.table.description)

    def _counted(self, met: int, expected: int | None, table: str, done: str = "deleted") -> int:
        if expected is not None and met != expected:
            raise MiscountedError(f"{self._where}: {table}: {met} rows {done} where {expected} were counted")
        return met

    @contextlib.contextmanager
    def _sealing(self, keys: Sequence[Key]) -> Iterator[Future[Sealed]]:
        """The commitments of `keys`, made beside what the block waits for."""
        with ThreadPoolExecutor(max_workers=1) as beside:
            yield beside.submit(self._committer.seal, keys)

    def mark(self, marker: Marker) -> None:
        with wrapped(self._dialect, f"{self._where}: marking the batch"):
            self._dialect.speak_constraints(self._connection)
            insert_marker(self._connection, marker)

    def commit(self) -> None:
        with wrapped(self._dialect, f"{self._where}: committing a batch", committing=True):
            self._connection.commit()
        self._settled |= self._special.intersection(self._going)

    def rollback(self) -> None:
        self._end()
