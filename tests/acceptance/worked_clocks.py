"""Worked examples of one rule's clock: limbs, variants, windows, periods and conditions of the record's own."""

from __future__ import annotations

from tests.acceptance.worked import Example, dataset, rule, things

TODAY = "2026-11-22"
CONSENT = {
    "things": rule('from = "subscribed"', 'until = ["unsubscribed", "withdrawn"]'),
}
CONTACTS = dataset('events = { subscribed = "sub", unsubscribed = "off", withdrawn = "gone" }')

LIMBS = (
    Example(
        name="who subscribes again begins anew",
        rules=CONSENT,
        datasets=CONTACTS,
        rows=things(
            "sub DATE, off DATE, gone DATE",
            "'2024-01-01', '2025-01-01', NULL",
            "'2025-06-01', '2025-01-01', NULL",
            "'2025-01-01', '2025-01-01', NULL",
            "'2024-01-01', NULL, NULL",
            "'2024-01-01', '2027-01-01', NULL",
            "NULL, '2025-01-01', NULL",
        ),
        fates={TODAY: {"things": "due! not_due due! not_due not_due due!"}},
    ),
    Example(
        name="where the beginning is unclear neither is known",
        rules=CONSENT,
        datasets=CONTACTS,
        rows=things(
            "sub DATE, off DATE, gone DATE",
            "'1970-01-01', '2025-01-01', NULL",
            "'1970-01-01', NULL, NULL",
        ),
        fates={TODAY: {"things": "unclear not_due"}},
    ),
    Example(
        name="the first that comes ends it though the others be unknown",
        rules=CONSENT,
        datasets=CONTACTS,
        rows=things(
            "sub DATE, off DATE, gone DATE",
            "'2024-01-01', '2025-01-01', '2026-11-01'",
            "'2024-01-01', '1970-01-01', '2026-11-01'",
            "'2024-01-01', '1970-01-01', NULL",
        ),
        fates={TODAY: {"things": "due! due unclear"}},
    ),
    Example(
        name="a day and an instant are compared by days and two instants as such",
        rules=CONSENT,
        datasets=CONTACTS,
        rows=things(
            "sub TIMESTAMP, off DATE, gone TIMESTAMP",
            "'2025-01-01 18:00:00', '2025-01-01', NULL",
            "'2025-01-02 00:00:00', '2025-01-01', NULL",
            "'2025-01-01 18:00:00', NULL, '2025-01-01 17:59:59'",
            "'2025-01-01 18:00:00', NULL, '2025-01-01 18:00:00'",
        ),
        fates={TODAY: {"things": "due! not_due not_due due!"}},
    ),
    Example(
        name="keep and until together",
        rules={"things": rule('keep = "2 years"', 'from = "made"', 'until = "closed"')},
        datasets=dataset('events = { made = "made", closed = "closed" }'),
        rows=things(
            "made DATE, closed DATE",
            "'2025-12-01', '2026-03-01'",
            "'2024-01-01', NULL",
            "'2025-12-01', NULL",
            "'2025-12-01', '2027-01-01'",
            "NULL, NULL",
            "NULL, '2026-11-21'",
        ),
        fates={TODAY: {"things": "due! due! not_due not_due not_due due"}},
    ),
    Example(
        name="an event that ends it ends it on its own day",
        rules={"things": rule('until = "closed"', 'within = "3 days"')},
        datasets=dataset('events = { closed = "closed" }'),
        rows=things("closed DATE", "'2026-11-01'"),
        fates={
            "2026-10-31": {"things": "not_due"},
            "2026-11-01": {"things": "due"},
            "2026-11-04": {"things": "due"},
            "2026-11-05": {"things": "due!"},
        },
    ),
    Example(
        name="an event that ends it ends it at its instant",
        rules={"things": rule('until = "closed"')},
        datasets=dataset('events = { closed = "closed" }'),
        rows=things("closed TIMESTAMP", "'2026-11-01 12:00:00'"),
        fates={
            "2026-11-01T11:59:59Z": {"things": "not_due"},
            "2026-11-01T12:00:00Z": {"things": "due"},
        },
    ),
    Example(
        name="an instant that ends it however it is written",
        rules={"things": rule('until = "closed"')},
        datasets=dataset('events = { closed = "closed" }'),
        rows=things("closed INSTANTS", "UTC'2026-11-01 12:00:00'", "UTC'2026-11-01 12:00:00.5'"),
        fates={
            "2026-11-01T12:00:00Z": {"things": "due not_due"},
            "2026-11-01T12:00:00.499999Z": {"things": "due not_due"},
            "2026-11-01T12:00:00.5Z": {"things": "due due"},
        },
    ),
    Example(
        name="a rule that demands keeps nothing though it be unclear",
        rules={
            "things": rule('keep = "1 year"', 'from = "made"'),
            "asked": rule('upon = "asked"', 'yields_to = ["legal obligation"]'),
        },
        datasets=dataset('events = { made = "made", asked = "asked" }'),
        rows=things(
            "made DATE, asked DATE",
            "'2025-01-01', NULL",
            "'2026-06-01', NULL",
            "'2026-06-01', '2026-11-20'",
            "'2025-01-01', '2027-01-01'",
            "'2025-01-01', '1970-01-01'",
        ),
        fates={
            TODAY: {
                "things": "due! not_due not_due due! due!",
                "asked": "out_of_scope out_of_scope due out_of_scope unclear",
            }
        },
    ),
)

