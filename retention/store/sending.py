"""Statements on the hot path: compiled once, run by the driver itself, several in one round trip.

Within a transaction a statement that nobody needs an answer of waits, and is sent with the next one
that is asked for something, or with the COMMIT. What comes by SQLAlchemy's own way goes behind what
waits, so nothing is ever read or written out of order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ClauseElement, ColumnElement, Compiled, Connection, Table, bindparam, insert, update

from retention.errors import RetentionError

Check = Callable[[int], None]
"""Told how many rows a statement matched; raises where that is not right."""

_BACKEND = "retention_backend"
_WAITING = "retention_waiting"
_MOST = 64
_MOST_BYTES = 1 << 18
"""What waits at most, so that a long transaction does not grow in memory."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL in the driver's own words, with its values; `check` sees how many rows it matched."""

    sql: str
    values: Any = None
    check: Check | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A statement's rows, where it has any, and how many it matched."""

    rows: list[Any]
    count: int


class Sender(Protocol):
    """What a kind of database does with statements."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises."""

    def meaning(self, error: BaseException) -> RetentionError:
        """What a driver's error means to the operator."""

    def send(self, driver: Any, statements: Sequence[Statement]) -> list[Answer]:
        """The answers, in order; none is run behind one that failed. Raises the driver's errors."""


def options(sender: Sender) -> dict[str, Any]:
    """The execution options of an engine whose statements this sender sends."""
    return {_BACKEND: sender}


class Waiting:
    """What waits on one connection of the driver's."""

    def __init__(self) -> None:
        self._statements: list[Statement] = []
        self._bytes = 0

    @classmethod
    def on(cls, connection: Connection) -> Waiting:
        """What waits on this connection."""
        info = connection.info
        found: Waiting | None = info.get(_WAITING)
        if found is None:
            found = info[_WAITING] = cls()
        return found

    def __bool__(self) -> bool:
        return bool(self._statements)

    @property
    def checked(self) -> bool:
        """Whether there is a check to be made before anything may be committed."""
        return any(statement.check is not None for statement in self._statements)

    def put(self, connection: Connection, statement: Statement) -> None:
        """Let a statement wait; where that gets too much, all are sent."""
        self._statements.append(statement)
        self._bytes += _size(statement.values)
        if len(self._statements) >= _MOST or self._bytes >= _MOST_BYTES:
            self.send(connection)

    def send(self, connection: Connection, *asked: Statement) -> Answer:
        """Send what waits, with `asked` behind it; the last one's answer. Raises wrapped errors, and the checks'."""
        statements = (*self._statements, *asked)
        self.clear()
        answers = [Answer([], 0)]
        if statements:
            sender: Sender = connection.get_execution_options()[_BACKEND]
            try:
                answers = sender.send(connection.connection.dbapi_connection, statements)
            except sender.errors as error:
                raise sender.meaning(error) from error
            for statement, answer in zip(statements, answers, strict=True):
                if statement.check is not None:
                    statement.check(answer.count)
        return answers[-1]

    def clear(self) -> None:
        """Forget what waits: its transaction is over."""
        self._statements.clear()
        self._bytes = 0


class Hot:
    """A statement on the hot path: compiled once for each kind of database.

    Saves four fifths of SQLAlchemy's time for it, and its conversions: values go in and come out
    as the column's plain type. Driver errors come wrapped.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, Compiled] = {}

    def run(self, connection: Connection, values: Mapping[str, object]) -> list[Any]:
        """The rows, where the statement has any."""
        return self._asked(connection, values).rows

    def count(self, connection: Connection, values: Mapping[str, object]) -> int:
        """Runs it; how many rows it matched."""
        return self._asked(connection, values).count

    def later(self, connection: Connection, values: Mapping[str, object], check: Check | None = None) -> None:
        """Runs it with the transaction's next question, or before its end. What it raises comes then."""
        Waiting.on(connection).put(connection, self._bound(connection, values, check))

    def _asked(self, connection: Connection, values: Mapping[str, object]) -> Answer:
        return Waiting.on(connection).send(connection, self._bound(connection, values))

    def _bound(
        self, connection: Connection, values: Mapping[str, object], check: Check | None = None
    ) -> Statement:
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = self._statement.compile(dialect=dialect)
        order = getattr(compiled, "positiontup", None)
        bound = values if order is None else tuple(values[name] for name in order)
        return Statement(compiled.string, bound, check)


def inserting(table: Table, *columns: str) -> Hot:
    """Adds a row; its values come by the columns' names."""
    return Hot(insert(table).values({name: bindparam(name) for name in columns}))


def updating(table: Table, *columns: str, where: Sequence[ColumnElement[bool]]) -> Hot:
    """Sets columns; their values come as `new_` and the name."""
    return Hot(update(table).where(*where).values({name: bindparam(f"new_{name}") for name in columns}))


def execute(connection: Connection, sql: str) -> list[Any]:
    """One statement by the driver itself; its rows. Driver errors come wrapped."""
    return Waiting.on(connection).send(connection, Statement(sql)).rows


def one_by_one(driver: Any, statements: Sequence[Statement]) -> list[Answer]:
    """A `Sender.send` for a database that is no round trip away."""
    answers = []
    for statement in statements:
        cursor = driver.cursor()
        try:
            cursor.execute(statement.sql) if statement.values is None else cursor.execute(
                statement.sql, statement.values
            )
            answers.append(answer_of(cursor))
        finally:
            cursor.close()
    return answers


def together(cursor: Any, statements: Sequence[Statement]) -> list[Answer]:
    """A `Sender.send` in one round trip, by a cursor whose driver spells values out (`mogrify`)."""
    cursor.execute("; ".join(_spelt(cursor, statement) for statement in statements))
    answers = [answer_of(cursor)]
    while cursor.nextset():
        answers.append(answer_of(cursor))
    return answers


def answer_of(cursor: Any) -> Answer:
    """What a cursor has of the statement that it stands at."""
    return Answer(list(cursor.fetchall()) if cursor.description else [], cursor.rowcount)


def _spelt(cursor: Any, statement: Statement) -> str:
    if statement.values is None:
        return statement.sql
    spelt: str = cursor.mogrify(statement.sql, statement.values)
    return spelt


def _size(values: Any) -> int:
    items = values.values() if isinstance(values, Mapping) else values or ()
    return sum(len(value) for value in items if isinstance(value, (bytes, str)))
