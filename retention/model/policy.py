"""What the operator wrote in `policies.toml`: the promises, in the policy's own words."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from retention.model.clock import Clock, Period, Start
from retention.model.condition import Condition


class Approval(enum.Enum):
    """When a named person must have approved a rule's plan before it runs."""

    CHANGES = "changes"
    ALWAYS = "always"
    NEVER = "never"


class Basis(enum.Enum):
    """Legal bases (GDPR Art. 6(1), and claims as in Art. 17(3)(e))."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal obligation"
    LEGAL_CLAIMS = "legal claims"
    VITAL_INTERESTS = "vital interests"
    PUBLIC_TASK = "public task"
    LEGITIMATE_INTERESTS = "legitimate interests"


MONTH = Period(months=1, days=0, text="1 month")
"""How long carrying out a rule may take where it does not say: GDPR Art. 12(3)."""


DELETE, RESTRICT, ANONYMIZE = "delete", "restrict", "anonymize"
RELEASE = "release"
"""What a person does, and no rule: a record goes back from its vault. In a job's name it stands in a rule's place."""
REWRITING = frozenset({ANONYMIZE, "pseudonymize"})
"""Two names of one rewriting, for what the law calls its results."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A job above `share` of its table (0 < share <= 1) or above `rows` records is refused."""

    share: Decimal = Decimal("0.25")
    rows: int = 1_000_000


@dataclass(frozen=True, kw_only=True)
class ToldEvent:
    """An event that no store records: `by` are the kinds of identifier that it may come with."""

    name: str
    by: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What a rule says of the records of which `when` is true; `when` is None for the rule itself.

    `keep` is its period from `event`, or None where it has none or takes it from the connector, by the name
    `instructed`; `start`, `fiscal_year_end` and `timezone` say how any period counts. `until` and `upon` end it
    by their own day. `at_most` counts as `keep` does; where `unbounded` is true there is no such end.
    `otherwise`: what is tried in turn where `action` is stopped.
    `yields_to`: the bases of the rules that it gives way to, None for all rules. `needs`: data → fields
    that must stay readable while it keeps a record.
    """

    timezone: str
    start: Start = Start.NEXT_DAY
    fiscal_year_end: tuple[int, int] = (12, 31)
    when: Condition | None = None
    keep: Period | None = None
    instructed: str | None = None
    event: str | None = None  # from
    until: tuple[str, ...] = ()
    upon: tuple[str, ...] = ()
    at_most: Period | None = None
    unbounded: bool = False  # at_most = "none"
    defer_while: Condition | None = None
    within: Period = MONTH
    action: str = "delete"
    otherwise: tuple[str, ...] = ()
    yields_to: frozenset[Basis] | None = None
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    basis: Basis | None = None
    citation: str | None = None

    def counting(self, period: Period) -> Clock:
        """How `period` counts here."""
        return Clock(
            period=period, start=self.start, fiscal_year_end=self.fiscal_year_end, timezone=self.timezone
        )

    @property
    def chain(self) -> tuple[str, ...]:
        """The actions that are tried, in order: the first that nothing stops is done."""
        return (self.action, *self.otherwise)

    @property
    def keeping(self) -> bool:
        """It has the limb `keep`."""
        return self.keep is not None or self.instructed is not None

    @property
    def ending(self) -> tuple[str, ...]:
        """The events that end it by their own day."""
        return (*self.until, *self.upon)

    @property
    def events(self) -> tuple[str, ...]:
        """Every event that it names, each once."""
        named = (self.event, *self.ending) if self.event is not None else self.ending
        return tuple(dict.fromkeys(named))


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One promise. Defaults of the policy are already merged in.

    A rule with `kept_by` is kept by something else: it has no variants, and is only shown. `data` is empty
    where it reaches all data ("any"). `variants`: its exceptions in the order of the file, and last what
    holds where none of them does. `order` is its place in the file.
    """

    name: str
    promise: str
    data: tuple[str, ...]
    order: int
    variants: tuple[Variant, ...] = ()
    where: Condition | None = None
    schedule: str | None = None
    basis: Basis | None = None
    citation: str | None = None
    kept_by: str | None = None
    approval: Approval = Approval.CHANGES
    limits: Limits = field(default_factory=Limits)

    @property
    def acts(self) -> bool:
        """The engine keeps the promise, and not something else."""
        return bool(self.variants)

    @property
    def base(self) -> Variant:
        """What holds where no exception does."""
        return self.variants[-1]

    @property
    def timezone(self) -> str:
        """The zone whose calendar counts; "UTC" for a promise that something else keeps."""
        return self.base.timezone if self.variants else "UTC"

    @property
    def events(self) -> tuple[str, ...]:
        """Every event that it or an exception names, each once."""
        return tuple(dict.fromkeys(name for variant in self.variants for name in variant.events))

    def speaks_of(self, data: str) -> bool:
        """Whether the rule is one on `data`."""
        return not self.data or data in self.data


@dataclass(frozen=True, kw_only=True)
class Policy:
    """All of `policies.toml`. `timezone` is the zone of `--as-of` dates and of reports.

    `told`: the events that no store records. `identifiers`: kind → how its text is compared for told events.
    """

    name: str
    source: str | None
    timezone: str
    rules: Mapping[str, Rule]
    file: str
    told: Mapping[str, ToldEvent] = field(default_factory=dict)
    identifiers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
