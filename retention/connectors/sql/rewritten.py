"""What strategies make of a column, as SQL: the value, whether it is a result already, whether it can be read at all.

The meaning is `retention.actions.strategies`; every expression here is held to it by a property test on each
database. What hash, fake and token make is computed in the engine: a key is never sent to a database, whose logs
may hold every statement with its values.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement, Grouping
from sqlalchemy.types import NullType

from retention.connectors.sql.lines import bound
from retention.model.catalogue import Column, Kind, Table
from retention.model.strategy import DATES, HASH_PREFIX, HASH_SHAPE, STARS, Strategy, Way

Element = ColumnElement[Any]


@dataclass(frozen=True, kw_only=True)
class Guards:
    """What else a table's rows must keep to: `checks`, (name, boolean SQL of the database's own), and `uniques`,
    (name, columns), of indexes over expressions, beginnings or some of the rows."""

    checks: tuple[tuple[str, str], ...] = ()
    uniques: tuple[tuple[str, frozenset[str]], ...] = ()


@dataclass(frozen=True)
class Backs:
    """Rows that are written back, column by column: their keys, what was read of them, and what is written."""

    keys: Sequence[Sequence[Any]]
    old: Sequence[Sequence[Any]]
    new: Sequence[Sequence[Any]]

    @property
    def columns(self) -> list[Sequence[Any]]:
        """All of them."""
        return [*self.keys, *self.old, *self.new]

    @property
    def names(self) -> list[str]:
        """k0, k1, …, o0, …, n0, …: as many as there are."""
        pairs = zip("kon", (self.keys, self.old, self.new), strict=True)
        return [f"{letter}{i}" for letter, some in pairs for i in range(len(some))]


Columns = Mapping[str, Element]
"""What columns are set to, or of which rows they are."""

NOTHING: Columns = MappingProxyType({})


def in_turn(target: Any, sets: Columns) -> list[tuple[Any, Element]]:
    """What columns of `target` are set to, one after the other, as MariaDB and MySQL do it.

    Whether a column is open is asked of the row as it is by then: what it asks of is set after it.
    """
    return [(target.c[name], made) for name, made in sets.items()]


@dataclass(frozen=True, kw_only=True)
class Into:
    """`columns` of rows of `target` that are set to what the engine made of them, and what is set besides: `sets`.

    Only where they are what was read, and `where` is true; a column that is in `opens` only where that is true.
    """

    target: Any
    key: Sequence[Column]
    columns: Sequence[Column]
    sets: Columns
    opens: Columns = field(default_factory=lambda: NOTHING)
    where: Sequence[Element] = ()

    def values(self, made: Callable[[str, Column], Element]) -> list[tuple[Any, Element]]:
        """All that is set, `in_turn`. `made`: what the name n0, n1, … stands for, as the column takes it."""
        found: dict[str, Element] = {}
        for place, column in enumerate(self.columns):
            new, open_ = made(f"n{place}", column), self.opens.get(column.name)
            found[column.name] = (
                new if open_ is None else sa.case((open_, new), else_=self.target.c[column.name])
            )
        return in_turn(self.target, {**found, **self.sets})

    def same_key(self, given: Callable[[str, Column], Element]) -> list[Element]:
        """It is the row. `given`: what k0, k1, … stands for."""
        return [self.target.c[c.name] == given(f"k{place}", c) for place, c in enumerate(self.key)]

    def as_read(self, dialect: Rewritable, given: Callable[[str], Element]) -> list[Element]:
        """It is as it was read. `given`: what o0, o1, … stands for."""
        return [
            dialect.same(self.target.c[c.name], given(f"o{place}")) for place, c in enumerate(self.columns)
        ]


class WritingBack(abc.ABC):
    """The statement that writes what the engine made, prepared once."""

    @abc.abstractmethod
    def given(self, rows: Backs) -> Any:
        """The rows as they are handed over; made in any thread."""

    @abc.abstractmethod
    def execute(self, connection: Connection, given: Any) -> int:
        """How many rows were met."""


class OneByOne(WritingBack):
    """See `Rewritable.writing_back`: a statement a row."""

    def __init__(self, dialect: Rewritable, into: Into) -> None:
        where = (*into.same_key(_given), *into.as_read(dialect, _given), *into.where)
        self._statement = sa.update(into.target).ordered_values(*into.values(_given)).where(*where)

    def given(self, rows: Backs) -> list[dict[str, Any]]:
        names = rows.names
        return [dict(zip(names, row, strict=True)) for row in zip(*rows.columns, strict=True)]

    def execute(self, connection: Connection, given: list[dict[str, Any]]) -> int:
        """By the driver's own list of parameters: SQLAlchemy's takes twice as long as SQLite for the rows."""
        compiled = self._statement.compile(dialect=connection.dialect)
        names, same = compiled.positiontup, dict(compiled.params)
        every: list[Any] = [same | row for row in given]
        if names is not None:
            every = [tuple([row[name] for name in names]) for row in every]
        return int(connection.exec_driver_sql(compiled.string, every).rowcount)


def _given(name: str, _: Column | None = None) -> Any:
    return sa.bindparam(name, type_=NullType())


class Rewritable(abc.ABC):
    """What a dialect knows of the pieces that results are made of. `text` is a column of texts."""

    updates_with = True
    """An UPDATE may begin with WITH."""

    @abc.abstractmethod
    def guards(self, connection: Connection, of: Table) -> Guards:
        """See Guards."""

    @abc.abstractmethod
    def exactly(self, text: Element, value: str) -> Element:
        """The text is `value`, character by character, whatever the column is compared by."""

    @abc.abstractmethod
    def characters(self, text: Element) -> Element:
        """How many there are."""

    @abc.abstractmethod
    def at_most(self, text: Element, length: int) -> Element:
        """It has no more characters than `length`."""

    @abc.abstractmethod
    def leading(self, text: Element, length: int) -> Element:
        """Its first characters."""

    @abc.abstractmethod
    def trailing(self, text: Element, length: int) -> Element:
        """Its last characters."""

    @abc.abstractmethod
    def character(self, text: Element, place: int) -> Element:
        """The one at `place`, counted from 1; an empty text beyond the end."""

    @abc.abstractmethod
    def generalised(self, column: Element, of: Column, *, month: bool) -> Element:
        """The first day or instant of the year or month of a date of the database's own."""

    @abc.abstractmethod
    def is_generalised(self, column: Element, of: Column, *, month: bool) -> Element:
        """It is that already."""

    @abc.abstractmethod
    def floored(self, column: Element, of: Column, width: int) -> Element:
        """The greatest multiple of `width` that is not greater than a number."""

    def nonumber(self, column: Element) -> Element | None:
        """The value of a column of numbers is none; None where that can't be."""
        return None

    def no_text(self, column: Element) -> Element | None:
        """The value of a column of texts is none; None where that can't be."""
        return None

    def as_read(self, column: Element, of: Column) -> Element:
        """A value as the engine reads it, to make something of it."""
        return column

    @abc.abstractmethod
    def same(self, column: Element, value: Element) -> Element:
        """The column holds the value that was read, NULL too."""

    def writing_back(self, connection: Connection, into: Into) -> WritingBack:
        """The statement that sets what was made."""
        return OneByOne(self, into)

    def placing(self, connection: Connection, into: Into) -> WritingBack | None:
        """The same of rows of which the engine makes nothing, where that is faster than a list of their keys.

        None where it is not; nor is it for rows that are handed over as None.
        """
        return None

    @abc.abstractmethod
    def matches(self, text: Element, shape: str) -> Element:
        """The whole text has the shape, in which a 9 stands for a digit from 0 to 9, all else for itself."""

    @abc.abstractmethod
    def is_day(self, text: Element) -> Element:
        """A text of the shape 9999-99-99 is a day of the calendar."""

    @abc.abstractmethod
    def value(self, value: Any) -> Any:
        """A literal as the driver wants it."""


