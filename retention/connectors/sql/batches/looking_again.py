"""What refers to a record by a relation that only the operator knows of is looked for once more.

No constraint stops another session from adding such a row while the batch is under way. When the batch
has deleted its rows, and before it says so, what refers to them is asked for a last time: a row that
has come meanwhile undoes the batch, which is tried again and finds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Key, Transient
from retention.connectors.sql.batches.statements import Statements, column_of
from retention.connectors.sql.dialect import Dialect, plain_rows
from retention.connectors.sql.predicates import table
from retention.model.catalogue import Column, Reference
from retention.planning.binding.bound import Outside
from retention.planning.binding.reach import described
from retention.planning.work import Work

LedTo = Sequence[tuple[Reference, Sequence[Key]]]
"""For each relation the values by which rows would refer to what the batch deletes."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """One relation: the values by which rows would refer to a batch's, and such a row."""

    reference: Reference
    columns: tuple[Column, ...]
    values: sa.Select[Any]
    rows: sa.Select[Any]


def _follows(work: Work, item: Outside) -> bool:
    """The record is moved, and rows that refer to it in its vault do so on either side."""
    vault = work.bound.vault
    if not work.moves or vault is None or not item.reference.either:
        return False
    return item.inside or item.reference.table in {twin.target.id for twin in vault.twins}


class LookAgain:
    """The looks of one job; none where every reference is the database's own, or nobody else can write."""

    def __init__(self, dialect: Dialect, connection: Connection, statements: Statements) -> None:
        self._dialect = dialect
        self._connection = connection
        work = statements.work
        self._only = {part.table.id for part in work.bound.parts if part.table.only}
        self._only |= {item.source.table for item in work.referring if item.source.only}
        links = [part.reference for part in work.bound.parts]
        every = [*links, *(item.reference for item in work.bound.outside if not _follows(work, item))]
        tables = {part.table.id: part.table for part in work.bound.parts} | {
            work.bound.root.id: work.bound.root
        }
        self.looks = [
            self._look(statements, reference, tables[reference.target].columns)
            for reference in every
            if dialect.row_locks and not reference.declared
        ]

    def _look(self, statements: Statements, reference: Reference, columns: Mapping[str, Column]) -> Look:
        there = tuple(columns[name] for name in reference.target_columns)
        referring = table(reference.table, only=reference.table in self._only).alias("g")
        sides = [column_of(referring, name) for name in reference.columns]
        rows: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(referring)
        return Look(
            reference=reference,
            columns=there,
            values=statements.referred_to(reference),
            rows=rows.where(self._dialect.key_in(sides, there)).limit(sa.literal_column("1")),
        )

    def remember(self, given: Mapping[str, Any]) -> LedTo:
        """Before the batch deletes: what rows would refer to, of the records handed over as `given`."""
        return [(look.reference, plain_rows(self._connection, look.values, given)) for look in self.looks]

    def look(self, led_to: LedTo, where: str) -> None:
        """After it: Transient where a row refers to one of its rows by now."""
        for look, (reference, values) in zip(self.looks, led_to, strict=True):
            if not values:
                continue
            given = self._dialect.give_keys(self._connection, look.columns, values)
            if plain_rows(self._connection, look.rows, given):
                raise Transient(
                    f"{where}: a row that refers to a record by {described(reference)} came meanwhile"
                )
