"""The operator's words, resolved against the live catalogue."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from retention.model.catalogue import Blind, Column, Reference, Table, TableId
from retention.model.condition import Condition
from retention.model.dataset import Connector, Dataset, PeriodUnit
from retention.model.encoding import PLAIN, Encoding
from retention.model.policy import Rule
from retention.model.strategy import Strategy

Cell: TypeAlias = tuple[TableId, str]
"""A column: its table, and its name there."""


@dataclass(frozen=True, kw_only=True)
class Hop:
    """One step along a reference: `down` to the rows that refer, else up to the row referred to."""

    reference: Reference
    down: bool

    @property
    def arrives(self) -> TableId:
        """The table that the step leads to."""
        return self.reference.table if self.down else self.reference.target


@dataclass(frozen=True, kw_only=True)
class Component:
    """A component of an event: `column` of the root (no hops) or of the table that the hops reach.

    `text` names it, and no other of its event. It has happened only in rows of which `where` is true;
    the `never` of its encoding are values as the column holds them.
    """

    text: str
    hops: tuple[Hop, ...]
    table: TableId
    column: Column
    encoding: Encoding = PLAIN
    where: Condition | None = None

    @property
    def always(self) -> bool:
        """It is of the record's own row, and has always happened."""
        return not (self.hops or self.column.nullable or self.where is not None or self.encoding.never)


@dataclass(frozen=True, kw_only=True)
class Value:
    """A column of the root (no hops), or of the one row that the hops lead up to."""

    hops: tuple[Hop, ...]
    table: TableId
    column: Column


@dataclass(frozen=True, kw_only=True)
class Some:
    """Rows at the end of `hops`, of which some may pass `where`."""

    hops: tuple[Hop, ...]
    table: TableId
    where: Condition | None


BoundFact: TypeAlias = "Value | Some | Condition"
"""A condition is one over the root's own columns."""


@dataclass(frozen=True, kw_only=True)
class Instructed:
    """A period that the record's tenant instructed: a whole number of `unit` from `least` to `most`."""

    value: Value
    unit: PeriodUnit
    least: int
    most: int


@dataclass(frozen=True, kw_only=True)
class Part:
    """A table whose rows belong to the record through `reference`, which leads to root or another part."""

    table: Table
    reference: Reference


@dataclass(frozen=True, kw_only=True)
class Shared:
    """A table of which rows go with the last that refers to them: a part that the record refers to, by `links`.

    `referring`: every reference to it, the links among them. `only`: tables of which no row of those that inherit
    from them is meant. `own`: each row is a record of a dataset that gives it parts, and goes by the rules on that
    alone: none goes with the records that refer to it.
    """

    table: Table
    links: tuple[Reference, ...]
    referring: tuple[Reference, ...]
    only: frozenset[TableId] = frozenset()
    own: bool = False


@dataclass(frozen=True, kw_only=True)
class Outside:
    """A reference to a member of the record from rows that may lie outside it.

    `inside`: the referring table is itself a member, so that only rows of other records count.
    """

    reference: Reference
    inside: bool


@dataclass(frozen=True, kw_only=True)
class Loosened:
    """A reference among rows that go together, of which `column` is set to NULL before they go.

    `kept`: columns that an UPDATE would change besides, and that are set to themselves.
    """

    reference: Reference
    column: str
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Stubborn:
    """A reference from a table to itself that can't be loosened, and `why`: rows in a ring by it can't go."""

    reference: Reference
    why: str

    def __str__(self) -> str:
        reference = self.reference
        return f"{reference.table}.{','.join(reference.columns)}: {self.why}"


@dataclass(frozen=True, kw_only=True)
class Rewritten:
    """A column of a table of the record, and how it is rewritten. `own`: the table is the root.

    `name` tells it from the others of the dataset: a part's column as it was written, with its table before it.
    """

    table: Table
    column: Column
    strategy: Strategy
    name: str
    own: bool = True

    @property
    def cell(self) -> Cell:
        """Where it is."""
        return self.table.id, self.column.name


