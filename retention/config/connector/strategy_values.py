"""Parsers of a dataset's rewriting: `anonymize = { column = strategy }`, and `done`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from retention.config.connector import dataset_values as spelt
from retention.config.policy.told_file import kind
from retention.config.reading.findings import Finding, Unusable, choice, each, said, unusable
from retention.config.reading.values import string
from retention.model.strategy import FAKES, IPV4_BITS, IPV6_BITS, Constant, Pieces, Strategy, Way

MOST_KEPT = 16
MOST_WIDE = 10**12
MOST_CONSTANT = 1000
WAYS = tuple(way.value for way in Way)
FORMS = 'write { email = "hash", birth_date = "year", phone = { strategy = "mask", keep = 2 } }'
_PARAMETERS: Mapping[Way, tuple[str, ...]] = {
    Way.REDACT: ("with",),
    Way.HASH: ("as",),
    Way.MASK: ("keep", "keep_last"),
    Way.ROUND: ("width",),
    Way.PREFIX: ("length", "ipv4", "ipv6"),
    Way.FAKE: ("of", "locale", "as"),
}
_NEEDED: Mapping[Way, tuple[str, str]] = {
    Way.ROUND: ("width", '{ strategy = "round", width = 10 }'),
    Way.FAKE: ("of", '{ strategy = "fake", of = "name" }'),
}


def anonymize(value: object) -> Mapping[Pieces, Strategy]:
    """Column of the table itself, or of a part with its table before it → strategy."""
    if not isinstance(value, dict) or not value:
        raise unusable(f"is {said(value)}", FORMS)
    for name, item in value.items():
        if isinstance(item, dict) and "strategy" not in item and _unquoted(item):
            column = next(iter(item))
            found = f"{said(name)} reads as a column, and has no `strategy`"
            write = f'of columns of a part write the name in quotes: "{name}.{column}" = "redact"'
            raise unusable(found, write, name)
    names = each([(name, name) for name in value], spelt.column)
    return dict(zip((name.pieces for name in names), each(value.items(), strategy), strict=True))


def _unquoted(item: Mapping[str, object]) -> bool:
    """TOML reads `addresses.street = "redact"` as a table `addresses`."""
    return bool(item) and all(each in WAYS or isinstance(each, dict) for each in item.values())


def strategy(value: object) -> Strategy:
    """A name, or a table with `strategy` and its parameters."""
    if isinstance(value, str):
        return _strategy({"strategy": value})
    if not isinstance(value, dict) or not value:
        names = ", ".join(f'"{way}"' for way in WAYS)
        raise unusable(f"is {said(value)}", f"write one of {names}, or a table with its parameters")
    return _strategy(value)


def _strategy(value: Mapping[str, object]) -> Strategy:
    if "strategy" not in value:
        raise unusable("has no `strategy`", 'write { strategy = "mask", keep = 2 }')
    way = _way(value["strategy"], within="strategy" if len(value) > 1 else None)
    known = _PARAMETERS.get(way, ())
    takes = (
        f"{way.value} takes {' and '.join(known)}"
        if known
        else f'write "{way.value}": it takes no parameters'
    )
    spelt.only(value, ("strategy", *known), (), takes)
    needed = _NEEDED.get(way)
    if needed is not None and needed[0] not in value:
        raise unusable(f"{way.value} has no `{needed[0]}`", f"write {needed[1]}")
    if way is Way.PREFIX and not value.keys() & {"length", "ipv4", "ipv6"}:
        forms = '{ strategy = "prefix", length = 3 }, or ipv4 = 24 and ipv6 = 48 for IP addresses'
        raise unusable("prefix does not say how much it keeps", f"write {forms}")
    _not_both(value, "keep", "keep_last")
    for bits in ("ipv4", "ipv6"):
        _not_both(value, "length", bits)
    return Strategy(way=way, **_parameters(value))


def _way(value: object, within: str | None) -> Way:
    at = () if within is None else (within,)
    try:
        text = string(value, '"hash"')
        if text not in WAYS:
            raise unusable(f"{said(text)} is not a strategy", choice(text, WAYS))
    except Unusable as error:
        found = [Finding(at=(*at, *f.at), found=f.found, write=f.write) for f in error.findings]
        raise Unusable(found) from None
    return Way(text)


def _not_both(value: Mapping[str, object], one: str, other: str) -> None:
    if one in value and other in value:
        raise unusable(f"contradicts `{one}`", "take one of the two out", other)


def _parameters(value: Mapping[str, object]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    findings: list[Finding] = []
    for name, item in value.items():
        if name == "strategy":
            continue
        key, parse = _PARSERS[name]
        try:
            read[key] = parse(item)
        except Unusable as error:
            findings += spelt.under(name, error)
    if findings:
        raise Unusable(findings)
    if "keep_last" in value:
        read["last"] = True
    return read


def _whole(least: int, most: int, example: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        how = f"write a whole number from {least} to {most:,}, such as {example}"
        if isinstance(value, bool) or not isinstance(value, int):
            raise unusable(f"is {said(value)}", how)
        if not least <= value <= most:
            raise unusable(f"is {said(value)}, out of range", how)
        return value

    return parse


def _bits(known: tuple[int, ...]) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value not in known:
            raise unusable(f"is {said(value)}", f"write one of {', '.join(map(str, known))}")
        return value

    return parse


def _constant(value: object) -> Constant:
    """A text, a number, true or false."""
    if isinstance(value, float):
        number = Decimal(repr(value))
        if number.is_finite():
            return number
    if isinstance(value, bool | int):
        return value
    text = string(value, '"[redacted]"')
    if len(text) > MOST_CONSTANT:
        raise unusable(f"is longer than {MOST_CONSTANT} characters", 'write something short: "[redacted]"')
    return text


def _of(value: object) -> str:
    text = string(value, '"name"')
    if text not in FAKES:
        raise unusable(f"{said(text)} is nothing that it can make", choice(text, FAKES))
    return text


def _locale(value: object) -> str:
    """One that Faker knows; the library's list is loaded only where one is named."""
    from faker.config import AVAILABLE_LOCALES

    text = string(value, '"nb_NO"')
    if text not in AVAILABLE_LOCALES:
        raise unusable(f"{said(text)} is not a locale of Faker", choice(text, sorted(AVAILABLE_LOCALES)[:3]))
    return text


_PARSERS: Mapping[str, tuple[str, Callable[[object], object]]] = {
    "with": ("constant", _constant),
    "as": ("kind", kind),
    "keep": ("keep", _whole(0, MOST_KEPT, 2)),
    "keep_last": ("keep", _whole(1, MOST_KEPT, 4)),
    "width": ("width", _whole(1, MOST_WIDE, 10)),
    "length": ("length", _whole(1, 64, 3)),
    "ipv4": ("ipv4", _bits(IPV4_BITS)),
    "ipv6": ("ipv6", _bits(IPV6_BITS)),
    "of": ("of", _of),
    "locale": ("locale", _locale),
}
