"""UPDATE of a range of whole-number keys, in which each row finds its values by its place in a list.

For records whose keys lie close together. Between the first key and the last each number has a place of one width in a
text of bytes: there stands what was read of its row, and in another text what is written. Nothing is joined, and no
list of keys is parsed: half of what the server does for a list. A number between them that is not a record's has a
place that no value is like, and where the engine makes nothing each place says whether it is. Such a row is passed
by: at READ COMMITTED the server reads it as it was last committed where somebody has it locked, waits for nobody,
and keeps no lock on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from pymysql.converters import escape_string
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Connection
from sqlalchemy.types import NullType

from retention.connectors.sql.mysql.joined import as_bytes
from retention.connectors.sql.mysql.session import ESCAPED, Verbatim
from retention.connectors.sql.rewritten import Backs, Element, Into, WritingBack, number
from retention.model.catalogue import Kind

_SPARSE = 4
"""Of so many numbers at least one is a record's key."""
_LARGEST = 2_000_000
"""Bytes of the places of one column, at most."""
_NONE = "n"
"""In place of the length and the text of one that is NULL."""


class Placed(WritingBack):
    """The statement, for tables whose key is one whole number and of whose columns the engine makes texts."""

    def __init__(self, connection: Connection, into: Into) -> None:
        key = into.target.c[into.key[0].name]
        first, last = _given("first"), _given("last")
        place = sa.func.greatest(key, first) - first  # never less than 0, whichever row is asked
        self._columns = tuple(into.columns)
        read = [self._as_read(at, into.target.c[c.name], place) for at, c in enumerate(self._columns)]
        if not read:
            read = [_slot(_given("there"), place, number(1)) == _bytes(b"1")]
        made = into.values(lambda name, column: self._made(name[1:], into.target.c[column.name], place))
        statement = sa.update(into.target).ordered_values(*made)
        compiled = statement.where(key.between(first, last), *read, *into.where).compile(
            dialect=connection.dialect
        )
        self._sql, self._parameters = str(compiled), dict(compiled.params)

    @staticmethod
    def fits(into: Into) -> bool:
        """Whether there is such a statement."""
        whole = len(into.key) == 1 and into.key[0].kind is Kind.INTEGER
        return whole and all(column.kind is Kind.TEXT for column in into.columns)

    def given(self, rows: Backs) -> dict[str, Any] | None:
        """The rows as they are handed over; None where their keys lie too far apart."""
        (keys,) = rows.keys
        first, last = min(keys), max(keys)
        many = last - first + 1
        if many > _SPARSE * len(keys) or len(set(keys)) != len(keys):
            return None
        places = [key - first for key in keys]
        found: dict[str, Any] = {"first": first, "last": last}
        for at, (old, new) in enumerate(zip(rows.old, rows.new, strict=True)):
            written = [text or "" for text in new]
            nulls_stay = all((a is None) is (b is None) for a, b in zip(old, new, strict=True))
            if not nulls_stay or any("\0" in text for text in written):
                return None
            for letter, texts, besides in (("o", list(map(_told, old)), " "), ("n", written, "\0")):
                wide = max(len(text) if text.isascii() else len(text.encode()) for text in texts)
                if wide * many > _LARGEST:
                    return None
                found[f"{letter}wide{at}"] = wide
                found[f"{letter}{at}"] = _in_places(texts, places, many, wide, besides)
        if not self._columns:
            found["there"] = _in_places(["1"] * len(keys), places, many, 1, "0")
        return found

    def execute(self, connection: Connection, given: dict[str, Any]) -> int:
        """How many rows were met."""
        return int(connection.exec_driver_sql(self._sql, {**self._parameters, **given}).rowcount)

    @staticmethod
    def _as_read(at: int, held: Element, place: Element) -> Element:
        """What the column holds stands in the row's place."""
        text = as_bytes(held)
        filled = sa.func.concat(sa.func.length(text), _bytes(b":"), text)
        told = sa.func.coalesce(filled, _bytes(_NONE.encode()))
        return _slot(_given(f"o{at}"), place * _given(f"owide{at}"), sa.func.length(told)) == told

    @staticmethod
    def _made(at: str, held: Element, place: Element) -> Element:
        """What stands there to be written."""
        wide = _given(f"nwide{at}")
        slot = _slot(_given(f"n{at}"), place * wide, wide)
        text = sa.func.substring_index(slot, _bytes(b"\0"), number(1))
        return sa.case((held.is_not(sa.null()), sa.cast(text, mysql.CHAR(charset="utf8mb4"))))


class PlacedOr(WritingBack):
    """Rows whose keys lie close together by their places, others by `other`."""

    def __init__(self, placed: Placed, other: WritingBack) -> None:
        self._placed, self._other = placed, other

    def given(self, rows: Backs) -> tuple[dict[str, Any] | None, Any]:
        placed = self._placed.given(rows)
        return placed, self._other.given(rows) if placed is None else None

    def execute(self, connection: Connection, given: tuple[dict[str, Any] | None, Any]) -> int:
        placed, other = given
        if placed is None:
            return self._other.execute(connection, other)
        return self._placed.execute(connection, placed)


def _given(name: str) -> Element:
    return sa.bindparam(name, type_=NullType())


def _bytes(text: bytes) -> Element:
    return sa.literal_column(f"x'{text.hex()}'")


def _slot(text: Element, before: Element, wide: Element) -> Element:
    return sa.func.substr(text, before + number(1), wide)


def _told(text: str | None) -> str:
    """With its length before it: no text is the beginning of another one, nor of what stands where none is."""
    return _NONE if text is None else f"{len(text) if text.isascii() else len(text.encode())}:{text}"


def _in_places(texts: Sequence[str], places: Sequence[int], many: int, wide: int, besides: str) -> Verbatim:
    """The texts in their places, of which there are so `many`, each so many bytes `wide`, as a literal.

    `besides`: what a place holds behind its text, or where it has none.
    """
    if "".join(texts).isascii():
        slots = [text.ljust(wide, besides) for text in texts]
    else:
        slots = [text + besides * (wide - len(text.encode())) for text in texts]
    if many > len(texts):
        spread = [besides * wide] * many
        for place, slot in zip(places, slots, strict=True):
            spread[place] = slot
        slots = spread
    found = "".join(slots)
    return Verbatim(f"_binary'{escape_string(found) if ESCAPED.search(found) else found}'")
