"""What a record's own row already tells, asked first: most candidates are out before anything is worked out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from retention.connectors.sql import once
from retention.model import predicate as p

Joins = Callable[[p.Lookup], bool]
"""What is looked up stands beside the row."""


class Sieved(NamedTuple):
    """A test in two: it is true where all of `first` are true, and `rest` is."""

    first: tuple[p.Test, ...]
    rest: p.Test


def sieved(test: p.Test, joins: Joins) -> Sieved:
    """`first`: what reads the root's row and what is beside it, and reckons no days; as much as is not long."""
    first: list[p.Test] = []
    rest: list[p.Test] = []
    room = once.HEAVY
    for item in conjuncts(test):
        length = once.length(item)
        if length <= room and told_by_row(item, joins):
            first.append(item)
            room -= length
        else:
            rest.append(item)
    return Sieved(first=tuple(first), rest=p.All(items=tuple(rest)))


def conjuncts(test: p.Test) -> Iterator[p.Test]:
    """Tests that are true, all of them, where `test` is true, and nowhere else."""
    match test:
        case p.All(items=items) if items:
            for item in items:
                yield from conjuncts(item)
        case p.Chosen(choice=choice, label=label) if label == choice.otherwise:
            for case, _ in choice.cases:
                yield from conjuncts(p.Untrue(item=case))
        case p.Untrue(item=p.AnyOf(items=items)):
            for item in items:
                yield from conjuncts(p.Untrue(item=item))
        case _:
            yield test


def told_by_row(node: p.Test | p.Expression, joins: Joins) -> bool:
    """It reads nothing else, and costs little more than that."""
    match node:
        case p.Field() | p.Constant() | p.Dated() | p.Later() | p.Reaches():
            return True
        case p.Lookup():
            return joins(node)
        case p.DatedBy(cutoff=cutoff):
            return told_by_row(cutoff.times, joins)
        case p.Compare(left=one, right=other) | p.Either(true=one, unknown=other):
            return told_by_row(one, joins) and told_by_row(other, joins)
        case p.All(items=items) | p.AnyOf(items=items) | p.Call(arguments=items):
            return all(told_by_row(item, joins) for item in items)
        case p.Not(item=item) | p.IsTrue(item=item) | p.Untrue(item=item) | p.IsUnknown(item=item):
            return told_by_row(item, joins)
        case p.IsNull(item=value) | p.Truth(item=value) | p.In(item=value) | p.Whole(item=value):
            return told_by_row(value, joins)
    return False
