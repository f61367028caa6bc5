"""What a predicate speaks of: sources, their columns, and values made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from retention.model.catalogue import Kind, TableId
from retention.model.condition import Value
from retention.model.drawn import Drawn
from retention.model.encoding import PLAIN, Encoding

if TYPE_CHECKING:
    from retention.model.predicate import Test


@dataclass(frozen=True, kw_only=True)
class Source:
    """A table under an alias that is unique in its whole tree; `only`: without what inherits from it."""

    table: TableId
    alias: str
    only: bool = False


@dataclass(frozen=True, kw_only=True)
class Field:
    """A column of a source; `kind` and `type` as the catalogue has them.

    `encoding`: how it writes a point in time, where it is a clock's.
    """

    source: Source
    column: str
    kind: Kind
    type: str = ""
    encoding: Encoding = PLAIN


@dataclass(frozen=True, kw_only=True)
class Constant:
    """A literal; None is NULL."""

    value: Value


@dataclass(frozen=True, kw_only=True)
class Call:
    """lower, upper, trim, length, abs or coalesce."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """The value of `field` in the one row of its source that passes `where`; NULL where there is none.

    `single`: the database sees to it that there are no two such rows. `rows`: how many the table has, about; None
    where that is not known.
    """

    field: Field
    where: Test
    single: bool = False
    rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class Whole:
    """`item` where it is a whole number from `least` to `most`, else NULL."""

    item: Expression
    least: int
    most: int


Expression: TypeAlias = "Field | Constant | Call | Lookup | Whole | Drawn"
