"""References that are followed to their end, and rings of them, as recursive queries beside a statement."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from retention.connectors.sql.defined import Beside
from retention.connectors.sql.dialect import Dialect
from retention.model import predicate as p


class Closures(abc.ABC):
    """What a compiler of predicates knows of closures."""

    _dialect: Dialect
    _beside: Beside

    @abc.abstractmethod
    def source(self, source: p.Source) -> FromClause:
        """The FROM element of `source`, the same object every time."""

    @abc.abstractmethod
    def field(self, field: p.Field) -> ColumnElement[Any]:
        """The field's column, in its source."""

    @abc.abstractmethod
    def test(self, test: p.Test) -> ColumnElement[Any]:
        """A condition, as plain or three-valued as its node says."""

    def pairs(self, pairs: p.Pairs, names: Sequence[str] = ()) -> sa.Select[Any]:
        """The values of `pairs`, under `names` where they are given."""
        labels = names or [f"f{i}" for i in range(len(pairs.fields))]
        return self._rows(pairs, pairs.fields, labels).correlate(None)

    def _rows(
        self, pairs: p.Pairs, fields: Sequence[p.Field | p.Blank], labels: Sequence[str]
    ) -> sa.Select[Any]:
        columns = [self._value(f).label(name) for f, name in zip(fields, labels, strict=True)]
        query: sa.Select[Any] = sa.select(*columns).select_from(*map(self.source, pairs.sources))
        return query.where(self.test(pairs.where))

    def _value(self, field: p.Field | p.Blank) -> ColumnElement[Any]:
        """A blank is read off no row of the column's table, so that every database knows its type."""
        if isinstance(field, p.Field):
            return self.field(field)
        inner = self.source(field.field.source)
        nothing = sa.select(self.field(field.field)).select_from(inner).where(sa.literal_column("1 = 0"))
        return nothing.correlate(None).scalar_subquery()

    def _reached(self, test: p.Reached) -> ColumnElement[Any]:
        """By a recursive query beside the statement, made once for it."""
        closure, made = test.closure, self._beside.closures
        if closure.name not in made:
            made[closure.name] = (
                self._rings(closure) if isinstance(closure, p.Rings) else self._closure(closure)
            )
        every = list(made[closure.name].c)
        keys = every[test.at : test.at + len(test.fields)]
        known = [] if len(keys) == len(every) else [keys[0].is_not(sa.null())]
        return self._dialect.among([self.field(f) for f in test.fields], keys, *known)

    def _closure(self, closure: p.Closure) -> sa.CTE:
        width = len(closure.seeds[0].fields)
        names = [f"k{i}" for i in range(width)]
        seeds = [self.pairs(seed, names) for seed in closure.seeds]
        first = seeds[0] if len(seeds) == 1 else sa.select(sa.union(*seeds).subquery(f"{closure.name}f"))
        reached = first.cte(closure.name, recursive=True)
        if self._dialect.looks_up_laterally and any(map(_blank, closure.steps)):
            return reached.union(self._by_each_key(reached, names, closure))
        step, ends = self._edges(closure.name, closure.steps)
        on = _same(reached, names, step, ends[0], blank=any(map(_blank, closure.steps)))
        further = sa.select(*(step.c[b] for b in ends[1])).select_from(reached.join(step, on))
        return reached.union(further)

    def _by_each_key(self, reached: sa.CTE, names: Sequence[str], closure: p.Closure) -> sa.Select[Any]:
        """What the steps lead to, each looked up by its own key: one condition for keys of several tables would be
        searched through for every one of them."""
        found = []
        for step in closure.steps:
            here, there = step.fields[: len(names)], step.fields[len(names) :]
            keys = [(name, f) for name, f in zip(names, here, strict=True) if isinstance(f, p.Field)]
            same = (self.field(field) == reached.c[name] for name, field in keys)
            found.append(self._rows(step, there, names).where(*same).correlate(reached))
        steps = sa.union_all(*found).lateral(f"{closure.name}s")
        return sa.select(*(steps.c[name] for name in names)).select_from(reached.join(steps, sa.true()))

    def _rings(self, rings: p.Rings) -> sa.CTE:
        """Each ring is walked from its least key alone, and only over greater ones: mostly a step or two."""
        edge, (a, b) = self._edges(rings.name, rings.edges)
        start = sa.select(*(edge.c[name] for name in (*a, *b))).where(self._beyond(edge, b, edge, a))
        walk = start.cte(f"{rings.name}w", recursive=True)
        on = sa.and_(_same(walk, b, edge, a), self._beyond(edge, b, walk, a))
        further = sa.select(*(walk.c[name] for name in a), *(edge.c[name] for name in b))
        walk = walk.union(further.select_from(walk.join(edge, on)))
        closing = sa.and_(_same(walk, b, edge, a), _same(walk, a, edge, b))
        round_ = sa.select(*(walk.c[name] for name in a)).select_from(walk.join(edge, closing))
        itself = sa.select(*(edge.c[name] for name in a)).where(_same(edge, a, edge, b))
        return sa.select(sa.union(round_, itself).subquery(f"{rings.name}f")).cte(rings.name)

    def _edges(self, name: str, pairs: Sequence[p.Pairs]) -> tuple[sa.Subquery, tuple[list[str], list[str]]]:
        """All of `pairs`, and the names of the first key's columns and of the second's."""
        width = len(pairs[0].fields) // 2
        ends = [f"a{i}" for i in range(width)], [f"b{i}" for i in range(width)]
        every = [self.pairs(item, [*ends[0], *ends[1]]) for item in pairs]
        return (every[0] if len(every) == 1 else sa.union_all(*every)).subquery(f"{name}s"), ends

    def _beyond(
        self, left: FromClause, names: Sequence[str], right: FromClause, others: Sequence[str]
    ) -> ColumnElement[Any]:
        return self._dialect.beyond([left.c[n] for n in names], [right.c[n] for n in others])


def _blank(pairs: p.Pairs) -> bool:
    return any(isinstance(field, p.Blank) for field in pairs.fields)


def _same(
    left: FromClause, names: Sequence[str], right: FromClause, others: Sequence[str], *, blank: bool = False
) -> ColumnElement[Any]:
    """`blank`: a value that neither of them has counts as the same."""
    pairs = [(left.c[a], right.c[b]) for a, b in zip(names, others, strict=True)]
    return sa.and_(*(a.is_not_distinct_from(b) if blank else a == b for a, b in pairs))
