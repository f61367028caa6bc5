"""Column types of the state store's tables, on every kind of database that can hold it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Integer, LargeBinary, Text
from sqlalchemy.dialects import mysql

BIG = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits; on SQLite the row's own number, where it is the key."""
BLOB = LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")
LONG_TEXT = Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")

AS_TABLES: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}
"""What MySQL and MariaDB must be told of each table: transactions, and text compared byte for byte."""


def raw(value: bytes | str) -> bytes:
    """A BLOB's bytes, also where somebody wrote text into it behind our back."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)
