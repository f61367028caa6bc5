"""What dialects' reading of the catalogue shares: columns, on SQLite keys too, by SQLAlchemy's inspection.

References and indexes are read by each dialect itself: SQLAlchemy takes them from the text of
definitions, and loses the ON DELETE of a reference that SQLite's DDL has beside its column, the schema of one that
crosses schemas, and whether an index is valid.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.engine import Connection
from sqlalchemy.engine.reflection import ObjectKind

from retention.model.catalogue import Column, Index, Kind

_KINDS: tuple[tuple[type[Any], Kind], ...] = (
    (types.Boolean, Kind.BOOLEAN),
    (types.Integer, Kind.INTEGER),
    (types.Float, Kind.REAL),
    (types.Numeric, Kind.NUMERIC),
    (types.Uuid, Kind.UUID),
    (types.Enum, Kind.OTHER),
    (types.String, Kind.TEXT),
    (types.DateTime, Kind.TIMESTAMP),
    (types.Date, Kind.DATE),
    (types.LargeBinary, Kind.BINARY),
)

RawKey = tuple[str | None, str]


def kind_of(type_: Any) -> Kind:
    """The kind of a reflected type; a domain is what it is made of."""
    type_ = getattr(type_, "data_type", type_)
    for cls, kind in _KINDS:
        if isinstance(type_, cls):
            if kind is Kind.TIMESTAMP and getattr(type_, "timezone", False):
                return Kind.TIMESTAMPTZ
            return kind
    return Kind.OTHER


def spelled(type_: Any, dialect: sa.Dialect) -> str:
    """The type as the database spells it, "" where it has no name."""
    if isinstance(type_, types.NullType):
        return ""
    if isinstance(type_, types.String) and type_.collation is not None:
        type_ = type_.copy()
        type_.collation = None  # not the type's: a cast can't name it
    try:
        return type_.compile(dialect=dialect) if isinstance(type_, types.TypeEngine) else str(type_)
    except sa.exc.CompileError:
        return str(type_)


class Reflected:
    """The raw inspection of one schema, all its tables in a few queries."""

    def __init__(self, connection: Connection, schema: str | None) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sa.exc.SAWarning)  # types that SQLAlchemy does not know
            self._inspector = sa.inspect(connection)
            self.columns: Mapping[RawKey, Any] = self._inspector.get_multi_columns(
                schema, kind=ObjectKind.ANY
            )
        self._dialect, self._schema = connection.dialect, schema

    @functools.cached_property
    def _keys(self) -> Mapping[RawKey, Any]:
        return self._inspector.get_multi_pk_constraint(self._schema)

    def columns_of(self, raw: RawKey, kind: Callable[[Any], Kind] = kind_of) -> dict[str, Column]:
        """Name → Column, in the order of the table. `kind`: how a reflected type becomes a Kind."""
        return {
            str(c["name"]): Column(
                name=str(c["name"]),
                kind=kind(c["type"]),
                type=spelled(c["type"], self._dialect),
                nullable=bool(c.get("nullable", True)),
                generated=bool(c.get("computed")),
            )
            for c in self.columns[raw]
        }

    def key_of(self, raw: RawKey) -> tuple[str, ...]:
        """The primary key's columns; empty where there is none."""
        found: Any = self._keys.get(raw) or {}
        return tuple(str(name) for name in found.get("constrained_columns") or ())


def with_key(key: tuple[str, ...], indexes: Iterable[Index]) -> tuple[Index, ...]:
    """The indexes, and the primary key as one: SQLite lists none for a key that is the row's own number."""
    own = (Index(name="primary key", columns=key, unique=True),) if key else ()
    return (*own, *indexes)
