"""A record's fate under a rule that has more to do than to delete: the first action of its chain that nothing stops."""

from __future__ import annotations

import abc
import copy
import functools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from retention.model import predicate as p
from retention.model.policy import ANONYMIZE, REWRITING
from retention.planning.binding.bound import Job
from retention.planning.fates.acting import in_order
from retention.planning.fates.actions import NEVER_REFERENCED, Referenced, always_as
from retention.planning.fates.chains import DELETE, RESTRICT, actions, due_by
from retention.planning.fates.columns import Chain
from retention.planning.fates.rings import Entangled
from retention.planning.fates.sharing import Share
from retention.planning.fates.stops import Instead


class Chained(Entangled, abc.ABC):
    """Choices of one connector's jobs.

    Where a run is narrowed to some rules, whether a record's chain goes on is still asked as if all ran: what waits
    for a job that does not run is done nothing else to.
    """

    _whole: Chained | None = None
    _today: Chained | None = None

    def as_things_stand(self) -> Chained:
        """The same, and nobody thinks of what this plan restricts."""
        if self._today is None:
            self._today = copy.copy(self)
            self._today.begin_again("now_", self._acting)
            self._today.foresees = False
        return self._today

    def restricted(self, by: Sequence[Job], root: p.Source) -> p.Test:
        """Plain, of a row of the jobs' table: one of them restricts it in this plan, as things stand."""
        today = self.as_things_stand()

        def passes(own: p.Source) -> p.Test:
            choices = [today.fate(job, own, strict=False) for job in by]
            found = tuple(p.Chosen(choice=choice, label=due_by(RESTRICT)) for choice in choices)
            return p.All(items=(self.records(by[0], own), p.AnyOf(items=found)))

        return today._defined(("restricted", str(by[0].bound)), by[0].bound, root, passes)

    @abc.abstractmethod
    def fate(self, job: Job, root: p.Source, *, strict: bool) -> p.Choice:
        """The record's fate under `job`. `strict`: rows that other jobs delete still count as referring."""

    @abc.abstractmethod
    def records(self, job: Job, root: p.Source) -> p.Test:
        """Which rows of the root table are records."""

    @functools.cached_property
    def everybody(self) -> tuple[Job, ...]:
        """The jobs of all rules, in the order of a run."""
        told = self._acting[0].told if self._acting else frozenset[str]()
        found = [
            Job(
                rule=rule,
                bound=ruled.bound,
                others=tuple(other for other in ruled.rules if other is not rule),
                told=told,
            )
            for ruled in self._every
            for rule in ruled.rules
        ]
        return in_order(job for job in found if actions(job))

    @property
    def narrowed(self) -> bool:
        """Not all of the jobs are there."""
        return {job.name for job in self.everybody} != {job.name for job in self._acting}

    def as_if_all_ran(self) -> Chained:
        """The same with the jobs of all rules; what it makes has names and aliases of its own."""
        if self._whole is None:
            self._whole = copy.copy(self)
            self._whole.begin_again("all_", self.everybody)
        return self._whole

    def begin_again(self, prefix: str, acting: Sequence[Job]) -> None:
        """Other jobs than before, and names that nothing has."""
        self._prefix, self._acting = f"{self._prefix}{prefix}", tuple(acting)
        self._deleting = tuple(job for job in self._acting if DELETE in actions(job))
        self._aliases, self._closures, self._definitions = next(self._copies) * 1_000_000, {}, {}
        self._stopping, self._whole, self._today = {}, None, None
        self.__dict__.pop("_emptying", None)  # what was worked out of the others

    @abc.abstractmethod
    def _all_referring(
        self, job: Job, root: p.Source, *, strict: bool, visiting: tuple[Job, ...], alone: bool
    ) -> list[p.Test]:
        """Rows that stay refer to the record, or a record that stays shares a part with it."""

    @abc.abstractmethod
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
        """What could act on the record in place of the job, which would do `action`."""

    def _chained(
        self,
        job: Job,
        root: p.Source,
        stops: list[tuple[p.Test, str]],
        referenced: Referenced,
        *,
        visiting: tuple[Job, ...],
        gone: bool,
        known: bool,
        alone: bool,
        only: str | None,
    ) -> p.Choice:
        """The first action of a chain that nothing stops. `stops`: what ends every chain. `only`: it may be this alone,
        `known`: by which the record was due when the run began.

        Which rule acts is decided once, when the plan is made: a record that another one was to delete stays that
        one's, though in a batch a row refers to it that has not gone yet. Else the job would take what was not
        planned, and leave what was. One that was to be rewritten then could not be moved, whatever has moved since.
        """
        planned = referenced.by_plan
        if known and only in REWRITING and planned.moving is not None:
            planned = replace(planned, moving=always_as(p.All(items=())))
        found = list(stops)
        ways = (
            way
            for said in self.chains(job, root, gone=gone)
            for way in self.ways_of(
                job, said if only is None else _just(said, only), root, referenced, gone=gone
            )
        )
        for way in ways:
            if way.done is not None:
                found.append((p.All(items=(way.test, way.done)), "done"))
            others = self.instead(
                job, root, visiting, action=way.action, referenced=planned, gone=gone, alone=alone
            )
            if others:
                tests = p.AnyOf(items=tuple(each.test for each in others))
                found.append((p.All(items=(way.test, tests)), "elsewhere"))
            found.append((way.test, due_by(way.action)))
        found += self.all_stopped(job, root, gone=gone)
        return p.Choice(cases=tuple(found), otherwise="referenced")

    def referenced(
        self,
        job: Job,
        root: p.Source,
        *,
        strict: bool = False,
        visiting: tuple[Job, ...] = (),
        alone: bool = False,
        known: bool = False,
    ) -> Referenced:
        """What refers to the record, where a rule could delete it. `known`: it was due when the run began; what is to
        go before it counts no more."""
        if job.bound.sliced:
            return NEVER_REFERENCED

        def of(strict: bool) -> p.Test | None:
            found = self._all_referring(job, root, strict=strict, visiting=visiting, alone=alone)
            return p.AnyOf(items=tuple(found)) if found else None

        found = always_as(of(strict)) if known else self._in_forms(job, root, of, strict, visiting, alone)
        moving = self.moving(job, root, strict=strict, visiting=visiting, known=known or alone)
        return replace(found, moving=moving)

    @abc.abstractmethod
    def moving(
        self, job: Job, root: p.Source, *, strict: bool, visiting: tuple[Job, ...], known: bool
    ) -> Referenced | None:
        """What keeps the record from its vault; None where that is what keeps it from being deleted."""

    def _in_forms(
        self,
        job: Job,
        root: p.Source,
        of: Callable[..., p.Test | None],
        strict: bool,
        visiting: tuple[Job, ...],
        alone: bool,
    ) -> Referenced:
        planned = lasting = of(strict=False)
        now = of(strict=True) if strict else planned
        if self.narrowed and not alone:
            lasting = self.as_if_all_ran().referenced(job, root, visiting=visiting).lasting
        return Referenced(now=now, planned=planned, lasting=lasting)

    # -- records that the row is a part of, too --------------------------------------------

    def acting_on_another(
        self, job: Job, share: Share, root: p.Source, visiting: tuple[Job, ...], action: str
    ) -> Iterator[Instead]:
        """What rules do to a record of which the job's root is a part, or to the whole row of which the job has a
        slice, that the job waits for."""
        for rule in self.rules_of(share.other):
            other = self.other(job, rule, share.other)
            for some, row in self._of_another(job, share, root, action):
                if not set(some) & set(actions(other)):
                    continue
                referenced = self.referenced(other, share.owner, visiting=(*visiting, job))
                test = self.comes_to_now(other, share.owner, referenced, some, row=row)
                if test is not None:
                    found = share.where(test, root)
                    yield Instead(test=found, bound=share.other, rule=rule, owner=share.owner)

    def set_by_a_slice(self, job: Job, share: Share, root: p.Source) -> Iterator[Instead]:
        """What rewrites the other slice of the row, where it sets all columns that are left of the job's, too: more
        than these, or it ended last."""
        mine = {item.name: item.open for item in self.rewrites(job, root, gone=False)}
        held = self.held(share.other, share.owner)
        for rule in self.rules_of(share.other):
            other = self.other(job, rule, share.other)
            comes = self.comes_to_now(other, share.owner, NEVER_REFERENCED, REWRITING)
            if comes is None or not mine:
                continue
            theirs = {item.name: item.open for item in self.rewrites(other, share.owner, gone=False)}
            meets = functools.partial(
                self.acts_instead, other, bound=share.other, owner=share.owner, root=share.owner,
                action=ANONYMIZE, referenced=NEVER_REFERENCED, gone=False,
            )  # fmt: skip
            stops = [held, *(meets(rule=each) for each in other.others)]
            among = (
                p.AnyOf(items=(p.Untrue(item=open_), *([theirs[name]] if name in theirs else [])))
                for name, open_ in mine.items()
            )
            more: list[p.Test] = [
                open_ if name not in mine else p.All(items=(open_, p.Untrue(item=mine[name])))
                for name, open_ in theirs.items()
            ]
            later = self._later_than(other, share.owner, job, root, gone=False)
            more += [] if later is None else [later]
            free = (p.Untrue(item=stop) for stop in stops if stop is not None)
            test = p.All(items=(comes, *among, *free, p.AnyOf(items=tuple(more))))
            yield Instead(test=share.where(test, root), bound=share.other, rule=rule, owner=share.owner)

    def _of_another(
        self, job: Job, share: Share, root: p.Source, action: str
    ) -> Iterator[tuple[Collection[str], p.Source | None]]:
        """The actions, and the row of which some column is rewritten where that is asked."""
        if share.whole:  # the job has a slice of the row, which is rewritten as a whole
            yield REWRITING, None
        elif action in REWRITING and any(i.table.id == job.bound.root.id for i in share.other.rewriting):
            yield REWRITING, root
        if share.other.moves:  # it is moved to a vault, whole and as it is
            yield {RESTRICT}, None


def _just(said: Chain, action: str) -> Chain:
    """The action, if it is in the chain."""
    return replace(said, actions=tuple(each for each in said.actions if each == action))