DISPUTED = dataset('events = { made = "made" }', 'facts = { disputed = "disputed" }')
WINDOW = ('from = "made"', 'defer_while = "disputed"')

WINDOWS = (
    Example(
        name="how long carrying it out may take",
        rules={"things": rule('keep = "1 year"', 'from = "made"', 'within = "1 week"')},
        datasets=dataset('events = { made = "made" }'),
        rows=things("made DATE", "'2025-01-10'"),
        fates={
            "2026-01-10": {"things": "not_due"},
            "2026-01-11": {"things": "due"},
            "2026-01-17": {"things": "due"},
            "2026-01-18": {"things": "due!"},
        },
    ),
    Example(
        name="twelve to 36 months day by day",
        rules={"things": rule('keep = "12 months"', 'at_most = "36 months"', *WINDOW)},
        datasets=DISPUTED,
        rows=things(
            "made DATE, disputed BOOLEAN", "'2020-01-15', TRUE", "'2020-01-15', FALSE", "'2020-01-15', NULL"
        ),
        fates={
            "2021-01-15": {"things": "not_due not_due not_due"},
            "2021-01-16": {"things": "deferred due deferred"},
            "2022-12-14": {"things": "deferred due deferred"},
            "2022-12-15": {"things": "due due due"},
            "2023-01-15": {"things": "due due due"},
            "2023-01-16": {"things": "due! due! due!"},
        },
    ),
    Example(
        name="a window that counts from the end of the year",
        rules={
            "things": rule(
                'keep = "1 year"',
                'at_most = "3 years"',
                'starts = "after calendar year"',
                'within = "2 months"',
                *WINDOW,
            )
        },
        datasets=DISPUTED,
        rows=things("made DATE, disputed BOOLEAN", "'2020-03-01', TRUE"),
        fates={
            "2021-12-31": {"things": "not_due"},
            "2022-01-01": {"things": "deferred"},
            "2023-10-30": {"things": "deferred"},
            "2023-10-31": {"things": "due"},
            "2023-12-31": {"things": "due"},
            "2024-01-01": {"things": "due!"},
        },
    ),
    Example(
        name="deferred without an end",
        rules={
            "things": rule('keep = "1 year"', 'at_most = "none"', 'basis = "legal claims"', *WINDOW),
        },
        datasets=DISPUTED,
        rows=things(
            "made DATE, disputed BOOLEAN", "'2010-01-01', TRUE", "'2010-01-01', FALSE", "'2010-01-01', NULL"
        ),
        fates={
            TODAY: {"things": "deferred due! deferred"},
            "2099-01-01": {"things": "deferred due! deferred"},
        },
    ),
    Example(
        name="a window without a date to count from",
        rules={"things": rule('keep = "1 year"', 'at_most = "3 years"', 'until = "closed"', *WINDOW)},
        datasets=dataset(
            'events = { made = "made", closed = "closed" }', 'facts = { disputed = "disputed" }'
        ),
        rows=things(
            "made DATE, closed DATE, disputed BOOLEAN",
            "NULL, '2026-10-01', TRUE",
            "NULL, '2026-10-01', FALSE",
            "NULL, NULL, TRUE",
            "'2020-01-01', '2026-10-01', TRUE",
        ),
        fates={TODAY: {"things": "deferred due! not_due due!"}},
    ),
)

