"""The one place where a predicate becomes SQL.

Every identifier comes from the catalogue, is quoted and qualified by its source's alias; every
value is a bound parameter. What differs between databases is asked of the `Dialect`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.sql import quoted_name
from sqlalchemy.sql.elements import ColumnElement, Grouping
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.types import NullType

from retention.connectors.sql import encodings, moments, rewritten
from retention.connectors.sql.closures import Closures
from retention.connectors.sql.days import Days
from retention.connectors.sql.defined import Beside, Definitions
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.lines import bound as bound  # for every statement
from retention.connectors.sql.lines import comparable as comparable
from retention.connectors.sql.looks import Looks
from retention.connectors.sql.named import among_values as among_values
from retention.connectors.sql.named import table as table
from retention.model import predicate as p
from retention.model.catalogue import Column, Kind, TableId
from retention.model.lists import NO_LISTS, Lists

_OPERATORS = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "LIKE": lambda a, b: a.like(b),
}


class Compiler(Days, Definitions, Closures):
    """Compiles predicates over one statement's sources.

    `instead`: tables to be read in place of others (a partition in place of its parent).
    """

    def __init__(
        self,
        dialect: Dialect,
        instead: dict[TableId, TableId] | None = None,
        *,
        bare: bool = False,
        lists: Lists = NO_LISTS,
    ) -> None:
        """`bare`: the root by its own name, for statements that take no alias. `lists`: the keys on each list."""
        self._lists = lists
        self._beside = Beside()
        self._handed = None
        self._dialect = dialect
        self._bare = bare
        self._instead = instead or {}
        self._sources: dict[p.Source, FromClause] = {}
        self._before: Callable[[Any], ColumnElement[Any] | None] = lambda _: None
        self._dates: dict[p.Dated, ColumnElement[Any]] = {}
        self._looks: Looks | None = None

    def source(self, source: p.Source) -> FromClause:
        """The FROM element of `source`, the same object every time."""
        if source not in self._sources:
            id_ = self._instead.get(source.table, source.table) if source.alias == "r" else source.table
            named = table(id_, only=source.only)
            bare = self._bare and source.alias == "r"
            self._sources[source] = named if bare else named.alias(source.alias)
        return self._sources[source]

    def over(
        self, root: p.Source, rows: FromClause, before: Callable[[Any], ColumnElement[Any] | None]
    ) -> Compiler:
        """The same over `rows`, in place of the root's, that hold some parts already: `before` has their columns."""
        compiler = Compiler(self._dialect, self._instead, lists=self._lists)
        compiler._sources = {root: rows}
        compiler._before = before
        compiler._beside = self._beside
        compiler._handed = self._handed
        return compiler

    def _plain(self) -> Self:
        plain = type(self)(self._dialect, self._instead, lists=self._lists)
        plain._beside = self._beside
        return plain

    def field(self, field: p.Field) -> ColumnElement[Any]:
        """The field's column, in its source."""
        return self.column(field.source, field.column)

    def column(self, source: p.Source, name: str) -> ColumnElement[Any]:
        """`alias."name"`, without telling SQLAlchemy a type."""
        element: ColumnElement[Any] = sa.column(
            quoted_name(name, True),
            NullType(),
            _selectable=self.source(source),
        )
        return element

    def choice(self, choice: p.Choice) -> ColumnElement[Any]:
        """A CASE expression that gives the label."""
        if not choice.cases:
            return sa.literal_column(f"'{choice.otherwise}'")
        whens: list[tuple[ColumnElement[Any], ColumnElement[Any]]] = [
            (self.test(test), sa.literal_column(f"'{label}'")) for test, label in choice.cases
        ]
        return sa.case(*whens, else_=sa.literal_column(f"'{choice.otherwise}'"))

    def expression(self, item: p.Expression) -> ColumnElement[Any]:
        """A value: column, constant or call."""
        known = self._before(item)
        if known is not None:
            return known
        match item:
            case p.Field():
                return self.field(item)
            case p.Constant(value=value):
                return sa.null() if value is None else bound(self._dialect.value(value))
            case p.Lookup():
                return self._looked_up(item, item)
            case p.Whole(item=p.Lookup() as there) if self._before(there) is None:
                return self._looked_up(there, item)
            case p.Whole(item=number):
                return self._made_of(self.expression(number), item)
            case p.Drawn(times=p.Whole(item=p.Lookup() as there) as times) if (
                self._before(times) is None and self._before(there) is None
            ):
                return self._looked_up(there, item)
            case p.Drawn(times=times):
                return self._dialect.drawn(self.expression(times), item)
            case p.Call(function=function, arguments=arguments):
                call = getattr(sa.func, self._dialect.function(function))
                result: ColumnElement[Any] = call(*map(self.expression, arguments))
                return result

    def _looked_up(self, there: p.Lookup, item: p.Lookup | p.Whole | p.Drawn) -> ColumnElement[Any]:
        """What `item` makes of the row that the lookup leads to: all of it there, so that the row is found once."""
        look = None if self._looks is None else self._looks.of(there)
        if look is not None:
            source = look.source
            return look.column(item, lambda: self._made_of(self.column(source, there.field.column), item))
        inner = self.source(there.field.source)
        query = sa.select(self._made_of(self.field(there.field), item)).select_from(inner)
        return query.where(self.test(there.where)).correlate_except(inner).scalar_subquery()

    def _made_of(self, number: ColumnElement[Any], item: p.Lookup | p.Whole | p.Drawn) -> ColumnElement[Any]:
        match item:
            case p.Drawn(times=times):
                return self._dialect.drawn(self._made_of(number, times), item)
            case p.Whole(least=least, most=most):
                return sa.case((self._dialect.whole_between(number, least, most), number))
        return number

    def looking(self, root: p.Source, only: frozenset[Hashable] | None = None) -> Compiler:
        """The same for one statement over `root`, that takes what it looks up from `joined` or `beside`, at last."""
        compiler = copy.copy(self)
        compiler._looks = Looks(self._dialect, root, only)
        return compiler

    def joins(self, root: p.Source) -> Callable[[p.Lookup], bool]:
        """What tells whether what is looked up for `root` is joined."""
        return Looks(self._dialect, root).joins

    def joined(self, rows: FromClause, *, ordered: bool = False) -> FromClause:
        """`rows`, of the root, with those that they lead to; `ordered`: and in an order."""
        return self._looks.joined(rows, self, ordered=ordered) if self._looks else rows

    def beside(self) -> list[ColumnElement[Any]]:
        """What joins those to the root's rows; none of these that leads to no such row."""
        return self._looks.conditions(self) if self._looks else []

    def test(self, test: p.Test) -> ColumnElement[Any]:
        """A condition, as plain or three-valued as its node says."""
        known = self._before(test)
        return self._test(test) if known is None else known

    def _test(self, test: p.Test) -> ColumnElement[Any]:
        match test:
            case p.Compare(operator=operator, left=left, right=right):
                return self._compare(operator, left, right)
            case p.In(item=item, values=values):
                return self._compared(item).in_([bound(self._dialect.value(v)) for v in values])
            case p.IsNull(item=item):
                return self._of_kind(item, self._dialect.is_null(self.expression(item)))
            case p.Truth(item=item):
                return self._dialect.truth(self._compared(item))
            case p.Either(true=true, unknown=unknown):
                known = sa.case(
                    (self.test(true), sa.literal_column("1")),
                    (self.test(unknown), sa.null()),
                    else_=sa.literal_column("0"),
                )
                return known == sa.literal_column("1")
            case p.All(items=items):
                return sa.and_(sa.true(), *map(self.test, items)) if items else sa.true()
            case p.AnyOf(items=items):
                # Nothing that SQLAlchemy leaves the rest of a conjunction out for: it joins the sources.
                return (
                    sa.or_(*map(self.test, items))
                    if items
                    else sa.literal_column("1") == sa.literal_column("0")
                )
            case p.Not(item=item):
                return sa.not_(self._whole(item))
            case p.IsTrue(item=item):
                return self._whole(item).is_(sa.true())
            case p.Untrue(item=item):
                return self._whole(item).is_not(sa.true())
            case p.IsUnknown(item=item):
                return self._whole(item).is_(sa.null())
            case p.Exists(source=source, where=where):
                inner = self.source(source)
                query: sa.Select[Any] = (
                    sa.select(sa.literal_column("1")).select_from(inner).where(self.test(where))
                )
                return query.correlate_except(inner).exists()
            case p.SameValues(left=left, right=right):
                pairs = zip(left, right, strict=True)
                return sa.and_(*(self.field(a) == self.field(b) for a, b in pairs))
            case p.Chosen(choice=choice, label=label) if label == choice.otherwise:
                # Flat, not a CASE: several of them in one another are deeper than SQLite parses.
                return sa.and_(sa.true(), *(self._whole(t).is_not(sa.true()) for t, _ in choice.cases))
            case p.Chosen(choice=choice, label=label):
                return self.choice(choice) == sa.literal_column(f"'{label}'")
            case p.Dated():
                if test not in self._dates:  # asked of each date several times, and long where dates are text
                    self._dates[test] = self._dated(test)
                return self._dates[test]
            case p.IsDone(field=field, strategy=strategy):
                of = Column(name=field.column, kind=field.kind, type=field.type)
                return rewritten.done(self._dialect, self.field(field), of, strategy)
            case p.Handed(fields=fields, beside=beside):
                key = [Column(name=f.column, kind=f.kind, type=f.type) for f in fields]
                columns = [self.field(f) for f in fields]
                if beside:
                    return self._dialect.among_handed(columns, key, beside)
                return self._dialect.key_in(columns, key)
            case p.Listed(fields=fields, name=name):
                if name in self._lists.every:
                    return sa.true()
                key = [Column(name=f.column, kind=f.kind, type=f.type) for f in fields]
                columns = [self.field(f) for f in fields]
                return self._dialect.among_listed(columns, key, self._lists.keys.get(name, ()))
            case p.Reached():
                return self._reached(test)
            case p.Defined():
                return self._defined(test)
            case p.DatedBy():
                return self._dated_by(test)
            case p.Spanned():
                return self._spanned(test)
            case p.Later(left=one, right=other):
                left_value, right_value = self._known(one), self._known(other)
                return moments.later(self._dialect, test, left_value, right_value, typed=self._dialect.typed)
            case p.EndsAfter(left=before, right=after, or_same=or_same):
                last, first = self._ended(before), self._ended(after)
                return last >= first if or_same else last > first
            case p.Reaches(field=field, cutoff=cutoff):
                if field.encoding.spelt_by_itself:
                    return self._dialect.reaches(self.field(field), field.kind, cutoff)
                return encodings.reaches(self._dialect, self.field(field), field, cutoff)

    def _whole(self, item: p.Test) -> ColumnElement[Any]:
        """The test in brackets of its own, always: `NOT a IS TRUE` is `NOT (a IS TRUE)`, and true of unknown."""
        return Grouping(self.test(item))

    def _compare(self, operator: str, left: p.Expression, right: p.Expression) -> ColumnElement[Any]:
        result: ColumnElement[Any] = _OPERATORS[operator](self._compared(left), self._compared(right))
        return result

    def _compared(self, item: p.Expression) -> ColumnElement[Any]:
        """A value that a condition asks for."""
        value = self.expression(item)
        if isinstance(item, p.Field | p.Lookup):
            return self._dialect.compared(value, _column(item))
        return self._of_kind(item, value)

    def _of_kind(self, item: p.Expression, made: ColumnElement[Any]) -> ColumnElement[Any]:
        """What is `made` of a call; unknown where a column of it holds something that is none of its kind: that is no
        NULL, for which another value could stand."""
        for each in _columns(item) if isinstance(item, p.Call) else ():
            made = self._dialect.compared(self.expression(each), _column(each), made)
        return made

    def _dated(self, test: p.Dated) -> ColumnElement[Any]:
        column, field = self.field(test.field), test.field
        never = encodings.never(self._dialect, column, field)
        if test.state is p.State.MISSING:
            missing = self._dialect.is_null(column)
            return missing if never is None else sa.or_(missing, never)
        known: ColumnElement[Any] = column.is_not(sa.null())
        if never is not None:
            known = sa.and_(known, sa.not_(Grouping(never)))
        if not field.encoding.spelt_by_itself:
            told = encodings.dated(self._dialect, column, field, test.state, test.floor, test.cutoff)
            return sa.and_(known, Grouping(told))
        if field.kind not in DATES:  # on SQLite, whatever the column is declared as
            told = self._dialect.dated_text(column, test.state, test.floor, test.cutoff)
            return told if never is None else sa.and_(known, Grouping(told))
        floor = bound(comparable(field.kind, test.floor))
        cutoff = bound(comparable(field.kind, test.cutoff))
        readable = self._dialect.readable(column, field.kind)
        read = () if readable is None else (readable,)  # last: it costs more than the comparisons
        match test.state:
            case p.State.PAST:
                return sa.and_(known, column >= floor, column < cutoff, *read)
            case p.State.RECENT:
                return sa.and_(known, column >= cutoff, *read)
            case _:
                unread = (sa.not_(Grouping(item)) for item in read)
                return sa.and_(known, sa.or_(column < floor, *unread))


def _column(item: p.Field | p.Lookup) -> p.Field:
    return item.field if isinstance(item, p.Lookup) else item


def _columns(item: p.Expression) -> Iterator[p.Field | p.Lookup]:
    """The columns that a call is made of."""
    if isinstance(item, p.Field | p.Lookup):
        yield item
    elif isinstance(item, p.Call):
        for each in item.arguments:
            yield from _columns(each)


DATES = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ})
"""Kinds of the database's own dates: all others are read as text, or as `encodings` says."""
