"""The kill switch: who stopped everything, why, and when it went on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from retention.errors import RetentionError
from retention.model.switch import Stop
from retention.store.holds import look_again
from retention.store.schema import stop

_IN_FORCE = stop.c.lifted.is_(None)


class SwitchReading:
    """The kill switch, for reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def stopped(self) -> Stop | None:
        """Who stopped everything; None where all may go on. Cheap."""
        row = self._connection.execute(select(stop).where(_IN_FORCE).order_by(stop.c.number)).first()
        if row is None:
            return None
        return Stop(at=row.at, by=row.by, behalf=row.behalf, reason=row.text, ref=row.ref)


class Switch(SwitchReading):
    """The kill switch, within a write transaction."""

    def stop(self, placed: Stop) -> None:
        """From the commit on no batch commits. Raises RetentionError where everything is stopped already."""
        if self.stopped() is not None:
            raise RetentionError("everything is stopped already")
        row = {
            "at": placed.at,
            "by": placed.by,
            "behalf": placed.behalf,
            "text": placed.reason,
            "ref": placed.ref,
        }
        self._connection.execute(insert(stop), row)
        look_again(self._connection)

    def lift(self, at: datetime) -> None:
        """All may go on. Raises RetentionError where nothing is stopped."""
        if not self._connection.execute(update(stop).where(_IN_FORCE), {"lifted": at}).rowcount:
            raise RetentionError("nothing is stopped")
