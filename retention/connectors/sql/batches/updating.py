"""The statements that rewrite records: what is open of each, what the database makes, what is written back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Key, Making, Refused
from retention.connectors.sql import rewritten
from retention.connectors.sql.batches.marking_done import marked
from retention.connectors.sql.batches.own_keys import Keyed
from retention.connectors.sql.batches.statements import Statements, by_own_key, column_of
from retention.connectors.sql.dialect import Dialect, plain_rows
from retention.connectors.sql.lines import bound as given_value
from retention.connectors.sql.named import table as named_table
from retention.connectors.sql.rewritten import Backs, Element, Into, WritingBack, number
from retention.connectors.sql.showing import UNKNOWN
from retention.model import predicate as p
from retention.model.catalogue import Column, Kind, Table
from retention.model.strategy import Way
from retention.planning.fates.columns import Rewrite

Flags = tuple[bool, ...]
"""Of each column that the job rewrites, whether it is set."""

Found = tuple[Key, int]
"""A record that is due, and how many characters are read of it for the engine."""

_AT_ONCE = 2_000
_LENGTH_AT_ONCE = 4_000_000
"""Rows, and characters of texts, that are read for the engine and written back at once."""


class Updates:
    """The statements that rewrite records whose open columns are known."""

    def __init__(self, dialect: Dialect, statements: Statements, making: Making | None) -> None:
        """`making`: None where the statements are only looked at."""
        self._dialect, self._statements, self._making = dialect, statements, making
        self._root = statements.work.bound.root
        self._made: dict[Flags, Update] = {}

    def of(self, flags: Flags) -> Update:
        """The update of records of which these columns are set."""
        if flags not in self._made:
            every = self._statements.work.rewrites
            chosen = tuple(item for item, flag in zip(every, flags, strict=True) if flag)
            self._made[flags] = Update(self._dialect, self._statements, self._making, chosen)
        return self._made[flags]


class Update:
    """One set of columns, rewritten in records whose keys are given; or in rows of a `part`, by their own."""

    def __init__(
        self,
        dialect: Dialect,
        statements: Statements,
        making: Making | None,
        chosen: Sequence[Rewrite],
        part: Table | None = None,
    ) -> None:
        self._dialect, self._statements = dialect, statements
        work = statements.work
        self._root, self._key, self._rows = work.bound.root, statements.key, statements.root
        if part is not None:
            self._root, self._key = part, tuple(part.columns[name] for name in part.key)
            self._rows = named_table(part.id, part.columns, only=part.only).alias("p")
        self._by_engine = [item for item in chosen if item.strategy.computed]
        self._makes = [] if making is None else [making.makes[i.name] for i in self._by_engine]
        self._by_database = [item for item in chosen if not item.strategy.computed]
        done = work.marker if part is None else None
        zones = work.job.rule.timezone, work.bound.connector.timezone
        self._marker: dict[str, Any] = {}
        if done is not None:
            self._marker[done.name] = UNKNOWN if making is None else marked(done, making.at, *zones)
        set_ = {item.column.name for item in chosen} | self._marker.keys()
        self._back: WritingBack | None = None
        self._kept = [c.name for c in self._root.columns.values() if c.on_update and c.name not in set_]

    @property
    def statement(self) -> sa.Update:
        """Without a condition: what the database makes itself, and what goes with it."""
        target = self.target()
        return sa.update(target).values(self.sets(target))

    def target(self) -> Any:
        """The root's table, or the part's."""
        named = named_table(self._root.id, self._root.columns, only=self._root.only)
        return named if self._dialect.own_keys else named.alias("r")

    def sets(self, target: Any) -> dict[str, Any]:
        """What the database makes itself, and what goes with it."""
        made: dict[str, Any] = {
            item.column.name: rewritten.value(
                self._dialect, column_of(target, item.column.name), item.column, item.strategy
            )
            for item in self._by_database
        }
        made |= {name: self._given(value) for name, value in self._marker.items()}
        return made | {name: column_of(target, name) for name in self._kept}

    def _given(self, value: Any) -> Element:
        return given_value(value if value is UNKNOWN else self._dialect.value(value))

    @property
    def shown(self) -> sa.Update:
        """As somebody may look at it: what the engine makes is known in the batch."""
        target = self.target()
        made = {item.column.name: given_value(UNKNOWN) for item in self._by_engine}
        statement = sa.update(target).values({**self.sets(target), **made})
        read = (
            self._dialect.same(column_of(target, item.column.name), given_value(UNKNOWN))
            for item in self._by_engine
        )
        return by_own_key(statement, self._dialect, self._key).where(*read)

    @property
    def reads(self) -> bool:
        """The engine makes some of it."""
        return bool(self._by_engine)

    def execute(self, connection: Connection, found: Sequence[Found], *, beside_locks: bool) -> int:
        """How many records were met. Raises Refused where a value can't be read."""
        if self._by_engine:
            return sum(self._written_back(connection, keys) for keys in portions(found))
        keys = [key for key, _ in found]
        if self._dialect.own_keys:
            keyed = Keyed(self._dialect, self._root, self._key, self.statement)
            return keyed.execute(connection, keys, beside_locks=beside_locks)
        given = self._dialect.give_keys(connection, self._key, keys)
        return int(connection.execute(self.listed(), given).rowcount)

    def listed(self) -> sa.Update:
        """On rows whose keys are handed over."""
        statement = self.statement
        return by_own_key(statement, self._dialect, self._key)

    # -- what the engine makes -------------------------------------------------------------

    def as_read(self) -> list[Element]:
        """The columns that the engine makes something of, as it reads them."""
        return [
            self._dialect.as_read(column_of(self._rows, item.column.name), item.column)
            for item in self._by_engine
        ]

    def reading(self) -> sa.Select[Any]:
        """The key and these columns, of records whose keys are handed over."""
        key = [column_of(self._rows, column.name) for column in self._key]
        query = sa.select(*key, *self.as_read()).select_from(self._rows)
        return query.where(self._dialect.key_in(key, self._key))

    def _written_back(self, connection: Connection, keys: Sequence[Key]) -> int:
        rows = self._read(connection, self._dialect.give_keys(connection, self._key, keys))
        if rows is None:
            return 0
        if self._back is None:
            target = self.target()
            into = Into(target=target, key=self._key, columns=self.columns, sets=self.sets(target))
            self._back = self._dialect.writing_back(connection, into)
        return self._back.execute(connection, self._back.given(rows))

    def _read(self, connection: Connection, given: Mapping[str, Any]) -> Backs | None:
        """Of the records handed over, with what is written; None where there are none any more."""
        found = plain_rows(connection, self.reading(), given)
        width = len(self._key)
        columns = list(zip(*found, strict=True))
        return self.with_results(columns[:width], columns[width:]) if found else None

    @property
    def columns(self) -> list[Column]:
        """Those that the engine makes something of."""
        return [item.column for item in self._by_engine]

    def with_results(self, keys: Sequence[Sequence[Any]], old: Sequence[Sequence[Any]]) -> Backs:
        """Column by column. Raises Refused where nothing can be made of a value."""
        try:
            return Backs(keys, old, [list(map(make, of)) for make, of in zip(self._makes, old, strict=True)])
        except ValueError as error:
            raise Refused(f"{self._statements.work.bound}: {error}") from None


