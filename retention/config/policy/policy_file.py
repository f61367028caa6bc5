"""`policies.toml`: from tables to a Policy, by way of drafts that survive mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from retention.config.policy.rule_checks import check_rule
from retention.config.policy.rule_file import (
    Approved,
    LimitsTable,
    RuleDraft,
    Schedule,
    Sentence,
    VariantDraft,
    YearEnd,
    Zone,
    read_limits,
    read_rule,
)
from retention.config.policy.rule_values import NONE, PeriodName
from retention.config.policy.told_file import read_identifiers, read_told
from retention.config.reading.findings import Finding, names
from retention.config.reading.tables import Anything, Table, children, read
from retention.model.clock import Period, Start
from retention.model.policy import MONTH, Approval, Limits, Policy, Rule, ToldEvent, Variant

DEFAULT_NAME = "Retention policy"


class PolicyFile(Table):
    """The whole file."""

    needed: ClassVar[Mapping[str, str]] = {"rules": "one [rules.NAME] at least"}

    policy: Anything = None
    events: Anything = None
    identifiers: Anything = None
    rules: Anything = None


class PolicyTable(Table):
    """`[policy]`: what the policy is called, and every rule's defaults."""

    looked_for: ClassVar[frozenset[str]] = frozenset({"timezone"})
    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("promise", "data", "keep", "from", "starts", "action", "basis"), "[rules.NAME]"),
        **dict.fromkeys(("citation", "kept_by", "until", "upon", "at_most", "within"), "[rules.NAME]"),
        **dict.fromkeys(("state", "keys", "ledger"), "retention.toml, beside the policy"),
        "by": "[events.NAME]",
    }

    name: Sentence = None
    source: Sentence = None
    timezone: Zone = None
    fiscal_year_end: YearEnd = None
    schedule: Schedule = None
    approval: Approved = None
    limits: Anything = None


@dataclass(frozen=True, kw_only=True)
class PolicyDraft:
    """The file as far as it could be read."""

    table: PolicyTable
    limits: LimitsTable
    rules: tuple[RuleDraft, ...]
    told: Mapping[str, ToldEvent] = field(default_factory=dict)
    identifiers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_policy(document: Mapping[str, object], findings: list[Finding]) -> PolicyDraft:
    """The file's tables; whatever is wrong is added to `findings`."""
    file = read(PolicyFile, document, (), findings)
    table = read(PolicyTable, file.policy, ("policy",), findings)
    rules = []
    for order, (name, raw) in enumerate(children(file.rules, ("rules",), findings)):
        rule = read_rule(name, raw, order, findings)
        if isinstance(raw, dict):
            check_rule(rule, findings)
        rules.append(rule)
    if file.rules == {}:
        write = "write one [rules.NAME] at least"
        findings.append(Finding(at=("rules",), found="is an empty table", write=write))
    _zone_of_all(document, rules, findings)
    return PolicyDraft(
        table=table,
        limits=read_limits(table.limits, ("policy", "limits"), findings),
        rules=tuple(rules),
        told=read_told(file.events, findings),
        identifiers=read_identifiers(file.identifiers, findings),
    )


def _zone_of_all(document: Mapping[str, object], rules: list[RuleDraft], findings: list[Finding]) -> None:
    """Every rule that acts needs a zone, its own or the policy's."""
    zoneless = [r.name for r in rules if r.acts and "timezone" not in r.written]
    written = document.get("policy")
    if zoneless and not (isinstance(written, dict) and "timezone" in written):
        one = len(zoneless) == 1
        found = f"is missing, and {names(zoneless)} {'has none of its' if one else 'have none of their'} own"
        write = 'write timezone = "Europe/Oslo", the place whose calendar counts'
        findings.append(Finding(at=("policy", "timezone"), found=found, write=write))


def build_policy(draft: PolicyDraft, file: str) -> Policy:
    """The policy of a draft without mistakes, its defaults merged into every rule."""
    return Policy(
        name=draft.table.name or DEFAULT_NAME,
        source=draft.table.source,
        timezone=draft.table.timezone or "UTC",
        rules={rule.name: _built(rule, draft) for rule in draft.rules},
        file=file,
        told=draft.told,
        identifiers=draft.identifiers,
    )


def _built(rule: RuleDraft, policy: PolicyDraft) -> Rule:
    table, default = rule.table, policy.table
    if table.promise is None or table.data is None:
        raise AssertionError("a draft with mistakes was built")
    usual = Limits()
    limits = Limits(
        share=rule.limits.share or policy.limits.share or usual.share,
        rows=rule.limits.rows or policy.limits.rows or usual.rows,
    )
    return Rule(
        name=rule.name,
        promise=table.promise,
        data=table.data,
        order=rule.order,
        variants=tuple(_variant(each, policy) for each in rule.variants),
        where=table.where,
        schedule=(table.schedule or default.schedule) if rule.acts else None,
        basis=table.basis,
        citation=table.citation,
        kept_by=table.kept_by,
        approval=table.approval or default.approval or Approval.CHANGES,
        limits=limits,
    )


def _variant(draft: VariantDraft, policy: PolicyDraft) -> Variant:
    terms, default = draft.terms, policy.table
    zone = terms.timezone or default.timezone
    if terms.action is None or zone is None:
        raise AssertionError("a draft with mistakes was built")
    return Variant(
        timezone=zone,
        start=terms.starts or Start.NEXT_DAY,
        fiscal_year_end=terms.fiscal_year_end or default.fiscal_year_end or (12, 31),
        when=draft.when,
        keep=terms.keep if isinstance(terms.keep, Period) else None,
        instructed=terms.keep.name if isinstance(terms.keep, PeriodName) else None,
        event=terms.from_,
        until=terms.until or (),
        upon=terms.upon or (),
        at_most=terms.at_most if isinstance(terms.at_most, Period) else None,
        unbounded=terms.at_most == NONE,
        defer_while=terms.defer_while,
        within=terms.within or MONTH,
        action=terms.action,
        otherwise=terms.otherwise or (),
        yields_to=terms.yields_to,
        needs=terms.needs or {},
        basis=terms.basis,
        citation=terms.citation,
    )
