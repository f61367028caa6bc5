"""Promises of published privacy policies, kept: each is planned and run, with a record on both sides of its line.

The promises are those of five companies, in our words: a web store (ST), a systems company's site (QU), a CRM and chat
service (CR), a vendor of customer communications (DO), a control panel for hosting (PA).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.stores import Store
from tests.support.workplace import Workplace

TODAY = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(kw_only=True)
class Company:
    """A policy and a database at noon of 22 November 2026."""

    work: Workplace
    store: Store
    plans: dict[str, Any] = field(default_factory=dict)

    def has(self, rows: str, datasets: str, head: str = "", timezone: str = "UTC", **rules: str) -> None:
        """Its tables, its datasets, and its rules by name; `_` in a name stands for `-`."""
        self.store.script(rows)
        self.work.timezone = timezone
        if head:
            self.work.rules["told"] = head
        for name, lines in rules.items():
            self.work.rule(name.replace("_", "-"), lines)
        self.work.connect(self.store, datasets)
        self.work.init()

    def says(self, *words: str) -> Any:
        """What a command answers."""
        self.plans.clear()
        result = self.work.cli(*words, "--format", "json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def jobs(self, day: str | None) -> Any:
        """The plan's jobs of a day; asked once, as long as nothing else is done."""
        wanted = day or "today"
        if wanted not in self.plans:
            known = dict(self.plans)
            plan = self.says("plan", *([] if day is None else ["--as-of", day]))
            self.plans |= known | {wanted: plan["jobs"]}
        return self.plans[wanted]

    def due(self, day: str | None = None) -> dict[str, int]:
        """Dataset → records that are due, over all rules."""
        found: dict[str, int] = {}
        for job in self.jobs(day):
            found[job["dataset"]] = found.get(job["dataset"], 0) + job["due"]
        return {dataset: count for dataset, count in found.items() if count}

    def fates(self, rule: str, dataset: str | None = None, day: str | None = None) -> dict[str, int]:
        """Fate → records of one job, those with none left out."""
        jobs = [job for job in self.jobs(day) if job["rule"] == rule and dataset in (None, job["dataset"])]
        (job,) = jobs
        names = ("not_due", "undated", "unclear", "deferred", "held", "retained", "conflict", "referenced")
        names += ("elsewhere", "out_of_scope", "due")
        return {name: job[name] for name in names if job[name]}

    def refused(self) -> dict[str, list[tuple[str, str | None, str, int]]]:
        """Job → (action, what is done instead, the first reason, records) of what was refused in the last run."""
        events = self.work.events()
        last = [event["data"]["run"] for event in events if event["type"] == "run.started"][-1]
        found: dict[str, list[tuple[str, str | None, str, int]]] = {}
        for event in events:
            if event["type"] == "action.refused" and event["data"]["run"] == last:
                for group in event["data"]["refused"]:
                    why = group["because"][0]
                    kept = f" by {why['by']} ({why['basis']})" if why["kind"] == "retained" else ""
                    told = (group["actions"][0], group["instead"], why["kind"] + kept, group["count"])
                    found.setdefault(event["data"]["job"], []).append(told)
        return found

    def suppressed(self, *values: str) -> list[bool]:
        """Of each value whether it is listed among the contacts."""
        words = ("suppressed", "db.contacts", "--from", "-", "--format", "json")
        result = self.work.cli(*words, typed="\n".join(values))
        found = [line["listed"] for line in json.loads(result.stdout)["lines"]]
        assert result.exit_code == (0 if all(found) else 7), result.output
        return found

    def keys(self, table: str) -> list[int]:
        return [key for (key,) in self.store.rows(f"SELECT id FROM {table} ORDER BY id")]

    def carries_out(self, due: dict[str, int], **stay: Iterable[int]) -> None:
        """The plan counts `due`, the run removes as many, of each table `stay` stays, and nothing is due any more."""
        assert self.due() == due
        outcome = self.says("run", "--yes")
        done: dict[str, int] = {}
        for job in outcome["jobs"]:
            done[job["dataset"]] = done.get(job["dataset"], 0) + job["done"]
        assert {dataset: count for dataset, count in done.items() if count} == due
        assert {table: self.keys(table) for table in stay} == {t: list(keys) for t, keys in stay.items()}
        assert self.due() == {}
        events = self.work.events()
        assert sum(e["data"]["count"] for e in events if e["type"] == "batch.committed") >= sum(due.values())


@pytest.fixture(params=["sqlite", "postgresql", pytest.param("mariadb", marks=pytest.mark.heavy)])
def company(work: Workplace, request: pytest.FixtureRequest) -> Company:
    return Company(work=work, store=request.getfixturevalue(request.param))


def dataset(name: str, *lines: str, data: str | None = None) -> str:
    return "\n".join([f"[datasets.{name}]", f'data = "{data or name}"', f'table = "{name}"', *lines, ""])


# -- a web store ---------------------------------------------------------------------------


