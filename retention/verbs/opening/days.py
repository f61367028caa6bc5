"""Days and instants as people type them between `--from` and `--to`."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from retention import periods
from retention.config import Configuration
from retention.errors import UsageError


def beginning(config: Configuration, option: str, text: str | None) -> datetime | None:
    """The first instant of a day in the policy's zone, or an RFC 3339 instant. Raises UsageError."""
    return None if text is None else _instant(config, option, text)


def ending(config: Configuration, option: str, text: str | None) -> datetime | None:
    """The first instant behind a day, or an RFC 3339 instant, which is not in it itself. Raises UsageError."""
    if text is None:
        return None
    found = _instant(config, option, text)
    if len(text) == len("2026-11-26"):
        return _instant(config, option, (date.fromisoformat(text) + timedelta(days=1)).isoformat())
    return found


def _instant(config: Configuration, option: str, text: str) -> datetime:
    try:
        return periods.parse_as_of(text, config.policy.timezone)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error
