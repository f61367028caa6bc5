"""Whom records are about: one person, by however many kinds of identifier."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from retention.model.catalogue import Catalogue, TableId
from retention.planning.binding.bound import BoundDataset


def taken_for_one(bound: Iterable[BoundDataset], catalogue: Catalogue) -> Iterator[str]:
    """Subjects with two columns of the row that refer to the same table, and so may be two people."""
    for item in bound:
        own = {value.column.name for value in item.subject.values() if not value.hops}
        there: dict[TableId, set[str]] = {}
        for reference in catalogue.outbound(item.root.id):
            if len(reference.columns) == 1 and reference.columns[0] in own:
                there.setdefault(reference.target, set()).add(reference.columns[0])
        for table, columns in there.items():
            if len(columns) > 1:
                named = " and ".join(f"`{name}`" for name in sorted(columns))
                yield (
                    f"`{item}`: {named} of its subject refer to `{table}`, and kinds of one subject are the same"
                    " person's: a hold or a request that names one is carried over to the others. Leave the one"
                    " whom the records are about"
                )
