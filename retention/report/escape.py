"""Values and names from databases, made harmless before a person sees them.

A table can be called `\\x1b[2J`, a rule's promise can carry a right-to-left override: shown as they are, they
would clear the screen, hide a line or swap the digits of a number. Here every character that is
not visibly itself becomes a visible escape. Markup of the terminal library needs no escape: no
string is ever read as markup (see `console`).
"""

from __future__ import annotations

import unicodedata

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that are never shown as they are: controls, formats (bidi among them),
surrogates, private and unassigned characters, line and paragraph separators."""

NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def shown(text: str) -> str:
    """`text` on one line, every character of UNSEEN as `\\n`, `\\x1b`, `\\u202e` or `\\U000e0001`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if unicodedata.category(character) not in UNSEEN:
        return character
    if character in NAMED:
        return NAMED[character]
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def shown_lines(text: str, indent: str = "  ") -> str:
    """`text` of several lines, each escaped and indented, so that none can pose as a heading of ours."""
    return "\n".join(indent + shown(line) for line in text.split("\n"))


def shown_json(line: str) -> str:
    """A line of JSON with the characters of UNSEEN as JSON escapes: the same value, safe on a terminal."""
    if line.isascii() and line.isprintable():
        return line
    return "".join(_json_escaped(character) for character in line)


def _json_escaped(character: str) -> str:
    if unicodedata.category(character) not in UNSEEN:
        return character
    pairs = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{pairs[at] << 8 | pairs[at + 1]:04x}" for at in range(0, len(pairs), 2))
