"""What several predicates ask of one row, found, so that a statement works it out once.

Predicates of jobs on one dataset repeat each other: each asks whether the others still keep the record. Here equal
parts of them are found, under whatever aliases they name their tables, and put in layers: what a layer works out,
later ones read.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from retention.model import predicate as p

LAYERS = 2
"""How many queries lie in one another before the labels are told: each costs a little for every row."""
HEAVY = 2_500
"""A statement of so many nodes, each counted as often as it is written down, costs more than further layers."""
LONG = 1_000
"""So many nodes of a predicate are not written down whole where what they repeat can be worked out before."""

_WORTH = (
    p.Exists,
    p.Lookup,
    p.Dated,
    p.DatedBy,
    p.Drawn,
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
    p.LatestDay,
    p.Reached,
)
"""Parts that may be worked out by themselves."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a predicate that names no row but the root's. `parts`: those that it is made of, by number; `size`:
    how many nodes it is made of beside them. `joined`: it is read off a row that is joined to the root's; then what it
    is made of is `inside` it, and read as it is held where that was worked out before."""

    node: Any
    size: int
    parts: Mapping[int, int]
    columns: frozenset[str]
    joined: bool = False
    inside: frozenset[int] = frozenset()


class Below(NamedTuple):
    """`outer`: how many rows around are named; `parts`, each with how often, and the root's `columns` directly below,
    and `size`: how many nodes beside those."""

    outer: int = 0
    size: int = 0
    parts: Mapping[int, int] = MappingProxyType({})
    columns: frozenset[str] = frozenset()

    @classmethod
    def of(cls, items: Iterable[Below]) -> Below:
        """All of them together."""
        some = [item for item in items if item is not NOTHING]
        if len(some) < 2:
            return some[0] if some else NOTHING
        parts = dict(some[0].parts)
        for item in some[1:]:
            for number, times in item.parts.items():
                parts[number] = parts.get(number, 0) + times
        columns = frozenset[str]().union(*(item.columns for item in some))
        size = sum(item.size for item in some)
        return cls(outer=max(item.outer for item in some), size=size, parts=parts, columns=columns)


NOTHING = Below()


class Seen(NamedTuple):
    """What `node` is where the rows `around` are the nearest that are brought in around it: all that it names."""

    node: Any
    around: tuple[p.Source, ...]
    word: int
    below: Below


class Numbers:
    """Numbers for parts of predicates over `root`: the same for equal ones.

    Each node is looked at once, however many predicates it is part of; what is equal is told by what it is made of,
    by number, so that nothing is compared whole.
    """

    def __init__(
        self, root: p.Source, joins: Callable[[p.Lookup], bool], *, definitions: bool = False
    ) -> None:
        """`joins`: whether what is looked up is joined to the rows that parts are worked out from. `definitions`: what
        is defined beside a statement is looked into, of which no part is worked out: only for `followed`."""
        self._joins = joins
        self.parts: dict[int, Part] = {}
        self.followed = False
        """Some part follows references to their end, or two definitions have one name."""
        self._definitions: dict[str, int] | None = {} if definitions else None
        self._root = root
        self._words: dict[Any, int] = {}
        self._numbered: dict[int, int] = {}  # word → number
        self._seen: dict[int, list[Seen]] = {}

    def of(self, node: Any) -> int | None:
        """The part's number; None where it names other rows, or was not looked at."""
        found = self._seen.get(id(node), ())
        return next((self._numbered[seen.word] for seen in found if seen.word in self._numbered), None)

    def add(self, node: Any) -> Below:
        """Looks at a predicate, and at all that it is made of."""
        return self._look(node, ())[1]

    def _look(self, node: Any, around: tuple[p.Source, ...]) -> tuple[int, Below]:
        """(what it is, what is below it); `around`: the rows that are brought in around it."""
        for seen in self._seen.get(id(node), ()):
            if not seen.around or around[-len(seen.around) :] == seen.around:
                return seen.word, seen.below
        if not isinstance(node, tuple) and _fields(node.__class__) is None:
            return self._word((type(node).__name__, node)), NOTHING
        word, below = self._looked(node, around)
        if not isinstance(node, p.Source):  # `node` is kept, that its id stays its own
            named = around[len(around) - below.outer :]
            self._seen.setdefault(id(node), []).append(Seen(node=node, around=named, word=word, below=below))
        return word, below

    def _looked(self, node: Any, around: tuple[p.Source, ...]) -> tuple[int, Below]:
        if isinstance(node, p.Source):
            depth = around[::-1].index(node) + 1 if node in around else 0
            return self._word(("row", depth, node.table, node.only)), Below(outer=depth) if depth else NOTHING
        if isinstance(node, tuple):
            return self._made("", node, around)
        if isinstance(node, p.Defined):  # what it is, is written down by itself
            if self._definitions is not None:
                written = self._look(node.where, (node.root,))[0]
                self.followed |= self._definitions.setdefault(node.name, written) != written
            return self._made(f"defined {node.name}", node.fields, around)
        if isinstance(node, p.Closure | p.Rings):
            self.followed = True
            return self._word((type(node).__name__, id(node))), NOTHING
        inside = _binding(node)
        within = around if inside is None else (*around, inside)
        made = [getattr(node, name) for name in _fields(node.__class__) or ()]
        word, (outer, size, parts, columns) = self._made(type(node).__name__, made, within)
        if isinstance(node, p.Field) and node.source == self._root:
            columns = frozenset({node.column})
        if inside is not None:
            outer = max(0, outer - 1)
        if outer or not _worth_it(node.__class__):
            return word, Below(outer, size + 1, parts, columns)
        number = self._numbered.setdefault(word, len(self._numbered))
        if number not in self.parts:
            self.parts[number] = self._part(node, Below(outer, size, parts, columns))
        return word, Below(parts={number: 1})

    def _part(self, node: Any, below: Below) -> Part:
        """What is read off a row that is joined is one thing: all of it is there with the first of it."""
        size, parts, columns = below.size + 1, below.parts, below.columns
        there = _looked_up(node)
        if there is None or not self._joins(there):
            return Part(node=node, size=size, parts=parts, columns=columns)
        made_of = [self.parts[number] for number in parts]
        inside = frozenset(parts).union(*(part.inside for part in made_of))
        size += sum(part.size for part in made_of)
        columns = columns.union(*(part.columns for part in made_of))
        return Part(node=node, size=size, parts={}, columns=columns, joined=True, inside=inside)

    @property
    def joined(self) -> bool:
        """Something is read off a row that is joined."""
        return any(part.joined for part in self.parts.values())

    def _made(self, kind: str, items: Iterable[Any], around: tuple[p.Source, ...]) -> tuple[int, Below]:
        found = [self._look(item, around) for item in items]
        return self._word((kind, *[word for word, _ in found])), Below.of([below for _, below in found])

    def _word(self, what: Any) -> int:
        return self._words.setdefault(what, len(self._words))


