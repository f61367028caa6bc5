"""Parsers of an event: which columns tell it, and how they write a point in time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from retention.config.connector import dataset_values as spelt
from retention.config.reading.findings import Finding, Unusable, choice, each, not_yet, said, unusable
from retention.config.reading.values import string
from retention.model.condition import Condition
from retention.model.dataset import Event, EventColumn, Name
from retention.model.encoding import EPOCHS, Encoding, Format, Sentinel, Unit

EVENT_FORMS = 'write a column: "created_at", "orders.created_at", or { latest = ["…", "…"] }'
MOST_SENTINELS = 100

_KEYS = ("column", "via", "where", "unit", "epoch", "format", "never")
_LATER = ("first", "earliest")
_NEVER = "never"
_EXAMPLE = 'write { column = "orders.created_at", via = "customer_id" }'
_UNITS = {
    **dict.fromkeys(("seconds", "second", "sec", "secs", "unix"), "s"),
    **dict.fromkeys(("milliseconds", "millisecond", "millis", "msec"), "ms"),
    **dict.fromkeys(("microseconds", "microsecond", "micros", "usec", "µs", "μs"), "us"),
    **dict.fromkeys(("minutes", "minute", "mins", "m"), "min"),
    **dict.fromkeys(("day", "d"), "days"),
}
"""What else units are called."""


def events(value: object) -> Mapping[str, Event]:
    """Name of event → Event."""
    if not isinstance(value, dict) or not value:
        raise unusable(f"is {said(value)}", 'write { booked = "created_at" }')
    spelt.names(value, "event's name")
    return dict(zip(value, each(value.items(), event), strict=True))


def event(value: object) -> Event:
    """`"never"`, one component, or `{ latest = [components] }`."""
    if value == _NEVER:
        return Event(components=())
    if isinstance(value, dict) and "latest" in value:
        beside = [key for key in value if key in _KEYS]
        if beside:
            how = f'write it in the component: {{ latest = [{{ column = "…", {beside[0]} = … }}] }}'
            raise unusable("stands beside `latest`", how, beside[0])
        spelt.only(value, ("latest",), _LATER, EVENT_FORMS)
        listed = value["latest"]
        if not isinstance(listed, list) or not listed:
            raise unusable(f"is {said(listed)}", 'write latest = ["created_at", "updated_at"]', "latest")
        try:
            return Event(components=tuple(each(enumerate(listed), component)))
        except Unusable as error:
            raise Unusable(spelt.under("latest", error)) from None
    return Event(components=(component(value),))


def component(value: object) -> EventColumn:
    """A column as text, or a table with `column` and what is to be known of it."""
    if not isinstance(value, dict):
        if not isinstance(value, str):
            raise unusable(f"is {said(value)}", EVENT_FORMS)
        if value == _NEVER:
            raise unusable('"never" cannot be one of several', "take it out")
        return EventColumn(column=spelt.column(value))
    if "latest" in value:
        raise not_yet("`latest` inside `latest`", "write all components in one list")
    spelt.only(value, _KEYS, _LATER, EVENT_FORMS)
    if "column" not in value:
        raise unusable("has no `column`", _EXAMPLE)
    parsers = {
        "column": spelt.column, "via": spelt.via, "where": spelt.condition, "unit": unit, "epoch": epoch,
        "format": format_, "never": never,
    }  # fmt: skip
    read: dict[str, object] = {}
    findings: list[Finding] = []
    for key, item in value.items():
        try:
            read[key] = parsers[key](item)
        except Unusable as error:
            findings += spelt.under(key, error)
    if findings:
        raise Unusable(findings)
    return _fitting(read)


def _fitting(read: Mapping[str, object]) -> EventColumn:
    """The component of keys that could each be read, if they go together."""
    name, via, where = read["column"], read.get("via"), read.get("where")
    assert isinstance(name, Name)
    if via is not None and len(name.pieces) == 1:
        how = f"take `via` out, or {_EXAMPLE}"
        raise unusable("names a way for a column of the table itself", how, "via")
    if "unit" in read and "format" in read:
        how = "write `unit` for a number that counts, `format` for digits that spell a date"
        raise unusable("contradicts `unit`", how, "format")
    if "epoch" in read and "unit" not in read:
        raise unusable(
            "means nothing without `unit`", 'write what is counted since then: unit = "s"', "epoch"
        )
    known = {key: read[key] for key in ("unit", "epoch", "format", "never") if key in read}
    assert via is None or isinstance(via, str)
    assert where is None or isinstance(where, Condition)
    return EventColumn(column=name, via=via, where=where, encoding=Encoding(**known))  # type: ignore[arg-type]


def began(value: object) -> EventColumn:
    """The column that says when the record began, as an event's component is written."""
    how = 'write a column: "created_at", or { column = "created", unit = "s" }'
    if value == _NEVER:
        raise unusable('"never" is no time at which a record began', how)
    if isinstance(value, dict):
        for key in ("latest", "where"):
            if key in value:
                raise unusable("means nothing here: a record begins once", how, key)
    elif not isinstance(value, str):
        raise unusable(f"is {said(value)}", how)
    return component(value)


