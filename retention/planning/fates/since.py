"""What a rule makes of a record since the run began, where the run removes rows that its conditions speak of.

A fact that is told by such rows is taken for neither true nor false then. What was due is due still unless the rest of
its conditions, or every variant that may be its own, says otherwise; and what kept nothing from it begins to only where
that is so whatever the rows said.
"""

from __future__ import annotations

import abc

from retention.model import condition as c
from retention.model import predicate as p
from retention.model.condition import Condition, named
from retention.model.policy import Rule
from retention.planning.binding.bound import BoundDataset
from retention.planning.fates.cases import Case
from retention.planning.fates.results import (
    OUT_OF_SCOPE,
    Places,
    Result,
    Results,
    cases,
    keeps_by,
    reads_other_rows,
)

Blind = frozenset[str]
"""Facts of a dataset that nobody can tell any more."""


class Since(Results, abc.ABC):
    """Results of rules on records that were looked at when the run began."""

    @abc.abstractmethod
    def vanishing(self, bound: BoundDataset) -> Blind:
        """The dataset's facts that are told by rows which jobs of this plan remove."""

    def read_elsewhere(self, rule: Rule, bound: BoundDataset) -> bool:
        """What tells of the rule's clock, or of its conditions, may be gone when a batch asks."""
        return reads_other_rows(rule, bound) or bool(self._blind(rule, bound))

    def _blind(self, rule: Rule, bound: BoundDataset) -> Blind:
        """Those of them of which the rule speaks."""
        said = [rule.where, *(c for v in rule.variants for c in (v.when, v.defer_while))]
        return self.vanishing(bound) & {
            name for each in said if each is not None for name in named(each.tree)
        }

    def _made_results(
        self, rule: Rule, bound: BoundDataset, told: frozenset[str], root: p.Source, *, gone: bool, due: bool
    ) -> tuple[Result, ...]:
        blind = self._blind(rule, bound) if gone else frozenset()
        if not blind:
            return super()._made_results(rule, bound, told, root, gone=gone, due=due)
        every: Places = frozenset(range(len(rule.variants)))
        found: list[tuple[p.Test, str]] = []
        if rule.where is not None:
            outside = self._said(bound, root, rule.where, want=False, blind=blind, may=False)
            inside = self._said(bound, root, rule.where, want=True, blind=blind, may=True)
            found += [(outside, OUT_OF_SCOPE), (p.Untrue(item=inside), "unclear")]
        if (scope := self.scope(bound, root)) is not None:
            found.append((p.IsUnknown(item=scope), "unclear"))
        over: list[p.Test] = []
        for case in cases(rule, bound, told):
            stops = self._of_variant(case, root, gone=reads_other_rows(rule, bound), due=due)
            free = tuple(p.Untrue(item=test) for test, _ in stops)
            over.append(p.All(items=(self.may_hold(case, root), *free)))
        found.append((p.Untrue(item=p.AnyOf(items=tuple(over))), "not_due"))
        return tuple(Result(test=test, label=label, places=every) for test, label in found)

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
        blind = self._blind(rule, bound) if gone else frozenset()
        if not blind:
            return super().keeps(rule, bound, told, root, places=places, gone=gone)
        tests: list[p.Test] = []
        if rule.where is not None:
            tests.append(self._said(bound, root, rule.where, want=True, blind=blind, may=False))
        for case in cases(rule, bound, told):
            found: list[p.Test] = [p.Untrue(item=self.may_hold(case, root))]
            if places is None or case.place in places:
                stops = self._of_variant(case, root, gone=reads_other_rows(rule, bound), due=False)
                found += [test for test, label in stops if keeps_by(case, label)]
            tests.append(p.AnyOf(items=tuple(found)))
        kept = p.All(items=tuple(tests))
        scope = self.scope(bound, root)
        if scope is None or all(variant.upon for variant in rule.variants):
            return kept
        return p.AnyOf(items=(p.IsUnknown(item=scope), kept))  # that the record's own row tells

    def guard(self, case: Case, root: p.Source, *, gone: bool = False) -> p.Test | None:
        """`gone`: the variant may be the one that holds."""
        if gone and self._blind(case.rule, case.bound):
            return self.may_hold(case, root)
        return super().guard(case, root)

    def may_hold(self, case: Case, root: p.Source) -> p.Test:
        """Plain: whatever the rows said that may be gone, the variant can be the one that holds for the record."""
        blind, tests = self._blind(case.rule, case.bound), []
        for place, variant in enumerate(case.rule.variants[: case.place + 1]):
            if variant.when is not None:
                want = place == case.place
                tests.append(self._said(case.bound, root, variant.when, want=want, blind=blind, may=True))
        return p.All(items=tuple(tests))

    def defers(self, case: Case, root: p.Source, condition: Condition, *, gone: bool) -> p.Test:
        blind = self._blind(case.rule, case.bound) if gone else frozenset()
        if not blind:
            return super().defers(case, root, condition, gone=gone)
        return p.Untrue(item=self._said(case.bound, root, condition, want=False, blind=blind, may=True))

    def _said(
        self, bound: BoundDataset, root: p.Source, said: Condition, *, want: bool, blind: Blind, may: bool
    ) -> p.Test:
        """Plain: the condition is true (with `want`; else false), by what can still be told; `may`: what can't be told
        may be as it likes, else it is neither."""

        def of(node: c.Boolean, want: bool) -> p.Test:
            match node:
                case c.Negation(item=item):
                    return of(item, not want)
                case c.Conjunction(items=items) | c.Disjunction(items=items):
                    tests = tuple(of(item, want) for item in items)
                    whole = isinstance(node, c.Conjunction) == want
                    return p.All(items=tests) if whole else p.AnyOf(items=tests)
            if blind.intersection(named(node)):
                return p.All(items=()) if may else p.AnyOf(items=())
            test = self.condition(bound, root, Condition(tree=node, text=said.text))
            return p.IsTrue(item=test if want else p.Not(item=test))

        return of(said.tree, want)
