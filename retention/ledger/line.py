"""One event of the ledger is one line of JSON, in one possible spelling.

The keys are exactly `at`, `data`, `prev`, `seq`, `type`. The spelling is RFC 8785
(JSON Canonicalization Scheme) in a subset: null, booleans, integers of I-JSON's
range (RFC 7493: ±(2^53 - 1)), strings, arrays, objects; no floats. Since there is
one spelling, a reader refuses everything else: a changed space, other key order,
a doubled key, `-0`, an escape that need not be. Lines are UTF-8, hold no newline
(JSON escapes it) and are stored with one behind them, which is not hashed.

This format does not change any more. Old lines verify for ever.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from retention.errors import LedgerError, RetentionError

MAX_LINE = 1 << 20
"""Bytes of a line at most, newline not counted."""
MAX_DEPTH = 16
"""Nested objects and arrays at most, the line's own object included."""
MAX_INT = (1 << 53) - 1
FIRST_PREV = "0" * 64
"""`prev` of the first event, which has none before it."""

_KEYS = ("at", "data", "prev", "seq", "type")
_KEY_SET = frozenset(_KEYS)
_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_MAX_TYPE = 64
_TYPE_AT_END = re.compile(_TYPE.pattern.encode() + rb'"}')
_BEFORE_AT = b'{"at":"'
_BEFORE_DATA = b'","data":'
_HASH = re.compile(r"[0-9a-f]{64}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d\.\d{6}Z", re.ASCII)
_LONG_NUMBER = re.compile(rb"[0-9]{16}")
_SPELLING: dict[str, Any] = {
    "ensure_ascii": False,
    "allow_nan": False,
    "check_circular": False,
    "separators": (",", ":"),
}
_ENCODER = json.JSONEncoder(**_SPELLING)
_SORTING_ENCODER = json.JSONEncoder(sort_keys=True, **_SPELLING)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A parsed event. `seq` counts from 0; `at` is UTC; `prev` the hex SHA-256 of the line before."""

    seq: int
    at: datetime
    type: str
    data: Mapping[str, Any]
    prev: str


class _UnfitError(ValueError):
    """A value that has no place in a line; `path` leads to it, outermost key last."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path: list[str] = []

    def __str__(self) -> str:
        where = ".".join(reversed(self.path))
        return f"{where}: {self.reason}" if where else self.reason


def hash_of(line: bytes) -> str:
    """The lowercase hex SHA-256 of a line without its newline: what the next line's `prev` says."""
    return hashlib.sha256(line).hexdigest()


def format_instant(at: datetime) -> str:
    """RFC 3339 in UTC, always with six digits: `2026-11-25T18:23:34.123456Z`.

    Raises RetentionError for a datetime without a zone.
    """
    if at.tzinfo is None:
        raise RetentionError("an instant without a time zone has no place in the ledger")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_instant(text: str) -> datetime:
    """The reverse of `format_instant`; raises ValueError for any other spelling."""
    if not _INSTANT.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text)


def canonical(value: object) -> bytes:
    """The one spelling of a JSON value (RFC 8785), as UTF-8 without newline.

    Raises RetentionError that names the key of what cannot be spelt: a float,
    an integer beyond ±(2^53 - 1), nesting deeper than 16, a lone surrogate,
    a type that JSON does not know.
    """
    try:
        return _spell(value)
    except _UnfitError as error:
        raise RetentionError(f"this cannot be written into the ledger: {error}") from error


def encode(*, seq: int, at: datetime, type: str, data: Mapping[str, object], prev: str) -> bytes:
    """The bytes of one event, without newline.

    Raises RetentionError for what `canonical` refuses, a name of a type that is
    not like `batch.intent`, or a line beyond 1 MiB.
    """
    fields = {"at": format_instant(at), "data": data, "prev": prev, "seq": seq, "type": type}
    try:
        _check_fields(fields)
        line = _spell(fields)
    except _UnfitError as error:
        raise RetentionError(f"event {seq} cannot be written: {error}") from error
    if len(line) > MAX_LINE:
        raise RetentionError(f"event {seq} cannot be written: {len(line):,} bytes, at most {MAX_LINE:,}")
    return line


def parse(line: bytes) -> Line:
    """Read one line, given without its newline.

    Raises LedgerError, without naming the event, for anything but the exact bytes
    that `encode` gives for the same content.
    """
    if len(line) > MAX_LINE:
        raise LedgerError(f"the line is longer than {MAX_LINE:,} bytes")
    if not line:
        raise LedgerError("the line is empty")
    try:
        fields = _DECODER.decode(line.decode("utf-8"))
        if type(fields) is not dict:
            raise _UnfitError("it is no JSON object")
        at = _check_fields(fields)
        if _respell(fields, line) != line:
            raise _UnfitError(
                "it is not in canonical form: a space, an escape or the order of keys was changed"
            )
    except UnicodeDecodeError as error:
        raise LedgerError("it is not UTF-8") from error
    except _UnfitError as error:
        raise LedgerError(str(error)) from error
    except RecursionError as error:
        raise LedgerError(f"it is nested deeper than {MAX_DEPTH}") from error
    except ValueError as error:
        raise LedgerError("it is not JSON") from error
    return Line(seq=fields["seq"], at=at, type=fields["type"], data=fields["data"], prev=fields["prev"])


