"""Vaults over the live catalogue: which table a record's rows are moved to, and why they could not be.

A record is copied within the database, column by column, and then removed. So its vault has a table for each of its
own, with the same columns, and one column more that says since when the record is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from retention.errors import Problem
from retention.model.catalogue import Catalogue, Column, Kind, Reference, Table, TableId
from retention.model.dataset import RESTRICTED, Dataset
from retention.model.strategy import DATES
from retention.planning.binding.bound import BoundDataset, Twin, Vault
from retention.planning.binding.names import find_table, listed
from retention.planning.binding.reach import described

Said = tuple[str, str, str]
"""The key of the vault's dataset, what is found, what to write."""

_PLAIN = "the database's own order"
_MADE = "retention vault create … --ddl prints the table as it should be"


def with_vaults(
    bound: Sequence[BoundDataset], catalogue: Catalogue
) -> tuple[tuple[BoundDataset, ...], tuple[Problem, ...]]:
    """The datasets, each with the vault that its records are moved to; and what is wrong with those."""
    by_name = {item.dataset.name: item for item in bound}
    found: list[BoundDataset] = []
    problems: list[Problem] = []
    for item in bound:
        vault = by_name.get(item.dataset.vault or "")
        if vault is None:
            found.append(item)
            continue
        wrong = [*_of_source(item, vault, bound, catalogue), *_of_vault(item, vault, catalogue)]
        problems += wrong
        found.append(item if wrong else _with(item, vault, catalogue))
    return tuple(found), tuple(problems)


def placed(dataset: Dataset, key: str, write: str) -> tuple[str, str]:
    """Where a problem of a dataset is, and what to write: nobody wrote the event of a vault's own column."""
    if key != f"events.{RESTRICTED}" or dataset.vault_of is None or "events" not in dataset.implied:
        return key, write
    return "table", f"it says since when a record is in the vault; {_MADE}"


def pairs(source: BoundDataset, vault: BoundDataset, catalogue: Catalogue) -> list[tuple[Table, Table]]:
    """Each table of the record and its twin, parents first; the operator lists the parts of both in one order."""
    mine, theirs = ([table.id for table in _listed(item, catalogue)] for item in (source, vault))
    twin = dict(zip(mine, theirs, strict=True))
    tables = {table.id: table for item in (source, vault) for table in _listed(item, catalogue)}
    order = [source.root.id, *(part.table.id for part in source.parts)]
    return [(tables[id_], tables[twin[id_]]) for id_ in order]


def _listed(item: BoundDataset, catalogue: Catalogue) -> list[Table]:
    """The root, then the parts as they were written."""
    parts = {part.table.id: part.table for part in item.parts}
    names = (part.table for part in item.dataset.parts if not part.shared)
    return [item.root, *(parts[find_table(catalogue, name, None).id] for name in names)]


def outward(source: BoundDataset, catalogue: Catalogue) -> list[Reference]:
    """References from rows of the record to rows that are none of it."""
    return [r for id_ in source.members for r in catalogue.outbound(id_) if r.target not in source.members]


def unled(source: BoundDataset, catalogue: Catalogue) -> Iterator[Reference]:
    """Of those the ones that the vault's tables do not have: what they lead to may go before the record."""
    if source.vault is None:
        return
    twin = {each.source.id: each.target.id for each in source.vault.twins}
    for reference in outward(source, catalogue):
        same = (reference.columns, reference.target, reference.target_columns)
        there = ((r.columns, r.target, r.target_columns) for r in catalogue.outbound(twin[reference.table]))
        if same not in there:
            yield reference


def _with(source: BoundDataset, vault: BoundDataset, catalogue: Catalogue) -> BoundDataset:
    restrict = source.dataset.restrict
    assert restrict is not None
    twins = tuple(
        Twin(source=mine, target=theirs, columns=_copied(mine, theirs))
        for mine, theirs in pairs(source, vault, catalogue)
    )
    since = _named(vault.root, restrict.at, catalogue)
    assert since is not None
    key = tuple(vault.root.columns[column.name] for column in source.key)
    both = f"{source.catalogue_schema}\n{vault.catalogue_schema}"
    return replace(
        source,
        vault=Vault(dataset=str(vault), twins=twins, since=since, key=key),
        catalogue_schema=hashlib.sha256(both.encode()).hexdigest(),
    )


def given_back(source: BoundDataset, vault: BoundDataset) -> BoundDataset:
    """The vault's dataset, as one whose records are moved: to the tables that they came from."""
    assert source.vault is not None
    twins = tuple(
        Twin(source=each.target, target=each.source, columns=_written(each.source, each.target))
        for each in source.vault.twins
    )
    back = Vault(dataset=str(source), twins=twins, since=None, key=source.key)
    return replace(vault, vault=back)


