"""Of several rules that could act on one record, which one does: as tests, where the record must be seen."""

from __future__ import annotations

from collections.abc import Collection

from retention.model import predicate as p
from retention.model.policy import Rule
from retention.planning.binding.bound import BoundDataset, Job
from retention.planning.fates.acting import surely_later
from retention.planning.fates.actions import NEVER_MOVED, Actions, Referenced
from retention.planning.fates.chains import DELETE, RESTRICT, only_deletes, rank
from retention.planning.fates.results import cases
from retention.planning.fates.stops import always


class Competing(Actions):
    """Tests of one connector's jobs."""

    def could_go(self, job: Job, root: p.Source) -> p.Test:
        """Plain, of a record to which nothing refers and that no hold covers: some rule on the job's dataset deletes
        it, and none restricts it first."""
        every = [self.other(job, rule, job.bound) for rule in job.every]
        found = self._ended_and_free(job, [each for each in every if only_deletes(each)], root)
        for each in every:
            if not only_deletes(each) and (goes := self.comes_to(each, root, DELETE)) is not None:
                found.append(p.All(items=(self._ended(each, root), goes)))
        goes = found[0] if len(found) == 1 else p.AnyOf(items=tuple(found))
        restricted = self._restricted(job, root)
        return p.All(items=(goes, *(p.Untrue(item=test) for test in restricted))) if restricted else goes

    def deleted_unless_moved(self, job: Job, root: p.Source) -> p.Test:
        """Plain: some rule on the job's dataset has ended, and would delete the record if it were not moved first."""
        found = []
        for each in (self.other(job, rule, job.bound) for rule in job.every):
            ways = self.ways(each, root, NEVER_MOVED)
            deletes = tuple(way.test for way in ways if way.action == DELETE)
            if deletes:
                found.append(p.All(items=(self._ended(each, root), p.AnyOf(items=deletes))))
        return p.AnyOf(items=tuple(found))

    def _ended_and_free(self, job: Job, deleting: list[Job], root: p.Source) -> list[p.Test]:
        """Of rules that only delete: one has ended, and none that it yields to keeps the record."""
        found: list[p.Test] = []
        yielding: list[p.Test] = []
        for each in deleting:
            ended = self._ended(each, root)
            if _yields_to_all(each.rule):
                yielding.append(ended)
                continue
            kept = self.retained(job, each.rule, root, gone=False)
            found.append(ended if kept is None else p.All(items=(ended, p.Untrue(item=kept))))
        if yielding:  # one that has ended keeps nothing itself, and may be asked with the others
            keepers = [keeper.test for keeper in self.keepers(job, None, root, always)]
            free = () if not keepers else (p.Untrue(item=p.AnyOf(items=tuple(keepers))),)
            found.append(p.All(items=(p.AnyOf(items=tuple(yielding)), *free)))
        return found

    def _restricted(self, job: Job, root: p.Source) -> list[p.Test]:
        """A rule would restrict the row first, in this dataset or in another that is the same row."""
        found = []
        for rule in job.every:
            test = self._restricts(self.other(job, rule, job.bound), root)
            found += [] if test is None else [test]
        for share in self.sharing(job.bound):
            if share.whole and not share.other.sliced:
                for rule in self.rules_of(share.other):
                    test = self._restricts(self.other(job, rule, share.other), share.owner)
                    found += [] if test is None else [share.where(test, root)]
        return found

    def _restricts(self, job: Job, root: p.Source) -> p.Test | None:
        test = self.comes_to(job, root, RESTRICT)
        return None if test is None else p.All(items=(self._ended(job, root), test))

    def acts_instead(
        self,
        job: Job,
        rule: Rule,
        bound: BoundDataset,
        owner: p.Source,
        root: p.Source,
        *,
        action: str,
        referenced: Referenced,
        gone: bool,
        alike: p.Test | None = None,
    ) -> p.Test | None:
        """Plain, of a record on which nothing stops `action` of `job`: `rule` would act, and before it.

        `owner`: the record as one of `bound`, which may be another dataset than the job's over the same row; `alike`:
        where it has the same rows, as it must for one rule to delete both.
        """
        own = bound is job.bound
        other = self.other(job, rule, bound)
        if action == DELETE and only_deletes(other):
            deletes = self._deletes_instead(job, other, owner, root, gone=gone)
            return deletes if deletes is None or alike is None else p.All(items=(deletes, alike))
        found: list[p.Test] = []
        # What is to be deleted waits for what would restrict it, also where that waits for what refers to it.
        referenced = referenced.to_go if action == DELETE else referenced
        for way in self.ways(other, owner, referenced, gone=gone and own):
            if rank(way.action) > rank(action):
                continue
            tests = [way.test] if way.done is None else [way.test, p.Untrue(item=way.done)]
            if rank(way.action) == rank(action):
                later = self._later_than(other, owner, job, root, gone=gone)
                if later is None:
                    continue
                tests.append(later)
            if alike is not None and way.action == DELETE:
                tests.append(alike)
            found.append(p.All(items=tuple(tests)))
        if not found:
            return None
        ended = self.ended(rule, bound, job.told, owner, gone=gone and own)
        return p.All(items=(ended, p.AnyOf(items=tuple(found))))

    def comes_to_now(
        self,
        job: Job,
        root: p.Source,
        referenced: Referenced,
        some: Collection[str],
        *,
        row: p.Source | None = None,
    ) -> p.Test | None:
        """Plain: the rule has ended, and comes to one of these actions, which it has not done; None: it never does.

        `row`: one of a part of the record, of which it rewrites some column then.
        """
        found: list[p.Test] = []
        for said in self.chains(job, root):
            for way in self.ways_of(job, said, root, referenced):
                if way.action not in some:
                    continue
                undone = () if way.done is None else (p.Untrue(item=way.done),)
                left = undone if row is None else (self.left_in(job, said, root, row),)
                found.append(p.All(items=(way.test, *left)))
        return p.All(items=(self._ended(job, root), p.AnyOf(items=tuple(found)))) if found else None

    def _deletes_instead(
        self, job: Job, other: Job, owner: p.Source, root: p.Source, *, gone: bool
    ) -> p.Test | None:
        """The same of two that would delete the record."""
        own = other.bound is job.bound
        if own and surely_later(job.rule, other.rule):
            return None
        tests = [self.ended(other.rule, other.bound, job.told, owner, gone=gone and own)]
        kept = self.retained(other, other.rule, owner, gone=gone and own)
        if kept is not None and not _yields_to_all(job.rule):
            tests.append(p.Untrue(item=kept))
        if not (own and surely_later(other.rule, job.rule)):
            later = self._later_than(other, owner, job, root, gone=gone)
            if later is None:
                return None
            tests.append(later)
        return p.All(items=tuple(tests))

    def _later_than(
        self, other: Job, owner: p.Source, job: Job, root: p.Source, *, gone: bool
    ) -> p.Test | None:
        """Plain: the other has ended later, or is the first in the files; None where one of them never ends, and where
        what told when the job's rule did may be gone: then it had ended last."""
        if gone and self.read_elsewhere(job.rule, job.bound):
            return None
        before = (other.rule.order, _place(other.bound)) < (job.rule.order, _place(job.bound))
        left, right = self._endings(other, owner), self._endings(job, root)
        if not left or not right:
            return None
        return p.EndsAfter(left=left, right=right, or_same=before)

    def other(self, job: Job, rule: Rule, bound: BoundDataset) -> Job:
        """The job of another rule, on the same dataset or on another one of the same row."""
        if rule is job.rule and bound is job.bound:
            return job
        every = job.every if bound is job.bound else self.rules_of(bound)
        beside = tuple(each for each in every if each.name != rule.name)
        return Job(rule=rule, bound=bound, others=beside, told=job.told)

    def _ended(self, job: Job, root: p.Source) -> p.Test:
        return self.ended(job.rule, job.bound, job.told, root)

    def _endings(self, job: Job, root: p.Source) -> tuple[p.Ending, ...]:
        found: list[p.Ending] = []
        for case in cases(job.rule, job.bound, job.told):
            guard = self.guard(case, root)
            found += self.endings(case, root, p.All(items=()) if guard is None else guard)
        return tuple(found)


def _yields_to_all(rule: Rule) -> bool:
    return all(variant.yields_to is None for variant in rule.variants)


def _place(bound: BoundDataset) -> int:
    """The dataset's place in its connector's file."""
    return list(bound.connector.datasets).index(bound.dataset.name)
