"""Records by whom they are about: what holds and tellings name is found in the tables.

The database sorts out what can't be meant, by the plain letters that every database folds alike; a value with any
other letter comes along, and the caller, which folds as Unicode does, has the last word.
"""

from __future__ import annotations

import abc
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from retention.connectors.port import Key, Person, Target
from retention.connectors.sql.dialect import Dialect, plain_rows
from retention.connectors.sql.named import every
from retention.connectors.sql.physical import Since
from retention.connectors.sql.predicates import Compiler, among_values
from retention.connectors.sql.untold import may_be, text
from retention.model import predicate as p
from retention.model.catalogue import Catalogue, Reference, TableId
from retention.planning.binding.bound import BoundDataset, Cell, Component
from retention.planning.binding.conditions import Binder, column_of
from retention.planning.fates.joins import Joins

AT_ONCE = 5_000
"""Keys that one statement asks for."""
NAMED_AT_ONCE = 25_000
"""Identifiers that one statement asks for: each of them looks through the whole table."""


class Persons:
    """Looks through one dataset over one connection."""

    def __init__(
        self, dialect: Dialect, connection: Connection, catalogue: Catalogue, dataset: BoundDataset
    ) -> None:
        self._dialect = dialect
        self._connection = connection
        self._dataset = dataset
        self._joins = Joins(catalogue)
        self._catalogue = catalogue
        self._compiler = Compiler(dialect)
        self._root = p.Source(table=dataset.root.id, alias="r", only=dataset.root.only)

    def named(self, wanted: Mapping[str, Collection[str]], keys: Sequence[Key] | None) -> Iterator[Person]:
        """Records that may be about one of the persons (kind → folded values), among `keys` where they are given.

        A record may come more than once.
        """
        if keys is not None:
            for some in _pieces(list(keys)):
                yield from self._of_keys(some)
            return
        self._dialect.begin_searching(self._connection)
        for kind, values in wanted.items():
            if kind in self._dataset.subject:
                for asked in _pieces(sorted(values), NAMED_AT_ONCE):
                    yield from self._rows([self._may_be(kind, asked)])

    def since(self) -> Since | None:
        """By what records that were changed after now are told; None where the database can't, or what is a record is
        read off more than the row.
        """
        physical, root = self._dialect.physical, self._dataset.root
        if physical is None or self._dataset.where is not None:
            return None
        return physical.since(self._connection, root.leaves or (root.id,))

    def referred(self, holder: BoundDataset, reference: Reference, keys: Sequence[Key]) -> Iterator[Key]:
        """Keys of this dataset's records to which rows of the records `keys` of `holder` refer by `reference`."""
        joins, compiler = self._joins, self._compiler
        for some in _pieces(list(keys)):
            owner = p.Source(table=holder.root.id, alias="h", only=holder.root.only)
            row = owner if reference.table == holder.root.id else joins.source(reference.table)
            target = (
                self._root if reference.target == self._dataset.root.id else joins.source(reference.target)
            )
            tests = [joins.refers(reference, row, target), *self._a_record()]
            rows = [owner, row, target, self._root]
            if row is not owner:
                rows += self._up(holder, reference.table, row, owner, tests)
            if target is not self._root:
                rows += self._up(self._dataset, reference.target, target, self._root, tests)
            sources = {id(source): compiler.source(source) for source in rows}
            key = [compiler.column(owner, column.name) for column in holder.key]
            query: sa.Select[Any] = sa.select(*self._key()).select_from(*sources.values()).distinct()
            query = query.where(*(compiler.test(test) for test in tests), among_values(key, some))
            yield from (tuple(found) for found in self._connection.execute(query))

    def sharing(self, holder: BoundDataset, table: TableId, keys: Sequence[Key]) -> Iterator[Key]:
        """Keys of this dataset's records that share a row of `table` with the records `keys` of `holder`."""
        joins, compiler = self._joins, self._compiler
        owner = p.Source(table=holder.root.id, alias="h", only=holder.root.only)
        row = joins.source(table)
        tests = [*self._a_record()]
        rows = [owner, row, self._root]
        rows += self._up(holder, table, row, owner, tests)
        rows += self._up(self._dataset, table, row, self._root, tests)
        sources = [compiler.source(source) for source in rows]
        key = [compiler.column(owner, column.name) for column in holder.key]
        for some in _pieces(list(keys)):
            query: sa.Select[Any] = sa.select(*self._key()).select_from(*sources).distinct()
            query = query.where(*(compiler.test(test) for test in tests), among_values(key, some))
            yield from (tuple(found) for found in self._connection.execute(query))

    def users(self, holder: BoundDataset, link: Reference, keys: Sequence[Key]) -> Iterator[Key]:
        """Keys of this dataset's records of which a row refers, by `link`, to the root of the records of `holder`."""
        joins, compiler = self._joins, self._compiler
        target = p.Source(table=holder.root.id, alias="h", only=holder.root.only)
        row = self._root if link.table == self._dataset.root.id else joins.source(link.table)
        tests = [joins.refers(link, row, target), *self._a_record()]
        rows = [target, row, self._root]
        if row is not self._root:
            rows += self._up(self._dataset, link.table, row, self._root, tests)
        sources = {id(source): compiler.source(source) for source in rows}
        key = [compiler.column(target, column.name) for column in holder.key]
        for some in _pieces(list(keys)):
            query: sa.Select[Any] = sa.select(*self._key()).select_from(*sources.values()).distinct()
            query = query.where(*(compiler.test(test) for test in tests), among_values(key, some))
            yield from (tuple(found) for found in self._connection.execute(query))

    def standing(self, cell: Cell, texts: Collection[str]) -> Iterator[str]:
        """Which of the texts stand in the column of a record or of its part; a text may come more than once."""
        table, name = cell
        row, tests = self._root, self._a_record()
        if table != self._dataset.root.id:
            row = self._joins.source(table)
            whole = p.All(items=(self._joins.belongs(self._dataset, table, row, self._root), *tests))
            tests = [p.Exists(source=self._root, where=whole)]
        field = self._compiler.column(row, name)
        for some in _pieces(sorted(texts)):
            query: sa.Select[Any] = sa.select(field).select_from(self._compiler.source(row)).distinct()
            query = query.where(field.in_(every(some)), *map(self._compiler.test, tests))
            for (found,) in self._connection.execute(query):
                shown = text(found)
                yield from (each for each in (shown, shown.rstrip(" ")) if each in texts)

    def _up(
        self, dataset: BoundDataset, table: TableId, row: p.Source, root: p.Source, tests: list[p.Test]
    ) -> list[p.Source]:
        """The rows between `row` of `table` and the `root` of its record, each brought in beside them.

        `tests` gets what joins them. As a subquery that names both ends the database would pair all of them first.
        """
        if table == dataset.root.id:
            tests.append(self._joins.belongs(dataset, table, row, root))
            return []
        reference = dataset.part(table).reference
        if reference.target == dataset.root.id:
            tests.append(self._joins.refers(reference, row, root))
            return []
        between = self._joins.source(reference.target)
        tests.append(self._joins.refers(reference, row, between))
        return [between, *self._up(dataset, reference.target, between, root, tests)]

    # -- rows ------------------------------------------------------------------------------

    def _of_keys(self, keys: Sequence[Key]) -> Iterator[Person]:
        """Each of these records; a key of one column is handed over in one piece, however many there are."""
        key = self._dataset.key
        if len(key) > 1:
            return self._rows([among_values(self._key(), keys)])
        handed = self._dialect.handed(key, keys, "those")
        return self._rows([self._dialect.among_handed(self._key(), key, "those")], handed)

    def _rows(
        self, tests: list[ColumnElement[Any]], given: Mapping[str, Any] | None = None
    ) -> Iterator[Person]:
        dataset, compiler = self._dataset, self._compiler
        kinds = list(dataset.subject)
        values = [self._value(kind) for kind in kinds]
        began = [] if dataset.began is None else [self._shown(dataset.began)]
        query: sa.Select[Any] = sa.select(*self._key(), *values, *began).select_from(
            compiler.source(self._root)
        )
        width = len(dataset.key)
        tests = [*tests, *map(compiler.test, self._a_record())]
        for row in plain_rows(self._connection, query.where(*tests), given):
            told = zip(kinds, row[width:], strict=False)
            yield Person(
                key=row[:width],
                identifiers={kind: None if value is None else text(value) for kind, value in told},
                began=text(row[-1]) if began and row[-1] is not None else None,
            )

    def _a_record(self) -> list[p.Test]:
        """What is so of every record: the dataset's `where` is not false. Other rows of its table are nobody's."""
        if self._dataset.where is None:
            return []
        scope = Binder(self._catalogue, self._dataset.root, self._root).test(self._dataset.where.tree)
        return [p.Untrue(item=p.Not(item=scope))]

    def _key(self) -> list[ColumnElement[Any]]:
        return [self._compiler.column(self._root, column.name) for column in self._dataset.key]

    def _value(self, kind: str) -> ColumnElement[Any]:
        return self._compiler.expression(self._joins.value(self._dataset.subject[kind], self._root))

    def _shown(self, component: Component) -> ColumnElement[Any]:
        column = self._compiler.column(self._root, component.column.name)
        return self._dialect.shown_value(column, component.column.kind)

    def _may_be(self, kind: str, values: Sequence[str]) -> ColumnElement[Any]:
        column = column_of(self._joins.value(self._dataset.subject[kind], self._root))
        return may_be(self._dialect, self._value(kind), column.kind, values)


