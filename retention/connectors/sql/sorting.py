"""Records of which a test is true, and which of further tests are: in ranges of the key, as a plan counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Key
from retention.connectors.sql.alike import alike, slot_values
from retention.connectors.sql.batches.statements import Statements
from retention.connectors.sql.counting import AT_ONCE, FEW, RANGE, SPECIAL, VALUES
from retention.connectors.sql.dialect import Dialect, plain_rows
from retention.connectors.sql.named import among_values
from retention.connectors.sql.predicates import bound
from retention.connectors.sql.ranges import key_range
from retention.model import predicate as p
from retention.planning.work import Work

LOOKED_AT = 2_000
"""Records that each of the further tests is asked of in one statement."""


class Sorter:
    """Sorts the records of one job over one connection."""

    def __init__(
        self, dialect: Dialect, connection: Connection, work: Work, wanted: p.Test, tests: Sequence[p.Test]
    ) -> None:
        self._dialect, self._connection, self._work = dialect, connection, work
        self._wanted, self._tests = wanted, tests

    def found(self, among: Sequence[Key] | None) -> Iterator[tuple[Key, frozenset[int]]]:
        """Of all records, or of those with these keys."""
        return self.every() if among is None else self.among(among)

    def every(self) -> Iterator[tuple[Key, frozenset[int]]]:
        """Of all records, in the order of their keys."""
        statements = Statements(self._dialect, self._work)
        after: Key | None = None
        while True:
            upto = self._boundary(statements, after)
            yield from self._sorted(statements, key_range(statements, after, upto), {})
            if upto is None:
                return
            after = upto

    def among(self, keys: Sequence[Key]) -> Iterator[tuple[Key, frozenset[int]]]:
        """Of the records with these keys."""
        lists = self._work.lists
        if len(keys) <= FEW:
            statements = Statements(self._dialect, self._work)
            yield from self._sorted(statements, [among_values(statements.key_columns, keys)], {})
            return
        most = min(SPECIAL, VALUES // (1 + len(lists.days)))
        for some in alike(str(self._work.bound), lists, keys, most):
            values = dict(slot_values(self._dialect, self._work.bound.key, some))
            statements = Statements(self._dialect, replace(self._work, lists=some.lists))
            yield from self._sorted(statements, [among_values(statements.key_columns, some.keys)], values)

    def _boundary(self, statements: Statements, after: Key | None) -> Key | None:
        size = AT_ONCE if self._work.bound.tangled else RANGE
        columns = statements.key_columns
        query = sa.select(*columns).select_from(statements.root)
        query = query.where(*statements.key_known, *key_range(statements, after, None)).order_by(*columns)
        row = self._connection.execute(query.offset(bound(size - 1)).limit(bound(1))).first()
        return None if row is None else tuple(row)

    def _sorted(
        self, statements: Statements, where: Sequence[Any], values: dict[str, Any]
    ) -> Iterator[tuple[Key, frozenset[int]]]:
        compiler, columns = statements.compiler, statements.key_columns
        records = [*where, *statements.key_known, compiler.test(self._work.records)]
        query = sa.select(*columns).select_from(statements.root).order_by(*columns)
        found = plain_rows(self._connection, query.where(*records, compiler.test(self._wanted)), values)
        for start in range(0, len(found), LOOKED_AT):
            some = found[start : start + LOOKED_AT]
            true: dict[Key, set[int]] = {key: set() for key in some}
            for place, test in enumerate(self._tests):
                asked = sa.select(*columns).select_from(statements.root)
                asked = asked.where(among_values(columns, some), compiler.test(test))
                for key in plain_rows(self._connection, asked, values):
                    true[key].add(place)
            yield from ((key, frozenset(places)) for key, places in true.items())
