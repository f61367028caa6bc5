"""Keys as people type and read them: `17`, `7,3`, and `"Smith, Ltd",3` where a value holds a comma."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence


def pieces(text: str, count: int) -> list[str]:
    """The values of a key of `count` columns that was typed as `text`; a single one is taken as it is.

    As many as were typed, which may not be `count`; none where it can't be read. Quotes are those of CSV.
    """
    if count == 1:
        return [text]
    try:
        return next(csv.reader([text], skipinitialspace=True), [])
    except csv.Error:
        return []


def as_typed(values: Sequence[str]) -> str:
    """What to type for a key of these values: `pieces` gives them back."""
    return values[0] if len(values) == 1 else ",".join(_quoted(value) for value in values)


def _quoted(value: str) -> str:
    if value and value == value.strip() and not re.search(r'[",\r\n]', value):
        return value
    return '"' + value.replace('"', '""') + '"'
