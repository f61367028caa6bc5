"""What rules do against what their datasets spell out: strategies, marks, and what the law calls the result."""

from __future__ import annotations

from collections.abc import Iterator

from retention.config.across.reach import Placed, Reach, Reached
from retention.config.policy.policy_file import PolicyDraft
from retention.config.policy.rule_file import RuleDraft
from retention.config.reading.findings import Finding, choice, names, said
from retention.model.policy import REWRITING
from retention.model.strategy import spoken

ANONYMIZE, PSEUDONYMIZE, RESTRICT = "anonymize", "pseudonymize", "restrict"


def unrewritable(policy_file: str, rule: RuleDraft, reached: list[Reached]) -> Iterator[Placed]:
    """A rule on named data does what it says in every dataset of it; one on any data what each spells out."""
    said = [each for variant in rule.variants for each in variant.actions] if not rule.reaches_all else []
    for place, action in said:
        for item in reached:
            said_how = item.dataset.written & {"restrict", "columns"} or item.dataset.vault_of is not None
            if action == RESTRICT and not said_how:
                found = f"is missing, and the rule `{rule.name}` is to restrict these records"
                write = (
                    'write restrict = { mark = "restricted_at" }, a column that says since when,'
                    ' or { to = "DATASET" }, a vault'
                )
                at = ("datasets", item.dataset.name, "restrict")
                yield item.connector.file, Finding(at=at, found=found, write=write)
            if action not in REWRITING:
                continue
            if "anonymize" not in item.dataset.written:
                found = f"is missing, and the rule `{rule.name}` is to {action} these records"
                write = (
                    'write anonymize = { COLUMN = "null" }, a strategy for each column that tells of a person'
                )
                at = ("datasets", item.dataset.name, "anonymize")
                yield item.connector.file, Finding(at=at, found=found, write=write)
            elif action == ANONYMIZE and (linking := linked(item)):
                left = f"`{item}` leaves what stands for a person ({linking})"
                found = f"is anonymize, and {left}: that is to pseudonymise"
                write = (
                    f'write "{PSEUDONYMIZE}", or give these columns another strategy: "redact", or, where one is'
                    ' unique, "null"'
                )
                yield policy_file, Finding(at=place, found=found, write=write)


def linked(item: Reached) -> str:
    """The columns of which hash, fake or token is made, in words; "" where there is none."""
    strategies = item.dataset.table.anonymize or {}
    return names(spoken(name) for name, strategy in strategies.items() if strategy.linking)


def unknown_kinds(policy: PolicyDraft, reach: Reach) -> Iterator[Placed]:
    """`as` names a kind of identifier that something else knows: a misspelt one would make nothing alike."""
    known = {kind for event in policy.told.values() for kind in event.by} | policy.identifiers.keys()
    known |= {kind for item in reach.everything for kind in _kinds(item)}
    for item in reach.everything:
        for name, strategy in (item.dataset.table.anonymize or {}).items():
            if strategy.kind is not None and strategy.kind not in known:
                at = ("datasets", item.dataset.name, "anonymize", spoken(name), "as")
                found = f"{said(strategy.kind)} is a kind of identifier that no `subject` and no [identifiers] has"
                write = choice(strategy.kind, sorted(known)) if known else "take it out"
                yield item.connector.file, Finding(at=at, found=found, write=write)


def _kinds(item: Reached) -> tuple[str, ...]:
    subject = item.dataset.table.subject
    return () if subject is None or isinstance(subject, str) else tuple(subject)
