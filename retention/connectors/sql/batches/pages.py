"""Batches by ranges of a stored table's physical order, one statement each; the sweep is by key.

For databases that can address a row by its place, where nothing refers to the record and its own columns
decide: then the statement that deletes is also the recheck.
"""

from __future__ import annotations

import bisect
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Key, Taken, Transient, Window
from retention.connectors.sql.batches.removal import KeyRemover
from retention.connectors.sql.batches.statements import Statements
from retention.connectors.sql.dialect import Dialect, Rows, Timeouts, plain_rows
from retention.connectors.sql.listing import Listing
from retention.connectors.sql.looks import known_of
from retention.connectors.sql.physical import Physical, Since, Size
from retention.connectors.sql.untold import ConcernedError, Untold
from retention.connectors.sql.wrapping import wrapped
from retention.ledger.evidence import Committer, sealed
from retention.planning.work import Work

_ROWS_A_PAGE = 300  # more than a page of 8 KB can hold
_AHEAD = 1_000
"""So many records are committed to while the database is at as many more."""


class PageRemover(KeyRemover):
    """Batches by ranges of physical pages of each stored table in turn; the sweep is by key."""

    def __init__(
        self,
        physical: Physical,
        dialect: Dialect,
        connection: Connection,
        work: Work,
        committer: Committer,
        timeouts: Timeouts,
        *,
        listing: Listing | None = None,
        untold: Untold | None = None,
    ) -> None:
        """`untold`: with `listing`, what leaves out records that people's words could concern."""
        super().__init__(dialect, connection, work, committer, timeouts, listing=listing, untold=untold)
        self._physical = physical
        self._stored = {str(id_): id_ for id_ in (work.bound.root.leaves or (work.bound.root.id,))}
        self._leaves = {
            name: Statements(dialect, self._work, id_, untold=untold) for name, id_ in self._stored.items()
        }
        self._since = None if untold is None else untold.since
        self._made: dict[tuple[str, bool], Any] = {}
        self._sizes: dict[str, Size] = {}  # at the pass's beginning
        self._places: dict[str, Sequence[tuple[int, Key]]] = {}
        self._density = 20.0  # due records a page, as the last batches had them
        self._over = False  # a table was rewritten: the pass starts over

    def _locking(self, name: str) -> Any:
        """What locks and deletes in a range of the table; made when it is first wanted."""
        if (name, False) not in self._made:
            self._made[name, False] = locking_delete(
                self._leaves[name], self._physical, self._untold, self._since
            )
        return self._made[name, False]

    def _direct(self, name: str) -> Any:
        """What deletes at once in range after range of the table."""
        if (name, True) not in self._made:
            delete = direct_delete(self._leaves[name], self._physical, self._since)
            self._made[name, True] = self._dialect.ahead(self._connection, delete)
        return self._made[name, True]

    def cuts(self, ranges: int, due: int) -> Sequence[Mapping[str, Any]]:
        return ()

    def window(self, after: Mapping[str, Any] | None, size: int, *, sweep: bool) -> Window | None:
        if sweep:
            return super().window(after, size, sweep=True)
        told = self._told(after, size)
        if told is not None:
            return told
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
            pages = self._size(name).pages
            if start < pages:
                end = min(start + max(1, int(size / max(self._density, 0.05))), pages)
                return Window(after={"by": "pages", "leaf": name, "page": end}, pages=(name, start, end))
        return None

    def keys_of(self, window: Window) -> Window:
        if window.pages is None:
            return window
        name, start, end = window.pages
        with wrapped(self._dialect, f"{self._where}: looking for due records"), self._reading():
            rows = plain_rows(self._connection, self._keys_in(name), self._range(name, start, end))
        return Window(after=window.after, keys=tuple(rows))

    def _keys_in(self, name: str) -> sa.Select[Any]:
        statements = self._leaves[name]
        looking = statements.looking()
        query = sa.select(*statements.key_columns)
        query = query.where(self._physical.inside(statements.root), looking.still_due())
        return query.select_from(looking.rows)

    def _range(self, name: str, start: int, end: int) -> Mapping[str, Any]:
        """The parameters of a range of pages, and of the records in it that are left out."""
        given = self._physical.parameters(start, end)
        if self._untold is None:
            return given
        places = self._known_in(name)
        first, last = (bisect.bisect_left(places, page, key=lambda place: place[0]) for page in (start, end))
        return {**given, **self._untold.leaving_out([key for _, key in places[first:last]])}

    def _known_in(self, name: str) -> Sequence[tuple[int, Key]]:
        """(page, key) of the records that people's words are known to concern, where they were first."""
        if name not in self._places:
            statements, special = self._leaves[name], () if self._untold is None else self._untold.special
            special = [key for key in special if key not in self._settled]
            query = sa.select(self._physical.place(statements.root), *statements.key_columns)
            query = query.select_from(statements.root).where(statements.keyed())
            given = self._dialect.give_keys(self._connection, statements.key, special)
            rows = plain_rows(self._connection, query, given) if special else []
            self._places[name] = sorted(
                ((self._physical.page(place), key) for place, *rest in rows for key in [tuple(rest)]),
                key=lambda found: found[0],
            )
        return self._places[name]

    def take(self, window: Window, most: int, *, wait: bool = False) -> Taken:
        if window.pages is None:
            return super().take(window, most, wait=wait)
        name, start, end = window.pages
        with wrapped(self._dialect, f"{self._where}: deleting a batch"):
            before = self._file(self._size(name))
            self._known_in(name)  # now, and not between the statements that are sent ahead
            if most >= (end - start) * _ROWS_A_PAGE:
                taken = self._hopefully(
                    lambda: self._all_of(name, start, end), lambda: self._carefully(name, start, end, most)
                )
            else:
                taken = self._carefully(name, start, end, most)
            if self._file(self._physical.size(self._connection, self._stored[name])) != before:
                self._sizes.clear()
                self._places.clear()
                self._over = True
                raise Transient(f"{self._where}: {name} was rewritten during the run")
        self._density = 0.5 * self._density + 0.5 * len(taken.keys) / (end - start)
        return taken

    def _all_of(self, name: str, start: int, end: int) -> Taken:
        """A few pages a statement, so that there is something to commit to while the next are deleted."""
        step = max(1, int(_AHEAD / max(self._density, 0.05)))
        givens = (self._range(name, at, min(at + step, end)) for at in range(start, end, step))
        with contextlib.closing(self._direct(name)(givens)) as pieces:
            return self._taken(pieces)

    def _carefully(self, name: str, start: int, end: int, most: int) -> Taken:
        """What is free of the range; where it holds a record that people's words concern, each by its key."""
        try:
            return self._at_most(name, start, end, most)
        except ConcernedError:
            self._end()
            self._begin()
        rows = plain_rows(self._connection, self._keys_in(name), self._range(name, start, end))
        return self._take(rows[:most], wait=False)

    def _at_most(self, name: str, start: int, end: int, most: int) -> Taken:
        given = {**self._range(name, start, end), "most": most}
        return self._taken(iter([plain_rows(self._connection, self._locking(name), given)]))

    def _taken(self, pieces: Iterator[Rows]) -> Taken:
        keys: list[Key] = []
        leaves: list[bytes] = []
        overdue, width = 0, len(self._statements.key)
        for found in pieces:
            if self._untold is not None:
                self._untold.look(found, width + 1)
            some = [row[:width] for row in found]
            overdue += sum(row[width] for row in found)
            keys += some
            leaves += self._committer.leaves(some)
        if not keys:
            return Taken(keys=(), overdue=0, rows={})
        rows = {str(self._work.bound.root.id): len(keys)}
        return Taken(keys=keys, sealed=sealed(leaves), overdue=overdue, rows=rows)

    def _file(self, size: Size) -> str:
        """What must be the same after a batch as it was before."""
        return size.file if self._since is None else size.meaning

    def _size(self, name: str) -> Size:
        if name not in self._sizes:
            self._sizes[name] = now = self._physical.size(self._connection, self._stored[name])
            if self._since is not None and self._since.meanings.get(self._stored[name]) != now.meaning:
                self._since = None  # columns may mean something else now: every record is looked at
                self._made.clear()
        return self._sizes[name]