def test_st1_orders_five_years_after_the_accounting_year(company: Company) -> None:
    """Booked as the latest of order, invoice and credit note; the buyer stays with the invoice."""
    company.has(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, street TEXT, login DATE);"
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id), made TIMESTAMP,"
        " invoiced DATE);"
        "CREATE INDEX orders_customer ON orders (customer);"
        "CREATE TABLE order_rows (id INTEGER PRIMARY KEY, orders INTEGER REFERENCES orders (id));"
        "CREATE INDEX order_rows_orders ON order_rows (orders);"
        "CREATE TABLE credit_notes (id INTEGER PRIMARY KEY, orders INTEGER REFERENCES orders (id), issued DATE);"
        "CREATE INDEX credit_notes_orders ON credit_notes (orders);"
        "INSERT INTO customers VALUES (1, 'a', 'b', '2020-01-01'), (2, 'c', 'd', '2020-01-01'),"
        " (3, 'e', 'f', '2026-01-01');"
        "INSERT INTO orders VALUES (1, 1, '2020-12-31 22:59:59', NULL), (2, 2, '2020-12-31 23:00:00', NULL),"
        " (3, 2, '2020-06-01 10:00:00', '2021-01-02'), (4, 2, '2020-06-01 10:00:00', '2020-06-02'),"
        " (5, 2, '2020-06-01 10:00:00', NULL), (6, 1, '2020-06-01 10:00:00', '2020-06-02');"
        "INSERT INTO order_rows VALUES (1, 1), (2, 2), (3, 6), (4, 6);"
        "INSERT INTO credit_notes VALUES (1, 4, '2021-03-01'), (2, 5, NULL), (3, 6, '2020-12-31')",
        dataset(
            "orders",
            'events = { booked = { latest = ["made", "invoiced", "credit_notes.issued"] } }',
            'parts = ["order_rows", "credit_notes"]',
        )
        + dataset(
            "customers",
            'events = { last_activity = "login" }',
            'fields = { name = "name", address = "street" }',
            data="accounts",
        ),
        timezone="Europe/Oslo",
        orders='data = "orders"\nkeep = "5 years"\nfrom = "booked"\nstarts = "after fiscal year"\n'
        'basis = "legal obligation"\nneeds = { accounts = ["name", "address"] }',
        accounts='data = "accounts"\nkeep = "24 months"\nfrom = "last_activity"',
    )
    assert company.fates("orders") == {"due": 2, "not_due": 3, "unclear": 1}
    assert company.fates("accounts") == {"due": 1, "retained": 1, "not_due": 1}
    company.carries_out(
        {"orders": 2, "customers": 1},
        orders=[2, 3, 4, 5],
        order_rows=[2],
        credit_notes=[1, 2],
        customers=[2, 3],
    )
    assert company.due("2027-01-01") == {"orders": 3}


def test_st2_accounts_after_24_months_of_inactivity(company: Company) -> None:
    """Counted from creation too, and from the last order; an account with a recent order stays."""
    company.has(
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, created DATE, login DATE);"
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, account INTEGER REFERENCES accounts (id), made DATE);"
        "CREATE INDEX orders_account ON orders (account);"
        "INSERT INTO accounts VALUES (1, '2020-01-01', '2024-11-21'), (2, '2020-01-01', '2024-11-22'),"
        " (3, '2026-01-01', NULL), (4, '2020-01-01', NULL), (5, '2020-01-01', NULL), (6, '2020-01-01', '2020-02-01');"
        "INSERT INTO orders VALUES (1, 4, '2025-01-01'), (2, 6, '2022-06-01')",
        dataset("accounts", 'events = { last_activity = { latest = ["created", "login", "orders.made"] } }')
        + dataset("orders", 'events = { made = "made" }'),
        accounts='data = "accounts"\nkeep = "24 months"\nfrom = "last_activity"',
        orders='data = "orders"\nkeep = "5 years"\nfrom = "made"\nbasis = "legal obligation"',
    )
    assert company.fates("accounts") == {"due": 2, "not_due": 3, "referenced": 1}
    company.carries_out({"accounts": 2}, accounts=[2, 3, 4, 6], orders=[1, 2])
    assert company.due("2026-11-23") == {"accounts": 1}


def test_st3_support_requests_12_to_36_months(company: Company) -> None:
    """From the last message; disputed ones are put off until the 36 months are a month away."""
    company.has(
        "CREATE TABLE requests (id INTEGER PRIMARY KEY, opened DATE, disputed BOOLEAN);"
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, request INTEGER REFERENCES requests (id), sent DATE);"
        "CREATE INDEX messages_request ON messages (request);"
        "INSERT INTO requests VALUES (1, '2020-01-01', FALSE), (2, '2020-01-01', FALSE), (3, '2024-01-01', TRUE),"
        " (4, '2020-01-01', TRUE), (5, '2020-01-01', TRUE), (6, '2025-01-01', NULL);"
        "INSERT INTO messages VALUES (1, 1, '2025-11-21'), (2, 2, '2025-11-22'), (3, 4, '2023-12-22'),"
        " (4, 5, '2023-12-23'), (5, 1, '2021-01-01')",
        dataset(
            "requests",
            'events = { last_message = { latest = ["opened", "messages.sent"] } }',
            'facts = { disputed = "disputed" }',
            'parts = ["messages"]',
            data="support requests",
        ),
        support='data = "support requests"\nkeep = "12 months"\nat_most = "36 months"\ndefer_while = "disputed"\n'
        'from = "last_message"',
    )
    assert company.fates("support") == {"due": 2, "not_due": 1, "deferred": 3}
    company.carries_out({"requests": 2}, requests=[2, 3, 5, 6], messages=[2, 4])
    assert company.due("2026-11-23") == {"requests": 2}


