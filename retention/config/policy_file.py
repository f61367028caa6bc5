"""`policies.toml`: from tables to a Policy, by way of drafts that survive mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainValidator

from retention.config import values
from retention.config.findings import Finding, Unusable, names
from retention.config.schedules import schedule
from retention.config.tables import Table, children, read
from retention.model.clock import Clock, Period, Start
from retention.model.policy import Approval, Basis, Limits, Policy, Rule, Variant

DEFAULT_NAME = "Retention policy"

Sentence = Annotated[str | None, PlainValidator(values.sentence)]
Zone = Annotated[str | None, PlainValidator(values.zone)]
YearEnd = Annotated[tuple[int, int] | None, PlainValidator(values.fiscal_year_end)]
Schedule = Annotated[str | None, PlainValidator(schedule)]
Approved = Annotated[Approval | None, PlainValidator(values.approval)]
Anything = Annotated[Any, PlainValidator(values.anything)]


class PolicyFile(Table):
    """The whole file."""

    needed: ClassVar[Mapping[str, str]] = {"rules": "one [rules.NAME] at least"}
    later: ClassVar[frozenset[str]] = frozenset({"events", "identifiers"})

    policy: Anything = None
    rules: Anything = None


class LimitsTable(Table):
    """`limits = { share = "25%", rows = 1_000_000 }`"""

    share: Annotated[Decimal | None, PlainValidator(values.share)] = None
    rows: Annotated[int | None, PlainValidator(values.rows)] = None


class PolicyTable(Table):
    """`[policy]`: what the policy is called, and every rule's defaults."""

    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("promise", "data", "keep", "from", "starts", "action", "basis"), "[rules.NAME]"),
        **dict.fromkeys(("citation", "kept_by"), "[rules.NAME]"),
        **dict.fromkeys(("state", "keys", "ledger"), "retention.toml, beside the policy"),
    }

    name: Sentence = None
    source: Sentence = None
    timezone: Zone = None
    fiscal_year_end: YearEnd = None
    schedule: Schedule = None
    approval: Approved = None
    limits: Anything = None


class RuleTable(Table):
    """`[rules.NAME]`: one promise."""

    later: ClassVar[frozenset[str]] = frozenset(
        {
            "where", "until", "upon", "at_most", "defer_while", "within", "otherwise", "yields_to", "needs",
            "exceptions",
        }
    )  # fmt: skip
    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("table", "parts", "events", "subject", "key"), "a dataset in connectors/NAME.toml"),
        **dict.fromkeys(("name", "source"), "[policy]"),
    }

    promise: Sentence = None
    data: Annotated[str | None, PlainValidator(values.data)] = None
    keep: Annotated[Period | None, PlainValidator(values.period)] = None
    from_: Annotated[str | None, PlainValidator(values.event_name)] = Field(default=None, alias="from")
    starts: Annotated[Start | None, PlainValidator(values.starts)] = None
    action: Annotated[str | None, PlainValidator(values.action)] = None
    basis: Annotated[Basis | None, PlainValidator(values.basis)] = None
    citation: Sentence = None
    kept_by: Sentence = None
    fiscal_year_end: YearEnd = None
    timezone: Zone = None
    schedule: Schedule = None
    approval: Approved = None
    limits: Anything = None


NEEDED = {
    "promise": 'promise = "…", in the words of the privacy policy',
    "data": 'data = "orders", the category that it speaks of',
}
NEEDED_TO_ACT = {
    "keep": 'keep = "5 years", or `kept_by` if something else sees to it',
    "from": 'from = "booked", the event from which `keep` counts',
    "action": 'action = "delete"',
}
ACTING = ("keep", "from", "starts", "action", "fiscal_year_end", "timezone", "schedule", "approval", "limits")


@dataclass(frozen=True, kw_only=True)
class RuleDraft:
    """A rule as far as it could be read. `written`: the keys that are there, right or wrong."""

    name: str
    table: RuleTable
    limits: LimitsTable
    written: frozenset[str]
    order: int

    @property
    def acts(self) -> bool:
        """Whether the engine keeps the promise, and not something else."""
        return "kept_by" not in self.written


@dataclass(frozen=True, kw_only=True)
class PolicyDraft:
    """The file as far as it could be read."""

    table: PolicyTable
    limits: LimitsTable
    rules: tuple[RuleDraft, ...]


def read_policy(document: Mapping[str, object], findings: list[Finding]) -> PolicyDraft:
    """The file's tables; whatever is wrong is added to `findings`."""
    file = read(PolicyFile, document, (), findings)
    table = read(PolicyTable, file.policy, ("policy",), findings)
    limits = _limits(table.limits, ("policy", "limits"), findings)
    rules = [
        _rule(name, raw, order, findings)
        for order, (name, raw) in enumerate(children(file.rules, ("rules",), findings))
    ]
    if file.rules == {}:
        write = "write one [rules.NAME] at least"
        findings.append(Finding(at=("rules",), found="is an empty table", write=write))
    _zone_of_all(document, rules, findings)
    return PolicyDraft(table=table, limits=limits, rules=tuple(rules))


