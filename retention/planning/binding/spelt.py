"""What a dataset spells out beside its events: facts, periods and subjects, found in the catalogue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from retention.model import predicate as p
from retention.model.catalogue import Catalogue, Column, Kind, Table, TableId
from retention.model.condition import Condition
from retention.model.dataset import ColumnPath, Fact, InstructedPeriod, Name, SomeRow
from retention.model.strategy import Pieces
from retention.planning.binding.bound import BoundFact, Component, Hop, Instructed, Some, Value
from retention.planning.binding.conditions import Binder
from retention.planning.binding.names import NotFoundError, find_column, find_table
from retention.planning.binding.paths import Placed, related_path

_WHOLE = frozenset({Kind.INTEGER, Kind.NUMERIC})


def not_its_own(began: Iterable[Component]) -> Iterator[tuple[str, str]]:
    """(found, write) where a record would begin with a row of another table: of several the latest counts, and who
    came back after a telling would no longer be concerned by it.
    """
    for component in began:
        if component.hops:
            yield (
                f"`{component.text}` is a column of another table, and a record begins with its own row",
                "name a column of the record's own row that is set once, when it is made; where there is none, add one"
                " with CURRENT_TIMESTAMP by default, and today in the rows that are there: what is told from now on"
                " concerns them",
            )


class Names:
    """Finds what is written in the catalogue, seen from a root table; NotFoundError for what is not there."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def column(self, root: Table, item: Placed) -> tuple[tuple[Hop, ...], Table, Column]:
        """The hops that lead to the column's table, that table, and the column."""
        *place, word = item.column.pieces
        hops: tuple[Hop, ...] = ()
        table = root
        if place:
            table = self._table(root, Name(pieces=tuple(place), text=".".join(place)))
            if table.id != root.id:
                hops = related_path(self._catalogue, root.id, table.id, item)
        return hops, table, find_column(self._catalogue, table, word)

    def value(self, root: Table, item: Placed) -> Value:
        """A column of which each record has one value at most: its own, or one of a row that it refers to."""
        hops, table, column = self.column(root, item)
        if any(hop.down for hop in hops):
            raise NotFoundError(
                f"`{item.column.text}` is in rows that refer to the record, of which there may be many",
                'name a column of the record, or of a row that it refers to; or { any = "TABLE", where = "…" }',
            )
        return Value(hops=hops, table=table.id, column=column)

    def fact(self, root: Table, item: Fact) -> BoundFact:
        """A value, related rows, or a condition over the root's own columns."""
        match item:
            case Condition():
                Binder(self._catalogue, root, p.Source(table=root.id, alias="f")).test(item.tree)
                return item
            case SomeRow(table=name, where=where, via=via):
                table = self._table(root, name)
                word = ColumnPath(column=Name(pieces=(*name.pieces, "*"), text=name.text), via=via)
                hops = related_path(self._catalogue, root.id, table.id, word)
                if where is not None:
                    Binder(self._catalogue, table, p.Source(table=table.id, alias="f")).test(where.tree)
                return Some(hops=hops, table=table.id, where=where)
            case _:
                return self.value(root, item)

    def period(self, root: Table, item: InstructedPeriod) -> Instructed:
        """A column of whole numbers."""
        value = self.value(root, item.path)
        if value.column.kind not in _WHOLE:
            raise NotFoundError(
                f"`{item.path.column.text}` is {value.column.type or 'untyped'}, no number",
                "name a column of whole numbers",
            )
        least, most = item.between
        return Instructed(value=value, unit=item.unit, least=least, most=most)

    def member(
        self, root: Table, pieces: Pieces, parts: Mapping[TableId, Table], shared: Collection[TableId]
    ) -> tuple[Table, Column]:
        """A column of the root, or of one of its `parts` by that table's name; `shared` are not only its own."""
        *place, word = pieces
        if not place:
            return root, find_column(self._catalogue, root, word)
        table = self._table(root, Name(pieces=tuple(place), text=".".join(place)))
        if table.id == root.id:
            raise NotFoundError(f"`{table.id}` is the dataset's own table", f'write "{word}" alone')
        if table.id in shared:
            raise NotFoundError(
                f"several records can refer to one row of `{table.id}`",
                "give the table a dataset and a rule of its own",
            )
        if table.id not in parts:
            found = f"`{table.id}` is no part of the record"
            raise NotFoundError(found, f'list it: parts = ["{table.id.name}"]')
        return parts[table.id], find_column(self._catalogue, parts[table.id], word)

    def _table(self, root: Table, name: Name) -> Table:
        """A table named without its schema is looked for beside the root first."""
        beside = None
        if len(name.pieces) == 1 and root.id.schema is not None:
            near = TableId(schema=root.id.schema, name=name.pieces[0])
            beside = root.id.schema if near in self._catalogue.tables else None
        return find_table(self._catalogue, name, beside)
