"""What one rule makes of one record by itself: the first table of the contract's chapter on fate.

The first case that is true is the result; where none is, the record's clock has ended. A rule keeps a record until
its own clock has ended, whatever the reason that it has not; only what is out of its scope it does not keep.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from retention.model import predicate as p
from retention.model.catalogue import Catalogue
from retention.model.condition import Condition, named
from retention.model.policy import Rule
from retention.planning.binding.bound import BoundDataset, Job, Some, Value
from retention.planning.binding.conditions import Binder
from retention.planning.fates.cases import Case, Limb
from retention.planning.fates.facts import FactBinder
from retention.planning.fates.limbs import Limbs

OUT_OF_SCOPE = "out_of_scope"
Places = frozenset[int]
"""Which of a rule's variants, by their place."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """Where `test` is true, and no earlier one, the result is `label`; one of the variants at `places` says so.

    `keeps`: until its clock has ended, the rule keeps the record from others. What only demands keeps nothing, though
    nobody can tell whether it has been demanded.
    """

    test: p.Test
    label: str
    places: Places
    keeps: bool = True


def cases(rule: Rule, bound: BoundDataset, told: frozenset[str]) -> tuple[Case, ...]:
    """The rule's variants on the dataset, in the order in which they are tried."""
    return tuple(Case(rule=rule, place=i, bound=bound, told=told) for i in range(len(rule.variants)))


