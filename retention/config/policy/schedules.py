"""Checks of a schedule (cron): what it must not be, before a scheduler waits for it for ever."""

from __future__ import annotations

import re
from datetime import datetime

from retention.config.reading.findings import choice, said, unusable
from retention.config.reading.values import string

ALIASES = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
EXAMPLE = 'write five fields (minute hour day month weekday), such as "0 2 * * *"'

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DAYS = "sun|mon|tue|wed|thu|fri|sat"
_LETTERS = ("", "", "l", _MONTHS, f"{_DAYS}|l(?=[0-7])")
_SINCE = datetime(2000, 1, 1)  # noqa: DTZ001 - any day serves; nothing here asks for the time
_YEARS = 30  # a fifth Friday in February comes every 28 years


def schedule(value: object) -> str:
    """A cron expression of five fields or an alias such as `@daily`. Raises Unusable.

    What fires at random (`R`, `H`) or in no year is refused, and so are fields for seconds.
    """
    text = " ".join(string(value, '"0 2 * * *"').split()).lower()
    if text.startswith("@"):
        if text not in ALIASES:
            raise unusable(f"{said(text)} is not a schedule", choice(text, ALIASES))
        return text
    fields = text.split(" ")
    if len(text) > 200:
        raise unusable("is longer than any schedule", EXAMPLE)
    if len(fields) in (6, 7):
        raise unusable(f"{said(text)} has {len(fields)} fields; seconds and years are not supported", EXAMPLE)
    if len(fields) != 5:
        raise unusable(f"{said(text)} has {len(fields)} field{'s' if len(fields) != 1 else ''}", EXAMPLE)
    for field, letters in zip(fields, _LETTERS, strict=True):
        rest = re.sub(letters, "", field) if letters else field
        if re.fullmatch(r"[0-9*,/?#-]+", rest or "*") is None:
            raise unusable(f"{said(text)} has {said(field)} in it", EXAMPLE)
    _fires(text)
    return text


def _fires(text: str) -> None:
    from croniter import CroniterBadDateError, croniter

    try:
        croniter(text, _SINCE, max_years_between_matches=_YEARS).get_next(datetime)
    except CroniterBadDateError:
        raise unusable(f"{said(text)} never comes: no year has such a day", EXAMPLE) from None
    except (ValueError, KeyError, IndexError, TypeError, ArithmeticError) as error:
        which = ": a field of it is out of range" if "out of range" in str(error) else ""
        raise unusable(f"{said(text)} is not a schedule{which}", EXAMPLE) from None
