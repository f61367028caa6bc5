"""Which way batches are taken: by pages, by spans of an index, or by keys."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from retention.connectors.sql import once
from retention.connectors.sql.batches.pages import PageRemover
from retention.connectors.sql.batches.removal import KeyRemover
from retention.connectors.sql.batches.spans import SpanRemover
from retention.connectors.sql.batches.statements import Statements
from retention.connectors.sql.dialect import Dialect
from retention.planning.work import Work

DENSE = 0.1
"""From this share of due records on, reading past the others costs less than looking the due ones up."""


def way_of(dialect: Dialect, connection: Connection, work: Work, dense: bool) -> type[KeyRemover]:
    """How batches are taken that nothing was written down for. `dense`: many of the records are due."""
    if work.stays or work.moves or not (work.at_once and work.nothing_refers):
        return KeyRemover
    if once.asks_at_once(work.still_due):
        return KeyRemover  # each range would work it out of the whole table
    if dialect.physical is not None and (dense or no_index(dialect, work)):
        return PageRemover
    spans = not dialect.row_locks or _in_spans(dialect, connection, work, dense)
    return SpanRemover if spans else KeyRemover


def _in_spans(dialect: Dialect, connection: Connection, work: Work, dense: bool) -> bool:
    """The due rows lie close together in some order, so that few others are passed, and locked, on the way.

    Where a tenant's period decides, no clock says which they are.
    """
    if not work.own_columns:
        return dense
    return dialect.returns_deleted(connection) and (dense or not no_index(dialect, work))


def no_index(dialect: Dialect, work: Work) -> bool:
    """No index leads to the due rows: all have to be looked at anyway."""
    return Statements(dialect, work).order().clock is None
