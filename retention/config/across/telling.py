"""Told events against the datasets: whom they can concern, and by which identifiers."""

from __future__ import annotations

from collections.abc import Iterator

from retention.config.across.reach import Placed, Reach, Reached
from retention.config.connector.fact_values import NO_SUBJECT
from retention.config.policy.policy_file import PolicyDraft
from retention.config.policy.rule_file import RuleDraft
from retention.config.policy.rule_values import PeriodName
from retention.config.reading.findings import Finding, choice, names
from retention.model.policy import ToldEvent

BEGAN = (
    'write began = "created_at", the column that says since when the record is there;'
    " a table that has none is given one, by ALTER TABLE … ADD COLUMN"
)


def untellable(rule: RuleDraft, policy: PolicyDraft, reached: list[Reached]) -> Iterator[Placed]:
    """A dataset that a rule with told events reaches says whom its records are about, and since when."""
    named = [
        word for v in rule.variants for word in (v.terms.from_, *(v.terms.until or ()), *(v.terms.upon or ()))
    ]
    for word in dict.fromkeys(named):
        event = policy.told.get(word) if word is not None else None
        if event is not None and event.by:
            for item in reached:
                for finding in _lacks(rule, event, item):
                    yield item.connector.file, finding


def unreckoned(rule: RuleDraft, policy: PolicyDraft) -> Iterator[Finding]:
    """A period that the record's tenant instructed counts from what a store records, not from what people tell."""
    for variant in rule.variants:
        terms = variant.terms
        named = variant is rule.base or variant.own & {"keep", "from"}
        if named and isinstance(terms.keep, PeriodName) and terms.from_ in policy.told:
            key = "from" if "from" in variant.own and "keep" not in variant.own else "keep"
            found = f"is instructed by the tenant, and `{terms.from_}` is told: to count the one from the other is"
            yield Finding(
                at=(*variant.at, key),
                found=f"{found} not supported yet",
                write="write a period, or from = an event that the datasets spell out",
            )


def _lacks(rule: RuleDraft, event: ToldEvent, item: Reached) -> Iterator[Finding]:
    dataset, at = item.dataset, ("datasets", item.dataset.name)
    subject = dataset.table.subject
    why = f"the rule `{rule.name}` acts on what is told (`{event.name}`)"
    how = f'subject = {{ {event.by[0]} = "COLUMN" }}, or subject = "none" where the records are about nobody'
    if subject == NO_SUBJECT:
        return
    if "subject" not in dataset.written:
        yield Finding(at=(*at, "subject"), found=f"is missing, and {why}", write=f"write {how}")
    elif subject is not None and not set(subject) & set(event.by):
        found = f"has none of the kinds that `{event.name}` comes with ({names(event.by)}), and {why}"
        yield Finding(at=(*at, "subject"), found=found, write=f"add one of them, or its own kind to [events."
                      f"{event.name}]")  # fmt: skip
    if "began" not in dataset.written:
        found = f"is missing, and {why}: what was told before a record began does not concern it"
        yield Finding(at=(*at, "began"), found=found, write=BEGAN)


def declarations(policy_file: str, policy: PolicyDraft, reach: Reach) -> Iterator[Placed]:
    """What is told is not spelt out too; each kind of identifier is one that some dataset knows."""
    for item in reach.everything:
        for word in item.dataset.words["events"]:
            if word in policy.told:
                found = "is spelt out here, and is a told event ([events] in the policy)"
                at = ("datasets", item.dataset.name, "events", word)
                yield item.connector.file, Finding(at=at, found=found, write="take one of the two out")
    if not reach.sure or any(_unread(item) for item in reach.everything):
        return
    known = {kind for item in reach.everything for kind in _kinds(item)}
    for event in policy.told.values():
        for position, kind in enumerate(event.by):
            if known and kind not in known:
                place = ("events", event.name, "by", position)
                yield policy_file, Finding(at=place, found=_no_kind(kind), write=choice(kind, sorted(known)))
    known |= {kind for event in policy.told.values() for kind in event.by}
    for kind in policy.identifiers:
        if kind not in known:
            write = choice(kind, sorted(known)) if known else "take it out"
            yield policy_file, Finding(at=("identifiers", kind), found=_no_kind(kind), write=write)


def _no_kind(kind: str) -> str:
    return f'"{kind}" is a kind of identifier that no dataset\'s `subject` has'


def _unread(item: Reached) -> bool:
    return "subject" in item.dataset.written and item.dataset.table.subject is None


def _kinds(item: Reached) -> tuple[str, ...]:
    subject = item.dataset.table.subject
    return () if subject is None or isinstance(subject, str) else tuple(subject)
