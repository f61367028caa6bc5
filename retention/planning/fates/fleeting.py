"""What a plan removes or changes, of which its own later jobs are told what becomes of their records."""

from __future__ import annotations

import abc
import functools
from collections.abc import Iterator, Sequence

from retention.model.catalogue import TableId
from retention.model.clock import Boundary
from retention.model.policy import Rule
from retention.planning.binding.bound import BoundDataset, BoundFact, Component, Hop, Job, Some, Value
from retention.planning.fates.acting import never_acts
from retention.planning.fates.cases import Case
from retention.planning.fates.chains import DELETE, RESTRICT, actions, empties, only_deletes
from retention.planning.fates.limbs import cutoff
from retention.planning.fates.moving import Moves
from retention.planning.fates.results import cases


class Fleeting(Moves, abc.ABC):
    """Of one connector's jobs."""

    def fleeting(self, job: Job) -> bool:
        """Other jobs of this plan remove rows that the events of a rule on the record, or facts of it, are read from,
        and without which these can say something else."""
        shares = tuple(self.same_rows(job.bound))
        alone = len(job.every) == 1 and only_deletes(job) and not shares
        return self._unsettled(job.bound, job.every, job.told, alone=alone) or any(
            self._unsettled(share.other, self.rules_of(share.other), job.told, alone=False)
            for share in shares
        )

    def unsettled_beside(self, job: Job, keepers: frozenset[str]) -> bool:
        """The same of rules on records that share a row with the job's, or of `keepers`, which can keep these: without
        such rows they seem to go, or to need nothing any more."""
        others = {str(share.other) for share in self.sharing(job.bound)} | keepers
        return any(
            self._unsettled(ruled.bound, ruled.rules, job.told, alone=False)
            for ruled in self.ruled
            if str(ruled.bound) in others
        )

    def vanishing(self, bound: BoundDataset) -> frozenset[str]:
        """The dataset's facts that are told by rows which jobs of this plan remove."""
        return frozenset(name for name, fact in bound.facts.items() if self._removing(bound, _hops(fact)))

    def arriving(self, job: Job) -> bool:
        """Records that refer to those of the job may be moved to a vault of which this plan deletes, or be restricted
        where they are: a batch can't tell what has just been, and stays for now, from what should have gone. Or when
        they have been moved by one rule, nothing keeps those of the job from being moved by another."""
        if job.bound.entangled and job.bound.vault is not None and len(self._movers(job)) > 1:
            return True
        filled: set[TableId] = set()
        for other in (each for each in self._acting if RESTRICT in actions(each)):
            vault = other.bound.vault
            filled |= other.bound.emptied if vault is None else {twin.target.id for twin in vault.twins}
        refers = filled & {item.reference.table for item in job.bound.outside}
        deleting = (other for other in self._acting if DELETE in actions(other))
        return any(refers & other.bound.emptied for other in deleting)

    @functools.cached_property
    def _emptying(self) -> tuple[Job, ...]:
        """The jobs of this plan by which rows leave their tables."""
        return tuple(job for job in self._acting if empties(job) and not never_acts(job))

    def _unsettled(
        self, bound: BoundDataset, rules: Sequence[Rule], told: frozenset[str], *, alone: bool
    ) -> bool:
        """Such rows tell a fact of the dataset, or an event of one of the rules, so that it matters.

        `alone`: whether the record goes depends on no more than whether its one rule has ended: not on which of
        several ended last, nor on whether it was rewritten since."""
        if self.vanishing(bound):
            return True
        for rule in rules:
            for components in (bound.events.get(name, ()) for name in rule.events):
                dated = any(component.always for component in components)
                for component in components:
                    removing = self._removing(bound, component.hops)
                    if removing and not (
                        alone and dated and self._long_past(rule, bound, told, component, removing)
                    ):
                        return True
        return False

    def _removing(self, bound: BoundDataset, hops: Sequence[Hop]) -> list[Job]:
        """The jobs that remove rows of these steps; those of the dataset its own parts only with their record."""
        links = [part.reference for part in bound.parts]
        parts = all(hop.down and hop.reference in links for hop in hops)
        tables = {hop.arrives for hop in hops}
        return [
            job for job in self._emptying if tables & job.bound.emptied and not (parts and job.bound is bound)
        ]

    def _long_past(
        self,
        rule: Rule,
        bound: BoundDataset,
        told: frozenset[str],
        component: Component,
        removing: Sequence[Job],
    ) -> bool:
        """What the plan removes of the component's table lay before the rule's line, in whichever variant, as it must
        for the rule to have ended: whatever removes it counts from the same column, and from no later day."""
        mine = self._lines(cases(rule, bound, told))
        if mine is None or component.where is not None or len(component.hops) > 1:
            return False
        if any(variant.at_most is not None for variant in rule.variants):  # another line, further back
            return False
        return all(self._counts_from(job, component, mine) for job in removing)

    def _counts_from(self, job: Job, component: Component, mine: Sequence[Boundary]) -> bool:
        """By the job goes only what the component shows to be older than each of these lines."""
        every = cases(job.rule, job.bound, job.told)
        theirs = self._lines(every)
        if job.bound.root.id != component.table or theirs is None:
            return False
        same = all(any(map(functools.partial(_alike, component), _of(case))) for case in every)
        return same and all(t.day <= m.day and t.instant <= m.instant for t in theirs for m in mine)

    def _lines(self, every: Sequence[Case]) -> list[Boundary] | None:
        """The line of each variant; None where one of them has more than a line that columns are held against."""
        found: list[Boundary] = []
        for case in every:
            if not case.plain or case.variant.keep is None:
                return None
            found.append(cutoff(self._as_of, case.variant.counting(case.variant.keep)))
        return found


def _of(case: Case) -> Iterator[Component]:
    yield from case.bound.events.get(case.variant.event or "", ())


def _alike(one: Component, other: Component) -> bool:
    """The same column, read alike; it always says something in a row of the other's own."""
    return other.always and (one.table, one.column, one.encoding) == (
        other.table,
        other.column,
        other.encoding,
    )


def _hops(fact: BoundFact) -> tuple[Hop, ...]:
    """The steps to rows that refer to the record, or to such rows, of which the fact is told."""
    return tuple(hop for hop in fact.hops if hop.down) if isinstance(fact, Some | Value) else ()