def test_st4_marketing_until_unsubscribed_or_withdrawn(company: Company) -> None:
    """Who subscribes again begins anew."""
    company.has(
        "CREATE TABLE contacts (id INTEGER PRIMARY KEY, subscribed TIMESTAMP, off TIMESTAMP, withdrawn TIMESTAMP);"
        "INSERT INTO contacts VALUES (1, '2024-01-01 10:00:00', '2026-11-22 11:59:59', NULL),"
        " (2, '2025-06-01 10:00:00', '2025-01-01 10:00:00', NULL),"
        " (3, '2024-01-01 10:00:00', NULL, '2024-01-01 10:00:00'), (4, '2024-01-01 10:00:00', NULL, NULL),"
        " (5, '2024-01-01 10:00:00', '2026-11-22 13:00:00', NULL),"
        " (6, '1970-01-01 00:00:00', '2025-01-01 10:00:00', NULL)",
        dataset(
            "contacts",
            'events = { subscribed = "subscribed", unsubscribed = "off", consent_withdrawn = "withdrawn" }',
            data="marketing contacts",
        ),
        marketing='data = "marketing contacts"\nfrom = "subscribed"\nuntil = ["unsubscribed", "consent_withdrawn"]',
    )
    assert company.fates("marketing") == {"due": 2, "not_due": 3, "unclear": 1}
    company.carries_out({"contacts": 2}, contacts=[2, 4, 5, 6])
    assert company.due("2026-11-22T13:00:00Z") == {"contacts": 1}


def test_st5_consent_logs_12_to_24_months_after_the_consent_ended(company: Company) -> None:
    """The log counts seconds; a consent that goes on has no end yet."""
    midnight = int(datetime(2025, 11, 22, tzinfo=UTC).timestamp())
    company.has(
        "CREATE TABLE consents (id INTEGER PRIMARY KEY, ended BIGINT, contested BOOLEAN);"
        f"INSERT INTO consents VALUES (1, {midnight - 1}, FALSE), (2, {midnight}, FALSE), (3, NULL, FALSE),"
        f" (4, {midnight - 1}, TRUE), (5, {midnight - 365 * 86_400}, TRUE), (6, 0, FALSE)",
        dataset(
            "consents",
            'events = { consent_ended = { column = "ended", unit = "s" } }',
            'facts = { contested = "contested" }',
            data="consent logs",
        ),
        consents='data = "consent logs"\nkeep = "12 months"\nat_most = "24 months"\ndefer_while = "contested"\n'
        'from = "consent_ended"',
    )
    assert company.fates("consents") == {"due": 2, "not_due": 1, "undated": 1, "deferred": 1, "unclear": 1}
    company.carries_out({"consents": 2}, consents=[2, 3, 4, 6])


# -- a systems company's site --------------------------------------------------------------


def test_qu1_no_marketing_after_opt_out_and_kept_restricted_where_there_is_a_reason(company: Company) -> None:
    """Who is a customer, or whom the company may owe something, moves to the vault, for three years; others go."""
    said = (
        'events = { subscribed = "since", opted_out = "off" }',
        'facts = { customer = "customer", liable = "liable" }',
    )
    company.has(
        "CREATE TABLE contacts (id INTEGER PRIMARY KEY, since DATE, off DATE, customer BOOLEAN, liable BOOLEAN);"
        "CREATE TABLE mails (id INTEGER PRIMARY KEY, contact INTEGER REFERENCES contacts (id), subject VARCHAR(40));"
        "CREATE INDEX mails_contact ON mails (contact);"
        "INSERT INTO contacts VALUES (1, '2024-01-01', '2026-11-21', FALSE, FALSE),"
        " (2, '2024-01-01', '2026-11-21', TRUE, FALSE), (3, '2024-01-01', '2026-11-21', FALSE, TRUE),"
        " (4, '2024-01-01', '2026-11-23', TRUE, TRUE), (5, '2024-01-01', NULL, TRUE, FALSE),"
        " (6, '2024-01-01', '2026-11-21', NULL, FALSE);"
        "INSERT INTO mails VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 2, 'c'), (4, 5, 'd')",
        dataset("contacts", *said, 'parts = ["mails"]', 'restrict = { to = "kept" }', data="marketing data")
        + dataset("kept", *said, 'parts = ["kept_mails"]', data="marketing data"),
        marketing='data = "marketing data"\nfrom = "subscribed"\nuntil = "opted_out"\naction = "delete"\n'
        'exceptions = [{ when = "customer OR liable", action = "restrict" }]',
        liability='data = "marketing data"\nwhere = "restricted"\nkeep = "3 years"\nfrom = "restricted"',
    )
    company.says("vault", "create", "db.kept")
    assert company.work.problems() == ()
    assert company.fates("marketing", "contacts") == {"due": 3, "not_due": 2, "unclear": 1}
    assert company.fates("liability", "contacts") == {"out_of_scope": 6}
    company.carries_out({"contacts": 3}, contacts=[4, 5, 6], mails=[4], kept=[2, 3], kept_mails=[2, 3])
    assert company.fates("liability", "kept") == {"not_due": 2}
    assert company.due("2029-11-22") == {"contacts": 1}
    assert company.due("2029-11-23") == {"contacts": 1, "kept": 2}
    company.work.now = datetime(2029, 11, 23, tzinfo=UTC)
    company.plans.clear()
    company.carries_out({"contacts": 1, "kept": 2}, contacts=[5, 6], mails=[4], kept=[4], kept_mails=[])


