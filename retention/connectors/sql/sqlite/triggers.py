"""What SQLite's triggers run at: nothing but their own text tells it."""

from __future__ import annotations

import re

from retention.model.catalogue import TableId, Trigger

_NOT_WORDS = re.compile(
    r"--[^\n]*|/\*.*?(?:\*/|\Z)|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|\[[^\]]*\]", re.DOTALL
)
"""Comments, texts and quoted names, in which any word may stand."""
_EVENT = re.compile(
    r"\b(DELETE|INSERT|UPDATE)\b(?:\s+OF\b(.*?))?\s+ON\b.*?(\bBEGIN\b|\Z)", re.IGNORECASE | re.DOTALL
)


def trigger_of(name: str, table: TableId, sql: str) -> Trigger:
    """CREATE TRIGGER … {DELETE | INSERT | UPDATE [OF …]} ON … BEGIN …: every event where it can't be told."""
    quoted: list[str] = []

    def masked(found: re.Match[str]) -> str:
        text = found[0]
        if text[0] in "-/":
            return " "
        quoted.append(text[1:-1].replace(text[-1] * 2, text[-1]))
        return f" _{len(quoted) - 1}_ "

    words = _NOT_WORDS.sub(masked, sql)
    found = _EVENT.search(words)
    if found is None:
        return Trigger(name=name, table=table, events=frozenset({"DELETE", "INSERT", "UPDATE"}), body=sql)
    columns = None if found[2] is None else frozenset(_named(piece, quoted) for piece in found[2].split(","))
    body = re.sub(r" _(\d+)_ ", lambda each: f'"{quoted[int(each[1])]}"', words[found.start(3) :])
    return Trigger(name=name, table=table, events=frozenset({found[1].upper()}), columns=columns, body=body)


def _named(piece: str, quoted: list[str]) -> str:
    text = piece.strip()
    place = re.fullmatch(r"_(\d+)_", text)
    return quoted[int(place[1])] if place is not None and int(place[1]) < len(quoted) else text
