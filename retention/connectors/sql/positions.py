"""Key values and cursors as JSON-able values and back, exactly."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


def frozen(values: Sequence[Any]) -> list[list[Any]]:
    """Each value as [tag, text]; TypeError for a type that no key can have."""
    return [_freeze(value) for value in values]


def thawed(items: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    """The values that `frozen` was given."""
    return tuple(_thaw(tag, text) for tag, text in items)


def _freeze(value: Any) -> list[Any]:
    match value:
        case None:
            return ["null", ""]
        case bool():
            return ["bool", str(value)]
        case int():
            return ["int", str(value)]
        case str():
            return ["str", value]
        case float():
            return ["float", value.hex()]
        case Decimal():
            return ["decimal", str(value)]
        case UUID():
            return ["uuid", str(value)]
        case bytes() | memoryview():
            return ["bytes", base64.b64encode(bytes(value)).decode()]
        case datetime():
            return ["datetime", value.isoformat()]
        case date():
            return ["date", value.isoformat()]
    raise TypeError(f"a key of type {type(value).__name__} can't be stored")


def _thaw(tag: str, text: str) -> Any:
    makers: dict[str, Callable[[str], Any]] = {
        "null": lambda _: None,
        "bool": lambda t: t == "True",
        "int": int,
        "str": str,
        "float": float.fromhex,
        "decimal": Decimal,
        "uuid": UUID,
        "bytes": base64.b64decode,
        "datetime": datetime.fromisoformat,
        "date": date.fromisoformat,
    }
    return makers[tag](text)
