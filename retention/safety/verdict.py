"""The answer to "may this go on?"."""

from __future__ import annotations

from dataclasses import dataclass

from retention.model.plan import JobStatus


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`status` is READY where it may; AWAITING where a person must say so; else REFUSED, with the reason."""

    status: JobStatus = JobStatus.READY
    reason: str | None = None

    @property
    def allowed(self) -> bool:
        """It may go on."""
        return self.status is JobStatus.READY


GO_ON = Verdict()


def refused(reason: str) -> Verdict:
    """It must not, for this reason."""
    return Verdict(status=JobStatus.REFUSED, reason=reason)


def awaiting(reason: str) -> Verdict:
    """It may once a person has said so."""
    return Verdict(status=JobStatus.AWAITING, reason=reason)