@dataclass(frozen=True, kw_only=True)
class Twin:
    """A table of a record and the one that its rows are moved to; `columns` are copied, the others are computed."""

    source: Table
    target: Table
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Vault:
    """Where records are moved to when they are restricted: a table for each of theirs, those that others refer to
    first, so the root's before all. `since`: the column of the vault's root that says when, None where records go
    back; `key`: of that root, in the order of the record's own.
    """

    dataset: str
    twins: tuple[Twin, ...]
    since: Column | None
    key: tuple[Column, ...]

    @property
    def root(self) -> Table:
        """The vault's root table."""
        return self.twins[0].target


@dataclass(frozen=True, kw_only=True)
class Circle:
    """Datasets that refer to each other, have parts in common, or are parts of one another, by their `names`: a record
    of one can go only with records of the others.

    `keys`: those of their roots; `removal`: every table of theirs in the order of deletion; `shared`: behind them
    those of which rows go with the last record that refers to them. `at_once`: rows that refer
    to each other go by one statement; `deferring`: constraints wait until all have gone; `loosened`: what is set to
    NULL before, each in all rows that go. `why`: why they can't go together, and each waits for a run in which nothing
    refers to it; "" where they can.
    """

    names: tuple[str, ...]
    keys: tuple[tuple[Column, ...], ...] = ()
    removal: tuple[TableId, ...] = ()
    shared: tuple[TableId, ...] = ()
    at_once: bool = False
    deferring: bool = False
    loosened: tuple[Loosened, ...] = ()
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class BoundDataset:
    """A dataset over live tables.

    `parts` come parents first; `removal` names every table of the record in the order of
    deletion, the root last. `outside` is every reference that can keep a record. `blind` is what of
    its tables the role can't see. `loosened` and `stubborn` are the references that the database looks at as each
    row goes, and that rows of one batch can refer to each other by. `shared`: tables that the record refers to, and
    whose rows go after it where nothing refers to them any more, each before those that it refers to. `rewriting`:
    the columns that a record's person is taken out of, the root's first, in the order of the tables; `done`: the
    column that says when that was done; `mark`: the one by which a record is restricted in place; `vault`: where it
    is moved to instead. `fields`: a word → columns of the record; `columns`: of a slice, its own. `known_by`: another
    dataset whose records about a person refer to it, and by which reference: who has those finds the person again.
    `circle`: where other datasets lead to it to which it leads.
    """

    dataset: Dataset
    connector: Connector
    root: Table
    key: tuple[Column, ...]
    parts: tuple[Part, ...]
    removal: tuple[TableId, ...]
    outside: tuple[Outside, ...]
    events: Mapping[str, tuple[Component, ...]]
    facts: Mapping[str, BoundFact] = field(default_factory=dict)
    periods: Mapping[str, Instructed] = field(default_factory=dict)
    subject: Mapping[str, Value] = field(default_factory=dict)
    began: Component | None = None
    fields: Mapping[str, frozenset[Cell]] = field(default_factory=dict)
    columns: frozenset[Cell] | None = None
    where: Condition | None = None
    deferring: bool = False  # references close a cycle inside the record: constraints wait for its end
    loosened: tuple[Loosened, ...] = ()
    stubborn: tuple[Stubborn, ...] = ()
    rewriting: tuple[Rewritten, ...] = ()
    done: Column | None = None
    mark: Column | None = None
    vault: Vault | None = None
    shared: tuple[Shared, ...] = ()
    blind: tuple[Blind, ...] = ()
    known_by: tuple[str, Reference] | None = None
    circle: Circle | None = None
    catalogue_schema: str = ""  # fingerprint of every table that it touches

    def __str__(self) -> str:
        return str(self.dataset)

    @functools.cached_property
    def members(self) -> frozenset[TableId]:
        """Every table of the record."""
        return frozenset(self.removal)

    @property
    def sliced(self) -> bool:
        """It is some columns of its rows, and nothing else of them."""
        return self.columns is not None

    @property
    def leaving(self) -> tuple[Shared, ...]:
        """The shared parts of which rows can go with a record."""
        return tuple(item for item in self.shared if not item.own)

    @property
    def emptied(self) -> frozenset[TableId]:
        """Every table of which rows can go with a record."""
        return self.members | {item.table.id for item in self.leaving}

    def within(self, other: BoundDataset) -> bool:
        """Its records can be parts of those of `other`."""
        return self.root.id != other.root.id and self.root.id in other.members

    def inside(self, other: BoundDataset) -> bool:
        """The row of a record can be one of a record of `other`: a part of it, or its root."""
        return self is not other and self.root.id in other.members

    def exceeds(self, other: BoundDataset) -> bool:
        """A record, which is a part of one of `other`, or has the same root, can have rows that are none of that
        one's."""
        return any(not self.reached_alike(table, other) for table in self.members - {self.root.id})

    def reached_alike(self, table: TableId, other: BoundDataset) -> bool:
        """A row of `table` that is a part of a record of this dataset, and of one of `other`, is so because the one
        record is a part of the other, or the same row."""
        if table not in self.members & other.members:
            return False
        for one, above in ((self, other), (other, self)):
            if one.root.id in above.members and above.chain(table) == one.chain(table) + above.chain(
                one.root.id
            ):
                return True
        return False

    def parts_with(self, other: BoundDataset) -> frozenset[TableId]:
        """Tables of which a row can be a part of a record of this dataset and of one of `other`, of which neither is a
        part of the other, nor the same row."""
        common = (self.members - {self.root.id}) & (other.members - {other.root.id})
        return frozenset(table for table in common if not self.reached_alike(table, other))

    @property
    def moves(self) -> bool:
        """To restrict a record is to move it to a vault."""
        return self.dataset.vault is not None

    @property
    def entangled(self) -> bool:
        """Records of this dataset can refer to each other."""
        return any(item.inside for item in self.outside)

    @property
    def circled(self) -> Circle | None:
        """The circle, where records of its datasets can go together."""
        return self.circle if self.circle is not None and not self.circle.why else None

    @property
    def together(self) -> tuple[str, ...]:
        """The datasets of which records may have to go with those of this one: itself alone, but in such a circle."""
        return (str(self),) if self.circled is None else self.circled.names

    @property
    def tangled(self) -> bool:
        """Whether a record can go may be decided by other records, of this dataset or of its circle."""
        return self.entangled or self.circled is not None

    @property
    def rewrites_parts(self) -> bool:
        """Columns of the record's parts are rewritten."""
        return any(not item.own for item in self.rewriting)

    def part(self, table: TableId) -> Part:
        """The part over `table`; KeyError for a table that is none."""
        for part in self.parts:
            if part.table.id == table:
                return part
        raise KeyError(table)

    def chain(self, table: TableId) -> tuple[Reference, ...]:
        """The references that lead from `table` to the root, one a step; none for the root."""
        steps: list[Reference] = []
        while table != self.root.id:
            reference = self.part(table).reference
            steps.append(reference)
            table = reference.target
        return tuple(steps)


@dataclass(frozen=True, kw_only=True)
class Ruled:
    """A dataset and every rule that reaches it, in file order: what may keep its records, whatever acts."""

    bound: BoundDataset
    rules: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True)
class Job:
    """Rule × dataset. `others`: the other rules on the same data, in file order.

    `told`: the events of the policy that no store records.
    """

    rule: Rule
    bound: BoundDataset
    others: tuple[Rule, ...] = field(default=())
    told: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """`rule/connector/dataset`, as ledger and state store name it."""
        return f"{self.rule.name}/{self.bound.connector.name}/{self.bound.dataset.name}"

    @property
    def every(self) -> tuple[Rule, ...]:
        """Its own rule and the others, in file order."""
        return tuple(sorted((self.rule, *self.others), key=lambda rule: rule.order))
