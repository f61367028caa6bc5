"""What stops an action on a record whose clock has ended, but for rows that refer to it: holds, and other rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeAlias

from retention.model import predicate as p
from retention.model.catalogue import Catalogue
from retention.model.policy import Basis, Rule, Variant
from retention.planning.binding.bound import BoundDataset, Cell, Job, Outside, Ruled
from retention.planning.fates.holding import Holding, held_list
from retention.planning.fates.results import Places, cases
from retention.planning.fates.sharing import Share, Sharing

Asked = Callable[[Variant], bool]
Sign = tuple[tuple[str, ...], str, Places]
"""What tells a keeper from others of a record: where it is, the rule, and by which variants.

Where: nowhere else; or by which way (`same`: the row itself, `shares`, `needs`), in which dataset, and where there.
"""


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
    once_restricted: bool = False


Tested: TypeAlias = "Callable[[Callable[[p.Source], p.Test | None]], p.Test | None]"
"""Makes a test of a record of one over the source of another of the same row."""


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """`rule`, by its variants at `places`, may keep records of `holder`."""

    holder: BoundDataset
    rule: Rule
    places: Places


@dataclass(frozen=True, kw_only=True)
class Need(Keeping):
    """It may need one of `same` while it keeps one of `holder` that refers to it.

    `row`: tells it of the record itself, or of another one of its row; `item`: by which it refers, the `number`th.
    """

    row: Tested
    same: BoundDataset
    item: Outside
    number: int

    def sign(self, way: str) -> Sign:
        """What tells it from others of the record."""
        return (way, str(self.holder), str(self.same), str(self.number)), self.rule.name, self.places


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
        self._stopping: dict[object, tuple[Job, p.Test | None]] = {}

    def held(self, bound: BoundDataset, root: p.Source, visiting: tuple[str, ...] = ()) -> p.Test | None:
        """Plain: a hold covers the record, one that shares a row with it, or one that refers to it, directly or
        through others.

        Lists of held records are complete in themselves; what is held as a whole is followed here.
        """
        return self._held_apart(bound, root, visiting)

    def _held_apart(
        self,
        bound: BoundDataset,
        root: p.Source,
        visiting: tuple[str, ...],
        others: Sequence[BoundDataset] = (),
    ) -> p.Test | None:
        """The same, but for what is held since it shares rows with records of `others`, or they refer to it."""
        if not self._holding:
            return None
        again, as_a_whole = str(bound) in visiting, bool(self._holding.datasets or self._holding.rules)
        found = self._covered(bound, root, listed=not again)
        if visiting.count(str(bound)) > 1:
            return p.AnyOf(items=tuple(found)) if found else None
        before, visiting = visiting, (*visiting, str(bound))
        for share in () if again else self.sharing(bound):
            if any(share.other is each for each in others):
                continue
            held: p.Test | None
            if as_a_whole and others and share.other.sliced:  # what refers to its row refers to the record's
                held = self._held_apart(share.other, share.owner, visiting, others)
            elif as_a_whole and not share.apart:  # held for another's sake, too
                held = self.held(share.other, share.owner, visiting)
            else:
                covered = self._covered(share.other, share.owner, listed=not share.apart)
                held = p.AnyOf(items=tuple(covered)) if covered else None
            found += [] if held is None else [share.where(held, root)]
        for item in bound.outside if as_a_whole else ():
            for ruled in self._every:
                other = ruled.bound
                if any(other is each for each in others):
                    continue
                if item.reference.table in other.members and other is not bound:
                    here = str(other) in before
                    holder = partial(self._itself if here else self.held, other, visiting=visiting)
                    held = self.referred_to_by(bound, root, item, other, holder)
                    found += [] if held is None else [held]
        return p.AnyOf(items=tuple(found)) if found else None

    def _itself(self, bound: BoundDataset, root: p.Source, visiting: tuple[str, ...]) -> p.Test | None:
        """The record is held as a whole, whatever `visiting` was asked for before."""
        covered = self._covered(bound, root, listed=False)
        return p.AnyOf(items=tuple(covered)) if covered else None

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

    def retained(
        self, job: Job, rule: Rule, root: p.Source, *, gone: bool, column: Cell | None = None
    ) -> p.Test | None:
        """Plain: a rule that `rule`, one of the job's, yields to still keeps a row of the record, or the `column`.

        It keeps the record itself, one that shares a row with it, or one that refers to it and needs it.
        """
        found: list[p.Test] = []
        every = cases(rule, job.bound, job.told)
        alike = len({case.variant.yields_to for case in every}) == 1
        for case in every[:1] if alike else every:
            bases = case.variant.yields_to

            def asked(variant: Variant, bases: frozenset[Basis] | None = bases) -> bool:
                return bases is None or variant.basis in bases

            keepers = self.keepers(job, rule, root, asked, gone=gone, column=column)
            tests = [keeper.test for keeper in keepers]
            kept = p.AnyOf(items=tuple(tests))
            guard = None if alike else self.guard(case, root, gone=gone)
            if gone and guard is not None:  # by every variant that may be its own
                found.append(p.AnyOf(items=(p.Untrue(item=guard), kept)))
            elif tests:
                found.append(kept if guard is None else p.All(items=(guard, kept)))
        if gone and not alike:
            return p.All(items=tuple(found))
        return p.AnyOf(items=tuple(found)) if found else None

    def keepers(
        self,
        job: Job,
        rule: Rule | None,
        root: p.Source,
        asked: Asked,
        *,
        gone: bool = False,
        column: Cell | None = None,
    ) -> list[Keeper]:
        """Every rule, by a variant that is `asked` for, that can keep a row of the record.

        `rule`: the one that it is kept from, which keeps nothing from itself; None: of any. `column`: only what needs
        this column of one of its rows.
        """
        found = (make() for _, make in self.keeping(job, rule, root, asked, gone=gone, column=column))
        return [keeper for keeper in found if keeper is not None]

    def keeping(
        self,
        job: Job,
        rule: Rule | None,
        root: p.Source,
        asked: Asked,
        *,
        gone: bool = False,
        column: Cell | None = None,
    ) -> Iterator[tuple[Sign, Callable[[], Keeper | None]]]:
        """The same, each by what tells it from others, and not made yet."""
        bound, told = job.bound, job.told
        for other in job.every:
            places = _places(other, asked, needing(column, bound))
            if places and (rule is None or other.name != rule.name):
                yield ((), other.name, places), partial(self._keeper, job, other, root, places, gone=gone)
        for number, share, kept in self.shared_by(job, rule, asked, column):
            way = "same" if share.whole else "shares"
            sign: Sign = (way, str(share.other), str(number)), kept.rule.name, kept.places
            yield sign, partial(self._sharer, told, kept.rule, share, root, kept.places, gone=gone)
        for need in self.needs(job, rule, root, asked, column):
            yield need.sign("needs"), partial(self._needed, job, need)

    def shared_by(
        self, job: Job, rule: Rule | None, asked: Asked, column: Cell | None
    ) -> Iterator[tuple[int, Share, Keeping]]:
        """By each way, the `number`th, of sharing a row with other records: each rule that may keep those."""
        for number, share in enumerate(self._keeping_shares(job.bound, column)):
            for other in self.rules_of(share.other):
                own = rule is not None and other.name == rule.name
                places = _places(other, always if own else asked, needing(column, share.other))
                if places:
                    yield number, share, Keeping(holder=share.other, rule=other, places=places)

    def needs(
        self, job: Job, rule: Rule | None, root: p.Source, asked: Asked, column: Cell | None
    ) -> Iterator[Need]:
        """By each reference to the record, or to another one of its row: each rule on the records that refer that can
        need it."""
        for same, row in self._same_row(job.bound, root, column):
            for ruled in self._every:
                for number, item in enumerate(_referring(same, ruled.bound)):
                    if item.reference.table in ruled.bound.members:
                        for other in ruled.rules:
                            own = rule is not None and other.name == rule.name
                            needs = partial(
                                _needs, data=same.dataset.data, columns=same.fields, column=column
                            )
                            places = _places(other, always if own else asked, needs)
                            if places:
                                yield Need(
                                    row=row,
                                    same=same,
                                    item=item,
                                    number=number,
                                    holder=ruled.bound,
                                    rule=other,
                                    places=places,
                                )

    def _keeping_shares(self, bound: BoundDataset, column: Cell | None) -> Iterator[Share]:
        """Rules on a whole row do not keep a slice of it; of a column those are asked whose rows have it."""
        for share in self.sharing(bound):
            of_a_slice = bound.sliced and not share.other.sliced
            if not of_a_slice and (column is None or share.table == column[0]):
                yield share

    def _same_row(
        self, bound: BoundDataset, root: p.Source, column: Cell | None
    ) -> Iterator[tuple[BoundDataset, Tested]]:
        """The dataset, and others with the same row where a column is asked about: each with its record's test."""
        yield bound, lambda test: test(root)
        for share in self.sharing(bound) if column is not None else ():
            if column is not None and share.table == column[0]:

                def where(test: Callable[[p.Source], p.Test | None], share: Share = share) -> p.Test | None:
                    passed = test(share.owner)
                    return None if passed is None else share.where(passed, root)

                yield share.other, where

    def _keeper(
        self, job: Job, rule: Rule, root: p.Source, places: Places, *, gone: bool = False
    ) -> Keeper | None:
        kept = self.keeps(rule, job.bound, job.told, root, places=places, gone=gone)
        return None if kept is None else Keeper(rule=rule, bound=job.bound, test=kept)

    def _sharer(
        self,
        told: frozenset[str],
        rule: Rule,
        share: Share,
        root: p.Source,
        places: Places,
        *,
        gone: bool = False,
    ) -> Keeper | None:
        kept = self.keeps(rule, share.other, told, share.owner, places=places, gone=gone and share.whole)
        if kept is None:
            return None
        return Keeper(rule=rule, bound=share.other, test=share.where(kept, root), owner=share.owner)

    def _needed(self, job: Job, need: Need) -> Keeper | None:
        """A record that `rule` keeps, and to which this one must stay readable, refers to it."""
        return self._referring_that(
            need, lambda owner: self.keeps(need.rule, need.holder, job.told, owner, places=need.places)
        )

    def _referring_that(
        self, need: Need, kept: Callable[[p.Source], p.Test | None], *, once: bool = False
    ) -> Keeper | None:
        """A record that refers to this one passes `kept`."""
        owners: list[p.Source] = []

        def passes(owner: p.Source) -> p.Test | None:
            owners.append(owner)
            return kept(owner)

        test = need.row(lambda root: self.referred_to_by(need.same, root, need.item, need.holder, passes))
        if test is None:
            return None
        return Keeper(
            rule=need.rule, bound=need.holder, test=test, owner=owners[0], needs=True, once_restricted=once
        )

    def beyond_at_most(self, job: Job, root: p.Source) -> p.Test | None:
        """Plain: the job's rule should have ended this record's stay already; None where it has no `at_most`."""
        found = []
        for case in cases(job.rule, job.bound, job.told):
            if case.variant.at_most is not None:
                guard, past = self.guard(case, root), self.past_at_most(case, root)
                found.append(past if guard is None else p.All(items=(guard, past)))
        return p.AnyOf(items=tuple(found)) if found else None


