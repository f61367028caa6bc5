"""Worked examples of what people tell: events that no store records, and legal holds. Told on 22 November 2026."""

from __future__ import annotations

from tests.acceptance.worked import Example, dataset, rule, things

TODAY = "2026-11-22T13:00:00Z"
ASKED = '[events.asked]\nby = ["email"]\n[identifiers]\nemail = ["trim", "lower"]\n'
PEOPLE = ('subject = { email = "email" }', 'began = "made"')
MADE = 'events = { made = "made" }'


def asked(at: str, email: str = "a@example.com") -> tuple[str, ...]:
    """Somebody asks."""
    return ("event", "add", "asked", "--subject", f"email={email}", "--at", at, "--yes")


def hold(*words: str) -> tuple[str, ...]:
    """A hold is placed."""
    return ("hold", "add", *words, "--reason", "dispute")


EVENTS = (
    Example(
        name="a request concerns records that began before it",
        head=ASKED,
        rules={"things": rule('upon = "asked"')},
        datasets=dataset(*PEOPLE),
        rows=things(
            "email TEXT, made DATE",
            "'a@example.com', '2026-11-19'",
            "'a@example.com', '2026-11-20'",
            "'a@example.com', NULL",
            "'b@example.com', '2020-01-01'",
            "' A@Example.com', '2020-01-01'",
            "NULL, '2020-01-01'",
        ),
        said=(asked("2026-11-20"),),
        fates={TODAY: {"things": "due out_of_scope unclear out_of_scope due out_of_scope"}},
    ),
    Example(
        name="a request at an instant concerns what began before that instant",
        head=ASKED,
        rules={"things": rule('upon = "asked"')},
        datasets=dataset(*PEOPLE),
        rows=things(
            "email TEXT, made TIMESTAMP",
            "'a@example.com', '2026-11-20 11:59:59'",
            "'a@example.com', '2026-11-20 12:00:00'",
        ),
        said=(asked("2026-11-20T12:00:00Z"),),
        fates={TODAY: {"things": "due out_of_scope"}},
    ),
    Example(
        name="how long it may take counts from the telling",
        head=ASKED,
        rules={"things": rule('upon = "asked"', 'within = "1 week"')},
        datasets=dataset(*PEOPLE),
        rows=things("email TEXT, made DATE", "'a@example.com', '2020-01-01'"),
        said=(asked("2026-06-01"),),
        fates={"2026-11-29": {"things": "due"}, "2026-11-30": {"things": "due!"}},
    ),
    Example(
        name="an opt-out that was told before a new consent does not count",
        head=ASKED,
        rules={"things": rule('from = "since"', 'until = "asked"')},
        datasets=dataset(*PEOPLE, 'events = { since = "since" }'),
        rows=things(
            "email TEXT, made DATE, since DATE",
            "'a@example.com', '2020-01-01', '2026-11-19'",
            "'a@example.com', '2020-01-01', '2026-11-20'",
            "'a@example.com', '2020-01-01', '2026-11-21'",
            "'a@example.com', '2020-01-01', NULL",
            "'a@example.com', '2020-01-01', '1970-01-01'",
            "'b@example.com', '2020-01-01', '2020-01-01'",
        ),
        said=(asked("2026-11-20"),),
        fates={TODAY: {"things": "due due not_due due unclear not_due"}},
    ),
    Example(
        name="a request is carried over by one step and no further",
        head='[events.asked]\nby = ["email", "customer", "phone"]\n',
        rules={"all": 'data = "any"\nupon = "asked"'},
        datasets=dataset('subject = { email = "email", customer = "id" }', 'began = "made"', name="accounts")
        + "\n"
        + dataset('subject = { customer = "customer", phone = "phone" }', 'began = "made"', name="orders")
        + "\n"
        + dataset('subject = { phone = "phone" }', 'began = "made"', name="calls"),
        rows="CREATE TABLE accounts (id INTEGER PRIMARY KEY, email TEXT, made DATE);"
        "INSERT INTO accounts VALUES (1, 'a@example.com', '2020-01-01'), (2, 'b@example.com', '2020-01-01');"
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, phone TEXT, made DATE);"
        "INSERT INTO orders VALUES (1, 1, '+47 1', '2020-01-01'), (2, 2, '+47 1', '2020-01-01');"
        "CREATE TABLE calls (id INTEGER PRIMARY KEY, phone TEXT, made DATE);"
        "INSERT INTO calls VALUES (1, '+47 1', '2020-01-01')",
        said=(asked("2026-11-20"),),
        fates={
            TODAY: {
                "all accounts": "due out_of_scope",
                "all orders": "due out_of_scope",
                "all calls": "out_of_scope",
            }
        },
    ),
)

SHOP = (
    "CREATE TABLE accounts (id INTEGER PRIMARY KEY, email TEXT, made DATE);"
    "INSERT INTO accounts VALUES (1, 'a@example.com', '2020-01-01'), (2, 'b@example.com', '2020-01-01'),"
    " (3, 'a@example.com', '2026-06-01');"
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES accounts (id), made DATE);"
    "CREATE INDEX orders_customer ON orders (customer);"
    "INSERT INTO orders VALUES (1, 1, '2020-01-01'), (2, 2, '2020-01-01'), (3, 2, '2020-01-01')"
)
SOLD = (
    dataset('subject = { email = "email", customer = "id" }', MADE, name="accounts")
    + "\n"
    + dataset('subject = { customer = "customer" }', MADE, name="orders")
)
YEAR = {"all": 'data = "any"\nkeep = "1 year"\nfrom = "made"'}

HOLDS = (
    Example(
        name="a hold on a person is carried over and said of clocks that have ended",
        rules=YEAR,
        datasets=SOLD,
        rows=SHOP,
        said=(hold("--subject", "email= A@Example.com"),),
        fates={TODAY: {"all accounts": "held due! not_due", "all orders": "held due! due!"}},
    ),
    Example(
        name="what is held keeps what it refers to",
        rules=YEAR,
        datasets=SOLD,
        rows=SHOP,
        said=(hold("--key", "db.orders", "2"),),
        fates={TODAY: {"all accounts": "due! held not_due", "all orders": "due! held due!"}},
    ),
    Example(
        name="a hold on data",
        rules=YEAR,
        datasets=SOLD,
        rows=SHOP,
        said=(hold("--data", "accounts"),),
        fates={TODAY: {"all accounts": "held held not_due", "all orders": "due! due! due!"}},
    ),
    Example(
        name="a hold on a rule covers what it reaches for sure or perhaps against all rules",
        rules={
            "odd": rule("where = \"kind = 'x'\"", 'keep = "1 year"', 'from = "made"'),
            "all": rule('keep = "2 years"', 'from = "made"', 'yields_to = ["legal claims"]'),
        },
        datasets=dataset(MADE, 'facts = { kind = "kind" }'),
        rows=things("made DATE, kind TEXT", "'2020-01-01', 'x'", "'2020-01-01', 'y'", "'2020-01-01', NULL"),
        said=(hold("--rule", "odd"),),
        fates={TODAY: {"odd": "held out_of_scope unclear", "all": "held due! held"}},
    ),
)

WORDS = (*EVENTS, *HOLDS)
