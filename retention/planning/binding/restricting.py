"""The column by which a dataset's records are restricted in place, over the live root table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from retention.config.policy.rule_values import names_of
from retention.errors import Problem
from retention.model.catalogue import Catalogue, Column, Kind, Table
from retention.model.dataset import Dataset
from retention.model.strategy import DATES
from retention.planning.binding.bound import BoundDataset
from retention.planning.binding.names import NotFoundError, find_column
from retention.planning.binding.reach import described
from retention.planning.binding.triggers import unknown, unlooked_at

Said = tuple[str, str]
"""What is found, what to write."""


def leaving(bound: Iterable[BoundDataset], catalogue: Catalogue) -> Iterator[Problem]:
    """Datasets that a record would leave, or be older than it is, by being restricted: nothing would be tried again."""
    every = tuple(bound)
    for item in every:
        for other in every if item.mark is not None else ():
            if other.root.id != item.root.id:
                continue
            tree = None if other.where is None else other.where.tree
            named = [pieces[-1] for pieces in names_of(tree)] if tree is not None else []
            read = {find_column(catalogue, other.root, name).name: "`where`" for name in named}
            if other.began is not None and not other.began.hops:
                read[other.began.column.name] = "`began`"
            if item.mark is not None and item.mark.name in read:
                found = (
                    f"`{item.mark.name}` is read by the {read[item.mark.name]} of `{other}`, and can't be set"
                )
                key = f"datasets.{item.dataset.name}.restrict.mark"
                yield Problem(
                    file=item.connector.file, key=key, found=found, write="name a column of its own"
                )


def marking(dataset: Dataset, catalogue: Catalogue, root: Table) -> tuple[Column | None, tuple[Said, ...]]:
    """The column, None where there is none, and why it can't be the one."""
    if dataset.restrict is None or dataset.restrict.mark is None:
        return None, ()
    try:
        column = find_column(catalogue, root, dataset.restrict.mark)
    except NotFoundError as error:
        return None, ((error.found, error.write),)
    return column, tuple(_why_not(dataset, catalogue, root, column))


def _why_not(dataset: Dataset, catalogue: Catalogue, root: Table, column: Column) -> Iterator[Said]:
    name = f"`{column.name}`"
    dated = column.kind in DATES or (column.kind is Kind.TEXT and not catalogue.typed)
    if not dated or column.generated or not column.nullable or column.on_update:
        words = [column.type or "of no type"] + ["computed"] * column.generated
        words += ["NOT NULL"] * (not column.nullable) + ["set ON UPDATE"] * column.on_update
        found = f"{name} can't say since when a record is restricted: it is {', '.join(words)}"
        yield found, "name a column of dates that may be NULL and that nothing else writes"
        return
    references = (*catalogue.outbound(root.id), *catalogue.inbound(root.id))
    for reference in references:
        if column.name in (reference.columns if reference.table == root.id else ()):
            yield f"{name} is part of a reference (`{described(reference)}`)", "name a column of its own"
            return
    done = dataset.rewriting.done
    rewritten = {c.casefold() for c in (*dataset.rewriting.columns, *([] if done is None else [done]))}
    if column.name.casefold() in rewritten:
        yield f"{name} is rewritten, or says when a record was", "name a column of its own"
    written = {column.name, *(other.name for other in root.columns.values() if other.on_update)}
    yield from unlooked_at(root, written, dataset.triggers)
    if not dataset.rewriting:
        yield from unknown((root,), dataset.triggers)
