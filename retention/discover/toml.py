"""TOML written out: strings and keys of any content, comments that can't break out of their line."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator

from retention.config.reading.findings import printable
from retention.model.catalogue import Catalogue, TableId
from retention.model.dataset import Name
from retention.planning.binding.names import NotFoundError, find_table

WIDTH = 108
"""Columns of a file that is written."""

ASK = "# ?"
"""Begins what only a person can know."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_PLAIN_PIECE = re.compile(r'[^".\s](?:[^".]*[^".\s])?')


def text(value: str) -> str:
    """A basic string; what can't be seen is escaped."""
    return '"' + "".join(_escaped(c) for c in value) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if unicodedata.category(character) not in _UNSEEN:
        return character
    code = ord(character)
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def key(name: str) -> str:
    """A key, bare where it can be."""
    return name if _BARE.fullmatch(name) else text(name)


def comment(words: str, limit: int = 4000) -> str:
    """Words fit to stand in a comment: on one line, nothing in them unseen."""
    return printable(words, limit)


def paragraph(words: str, mark: str = "#") -> Iterator[str]:
    """A comment of several lines, the first with `mark`."""
    lines = textwrap.wrap(
        comment(words), WIDTH - 4, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )
    for at, line in enumerate(lines):
        yield f"{mark} {line}" if at == 0 else f"#{' ' * len(mark)}{line}"


def beside(lines: Iterable[tuple[str, str]], least: int = 40) -> Iterator[str]:
    """Lines of TOML, each with its comment beside it, one below the other; a long comment goes above its line."""
    every = [(left, comment(right)) for left, right in lines]
    column = max([least, *(len(left) + 2 for left, right in every if right and len(left) < 60)])
    for left, right in every:
        mark = ASK if right.startswith("? ") else "#"
        words = right.removeprefix("? ")
        if not right:
            yield left
        elif max(column, len(left) + 2) + len(mark) + 1 + len(words) <= WIDTH + 14:
            yield f"{left.ljust(max(column, len(left) + 2))}{mark} {words}"
        else:
            indent = left[: len(left) - len(left.lstrip())]
            yield from (indent + line for line in paragraph(words, mark))
            yield left


# -- names of the catalogue ----------------------------------------------------------------


def piece(name: str) -> str:
    """One piece of a name as connectors write it, in double quotes where it must be."""
    return name if _PLAIN_PIECE.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def sayable(name: str) -> bool:
    """Whether a file can name it at all: no control characters."""
    return bool(name) and not any(unicodedata.category(c) in ("Cc", "Cs") for c in name)


def table_name(catalogue: Catalogue, table: TableId) -> Name:
    """The shortest name that means this table; its schema is named where it is not the usual one."""
    alone = Name(pieces=(table.name,), text=piece(table.name))
    if table.schema is None:
        return alone
    if table.schema == catalogue.default_schema:
        try:
            if find_table(catalogue, alone, None).id == table:
                return alone
        except NotFoundError:
            pass
    return Name(pieces=(table.schema, table.name), text=f"{piece(table.schema)}.{piece(table.name)}")
