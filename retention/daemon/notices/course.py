"""The course of a notice: told when it begins, once a day while it lasts, and when it is over. No clock, no network.

A message that a channel would not take is tried again, the same to the letter, until it does. So each condition that
was ever seen is told, also one that was over before anybody could be reached; and one that comes back before its end
could be told has, for that channel, never ended.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from retention.connectors.retrying import Retry, pause_after
from retention.ledger.line import format_instant
from retention.model.notice import Condition, Message, Step
from retention.store.notices import StoredNotice

DAY = timedelta(days=1)
"""Between two messages of what lasts."""
PAUSES = Retry(first=15.0, longest=900.0)
"""Between attempts at a message: 15 seconds, twice as long each time, a quarter of an hour at most."""
FORGOTTEN = timedelta(days=2)
"""How long a notice stays of which the configuration does not know any more: another daemon's may."""

Name = tuple[str, str]
"""Channel and key."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What is to be stored, and what to be forgotten."""

    put: Sequence[StoredNotice] = ()
    drop: Sequence[StoredNotice] = ()

    def __bool__(self) -> bool:
        return bool(self.put or self.drop)


def key_of(condition: Condition) -> str:
    """What tells a condition from all others, at most 200 characters."""
    key = f"{condition.kind.value} {condition.name}".strip()
    if len(key) <= 200:
        return key
    return f"{condition.kind.value} {hashlib.sha256(key.encode()).hexdigest()}"


def owed(row: StoredNotice, now: datetime) -> Step | None:
    """What the channel has still to be told; None where it knows."""
    if row.number == 0:
        return Step.NEW
    if row.over is not None:
        return Step.OVER
    return Step.LASTS if row.told is None or now - row.told >= DAY else None


def due(row: StoredNotice, now: datetime) -> Step | None:
    """The same, where it is time to try."""
    return owed(row, now) if row.again is None or row.again <= now else None


def compared(
    rows: Sequence[StoredNotice],
    wanted: Mapping[Name, Condition],
    now: datetime,
    *,
    known: Callable[[StoredNotice], bool],
    ended: Callable[[StoredNotice], bool],
    sent: Collection[Name] = (),
) -> Changes:
    """What has begun, changed and ended since the rows were written.

    `wanted`: what is so now, for each channel that is to hear of it. `known`: whether the configuration has the row's
    channel, and that is to hear of such. `ended`: whether it is certain that a row's condition, which is not in
    `wanted`, is over. A message that is under way (`sent`), or was tried before, keeps its words.
    """
    put, drop, seen = [], [], set()
    for row in rows:
        name = (row.channel, row.key)
        seen.add(name)
        condition = wanted.get(name)
        new = row
        if condition is not None:
            new = replace(row, over=None)
            if not row.attempts and name not in sent:
                new = replace(new, text=_document(condition))
        elif not known(row):
            if now - max(row.since, row.told or row.since) > FORGOTTEN:
                drop.append(row)
        elif row.over is None and ended(row):
            new = replace(row, over=now)
        if new != row:
            put.append(new)
    for name, condition in wanted.items():
        if name not in seen:
            put.append(begun(name, condition, now))
    return Changes(put=put, drop=drop)


def begun(name: Name, condition: Condition, now: datetime) -> StoredNotice:
    """A condition that is new to a channel."""
    channel, key = name
    return StoredNotice(
        channel=channel, key=key, kind=condition.kind.value, text=_document(condition), since=now
    )


def taken(row: StoredNotice, step: Step, now: datetime) -> StoredNotice | None:
    """The channel has taken a message; None: that was the last one.

    A condition that came back while its end was being told begins anew.
    """
    if step is Step.OVER:
        return None if row.over is not None else replace(begun_again(row, now), text=row.text)
    return replace(
        row, number=row.number + 1, told=now, attempts=0, again=None, text=_without_error(row.text)
    )


def begun_again(row: StoredNotice, now: datetime) -> StoredNotice:
    """The same condition, from its beginning."""
    return StoredNotice(channel=row.channel, key=row.key, kind=row.kind, text=row.text, since=now)


def refused(row: StoredNotice, why: str, now: datetime) -> StoredNotice:
    """The channel would not take a message, which is tried again after a pause that grows."""
    attempts = row.attempts + 1
    document = json.loads(row.text) | {"error": why}
    again = now + timedelta(seconds=pause_after(PAUSES, attempts))
    return replace(row, text=json.dumps(document), attempts=attempts, again=again)


def message_of(row: StoredNotice, step: Step, origin: str) -> Message:
    """What is sent: the same id for the same message, whoever sends it and however often."""
    number = row.number + 1
    over = row.over if step is Step.OVER else None
    named = [origin, row.channel, row.key, format_instant(row.since), number, step.value]
    if over is not None:
        named.append(format_instant(over))
    document = json.loads(row.text)
    return Message(
        id=hashlib.sha256(json.dumps(named).encode()).hexdigest()[:32],
        origin=origin,
        kind=row.kind,
        step=step,
        number=number,
        since=row.since,
        over=over,
        text=document["text"],
        about=document["about"],
    )


def _document(condition: Condition) -> str:
    return json.dumps({"text": condition.text, "about": dict(condition.about)})


def _without_error(text: str) -> str:
    document = json.loads(text)
    document.pop("error", None)
    return json.dumps(document)
