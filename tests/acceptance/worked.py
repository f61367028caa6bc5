"""The form of a worked example: a policy's rules, a connector's datasets, rows, and what becomes of each on a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

AWARE = {
    "sqlite": ("TEXT", "{}+00:00"),
    "postgresql": ("TIMESTAMPTZ", "{}+00"),
    "mariadb": ("timestamp(6) NULL", "{}"),
}
"""How each database writes the instants of UTC: a column's type, and a value."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """`rules`: name → keys; `promise` and `action = "delete"` are added where they are not written.

    `fates`: day or instant → rule → the fates of records 1, 2, 3, … in this order; `!` behind one: it is overdue.
    Where a rule reaches several datasets, its name has the dataset's behind it: "law orders".
    `head`: lines of the policy before its rules. `said`: commands that are typed before.
    `rows`: SQL that all three databases understand; INSTANTS is the type of a column that knows its zone, and
    UTC'2026-01-31 12:00' a value of it.
    """

    name: str
    rules: Mapping[str, str]
    datasets: str
    rows: str
    fates: Mapping[str, Mapping[str, str]]
    head: str = ""
    said: tuple[tuple[str, ...], ...] = ()
    zone: str = "UTC"
    reads: str = "UTC"

    @property
    def id(self) -> str:
        return self.name.replace(" ", "-")


def things(columns: str, *rows: str) -> str:
    """The table `things` with records 1, 2, 3, … of these rows."""
    values = ", ".join(f"({key}, {row})" for key, row in enumerate(rows, 1))
    return f"CREATE TABLE things (id INTEGER PRIMARY KEY, {columns}); INSERT INTO things VALUES {values}"


def dataset(*lines: str, name: str = "things") -> str:
    """A dataset that has the name of its table and of its data."""
    return "\n".join([f"[datasets.{name}]", f'data = "{name}"', f'table = "{name}"', *lines])


def rule(*lines: str, data: str = "things") -> str:
    """The lines of a rule about `data`."""
    return "\n".join([f'data = "{data}"', *lines])
