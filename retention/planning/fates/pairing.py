"""Pairs of records of which one waits for the other: since it refers to it, or since a row belongs to both."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from retention.model import predicate as p
from retention.model.catalogue import TableId
from retention.planning.binding.bound import BoundDataset, Outside
from retention.planning.fates.competing import Competing

Leaf = Callable[[p.Source], p.Test]
"""What is asked of a record, by the source of its root."""


class Pairing(Competing):
    """Rows of keys, of records of one connector's datasets."""

    def _kept_by(
        self,
        bound: BoundDataset,
        item: Outside,
        alone: Sequence[tuple[BoundDataset, Leaf]],
        could: Leaf,
    ) -> p.Pairs:
        """Records of which `could` is true, and that a row refers to which is of no record of the datasets of `alone`
        of which that is true."""
        reference = item.reference
        row, (sources, root, linked) = self.source(reference.table), self._referred_record(bound, item)
        tests: list[p.Test] = [linked(row)]
        for of, goes in alone:
            if of is bound:
                tests.append(p.Untrue(item=self.belongs(bound, reference.table, row, root)))
            tests.append(p.Untrue(item=self._of_record(of, reference.table, row, goes)))
        tests.append(could(root))
        return p.Pairs(
            sources=(row, *sources), where=p.All(items=tuple(tests)), fields=self._key(bound, root)
        )

    def _between(
        self,
        bound: BoundDataset,
        item: Outside,
        *,
        of: BoundDataset | None = None,
        going: Callable[[p.Source], p.Test] | None = None,
        records: bool = False,
    ) -> p.Pairs:
        """(key, key) of rows of which the first, of a record of `of`, refers to the second; of the same dataset, where
        it is not given. `going`: only to records of which it is true.

        `records`: only from one that is a record to another.
        """
        of, reference = of or bound, item.reference
        row, (sources, root, linked) = self.source(reference.table), self._referred_record(bound, item)
        owner, tests = row, [linked(row)]
        if reference.table != of.root.id:
            above, links = self._up(of, reference.table, row)
            owner, tests, sources = above[-1], [*tests, *links], (*above, *sources)
        keys = self._key(of, owner), self._key(bound, root)
        if of is bound:
            tests.append(p.Untrue(item=p.SameValues(left=keys[0], right=keys[1])))
        if going is not None:
            tests.append(going(root))
        if records:
            tests += (self.a_record(of, owner), self.a_record(bound, root))
        return p.Pairs(sources=(row, *sources), where=p.All(items=tuple(tests)), fields=(*keys[0], *keys[1]))

    def _sharers(
        self,
        of: BoundDataset,
        to: BoundDataset,
        table: TableId,
        going: Leaf | None = None,
        *,
        stays: Callable[[p.Source, p.Source], p.Test] | None = None,
        only: bool = False,
    ) -> p.Pairs:
        """(key, key) of a record of `of`, and of one of `to`, to both of which the same row of `table` belongs.

        `going`: only of those of `to` of which it is true; `stays`: and this of both. `only`: the second key alone.
        """
        row = self.source(table)
        above, tests = self._up(of, table, row)
        beside, others = self._up(to, table, row)
        owner, root = (row, *above)[-1], (row, *beside)[-1]
        tests += others
        tests += (self.a_record(of, owner), self.a_record(to, root))
        tests += () if stays is None else (stays(owner, root),)
        tests += () if going is None else (going(root),)
        here = () if only else self._key(of, owner)
        return p.Pairs(
            sources=(row, *above, *beside),
            where=p.All(items=tuple(tests)),
            fields=(*here, *self._key(to, root)),
        )

    def _by_way_of(
        self, above: BoundDataset, within: BoundDataset, table: TableId, to: BoundDataset, going: Leaf
    ) -> p.Pairs:
        """(key, key) of a record of `above`, and of one of `to` to which a row of `table` belongs that is a part of a
        record of `within`, too, which is a part of the first, or the same row."""
        row = self.source(table)
        beside, tests = self._up(to, table, row)
        inner, links = self._up(within, table, row)
        outer, others = self._up(above, within.root.id, inner[-1])
        root = (row, *beside)[-1]
        keys = self._key(above, (*inner, *outer)[-1]), self._key(to, root)
        tests += (*links, *others, self.a_record(within, inner[-1]), going(root))
        if above is to:
            tests.append(p.Untrue(item=p.SameValues(left=keys[0], right=keys[1])))
        return p.Pairs(
            sources=(row, *beside, *inner, *outer),
            where=p.All(items=tuple(tests)),
            fields=(*keys[0], *keys[1]),
        )