def _written(source: Table, vault: Table) -> tuple[str, ...]:
    return tuple(
        name for name, column in source.columns.items() if not column.generated and name in vault.columns
    )


def _copied(source: Table, target: Table) -> tuple[str, ...]:
    """A column that the vault computes itself is not written there."""
    return tuple(name for name in source.columns if not target.columns[name].generated)


# -- the record ----------------------------------------------------------------------------


def _of_source(
    source: BoundDataset, vault: BoundDataset, bound: Sequence[BoundDataset], catalogue: Catalogue
) -> Iterator[Problem]:
    def problem(found: str, write: str) -> Problem:
        key = f"datasets.{source.dataset.name}.restrict.to"
        return Problem(file=source.connector.file, key=key, found=found, write=write)

    mark = 'mark them in place: restrict = { mark = "restricted_at" }'
    common = source.members & vault.members
    if common:
        names = listed(str(id_) for id_ in common)
        yield problem(f"`{vault}` is over tables of the record itself ({names})", "give the vault its own")
        return
    for other in _beside(source, vault, bound, catalogue):
        yield problem(
            f"`{other}` carries {other.dataset.data!r} of the same rows, and no dataset over the vault's tables does:"
            " its rules would not go on reaching what is moved",
            f'add a dataset with data = "{other.dataset.data}" over `{vault.root.id}`, or {mark}',
        )


def _beside(
    source: BoundDataset, vault: BoundDataset, bound: Sequence[BoundDataset], catalogue: Catalogue
) -> Iterator[BoundDataset]:
    """Other datasets of the same rows, of whose data nobody reaches the rows in the vault."""
    twin = {mine.id: theirs.id for mine, theirs in pairs(source, vault, catalogue)}
    for other in bound:
        rows = source.members & other.members
        if other is source or other is vault or not rows:
            continue
        same = (item for item in bound if item.dataset.data == other.dataset.data)
        if not any({twin[id_] for id_ in rows} <= item.members for item in same):
            yield other


# -- the vault -----------------------------------------------------------------------------


def _of_vault(source: BoundDataset, vault: BoundDataset, catalogue: Catalogue) -> Iterator[Problem]:
    for key, found, write in _all_of_vault(source, vault, catalogue):
        at = f"datasets.{vault.dataset.name}.{key}"
        yield Problem(file=vault.connector.file, key=at, found=found, write=write)


def _all_of_vault(source: BoundDataset, vault: BoundDataset, catalogue: Catalogue) -> Iterator[Said]:
    assert source.dataset.restrict is not None
    at = source.dataset.restrict.at
    if at.casefold() in map(str.casefold, source.root.columns):
        yield (
            "table",
            f"`{at}` is a column of `{source.root.id}`, and can't say since when a record is in the vault",
            f'name another: restrict = {{ to = "{vault.dataset.name}", at = "vaulted_at" }}',
        )
        return
    every = pairs(source, vault, catalogue)
    for mine, theirs in every:
        key = "table" if mine.id == source.root.id else "parts"
        more = (at,) if mine.id == source.root.id else ()
        for found, write in _columns(mine, theirs, more, catalogue):
            yield key, found, write
        for trigger in theirs.triggers:
            if "INSERT" in trigger.events:
                found = f"{trigger.what} `{trigger.name}` on `{theirs.id}` runs at every INSERT"
                write = "drop or disable it for the engine's role: no record is moved there while it is there"
                yield key, f"{found}, and may change what is moved there", write
    if [column.name for column in source.key] != [column.name for column in vault.key]:
        names = [", ".join(column.name for column in item.key) for item in (source, vault)]
        found = f"its records are told apart by ({names[1]}), and those of `{source}` by ({names[0]})"
        yield "key", found, f"ALTER TABLE `{vault.root.id}`: the primary key is ({names[0]}), as there"
    yield from _links(source, vault, catalogue)
    yield from _either(source, vault, catalogue)
    yield from _shared(source, vault, catalogue)


