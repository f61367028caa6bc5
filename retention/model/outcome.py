"""What a run did: intended = applied + skipped + failed, always."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from retention.model.plan import JobStatus


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """Records that were planned and left alone, by reason."""

    changed: int = 0
    held: int = 0
    locked: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.changed + self.held + self.locked


@dataclass(frozen=True, kw_only=True)
class JobOutcome:
    """planned = done + skipped + set_aside + left. `rows`: table → rows removed.

    `overdue`: how many of the done were past the time that carrying it out may take. `batches` committed, `rolled_back`
    did not (they were tried again, or halved), of `unknown` the database did not say. `waited`: seconds of
    `seconds` that went by between batches, for what holds them up. `busy`: another run had the
    dataset, and nothing is wrong but that.
    """

    rule: str
    connector: str
    dataset: str
    status: JobStatus
    reason: str | None = None
    planned: int = 0
    done: int = 0
    overdue: int = 0
    skipped: Skipped = field(default_factory=Skipped)
    set_aside: int = 0
    left: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    batches: int = 0
    rolled_back: int = 0
    unknown: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    busy: bool = False

    @property
    def counted(self) -> bool:
        """It is known how many there were to do: its database answered, or an approved plan had said so."""
        return self.status is not JobStatus.FAILED or self.planned > 0


@dataclass(frozen=True, kw_only=True)
class CheckpointRef:
    """A signed checkpoint: the tree's size and its root (base64)."""

    size: int
    root: str


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """One run: its jobs in the order in which they ran, and the checkpoint signed at its end. `planning`: seconds of
    counting before them."""

    id: str
    as_of: datetime
    status: str  # "done", "nothing", "partial", "refused", "failed", "interrupted"
    jobs: tuple[JobOutcome, ...]
    checkpoint: CheckpointRef | None = None
    planning: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ApprovalLine:
    """What a person approved: a rule on a dataset, up to `records`; `over_limit`: past its limits too.

    `left_out`: why it was not approved, for a dataset that the plan did not see.
    """

    rule: str
    connector: str
    dataset: str
    records: int
    over_limit: bool = False
    left_out: str | None = None
