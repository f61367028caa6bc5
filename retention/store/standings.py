"""How each job has fared, over all runs: its last outcome, its last success, its failures in a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from retention.store.schema import standing

_ITS = {"rule": "its_rule", "connector": "its_connector", "dataset": "its_dataset"}
_UPDATE = (
    update(standing)
    .where(*(standing.c[name] == bindparam(bound) for name, bound in _ITS.items()))
    .values({name: bindparam(name) for name in ("run", "at", "status", "reason", "succeeded", "failures")})
)


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

    def put(self, outcomes: Sequence[Standing]) -> None:
        """Store outcomes: each with `failures` 1 or 0, and `succeeded` where it is a success.

        A success ends the failures in a row; what is neither leaves them and the last success as they were.
        """
        before = {(old.rule, old.connector, old.dataset): old for old in self.all()} if outcomes else {}
        new, known = [], []
        for each in outcomes:
            old = before.get((each.rule, each.connector, each.dataset))
            values = asdict(each)
            if old is None:
                new.append(values)
                continue
            if each.succeeded is None:
                values |= {"succeeded": old.succeeded, "failures": old.failures + each.failures}
            known.append({_ITS[name]: values.pop(name) for name in _ITS} | values)
        if new:
            self._connection.execute(insert(standing), new)
        if known:
            self._connection.execute(_UPDATE, known)