def _zone_of_all(document: Mapping[str, object], rules: list[RuleDraft], findings: list[Finding]) -> None:
    """Every rule that acts needs a zone, its own or the policy's."""
    zoneless = [r.name for r in rules if r.acts and "timezone" not in r.written]
    written = document.get("policy")
    if zoneless and not (isinstance(written, dict) and "timezone" in written):
        one = len(zoneless) == 1
        found = f"is missing, and {names(zoneless)} {'has none of its' if one else 'have none of their'} own"
        write = 'write timezone = "Europe/Oslo", the place whose calendar counts'
        findings.append(Finding(at=("policy", "timezone"), found=found, write=write))


def _rule(name: str, raw: object, order: int, findings: list[Finding]) -> RuleDraft:
    at = ("rules", name)
    try:
        values.word(name, "rule's name")
    except Unusable as error:
        findings += [Finding(at=at, found=f.found, write=f.write) for f in error.findings]
    table = read(RuleTable, raw, at, findings)
    written = frozenset(raw) if isinstance(raw, dict) else frozenset()
    limits = _limits(table.limits, (*at, "limits"), findings)
    rule = RuleDraft(name=name, table=table, limits=limits, written=written, order=order)
    if isinstance(raw, dict):
        needed = NEEDED | NEEDED_TO_ACT if rule.acts else NEEDED
        # `until` and `upon` would do instead; that they are not supported yet has been said
        spared = {"keep", "from"} if written & {"until", "upon"} else set()
        for key in needed.keys() - written - spared:
            findings.append(Finding(at=(*at, key), found="is missing", write=f"write {needed[key]}"))
        _contradictions(rule, at, findings)
    return rule


def _contradictions(rule: RuleDraft, at: tuple[str, ...], findings: list[Finding]) -> None:
    if not rule.acts:
        for key in ACTING:
            if key in rule.written:
                found = "contradicts `kept_by`, which says that something else keeps this promise"
                findings.append(Finding(at=(*at, key), found=found, write="take one of the two out"))
        return
    unread = "starts" in rule.written and rule.table.starts is None
    if rule.table.fiscal_year_end is not None and rule.table.starts is not Start.FISCAL_YEAR and not unread:
        found = "has no effect: the rule does not count from a fiscal year"
        write = 'write starts = "after fiscal year", or take it out'
        findings.append(Finding(at=(*at, "fiscal_year_end"), found=found, write=write))


def _limits(raw: object, at: tuple[str, ...], findings: list[Finding]) -> LimitsTable:
    """The limits; `limits = {}` looks like "none" and is refused."""
    if raw == {}:
        found = 'is an empty table, which never means "no limits"'
        write = 'write { share = "25%", rows = 1_000_000 }, or take it out'
        findings.append(Finding(at=at, found=found, write=write))
    return read(LimitsTable, raw, at, findings)


def build_policy(draft: PolicyDraft, file: str) -> Policy:
    """The policy of a draft without mistakes, its defaults merged into every rule."""
    return Policy(
        name=draft.table.name or DEFAULT_NAME,
        source=draft.table.source,
        timezone=draft.table.timezone or "UTC",
        rules={rule.name: _built(rule, draft) for rule in draft.rules},
        file=file,
    )


def clock_of(rule: RuleDraft, policy: PolicyDraft) -> Clock | None:
    """The rule's clock, or None if it has none (or not yet a readable one)."""
    zone = rule.table.timezone or policy.table.timezone
    if not rule.acts or rule.table.keep is None or zone is None:
        return None
    return Clock(
        period=rule.table.keep,
        start=rule.table.starts or Start.NEXT_DAY,
        fiscal_year_end=rule.table.fiscal_year_end or policy.table.fiscal_year_end or (12, 31),
        timezone=zone,
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
    clock = clock_of(rule, policy)
    variants: tuple[Variant, ...] = ()
    if clock is not None:
        variants = (
            Variant(
                timezone=clock.timezone,
                start=clock.start,
                fiscal_year_end=clock.fiscal_year_end,
                keep=clock.period,
                event=table.from_,
                action=table.action or "delete",
                basis=table.basis,
                citation=table.citation,
            ),
        )
    return Rule(
        name=rule.name,
        promise=table.promise,
        data=(table.data,),
        order=rule.order,
        variants=variants,
        schedule=(table.schedule or default.schedule) if rule.acts else None,
        basis=table.basis,
        citation=table.citation,
        kept_by=table.kept_by,
        approval=table.approval or default.approval or Approval.CHANGES,
        limits=limits,
    )
