"""The kill switch: while it is on, nothing goes on."""

from __future__ import annotations

from retention.model.documents import instant
from retention.model.switch import Stop
from retention.safety.verdict import GO_ON, Verdict, refused


def by_switch(stop: Stop | None) -> Verdict:
    """Whether anything may go on. The reason names who stopped it and not why: those words are of the state store."""
    if stop is None:
        return GO_ON
    where = f" (the file {stop.file})" if stop.file is not None else ""
    since = instant(stop.at.replace(microsecond=0))
    return refused(f"everything was stopped by {stop.by}{where} at {since}; to go on, type: retention resume")
