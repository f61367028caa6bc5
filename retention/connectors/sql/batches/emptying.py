"""Step 4 table by table: what rows of a batch refer to each other by is loosened, then they go.

Where a reference among the rows of one table can't be loosened, and the database looks at each row as it
goes, what nothing refers to goes first, then what nothing refers to any more, and so on. Rows of a ring stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from retention.connectors.port import Key
from retention.connectors.sql.batches.own_keys import Keyed, KeyedDelete
from retention.connectors.sql.batches.statements import Statements
from retention.connectors.sql.dialect import Dialect, plain_rows
from retention.model.catalogue import Column, Table
from retention.planning.binding.bound import Loosened


def _key(statements: Statements, member: Table) -> list[Column]:
    return [member.columns[name] for name in statements.key_of(member)]


class Emptying:
    """The rows of one table that belong to the records handed over."""

    def __init__(self, dialect: Dialect, statements: Statements, member: Table) -> None:
        self.name = member.id.name
        self._again = bool(statements.in_rounds(member))
        self.direct = member.id == statements.work.bound.root.id and not self._again
        self.statement = statements.delete(member)
        self.lookup = statements.lookup(member)
        key = _key(statements, member)
        self.keyed = KeyedDelete(dialect, member, key) if dialect.own_keys else None

    def delete(
        self, connection: Connection, due: Sequence[Key], given: Mapping[str, Any], *, beside_locks: bool
    ) -> int:
        """How many rows went, of the records whose keys are `due` and were handed over as `given`."""
        gone = more = self._once(connection, due, given, beside_locks=beside_locks)
        while self._again and more:
            more = self._once(connection, due, given, beside_locks=beside_locks)
            gone += more
        return gone

    def _once(
        self, connection: Connection, due: Sequence[Key], given: Mapping[str, Any], *, beside_locks: bool
    ) -> int:
        if self.keyed is None:
            return int(connection.execute(self.statement, given).rowcount)
        free = due if self.direct else plain_rows(connection, self.lookup, given)
        return self.keyed.delete(connection, free, beside_locks=beside_locks) if free else 0


class Loosening:
    """One reference among rows that go together, set to NULL before they go."""

    def __init__(
        self, dialect: Dialect, statements: Statements, item: Loosened, *, every: bool = False
    ) -> None:
        """`every`: wherever the rows lead, which may be to records of another dataset."""
        member = next(m for m in statements.members if m.id == item.reference.table)
        self.name = member.id.name
        self.among = statements.among(item, every=every)
        self.statement = statements.loosen(item, every=every)
        self.keyed: Keyed | None = None
        if dialect.own_keys:
            self.keyed = Keyed(dialect, member, _key(statements, member), statements.loosening(item))

    def loosen(
        self, connection: Connection, given: Mapping[str, Any], *, beside_locks: bool
    ) -> tuple[int, int]:
        """How many rows were changed, and how many had to be."""
        if self.keyed is None:
            changed = int(connection.execute(self.statement, given).rowcount)
            return changed, changed
        keys = plain_rows(connection, self.among, given)
        if not keys:
            return 0, 0
        return self.keyed.execute(connection, keys, beside_locks=beside_locks), len(keys)