def value(dialect: Rewritable, column: Element, of: Column, strategy: Strategy) -> Element:
    """What the strategy makes of the column; of values that `unreadable` tells, anything. AssertionError where the
    engine computes it."""
    made = _made(dialect, column, of, strategy)
    if strategy.way is Way.NULL:
        return made
    return sa.case((column.is_not(sa.null()), made))


def _made(dialect: Rewritable, column: Element, of: Column, strategy: Strategy) -> Element:
    month = strategy.way is Way.MONTH
    match strategy.way:
        case Way.NULL:
            return sa.null()
        case Way.REDACT:
            return bound(dialect.value(strategy.constant))
        case Way.MASK:
            return _masked(dialect, column, strategy)
        case Way.YEAR | Way.MONTH if of.kind in DATES:
            return dialect.generalised(column, of, month=month)
        case Way.YEAR | Way.MONTH:
            kept = dialect.leading(column, 7 if month else 4)
            made = kept.concat(_literal("-01" if month else "-01-01"))
            return sa.case((dialect.exactly(column, ""), _literal("")), else_=made)
        case Way.ROUND:
            return dialect.floored(column, of, strategy.width)
        case Way.PREFIX if strategy.length is not None:
            return dialect.leading(column, strategy.length)
    raise AssertionError(f"{strategy.text} is computed in the engine")


