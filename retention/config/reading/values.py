"""Parsers of single values: a TOML value in, a value of the model out, or `Unusable`.

They accept `object`, since a file may hold anything, and never show a value that may be
secret.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import TypeVar

from retention.config.reading.findings import Unusable, choice, not_yet, printable, said, unusable
from retention.model.clock import Period, Start
from retention.model.policy import Approval, Basis
from retention.periods import check_zone, parse_fiscal_year_end, parse_period

T = TypeVar("T")
E = TypeVar("E", bound=Enum)

MAX_ROWS = 10**15
"""Far above any table, and exact in every JSON reader."""
MAX_NAME = 64

_NAME = re.compile(r"[^\W_][\w-]*")
_DATA = re.compile(r"[^\W_][\w-]*( [\w-]+)*")
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?) ?%")
_BATCH_TIME = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?(ms|s|min)")
_MILLISECONDS = {"ms": 1, "s": 1000, "min": 60_000}
_STARTS = tuple(s.value for s in Start if s is not Start.NEXT_DAY)


def anything(value: object) -> object:
    """The value as it is, for a table that is read on its own."""
    return value


def string(value: object, example: str) -> str:
    """Any non-empty string without control characters."""
    if not isinstance(value, str):
        raise unusable(f"is {said(value)}", f"write text in quotes, such as {example}")
    if not value.strip():
        raise unusable(f"is {said(value)}", f"write something, such as {example}")
    if any(unicodedata.category(c) == "Cc" for c in value):
        raise unusable(
            f"{said(value)} holds a control character", "write it without line breaks, tabs and the like"
        )
    return value


def sentence(value: object) -> str:
    """Prose: lines and tabs are joined by spaces."""
    return string(
        " ".join(value.split()) if isinstance(value, str) else value, '"five years after the order"'
    )


def delegated(value: object, example: str, parse: Callable[[str], T]) -> T:
    """What `parse`, which raises ValueError("found; write"), makes of a string."""
    text = string(value, f'"{example}"')
    try:
        return parse(text)
    except Unusable:
        raise
    except ValueError as error:
        found, _, write = str(error).partition("; ")
        raise unusable(found, write or f'write it like "{example}"') from None


def period(value: object) -> Period:
    """A fixed period; what `retention.periods` makes of it."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise unusable(
            f"is {said(value)}, without a unit", 'write the unit: "5 years", "24 months", "90 days"'
        )
    return delegated(value, "5 years", parse_period)


def fiscal_year_end(value: object) -> tuple[int, int]:
    """(month, day) from `MM-DD`."""
    return delegated(value, "12-31", parse_fiscal_year_end)


def zone(value: object) -> str:
    """The name of an IANA time zone."""

    def known(text: str) -> str:
        check_zone(text)
        return text

    return delegated(value, "Europe/Oslo", known)


def _member(kind: type[E], value: object, known: tuple[str, ...]) -> E:
    text = string(value, f'"{known[0]}"')
    if text not in known:
        raise unusable(f"{said(text)} is not one of its values", choice(text, known))
    return kind(text)


def approval(value: object) -> Approval:
    """`changes`, `always` or `never`."""
    return _member(Approval, value, tuple(a.value for a in Approval))


def basis(value: object) -> Basis:
    """A legal basis, by its name."""
    return _member(Basis, value, tuple(b.value for b in Basis))


def starts(value: object) -> Start:
    """One of the four starts after a unit."""
    return _member(Start, value, _STARTS)


ACTIONS: tuple[str, ...] = ("delete", "anonymize", "pseudonymize", "restrict")


def action(value: object) -> str:
    """One of ACTIONS."""
    if isinstance(value, dict):
        raise not_yet("an action with a table", 'write "delete"')
    text = string(value, '"delete"')
    if text in ACTIONS:
        return text
    raise unusable(f"{said(text)} is not an action", choice(text, ACTIONS))


