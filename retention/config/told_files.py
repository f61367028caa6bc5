"""What people type of persons: identifiers, times, references; on the command line and in files.

A file of told events is CSV with a header, or JSON Lines; which of them, its first character tells. Each line stands
for itself: what is wrong with one is said of it and changes nothing of the others.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from retention.errors import UsageError
from retention.model.told import Subject
from retention.periods import MisreadError, day_of, parse_as_of
from retention.periods.misread import shown

MOST_BYTES = 64 << 20
"""Of a file: what people tell is read whole."""
MOST_VALUE = 1_000
COLUMNS = ("event", "kind", "value", "at", "ref")
NEEDED = ("kind", "value")
FIRST = date(1971, 1, 2)
"""An earlier day is how databases spell "unknown"."""

_REF = re.compile(r"\w[\w./#:-]{0,99}")
_OPEN = "unexpected end of data"  # as the csv module says it
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a file as it was written; `wrong` says why it can't be read, and then nothing else is there."""

    number: int
    values: Mapping[str, str]
    wrong: str | None = None


def subject(text: str) -> Subject:
    """`KIND=VALUE`. Raises ValueError, in words that do not repeat the value."""
    kind, sign, value = text.partition("=")
    if not sign or not kind.strip():
        raise ValueError("it is no KIND=VALUE, such as email=anna@example.com")
    return Subject(kind=kind.strip(), value=an_identifier(value))


def an_identifier(value: str) -> str:
    """The value, where it can be one. Raises ValueError, in words that do not repeat it."""
    if not value.strip():
        raise ValueError("its value is empty: that is nobody's identifier")
    if len(value) > MOST_VALUE:
        raise ValueError(f"its value is longer than {MOST_VALUE} characters")
    if unstorable(value):
        raise ValueError("its value has a character that no database holds, or is not UTF-8")
    return value


def unstorable(text: str) -> bool:
    """It has a character that not every database holds: NUL, or half a pair of a text that is no UTF-8."""
    return "\0" in text or any("\ud800" <= c <= "\udfff" for c in text)


def said(**words: str | None) -> None:
    """Raises UsageError for words, by their option's name, that can't be kept."""
    for option, text in words.items():
        if text is not None and unstorable(text):
            raise UsageError(f"--{option} has a character that no database holds, or is not UTF-8")


def a_reference(text: str, *named: Subject) -> str:
    """A reference, which the ledger shows for ever: nobody's name or address. Raises ValueError."""
    if not _REF.fullmatch(text):
        raise ValueError(
            "a reference stands in the ledger for ever: write a case number of letters, digits and ./#:-_,"
            " such as CASE-12"
        )
    if any(text.casefold() == each.value.strip().casefold() for each in named):
        raise ValueError(
            "a reference stands in the ledger for ever: write a case number, not whom it is about"
        )
    return text


def a_time(text: str, timezone: str, now: datetime) -> datetime | date:
    """A date as a day, else an instant of RFC 3339; raises ValueError for others, and for what lies ahead."""
    try:
        instant = parse_as_of(text.strip(), timezone)
    except MisreadError as error:
        raise ValueError(str(error)) from error
    day = _DAY.fullmatch(text.strip()) is not None
    if instant > now:
        raise ValueError(f"{shown(text)} lies ahead: an event is told when it has happened")
    if (date.fromisoformat(text.strip()) if day else day_of(instant, timezone)) < FIRST:
        raise ValueError(f"{shown(text)} lies before {FIRST}: write when it happened")
    return date.fromisoformat(text.strip()) if day else instant.astimezone(UTC)


def decoded(data: bytes, name: str, *, by_lines: bool = False) -> str:
    """The text of a file; UsageError for one that is too large or no UTF-8.

    `by_lines`: only its first line has to be. Bytes of others that are none become lone surrogates (PEP 383), which
    make their own line bad.
    """
    if len(data) > MOST_BYTES:
        raise UsageError(f"{name} is larger than {MOST_BYTES >> 20} MiB; tell it in several files")
    try:
        if by_lines:
            data.partition(b"\n")[0].decode("utf-8-sig")
        return data.decode("utf-8-sig", "surrogateescape" if by_lines else "strict")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 (byte {error.start}); save it as UTF-8") from error


