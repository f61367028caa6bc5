"""The ledger is kept at least as long as the longest rule: what was promised can be looked up while it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from retention.config.across.reach import Reach
from retention.config.connector.connector_file import ConnectorDraft
from retention.config.policy.policy_file import PolicyDraft
from retention.config.policy.rule_file import RuleDraft
from retention.config.policy.rule_values import PeriodName
from retention.config.reading.findings import Finding, said
from retention.model.clock import Period

_DAYS_OF_A_MONTH = 365.2425 / 12


def too_short(
    keep: Period | None, policy: PolicyDraft, connectors: Iterable[ConnectorDraft], *, complete: bool
) -> Iterator[Finding]:
    """`ledger.keep` where a rule is longer, with the longest of all."""
    if keep is None:
        return
    reach = Reach.of(connectors, complete=complete)
    periods = [each for rule in policy.rules for each in _periods(rule, reach)]
    longest, where = max(periods, key=lambda each: _days(each[0]), default=(None, ""))
    if longest is not None and _days(longest) > _days(keep):
        found = f"{said(keep.text)} is shorter than {where} ({longest.text})"
        write = f'write at least keep = "{longest.text}": events are kept as long as the longest rule'
        yield Finding(at=("ledger", "keep"), found=found, write=write)


def _periods(rule: RuleDraft, reach: Reach) -> Iterator[tuple[Period, str]]:
    """Every period of a rule and its exceptions, the longest that may be instructed too, and what it is."""
    for variant in rule.variants:
        for key, value in (("keep", variant.terms.keep), ("at_most", variant.terms.at_most)):
            if isinstance(value, Period):
                yield value, f"`{key}` of the rule `{rule.name}`"
            elif isinstance(value, PeriodName):
                for item in reach.by(rule):
                    instructed = (item.dataset.table.periods or {}).get(value.name)
                    if instructed is not None:
                        most = instructed.unit.period(instructed.between[1])
                        yield most, f"what `{item}` may be instructed to keep by the rule `{rule.name}`"


def _days(period: Period) -> float:
    return period.months * _DAYS_OF_A_MONTH + period.days
