"""A company's policy and connector, as an operator writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tests.oracles import fate as oracle
from tests.oracles.companies import Company, condition_text

STARTS = {
    "after fiscal year", "after calendar year", "after quarter", "after month",
}  # fmt: skip


def policy_text(company: Company) -> str:
    lines = ['[policy]\nname = "oracle"\ntimezone = "UTC"\napproval = "never"\nlimits = { share = "100%" }\n']
    for rule in company.world.rules:
        lines.append(f"[rules.{rule.name}]")
        lines.append(f'promise = "as long as it says"\ndata = "{rule.data}"\nfrom = "{rule.event}"')
        lines.append(f'keep = "{company.keeps[rule.name]}"\naction = "delete"\ntimezone = "{rule.zone}"')
        if rule.unit in STARTS:
            lines.append(f'starts = "{rule.unit}"')
        if rule.unit == "after fiscal year":
            lines.append(f'fiscal_year_end = "{rule.fiscal_year_end[0]:02}-{rule.fiscal_year_end[1]:02}"')
    return "\n".join(lines) + "\n"


def connector_text(company: Company, url: str, schema: str | None) -> str:
    lines = [f'type = "sql"\nurl = "{url}"\ntimezone = "{company.world.zone}"']
    for dataset in company.world.datasets:
        lines.append(f'[datasets.{dataset.name}]\ndata = "{dataset.data}"\ntable = "{dataset.table}"')
        if schema is not None:
            lines.append(f'schema = "{schema}"')
        if dataset.where is not None:
            lines.append(f"where = {json.dumps(condition_text(dataset.where))}")
        if dataset.parts:
            lines.append(f"parts = [{', '.join(_part(company, link) for link in dataset.parts)}]")
        for name, components in dataset.events.items():
            lines.append(f"events.{name} = {_event(company, dataset.table, components)}")
    return "\n".join(lines) + "\n"


def _part(company: Company, link: oracle.Reference) -> str:
    others = [r for r in company.tables[link.table].references if r != link]
    if not others:
        return f'"{link.table}"'
    return f'{{ table = "{link.table}", via = "{link.columns[0]}" }}'


def _event(company: Company, root: str, components: Sequence[oracle.Component]) -> str:
    if not components:
        return '"never"'
    texts = [_component(company, root, component) for component in components]
    return texts[0] if len(texts) == 1 else f"{{ latest = [{', '.join(texts)}] }}"


def _component(company: Company, root: str, component: oracle.Component) -> str:
    if not component.path:
        return f'"{component.column}"'
    reference, down = component.path[-1]
    table = reference.table if down else reference.target
    via = company.via.get((root, table, tuple(r for r, _ in component.path)))
    if via is None:
        return f'"{table}.{component.column}"'
    return f'{{ column = "{table}.{component.column}", via = "{via}" }}'