def _columns(
    mine: Table, theirs: Table, more: tuple[str, ...], catalogue: Catalogue
) -> Iterator[tuple[str, str]]:
    """What differs; the vault's root has one column `more`."""
    lacking = [name for name in mine.columns if _named(theirs, name, catalogue) is None]
    extra = [
        name for name in theirs.columns if _named(mine, name, catalogue) is None and not _one(more, name)
    ]
    if lacking:
        yield f"`{theirs.id}` has no {listed(lacking)}, which `{mine.id}` has", f"add it, or them: {_MADE}"
    if extra:
        yield (
            f"`{theirs.id}` has {listed(extra)}, which `{mine.id}` has not",
            f"take it out, or them: {_MADE}",
        )
    for name in more:
        since = _named(theirs, name, catalogue)
        if since is None:
            found = f"`{theirs.id}` has no `{name}`, which says since when a record is in the vault"
            yield found, f"add it, a column of dates: {_MADE}"
        elif not _dated(since, catalogue):
            found = f"`{theirs.id}.{since.name}` is {since.type or 'of no type'}, and can't say since when"
            yield found, "make it a column of dates that nothing else writes"
    for name, column in mine.columns.items():
        twin = _named(theirs, name, catalogue)
        if twin is not None and (differs := _differs(column, twin)):
            found = f"`{theirs.id}.{twin.name}` is {differs[1]}, and `{mine.id}.{name}` is {differs[0]}"
            yield found, f"make them the same: {_MADE}"


def _one(names: Iterable[str], name: str) -> bool:
    return any(each.casefold() == name.casefold() for each in names)


def _named(table: Table, name: str, catalogue: Catalogue) -> Column | None:
    """The column of this name; where case makes no difference, whatever its case."""
    if name in table.columns:
        return table.columns[name]
    if not (catalogue.folds_case or catalogue.folds_columns):
        return None
    return next((c for c in table.columns.values() if c.name.casefold() == name.casefold()), None)


def _dated(column: Column, catalogue: Catalogue) -> bool:
    kind = column.kind in DATES or (column.kind is Kind.TEXT and not catalogue.typed)
    return kind and not column.generated and not column.on_update


def _differs(mine: Column, theirs: Column) -> tuple[str, str] | None:
    """(of the record's, of the vault's) where a value might not go over as it is."""
    if mine.name != theirs.name:
        return f"called {mine.name}", f"called {theirs.name}"
    if mine.type.casefold() != theirs.type.casefold():
        return mine.type or "of no type", theirs.type or "of no type"
    if mine.collation != theirs.collation:
        return f"compared by {mine.collation or _PLAIN}", f"compared by {theirs.collation or _PLAIN}"
    if mine.nullable and not theirs.nullable and not theirs.generated:
        return "NULL in some rows, or may be", "NOT NULL"
    if theirs.generated and not mine.generated:
        return "written", "computed"
    return None


def _links(source: BoundDataset, vault: BoundDataset, catalogue: Catalogue) -> Iterator[Said]:
    """A part's row refers to its record there by the same columns as here."""
    twin = {mine.id: theirs.id for mine, theirs in pairs(source, vault, catalogue)}
    for part in source.parts:
        mine, theirs = part.reference, vault.part(twin[part.table.id]).reference
        wanted = (mine.columns, twin[mine.target], mine.target_columns)
        if (theirs.columns, theirs.target, theirs.target_columns) != wanted:
            found = (
                f"its rows refer to the record by `{described(theirs)}`, and those of `{part.table.id}` by"
            )
            write = f"make ({', '.join(mine.columns)}) refer to `{twin[mine.target]}`, or list the parts in one order"
            yield "parts", f"{found} `{described(mine)}`", write


def _either(source: BoundDataset, vault: BoundDataset, catalogue: Catalogue) -> Iterator[Said]:
    """By what records refer to each other they do in the vault, too, to records there or here: no constraint may say
    to which."""
    twin = {mine.id: theirs.id for mine, theirs in pairs(source, vault, catalogue)}
    for item in source.outside if source.entangled else ():
        mine = item.reference
        ends = (mine.target, twin[mine.target]) if item.inside else ()
        for theirs in catalogue.outbound(twin[mine.table]) if item.inside else ():
            if theirs.declared and theirs.target in ends and theirs.columns == mine.columns:
                found = (
                    f"the database lets `{described(theirs)}` refer to `{theirs.target}` alone, and a record that"
                    f" `{described(mine)}` leads to may be there or in `{source}`"
                )
                yield "table", found, "drop that foreign key: the engine keeps such references whole itself"


def _shared(source: BoundDataset, vault: BoundDataset, catalogue: Catalogue) -> Iterator[Said]:
    """Rows that several records refer to stay where they are, and the vault's records go on referring to them."""
    twin: dict[TableId, TableId] = {mine.id: theirs.id for mine, theirs in pairs(source, vault, catalogue)}
    for item in source.shared:
        known = {(r.columns, r.target) for id_ in vault.members for r in catalogue.outbound(id_)}
        for link in item.links:
            if link.table in twin and (link.columns, link.target) not in known:
                found = f"rows of `{twin[link.table]}` do not refer to `{link.target}`, as those of `{link.table}` do"
                write = f'declare the reference, or write relations = ["{twin[link.table]}.{",".join(link.columns)} -> '
                yield "parts", found, f'{write}{link.target}.{",".join(link.target_columns)}"]'
