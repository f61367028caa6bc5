"""References that the database does not declare: the operator's word, made part of the catalogue.

Wherever it is written, a relation holds for every dataset of its connector, as a declared one would:
by it rows belong to a record, events are found, and what refers to a record from outside keeps it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from retention.errors import Problem
from retention.model.catalogue import Catalogue, Column, Kind, Reference, Table, TableId, with_index
from retention.model.dataset import Connector, Dataset, Name, RelationName
from retention.planning.binding.names import NotFoundError, find_column, find_table
from retention.planning.binding.reach import qualified, quoted, usable

_UNICODE = ("utf8mb4_", "utf8mb3_", "utf8_")
_NUMBERS = frozenset({Kind.INTEGER, Kind.NUMERIC, Kind.REAL})


def with_relations(connector: Connector, catalogue: Catalogue) -> tuple[Catalogue, tuple[Problem, ...]]:
    """The catalogue with the connector's relations among its references, and what is wrong with them."""
    problems: list[Problem] = []
    added: dict[object, Reference] = {}
    for dataset, position, item in _every(connector):
        try:
            reference = _reference(catalogue, dataset, item)
        except NotFoundError as error:
            key = f"datasets.{dataset.name}.relations[{position + 1}]"
            problems.append(error.problem(connector.file, key))
            continue
        if not _declared(catalogue, reference):
            added.setdefault(meaning(reference), reference)
    return replace(catalogue, references=(*catalogue.references, *added.values())), tuple(problems)


def repeated(connector: Connector, catalogue: Catalogue) -> tuple[str, ...]:
    """A warning for each relation that the database declares itself."""
    found = []
    for dataset, _, item in _every(connector):
        try:
            declared = _declared(catalogue, _reference(catalogue, dataset, item))
        except NotFoundError:
            continue
        if declared:
            found.append(
                f"`{dataset}`: the database declares {item.text} itself; the relation changes nothing"
            )
    return tuple(found)


def _every(connector: Connector) -> Iterator[tuple[Dataset, int, RelationName]]:
    for dataset in connector.datasets.values():
        for position, item in enumerate(dataset.relations):
            yield dataset, position, item


def meaning(reference: Reference) -> object:
    """What it says, in whatever order its columns are listed."""
    pairs = frozenset(zip(reference.columns, reference.target_columns, strict=False))
    return reference.table, reference.target, pairs


def _declared(catalogue: Catalogue, reference: Reference) -> bool:
    return any(meaning(known) == meaning(reference) for known in catalogue.outbound(reference.table))


def _reference(catalogue: Catalogue, dataset: Dataset, item: RelationName) -> Reference:
    table = _table(catalogue, dataset, item.table)
    target = _table(catalogue, dataset, item.target)
    columns = tuple(find_column(catalogue, table, name) for name in item.columns)
    targets = tuple(find_column(catalogue, target, name) for name in item.target_columns)
    for column, other in zip(columns, targets, strict=True):
        if not _comparable(column, other):
            raise NotFoundError(
                f"`{table.id}.{column.name}` is {column.type or 'untyped'} and `{target.id}.{other.name}` is"
                f" {other.type or 'untyped'}: they can't be compared",
                "name columns of one type, or give them one in the database (a generated column will do)",
            )
        if not _alike(column.collation, other.collation):
            raise NotFoundError(
                f"`{table.id}.{column.name}` is compared by {column.collation} and `{target.id}.{other.name}` by"
                f" {other.collation}: which rows belong together would not be the same in every statement",
                f"give both one collation in the database: ALTER TABLE {qualified(table.id, catalogue.quote)} MODIFY"
                f" {quoted(column.name, catalogue.quote)} … COLLATE {other.collation};",
            )
    names = tuple(column.name for column in targets)
    if not target.is_unique(names):
        raise NotFoundError(
            f"({', '.join(names)}) is not unique in `{target.id}`: a row could refer to several",
            "name the columns of its primary key or of a unique index",
        )
    bare = Reference(
        name="",
        table=table.id,
        columns=tuple(column.name for column in columns),
        target=target.id,
        target_columns=names,
        declared=False,
    )
    return with_index(bare, catalogue.tables)


def _table(catalogue: Catalogue, dataset: Dataset, name: Name) -> Table:
    """A table named without its schema is looked for beside the dataset's own first."""
    beside = dataset.schema
    if beside is None and len(dataset.table.pieces) == 2:
        beside = dataset.table.pieces[0]
    near = len(name.pieces) == 1 and TableId(schema=beside, name=name.pieces[0]) in catalogue.tables
    table = find_table(catalogue, name, beside if near else None)
    why = usable(table, key=("any",))
    if why is not None:
        raise NotFoundError(*why)
    return table


def _comparable(column: Column, other: Column) -> bool:
    """The database compares the two as they are, and means by it what a reference means."""
    if column.kind in _NUMBERS and other.kind in _NUMBERS:
        return True
    if Kind.OTHER in (column.kind, other.kind):
        return column.type.casefold() == other.type.casefold()
    return column.kind is other.kind


def _alike(collation: str, other: str) -> bool:
    """Texts are the same by one where they are by the other; also of the two encodings of one collation."""
    if collation == other or not (collation and other):
        return True
    rules = [
        name.removeprefix(prefix)
        for name in (collation, other)
        for prefix in _UNICODE
        if name.startswith(prefix)
    ]
    return len(rules) == 2 and rules[0] == rules[1]