def _masked(dialect: Rewritable, column: Element, strategy: Strategy) -> Element:
    keep, stars = strategy.keep, _literal(STARS)
    if strategy.last:
        kept = stars.concat(dialect.trailing(column, keep))
    else:
        kept = dialect.leading(column, keep).concat(stars)
    return sa.case((dialect.at_most(column, keep), _literal("*" * (keep + len(STARS)))), else_=kept)


def done(dialect: Rewritable, column: Element, of: Column, strategy: Strategy) -> Element:
    """Plain: the column is NULL, or its value is seen to be a result. Of `mask`, `fake` and `token` only NULL is."""
    missing = column.is_(sa.null())
    if strategy.way is Way.NULL or not strategy.told:
        return missing
    return sa.or_(missing, Grouping(_result(dialect, column, of, strategy)).is_(sa.true()))


def _result(dialect: Rewritable, column: Element, of: Column, strategy: Strategy) -> Element:
    month = strategy.way is Way.MONTH
    match strategy.way:
        case Way.REDACT if isinstance(strategy.constant, str):
            return dialect.exactly(column, strategy.constant)
        case Way.REDACT:
            return column == bound(dialect.value(strategy.constant))
        case Way.HASH:
            long = dialect.characters(column) == number(len(HASH_SHAPE))
            return sa.and_(dialect.exactly(dialect.leading(column, len(HASH_PREFIX)), HASH_PREFIX), long)
        case Way.YEAR | Way.MONTH if of.kind in DATES:
            return dialect.is_generalised(column, of, month=month)
        case Way.YEAR | Way.MONTH:
            shape = dialect.matches(column, "9999-99-01" if month else "9999-01-01")
            empty = dialect.exactly(column, "")
            return sa.or_(empty, sa.case((shape, dialect.is_day(column)), else_=sa.false()))
        case Way.ROUND:
            return column == dialect.floored(column, of, strategy.width)
        case Way.PREFIX if strategy.length is not None:
            return dialect.at_most(column, strategy.length)
        case Way.PREFIX:
            zeros = ".0" * (4 - strategy.ipv4 // 8)
            ends = f"%{zeros}/{strategy.ipv4}", f"%::/{strategy.ipv6}"
            return sa.or_(dialect.exactly(column, ""), *(column.like(bound(end)) for end in ends))
    raise AssertionError(f"no result of {strategy.text} can be told")


def unreadable(dialect: Rewritable, column: Element, of: Column, strategy: Strategy) -> Element | None:
    """Plain: the database can't make the strategy's value of this one; None where it always can."""
    if strategy.way is Way.ROUND:
        return dialect.nonumber(column)
    if strategy.way not in (Way.YEAR, Way.MONTH) or of.kind is not Kind.TEXT:
        return None
    day, after = dialect.leading(column, 10), dialect.character(column, 11)
    ends = sa.or_(dialect.at_most(column, 10), *(dialect.exactly(after, mark) for mark in ("T", "t", " ")))
    shape = dialect.matches(day, "9999-99-99")
    known = sa.case((shape, sa.and_(dialect.is_day(day), ends)), else_=sa.false())
    unread: Element = Grouping(known).is_not(sa.true())
    other = dialect.no_text(column)
    unread = unread if other is None else sa.or_(other, unread)
    filled = sa.and_(column.is_not(sa.null()), sa.not_(dialect.exactly(column, "")))
    return sa.and_(filled, unread)


def _literal(text: str) -> Element:
    return sa.literal_column(f"'{text}'", sa.String())


def number(value: int | str) -> Element:
    """A whole number, or what is written without quotes, in place."""
    return sa.literal_column(str(value))