INSTRUCTED = (
    Example(
        name="a period that the database holds and its bounds",
        rules={"things": rule('keep = { period = "instructed" }', 'from = "made"')},
        datasets=dataset(
            'events = { made = "made" }',
            'periods = { instructed = { column = "days", unit = "days", between = ["1 day", "10 years"] } }',
        ),
        rows=things(
            "made DATE, days INTEGER",
            "'2010-01-01', -1",
            "'2010-01-01', 0",
            "'2010-01-01', 1",
            "'2010-01-01', 3652",
            "'2010-01-01', 3653",
            "'2010-01-01', NULL",
            "'2026-10-22', 30",
            "'2026-10-23', 30",
            "NULL, 30",
            "'2010-01-01', 2147483647",
        ),
        fates={
            TODAY: {"things": "unclear unclear due! due! unclear unclear due not_due undated unclear"},
            "2020-01-01": {
                "things": "unclear unclear due! not_due unclear unclear not_due not_due undated unclear"
            },
            "2020-01-02": {
                "things": "unclear unclear due! due unclear unclear not_due not_due undated unclear"
            },
        },
    ),
    Example(
        name="of an instructed period and another rule the later ended acts",
        rules={
            "things": rule('keep = { period = "instructed" }', 'from = "made"'),
            "seen": rule('keep = "1 month"', 'from = "seen"'),
        },
        datasets=dataset(
            'events = { made = "made", seen = "seen" }',
            'periods = { instructed = { column = "days", unit = "days", between = ["1 day", "10 years"] } }',
        ),
        rows=things(
            "made DATE, seen DATE, days INTEGER",
            "'2026-01-01', '2026-01-01', 60",
            "'2026-01-01', '2026-02-15', 60",
            "'2026-01-01', '2026-01-01', NULL",
        ),
        fates={
            "2026-03-01": {"things": "not_due not_due unclear", "seen": "retained not_due retained"},
            "2026-03-20": {"things": "due elsewhere unclear", "seen": "elsewhere due retained"},
        },
    ),
    Example(
        name="each tenant's own period in months",
        rules={"things": rule('keep = { period = "instructed" }', 'from = "made"')},
        datasets=dataset(
            'events = { made = "made" }',
            'periods = { instructed = { column = "tenants.months", unit = "months",'
            ' between = ["1 month", "2 years"] } }',
        ),
        rows="CREATE TABLE tenants (id INTEGER PRIMARY KEY, months INTEGER);"
        "INSERT INTO tenants VALUES (1, 6), (2, 24), (3, 25), (4, NULL);"
        + things(
            "tenant INTEGER REFERENCES tenants (id), made DATE",
            "1, '2025-08-31'",
            "2, '2025-08-31'",
            "3, '2025-08-31'",
            "4, '2025-08-31'",
            "NULL, '2025-08-31'",
        ),
        fates={
            "2026-02-28": {"things": "not_due not_due unclear unclear unclear"},
            "2026-03-01": {"things": "due not_due unclear unclear unclear"},
            "2027-09-01": {"things": "due! due unclear unclear unclear"},
        },
    ),
)

COMPANIES = dataset('events = { made = "made" }', 'facts = { company = "company", abroad = "abroad" }')

