"""Whose turn it is: for each rule the last of its schedule's times that was begun, and what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from retention.store.schema import turn


@dataclass(frozen=True, kw_only=True)
class Turn:
    """`slot`: the time of the schedule that was begun last. `ended`: it is over, whatever came of it.

    Else it was interrupted, or is tried again: not before `again`, for the `attempts`-th time after so many,
    and on these `connectors` only (none named: on all).
    """

    rule: str
    schedule: str
    timezone: str
    slot: datetime
    ended: bool
    attempts: int = 0
    again: datetime | None = None
    connectors: tuple[str, ...] = field(default=())


class TurnsReading:
    """Turns, for reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> dict[str, Turn]:
        """Rule → its turn."""
        return {row.rule: _turn(row) for row in self._connection.execute(select(turn))}

    def of(self, rule: str) -> Turn | None:
        """A rule's turn; None where it never had one."""
        row = self._connection.execute(select(turn).where(turn.c.rule == rule)).one_or_none()
        return None if row is None else _turn(row)


class Turns(TurnsReading):
    """Turns, within a write transaction, which has the head row to itself."""

    def put(self, new: Turn) -> None:
        """Store a rule's turn, in place of the last one."""
        values = {
            "schedule": new.schedule,
            "timezone": new.timezone,
            "slot": new.slot,
            "ended": new.ended,
            "attempts": new.attempts,
            "again": new.again,
            "connectors": json.dumps(list(new.connectors)),
        }
        if self.of(new.rule) is None:
            self._connection.execute(insert(turn), {"rule": new.rule, **values})
        else:
            self._connection.execute(update(turn).where(turn.c.rule == new.rule), values)


def _turn(row: Row[Any]) -> Turn:
    return Turn(
        rule=row.rule,
        schedule=row.schedule,
        timezone=row.timezone,
        slot=row.slot,
        ended=row.ended,
        attempts=row.attempts,
        again=row.again,
        connectors=tuple(json.loads(row.connectors or "[]")),
    )
