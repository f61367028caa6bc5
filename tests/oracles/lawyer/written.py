"""A case as an operator would write it: policies.toml, the connectors' files, and the commands for what people said."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from tests.oracles.lawyer.generate import Case
from tests.oracles.lawyer.world import (
    ANY,
    INSTRUCTED,
    NONE,
    RESTRICTED,
    SINCE,
    Component,
    Dataset,
    Fact,
    Hold,
    Holds,
    Instruction,
    InTheVault,
    Path,
    Period,
    Row,
    Rule,
    Some,
    Table,
    Telling,
    Tree,
    Value,
    Variant,
    World,
)

Place = Callable[[str], tuple[str, str | None]]
"""Connector → its URL, and the schema of its tables where they have one."""


def toml(value: Any) -> str:
    """A value in TOML; JSON's strings and lists are TOML's too."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def _key(text: str) -> str:
    """Quoted where it has a dot: a column of a part."""
    return f'"{text}"' if "." in text else text


def condition(tree: Tree) -> str:
    """As an operator writes it."""
    match tree:
        case ("true", name):
            return str(name)
        case ("is null", name):
            return f"{name} IS NULL"
        case ("not", item):
            return f"NOT ({condition(item)})"
        case (("and" | "or") as word, *items):
            return f" {word.upper()} ".join(f"({condition(item)})" for item in items)
        case ("same", name, other):
            return f"{name} = {other}"
        case ("or else", name, instead, value):
            return f"coalesce({name}, {_literal(instead)}) = {_literal(value)}"
        case ("in", name, values):
            return f"{name} IN ({', '.join(map(_literal, values))})"
        case (comparison, name, value):
            return f"{name} {comparison} {_literal(value)}"
    raise AssertionError(tree)


def _literal(value: Any) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


# --- policies.toml ------------------------------------------------------------------------------


def policy(case: Case) -> str:
    """The whole file. Nothing waits for an approval."""
    world = case.world
    lines = ['[policy]\nname = "case"\ntimezone = "UTC"\napproval = "never"\nlimits = { share = "100%" }\n']
    named = {event for rule in world.rules for event in _events(rule)}
    lines += [
        f"[events.{event}]\nby = {toml(kinds)}\n" for event, kinds in world.told.items() if event in named
    ]
    if world.identifiers:
        lines.append("[identifiers]\n" + "".join(f"{k} = {toml(v)}\n" for k, v in world.identifiers.items()))
    lines += [rule_text(rule) for rule in world.rules]
    return "\n".join(lines)


def rule_text(rule: Rule) -> str:
    """One rule with its exceptions, each of which writes what it replaces."""
    data = rule.data[0] if len(rule.data) == 1 else rule.data
    head = f'[rules.{rule.name}]\npromise = "as long as it says"\ndata = {toml(data)}\n'
    if rule.kept_by:
        return head + 'kept_by = "somebody else"\n'
    base = keys(rule.variants[-1])
    where = f"where = {toml(condition(rule.where))}\n" if rule.where is not None else ""
    text = head + where + "".join(f"{k} = {v}\n" for k, v in base.items())
    for variant in rule.variants[:-1]:
        said = keys(variant)
        other = {key: value for key, value in said.items() if base.get(key) != value}
        if "starts" in base.keys() - said.keys():
            other["starts"] = toml(NONE)
        if "otherwise" in base.keys() - said.keys():
            other["otherwise"] = toml(NONE)
        if variant.within.text != rule.variants[-1].within.text:
            other["within"] = toml(variant.within.text)
        text += f"[[rules.{rule.name}.exceptions]]\nwhen = {toml(condition(variant.when or ()))}\n"
        text += "".join(f"{key} = {value}\n" for key, value in other.items())
    return text


