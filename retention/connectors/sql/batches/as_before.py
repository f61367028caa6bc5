"""Records that people told something of, locked as long as they say of themselves what they said before the run.

Then it is known already which lists each is on: the statement that locks them looks that up, and gives back what they
say now. Where one says something else, or others have locked one, the batch asks under its locks.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Key
from retention.connectors.sql.batches.statements import Statements
from retention.connectors.sql.dialect import Dialect, Rows, rows_at_once
from retention.connectors.sql.listing import Listing
from retention.connectors.sql.untold import ConcernedError, Untold
from retention.model.catalogue import Kind
from retention.planning.work import Work


class AsBefore:
    """Locks such records of one job, over one connection."""

    def __init__(
        self, dialect: Dialect, connection: Connection, listing: Listing | None, untold: Untold | None
    ) -> None:
        self._dialect, self._connection = dialect, connection
        self._listing, self._untold = listing, untold
        self._special = frozenset(() if listing is None else listing.special)

    def lock(self, keys: Sequence[Key]) -> Rows | None:
        """Those of the records that are due, locked: (key, whether it is late, what it says of itself).

        None where it is not known beforehand what was told of each. Raises ConcernedError where one says something
        else now, and the database's error where others have locked one.
        """
        listing, untold = self._listing, self._untold
        if listing is None or untold is None or not self._special.issuperset(keys):
            return None
        known = listing.beforehand("lock", keys, self._locking)
        if known is None:
            return None
        persons, asked = known
        found: Rows = []
        began = [] if listing.bound.began is None else [Kind.TEXT]  # it is shown
        for statement, some, values in asked:
            given = self._dialect.give_keys(self._connection, untold.key, some)
            kinds = [*(column.kind for column in untold.key), Kind.INTEGER, *untold.kinds, *began]
            found += rows_at_once(self._dialect, self._connection, statement, kinds, {**given, **values})
        if not untold.as_before(persons, found, len(untold.key) + 1):
            raise ConcernedError
        return found

    def _locking(self, work: Work) -> sa.Select[tuple[object, ...]]:
        statements, began = Statements(self._dialect, work, untold=self._untold), work.bound.began
        query = statements.lock_due(at_once=True)
        if began is None:
            return query
        column = statements.column(began.column.name)
        return query.add_columns(self._dialect.shown_value(column, began.column.kind))
