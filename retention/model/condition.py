"""A condition as the operator wrote it, parsed: names are still words, not columns.

The parser is `retention.config.reading.conditions`; `retention.planning` binds the names to the
catalogue and so turns it into a predicate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

Value: TypeAlias = "str | int | Decimal | bool | date | datetime | None"


@dataclass(frozen=True, kw_only=True)
class NameTerm:
    """A column, by its pieces: (column,) or (table, column)."""

    pieces: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LiteralTerm:
    """A value as written."""

    value: Value


@dataclass(frozen=True, kw_only=True)
class CallTerm:
    """A function without side effects and without a clock: lower, upper, trim, length, abs, coalesce."""

    function: str
    arguments: tuple[Term, ...]


Term: TypeAlias = "NameTerm | LiteralTerm | CallTerm"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """`operator` is one of = <> < <= > >= LIKE."""

    operator: str
    left: Term
    right: Term


@dataclass(frozen=True, kw_only=True)
class Membership:
    """`item IN (values)`; NOT is a Negation around it. BETWEEN is two comparisons."""

    item: Term
    values: tuple[LiteralTerm, ...]


@dataclass(frozen=True, kw_only=True)
class NullTest:
    """`item IS NULL`."""

    item: Term


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A boolean column used as a condition: `WHERE active`."""

    item: NameTerm


@dataclass(frozen=True, kw_only=True)
class Conjunction:
    """All of `items` (AND)."""

    items: tuple[Boolean, ...]


@dataclass(frozen=True, kw_only=True)
class Disjunction:
    """At least one of `items` (OR)."""

    items: tuple[Boolean, ...]


@dataclass(frozen=True, kw_only=True)
class Negation:
    """NOT `item`: unknown where the item is."""

    item: Boolean


Boolean: TypeAlias = "Comparison | Membership | NullTest | Truth | Conjunction | Disjunction | Negation"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """`tree` is what is meant, `text` what was written (for messages and explanations)."""

    tree: Boolean
    text: str


def named(node: Boolean) -> list[str]:
    """The names in a condition, in the order in which they stand."""
    match node:
        case Comparison(left=left, right=right):
            return [*_terms(left), *_terms(right)]
        case Membership(item=item):
            return _terms(item)
        case NullTest(item=term):
            return _terms(term)
        case Truth(item=name):
            return _terms(name)
        case Conjunction(items=items) | Disjunction(items=items):
            return [name for each in items for name in named(each)]
        case Negation(item=inner):
            return named(inner)


def _terms(term: Term) -> list[str]:
    match term:
        case NameTerm(pieces=pieces):
            return [".".join(pieces)]
        case CallTerm(arguments=arguments):
            return [name for each in arguments for name in _terms(each)]
        case _:
            return []
