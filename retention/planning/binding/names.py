"""Names as written, found in the live catalogue: exactly, or refused with what is there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from retention.config.reading.findings import nearest
from retention.errors import Problem
from retention.model.catalogue import Catalogue, Column, Table, TableId, folded
from retention.model.dataset import EventColumn, Name


class NotFoundError(Exception):
    """A name that the catalogue does not have, or has twice; becomes a Problem at the place it was written."""

    def __init__(self, found: str, write: str) -> None:
        super().__init__(found)
        self.found = found
        self.write = write

    def problem(self, file: str, key: str) -> Problem:
        """The Problem that it is at the place where the name was written."""
        return Problem(file=file, key=key, found=self.found, write=self.write)


def listed(names: Iterable[str], most: int = 8) -> str:
    """`a, b, c and 4 more`, for messages."""
    every = sorted(names)
    shown = ", ".join(every[:most])
    return shown if len(every) <= most else f"{shown} and {len(every) - most} more"


def _same(catalogue: Catalogue, left: str, right: str) -> bool:
    folds = catalogue.folds_case or catalogue.folds_tables
    return left == right or (folds and folded(left) == folded(right))


def meant(word: str, names: Iterable[str]) -> str:
    """What `word` was meant to be, or what there is, for messages."""
    every = list(names)
    near = nearest(word, every)  # whatever its capitals
    if near is not None:
        return f"did you mean `{near}`?"
    return f"there are: {listed(every)}" if every else "there are none"


def find_table(catalogue: Catalogue, name: Name, schema: str | None) -> Table:
    """The table that `name` means; NotFoundError for none, or for more than one."""
    pieces = name.pieces
    if len(pieces) > 2:
        raise NotFoundError(f"`{name.text}` has more than two parts", 'write "table" or "schema.table"')
    if len(pieces) == 2:
        if schema is not None and not _same(catalogue, schema, pieces[0]):
            raise NotFoundError(
                f"`{name.text}` and schema `{schema}` disagree", "write the schema in one place only"
            )
        schema = pieces[0]
    if schema is not None and catalogue.default_schema is None:
        if schema.casefold() != "main":
            raise NotFoundError(f"schema `{schema}`: this database has no schemas", "leave the schema out")
        schema = None
    elif schema is None and catalogue.default_only:
        schema = catalogue.default_schema
    elif schema is not None:
        schemas = {str(t.schema) for t in catalogue.tables}
        schema = next((known for known in schemas if _same(catalogue, known, str(schema))), schema)
        if schema not in schemas:
            raise NotFoundError(f"schema `{schema}` does not exist", meant(schema, schemas))
    word = pieces[-1]
    matches = [
        table
        for id_, table in catalogue.tables.items()
        if _same(catalogue, id_.name, word) and (schema is None or id_.schema == schema)
    ]
    if not matches:
        candidates = {t.name for t in catalogue.tables if schema is None or t.schema == schema}
        write = meant(word, candidates)
        if catalogue.hidden_from:
            there = ".".join(f"`{piece}`" for piece in (schema, word) if piece is not None)
            grant = f"GRANT SELECT ON {there} TO {catalogue.hidden_from};"
            write = f"{write}; or, if it is there (tables that one may not read are hidden): {grant}"
        raise NotFoundError(f"table `{name.text}` does not exist", write)
    if len(matches) > 1:
        places = listed(f'"{m.id}"' for m in matches)
        raise NotFoundError(f"`{name.text}` is ambiguous", f"write one of {places}")
    return matches[0]


def find_column(catalogue: Catalogue, table: Table, word: str) -> Column:
    """The column of `table` that `word` means; NotFoundError for none."""
    exact = table.columns.get(word)
    if exact is not None:
        return exact
    if catalogue.folds_case or catalogue.folds_columns:
        for column in table.columns.values():
            if folded(column.name) == folded(word):
                return column
    raise NotFoundError(f"table `{table.id}` has no column `{word}`", meant(word, table.columns))


def same_table(catalogue: Catalogue, id_: TableId, pieces: tuple[str, ...]) -> bool:
    """Whether `pieces` (table, or schema and table) name the table `id_`."""
    if not _same(catalogue, pieces[-1], id_.name):
        return False
    return len(pieces) == 1 or (id_.schema is not None and _same(catalogue, pieces[0], id_.schema))


def with_key(table: Table) -> Table:
    """A part that has no primary key is told apart by the first unique index without NULL that it has."""
    if table.key:
        return table
    whole = (
        index.columns
        for index in table.indexes
        if index.unique and index.columns and not any(table.columns[name].nullable for name in index.columns)
    )
    return replace(table, key=next(whole, ()))


def component_text(item: EventColumn, others: list[str]) -> str:
    """What tells the component from the others of its event, for explanations."""
    text = item.column.text
    if item.where is not None:
        text += f" where {item.where.text}"
    return f"{text} by {item.via}" if text in others and item.via is not None else text
