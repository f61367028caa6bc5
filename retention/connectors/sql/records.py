"""One record, for `explain`: the same predicates as plan and run, read for a single key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Key, RecordView
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.predicates import bound
from retention.connectors.sql.statements import Statements
from retention.errors import UsageError
from retention.model import predicate as p
from retention.model.catalogue import Column, Kind, TableId
from retention.model.typed import as_typed, pieces
from retention.planning.bound import Component
from retention.planning.reach import described
from retention.planning.work import Work

_SHOWN_ROWS = 5


def typed_key(key: tuple[Column, ...], text: str) -> Key:
    """The key that somebody typed: `17`, or `7,3` for a composite one; UsageError where it can't be one.

    A text with a comma in it is typed in double quotes where the key is composite.
    """
    values = pieces(text, len(key))
    names = ",".join(column.name for column in key)
    if len(values) != len(key):
        raise UsageError(
            f"the key is ({names}): write {len(key)} values with commas between, not `{text}`;"
            ' a value that holds a comma stands in double quotes: "a,b",3'
        )
    return tuple(_typed(column, piece) for column, piece in zip(key, values, strict=True))


def _typed(column: Column, text: str) -> Any:
    makers: dict[Kind, Any] = {
        Kind.INTEGER: int,
        Kind.UUID: UUID,
        Kind.DATE: date.fromisoformat,
        Kind.TIMESTAMP: datetime.fromisoformat,
        Kind.TIMESTAMPTZ: datetime.fromisoformat,
        Kind.BINARY: lambda hexadecimal: bytes.fromhex(hexadecimal.removeprefix("\\x")),
    }
    try:
        return makers[column.kind](text.strip()) if column.kind in makers else text
    except ValueError:
        how = ": write it in hexadecimal, such as 00ff" if column.kind is Kind.BINARY else ""
        raise UsageError(
            f"`{text}` is no value of the key column {column.name} ({column.type}){how}"
        ) from None


class RecordReader:
    """Reads one record of a job."""

    def __init__(
        self, dialect: Dialect, connection: Connection, work: Work, keys: Mapping[TableId, tuple[str, ...]]
    ) -> None:
        self._keys = keys
        self._dialect = dialect
        self._connection = connection
        self._work = work
        self._statements = Statements(dialect, work)

    def read(self, text: str) -> RecordView | None:
        """The record whose key was typed `text`; None where there is none (or its `where` is false)."""
        statements, compiler = self._statements, self._statements.compiler
        here = self._here(text)
        undecided = self._work.undecided
        unknown = sa.false() if undecided is None else compiler.test(undecided)
        ringed = sa.false() if self._work.ringed is None else compiler.test(self._work.ringed)
        query: sa.Select[Any] = sa.select(
            compiler.choice(self._work.fate),
            statements.late,
            sa.case((unknown, 1), else_=0),
            sa.case((ringed, 1), else_=0),
        ).select_from(statements.root)
        row = self._row(query.where(*here, compiler.test(self._work.records)))
        if row is None:
            return None
        components = self._work.bound.events[self._work.job.rule.event or ""]
        return RecordView(
            fate=row[0],
            overdue=bool(row[1]) and row[0] in ("due", "referenced", "conflict"),
            components={c.text: self._component(c, here) for c in components},
            parts=self._parts(here),
            referring=self._referring(here),
            undecided=bool(row[2]),
            ringed=bool(row[3]) and row[0] == "referenced",
        )

    def leaves_out(self, text: str) -> bool:
        """A row has the key, and the dataset's `where` is false of it."""
        compiler = self._statements.compiler
        query: sa.Select[Any] = (
            sa.select(sa.literal_column("1")).select_from(self._statements.root).where(*self._here(text))
        )
        left_out = query.where(sa.not_(compiler.test(self._work.records)))
        return self._work.undecided is not None and self._row(left_out) is not None

    def _here(self, text: str) -> list[Any]:
        """The row with the key that was typed."""
        key = typed_key(self._work.bound.key, text)
        columns = self._statements.key_columns
        return [column == bound(value) for column, value in zip(columns, key, strict=True)]

    def _row(self, query: sa.Select[Any]) -> Sequence[Any] | None:
        try:
            row = self._connection.execute(query).first()
        except OverflowError:
            return None  # no integer of this database is so large, and so no row has it
        return None if row is None else tuple(row)

    def _component(self, component: Component, here: list[Any]) -> tuple[str | None, str]:
        compiler = self._statements.compiler
        states = self._work.components[component.text]
        wanted = (p.State.RECENT, p.State.UNCLEAR, p.State.PAST)
        cases: list[tuple[Any, Any]] = [
            (compiler.test(states[s]), sa.literal_column(f"'{s.value}'")) for s in wanted
        ]
        state = sa.case(*cases, else_=sa.literal_column("'missing'"))
        value = self._dialect.shown_value(self._value(component), component.column.kind)
        query = sa.select(state, value).select_from(self._statements.root).where(*here)
        found, value = self._connection.execute(query).one()
        return (None if value is None else _shown(value)), found

    def _value(self, component: Component) -> Any:
        """The component's own value, or the latest of the related rows'."""
        compiler, latest = self._statements.compiler, self._work.latest_day
        if not component.hops:
            return self._statements.column(component.column.name)
        every = self._work.bound.events[self._work.job.rule.event or ""]
        place = [c for c in every if c.hops].index(component)
        field, where = latest.related[place].field, latest.related[place].where
        inner, position = compiler.source(field.source), compiler.position(field)
        query = sa.select(compiler.field(field)).select_from(inner)
        query = (
            query.where(compiler.test(where), position.is_not(sa.null())).order_by(position.desc()).limit(1)
        )
        return query.correlate_except(inner).scalar_subquery()

    def _parts(self, here: list[Any]) -> dict[str, int]:
        counts: dict[str, int] = {}
        for part in self._work.bound.parts:
            query = self._statements.part_rows(part.table).where(*here)
            counts[str(part.table.id)] = self._connection.execute(query).scalar_one()
        return counts

    def _referring(self, here: list[Any]) -> dict[str, tuple[int, tuple[str, ...]]]:
        """Rows that stay and refer to the record: how many, and the keys of some."""
        found: dict[str, tuple[int, tuple[str, ...]]] = {}
        compiler = self._statements.compiler
        for item in self._work.referring:
            rows = compiler.source(item.source)
            pair = sa.join(self._statements.root, rows, compiler.test(item.rows))
            query = sa.select(sa.func.count()).select_from(pair).where(*here)
            count = self._connection.execute(query).scalar_one()
            if count:
                key = self._keys[item.source.table]
                columns = [compiler.column(item.source, name) for name in key]
                some = sa.select(*columns).select_from(pair).where(*here).order_by(*columns)
                shown = self._connection.execute(some.limit(_SHOWN_ROWS)).fetchall() if columns else []
                texts = tuple(as_typed([_shown(value) for value in row]) for row in shown)
                found[described(item.outside.reference)] = (count, texts)
        return found


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)
