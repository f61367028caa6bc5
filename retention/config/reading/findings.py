"""What is wrong with a file, before anybody knows which file: findings, and words for them.

A parser of one value raises `Unusable` (a ValueError); a reader of a table collects the
findings of all its keys; `retention.config.loading` turns them into Problems.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TypeAlias, TypeVar

Path: TypeAlias = tuple[str | int, ...]
T = TypeVar("T")

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_MEANT = re.compile("did you mean `(.+)`\\?")

UNKNOWN_KEY = "is not a known key"

SHOWN = 60
"""Longest piece of a value or name that a message repeats."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One mistake: where in the file (keys and list positions), what is there, what to write."""

    at: Path
    found: str
    write: str


class Unusable(ValueError):  # noqa: N818 - read as "this value is unusable"
    """A value that can't be used; `findings` are relative to the value."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings: tuple[Finding, ...] = tuple(findings)
        first = self.findings[0]
        super().__init__(f"{first.found}; {first.write}")


def unusable(found: str, write: str, *at: str | int) -> Unusable:
    """An Unusable of one finding, to be raised."""
    return Unusable([Finding(at=at, found=found, write=write)])


def not_yet(what: str, instead: str = "take it out") -> Unusable:
    """The refusal of something that the language has and this version can't do."""
    return unusable(f"{what} is not supported yet", instead)


def printable(text: str, limit: int = SHOWN) -> str:
    """`text` on one line, without control or direction characters, cut to `limit` characters."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def said(value: object) -> str:
    """A TOML value in words short enough for a message; never the content of a list or table."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        quote = "'" if '"' in value and "'" not in value else '"'
        return f"{quote}{printable(value)}{quote}" if value else "an empty string"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**30 else "a huge number"
    if isinstance(value, float):
        return f"the number {value!r}"
    if isinstance(value, (datetime, date, time)):
        return f"the TOML date {value.isoformat()}"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, Mapping):
        return "a table" if value else "an empty table"
    return "something else"


def dotted(path: Path) -> str:
    """A path as TOML would write it: `rules."my rule".limits.share`, `parts[2]` (counted from 1)."""
    text = ""
    for piece in path:
        if isinstance(piece, int):
            text += f"[{piece + 1}]"
            continue
        shown = (
            printable(piece) if _BARE.fullmatch(piece) else '"' + printable(piece).replace('"', '\\"') + '"'
        )
        text += f".{shown}" if text else shown
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was most likely meant to be, or None."""
    by_fold = {k.casefold(): k for k in known}
    folded = word.casefold()[:200]
    if folded in by_fold:
        return by_fold[folded]
    close = difflib.get_close_matches(folded, by_fold, n=1, cutoff=0.6)
    return by_fold[close[0]] if close else None


def told_once(found: Iterable[Finding]) -> Iterator[Finding]:
    """Without what is missing only because its key is misspelt: that is told of the key that is there."""
    listed = list(found)
    meant = {
        (*f.at[:-1], near[1])
        for f in listed
        if f.found.endswith(UNKNOWN_KEY) and (near := _MEANT.fullmatch(f.write)) is not None
    }
    return (f for f in listed if f.found != "is missing" or f.at not in meant)


def choice(word: str, known: Iterable[str]) -> str:
    """What to write instead of `word`: the nearest known one, or the list of all."""
    listed = list(known)
    close = nearest(word, listed)
    return f'write "{close}"' if close is not None else "write one of " + ", ".join(f'"{k}"' for k in listed)


def names(items: Iterable[str], limit: int = 5) -> str:
    """ "`a`, `b` and 3 more", for messages."""
    listed = [f"`{printable(i)}`" for i in items]
    if len(listed) <= limit:
        return ", ".join(listed)
    return ", ".join(listed[:limit]) + f" and {len(listed) - limit} more"


def each(items: Iterable[tuple[str | int, object]], parse: Callable[[object], T]) -> list[T]:
    """`parse` over the values, all of whose findings are raised together, each with its key."""
    parsed: list[T] = []
    findings: list[Finding] = []
    for key, value in items:
        try:
            parsed.append(parse(value))
        except Unusable as error:
            findings += [Finding(at=(key, *f.at), found=f.found, write=f.write) for f in error.findings]
    if findings:
        raise Unusable(findings)
    return parsed