def test_qu2_profiles_from_consent_until_withdrawal_then_restricted(company: Company) -> None:
    """Columns of the visitor's own row: emptied at the withdrawal; a customer's go with the row to the vault first."""
    events = 'events = { consented = "agreed", withdrawn = "withdrew" }'
    profile = (
        'columns = ["segment", "score"]',
        'facts = { customer = "customer" }',
        'anonymize = { segment = "null", score = "null" }',
    )
    visitors = 'facts = { customer = "customer" }'
    company.has(
        "CREATE TABLE visitors (id INTEGER PRIMARY KEY, agreed DATE, withdrew DATE, customer BOOLEAN,"
        " segment VARCHAR(20), score INTEGER);"
        "INSERT INTO visitors VALUES (1, '2024-01-01', '2026-11-21', FALSE, 'a', 1),"
        " (2, '2024-01-01', '2026-11-21', TRUE, 'b', 2), (3, '2024-01-01', '2026-11-23', TRUE, 'c', 3),"
        " (4, '2024-01-01', NULL, FALSE, 'd', 4), (5, '2026-01-01', '2025-01-01', FALSE, 'e', 5)",
        dataset("visitors", events, visitors, 'restrict = { to = "apart" }')
        + dataset("apart", events, visitors, data="visitors")
        + dataset(
            "profiles", events.replace(" }", ', restricted = "never" }'), *profile, data="profiles"
        ).replace('table = "profiles"', 'table = "visitors"')
        + dataset(
            "profiles_apart",
            events.replace(" }", ', restricted = "restricted_at" }'),
            *profile,
            data="profiles",
        ).replace('table = "profiles_apart"', 'table = "apart"'),
        profiling='data = "profiles"\nwhere = "NOT customer"\nfrom = "consented"\nuntil = "withdrawn"\n'
        'action = "pseudonymize"',
        guarded='data = "profiles"\nwhere = "customer"\nkeep = "3 years"\nfrom = "restricted"\n'
        'action = "pseudonymize"',
        moved='data = "visitors"\nwhere = "customer"\nfrom = "consented"\nuntil = "withdrawn"\naction = "restrict"',
    )
    company.says("vault", "create", "db.apart")
    assert company.work.problems() == ()
    assert company.fates("profiling", "profiles") == {"due": 1, "not_due": 2, "out_of_scope": 2}
    company.carries_out({"visitors": 1, "profiles": 1}, visitors=[1, 3, 4, 5], apart=[2])
    rows = company.store.rows("SELECT segment FROM visitors ORDER BY id")
    assert [row[0] for row in rows] == [None, "c", "d", "e"]
    assert company.store.rows("SELECT segment, score FROM apart") == [("b", 2)]
    assert company.due("2029-11-22") == {"visitors": 1}
    assert company.due("2029-11-23") == {"visitors": 1, "profiles_apart": 1}
    company.work.now = datetime(2029, 11, 23, tzinfo=UTC)
    company.plans.clear()
    company.carries_out({"visitors": 1, "profiles_apart": 1}, visitors=[1, 4, 5], apart=[2, 3])
    rows = company.store.rows("SELECT segment FROM apart ORDER BY id")
    assert [row[0] for row in rows] == [None, "c"]


def test_qu3_as_long_as_each_obligation_says(company: Company) -> None:
    """One rule for each; the longest that reaches a record wins."""
    company.has(
        "CREATE TABLE deals (id INTEGER PRIMARY KEY, made DATE, invoiced BOOLEAN, device BOOLEAN);"
        "INSERT INTO deals VALUES (1, '2025-11-21', FALSE, FALSE), (2, '2025-11-22', FALSE, FALSE),"
        " (3, '2023-11-21', FALSE, TRUE), (4, '2023-11-22', FALSE, TRUE), (5, '2016-11-21', TRUE, TRUE),"
        " (6, '2016-11-22', TRUE, TRUE), (7, '2020-01-01', NULL, FALSE)",
        dataset(
            "deals", 'events = { made = "made" }', 'facts = { invoiced = "invoiced", device = "device" }'
        ),
        service='data = "deals"\nkeep = "1 year"\nfrom = "made"\nbasis = "contract"',
        safety='data = "deals"\nwhere = "device"\nkeep = "3 years"\nfrom = "made"\nbasis = "legal obligation"\n'
        'citation = "product safety act"',
        tax='data = "deals"\nwhere = "invoiced"\nkeep = "10 years"\nfrom = "made"\nbasis = "legal obligation"\n'
        'citation = "tax code"',
    )
    assert company.fates("service") == {"due": 1, "not_due": 1, "retained": 3, "elsewhere": 2}
    company.carries_out({"deals": 3}, deals=[2, 4, 6, 7])
    assert company.due("2026-11-23") == {"deals": 3}


ERASURE = """
[events.erasure_requested]
by = ["email", "customer_id"]
[identifiers]
email = ["trim", "lower"]
"""


