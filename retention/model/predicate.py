"""What is true of a row, as one tree that knows no SQL library.

`retention.planning` builds it, `retention.connectors.sql.predicates` turns it into SQL, and
there is no other place where either happens: the plan, the deletion and the explanation are
read off the same tree.

A `Test` is three-valued, as SQL is, unless its docstring says that it is *plain*: never
unknown. `IsTrue`, `IsUnknown` and `Untrue` make plain ones of any.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from retention.model.clock import Clock, Period
from retention.model.condition import Value
from retention.model.drawn import Drawn as Drawn
from retention.model.drawn import Lines as Lines
from retention.model.strategy import Strategy
from retention.model.terms import Call as Call
from retention.model.terms import Constant as Constant
from retention.model.terms import Expression as Expression
from retention.model.terms import Field as Field
from retention.model.terms import Lookup as Lookup
from retention.model.terms import Source as Source
from retention.model.terms import Whole as Whole


@dataclass(frozen=True, kw_only=True)
class Compare:
    """`operator` is one of = <> < <= > >= LIKE."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, kw_only=True)
class In:
    """`item` is one of `values`; unknown where the item is NULL."""

    item: Expression
    values: tuple[Value, ...]


@dataclass(frozen=True, kw_only=True)
class IsNull:
    """Plain."""

    item: Expression


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A boolean column by itself."""

    item: Field | Lookup


@dataclass(frozen=True, kw_only=True)
class Either:
    """True where `true` is; else unknown where `unknown` is true; else false."""

    true: Test
    unknown: Test


@dataclass(frozen=True, kw_only=True)
class All:
    """Every item; with none, true."""

    items: tuple[Test, ...]


@dataclass(frozen=True, kw_only=True)
class AnyOf:
    """At least one item; with none, false."""

    items: tuple[Test, ...]


@dataclass(frozen=True, kw_only=True)
class Not:
    """The item is false; unknown where the item is."""

    item: Test


@dataclass(frozen=True, kw_only=True)
class IsTrue:
    """Plain: the item is true."""

    item: Test


@dataclass(frozen=True, kw_only=True)
class IsUnknown:
    """Plain: the item is neither true nor false."""

    item: Test


@dataclass(frozen=True, kw_only=True)
class Untrue:
    """Plain: the item is false or unknown."""

    item: Test


@dataclass(frozen=True, kw_only=True)
class Exists:
    """Plain: some row of `source` passes `where` (which may name outer sources)."""

    source: Source
    where: Test


@dataclass(frozen=True, kw_only=True)
class SameValues:
    """Column by column equal: how a reference joins two sources."""

    left: tuple[Field, ...]
    right: tuple[Field, ...]


class State(enum.Enum):
    """Where a point in time stands, seen from a cutoff; exactly one holds of every value."""

    MISSING = "missing"  # NULL: it has not happened
    UNCLEAR = "unclear"  # can't be read, or lies before the floor
    PAST = "past"  # from the floor on, and before the cutoff
    RECENT = "recent"  # the cutoff or later


@dataclass(frozen=True, kw_only=True)
class Line:
    """A boundary in every form that a column can be compared with.

    `day` for dates, `instant` (aware, UTC) for columns with a zone, `naive` for wall-clock
    columns of the connector's zone (None where the connector has none).
    """

    day: date
    instant: datetime
    naive: datetime | None


@dataclass(frozen=True, kw_only=True)
class Dated:
    """Plain: `field` is in `state`, seen from `floor` and `cutoff`.

    `field.encoding` says how it is written; where that is plain, `field.kind`. What it declares as "never" is
    MISSING.
    """

    field: Field
    state: State
    floor: Line
    cutoff: Line


@dataclass(frozen=True, kw_only=True)
class Span:
    """A period of the record's own: `times` periods of `clock`, looked at on the day `today`.

    It is past when it ended before that day; with `within`, when that has passed since. `times` is a whole
    number, not below 0. `lines`: what it comes to for each number that there may be; None: they are too many.
    """

    clock: Clock
    times: Whole
    today: date
    within: Period | None = None
    lines: Lines | None = None


@dataclass(frozen=True, kw_only=True)
class Spanned:
    """Plain, as Dated: the line is where `span` began that ends on its day. `line`: any, by which dates are read.

    `naive` as in Later.
    """

    field: Field
    state: State
    floor: Line
    line: Line
    span: Span
    naive: str | None


@dataclass(frozen=True, kw_only=True)
class DatedBy:
    """Plain, as Dated, of a date of the database's own: PAST or RECENT, seen from a line of the record's own.

    Where that is NULL it is in neither.
    """

    field: Field
    state: State
    floor: Line
    cutoff: Drawn


@dataclass(frozen=True, kw_only=True)
class Later:
    """Plain: both hold a date that can be read, and `left` is the later one.

    Compared as instants; where one is only a day, by days in `timezone`, and the same day is not later.
    `naive`: the zone of readings without one, None where there are none.
    """

    left: Field
    right: Field
    timezone: str
    naive: str | None


@dataclass(frozen=True, kw_only=True)
class Reaches:
    """Necessary for PAST, and only that: a comparison of the bare column that an index serves.

    True of every row where the column's own order is not the order of time.
    """

    field: Field
    cutoff: Line


@dataclass(frozen=True, kw_only=True)
class IsDone:
    """Plain: the column is NULL, or its value is seen to be a result of `strategy`."""

    field: Field
    strategy: Strategy


@dataclass(frozen=True, kw_only=True)
class Handed:
    """Plain: `fields`, a record's key, is one that was handed over with the statement; of another dataset, `beside`."""

    fields: tuple[Field, ...]
    beside: str = ""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Plain: `fields`, a record's key, is on the list `name`, which is handed over with the statement.

    What people told about persons, found in the records.
    """

    fields: tuple[Field, ...]
    name: str


@dataclass(frozen=True, kw_only=True)
class Blank:
    """NULL, of the type of the column `field`, whose source stands nowhere else."""

    field: Field


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """`fields` of every combination of rows of `sources` that passes `where`."""

    sources: tuple[Source, ...]
    where: Test
    fields: tuple[Field | Blank, ...]


@dataclass(frozen=True, kw_only=True)
class Closure:
    """Keys: those that `seeds` give, and all that `steps`, from (key, key) to (key, key), lead to from them.

    `name` is unique in its whole tree; it names no outer source. Of keys of several tables all but one are blank.
    """

    name: str
    seeds: tuple[Pairs, ...]
    steps: tuple[Pairs, ...]


@dataclass(frozen=True, kw_only=True)
class Rings:
    """One key of each ring that `edges`, from (key, key) to (key, key), lead round in: the least of its keys.

    `name` is unique in its whole tree; it names no outer source.
    """

    name: str
    edges: tuple[Pairs, ...]


@dataclass(frozen=True, kw_only=True)
class Reached:
    """Plain, of a key that is not NULL: `fields` is among the keys of `closure`, which begin with its column `at`."""

    fields: tuple[Field, ...]
    closure: Closure | Rings
    at: int = 0


@dataclass(frozen=True, kw_only=True)
class Defined:
    """Plain, of a key that is not NULL: a row of `root` with this key (`key`) passes `where`.

    `where` names no outer source, and is written down once for its whole tree, under `name`.
    """

    fields: tuple[Field, ...]
    name: str
    root: Source
    key: tuple[Field, ...]
    where: Test


Test: TypeAlias = (
    "Compare | In | IsNull | Truth | Either | All | AnyOf | Not | IsTrue | IsUnknown | Untrue | Exists"
    " | SameValues | Dated | DatedBy | Spanned | Later | Reaches | Chosen | Handed | Listed | Reached | Defined"
    " | EndsAfter | IsDone"
)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The label of the first test that is true, else `otherwise`: exactly one label for every row."""

    cases: tuple[tuple[Test, str], ...]
    otherwise: str


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Plain: `choice` gives `label`."""

    choice: Choice
    label: str


@dataclass(frozen=True, kw_only=True)
class OwnField:
    """A column of the root's own row, which counts where `where` is true of that; None: always."""

    field: Field
    where: Test | None = None


@dataclass(frozen=True, kw_only=True)
class RelatedField:
    """A column of a related table: every row of `field.source` that passes `where`."""

    field: Field
    where: Test


@dataclass(frozen=True, kw_only=True)
class LatestDay:
    """The latest calendar day among the fields, for showing and for ordering only; None if there is none.

    `timezone` is the zone in which columns with a zone are read, `naive` the zone of readings without one.
    """

    own: tuple[OwnField, ...]
    related: tuple[RelatedField, ...]
    timezone: str
    naive: str | None = None


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The day on which a limb ended, which counts where `come` is true.

    It is the day of `latest`; with a period, the last day of that, of which there are `times`. `listed` names a
    list of days by key (`fields`) instead, for limbs that people told.
    """

    come: Test
    latest: LatestDay | None
    clock: Clock | None = None
    times: Expression | None = None
    listed: str | None = None
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EndsAfter:
    """Plain: the earliest of `left` that counts is a later day than the earliest of `right` that counts.

    `or_same`: or the same day. Asked only where one counts on either side.
    """

    left: tuple[Ending, ...]
    right: tuple[Ending, ...]
    or_same: bool = False