def _looked_up(node: Any) -> p.Lookup | None:
    """The row that a reference leads to, where the node is what is made of that."""
    while isinstance(node, p.Drawn | p.Whole):
        node = node.times if isinstance(node, p.Drawn) else node.item
    return node if isinstance(node, p.Lookup) else None


def _binding(node: Any) -> p.Source | None:
    """The row that the node brings in."""
    if isinstance(node, p.Exists):
        return node.source
    return node.field.source if isinstance(node, p.Lookup | p.RelatedField) else None


def asks(node: Any) -> bool:
    """The predicate asks for what is defined beside it, or follows references to their end."""
    return any(isinstance(each, p.Defined | p.Closure | p.Rings) for each in _every(node))


def follows(node: Any) -> bool:
    """The predicate follows references to their end."""
    return any(isinstance(each, p.Closure | p.Rings) for each in _every(node))


def _every(node: Any) -> Iterator[Any]:
    """All that the predicate is made of, each once."""
    waiting, seen = [node], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, tuple):
            waiting += node
        else:
            waiting += (getattr(node, name) for name in _fields(node.__class__) or ())


def asks_at_once(node: Any) -> bool:
    """Something that the predicate asks for is worked out for a whole table, whatever range is asked for."""
    return any(isinstance(each, p.Defined) and asks(each.where) for each in _every(node))


