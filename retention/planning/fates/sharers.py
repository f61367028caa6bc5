"""Records that share a part: each waits for the others, and which of these go."""

from __future__ import annotations

import abc
import functools
from collections.abc import Callable, Iterable
from typing import TypeAlias

from retention.model import predicate as p
from retention.model.catalogue import TableId
from retention.planning.binding.bound import BoundDataset, Job
from retention.planning.fates.fleeting import Fleeting
from retention.planning.fates.sharing import Share

Goes: TypeAlias = "Callable[[BoundDataset, p.Source], p.Test]"
"""A record of the dataset, by the source of its root, goes."""


class Sharers(Fleeting, abc.ABC):
    """Tests of one connector's jobs."""

    several = False
    """Records of several datasets of a circle are handed over together."""

    @abc.abstractmethod
    def _goes_of(self, bound: BoundDataset, root: p.Source, *, visiting: tuple[Job, ...]) -> p.Test:
        """The row of `root` is a record of `bound` that some job of this plan deletes."""

    def staying(self, job: Job, root: p.Source, visiting: tuple[Job, ...] = ()) -> list[tuple[Share, p.Test]]:
        """By each way of sharing a part: a record that stays shares it."""
        found = self.sharing_apart(job, root, visiting)
        for share in self.shared_together(job):
            goes = functools.partial(self._goes_of, visiting=visiting)
            stays = self._stays_beside(share, goes, self.together(job.bound))
            found.append((share, self.shared_with(job.bound, share, stays, root)))
        return found

    def sharing_apart(
        self, job: Job, root: p.Source, visiting: tuple[Job, ...]
    ) -> list[tuple[Share, p.Test]]:
        found, around = [], (*visiting, job)
        every = (ruled.bound for ruled in self._every)
        others = [bound for bound in every if all(bound is not each.bound for each in around)]
        for share in self._waiting_for(job, visiting):
            if self._goes_with(job, share):
                continue
            stays: p.Test = p.All(items=())  # those with a part in common could only go together, and can't
            if share.table not in job.bound.parts_with(share.other):
                stays = self._stays_beside(share, functools.partial(self._goes_of, visiting=around), others)
            found.append((share, self.shared_with(job.bound, share, stays, root)))
        return found

    def shared_together(self, job: Job) -> list[Share]:
        return [share for share in self._waiting_for(job, ()) if self._goes_with(job, share)]

    def shared_with(self, bound: BoundDataset, share: Share, test: p.Test, root: p.Source) -> p.Test:
        """Some record that shares a row with that of `root`, and is no part of it, passes `test`."""
        if not share.other.inside(bound):
            return share.where(test, root)
        apart = p.Untrue(item=self.belongs(bound, share.other.root.id, share.owner, root))
        return share.where(p.All(items=(test, apart)), root)

    def _goes_with(self, job: Job, share: Share) -> bool:
        return any(share.other is each for each in self.together(job.bound))

    def _stays_beside(self, share: Share, goes: Goes, every: Iterable[BoundDataset]) -> p.Test:
        """The record that shares a row stays: it does not go, nor does one of `every`, of which it is a part."""
        other, owner = share.other, share.owner
        tests = [goes(other, owner)]
        tests += (
            self._of_record(above, other.root.id, owner, functools.partial(goes, above))
            for above in every
            if other.inside(above)
        )
        return p.Untrue(item=p.AnyOf(items=tuple(tests)))

    def _shared_in_batch(self, job: Job, root: p.Source, share: Share) -> p.Test:
        """A record shares a part that does not go in the same batch."""

        def goes(of: BoundDataset, owner: p.Source) -> p.Test:
            if not self.several and of is not job.bound:
                return p.AnyOf(items=())
            return self._beside_it(job.bound, of, owner)

        stays = self._stays_beside(share, goes, self.together(job.bound))
        return self.shared_with(job.bound, share, stays, root)

    def _beyond(
        self, bound: BoundDataset, root: p.Source, other: BoundDataset, owner: p.Source
    ) -> p.Test | None:
        """The record of `root`, which is a part of that of `owner`, or the same row, has rows that are none of that
        one's; None where it can have none."""
        found = []
        for table in sorted(bound.members - {bound.root.id}, key=str):
            if table not in other.members:
                found.append(self._downward(bound, root, table, lambda _: p.All(items=())))
            elif not bound.reached_alike(table, other):

                def elsewhere(row: p.Source, table: TableId = table) -> p.Test:
                    return p.Untrue(item=self.belongs(other, table, row, owner))

                found.append(self._downward(bound, root, table, elsewhere))
        return p.AnyOf(items=tuple(found)) if found else None

    def _deleted_with(
        self, job: Job, share: Share, root: p.Source, goes: Callable[[], p.Test]
    ) -> tuple[p.Test | None, p.Test | None]:
        """Of a record of the same row: (which has the same rows, so that one of their rules deletes both; None where
        each has; which goes, and has these and others, so that this one goes as a part of it; None where none has)."""
        bound, other, owner = job.bound, share.other, share.owner
        mine, theirs = self._beyond(bound, root, other, owner), self._beyond(other, owner, bound, root)
        no_more = p.All(items=()) if mine is None else p.Untrue(item=mine)
        if theirs is None:
            return (None if mine is None else no_more), None
        return p.All(items=(no_more, p.Untrue(item=theirs))), p.All(items=(goes(), no_more, theirs))

    def _waiting_for(self, job: Job, visiting: tuple[Job, ...]) -> list[Share]:
        """Those of records that the job's wait for. They don't for what is a part of themselves, nor for anything
        because of a row that is theirs as a part of such."""
        return [
            share
            for share in self._around(job, visiting)
            if share.table != share.other.root.id
            and (share.within or not job.bound.reached_alike(share.table, share.other))
        ]

    def _around(self, job: Job, visiting: tuple[Job, ...]) -> list[Share]:
        """Other datasets that share rows with the job's, but for those that it is being asked for."""
        return [s for s in self.sharing(job.bound) if all(s.other is not other.bound for other in visiting)]

    def _beside_it(self, bound: BoundDataset, of: BoundDataset, root: p.Source) -> p.Test:
        """The record of `of` goes in the same batch as the one of `bound`."""
        name = "" if of is bound or of.circle is None else beside(of.circle.names.index(str(of)))
        return self._handed(of, root, beside=name)


def beside(place: int) -> str:
    """What the keys of a dataset at this place of a circle are handed over as, to statements about another of it."""
    return f"beside{place}_"
