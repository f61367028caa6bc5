"""Rows that the records of a statement lead to, each found once however much is asked of it.

A period that a tenant instructed stands in the tenant's row. Asked for by a subquery at every place that needs it,
that row is found anew each time. Here it is joined to the records instead: from a query of its own, which also works
out what is made of it, once for each tenant and not for each record. A record that leads to no such row meets NULL, as
by a subquery. Only what is found by a primary key is joined, so that no record is met twice.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.named import EVERY_ROW
from retention.model import predicate as p


class Compiling(Protocol):
    """What a compiler of predicates does for this."""

    def source(self, source: p.Source) -> FromClause:
        """The FROM element of `source`."""

    def field(self, field: p.Field) -> ColumnElement[Any]:
        """The field's column, in its source."""


class Look:
    """The rows of one table, by its key, and what is made of them."""

    def __init__(
        self, name: str, source: p.Source, mine: tuple[p.Field, ...], theirs: tuple[p.Field, ...]
    ) -> None:
        """`theirs`: the fields of `source` that equal `mine`, which are the record's."""
        self.source = source
        self.mine, self.theirs = mine, theirs
        self._name = name
        self._made: dict[Hashable, tuple[str, ColumnElement[Any]]] = {}

    def column(
        self, item: p.Lookup | p.Whole | p.Drawn, made: Callable[[], ColumnElement[Any]]
    ) -> ColumnElement[Any]:
        """What `item` makes of the row; NULL where there is none."""
        asked = _asked(item)
        if asked not in self._made:
            self._made[asked] = f"v{len(self._made)}", made()
        return sa.literal_column(f"{self._name}.{self._made[asked][0]}")

    def rows(self, compiler: Compiling, *, apart: bool) -> sa.Subquery:
        """The query for all of them. `apart`: it is worked out by itself."""
        keys = (compiler.field(field).label(f"k{i}") for i, field in enumerate(self.theirs))
        query = sa.select(*keys, *self._columns()).select_from(compiler.source(self.source)).correlate(None)
        if apart:
            query = query.limit(sa.literal_column(EVERY_ROW))
        return query.subquery(self._name)

    def one(self, compiler: Compiling) -> FromClause:
        """The query for the one that a record before it leads to."""
        pairs = zip(self.theirs, self.mine, strict=True)
        same = (compiler.field(theirs) == compiler.field(mine) for theirs, mine in pairs)
        inner = compiler.source(self.source)
        query = sa.select(*self._columns()).select_from(inner).where(*same).correlate_except(inner)
        return query.limit(sa.literal_column(EVERY_ROW)).lateral(self._name)

    def _columns(self) -> Iterator[ColumnElement[Any]]:
        return (expression.label(name) for name, expression in self._made.values())

    def leads(self, compiler: Compiling, rows: FromClause) -> ColumnElement[Any]:
        """The record leads to the row."""
        return sa.and_(*(compiler.field(field) == rows.c[f"k{i}"] for i, field in enumerate(self.mine)))


class Looks:
    """All that one statement looks up for the records of `root`."""

    def __init__(self, dialect: Dialect, root: p.Source, only: frozenset[Hashable] | None = None) -> None:
        """`only`: what may be joined, as `looked_up` names it; None: all."""
        self._dialect = dialect
        self._root = root
        self._only = only
        self._found: dict[Hashable, tuple[Look, bool]] = {}

    def joins(self, there: p.Lookup) -> bool:
        """The row that it leads to is joined."""
        return self.of(there) is not None

    def of(self, there: p.Lookup) -> Look | None:
        """The row that it leads to, the same for all that lead there; None where it is not joined."""
        name, apart = looked_up(there, self._root), self._dialect.looked_up_apart(there.rows)
        if name is None or apart is None or (self._only is not None and name not in self._only):
            return None
        if name not in self._found:
            mine, theirs = _sides(there)
            look = Look(f"look{len(self._found)}", there.field.source, mine, theirs)
            self._found[name] = look, apart
        return self._found[name][0]

    def joined(self, rows: FromClause, compiler: Compiling, *, ordered: bool) -> FromClause:
        """`rows`, each with what it leads to. `ordered`: their order is wanted, of which a database may know only that
        it is kept where each row is looked up for itself."""
        for look, apart in self._found.values():
            if ordered and self._dialect.looks_up_laterally:
                rows = rows.outerjoin(look.one(compiler), sa.true())
                continue
            there = look.rows(compiler, apart=apart)
            rows = rows.outerjoin(there, look.leads(compiler, there))
        return rows

    def conditions(self, compiler: Compiling) -> list[ColumnElement[Any]]:
        """The records lead to such rows, which stand beside them in the statement."""
        return [
            look.leads(compiler, look.rows(compiler, apart=apart)) for look, apart in self._found.values()
        ]


def looked_up(there: p.Lookup, root: p.Source) -> Hashable | None:
    """The row that it leads to from a record of `root`: the same for all that lead there. None where that is not by one
    reference to a primary key."""
    if not there.single or not isinstance(there.where, p.SameValues):
        return None
    mine, theirs = _sides(there)
    source = there.field.source
    if any(field.source != root for field in mine) or any(field.source != source for field in theirs):
        return None
    return source.table, source.only, tuple((a.column, b.column) for a, b in zip(mine, theirs, strict=True))


def known_of(test: Any, root: p.Source, *, true: bool = True) -> frozenset[Hashable]:
    """Rows of which something is known, and which so exist, wherever `test` is true; else, wherever it is not true.

    It may miss some, and names none too many.
    """
    match test:
        case p.All(items=items) | p.AnyOf(items=items) if items:
            every = [known_of(item, root, true=true) for item in items]
            all_hold = isinstance(test, p.All) is true
            return frozenset.union(*every) if all_hold else frozenset.intersection(*every)
        case p.IsTrue(item=item):
            return known_of(item, root, true=true)
        case p.Untrue(item=item):
            return known_of(item, root, true=not true)
        case p.Not(item=p.IsNull(item=p.Whole(item=p.Lookup() as there))) if true:
            name = looked_up(there, root)
            return frozenset() if name is None else frozenset({name})
        case p.Chosen(choice=choice, label=label) if true and label == choice.otherwise:
            return frozenset().union(*(known_of(case, root, true=False) for case, _ in choice.cases))
    return frozenset()


def _sides(there: p.Lookup) -> tuple[tuple[p.Field, ...], tuple[p.Field, ...]]:
    assert isinstance(there.where, p.SameValues)
    left, right = there.where.left, there.where.right
    return (right, left) if left[0].source == there.field.source else (left, right)


def _asked(item: p.Lookup | p.Whole | p.Drawn) -> Hashable:
    match item:
        case p.Drawn(times=times, lines=lines, kind=kind):
            return "drawn", kind, lines, times.least, times.most, _column(times.item)
        case p.Whole(item=number, least=least, most=most):
            return "whole", least, most, _column(number)
    return "itself", item.field.column


def _column(item: p.Expression) -> str:
    assert isinstance(item, p.Lookup)
    return item.field.column