def told_of_others(node: Any, root: p.Source, dataset: str) -> bool:
    """The predicate asks what people told of records of `dataset` that are other rows than the root's."""
    for each in _every(node):
        name = (
            each.name if isinstance(each, p.Listed) else each.listed if isinstance(each, p.Ending) else None
        )
        if name is not None and name.startswith(f"{dataset}/") and each.fields[0].source != root:
            return True
    return False


def heavy(node: Any) -> bool:
    """Written down whole, the predicate would be long."""
    return length(node) > LONG


def length(node: Any) -> int:
    """How many nodes are written down for it."""
    return _length(node, {})


def _length(node: Any, known: dict[int, tuple[Any, int]]) -> int:
    """How many nodes are written down; what stands beside the statement is not counted."""
    if id(node) not in known:
        length = 0
        if isinstance(node, tuple):
            length = sum(_length(item, known) for item in node)
        elif isinstance(node, p.Defined | p.Closure | p.Rings):
            length = 1
        elif (names := _fields(node.__class__)) is not None:
            length = 1 + sum(_length(getattr(node, name), known) for name in names)
        known[id(node)] = node, length
    return known[id(node)][1]


@functools.cache
def _fields(kind: Any) -> tuple[str, ...] | None:
    """What a node of this kind is made of; None of what is no node."""
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple(item.name for item in dataclasses.fields(kind))


@functools.cache
def _worth_it(kind: Any) -> bool:
    return issubclass(kind, _WORTH)


def layers(numbers: Numbers, asked: Mapping[int, int]) -> list[list[int]]:
    """The parts to work out before, layer by layer. `asked`: how often each is asked for by itself.

    As few layers as are wanted for a statement that is not heavy.
    """
    order = _from_the_top(numbers, asked)
    before = _shared(numbers, order, asked)
    level: dict[int, int] = {}
    for number in reversed(order):
        under = _deepest(numbers, number, level)
        level[number] = under + 1 if number in before and not numbers.parts[number].joined else under
    deepest = max(level.values(), default=0)
    most = LAYERS
    while most < deepest and _written(numbers, order, asked, before, level, most) > HEAVY:
        most += 1
    found: list[list[int]] = [[] for _ in range(most)]
    for number in order:
        if number in before and level[number] <= most:
            found[max(level[number], 1) - 1].append(number)
    return [layer for layer in found if layer]


def _shared(numbers: Numbers, order: Iterable[int], asked: Mapping[int, int]) -> set[int]:
    """The parts that are asked for more than once, and worth it."""
    uses: Counter[int] = Counter(asked)
    before: set[int] = set()
    for number in order:
        part = numbers.parts[number]
        shared = uses[number] > 1 and _worth(part)
        if shared:
            before.add(number)
        for below, times in part.parts.items():
            uses[below] += times * (1 if shared else min(uses[number], 1_000))
    return before


def _written(
    numbers: Numbers,
    order: Sequence[int],
    asked: Mapping[int, int],
    before: Collection[int],
    level: Mapping[int, int],
    most: int,
) -> int:
    """How many nodes are written down where only so many layers are worked out before."""
    given = {number for number in before if level[number] <= most}
    long: dict[int, int] = {}
    for number in reversed(order):
        part = numbers.parts[number]
        below = (times * (1 if each in given else long[each]) for each, times in part.parts.items())
        long[number] = part.size + sum(below)
    tops = sum(times * (1 if number in given else long[number]) for number, times in asked.items())
    return tops + sum(long[number] for number in given)


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
                part = numbers.parts[number]
                columns |= part.columns
                waiting += [*part.parts, *(part.inside & given)]
    return Read(columns=frozenset(columns), given=frozenset(seen) & given)