def unit(value: object) -> Unit:
    """What a number counts."""
    text = string(value, '"s"')
    known = [each_.value for each_ in Unit]
    if text in known:
        return Unit(text)
    meant = _UNITS.get(text.casefold())
    write = f'write "{meant}"' if meant is not None else choice(text, known)
    raise unusable(f"{said(text)} is not one of its values", write)


def epoch(value: object) -> date:
    """The day at whose beginning, in UTC, a count is 0: as text or as a date."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = value.isoformat()
    text = string(value, '"1970-01-01"')
    near = re.fullmatch(r"\s*(\d{4})\D?(\d{1,2})\D?(\d{1,2})([T ][0:]+Z?)?\s*", text, re.ASCII)
    meant = f"{near[1]}-{near[2]:0>2}-{near[3]:0>2}" if near else ""
    return date.fromisoformat(_exactly(text, [day.isoformat() for day in EPOCHS], meant))


def format_(value: object) -> Format:
    """How a date is spelt."""
    text = string(value, '"yyyymmdd"')
    return Format(_exactly(text, [each_.value for each_ in Format], text.strip().casefold()))


def _exactly(text: str, known: list[str], meant: str) -> str:
    """`text`, one of `known`; what merely looks like another (day and month the other way round) is not meant."""
    if text in known:
        return text
    write = choice(meant, [meant]) if meant in known else choice("", known)
    raise unusable(f"{said(text)} is not one of its values", write)


def never(value: object) -> tuple[Sentinel, ...]:
    """Values that mean "has not happened": numbers, texts (an empty one too) and dates, each once."""
    how = 'write never = [0], or ["9999-12-31"]'
    if not isinstance(value, list) or not value:
        raise unusable(f"is {said(value)}", how)
    if len(value) > MOST_SENTINELS:
        raise unusable(
            f"has {len(value)} values", f"write at most {MOST_SENTINELS}; or `where`, with a condition"
        )
    read = each(enumerate(value), _sentinel)
    for position, item in enumerate(read):
        if item in read[:position]:
            raise unusable(f"{said(value[position])} is listed twice", "take one of them out", position)
    return tuple(read)


def _sentinel(value: object) -> Sentinel:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, date)):
        raise unusable(f"is {said(value)}", "write a number, a text or a date")
    if isinstance(value, float):
        number = Decimal(repr(value))
        if not number.is_finite():
            raise unusable(f"is {said(value)}", "take it out: it can't be read, and is unclear anyway")
        return int(number) if number == number.to_integral_value() else number
    if isinstance(value, int) and abs(value) >= 2**63:
        raise unusable(f"is {said(value)}", "write a number of 64 bits")
    if isinstance(value, datetime) and value.tzinfo is not None:
        raise unusable(f"is {said(value)}, with an offset", "write it as the column holds it, without one")
    if isinstance(value, str) and ("\x00" in value or len(value) > 100):
        raise unusable(f"is {said(value)}", "write a short text")
    return value
