"""The tables of a vault that are still to be made: as the record's own are now, with what they refer to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retention.errors import Problem
from retention.model.catalogue import Catalogue, Reference, Table, TableId
from retention.model.dataset import Dataset, Name
from retention.planning.binding.bound import BoundDataset
from retention.planning.binding.names import NotFoundError, find_table


@dataclass(frozen=True, kw_only=True)
class NewTable:
    """A table with the columns of `source`, told apart by `key`; `since`: one column more, that says when.

    `references`: from columns of its own to other tables, those of the vault among them. `unique`: columns that one
    of these leads to, besides the key. `led`: columns that lead to the record, or to another one, by no constraint.
    `there`: it has been made already.
    """

    id: TableId
    source: Table
    key: tuple[str, ...]
    since: str | None
    references: tuple[Reference, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    led: tuple[tuple[str, ...], ...] = ()
    there: bool = False


def new_tables(source: BoundDataset, vault: Dataset, catalogue: Catalogue) -> tuple[NewTable, ...]:
    """The vault's tables, parents first. A row of the record refers to another in the vault as it does now, and to what
    is no row of the record where that is now; no key of the record but its own is unique there.
    """
    restrict = source.dataset.restrict
    assert restrict is not None
    ids = _twins(source, vault, catalogue)
    parents = [source.root, *(part.table for part in source.parts)]
    links = {part.table.id: part.reference for part in source.parts}
    found = []
    for table in parents:
        root = table.id == source.root.id
        key = tuple(column.name for column in source.key) if root else table.key
        outward = [r for r in catalogue.outbound(table.id) if r.declared and r.target not in source.members]
        mine = [links[table.id]] if table.id in links else []
        inward = [_moved(link, ids) for link in mine if link.declared]
        led_to = [link.target_columns for link in links.values() if link.target == table.id and link.declared]
        among = [item.reference for item in source.outside if item.inside]
        led_to += [each.target_columns for each in among if each.target == table.id]
        led = [link.columns for link in mine if not link.declared]
        led += [each.columns for each in among if each.table == table.id]
        found.append(
            NewTable(
                id=ids[table.id],
                source=table,
                key=key,
                since=restrict.at if root else None,
                references=(*inward, *(_moved(each, ids) for each in outward)),
                unique=tuple(dict.fromkeys(columns for columns in led_to if set(columns) != set(key))),
                led=tuple(dict.fromkeys(led)),
                there=_there(ids[table.id], catalogue),
            )
        )
    return tuple(found)


def _twins(source: BoundDataset, vault: Dataset, catalogue: Catalogue) -> dict[TableId, TableId]:
    """Table of the record → the one that its rows are to be moved to."""
    names = (part.table for part in source.dataset.parts if not part.shared)
    mine = [source.root.id, *(find_table(catalogue, name, None).id for name in names)]
    parts = [part.table for part in vault.parts if not part.shared]
    theirs = [
        _named(vault.table, vault.schema, catalogue),
        *(_named(name, None, catalogue) for name in parts),
    ]
    return dict(zip(mine, theirs, strict=True))


def _named(name: Name, schema: str | None, catalogue: Catalogue) -> TableId:
    """By its name as written; where the table is there, by the one that it has."""
    try:
        return find_table(catalogue, name, schema).id
    except NotFoundError:
        *place, word = name.pieces
        where = place[0] if place else schema or catalogue.default_schema
        return TableId(schema=None if catalogue.default_schema is None else where, name=word)


def _there(id_: TableId, catalogue: Catalogue) -> bool:
    return id_ in catalogue.tables


def _moved(reference: Reference, ids: dict[TableId, TableId]) -> Reference:
    return Reference(
        name="",
        table=ids[reference.table],
        columns=reference.columns,
        target=ids.get(reference.target, reference.target),
        target_columns=reference.target_columns,
    )


def ambiguous(source: BoundDataset, tables: Sequence[NewTable], catalogue: Catalogue) -> Iterator[Problem]:
    """Names of the record's tables, written without a schema, that would name two tables once the vault is there."""
    if catalogue.default_only or catalogue.default_schema is None:
        return
    dataset = source.dataset
    taken = {table.id.name for table in tables}
    written = {"table": dataset.table} if dataset.schema is None else {}
    written |= {f"parts[{i}]": part.table for i, part in enumerate(dataset.parts, 1) if not part.shared}
    for key, name in written.items():
        id_ = find_table(catalogue, name, None).id
        if len(name.pieces) == 1 and id_.name in taken:
            yield Problem(
                file=source.connector.file,
                key=f"datasets.{dataset.name}.{key}",
                found=f"`{name.text}` would be the name of two tables, here and in the vault",
                write=f'write its schema: "{id_}"',
            )


def new_schemas(tables: Sequence[NewTable], catalogue: Catalogue) -> tuple[str, ...]:
    """Schemas that the tables are to lie in and that have no table yet: they may have to be made."""
    known = {id_.schema for id_ in catalogue.tables} | {None, catalogue.default_schema}
    return tuple(dict.fromkeys(str(t.id.schema) for t in tables if t.id.schema not in known))