def test_qu5_erased_on_request_unless_a_law_needs_it(company: Company) -> None:
    """A request goes on from the account to its orders, gives way to the law alone, and waits for nobody's contract."""
    company.has(
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, email TEXT, created DATE);"
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, account INTEGER REFERENCES accounts (id), made DATE);"
        "CREATE INDEX orders_account ON orders (account);"
        "CREATE TABLE letters (id INTEGER PRIMARY KEY, email TEXT, sent DATE);"
        "INSERT INTO accounts VALUES (1, 'anna@example.com', '2020-01-01'), (2, 'Bo@example.com', '2020-01-01'),"
        " (3, 'carl@example.com', '2020-01-01'), (4, NULL, '2020-01-01');"
        "INSERT INTO orders VALUES (1, 1, '2025-01-01'), (2, 2, '2020-01-01');"
        "INSERT INTO letters VALUES (1, 'anna@example.com', '2026-01-01'), (2, 'anna@example.com', '2026-11-21'),"
        " (3, 'carl@example.com', '2026-01-01'), (4, 'anna@example.com', NULL)",
        dataset("accounts", 'subject = { customer_id = "id", email = "email" }', 'began = "created"', MADE)
        + dataset(
            "orders", 'subject = { customer_id = "account" }', 'began = "made"', 'events = { made = "made" }'
        )
        + dataset("letters", 'subject = { email = "email" }', 'began = "sent"', 'events = { made = "sent" }'),
        head=ERASURE,
        orders='data = "orders"\nkeep = "5 years"\nfrom = "made"\nbasis = "legal obligation"',
        letters='data = "letters"\nkeep = "10 years"\nfrom = "made"\nbasis = "contract"',
        erasure='data = "any"\nupon = ["erasure_requested"]\nyields_to = ["legal obligation", "legal claims"]',
    )
    assert company.due() == {"orders": 1}
    for person in ("anna@example.com", " bo@EXAMPLE.com"):
        told = company.says(
            "event", "add", "erasure_requested", "--subject", f"email={person}", "--at", "2026-11-20", "--yes"
        )
        assert told["reach"]
    assert company.fates("erasure", "accounts") == {"referenced": 1, "due": 1, "out_of_scope": 2}
    assert company.fates("erasure", "orders") == {"retained": 1, "due": 1}
    assert company.fates("erasure", "letters") == {"due": 1, "out_of_scope": 2, "unclear": 1}
    company.carries_out(
        {"accounts": 1, "orders": 1, "letters": 1}, accounts=[1, 3, 4], orders=[1], letters=[2, 3, 4]
    )
    assert company.refused() == {
        "erasure/db/accounts": [("delete", None, "referenced", 1)],
        "erasure/db/orders": [("delete", None, "retained by orders (legal obligation)", 1)],
    }
    proof = company.says("audit", "prove", "db.orders", "1")
    assert [each["by"] for each in proof["group"]["because"]] == ["orders"]
    assert company.work.cli("audit", "prove", "db.accounts", "3").exit_code == 7


MADE = 'events = { made = "created" }'


def test_qu6_requests_for_a_quote_until_answered_and_what_follows(company: Company) -> None:
    """Those that nobody answered stay."""
    company.has(
        "CREATE TABLE quotes (id INTEGER PRIMARY KEY, asked DATE, answered DATE);"
        "INSERT INTO quotes VALUES (1, '2020-01-01', '2026-05-21'), (2, '2020-01-01', '2026-05-22'),"
        " (3, '2020-01-01', NULL)",
        dataset("quotes", 'events = { answered = "answered" }'),
        quotes='data = "quotes"\nkeep = "6 months"\nfrom = "answered"',
    )
    assert company.fates("quotes") == {"due": 1, "not_due": 1, "undated": 1}
    company.carries_out({"quotes": 1}, quotes=[2, 3])
    assert company.due("2026-11-23") == {"quotes": 1}


# -- a CRM and chat service ----------------------------------------------------------------


def test_cr1_as_long_as_contract_claims_or_a_dispute_need_it(company: Company) -> None:
    """Many contracts end in the future; a dispute is a hold, and what it covered goes after its release."""
    company.has(
        "CREATE TABLE contracts (id INTEGER PRIMARY KEY, customer INTEGER, begun DATE, ended DATE);"
        "CREATE TABLE renewals (id INTEGER PRIMARY KEY, contract INTEGER REFERENCES contracts (id), ends DATE);"
        "CREATE INDEX renewals_contract ON renewals (contract);"
        "INSERT INTO contracts VALUES (1, 1, '2010-01-01', '2023-11-21'), (2, 2, '2010-01-01', '2023-11-22'),"
        " (3, 3, '2010-01-01', '2020-01-01'), (4, 4, '2010-01-01', '2030-01-01'), (5, 5, '2010-01-01', NULL),"
        " (6, 6, '2010-01-01', '2020-01-01');"
        "INSERT INTO renewals VALUES (1, 6, '2029-01-01'), (2, 1, '2022-01-01')",
        dataset(
            "contracts",
            'subject = { customer_id = "customer" }',
            'events = { contract_ended = { latest = ["ended", "renewals.ends"] } }',
            'parts = ["renewals"]',
        ),
        contracts='data = "contracts"\nkeep = "3 years"\nfrom = "contract_ended"\nbasis = "legal claims"',
    )
    placed = company.says("hold", "add", "--subject", "customer_id=3", "--reason", "dispute")
    assert company.fates("contracts") == {"due": 1, "not_due": 3, "held": 1, "undated": 1}
    company.carries_out({"contracts": 1}, contracts=[2, 3, 4, 5, 6], renewals=[1])
    company.says("hold", "release", str(number_of(placed)), "--reason", "settled")
    company.carries_out({"contracts": 1}, contracts=[2, 4, 5, 6])


def number_of(document: Any) -> Any:
    """The hold's own number in what `hold add` answers."""
    hold = document["hold"]
    return hold["id"] if isinstance(hold, dict) else hold


