"""Tables by their names, and records by their keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import quoted_name
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

from retention.model.catalogue import TableId

EVERY_ROW = "9223372036854775807"
"""A limit that cuts nothing off, and keeps databases from working a query into the one around it."""


class Only(sa.TableClause):
    """A table without those that inherit from it."""

    inherit_cache = False


@compiles(Only)
def _only(element: Only, compiler: Any, **options: Any) -> str:
    text: str = compiler.visit_table(element, **options)
    return f"ONLY {text}" if options.get("asfrom") else text


def table(id_: TableId, columns: Iterable[str] = (), *, only: bool = False) -> sa.TableClause:
    """A table by its exact name, always quoted; `only`: without those that inherit from it."""
    schema = quoted_name(id_.schema, True) if id_.schema is not None else None
    every = [sa.column(quoted_name(name, True), NullType()) for name in columns]
    kind = Only if only else sa.TableClause
    return kind(quoted_name(id_.name, True), *every, schema=schema)


def among_values(
    columns: Sequence[ColumnElement[Any]], keys: Sequence[tuple[Any, ...]]
) -> ColumnElement[Any]:
    """`columns` are one of `keys`."""
    if not keys:
        return sa.false()
    if len(columns) == 1:
        return columns[0].in_(every([key[0] for key in keys]))
    return sa.tuple_(*columns).in_([tuple(key) for key in keys])  # a tuple binds its values itself


def every(values: Sequence[Any]) -> ColumnElement[Any]:
    """Values of a list, as one parameter: a statement is made once, however many there are."""
    return sa.bindparam(None, list(values), type_=NullType(), unique=True, expanding=True)


def parameter(name: str) -> ColumnElement[Any]:
    """A parameter that is handed over with the statement."""
    return sa.bindparam(name, type_=NullType())
