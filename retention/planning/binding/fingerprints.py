"""What a dataset's tables look like, as one number: by which a schema that changed under a rule is seen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from retention.model.catalogue import Catalogue, Table, TableId
from retention.model.dataset import Dataset
from retention.planning.binding.reach import described
from retention.planning.binding.triggers import traces


def fingerprint(
    catalogue: Catalogue, tables: Iterable[TableId], updated: Iterable[Table], dataset: Dataset
) -> str:
    """SHA-256 over the tables' columns, keys, triggers and references, as hex: what drift is measured by.

    `updated`: the root, and what else rows are rewritten of.
    """
    stays = bool(dataset.rewriting) or dataset.restrict is not None
    lines = [line for table in updated for line in traces(table, dataset.triggers)] if stays else []
    for id_ in sorted(tables, key=str):
        table = catalogue.tables[id_]
        lines.append(f"table {id_} {table.relation.value} key={table.key}")
        lines += [
            f"  {c.name} {c.type} {c.nullable} {c.generated}{' on update' if c.on_update else ''}"
            for c in table.columns.values()
        ]
        lines += [f"  {t.what} {t.name} {sorted(t.events)}" for t in table.triggers]
        around = {*catalogue.inbound(id_), *catalogue.outbound(id_)}
        lines += sorted(
            f"  {described(r)} -> {r.target} {r.target_columns} {r.on_delete} {r.deferrable}" for r in around
        )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
