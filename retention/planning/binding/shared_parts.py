"""Parts that the record refers to, bound: rows that go with the last that refers to them.

`{ table = "addresses", shared = "stays" }`: several customers may live at one address. It goes after the last of
them, where nothing else refers to it; while something does, it stays, and stops nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress

from retention.errors import Problem
from retention.model.catalogue import Catalogue, Reference, Table, TableId
from retention.model.dataset import Dataset, PartName
from retention.planning.binding.bound import BoundDataset, Part, Shared
from retention.planning.binding.names import NotFoundError, find_table, listed, meant
from retention.planning.binding.order import each_before_its_own
from retention.planning.binding.reach import CHANGES, Counting, census, create_index, described, usable


def shared_link(catalogue: Catalogue, name: PartName, members: Mapping[TableId, Part | None]) -> Reference:
    """The reference by which the record refers to rows of the part.

    NotFoundError for none, for several, and for a table whose rows can't be deleted.
    """
    table = find_table(catalogue, name.table, None)
    if table.id in members:
        raise NotFoundError(f"`{table.id}` is a table of the record itself", "take it out, or list it once")
    why = usable(table, mark=catalogue.quote)
    if why is not None:
        raise NotFoundError(*why)
    every = [r for member in members for r in catalogue.outbound(member) if r.target == table.id]
    found = every if name.via is None else [r for r in every if name.via in (described(r), *r.columns)]
    if len(found) == 1:
        return found[0]
    ways = listed(described(r) for r in found or every)
    if found:
        write = f'{{ table = "{name.table.text}", via = "…", shared = "stays" }} with the referring column'
        raise NotFoundError(
            f"the record refers to `{table.id}` by {ways}",
            f"write {write}, and one more for each other column",
        )
    if every:
        columns = sorted({column for r in every for column in r.columns})
        raise NotFoundError(
            f"`{name.via}` is no column by which the record refers to `{table.id}`",
            meant(name.via or "", columns),
        )
    if any(r.target in members for r in catalogue.outbound(table.id)):
        raise NotFoundError(
            f"the record does not refer to `{table.id}`: rows of it refer to the record",
            f'write parts = ["{name.table.text}"], without `shared`',
        )
    raise NotFoundError(
        f"no reference leads from the record to `{table.id}`",
        "name a table that the root or a part refers to, or add the reference to `relations`",
    )


def shared_tables(
    catalogue: Catalogue,
    links: Mapping[TableId, Sequence[Reference]],
    tables: Mapping[TableId, Table],
    members: Mapping[TableId, Part | None],
    own: Collection[TableId] = (),
) -> tuple[tuple[Shared, ...], tuple[str, str] | None]:
    """Each before those that it refers to; and what can't be, as (found, write).

    `links`: by table, the references from the record to it; `tables`: each with its key; `own`: those of which each row
    is a record with parts of its own.
    """
    for table in links:
        for reference in catalogue.outbound(table):
            if reference.target in members or reference.target == table:
                where = "the record" if reference.target in members else "others of them"
                found = (
                    f"`{described(reference)}` refers from rows of `{table}` to {where}: a shared part whose"
                    " rows do is not supported yet"
                )
                return (), (found, "take it out: its rows stay when the record goes")
    order = each_before_its_own({t: [r.table for r in catalogue.inbound(t)] for t in links})
    if len(order) < len(links):
        names = listed(f"`{table}`" for table in links if table not in order)
        found = f"rows of {names} refer to each other in a ring: shared parts that do are not supported yet"
        return (), (found, "take one of them out")
    return tuple(_shared(catalogue, tables[t], links[t], own=t in own) for t in order), None


def _shared(catalogue: Catalogue, table: Table, links: Sequence[Reference], *, own: bool) -> Shared:
    referring = catalogue.inbound(table.id)
    return Shared(
        table=table,
        links=tuple(dict.fromkeys(links)),
        referring=referring,
        only=frozenset(r.table for r in referring if catalogue.tables[r.table].only),
        own=own,
    )


def with_parts(datasets: Iterable[Dataset], catalogue: Catalogue) -> frozenset[TableId]:
    """The tables of which each row is a record of one of the datasets with parts of its own, shared or not."""
    found = set()
    for dataset in datasets:
        if dataset.parts and dataset.where is None:
            with suppress(NotFoundError):
                found.add(find_table(catalogue, dataset.table, dataset.schema).id)
    return frozenset(found)


def shared_problems(
    catalogue: Catalogue,
    shared: Iterable[Shared],
    members: Mapping[TableId, Part | None],
    *,
    file: str,
    key: str,
    allow_scan: bool,
    counting: Counting | None = None,
) -> list[Problem]:
    """What deleting shared rows would do beyond them, or cost.

    A reference from the record's own tables may say CASCADE or SET NULL: the row goes when it is locked, and nothing
    refers to it, so that there is never a row for the database to act on. Others would be changed by a mistake.
    Of such as go by rules of their own alone it is asked there.
    """
    problems: list[Problem] = []

    def add(found: str, write: str) -> None:
        problems.append(Problem(file=file, key=key, found=found, write=write))

    for item in (each for each in shared if not each.own):
        table = item.table.id
        for trigger in item.table.triggers:
            if "DELETE" in trigger.events:
                add(
                    f"{trigger.what} `{trigger.name}` on `{table}` runs at every DELETE, and may change other rows",
                    f"drop or disable it for the engine's role, or take `{table.name}` out of parts",
                )
        for reference in item.referring:
            if reference.on_delete in CHANGES and reference.table not in members:
                does = "deletes" if reference.on_delete == "CASCADE" else "rewrites"
                many = f" ({census(catalogue, reference, counting)})" if counting is not None else ""
                add(
                    f"`{described(reference)}` refers to `{table}` ON DELETE {reference.on_delete}:"
                    f" the database itself {does} rows beyond the record{many}",
                    f"make the reference ON DELETE NO ACTION, or take `{table.name}` out of parts",
                )
            for missing in () if allow_scan else reference.unindexed_on:
                add(
                    f"`{missing}.{','.join(reference.columns)}` refers to `{table}` without an index:"
                    " every look for what still refers to its rows would scan the table",
                    f"{create_index(missing, reference.columns, catalogue.quote)} or write allow_scan = true",
                )
    return problems


def between_datasets(bound: Sequence[BoundDataset]) -> Iterable[tuple[BoundDataset, str, str]]:
    """(dataset, found, write) where a shared table is a part of records of another dataset."""
    for item in bound:
        for other in bound:
            tables = {shared.table.id for shared in item.shared} & (other.members - {other.root.id})
            for table in sorted(tables, key=str):
                yield (
                    item,
                    f"`{table}` is a part of the records of `{other}`, too: a shared part that goes with records to"
                    " which it refers is not supported yet",
                    f"take it out of the parts of `{item}` or of `{other}`",
                )


def by_themselves(shared: Shared, bound: Iterable[BoundDataset]) -> list[BoundDataset]:
    """Those of a connector's datasets of whose records a shared row is the root, and which give these parts of their
    own, or rows that they share: such records go by the rules on them alone."""
    return [each for each in bound if each.root.id == shared.table.id and (each.parts or each.shared)]


def unended(bound: Sequence[BoundDataset], deletes: Callable[[Dataset], bool]) -> Iterable[str]:
    """A warning where shared rows go by the rules on a dataset that no rule empties, or are none of its records and
    leave behind what those share. `deletes`: a rule can delete its records, or move them to a vault."""
    for item in bound:
        for shared in item.shared:
            table = shared.table.id
            for other in by_themselves(shared, bound):
                if not deletes(other.dataset):
                    yield (
                        f"`{item}`: rows of `{table}` are records of `{other}` with parts of their own, and go by the"
                        " rules on that alone, of which none deletes: they stay when the last record that refers to"
                        " them has gone; write one"
                    )
                elif other.where is not None and other.shared:
                    left = listed(f"`{each.table.id}`" for each in other.shared)
                    yield (
                        f"`{item}`: rows of `{table}` that are no records of `{other}` (its `where`) go with the last"
                        f" record that refers to them, and what they alone refer to in {left} stays behind"
                    )


def unshared(bound: Sequence[BoundDataset]) -> Iterable[str]:
    """A warning where records refer to rows that are shared parts of others, and not of theirs."""
    for item in bound:
        for shared in item.leaving:
            table = shared.table.id
            for other in bound:
                if other is item or table in other.emptied or other.connector.name != item.connector.name:
                    continue
                for reference in shared.referring:
                    if reference.table in other.members:
                        yield (
                            f"`{other}`: `{described(reference)}` refers to `{table}`, a shared part of `{item}`: where"
                            f" a record of `{other}` is the last that does, its row stays; add"
                            f' {{ table = "{table.name}", shared = "stays" }} to its parts, or keep them'
                        )