def quick(line: bytes, *, seq: int, prev: str) -> datetime | None:
    """`at` of a line that is event `seq` behind the hash `prev`, spelt as `encode` spells it.

    None says nothing but that `parse` has to look: the line is another, or wrong, or not plain. What
    frames `data` is compared as text and `data` alone decoded, which takes half of the time.
    """
    behind_data = f',"prev":"{prev}","seq":{seq},"type":"'.encode()
    end = line.rfind(behind_data)
    if end < 0 or line[:7] != _BEFORE_AT or line[34:43] != _BEFORE_DATA or not _is_plain(line):
        return None
    name = line[end + len(behind_data) :]
    if len(line) > MAX_LINE or len(name) > _MAX_TYPE + 2 or not _TYPE_AT_END.fullmatch(name):
        return None
    text = line[43:end].decode("ascii")
    try:
        data = _QUICK_DECODER.decode(text)
        if type(data) is not dict or _SORTING_ENCODER.encode(data) != text:
            return None
        return parse_instant(line[7:34].decode("ascii"))
    except (ValueError, RecursionError):
        return None


def _check_fields(fields: Mapping[str, object]) -> datetime:
    """The event's `at`; raises _UnfitError unless these are an event's keys with values of their kinds."""
    if fields.keys() != _KEY_SET:
        raise _UnfitError(f"its keys are not {', '.join(_KEYS)}")
    seq, at, name, prev = fields["seq"], fields["at"], fields["type"], fields["prev"]
    if type(seq) is not int or seq < 0:
        raise _UnfitError("seq is no count")
    if type(prev) is not str or not _HASH.fullmatch(prev):
        raise _UnfitError("prev is no SHA-256 in lowercase hex")
    if type(name) is not str or len(name) > _MAX_TYPE or not _TYPE.fullmatch(name):
        raise _UnfitError("type is no name such as batch.intent")
    if not isinstance(fields["data"], Mapping):
        raise _UnfitError("data is no object")
    try:
        return parse_instant(at if type(at) is str else "")
    except ValueError as error:
        raise _UnfitError("at is no instant such as 2026-11-25T18:23:34.123456Z") from error


def _respell(fields: dict[str, object], line: bytes) -> bytes:
    """The canonical form of what was read from `line`.

    Most lines are ASCII, shallow, and without large numbers: there the order by code points is
    the right one and nothing can be out of range, so that the C encoder may do it all.
    """
    if _is_plain(line) and not _LONG_NUMBER.search(line):
        return _SORTING_ENCODER.encode(fields).encode("utf-8", "surrogatepass")
    return _spell(fields)


def _is_plain(line: bytes) -> bool:
    return line.isascii() and line.count(b"{") + line.count(b"[") <= MAX_DEPTH


def _spell(value: object) -> bytes:
    try:
        return _ENCODER.encode(_ordered(value, 0)).encode("utf-8")
    except UnicodeEncodeError as error:
        raise _UnfitError("a string with half a character (a lone surrogate)") from error


def _ordered(value: object, depth: int) -> object:
    """A copy with every object's keys in RFC 8785's order; raises _UnfitError with the path."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        if not -MAX_INT <= value <= MAX_INT:  # type: ignore[operator]  # an int by its type
            raise _UnfitError("an integer beyond 2^53 - 1")
        return value
    if depth == MAX_DEPTH:
        raise _UnfitError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, Mapping):
        return _ordered_object(value, depth + 1)
    if isinstance(value, (list, tuple)):
        return [_ordered(item, depth + 1) for item in value]
    raise _UnfitError(
        f"{'a float' if kind is float else f'a {kind.__name__}'}, which the format does not know"
    )


def _ordered_object(value: Mapping[Any, object], depth: int) -> dict[str, object]:
    ascii_only = True
    for key in value:
        if type(key) is not str:
            raise _UnfitError("a key that is no string")
        ascii_only = ascii_only and key.isascii()
    # Code points and UTF-16 code units sort alike, save beyond the basic plane.
    keys = sorted(value) if ascii_only else sorted(value, key=_utf16)
    ordered: dict[str, object] = {}
    for key in keys:
        try:
            ordered[key] = _ordered(value[key], depth)
        except _UnfitError as error:
            error.path.append(key)
            raise
    return ordered


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def _no_float(_text: str) -> NoReturn:
    raise _UnfitError("it holds a float, which the format does not know")


def _in_range(text: str) -> int:
    value = int(text)
    if not -MAX_INT <= value <= MAX_INT:
        raise _UnfitError("an integer beyond 2^53 - 1")
    return value


_DECODER = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float)
_QUICK_DECODER = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float, parse_int=_in_range)
