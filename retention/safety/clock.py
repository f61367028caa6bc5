"""Clocks that disagree: nothing is deleted by a clock that has jumped."""

from __future__ import annotations

from datetime import datetime, timedelta

from retention.safety.verdict import GO_ON, Verdict, refused

TOLERANCE = timedelta(minutes=5)


def against_database(*, now: datetime, database: datetime, name: str) -> Verdict:
    """The engine's clock and a database server's."""
    apart = abs(now - database)
    if apart <= TOLERANCE:
        return GO_ON
    return refused(
        f"the clocks of this machine ({now:%Y-%m-%d %H:%M:%S} UTC) and of `{name}` ({database:%Y-%m-%d %H:%M:%S} UTC)"
        f" are {_words(apart)} apart"
    )


def against_ledger(*, now: datetime, last: datetime | None) -> Verdict:
    """The engine's clock and the ledger's last event."""
    if last is None or now >= last - TOLERANCE:
        return GO_ON
    return refused(
        f"this machine's clock says {now:%Y-%m-%d %H:%M:%S} UTC, and the ledger's last event was"
        f" {_words(last - now)} later: the clock has been set back"
    )


def ahead(*, as_of: datetime, now: datetime) -> Verdict:
    """A plan may look ahead; nothing is deleted before its day."""
    if as_of <= now:
        return GO_ON
    return refused(
        f"as of {as_of:%Y-%m-%d %H:%M} UTC lies in the future: records would be deleted"
        " before their time (a plan may look ahead, a run may not)"
    )


def _words(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {word}{'s' if count != 1 else ''}"
    return f"{seconds} seconds"
