"""Conditions, which may be neither true nor false."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

from tests.oracles.lawyer.world import Tree

UNKNOWN = None
_COMPARISONS = {"=": operator.eq, "<>": operator.ne, "<": operator.lt, ">=": operator.ge}


def truth(tree: Tree | None, names: Mapping[str, Any]) -> bool | None:
    """Of a row's columns, or of a record's facts. No condition is true of all."""
    match tree:
        case None:
            return True
        case ("true", name):
            return UNKNOWN if names[name] is None else bool(names[name])
        case ("is null", name):
            return names[name] is None
        case ("not", item):
            known = truth(item, names)
            return UNKNOWN if known is None else not known
        case ("and", *items):
            found = [truth(item, names) for item in items]
            return False if False in found else UNKNOWN if None in found else True
        case ("or", *items):
            found = [truth(item, names) for item in items]
            return True if True in found else UNKNOWN if None in found else False
        case ("same", name, other):
            return UNKNOWN if None in (names[name], names[other]) else names[name] == names[other]
        case ("or else", name, instead, value):
            return (instead if names[name] is None else names[name]) == value
        case ("in", name, values):
            return UNKNOWN if names[name] is None else names[name] in values
        case (comparison, name, value):
            return UNKNOWN if names[name] is None else _COMPARISONS[comparison](names[name], value)
    raise AssertionError(tree)