CONDITIONS = (
    Example(
        name="a rule reaches only records of which its where is true",
        rules={"things": rule("where = \"company = 'A'\"", 'keep = "1 year"', 'from = "made"')},
        datasets=COMPANIES,
        rows=things(
            "made DATE, company TEXT, abroad BOOLEAN",
            "'2020-01-01', 'A', NULL",
            "'2020-01-01', 'B', NULL",
            "'2020-01-01', NULL, NULL",
            "'2026-06-01', NULL, NULL",
        ),
        fates={TODAY: {"things": "due! out_of_scope unclear unclear"}},
    ),
    Example(
        name="what the where of a dataset leaves out is no record and unknown is unclear",
        rules={"things": rule('keep = "1 year"', 'from = "made"')},
        datasets=dataset('events = { made = "made" }', "where = \"kind <> 'draft'\""),
        rows=things("made DATE, kind TEXT", "'2020-01-01', 'sent'", "'2020-01-01', NULL", "NULL, 'draft'"),
        fates={TODAY: {"things": "due! unclear"}},
    ),
    Example(
        name="the first exception that holds",
        rules={
            "things": rule('keep = "5 years"', 'from = "made"')
            + '\n[[rules.things.exceptions]]\nwhen = "company = \'GmbH\'"\nkeep = "8 years"'
            + '\n[[rules.things.exceptions]]\nwhen = "abroad"\nkeep = "1 year"\nstarts = "after calendar year"'
        },
        datasets=COMPANIES,
        rows=things(
            "made DATE, company TEXT, abroad BOOLEAN",
            "'2020-03-01', 'GmbH', TRUE",
            "'2020-03-01', 'AS', TRUE",
            "'2020-03-01', 'AS', FALSE",
            "'2020-03-01', NULL, TRUE",
            "'2020-03-01', 'GmbH', NULL",
            "'2020-03-01', 'AS', NULL",
        ),
        fates={
            "2021-12-31": {"things": "not_due not_due not_due unclear not_due unclear"},
            "2022-01-01": {"things": "not_due due not_due unclear not_due unclear"},
            "2025-03-02": {"things": "not_due due! due unclear not_due unclear"},
            "2028-03-02": {"things": "due due! due! unclear due unclear"},
        },
    ),
    Example(
        name="an exception takes away what the rule says",
        rules={
            "things": rule('keep = "1 year"', 'from = "made"', 'until = "closed"')
            + '\n[[rules.things.exceptions]]\nwhen = "abroad"\nuntil = "none"'
        },
        datasets=dataset('events = { made = "made", closed = "closed" }', 'facts = { abroad = "abroad" }'),
        rows=things(
            "made DATE, closed DATE, abroad BOOLEAN",
            "'2026-06-01', '2026-08-01', FALSE",
            "'2026-06-01', '2026-08-01', TRUE",
            "'2026-06-01', '2026-08-01', NULL",
        ),
        fates={TODAY: {"things": "due! not_due unclear"}},
    ),
    Example(
        name="a fact that is some row of another table",
        rules={"things": rule('where = "NOT disputed"', 'keep = "1 year"', 'from = "made"')},
        datasets=dataset(
            'events = { made = "made" }',
            'facts = { disputed = { any = "disputes", where = "status = \'open\'" } }',
            'parts = ["disputes"]',
        ),
        rows=things("made DATE", *["'2020-01-01'"] * 5)
        + "; CREATE TABLE disputes (id INTEGER PRIMARY KEY, thing INTEGER REFERENCES things (id), status TEXT);"
        "CREATE INDEX disputes_thing ON disputes (thing);"
        "INSERT INTO disputes VALUES (1, 1, 'open'), (2, 2, 'closed'), (3, 4, NULL), (4, 5, NULL), (5, 5, 'open')",
        fates={TODAY: {"things": "out_of_scope due! due! unclear out_of_scope"}},
    ),
    Example(
        name="a fact of a row that the record refers to",
        rules={"things": rule("where = \"country = 'DE'\"", 'keep = "1 year"', 'from = "made"')},
        datasets=dataset('events = { made = "made" }', 'facts = { country = "owners.country" }'),
        rows="CREATE TABLE owners (id INTEGER PRIMARY KEY, country TEXT);"
        "INSERT INTO owners VALUES (1, 'DE'), (2, 'SE'), (3, NULL);"
        + things(
            "made DATE, owner INTEGER REFERENCES owners (id)",
            "'2020-01-01', 1",
            "'2020-01-01', 2",
            "'2020-01-01', 3",
            "'2020-01-01', NULL",
        ),
        fates={TODAY: {"things": "due! out_of_scope unclear unclear"}},
    ),
)

CLOCKS = (*LIMBS, *WINDOWS, *INSTRUCTED, *CONDITIONS)
