"""Conditions put to the database, which alone knows what its odder types can be compared with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from retention.connectors.port import Target
from retention.errors import Problem
from retention.model import predicate as p
from retention.model.catalogue import TableId
from retention.model.condition import Condition
from retention.planning.binding.bound import BoundDataset, Some
from retention.planning.binding.conditions import Binder


def condition_problems(bound: Iterable[BoundDataset], target: Target) -> Iterator[Problem]:
    """One for each condition that the database would not have. No row is read."""
    catalogue = target.catalogue()
    for dataset in bound:
        for key, id_, condition in _conditions(dataset):
            source = p.Source(table=id_, alias="r")
            test = Binder(catalogue, catalogue.tables[id_], source).test(condition.tree)
            why = target.refuses(source, test)
            if why is not None:
                yield Problem(
                    file=dataset.connector.file,
                    key=f"datasets.{dataset.dataset.name}.{key}",
                    found=f"`{condition.text}` can't be asked of `{id_}`: {why}",
                    write="compare the column with a value of its type, or write IS NULL or IS NOT NULL",
                )


def _conditions(dataset: BoundDataset) -> Iterator[tuple[str, TableId, Condition]]:
    """(key, table, condition)."""
    if dataset.where is not None:
        yield "where", dataset.root.id, dataset.where
    for name, fact in dataset.facts.items():
        if isinstance(fact, Condition):
            yield f"facts.{name}", dataset.root.id, fact
        elif isinstance(fact, Some) and fact.where is not None:
            yield f"facts.{name}", fact.table, fact.where
    for name, components in dataset.events.items():
        for component in components:
            if component.where is not None:
                yield f"events.{name}", component.table, component.where
