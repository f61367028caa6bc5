"""Predicates with something else in place of some of their nodes; what is not touched stays the same object."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable
from typing import Any, TypeVar

from retention.model import predicate as p

T = TypeVar("T")


def nobody_goes(choice: p.Choice) -> p.Choice:
    """`choice` as it is of records that stay when the batch is done: none that is handed over goes with it."""
    return substituted(choice, lambda node: p.AnyOf(items=()) if isinstance(node, p.Handed) else node)


def seen_from(test: p.Test, source: p.Source, root: p.Source) -> p.Test:
    """`test`, over `source`, of the row of `root`, which is the very same row."""
    return substituted(test, lambda node: root if node == source else node)


def substituted(node: T, change: Callable[[Any], Any]) -> T:
    """`node` with what `change` makes of its nodes, from the top.

    What names no outer source, and is written down once for its whole tree, stays as it is.
    """
    made: dict[int, tuple[Any, Any]] = {}  # by id: (node, what stands in its place)

    def of(node: Any) -> Any:
        kind = node.__class__
        names = _names(kind)
        if names is None and kind is not tuple:
            return node
        seen = made.get(id(node))
        if seen is not None:
            return seen[1]
        found = change(node)
        if found is node:
            found = _with_parts(node, names, of)
        made[id(node)] = node, found
        return found

    return of(node)  # type: ignore[no-any-return]


def _with_parts(node: Any, names: tuple[str, ...] | None, of: Callable[[Any], Any]) -> Any:
    parts = node if names is None else [getattr(node, name) for name in names]
    made = [of(part) for part in parts]
    if not any(map(operator.is_not, made, parts)):
        return node
    if names is None:
        return tuple(made)
    return dataclasses.replace(node, **dict(zip(names, made, strict=True)))


@functools.cache
def _names(kind: Any) -> tuple[str, ...] | None:
    """The fields of such a node that are looked into; None of what is no node."""
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        return None
    if issubclass(kind, p.Closure | p.Rings):
        return ()
    return (
        ("fields",) if issubclass(kind, p.Defined) else tuple(item.name for item in dataclasses.fields(kind))
    )
