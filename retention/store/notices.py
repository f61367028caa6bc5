"""What people are to be told of, and how far that got: a row for each channel and condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from retention.store.schema import notice


@dataclass(frozen=True, kw_only=True)
class StoredNotice:
    """A condition on its way to a channel.

    `text`: the document of whoever wrote it. `since`: when the condition began; `over`: when it ended, None: it
    lasts. `number`: how many messages the channel has taken, the last of them at `told`. `attempts`: how often the
    next one has failed, which is tried again at `again`.
    """

    channel: str
    key: str
    kind: str
    text: str
    since: datetime
    number: int = 0
    told: datetime | None = None
    over: datetime | None = None
    attempts: int = 0
    again: datetime | None = None


class NoticesReading:
    """Notices, for reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[StoredNotice]:
        """Every one that is not done with, the oldest first."""
        query = select(notice).order_by(notice.c.since, notice.c.channel, notice.c.key)
        return [StoredNotice(**row._mapping) for row in self._connection.execute(query)]


class Notices(NoticesReading):
    """Notices, within a write transaction."""

    def put(self, rows: Sequence[StoredNotice]) -> None:
        """Store notices, new ones and changed ones."""
        for row in rows:
            values = asdict(row)
            its = {name: values.pop(name) for name in ("channel", "key")}
            where = notice.c.channel == row.channel, notice.c.key == row.key
            known = self._connection.execute(select(notice.c.key).where(*where)).first() is not None
            if known:
                self._connection.execute(update(notice).where(*where), values)
            else:
                self._connection.execute(insert(notice), its | values)

    def drop(self, rows: Sequence[StoredNotice]) -> None:
        """Forget notices. No error where one is not there."""
        for row in rows:
            where = notice.c.channel == row.channel, notice.c.key == row.key
            self._connection.execute(delete(notice).where(*where))