class Results(Limbs):
    """Results of rules on records."""

    def __init__(self, catalogue: Catalogue, as_of: datetime) -> None:
        super().__init__(catalogue, as_of)
        self._results: dict[object, tuple[Result, ...]] = {}

    def results(
        self,
        rule: Rule,
        bound: BoundDataset,
        told: frozenset[str],
        root: p.Source,
        *,
        gone: bool = False,
        due: bool = False,
    ) -> tuple[Result, ...]:
        """Every result but that the clock has ended. `gone`: the rows may be gone that told when it would. `due`: it
        had ended while they were there, and `from` has not become later.

        They are made once for each row that is asked about, so that what repeats them can be seen to.
        """
        gone = gone and self.read_elsewhere(rule, bound)
        asked = rule.name, str(bound), told, root, gone, due
        if asked not in self._results:
            self._results[asked] = self._made_results(rule, bound, told, root, gone=gone, due=due)
        return self._results[asked]

    def _made_results(
        self,
        rule: Rule,
        bound: BoundDataset,
        told: frozenset[str],
        root: p.Source,
        *,
        gone: bool,
        due: bool,
    ) -> tuple[Result, ...]:
        every: Places = frozenset(range(len(rule.variants)))
        found: list[Result] = []
        if rule.where is not None:
            scope = self.condition(bound, root, rule.where)
            found.append(Result(test=p.IsTrue(item=p.Not(item=scope)), label=OUT_OF_SCOPE, places=every))
        unknown = self._unknown_scope(rule, bound, root)
        alike = _keep_alike(rule)
        if unknown and alike:
            keeps = not all(variant.upon for variant in rule.variants)
            found.append(Result(test=p.AnyOf(items=unknown), label="unclear", places=every, keeps=keeps))
        for case in cases(rule, bound, told):
            guard = self.guard(case, root)
            if unknown and not alike:  # which of them it follows may be known, and so for whose sake it keeps
                unclear = p.All(items=(p.AnyOf(items=unknown), *(() if guard is None else (guard,))))
                place, keeps = frozenset({case.place}), keeps_by(case, "unclear")
                found.append(Result(test=unclear, label="unclear", places=place, keeps=keeps))
            when = case.variant.when
            if when is not None:
                rest: Places = frozenset(range(case.place, len(rule.variants)))
                unsure = p.All(
                    items=(*self._before(case, root), p.IsUnknown(item=self.condition(bound, root, when)))
                )
                found.append(Result(test=unsure, label="unclear", places=rest))
            for test, label in self._of_variant(case, root, gone=gone, due=due):
                guarded = p.All(items=(guard, test)) if guard is not None else test
                place = frozenset({case.place})
                found.append(Result(test=guarded, label=label, places=place, keeps=keeps_by(case, label)))
        return tuple(found)

    def read_elsewhere(self, rule: Rule, bound: BoundDataset) -> bool:
        """What tells when the rule's clock ends stands in other rows too."""
        return reads_other_rows(rule, bound)

    def own_ends(self, job: Job, root: p.Source) -> tuple[p.Test, ...]:
        """Plain, each: an end of a rule on the record has come, as its own row or people tell; or nothing puts it off,
        a period that is not asked for any more is not known to run, and the rule speaks of it as it does. Of
        rules that read other rows besides, whose words may be gone when a batch asks; of the others it asks for
        everything."""
        return self._ends(job.every, job.bound, job.told, root)

    def _ends(
        self, rules: Iterable[Rule], bound: BoundDataset, told: frozenset[str], root: p.Source
    ) -> tuple[p.Test, ...]:
        found: list[p.Test] = []
        for rule in rules:
            if reads_other_rows(rule, bound):
                steady = _scoped_by_itself(rule, bound)
                if steady and rule.where is not None:
                    found.append(p.IsTrue(item=p.Not(item=self.condition(bound, root, rule.where))))
                for case in cases(rule, bound, told):
                    guard = self.guard(case, root)
                    found += [guard] if steady and guard is not None else []
                    found += [self.come(case, limb, root) for limb in case.limbs if _by_itself(case, limb)]
                    left_out = [limb for limb in case.limbs if limb not in _may_have_gone(case)]
                    found += [p.Untrue(item=self.recent(case, limb, root)) for limb in left_out]
                    if case.window_in_other_rows and case.variant.defer_while is not None:
                        found.append(self._not_put_off(case, root, case.variant.defer_while))
        return tuple(found)

    def _not_put_off(self, case: Case, root: p.Source, defer_while: Condition) -> p.Test:
        """Plain: `defer_while` is false, or the variant does not hold for the record, or it is out of the scope."""
        asked = [defer_while] if case.rule.where is None else [defer_while, case.rule.where]
        tests = [p.Untrue(item=p.Not(item=self.condition(case.bound, root, each))) for each in asked]
        guard = self.guard(case, root)
        return p.Untrue(item=p.All(items=tuple(tests) if guard is None else (*tests, guard)))

    def ended(
        self, rule: Rule, bound: BoundDataset, told: frozenset[str], root: p.Source, *, gone: bool = False
    ) -> p.Test:
        """Plain: the rule's clock has ended for this record."""
        results = self.results(rule, bound, told, root, gone=gone)
        return p.All(items=tuple(p.Untrue(item=result.test) for result in results))

    def keeps(
        self,
        rule: Rule,
        bound: BoundDataset,
        told: frozenset[str],
        root: p.Source,
        *,
        places: Places | None = None,
        gone: bool = False,
    ) -> p.Test | None:
        """Plain: the rule still keeps the record, by a variant at `places` (or any). None: it never does.

        `gone`: it did not when the run began, and `own_ends` are as they were.
        """
        if places is None:
            places = frozenset(range(len(rule.variants)))
        before = gone and _scoped_by_itself(rule, bound)
        results = self.results(rule, bound, told, root, gone=gone, due=before)
        keeping = [
            result.test
            for result in results
            if result.keeps and result.label != OUT_OF_SCOPE and result.places & places
        ]
        if not keeping:
            return None
        kept: p.Test = p.AnyOf(items=tuple(keeping))
        if rule.where is None:
            return kept
        outside = p.IsTrue(item=p.Not(item=self.condition(bound, root, rule.where)))
        return p.All(items=(p.Untrue(item=outside), kept))

    def guard(self, case: Case, root: p.Source, *, gone: bool = False) -> p.Test | None:
        """Plain: the variant is the one that holds for the record; None where the rule has no other."""
        tests = self._before(case, root)
        if case.variant.when is not None:
            tests = (*tests, p.IsTrue(item=self.condition(case.bound, root, case.variant.when)))
        return p.All(items=tests) if tests else None

    def condition(self, bound: BoundDataset, root: p.Source, condition: Condition) -> p.Test:
        """A condition of the policy, over the dataset's facts."""
        return FactBinder(self, self._catalogue, bound, root).test(condition.tree)

    def scope(self, bound: BoundDataset, root: p.Source) -> p.Test | None:
        """The dataset's `where`, None where it has none."""
        if bound.where is None:
            return None
        return Binder(self._catalogue, bound.root, root).test(bound.where.tree)

    def _before(self, case: Case, root: p.Source) -> tuple[p.Test, ...]:
        """No exception before this one holds, for sure."""
        whens = [variant.when for variant in case.rule.variants[: case.place]]
        return tuple(
            p.IsTrue(item=p.Not(item=self.condition(case.bound, root, when)))
            for when in whens
            if when is not None
        )

    def _unknown_scope(self, rule: Rule, bound: BoundDataset, root: p.Source) -> tuple[p.Test, ...]:
        tests = []
        scope = self.scope(bound, root)
        if scope is not None:
            tests.append(p.IsUnknown(item=scope))
        if rule.where is not None:
            tests.append(p.IsUnknown(item=self.condition(bound, root, rule.where)))
        return tuple(tests)

    def _of_variant(self, case: Case, root: p.Source, *, gone: bool, due: bool) -> list[tuple[p.Test, str]]:
        """What the variant makes of a record for which it holds, but that its clock has ended."""
        variant = case.variant
        found = (
            self._plain(case, root, gone=gone) if case.plain else self._limbs(case, root, gone=gone, due=due)
        )
        if variant.defer_while is not None:
            defers = self.defers(case, root, variant.defer_while, gone=due)
            deferred = self.deferred(case, root, defers, gone=gone)
            if variant.upon:  # what nobody has demanded is not put off, and keeps nothing
                come = p.AnyOf(items=tuple(self.come(case, limb, root) for limb in case.limbs))
                deferred = p.All(items=(come, deferred))
            found.append((deferred, "deferred"))
        return found

    def defers(self, case: Case, root: p.Source, condition: Condition, *, gone: bool) -> p.Test:
        """The record's `defer_while`. `gone`: rows may be gone of which it speaks."""
        return self.condition(case.bound, root, condition)

    def _plain(self, case: Case, root: p.Source, *, gone: bool) -> list[tuple[p.Test, str]]:
        """One limb, told by columns: its states exclude each other in this order."""
        (limb,) = case.limbs
        known, line = self._keep(case, root)
        found: list[tuple[p.Test, str]] = [(p.Untrue(item=test), "unclear") for test in known]
        found += [
            (self._any(case, limb.event, root, p.State.RECENT, line), "not_due"),
            (self._any(case, limb.event, root, p.State.UNCLEAR, line), "unclear"),
        ]
        if not gone:
            past = self._any(case, limb.event, root, p.State.PAST, line)
            found.append((p.Untrue(item=past), "undated"))
        return found

    def _limbs(self, case: Case, root: p.Source, *, gone: bool, due: bool) -> list[tuple[p.Test, str]]:
        come = p.AnyOf(items=tuple(self.come(case, limb, root) for limb in case.limbs))
        asked = _may_have_gone(case) if due else case.limbs
        unclear = p.AnyOf(items=tuple(self.unclear(case, limb, root) for limb in asked))
        yet = p.Untrue(item=come)
        found: list[tuple[p.Test, str]] = [(p.All(items=(yet, unclear)), "unclear")]
        if gone:
            recent = p.AnyOf(items=tuple(self.recent(case, limb, root) for limb in asked))
            return [*found, (p.All(items=(yet, recent)), "not_due")]
        if case.variant.upon:
            return [*found, (yet, OUT_OF_SCOPE)]
        if not case.variant.until:
            found.append((p.All(items=(yet, self.undated(case, root))), "undated"))
        return [*found, (yet, "not_due")]


