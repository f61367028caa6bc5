"""Records that were set aside with a reason, to be tried again. Their keys are personal data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from retention.store.schema import set_aside


@dataclass(frozen=True, kw_only=True)
class SetAsideRow:
    """One record: `key` is its key as JSON text, `reason` what kept failing."""

    connector: str
    dataset: str
    key: str
    rule: str
    reason: str
    run: str
    at: datetime


class SetAsideReading:
    """Records set aside, for reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, connector: str, dataset: str) -> Iterator[SetAsideRow]:
        """A dataset's, in no order that means anything."""
        query = select(set_aside).where(set_aside.c.connector == connector, set_aside.c.dataset == dataset)
        for row in self._connection.execute(query):
            fields = dict(row._mapping)
            del fields["key_hash"]
            yield SetAsideRow(**fields)

    def count(self, connector: str | None = None, dataset: str | None = None) -> int:
        """How many there are: of all, of a connector, or of a dataset."""
        query = select(func.count()).select_from(set_aside)
        if connector is not None:
            query = query.where(set_aside.c.connector == connector)
        if dataset is not None:
            query = query.where(set_aside.c.dataset == dataset)
        return self._connection.scalar(query) or 0


class SetAside(SetAsideReading):
    """Records set aside, within a write transaction."""

    def put(self, row: SetAsideRow) -> None:
        """Set a record aside; the newest reason replaces the one before."""
        self.remove(row.connector, row.dataset, row.key)
        self._connection.execute(insert(set_aside), {**asdict(row), "key_hash": _hash(row.key)})

    def remove(self, connector: str, dataset: str, key: str) -> None:
        """Forget one: it went at last, or is not due any more. No error where it is not there."""
        self._connection.execute(
            delete(set_aside).filter_by(connector=connector, dataset=dataset, key_hash=_hash(key))
        )


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
