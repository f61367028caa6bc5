"""Records that refer to each other, of one dataset or of several in a circle: which of them the others keep, and which
a ring keeps."""

from __future__ import annotations

import abc
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from retention.model import predicate as p
from retention.model.catalogue import Catalogue, TableId
from retention.planning.binding.bound import BoundDataset, Job, Outside, Ruled
from retention.planning.fates.chains import DELETE, RESTRICT, actions
from retention.planning.fates.holding import Holding
from retention.planning.fates.pairing import Leaf, Pairing


class Entangled(Pairing, abc.ABC):
    """Tests that follow references among the records of a dataset, and of its circle, to their end."""

    def __init__(
        self,
        catalogue: Catalogue,
        acting: Sequence[Job],
        as_of: datetime,
        holding: Holding,
        every: Sequence[Ruled],
    ) -> None:
        super().__init__(catalogue, acting, as_of, holding, every)
        self._closures: dict[str, p.Closure] = {}
        self._definitions: dict[tuple[str, ...], tuple[str, p.Source, p.Test]] = {}
        self._deleting: tuple[Job, ...] = ()
        self._prefix = ""
        self._copies = itertools.count(1)

    @abc.abstractmethod
    def _goes(self, job: Job, root: p.Source, *, visiting: tuple[Job, ...], alone: bool = False) -> p.Test:
        """The row of `root` is a record that nothing keeps, by any job of this plan on the dataset of `job`."""

    @abc.abstractmethod
    def _beyond(
        self, bound: BoundDataset, root: p.Source, other: BoundDataset, owner: p.Source
    ) -> p.Test | None:
        """The record of `root`, which is a part of that of `owner`, or the same row, has rows that are none of that
        one's; None where it can have none."""

    @abc.abstractmethod
    def _defined(
        self, what: tuple[str, ...], bound: BoundDataset, root: p.Source, passes: Callable[[p.Source], p.Test]
    ) -> p.Defined:
        """The row of `root` is a record of `bound` that passes."""

    def _all_act(self, job: Job) -> bool:
        """No rule is narrowed away that could delete another record of the job's dataset: that one would stay."""
        return all(other.name != job.name for other in self._deleting) or not self._left_out(job)

    def _left_out(self, job: Job) -> bool:
        """A rule is narrowed away that could delete a record of the dataset, or of the same row."""
        acting = {other.name for other in self._deleting}
        return any(other.name not in acting for other in self._others(job))

    def _others(self, job: Job) -> Iterator[Job]:
        """Of every other rule on the dataset, and on another of the same rows, that could delete a record of it."""
        found = [self.other(job, rule, job.bound) for rule in job.others]
        for ruled in self._every:
            same = ruled.bound.root.id == job.bound.root.id and not ruled.bound.sliced
            if same and ruled.bound is not job.bound and not job.bound.sliced:
                found += (self.other(job, rule, ruled.bound) for rule in ruled.rules)
        return (other for other in found if DELETE in actions(other))

    def together(self, bound: BoundDataset) -> tuple[BoundDataset, ...]:
        """The datasets of which records may have to go with those of `bound`: itself alone, but in a circle."""
        if bound.circled is None or not self._every:
            return (bound,)
        return tuple(ruled.bound for ruled in self._every if str(ruled.bound) in bound.together)

    def owners(self, bound: BoundDataset, table: TableId) -> tuple[BoundDataset, ...]:
        """Those of these of whose records the rows of `table` are."""
        return tuple(each for each in self.together(bound) if table in each.members)

    def _crossing(self, bound: BoundDataset) -> Iterator[tuple[BoundDataset, BoundDataset, Outside]]:
        """Every way in which a record of the first of two of these datasets can refer to another, of the second."""
        for to in self.together(bound):
            for item in to.outside:
                for of in self.owners(bound, item.reference.table):
                    yield of, to, item

    def _common(self, bound: BoundDataset) -> Iterator[tuple[BoundDataset, BoundDataset, TableId]]:
        """Every way in which a row can be of a record of each of two of these datasets."""
        for of, to in itertools.permutations(self.together(bound), 2):
            roots = {one.root.id for one, other in ((of, to), (to, of)) if one.inside(other)}
            for table in sorted(of.parts_with(to) | roots, key=str):
                yield of, to, table

    def _wide(
        self, bound: BoundDataset, fields: Sequence[p.Field | p.Blank]
    ) -> tuple[p.Field | p.Blank, ...]:
        """A key of `bound` beside those of the other datasets, which are blank."""
        found: list[p.Field | p.Blank] = []
        for each in self.together(bound):
            if each is bound:
                found += fields
                continue
            nowhere = self.source(each.root.id)
            found += (p.Blank(field=field) for field in self._key(each, nowhere))
        return tuple(found)

    def among(self, closure: p.Closure, bound: BoundDataset, root: p.Source) -> p.Test:
        """Plain: the record of `root` is among the keys."""
        if not closure.seeds:
            return p.AnyOf(items=())
        every = self.together(bound)
        at = sum(len(each.key) for each in every[: every.index(bound)])
        return p.Reached(fields=self._key(bound, root), closure=closure, at=at)

    def held(self, bound: BoundDataset, root: p.Source, visiting: tuple[str, ...] = ()) -> p.Test | None:
        """Also through records of these datasets themselves, however many: what a held one refers to is held."""
        whole = str(bound) in self._holding.datasets or not (self._holding.datasets or self._holding.rules)
        every = self.together(bound)
        followed = self._holding and bound.tangled and not whole
        if not followed or any(str(each) in visiting for each in every):
            return super().held(bound, root, visiting)
        name = " ".join(("held", *map(str, every), *sorted(visiting)))
        if name not in self._closures:
            seeds = []
            for each in every:
                own = self.source(each.root.id)
                covered = self._held_apart(each, own, visiting, every) or p.AnyOf(items=())
                record = p.All(items=(self.a_record(each, own), covered))
                fields = self._wide(each, self._key(each, own))
                seeds.append(p.Pairs(sources=(own,), where=record, fields=fields))
            steps = tuple(self._step(*way) for way in self._crossing(bound))
            steps += tuple(self._beside(*way) for way in self._common(bound))
            alias = f"{self._prefix}held{len(self._closures) + 1}"
            self._closures[name] = p.Closure(name=alias, seeds=tuple(seeds), steps=steps)
        return self.among(self._closures[name], bound, root)

    def goes_before(self, job: Job) -> tuple[p.Pairs, ...]:
        """(key, key) of due records of the job's dataset of which the first refers to the second, or has a part that is
        one of a record within the second, too, and goes with that."""
        if not job.bound.entangled:
            return ()
        goes = functools.partial(self._goes, job, visiting=())
        found = [self._between(job.bound, item, going=goes) for item in job.bound.outside if item.inside]
        found += (pairs for of, pairs in self._by_ways(job) if of is job.bound)
        return tuple(found)

    def leading_here(self, job: Job) -> tuple[tuple[BoundDataset, p.Pairs], ...]:
        """The same of records of other datasets of the circle that refer to due records of the job's, or share a part
        with one, or with what is within them: each of these waits for the other."""
        goes = functools.partial(self._goes, job, visiting=())
        referring = [
            (of, self._between(to, item, of=of, going=goes))
            for of, to, item in self._crossing(job.bound)
            if to is job.bound and of is not to
        ]
        beside = [
            (of, self._sharers(of, to, table, goes))
            for of, to, table in self._common(job.bound)
            if to is job.bound
        ]
        return (*referring, *beside, *(way for way in self._by_ways(job) if way[0] is not job.bound))

    def _by_ways(self, job: Job) -> Iterator[tuple[BoundDataset, p.Pairs]]:
        """What due records of the job's wait for since they share a part with what is within it, of which dataset."""
        goes = functools.partial(self._goes, job, visiting=())
        for of, to, table in self._common(job.bound):
            if to is job.bound and table != of.root.id:
                for above in self.together(to):
                    if of.inside(above):
                        yield above, self._by_way_of(above, of, table, to, goes)

    def ringed(self, job: Job, root: p.Source) -> p.Test | None:
        """The record has rows that refer to each other in a ring and can't go, or one that has leads to it."""
        every = self.together(job.bound)
        if not any(each.stubborn for each in every):
            return None
        closure = self._followed(job, "ringed", tuple(self._ring_seeds(every)))
        return self.among(closure, job.bound, root)

    def _kept(self, job: Job) -> p.Closure:
        """The records that others of these datasets keep: those that stay for another reason, and theirs in turn.

        Records that refer to each other go together: the rest is the largest set that leaves no reference behind.
        Where the database lets no row of a ring go, its records are among those that stay.
        """
        every = self.together(job.bound)
        name = self._name("kept", every)
        if name not in self._closures:
            seeds = []
            for to in every:
                owner = self._acting_on(to, job)
                if owner is not None:
                    found = [*self._kept_at_first(owner), *self._kept_beside(owner)]
                    seeds += [replace(pairs, fields=self._wide(to, pairs.fields)) for pairs in found]
            self._followed(job, "kept", (*seeds, *self._ring_seeds(every)))
        return self._closures[name]

    def _acting_on(self, bound: BoundDataset, job: Job) -> Job | None:
        """A job of this plan that deletes records of `bound`: `job` itself, where it is on it."""
        return job if bound is job.bound else next((j for j in self._deleting if j.bound is bound), None)

    def _ring_seeds(self, every: Sequence[BoundDataset]) -> Iterator[p.Pairs]:
        for each in every:
            for pairs in self._in_rings(each):
                yield replace(pairs, fields=self._wide(each, pairs.fields))

    def _name(self, word: str, every: Sequence[BoundDataset]) -> str:
        return " ".join((word, *map(str, every)))

    def _followed(self, job: Job, word: str, seeds: tuple[p.Pairs, ...]) -> p.Closure:
        """The records of `seeds`, all that they refer to, and all that share a part with them."""
        name = self._name(word, self.together(job.bound))
        if name not in self._closures:
            steps = tuple(self._step(*way) for way in self._crossing(job.bound))
            steps += tuple(self._keeping_steps(job.bound))
            alias = f"{self._prefix}{word}{len(self._closures) + 1}"
            self._closures[name] = p.Closure(name=alias, seeds=seeds, steps=steps)
        return self._closures[name]

    def _keeping_steps(self, bound: BoundDataset) -> Iterator[p.Pairs]:
        """From records that stay to those that wait for them since they share a row. Of what is a part of another, or
        of the same row, that one waits for rows alone that are not its own."""
        for of, to, table in self._common(bound):
            if table != of.root.id or not of.inside(to):
                yield self._beside(of, to, table)
            elif of.exceeds(to):
                yield self._beside(of, to, table, functools.partial(self._has_more, of, to))
            if table != of.root.id:
                yield from self._by_the_row_of(of, to, table)

    def _by_the_row_of(self, of: BoundDataset, to: BoundDataset, table: TableId) -> Iterator[p.Pairs]:
        """From records that stay to those that share a row with another one of their own row, which stays with them."""
        for same in self.together(to):
            if same is not of and same.root.id == of.root.id and not of.reached_alike(table, same):
                pairs = self._by_way_of(same, of, table, to, functools.partial(self.a_record, to))
                here, there = pairs.fields[: len(same.key)], pairs.fields[len(same.key) :]
                yield replace(pairs, fields=(*self._wide(same, here), *self._wide(to, there)))

    def _has_more(self, of: BoundDataset, to: BoundDataset, owner: p.Source, root: p.Source) -> p.Test:
        return self._beyond(of, owner, to, root) or p.AnyOf(items=())

    def _kept_at_first(self, job: Job) -> Iterator[p.Pairs]:
        """Records of the job's dataset that could go, and that a row refers to which is of no record that could."""
        for item in job.bound.outside:
            owners = self.owners(job.bound, item.reference.table)
            if owners:
                alone = [(of, self._alone(job, of)) for of in owners]
                yield self._kept_by(job.bound, item, alone, self._could(job))

    def _kept_beside(self, job: Job) -> Iterator[p.Pairs]:
        """The same of those of which a part is one of another dataset's record, too, that could not go; and of those
        that are parts of such a record."""
        for of, to, table in self._common(job.bound):
            if to is job.bound and table != of.root.id:
                could, stays = self._could(job), self._stays_alone(job, of)
                yield self._sharers(of, to, table, could, stays=stays, only=True)

    def _stays_alone(self, job: Job, of: BoundDataset) -> Callable[[p.Source, p.Source], p.Test]:
        """A record of `of` stays, beside one of the job's dataset, of which it is no part: it could not go, nor could
        one of which it is a part."""
        goes = self._alone(job, of)

        def stays(owner: p.Source, root: p.Source) -> p.Test:
            tests = [goes(owner)]
            if of.inside(job.bound):
                tests.append(self.belongs(job.bound, of.root.id, owner, root))
            tests += (
                self._of_record(above, of.root.id, owner, self._alone(job, above))
                for above in self.together(job.bound)
                if of.inside(above)
            )
            return p.Untrue(item=p.AnyOf(items=tuple(tests)))

        return stays

    def _could(self, job: Job) -> Leaf:
        """The record could go, if no other kept it.

        What another rule would move to a vault first could go, too: what keeps it here keeps it out of there. And so
        could what a rule would delete that is left out of the run.
        """
        every = [self.other(job, rule, job.bound) for rule in job.every]
        for share in self.same_rows(job.bound):
            every += (self.other(job, rule, share.other) for rule in self.rules_of(share.other))
        moved = any(RESTRICT in actions(each) for each in every)
        if moved or not self._all_act(job):
            return functools.partial(self._could_be_deleted, job)
        return functools.partial(self._goes, job, visiting=(), alone=True)

    def _alone(self, job: Job, of: BoundDataset) -> Leaf:
        """The record of `of` goes, if no other kept it."""
        acting = self._acting_on(of, job)
        if acting is None:
            return lambda _: p.AnyOf(items=())
        return functools.partial(self._goes, acting, visiting=(), alone=True)

    def _could_be_deleted(self, job: Job, root: p.Source) -> p.Test:
        """The row of `root` is a record that some rule would delete if nothing referred to it, and nothing moved it."""

        def passes(own: p.Source) -> p.Test:
            return p.All(items=(self.a_record(job.bound, own), self.deleted_unless_moved(job, own)))

        return self._defined(("could", str(job.bound)), job.bound, root, passes)

    def _step(self, of: BoundDataset, to: BoundDataset, item: Outside) -> p.Pairs:
        """From keys to keys of all of these datasets."""
        pairs = self._between(to, item, of=of, records=True)
        here, there = pairs.fields[: len(of.key)], pairs.fields[len(of.key) :]
        return replace(pairs, fields=(*self._wide(of, here), *self._wide(to, there)))

    def _beside(
        self,
        of: BoundDataset,
        to: BoundDataset,
        table: TableId,
        where: Callable[[p.Source, p.Source], p.Test] | None = None,
    ) -> p.Pairs:
        """The same where a row is a part of both, and `where` is true of them."""
        pairs = self._sharers(of, to, table, stays=where)
        here, there = pairs.fields[: len(of.key)], pairs.fields[len(of.key) :]
        return replace(pairs, fields=(*self._wide(of, here), *self._wide(to, there)))
