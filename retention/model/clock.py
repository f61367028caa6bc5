"""A rule's clock in calendar terms: how long, from which day, in which zone.

The arithmetic over these records is in `retention.periods`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, kw_only=True)
class Period:
    """A calendar duration of whole months and days; neither is ever an amount of seconds.

    `months` counts years and months (a year is 12), `days` weeks and days (a week is 7).
    `text` is what the operator wrote, and takes no part in comparison.
    """

    months: int
    days: int
    text: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Period) and (self.months, self.days) == (other.months, other.days)

    def __hash__(self) -> int:
        return hash((self.months, self.days))


class Start(enum.Enum):
    """Where a period starts to count."""

    NEXT_DAY = "next day"
    FISCAL_YEAR = "after fiscal year"
    CALENDAR_YEAR = "after calendar year"
    QUARTER = "after quarter"
    MONTH = "after month"


@dataclass(frozen=True, kw_only=True)
class Clock:
    """One limb of a rule: `period`, counted from `start`, in the zone `timezone` (an IANA name).

    `fiscal_year_end` is (month, day); (2, 28) means the last day of February.
    """

    period: Period
    start: Start = Start.NEXT_DAY
    fiscal_year_end: tuple[int, int] = (12, 31)
    timezone: str = "UTC"


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """A line in time, in the three forms that columns need.

    `day` for DATE columns (the first day on the far side), `instant` (aware, UTC) for
    columns that know their zone. The form for zone-less columns depends on the
    connector's zone: `retention.periods.naive_boundary`.
    """

    day: date
    instant: datetime
