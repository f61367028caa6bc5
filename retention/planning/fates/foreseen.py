"""What rules will need of a record when this plan has restricted others, which refer to it.

A record that is moved to a vault is under the vault's clocks from then on, which may be read from other columns; and
what is moved or marked is `restricted`, of which a rule may speak. What such a rule needs of other records must not be
rewritten by the very plan that restricts: it could not be had back. So the rules of the place where a record will be
are asked of its row as it is now, with `restricted` as of now.
"""

from __future__ import annotations

import abc
import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any

from retention import periods
from retention.model import predicate as p
from retention.model.catalogue import Catalogue, TableId
from retention.model.clock import Boundary
from retention.model.policy import Rule
from retention.planning.binding.bound import BoundDataset, Cell, Job, Vault
from retention.planning.fates.acting import never_acts
from retention.planning.fates.chains import RESTRICT, REWRITING, actions
from retention.planning.fates.limbs import happened, line_of
from retention.planning.fates.results import cases
from retention.planning.fates.sharing import Share
from retention.planning.fates.stops import Asked, Keeper, Keeping, Need, Sign, Stops
from retention.planning.fates.substituting import substituted

NOTHING, ANYTHING = p.AnyOf(items=()), p.All(items=())
UNCLEAR = p.Either(true=NOTHING, unknown=ANYTHING)


@dataclass(frozen=True, kw_only=True)
class There:
    """Where records will be when they are restricted, seen from where they are.

    `bound`: over the vault's tables, or their own dataset where they are marked; `tables`: of its records → of theirs
    now; `since`: the column there that says since when.
    """

    bound: BoundDataset
    tables: Mapping[TableId, TableId]
    since: Cell


