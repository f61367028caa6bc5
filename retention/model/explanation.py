"""Why one record has the fate that it has; what is found when somebody checks or asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from retention.errors import Problem
from retention.model.audit import Verification as Verification


@dataclass(frozen=True, kw_only=True)
class Component:
    """One component of an event as it stands in this record: `value` is text, None where there is none.

    Of an event that people tell, each telling is one that is about the record's person; its `column` is "told", and
    "early" means that the record did not begin before it, and is not concerned.
    `related`: of rows of another table; `value` is then the latest that can be read, whatever the others are.
    """

    column: str
    value: str | None
    state: str  # "past", "recent", "future", "missing", "unclear", "early"
    event: str = ""
    related: bool = False


@dataclass(frozen=True, kw_only=True)
class LimbView:
    """One thing that can end the rule's clock: its period from `event` (`kind` "keep"), or `event` by its own day.

    `state`: "come"; "ahead", on a day that is known; "unclear"; "earlier" than the event that the clock counts from,
    and so without effect; "missing". Days as in RuleView.
    """

    kind: str  # "keep", "until", "upon"
    event: str
    state: str
    day: str | None = None
    due_on: str | None = None
    ended: str | None = None
    overdue_on: str | None = None


@dataclass(frozen=True, kw_only=True)
class ConditionView:
    """A condition that the record was held against. `key`: where it is written, as `exceptions[1].when`."""

    key: str
    text: str
    state: str  # "true", "false", "unknown"


@dataclass(frozen=True, kw_only=True)
class FactView:
    """A fact that a condition names: its value in this record as text, or "true", "false", "unknown"."""

    name: str
    value: str | None


@dataclass(frozen=True, kw_only=True)
class HoldView:
    """A legal hold that covers the record; `through`: by a record that refers to it or shares a row with it."""

    id: str
    reason: str  # from the closed list; its text stays in the state store
    review: str | None = None
    through: bool = False


@dataclass(frozen=True, kw_only=True)
class Stopper:
    """What stops an action, or what acts in its place.

    `by`: a hold, a rule, "table.column" of rows that refer to the record, or a table whose rows it shares.
    `dataset`: where records of another dataset are what is kept, or acted on; `rows`: keys of some, or of some
    referring rows, as typed, of which there are `count`. `how`: "shares", "needs", or "will need": once this
    plan has restricted it. `going`: further referring rows that this plan deletes first, `later`: how many of `count`
    it deletes after it. `until`: the first day on which it stops no more, where that is known. `action`: the one that
    it stops, which need not be the one that the record comes to; None of what acts in its place.
    """

    kind: str  # "held", "retained", "conflict", "referenced", "shared", "elsewhere"
    by: str
    count: int | None = None
    rows: tuple[str, ...] = ()  # keys of some referring rows, as typed
    dataset: str | None = None
    how: str | None = None
    going: int = 0
    later: int = 0
    until: str | None = None
    reason: str | None = None
    review: str | None = None
    action: str | None = None


@dataclass(frozen=True, kw_only=True)
class ColumnView:
    """A column that the rule's action rewrites, as its dataset names it.

    `state`: "open", it is to be rewritten; "done", it is, or holds nothing; "needed", or "will be needed" once this
    plan has restricted what refers to the record: by the rules `by`, until `until`, a day, None where none is known.
    """

    name: str
    state: str
    by: tuple[str, ...] = ()
    until: str | None = None


@dataclass(frozen=True, kw_only=True)
class RuleView:
    """One rule's view of the record. Dates are ISO days in the rule's zone.

    `event` is the day of the event that the clock counts from; `due_on` the first day on which
    the clock has ended; `ended` the day on which its clock ended, where it has; `overdue_on` the
    first day on which it counts as overdue; `at_most` the last day at the latest, where there is one;
    `defers_until` the first day on which `defer_while` defers no more. `exception` is the `when` of the variant
    that holds, None for the rule itself; `instructed` the period that was read from the record. `columns`: of a record
    whose clock has ended, where the rule comes to rewriting it.
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
    defers_until: str | None = None
    keep: str = ""
    instructed: str | None = None
    timezone: str = "UTC"
    exception: str | None = None
    limbs: tuple[LimbView, ...] = ()
    conditions: tuple[ConditionView, ...] = ()
    facts: tuple[FactView, ...] = ()
    stopped_by: tuple[Stopper, ...] = ()
    columns: tuple[ColumnView, ...] = ()
    because: str = ""  # one sentence for people
    changes: str = ""  # what would change it, and when; one sentence
    changes_on: str | None = None  # the day, where it is known


@dataclass(frozen=True, kw_only=True)
class KeptView:
    """Rows that stay and refer to a shared row by `by`, "table.column": `count`, and the keys of some as typed.

    `record`: shared rows that are records of the dataset `by`, and go by the rules on that alone.
    """

    by: str
    count: int
    rows: tuple[str, ...] = ()
    record: bool = False


@dataclass(frozen=True, kw_only=True)
class SharedView:
    """Rows of `table` that the record refers to, and that go with the last that does: `count`, some keys.

    `goes`: how many go with this record, if it goes; `kept_by`: what the others stay for.
    """

    table: str
    count: int
    rows: tuple[str, ...] = ()
    goes: int = 0
    kept_by: tuple[KeptView, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Everything that decides one record's fate. `parts`: table → rows; `shared`: parts that it refers to.

    `holds`: those that cover it, due or not.
    """

    connector: str
    dataset: str
    key: str
    as_of: datetime
    rules: tuple[RuleView, ...]
    parts: Mapping[str, int] = field(default_factory=dict)
    shared: tuple[SharedView, ...] = ()
    set_aside: str | None = None
    holds: tuple[HoldView, ...] = ()


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
