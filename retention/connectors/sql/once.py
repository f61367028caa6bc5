"""What several predicates ask of one row, found, so that a statement works it out once.

Predicates of jobs on one dataset repeat each other: each asks whether the others still keep the record. Here equal
parts of them are found, under whatever aliases they name their tables, and put in layers: what a layer works out,
later ones read.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from retention.model import predicate as p

LAYERS = 2
"""How many queries lie in one another before the labels are told: each costs a little for every row."""

_WORTH = (
    p.Exists,
    p.Lookup,
    p.Dated,
    p.Spanned,
    p.Later,
    p.Either,
    p.Compare,
    p.In,
    p.Whole,
    p.Listed,
    p.IsTrue,
    p.IsUnknown,
    p.Untrue,
    p.Not,
    p.All,
    p.AnyOf,
    p.EndsAfter,
    p.Ending,
)
"""Parts that may be worked out by themselves."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a predicate that names no row but the root's. `parts`: those that it is made of, by number."""

    node: Any
    parts: Counter[int]
    columns: frozenset[str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Below:
    """`outer`: how many rows around are named; `parts` and the root's `columns` directly below."""

    outer: int = 0
    parts: Counter[int] = dataclasses.field(default_factory=Counter)
    columns: frozenset[str] = frozenset()

    @classmethod
    def of(cls, items: Iterable[Below]) -> Below:
        """All of them together."""
        outer, parts, columns = 0, Counter[int](), frozenset[str]()
        for item in items:
            outer = max(outer, item.outer)
            parts.update(item.parts)
            columns |= item.columns
        return cls(outer=outer, parts=parts, columns=columns)


class Numbers:
    """Numbers for parts of predicates over `root`: the same for equal ones."""

    def __init__(self, root: p.Source) -> None:
        self.parts: dict[int, Part] = {}
        self._definitions: dict[str, Any] = {}
        self.followed = False  # some part follows references to their end
        self._root = root
        self._known: dict[Any, int] = {}
        self._of: dict[int, tuple[Any, int | None]] = {}

    def of(self, node: Any) -> int | None:
        """The part's number; None where it names other rows, or was not looked at."""
        found = self._of.get(id(node))
        return None if found is None else found[1]

    def add(self, node: Any) -> Below:
        """Looks at a predicate, and at all that it is made of."""
        return self._number(node, ())[2]

    def _number(self, node: Any, bound: tuple[p.Source, ...]) -> tuple[Any, int | None, Below]:
        """(what it is, its number where it names no row but the root's, what is below it)."""
        known = self._of.get(id(node))
        if known is not None and known[1] is not None:
            return known[1], known[1], Below(parts=Counter({known[1]: 1}))
        if isinstance(node, p.Source):
            return self._source(node, bound)
        if isinstance(node, tuple):
            found = [self._number(item, bound) for item in node]
            return tuple(item[0] for item in found), None, Below.of(item[2] for item in found)
        if isinstance(node, p.Defined):  # what it is, is written down by itself
            written = self._number(node.where, (node.root,))[0], node.root.table
            self.followed |= self._definitions.setdefault(node.name, written) != written
            fields = Below.of(self._number(field, bound)[2] for field in node.fields)
            return (node.name, node.fields), None, fields
        if isinstance(node, p.Closure | p.Rings):
            self.followed = True
            return (type(node).__name__, node), None, Below()
        if not dataclasses.is_dataclass(node) or isinstance(node, type):
            return (type(node).__name__, node), None, Below()
        inside = _binding(node)
        within = bound if inside is None else (*bound, inside)
        names = _fields(node.__class__)
        found = [self._number(getattr(node, name), within) for name in names]
        what = (type(node).__name__, *(item[0] for item in found))
        below = Below.of(item[2] for item in found)
        if isinstance(node, p.Field) and node.source == self._root:
            below = dataclasses.replace(below, columns=frozenset({node.column}))
        if inside is not None:
            below = dataclasses.replace(below, outer=max(0, below.outer - 1))
        if below.outer or not isinstance(node, _WORTH):
            return what, None, below
        number = self._known.setdefault(what, len(self._known))
        if number not in self.parts:
            self.parts[number] = Part(node=node, parts=below.parts, columns=below.columns)
        self._of[id(node)] = node, number
        return number, number, Below(parts=Counter({number: 1}))

    def _source(self, source: p.Source, bound: tuple[p.Source, ...]) -> tuple[Any, int | None, Below]:
        if source in bound:
            depth = bound[::-1].index(source) + 1
            return ("row", depth, source.table, source.only), None, Below(outer=depth)
        return ("row", 0, source.table, source.only), None, Below()


def _binding(node: Any) -> p.Source | None:
    """The row that the node brings in."""
    if isinstance(node, p.Exists):
        return node.source
    return node.field.source if isinstance(node, p.Lookup | p.RelatedField) else None


@functools.cache
def _fields(kind: Hashable) -> tuple[str, ...]:
    return tuple(item.name for item in dataclasses.fields(kind))  # type: ignore[arg-type]


def layers(numbers: Numbers, asked: Mapping[int, int]) -> list[list[int]]:
    """The parts to work out before, layer by layer. `asked`: how often each is asked for by itself."""
    order = _from_the_top(numbers, asked)
    uses: Counter[int] = Counter(asked)
    before: set[int] = set()
    for number in order:
        part = numbers.parts[number]
        shared = uses[number] > 1 and _worth(part)
        if shared:
            before.add(number)
        for below, times in part.parts.items():
            uses[below] += times * (1 if shared else min(uses[number], 1_000))
    level: dict[int, int] = {}
    for number in reversed(order):
        under = _deepest(numbers, number, level)
        level[number] = under + 1 if number in before else under
    found: list[list[int]] = [[] for _ in range(LAYERS)]
    for number in order:
        if number in before and level[number] <= LAYERS:
            found[level[number] - 1].append(number)
    return [layer for layer in found if layer]


def _deepest(numbers: Numbers, number: int, level: dict[int, int]) -> int:
    return max((level[below] for below in numbers.parts[number].parts), default=0)


def _worth(part: Part) -> bool:
    """It costs more than to read what was worked out before."""
    node = part.node
    if isinstance(node, p.All | p.AnyOf):
        return len(node.items) > 1
    return True


def _from_the_top(numbers: Numbers, asked: Iterable[int]) -> list[int]:
    """Every part that is asked for, those that it is made of after it."""
    done: dict[int, None] = {}

    def visit(number: int) -> None:
        if number in done:
            return
        for below in numbers.parts[number].parts:
            visit(below)
        done[number] = None

    for number in asked:
        visit(number)
    return list(done)[::-1]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Read:
    """The root's `columns`, and the parts `given`, that are read."""

    columns: frozenset[str]
    given: frozenset[int]


def read(numbers: Numbers, tops: Iterable[int], given: frozenset[int]) -> Read:
    """What `tops` read where the parts `given` are there already."""
    columns: set[str] = set()
    seen: set[int] = set()
    waiting = list(tops)
    while waiting:
        number = waiting.pop()
        if number not in seen:
            seen.add(number)
            if number not in given:
                columns |= numbers.parts[number].columns
                waiting += numbers.parts[number].parts
    return Read(columns=frozenset(columns), given=frozenset(seen) & given)
