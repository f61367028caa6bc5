"""One job's batches that move records to a vault: find, lock, recheck, copy, delete, mark, commit.

As records are deleted, and before that copied, the root's row first, under the locks of their rows: what is copied is
what is then deleted, and as many rows of each table, or the batch is undone. What several records refer to stays where
it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from retention.connectors.port import Key, Making, Remembered
from retention.connectors.sql.batches.marking_done import marked
from retention.connectors.sql.batches.remembering import RememberedKeys, RememberingRemover
from retention.connectors.sql.batches.removal import KeyRemover
from retention.connectors.sql.batches.statements import Statements
from retention.connectors.sql.copying import Copy, There
from retention.connectors.sql.dialect import Dialect, Timeouts
from retention.connectors.sql.lines import bound as given_value
from retention.connectors.sql.listing import Listing
from retention.connectors.sql.showing import UNKNOWN
from retention.connectors.sql.untold import Untold
from retention.ledger.evidence import Committer, Sealed
from retention.planning.work import Work


class Moves:
    """The statements by which the records of a job are copied."""

    def __init__(self, dialect: Dialect, statements: Statements, at: datetime | None) -> None:
        """`at`: when they are restricted; None where the statements are only looked at."""
        work = statements.work
        vault = work.bound.vault
        assert vault is not None, "a job that moves has a vault"
        zones = work.job.rule.timezone, work.bound.connector.timezone
        beside: dict[str, Any] = {}
        if vault.since is not None:
            since = UNKNOWN if at is None else dialect.value(marked(vault.since, at, *zones))
            beside[vault.since.name] = given_value(since)
        self.there = There(dialect, vault.root, vault.key, statements.key)
        self.copies = [
            Copy(dialect, statements, twin, {} if place else beside) for place, twin in enumerate(vault.twins)
        ]

    def copy(
        self, connection: Connection, given: Mapping[str, Any], records: int, where: str
    ) -> dict[str, int]:
        """Table → rows of it that were copied, of the `records` handed over as `given`."""
        self.there.refuse(connection, given, where)
        return {str(copy.source.id): copy.execute(connection, given) for copy in self.copies}


class Moving(KeyRemover):
    """What the batches of every job that moves do besides deleting."""

    doing = "restricting"
    _moves: Moves

    def _begin_moving(self, moves: Moves) -> None:
        self._moves = moves
        self._by_itself = False  # parts are locked one by one: nobody changes a row between copy and delete
        self._shared.leaving = []

    def _delete(
        self,
        due: Sequence[Key],
        given: Mapping[str, Any],
        counted: Mapping[str, int],
        *,
        beside_locks: bool,
    ) -> tuple[Mapping[str, int], Sealed | None]:
        if not due:
            return {}, None
        copied = self._moves.copy(self._connection, given, len(due), self._where)
        for name, expected in {**counted, str(self._work.bound.root.id): len(due)}.items():
            self._counted(copied[name], expected, name, "copied")
        return super()._delete(due, given, copied, beside_locks=beside_locks)


class Mover(Moving):
    """Batches by keys whose records are moved."""

    def __init__(
        self,
        dialect: Dialect,
        connection: Connection,
        work: Work,
        committer: Committer,
        timeouts: Timeouts,
        *,
        at: datetime,
        dense: bool = False,
        listing: Listing | None = None,
        untold: Untold | None = None,
    ) -> None:
        super().__init__(
            dialect, connection, work, committer, timeouts, dense=dense, listing=listing, untold=untold
        )
        self._begin_moving(Moves(dialect, self._statements, at))


class RememberedMover(Moving, RememberingRemover):
    """What was written down before other jobs changed what tells of it."""

    def __init__(
        self,
        dialect: Dialect,
        connection: Connection,
        work: Work,
        committer: Committer,
        timeouts: Timeouts,
        remembered: RememberedKeys,
        *,
        at: datetime,
        listing: Listing | None = None,
    ) -> None:
        super().__init__(dialect, connection, work, committer, timeouts, remembered, listing=listing)
        self._begin_moving(Moves(dialect, self._statements, at))


def mover(
    dialect: Dialect,
    connection: Connection,
    work: Work,
    committer: Committer,
    timeouts: Timeouts,
    making: Making,
    remembered: Remembered | None,
    *,
    dense: bool,
    listing: Listing | None,
    untold: Untold | None,
) -> Moving:
    """The remover of a job that moves records to a vault."""
    given = dialect, connection, work, committer, timeouts
    if isinstance(remembered, RememberedKeys):
        return RememberedMover(*given, remembered, at=making.at, listing=listing)
    return Mover(*given, at=making.at, dense=dense, listing=listing, untold=untold)
