"""What the operator wrote in `connectors/*.toml`: where the data is, in the policy's words.

Names of tables and columns are as written; `retention.planning` resolves them against the
live catalogue.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from retention.model.clock import Period
from retention.model.condition import Condition
from retention.model.encoding import PLAIN, Encoding
from retention.model.strategy import Pieces, Rewriting


@dataclass(frozen=True, kw_only=True)
class Name:
    """A name as written, split at its dots: `"sales.orders"` is ("sales", "orders").

    A piece in double quotes is taken as it stands: `'"my.table".col'`.
    """

    pieces: tuple[str, ...]
    text: str


@dataclass(frozen=True, kw_only=True)
class EventColumn:
    """One component of an event: a column of the root row, or of a related table.

    `via`: which referring column leads to the related table, where two do. `where`: it has happened only
    in rows of which this is true. `encoding`: how the column writes a point in time.
    """

    column: Name
    via: str | None = None
    where: Condition | None = None
    encoding: Encoding = PLAIN


@dataclass(frozen=True, kw_only=True)
class Event:
    """The latest of `components`; none at all: it never happens (`"never"`)."""

    components: tuple[EventColumn, ...]


@dataclass(frozen=True, kw_only=True)
class PartName:
    """A table whose rows belong to the record; `via` names the referring column where two lead there.

    `shared`: the record refers to them, and they go with the last that does.
    """

    table: Name
    via: str | None = None
    shared: bool = False


@dataclass(frozen=True, kw_only=True)
class RelationName:
    """A reference that the database does not declare: `table.columns` refers to `target.target_columns`."""

    table: Name
    columns: tuple[str, ...]
    target: Name
    target_columns: tuple[str, ...]

    @property
    def text(self) -> str:
        """`tickets.customer_id -> customers.id`, for messages."""
        left = f"{self.table.text}.{','.join(self.columns)}"
        return f"{left} -> {self.target.text}.{','.join(self.target_columns)}"


@dataclass(frozen=True, kw_only=True)
class ColumnPath:
    """A column of the root row, or of a table that it refers to; `via` as in an event."""

    column: Name
    via: str | None = None


@dataclass(frozen=True, kw_only=True)
class SomeRow:
    """True where some row of a table that refers to the record passes `where` (any row, where that is None)."""

    table: Name
    where: Condition | None = None
    via: str | None = None


Fact: TypeAlias = "ColumnPath | Condition | SomeRow"
"""A value, or something that is true or false of a record."""


class PeriodUnit(enum.Enum):
    """What an instructed period is counted in."""

    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    YEARS = "years"

    def period(self, count: int) -> Period:
        """`count` of it. Raises OverflowError for one that is no period of the calendar."""
        months = {PeriodUnit.MONTHS: 1, PeriodUnit.YEARS: 12}.get(self, 0) * count
        days = {PeriodUnit.DAYS: 1, PeriodUnit.WEEKS: 7}.get(self, 0) * count
        return Period(months=months, days=days, text=f"{count} {self.value}")


@dataclass(frozen=True, kw_only=True)
class InstructedPeriod:
    """A period that the database holds: a whole number of `unit`; what is not `between` is unclear.

    `between` is (least, most), both allowed.
    """

    path: ColumnPath
    unit: PeriodUnit
    between: tuple[int, int]


RESTRICTED = "restricted"
"""The event and the fact of every dataset whose records can be restricted, and of their vaults."""


@dataclass(frozen=True, kw_only=True)
class Restriction:
    """How a record is restricted (GDPR Art. 18): in place, by a column `mark` that says since when; or by moving it
    to the dataset `to` of the same connector, whose column `at` says it. One of `mark` and `to` is None.
    """

    mark: str | None = None
    to: str | None = None
    at: str = "restricted_at"


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The records of one category in one store.

    `subject`: kind of identifier → where it is read; None where it was written that there is none ("none").
    `columns`: a slice of the row, None for all of it. `began`: told events that came earlier do not concern it.
    `rewriting`: how a record is anonymised or pseudonymised; `restrict`: how it is restricted, None where it is not.
    `triggers`: those of the table that run at an UPDATE, and that a person has looked at.
    `vault_of`: the dataset whose records are moved here when they are restricted; None where it is no vault.
    `implied`: "events" and "facts" of which `restricted` was not written, but follows from how they are restricted.
    """

    name: str
    connector: str
    data: str
    table: Name
    schema: str | None = None
    key: tuple[str, ...] | None = None  # None: the primary key
    where: Condition | None = None
    columns: tuple[str, ...] | None = None
    subject: Mapping[str, ColumnPath] | None = field(default_factory=dict)
    began: EventColumn | None = None
    events: Mapping[str, Event] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict)
    fields: Mapping[str, tuple[Pieces, ...]] = field(default_factory=dict)
    periods: Mapping[str, InstructedPeriod] = field(default_factory=dict)
    parts: tuple[PartName, ...] = ()
    relations: tuple[RelationName, ...] = ()
    rewriting: Rewriting = field(default_factory=Rewriting)
    restrict: Restriction | None = None
    triggers: tuple[str, ...] = ()
    vault_of: str | None = None
    implied: frozenset[str] = frozenset()
    allow_scan: bool = False

    def __str__(self) -> str:
        return f"{self.connector}.{self.name}"

    @property
    def source(self) -> str | None:
        """Of a vault, the dataset whose records are moved there, with its connector's name; None of any other."""
        return None if self.vault_of is None else f"{self.connector}.{self.vault_of}"

    @property
    def vault(self) -> str | None:
        """The dataset that its records are moved to when they are restricted; None where they stay."""
        return None if self.restrict is None else self.restrict.to


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A value, or a reference to one that is read at every new connection.

    Exactly one of `literal`, `env`, `file` is set; `shown` is safe to print and to hash.
    """

    literal: str | None = None
    env: str | None = None
    file: str | None = None

    @property
    def shown(self) -> str:
        """The reference, or the literal, which holds no password."""
        if self.env is not None:
            return f"env:{self.env}"
        if self.file is not None:
            return f"file:{self.file}"
        return self.literal or ""


@dataclass(frozen=True, kw_only=True)
class Throttle:
    """`batch_time`: what one transaction should take. `workers`: at most so many on one job. The rest holds up the next
    batch.

    `rest`: seconds of rest for each second of work. `rows_per_second`: of all tables. `max_lag`: of any replica;
    `replicas`: the URLs of those that the database itself does not tell of. `load`: a query of one number, at most
    `max_load`.
    """

    batch_time: timedelta = timedelta(milliseconds=500)
    workers: int = 1
    rest: float = 0.0
    rows_per_second: int | None = None
    max_lag: timedelta | None = None
    replicas: tuple[Secret, ...] = ()
    load: str | None = None
    max_load: float | None = None

    @property
    def gauged(self) -> bool:
        """The database is asked whether the next batch may begin."""
        return self.max_lag is not None or self.load is not None


@dataclass(frozen=True, kw_only=True)
class Tls:
    """TLS to a server: verified unless the host is local. `off`: it is written that it is not.

    Paths, as they are written: `ca` of authorities; `cert`, `key` of the client's certificate and its private key.
    """

    off: bool = False
    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    @property
    def asked(self) -> bool:
        """TLS is wanted of any server, a local one too."""
        return self.ca is not None or self.cert is not None


@dataclass(frozen=True, kw_only=True)
class Connector:
    """One connected store. `folder` is where relative paths start (the folder of policies.toml)."""

    name: str
    file: str
    type: str
    url: Secret
    folder: str
    password: Secret | None = None
    timezone: str | None = None
    tls: Tls = field(default_factory=Tls)
    marker_schema: str | None = None  # None: where a session of the target looks first
    throttle: Throttle = field(default_factory=Throttle)
    datasets: Mapping[str, Dataset] = field(default_factory=dict)

    @property
    def schemas(self) -> frozenset[str]:
        """Every schema that its datasets name."""
        datasets = self.datasets.values()
        tables = [d.table.pieces for d in datasets] + [
            part.table.pieces for d in datasets for part in d.parts
        ]
        named = {pieces[0] for pieces in tables if len(pieces) == 2}
        return frozenset(named | {d.schema for d in datasets if d.schema})
