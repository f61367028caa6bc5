"""What a table's columns seem to be: points in time, people, keys."""

from __future__ import annotations

from collections.abc import Mapping

from retention.discover.toml import sayable
from retention.discover.words import names_birth, names_mail, names_person, names_time, singular, slug, words
from retention.model.catalogue import Catalogue, Column, Kind, Table
from retention.planning.binding.clocks import DATES as DATES

_NUMBERS = frozenset({Kind.INTEGER, Kind.NUMERIC, Kind.REAL})
_DECLARED = ("DATE", "TIME")


def timed(catalogue: Catalogue, table: Table) -> tuple[str, ...]:
    """Columns that hold points in time, by type or by name; dates of birth are none."""
    return tuple(
        column.name
        for column in table.columns.values()
        if sayable(column.name) and not names_birth(column.name) and _is_timed(catalogue, column)
    )


def _is_timed(catalogue: Catalogue, column: Column) -> bool:
    if not column.dated:
        return False
    if column.kind in DATES:
        return True
    if column.kind is Kind.TEXT and catalogue.folds_case and column.type.upper().startswith(_DECLARED):
        return True
    wide = column.kind in _NUMBERS or (column.kind is Kind.TEXT and catalogue.folds_case)
    return wide and names_time(column.name)


def is_number(column: Column) -> bool:
    """Whether a point in time in it would be a number."""
    return column.kind in _NUMBERS


def people(catalogue: Catalogue, table: Table) -> Mapping[str, str]:
    """Column → kind of identifier, of the columns that say whom a row is about."""
    found: dict[str, str] = {}
    if is_person(table):
        return _of_person(table)
    referring = {r.columns[0]: r.target.name for r in catalogue.outbound(table.id) if len(r.columns) == 1}
    for column in table.columns.values():
        if not sayable(column.name):
            continue
        if names_mail(column.name):
            found[column.name] = "email"
        elif column.name in table.key and len(table.key) == 1:
            continue
        elif _points_at_person(column, referring.get(column.name)):
            known = _kind_there(catalogue, table, column.name)
            found[column.name] = known or slug(column.name, otherwise="person")
    return _apart(found)


def subject(catalogue: Catalogue, table: Table) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Kind of identifier → column, twice: of the one person, and where only the owner knows whom a row is about.

    Two kinds in one subject are the same person's: a hold on one is carried over to the other. Two columns that
    refer to people may be two people, the one who asked and the one who answers, and none of them is taken.
    """
    found = people(catalogue, table)
    pointing = () if is_person(table) else tuple(name for name in found if not names_mail(name))
    several = pointing if len(pointing) > 1 else ()
    known = {kind: column for column, kind in found.items() if column not in several}
    return known, {found[column]: column for column in several}


def _of_person(table: Table) -> Mapping[str, str]:
    """A person's own row: by its key and its addresses; whom else it names it is not about."""
    found = {name: "email" for name in table.columns if sayable(name) and names_mail(name)}
    if len(table.key) == 1 and sayable(table.key[0]) and table.key[0] not in found:
        found = {table.key[0]: _own_kind(table), **found}
    return _apart(found)


def _apart(found: Mapping[str, str]) -> Mapping[str, str]:
    """Each kind once: a second column of a kind is called after itself."""
    kinds: dict[str, str] = {}
    for name, kind in found.items():
        taken = list(kinds.values())
        kinds[name] = kind if kind not in taken else slug(name, taken, otherwise=kind)
    return kinds


def _kind_there(catalogue: Catalogue, table: Table, column: str) -> str | None:
    """The kind of the person's own row that the column refers to: by one kind each leads to the other."""
    for reference in catalogue.outbound(table.id):
        there = catalogue.tables.get(reference.target)
        if reference.columns != (column,) or there is None or not is_person(there):
            continue
        if reference.target_columns == there.key and sayable(there.key[0]):
            return _own_kind(there)
    return None


def is_person(table: Table) -> bool:
    """Whether a row is a person, by the table's name or by an e-mail address in it."""
    every = words(table.id.name)
    named = bool(every) and names_person(every[-1])
    return named or (len(every) == 1 and any(sayable(name) and names_mail(name) for name in table.columns))


def _points_at_person(column: Column, target: str | None) -> bool:
    every = words(column.name)
    if target is not None:
        return names_person(target)
    return (
        len(every) > 1
        and every[-1] in ("id", "uid", "uuid", "key", "no", "number")
        and names_person(every[-2])
    )


def _own_kind(table: Table) -> str:
    """`customer_id` for the key `customer_id` as for the key `id` of `customers`."""
    name = table.key[0]
    every = words(name)
    return slug(name) if len(every) > 1 else slug(f"{singular(words(table.id.name)[-1])} {name}")


def unique_key(table: Table) -> tuple[str, ...] | None:
    """The columns of the shortest unique index without NULL; None where there is none."""
    ways = [
        index.columns
        for index in table.indexes
        if index.unique
        and index.columns
        and all(name in table.columns and not table.columns[name].nullable for name in index.columns)
    ]
    return min(ways, key=lambda columns: (len(columns), columns), default=None)