def test_cr2_content_as_each_customer_instructs(company: Company) -> None:
    """300 tenants, each with a record on both sides of its own line; without an instruction, or beyond the bounds,
    nothing goes."""
    periods = {tenant: 12 * tenant for tenant in range(1, 301)}
    periods |= {301: 0, 302: 3_653, 303: -5}
    tenants = [*(f"({tenant}, {days})" for tenant, days in periods.items()), "(304, NULL)"]
    content, goes = [], []
    for tenant in range(1, 305):
        days = periods.get(tenant, 30)
        for key, ago in ((2 * tenant, days), (2 * tenant + 1, days + 1)):
            uploaded = TODAY - timedelta(days=ago)
            content.append(f"({key}, {tenant}, '{uploaded:%Y-%m-%d %H:%M:%S}')")
            goes += [key] if ago > days and tenant <= 300 else []
    company.has(
        "CREATE TABLE tenants (id INTEGER PRIMARY KEY, days INTEGER);"
        "CREATE TABLE content (id INTEGER PRIMARY KEY, tenant INTEGER REFERENCES tenants (id), uploaded TIMESTAMP);"
        f"INSERT INTO tenants VALUES {', '.join(tenants)}; INSERT INTO content VALUES {', '.join(content)}",
        dataset(
            "content",
            'events = { uploaded = "uploaded" }',
            'periods = { instructed = { column = "tenants.days", unit = "days", between = ["1 day", "10 years"] } }',
        ),
        content='data = "content"\nkeep = { period = "instructed" }\nfrom = "uploaded"',
    )
    assert company.fates("content") == {"due": 300, "not_due": 300, "unclear": 8}
    company.carries_out({"content": 300}, content=[key for key in range(2, 610) if key not in set(goes)])
    assert company.due("2026-11-23") == {"content": 300}


def test_cr3_a_childs_data_as_soon_as_it_is_known(company: Company) -> None:
    """It gives way to law and claims only, and is late after three days."""
    company.has(
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, created DATE);"
        "CREATE TABLE chats (id INTEGER PRIMARY KEY, account INTEGER, at DATE, claimed BOOLEAN);"
        "INSERT INTO accounts VALUES (1, '2026-01-01'), (2, '2026-01-01');"
        "INSERT INTO chats VALUES (1, 1, '2026-02-01', FALSE), (2, 1, '2026-02-01', TRUE), (3, 2, '2026-02-01', FALSE)",
        dataset("accounts", 'subject = { account = "id" }', 'began = "created"', MADE)
        + dataset(
            "chats",
            'subject = { account = "account" }',
            'began = "at"',
            'events = { made = "at" }',
            'facts = { claimed = "claimed" }',
        ),
        head='[events.child_discovered]\nby = ["account"]\n',
        service='data = ["accounts", "chats"]\nkeep = "2 years"\nfrom = "made"\nbasis = "contract"',
        claims='data = "chats"\nwhere = "claimed"\nkeep = "3 years"\nfrom = "made"\nbasis = "legal claims"',
        children='data = "any"\nupon = ["child_discovered"]\nyields_to = ["legal obligation", "legal claims"]\n'
        'within = "3 days"',
    )
    assert company.due() == {}
    company.says("event", "add", "child_discovered", "--subject", "account=1", "--at", "2026-10-01", "--yes")
    assert company.fates("children", "chats") == {"due": 1, "retained": 1, "out_of_scope": 1}
    late = {}
    for day in ("2026-11-25", "2026-11-26"):
        jobs = company.says("plan", "--as-of", day)["jobs"]
        late[day] = sum(job["overdue"] for job in jobs if job["rule"] == "children")
    assert late == {"2026-11-25": 0, "2026-11-26": 2}
    company.carries_out({"accounts": 1, "chats": 1}, accounts=[2], chats=[2, 3])


# -- a vendor of customer communications ---------------------------------------------------


def test_do1_until_the_contract_ends_and_a_real_need_goes_on(company: Company) -> None:
    """With a most: a need of two years and longer is none."""
    company.has(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, ended DATE, needed BOOLEAN);"
        "INSERT INTO customers VALUES (1, '2026-11-21', FALSE), (2, '2026-11-22', FALSE), (3, '2025-01-01', TRUE),"
        " (4, '2024-12-22', TRUE), (5, '2024-12-23', TRUE), (6, NULL, FALSE), (7, '2025-01-01', NULL)",
        dataset("customers", 'events = { contract_ended = "ended" }', 'facts = { needed = "needed" }'),
        customers='data = "customers"\nkeep = "0 days"\nat_most = "2 years"\ndefer_while = "needed"\n'
        'from = "contract_ended"\nbasis = "contract"',
    )
    assert company.fates("customers") == {"due": 2, "not_due": 1, "deferred": 3, "undated": 1}
    company.carries_out({"customers": 2}, customers=[2, 3, 5, 6, 7])
    assert company.due("2026-11-23") == {"customers": 2}


def test_do2_deleted_or_anonymised_and_where_neither_can_be_isolated_until_it_can(company: Company) -> None:
    """A claim keeps some whole: they are marked, and tried again each night."""
    company.has(
        "CREATE TABLE clients (id INTEGER PRIMARY KEY, name VARCHAR(40), town VARCHAR(40), ended DATE, claimed DATE,"
        " isolated TIMESTAMP);"
        "CREATE TABLE bills (id INTEGER PRIMARY KEY, client INTEGER REFERENCES clients (id), made DATE);"
        "CREATE INDEX bills_client ON bills (client);"
        "INSERT INTO clients VALUES (1, 'a', 'x', '2025-11-21', NULL, NULL), (2, 'b', 'x', '2025-11-22', NULL, NULL),"
        " (3, 'c', 'x', '2025-11-21', NULL, NULL), (4, 'd', 'x', '2025-11-21', '2024-01-01', NULL);"
        "INSERT INTO bills VALUES (1, 3, '2023-01-01')",
        dataset(
            "clients",
            'events = { ended = "ended", claimed = "claimed" }',
            'facts = { claim = "claimed IS NOT NULL" }',
            'anonymize = { name = "redact", town = "redact" }',
            'restrict = { mark = "isolated" }',
        )
        + dataset("bills", 'events = { made = "made" }'),
        contract='data = "clients"\nkeep = "1 year"\nfrom = "ended"\notherwise = ["anonymize", "restrict"]',
        claims='data = "clients"\nwhere = "claim"\nkeep = "5 years"\nfrom = "claimed"\nbasis = "legal claims"',
        bills='data = "bills"\nkeep = "5 years"\nfrom = "made"\nbasis = "legal obligation"',
    )
    company.carries_out({"clients": 3}, clients=[2, 3, 4], bills=[1])
    found = company.store.rows("SELECT id, name FROM clients WHERE isolated IS NULL ORDER BY id")
    assert [tuple(row) for row in found] == [(2, "b"), (3, "[redacted]")]
    company.store.script("UPDATE clients SET claimed = NULL; DELETE FROM bills")
    company.plans.clear()
    company.carries_out({"clients": 2}, clients=[2])


