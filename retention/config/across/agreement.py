"""What one file says against what the others say: data, words, told events, slices, names of files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from retention.config.across import rewriting, spelling, telling
from retention.config.across.reach import Placed, Reach, Reached
from retention.config.connector.connector_file import ConnectorDraft
from retention.config.policy.policy_file import PolicyDraft
from retention.config.policy.rule_checks import not_longer, too_slow, window_clock
from retention.config.policy.rule_file import RuleDraft, VariantDraft
from retention.config.policy.rule_values import PeriodName
from retention.config.reading.findings import Finding, choice, said
from retention.model.clock import Period
from retention.model.policy import REWRITING


def disagreements(
    policy_file: str, policy: PolicyDraft, connectors: Iterable[ConnectorDraft], *, complete: bool
) -> Iterator[Placed]:
    """Everything in which files disagree; of one place in a connector's file only the first that is wrong.

    `complete`: every connector's file could be read; where one could not, it may be the one
    that carries what a rule names, and nothing is said about that.
    """
    reach = Reach.of(connectors, complete=complete)
    yield from _same_names(reach.connectors)
    seen = set()
    for file, finding in _between(policy_file, policy, reach):
        if file == policy_file or (file, finding.at) not in seen:
            seen.add((file, finding.at))
            yield file, finding


def _between(policy_file: str, policy: PolicyDraft, reach: Reach) -> Iterator[Placed]:
    for rule in policy.rules:
        if not rule.acts or rule.table.data is None:
            continue
        for finding in _nobody_carries(rule, reach):
            yield policy_file, finding
        reached = reach.by(rule)
        yield from spelling.unknown_words(policy_file, rule, policy, reach)
        yield from telling.untellable(rule, policy, reached)
        yield from rewriting.unrewritable(policy_file, rule, reached)
        for finding in (*_slices(rule, reached), *_windows(rule, reached), *telling.unreckoned(rule, policy)):
            yield policy_file, finding
    yield from telling.declarations(policy_file, policy, reach)
    yield from rewriting.unknown_kinds(policy, reach)


def _same_names(connectors: Iterable[ConnectorDraft]) -> Iterator[Placed]:
    """Files whose names differ in case only would be one connector on some machines and two on others."""
    by_fold: dict[str, ConnectorDraft] = {}
    for connector in connectors:
        other = by_fold.setdefault(connector.name.casefold(), connector)
        if other is not connector:
            found = f"differs from {other.file} in capitals only"
            yield connector.file, Finding(at=(), found=found, write="rename one of the two files")


def _nobody_carries(rule: RuleDraft, reach: Reach) -> Iterator[Finding]:
    if not reach.sure:
        return
    listed = rule.table.data or ()
    if rule.reaches_all and not reach.everything:
        found = '"any" reaches nothing: there is no dataset'
        yield Finding(at=("rules", rule.name, "data"), found=found, write="add a dataset in connectors/")
    for position, data in enumerate(listed):
        if data in reach.carried:
            continue
        if reach.carried:
            write = choice(data, reach.carried) + f', or give a dataset data = "{data}", or write `kept_by`'
        else:
            write = f'give a dataset in connectors/ data = "{data}", or write `kept_by`'
        at = ("rules", rule.name, "data") if len(listed) == 1 else ("rules", rule.name, "data", position)
        yield Finding(at=at, found=f'"{data}" is carried by no dataset of any connector', write=write)


def _slices(rule: RuleDraft, reached: list[Reached]) -> Iterator[Finding]:
    """A slice of a row can only be rewritten; a rule on any data passes over what it can't do there."""
    if rule.reaches_all:
        return
    for variant in rule.variants:
        for at, action in variant.actions:
            for item in reached:
                if "columns" in item.dataset.written and action not in REWRITING:
                    why = "can't be deleted" if action == "delete" else "can only be rewritten"
                    found = f"is {action}, and `{item}` is a slice of a row, which {why}"
                    write = "give the slice data of its own, or take its `columns` out"
                    yield Finding(at=at, found=found, write=write)


def _windows(rule: RuleDraft, reached: list[Reached]) -> Iterator[Finding]:
    """A window that begins with an instructed period must be open for the longest that may be instructed."""
    for variant in rule.variants:
        if variant is not rule.base and not variant.own & {"keep", "at_most", "within", "starts"}:
            continue
        terms = variant.terms
        if not isinstance(terms.keep, PeriodName) or not isinstance(terms.at_most, Period):
            continue
        if not variant.readable("starts", "fiscal_year_end", "within"):
            continue
        for item in reached:
            instructed = (item.dataset.table.periods or {}).get(terms.keep.name)
            if instructed is not None:
                longest = instructed.unit.period(instructed.between[1])
                yield from _window(variant, longest, terms.at_most, item)


def _window(variant: VariantDraft, longest: Period, most: Period, item: Reached) -> Iterator[Finding]:
    if not_longer(window_clock(variant.terms), longest, most) is not None:
        found = (
            f"{said(most.text)} is not longer than what `{item}` may be instructed to keep ({longest.text})"
        )
        write = "write a longer one, or a shorter `between` there"
        yield Finding(at=(*variant.at, "at_most"), found=found, write=write)
        return
    for key, found, write in too_slow(variant, longest):
        yield Finding(
            at=(*variant.at, key), found=f"{found}, where `{item}` is told {longest.text}", write=write
        )