def share(value: object) -> Decimal:
    """A share of a table: "25%", or a number such as 0.25; more than none and not more than all."""
    how = 'write a share such as "25%" (for no limit "100%")'
    if isinstance(value, bool) or not isinstance(value, (str, float, int)):
        raise unusable(f"is {said(value)}", how)
    if isinstance(value, str):
        match = _SHARE.fullmatch(value.strip()) if value.isascii() else None
        if match is None:
            raise unusable(f"{said(value)} is not a share", how)
        number = Decimal(match[1]) / 100
    elif isinstance(value, int):
        if value != 0:
            raise unusable(f"is {said(value)}, which may mean a share or per cent", how)
        number = Decimal(0)
    else:
        number = Decimal(repr(value))
    if not number.is_finite() or number < 0:
        raise unusable(f"is {said(value)}", how)
    if number == 0:
        raise unusable('is zero, which never means "no limit"', how)
    if number > 1:
        raise unusable(f"is {said(value)}, more than the whole table", how)
    if number < Decimal("0.00000001"):
        raise unusable(f"is {said(value)}, less than a row of any table", how)
    return number.normalize()


def rows(value: object) -> int:
    """A number of records, from 1 to MAX_ROWS."""
    how = "write a whole number such as 1_000_000"
    if isinstance(value, bool) or not isinstance(value, int):
        raise unusable(f"is {said(value)}", how + " (without quotes)" if isinstance(value, str) else how)
    if value == 0:
        raise unusable('is 0, which never means "no limit"', how)
    if value < 0:
        raise unusable(f"is {said(value)}", how)
    if value > MAX_ROWS:
        raise unusable(f"is {said(value)}", f"write at most {MAX_ROWS}")
    return value


def flag(value: object) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise unusable(f"is {said(value)}", "write true or false, without quotes")
    return value


def batch_time(value: object) -> timedelta:
    """`500 ms`, `2 s`, `1 min`; between 10 ms and 60 s."""
    text = string(value, '"500 ms"')
    match = _BATCH_TIME.fullmatch(text.strip()) if text.isascii() else None
    if match is None:
        raise unusable(f"{said(text)} is not a time of a batch", 'write "500 ms", "2 s" or "1 min"')
    milliseconds = Decimal(match[1]) * _MILLISECONDS[match[2]]
    if not 10 <= milliseconds <= 60_000:
        raise unusable(f"{said(text)} is out of range", 'write between "10 ms" and "60 s"')
    return timedelta(microseconds=int(milliseconds * 1000))


def word(value: object, what: str = "name") -> str:
    """A name of the policy's own: rule, dataset, connector, event, kind of identifier."""
    text = string(value, '"booked"' if what.startswith("event") else '"orders"')
    if len(text) > MAX_NAME:
        raise unusable(f"{said(text)} is too long for a {what}", f"write at most {MAX_NAME} characters")
    if _NAME.fullmatch(text) is None or unicodedata.normalize("NFC", text) != text:
        raise unusable(
            f"{said(text)} cannot be a {what}",
            "use letters, digits, `-` and `_`, beginning with a letter or digit",
        )
    return text


def data(value: object) -> str:
    """A single category of data; single spaces inside are fine."""
    if isinstance(value, list):
        raise unusable(f"is {said(value)}", "name one category of data")
    text = string(value, '"orders"')
    if text == "any":
        raise unusable('"any" means all data of a rule', "name one category of data")
    if len(text) > MAX_NAME:
        raise unusable(f"{said(text)} is too long for a name of data", f"write at most {MAX_NAME} characters")
    if _DATA.fullmatch(text) is None or unicodedata.normalize("NFC", text) != text:
        raise unusable(
            f"{said(text)} cannot name data",
            'use letters, digits, `-`, `_` and single spaces, such as "support requests"',
        )
    return text


def origin(value: object) -> str:
    """A ledger's name: it becomes the first line of its signed notes and the name of its key."""
    text = string(value, '"shop.example/retention"')
    if any(c.isspace() for c in text) or "+" in text or len(text) > 200:
        raise unusable(
            f"{said(printable(text))} cannot be a ledger's origin",
            'write a name without spaces and `+`, such as "shop.example/retention"',
        )
    return text
