"""Records that share a part: each waits for the others, and which of these go."""

from __future__ import annotations

import abc

from retention.model import predicate as p
from retention.planning.binding.bound import BoundDataset, Job
from retention.planning.fates.fleeting import Fleeting
from retention.planning.fates.sharing import Share


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
            goes = self._goes_of(share.other, share.owner, visiting=visiting)
            found.append((share, share.where(p.Untrue(item=goes), root)))
        return found

    def sharing_apart(
        self, job: Job, root: p.Source, visiting: tuple[Job, ...]
    ) -> list[tuple[Share, p.Test]]:
        found = []
        for share in self._around(job, visiting):
            if share.whole or share.table == share.other.root.id or self._goes_with(job, share):
                continue
            if share.table in job.bound.parts_with(share.other):  # they could only go together, and can't
                found.append((share, share.where(p.All(items=()), root)))
                continue
            goes = self._goes_of(share.other, share.owner, visiting=(*visiting, job))
            found.append((share, share.where(p.Untrue(item=goes), root)))
        return found

    def shared_together(self, job: Job) -> list[Share]:
        return [share for share in self._around(job, ()) if self._goes_with(job, share)]

    def _goes_with(self, job: Job, share: Share) -> bool:
        return any(share.other is each for each in self.together(job.bound))

    def _shared_in_batch(self, job: Job, root: p.Source, share: Share) -> p.Test:
        """A record shares a part that does not go in the same batch."""
        if not self.several:
            return share.where(p.All(items=()), root)
        return share.where(p.Untrue(item=self._beside_it(job.bound, share.other, share.owner)), root)

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
