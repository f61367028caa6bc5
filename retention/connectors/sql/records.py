"""One record, for `explain`: the same predicates as plan and run, read for a single key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Answers, Dates, Key, RecordView
from retention.connectors.sql.batches.passing import worked_out
from retention.connectors.sql.batches.statements import Statements
from retention.connectors.sql.copies import refuse_too_many
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.predicates import among_values, bound
from retention.errors import UsageError
from retention.model import predicate as p
from retention.model.catalogue import Column, Kind, TableId
from retention.model.typed import as_typed, pieces
from retention.planning.binding.reach import described
from retention.planning.fates.chains import DUE, action_of
from retention.planning.fates.reasons import Asked, Latest, Questions, Rows
from retention.planning.work import Shown, Work

_SHOWN_ROWS = 5
_KEYS_AT_ONCE = 1_000


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
        here, work = self._here(text), self._work
        asked = tuple(
            p.AnyOf(items=()) if test is None else test for test in (work.late, work.undecided, work.ringed)
        )
        refuse_too_many(self._dialect, f"reading a record of {work.bound}", work.fate, *asked)
        compiler, rows = worked_out(self._statements, (work.fate, work.records, *asked), here)
        flags = (sa.case((compiler.test(test), 1), else_=0) for test in asked)
        query: sa.Select[Any] = sa.select(compiler.choice(work.fate), *flags).select_from(rows)
        limits = here if rows is self._statements.root else []
        row = self._row(compiler.behind(query.where(*limits, compiler.test(work.records))))
        if row is None:
            return None
        return RecordView(
            fate=row[0] if action_of(row[0]) is None else DUE,
            action=action_of(row[0]),
            overdue=bool(row[1]) and row[0] in (*self._work.labels, "referenced", "conflict"),
            parts=self._parts(here),
            referring=self._referring(here),
            undecided=bool(row[2]),
            ringed=bool(row[3]) and row[0] == "referenced",
        )

    def ask(self, text: str, questions: Questions) -> Answers:
        """Each question by a statement of its own: all of them in one would be more than some databases take."""
        here = self._here(text)
        tests = {name: self._truth(test, here) for name, test in questions.tests.items()}
        values = {name: self._asked(value, here) for name, value in questions.values.items()}
        rows = {name: self._some(each, here) for name, each in questions.rows.items()}
        return Answers(tests=tests, values=values, rows=rows)

    def _truth(self, test: p.Test, here: list[Any]) -> bool | None:
        both = p.IsTrue(item=test), p.IsTrue(item=p.Not(item=test))
        compiler, rows = worked_out(self._statements, both, here)
        states: list[tuple[Any, Any]] = [
            (compiler.test(each), sa.literal_column(n)) for each, n in zip(both, "10", strict=True)
        ]
        query: sa.Select[Any] = sa.select(sa.case(*states, else_=sa.literal_column("2")))
        limits = here if rows is self._statements.root else []
        row = self._row(compiler.behind(query.select_from(rows).where(*limits)))
        return None if row is None or row[0] == 2 else row[0] == 1

    def _asked(self, asked: Asked, here: list[Any]) -> str | None:
        if isinstance(asked, Latest):
            value, kind = self._latest(asked.related), asked.related.field.kind
        else:
            value = self._statements.compiler.expression(asked)
            kind = asked.kind if isinstance(asked, p.Field) else Kind.OTHER
            kind = asked.field.kind if isinstance(asked, p.Lookup) else kind
        query = sa.select(self._dialect.shown_value(value, kind)).select_from(self._statements.root)
        row = self._row(query.where(*here))
        return None if row is None or row[0] is None else _shown(row[0])

    def _some(self, asked: Rows, here: list[Any]) -> tuple[int, tuple[str, ...]]:
        compiler = self._statements.compiler
        rows = compiler.source(asked.source)
        pair = sa.join(self._statements.root, rows, compiler.test(asked.where))
        query: sa.Select[Any] = sa.select(sa.func.count()).select_from(pair).where(*here)
        count = int(self._connection.execute(query).scalar_one())
        columns = [compiler.column(asked.source, name) for name in asked.key]
        if not count or not columns:
            return count, ()
        some = sa.select(*columns).select_from(pair).where(*here).order_by(*columns).limit(_SHOWN_ROWS)
        found = self._connection.execute(some).fetchall()
        return count, tuple(as_typed([_shown(value) for value in row]) for row in found)

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

    def _value(self, shown: Shown) -> Any:
        """The component's own value, or the latest of the related rows'."""
        if shown.related is None:
            return self._statements.column(shown.component.column.name)
        return self._latest(shown.related)

    def _latest(self, related: p.RelatedField) -> Any:
        """The latest value in the related rows."""
        compiler = self._statements.compiler
        inner, position = compiler.source(related.field.source), compiler.position(related.field)
        query = sa.select(compiler.field(related.field)).select_from(inner)
        known = position.is_not(sa.null())
        query = query.where(compiler.test(related.where), known).order_by(position.desc()).limit(1)
        return query.correlate_except(inner).scalar_subquery()

    def dates(self, event: str, timezone: str, keys: Sequence[tuple[Any, ...]]) -> Iterator[Dates]:
        """The event of each of the records, as a rule reads it that counts in the zone."""
        statements, compiler = self._statements, self._statements.compiler
        shown = self._work.events[event, timezone]
        values = []
        for each in shown:
            known = sa.or_(*(compiler.test(each.states[state]) for state in (p.State.PAST, p.State.RECENT)))
            there = self._value(each) if each.readable is None else self._latest(each.readable)
            value = self._dialect.shown_value(there, each.component.column.kind)
            values.append(sa.case((known, value)))
        unclear = sa.or_(sa.false(), *(compiler.test(each.states[p.State.UNCLEAR]) for each in shown))
        flag = sa.case((unclear, sa.literal_column("1")), else_=sa.literal_column("0"))
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[start : start + _KEYS_AT_ONCE]
            query = sa.select(*statements.key_columns, *values, flag).select_from(statements.root)
            for row in self._connection.execute(query.where(among_values(statements.key_columns, some))):
                width = len(statements.key)
                texts = tuple(None if value is None else _shown(value) for value in row[width:-1])
                yield Dates(key=tuple(row[:width]), values=texts, unclear=bool(row[-1]))

    def _parts(self, here: list[Any]) -> dict[str, int]:
        counts: dict[str, int] = {}
        for part in self._work.bound.parts:
            query = self._statements.part_rows(part.table).where(*here)
            counts[str(part.table.id)] = self._connection.execute(query).scalar_one()
        return counts

    def _referring(self, here: list[Any]) -> dict[str, tuple[int, tuple[str, ...]]]:
        """Rows that stay and refer to the record: how many, and the keys of some."""
        found: dict[str, tuple[int, tuple[str, ...]]] = {}
        for item in self._work.referring:
            asked = Rows(source=item.source, where=item.rows, key=self._keys[item.source.table])
            some = self._some(asked, here)
            if some[0]:
                found[described(item.outside.reference)] = some
        return found


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)
