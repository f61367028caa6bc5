"""Parsers of what a rule says: its data, periods, events, conditions over facts, bases and needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from retention.config.connector import dataset_values as spelt
from retention.config.reading import values
from retention.config.reading.findings import Unusable, each, said, unusable
from retention.model.clock import Period
from retention.model.condition import (
    Boolean,
    CallTerm,
    Comparison,
    Condition,
    Conjunction,
    Disjunction,
    LiteralTerm,
    Membership,
    NameTerm,
    Negation,
    NullTest,
    Term,
    Truth,
)
from retention.model.policy import Basis

T = TypeVar("T")

ANY = "any"
NONE = "none"
NO_TIME = Period(months=0, days=0)


@dataclass(frozen=True, kw_only=True)
class PeriodName:
    """`{ period = "instructed" }`: the connector knows the period, by this name."""

    name: str


def data(value: object) -> tuple[str, ...]:
    """One category of data, several, each once, or all ("any"): an empty tuple."""
    if value == ANY:
        return ()
    if isinstance(value, list):
        if ANY in value:
            raise unusable('has "any" beside others', f'write data = "{ANY}" for all data', value.index(ANY))
        return listed(value, values.data, 'data = ["orders", "accounts"], or "any"', "data")
    return (values.data(value),)


def keep(value: object) -> Period | PeriodName:
    """A period, or the name of one that the connector reads from its database."""
    if not isinstance(value, dict):
        return values.period(value)
    how = 'write keep = "5 years", or { period = "instructed" } for one that the database holds'
    if not value:
        raise unusable("is an empty table", how)
    spelt.only(value, ("period",), (), how)
    try:
        return PeriodName(name=values.word(value["period"], "period's name"))
    except Unusable as error:
        raise Unusable(spelt.under("period", error)) from None


def at_most(value: object) -> Period | str:
    """A period, or "none": put off without an end."""
    if value == NONE:
        return NONE
    if isinstance(value, dict):
        raise unusable(
            f"is {said(value)}", 'write a period such as "36 months": the longest that it may last'
        )
    return values.period(value)


def within(value: object) -> Period:
    """How long carrying it out may take; a day at least."""
    if value == NONE:
        raise unusable('"none" is no time', 'write how long it may take, such as "1 month"')
    period = values.period(value)
    if period == NO_TIME:
        raise unusable(f"{said(value)} would make every record late at once", 'write "1 day" at least')
    return period


def event_name(value: object) -> str:
    """One event, by its name."""
    if isinstance(value, (list, dict)):
        raise unusable(f"is {said(value)}", "name one event; several, of which the latest counts, are "
                       "{ latest = […] } in the connector")  # fmt: skip
    if value == NONE:
        raise unusable('"none" is no event here', "take the key out")
    return values.word(value, "event's name")


def events(value: object) -> tuple[str, ...]:
    """One event or several, each once; the first that comes counts."""
    if isinstance(value, list):
        return listed(value, event_name, '["unsubscribed", "consent_withdrawn"]', "event")
    return (event_name(value),)


def otherwise(value: object) -> tuple[str, ...]:
    """The actions that are tried in turn where the rule's own is stopped, each once."""
    if not isinstance(value, list):
        raise unusable(f"is {said(value)}", 'write a list: ["pseudonymize"]')
    return listed(value, values.action, '["pseudonymize"]', "action")


def yields_to(value: object) -> frozenset[Basis]:
    """The bases of the rules that it gives way to."""
    if not isinstance(value, list):
        write = (
            'write a list: ["legal obligation", "legal claims"]; without the key it gives way to all rules'
        )
        raise unusable(f"is {said(value)}", write)
    if not value:
        write = 'write ["legal obligation"], or take it out: without the key it gives way to all rules'
        raise unusable('is an empty list, which never means "off"', write)
    return frozenset(listed(value, values.basis, '["legal obligation"]', "basis"))


def needs(value: object) -> Mapping[str, tuple[str, ...]]:
    """Data → the fields of it that must stay readable."""
    how = 'write { accounts = ["name", "address"] }'
    if not isinstance(value, dict) or not value:
        raise unusable(f"is {said(value)}", how)

    def fields(item: object) -> tuple[str, ...]:
        if not isinstance(item, list):
            raise unusable(f"is {said(item)}", 'write a list of fields: ["name", "address"]')
        return listed(item, lambda one: values.word(one, "field's name"), '["name", "address"]', "field")

    each([(name, name) for name in value], values.data)
    return dict(zip(value, each(value.items(), fields), strict=True))


def condition(value: object) -> Condition:
    """A condition of the policy: it names facts, and no table or column of any database."""
    parsed = spelt.condition(value)
    for pieces in names_of(parsed.tree):
        if len(pieces) > 1:
            text = ".".join(pieces)
            raise unusable(
                f"names {said(text)}; a condition of the policy names facts only",
                f'call it by one word, and spell it out in the connector: facts = {{ {pieces[-1]} = "…" }}',
            )
    return parsed


def listed(value: list[object], parse: Callable[[object], T], example: str, what: str) -> tuple[T, ...]:
    """The items of a list that has some, each once. Raises Unusable."""
    if not value:
        raise unusable('is an empty list, which never means "off"', f"write {example}, or take it out")
    parsed = each(enumerate(value), parse)
    for position, item in enumerate(parsed):
        if item in parsed[:position]:
            raise unusable(
                f"the {what} {said(value[position])} is listed twice", "take one of them out", position
            )
    return tuple(parsed)


def names_of(tree: Boolean) -> list[tuple[str, ...]]:
    """Every name in a condition, in order, each once."""
    return list(dict.fromkeys(term.pieces for term, _ in _named(tree)))


def compared_names(tree: Boolean) -> list[str]:
    """The facts whose value a condition looks at, if only for NULL; others are asked whether they are true."""
    return list(dict.fromkeys(term.pieces[-1] for term, value in _named(tree) if value))


def _named(tree: Boolean) -> list[tuple[NameTerm, bool]]:
    """Every name, and whether it stands where a value does."""
    match tree:
        case Conjunction(items=items) | Disjunction(items=items):
            return [found for item in items for found in _named(item)]
        case Negation(item=item):
            return _named(item)
        case Truth(item=name):
            return [(name, False)]
        case NullTest(item=term) | Membership(item=term):
            return _in_term(term)
        case Comparison(left=left, right=right):
            return [*_in_term(left), *_in_term(right)]


def _in_term(term: Term) -> list[tuple[NameTerm, bool]]:
    match term:
        case NameTerm():
            return [(term, True)]
        case CallTerm(arguments=arguments):
            return [found for argument in arguments for found in _in_term(argument)]
        case LiteralTerm():
            return []
