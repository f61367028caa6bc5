"""The rights that a dataset's plan and batches need, table by table."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from retention.model.catalogue import TableId
from retention.planning.binding.bound import BoundDataset, Some, Value


class Right(enum.Enum):
    """What is done with a table."""

    READ = "read"
    DELETE = "delete from"
    INSERT = "insert into"
    LOCK = "lock rows of"
    REWRITE = "rewrite columns of"


@dataclass(frozen=True, kw_only=True)
class Need:
    """`right` on `table`; `columns`: its key, which a right to lock may be narrowed to, or what is rewritten."""

    table: TableId
    right: Right
    columns: tuple[str, ...] = ()


def needs(bound: BoundDataset, *, deletes: bool = True) -> tuple[Need, ...]:
    """Rows of the record are read, locked and deleted, or rewritten; what can keep a record, or dates it, is read.

    `deletes`: some rule removes its records, or none says anything of them. What is moved to a vault is inserted there.
    """
    found: dict[Need, None] = {}
    keys = {bound.root.id: tuple(column.name for column in bound.key)}
    keys |= {part.table.id: part.table.key for part in bound.parts}
    keys |= {item.table.id: item.table.key for item in bound.leaving}
    for table in (*bound.removal, *(item.table.id for item in bound.leaving)):
        found[Need(table=table, right=Right.READ)] = None
        found[Need(table=table, right=Right.LOCK, columns=keys[table])] = None
        if deletes:
            found[Need(table=table, right=Right.DELETE)] = None
    for twin in bound.vault.twins if bound.vault is not None and deletes else ():
        found[Need(table=twin.target.id, right=Right.READ)] = None
        found[Need(table=twin.target.id, right=Right.INSERT)] = None
    written: dict[TableId, list[str]] = {bound.root.id: []}
    for item in bound.rewriting:
        written.setdefault(item.table.id, []).append(item.column.name)
    written[bound.root.id] += [column.name for column in (bound.done, bound.mark) if column is not None]
    for table, columns in written.items():
        if columns:
            found[Need(table=table, right=Right.REWRITE, columns=tuple(columns))] = None
    for table in _looked_at(bound):
        found[Need(table=table, right=Right.READ)] = None
    return tuple(found)


def _looked_at(bound: BoundDataset) -> Iterable[TableId]:
    for item in bound.outside:
        yield item.reference.table
    for shared in bound.shared:
        yield shared.table.id
        yield from (reference.table for reference in shared.referring)
    values = [
        *bound.facts.values(),
        *bound.subject.values(),
        *(each.value for each in bound.periods.values()),
    ]
    read = [each for each in values if isinstance(each, Value | Some)]
    for each in [component for components in bound.events.values() for component in components] + read:
        yield each.table
        for hop in each.hops:
            yield hop.arrives
