"""How sessions on MariaDB and MySQL are set, and how values come and go.

Nothing is left to the server's defaults: zone, isolation, what a text in double quotes is, how long
anybody waits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from retention.errors import SetupError

_MODE = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
"""Strict, and without any of the modes that change how SQL is read; zero dates can be read and compared."""

_SAME = {
    "sql_mode": f"'{_MODE}'",
    "time_zone": "'+00:00'",
    "foreign_key_checks": "1",
    "unique_checks": "1",
    "sql_safe_updates": "0",
    "sql_select_limit": "18446744073709551615",
    "sql_big_selects": "1",
    "sql_auto_is_null": "0",
    "autocommit": "0",
}

_MILLISECONDS = 1_000
_PACKING = {"group_concat_max_len": "1073741824"}
"""Rows may be packed into as long a text as the server sends."""
_ROUNDS = "4294967295"  # the most that both servers take
_MEMORY = str(2 << 30)
"""Bytes that a session of ours may take of the server's."""


ESCAPED = re.compile(r"[\x00\n\r\x1a\"'\\]")
"""What PyMySQL writes in another way than it is."""


@dataclass(frozen=True)
class Verbatim:
    """SQL that is written as it stands: a list of whole numbers, which is not worth escaping one by one."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Flavour:
    """What differs between MariaDB and MySQL, by name."""

    name: str
    session: Mapping[str, str]
    isolation: str  # the variable
    access: str  # the variable that says whether transactions only read
    read_only: tuple[str, ...]
    replica: str
    usable_index: str  # a condition on information_schema.STATISTICS
    returns_deleted: bool = False  # DELETE … RETURNING
    lists_values: bool = False  # VALUES (1, 'a'), (2, 'b') after a UNION
    statement_limit: str | None = None  # the variable, in seconds
    idle_limit: str | None = None
    triggers_need: frozenset[str] = field(default=frozenset())  # any of these shows a table's triggers

    def statement(self, milliseconds: int) -> dict[str, str]:
        """The variable that ends a statement after so long; 0: never."""
        return {} if self.statement_limit is None else {self.statement_limit: f"{milliseconds / 1000:.3f}"}

    def idle(self, milliseconds: int) -> dict[str, str]:
        """The variable that ends a session whose transaction does nothing for so long."""
        return self._limit(self.idle_limit, milliseconds)

    def opening(self, *, read_only: bool) -> str:
        """The second statement of every session."""
        transactions = {self.isolation: "'READ-COMMITTED'", self.access: str(int(read_only))}
        return assignments({**self.session, **transactions})

    def _limit(self, variable: str | None, milliseconds: int) -> dict[str, str]:
        return {} if variable is None else {variable: str(-(-milliseconds // _MILLISECONDS))}


MARIADB = Flavour(
    name="MariaDB",
    # A list longer than the threshold would become a subquery, and that a scan which locks every row. An EXISTS
    # that becomes an IN reads the whole of the related table for a few keys. An IN of a recursive query's keys that
    # becomes an EXISTS reads all of them for each row. A recursive query stops after 1,000
    # rounds with a warning and half of its rows: who is kept through a longer chain would not be among them. What the
    # optimizer makes of a long statement could take all the memory that there is: then the statement ends, and not
    # the server.
    session={
        **_PACKING,
        "in_predicate_conversion_threshold": "0",
        "optimizer_switch": "'exists_to_in=off,in_to_exists=off'",
        "max_recursive_iterations": _ROUNDS,
        "max_session_mem_used": _MEMORY,
    },
    isolation="tx_isolation",
    access="tx_read_only",
    read_only=("@@global.read_only", "@@global.innodb_read_only"),
    replica="SHOW ALL SLAVES STATUS",
    usable_index="IGNORED = 'NO'",
    returns_deleted=True,
    lists_values=True,
    statement_limit="max_statement_time",
    idle_limit="idle_transaction_timeout",
    triggers_need=frozenset({"INSERT", "UPDATE", "DELETE", "TRIGGER"}),
)

MYSQL = Flavour(
    name="MySQL",
    # MySQL ends no idle transaction as such, and max_execution_time only a SELECT that changes nothing.
    session={
        **_PACKING,
        "wait_timeout": "600",
        "range_optimizer_max_mem_size": "0",
        "cte_max_recursion_depth": _ROUNDS,
    },
    isolation="transaction_isolation",
    access="transaction_read_only",
    read_only=("@@global.read_only", "@@global.super_read_only", "@@global.innodb_read_only"),
    replica="SHOW REPLICA STATUS",
    usable_index="IS_VISIBLE = 'YES'",
    triggers_need=frozenset({"TRIGGER"}),
)


def flavour_of(version: str) -> Flavour:
    """By the server's own word for its version; SetupError for one that can't skip locked rows."""
    numbers = re.search(r"(\d+)\.(\d+)\.\d+-MariaDB", version, re.IGNORECASE)
    mariadb = numbers is not None or "mariadb" in version.lower()
    numbers = numbers or re.match(r"(\d+)\.(\d+)", version)
    found = (int(numbers[1]), int(numbers[2])) if numbers is not None else (0, 0)
    if found < ((10, 6) if mariadb else (8, 0)):
        raise SetupError(
            f"the server is version {version}, which can't skip rows that others have locked;"
            " MariaDB 10.6 or MySQL 8.0 and later can"
        )
    return MARIADB if mariadb else MYSQL


def assignments(variables: Mapping[str, str]) -> str:
    """One statement that sets them all, for the session."""
    return "SET " + ", ".join(f"SESSION {name} = {value}" for name, value in variables.items())


def greeting() -> str:
    """The first statement of every session, before anything is asked: the same on every server."""
    return assignments(_SAME)


def recoded() -> dict[Any, Any]:
    """How PyMySQL reads and writes values: its own way, but for BIT, UUIDs and lists of numbers."""
    from pymysql.constants import FIELD_TYPE
    from pymysql.converters import conversions, escape_string

    def number(value: bytes) -> int:
        return int.from_bytes(value, "big")

    def as_it_stands(value: Verbatim, _mapping: object) -> str:
        return value.text

    def text(value: object, _mapping: object) -> str:
        return f"'{escape_string(str(value))}'"

    return {**conversions, FIELD_TYPE.BIT: number, Verbatim: as_it_stands, UUID: text}
