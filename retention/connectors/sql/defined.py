"""What predicates define beside a statement: which rows of a table pass a test, worked out once for all that ask."""

from __future__ import annotations

import abc
import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from retention.connectors.sql.consists import elements
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.layers import layered
from retention.connectors.sql.once import asks, follows
from retention.model import predicate as p
from retention.model.catalogue import Column, TableId
from retention.model.lists import Lists


@dataclasses.dataclass(kw_only=True)
class Beside:
    """What stands beside one statement, made once for it. `asked`: how often definitions were asked for; `rows`: how
    many queries were placed beside it to be read from."""

    closures: dict[str, sa.CTE] = dataclasses.field(default_factory=dict)
    definitions: dict[str, sa.CTE] = dataclasses.field(default_factory=dict)
    asked: int = 0
    rows: int = 0
    at_once: bool = False
    _known: dict[int, set[int]] = dataclasses.field(default_factory=dict)

    def asked_by(self, query: sa.Select[Any]) -> list[sa.CTE]:
        """What the query asks for, and what that asks for in turn; not what other queries do.

        What nothing asks for in a statement is prepared by MariaDB all the same, with all that it asks for.
        """
        standing = {id(each.element): each for each in (*self.closures.values(), *self.definitions.values())}
        found = self._elements_asked(query, standing)
        return [each for element, each in standing.items() if element in found]

    def _elements_asked(self, element: Any, standing: Mapping[int, sa.CTE]) -> set[int]:
        if id(element) in self._known:
            return self._known[id(element)]
        found: set[int] = set()
        if id(element) in standing:
            self._known[id(element)] = found  # it is looked through once; a closure asks for itself
        for each in elements(element, but=standing):
            if id(each) in standing and each is not element:
                found |= {id(each), *self._elements_asked(each, standing)}
        return found


class Definitions(abc.ABC):
    """What a compiler of predicates knows of definitions."""

    _dialect: Dialect
    _lists: Lists
    _instead: dict[TableId, TableId]
    _beside: Beside
    _handed: tuple[p.Source, Sequence[Column]] | None

    @abc.abstractmethod
    def field(self, field: p.Field) -> ColumnElement[Any]:
        """The field's column, in its source."""

    @abc.abstractmethod
    def column(self, source: p.Source, name: str) -> ColumnElement[Any]:
        """A column of the source."""

    @abc.abstractmethod
    def test(self, test: p.Test) -> ColumnElement[Any]:
        """A condition."""

    @abc.abstractmethod
    def _plain(self) -> Self:
        """One that knows nothing of this statement's sources, and shares what stands beside it."""

    @property
    def at_once(self) -> bool:
        """Something is worked out for a whole table, whatever range is asked for."""
        return self._beside.at_once

    def keyed(self, root: p.Source, key: Sequence[Column]) -> Self:
        """The same for one statement whose rows of `root` have keys that were handed over.

        What is defined of its own rows is worked out of these alone, and not of all that the table has: a batch
        would read it through each time.
        """
        compiler = copy.copy(self)
        compiler._handed = root, key
        return compiler

    def placed(self, query: sa.Select[Any], alias: str, *, apart: bool) -> FromClause:
        """What the query finds, to be read from; `apart`: in a statement beside which definitions stand."""
        beside = self._beside
        if not apart or not self._dialect.reads_from_beside:
            return query.subquery(alias)
        beside.rows += 1
        return query.cte(f"rows{beside.rows}")

    def behind(self, query: sa.Select[Any]) -> sa.Select[Any]:
        """The same, behind all definitions that it asks for, where rows are read from beside the statement."""
        beside = self._beside
        return query.add_cte(*beside.asked_by(query)) if beside.rows else query

    def _defined(self, test: p.Defined) -> ColumnElement[Any]:
        """A query of its own beside the statement, which the database puts where it is asked for."""
        names = [f"d{i}" for i in range(len(test.key))]
        beside, handed = self._beside, self._of_handed(test)
        name = test.name if handed is None else f"{test.name}_handed"
        if name not in beside.definitions:
            beside.definitions[name] = self._definition(test, name, names, handed)
        if self._dialect.hashes_arrays and follows(test.where):
            fields = [self.field(f) for f in test.fields]
            return self._dialect.among(fields, list(beside.definitions[name].c))
        beside.asked += 1
        rows = beside.definitions[name].alias(f"{test.name}_{beside.asked}")
        same = (rows.c[name] == self.field(f) for name, f in zip(names, test.fields, strict=True))
        return (
            sa.select(sa.literal_column("1")).select_from(rows).where(*same).correlate_except(rows).exists()
        )

    def _of_handed(self, test: p.Defined) -> Sequence[Column] | None:
        """The key that was handed over, where the definition is asked of just the row that has it."""
        if self._handed is None or not asks(test.where):
            return None
        root, key = self._handed
        names = [column.name for column in key]
        asked = [field.column for field in test.fields if field.source == root]
        defined = [field.column for field in test.key]
        return key if asked == defined == names and test.root.table == root.table else None

    def _definition(
        self, test: p.Defined, name: str, names: Sequence[str], handed: Sequence[Column] | None
    ) -> sa.CTE:
        """`handed`: the key, where it is to hold those alone that were handed over."""
        beside, apart = self._beside, asks(test.where)
        plain: Any = self._plain()
        keys = [field.column for field in test.key]
        limits = (
            ()
            if handed is None
            else [self._dialect.key_in([plain.column(test.root, k) for k in keys], handed)]
        )
        compiler, rows = layered(plain, plain.over, test.root, test.where, keys, fenced=apart, limits=limits)
        columns = [compiler.column(test.root, key).label(name) for key, name in zip(keys, names, strict=True)]
        query: sa.Select[Any] = sa.select(*columns).select_from(rows)
        if compiler is plain:  # nothing was worked out first, of the keys
            query = query.where(*limits)
        query = self.behind(query.where(compiler.test(test.where)).correlate(None))
        # One that asks for others is made once for the statement: put in place, each would multiply the next.
        beside.at_once |= apart and handed is None
        defined = (query.distinct() if apart else query).cte(name)
        for kind in ("postgresql", "sqlite"):
            way = sa.text("MATERIALIZED" if apart else "NOT MATERIALIZED")
            defined = defined.prefix_with(way, dialect=kind)
        return defined
