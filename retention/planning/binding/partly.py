"""Columns that may have to stay while others of their record are rewritten, and what can't be told of these."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from retention.errors import Problem
from retention.planning.binding.bound import BoundDataset


def partly(bound: Sequence[BoundDataset]) -> Iterator[Problem]:
    """One marker says of the whole record when it was rewritten: what it has to tell can't be rewritten by halves."""
    for item in bound:
        yield from _divided(item, [other for other in bound if other.root.id == item.root.id])
        over = [other for other in bound if other.root.id == item.root.id]
        alone = {column for other in bound for columns in other.fields.values() for column in columns}
        alone |= {column for other in over if other is not item for column in other.columns or ()}
        untold = [each for each in item.rewriting if not each.strategy.told]
        for each in untold:
            shared = [o for o in bound if o is not item and each.table.id in o.members and not each.own]
            if each.cell in alone or shared:
                how = f"no value tells {each.strategy.text}"
                found = f"`{each.name}` may have to stay while the rest is rewritten, and {how}"
                out = f"; `{shared[0]}` may keep its row" if shared else ", or take it out of `fields`"
                write = f'write a strategy that its value tells, such as "redact" or "hash"{out}'
                yield _problem(item, f"anonymize.{each.name}", found, write)
        for other in over:
            if other is item or item.done is None or other.done != item.done:
                continue
            if {each.cell for each in untold} - {each.cell for each in other.rewriting}:
                found = f"`{item.done.name}` is set by `{other}` too, which rewrites other columns"
                yield _problem(item, "done", found, "give each dataset a column of its own")


def _divided(item: BoundDataset, over: Sequence[BoundDataset]) -> Iterator[Problem]:
    """A slice that two others of the row have between them: what is left of it would depend on what becomes of both."""
    mine = {each.name for each in item.rewriting}
    slices = [(other, mine & {each.name for each in other.rewriting}) for other in over if other.sliced]
    others = [pair for pair in slices if item.sliced and pair[0] is not item]
    for (one, some), (two, rest) in itertools.combinations(others, 2):
        if some - rest and rest - some:
            first, second = min(some - rest), min(rest - some)
            found = f"`{first}` is a column of `{one}` too, and `{second}` of `{two}`"
            yield _problem(item, "columns", found, "let a slice share columns with one other alone")
            return


def _problem(item: BoundDataset, key: str, found: str, write: str) -> Problem:
    place = f"datasets.{item.dataset.name}.{key}"
    return Problem(file=item.connector.file, key=place, found=found, write=write)
