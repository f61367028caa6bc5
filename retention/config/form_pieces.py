"""Rules, connectors and datasets as JSON: what they mean, and only what is there.

A key that the language gained later is left out where it says nothing, so that what an older
version wrote down of the same file stays the same, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from retention.model.clock import Period, Start
from retention.model.condition import Condition
from retention.model.dataset import (
    RESTRICTED,
    ColumnPath,
    Connector,
    Dataset,
    Event,
    EventColumn,
    Fact,
    InstructedPeriod,
    PartName,
    Restriction,
    Throttle,
)
from retention.model.encoding import Sentinel
from retention.model.policy import MONTH, Rule, Variant
from retention.model.strategy import Strategy, spoken

Json: TypeAlias = Any


def rule_form(rule: Rule) -> Json:
    """All that a rule says, its defaults merged in."""
    acts = rule.acts
    return without_none(
        {
            "promise": rule.promise,
            "data": data_form(rule),
            "where": text_of(rule.where),
            **(variant_form(rule.base) if acts else {}),
            "exceptions": [variant_form(v) for v in rule.variants[:-1]] or None,
            "schedule": rule.schedule,
            "basis": rule.basis.value if rule.basis is not None else None,
            "citation": rule.citation,
            "kept_by": rule.kept_by,
            "approval": rule.approval.value if acts else None,
            "limits": {"share": format(rule.limits.share, "f"), "rows": rule.limits.rows} if acts else None,
        }
    )


def data_form(rule: Rule) -> Json:
    """One name, a sorted list of several, or "any"."""
    if not rule.data:
        return "any"
    return rule.data[0] if len(rule.data) == 1 else sorted(rule.data)


def variant_form(variant: Variant) -> dict[str, Json]:
    """All that holds where this variant does."""
    return without_none(
        {
            **clock_form(variant),
            "from": variant.event,
            "action": variant.action,
            "otherwise": list(variant.otherwise) or None,
            "needs": {data: sorted(fields) for data, fields in variant.needs.items()} or None,
            "yields_to": _bases(variant),
            "within": _period(variant.within) if variant.within != MONTH else None,
            "basis": variant.basis.value if variant.basis is not None else None,
            "citation": variant.citation,
        }
    )


def clock_form(variant: Variant) -> dict[str, Json]:
    """What decides when it ends: `5 years`, `60 months` and `P5Y` are the same; the year's end where it counts."""
    month, day = variant.fiscal_year_end
    counts = variant.keeping or variant.at_most is not None
    fiscal = counts and variant.start is Start.FISCAL_YEAR
    return without_none(
        {
            "when": text_of(variant.when),
            "keep": {"period": variant.instructed} if variant.instructed else _period(variant.keep),
            "starts": variant.start.value if counts else None,
            "fiscal_year_end": f"{month:02d}-{day:02d}" if fiscal else None,
            "timezone": variant.timezone,
            "until": sorted(variant.until) or None,
            "upon": sorted(variant.upon) or None,
            "at_most": "none" if variant.unbounded else _period(variant.at_most),
            "defer_while": text_of(variant.defer_while),
        }
    )


def keeping_form(rule: Rule, *, by_basis: bool) -> Json:
    """How long another rule keeps a record, or when it demands it. `by_basis`: its basis matters, too."""

    def of(variant: Variant) -> dict[str, Json]:
        basis = variant.basis.value if by_basis and variant.basis is not None else None
        within = _period(variant.within) if variant.defer_while and variant.within != MONTH else None
        needs = {data: sorted(fields) for data, fields in variant.needs.items()} or None
        found = {**clock_form(variant), "event": variant.event, "basis": basis, "within": within}
        found["chain"] = list(variant.chain) if variant.chain != ("delete",) else None  # who acts of several
        return without_none(found | {"needs": needs, "yields_to": _bases(variant) if variant.upon else None})

    exceptions = [of(variant) for variant in rule.variants[:-1]] or None
    return without_none({"where": text_of(rule.where), "exceptions": exceptions, **of(rule.base)})


def _bases(variant: Variant) -> Json:
    return None if variant.yields_to is None else sorted(basis.value for basis in variant.yields_to)


def _period(period: Period | None) -> Json:
    return None if period is None else {"months": period.months, "days": period.days}


def text_of(condition: Condition | None) -> str | None:
    """A condition as it was written."""
    return None if condition is None else condition.text


def connector_form(connector: Connector) -> Json:
    """A connector with its datasets; secrets are their references."""
    return without_none(
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
            "throttle": _throttle_form(connector.throttle),
            "datasets": {d.name: dataset_form(d) for d in connector.datasets.values()},
        }
    )


def _throttle_form(throttle: Throttle) -> Json:
    lag = throttle.max_lag
    return without_none(
        {
            "batch_time_us": round(throttle.batch_time.total_seconds() * 1_000_000),
            "rest": repr(throttle.rest) if throttle.rest else None,
            "rows_per_second": throttle.rows_per_second,
            "max_lag_us": None if lag is None else round(lag.total_seconds() * 1_000_000),
            "replicas": [each.shown for each in throttle.replicas] or None,
            "load": throttle.load,
            "max_load": None if throttle.max_load is None else repr(throttle.max_load),
        }
    )


