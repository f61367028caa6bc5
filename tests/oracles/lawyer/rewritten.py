"""What a run made of rows that it did not delete, held against the evaluator."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from tests.oracles.lawyer.actions import HASHED
from tests.oracles.lawyer.shapes import PERSONAL
from tests.oracles.lawyer.world import SINCE, Row, Table

HASH = re.compile(re.escape(HASHED) + "[a-z2-7]{26}")


def values_query(table: Table, schema: str = "") -> str:
    """Key and personal columns of every row."""
    return f"SELECT {', '.join((*table.key, *compared(table)))} FROM {schema}{table.name}"


def compared(table: Table) -> dict[str, str]:
    """The columns whose values are held against the evaluator, with their kinds."""
    return {name: kind for name, kind in table.columns.items() if name in (*PERSONAL, SINCE)}


def differences(table: Table, expected: Sequence[Row], there: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Column by column; a hash is one if it looks like it, and equal values have equal ones."""
    found = {tuple(row[: len(table.key)]): row[len(table.key) :] for row in there}
    hashes: dict[str, str] = {}
    for row in expected:
        key = tuple(row[column] for column in table.key)
        for (column, kind), value in zip(compared(table).items(), found.get(key, ()), strict=False):
            meant, said = row[column], plain(value, kind)
            if isinstance(meant, str) and meant.startswith(HASHED) and not HASH.fullmatch(meant):
                alike = (
                    isinstance(said, str) and HASH.fullmatch(said) and hashes.setdefault(meant, said) == said
                )
            else:
                alike = said == plain(meant, kind)
            if not alike:
                yield f"{table.name} {key}: {column} should be {meant!r}, and is {said!r}"


def plain(value: Any, kind: str) -> Any:
    """A point in time as itself, whatever a driver makes of it."""
    if value is None or kind == "text":
        return value
    if kind == "date":
        return date.fromisoformat(value) if isinstance(value, str) else value
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def action_differences(job: Any, expected: Mapping[str, int], entry: Mapping[str, Any]) -> Iterator[str]:
    """How many records are due by each action."""
    said = {action: count for action, count in entry["actions"].items() if count}
    if said != dict(expected):
        yield f"{job}: by action {dict(expected)}, the plan says {said}"
