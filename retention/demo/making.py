"""What a builder is told, and the days at a line of a policy."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

from retention.demo.dice import Dice
from retention.model.progress import NoProgress, Progress


@dataclass(frozen=True, kw_only=True)
class Making:
    """A company as it is on `today`, in `folder`, with `scale` times as many people as a small one.

    `urls`: connectors whose database lies elsewhere than in a SQLite file of the folder. `made`: those that were empty,
    and that something was put into since.
    """

    folder: Path
    today: date
    scale: int = 1
    urls: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = field(default_factory=NoProgress)
    made: list[str] = field(default_factory=list)


def at(day: date, clock: str = "10:15:00") -> datetime:
    """A reading of the wall clock, as the company's systems write it."""
    return datetime.combine(day, time.fromisoformat(clock))


def ago(today: date, *, years: int = 0, days: int = 0) -> date:
    """About so long before today; nothing hangs on the day."""
    return today - timedelta(days=365 * years + years // 4 + days)


@dataclass(frozen=True, kw_only=True)
class Line:
    """`due`: the last day of an event whose period is over today. `stays`: the day after it."""

    due: date
    stays: date


def line(today: date, *, years: int = 0, months: int = 0, days: int = 0) -> Line:
    """Where the line of a period lies that is counted from the day of the event.

    By trying: the first day whose last day of the period is not over yet.
    """
    stays = today - timedelta(days=days)
    while _last(stays - timedelta(days=1), 12 * years + months, days) >= today:
        stays -= timedelta(days=1)
    return Line(due=stays - timedelta(days=1), stays=stays)


def year_line(today: date, *, years: int) -> Line:
    """The same for a period that starts after the calendar year."""
    stays = date(today.year - years, 1, 1)
    return Line(due=stays - timedelta(days=1), stays=stays)


def _last(day: date, months: int, days: int) -> date:
    """The last day of a period that begins after `day`."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    longest = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, longest)) + timedelta(days=days)


def moment(today: date, dice: Dice, days: int) -> datetime:
    """Some time of the working day so many days ago, yesterday at the latest."""
    clock = f"{dice.randint(7, 22):02}:{dice.randint(0, 59):02}:{dice.randint(0, 59):02}"
    return at(today - timedelta(days=max(days, 1)), clock)
