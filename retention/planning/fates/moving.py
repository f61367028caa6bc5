"""What keeps records that refer to each other from being moved to a vault.

A row in the vault may refer to one there or to one that stayed. So what is there already keeps no record from following
it, though it keeps it from being deleted; and of the other records of the dataset only those may refer to one that move
with it. Those are known where one rule moves them, and comes to that whatever refers to them. Else a record waits until
nothing of its dataset refers to it. So it does where another dataset refers to it to which it leads back: what is
deleted with records of others is deleted last.
"""

from __future__ import annotations

import abc
import functools
from dataclasses import replace

from retention.model import predicate as p
from retention.model.catalogue import Reference
from retention.planning.binding.bound import BoundDataset, Job, Outside
from retention.planning.binding.reach import described
from retention.planning.fates.actions import Referenced, always_as
from retention.planning.fates.chains import DELETE, RESTRICT, actions, chain
from retention.planning.fates.dating import Dating
from retention.planning.fates.sharing import Share


class Moves(Dating, abc.ABC):
    """Tests of one connector's jobs."""

    @abc.abstractmethod
    def records(self, job: Job, root: p.Source) -> p.Test:
        """Which rows of the root table are records."""

    @abc.abstractmethod
    def sharing_apart(
        self, job: Job, root: p.Source, visiting: tuple[Job, ...]
    ) -> list[tuple[Share, p.Test]]:
        """By each way of sharing a part with records of datasets that are not of a circle with the job's: one that
        stays shares it."""

    @abc.abstractmethod
    def shared_together(self, job: Job) -> list[Share]:
        """Ways of sharing a part with records that wait for these, as these do for them."""

    @abc.abstractmethod
    def shared_with(self, bound: BoundDataset, share: Share, test: p.Test, root: p.Source) -> p.Test:
        """Some record that shares a row with that of `root`, and is no part of it, passes `test`."""

    @abc.abstractmethod
    def _referring(
        self, job: Job, root: p.Source, outside: Outside, *, strict: bool, visiting: tuple[Job, ...]
    ) -> p.Test:
        """Some row that stays refers to the record by this reference."""

    def moving(
        self, job: Job, root: p.Source, *, strict: bool, visiting: tuple[Job, ...], known: bool
    ) -> Referenced | None:
        """What keeps the record from its vault; None where that is what keeps it from being deleted."""
        if not (job.bound.tangled and job.bound.vault is not None and self._movers(job)):
            return None
        planned = self._kept_here(job, root, strict=strict and known, visiting=visiting)
        now = self._kept_here(job, root, strict=True, visiting=visiting) if strict else planned
        if known or not self.narrowed:
            return replace(always_as(planned), now=now)
        whole = self.as_if_all_ran().referenced(job, root, visiting=visiting).moving
        return Referenced(now=now, planned=planned, lasting=None if whole is None else whole.lasting)

    def moves_before(self, job: Job) -> tuple[p.Pairs, ...]:
        """(key, key) of records that could move by the job, of which the first refers to the second."""
        mover = self._mover(job) if job.bound.entangled and job.bound.vault is not None else None
        if mover is None or mover.rule is not job.rule:
            return ()

        def moves(root: p.Source) -> p.Test:
            return self._could_move(mover, root)

        inside = (item for item in job.bound.outside if item.inside)
        return tuple(self._between(job.bound, item, going=moves) for item in inside)

    def first_moves(self, job: Job) -> bool:
        """What stops the job's records is what keeps them from their vault, and no DELETE."""
        chains = [chain(job.rule, variant, job.bound) for variant in job.rule.variants]
        return job.bound.vault is not None and all(said[:1] == (RESTRICT,) for said in chains)

    def moves_with(self, job: Job, root: p.Source) -> p.Test:
        """The record moves to its vault in this plan, by the one job that can tell."""
        mover = self._mover(job)
        if mover is None:
            return p.AnyOf(items=())
        kept = p.Reached(fields=self._key(job.bound, root), closure=self._kept_out(mover))
        return p.All(items=(self._could_move(mover, root), p.Untrue(item=kept)))

    def leading_there(self, bound: BoundDataset, root: p.Source) -> dict[str, p.Test]:
        """By each reference of a vault's rows: one of the record's leads to another record that is there."""
        found: dict[str, p.Test] = {}
        for item in bound.outside:
            reference = item.reference
            if item.inside and reference.either:
                target = self.source(reference.target)
                other = p.Untrue(item=self.belongs(bound, reference.target, target, root))

                def leads(
                    row: p.Source,
                    reference: Reference = reference,
                    target: p.Source = target,
                    other: p.Test = other,
                ) -> p.Test:
                    there = p.All(items=(self.refers(reference, row, target), other))
                    return p.Exists(source=target, where=there)

                found[described(reference)] = self._downward(bound, root, reference.table, leads)
        return found

    def _kept_here(self, job: Job, root: p.Source, *, strict: bool, visiting: tuple[Job, ...]) -> p.Test:
        """Rows that stay refer to it, other than those in its vault, or a record that stays shares a part with it."""
        bound, around = job.bound, (*visiting, job)
        found: list[p.Test] = []
        for item in bound.outside:
            if item.inside and not strict:
                continue
            if self.of_circle(bound, item):
                found.append(self._another_refers(bound, root, item))
            elif not followed(bound, item):
                found.append(self._referring(job, root, item, strict=strict, visiting=around))
        mover = self._mover(job)
        if bound.entangled and mover is not None and not strict:
            found.append(p.Reached(fields=self._key(bound, root), closure=self._kept_out(mover)))
        elif bound.entangled and not strict:
            found += [self._another_refers(bound, root, item) for item in bound.outside if item.inside]
            ringed = self.ringed(job, root)
            found += [] if ringed is None else [ringed]
        found += [test for _, test in self.sharing_apart(job, root, visiting)]
        for share in self.shared_together(job):
            found.append(self.shared_with(bound, share, p.All(items=()), root))
        return p.AnyOf(items=tuple(found))

    def of_circle(self, bound: BoundDataset, item: Outside) -> bool:
        """The rows that refer are of other datasets of the circle, and may go when all jobs have had their turn."""
        return not item.inside and bool(self.owners(bound, item.reference.table))

    def _another_refers(self, bound: BoundDataset, root: p.Source, item: Outside) -> p.Test:
        """A row of another record of the dataset, or of its circle, does, whatever becomes of that."""
        reference = item.reference
        row = self.source(reference.table)
        own = [p.Untrue(item=self.belongs(bound, reference.table, row, root))] if item.inside else []

        def refers_to(target: p.Source) -> p.Test:
            return p.Exists(source=row, where=p.All(items=(self.refers(reference, row, target), *own)))

        return self._downward(bound, root, reference.target, refers_to)

    def _kept_out(self, mover: Job) -> p.Closure:
        """The records that others of their dataset keep out of the vault: those to which a row refers that could not
        move, and those to which these refer in turn."""
        bound, name = mover.bound, f"unmoved {mover.bound}"
        if name not in self._closures:
            could = functools.partial(self._could_move, mover)
            inside = [item for item in bound.outside if item.inside]
            seeds = [self._kept_by(bound, item, [(bound, could)], could) for item in inside]
            steps = tuple(self._between(bound, item) for item in inside)
            alias = f"{self._prefix}unmoved{len(self._closures) + 1}"
            self._closures[name] = p.Closure(name=alias, seeds=(*seeds, *self._in_rings(bound)), steps=steps)
        return self._closures[name]

    def _could_move(self, mover: Job, root: p.Source) -> p.Test:
        """The job would move the record, if no record of its dataset referred to it."""

        def passes(own: p.Source) -> p.Test:
            comes = self.comes_to(mover, own, RESTRICT)
            tests = [self.records(mover, own), self._ended(mover, own), comes or p.AnyOf(items=())]
            held = self.held(mover.bound, own)
            tests += [] if held is None else [p.Untrue(item=held)]
            for item in mover.bound.outside:
                if self.of_circle(mover.bound, item):
                    tests.append(p.Untrue(item=self._another_refers(mover.bound, own, item)))
                elif not item.inside and not followed(mover.bound, item):
                    stays = self._referring(mover, own, item, strict=False, visiting=(mover,))
                    tests.append(p.Untrue(item=stays))
            return p.All(items=tuple(tests))

        return self._defined(("moves", mover.name), mover.bound, root, passes)

    def _movers(self, job: Job) -> list[Job]:
        """The jobs of every rule that can move records of the dataset."""
        every = (self.other(job, rule, job.bound) for rule in job.every)
        return [each for each in every if RESTRICT in actions(each)]

    def _mover(self, job: Job) -> Job | None:
        """The one that does; None where several could, where it would delete first, or where records share rows."""
        movers = self._movers(job)
        if len(movers) != 1 or self.sharing(job.bound):
            return None
        (mover,) = movers
        for variant in mover.rule.variants:
            said = chain(mover.rule, variant, mover.bound)
            if DELETE in said[: said.index(RESTRICT)] if RESTRICT in said else ():
                return None
        return mover


def followed(bound: BoundDataset, item: Outside) -> bool:
    """The rows that refer are in the dataset's own vault: to there the record may follow them."""
    if bound.vault is None or not item.reference.either:
        return False
    return any(twin.target.id == item.reference.table for twin in bound.vault.twins)
