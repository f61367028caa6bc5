"""Records of one dataset that refer to each other: which of them the others keep, and which a ring keeps."""

from __future__ import annotations

import abc
import functools
import itertools
from collections.abc import Callable, Sequence
from datetime import datetime

from retention.model import predicate as p
from retention.model.catalogue import Catalogue
from retention.model.policy import Rule
from retention.planning.binding.bound import BoundDataset, Job, Outside, Ruled
from retention.planning.fates.chains import DELETE, RESTRICT, actions
from retention.planning.fates.competing import Competing
from retention.planning.fates.holding import Holding


class Entangled(Competing, abc.ABC):
    """Tests that follow references among the records of a dataset to their end."""

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
    def _defined(
        self, what: tuple[str, ...], bound: BoundDataset, root: p.Source, passes: Callable[[p.Source], p.Test]
    ) -> p.Defined:
        """The row of `root` is a record of `bound` that passes."""

    def _all_act(self, job: Job) -> bool:
        """No rule is narrowed away that could delete another record of the job's dataset: that one would stay."""
        acting = {other.rule.name for other in self._deleting if other.bound is job.bound}
        return job.rule.name not in acting or all(rule.name in acting for rule in self._others(job))

    def _others(self, job: Job) -> tuple[Rule, ...]:
        """The other rules on the dataset that could delete a record of it."""
        return tuple(r for r in job.others if DELETE in actions(self.other(job, r, job.bound)))

    def held(self, bound: BoundDataset, root: p.Source, visiting: tuple[str, ...] = ()) -> p.Test | None:
        """Also through records of the dataset itself, however many: what a held one refers to is held."""
        found = super().held(bound, root, visiting)
        whole = str(bound) in self._holding.datasets or not (self._holding.datasets or self._holding.rules)
        if found is None or whole or not bound.entangled or str(bound) in visiting:
            return found
        name = " ".join(("held", str(bound), *sorted(visiting)))
        if name not in self._closures:
            own = self.source(bound.root.id)
            covered = super().held(bound, own, visiting)
            assert covered is not None
            record = p.All(items=(self.a_record(bound, own), covered))
            seed = p.Pairs(sources=(own,), where=record, fields=self._key(bound, own))
            steps = tuple(self._between(bound, item, records=True) for item in bound.outside if item.inside)
            alias = f"{self._prefix}held{len(self._closures) + 1}"
            self._closures[name] = p.Closure(name=alias, seeds=(seed,), steps=steps)
        reached = p.Reached(fields=self._key(bound, root), closure=self._closures[name])
        return p.AnyOf(items=(found, reached))

    def goes_before(self, job: Job) -> tuple[p.Pairs, ...]:
        """(key, key) of due records of which the first refers to the second."""
        if not job.bound.entangled:
            return ()
        inside = [item for item in job.bound.outside if item.inside]
        goes = functools.partial(self._goes, job, visiting=())
        return tuple(self._between(job.bound, item, going=goes) for item in inside)

    def ringed(self, job: Job, root: p.Source) -> p.Test | None:
        """The record has rows that refer to each other in a ring and can't go, or one that has leads to it."""
        if not job.bound.stubborn:
            return None
        closure = self._followed(job, "ringed", tuple(self._in_rings(job.bound)))
        return p.Reached(fields=self._key(job.bound, root), closure=closure)

    def _kept(self, job: Job) -> p.Closure:
        """The records that others of their dataset keep: those that stay for another reason, and theirs in turn.

        Records that refer to each other go together: the rest is the largest set that leaves no reference behind.
        Where the database lets no row of a ring go, its records are among those that stay.
        """
        if f"kept {job.bound}" not in self._closures:
            inside = [item for item in job.bound.outside if item.inside]
            seeds = [self._kept_at_first(job, item) for item in inside]
            self._followed(job, "kept", (*seeds, *self._in_rings(job.bound)))
        return self._closures[f"kept {job.bound}"]

    def _followed(self, job: Job, word: str, seeds: tuple[p.Pairs, ...]) -> p.Closure:
        """The records of `seeds`, and all that they refer to."""
        name = f"{word} {job.bound}"
        if name not in self._closures:
            steps = tuple(self._between(job.bound, item) for item in job.bound.outside if item.inside)
            alias = f"{self._prefix}{word}{len(self._closures) + 1}"
            self._closures[name] = p.Closure(name=alias, seeds=seeds, steps=steps)
        return self._closures[name]

    def _kept_at_first(self, job: Job, item: Outside) -> p.Pairs:
        """Records that could go, and that a row refers to which could not.

        What another rule would move to a vault first could go, too: what keeps it here keeps it out of there.
        """
        goes = functools.partial(self._goes, job, visiting=(), alone=True)
        moved = any(RESTRICT in actions(self.other(job, rule, job.bound)) for rule in job.every)
        could = functools.partial(self._could_be_deleted, job) if moved else None
        return self._kept_by(job.bound, item, goes, could)

    def _could_be_deleted(self, job: Job, root: p.Source) -> p.Test:
        """The row of `root` is a record that some rule would delete if nothing referred to it, and nothing moved it."""

        def passes(own: p.Source) -> p.Test:
            return p.All(items=(self.a_record(job.bound, own), self.deleted_unless_moved(job, own)))

        return self._defined(("could", str(job.bound)), job.bound, root, passes)

    def _kept_by(
        self,
        bound: BoundDataset,
        item: Outside,
        alone: Callable[[p.Source], p.Test],
        could: Callable[[p.Source], p.Test] | None = None,
    ) -> p.Pairs:
        """Records of which `could` is true, else `alone`, and that a row refers to which is of no record of which
        `alone` is."""
        reference = item.reference
        row, (sources, root, linked) = self.source(reference.table), self._referred_record(bound, item)
        tests = (
            linked(row),
            p.Untrue(item=self.belongs(bound, reference.table, row, root)),
            p.Untrue(item=self._of_record(bound, reference.table, row, alone)),
            (could or alone)(root),
        )
        return p.Pairs(sources=(row, *sources), where=p.All(items=tests), fields=self._key(bound, root))

    def _between(
        self,
        bound: BoundDataset,
        item: Outside,
        *,
        going: Callable[[p.Source], p.Test] | None = None,
        records: bool = False,
    ) -> p.Pairs:
        """(key, key) of rows of which the first refers to the second; `going`: only to records of which it is true.

        `records`: only from one that is a record to another.
        """
        reference = item.reference
        row, (sources, root, linked) = self.source(reference.table), self._referred_record(bound, item)
        owner, tests = row, [linked(row)]
        if reference.table != bound.root.id:
            owner = self.source(bound.root.id)
            tests.append(self.belongs(bound, reference.table, row, owner))
            sources = (owner, *sources)
        keys = self._key(bound, owner), self._key(bound, root)
        tests.append(p.Untrue(item=p.SameValues(left=keys[0], right=keys[1])))
        if going is not None:
            tests.append(going(root))
        if records:
            tests += (self.a_record(bound, owner), self.a_record(bound, root))
        return p.Pairs(sources=(row, *sources), where=p.All(items=tuple(tests)), fields=(*keys[0], *keys[1]))
