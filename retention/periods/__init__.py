"""Calendar law: how periods are written, when they end, and where days begin.

`law` counts days and knows no clock, `zones` turns days into instants and back, `text` reads
what people write (`misread` is how it says no). Nothing here asks for the time; whoever calls
passes `as_of` down.
"""

from __future__ import annotations

from retention.periods.law import (
    cutoff,
    due_day,
    ended_day,
    happened,
    happened_late,
    late_cutoff,
    late_day,
    nearing_cutoff,
    nearing_day,
    unit_start_after,
)
from retention.periods.misread import MisreadError
from retention.periods.text import parse_as_of, parse_fiscal_year_end, parse_period
from retention.periods.zones import (
    check_zone,
    day_of,
    first_instant,
    first_reading,
    floor,
    instant_of_naive,
    keeps_days,
    naive_boundary,
    transitions,
)

__all__ = [
    "MisreadError",
    "check_zone",
    "cutoff",
    "day_of",
    "due_day",
    "ended_day",
    "first_instant",
    "first_reading",
    "floor",
    "happened",
    "happened_late",
    "instant_of_naive",
    "keeps_days",
    "late_cutoff",
    "late_day",
    "naive_boundary",
    "nearing_cutoff",
    "nearing_day",
    "parse_as_of",
    "parse_fiscal_year_end",
    "parse_period",
    "transitions",
    "unit_start_after",
]
