"""How a point in time is written in a column that is no date or timestamp of the database's own.

The arithmetic over these records is in `retention.periods.encodings`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

Sentinel: TypeAlias = "str | int | Decimal | date | datetime"
"""A value that means that it has not happened."""

EPOCHS = (date(1970, 1, 1), date(1601, 1, 1), date(2001, 1, 1))
"""Where numbers count from: Unix; Windows and Chrome; Apple. Midnight UTC."""


class Unit(enum.Enum):
    """What one of a number is. All are instants but DAYS, which are days."""

    SECONDS = "s"
    MILLISECONDS = "ms"
    MICROSECONDS = "us"
    MINUTES = "min"
    DAYS = "days"

    @property
    def microseconds(self) -> int:
        """How long one of it is."""
        return _MICROSECONDS[self]


_MICROSECONDS = {
    Unit.SECONDS: 1_000_000,
    Unit.MILLISECONDS: 1_000,
    Unit.MICROSECONDS: 1,
    Unit.MINUTES: 60_000_000,
    Unit.DAYS: 86_400_000_000,
}


class Format(enum.Enum):
    """How a date is spelt in a text, or in the digits of a whole number.

    ISO is a day, a wall clock's reading, or an instant, as each value says. The formats with a time of
    day are readings of a wall clock, the others days; a month stands for its last day.
    """

    ISO = "iso"
    YYYYMMDD = "yyyymmdd"
    YYYYMMDDHHMM = "yyyymmddhhmm"
    YYYYMMDDHHMMSS = "yyyymmddhhmmss"
    YYYY_MM = "yyyy-mm"
    DD_MM_YYYY = "dd.mm.yyyy"
    DD_SLASH_MM_YYYY = "dd/mm/yyyy"
    MM_DD_YYYY = "mm/dd/yyyy"

    @property
    def digits(self) -> bool:
        """It is nothing but digits, so that whole numbers can hold it."""
        return self.value.isalpha() and self is not Format.ISO

    @property
    def timed(self) -> bool:
        """It has a time of day, of the connector's zone."""
        return self in (Format.ISO, Format.YYYYMMDDHHMM, Format.YYYYMMDDHHMMSS)

    @property
    def in_order(self) -> bool:
        """The order of the texts is the order of time, so that an index of the column serves."""
        return not self.value.endswith("yyyy")


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """At most one of `unit` (since `epoch`) and `format`; with neither, the column's type says it.

    `never`: values that mean that it has not happened, as the column holds them.
    """

    unit: Unit | None = None
    epoch: date = EPOCHS[0]
    format: Format | None = None
    never: tuple[Sentinel, ...] = ()

    @property
    def spelt_by_itself(self) -> bool:
        """A date of the database's own, or ISO 8601."""
        return self.unit is None and self.format in (None, Format.ISO)


PLAIN = Encoding()
"""A date or timestamp of the database's own; in a text, ISO 8601."""
