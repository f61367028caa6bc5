"""Which references among rows that go together are set to NULL first, where a database looks at each row as it goes.

Such a database (InnoDB; SQLite for RESTRICT) lets no row of a ring go, nor one that refers to itself, though
all of it is deleted by one statement. So the referring column is set to NULL in the rows that the
same transaction deletes. Where that can't be done, rings stay, and the plan counts them as referenced.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from retention.model.catalogue import Catalogue, Reference, TableId
from retention.planning.binding.bound import Loosened, Part, Stubborn


def looked_at_row_by_row(catalogue: Catalogue, reference: Reference) -> bool:
    """The database refuses a row that another one still refers to by `reference`, whatever else goes with it."""
    return reference.declared and reference.on_delete in catalogue.row_by_row


def loosened(catalogue: Catalogue, reference: Reference, links: Collection[Reference]) -> Loosened | Stubborn:
    """How `reference` is loosened, or why it can't be. `links`: by which the rows that refer belong to records.

    One column is enough: a reference of which one column is NULL leads nowhere.
    """
    table = catalogue.tables[reference.table]
    trigger = next((t for t in table.triggers if "UPDATE" in t.events), None)
    if trigger is not None:
        why = f"the {trigger.what} `{trigger.name}` runs at every UPDATE of `{table.id}`"
        return Stubborn(reference=reference, why=why)
    reasons: list[str] = []
    for name in reference.columns:
        why = _why_not(catalogue, table.id, name, links)
        if not why:
            kept = tuple(c.name for c in table.columns.values() if c.on_update and c.name != name)
            return Loosened(reference=reference, column=name, kept=kept)
        reasons.append(why)
    return Stubborn(reference=reference, why=" and ".join(dict.fromkeys(reasons)))


def _why_not(catalogue: Catalogue, id_: TableId, name: str, links: Collection[Reference]) -> str:
    """Why the column can't be set to NULL in a row that is about to go; "" where it can."""
    table = catalogue.tables[id_]
    column = table.columns[name]
    if not column.nullable or name in table.key:
        return f"`{name}` is NOT NULL"
    if column.generated:
        return f"`{name}` is computed by the database"
    if column.pinned:
        return column.pinned
    if any(name in other.target_columns for other in catalogue.inbound(id_)):
        return f"others refer to `{name}`"
    if any(name in link.columns for link in links):
        return f"by `{name}` its rows belong to a record"
    return ""


def within_a_table(
    catalogue: Catalogue, members: Mapping[TableId, Part | None]
) -> Iterable[Loosened | Stubborn]:
    """Of the references from a table of the record to itself that are looked at row by row, each."""
    for member, part in members.items():
        links = () if part is None else (part.reference,)
        for reference in catalogue.outbound(member):
            if reference.target == member and looked_at_row_by_row(catalogue, reference):
                yield loosened(catalogue, reference, links)
