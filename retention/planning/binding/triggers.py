"""Triggers that an UPDATE of a dataset's own columns runs, and what is known of what they do.

One that is made for other columns (`UPDATE OF`) can't run. Of the others nobody but a person can tell what they do in
the end: a dataset names those that somebody has looked at (`triggers`). What can be read of such a one must not
write a clock, nor delete.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator

from retention.model.catalogue import Table, Trigger

_COMMENTS = re.compile(r"--[^\n]*|#[^\n]*\n|/\*.*?(?:\*/|\Z)", re.DOTALL)
_QUOTES = re.compile(r'["`\[\]]')
_DELETES = re.compile(
    r"\bDELETE\s+FROM\b|\bTRUNCATE\b|\bDELETE\s+\w+(?:\s*\.\s*\w+)?\s+FROM\b", re.IGNORECASE
)
Reason = tuple[str, str]
"""What was found, and what to write instead."""


def may_run(trigger: Trigger, columns: Iterable[str]) -> bool:
    """An UPDATE that sets these columns, and no others, may run the trigger."""
    if "UPDATE" not in trigger.events:
        return False
    if trigger.columns is None:
        return True
    own = {name.casefold() for name in trigger.columns}
    return any(name.casefold() in own for name in columns)


def unlooked_at(root: Table, columns: Collection[str], looked_at: Collection[str]) -> Iterator[Reason]:
    """Triggers and rules of the table that an UPDATE of `columns` may run, and that nobody has named."""
    for trigger in root.triggers:
        if may_run(trigger, columns) and (trigger.what == "rule" or trigger.name not in looked_at):
            yield (
                f"{trigger.what} `{trigger.name}` on `{root.id}` runs at "
                + ("every UPDATE" if trigger.columns is None else "an UPDATE of these columns")
                + ", and may change a clock or other rows",
                "drop or disable it for the engine's role: no record is rewritten while it is there"
                + (
                    f'; or look at what it does, and write triggers = ["{trigger.name}"]'
                    if trigger.what != "rule"
                    else ""
                ),
            )


def unknown(tables: Collection[Table], looked_at: Iterable[str]) -> Iterator[Reason]:
    """Names that are no UPDATE trigger's of one of the tables, the root first."""
    every = [trigger for table in tables for trigger in table.triggers]
    there = [t.name for t in every if t.what != "rule" and "UPDATE" in t.events]
    of = " and ".join(f"`{table.id}`" for table in tables)
    for name in looked_at:
        if name not in there:
            known = ", ".join(f"`{each}`" for each in there) or "none"
            yield (
                f"{of} has no UPDATE trigger `{name}`; it has: {known}",
                "take it out, or mend the name",
            )


def meddling(root: Table, looked_at: Collection[str], clocks: Iterable[tuple[str, str]]) -> Iterator[Reason]:
    """Named triggers of which the text can be read, and writes a column of `clocks` (name, what it is) or deletes."""
    for trigger in root.triggers:
        if trigger.name not in looked_at or "UPDATE" not in trigger.events:
            continue
        text = _QUOTES.sub("", _COMMENTS.sub(" ", trigger.body))
        for column, what in clocks:
            if _writes(text, column):
                found = f"trigger `{trigger.name}` on `{root.id}` writes `{column}`, which is {what}"
                yield found, "drop or disable it for the engine's role, or take the column out of the clock"
                break
        if _DELETES.search(text):
            found = f"trigger `{trigger.name}` on `{root.id}` deletes rows"
            yield found, "drop or disable it for the engine's role: more would go than the plan says"


def _writes(text: str, column: str) -> bool:
    """The text assigns to a column of this name, in whatever table: read so, rather than not."""
    name = rf"(?<![\w$]){re.escape(column)}(?![\w$])"
    assigned = rf"{name}\s*:?=|\bINTO\b[^;]*\bNEW\s*\.\s*{name}|\([^()]*{name}[^()]*\)\s*="
    return re.search(assigned, text, re.IGNORECASE) is not None


def traces(table: Table, looked_at: Collection[str]) -> Iterator[str]:
    """What drift is measured by of the UPDATE triggers of a table whose rows are updated: a line each."""
    for trigger in table.triggers:
        if "UPDATE" in trigger.events:
            known = trigger.name in looked_at
            body = hashlib.sha256(trigger.body.encode()).hexdigest() if known else ""
            columns = "*" if trigger.columns is None else sorted(trigger.columns)
            yield f"  {trigger.what} {trigger.name} of {columns} {body}"
