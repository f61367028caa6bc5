"""Worked examples of several rules, and of records that hang together: what keeps what, what goes, who acts."""

from __future__ import annotations

from tests.acceptance.worked import Example, dataset, rule, things

TODAY = "2026-11-22"
MADE = 'events = { made = "made" }'


def kept(period: str, *lines: str, data: str = "things") -> str:
    """A rule that counts from `made`."""
    return rule(f'keep = "{period}"', 'from = "made"', *lines, data=data)


RULES = (
    Example(
        name="one rule for each obligation and the longest wins",
        rules={"contract": kept("1 year"), "tax": kept("5 years", 'where = "invoiced"')},
        datasets=dataset(MADE, 'facts = { invoiced = "invoiced" }'),
        rows=things(
            "made DATE, invoiced BOOLEAN",
            "'2024-01-01', TRUE",
            "'2024-01-01', FALSE",
            "'2024-01-01', NULL",
            "'2020-01-01', TRUE",
            "'2020-01-01', NULL",
        ),
        fates={
            TODAY: {
                "contract": "retained due! retained elsewhere retained",
                "tax": "not_due out_of_scope unclear due! unclear",
            }
        },
    ),
    Example(
        name="of two rules that end on one day the first in the file acts",
        rules={"first": kept("12 months"), "second": kept("1 year")},
        datasets=dataset(MADE),
        rows=things("made DATE", "'2025-11-21'"),
        fates={TODAY: {"first": "due", "second": "elsewhere"}},
    ),
    Example(
        name="of two rules that count from different events the later ended acts",
        rules={"made": kept("1 year"), "seen": rule('keep = "6 months"', 'from = "seen"')},
        datasets=dataset('events = { made = "made", seen = "seen" }'),
        rows=things("made DATE, seen DATE", "'2024-01-01', '2024-03-01'", "'2024-01-01', '2024-12-01'"),
        fates={TODAY: {"made": "due! elsewhere", "seen": "elsewhere due!"}},
    ),
    Example(
        name="what never happens does not end last",
        rules={
            "made": kept("1 year"),
            "seen": rule('keep = "6 months"', 'from = "seen"', 'until = "gone"'),
            "gone": rule('keep = "6 months"', 'from = "gone"', 'until = "seen"'),
        },
        datasets=dataset('events = { made = "made", seen = "seen", gone = "never" }'),
        rows=things("made DATE, seen DATE", "'2024-01-01', '2024-03-01'", "'2024-01-01', '2025-12-01'"),
        fates={TODAY: {"made": "due! elsewhere", "seen": "elsewhere due!", "gone": "elsewhere elsewhere"}},
    ),
    Example(
        name="whatever the reason that it has not ended a rule keeps",
        rules={"short": kept("1 year"), "other": rule('keep = "1 year"', 'from = "seen"')},
        datasets=dataset('events = { made = "made", seen = "seen" }'),
        rows=things(
            "made DATE, seen DATE",
            "'2020-01-01', '2026-06-01'",
            "'2020-01-01', '2030-06-01'",
            "'2020-01-01', NULL",
            "'2020-01-01', '1970-01-01'",
        ),
        fates={
            TODAY: {
                "short": "retained retained retained retained",
                "other": "not_due not_due undated unclear",
            }
        },
    ),
    Example(
        name="what one rule defers the others keep",
        rules={
            "short": kept("6 months"),
            "window": kept("1 year", 'at_most = "9 years"', 'defer_while = "disputed"'),
        },
        datasets=dataset(MADE, 'facts = { disputed = "disputed" }'),
        rows=things("made DATE, disputed BOOLEAN", "'2020-01-01', TRUE", "'2020-01-01', FALSE"),
        fates={TODAY: {"short": "retained elsewhere", "window": "deferred due"}},
    ),
    Example(
        name="a promise that a law breaks is a conflict",
        rules={
            "support": kept("12 months", 'at_most = "36 months"'),
            "law": kept("5 years", 'basis = "legal obligation"'),
        },
        datasets=dataset(MADE),
        rows=things("made DATE", "'2020-01-15'"),
        fates={
            "2021-01-15": {"support": "not_due", "law": "not_due"},
            "2021-01-16": {"support": "retained", "law": "not_due"},
            "2023-01-15": {"support": "retained", "law": "not_due"},
            "2023-01-16": {"support": "conflict!", "law": "not_due"},
            "2025-01-15": {"support": "conflict!", "law": "not_due"},
            "2025-01-16": {"support": "elsewhere", "law": "due"},
        },
    ),
    Example(
        name="a rule gives way to the bases that it names and to no others",
        rules={
            "short": kept("1 year", 'yields_to = ["legal obligation"]'),
            "contract": kept("10 years", 'basis = "contract"'),
            "plain": kept("10 years"),
            "law": kept("10 years", 'basis = "legal obligation"', 'where = "invoiced"'),
        },
        datasets=dataset(MADE, 'facts = { invoiced = "invoiced" }'),
        rows=things("made DATE, invoiced BOOLEAN", "'2024-01-01', TRUE", "'2024-01-01', FALSE"),
        fates={
            TODAY: {
                "short": "retained due!",
                "contract": "not_due not_due",
                "plain": "not_due not_due",
                "law": "not_due out_of_scope",
            }
        },
    ),
    Example(
        name="a rule whose basis can not be told keeps against all of its bases",
        rules={
            "short": kept("1 year", 'yields_to = ["legal obligation"]'),
            "law": kept("10 years")
            + '\n[[rules.law.exceptions]]\nwhen = "invoiced"\nbasis = "legal obligation"',
        },
        datasets=dataset(MADE, 'facts = { invoiced = "invoiced" }'),
        rows=things(
            "made DATE, invoiced BOOLEAN", "'2024-01-01', TRUE", "'2024-01-01', FALSE", "'2024-01-01', NULL"
        ),
        fates={TODAY: {"short": "retained due! retained", "law": "not_due not_due unclear"}},
    ),
    Example(
        name="a rule on a list of data and one on any",
        rules={
            "both": 'data = ["things", "notes"]\nkeep = "1 year"\nfrom = "made"',
            "all": 'data = "any"\nkeep = "2 years"\nfrom = "made"',
        },
        datasets=dataset(MADE) + "\n" + dataset(MADE, name="notes") + "\n" + dataset(MADE, name="logs"),
        rows=things("made DATE", "'2025-01-01'", "'2020-01-01'")
        + "; CREATE TABLE notes (id INTEGER PRIMARY KEY, made DATE); INSERT INTO notes VALUES (1, '2020-01-01');"
        "CREATE TABLE logs (id INTEGER PRIMARY KEY, made DATE); INSERT INTO logs VALUES (1, '2025-01-01')",
        fates={
            TODAY: {
                "both things": "retained elsewhere",
                "all things": "not_due due!",
                "both notes": "elsewhere",
                "all notes": "due!",
                "all logs": "not_due",
            }
        },
    ),
)

