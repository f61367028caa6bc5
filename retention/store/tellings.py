"""Told events: who told what of whom. Their identifiers are personal data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from retention.errors import RetentionError
from retention.ledger.line import canonical, format_instant
from retention.model.told import Subject, Telling, normalised
from retention.store.holds import look_again
from retention.store.schema import telling, telling_subject

_IN_FORCE = telling.c.withdrawn.is_(None)
_AT_ONCE = 500


def telling_digest(told: Telling, steps: Mapping[str, Sequence[str]], *, dated: bool = True) -> str:
    """The same for two tellings of the same event of the same persons, compared as `steps` say for each kind.

    With `dated` it also happened at the same time, else it was told under the same reference.
    """
    typed = {(s.kind, normalised(s.value, steps.get(s.kind, ()))) for s in told.subjects if s.source is None}
    at = format_instant(told.at) if isinstance(told.at, datetime) else told.at.isoformat()
    which = ["at", at] if dated or told.ref is None else ["ref", told.ref]
    return hashlib.sha256(canonical([told.event, [list(s) for s in sorted(typed)], which])).hexdigest()


class TellingsReading:
    """Tellings, for reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def in_force(self) -> list[Telling]:
        """Every telling that is not withdrawn, oldest first."""
        query = select(telling).where(_IN_FORCE).order_by(telling.c.number)
        of = select(telling.c.id).where(_IN_FORCE)
        return self._tellings(query, select(telling_subject).where(telling_subject.c.telling.in_(of)))

    def get(self, id: str) -> Telling | None:
        """One telling, withdrawn or not; None where there is none."""
        query = select(telling).where(telling.c.id == id)
        found = self._tellings(query, select(telling_subject).where(telling_subject.c.telling == id))
        return found[0] if found else None

    def same(self, digests: Iterable[str]) -> dict[str, str]:
        """Digest → id of the tellings in force that have one of these."""
        asked = list(digests)
        found: dict[str, str] = {}
        for start in range(0, len(asked), _AT_ONCE):
            some = asked[start : start + _AT_ONCE]
            query = select(telling.c.digest, telling.c.id).where(_IN_FORCE, telling.c.digest.in_(some))
            found |= {row.digest: row.id for row in self._connection.execute(query)}
        return found

    def _tellings(self, query: Any, named: Any) -> list[Telling]:
        subjects: dict[str, list[Subject]] = {}
        for row in self._connection.execute(named.order_by(telling_subject.c.number)):
            subjects.setdefault(row.telling, []).append(
                Subject(kind=row.kind, value=row.value, source=row.source)
            )
        return [_telling(row, subjects.get(row.id, ())) for row in self._connection.execute(query)]


class Tellings(TellingsReading):
    """Tellings, within a write transaction."""

    def put(self, told: Sequence[tuple[Telling, str]]) -> None:
        """Store tellings, each with its digest."""
        if not told:
            return
        self._connection.execute(insert(telling), [_row(each, digest) for each, digest in told])
        subjects = [row for each, _ in told for row in _subjects(each.id, each.subjects)]
        self._connection.execute(insert(telling_subject), subjects)

    def must_be_heard(self) -> None:
        """From this transaction's commit on no batch commits that has not heard what is told."""
        look_again(self._connection)

    def widen(self, id: str, subjects: Iterable[Subject]) -> None:
        """Add identifiers of the persons that a telling names."""
        self._connection.execute(insert(telling_subject), _subjects(id, subjects))

    def withdraw(self, id: str, *, at: datetime) -> None:
        """Take one back, and forget of whom it told; from its commit on no batch commits that still counts on it.

        RetentionError where none of this id is in force.
        """
        query = update(telling).where(telling.c.id == id, _IN_FORCE)
        if self._connection.execute(query, {"withdrawn": at, "digest": ""}).rowcount != 1:
            raise RetentionError(f"there is no told event {id} in force")
        self._connection.execute(delete(telling_subject).where(telling_subject.c.telling == id))
        self.must_be_heard()


def _subjects(id: str, subjects: Iterable[Subject]) -> list[dict[str, Any]]:
    return [{"telling": id, "kind": s.kind, "value": s.value, "source": s.source} for s in subjects]


def _row(told: Telling, digest: str) -> dict[str, Any]:
    exact = isinstance(told.at, datetime)
    return {
        "id": told.id,
        "digest": digest,
        "event": told.event,
        "instant": told.at if exact else None,
        "day": None if exact else told.at.isoformat(),
        "told_at": told.told_at,
        "by": told.by,
        "behalf": told.behalf,
        "ref": told.ref,
        "withdrawn": told.withdrawn,
    }


def _telling(row: Row[Any], subjects: Sequence[Subject]) -> Telling:
    return Telling(
        id=row.id,
        event=row.event,
        subjects=tuple(subjects),
        at=row.instant if row.instant is not None else date.fromisoformat(row.day),
        told_at=row.told_at,
        by=row.by,
        behalf=row.behalf,
        ref=row.ref,
        withdrawn=row.withdrawn,
    )
