"""What is known of a daemon at a moment: what probes, metrics and notices are made from. No personal data."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from retention.model.outcome import RunOutcome
from retention.model.status import Status

Job = tuple[str, str, str]
"""Rule, connector, dataset."""


@dataclass(frozen=True, kw_only=True)
class Life:
    """How the daemon itself is. `ticked`: when it looked last, in seconds that nobody sets.

    `reached`: connector → whether it answered when it was last asked. `verified`: the ledger when this daemon looked at
    it last; None: not yet. `proved`: when it looked, where that was well. `waits`: a word for why nothing is begun.
    `upcoming`: rule → its next time.
    """

    ticked: float
    valid: bool = True
    state: bool = False
    verified: bool | None = None
    proved: datetime | None = None
    jumped: bool = False
    stopped: bool = False
    waits: str | None = None
    active: int = 0
    reached: Mapping[str, bool] = field(default_factory=dict)
    upcoming: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Configured, every store reached, the ledger verified."""
        return self.state and self.verified is True and bool(self.reached) and all(self.reached.values())


@dataclass
class Vitals:
    """Written by the daemon's loop, read by others from any thread."""

    life: Life
    status: Status | None = None
    records: Counter[tuple[Job, str]] = field(default_factory=Counter)
    rows: Counter[Job] = field(default_factory=Counter)
    batches: Counter[tuple[Job, str]] = field(default_factory=Counter)
    planning: float = 0.0
    runs: Counter[str] = field(default_factory=Counter)
    seconds: dict[tuple[Job, str], float] = field(default_factory=dict)
    notices: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self, **changes: object) -> None:
        """How the daemon is has changed."""
        self.life = replace(self.life, **changes)  # type: ignore[arg-type]

    def told(self, channel: str, *, taken: bool) -> None:
        """A channel has taken a notice, or has not."""
        with self._lock:
            self.notices[channel, "taken" if taken else "failed"] += 1

    def ran(self, outcome: RunOutcome) -> None:
        """A run is over."""
        with self._lock:
            self.runs[outcome.status] += 1
            self.planning += outcome.planning
            for job in outcome.jobs:
                name = (job.rule, job.connector, job.dataset)
                for word, count in (
                    ("done", job.done), ("changed", job.skipped.changed), ("held", job.skipped.held),
                    ("locked", job.skipped.locked), ("set_aside", job.set_aside), ("left", job.left),
                ):  # fmt: skip
                    self.records[name, word] += count
                self.rows[name] += sum(job.rows.values())
                for word, count in (
                    ("committed", job.batches), ("rolled_back", job.rolled_back), ("unknown", job.unknown)
                ):  # fmt: skip
                    self.batches[name, word] += count
                for phase, spent in (("working", job.seconds - job.waited), ("waiting", job.waited)):
                    self.seconds[name, phase] = self.seconds.get((name, phase), 0.0) + max(0.0, spent)
