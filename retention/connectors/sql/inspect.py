"""What every dialect's reading of the catalogue shares: SQLAlchemy's inspection, made into our records."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.engine import Connection
from sqlalchemy.engine.reflection import ObjectKind

from retention.model.catalogue import Column, Index, Kind, Reference, TableId

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
    """The kind of a reflected type."""
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
    try:
        return type_.compile(dialect=dialect) if isinstance(type_, types.TypeEngine) else str(type_)
    except sa.exc.CompileError:
        return str(type_)


class Reflected:
    """The raw inspection of one schema, all its tables in a handful of queries."""

    def __init__(self, connection: Connection, schema: str | None) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sa.exc.SAWarning)  # types that SQLAlchemy does not know
            inspector = sa.inspect(connection)
            self.columns: Mapping[RawKey, Any] = inspector.get_multi_columns(schema, kind=ObjectKind.ANY)
            self.keys: Mapping[RawKey, Any] = inspector.get_multi_pk_constraint(schema)
            self.references: Mapping[RawKey, Any] = inspector.get_multi_foreign_keys(schema)
            self.indexes: Mapping[RawKey, Any] = inspector.get_multi_indexes(schema)
        self._dialect = connection.dialect

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
        found = self.keys.get(raw) or {}
        return tuple(str(name) for name in found.get("constrained_columns") or ())

    def indexes_of(self, raw: RawKey) -> tuple[Index, ...]:
        """Indexes that serve any row: not partial ones, not expressions, only sorted or hashed ones."""
        found = [Index(name="primary key", columns=self.key_of(raw), unique=True)] if self.key_of(raw) else []
        for item in self.indexes.get(raw) or ():
            options = item.get("dialect_options") or {}
            if options.get("postgresql_where") or options.get("sqlite_where") is not None:
                continue
            if options.get("postgresql_using", "btree") not in ("btree", "hash"):
                continue
            columns: list[str] = []
            for name in item["column_names"]:
                if name is None:
                    break
                columns.append(str(name))
            whole = len(columns) == len(item["column_names"])
            found.append(
                Index(name=str(item["name"]), columns=tuple(columns), unique=bool(item["unique"]) and whole)
            )
        return tuple(found)

    def references_of(self, raw: RawKey, default_schema: str | None) -> list[Reference]:
        """The references that a table declares; `indexed` is filled in later."""
        schema, name = raw
        return [
            Reference(
                name=str(item["name"] or ""),
                table=TableId(schema=schema, name=name),
                columns=tuple(map(str, item["constrained_columns"])),
                target=TableId(
                    schema=item["referred_schema"] or schema or default_schema,
                    name=str(item["referred_table"]),
                ),
                target_columns=tuple(map(str, item["referred_columns"])),
                on_delete=str((item.get("options") or {}).get("ondelete") or "NO ACTION").upper(),
                deferrable=bool((item.get("options") or {}).get("deferrable")),
            )
            for item in self.references.get(raw) or ()
        ]


def serves(indexes: Iterable[Index], columns: tuple[str, ...]) -> bool:
    """Whether an index leads with exactly `columns`, in any order."""
    wanted = set(columns)
    return any(set(index.columns[: len(columns)]) == wanted for index in indexes)
