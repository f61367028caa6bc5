"""Names of tables and columns as the operator writes them, split at their dots."""

from __future__ import annotations

import re
import unicodedata

from retention.config.reading.findings import said, unusable
from retention.model.dataset import Name

_PIECE = re.compile(r'"((?:[^"]|"")*)"|([^".]*)')


def parse_name(value: object, *, most: int, what: str) -> Name:
    """A Name of at most `most` pieces. `what` says what it names, for messages ("a column").

    Dots separate pieces; a piece in double quotes is taken as it stands, with `""` for a
    double quote. Spaces inside, capitals, reserved words and any script are fine. Raises Unusable.
    """
    if not isinstance(value, str):
        raise unusable(f"is {said(value)}", f"write the name of {what} in quotes")
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in value):
        raise unusable(f"{said(value)} holds a control character", f"write the name of {what}")
    if not value.strip():
        raise unusable("is empty", f"write the name of {what}")
    pieces = _split(value, what)
    if len(pieces) > most:
        raise unusable(
            f"{said(value)} has {len(pieces)} parts; {what} has at most {most}",
            "write a dot that belongs to a name in double quotes: '\"my.name\"'",
        )
    return Name(pieces=tuple(pieces), text=value)


def single(value: object, what: str) -> str:
    """A name of one piece, such as a column of the table itself, without its quotes."""
    return parse_name(value, most=1, what=what).pieces[0]


def _split(text: str, what: str) -> list[str]:
    pieces: list[str] = []
    at = 0
    while True:
        match = _PIECE.match(text, at)
        quoted = match is not None and match[1] is not None
        piece = "" if match is None else match[1].replace('""', '"') if quoted else match[2]
        end = at if match is None else match.end()
        if end < len(text) and text[end] != ".":
            raise unusable(
                f"{said(text)} has a double quote where none can be",
                "write the whole piece in double quotes, and a double quote in it twice",
            )
        if not piece:
            raise unusable(f"{said(text)} has an empty part", f"write the name of {what}")
        if not quoted and piece != piece.strip():
            raise unusable(
                f"{said(text)} begins or ends a name with a space",
                "take the space out, or write the name in double quotes if it has one",
            )
        pieces.append(piece)
        if end == len(text):
            return pieces
        at = end + 1
