"""Columns that companies' tables have, said once."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite


def key() -> sa.Column[Any]:
    """The primary key of a table."""
    return sa.Column("id", sa.Integer, primary_key=True, autoincrement=False)


def text(name: str, length: int = 120, **more: Any) -> sa.Column[Any]:
    """A text that may be indexed on every database."""
    return sa.Column(name, sa.String(length), **more)


_WHEN = sa.DateTime().with_variant(sqlite.DATETIME(truncate_microseconds=True), "sqlite")  # type: ignore[no-untyped-call]


def when(name: str, **more: Any) -> sa.Column[Any]:
    """A date with a time of day, without a zone; on SQLite as its own functions write it, in whole seconds."""
    return sa.Column(name, _WHEN, **more)


def day(name: str, **more: Any) -> sa.Column[Any]:
    """A date."""
    return sa.Column(name, sa.Date, **more)


def flag(name: str, **more: Any) -> sa.Column[Any]:
    """True or false, or not known."""
    return sa.Column(name, sa.Boolean, **more)


def number(name: str, **more: Any) -> sa.Column[Any]:
    """A whole number."""
    return sa.Column(name, sa.BigInteger, **more)


def refers(name: str, target: str, **more: Any) -> sa.Column[Any]:
    """A reference `TABLE.COLUMN`, with its index."""
    return sa.Column(name, sa.Integer, sa.ForeignKey(target), index=True, **more)