def _referring(bound: BoundDataset, holder: BoundDataset) -> Iterator[Outside]:
    """References to a record of `bound` from rows of records of `holder`: from its own parts, too, that are records."""
    yield from bound.outside
    if holder is not bound:
        yield from (Outside(reference=part.reference, inside=True) for part in bound.parts)


def needing(column: Cell | None, bound: BoundDataset) -> Asked:
    """Whether a variant that keeps a record of `bound` needs the column of one of its rows.

    All of its own record, of a slice the slice's, or what its `needs` names of this data.
    """
    if column is None:
        return always
    data = bound.dataset.data

    def needs(variant: Variant) -> bool:
        if data in variant.needs:
            return _needs(variant, data, bound.fields, column)
        return bound.columns is None or column in bound.columns

    return needs


def _needs(variant: Variant, data: str, columns: Mapping[str, frozenset[Cell]], column: Cell | None) -> bool:
    """The variant needs the data, and the column where one is asked about."""
    named = variant.needs.get(data, ())
    return bool(named) and (column is None or any(column in columns.get(name, ()) for name in named))


def always(_: Variant) -> bool:
    """Asks for every variant."""
    return True


def _places(rule: Rule, *asked: Asked) -> Places:
    """The variants that are asked for in every way."""
    return frozenset(i for i, v in enumerate(rule.variants) if all(ask(v) for ask in asked))
