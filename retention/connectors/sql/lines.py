"""What columns are compared with: parameters, exact numbers, and shapes as regular expressions."""

from __future__ import annotations

import math
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

from retention.model.catalogue import Kind
from retention.model.predicate import Line


def bound(value: Any) -> ColumnElement[Any]:
    """A parameter whose type is the database's to infer from the column that it meets."""
    return sa.bindparam(None, value, type_=NullType(), unique=True)


DAY = (
    r"(?!0000)("
    r"[0-9]{4}-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
    r"|[0-9]{4}-(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    r"|[0-9]{4}-02-(0[1-9]|1[0-9]|2[0-8])"
    r"|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)"
)
"""A day of the calendar as a regular expression, for databases that have those."""

OFFSET = "([Zz]|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
WITH_OFFSET = f"{OFFSET} *$"
_TIME = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?"
ISO = f"^{DAY}([ T]{_TIME} *{OFFSET}? *)?$"
"""ISO 8601, and the end of a text that has an offset, as regular expressions."""

NUMBER = r"^-?[0-9]{1,18}([.][0-9]{1,18})?$"
"""A number in a text as a regular expression."""


def expression(shape: str) -> str:
    """`shape`, which has a 9 for each digit, as a regular expression."""
    return "^" + shape.replace(".", "[.]").replace("9", "[0-9]") + "$"


def least(kind: Kind, line: Fraction) -> int | float | Decimal:
    """The least value of a column of `kind` that is not below `line`: whole, floating or decimal.

    A line that no decimal can express is cut at thirty digits: no clock tells what lies between.
    """
    if kind is Kind.INTEGER:
        return -(-line.numerator // line.denominator)
    if kind is Kind.REAL:
        return least_float(line)
    return least_decimal(line)


def least_float(line: Fraction) -> float:
    """The least floating-point number that is not below `line`."""
    near = float(line)
    return near if Fraction(near) >= line else math.nextafter(near, math.inf)


def least_decimal(line: Fraction) -> int | Decimal:
    """`line` as a decimal, whole where it is."""
    if line.denominator == 1:
        return line.numerator
    return Context(prec=30).divide(line.numerator, line.denominator)


def literal(text: str) -> ColumnElement[Any]:
    """SQL that is written as it stands."""
    return sa.literal_column(text)


def comparable(kind: Kind, line: Line) -> date:
    """The form of `line` that a column of `kind` is compared with."""
    if kind is Kind.DATE:
        return line.day
    if kind is Kind.TIMESTAMPTZ:
        return line.instant
    assert line.naive is not None, "binding refuses zone-less columns of a connector without a zone"
    return line.naive