def keys(variant: Variant) -> dict[str, str]:
    """What it says, each as TOML."""
    said: dict[str, Any] = {"timezone": variant.zone, "action": variant.action}
    if variant.otherwise:
        said["otherwise"] = variant.otherwise
    if variant.keep == INSTRUCTED:
        said["keep"] = {"period": INSTRUCTED}
    elif isinstance(variant.keep, Period):
        said["keep"] = variant.keep.text
    if isinstance(variant.at_most, Period):
        said["at_most"] = variant.at_most.text
    elif variant.at_most == NONE:
        said["at_most"] = NONE
    plain = {"from": variant.start, "basis": variant.basis}
    said |= {key: value for key, value in plain.items() if value is not None}
    lists = {"until": variant.until, "upon": variant.upon, "yields_to": variant.yields_to}
    said |= {key: value for key, value in lists.items() if value}
    if variant.defer_while is not None:
        said["defer_while"] = condition(variant.defer_while)
    if variant.within.text != "1 month":
        said["within"] = variant.within.text
    if variant.starts != "next day":
        said["starts"] = variant.starts
    if variant.starts == "after fiscal year":
        said["fiscal_year_end"] = "{:02}-{:02}".format(*variant.fiscal_year_end)
    if variant.needs:
        said["needs"] = {f'"{data}"': names for data, names in variant.needs.items()}
    return {key: toml(value) for key, value in said.items()}


def _events(rule: Rule) -> Iterator[str]:
    for variant in rule.variants:
        yield from (*variant.until, *variant.upon, *((variant.start,) if variant.start else ()))


# --- connectors/*.toml --------------------------------------------------------------------------


def connectors(case: Case, place: Place) -> dict[str, str]:
    """Name → file, of each that has a dataset."""
    found: dict[str, str] = {}
    for dataset in case.world.datasets:
        url, schema = place(dataset.connector)
        zone = case.world.zones[dataset.connector]
        head = f'type = "sql"\nurl = "{url}"\ntimezone = "{zone}"\n'
        text = dataset_text(case.world, dataset, schema)
        found[dataset.connector] = found.get(dataset.connector, head) + text
    return found


def dataset_text(world: World, dataset: Dataset, schema: str | None) -> str:
    """One dataset, with what the rules on it name and no more."""
    rules = [r for r in world.rules if not r.kept_by and (r.data == ANY or dataset.data in r.data)]
    events = dict.fromkeys(event for rule in rules for event in _events(rule))
    facts = dict.fromkeys(name for rule in rules for tree in _conditions(rule) for name in _names(tree))
    said: dict[str, Any] = {"data": dataset.data, "table": dataset.table}
    if schema is not None:
        said["schema"] = schema
    if dataset.where is not None:
        said["where"] = condition(dataset.where)
    if dataset.subject and (world.told or world.holds):
        said["subject"] = {kind: path_text(world, value) for kind, value in dataset.subject.items()}
    if dataset.began is not None and any(event in world.told for event in events):
        said["began"] = component_text(world, dataset.began)
    spelt = {e: event_text(world, dataset.events[e]) for e in events if e not in (*world.told, RESTRICTED)}
    if spelt:
        said["events"] = spelt
    said_of = {name: fact_text(world, dataset.facts[name]) for name in facts if name != RESTRICTED}
    if said_of:
        said["facts"] = said_of
    words = {w: None for r in world.rules for v in r.variants for w in v.needs.get(dataset.data, ())}
    if words:
        said["fields"] = {word: dataset.fields[word] for word in words}
    said |= doing_text(dataset)
    if dataset.instructed is not None and any(v.keep == INSTRUCTED for r in rules for v in r.variants):
        said["periods"] = {"instructed": instruction_text(dataset.instructed)}
    parts = [part_text(world.schema[link.table], link) for link in dataset.parts]
    parts += [{"table": link.target, "via": link.columns[0], "shared": "stays"} for link in dataset.shared]
    if parts:
        said["parts"] = parts
    body = "".join(f"{key} = {toml(value)}\n" for key, value in said.items())
    return f"[datasets.{dataset.name}]\n{body}"


def doing_text(dataset: Dataset) -> dict[str, Any]:
    """What may be done to its records besides deleting them."""
    restrict = {"mark": dataset.mark} if dataset.mark else {"to": dataset.vault, "at": SINCE}
    said: dict[str, Any] = {
        "columns": dataset.columns,
        "anonymize": dataset.anonymize,
        "done": dataset.done,
        "restrict": restrict if dataset.mark or dataset.vault else None,
    }
    return {key: value for key, value in said.items() if value}


def _conditions(rule: Rule) -> Iterator[Tree]:
    trees = [rule.where, *(tree for v in rule.variants for tree in (v.when, v.defer_while))]
    yield from (tree for tree in trees if tree is not None)


