"""Which demands are refused, and why: records for which a rule with `upon` has its event, and whose first action is
stopped. What stops it are the very tests that the record's fate is made of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from retention.model import predicate as p
from retention.model.policy import Basis, Rule, Variant
from retention.planning.binding.bound import Job
from retention.planning.binding.reach import described
from retention.planning.fates.actions import Way
from retention.planning.fates.cases import Case
from retention.planning.fates.chains import removes
from retention.planning.fates.columns import Chain
from retention.planning.fates.reasons import Reasons
from retention.planning.fates.results import cases


@dataclass(frozen=True, kw_only=True, order=True)
class Because:
    """What stops an action.

    `kind`: held, retained, referenced or shared. `by`: the rule that keeps a row, the reference, the part's table;
    "" of a hold. `dataset`: of the record that the rule keeps, or that shares the part. `basis` and `citation`: of the
    rule, as the variant has them by which it keeps the record.
    """

    kind: str
    by: str = ""
    dataset: str = ""
    basis: str = ""
    citation: str = ""

    @property
    def said(self) -> Mapping[str, str]:
        """What is known of it, by name."""
        every = {name: getattr(self, name) for name in ("kind", "by", "dataset", "basis", "citation")}
        return {name: text for name, text in every.items() if text}


@dataclass(frozen=True, kw_only=True)
class Refused:
    """What becomes of a demand: `actions` were stopped, `instead` is done, or nothing is."""

    actions: tuple[str, ...]
    instead: str | None
    because: tuple[Because, ...]


@dataclass(frozen=True, kw_only=True)
class _Said:
    """A chain of a variant that demands: which of the tests say that it holds, and that each of its ways is open."""

    actions: tuple[str, ...]
    holds: int | None
    open: Sequence[tuple[int, str]]


@dataclass(frozen=True, kw_only=True)
class Refusing:
    """Questions about the records of one job. `denied`: a demand has come, and its first action is stopped; plain.

    `tests`: asked of those records; `told` makes of the places of those that are true what is refused.
    """

    denied: p.Test
    tests: tuple[p.Test, ...]
    because: tuple[Because, ...]
    chains: tuple[_Said, ...]

    def told(self, true: frozenset[int]) -> Refused:
        """The reasons come first among the tests, in their order."""
        because = tuple(each for place, each in enumerate(self.because) if place in true)
        said = next(
            (each for each in self.chains if each.holds is None or each.holds in true), self.chains[0]
        )
        held = any(each.kind == "held" for each in because)
        instead = None if held else next((action for place, action in said.open if place in true), None)
        upto = said.actions.index(instead) if instead is not None else len(said.actions)
        # a row may have come or gone between two looks: then what refers to the record is not known by name
        return Refused(
            actions=said.actions[:upto], instead=instead, because=because or (Because(kind="referenced"),)
        )


def demands(rule: Rule) -> bool:
    """Some of its clocks end because somebody asks for it. What only ends by itself is refused to nobody."""
    return any(variant.upon for variant in rule.variants)


def by_people_alone(job: Job) -> bool:
    """Nothing but what people told makes a demand of the rule."""
    named = {event for variant in job.rule.variants for event in variant.upon}
    return named <= job.told


def refusing(reasons: Reasons, job: Job, root: p.Source) -> Refusing | None:
    """The questions about one job; None where it demands nothing of the dataset."""
    asked = [
        (said, tuple(case for case in said.cases if case.variant.upon))
        for said in reasons.chains(job, root)
        if said.actions
    ]
    asked = [(said, upon) for said, upon in asked if upon]
    if not asked:
        return None
    held = reasons.held(job.bound, root)
    because = dict(_because(reasons, job, root, asked, held))
    tests = [*because.values()]
    denied: list[p.Test] = []
    chains: list[_Said] = []
    referenced = reasons.referenced(job, root)
    every = len(cases(job.rule, job.bound, job.told))
    for said, upon in asked:
        first, *others = reasons.ways_of(job, said, root, referenced)
        stopped: list[p.Test] = [p.Untrue(item=first.test), *([] if held is None else [held])]
        guard = None if len(upon) == every else reasons.one_of(upon, root)
        denied.append(p.All(items=(*([] if guard is None else [guard]), p.AnyOf(items=tuple(stopped)))))
        chains.append(_said(said, others, tests, guard))
    ended = reasons.ended(job.rule, job.bound, job.told, root)
    return Refusing(
        denied=p.All(items=(ended, p.AnyOf(items=tuple(denied)))),
        tests=tuple(tests),
        because=tuple(because),
        chains=tuple(chains),
    )


def _said(said: Chain, others: Sequence[Way], tests: list[p.Test], guard: p.Test | None) -> _Said:
    """The chain, with its tests put behind the others."""
    holds = None if guard is None else len(tests)
    tests += [] if guard is None else [guard]
    found = []
    for way in others:
        found.append((len(tests), way.action))
        tests.append(way.test)
    return _Said(actions=said.actions, holds=holds, open=found)


def _because(
    reasons: Reasons,
    job: Job,
    root: p.Source,
    asked: Sequence[tuple[Chain, tuple[Case, ...]]],
    held: p.Test | None,
) -> Iterator[tuple[Because, p.Test]]:
    """Every reason that there can be, each once, with its test."""
    if held is not None:
        yield Because(kind="held"), held
    first = {said.actions[0] for said, _ in asked}
    yield from _kept(reasons, job, root, [case for _, upon in asked for case in upon], first)
    if any(removes(said.actions[0], job.bound) for said, _ in asked):
        for outside in job.bound.outside:
            name = Because(kind="referenced", by=described(outside.reference))
            yield name, reasons.referring(job, root, outside, strict=False)
        for share, test in reasons.shared(job, root):
            yield Because(kind="shared", by=str(share.table), dataset=str(share.other)), test


def _kept(
    reasons: Reasons, job: Job, root: p.Source, upon: Sequence[Case], first: Collection[str]
) -> Iterator[tuple[Because, p.Test]]:
    """Rules that keep a row of the record from the `first` actions, each with the basis and the citation of the variant
    by which it does."""
    found: dict[Because, list[p.Test]] = {}
    alike = len({case.variant.yields_to for case in upon}) == 1
    for case in upon[:1] if alike else upon:
        guard = None if alike else reasons.guard(case, root)
        bases = case.variant.yields_to
        for basis, citation in _cited(reasons):

            def asked(
                variant: Variant,
                bases: frozenset[Basis] | None = bases,
                cited: tuple[Basis | None, str | None] = (basis, citation),
            ) -> bool:
                yields = bases is None or variant.basis in bases
                return yields and (variant.basis, variant.citation) == cited

            for keeper in reasons.keepers_from(job, root, first, asked):
                name = Because(
                    kind="retained",
                    by=keeper.rule.name,
                    dataset=str(keeper.bound),
                    basis="" if basis is None else basis.value,
                    citation=citation or "",
                )
                test = keeper.test if guard is None else p.All(items=(guard, keeper.test))
                if keeper.rule.name != job.rule.name or (basis, citation) == _of(job.rule.base):
                    found.setdefault(name, []).append(test)
    for name, tests in found.items():
        yield name, tests[0] if len(tests) == 1 else p.AnyOf(items=tuple(tests))


def _cited(reasons: Reasons) -> list[tuple[Basis | None, str | None]]:
    """Every basis with every citation that some variant of a rule has, each pair once."""
    variants = (v for ruled in reasons.ruled for rule in ruled.rules for v in rule.variants)
    return list(dict.fromkeys(map(_of, variants)))


def _of(variant: Variant) -> tuple[Basis | None, str | None]:
    return variant.basis, variant.citation
