"""Rows that hold parts of predicates, worked out once for all that ask for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.sql import quoted_name
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.types import NullType

from retention.connectors.sql import once
from retention.connectors.sql.named import EVERY_ROW
from retention.model import predicate as p

Before = Callable[[Any], ColumnElement[Any] | None]
"""The column that holds a part already, None where none does."""


class Compiling(Protocol):
    """What a compiler of predicates does for a layer."""

    def source(self, source: p.Source) -> FromClause:
        """The FROM element of `source`."""

    def column(self, source: p.Source, name: str) -> ColumnElement[Any]:
        """A column of its row."""

    def test(self, test: p.Test) -> ColumnElement[Any]:
        """A condition."""

    def expression(self, item: p.Expression) -> ColumnElement[Any]:
        """A value."""

    def ending(self, ending: p.Ending) -> ColumnElement[Any]:
        """A day."""

    def latest_day(self, latest: p.LatestDay, *, exact: bool) -> ColumnElement[Any]:
        """A day."""

    def looking(self, root: p.Source) -> Self:
        """The same for one statement, that reads from what is `joined`."""

    def joins(self, root: p.Source) -> Callable[[p.Lookup], bool]:
        """What tells whether what is looked up for the root is joined."""

    def joined(self, rows: FromClause) -> FromClause:
        """Rows of the root with those that they lead to."""

    def placed(self, query: sa.Select[Any], alias: str, *, apart: bool) -> FromClause:
        """What the query finds, to be read from; `apart`: in a statement beside which definitions stand."""


def worked(compiler: Compiling, node: Any) -> ColumnElement[Any]:
    """A part, as a column."""
    if isinstance(node, p.Ending):
        return compiler.ending(node)
    if isinstance(node, p.LatestDay):
        return compiler.latest_day(node, exact=True)
    return (
        compiler.expression(node) if isinstance(node, p.Lookup | p.Whole | p.Drawn) else compiler.test(node)
    )


def held(given: Mapping[int, str], numbers: once.Numbers, rows: FromClause) -> Before:
    """What tells the column of a part that `rows` hold."""
    names = dict(given)

    def before(node: Any) -> ColumnElement[Any] | None:
        number = numbers.of(node)
        name = names.get(number) if number is not None else None
        return None if name is None else column_of(rows, name)

    return before


Compiler = TypeVar("Compiler", bound=Compiling)


def layered(
    compiler: Compiler,
    over: Callable[[p.Source, FromClause, Before], Compiler],
    root: p.Source,
    test: p.Test | tuple[Any, ...],
    columns: Iterable[str],
    *,
    fenced: bool,
    limits: Sequence[ColumnElement[Any]] = (),
    sieve: Sequence[p.Test] = (),
) -> tuple[Compiler, FromClause]:
    """Rows in place of the root's that hold what `test` repeats, and its `columns`; and a compiler over them.

    `test`: one, or several nodes. `fenced`: every row is asked for, and the database shall not work the parts into
    what reads them. `limits`: which of the root's rows; `sieve`: and of which of those these are true; where nothing
    is repeated, both are still to be asked for.
    """
    numbers = once.Numbers(root, compiler.joins(root))
    asked, rows = numbers.add(test), compiler.source(root)
    apart = once.asks(test)
    wanted = {*columns, *asked.columns}
    prefix = unlike({*wanted, *(column for part in numbers.parts.values() for column in part.columns)})
    given: dict[int, str] = {}
    for layer in once.layers(numbers, Counter(asked.parts)):
        looking = compiler.looking(root)
        made = {f"{prefix}{n}": worked(looking, numbers.parts[n].node) for n in layer}
        after = {**given, **{n: f"{prefix}{n}" for n in layer}}
        read = once.read(numbers, asked.parts, frozenset(after))
        names = sorted({*wanted, *read.columns}) + [given[n] for n in given if n in read.given]
        query = sa.select(
            *(compiler.column(root, name) for name in names),
            *(expression.label(quoted_name(name, True)) for name, expression in made.items()),
        ).select_from(looking.joined(rows))
        query = query.where(*(() if given else (*limits, *map(looking.test, sieve))))
        if fenced:
            query = query.limit(sa.literal_column(EVERY_ROW))
        rows, given = compiler.placed(query.correlate(None), root.alias, apart=apart), after
        compiler = over(root, rows, held(given, numbers, rows))
    return compiler, rows


def unlike(names: set[str]) -> str:
    """What no column's name begins with."""
    prefix = "is"
    while any(name.casefold().startswith(prefix) for name in names):
        prefix += "_"
    return prefix


def column_of(source: FromClause, name: str) -> ColumnElement[Any]:
    """`alias."name"` of any FROM element."""
    element: ColumnElement[Any] = sa.column(quoted_name(name, True), NullType(), _selectable=source)
    return element
