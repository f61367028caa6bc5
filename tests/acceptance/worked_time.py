"""Worked examples of time: when a clock ends, in which zone, and what can't be told."""

from __future__ import annotations

from tests.acceptance.worked import Example, dataset, rule, things

MADE = dataset('events = { made = "made" }')


def kept(*lines: str) -> dict[str, str]:
    """One rule, counted from `made`."""
    return {"things": rule(*lines, 'from = "made"')}


DAYS = (
    Example(
        name="the day of the event does not count",
        rules=kept('keep = "0 days"'),
        datasets=MADE,
        rows=things("made DATE", "'2026-05-10'"),
        fates={"2026-05-10": {"things": "not_due"}, "2026-05-11": {"things": "due"}},
    ),
    Example(
        name="six months from 31 August end on the last of February",
        rules=kept('keep = "6 months"'),
        datasets=MADE,
        rows=things("made DATE", "'2025-08-27'", "'2025-08-28'", "'2025-08-30'", "'2025-08-31'"),
        fates={
            "2026-02-27": {"things": "not_due not_due not_due not_due"},
            "2026-02-28": {"things": "due not_due not_due not_due"},
            "2026-03-01": {"things": "due due due due"},
        },
    ),
    Example(
        name="a year from 29 February",
        rules=kept('keep = "1 year"'),
        datasets=MADE,
        rows=things("made DATE", "'2023-02-28'", "'2024-02-28'", "'2024-02-29'"),
        fates={
            "2024-02-28": {"things": "not_due not_due not_due"},
            "2024-02-29": {"things": "due not_due not_due"},
            "2025-02-28": {"things": "due! not_due not_due"},
            "2025-03-01": {"things": "due! due due"},
        },
    ),
    Example(
        name="years and months in one step and then days",
        rules={
            "things": rule('keep = "1 year 1 month"', 'from = "made"'),
            "days": rule('keep = "13 months 1 day"', 'from = "made"'),
        },
        datasets=MADE,
        rows=things("made DATE", "'2024-01-31'"),
        fates={
            "2025-02-28": {"things": "not_due", "days": "not_due"},
            "2025-03-01": {"things": "retained", "days": "not_due"},
            "2025-03-02": {"things": "elsewhere", "days": "due"},
        },
    ),
    Example(
        name="five years after the calendar year",
        rules=kept('keep = "5 years"', 'starts = "after calendar year"'),
        datasets=MADE,
        rows=things("made DATE", "'2021-03-01'", "'2021-12-31'", "'2022-01-01'"),
        fates={
            "2026-12-31": {"things": "not_due not_due not_due"},
            "2027-01-01": {"things": "due due not_due"},
            "2028-01-01": {"things": "due! due! due"},
        },
    ),
    Example(
        name="42 months after a fiscal year that ends in June",
        rules=kept('keep = "42 months"', 'starts = "after fiscal year"', 'fiscal_year_end = "06-30"'),
        datasets=MADE,
        rows=things("made DATE", "'2020-07-01'", "'2021-06-30'", "'2021-07-01'"),
        fates={
            "2024-12-31": {"things": "not_due not_due not_due"},
            "2025-01-01": {"things": "due due not_due"},
        },
    ),
    Example(
        name="a fiscal year that ends with February in leap years too",
        rules=kept('keep = "1 year"', 'starts = "after fiscal year"', 'fiscal_year_end = "02-28"'),
        datasets=MADE,
        rows=things("made DATE", "'2024-02-28'", "'2024-02-29'", "'2024-03-01'"),
        fates={
            "2025-02-28": {"things": "not_due not_due not_due"},
            "2025-03-01": {"things": "due due not_due"},
            "2026-02-28": {"things": "due! due! not_due"},
            "2026-03-01": {"things": "due! due! due"},
        },
    ),
    Example(
        name="a month after the quarter and after the month",
        rules={
            "monthly": rule('keep = "1 month"', 'from = "made"', 'starts = "after month"'),
            "quarterly": rule('keep = "1 month"', 'from = "made"', 'starts = "after quarter"'),
        },
        datasets=MADE,
        rows=things("made DATE", "'2026-01-15'"),
        fates={
            "2026-02-28": {"monthly": "not_due", "quarterly": "not_due"},
            "2026-03-01": {"monthly": "retained", "quarterly": "not_due"},
            "2026-05-01": {"monthly": "elsewhere", "quarterly": "due"},
        },
    ),
)

