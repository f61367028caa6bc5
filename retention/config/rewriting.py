"""What rules that rewrite say against what their datasets say: strategies, and what the law calls their result."""

from __future__ import annotations

from collections.abc import Iterator

from retention.config.findings import Finding, choice, names, said
from retention.config.policy_file import PolicyDraft
from retention.config.reach import Placed, Reach, Reached
from retention.config.rule_file import RuleDraft

ANONYMIZE, PSEUDONYMIZE = "anonymize", "pseudonymize"
REWRITING = (ANONYMIZE, PSEUDONYMIZE)


def unrewritable(policy_file: str, rule: RuleDraft, reached: list[Reached]) -> Iterator[Placed]:
    """A rule on named data rewrites every dataset of it; one on any data passes over what spells nothing out."""
    for variant in rule.exceptions:
        if "action" in variant.own and variant.terms.action not in (None, rule.base.terms.action):
            found = "is another action than the rule's, which is not supported yet"
            write = "take it out, or make it a rule of its own"
            yield policy_file, Finding(at=(*variant.at, "action"), found=found, write=write)
    for variant in rule.variants:
        action = variant.terms.action
        if action not in REWRITING or "action" not in variant.own or rule.reaches_all:
            continue
        for item in reached:
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
                write = f'write "{PSEUDONYMIZE}", or give these columns another strategy, such as "null" or "redact"'
                yield policy_file, Finding(at=(*variant.at, "action"), found=found, write=write)


def linked(item: Reached) -> str:
    """The columns of which hash, fake or token is made, in words; "" where there is none."""
    strategies = item.dataset.table.anonymize or {}
    return names(name for name, strategy in strategies.items() if strategy.linking)


def unknown_kinds(policy: PolicyDraft, reach: Reach) -> Iterator[Placed]:
    """`as` names a kind of identifier that something else knows: a misspelt one would make nothing alike."""
    known = {kind for event in policy.told.values() for kind in event.by} | policy.identifiers.keys()
    known |= {kind for item in reach.everything for kind in _kinds(item)}
    for item in reach.everything:
        for name, strategy in (item.dataset.table.anonymize or {}).items():
            if strategy.kind is not None and strategy.kind not in known:
                at = ("datasets", item.dataset.name, "anonymize", name, "as")
                found = f"{said(strategy.kind)} is a kind of identifier that no `subject` and no [identifiers] has"
                write = choice(strategy.kind, sorted(known)) if known else "take it out"
                yield item.connector.file, Finding(at=at, found=found, write=write)


def _kinds(item: Reached) -> tuple[str, ...]:
    subject = item.dataset.table.subject
    return () if subject is None or isinstance(subject, str) else tuple(subject)
