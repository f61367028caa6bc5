"""A parsed condition, bound to the columns of a live table, with its types checked."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from retention.model import condition as c
from retention.model import predicate as p
from retention.model.catalogue import Catalogue, Kind, Table
from retention.planning.names import NotFoundError, find_column, same_table

_NUMBERS = frozenset({Kind.INTEGER, Kind.NUMERIC, Kind.REAL})
_TIMES = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ})


class Binder:
    """Binds names to the columns of `table` under the source `source`.

    A name that is not a column of that table raises NotFoundError, and so does a comparison
    of a column with a literal of another type: databases answer those in silence.
    """

    def __init__(self, catalogue: Catalogue, table: Table, source: p.Source) -> None:
        self._catalogue = catalogue
        self._table = table
        self._source = source

    def test(self, node: c.Boolean) -> p.Test:
        """The predicate for `node`; three-valued where the condition is."""
        match node:
            case c.Comparison(operator=operator, left=left, right=right):
                self._comparable(left, right)
                return p.Compare(operator=operator, left=self._term(left), right=self._term(right))
            case c.Membership(item=item, values=values):
                for value in values:
                    self._comparable(item, value)
                return p.In(item=self._term(item), values=tuple(v.value for v in values))
            case c.NullTest(item=item):
                return p.IsNull(item=self._term(item))
            case c.Truth(item=item):
                field = self._field(item)
                if field.kind is not Kind.BOOLEAN:
                    raise NotFoundError(
                        f"`{field.column}` is {field.type}, not a boolean",
                        f"compare it with something: `{field.column} = …`",
                    )
                return p.Truth(item=field)
            case c.Conjunction(items=items):
                return p.All(items=tuple(self.test(i) for i in items))
            case c.Disjunction(items=items):
                return p.AnyOf(items=tuple(self.test(i) for i in items))
            case c.Negation(item=item):
                return p.Not(item=self.test(item))

    def _field(self, name: c.NameTerm) -> p.Field:
        *place, word = name.pieces
        if place and not same_table(self._catalogue, self._table.id, tuple(place)):
            raise NotFoundError(
                f"`{'.'.join(name.pieces)}` is not a column of `{self._table.id}`",
                "name columns of the dataset's own table",
            )
        column = find_column(self._catalogue, self._table, word)
        return p.Field(source=self._source, column=column.name, kind=column.kind, type=column.type)

    def _term(self, term: c.Term) -> p.Expression:
        match term:
            case c.NameTerm():
                return self._field(term)
            case c.LiteralTerm(value=value):
                return p.Constant(value=value)
            case c.CallTerm(function=function, arguments=arguments):
                return p.Call(function=function, arguments=tuple(self._term(a) for a in arguments))

    def _comparable(self, left: c.Term, right: c.Term) -> None:
        for name, other in ((left, right), (right, left)):
            if isinstance(name, c.NameTerm) and isinstance(other, c.LiteralTerm):
                field = self._field(name)
                if not _fits(field.kind, other.value):
                    raise NotFoundError(
                        f"`{field.column}` is {field.type}, and is compared with {_shown(other.value)}",
                        f"compare it with {_wanted(field.kind)}",
                    )


def _fits(kind: Kind, value: c.Value) -> bool:
    if value is None or kind in (Kind.OTHER, Kind.BINARY):
        return True
    if kind is Kind.BOOLEAN:
        return isinstance(value, bool) or value in (0, 1)
    if isinstance(value, bool):
        return False
    if kind in _NUMBERS:
        return isinstance(value, int | Decimal)
    if kind in _TIMES:
        return isinstance(value, date | datetime | str)
    if kind is Kind.UUID:
        return isinstance(value, str)
    return isinstance(value, str | date)


def _shown(value: c.Value) -> str:
    return f"the text '{value}'" if isinstance(value, str) else f"{value}"


def _wanted(kind: Kind) -> str:
    if kind in _NUMBERS:
        return "a number"
    if kind is Kind.BOOLEAN:
        return "true or false"
    if kind in _TIMES:
        return "a date: DATE '2026-01-31'"
    return "a text in single quotes"