def test_do3_only_what_is_needed_to_respect_the_opt_out(company: Company) -> None:
    """A keyed hash that still says who opted out, however the address is written; who subscribes again begins anew."""
    company.work.template = None  # the pseudonyms' key is made by this store's own `init`
    columns = "(id INTEGER PRIMARY KEY, email VARCHAR(80), name VARCHAR(40), since DATE, off DATE)"
    company.has(
        f"CREATE TABLE contacts {columns};"
        "CREATE INDEX contacts_email ON contacts (email);"
        "INSERT INTO contacts VALUES (1, 'Ann@Example.com', 'Ann', '2025-01-01', '2026-11-21'),"
        " (2, 'bo@example.com', 'Bo', '2025-01-01', NULL), (3, 'cy@example.com', 'Cy', '2025-01-01', '2026-11-23')",
        dataset(
            "contacts",
            'subject = { email = "email" }',
            'began = "since"',
            'events = { subscribed = "since", opted_out = "off" }',
            'anonymize = { email = "hash", name = "null" }',
        ),
        head='[identifiers]\nemail = ["trim", "lower"]\n',
        marketing='data = "contacts"\nfrom = "subscribed"\nuntil = ["opted_out"]\naction = "pseudonymize"',
    )
    company.carries_out({"contacts": 1}, contacts=[1, 2, 3])
    rows = company.store.rows("SELECT email, name FROM contacts ORDER BY id")
    assert rows[0][0].startswith("rh1-")
    assert [name for _, name in rows] == [None, "Bo", "Cy"]
    assert company.suppressed("ann@example.com", "bo@example.com", " ANN@example.com ") == [True, False, True]
    assert company.suppressed("ann@example.com") == [True]
    company.store.script("INSERT INTO contacts VALUES (4, 'ann@example.com', 'Ann', '2026-11-22', NULL)")
    company.plans.clear()
    assert company.fates("marketing") == {"not_due": 3}
    assert company.due("2026-11-24") == {"contacts": 1}


def test_do4_each_company_under_its_own_law(company: Company) -> None:
    """Period, start, fiscal year and zone by company; what belongs to no known company stays."""
    company.has(
        "CREATE TABLE invoices (id INTEGER PRIMARY KEY, company TEXT, made TIMESTAMP);"
        "INSERT INTO invoices VALUES"
        " (1, 'GmbH', '2017-12-31 22:59:59'), (2, 'GmbH', '2017-12-31 23:00:00'),"
        " (3, 'Ltd', '2020-03-31 22:59:59'), (4, 'Ltd', '2020-03-31 23:00:00'),"
        " (5, 'Inc', '2019-11-22 04:59:59'), (6, 'Inc', '2019-11-22 05:00:00'),"
        " (7, 'AS', '2020-12-31 22:59:59'), (8, 'AS', '2020-12-31 23:00:00'),"
        " (9, NULL, '2010-01-01 00:00:00')",
        dataset("invoices", 'events = { booked = "made" }', 'facts = { company = "company" }'),
        timezone="Europe/Oslo",
        invoices="""
            data = "invoices"
            keep = "5 years"
            from = "booked"
            starts = "after calendar year"
            citation = "bokføringsloven § 13"
            [[rules.invoices.exceptions]]
            when = "company = 'GmbH'"
            keep = "8 years"
            timezone = "Europe/Berlin"
            citation = "§ 147 AO"
            [[rules.invoices.exceptions]]
            when = "company = 'Ltd'"
            keep = "6 years"
            starts = "after fiscal year"
            fiscal_year_end = "03-31"
            timezone = "Europe/London"
            citation = "Companies Act 2006 s. 388"
            [[rules.invoices.exceptions]]
            when = "company = 'Inc'"
            keep = "7 years"
            starts = "none"
            timezone = "America/New_York"
            """,
    )
    assert company.fates("invoices") == {"due": 4, "not_due": 4, "unclear": 1}
    company.carries_out({"invoices": 4}, invoices=[2, 4, 6, 8, 9])


