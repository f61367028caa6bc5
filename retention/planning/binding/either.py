"""References of rows in a vault to rows of records, there or where they came from.

A record may be moved while what it refers to stays, and that may follow it later. No foreign key can say so: these
references are the engine's word, made part of the catalogue, one to either table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from retention.model.catalogue import Catalogue, Reference, TableId, with_index
from retention.planning.binding.bound import BoundDataset
from retention.planning.binding.relations import meaning
from retention.planning.binding.vaults import pairs


def with_either(bound: Sequence[BoundDataset], catalogue: Catalogue) -> Catalogue | None:
    """The catalogue with such references, in place of relations that say the same; None where there are none."""
    by_name = {item.dataset.name: item for item in bound}
    found: list[Reference] = []
    for item in bound:
        vault = by_name.get(item.dataset.vault or "")
        if vault is not None and not item.members & vault.members:
            found += _of_vault(item, vault, catalogue)
    if not found:
        return None
    same = {meaning(reference) for reference in found}
    kept = (r for r in catalogue.references if r.declared or meaning(r) not in same)
    return replace(catalogue, references=(*kept, *found))


def _of_vault(source: BoundDataset, vault: BoundDataset, catalogue: Catalogue) -> Iterator[Reference]:
    twin = {mine.id: theirs.id for mine, theirs in pairs(source, vault, catalogue)}
    seen = set[object]()
    for item in source.outside:
        mine = item.reference
        if not item.inside or (key := (mine.columns, mine.table, mine.target, mine.target_columns)) in seen:
            continue
        seen.add(key)
        for target in (mine.target, twin[mine.target]):
            made = Reference(
                name="",
                table=twin[mine.table],
                columns=mine.columns,
                target=target,
                target_columns=mine.target_columns,
                declared=False,
                either=True,
            )
            if _there(made, catalogue):
                yield with_index(made, catalogue.tables)


def _there(reference: Reference, catalogue: Catalogue) -> bool:
    """Its columns are: where one is not, `check` says that of the vault's table."""

    def has(table: TableId, columns: tuple[str, ...]) -> bool:
        return set(columns) <= set(catalogue.tables[table].columns)

    return has(reference.table, reference.columns) and has(reference.target, reference.target_columns)
