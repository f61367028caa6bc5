"""What stops an action on a record whose clock has ended, but for rows that refer to it: holds, and other rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from retention.model import predicate as p
from retention.model.catalogue import Catalogue
from retention.model.policy import Rule
from retention.planning.bound import BoundDataset, Job, Outside
from retention.planning.holding import Holding, held_list
from retention.planning.order import surely_later
from retention.planning.results import Results, cases


class Stops(Results):
    """Tests of one connector's jobs."""

    def __init__(
        self,
        catalogue: Catalogue,
        acting: Sequence[Job],
        as_of: datetime,
        holding: Holding,
        every: Sequence[BoundDataset],
    ) -> None:
        """`holding`: what legal holds cover; `every`: all datasets of the connector, which may be held."""
        super().__init__(catalogue, as_of)
        self._acting = tuple(acting)
        self._holding = holding
        self._every = tuple(every)

    def held(
        self, bound: BoundDataset, rules: Sequence[Rule], root: p.Source, visiting: tuple[str, ...]
    ) -> p.Test | None:
        """Plain: a hold covers the record, or one that refers to it, directly or through others.

        Lists of held records are complete in themselves; what is held as a whole is followed here.
        """
        if not self._holding or str(bound) in visiting:
            return None
        if str(bound) in self._holding.datasets:
            return p.All(items=())
        found: list[p.Test] = []
        for rule in rules:
            if rule.name in self._holding.rules:
                if rule.where is None:
                    return p.All(items=())
                outside = p.IsTrue(item=p.Not(item=self.condition(bound, root, rule.where)))
                found.append(p.Untrue(item=outside))
        if str(bound) in self._holding.listed:
            found.append(p.Listed(fields=self._key(bound, root), name=held_list(bound)))
        for item in bound.outside:
            for holder in self._every:
                if item.reference.table in holder.members and holder is not bound:
                    found += self._held_by(bound, root, item, holder, (*visiting, str(bound)))
        return p.AnyOf(items=tuple(found)) if found else None

    def _held_by(
        self,
        bound: BoundDataset,
        root: p.Source,
        item: Outside,
        holder: BoundDataset,
        visiting: tuple[str, ...],
    ) -> list[p.Test]:
        """A row of a held record of `holder` refers to the record."""
        row = self.source(item.reference.table)
        owner = row if item.reference.table == holder.root.id else self.source(holder.root.id)
        held = self.held(holder, self._rules_of(holder), owner, visiting)
        if held is None:
            return []
        record = held if holder.where is None else p.All(items=(held, self.a_record(holder, owner)))
        if owner is not row:
            belongs = self.belongs(holder, item.reference.table, row, owner)
            record = p.Exists(source=owner, where=p.All(items=(belongs, record)))

        def refers(target: p.Source) -> p.Test:
            joined = self.refers(item.reference, row, target)
            return p.Exists(source=row, where=p.All(items=(joined, record)))

        return [self._downward(bound, root, item.reference.target, refers)]

    def _rules_of(self, bound: BoundDataset) -> Sequence[Rule]:
        return next((job.every for job in self._acting if job.bound is bound), ())

    def a_record(self, bound: BoundDataset, root: p.Source) -> p.Test:
        """The row of `root` is a record of the dataset: its `where` is not false."""
        scope = self.scope(bound, root)
        return p.All(items=()) if scope is None else p.Untrue(item=p.Not(item=scope))

    def retained(self, job: Job, rule: Rule, root: p.Source, *, gone: bool) -> p.Test | None:
        """Plain: a rule that `rule`, one of the job's, yields to still keeps the record."""
        beside = [other for other in job.every if other.name != rule.name]
        found: list[p.Test] = []
        every = cases(rule, job.bound, job.told)
        alike = len({case.variant.yields_to for case in every}) == 1
        for case in every[:1] if alike else every:
            bases = case.variant.yields_to
            tests = [
                test
                for other in beside
                if (test := self.keeps(other, job.bound, job.told, root, bases=bases, gone=gone)) is not None
            ]
            guard = None if alike else self.guard(case, root)
            if tests:
                kept = p.AnyOf(items=tuple(tests))
                found.append(kept if guard is None else p.All(items=(guard, kept)))
        return p.AnyOf(items=tuple(found)) if found else None

    def beyond_at_most(self, job: Job, root: p.Source) -> p.Test | None:
        """Plain: the job's rule should have ended this record's stay already; None where it has no `at_most`."""
        found = []
        for case in cases(job.rule, job.bound, job.told):
            if case.variant.at_most is not None:
                guard, past = self.guard(case, root), self.past_at_most(case, root)
                found.append(past if guard is None else p.All(items=(guard, past)))
        return p.AnyOf(items=tuple(found)) if found else None

    def acts_instead(self, job: Job, rule: Rule, root: p.Source, *, gone: bool) -> p.Test | None:
        """Plain, of a record that nothing keeps from `job`: `rule` could act too, and ended later."""
        other = Job(rule=rule, bound=job.bound, told=job.told)
        if surely_later(job.rule, rule):
            return None
        tests = [self.ended(rule, job.bound, job.told, root, gone=gone)]
        kept = self.retained(job, rule, root, gone=gone)
        if kept is not None and not _yields_to_all(job.rule):
            tests.append(p.Untrue(item=kept))
        if not surely_later(rule, job.rule):
            before = rule.order < job.rule.order
            tests.append(
                p.EndsAfter(left=self._endings(other, root), right=self._endings(job, root), or_same=before)
            )
        return p.All(items=tuple(tests))

    def _endings(self, job: Job, root: p.Source) -> tuple[p.Ending, ...]:
        found: list[p.Ending] = []
        for case in cases(job.rule, job.bound, job.told):
            guard = self.guard(case, root)
            found += self.endings(case, root, p.All(items=()) if guard is None else guard)
        return tuple(found)


def _yields_to_all(rule: Rule) -> bool:
    return all(variant.yields_to is None for variant in rule.variants)
