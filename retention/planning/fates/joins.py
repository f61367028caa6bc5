"""How rows of several tables belong together, as tests over sources: along references, up to a record's root."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from retention.model import predicate as p
from retention.model.catalogue import Catalogue, Column, Reference, TableId
from retention.planning.binding.bound import BoundDataset, Component, Hop, Outside, Some, Value
from retention.planning.binding.conditions import Binder


class Joins:
    """Makes sources, each under an alias of its own, and the tests that join them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._aliases = 0

    def _along(
        self,
        hops: tuple[Hop, ...],
        start: p.Source,
        leaf: Callable[[p.Source], p.Test],
        *,
        end: p.Source | None = None,
    ) -> p.Test:
        """Some row at the end of `hops`, seen from `start`, passes `leaf`; by the source `end`, where one is given."""
        if not hops:
            return leaf(start)
        source = end if end is not None and len(hops) == 1 else self.source(hops[0].arrives)
        joined = self._hop(hops[0], start, source)
        further = self._along(hops[1:], source, leaf, end=end)
        return p.Exists(source=source, where=p.All(items=(joined, further)))

    def value(self, value: Value, root: p.Source) -> p.Field | p.Lookup:
        """A column of the root's row, or of the one row that its hops lead up to."""
        if not value.hops:
            return self._column(root, value.column)
        source, table = self.source(value.table), self._catalogue.tables[value.table]
        return p.Lookup(
            field=self._column(source, value.column),
            where=self._joined(value.hops, root, source),
            single=set(table.key) == set(value.hops[-1].reference.target_columns),
            rows=table.rows_estimate,
        )

    def some(self, fact: Some, root: p.Source) -> p.Test:
        """Some related row passes the condition; unknown where none does and of one that can't be told."""
        if fact.where is None:
            return self._along(fact.hops, root, lambda _: p.All(items=()))
        tree, table = fact.where.tree, self._catalogue.tables[fact.table]

        def passes(source: p.Source) -> p.Test:
            return Binder(self._catalogue, table, source).test(tree)

        return p.Either(
            true=self._along(fact.hops, root, lambda source: p.IsTrue(item=passes(source))),
            unknown=self._along(fact.hops, root, lambda source: p.IsUnknown(item=passes(source))),
        )

    def _column(self, source: p.Source, column: Column) -> p.Field:
        return p.Field(source=source, column=column.name, kind=column.kind, type=column.type)

    def _joined(self, hops: tuple[Hop, ...], start: p.Source, end: p.Source) -> p.Test:
        """The row of `end` is at the end of `hops`, seen from `start`."""
        if len(hops) == 1:
            return self._hop(hops[0], start, end)
        between = self.source(hops[-2].arrives)
        return p.Exists(
            source=between,
            where=p.All(
                items=(self._hop(hops[-1], between, end), self._joined(hops[:-1], start, between)),
            ),
        )

    def _hop(self, hop: Hop, start: p.Source, end: p.Source) -> p.Test:
        referring, referred = (end, start) if hop.down else (start, end)
        return self.refers(hop.reference, referring, referred)

    def refers(self, reference: Reference, referring: p.Source, referred: p.Source) -> p.Test:
        """The row of `referring` refers to that of `referred`."""
        return p.SameValues(
            left=self._fields(referring, reference.columns),
            right=self._fields(referred, reference.target_columns),
        )

    def belongs(self, bound: BoundDataset, table: TableId, row: p.Source, root: p.Source) -> p.Test:
        """`row` of `table`, a member of the record, belongs to the record of `root`."""
        if table == bound.root.id:
            names = tuple(column.name for column in bound.key)
            return p.SameValues(left=self._fields(row, names), right=self._fields(root, names))
        reference = bound.part(table).reference
        if reference.target == bound.root.id:
            return self.refers(reference, row, root)
        between = self.source(reference.target)
        up = self.belongs(bound, reference.target, between, root)
        return p.Exists(source=between, where=p.All(items=(self.refers(reference, row, between), up)))

    def _downward(
        self,
        bound: BoundDataset,
        root: p.Source,
        table: TableId,
        leaf: Callable[[p.Source], p.Test],
        *,
        end: p.Source | None = None,
    ) -> p.Test:
        """Some row of the member `table` of this record passes `leaf`; by the source `end`, where one is given."""
        chain = bound.chain(table)
        hops = tuple(Hop(reference=reference, down=True) for reference in reversed(chain))
        return self._along(hops, root, leaf, end=end)

    def _of_record(
        self,
        bound: BoundDataset,
        table: TableId,
        row: p.Source,
        leaf: Callable[[p.Source], p.Test],
        *,
        root: p.Source | None = None,
    ) -> p.Test:
        """The row, of a member of the record, is or belongs to a record that passes `leaf`; of a part by the source
        `root`, where one is given.

        Step by step, so that each table is entered by the key that the one below refers to: where the steps are
        looked at from the root, MariaDB reads all roots for each row.
        """
        if table == bound.root.id:
            return leaf(row)
        reference = bound.part(table).reference
        above = (
            root if root is not None and reference.target == bound.root.id else self.source(reference.target)
        )
        passes = self._of_record(bound, reference.target, above, leaf, root=root)
        return p.Exists(source=above, where=p.All(items=(self.refers(reference, row, above), passes)))

    def _handed(self, bound: BoundDataset, root: p.Source, *, beside: str = "") -> p.Test:
        return p.Handed(fields=self._key(bound, root), beside=beside)

    def _key(self, bound: BoundDataset, root: p.Source) -> tuple[p.Field, ...]:
        return self._fields(root, (column.name for column in bound.key))

    def _referred_record(
        self, bound: BoundDataset, item: Outside
    ) -> tuple[tuple[p.Source, ...], p.Source, Callable[[p.Source], p.Test]]:
        """Sources, the root among them, of the record that a row refers to, and what links the row to it."""
        reference = item.reference
        member = self.source(reference.target)
        above, links = self._up(bound, reference.target, member)
        if not above:
            return (member,), member, lambda row: self.refers(reference, row, member)
        return (
            (member, *above),
            above[-1],
            lambda row: p.All(items=(self.refers(reference, row, member), *links)),
        )

    def _up(self, bound: BoundDataset, table: TableId, row: p.Source) -> tuple[list[p.Source], list[p.Test]]:
        """Every row between a part's and its record's root, the last, and what links them."""
        found, tests = [row], list[p.Test]()
        for step in bound.chain(table):
            found.append(self.source(step.target))
            tests.append(self.refers(step, found[-2], found[-1]))
        return found[1:], tests

    def _in_rings(self, bound: BoundDataset) -> Iterator[p.Pairs]:
        """A record of each ring of rows that can't be loosened, table by table."""
        for table in dict.fromkeys(item.reference.table for item in bound.stubborn):
            key = tuple(c.name for c in bound.key) if table == bound.root.id else bound.part(table).table.key
            edges = []
            for item in bound.stubborn:
                if item.reference.table == table:
                    row, other = self.source(table), self.source(table)
                    fields = (*self._fields(row, key), *self._fields(other, key))
                    linked = self.refers(item.reference, row, other)
                    edges.append(p.Pairs(sources=(row, other), where=linked, fields=fields))
            row = self.source(table)
            rings = p.Rings(name=f"{row.alias}rings", edges=tuple(edges))
            turns = p.Reached(fields=self._fields(row, key), closure=rings)
            if table == bound.root.id:
                yield p.Pairs(sources=(row,), where=turns, fields=self._key(bound, row))
                continue
            root = self.source(bound.root.id)
            belongs = p.All(items=(self.belongs(bound, table, row, root), turns))
            yield p.Pairs(sources=(row, root), where=belongs, fields=self._key(bound, root))

    def source(self, table: TableId) -> p.Source:
        """The table under a new alias."""
        self._aliases += 1
        only = self._catalogue.tables[table].only
        return p.Source(table=table, alias=f"t{self._aliases}", only=only)

    def _field(self, source: p.Source, component: Component) -> p.Field:
        column = component.column
        return p.Field(
            source=source,
            column=column.name,
            kind=column.kind,
            type=column.type,
            encoding=component.encoding,
        )

    def _fields(self, source: p.Source, names: Iterable[str]) -> tuple[p.Field, ...]:
        columns = self._catalogue.tables[source.table].columns
        return tuple(
            p.Field(source=source, column=name, kind=columns[name].kind, type=columns[name].type)
            for name in names
        )
