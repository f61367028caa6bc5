"""What stops an action on a record whose clock has ended, but for rows that refer to it: holds, and other rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from retention.model import predicate as p
from retention.model.catalogue import Catalogue
from retention.model.policy import Basis, Rule, Variant
from retention.planning.acting import surely_later
from retention.planning.bound import BoundDataset, Job, Outside, Ruled
from retention.planning.holding import Holding, held_list
from retention.planning.results import cases
from retention.planning.sharing import Sharing

Asked = Callable[[Variant], bool]


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """A rule that can keep a record from another: `test` says whether it does, plain.

    `owner`: where the record that it keeps, of the dataset `bound`, is not the record itself, but one that shares a
    row with it, or refers to it and `needs` it; `test` looks for such rows of that source.
    """

    rule: Rule
    bound: BoundDataset
    test: p.Test
    owner: p.Source | None = None
    needs: bool = False


@dataclass(frozen=True, kw_only=True)
class Instead:
    """Where `test` is true, plain, another acts on the record: `rule`, or what acts on the records of `owner`.

    `owner`: rows of the dataset `bound` that the record's root is a row of, or is; None for the record itself.
    """

    test: p.Test
    bound: BoundDataset
    rule: Rule | None = None
    owner: p.Source | None = None


class Stops(Sharing):
    """Tests of one connector's jobs."""

    def __init__(
        self,
        catalogue: Catalogue,
        acting: Sequence[Job],
        as_of: datetime,
        holding: Holding,
        every: Sequence[Ruled],
    ) -> None:
        """`holding`: what legal holds cover; `every`: all datasets of the connector, each with its rules."""
        super().__init__(catalogue, as_of, every)
        self._acting = tuple(acting)
        self._holding = holding

    def held(self, bound: BoundDataset, root: p.Source, visiting: tuple[str, ...] = ()) -> p.Test | None:
        """Plain: a hold covers the record, one that shares a row with it, or one that refers to it, directly or
        through others.

        Lists of held records are complete in themselves; what is held as a whole is followed here.
        """
        if not self._holding:
            return None
        if str(bound) in visiting:
            covered = self._covered(bound, root, listed=False)
            return p.AnyOf(items=tuple(covered)) if covered else None
        found = self._covered(bound, root)
        visiting = (*visiting, str(bound))
        for share in self.sharing(bound):
            covered = self._covered(share.other, share.owner, listed=not share.apart)
            if covered:
                found.append(share.where(p.AnyOf(items=tuple(covered)), root))
        for item in bound.outside if self._holding.datasets or self._holding.rules else ():
            for ruled in self._every:
                if item.reference.table in ruled.bound.members and ruled.bound is not bound:
                    holder = partial(self.held, ruled.bound, visiting=visiting)
                    held = self.referred_to_by(bound, root, item, ruled.bound, holder)
                    found += [] if held is None else [held]
        return p.AnyOf(items=tuple(found)) if found else None

    def _covered(self, bound: BoundDataset, root: p.Source, *, listed: bool = True) -> list[p.Test]:
        """What holds say of the record itself; `listed`: and of what is on the list for others."""
        if str(bound) in self._holding.datasets:
            return [p.All(items=())]
        found: list[p.Test] = []
        for rule in self.rules_of(bound):
            if rule.name in self._holding.rules and rule.where is None:
                return [p.All(items=())]
            if rule.name in self._holding.rules and rule.where is not None:
                outside = p.IsTrue(item=p.Not(item=self.condition(bound, root, rule.where)))
                found.append(p.Untrue(item=outside))
        if listed and str(bound) in self._holding.listed:
            found.append(p.Listed(fields=self._key(bound, root), name=held_list(bound)))
        return found

    def retained(self, job: Job, rule: Rule, root: p.Source, *, gone: bool) -> p.Test | None:
        """Plain: a rule that `rule`, one of the job's, yields to still keeps a row of the record.

        It keeps the record itself, one that shares a row with it, or one that refers to it and needs it.
        """
        found: list[p.Test] = []
        every = cases(rule, job.bound, job.told)
        alike = len({case.variant.yields_to for case in every}) == 1
        for case in every[:1] if alike else every:
            bases = case.variant.yields_to

            def asked(variant: Variant, bases: frozenset[Basis] | None = bases) -> bool:
                return bases is None or variant.basis in bases

            tests = [keeper.test for keeper in self.keepers(job, rule, root, asked, gone=gone)]
            guard = None if alike else self.guard(case, root)
            if tests:
                kept = p.AnyOf(items=tuple(tests))
                found.append(kept if guard is None else p.All(items=(guard, kept)))
        return p.AnyOf(items=tuple(found)) if found else None

    def could_go(self, job: Job, root: p.Source) -> p.Test:
        """Plain: some rule that deletes has ended on the job's dataset, and none that it yields to keeps the record."""
        found: list[p.Test] = []
        yielding: list[p.Test] = []
        for rule in job.every:
            if rule.rewrites:
                continue
            ended = self.ended(rule, job.bound, job.told, root)
            if _yields_to_all(rule):
                yielding.append(ended)
                continue
            kept = self.retained(job, rule, root, gone=False)
            found.append(ended if kept is None else p.All(items=(ended, p.Untrue(item=kept))))
        if yielding:  # one that has ended keeps nothing itself, and may be asked with the others
            keepers = [keeper.test for keeper in self.keepers(job, None, root, lambda _: True)]
            free = () if not keepers else (p.Untrue(item=p.AnyOf(items=tuple(keepers))),)
            found.append(p.All(items=(p.AnyOf(items=tuple(yielding)), *free)))
        return found[0] if len(found) == 1 else p.AnyOf(items=tuple(found))

    def keepers(
        self, job: Job, rule: Rule | None, root: p.Source, asked: Asked, *, gone: bool = False
    ) -> list[Keeper]:
        """Every rule, by a variant that is `asked` for, that can keep a row of the record.

        `rule`: the one that it is kept from, which keeps nothing from itself; None: of any.
        """
        bound, told = job.bound, job.told

        def of(other: Rule) -> Asked:
            """A rule gives way to itself, where it keeps another record, whomever it yields to."""
            return (lambda _: True) if rule is not None and other.name == rule.name else asked

        found: list[Keeper] = []
        for other in job.every:
            if rule is None or other.name != rule.name:
                kept = self.keeps(other, bound, told, root, asked=asked, gone=gone)
                found += [] if kept is None else [Keeper(rule=other, bound=bound, test=kept)]
        for share in self.sharing(bound):
            for other in self.rules_of(share.other):
                kept = self.keeps(other, share.other, told, share.owner, asked=of(other))
                if kept is not None:
                    test = share.where(kept, root)
                    found.append(Keeper(rule=other, bound=share.other, test=test, owner=share.owner))
        for item in bound.outside:
            for ruled in self._every:
                if item.reference.table in ruled.bound.members:
                    for other in ruled.rules:
                        if any(bound.dataset.data in variant.needs for variant in other.variants):
                            found += self._needed(job, root, item, ruled, other, of(other))
        return found

    def _needed(
        self, job: Job, root: p.Source, item: Outside, ruled: Ruled, rule: Rule, asked: Asked
    ) -> list[Keeper]:
        """A record that `rule` keeps, and to which this one must stay readable, refers to it."""
        data = job.bound.dataset.data
        owners: list[p.Source] = []

        def needs(variant: Variant) -> bool:
            return asked(variant) and data in variant.needs

        def kept(owner: p.Source) -> p.Test | None:
            owners.append(owner)
            return self.keeps(rule, ruled.bound, job.told, owner, asked=needs)

        test = self.referred_to_by(job.bound, root, item, ruled.bound, kept)
        if test is None:
            return []
        return [Keeper(rule=rule, bound=ruled.bound, test=test, owner=owners[0], needs=True)]

    def beyond_at_most(self, job: Job, root: p.Source) -> p.Test | None:
        """Plain: the job's rule should have ended this record's stay already; None where it has no `at_most`."""
        found = []
        for case in cases(job.rule, job.bound, job.told):
            if case.variant.at_most is not None:
                guard, past = self.guard(case, root), self.past_at_most(case, root)
                found.append(past if guard is None else p.All(items=(guard, past)))
        return p.AnyOf(items=tuple(found)) if found else None

    def acts_instead(
        self, job: Job, rule: Rule, bound: BoundDataset, owner: p.Source, root: p.Source, *, gone: bool
    ) -> p.Test | None:
        """Plain, of a record that nothing keeps from `job`: `rule` could act too, and ended later.

        `owner`: the record as one of `bound`, which may be another dataset than the job's over the same row.
        """
        own = bound is job.bound
        if rule.rewrites and not job.rule.rewrites:
            return None  # what deletes goes before
        other = Job(rule=rule, bound=bound, others=self._beside(job, rule, bound), told=job.told)
        alike = rule.rewrites == job.rule.rewrites
        if own and alike and surely_later(job.rule, rule):
            return None
        tests = [self.ended(rule, bound, job.told, owner, gone=gone and own)]
        kept = self.retained(other, rule, owner, gone=gone and own)
        if kept is not None and not _yields_to_all(job.rule):
            tests.append(p.Untrue(item=kept))
        if alike and not (own and surely_later(rule, job.rule)):
            before = (rule.order, str(bound)) < (job.rule.order, str(job.bound))
            left, right = self._endings(other, owner), self._endings(job, root)
            if not left or not right:  # one of them never ends
                return None
            tests.append(p.EndsAfter(left=left, right=right, or_same=before))
        return p.All(items=tuple(tests))

    def _beside(self, job: Job, rule: Rule, bound: BoundDataset) -> tuple[Rule, ...]:
        every = job.every if bound is job.bound else self.rules_of(bound)
        return tuple(other for other in every if other.name != rule.name)

    def _endings(self, job: Job, root: p.Source) -> tuple[p.Ending, ...]:
        found: list[p.Ending] = []
        for case in cases(job.rule, job.bound, job.told):
            guard = self.guard(case, root)
            found += self.endings(case, root, p.All(items=()) if guard is None else guard)
        return tuple(found)


def _yields_to_all(rule: Rule) -> bool:
    return all(variant.yields_to is None for variant in rule.variants)