ACCOUNTS = (
    "CREATE TABLE accounts (id INTEGER PRIMARY KEY, made DATE, name TEXT);"
    "INSERT INTO accounts VALUES (1, '2020-01-01', 'a'), (2, '2020-01-01', 'b'), (3, '2020-01-01', 'c');"
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, account INTEGER REFERENCES accounts (id), made DATE);"
    "CREATE INDEX orders_account ON orders (account);"
    "INSERT INTO orders VALUES (1, 1, '2024-01-01'), (2, 2, '2020-01-01')"
)
SHOP = dataset(MADE, 'fields = { name = "name" }', name="accounts") + "\n" + dataset(MADE, name="orders")
BILLS = (
    "; CREATE TABLE bills (id INTEGER PRIMARY KEY, thing INTEGER REFERENCES things (id), made DATE);"
    "CREATE INDEX bills_thing ON bills (thing); INSERT INTO bills VALUES "
)

RECORDS = (
    Example(
        name="what stays keeps what it refers to and what goes goes first",
        rules={"accounts": kept("1 year", data="accounts"), "orders": kept("5 years", data="orders")},
        datasets=SHOP,
        rows=ACCOUNTS,
        fates={TODAY: {"accounts accounts": "referenced! due! due!", "orders orders": "not_due due!"}},
    ),
    Example(
        name="rows that no dataset names stay",
        rules={"accounts": kept("1 year", data="accounts")},
        datasets=dataset(MADE, name="accounts"),
        rows=ACCOUNTS,
        fates={TODAY: {"accounts": "referenced! referenced! due!"}},
    ),
    Example(
        name="what a kept record needs is kept with it",
        rules={
            "accounts": kept("1 year", data="accounts"),
            "orders": kept("5 years", 'needs = { accounts = ["name"] }', data="orders"),
        },
        datasets=SHOP,
        rows=ACCOUNTS,
        fates={TODAY: {"accounts accounts": "retained due! due!", "orders orders": "not_due due!"}},
    ),
    Example(
        name="records of one table that refer to each other go together",
        rules={"things": kept("1 year")},
        datasets=dataset(MADE),
        rows=things(
            "made DATE, parent INTEGER REFERENCES things (id)",
            "'2020-01-01', NULL",
            "'2020-01-01', 1",
            "'2020-01-01', NULL",
            "'2026-06-01', 3",
        )
        + "; CREATE INDEX things_parent ON things (parent)",
        fates={TODAY: {"things": "due! due! referenced! not_due"}},
    ),
    Example(
        name="parts that are records of another dataset",
        rules={"things": kept("1 year"), "bills": kept("5 years", data="bills")},
        datasets=dataset(MADE, 'parts = ["bills"]') + "\n" + dataset(MADE, name="bills"),
        rows=things("made DATE", "'2020-01-01'", "'2020-01-01'", "'2020-01-01'", "'2026-06-01'")
        + BILLS
        + "(1, 1, '2024-01-01'), (2, 2, '2020-01-01'), (3, 4, '2020-01-01')",
        fates={
            TODAY: {
                "things things": "retained due! due! not_due",
                "bills bills": "not_due elsewhere retained",
            }
        },
    ),
    Example(
        name="one table in two datasets",
        rules={"customers": kept("1 year", data="customers"), "suppliers": kept("5 years", data="suppliers")},
        datasets='[datasets.customers]\ndata = "customers"\ntable = "parties"\nwhere = "buys"\n'
        + MADE
        + '\n[datasets.suppliers]\ndata = "suppliers"\ntable = "parties"\nwhere = "sells"\n'
        + MADE,
        rows="CREATE TABLE parties (id INTEGER PRIMARY KEY, made DATE, buys BOOLEAN, sells BOOLEAN);"
        "INSERT INTO parties VALUES (1, '2024-01-01', TRUE, FALSE), (2, '2024-01-01', TRUE, TRUE),"
        "(3, '2024-01-01', FALSE, TRUE), (4, '2020-01-01', TRUE, TRUE)",
        fates={
            TODAY: {
                "customers customers": "1:due! 2:retained 4:elsewhere",
                "suppliers suppliers": "2:not_due 3:not_due 4:due!",
            }
        },
    ),
)

FATES = (*RULES, *RECORDS)
