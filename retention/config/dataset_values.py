"""Parsers of what a dataset spells out: events, parts, key, subject, condition."""

from __future__ import annotations

from collections.abc import Mapping

from retention.config.findings import Finding, Unusable, each, nearest, not_yet, printable, said, unusable
from retention.config.names import parse_name, single
from retention.config.values import string, word
from retention.model.condition import Condition
from retention.model.dataset import Event, EventColumn, Name, PartName

EVENT_FORMS = 'write a column: "created_at", "orders.created_at", or { latest = ["…", "…"] }'
PART_FORMS = 'write tables: ["order_lines", { table = "shipments", via = "order_id" }]'

_EVENT_LATER = ("where", "unit", "epoch", "format", "never", "first", "earliest")
_NEVER = "never"


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


def subject(value: object) -> Mapping[str, str]:
    """Kind of identifier → column."""
    how = 'write { customer_id = "customer_id" }'
    if value == "none":
        raise not_yet('subject = "none"')
    if not isinstance(value, dict) or not value:
        raise unusable(f"is {said(value)}", how)

    def path(item: object) -> str:
        if isinstance(item, (dict, list)):
            raise not_yet("a path to a subject", "write a column of the table itself")
        name = parse_name(item, most=3, what="a column")
        if len(name.pieces) > 1:
            raise not_yet(f"{said(item)}, a path to a subject,", "write a column of the table itself")
        return name.pieces[0]

    _names(value, "kind of identifier")
    return dict(zip(value, each(value.items(), path), strict=True))


def events(value: object) -> Mapping[str, Event]:
    """Name of event → Event."""
    if not isinstance(value, dict) or not value:
        raise unusable(f"is {said(value)}", 'write { booked = "created_at" }')
    _names(value, "event's name")
    return dict(zip(value, each(value.items(), event), strict=True))


def event(value: object) -> Event:
    """`"never"`, one component, or `{ latest = [components] }`."""
    if value == _NEVER:
        return Event(components=())
    if isinstance(value, dict) and "latest" in value:
        only(value, ("latest",), _EVENT_LATER, EVENT_FORMS)
        listed = value["latest"]
        if not isinstance(listed, list) or not listed:
            raise unusable(f"is {said(listed)}", 'write latest = ["created_at", "updated_at"]', "latest")
        try:
            return Event(components=tuple(each(enumerate(listed), component)))
        except Unusable as error:
            raise Unusable(_under("latest", error)) from None
    return Event(components=(component(value),))


def component(value: object) -> EventColumn:
    """A column as text, or `{ column, via }`."""
    if not isinstance(value, dict):
        if not isinstance(value, str):
            raise unusable(f"is {said(value)}", EVENT_FORMS)
        if value == _NEVER:
            raise unusable('"never" cannot be one of several', "take it out")
        return EventColumn(column=column(value))
    if "latest" in value:
        raise not_yet("`latest` inside `latest`", "write all components in one list")
    only(value, ("column", "via"), _EVENT_LATER, EVENT_FORMS)
    if "column" not in value:
        raise unusable("has no `column`", 'write { column = "orders.created_at", via = "customer_id" }')
    via = _via(value)
    try:
        name = column(value["column"])
    except Unusable as error:
        raise Unusable(_under("column", error)) from None
    if via is not None and len(name.pieces) == 1:
        raise unusable(
            "names a way for a column of the table itself",
            'take `via` out, or write { column = "orders.created_at", via = "customer_id" }',
            "via",
        )
    return EventColumn(column=name, via=via)


def parts(value: object) -> tuple[PartName, ...]:
    """The tables whose rows belong to the record, each once."""
    if not isinstance(value, list) or not value:
        hint = PART_FORMS if value != [] else f"{PART_FORMS}, or take the key out"
        raise unusable(f"is {said(value)}", hint)
    parsed = each(enumerate(value), part)
    _once([".".join(p.table.pieces) for p in parsed], "part")
    return tuple(parsed)


def part(value: object) -> PartName:
    """A table as text, or `{ table, via }`."""
    if not isinstance(value, dict):
        return PartName(table=table(value))
    only(value, ("table", "via"), ("shared",), PART_FORMS)
    if "table" not in value:
        raise unusable("has no `table`", 'write { table = "shipments", via = "order_id" }')
    via = _via(value)
    try:
        return PartName(table=table(value["table"]), via=via)
    except Unusable as error:
        raise Unusable(_under("table", error)) from None


def condition(value: object) -> Condition:
    """A boolean expression in SQL; the parser is loaded only where there is one."""
    if not isinstance(value, str):
        raise unusable(f"is {said(value)}", "write a condition in quotes, such as \"status = 'paid'\"")
    from retention.config.conditions import parse_condition

    return parse_condition(value)


def path(value: object) -> str:
    """A path of a file; a relative one starts from the policy's folder."""
    text = string(value, '"keys/ca.pem"')
    if text.startswith("~"):
        raise unusable("begins with ~, which means another folder for every account", "write the whole path")
    if text.startswith(("file:", "env:")):
        raise unusable(f"is {said(text)}, a reference", "write the path alone")
    return text


def _via(value: Mapping[str, object]) -> str | None:
    if "via" not in value:
        return None
    try:
        return single(value["via"], "a referring column")
    except Unusable as error:
        raise Unusable(_under("via", error)) from None


def _under(name: str, error: Unusable) -> list[Finding]:
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


def _names(value: Mapping[str, object], what: str) -> None:
    findings: list[Finding] = []
    for name in value:
        try:
            word(name, what)
        except Unusable as error:
            findings += _under(name, error)
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
