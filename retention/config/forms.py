"""The configuration as canonical JSON: what it means, whatever it looks like.

Comments, order, spacing, the names of files and the folder are no part of it; secrets are
their references. No floats. Condition texts are in the bodies (which stay in the state
store), and never in a `difference`, which goes to the ledger.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from retention.config.findings import dotted
from retention.config.loading import Configuration
from retention.model.clock import Clock, Start
from retention.model.dataset import Connector, Dataset, Event, EventColumn
from retention.model.encoding import Sentinel
from retention.model.policy import Rule

Json: TypeAlias = Any

POLICY_FORMAT = "retention.policy/1"
RULE_FORMAT = "retention.rule/1"
CONDITION_KEYS = frozenset({"where", "when", "defer_while"})
"""Keys whose values hold literals of conditions, at any depth."""


def policy_body(config: Configuration) -> str:
    """Canonical JSON of every rule, connector and dataset. Settings are no part of the policy."""
    policy = config.policy
    return _canonical(
        {
            "format": POLICY_FORMAT,
            "policy": _without_none(
                {"name": policy.name, "source": policy.source, "timezone": policy.timezone}
            ),
            "rules": {rule.name: _rule(rule) for rule in policy.rules.values()},
            "connectors": {c.name: _connector(c) for c in config.connectors.values()},
        }
    )


def policy_digest(config: Configuration) -> str:
    """SHA-256 of the policy's body, in hexadecimal."""
    return hashlib.sha256(policy_body(config).encode()).hexdigest()


def resolved_body(config: Configuration, rule_name: str) -> str:
    """Canonical JSON of all that decides what a rule does: itself, its defaults, whom it reaches.

    Of each connector that it reaches: the zone, the datasets that carry its data, every relation. Beside
    it the periods of the other rules on the same data, which keep records from it: to shorten
    or drop one of those widens this rule. Where and how a database is reached is no part of it.
    Raises KeyError for a name that is no rule.
    """
    rule = config.policy.rules[rule_name]
    beside = {
        other.name: _without_none({"event": other.event, **_clock(other.clock)})
        for other in config.policy.rules.values()
        if other.name != rule.name and other.data == rule.data and other.clock is not None
    }
    reached: dict[str, Json] = {}
    for connector in config.connectors.values():
        datasets = {d.name: _dataset(d) for d in connector.datasets.values() if d.data == rule.data}
        if datasets:
            reached[connector.name] = _without_none(
                {
                    "timezone": connector.timezone,
                    "datasets": datasets,
                    "relations": _relations(connector.datasets.values()),
                }
            )
    return _canonical(
        {
            "format": RULE_FORMAT,
            "name": rule.name,
            "rule": _rule(rule),
            "beside": beside,
            "connectors": reached,
        }
    )


def resolved_form(config: Configuration, rule_name: str) -> str:
    """SHA-256 of the rule's resolved body, in hexadecimal. Raises KeyError for a name that is no rule."""
    return hashlib.sha256(resolved_body(config, rule_name).encode()).hexdigest()


def difference(old_body: str | None, new_body: str, *, key: bytes | None = None) -> list[dict[str, Json]]:
    """What changed, as `{"path", "old", "new"}` in order of path; None stands for "not there".

    For `policy.changed`: JSON without floats and without literals of conditions, of which
    only a hash is given (HMAC-SHA-256 under `key`, plain SHA-256 without one). Tables are
    compared key by key, lists as a whole.
    """
    old = _leaves(json.loads(old_body), ()) if old_body else {}
    new = _leaves(json.loads(new_body), ())
    changed = [path for path in old.keys() | new.keys() if old.get(path, _ABSENT) != new.get(path, _ABSENT)]
    return [
        {
            "path": dotted(path),
            "old": _masked(old.get(path), path, key),
            "new": _masked(new.get(path), path, key),
        }
        for path in sorted(changed)
    ]


_ABSENT = object()


def _leaves(value: Json, path: tuple[str, ...]) -> dict[tuple[str, ...], Json]:
    """Path → value, of everything that is not a table with something in it."""
    if not isinstance(value, dict) or not value:
        return {path: value}
    leaves: dict[tuple[str, ...], Json] = {}
    for name, item in value.items():
        leaves |= _leaves(item, (*path, name))
    return leaves