def subjects(text: str, name: str) -> tuple[Subject, ...]:
    """One KIND=VALUE a line; empty lines are passed over. UsageError that names every line that is wrong."""
    found, wrong = [], []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not line.strip():
            continue
        try:
            found.append(subject(line))
        except ValueError as error:
            wrong.append(f"line {number}: {error}")
    if wrong:
        more = f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise UsageError(f"{name}: {'; '.join(wrong[:5])}{more}")
    if not found:
        raise UsageError(f"{name} is empty; write one KIND=VALUE a line")
    return tuple(found)


def lines(text: str, name: str, event: str | None) -> Iterator[Line]:
    """The lines of a file of told events. UsageError for a header that is none."""
    if text.lstrip().startswith("{"):
        return _json_lines(text)
    return _csv_lines(text, name, event)


def _csv_lines(text: str, name: str, event: str | None) -> Iterator[Line]:
    first, *others = io.StringIO(text, newline=None).read().split("\n")
    try:
        header = [word.strip().lower() for word in _fields(first)]
    except csv.Error as error:
        raise UsageError(f"{name}: its header can't be read: {error}") from error
    needed = NEEDED if event is not None else ("event", *NEEDED)
    strange = [word for word in header if word not in COLUMNS]
    lacking = [word for word in needed if word not in header]
    if strange or lacking or len(set(header)) < len(header):
        found = shown(",".join(header)) if header else "empty"
        raise UsageError(
            f"{name}: its first line is {found}; write a header of these columns, in any order:"
            f" {','.join(needed)}, and at,ref where they are known"
        )
    return _csv_rows(others, header)


def _csv_rows(lines: Sequence[str], header: list[str]) -> Iterator[Line]:
    """Each line by itself, though a quoted value may span lines (RFC 4180 §2): one quote that is left open would take
    the requests of others with it, up to the next."""
    for number, line in enumerate(lines, 2):
        try:
            row = _fields(line)
        except csv.Error as error:
            why = "a quote is not closed on it" if str(error) == _OPEN else str(error)
            yield Line(number=number, values={}, wrong=f"it can't be read as CSV: {why}")
            continue
        if not row:
            continue
        if len(row) != len(header):
            wrong = f"it has {len(row)} fields, and the header {len(header)}"
            yield Line(number=number, values={}, wrong=wrong)
            continue
        yield Line(number=number, values=dict(zip(header, row, strict=True)))


def _fields(line: str) -> list[str]:
    return next(csv.reader([line], strict=True), [])


def _json_lines(text: str) -> Iterator[Line]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line, object_pairs_hook=_each_once)
        except _TwiceError as error:
            yield Line(number=number, values={}, wrong=f"it has the key {shown(error.key)} twice")
            continue
        except (ValueError, RecursionError):
            yield Line(number=number, values={}, wrong="it is no JSON object on one line")
            continue
        wrong = _wrong_object(values)
        if wrong is not None:
            yield Line(number=number, values={}, wrong=wrong)
        else:
            yield Line(number=number, values={k: str(v) for k, v in values.items() if v is not None})


class _TwiceError(ValueError):
    """A JSON object has a key more than once: what it says is anybody's guess (RFC 8259 §4)."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise _TwiceError(key)
        found[key] = value
    return found


def _wrong_object(values: object) -> str | None:
    if not isinstance(values, dict):
        return "it is no JSON object on one line"
    for key, value in values.items():
        if key not in COLUMNS:
            return f"it has the key {shown(str(key))}; the keys are {', '.join(COLUMNS)}"
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not (value is None or isinstance(value, str) or (key == "value" and whole)):
            return f"its {key} is no text"
    return None