def test_do5_a_denied_request_is_documented(company: Company) -> None:
    """Once, with the law that keeps the record; the law of each record's own company, and no one else's."""
    company.has(
        "CREATE TABLE papers (id INTEGER PRIMARY KEY, person INTEGER, company VARCHAR(9), name VARCHAR(9), made DATE);"
        "INSERT INTO papers VALUES (1, 1, 'GmbH', 'a', '2016-11-22'), (2, 1, 'AS', 'b', '2021-11-22'),"
        " (3, 1, 'AS', 'c', '2021-11-21'), (4, 2, 'AS', 'd', '2025-01-01'), (5, 3, 'AS', 'e', '2025-01-01')",
        dataset(
            "papers",
            'subject = { customer_id = "person" }',
            'began = "made"',
            'events = { made = "made" }',
            'facts = { company = "company" }',
            'fields = { amount = "company" }',
            'anonymize = { name = "null" }',
        ),
        head='[events.erasure_requested]\nby = ["customer_id"]\n',
        invoices="""
            data = "papers"
            keep = "10 years"
            from = "made"
            basis = "legal obligation"
            citation = "§ 147 AO"
            [[rules.invoices.exceptions]]
            when = "company = 'AS'"
            keep = "5 years"
            citation = "bokføringsloven § 13"
            needs = { papers = ["amount"] }
            """,
        erasure='data = "papers"\nupon = ["erasure_requested"]\nyields_to = ["legal obligation"]\n'
        'otherwise = ["anonymize"]',
    )
    for person in ("1", "2"):
        told = (
            "event",
            "add",
            "erasure_requested",
            "--subject",
            f"customer_id={person}",
            "--at",
            "2026-11-20",
            "--yes",
        )
        company.says(*told)
    company.carries_out({"papers": 3}, papers=[1, 2, 4, 5])
    assert company.store.rows("SELECT id, name FROM papers ORDER BY id") == [
        (1, "a"),
        (2, None),
        (4, None),
        (5, "e"),
    ]
    law = "retained by invoices (legal obligation)"
    assert company.refused() == {
        "erasure/db/papers": [("delete", "anonymize", law, 2), ("delete", None, law, 1)]
    }
    cited = {
        key: company.says("audit", "prove", "db.papers", key, "--refused")["group"] for key in ("1", "2", "4")
    }
    assert {key: group["because"][0]["citation"] for key, group in cited.items()} == {
        "1": "§ 147 AO", "2": "bokføringsloven § 13", "4": "bokføringsloven § 13",
    }  # fmt: skip
    assert company.work.cli("audit", "prove", "db.papers", "5", "--refused").exit_code == 7
    company.says("run", "--yes")
    assert company.refused() == {}


# -- a control panel for hosting -----------------------------------------------------------


def test_pa1_as_long_as_service_law_and_accounting_need_it(company: Company) -> None:
    """The last of several rules ends it; a customer who is still served stays, and one never invoiced goes with the
    service."""
    company.has(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, ended DATE);"
        "CREATE TABLE invoices (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id), issued DATE);"
        "CREATE INDEX invoices_customer ON invoices (customer);"
        "INSERT INTO customers VALUES (1, '2026-10-22'), (2, '2026-10-23'), (3, NULL), (4, '2026-01-01'),"
        " (5, '2026-01-01'), (6, NULL), (7, '2026-01-01');"
        "INSERT INTO invoices VALUES (1, 4, '2020-12-31'), (2, 5, '2021-01-01'), (3, 6, '2019-01-01'),"
        " (4, 5, '2019-01-01'), (5, 7, NULL)",
        dataset(
            "customers",
            'events = { service_ended = "ended", invoiced = "invoices.issued" }',
            'facts = { invoiced = { any = "invoices" } }',
            'parts = ["invoices"]',
        ),
        service='data = "customers"\nkeep = "30 days"\nfrom = "service_ended"\nbasis = "contract"',
        tax='data = "customers"\nwhere = "invoiced"\nkeep = "5 years"\nfrom = "invoiced"\n'
        'starts = "after calendar year"\nbasis = "legal obligation"',
        accounting='data = "customers"\nwhere = "invoiced"\nkeep = "3 years"\nfrom = "invoiced"\n'
        'basis = "legal obligation"',
    )
    assert company.fates("service") == {"due": 2, "not_due": 1, "undated": 2, "retained": 2}
    company.carries_out({"customers": 2}, customers=[2, 3, 5, 6, 7], invoices=[2, 3, 4, 5])
    assert company.due("2027-01-01") == {"customers": 2}


def test_pa2_until_consent_is_withdrawn_by_whichever_way(company: Company) -> None:
    """In the service, by a link, or by e-mail, which a person tells."""
    company.has(
        "CREATE TABLE contacts (id INTEGER PRIMARY KEY, email TEXT, since DATE, switched_off DATE, clicked DATE);"
        "INSERT INTO contacts VALUES (1, 'a@example.com', '2020-01-01', '2026-11-21', NULL),"
        " (2, 'b@example.com', '2020-01-01', NULL, '2026-11-22'), (3, 'c@example.com', '2020-01-01', NULL, NULL),"
        " (4, 'd@example.com', '2020-01-01', NULL, NULL), (5, 'c@example.com', '2026-11-21', NULL, NULL),"
        " (6, 'e@example.com', '2020-01-01', NULL, '2026-11-23')",
        dataset(
            "contacts",
            'subject = { email = "email" }',
            'began = "since"',
            'events = { consented = "since", switched_off = "switched_off", link_clicked = "clicked" }',
        ),
        head='[events.withdrawn_by_email]\nby = ["email"]\n',
        consent='data = "contacts"\nfrom = "consented"\nbasis = "consent"\n'
        'until = ["switched_off", "link_clicked", "withdrawn_by_email"]',
    )
    assert company.fates("consent") == {"due": 2, "not_due": 4}
    company.says(
        "event",
        "add",
        "withdrawn_by_email",
        "--subject",
        "email=c@example.com",
        "--at",
        "2026-11-20",
        "--yes",
    )
    assert company.fates("consent") == {"due": 3, "not_due": 3}
    company.carries_out({"contacts": 3}, contacts=[4, 5, 6])
