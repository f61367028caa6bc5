"""The configuration as canonical JSON: what it means, whatever it looks like.

Comments, order, spacing, the names of files and the folder are no part of it; secrets are
their references. No floats. Condition texts are in the bodies (which stay in the state
store), and never in a `difference`, which goes to the ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from retention.config.differences import difference
from retention.config.form_pieces import (
    Json,
    canonical,
    connector_form,
    dataset_form,
    keeping_form,
    relations_form,
    rule_form,
    subject_form,
    text_of,
    without_none,
)
from retention.config.loading import Configuration
from retention.model.dataset import Connector, Dataset
from retention.model.policy import Policy, Rule

__all__ = ["difference", "policy_body", "policy_digest", "resolved_body", "resolved_form"]

POLICY_FORMAT = "retention.policy/1"
RULE_FORMAT = "retention.rule/1"


def policy_body(config: Configuration) -> str:
    """Canonical JSON of every rule, connector and dataset. Settings are no part of the policy."""
    policy = config.policy
    return canonical(
        {
            "format": POLICY_FORMAT,
            "policy": without_none(
                {"name": policy.name, "source": policy.source, "timezone": policy.timezone}
            ),
            "rules": {rule.name: rule_form(rule) for rule in policy.rules.values()},
            "connectors": {c.name: connector_form(c) for c in config.connectors.values()},
            **_told(policy, policy.told, policy.identifiers),
        }
    )


def policy_digest(config: Configuration) -> str:
    """SHA-256 of the policy's body, in hexadecimal."""
    return hashlib.sha256(policy_body(config).encode()).hexdigest()


def resolved_body(config: Configuration, rule_name: str) -> str:
    """Canonical JSON of all that decides what a rule does: itself, its defaults, whom it reaches.

    Of each connector that it reaches: the zone, the datasets that carry its data, every relation. Beside
    it what the other rules that could keep its records, or demand them, say of that: to shorten
    or drop one of those widens this rule. Of told events that any of them names: with which identifiers,
    how they are compared, and where a person's other identifiers are known. Where and how a database
    is reached is no part of it. Raises KeyError for a name that is no rule.
    """
    policy = config.policy
    rule = policy.rules[rule_name]
    tables = _tables_of_data(config)
    beside = {
        other.name: other
        for other in policy.rules.values()
        if other.acts and other.name != rule.name and _meets(rule, other, tables)
    }
    reached: dict[str, Json] = {}
    for connector in config.connectors.values():
        if any(rule.speaks_of(d.data) for d in connector.datasets.values()):
            reached[connector.name] = without_none(
                {
                    "timezone": connector.timezone,
                    "datasets": _reached(connector, rule, beside.values(), _of(rule, tables)),
                    "relations": relations_form(connector.datasets.values()),
                }
            )
    by_basis = any(variant.yields_to is not None for variant in rule.variants)
    named = {word for each in (rule, *beside.values()) for word in each.events if word in policy.told}
    return canonical(
        {
            "format": RULE_FORMAT,
            "name": rule.name,
            "rule": rule_form(rule),
            "beside": {name: keeping_form(other, by_basis=by_basis) for name, other in beside.items()},
            "connectors": reached,
            **_resolved_told(config, named, _hashed(config, rule)),
        }
    )


def resolved_form(config: Configuration, rule_name: str) -> str:
    """SHA-256 of the rule's resolved body, in hexadecimal. Raises KeyError for a name that is no rule."""
    return hashlib.sha256(resolved_body(config, rule_name).encode()).hexdigest()


Tables: TypeAlias = "set[tuple[str, str]]"
"""Connector and name, without schema, whatever its case: rather too many tables are the same than too few."""


def _meets(rule: Rule, other: Rule, tables: Mapping[str, Tables]) -> bool:
    """The other rule is one on data of this one, needs fields of it, or reaches rows of the same tables."""
    if not rule.data or not other.data or set(rule.data) & set(other.data):
        return True
    return _needs(other, rule) or bool(_of(rule, tables) & _of(other, tables))


def _needs(other: Rule, rule: Rule) -> bool:
    """The other rule needs fields of data of this one."""
    return any(rule.speaks_of(data) for variant in other.variants for data in variant.needs)


def _of(rule: Rule, tables: Mapping[str, Tables]) -> Tables:
    return {table for data in rule.data or tables for table in tables.get(data, ())}


def _tables_of_data(config: Configuration) -> dict[str, Tables]:
    """Data → the tables that its datasets name: a row of one may belong to records of each."""
    found: dict[str, Tables] = {}
    for connector in config.connectors.values():
        for dataset in connector.datasets.values():
            found.setdefault(dataset.data, set()).update(_tables(dataset))
    return found


def _tables(dataset: Dataset) -> Tables:
    names = (dataset.table, *(part.table for part in dataset.parts))
    return {(dataset.connector, name.pieces[-1].casefold()) for name in names}


def _reached(connector: Connector, rule: Rule, beside: Collection[Rule], own: Tables) -> Json:
    """The datasets that the rule reaches, and those from which another keeps its records."""
    needing = [other for other in beside if _needs(other, rule)]
    return {
        d.name: dataset_form(d)
        for d in connector.datasets.values()
        if rule.speaks_of(d.data)
        or any(other.speaks_of(d.data) for other in needing)
        or (_tables(d) & own and any(other.speaks_of(d.data) for other in beside))
    }


def _told(policy: Policy, events: Iterable[str], kinds: Iterable[str]) -> dict[str, Json]:
    """Declarations of told events, and how the kinds are compared; nothing where there are none."""
    found = {
        "events": {name: sorted(policy.told[name].by) for name in events},
        "identifiers": {kind: list(policy.identifiers[kind]) for kind in kinds if kind in policy.identifiers},
    }
    return {key: value for key, value in found.items() if value}


def _hashed(config: Configuration, rule: Rule) -> set[str]:
    """The kinds of identifier by whose steps values are made alike before they are hashed."""
    datasets = (d for c in config.connectors.values() for d in c.datasets.values() if rule.speaks_of(d.data))
    return {s.kind for d in datasets for s in d.rewriting.strategies if s.kind is not None}


def _resolved_told(config: Configuration, named: set[str], hashed: set[str]) -> dict[str, Json]:
    """Of the told events `named`: whom they concern. A telling is carried over where two kinds are known.

    `hashed`: kinds of which only the steps matter.
    """
    policy = config.policy
    by = {kind for word in named for kind in policy.told[word].by}
    knowing = [
        d
        for c in config.connectors.values()
        for d in c.datasets.values()
        if d.subject is not None and len(d.subject) > 1 and by & d.subject.keys()
    ]
    kinds = by | hashed | {kind for d in knowing for kind in d.subject or ()}
    carried = {
        str(d): without_none(
            {
                "table": list(d.table.pieces),
                "schema": d.schema,
                "where": text_of(d.where),
                "subject": subject_form(d),
            }
        )
        for d in knowing
    }
    return {**_told(policy, named, kinds), **({"carried": carried} if carried else {})}
