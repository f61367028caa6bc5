"""Why one record has the fate that it has; what is found when somebody checks or asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from retention.errors import Problem


@dataclass(frozen=True, kw_only=True)
class Component:
    """One component of an event as it stands in this record: `value` is text, None where there is none."""

    column: str
    value: str | None
    state: str  # "past", "recent", "future", "missing", "unclear"


@dataclass(frozen=True, kw_only=True)
class Stopper:
    """What stops an action: a keeping rule, or rows that refer to the record."""

    kind: str  # "retained", "referenced"
    by: str  # a rule's name, or "table.column"
    count: int | None = None
    rows: tuple[str, ...] = ()  # keys of some referring rows, as typed


@dataclass(frozen=True, kw_only=True)
class RuleView:
    """One rule's view of the record. Dates are ISO days in the rule's zone.

    `event` is the day of the event that the clock counts from; `due_on` the first day on which
    the record is due; `ended` the day on which its clock ended, where it has; `overdue_on` the
    first day on which it counts as overdue; `at_most` the last day at the latest, where there is one.
    """

    rule: str
    promise: str
    fate: str
    action: str
    overdue: bool
    event_name: str
    components: tuple[Component, ...]
    event: str | None
    due_on: str | None
    ended: str | None
    overdue_on: str | None
    at_most: str | None = None
    keep: str = ""
    timezone: str = "UTC"
    stopped_by: tuple[Stopper, ...] = ()
    because: str = ""  # one sentence for people


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Everything that decides one record's fate. `parts`: table → rows."""

    connector: str
    dataset: str
    key: str
    as_of: datetime
    rules: tuple[RuleView, ...]
    parts: Mapping[str, int] = field(default_factory=dict)
    set_aside: str | None = None


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """What `check` found: `problems` must be mended, `warnings` should be read.

    `checked` says what was looked at, a line each ("shop.orders: orders with order_lines, shipments").
    `unreached`: connectors whose database did not answer; each is a problem, too.
    """

    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    checked: tuple[str, ...]
    unreached: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The ledger verifies: what was looked at. (If it does not, LedgerError names the first wrong event.)"""

    source: str
    origin: str
    events: int
    size: int  # of the newest signed checkpoint
    root: str  # base64
    checkpoints: int
    unsigned_tail: int  # events after the newest checkpoint
    last_at: str | None
    notes: tuple[str, ...] = ()