def dataset_form(dataset: Dataset) -> Json:
    """All that a dataset spells out."""
    return without_none(
        {
            "data": dataset.data,
            "table": list(dataset.table.pieces),
            "schema": dataset.schema,
            "key": list(dataset.key) if dataset.key is not None else None,
            "where": text_of(dataset.where),
            "columns": sorted(dataset.columns) if dataset.columns is not None else None,
            "subject": subject_form(dataset),
            "began": _component(dataset.began) if dataset.began is not None else None,
            "events": {
                n: _event(event) for n, event in dataset.events.items() if _wrote(dataset, "events", n)
            },
            "facts": {n: _fact(fact) for n, fact in dataset.facts.items() if _wrote(dataset, "facts", n)}
            or None,
            "fields": {name: sorted(map(spoken, columns)) for name, columns in dataset.fields.items()}
            or None,
            "periods": {name: _instructed(period) for name, period in dataset.periods.items()} or None,
            "parts": sorted(map(_part, dataset.parts), key=canonical),
            "relations": relations_form([dataset]),
            "anonymize": {n: strategy_form(s) for n, s in dataset.rewriting.named.items()} or None,
            "done": dataset.rewriting.done,
            "restrict": _restriction(dataset.restrict),
            "triggers": sorted(dataset.triggers) or None,
            "allow_scan": dataset.allow_scan,
        }
    )


def _wrote(dataset: Dataset, key: str, name: str) -> bool:
    """What follows from how the records are restricted is said there."""
    return name != RESTRICTED or key not in dataset.implied


def _restriction(restriction: Restriction | None) -> Json:
    if restriction is None:
        return None
    if restriction.to is None:
        return {"mark": restriction.mark}
    return {"to": restriction.to, "at": restriction.at}


def subject_form(dataset: Dataset) -> Json:
    """Kind → column, or where else it is read; None where nothing is said."""
    if dataset.subject is None:
        return "none"
    return {kind: _path(path) for kind, path in dataset.subject.items()} or None


def strategy_form(strategy: Strategy) -> Json:
    """Its name, or a table with the parameters that are not what they are by default."""
    usual = Strategy(way=strategy.way)
    said = {f.name: getattr(strategy, f.name) for f in fields(Strategy) if f.name != "way"}
    other = {name: value for name, value in said.items() if value != getattr(usual, name)}
    if isinstance(strategy.constant, Decimal):
        other["constant"] = _sentinel(strategy.constant)
    return {"strategy": strategy.text, **other} if other else strategy.text


def relations_form(datasets: Iterable[Dataset]) -> Json:
    """None where there are none. A reference holds for every dataset of its connector, wherever it is written."""
    found = {
        canonical(
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


def _part(part: PartName) -> Json:
    shared = "stays" if part.shared else None
    return without_none({"table": list(part.table.pieces), "via": part.via, "shared": shared})


def _path(path: ColumnPath) -> Json:
    """A column of the table itself is its name."""
    if len(path.column.pieces) == 1:
        return path.column.pieces[0]
    return without_none({"column": list(path.column.pieces), "via": path.via})


def _fact(fact: Fact) -> Json:
    """Conditions stand under `where`, so that a difference does not tell their literals."""
    if isinstance(fact, ColumnPath):
        return _path(fact)
    if isinstance(fact, Condition):
        return {"where": fact.text}
    return without_none({"any": list(fact.table.pieces), "where": text_of(fact.where), "via": fact.via})


def _instructed(period: InstructedPeriod) -> Json:
    return {"column": _path(period.path), "unit": period.unit.value, "between": list(period.between)}


def _event(event: Event) -> Json:
    return sorted(map(_component, event.components), key=canonical)


def _component(component: EventColumn) -> Json:
    """Only what is there: an event that is a column is the same as it always was."""
    encoding = component.encoding
    return without_none(
        {
            "column": list(component.column.pieces),
            "via": component.via,
            "where": text_of(component.where),
            "unit": encoding.unit.value if encoding.unit is not None else None,
            "epoch": encoding.epoch.isoformat() if encoding.unit is not None else None,
            "format": encoding.format.value if encoding.format is not None else None,
            "never": sorted(map(_sentinel, encoding.never), key=canonical) or None,
        }
    )


def _sentinel(value: Sentinel) -> Json:
    """A whole number as it is, a text as it is (and a date as its text), a fraction as {"number": text}."""
    if isinstance(value, Decimal):
        return {"number": format(value.normalize(), "f")}
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else value


def without_none(table: Mapping[str, Json]) -> dict[str, Json]:
    """The table without what is not there."""
    return {key: value for key, value in table.items() if value is not None}


def canonical(value: Json) -> str:
    """JSON with sorted keys and nothing that is not needed; the same for what means the same."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
