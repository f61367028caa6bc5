"""What the policy makes of a record today, as one choice: exactly one fate for every row.

Two forms of a job's fate differ in one thing only: whether rows that this very plan deletes still count as referring.
In a plan they do not (children go first); inside a batch they do: they are gone by then, or the record must wait.
"""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Self

from retention.model import predicate as p
from retention.model.catalogue import Catalogue, TableId
from retention.model.policy import REWRITING, Rule, Variant
from retention.planning.binding.bound import BoundDataset, Job, Outside, Ruled
from retention.planning.fates.acting import never_acts
from retention.planning.fates.actions import Referenced, always_as
from retention.planning.fates.chains import DELETE, DUE, actions, only_deletes
from retention.planning.fates.holding import NOTHING_HELD, Holding
from retention.planning.fates.moving import followed
from retention.planning.fates.sharers import Sharers
from retention.planning.fates.stops import Instead


class Fates(Sharers):
    """Predicates of one connector's jobs at the instant `as_of`. `acting`: the jobs of this plan in the order of the
    run; only what an earlier one deletes may be counted as gone already. Every rule protects, whether it acts or not.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        acting: Sequence[Job],
        as_of: datetime,
        holding: Holding = NOTHING_HELD,
        every: Sequence[Ruled] = (),
    ) -> None:
        super().__init__(catalogue, acting, as_of, holding, every)
        self._deleting = tuple(job for job in self._acting if DELETE in actions(job))
        self._sharing_at_all = any(self.sharing(ruled.bound) for ruled in every)

    def jointly(self) -> Self:
        """The same for batches of which records of several datasets go together."""
        found = copy.copy(self)
        found.begin_again("with_", self._acting)
        found.several = True
        return found

    def root(self, bound: BoundDataset) -> p.Source:
        """The source that a statement over the dataset's root table starts from."""
        return p.Source(table=bound.root.id, alias="r", only=bound.root.only)

    def fate(self, job: Job, root: p.Source, *, strict: bool) -> p.Choice:
        """The record's fate under `job`. `strict`: rows that other jobs delete still count as referring."""
        return self._fate(job, root, strict=strict, visiting=())

    def free(self, job: Job, root: p.Source, action: str) -> p.Choice:
        """The strict fate of a record that was due by this action when the run began: its event may be gone now, and so
        may the rows of what kept it from another action then; what refers to it now was known then to stay.

        Where its `from` has become later since, or an end of its own row's was taken back, that is for the caller to
        see: `Work.latest_day` and `Work.own_ends` tell."""
        gone = self.fleeting(job)
        return self._fate(job, root, strict=True, visiting=(), gone=gone, known=True, only=action)

    def records(self, job: Job, root: p.Source) -> p.Test:
        """Which rows of the root table are records: all but those of which `where` is false."""
        return self.a_record(job.bound, root)

    def referring(self, job: Job, root: p.Source, outside: Outside, *, strict: bool) -> p.Test:
        """Some row that stays refers to this record by this reference."""
        if self.first_moves(job) and followed(job.bound, outside):
            return p.AnyOf(items=())
        return self._referring(job, root, outside, strict=strict, visiting=(job,))

    def referring_rows(self, job: Job, root: p.Source, outside: Outside) -> tuple[p.Source, p.Test]:
        """The rows themselves: a source, and which of its rows stay and refer to the record of `root`."""
        reference, bound = outside.reference, job.bound
        referring = self.source(reference.table)
        stays = self._stays(job, root, outside, referring, strict=False, visiting=(job,))
        if reference.target == bound.root.id:
            return referring, p.All(items=(self.refers(reference, referring, root), *stays))
        member = self.source(reference.target)
        belongs = self.belongs(bound, reference.target, member, root)
        linked = p.All(items=(self.refers(reference, referring, member), belongs))
        return referring, p.All(items=(p.Exists(source=member, where=linked), *stays))

    # -- the choice ------------------------------------------------------------------------

    def _fate(
        self,
        job: Job,
        root: p.Source,
        *,
        strict: bool,
        visiting: tuple[Job, ...],
        gone: bool = False,
        known: bool = False,
        alone: bool = False,
        only: str | None = None,
    ) -> p.Choice:
        """`known`: it was due when the run began, by the action `only`. `alone`: as if no record of the dataset
        referred to another."""
        results = self.results(job.rule, job.bound, job.told, root, gone=gone, due=gone)
        stops = [(result.test, result.label) for result in results]
        held = self.held(job.bound, root)
        if held is not None:
            stops.append((held, "held"))
        if not only_deletes(job):
            referenced = self.referenced(
                job, root, strict=strict, visiting=visiting, alone=alone, known=known
            )
            return self._chained(
                job, root, stops, referenced,
                visiting=visiting, gone=gone, known=known, alone=alone, only=only,
            )  # fmt: skip
        kept = self.retained(job, job.rule, root, gone=gone)
        if kept is not None:
            past = self.beyond_at_most(job, root)
            if past is not None:
                stops.append((p.All(items=(kept, past)), "conflict"))
            stops.append((kept, "retained"))
        referring = self._all_referring(job, root, strict=strict, visiting=visiting, alone=alone)
        if referring:
            stops.append((p.AnyOf(items=tuple(referring)), "referenced"))
        if never_acts(job):
            return p.Choice(cases=tuple(stops), otherwise="elsewhere")
        now = p.AnyOf(items=tuple(referring)) if referring else None
        found = always_as(now)
        others = self.instead(job, root, visiting, referenced=found, gone=gone, alone=alone)
        if others:
            stops.append((p.AnyOf(items=tuple(each.test for each in others)), "elsewhere"))
        return p.Choice(cases=tuple(stops), otherwise=DUE)

    def _all_referring(
        self, job: Job, root: p.Source, *, strict: bool, visiting: tuple[Job, ...], alone: bool
    ) -> list[p.Test]:
        """Rows that stay refer to the record, or a record that stays shares a part with it."""
        around = (*visiting, job)
        found = [
            self._referring(job, root, item, strict=strict, visiting=around)
            for item in job.bound.outside
            if not self.owners(job.bound, item.reference.table) or (strict and not alone)
        ]
        if job.bound.tangled and not strict and not alone:
            found.append(self.among(self._kept(job), job.bound, root))
        found += [test for _, test in self.sharing_apart(job, root, visiting)]
        if strict and not alone:
            found += (self._shared_in_batch(job, root, share) for share in self.shared_together(job))
        return found

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
        """What could act on the record in place of the job, which would do `action`. `alone`: but for what takes it
        along as a part: whether that goes is asked by way of what could go alone."""
        asked = referenced or self.referenced(job, root, visiting=visiting)
        acts = functools.partial(self.acts_instead, job, action=action, referenced=asked, gone=gone)
        found = [
            Instead(test=test, bound=job.bound, rule=rule)
            for rule in job.others
            if not (gone and self._settled(job, rule, job.bound, root))  # none did when the run began
            and (test := acts(rule, job.bound, root, root)) is not None
        ]
        for share in self._around(job, visiting):
            other, owner = share.other, share.owner
            if other.sliced:
                # A slice of the row, whose rules do not meet those of the row, or of another slice.
                if not gone and share.whole and job.bound.sliced and action in REWRITING:
                    found += self.set_by_a_slice(job, share, root)
                continue
            if share.within or (share.whole and job.bound.sliced):
                if alone:
                    continue
                goes = self._goes_of(other, owner, visiting=(*visiting, job))
                if share.within and (beyond := self._beyond(job.bound, root, other, owner)) is not None:
                    goes = p.All(items=(goes, p.Untrue(item=beyond)))
                found.append(Instead(test=share.where(goes, root), bound=other, owner=owner))
                found += self.acting_on_another(job, share, root, visiting, action)
            elif share.whole:
                going = functools.partial(self._goes_of, other, owner, visiting=(*visiting, job), alone=alone)
                alike, wholly = self._deleted_with(job, share, root, going)
                if action in REWRITING:
                    # Of this record it is not known what refers to it, where it is kept anyway.
                    alike = going() if alike is None else p.All(items=(alike, going()))
                found += [
                    Instead(test=share.where(test, root), bound=other, rule=rule, owner=owner)
                    for rule in self.rules_of(other)
                    if not (gone and self._settled(job, rule, other, owner))
                    and (test := acts(rule, other, owner, root, alike=alike)) is not None
                ]
                if wholly is not None and not alone:
                    found.append(Instead(test=share.where(wholly, root), bound=other, owner=owner))
        return found

    def _settled(self, job: Job, rule: Rule, bound: BoundDataset, owner: p.Source) -> bool:
        """What tells of the rule, or of one that may keep the record from it, may be gone when a batch asks."""
        if self.read_elsewhere(rule, bound):
            return True
        bases = {variant.yields_to for variant in rule.variants}

        def asked(variant: Variant) -> bool:
            return any(some is None or variant.basis in some for some in bases)

        every = self.keeping(self.other(job, rule, bound), rule, owner, asked)
        keepers = {(where[1] if where else str(bound), name) for (where, name, _), _ in every}
        return any(
            (str(ruled.bound), each.name) in keepers and self.read_elsewhere(each, ruled.bound)
            for ruled in self.ruled
            for each in ruled.rules
        )

    # -- references ------------------------------------------------------------------------

    def _referring(
        self,
        job: Job,
        root: p.Source,
        outside: Outside,
        *,
        strict: bool,
        visiting: tuple[Job, ...],
    ) -> p.Test:
        reference = outside.reference
        referring = self.source(reference.table)
        stays = self._stays(job, root, outside, referring, strict=strict, visiting=visiting)

        def refers_to(target: p.Source) -> p.Test:
            items = (self.refers(reference, referring, target), *stays)
            return p.Exists(source=referring, where=p.All(items=items))

        return self._downward(job.bound, root, reference.target, refers_to)

    def _stays(
        self,
        job: Job,
        root: p.Source,
        outside: Outside,
        referring: p.Source,
        *,
        strict: bool,
        visiting: tuple[Job, ...],
    ) -> list[p.Test]:
        """The row of `referring` is outside the record, and this plan does not delete it before or with it."""
        table = outside.reference.table
        owners = self.owners(job.bound, table)
        if not owners:
            return [] if strict else list(self._goes_first(table, referring, visiting))
        found: list[p.Test] = []
        for of in owners:
            going = functools.partial(self._goes_of, of, visiting=visiting)
            if of is not job.bound and (not self.several if strict else self.first_moves(job)):
                continue
            if strict:
                going = functools.partial(self._beside_it, job.bound, of)
            elif of is job.bound:
                found.append(p.Untrue(item=self.belongs(of, table, referring, root)))
                going = functools.partial(self._goes, job, visiting=visiting)
                if of.entangled and self.first_moves(job):
                    going = functools.partial(self.moves_with, job)
            found.append(p.Untrue(item=self._of_record(of, table, referring, going)))
        return found

    def _goes_first(self, table: TableId, referring: p.Source, visiting: tuple[Job, ...]) -> Iterable[p.Test]:
        """For each dataset of which earlier jobs of this plan delete rows of `table`: the row is not one of those."""
        earlier = [job for job in self._earlier(visiting[-1]) if table in job.bound.members]
        for bound in dict.fromkeys(str(job.bound) for job in earlier):
            jobs = [job for job in earlier if str(job.bound) == bound]
            every = [job for job in self._deleting if job.bound is jobs[0].bound]
            if len(jobs) == len(every):
                goes = functools.partial(self._goes_of, jobs[0].bound, visiting=visiting)
                yield p.Untrue(item=self._of_record(jobs[0].bound, table, referring, goes))
                continue
            for job in jobs:
                if not never_acts(job):
                    going = functools.partial(self._going, job, visiting=visiting)
                    yield p.Untrue(item=self._of_record(job.bound, table, referring, going))

    def _earlier(self, job: Job) -> Iterable[Job]:
        """The jobs that have run when `job` begins: where datasets refer to each other, not all of the others."""
        before = itertools.takewhile(lambda other: other.name != job.name, self._acting)
        return (other for other in before if other in self._deleting)

    def _going(self, job: Job, root: p.Source, *, visiting: tuple[Job, ...], alone: bool = False) -> p.Test:
        """The row of `root` is a record that nothing keeps from the job."""

        def passes(own: p.Source) -> p.Test:
            choice = self._fate(job, own, strict=False, visiting=visiting, alone=alone)
            return p.All(items=(self.records(job, own), p.Chosen(choice=choice, label=DUE)))

        return self._defined((job.name, str(alone), *self._named(visiting)), job.bound, root, passes)

    def _goes(self, job: Job, root: p.Source, *, visiting: tuple[Job, ...], alone: bool = False) -> p.Test:
        """The row of `root` is a record that nothing keeps, by any job of this plan on the dataset of `job`."""
        whole = (job,) if alone and self._all_act(job) else None
        return self._goes_of(job.bound, root, visiting=visiting, alone=alone, whole=whole)

    def _goes_of(
        self,
        bound: BoundDataset,
        root: p.Source,
        *,
        visiting: tuple[Job, ...],
        alone: bool = False,
        whole: tuple[Job, ...] | None = None,
    ) -> p.Test:
        """The row of `root` is a record of `bound` that some job of this plan deletes; `whole`: some rule could."""
        jobs = whole or tuple(j for j in self._deleting if j.bound is bound)
        if whole is None and (not jobs or self._left_out(jobs[0])):
            going = (self._going(j, root, visiting=visiting, alone=alone) for j in jobs if not never_acts(j))
            return p.AnyOf(items=tuple(going))

        def passes(own: p.Source) -> p.Test:
            stops = self._stops_of_any(jobs[0], own, visiting=visiting, alone=alone)
            tests = (self.could_go(jobs[0], own), *(p.Untrue(item=stop) for stop in stops))
            return p.All(items=(self.records(jobs[0], own), *tests))

        return self._defined(("any", str(bound), str(alone), *self._named(visiting)), bound, root, passes)

    def _named(self, visiting: tuple[Job, ...]) -> Iterable[str]:
        """What a definition depends on of the records that it is asked for."""
        return sorted({str(job.bound) for job in visiting}) if self._sharing_at_all else ()

    def _defined(
        self, what: tuple[str, ...], bound: BoundDataset, root: p.Source, passes: Callable[[p.Source], p.Test]
    ) -> p.Defined:
        """The row of `root` is a record of `bound` that passes; what that means is written down once."""
        if what not in self._definitions:
            own = self.source(bound.root.id)
            where = passes(own)
            self._definitions[what] = f"{self._prefix}goes{len(self._definitions) + 1}", own, where
        name, own, where = self._definitions[what]
        key = self._key(bound, own)
        return p.Defined(fields=self._key(bound, root), name=name, root=own, key=key, where=where)

    def _stops_of_any(
        self, job: Job, root: p.Source, *, visiting: tuple[Job, ...], alone: bool
    ) -> list[p.Test]:
        """What stops every rule on the dataset alike: holds, and rows that refer to the record."""
        found = self._all_referring(job, root, strict=False, visiting=visiting, alone=alone)
        return found if (held := self.held(job.bound, root)) is None else [held, *found]
