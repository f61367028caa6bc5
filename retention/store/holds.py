"""Legal holds: what they cover, why, and the epoch that says that another one was placed or released."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, text, update

from retention.errors import RetentionError
from retention.ledger.line import canonical
from retention.model.told import Cover, Hold, HoldReason, Subject, folded
from retention.store.schema import head, hold, hold_subject
from retention.store.sending import Hot

_EPOCH = Hot(select(head.c.hold_epoch).where(head.c.id == text("1")))
_IN_FORCE = hold.c.released.is_(None)


def hold_digest(placed: Hold) -> str:
    """The same for two holds on the same, for the same; SHA-256 over what people typed."""
    cover = placed.cover
    typed = sorted({(s.kind, folded(s.value)) for s in cover.subjects if s.source is None})
    what = [cover.dataset, cover.key, cover.data, cover.rule]
    why = [placed.reason.value, placed.text, placed.behalf, placed.authority, placed.ref]
    review = None if placed.review is None else placed.review.isoformat()
    return hashlib.sha256(canonical([[list(each) for each in typed], what, why, review])).hexdigest()


class HoldsReading:
    """Holds, for reading."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def epoch(self) -> int:
        """Changes with every hold that is placed, widened or released, and with the kill switch. Every batch asks."""
        return int(_EPOCH.run(self._connection, {})[0][0])

    def in_force(self) -> list[Hold]:
        """Every hold that is not released, oldest first."""
        query = select(hold).where(_IN_FORCE).order_by(hold.c.number)
        of = select(hold.c.id).where(_IN_FORCE)
        return self._holds(query, select(hold_subject).where(hold_subject.c.hold.in_(of)))

    def touched(self) -> datetime | None:
        """When a hold was last placed or released; None where there never was one."""
        found = self._connection.execute(select(func.max(hold.c.at), func.max(hold.c.released))).one()
        return max((at for at in found if at is not None), default=None)

    def get(self, id: str) -> Hold | None:
        """One hold, released or not; None where there is none."""
        query = select(hold).where(hold.c.id == id)
        found = self._holds(query, select(hold_subject).where(hold_subject.c.hold == id))
        return found[0] if found else None

    def same(self, placed: Hold) -> Hold | None:
        """A hold in force on the same, for the same."""
        query = select(hold.c.id).where(_IN_FORCE, hold.c.digest == hold_digest(placed))
        id = self._connection.scalar(query.order_by(hold.c.number).limit(1))
        return None if id is None else self.get(id)

    def _holds(self, query: Any, named: Any) -> list[Hold]:
        subjects: dict[str, list[Subject]] = {}
        for row in self._connection.execute(named.order_by(hold_subject.c.number)):
            subjects.setdefault(row.hold, []).append(
                Subject(kind=row.kind, value=row.value, source=row.source)
            )
        return [_hold(row, subjects.get(row.id, ())) for row in self._connection.execute(query)]


class Holds(HoldsReading):
    """Holds, within a write transaction, which has the head row to itself."""

    def place(self, placed: Hold) -> None:
        """Store a hold; from its commit on no batch commits that has not seen it."""
        cover = placed.cover
        row = {
            "id": placed.id,
            "digest": hold_digest(placed),
            "dataset": cover.dataset,
            "key": cover.key,
            "data": cover.data,
            "rule": cover.rule,
            "reason": placed.reason.value,
            "text": placed.text,
            "by": placed.by,
            "behalf": placed.behalf,
            "authority": placed.authority,
            "ref": placed.ref,
            "at": placed.at,
            "review": None if placed.review is None else placed.review.isoformat(),
        }
        self._connection.execute(insert(hold), row)
        self.widen(placed.id, cover.subjects)

    def widen(self, id: str, subjects: Iterable[Subject]) -> None:
        """Add identifiers of the persons that a hold is on."""
        rows = [{"hold": id, "kind": s.kind, "value": s.value, "source": s.source} for s in subjects]
        if rows:
            self._connection.execute(insert(hold_subject), rows)
        self._advance()

    def release(self, id: str, *, at: datetime, why: str) -> None:
        """End a hold, and forget whom and which record it was on. RetentionError where none of this id is in force."""
        query = update(hold).where(hold.c.id == id, _IN_FORCE)
        values = {"released": at, "why": why, "key": None, "digest": ""}
        if self._connection.execute(query, values).rowcount != 1:
            raise RetentionError(f"there is no hold {id} in force")
        self._connection.execute(delete(hold_subject).where(hold_subject.c.hold == id))
        self._advance()

    def _advance(self) -> None:
        look_again(self._connection)


def look_again(connection: Connection) -> None:
    """From this transaction's commit on no batch commits that has not looked at what holds it up."""
    connection.execute(update(head).where(head.c.id == 1).values(hold_epoch=head.c.hold_epoch + 1))


def _hold(row: Row[Any], subjects: Sequence[Subject]) -> Hold:
    return Hold(
        id=row.id,
        cover=Cover(subjects=tuple(subjects), dataset=row.dataset, key=row.key, data=row.data, rule=row.rule),
        reason=HoldReason(row.reason),
        text=row.text,
        by=row.by,
        behalf=row.behalf,
        authority=row.authority,
        ref=row.ref,
        at=row.at,
        review=None if row.review is None else date.fromisoformat(row.review),
        released=row.released,
    )
