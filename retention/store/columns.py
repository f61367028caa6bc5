"""Column types of the state store's tables, on every kind of database that can hold it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, LargeBinary, String, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from retention.ledger.line import format_instant, parse_instant

BIG = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits; on SQLite the row's own number, where it is the key."""

AS_TABLES: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}
"""What MySQL and MariaDB must be told of each table: transactions, and text compared byte for byte."""


class Blob(TypeDecorator[bytes]):
    """Bytes without a limit: LONGBLOB on MySQL and MariaDB, whose dialect is loaded where one of them is spoken to."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return _longest(dialect, "LONGBLOB") or super().load_dialect_impl(dialect)


class LongText(TypeDecorator[str]):
    """Text without a limit: LONGTEXT on MySQL and MariaDB."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return _longest(dialect, "LONGTEXT") or super().load_dialect_impl(dialect)


def _longest(dialect: Dialect, name: str) -> TypeEngine[Any] | None:
    if dialect.name not in ("mysql", "mariadb"):
        return None
    from sqlalchemy.dialects import mysql

    longest: TypeEngine[Any] = getattr(mysql, name)()
    return dialect.type_descriptor(longest)


BLOB, LONG_TEXT = Blob(), LongText()


class Instant(TypeDecorator[datetime]):
    """An aware datetime as 27 characters of text; comes back in UTC."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> str | None:
        return None if value is None else format_instant(value)

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else parse_instant(value)


def raw(value: bytes | str) -> bytes:
    """A BLOB's bytes, also where somebody wrote text into it behind our back."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)