def _masked(value: Json, path: tuple[str, ...], key: bytes | None) -> Json:
    """`value`, or its hash where it is, or lies under, a condition."""
    if value is None:
        return None
    if CONDITION_KEYS & set(path):
        content = _canonical(value).encode()
        if key is not None:
            return f"hmac-sha256:{hmac.new(key, content, hashlib.sha256).hexdigest()}"
        return f"sha256:{hashlib.sha256(content).hexdigest()}"
    if isinstance(value, list):
        return [_masked(item, path, key) for item in value]
    if isinstance(value, dict):
        return {name: _masked(item, (*path, name), key) for name, item in value.items()}
    return value


def _rule(rule: Rule) -> Json:
    acts = rule.kept_by is None
    return _without_none(
        {
            "promise": rule.promise,
            "data": rule.data,
            "from": rule.event,
            **_clock(rule.clock),
            "action": rule.action,
            "schedule": rule.schedule,
            "basis": rule.basis.value if rule.basis is not None else None,
            "citation": rule.citation,
            "kept_by": rule.kept_by,
            "approval": rule.approval.value if acts else None,
            "limits": {"share": format(rule.limits.share, "f"), "rows": rule.limits.rows} if acts else None,
        }
    )


def _clock(clock: Clock | None) -> dict[str, Json]:
    """`5 years`, `60 months` and `P5Y` are the same; the fiscal year's end only where it counts."""
    if clock is None:
        return {}
    month, day = clock.fiscal_year_end
    fiscal = clock.start is Start.FISCAL_YEAR
    return {
        "keep": {"months": clock.period.months, "days": clock.period.days},
        "starts": clock.start.value,
        "fiscal_year_end": f"{month:02d}-{day:02d}" if fiscal else None,
        "timezone": clock.timezone,
    }


def _connector(connector: Connector) -> Json:
    return _without_none(
        {
            "type": connector.type,
            "url": connector.url.shown,
            "password": connector.password.shown if connector.password is not None else None,
            "timezone": connector.timezone,
            "tls": "off" if connector.tls.off else None,
            "tls_ca": connector.tls.ca,
            "tls_cert": connector.tls.cert,
            "tls_key": connector.tls.key,
            "marker_schema": connector.marker_schema,
            "throttle": {"batch_time_us": round(connector.throttle.batch_time.total_seconds() * 1_000_000)},
            "datasets": {d.name: _dataset(d) for d in connector.datasets.values()},
        }
    )


def _dataset(dataset: Dataset) -> Json:
    return _without_none(
        {
            "data": dataset.data,
            "table": list(dataset.table.pieces),
            "schema": dataset.schema,
            "key": list(dataset.key) if dataset.key is not None else None,
            "where": dataset.where.text if dataset.where is not None else None,
            "subject": dict(dataset.subject) or None,
            "events": {name: _event(event) for name, event in dataset.events.items()},
            "parts": sorted(
                (_without_none({"table": list(p.table.pieces), "via": p.via}) for p in dataset.parts),
                key=_canonical,
            ),
            "relations": _relations([dataset]),
            "allow_scan": dataset.allow_scan,
        }
    )


def _relations(datasets: Iterable[Dataset]) -> Json:
    """None where there are none. A reference holds for every dataset of its connector, wherever it is written."""
    found = {
        _canonical(
            {
                "table": list(item.table.pieces),
                "columns": list(item.columns),
                "target": list(item.target.pieces),
                "target_columns": list(item.target_columns),
            }
        )
        for dataset in datasets
        for item in dataset.relations
    }
    return [json.loads(text) for text in sorted(found)] or None


def _event(event: Event) -> Json:
    return sorted(map(_component, event.components), key=_canonical)


def _component(component: EventColumn) -> Json:
    """Only what is there: an event that is a column is the same as it always was."""
    encoding = component.encoding
    return _without_none(
        {
            "column": list(component.column.pieces),
            "via": component.via,
            "where": component.where.text if component.where is not None else None,
            "unit": encoding.unit.value if encoding.unit is not None else None,
            "epoch": encoding.epoch.isoformat() if encoding.unit is not None else None,
            "format": encoding.format.value if encoding.format is not None else None,
            "never": sorted(map(_sentinel, encoding.never), key=_canonical) or None,
        }
    )


def _sentinel(value: Sentinel) -> Json:
    """A whole number as it is, a text as it is (and a date as its text), a fraction as {"number": text}."""
    if isinstance(value, Decimal):
        return {"number": format(value.normalize(), "f")}
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else value


def _without_none(table: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in table.items() if value is not None}


def _canonical(value: Json) -> str:
    """JSON with sorted keys and nothing that is not needed; the same for what means the same."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
