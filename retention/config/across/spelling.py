"""Every word of the policy is spelt out by every dataset that a rule reaches: events, facts, periods, fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from retention.config.across.reach import Placed, Reach, Reached
from retention.config.policy.policy_file import PolicyDraft
from retention.config.policy.rule_file import RuleDraft, VariantDraft
from retention.config.policy.rule_values import PeriodName, compared_names, names_of
from retention.config.reading.findings import Finding, Path, choice, names, nearest
from retention.model.condition import Condition
from retention.model.dataset import SomeRow

_EXAMPLES = {
    "events": '"COLUMN"',
    "facts": '"COLUMN"',
    "fields": '["COLUMN"]',
    "periods": '{ column = "COLUMN", unit = "days", between = ["1 day", "10 years"] }',
}


@dataclass(frozen=True, kw_only=True)
class _Use:
    """A word of the kind `kind`, where the policy says it, and how (for messages)."""

    word: str
    kind: str
    at: Path
    how: str

    @property
    def demands(self) -> bool:
        """It stands in `upon`, where most events are told by people."""
        return self.kind == "events" and "upon" in self.at


def unknown_words(policy_file: str, rule: RuleDraft, policy: PolicyDraft, reach: Reach) -> Iterator[Placed]:
    """What the rule names and a dataset that it reaches does not spell out, or not as something to compare."""
    reached = reach.by(rule)
    for use in _uses(rule):
        if use.kind != "events" or use.word not in policy.told:
            yield from _missing(policy_file, rule, use, reached, tuple(policy.told))
    for variant in rule.variants:
        for data, fields in (variant.terms.needs or {}).items() if "needs" in variant.own else ():
            at = (*variant.at, "needs", data)
            if data not in reach.carried:
                if reach.sure:
                    found = f'"{data}" is carried by no dataset of any connector'
                    yield policy_file, Finding(at=at, found=found, write=choice(data, reach.carried))
                continue
            for position, field in enumerate(fields):
                use = _Use(word=field, kind="fields", at=(*at, position), how="which the rule needs")
                yield from _missing(policy_file, rule, use, reach.carried[data], ())
    for at, condition in _conditions(rule):
        for finding in _no_values(at, condition, reached):
            yield policy_file, finding


def _uses(rule: RuleDraft) -> Iterator[_Use]:
    for variant in rule.variants:
        yield from _own(variant)
    for at, condition in _conditions(rule):
        for pieces in names_of(condition.tree):
            yield _Use(word=pieces[0], kind="facts", at=at, how=f"of which the rule's `{at[-1]}` speaks")


def _own(variant: VariantDraft) -> Iterator[_Use]:
    """The events and the period that this table itself names."""
    terms, at = variant.terms, variant.at
    if "from" in variant.own and terms.from_ is not None:
        yield _Use(word=terms.from_, kind="events", at=(*at, "from"), how="from which the rule counts")
    for key, how in (("until", "with which the rule ends"), ("upon", "upon which the rule acts")):
        listed: tuple[str, ...] = (variant.value(key) if key in variant.own else None) or ()
        for position, word in enumerate(listed):
            place = (*at, key) if len(listed) == 1 else (*at, key, position)
            yield _Use(word=word, kind="events", at=place, how=how)
    if "keep" in variant.own and isinstance(terms.keep, PeriodName):
        how = "the period which the rule keeps"
        yield _Use(word=terms.keep.name, kind="periods", at=(*at, "keep", "period"), how=how)


def _conditions(rule: RuleDraft) -> Iterator[tuple[Path, Condition]]:
    if rule.table.where is not None:
        yield (*rule.base.at, "where"), rule.table.where
    for variant in rule.variants:
        if variant.when is not None:
            yield (*variant.at, "when"), variant.when
        if "defer_while" in variant.own and variant.terms.defer_while is not None:
            yield (*variant.at, "defer_while"), variant.terms.defer_while


def _unread(item: Reached, kind: str) -> bool:
    """The dataset's table of these words is there and no table, which has been said."""
    return kind in item.dataset.written and not item.dataset.words[kind]


def _missing(
    policy_file: str, rule: RuleDraft, use: _Use, reached: list[Reached], told: tuple[str, ...]
) -> Iterator[Placed]:
    looked = [item for item in reached if not _unread(item, use.kind)]
    lacking = [item for item in looked if use.word not in item.dataset.words[use.kind]]
    known = {word for item in looked for word in item.dataset.words[use.kind]}
    if use.kind == "events" and (known or nearest(use.word, told) is not None):
        known |= set(told)
    example = _EXAMPLES[use.kind]
    undeclared = use.demands and nearest(use.word, told) is None
    telling = (
        f', or, where people tell it, declare [events.{use.word}] with by = ["email"]' if undeclared else ""
    )
    if known and lacking and len(lacking) == len(reached):
        where = names(map(str, reached))
        found = f'"{use.word}" is spelt out by no dataset of this data ({where})'
        add = f"or add {use.word} = {example} to the {use.kind} of {where}"
        yield (
            policy_file,
            Finding(at=use.at, found=found, write=f"{choice(use.word, sorted(known))}, {add}{telling}"),
        )
        return
    for item in lacking:
        close = nearest(use.word, item.dataset.words[use.kind])
        meant = f", or call `{close}` so, if that is what it means" if close else ""
        how = use.how.replace("the rule's", f"`{rule.name}`'s").replace("the rule", f"the rule `{rule.name}`")
        at = ("datasets", item.dataset.name, use.kind, use.word)
        yield (
            item.connector.file,
            Finding(
                at=at,
                found=f"`{use.word}`, {how}, is missing here",
                write=f"write {use.word} = {example}{meant}{telling}",
            ),
        )


def _no_values(at: Path, condition: Condition, reached: list[Reached]) -> Iterator[Finding]:
    """A fact that is true or false has no value that could be compared."""
    for name in compared_names(condition.tree):
        for item in reached:
            if isinstance((item.dataset.table.facts or {}).get(name), Condition | SomeRow):
                found = f"looks at the value of `{name}`, which is true or false by itself in `{item}`"
                yield Finding(at=at, found=found, write=f"write {name}, or NOT {name}")
                break
