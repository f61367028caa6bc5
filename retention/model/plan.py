"""What a run would do, and why."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

FATES = (
    "out_of_scope",
    "not_due",
    "undated",
    "unclear",
    "deferred",
    "held",
    "retained",
    "conflict",
    "referenced",
    "elsewhere",
    "done",
    "due",
)
"""Every fate a record can have, in the order in which they are shown. Each record has exactly one."""


class JobStatus(enum.Enum):
    """What becomes of a job: the first four in a plan, all but the first in a run."""

    READY = "ready"
    NOTHING = "nothing"
    AWAITING = "awaiting approval"
    REFUSED = "refused"
    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class Cutoff:
    """Records of which `when` is true are due when their event lies before `cutoff`.

    `when` is "always" for a rule without exceptions; `cutoff` is aware, in the rule's zone.
    """

    when: str
    cutoff: datetime


@dataclass(frozen=True, kw_only=True)
class JobPlan:
    """Rule × dataset. `fates` holds every name of FATES; they add up to `total`.

    `rows`: table → rows that go, root and parts. `referenced_by`: table → how many records its
    rows keep. `oldest`: the oldest event among the due, as an ISO date. `form`, `target` and `schema`
    are hashes: of the rule's resolved form, of the database, of the tables it touches.
    """

    rule: str
    connector: str
    dataset: str
    promise: str
    action: str
    total: int
    fates: Mapping[str, int]
    overdue: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    cutoffs: tuple[Cutoff, ...] = ()
    oldest: str | None = None
    exact: bool = True
    referenced_by: Mapping[str, int] = field(default_factory=dict)
    status: JobStatus = JobStatus.READY
    reason: str | None = None
    form: str = ""
    target: str = ""
    schema: str = ""

    @property
    def due(self) -> int:
        return self.fates["due"]

    @property
    def actions(self) -> Mapping[str, int]:
        return {self.action: self.due}


@dataclass(frozen=True, kw_only=True)
class KeptElsewhere:
    """A promise that something else keeps; shown, not enforced here."""

    rule: str
    promise: str
    kept_by: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`id` names the plan; `digest` is the SHA-256 of its content, `policy` that of the policy.

    `stored`: it is in a state store and can be approved. `totals` count a record once.
    """

    id: str
    digest: str
    as_of: datetime
    policy: str
    jobs: tuple[JobPlan, ...]
    kept_elsewhere: tuple[KeptElsewhere, ...] = ()
    stored: bool = False
    notes: tuple[str, ...] = ()