class Foreseen(Stops, abc.ABC):
    """Tests of one connector's jobs."""

    foresees = True

    @functools.cached_property
    def _elsewhere(self) -> dict[object, bool]:
        """What `_otherwise_there` has answered."""
        return {}

    @abc.abstractmethod
    def restricted(self, by: Sequence[Job], root: p.Source) -> p.Test:
        """Plain, of a row of the jobs' table: one of them restricts it in this plan, as things stand."""

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
        """Of a column also what will need it: what keeps a record as a whole from being deleted refers to it still."""
        yield from super().keeping(job, rule, root, asked, gone=gone, column=column)
        if column is not None:
            yield from self.to_need(job, rule, root, asked, column=column)

    def to_need(
        self, job: Job, rule: Rule | None, root: p.Source, asked: Asked, *, column: Cell | None = None
    ) -> Iterator[tuple[Sign, Callable[[], Keeper | None]]]:
        """Every rule that can need the record, or the column, when this plan has restricted what refers to it."""
        for need in self.needs(job, rule, root, asked, column) if self.foresees else ():
            for number, (by, there) in enumerate(self._set_apart(need)):
                if self._otherwise_there(need, there, job.told):
                    sign = need.sign(f"will need {number}")
                    yield sign, functools.partial(self._will_need, job, need, there, by)
        for number, share, kept in self.shared_by(job, rule, asked, column) if self.foresees else ():
            for by, there in self._marked(kept.holder):
                if self._otherwise_there(kept, there, job.told):
                    where = "will share", str(share.other), str(number), str(by[0].bound)
                    sign = where, kept.rule.name, kept.places
                    yield sign, functools.partial(self._will_share, job, root, share, kept, there, by)

    def keepers_from(self, job: Job, root: p.Source, some: Collection[str], asked: Asked) -> list[Keeper]:
        """All that keeps it from these actions of the job's rule; from being rewritten also what will need it."""
        rewriting = not REWRITING.isdisjoint(some)
        soon = (make() for _, make in self.to_need(job, job.rule, root, asked)) if rewriting else ()
        return [
            *self.keepers(job, job.rule, root, asked),
            *(keeper for keeper in soon if keeper is not None),
        ]

    def _set_apart(self, need: Need) -> Iterator[tuple[Sequence[Job], There]]:
        """The jobs of one dataset that restrict the rows that refer to the record, and where those are then. They may
        be records of several datasets, or be moved as parts of one."""
        yield from self._marked(need.holder)
        for by in self._restricting():
            bound = by[0].bound
            if bound.vault is not None and need.holder.root.id in bound.members:
                yield from ((by, there) for there in self._in_the_vault(need, bound.vault))

    def _marked(self, holder: BoundDataset) -> Iterator[tuple[Sequence[Job], There]]:
        """The same where the rows of such records are marked, and stay."""
        for by in self._restricting():
            bound = by[0].bound
            if bound.mark is not None and bound.vault is None and bound.root.id == holder.root.id:
                yield by, There(bound=holder, tables={}, since=(bound.root.id, bound.mark.name))

    def _restricting(self) -> Iterator[Sequence[Job]]:
        """The jobs that restrict records, those of a dataset together."""
        for ruled in self.ruled:
            by = [j for j in self._acting if j.bound is ruled.bound and RESTRICT in actions(j)]
            if some := [job for job in by if not never_acts(job)]:
                yield some

    def _in_the_vault(self, need: Need, vault: Vault) -> Iterator[There]:
        """The datasets of the same data over the vault's tables, where their rows go on referring to the record."""
        twin = {each.source.id: each.target.id for each in vault.twins}
        if vault.since is None or (reference := need.item.reference).table not in twin:
            return
        same = twin[reference.table], reference.columns, reference.target, reference.target_columns
        others = (item.reference for item in need.same.outside)
        if same not in ((r.table, r.columns, r.target, r.target_columns) for r in others):
            return
        back = {there: here for here, there in twin.items()}
        for ruled in self.ruled:
            there, data = ruled.bound, need.holder.dataset.data
            its = there.root.id == twin[need.holder.root.id] and there.dataset.data == data
            if its and need.rule in ruled.rules:
                yield There(bound=there, tables=back, since=(vault.root.id, vault.since.name))

    def _will_need(self, job: Job, need: Need, there: There, by: Sequence[Job]) -> Keeper | None:
        def kept(owner: p.Source) -> p.Test | None:
            keeps = self._kept_there(need, there, job.told, owner)
            if keeps is None:
                return None
            table, bound = owner.table, by[0].bound
            restricted = self._of_record(bound, table, owner, lambda root: self.restricted(by, root))
            return p.All(items=(keeps, restricted))

        return self._referring_that(need, kept, once=True)

    def _will_share(
        self, job: Job, root: p.Source, share: Share, kept: Keeping, there: There, by: Sequence[Job]
    ) -> Keeper | None:
        keeps = self._kept_there(kept, there, job.told, share.owner)
        if keeps is None:
            return None
        test = share.where(p.All(items=(keeps, self.restricted(by, share.owner))), root)
        return Keeper(rule=kept.rule, bound=share.other, test=test, owner=share.owner, once_restricted=True)

    def _kept_there(
        self, need: Keeping, there: There, told: frozenset[str], owner: p.Source
    ) -> p.Test | None:
        """Plain, over the row of `owner`, where the record is now: the rule keeps it when it is there."""
        root = replace(owner, table=there.bound.root.id, only=False) if there.tables else owner
        kept = self.keeps(need.rule, there.bound, told, root, places=need.places)
        if kept is None:
            return None
        seen = _Seen(there=there, owner=owner, holder=need.holder, as_of=self._as_of)
        seen = replace(seen, said=dict(self._said_otherwise(need, seen, root, told)))
        return substituted(kept, functools.partial(seen.instead_of, self._catalogue))

    def _said_otherwise(
        self, need: Keeping, seen: _Seen, root: p.Source, told: frozenset[str]
    ) -> Iterator[tuple[str, p.Test]]:
        """Lists that would be others there, where people tell when a clock ends or begins, and columns the other: which
        is the later one was asked of the columns here. Then the rule goes on keeping."""
        every = zip(
            cases(need.rule, seen.there.bound, told), cases(need.rule, need.holder, told), strict=True
        )
        for case, here in every:
            event = case.variant.event
            for limb in case.limbs if event is not None else ():
                by_people, other = case.rests_on_told(limb), limb.event if event in told else event
                if event is None or other is None or by_people == (event in told):
                    continue
                then = self._happened(case, other, root)
                if _numbered(
                    substituted(then, functools.partial(seen.instead_of, self._catalogue))
                ) == _numbered(self._happened(here, other, seen.owner)):
                    continue
                yield (
                    case.listed("come" if by_people else "precedes", limb),
                    NOTHING if by_people else ANYTHING,
                )

    def _otherwise_there(self, need: Keeping, there: There, told: frozenset[str]) -> bool:
        """What the rule will keep there it may not keep here: its clocks are read otherwise, or it asks where it is."""
        asked = need.rule.name, str(need.holder), str(there.bound), there.since, need.places
        if asked not in self._elsewhere:
            self._elsewhere[asked] = not self._alike(need, there, told)
        return self._elsewhere[asked]

    def _alike(self, need: Keeping, there: There, told: frozenset[str]) -> bool:
        bound = need.holder
        # what is in a vault is a record for sure
        here = replace(bound, where=None) if there.tables else bound
        mine, theirs = self.source(bound.root.id), self.source(bound.root.id)
        then = self._kept_there(need, there, told, theirs)
        if then is None:
            return True
        now = self.keeps(need.rule, here, told, mine, places=need.places)
        return now is not None and _numbered(now) == _numbered(then)


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """The record of the row `owner`, of the dataset `holder`, as it will be there, when it has been restricted `as_of`.

    What it is read from outside of its own rows stays where it is. `said`: what stands for some lists.
    """

    there: There
    owner: p.Source
    holder: BoundDataset
    as_of: datetime
    said: Mapping[str, p.Test] = field(default_factory=dict)

    def instead_of(self, catalogue: Catalogue, node: Any) -> Any:
        """What stands for a node of a test of the record there."""
        match node:
            case p.Source():
                return self._here(catalogue, node)
            case p.Listed(name=name) if name in self.said:
                return self.said[name]
            case p.Listed(name=name) if self.there.tables:
                key = tuple(replace(each, source=self.owner) for each in node.fields)
                own = f"{self.holder}{name.removeprefix(str(self.there.bound))}"
                return p.Listed(fields=key, name=own)
            case p.IsNull(item=p.Field() as item) if self._is_since(item):
                return NOTHING
            case p.Dated(field=date) if self._is_since(date):
                now = p.State.PAST if self.as_of < node.cutoff.instant else p.State.RECENT
                return ANYTHING if node.state is now else NOTHING
            case p.DatedBy(field=date) | p.Spanned(field=date) if self._is_since(date):
                return ANYTHING if node.state is p.State.RECENT else NOTHING  # no period from now on is over
            case p.Later() if self._is_since(node.left) or self._is_since(node.right):
                return self._later(catalogue, node)
            case p.Compare() | p.In() | p.IsNull() | p.Truth() if self._mentions(node):
                return UNCLEAR
        return node

    def _mentions(self, node: Any) -> bool:
        """A condition speaks of it as of a value: what comes of that nobody asks a database before it is there."""
        if isinstance(node, p.Field):
            return self._is_since(node)
        if isinstance(node, tuple):
            return any(map(self._mentions, node))
        return is_dataclass(node) and any(self._mentions(getattr(node, item.name)) for item in fields(node))

    def _is_since(self, field: p.Field) -> bool:
        """It says since when the record is restricted; in a vault's table no other column of that name is there now."""
        own = bool(self.there.tables) or field.source == self.owner
        return own and (field.source.table, field.column) == self.there.since

    def _here(self, catalogue: Catalogue, source: p.Source) -> p.Source:
        """The rows where they are now."""
        here = self.there.tables.get(source.table, source.table)
        return replace(source, table=here, only=catalogue.tables[here].only)

    def _later(self, catalogue: Catalogue, node: p.Later) -> p.Test:
        """A date is compared with this moment."""
        left, right = (
            replace(each, source=self._here(catalogue, each.source)) for each in (node.left, node.right)
        )
        if self._is_since(node.left) and self._is_since(node.right):
            return NOTHING
        floor = line_of(periods.floor(node.timezone), node.naive)
        if self._is_since(node.right):
            line = line_of(happened(self.as_of, node.timezone), node.naive)
            return p.Dated(field=left, state=p.State.RECENT, floor=floor, cutoff=line)
        now = Boundary(day=periods.day_of(self.as_of, node.timezone), instant=self.as_of.astimezone(UTC))
        return p.Dated(field=right, state=p.State.PAST, floor=floor, cutoff=line_of(now, node.naive))


def _numbered(test: p.Test) -> p.Test:
    """The test, with its sources called by the order in which they stand in it."""
    seen: dict[p.Source, p.Source] = {}

    def named(node: Any) -> Any:
        if not isinstance(node, p.Source):
            return node
        return seen.setdefault(node, replace(node, alias=f"n{len(seen)}"))

    return substituted(test, named)
