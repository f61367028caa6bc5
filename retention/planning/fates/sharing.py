"""Records that share rows, and records that refer to each other: what happens to one decides about the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from retention.model import predicate as p
from retention.model.catalogue import Catalogue, TableId
from retention.model.policy import Rule
from retention.planning.binding.bound import BoundDataset, Job, Outside, Ruled
from retention.planning.fates.since import Since
from retention.planning.fates.substituting import seen_from


@dataclass(frozen=True, kw_only=True)
class Share:
    """Rows of `table` belong to records of a dataset and of `other`, whose root is the source `owner`.

    `where(test, root)`: some record of `other` that shares a row with that of `root` passes `test`, over `owner`.
    `whole`: both datasets have the table as their root: the two are one row. `within`: this dataset's root is a
    row of the other's record. `apart`: one of them refers to the other, of which the row is a shared part.
    """

    other: BoundDataset
    table: TableId
    owner: p.Source
    where: Callable[[p.Test, p.Source], p.Test]
    whole: bool
    within: bool
    apart: bool = False


class Sharing(Since):
    """Tests over the records of one connector's datasets, of which rows may belong to several."""

    def __init__(self, catalogue: Catalogue, as_of: datetime, every: Sequence[Ruled]) -> None:
        """`every`: all datasets of the connector, each with its rules."""
        super().__init__(catalogue, as_of)
        self._every = tuple(every)

    @property
    def ruled(self) -> tuple[Ruled, ...]:
        """All datasets, each with its rules."""
        return self._every

    def rules_of(self, bound: BoundDataset) -> tuple[Rule, ...]:
        """Every rule that reaches the dataset."""
        return next((ruled.rules for ruled in self._every if ruled.bound is bound), ())

    def a_record(self, bound: BoundDataset, root: p.Source) -> p.Test:
        """The row of `root` is a record of the dataset: its `where` is not false."""
        scope = self.scope(bound, root)
        return p.All(items=()) if scope is None else p.Untrue(item=p.Not(item=scope))

    def sharing(self, bound: BoundDataset) -> tuple[Share, ...]:
        """Every way in which a record of the dataset shares a row with one of another dataset."""
        return tuple(
            self._share(bound, ruled.bound, table)
            for ruled in self._every
            if ruled.bound is not bound
            for table in sorted(bound.members & ruled.bound.members, key=str)
        )

    def same_rows(self, bound: BoundDataset) -> Iterator[Share]:
        """The datasets of which a record is the very row of one of this dataset, or a slice of it."""
        return (share for share in self.sharing(bound) if share.whole)

    def own_ends(self, job: Job, root: p.Source) -> tuple[p.Test, ...]:
        """Also by the rules on other datasets, for a row that is a record of theirs, and that it is none."""
        found = super().own_ends(job, root)
        for share in self.same_rows(job.bound):
            ends = self._ends(self.rules_of(share.other), share.other, job.told, share.owner)
            found += tuple(share.where(end, root) for end in ends)
            if share.other.where is not None:
                found += (p.Untrue(item=share.where(p.All(items=()), root)),)
        return found

    def referred_to_by(
        self,
        bound: BoundDataset,
        root: p.Source,
        item: Outside,
        holder: BoundDataset,
        test: Callable[[p.Source], p.Test | None],
    ) -> p.Test | None:
        """A row of a record of `holder` that passes `test` refers, by `item`, to the record of `root`."""
        row = self.source(item.reference.table)
        owner = row if item.reference.table == holder.root.id else self.source(holder.root.id)
        passed = test(owner)
        if passed is None:
            return None
        leaf: p.Test = p.All(items=(passed, self.a_record(holder, owner)))
        record = self._of_record(holder, item.reference.table, row, lambda _: leaf, root=owner)

        def refers(target: p.Source) -> p.Test:
            joined = self.refers(item.reference, row, target)
            return p.Exists(source=row, where=p.All(items=(joined, record)))

        return self._downward(bound, root, item.reference.target, refers)

    def _of_the_same_row(
        self, bound: BoundDataset, record: p.Test, owner: p.Source, root: p.Source
    ) -> p.Test:
        """`record`, over `owner`, of the row of `root`, which is a record of both datasets."""
        return seen_from(record, owner, root)

    def _share(self, bound: BoundDataset, other: BoundDataset, table: TableId) -> Share:
        whole = table == bound.root.id == other.root.id
        owner = self.source(other.root.id)

        def where(test: p.Test, root: p.Source) -> p.Test:
            record = p.All(items=(self.a_record(other, owner), test))
            if whole:
                return self._of_the_same_row(bound, record, owner, root)

            def belongs(row: p.Source) -> p.Test:
                return self._of_record(other, table, row, lambda _: record, root=owner)

            return self._downward(bound, root, table, belongs, end=owner if table == other.root.id else None)

        within = table == bound.root.id and not whole
        return Share(other=other, table=table, owner=owner, where=where, whole=whole, within=within)
