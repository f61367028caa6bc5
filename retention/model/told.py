"""What people tell the engine: legal holds, and events that no store records."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime


class HoldReason(enum.Enum):
    """Why something is held: a closed list, since the ledger shows it."""

    DISPUTE = "dispute"
    LITIGATION = "litigation"
    INVESTIGATION = "investigation"
    AUDIT = "audit"
    REQUEST = "request"
    SAFETY = "safety"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A person by one identifier, as it was typed: `kind` such as "email".

    `source`: the dataset (`CONNECTOR.DATASET`) whose records led to it; None where somebody named it.
    """

    kind: str
    value: str
    source: str | None = None


@dataclass(frozen=True, kw_only=True)
class Cover:
    """What a hold covers: exactly one of a person, a record, a dataset, data, or all that a rule reaches.

    `subjects`: the person by every identifier that is known of them, the one that was typed first. `key`:
    the record's key as it is typed (`7,3`), in `dataset` (`CONNECTOR.DATASET`).
    """

    subjects: tuple[Subject, ...] = ()
    dataset: str | None = None
    key: str | None = None
    data: str | None = None
    rule: str | None = None


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Nothing that it covers is touched until it is released. `review`: the day on which somebody looks at it again.

    `by`: the account that placed it, `behalf` for whom it acted. `text`, `behalf` and `authority` are words, in the
    state store only; `ref` is a reference that the ledger shows too.
    """

    id: str
    cover: Cover
    reason: HoldReason
    text: str  # the reason in words
    by: str
    at: datetime
    behalf: str | None = None
    authority: str | None = None
    ref: str | None = None
    review: date | None = None
    released: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Telling:
    """An event that somebody told: `at` an instant (aware) or a day, `told_at` when the engine was told.

    `subjects`: the person by every identifier that came with it, and those that one step leads to.
    """

    id: str
    event: str
    subjects: tuple[Subject, ...]
    at: datetime | date
    told_at: datetime
    by: str = ""
    behalf: str | None = None
    ref: str | None = None
    withdrawn: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Told:
    """Everything in force: holds that are not released, tellings that are not withdrawn.

    `epoch` changes with every hold that is placed or released, and every telling that is taken back or may keep a
    record longer: a batch whose recheck saw another one may not commit.
    """

    holds: Sequence[Hold] = ()
    tellings: Sequence[Telling] = ()
    epoch: int = 0
    normalisation: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


NOTHING_TOLD = Told()


def folded(value: str) -> str:
    """An identifier as holds compare it: trimmed and case-folded."""
    return value.strip().casefold()


def normalised(value: str, steps: Sequence[str]) -> str:
    """An identifier as tellings compare it: `steps` are "trim" and "lower"."""
    for step in steps:
        value = value.strip() if step == "trim" else value.lower()
    return value
