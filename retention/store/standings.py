"""How each job has fared, over all runs: its last outcome, its last success, its failures in a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from retention.store.schema import standing


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Rule × dataset: the outcome of the newest run that had it. `failures`: in a row, up to now."""

    rule: str
    connector: str
    dataset: str
    run: str
    at: datetime
    status: str
    reason: str | None
    succeeded: datetime | None
    failures: int


class StandingsReading:
    """Standings, for reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[Standing]:
        """Every job that ever was in a run, by name."""
        query = select(standing).order_by(standing.c.rule, standing.c.connector, standing.c.dataset)
        return [Standing(**row._mapping) for row in self._connection.execute(query)]


class Standings(StandingsReading):
    """Standings, within a write transaction."""

    def put(self, new: Standing, *, failed: bool, succeeded: bool) -> None:
        """Store an outcome; the last success and the failures in a row are reckoned from what was there."""
        its = (
            standing.c.rule == new.rule,
            standing.c.connector == new.connector,
            standing.c.dataset == new.dataset,
        )
        old = self._connection.execute(select(standing).where(*its)).one_or_none()
        before = 0 if old is None else old.failures
        values = {
            "run": new.run,
            "at": new.at,
            "status": new.status,
            "reason": new.reason,
            "succeeded": new.at if succeeded else None if old is None else old.succeeded,
            "failures": before + 1 if failed else 0 if succeeded else before,
        }
        if old is None:
            place = {"rule": new.rule, "connector": new.connector, "dataset": new.dataset}
            self._connection.execute(insert(standing), {**place, **values})
        else:
            self._connection.execute(update(standing).where(*its), values)
