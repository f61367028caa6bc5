"""What the rules promise and can't keep together: rules without an end, and pairs of which one breaks the other.

None of it is a mistake of one rule, and nothing is deleted too early by it, so it is said and not
refused: what can't be kept shows as undated, retained and conflict in every plan.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from datetime import date, timedelta

from retention.config.loading import Configuration
from retention.config.reading.findings import names
from retention.model.clock import Period
from retention.model.dataset import Dataset
from retention.model.policy import Basis, Rule, Variant
from retention.periods import ended_day


def doubts(config: Configuration, day: date) -> tuple[str, ...]:
    """Sentences for `check`, in the order of the rules. Pairs are dated by events in the year up to `day`."""
    acting = [rule for rule in config.policy.rules.values() if rule.acts]
    carried = {dataset.data for dataset in _datasets(config)}
    found: list[str] = []
    for rule in acting:
        others = [other for other in acting if other is not rule and _meet(rule, other, carried)]
        found += _endless(rule, others, config)
        found += _waits_for_people(rule, others, config)
        found += _demands_in_vain(rule, others)
        for other in others:
            found += _infeasible(rule, other, day)
    return tuple(dict.fromkeys(found))


def _datasets(config: Configuration) -> list[Dataset]:
    return [d for connector in config.connectors.values() for d in connector.datasets.values()]


def _meet(one: Rule, other: Rule, carried: set[str]) -> bool:
    """Some dataset is reached by both."""
    return bool((set(one.data) or carried) & (set(other.data) or carried) & carried)


def _yields(rule: Rule, to: Variant) -> bool:
    """Some variant of `rule` gives way to rules of the basis of `to`."""
    return any(v.yields_to is None or to.basis in v.yields_to for v in rule.variants)


def _waiting(others: list[Rule], for_: Variant) -> str:
    waiting = [other.name for other in others if _yields(other, for_)]
    return f", and so waits whatever gives way to it ({names(waiting)})" if waiting else ""


def _which(rule: Rule, variant: Variant) -> str:
    if variant is rule.base:
        return f"the rule `{rule.name}`"
    return f"exception {rule.variants.index(variant) + 1} of the rule `{rule.name}`"


def _endless(rule: Rule, others: list[Rule], config: Configuration) -> Iterator[str]:
    """Rules of which every event that could end them never happens in a dataset."""
    for dataset in _datasets(config):
        if not rule.speaks_of(dataset.data) or dataset.columns is not None:
            continue
        for variant in rule.variants:
            limbs = (variant.event, *variant.until) if variant.keeping else variant.until
            if limbs and not any(_happens(dataset, name, config.policy.told) for name in limbs):
                never = names(dict.fromkeys(name for name in limbs if name))
                here = [other for other in others if other.speaks_of(dataset.data)]
                yield (
                    f"{_which(rule, variant)} never ends in `{dataset}`, where {never} never happens: what it "
                    f"reaches there is kept for ever{_waiting(here, variant)}"
                )


def _happens(dataset: Dataset, name: str | None, told: Container[str | None]) -> bool:
    """What is told concerns nobody where the records are about nobody."""
    if name in told:
        return dataset.subject is not None
    event = dataset.events.get(name or "")
    return event is not None and bool(event.components)


def _waits_for_people(rule: Rule, others: list[Rule], config: Configuration) -> Iterator[str]:
    """Rules that end by nothing but what a person tells, and keep it from others until then."""
    for variant in rule.variants:
        if variant.keeping or not variant.until or not set(variant.until) <= config.policy.told.keys():
            continue
        waiting = _waiting(others, variant)
        if waiting:
            yield (
                f"{_which(rule, variant)} keeps its records until it is told {names(variant.until)}{waiting}: what "
                "nobody tells is kept for ever; `upon` demands, and does not keep"
            )


_WEAK = {None, Basis.CONSENT, Basis.LEGITIMATE_INTERESTS}
"""What is kept on no basis, or on one of these, is not kept against a demand (GDPR Art. 17(1)(b), (c))."""


def _demands_in_vain(rule: Rule, others: list[Rule]) -> Iterator[str]:
    """Rules that demand, and give way to all others: what is asked for waits until the longest period is over."""
    for variant in rule.variants:
        if not variant.upon or variant.yields_to is not None:
            continue
        keeping = [
            o.name for o in others if any(v.basis in _WEAK and (v.keeping or v.until) for v in o.variants)
        ]
        if keeping:
            yield (
                f"{_which(rule, variant)} demands, and gives way to every other rule: what is asked for waits until "
                f"{names(keeping)} let{'s' * (len(keeping) == 1)} it go; say which bases may keep it, such as "
                'yields_to = ["legal obligation", "legal claims"]'
            )


def _infeasible(rule: Rule, other: Rule, day: date) -> Iterator[str]:
    """`rule` promises an end by which `other`, to which it yields, still keeps the same record."""
    for mine in rule.variants:
        if mine is rule.base and _only_in_exceptions(rule, other):
            continue
        for theirs in other.variants:
            dates, put_off = _dates(mine, theirs, theirs.keep, day), ""
            if dates is None and theirs.defer_while is not None:
                dates, put_off = _dates(mine, theirs, theirs.at_most, day), " where it is put off"
            if dates is not None:
                happened, most, kept = dates
                scope = put_off or (" where it applies" if other.where or len(other.variants) > 1 else "")
                yield (
                    f"{_which(rule, mine)} promises an end which {_which(other, theirs)} breaks{scope}: of "
                    f"`{mine.event}` on {happened} the one ends by {most} at the latest, and the other keeps until "
                    f"{kept}; lengthen `at_most`, or say in `yields_to` to which rules it gives way"
                )
                return


def _only_in_exceptions(rule: Rule, other: Rule) -> bool:
    """Where `other` applies an exception of `rule` does: it says the same in its `when`."""
    where = other.where
    return where is not None and any(v.when is not None and v.when.text == where.text for v in rule.variants)


def _dates(
    mine: Variant, theirs: Variant, longest: Period | None, day: date
) -> tuple[date, date, date] | None:
    """The latest day up to `day` of which `theirs` keeps as long as `longest`, and so longer than `at_most` of `mine`;
    and both ends.

    Only where both count from one event, and nothing else could end `theirs` before.
    """
    if mine.at_most is None or longest is None or theirs.until or mine.event != theirs.event:
        return None
    if mine.yields_to is not None and theirs.basis not in mine.yields_to:
        return None
    ours, other = mine.counting(mine.at_most), theirs.counting(longest)
    for back in range(366):
        happened = day - timedelta(days=back)
        most, kept = ended_day(happened, ours), ended_day(happened, other)
        if kept > most:
            return happened, most, kept
    return None
