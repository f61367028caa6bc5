"""The maintenance window: between which hours of the policy's zone anything may be removed."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from retention.model.settings import Window


def is_open(window: Window | None, moment: datetime, timezone: str) -> bool:
    """Whether the wall clock of `timezone` stands in the window; without one it always does.

    From its beginning on, up to its end and not at it. One that ends before it begins goes over midnight.
    """
    if window is None:
        return True
    shown = moment.astimezone(ZoneInfo(timezone)).time()
    if window.begin < window.end:
        return window.begin <= shown < window.end
    return shown >= window.begin or shown < window.end


def closes_in(window: Window | None, moment: datetime, timezone: str) -> float | None:
    """Seconds until its next end, by the clock of `timezone`; None where there is no window."""
    if window is None:
        return None
    shown = moment.astimezone(ZoneInfo(timezone))
    end = datetime.combine(shown.date(), window.end, shown.tzinfo)
    if end.timestamp() <= moment.timestamp():
        end = datetime.combine(shown.date() + timedelta(days=1), window.end, shown.tzinfo)
    return end.timestamp() - moment.timestamp()
