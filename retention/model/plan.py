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


TOTALS = ("total", "due", "overdue", "undated", "unclear", "rows")
"""What is counted over a whole plan."""


class JobStatus(enum.Enum):
    """What becomes of a job: the first four, or failed, in a plan; all but the first in a run."""

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
    """Rule × dataset. `fates` holds every name of FATES; they add up to `total`. `by_action`: by which action those are
    due that are; empty where it is `action` for all.

    `rows`: table → rows that go or are changed, root and parts. `referenced_by`: table → how many records its
    rows keep. `ringed`: how many of those stay for rows that refer to each other in a ring, `ringed_by` the
    references by which a ring can't go, each with the reason. `oldest`: the oldest event among the due, as an
    ISO date. `form`, `target` and `schema` are hashes: of the rule's resolved form, of the database, of the
    tables it touches. Where the status is failed its database did not answer: the numbers are 0, `exact` false,
    `target` and `schema` empty.
    """

    rule: str
    connector: str
    dataset: str
    promise: str
    action: str
    total: int
    fates: Mapping[str, int]
    overdue: int = 0
    by_action: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    cutoffs: tuple[Cutoff, ...] = ()
    oldest: str | None = None
    exact: bool = True
    referenced_by: Mapping[str, int] = field(default_factory=dict)
    ringed: int = 0
    ringed_by: tuple[str, ...] = ()
    status: JobStatus = JobStatus.READY
    reason: str | None = None
    form: str = ""
    target: str = ""
    schema: str = ""

    @property
    def name(self) -> str:
        """`rule/connector/dataset`, as ledger and state store name the job."""
        return f"{self.rule}/{self.connector}/{self.dataset}"

    @property
    def due(self) -> int:
        """Records that a run would remove or change."""
        return self.fates["due"]

    @property
    def kept(self) -> int:
        """Records that stay for a reason: neither due, nor done already, nor gone under another rule."""
        return self.total - self.fates["due"] - self.fates["elsewhere"] - self.fates["done"]

    @property
    def actions(self) -> Mapping[str, int]:
        """Action → how many records it is for."""
        return dict(self.by_action) or {self.action: self.due}


@dataclass(frozen=True, kw_only=True)
class KeptElsewhere:
    """A promise that something else keeps; shown, not enforced here."""

    rule: str
    promise: str
    kept_by: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`id` names the plan; `digest` is the SHA-256 of its content, `policy` that of the policy.

    `stored`: it is in a state store and can be approved. `counted` are totals that count a record
    once, where the planner counted them; `totals` are always there.
    """

    id: str
    digest: str
    as_of: datetime
    policy: str
    jobs: tuple[JobPlan, ...]
    kept_elsewhere: tuple[KeptElsewhere, ...] = ()
    stored: bool = False
    notes: tuple[str, ...] = ()
    counted: Mapping[str, int] = field(default_factory=dict)

    @property
    def totals(self) -> Mapping[str, int]:
        """Every name of TOTALS, each record counted once.

        Where the planner did not count, they are drawn from the jobs: `total` and `due` are exact,
        since a record is due under one rule only; the others are at most the dataset's total, and
        too high where two rules look at the same late or undated record, never too low.
        """
        datasets: dict[tuple[str, str], list[JobPlan]] = {}
        for job in self.jobs:
            datasets.setdefault((job.connector, job.dataset), []).append(job)
        sums = dict.fromkeys(TOTALS, 0)
        for jobs in datasets.values():
            total = max(job.total for job in jobs)
            sums["total"] += total
            sums["due"] += sum(job.due for job in jobs)
            sums["rows"] += sum(sum(job.rows.values()) for job in jobs)
            sums["overdue"] += min(total, sum(job.overdue for job in jobs))
            for name in ("undated", "unclear"):
                sums[name] += min(total, sum(job.fates[name] for job in jobs))
        return sums | dict(self.counted)


@dataclass(frozen=True, kw_only=True)
class PlanLine:
    """A stored plan in a list. `approved` says in words what is ("all", "2 of 3 rules", "no")."""

    id: str
    as_of: datetime
    created: datetime
    due: int
    approved: str
    used: bool


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A statement as a run would send it. `purpose` is what it is for: "find", "lock", "recheck", …

    `reason`: why there is none. `together`: of a batch of records that refer to each other and are due by several
    rules, these; `rule` is the first of them.
    """

    rule: str
    connector: str
    dataset: str
    purpose: str
    sql: str
    reason: str | None = None
    together: tuple[str, ...] = ()
