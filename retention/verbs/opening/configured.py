"""The operator's files as a command finds them; no database is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from retention import periods
from retention.config.files import Setting, load_settings
from retention.errors import UsageError
from retention.model.place import Place

if TYPE_CHECKING:
    from retention.config import Configuration

Clock = Callable[[], datetime]


def configuration(place: Place) -> Configuration:
    """All files, or every problem of them at once."""
    from retention.config import load

    return load(place.config, place.connectors, environ=place.environ)


def setting(place: Place) -> Setting:
    """How the engine runs here: what needs no promise and no connector reads no more than that."""
    return load_settings(place.config, environ=place.environ)


def as_of_instant(config: Configuration, text: str | None, clock: Clock) -> datetime:
    """`--as-of` as an instant, now by default; UsageError for a text that is none."""
    if text is None:
        return clock().astimezone(UTC)
    try:
        return periods.parse_as_of(text, config.policy.timezone)
    except ValueError as error:
        raise UsageError(f"--as-of: {error}") from error


def in_zone(config: Configuration, moment: datetime) -> datetime:
    """The same instant as people of the policy read it: a day of theirs begins at 00:00.

    For what is told, and not to reckon with: two times of one zone are compared by the wall clock, and
    one that comes twice is not equal to the same instant in UTC.
    """
    return moment.astimezone(ZoneInfo(config.policy.timezone))


def to_the_second(config: Configuration, moment: datetime) -> str:
    """The same, in words for people."""
    return in_zone(config, moment).isoformat(sep=" ", timespec="seconds")
