"""A parsed condition, bound to the columns of a live table, with its types checked."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from retention.model import condition as c
from retention.model import predicate as p
from retention.model.catalogue import Catalogue, Kind, Table
from retention.planning.binding.names import NotFoundError, find_column, same_table

_DATED = re.compile(r"(date|datetime|timestamp)\b", re.IGNORECASE)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
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
                if operator == "LIKE":
                    self._texts(left)
                return p.Compare(operator=operator, left=self._term(left), right=self._term(right))
            case c.Membership(item=item, values=values):
                for value in values:
                    self._comparable(item, value)
                return p.In(item=self._term(item), values=tuple(v.value for v in values))
            case c.NullTest(item=item):
                return p.IsNull(item=self._term(item))
            case c.Truth(item=item):
                found = self._field(item)
                field = column_of(found)
                if field.kind is not Kind.BOOLEAN:
                    raise NotFoundError(
                        f"`{field.column}` is {field.type}, not a boolean",
                        f"compare it with something: `{field.column} = …`",
                    )
                return p.Truth(item=found)
            case c.Conjunction(items=items):
                return p.All(items=tuple(self.test(i) for i in items))
            case c.Disjunction(items=items):
                return p.AnyOf(items=tuple(self.test(i) for i in items))
            case c.Negation(item=item):
                return p.Not(item=self.test(item))

    def _field(self, name: c.NameTerm) -> p.Field | p.Lookup:
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
                self._callable(term)
                return p.Call(function=function, arguments=tuple(self._term(a) for a in arguments))

    def _comparable(self, left: c.Term, right: c.Term) -> None:
        for call in (each for each in (left, right) if isinstance(each, c.CallTerm)):
            self._callable(call)
        self._no_text(left, right)
        self._no_text(right, left)
        for term, other in ((left, right), (right, left)):
            if isinstance(other, c.LiteralTerm) and not isinstance(term, c.LiteralTerm):
                kind = self._kind(term)
                if not _fits(kind, other.value):
                    raise NotFoundError(
                        f"{self._described(term)}, and is compared with {_shown(other.value)}",
                        f"compare it with {_wanted(kind)}",
                    )
        if isinstance(left, c.LiteralTerm) or isinstance(right, c.LiteralTerm):
            return
        kinds = self._kind(left), self._kind(right)
        if not _alike(*kinds):
            raise NotFoundError(
                f"{self._described(left)}, and {self._described(right)}: they are compared with each other",
                "compare what is of one type, or each with a value",
            )

    def _no_text(self, term: c.Term, other: c.Term) -> None:
        """What is declared as a moment and kept as text is compared with nothing, a day with one that is written so."""
        if not isinstance(term, c.NameTerm):
            return
        field = column_of(self._field(term))
        if field.kind in _TIMES or not _DATED.match(field.type):
            return
        day = isinstance(other, c.LiteralTerm) and _DAY.fullmatch(str(other.value))
        if field.type.lower() != "date" or not day:
            raise NotFoundError(
                f"`{field.column}` is {field.type}, which the database keeps as text: compared as it is, a day with a"
                " blank and an hour sorts before one with a T",
                "let the rule count from it: `from`, `until`, `upon`; a DATE can be compared with '2026-01-31'",
            )

    def _callable(self, call: c.CallTerm) -> None:
        """The function takes what it is given: one database would refuse, another make something of it."""
        if call.function == "coalesce":
            for other in call.arguments[1:]:
                self._comparable(call.arguments[0], other)
        elif call.function == "abs":
            for term in call.arguments:
                if not isinstance(term, c.LiteralTerm) and self._kind(term) not in {*_NUMBERS, Kind.OTHER}:
                    raise NotFoundError(f"{self._described(term)}, and abs takes a number", "take abs out")
        else:
            for term in call.arguments:
                self._texts(term)

    def _texts(self, term: c.Term) -> None:
        if not isinstance(term, c.LiteralTerm) and self._kind(term) not in (Kind.TEXT, Kind.OTHER):
            raise NotFoundError(
                f"{self._described(term)}, and a text is wanted here", "name a column that holds text"
            )

    def _kind(self, term: c.Term) -> Kind:
        match term:
            case c.NameTerm():
                return column_of(self._field(term)).kind
            case c.LiteralTerm(value=value):
                return _kind_of(value)
            case c.CallTerm(function="length"):
                return Kind.INTEGER
            case c.CallTerm(function="abs" | "coalesce", arguments=arguments):
                return self._kind(arguments[0])
            case _:
                return Kind.TEXT

    def _described(self, term: c.Term) -> str:
        if isinstance(term, c.NameTerm):
            field = column_of(self._field(term))
            return f"`{field.column}` is {field.type or 'of no type'}"
        name = term.function if isinstance(term, c.CallTerm) else "this"
        return f"{name}(…) is {self._kind(term).value}"


def column_of(found: p.Field | p.Lookup) -> p.Field:
    """The column itself, of the record's own row or of another."""
    return found.field if isinstance(found, p.Lookup) else found


_FAMILIES = (
    _NUMBERS,
    _TIMES,
    frozenset({Kind.TEXT}),
    frozenset({Kind.BOOLEAN}),
    frozenset({Kind.UUID}),
    frozenset({Kind.BINARY}),
)


def _alike(left: Kind, right: Kind) -> bool:
    """Columns of the two kinds can be compared by their values."""
    return Kind.OTHER in (left, right) or any({left, right} <= family for family in _FAMILIES)


def _kind_of(value: c.Value) -> Kind:
    match value:
        case bool():
            return Kind.BOOLEAN
        case int() | Decimal():
            return Kind.NUMERIC
        case str():
            return Kind.TEXT
        case date():
            return Kind.DATE
        case _:
            return Kind.OTHER


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
        return isinstance(value, date | datetime) or _reads(datetime.fromisoformat, value)
    if kind is Kind.UUID:
        return _reads(UUID, value)
    return isinstance(value, str | date)


def _reads(reader: Callable[[str], object], value: c.Value) -> bool:
    """The text is one of a value of that type."""
    try:
        return isinstance(value, str) and reader(value) is not None
    except ValueError:
        return False


def _shown(value: c.Value) -> str:
    return f"the text '{value}'" if isinstance(value, str) else f"{value}"


def _wanted(kind: Kind) -> str:
    if kind in _NUMBERS:
        return "a number"
    if kind is Kind.BOOLEAN:
        return "true or false"
    if kind in _TIMES:
        return "a date: DATE '2026-01-31'"
    if kind is Kind.UUID:
        return "a UUID in single quotes"
    return "a text in single quotes"
