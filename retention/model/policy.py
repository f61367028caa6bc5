"""What the operator wrote in `policies.toml`: the promises, in the policy's own words."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from retention.model.clock import Clock


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


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A job above `share` of its table (0 < share <= 1) or above `rows` records is refused."""

    share: Decimal = Decimal("0.25")
    rows: int = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One promise. Defaults of the policy are already merged in.

    A rule with `kept_by` is kept by something else: it has no clock and no action, and is
    only shown. `order` is its place in the file.
    """

    name: str
    promise: str
    data: str
    order: int
    clock: Clock | None = None  # keep, starts, fiscal_year_end, timezone
    event: str | None = None  # from
    action: str | None = None  # "delete"
    schedule: str | None = None
    basis: Basis | None = None
    citation: str | None = None
    kept_by: str | None = None
    approval: Approval = Approval.CHANGES
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """All of `policies.toml`. `timezone` is the zone of `--as-of` dates and of reports."""

    name: str
    source: str | None
    timezone: str
    rules: Mapping[str, Rule]
    file: str