def _names(tree: Tree) -> Iterator[str]:
    if tree[0] in ("not", "and", "or"):
        for item in tree[1:]:
            yield from _names(item)
    else:
        yield tree[1]


def _at_end(column: str, path: Path) -> str:
    """`column`, or `table.column` of the table at the end of the path."""
    return f"{_end(path)}.{column}" if path else column


def _end(path: Path) -> str:
    reference, downward = path[-1]
    return reference.table if downward else reference.target


def via(world: World, path: Path) -> dict[str, str]:
    """The referring column, where two references lead from the one table to the other."""
    if not path:
        return {}
    ((reference, _), *_) = path
    ends = {reference.table, reference.target}
    ways = [r for table in world.schema.values() for r in table.references if {r.table, r.target} == ends]
    return {"via": reference.columns[0]} if len(ways) > 1 else {}


def path_text(world: World, value: Value) -> Any:
    column, said = _at_end(value.column, value.path), via(world, value.path)
    return {"column": column, **said} if said else column


def part_text(table: Table, link: Any) -> Any:
    return table.name if len(table.references) == 1 else {"table": table.name, "via": link.columns[0]}


def event_text(world: World, components: Sequence[Component]) -> Any:
    if not components:
        return "never"
    texts = [component_text(world, component) for component in components]
    return texts[0] if len(texts) == 1 else {"latest": texts}


def component_text(world: World, component: Component) -> Any:
    column = _at_end(component.column, component.path)
    more: dict[str, Any] = {**via(world, component.path)}
    if component.where is not None:
        more["where"] = condition(component.where)
    if component.unit is not None:
        more["unit"] = component.unit
    if component.format is not None:
        more["format"] = component.format
    if component.never:
        more["never"] = component.never
    return {"column": column, **more} if more else column


def fact_text(world: World, fact: Fact) -> Any:
    match fact:
        case InTheVault():
            raise AssertionError("nobody writes it")
        case Value():
            return path_text(world, fact)
        case Holds():
            return condition(fact.tree)
        case Some():
            where = {"where": condition(fact.where)} if fact.where is not None else {}
            return {"any": _end(fact.path), **via(world, fact.path), **where}
    raise AssertionError(fact)


def instruction_text(said: Instruction) -> dict[str, Any]:
    between = [f"{number} {said.unit}" for number in said.between]
    return {"column": _at_end(said.column, said.path), "unit": said.unit, "between": between}


# --- commands -----------------------------------------------------------------------------------


def hold_commands(case: Case, holds: Sequence[Hold]) -> list[list[str]]:
    """`hold add` for each of these holds; accepted wherever it can't reach."""
    where = {dataset.name: f"{dataset.connector}.{dataset.name}" for dataset in case.world.datasets}
    found = []
    for hold in holds:
        match hold.on:
            case "subject":
                covered = ["--subject", "=".join(hold.what)]
            case "key":
                name, key = hold.what
                covered = ["--key", where[name], ",".join(map(str, key))]
            case "dataset":
                covered = ["--dataset", where[hold.what]]
            case _:
                covered = [f"--{hold.on}", hold.what]
        found.append(hold_command(covered))
    return found


def hold_command(covered: Sequence[str]) -> list[str]:
    """`hold add` on what these words say."""
    return ["hold", "add", *covered, "--reason", "litigation", "--by", "oracle", "--accept"]


def event_line(telling: Telling) -> str:
    """A line of a file for `event add --from`."""
    ((kind, value),) = telling.identifiers
    return json.dumps({"event": telling.event, "kind": kind, "value": value, "at": at_text(telling.at)})


def event_command(telling: Telling) -> list[str]:
    """`event add`, to be typed at `told_at`."""
    subjects = [word for kind, value in telling.identifiers for word in ("--subject", f"{kind}={value}")]
    return ["event", "add", telling.event, *subjects, "--at", at_text(telling.at), "--by", "oracle", "--yes"]


def at_text(at: date | datetime) -> str:
    return (
        at.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(at, datetime) else at.isoformat()
    )


def row(said: Row) -> str:
    """What a row holds, but for NULL."""
    return ", ".join(f"{column} {value}" for column, value in said.items() if value is not None)
