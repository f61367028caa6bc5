"""What a live database looks like: tables, keys, references, triggers.

Read by a connector, once per run; everything that names a column goes through it.
"""

from __future__ import annotations

import enum
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

_FOLDED = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def folded(name: str) -> str:
    """A name without regard to case, as SQLite means it: of the letters A to Z only."""
    return name.translate(_FOLDED)


@dataclass(frozen=True, kw_only=True, order=True)
class TableId:
    """A table's full name. `schema` is None where the database has no schemas (SQLite)."""

    schema: str | None
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema is not None else self.name


class Kind(enum.Enum):
    """What a column holds, as far as clocks, keys and conditions care."""

    INTEGER = "integer"
    NUMERIC = "numeric"
    REAL = "real"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"  # without zone
    TIMESTAMPTZ = "timestamp with time zone"
    BINARY = "binary"
    UUID = "uuid"
    OTHER = "other"


class Relation(enum.Enum):
    """What kind of thing a table's name names."""

    TABLE = "table"
    PARTITIONED = "partitioned table"
    PARTITION = "partition"
    VIEW = "view"
    MATERIALIZED_VIEW = "materialized view"
    FOREIGN = "foreign table"
    INHERITED = "table with child tables"
    VIRTUAL = "virtual table"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column; `type` is the database's own spelling, for messages and for casts.

    `pinned`: why it can't be set to NULL in a row that is about to go, though it is nullable; "" where nothing
    is known to forbid it. `collation`: what its texts are compared by; "" where it has none, or is not asked.
    """

    name: str
    kind: Kind
    type: str
    nullable: bool = True
    generated: bool = False
    dated: bool = True  # its values may be points in time, as far as its kind allows
    on_update: bool = False  # any UPDATE of the row sets it, unless the UPDATE says otherwise
    pinned: str = ""
    collation: str = ""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A foreign key: `table.columns` refers to `target.target_columns`.

    `on_delete` is upper case (`NO ACTION`, `RESTRICT`, `CASCADE`, `SET NULL`, `SET DEFAULT`).
    `indexed`: an index leads with exactly these columns, in any order.
    A reference that partitions declare one by one is given once, on the parent. `declared`: the database
    knows it, and lets no row go that it leads to; else only the operator says so. `besides`: what its definition
    says after ON DELETE, for a statement that declares it anew. `either`: it is the engine's word that rows of a vault
    refer by it, each to a row there or to one where they came from.
    """

    name: str
    table: TableId
    columns: tuple[str, ...]
    target: TableId
    target_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    deferrable: bool = False
    indexed: bool = True
    unindexed_on: tuple[TableId, ...] = ()  # the partitions (or the table) that lack the index
    declared: bool = True
    besides: str = ""
    either: bool = False


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """A trigger or a rewrite rule that fires on a table's rows.

    `columns`: an UPDATE fires it that sets one of them; None: any. `body`: what it does, as text; "" where that can't
    be read.
    """

    name: str
    table: TableId
    events: frozenset[str]  # of "INSERT", "UPDATE", "DELETE"
    what: str = "trigger"  # or "rule"
    columns: frozenset[str] | None = None
    body: str = ""


@dataclass(frozen=True, kw_only=True)
class Index:
    """An index that serves any row of its table."""

    name: str
    columns: tuple[str, ...]  # leading plain columns; stops at the first expression
    unique: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table as it is now. `leaves` are a partitioned table's leaf partitions.

    `unfit`: why its rows can't be deleted for good, or not safely, as (found, what to write instead).
    """

    id: TableId
    relation: Relation
    columns: Mapping[str, Column]
    key: tuple[str, ...]  # primary key's columns; empty: none
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    leaves: tuple[TableId, ...] = ()
    unique_on_leaves: tuple[frozenset[str], ...] = ()  # columns that each leaf by itself holds unique
    parent: TableId | None = None
    rows_estimate: int | None = None
    unfit: tuple[str, str] | None = None

    @property
    def only(self) -> bool:
        """Other tables inherit from it: theirs are rows of their own, and no statement may reach them by its name."""
        return self.relation is Relation.INHERITED

    def is_unique(self, columns: Iterable[str]) -> bool:
        """No two rows are alike in all of `columns`: they are those of the primary key or of a unique index.

        Of a partitioned table also where each partition by itself has such an index, and two might have the same.
        """
        wanted = set(columns)
        if wanted == set(self.key) or wanted in self.unique_on_leaves:
            return True
        return any(i.unique and set(i.columns) == wanted for i in self.indexes)


@dataclass(frozen=True, kw_only=True)
class Blind:
    """What the role can't see, and so may be there: `what` of `table` (None: of every table).

    `grant`: the statement that would let it see.
    """

    what: str
    grant: str
    table: TableId | None = None


@dataclass(frozen=True, kw_only=True)
class Dates:
    """What the database's own dates hold besides the days of the calendar.

    `odd`: one such value; `shape`: what all of them look like, in small letters, as a regular expression.
    `latest`: the last instant that a column of instants can hold; None: later than any that is written.
    """

    odd: str | None = None
    shape: str = ""
    latest: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Every table that the role can see, and every reference between them.

    `default_schema`: where a name without a schema is looked for first; `default_only`: and nowhere
    else. `folds_case`: names that differ only in case are the same (SQLite); `folds_tables`,
    `folds_columns`: those of tables, of columns (MariaDB, MySQL). `quote`: what names are quoted with.
    `defers`: a reference can be declared so that it waits for the end of a transaction. `row_by_row`: the delete
    rules of references that are looked at as each row goes, not when a statement has deleted all of its rows.
    `at_once`: one statement can delete rows of several tables, and all other references are looked at behind it.
    `hidden_from`: tables that the role has no right on are not among these, and there is such a role, as GRANT … TO
    wants it; "" where every table is seen.
    `typed`: a column holds values of its type only; where not (SQLite), any column may hold any value, and
    dates are texts or numbers. `dates`: what its own dates hold besides days.
    """

    tables: Mapping[TableId, Table]
    references: tuple[Reference, ...]
    default_schema: str | None = None
    default_only: bool = False
    folds_case: bool = False
    typed: bool = True
    dates: Dates = Dates()
    folds_tables: bool = False
    folds_columns: bool = False
    quote: str = '"'
    defers: bool = True
    row_by_row: frozenset[str] = frozenset()
    at_once: bool = False
    blind: tuple[Blind, ...] = ()
    hidden_from: str = ""
    notes: tuple[str, ...] = field(default=())

    def inbound(self, table: TableId) -> tuple[Reference, ...]:
        """References whose target is `table`."""
        return tuple(r for r in self.references if r.target == table)

    def outbound(self, table: TableId) -> tuple[Reference, ...]:
        """References that `table` declares."""
        return tuple(r for r in self.references if r.table == table)


def serves(indexes: Iterable[Index], columns: tuple[str, ...]) -> bool:
    """Whether an index leads with exactly `columns`, in any order."""
    wanted = set(columns)
    return any(set(index.columns[: len(columns)]) == wanted for index in indexes)


def with_index(reference: Reference, tables: Mapping[TableId, Table]) -> Reference:
    """The reference with what is known of its index: a partitioned table's may be its partitions' own."""
    table = tables[reference.table]
    stored = table.leaves or (table.id,)
    missing = tuple(t for t in stored if not serves(tables[t].indexes, reference.columns))
    if missing and serves(table.indexes, reference.columns):
        missing = ()
    if len(missing) > 1 and len(missing) == len(stored):
        missing = (table.id,)
    return replace(reference, indexed=not missing, unindexed_on=missing)