def portions(found: Sequence[Found]) -> Iterator[list[Key]]:
    """Keys of records that are not many, and not long, at a time."""
    some: list[Key] = []
    size = 0
    for key, length in found:
        if some and (len(some) >= _AT_ONCE or size + length > _LENGTH_AT_ONCE):
            yield some
            some, size = [], 0
        some.append(key)
        size += length
    if some:
        yield some


_STAYING = frozenset({Way.NULL, Way.REDACT, Way.ROUND, Way.PREFIX})


def stays_itself(item: Rewrite) -> bool:
    """The database makes of a result what it is: whether a row has one need not be asked where nothing else is."""
    match item.open:
        case p.Untrue(item=p.IsDone()):
            return item.strategy.way in _STAYING and not item.strategy.computed
    return False


def told_apart(statements: Statements, *, freely: bool = False, exact: bool = False) -> list[Element]:
    """Of a record, whether each column of it and of its parts is set, whether the database can't read one of its own,
    and the length of those that the engine reads. `freely`: of one that was due when the run began; `exact`: only
    where it has to be."""
    compiler, dialect, root = statements.compiler, statements.dialect, statements.root
    bad: list[Element] = []
    for item in statements.work.rewrites:
        column = column_of(root, item.column.name)
        unread = rewritten.unreadable(dialect, column, item.column, item.strategy)
        if unread is not None:
            bad.append(sa.and_(compiler.test(item.freely if freely else item.open), unread))
    unread_one = sa.case((sa.or_(*bad), number(1)), else_=number(0)) if bad else number(0)
    return [*to_set(statements, freely=freely, exact=exact), unread_one, _length(statements)]


def to_set(statements: Statements, *, freely: bool = False, exact: bool = False) -> list[Element]:
    """Of a record, whether each column of it and of its parts is set; `exact`: not one that would stay as it is."""
    work, compiler = statements.work, statements.compiler
    yes, no = number(1), number(0)
    exact = exact or bool(work.part_rewrites)  # a record may be due by its parts alone: its own row is let be
    flags: list[Element] = []
    for item in work.rewrites:
        open_ = compiler.test(item.freely if freely else item.open)
        if exact:
            flags.append(sa.case((open_, yes), else_=no))
        elif stays_itself(item):
            flags.append(yes)
        else:
            empty = column_of(statements.root, item.column.name).is_(sa.null())
            flags.append(sa.case((sa.or_(empty, open_), yes), else_=no))
    parts = (compiler.test(item.freely if freely else item.open) for item in work.part_rewrites)
    return [*flags, *(sa.case((test, yes), else_=no) for test in parts)]


def _length(statements: Statements) -> Element:
    total = number(0)
    for item in statements.work.rewrites:
        if item.strategy.computed and item.column.kind is Kind.TEXT:
            length = statements.dialect.characters(column_of(statements.root, item.column.name))
            total = total + sa.func.coalesce(length, number(0))
    return total


def recheck(statements: Statements, *, exact: bool = False) -> sa.Select[Any]:
    """Step 3, with what there is to be rewritten of each record."""
    return statements.recheck(told_apart(statements, exact=exact))


def lock_due(statements: Statements) -> sa.Select[Any]:
    """Steps 2 and 3 in one, with the same."""
    return statements.lock_due().add_columns(*told_apart(statements))
