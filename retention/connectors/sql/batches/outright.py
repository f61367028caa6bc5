"""One UPDATE a batch that looks again, where the root's own columns decide.

Records are found together with what the engine makes something of, without locks. The UPDATE meets those of them
that are still due, and still are what was read; where it meets another number than were found the batch is
undone, and taken in steps. By that a value is found, too, that can't be read. So nothing has to be locked and read
a second time, nor to be returned: half the work on PostgreSQL, where a lock is a version of the row, and a third of
it on MariaDB, where every list of keys is parsed anew. The database is at some of the records while the engine
makes what is written over the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Key, Making
from retention.connectors.sql import rewritten
from retention.connectors.sql.batches.reading_ahead import ReadingAhead
from retention.connectors.sql.batches.statements import Statements, by_own_key, column_of
from retention.connectors.sql.batches.updating import Update, stays_itself
from retention.connectors.sql.consists import elements
from retention.connectors.sql.dialect import Dialect, Rows, plain_rows
from retention.connectors.sql.lines import bound as given_value
from retention.connectors.sql.rewritten import Backs, Columns, Element, Into, WritingBack, in_turn, number
from retention.connectors.sql.showing import UNKNOWN
from retention.ledger.evidence import Sealed
from retention.model.catalogue import Kind
from retention.planning.binding.rewritable import room_of

_LONGEST = 1_000
"""Characters of a column whose values may be read for a whole batch without a look at how long they are."""
_LENGTH_AT_ONCE = 4_000_000
"""Characters that are read for a batch at most."""
_AT_ONCE = 4_000
"""Rows that the engine makes something of at once, while the database is at as many more."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Records that one statement rewrites. `handed`: what it is handed, made beside; None where keys are."""

    late: bool
    keys: Sequence[Key]
    handed: Future[Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A batch that was made ready: its records, how many of them are late, and their commitments."""

    keys: tuple[Key, ...]
    overdue: int
    parts: Sequence[Part]
    sealed: Future[Sealed]

    def drop(self) -> None:
        """It is not taken."""
        for future in (self.sealed, *(part.handed for part in self.parts)):
            if future is not None:
                future.cancel()


class Outright:
    """The one UPDATE of a job."""

    def __init__(self, dialect: Dialect, statements: Statements, making: Making | None) -> None:
        """`making`: None where the statements are only looked at."""
        self._dialect, self._statements = dialect, statements
        work = statements.work
        self._update, self._key = Update(dialect, statements, making, work.rewrites), statements.key
        self._target = target = self._update.target()
        compiler = statements.compiler.over(work.root, target, lambda _: None)
        self._opens = {
            item.column.name: compiler.test(item.open) for item in work.rewrites if not stays_itself(item)
        }
        self._still_due = compiler.test(work.still_due)
        self._late = sa.case((compiler.test(work.late), number(1)), else_=number(0))
        self._readable = list(self._known())
        self._settings: dict[bool, sa.Update] = {}
        self._backs: dict[bool, WritingBack] = {}
        rooms = (room_of(column) or 0 for column in self._update.columns)
        self.most = max(1, _LENGTH_AT_ONCE // max(1, sum(rooms)))

    def _known(self) -> Iterator[Element]:
        yes, no = number(1), number(0)
        for item in self._statements.work.rewrites:
            column = column_of(self._target, item.column.name)
            unread = rewritten.unreadable(self._dialect, column, item.column, item.strategy)
            if unread is not None:
                open_ = self._opens.get(item.column.name, sa.true())
                yield sa.case((sa.and_(open_, unread), no), else_=yes) == yes

    @property
    def asks(self) -> bool:
        """It looks up what a query before it gathers."""
        asked = (self._still_due, self._late, *self._opens.values())
        return any(isinstance(each, sa.CTE) for element in asked for each in elements(element))

    # -- reading ---------------------------------------------------------------------------

    @property
    def looked_at(self) -> list[Element]:
        """What is read of a record besides its key: whether it is late, and what the engine makes something of."""
        return [self._statements.late, *self._update.as_read()]

    @property
    def kinds(self) -> list[Kind]:
        """Of what is `looked_at`."""
        return [Kind.INTEGER, *(column.kind for column in self._update.columns)]

    def reading(self) -> sa.Select[Any]:
        """That of records whose keys are handed over."""
        query = sa.select(*self._statements.key_columns, *self.looked_at).select_from(self._statements.root)
        return query.where(self._statements.keyed())

    def read(self, connection: Connection, keys: Sequence[Key]) -> Rows:
        """Key and `looked_at` of those that are there."""
        return plain_rows(connection, self.reading(), self._dialect.give_keys(connection, self._key, keys))

    # -- writing ---------------------------------------------------------------------------

    def ready(
        self, found: Rows, seal: Callable[[Sequence[Key]], Sealed], beside: ReadingAhead[Ready]
    ) -> Ready:
        """What rewrites the records that were `found`, or `read`, and commits to them; all that takes long, beside.

        For any thread, once `prepare` was called.
        """
        place = len(self._key)
        parts: list[Part] = []
        for late in (True, False):
            some = [row for row in found if bool(row[place]) is late]
            if some and self._update.reads:
                for piece in _portions(some):
                    handed = beside.submit(self._handed, self._backs[late], piece)
                    parts.append(Part(late=late, keys=[row[:place] for row in piece], handed=handed))
            elif some:
                keys, back = [row[:place] for row in some], self._backs.get(late)
                rows = Backs(list(zip(*keys, strict=True)), (), ())
                placed = None if back is None else beside.submit(back.given, rows)
                parts.append(Part(late=late, keys=keys, handed=placed))
        every = tuple([row[:place] for row in found])
        overdue = sum(len(part.keys) for part in parts if part.late)
        return Ready(keys=every, overdue=overdue, parts=parts, sealed=beside.submit(seal, every))

    def execute(self, connection: Connection, parts: Iterable[Part]) -> int:
        """How many records were met. Raises Refused where nothing can be made of a value."""
        return sum(self._execute(connection, part) for part in parts)

    def _execute(self, connection: Connection, part: Part) -> int:
        handed = None if part.handed is None else part.handed.result()
        if handed is None:
            return self._set(connection, part.late, part.keys)
        return self._backs[part.late].execute(connection, handed)

    def prepare(self, connection: Connection) -> None:
        """Makes the statements that write back what the engine makes, or find rows by their places."""
        for late in (True, False):
            back = self._back(connection, late)
            if back is not None:
                self._backs[late] = back

    def _where(self, late: bool) -> list[Element]:
        """Still due, as late as it was found, and without a value of which the database can make nothing."""
        return [self._still_due, self._late == number(int(late)), *self._readable]

    def _sets(self) -> Columns:
        """What the database makes itself; a column only where it is not done."""
        return {name: self._open(name, made) for name, made in self._update.sets(self._target).items()}

    def _open(self, name: str, made: Element) -> Element:
        open_ = self._opens.get(name)
        return made if open_ is None else sa.case((open_, made), else_=column_of(self._target, name))

    def _setting(self, late: bool, besides: Columns = rewritten.NOTHING) -> sa.Update:
        """The UPDATE where the database makes everything, of records whose keys are handed over."""
        sets = {**self._sets(), **{name: self._open(name, made) for name, made in besides.items()}}
        statement = sa.update(self._target).ordered_values(*in_turn(self._target, sets))
        changed = by_own_key(statement, self._dialect, self._key)
        return changed.where(*self._where(late))

    @property
    def shown(self) -> sa.Update:
        """As somebody may look at it, of records that are late: what the engine makes is known in the batch."""
        unknown = given_value(UNKNOWN)
        sets = {column.name: unknown for column in self._update.columns}
        read = (
            self._dialect.same(column_of(self._target, column.name), unknown)
            for column in self._update.columns
        )
        return self._setting(True, sets).where(*read)

    def _set(self, connection: Connection, late: bool, keys: Sequence[Key]) -> int:
        given = self._dialect.give_keys(connection, self._key, keys)
        if late not in self._settings:
            self._settings[late] = self._setting(late)
        return int(connection.execute(self._settings[late], given).rowcount)

    def _handed(self, back: WritingBack, rows: Rows) -> Any:
        return back.given(self._made(rows))

    def _made(self, rows: Rows) -> Backs:
        columns, width = list(zip(*rows, strict=True)), len(self._key)
        return self._update.with_results(columns[:width], columns[width + 1 :])

    def _back(self, connection: Connection, late: bool) -> WritingBack | None:
        into = Into(
            target=self._target,
            key=self._key,
            columns=self._update.columns,
            sets=self._sets(),
            opens=self._opens,
            where=self._where(late),
        )
        if self._update.reads:
            return self._dialect.writing_back(connection, into)
        return self._dialect.placing(connection, into)


def _portions(found: Rows) -> Iterator[Rows]:
    for start in range(0, len(found), _AT_ONCE):
        yield found[start : start + _AT_ONCE]


def outright(dialect: Dialect, statements: Statements, making: Making | None) -> Outright | None:
    """The one UPDATE, where it can be: what the engine reads is not long, and the database takes all that it asks.

    What would be worked out of the whole table is not asked for here.
    """
    if not statements.found_at_once:
        return None
    for item in statements.work.rewrites:
        room = room_of(item.column)
        if item.strategy.computed and item.column.kind is Kind.TEXT and (room is None or room > _LONGEST):
            return None
    update = Outright(dialect, statements, making)
    return update if dialect.updates_with or not update.asks else None
