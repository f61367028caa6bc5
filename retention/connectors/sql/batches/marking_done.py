"""When a record was rewritten, as its `done` column holds it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from retention.model.catalogue import Column, Kind


def marked(column: Column, at: datetime, timezone: str, naive: str | None) -> datetime | date | str:
    """The instant `at`, to the second: in `naive` on a clock without a zone, as a day of `timezone`, or as ISO 8601."""
    moment = at.astimezone(UTC).replace(microsecond=0)
    match column.kind:
        case Kind.DATE:
            return moment.astimezone(ZoneInfo(timezone)).date()
        case Kind.TIMESTAMP:
            return moment.astimezone(ZoneInfo(naive or "UTC")).replace(tzinfo=None)
        case Kind.TIMESTAMPTZ:
            return moment
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