def _keep_alike(rule: Rule) -> bool:
    """Whichever variant a record follows, it is kept for the sake of the same, or demanded."""
    first = rule.variants[0]
    return all(
        (v.basis, v.needs, bool(v.upon)) == (first.basis, first.needs, bool(first.upon))
        for v in rule.variants
    )


def keeps_by(case: Case, label: str) -> bool:
    """With this result the variant keeps the record: one that only demands does so where that was put off."""
    return not case.variant.upon or label == "deferred"


def _may_have_gone(case: Case) -> tuple[Limb, ...]:
    """The limbs by one of which the clock had ended, if not by one that still tells it: what the others say matters no
    more, such as a period that is not over of a record that was due by an event. Not where an exception counts from
    another event: whether that has become later nobody sees."""
    if case.variant.event != case.rule.base.event:
        return case.limbs
    related = tuple(
        limb for limb in case.limbs if any(part.hops for part in case.bound.events.get(limb.event, ()))
    )
    return tuple(limb for limb in related if not limb.keep) or related or case.limbs


def _scoped_by_itself(rule: Rule, bound: BoundDataset) -> bool:
    """Whether the rule speaks of a record, and by which variant, its own row tells."""
    asked = [rule.where, *(variant.when for variant in rule.variants)]
    names = {name for each in asked if each is not None for name in named(each.tree)}
    facts = (bound.facts.get(name) for name in names)
    return not any(isinstance(fact, Some) or (isinstance(fact, Value) and fact.hops) for fact in facts)


def reads_other_rows(rule: Rule, bound: BoundDataset) -> bool:
    """What tells when the rule's clock ends stands in other rows too."""
    return any(part.hops for name in rule.events for part in bound.events.get(name, ()))


def _by_itself(case: Case, limb: Limb) -> bool:
    """The record's own row tells whether the limb has come, or people do."""
    if case.rests_on_told(limb):
        return True
    if (
        limb.keep
        and case.variant.instructed is not None
        and case.bound.periods[case.variant.instructed].value.hops
    ):
        return False
    components = case.bound.events[limb.event]
    return bool(components) and not any(part.hops for part in components)