class PersonsOf(Target):
    """Whom records of a target are about, and what belongs to them: each question to one dataset."""

    @abc.abstractmethod
    def _looking(self, dataset: BoundDataset, what: str) -> AbstractContextManager[Persons]:
        """Looks through `dataset` over a connection; `what` it looks for, in an error's words."""

    def persons(
        self, dataset: BoundDataset, wanted: Mapping[str, Collection[str]], keys: Sequence[Key] | None = None
    ) -> Iterator[Person]:
        with self._looking(dataset, f"for persons in {dataset}") as found:
            yield from found.named(wanted, keys)

    def since(self, dataset: BoundDataset) -> Since | None:
        with self._looking(dataset, f"at {dataset}") as found:
            return found.since()

    def referred(
        self, holder: BoundDataset, reference: Reference, keys: Sequence[Key], dataset: BoundDataset
    ) -> Iterator[Key]:
        with self._looking(dataset, f"for what records of {holder} refer to") as found:
            yield from found.referred(holder, reference, keys)

    def sharing(
        self, holder: BoundDataset, table: TableId, keys: Sequence[Key], dataset: BoundDataset
    ) -> Iterator[Key]:
        with self._looking(dataset, f"for what shares rows with records of {holder}") as found:
            yield from found.sharing(holder, table, keys)

    def users(
        self, holder: BoundDataset, link: Reference, keys: Sequence[Key], dataset: BoundDataset
    ) -> Iterator[Key]:
        with self._looking(dataset, f"for what refers to records of {holder}") as found:
            yield from found.users(holder, link, keys)

    def standing(self, dataset: BoundDataset, cell: Cell, texts: Collection[str]) -> frozenset[str]:
        with self._looking(dataset, f"for values of {dataset}") as found:
            return frozenset(found.standing(cell, frozenset(texts)))


def _pieces(items: list[Any], size: int = AT_ONCE) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
