"""Parsers of what a dataset spells out: parts, key, condition.

Events are read by `event_values`, subject, facts, fields and periods by `fact_values`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retention.config.reading.findings import Finding, Unusable, each, nearest, printable, said, unusable
from retention.config.reading.names import parse_name, single
from retention.config.reading.values import string, word
from retention.model.condition import Condition
from retention.model.dataset import Name, PartName

PART_FORMS = 'write tables: ["order_lines", { table = "shipments", via = "order_id" }]'


def column(value: object) -> Name:
    """A column, with its table and schema before it where it is not the root's own."""
    return parse_name(value, most=3, what="a column")


def table(value: object) -> Name:
    """A table, with its schema before it where that is named."""
    return parse_name(value, most=2, what="a table")


def schema(value: object) -> str:
    """A schema's name."""
    return single(value, "a schema")


def own_column(value: object) -> str:
    """A column of the root table, by its name alone."""
    return single(value, "a column of the table itself")


def key(value: object) -> tuple[str, ...]:
    """One column or several, each once."""
    if isinstance(value, list):
        columns = each(_numbered(value, 'write key = ["order_id", "line"]'), own_column)
    else:
        columns = [own_column(value)]
    _once(columns, "column")
    return tuple(columns)


def triggers(value: object) -> tuple[str, ...]:
    """Triggers of the table, each once, as the database spells them."""
    hint = 'write a list of names, triggers = ["touch"]'
    if not isinstance(value, list):
        raise unusable(f"is {said(value)}", hint)
    found = each(_numbered(value, f"{hint}, or take the key out"), _trigger)
    _once(found, "trigger")
    return tuple(found)


def _trigger(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise unusable(f"is {said(value)}", "write the trigger's name")
    return value


def parts(value: object) -> tuple[PartName, ...]:
    """The tables whose rows belong to the record, each once."""
    if not isinstance(value, list) or not value:
        hint = PART_FORMS if value != [] else f"{PART_FORMS}, or take the key out"
        raise unusable(f"is {said(value)}", hint)
    parsed = each(enumerate(value), part)
    _once([_said_of(p) for p in parsed], "part")
    return tuple(parsed)


def _said_of(part: PartName) -> str:
    """A record may refer to two rows of a table, by columns of their own: its billing and its shipping address."""
    text = ".".join(part.table.pieces)
    return f"{text} by {part.via}" if part.shared and part.via is not None else text


def part(value: object) -> PartName:
    """A table as text, or `{ table, via, shared }`."""
    if not isinstance(value, dict):
        return PartName(table=table(value))
    only(value, ("table", "via", "shared"), (), PART_FORMS)
    if "table" not in value:
        raise unusable("has no `table`", 'write { table = "shipments", via = "order_id" }')
    read: dict[str, Any] = {}
    findings: list[Finding] = []
    for name, item in value.items():
        try:
            read[name] = {"table": table, "via": via, "shared": shared}[name](item)
        except Unusable as error:
            findings += under(name, error)
    if findings:
        raise Unusable(findings)
    return PartName(**read)


def shared(value: object) -> bool:
    """`"stays"`, the only thing that can be said: it goes with the last record that refers to it."""
    if value != "stays":
        how = 'write "stays" where several records refer to the row, or take it out'
        raise unusable(f"is {said(value)}", how)
    return True


def condition(value: object) -> Condition:
    """A boolean expression in SQL; the parser is loaded only where there is one."""
    if not isinstance(value, str):
        raise unusable(f"is {said(value)}", "write a condition in quotes, such as \"status = 'paid'\"")
    from retention.config.reading.conditions import parse_condition

    return parse_condition(value)


def path(value: object) -> str:
    """A path of a file; a relative one starts from the policy's folder."""
    text = string(value, '"keys/ca.pem"')
    if text.startswith("~"):
        raise unusable("begins with ~, which means another folder for every account", "write the whole path")
    if text.startswith(("file:", "env:")):
        raise unusable(f"is {said(text)}, a reference", "write the path alone")
    return text


def via(value: object) -> str:
    """The referring column by which a path or a part is meant."""
    return single(value, "a referring column")


def under(name: str, error: Unusable) -> list[Finding]:
    """The findings of the value of the key `name`."""
    return [Finding(at=(name, *f.at), found=f.found, write=f.write) for f in error.findings]


def _numbered(items: list[object], how: str) -> list[tuple[str | int, object]]:
    if not items:
        raise unusable("is an empty list", how)
    return list(enumerate(items))


def _once(items: list[str], what: str) -> None:
    seen: set[str] = set()
    for position, item in enumerate(items):
        if item in seen:
            raise unusable(f"the {what} {said(item)} is listed twice", "take one of them out", position)
        seen.add(item)


def names(value: Mapping[str, object], what: str) -> None:
    """Refuses keys that are no names of `what`."""
    findings: list[Finding] = []
    for name in value:
        try:
            word(name, what)
        except Unusable as error:
            findings += under(name, error)
    if findings:
        raise Unusable(findings)


def only(value: Mapping[str, object], known: tuple[str, ...], later: tuple[str, ...], how: str) -> None:
    """Raises Unusable for every key that is none of `known`; those of `later` are not supported yet."""
    findings: list[Finding] = []
    for name in value:
        if name in known:
            continue
        close = nearest(name, known)
        if name in later:
            found, write = f"`{name}` is not supported yet", how
        elif close is not None:
            found, write = f"`{printable(name)}` is not a known key", f"did you mean `{close}`?"
        else:
            found, write = f"`{printable(name)}` is not a known key", how
        findings.append(Finding(at=(name,), found=found, write=write))
    if findings:
        raise Unusable(findings)