def direct_delete(statements: Statements, physical: Physical, since: Since | None = None) -> Any:
    """Recheck and delete in a range of pages, where nobody holds a row: one pass instead of two.

    `since`: whom a record is about is given back only where it was changed after that.
    """
    looking = _beside(statements)
    due = looking.still_due()
    delete = sa.delete(statements.root).where(physical.inside(statements.root), due)  # type: ignore[arg-type]
    return _returning(delete, looking, physical, since)


def locking_delete(
    statements: Statements, physical: Physical, untold: Untold | None = None, since: Since | None = None
) -> Any:
    """Lock, recheck and delete `most` rows of a range of pages: nothing but the row itself decides, and periods."""
    dialect, work = statements.dialect, statements.work
    inner = Statements(dialect, work, statements.leaf, untold=untold).looking()
    chosen = sa.select(physical.place(inner.root))
    chosen = chosen.where(physical.inside(inner.root), inner.still_due()).select_from(inner.rows)
    chosen = chosen.limit(sa.bindparam("most", type_=sa.BigInteger()))
    chosen = dialect.lock(chosen, inner.root, wait=False)
    delete = sa.delete(statements.root).where(physical.at(statements.root, chosen))  # type: ignore[arg-type]
    return _returning(delete, _beside(statements), physical, since)


def _beside(statements: Statements) -> Statements:
    """The same, with such rows beside the root that every due record leads to: a DELETE keeps no record without."""
    work = statements.work
    return statements.looking(known_of(work.still_due, work.root))


def _returning(delete: sa.Delete, looking: Statements, physical: Physical, since: Since | None) -> Any:
    """The keys, whether they are late, and whom they are about, of what is deleted."""
    told = looking.told_by
    if since is not None:
        changed = physical.changed(looking.root, since)
        told = [sa.case((changed, column), else_=sa.null()) for column in told]
    columns = (*looking.key_columns, looking.late, *told)  # what they look up is beside them then
    return delete.where(*looking.beside).returning(*columns)