ZONES = (
    Example(
        name="the nights on which the clocks change and a wall clock without a zone",
        rules=kept('keep = "1 day"'),
        datasets=MADE,
        zone="Europe/Oslo",
        reads="Europe/Oslo",
        rows=things("made TIMESTAMP", "'2026-03-28 23:30:00'", "'2026-10-24 23:30:00'"),
        fates={
            "2026-03-29T21:59:59Z": {"things": "not_due not_due"},
            "2026-03-29T22:00:00Z": {"things": "due not_due"},
            "2026-10-25T22:59:59Z": {"things": "due! not_due"},
            "2026-10-25T23:00:00Z": {"things": "due! due"},
        },
    ),
    Example(
        name="the nights on which the clocks change and instants",
        rules=kept('keep = "1 day"'),
        datasets=MADE,
        zone="Europe/Oslo",
        rows=things(
            "made INSTANTS",
            "UTC'2026-03-28 22:59:59'",
            "UTC'2026-03-28 23:00:00'",
            "UTC'2026-10-24 21:59:59'",
            "UTC'2026-10-24 22:00:00'",
            "UTC'2026-10-25 22:59:59'",
            "UTC'2026-10-25 23:00:00'",
        ),
        fates={
            "2026-03-30": {"things": "due not_due not_due not_due not_due not_due"},
            "2026-03-31": {"things": "due due not_due not_due not_due not_due"},
            "2026-10-26": {"things": "due! due! due not_due not_due not_due"},
            "2026-10-27": {"things": "due! due! due due due not_due"},
        },
    ),
    Example(
        # In Oslo it was half past two at 00:30 and at 01:30 of UTC; midnight of Cape Verde lies in between.
        name="a reading that came twice means the later one",
        rules=kept('keep = "0 days"'),
        datasets=MADE,
        zone="Atlantic/Cape_Verde",
        reads="Europe/Oslo",
        rows=things("made TIMESTAMP", "'2026-10-25 01:59:59'", "'2026-10-25 02:30:00'"),
        fates={"2026-10-25": {"things": "due not_due"}, "2026-10-26": {"things": "due due"}},
    ),
    Example(
        # In Oslo it was never half past two on 29 March: the clocks went on at 01:00 of UTC, midnight of Cape Verde.
        name="a reading that never came means the instant of the change",
        rules=kept('keep = "0 days"'),
        datasets=MADE,
        zone="Atlantic/Cape_Verde",
        reads="Europe/Oslo",
        rows=things("made TIMESTAMP", "'2026-03-29 01:59:59'", "'2026-03-29 02:30:00'"),
        fates={"2026-03-29": {"things": "due not_due"}, "2026-03-30": {"things": "due due"}},
    ),
    Example(
        name="a date is a day and is never moved between zones",
        rules=kept('keep = "1 month"'),
        datasets=MADE,
        zone="Asia/Tokyo",
        reads="America/New_York",
        rows=things("made DATE", "'2026-01-31'"),
        fates={
            "2026-02-28T14:59:59Z": {"things": "not_due"},
            "2026-02-28T15:00:00Z": {"things": "due"},
        },
    ),
    Example(
        name="a rule's own zone",
        rules={"things": rule('keep = "1 day"', 'from = "made"', 'timezone = "Pacific/Auckland"')},
        datasets=MADE,
        rows=things("made INSTANTS", "UTC'2026-06-01 11:59:59'", "UTC'2026-06-01 12:00:00'"),
        fates={
            "2026-06-02T11:59:59Z": {"things": "not_due not_due"},
            "2026-06-02T12:00:00Z": {"things": "due not_due"},
        },
    ),
)

LATEST = dataset('events = { over = { latest = ["begun", "ended"] } }')
RETURNED = dataset('events = { seen = { latest = ["made", "rentals.returned"] } }', 'parts = ["rentals"]')
RENTALS = (
    "; CREATE TABLE rentals (id INTEGER PRIMARY KEY, thing INTEGER REFERENCES things (id), returned DATE);"
    "CREATE INDEX rentals_thing ON rentals (thing); INSERT INTO rentals VALUES "
)

UNKNOWN = (
    Example(
        name="no date is not a date that is long past",
        rules=kept('keep = "1 year"'),
        datasets=MADE,
        rows=things("made DATE", "NULL", "'1970-01-01'", "'1971-01-01'", "'1971-01-02'", "'2030-01-01'"),
        fates={"2026-11-22": {"things": "undated unclear unclear due! not_due"}},
    ),
    Example(
        name="a text that is no date",
        rules=kept('keep = "1 year"'),
        datasets=MADE,
        rows=things("made TEXT", "''", "'2023-02-29'", "'soon'", "'20230101'", "'2023-02-28'"),
        fates={"2026-11-22": {"things": "unclear unclear unclear unclear due!"}},
    ),
    Example(
        name="a contract that ends in 2030 is not over because it began long ago",
        rules={"things": rule('keep = "1 year"', 'from = "over"')},
        datasets=LATEST,
        rows=things(
            "begun DATE, ended DATE",
            "'2010-01-01', '2020-01-01'",
            "'2010-01-01', '2030-01-01'",
            "'2010-01-01', NULL",
            "NULL, NULL",
            "NULL, '1970-01-01'",
        ),
        fates={
            "2026-11-22": {"things": "due! not_due due! undated unclear"},
            "2031-01-01": {"things": "due! not_due due! undated unclear"},
            "2031-01-02": {"things": "due! due due! undated unclear"},
        },
    ),
    Example(
        name="a film that was not returned was not returned long ago",
        rules={"things": rule('keep = "1 year"', 'from = "seen"')},
        datasets=RETURNED,
        rows=things("made DATE", "'2020-01-01'", "'2020-01-01'", "'2020-01-01'", "'2026-06-01'", "NULL")
        + RENTALS
        + "(1, 1, '2021-01-01'), (2, 2, '2021-01-01'), (3, 2, NULL), (4, 3, NULL), (5, 3, '2026-06-01'),"
        " (6, 4, NULL)",
        fates={"2026-11-22": {"things": "due! unclear not_due not_due undated"}},
    ),
    Example(
        name="an event only where a condition holds",
        rules={"things": rule('keep = "1 year"', 'from = "closed"')},
        datasets=dataset('events = { closed = { column = "changed", where = "status = \'closed\'" } }'),
        rows=things(
            "changed DATE, status TEXT",
            "'2020-01-01', 'closed'",
            "'2020-01-01', 'open'",
            "'2020-01-01', NULL",
        ),
        fates={"2026-11-22": {"things": "due! undated unclear"}},
    ),
    Example(
        name="values that mean never",
        rules=kept('keep = "1 year"'),
        datasets=dataset('events = { made = { column = "made", never = ["9999-12-31"] } }'),
        rows=things("made DATE", "'9999-12-31'", "'9999-12-30'", "'2020-01-01'"),
        fates={"2026-11-22": {"things": "undated not_due due!"}},
    ),
)

TIME = (*DAYS, *ZONES, *UNKNOWN)
