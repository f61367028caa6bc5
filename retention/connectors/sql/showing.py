"""Statements for people to read: the values written where the parameters stand. Never executed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler

NAMED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|:(?P<name>\w+)")
""":name, but not inside texts and quoted names."""

PYFORMAT = re.compile(r"%%|%\((?P<name>\w+)\)s")
"""%(name)s; a % that means itself is doubled everywhere, in texts and quoted names too."""

UNKNOWN = object()
"""A value that is known when there is a batch."""

_KNOWN = "/* known in the batch */"


def with_values(
    statement: sa.ClauseElement,
    dialect: sa.Dialect,
    parameter: re.Pattern[str],
    literal: Callable[[Any], str],
    given: Mapping[str, Any],
    nothing: str = "NULL",
) -> str:
    """`statement` as `dialect` compiles it, in one pass: what a value looks like is never read again.

    `given`: values of parameters that have none of their own, such as they might be in a batch; `nothing` stands for
    the others: the parameters of keys.
    """
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    binds = compiled.binds if isinstance(compiled, SQLCompiler) else {}

    def written(match: re.Match[str]) -> str:
        name = match["name"]
        if name is not None and name in binds and binds[name].required:
            return f"{literal(given[name]) if name in given else nothing} {_KNOWN}"
        if name is not None:
            value = compiled.params[name]
            return f"NULL {_KNOWN}" if value is UNKNOWN else literal(value)
        return "%" if match[0] == "%%" else match[0]

    return parameter.sub(written, str(compiled))
