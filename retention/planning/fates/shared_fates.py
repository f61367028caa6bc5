"""What parts that the record refers to mean for fate (DESIGN §4), and which of their rows go with a job.

Between a record and a shared row that is a record of another dataset, keeping and holding is as between all that
share a row; such a one that may have parts of its own, or share some, goes by the rules on its dataset alone: as a mere
row of another it would leave them behind. Two records that refer to one row have nothing to do with each other: it
stays with the one that stays.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from retention.model import predicate as p
from retention.model.catalogue import Catalogue, Reference, TableId
from retention.planning.binding.bound import BoundDataset, Job, Ruled, Shared
from retention.planning.binding.shared_parts import by_themselves
from retention.planning.fates.acting import never_acts
from retention.planning.fates.actions import Referenced
from retention.planning.fates.chains import DELETE
from retention.planning.fates.fate import Fates
from retention.planning.fates.holding import NOTHING_HELD, Holding
from retention.planning.fates.sharing import Share
from retention.planning.fates.stops import Instead


@dataclass(frozen=True, kw_only=True)
class SharedRows:
    """Rows of `source` that go with a job where `goes` is true of them; `mere`, of the row alone: they are no records
    that go by rules of their own. None where none is.
    """

    shared: Shared
    source: p.Source
    goes: p.Test
    mere: p.Test | None = None


@dataclass(frozen=True, kw_only=True)
class Staying:
    """Rows of `source` that pass `where`, seen from a record, stay and keep its shared row by `reference`.

    `keeps`: whether such a row keeps the one of a source.
    """

    reference: Reference
    source: p.Source
    where: p.Test
    keeps: Callable[[p.Source], p.Test]


class SharedFates(Fates):
    """Predicates of one connector's jobs, of which records may refer to rows that are parts of theirs."""

    def __init__(
        self,
        catalogue: Catalogue,
        acting: Sequence[Job],
        as_of: datetime,
        holding: Holding = NOTHING_HELD,
        every: Sequence[Ruled] = (),
    ) -> None:
        super().__init__(catalogue, acting, as_of, holding, every)
        self._sharing_at_all |= any(ruled.bound.shared for ruled in every)

    def sharing(self, bound: BoundDataset) -> tuple[Share, ...]:
        found = [*super().sharing(bound)]
        for ruled in self._every:
            other = ruled.bound
            if other is bound:
                continue
            found += [
                self._row(bound, item, other) for item in bound.shared if item.table.id == other.root.id
            ]
            found += [
                self._user(bound, item, other) for item in other.shared if item.table.id == bound.root.id
            ]
        return tuple(found)

    def instead(
        self,
        job: Job,
        root: p.Source,
        visiting: tuple[Job, ...] = (),
        *,
        action: str = DELETE,
        referenced: Referenced | None = None,
        gone: bool = False,
        alone: bool = False,
    ) -> list[Instead]:
        found = super().instead(
            job, root, visiting, action=action, referenced=referenced, gone=gone, alone=alone
        )
        around = (*visiting, job)
        for other in () if alone else self._taking(job.bound.root.id, self._deleting):
            if all(other.bound is not each.bound for each in around):
                for item in self._of(other, job.bound.root.id):
                    owner = self.source(other.bound.root.id)
                    linked = self._refers_to_row(other.bound, item, owner, root)
                    goes = self._row_goes_there(other, item, root, around)
                    test = p.All(items=(goes, p.Exists(source=owner, where=linked)))
                    found.append(Instead(test=test, bound=other.bound, owner=owner))
        return found

    def shared_rows(self, job: Job) -> tuple[SharedRows, ...]:
        """The rows of each shared part that go with the records of `job`, and not already with those of another."""
        found = []
        for item in self._of(job):
            source = self.source(item.table.id)
            goes = [self._row_goes(job, item, source, ())]
            goes += (
                p.Untrue(item=self._row_goes_there(other, its, source, ()))
                for other in self._taking(item.table.id, self._earlier(job))
                if _of_both(job.bound, item, other.bound)
                for its in self._of(other, item.table.id)
            )
            mere = p.All(items=tuple(records)) if (records := self._mere(item, source)) else None
            found.append(SharedRows(shared=item, source=source, goes=p.All(items=tuple(goes)), mere=mere))
        return tuple(found)

    def staying_beside(
        self, job: Job, item: Shared, root: p.Source
    ) -> tuple[p.Source, p.Test, tuple[Staying, ...]]:
        """The shared rows that the record of `root` refers to: a source, and which they are; and what keeps them
        though this record goes: rows outside the record that stay when the job is done."""

        def staying(reference: Reference) -> Staying:
            source, row = self.source(reference.table), self.source(item.table.id)
            own: list[p.Test] = []
            if reference.table in job.bound.members:
                own.append(p.Untrue(item=self.belongs(job.bound, reference.table, source, root)))
            stays = (*own, *self._stays_after(job, reference.table, source, ()))
            mine = self._refers_to_row(job.bound, item, root, row)
            linked = p.All(items=(self.refers(reference, source, row), mine))
            where = p.All(items=(p.Exists(source=row, where=linked), *stays))

            def keeps(of: p.Source) -> p.Test:
                return p.Exists(
                    source=source, where=p.All(items=(self.refers(reference, source, of), *stays))
                )

            return Staying(reference=reference, source=source, where=where, keeps=keeps)

        row = self.source(item.table.id)
        return row, self._refers_to_row(job.bound, item, root, row), tuple(map(staying, item.referring))

    def by_rules_of_its_own(self, item: Shared, row: p.Source) -> list[tuple[BoundDataset, p.Test]]:
        """Each dataset of which the shared row can be a record that goes by the rules on that alone, and that it is."""
        return [(bound, self.a_record(bound, row)) for bound in by_themselves(item, self._datasets)]

    # -- records and rows ------------------------------------------------------------------

    @property
    def _datasets(self) -> list[BoundDataset]:
        return [ruled.bound for ruled in self._every]

    def _around(self, job: Job, visiting: tuple[Job, ...]) -> list[Share]:
        """A shared row and what refers to it are told apart: neither is part of the other from end to end."""
        return [share for share in super()._around(job, visiting) if not share.apart]

    def _row(self, bound: BoundDataset, item: Shared, other: BoundDataset) -> Share:
        """The shared row is a record of `other`."""
        owner = self.source(other.root.id)

        def where(test: p.Test, root: p.Source) -> p.Test:
            record = p.All(
                items=(self._refers_to_row(bound, item, root, owner), self.a_record(other, owner), test)
            )
            return p.Exists(source=owner, where=record)

        return Share(
            other=other, table=item.table.id, owner=owner, where=where, whole=False, within=False, apart=True
        )

    def _user(self, bound: BoundDataset, item: Shared, other: BoundDataset) -> Share:
        """The record is a shared row of records of `other`."""
        owner = self.source(other.root.id)

        def where(test: p.Test, root: p.Source) -> p.Test:
            record = p.All(
                items=(self._refers_to_row(other, item, owner, root), self.a_record(other, owner), test)
            )
            return p.Exists(source=owner, where=record)

        return Share(
            other=other, table=item.table.id, owner=owner, where=where, whole=False, within=False, apart=True
        )

    def _refers_to_row(self, bound: BoundDataset, item: Shared, root: p.Source, row: p.Source) -> p.Test:
        """The record of `root` refers to the shared row."""
        found: list[p.Test] = []
        for link in item.links:
            if link.table == bound.root.id:
                found.append(self.refers(link, root, row))
                continue
            member = self.source(link.table)
            belongs = self.belongs(bound, link.table, member, root)
            linked = p.All(items=(self.refers(link, member, row), belongs))
            found.append(p.Exists(source=member, where=linked))
        return found[0] if len(found) == 1 else p.AnyOf(items=tuple(found))

    # -- which rows go ---------------------------------------------------------------------

    def _goes_first(self, table: TableId, referring: p.Source, visiting: tuple[Job, ...]) -> Iterable[p.Test]:
        yield from super()._goes_first(table, referring, visiting)
        for job in self._taking(table, self._earlier(visiting[-1])):
            if all(job.bound is not each.bound for each in visiting):
                for item in self._of(job, table):
                    yield p.Untrue(item=self._row_goes_there(job, item, referring, visiting))

    def _taking(self, table: TableId, jobs: Iterable[Job]) -> list[Job]:
        """Those of which rows of `table` are shared parts."""
        return [job for job in jobs if job in self._deleting and self._of(job, table) and not never_acts(job)]

    def _of(self, job: Job, table: TableId | None = None) -> list[Shared]:
        """The shared parts, over the table where one is named, of which a row can go with records of the job."""
        return [item for item in job.bound.leaving if table in (None, item.table.id)]

    def _mere(self, item: Shared, row: p.Source) -> list[p.Test]:
        """The shared row is no record that goes by rules of its own."""
        return [p.Untrue(item=test) for _, test in self.by_rules_of_its_own(item, row)]

    def _row_goes_there(
        self,
        job: Job,
        item: Shared,
        row: p.Source,
        visiting: tuple[Job, ...],
        through: frozenset[TableId] = frozenset(),
    ) -> p.Test:
        """The same, written down once for its whole tree: each place where it is asked would be deep by itself."""
        around = sorted({str(each.bound) for each in visiting})
        what = ("rows", job.name, *around, str(item.table.id), *sorted(map(str, through)))
        key = item.table.key
        if what not in self._definitions:
            own = self.source(item.table.id)
            where = self._row_goes(job, item, own, visiting, through)
            self._definitions[what] = f"{self._prefix}goes{len(self._definitions) + 1}", own, where
        word, rows, passing = self._definitions[what]
        fields, keys = self._fields(row, key), self._fields(rows, key)
        return p.Defined(fields=fields, name=word, root=rows, key=keys, where=passing)

    def _row_goes(
        self,
        job: Job,
        item: Shared,
        row: p.Source,
        visiting: tuple[Job, ...],
        through: frozenset[TableId] = frozenset(),
    ) -> p.Test:
        """A record that `job` deletes refers to the row, and when the job is done nothing does.

        `through`: tables of shared rows that it is being asked for.
        """
        owner = self.source(job.bound.root.id)
        linked = p.Exists(
            source=owner,
            where=p.All(
                items=(
                    self._refers_to_row(job.bound, item, owner, row),
                    self._gone_by(job, (job,), owner, visiting),
                )
            ),
        )
        tests: list[p.Test] = [*self._mere(item, row), linked]
        around = through | {item.table.id}
        for reference in item.referring:
            other = self.source(reference.table)
            stays = self._stays_after(job, reference.table, other, visiting, around)
            refers = p.All(items=(self.refers(reference, other, row), *stays))
            tests.append(p.Untrue(item=p.Exists(source=other, where=refers)))
        return p.All(items=tuple(tests))

    def _stays_after(
        self,
        job: Job,
        table: TableId,
        row: p.Source,
        visiting: tuple[Job, ...],
        through: frozenset[TableId] = frozenset(),
    ) -> list[p.Test]:
        """The row of `table` is still there when `job` is done."""
        until = (*self._earlier(job), job)
        found: list[p.Test] = []
        for bound in _of_jobs(until):
            if table in bound.members and all(bound is not each.bound for each in visiting):
                jobs = tuple(each for each in until if each.bound is bound)
                gone = functools.partial(self._gone_by, jobs[0], jobs, visiting=visiting)
                found.append(p.Untrue(item=self._of_record(bound, table, row, gone)))
        for other in () if table in through else self._taking(table, until):
            goes = (
                self._row_goes_there(other, shared, row, visiting, through)
                for shared in self._of(other, table)
            )
            found.extend(p.Untrue(item=test) for test in goes)
        return found

    def _gone_by(self, job: Job, jobs: tuple[Job, ...], root: p.Source, visiting: tuple[Job, ...]) -> p.Test:
        """The row of `root` is a record that one of `jobs`, on the dataset of `job`, deletes; and not another job, as a
        part of a record of its own."""
        acting = tuple(e for e in self._deleting if e.bound is job.bound and not never_acts(e))
        mine = tuple(each for each in jobs if each in self._deleting and not never_acts(each))
        if mine == acting and not any(job.bound.inside(ruled.bound) for ruled in self._every):
            return self._goes_of(job.bound, root, visiting=visiting)
        going = (self._going(each, root, visiting=visiting) for each in mine)
        return p.AnyOf(items=tuple(going))


def _of_both(bound: BoundDataset, item: Shared, other: BoundDataset) -> bool:
    """One row that refers to a shared one can be of a record of both, and go with both."""
    return other is not bound and any(link.table in other.members for link in item.links)


def _of_jobs(jobs: Iterable[Job]) -> list[BoundDataset]:
    return list({id(job.bound): job.bound for job in jobs}.values())
