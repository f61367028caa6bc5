"""A case: what a company promises, what it stores, what it was told. Plain values; nothing of the engine.

Rows are dicts, and two rows are the same only if they are one row. `remembered` keeps an answer beside the world
that it was asked of, so that the functions can be written as if each question were asked anew.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, TypeVar

T = TypeVar("T")
Tree = tuple[Any, ...]  # a condition: ("=", "status", "paid"), ("and", …, …); see conditions.py
Cell = tuple[str, str]  # a table, and one of its columns
UNCLEAR = "unclear"
NO_DAY = "no day"  # in a column of dates: a zero date, minus infinity, as the database spells it
ANY = ("any",)
NONE = "none"  # at_most = "none"
SINCE = "vaulted_at"  # in the root table of a vault
RESTRICTED = "restricted"  # the event, and the fact
INSTRUCTED = "instructed"  # keep = { period = "instructed" }


class Row(dict[str, Any]):
    """One row of a table."""

    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__
    __ne__ = object.__ne__


@dataclass(frozen=True, kw_only=True)
class Reference:
    """`table.columns` refers to `target.target_columns`; `cascades`: the database would remove the rows that refer.

    `either`: rows of a vault refer so, each to a row there or where it came from; no database knows."""

    table: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...] = ("id",)
    cascades: bool = False
    either: bool = False


Path = tuple[tuple[Reference, bool], ...]  # steps along references; True: to the rows that refer here


@dataclass(frozen=True, kw_only=True)
class Table:
    """`columns`: name → kind: integer, text, boolean, date, timestamp (no zone), timestamptz. `always`: those that are
    never NULL, beside the key."""

    name: str
    connector: str
    columns: Mapping[str, str]
    key: tuple[str, ...] = ("id",)
    unique: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    always: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Period:
    """`text` as the operator writes it."""

    text: str
    months: int = 0
    days: int = 0


@dataclass(frozen=True, kw_only=True)
class Component:
    """A column that holds dates, of the record's own row or of the rows at the end of `path`."""

    column: str
    path: Path = ()
    where: Tree | None = None
    unit: str | None = None  # s, days: a number since 1970
    format: str | None = None  # yyyymmdd, in digits or text
    never: tuple[Any, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Value:
    """A fact that is a column, of the own row or of one that it refers to."""

    column: str
    path: Path = ()


@dataclass(frozen=True, kw_only=True)
class Some:
    """A fact that is true where some row at the end of `path` passes `where`."""

    path: Path
    where: Tree | None = None


@dataclass(frozen=True, kw_only=True)
class Holds:
    """A fact that is a condition on the own row."""

    tree: Tree


@dataclass(frozen=True, kw_only=True)
class InTheVault:
    """The fact `restricted` of a vault's records, or of those outside it: nobody writes it."""

    inside: bool


Fact = Value | Some | Holds | InTheVault


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """Where a tenant's own period is read: so many of `unit`, `between` two numbers of it, both allowed."""

    column: str
    unit: str
    between: tuple[int, int]
    path: Path = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """`subject`: kind of identifier → where it is read; None: "none". `parts`: references to the record by which rows
    belong to it, owners first. `shared`: references from the record to rows that go with the last that refers there.

    `columns`: a slice of the row. `anonymize`: column → strategy (null, redact, hash, year, mask); `done`: the column
    that says when it was carried out. `fields`: a word for columns. A column of a part is called by its table, too:
    `order_lines.name`. `mark`: restricted in place, by this column; or by being moved to the dataset `vault`, of which
    the record is `vault_of`, and whose column SINCE says since when.
    """

    name: str
    connector: str
    data: str
    table: str
    where: Tree | None = None
    subject: Mapping[str, Value] | None = field(default_factory=dict)
    began: Component | None = None
    events: Mapping[str, tuple[Component, ...]] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict)
    instructed: Instruction | None = None
    parts: tuple[Reference, ...] = ()
    shared: tuple[Reference, ...] = ()
    columns: tuple[str, ...] | None = None
    anonymize: Mapping[str, str] = field(default_factory=dict)
    done: str | None = None
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mark: str | None = None
    vault: str | None = None
    vault_of: str | None = None

    def cell(self, name: str) -> Cell:
        """The table and the column that a name in `anonymize` or `fields` means."""
        table, _, column = name.rpartition(".")
        return table or self.table, column


@dataclass(frozen=True, kw_only=True, eq=False)
class Variant:
    """What a rule says of a record. `when` is None for the rule itself, which comes last. `needs`: data → fields."""

    when: Tree | None = None
    keep: Period | str | None = None
    start: str | None = None  # from
    until: tuple[str, ...] = ()
    upon: tuple[str, ...] = ()
    at_most: Period | str | None = None
    defer_while: Tree | None = None
    within: Period = Period(text="1 month", months=1)
    starts: str = "next day"
    fiscal_year_end: tuple[int, int] = (12, 31)
    zone: str = "UTC"
    basis: str | None = None
    yields_to: tuple[str, ...] | None = None
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    action: str = "delete"
    otherwise: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Rule:
    """`data`: names, or ANY. `kept_by`: something else keeps it; then it has no variants."""

    name: str
    data: tuple[str, ...]
    variants: tuple[Variant, ...] = ()
    where: Tree | None = None
    kept_by: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Telling:
    """`at` is a day where it was told as a date. `reached`: the identifiers that it was carried over to when it was
    told, where the records that led to them may have gone since."""

    event: str
    identifiers: tuple[tuple[str, str], ...]
    at: date | datetime
    told_at: datetime
    withdrawn: bool = False
    reached: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Hold:
    """`on`: subject (kind, value), key (dataset, key), dataset, data or rule (a name)."""

    on: str
    what: Any


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """Everything that there is. `rules` in the order of their file; `zones`: connector → its zone;
    `told`: event → kinds; `identifiers`: kind → how its text is compared for told events; `only`: the rules that
    act, where a run is narrowed to some; `foreseen`: what is restricted today, None where that is not thought of."""

    schema: Mapping[str, Table]
    rows: Mapping[str, Sequence[Row]]
    datasets: Sequence[Dataset]
    rules: Sequence[Rule]
    zones: Mapping[str, str]
    as_of: datetime
    told: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    identifiers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tellings: Sequence[Telling] = ()
    holds: Sequence[Hold] = ()
    only: tuple[str, ...] = ()
    foreseen: Foreseen | None = None
    memo: dict[Any, Any] = field(default_factory=dict, repr=False)

    def but(self, **changes: Any) -> World:
        """The same world with something else in it, and nothing remembered."""
        return replace(self, **changes, memo={})


@dataclass(frozen=True, kw_only=True, eq=False)
class Foreseen:
    """The world as it is when what is restricted today has been; `then`: the record of a dataset with this root now,
    and what it is there: the same, or one of a dataset of the same data."""

    world: World
    then: Mapping[tuple[str, Row], Sequence[Record]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    """One row of a dataset's root table; its parts are found by `rows.members`."""

    dataset: Dataset
    root: Row
    key: tuple[Any, ...]


def remembered(function: Callable[..., T]) -> Callable[..., T]:
    """Asked of a world twice, `function` answers once."""

    @functools.wraps(function)
    def asked(world: World, *what: Any) -> T:
        question = (function.__module__, function.__qualname__, *what)
        if question not in world.memo:
            world.memo[question] = function(world, *what)
        return world.memo[question]  # type: ignore[no-any-return]

    return asked
