"""Predicates with something else in place of some of their nodes; what is not touched stays the same object."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from retention.model import predicate as p

T = TypeVar("T")


def nobody_goes(choice: p.Choice) -> p.Choice:
    """`choice` as it is of records that stay when the batch is done: none that is handed over goes with it."""
    return _substituted(choice, lambda node: p.AnyOf(items=()) if isinstance(node, p.Handed) else node)


def seen_from(test: p.Test, source: p.Source, root: p.Source) -> p.Test:
    """`test`, over `source`, of the row of `root`, which is the very same row."""
    return _substituted(test, lambda node: root if node == source else node)


def _substituted(node: T, change: Callable[[Any], Any]) -> T:
    """What names no outer source, and is written down once for its whole tree, stays as it is."""
    made: dict[int, tuple[Any, Any]] = {}  # by id: (node, what stands in its place)

    def of(node: Any) -> Any:
        if id(node) in made:
            return made[id(node)][1]
        found = change(node)
        if found is node:
            found = _with_parts(node, of)
        made[id(node)] = node, found
        return found

    return of(node)  # type: ignore[no-any-return]


def _with_parts(node: Any, of: Callable[[Any], Any]) -> Any:
    if isinstance(node, tuple):
        items = tuple(map(of, node))
        return node if all(a is b for a, b in zip(items, node, strict=True)) else items
    if not dataclasses.is_dataclass(node) or isinstance(node, type | p.Closure | p.Rings):
        return node
    names = ("fields",) if isinstance(node, p.Defined) else _names(type(node))
    changed = {name: of(getattr(node, name)) for name in names}
    if all(value is getattr(node, name) for name, value in changed.items()):
        return node
    return dataclasses.replace(node, **changed)


@functools.cache
def _names(kind: Hashable) -> tuple[str, ...]:
    return tuple(item.name for item in dataclasses.fields(kind))  # type: ignore[arg-type]
