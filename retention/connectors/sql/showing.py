"""Statements for people to read: the values written where the parameters stand. Never executed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa


def with_values(
    statement: sa.ClauseElement, dialect: sa.Dialect, mark: str, literal: Callable[[Any], str]
) -> str:
    """`statement` as `dialect` compiles it; `mark` is how it writes a parameter (`:{}`, `%({})s`)."""
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    text = str(compiled)
    for name, value in sorted(compiled.params.items(), key=lambda item: -len(item[0])):
        shown = literal(value)
        text = re.sub(re.escape(mark.format(name)) + r"(?!\w)", shown.replace("\\", r"\\"), text)
    return text.replace("%%", "%") if "%(" in mark else text
