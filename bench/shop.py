"""A web store's policy over eight datasets that refer to each other, with a rule on `"any"` data, and its tables."""

from __future__ import annotations

import os
import resource
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench import fates
from bench.mariadb import SERVER as MARIADB
from bench.mariadb import Session
from bench.stores import SERVER as POSTGRESQL
from retention.model.told import NOTHING_TOLD

POLICY = """
[policy]
name = "Web store"
timezone = "Europe/Oslo"
approval = "never"
limits = { share = "100%", rows = 10_000_000 }

[events.erasure_requested]
by = ["email", "customer_id"]

[rules.orders]
promise = "Orders and accounting records: five years after the accounting year"
basis = "legal obligation"
data = "orders"
keep = "5 years"
from = "booked"
starts = "after fiscal year"
action = "delete"
needs = { accounts = ["name"] }
[[rules.orders.exceptions]]
when = "company = 'GmbH'"
keep = "8 years"
starts = "after calendar year"

[rules.claims]
promise = "What is disputed: three years"
basis = "legal claims"
data = ["orders", "support requests"]
where = "disputed"
keep = "3 years"
from = "touched"
action = "delete"

[rules.inactive-accounts]
promise = "Accounts: after 24 months of inactivity"
data = "accounts"
keep = "24 months"
from = "last_activity"
action = "delete"

[rules.support]
promise = "Support requests: 12 to 36 months"
data = "support requests"
keep = "12 months"
at_most = "36 months"
defer_while = "disputed"
from = "touched"
action = "delete"

[rules.marketing]
promise = "Marketing: until you unsubscribe"
basis = "consent"
data = "marketing contacts"
from = "subscribed"
until = ["unsubscribed"]
action = "delete"

[rules.consents]
promise = "Consent logs: 12 to 24 months"
data = "consents"
keep = "12 months"
at_most = "24 months"
from = "ended"
action = "delete"

[rules.others]
promise = "What else you leave with us: 24 months"
data = ["reviews", "quotes", "wishes"]
keep = "24 months"
from = "made"
action = "delete"

[rules.erasure]
promise = "On request, unless a law needs the data"
data = "any"
upon = ["erasure_requested"]
yields_to = ["legal obligation", "legal claims"]
action = "delete"
"""

CONNECTOR = """
type = "sql"
url = "%s"
timezone = "Europe/Oslo"
[datasets.orders]
data = "orders"
table = "orders"
subject = { customer_id = "customer_id" }
began = "created_at"
events = { booked = { latest = ["created_at", "credit_notes.issued_at"] }, touched = "created_at" }
facts = { company = "company", disputed = "disputed" }
parts = ["order_lines", "credit_notes"]
[datasets.accounts]
data = "accounts"
table = "customers"
subject = { customer_id = "id", email = "email" }
began = "created_at"
fields = { name = ["name"] }
[datasets.accounts.events]
last_activity = { latest = ["created_at", "login_at", "orders.created_at"] }
[datasets.tickets]
data = "support requests"
table = "tickets"
subject = { customer_id = "customer_id" }
began = "opened_at"
events = { touched = { latest = ["opened_at", "messages.sent_at"] } }
facts = { disputed = "disputed" }
parts = ["messages"]
[datasets.contacts]
data = "marketing contacts"
table = "contacts"
subject = { email = "email" }
began = "subscribed_at"
events = { subscribed = "subscribed_at", unsubscribed = "unsubscribed_at" }
[datasets.consents]
data = "consents"
table = "consents"
subject = { customer_id = "customer_id" }
began = "given_at"
events = { ended = "ended_at" }
[datasets.reviews]
data = "reviews"
table = "reviews"
subject = { customer_id = "customer_id" }
began = "made_at"
events = { made = "made_at" }
[datasets.quotes]
data = "quotes"
table = "quotes"
subject = { customer_id = "customer_id" }
began = "made_at"
events = { made = "made_at" }
[datasets.wishes]
data = "wishes"
table = "wishes"
subject = { customer_id = "customer_id" }
began = "made_at"
events = { made = "made_at" }
"""

_OF_CUSTOMER = "customer_id integer NOT NULL, FOREIGN KEY (customer_id) REFERENCES customers (id)"
_TABLES = (
    "CREATE TABLE customers (id integer PRIMARY KEY, email varchar(60), name varchar(60),"
    " created_at {moment} NOT NULL, login_at {moment})",
    "CREATE TABLE orders (id integer PRIMARY KEY, company varchar(10), disputed {boolean},"
    f" created_at {{moment}} NOT NULL, {_OF_CUSTOMER})",
    "CREATE TABLE order_lines (id integer PRIMARY KEY, order_id integer NOT NULL, what varchar(40),"
    " FOREIGN KEY (order_id) REFERENCES orders (id))",
    "CREATE TABLE credit_notes (id integer PRIMARY KEY, order_id integer NOT NULL, issued_at {moment} NOT NULL,"
    " FOREIGN KEY (order_id) REFERENCES orders (id))",
    f"CREATE TABLE tickets (id integer PRIMARY KEY, disputed {{boolean}}, opened_at {{moment}}, {_OF_CUSTOMER})",
    "CREATE TABLE messages (id integer PRIMARY KEY, ticket_id integer NOT NULL, sent_at {moment},"
    " FOREIGN KEY (ticket_id) REFERENCES tickets (id))",
    "CREATE TABLE contacts (id integer PRIMARY KEY, email varchar(60), subscribed_at {moment},"
    " unsubscribed_at {moment})",
    f"CREATE TABLE consents (id integer PRIMARY KEY, given_at {{moment}}, ended_at {{moment}}, {_OF_CUSTOMER})",
    *(
        f"CREATE TABLE {name} (id integer PRIMARY KEY, made_at {{moment}}, {_OF_CUSTOMER})"
        for name in ("reviews", "quotes", "wishes")
    ),
)
_DISPUTED = "CASE {n} % 13 WHEN 0 THEN NULL WHEN 1 THEN {true} ELSE {false} END"
_CUSTOMER = "1 + {n} * 7 % {customers}"
_ROWS = {
    "customers": "{n}, concat('person', {n}, '@example.com'), 'Ola', {d4507},"
    " CASE WHEN {n} % 4 = 0 THEN NULL ELSE {d4201} END",
    "orders": "{n}, CASE {n} % 11 WHEN 0 THEN NULL WHEN 1 THEN 'GmbH' ELSE 'AS' END,"
    f" {_DISPUTED}, {{d4507}}, {_CUSTOMER}",
    "order_lines": "{n}, 1 + {n} % {orders}, 'thing'",
    "credit_notes": "{n}, 1 + {n} * 17 % {orders}, {d4201}",
    "tickets": f"{{n}}, {_DISPUTED}, {{d4507}}, {_CUSTOMER}",
    "messages": "{n}, 1 + {n} % {tickets}, {d4201}",
    "contacts": "{n}, concat('person', {n}, '@example.com'), {d4507},"
    " CASE WHEN {n} % 2 = 0 THEN NULL ELSE {d4201} END",
    "consents": f"{{n}}, {{d4507}}, CASE WHEN {{n}} % 5 = 0 THEN NULL ELSE {{d4201}} END, {_CUSTOMER}",
    "reviews": f"{{n}}, {{d4507}}, {_CUSTOMER}",
    "quotes": f"{{n}}, {{d4201}}, {_CUSTOMER}",
    "wishes": f"{{n}}, {{d4507}}, {_CUSTOMER}",
}
_SHARES = {
    "customers": 1.0,
    "orders": 1.0,
    "order_lines": 2.0,
    "credit_notes": 0.05,
    "tickets": 0.5,
    "messages": 1.0,
    "contacts": 0.5,
    "consents": 0.5,
    "reviews": 0.25,
    "quotes": 0.1,
    "wishes": 0.25,
}
_INDEXED = {
    "orders": "customer_id",
    "order_lines": "order_id",
    "credit_notes": "order_id",
    "tickets": "customer_id",
    "messages": "ticket_id",
    "consents": "customer_id",
    "reviews": "customer_id",
    "quotes": "customer_id",
    "wishes": "customer_id",
}


def statements(kind: str, rows: int) -> list[str]:
    """What makes and fills the tables on "postgresql", "mariadb" or "sqlite": `rows` customers and orders."""
    sizes = {name: max(1, int(rows * share)) for name, share in _SHARES.items()}
    day = {
        "postgresql": "timestamp '2014-01-01' + n % {} * interval '1 day'",
        "mariadb": "timestamp('2014-01-01') + INTERVAL n % {} DAY",
        "sqlite": "datetime('2014-01-01', (n % {}) || ' days')",
    }[kind]
    series = {
        "postgresql": "generate_series(1, {}) AS s (n)",
        "mariadb": "(SELECT seq AS n FROM seq_1_to_{}) s",
        "sqlite": "(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {}) SELECT n FROM s)",
    }[kind]
    words = {
        "boolean": "boolean",
        "moment": "datetime" if kind == "mariadb" else "timestamp",
        "n": "n",
        "true": "true",
        "false": "false",
        "d4507": day.format(4507),
        "d4201": day.format(4201),
    } | {name: str(size) for name, size in sizes.items()}
    made = [statement.format(**words) for statement in _TABLES]
    for name, values in _ROWS.items():
        text = values.format(**words)
        if kind == "sqlite":
            text = text.replace("concat('person', n, '@example.com')", "'person' || n || '@example.com'")
        made.append(f"INSERT INTO {name} SELECT {text} FROM {series.format(sizes[name])}")
    made += [f"CREATE INDEX {name}_{column} ON {name} ({column})" for name, column in _INDEXED.items()]
    analyze = {
        "postgresql": "VACUUM ANALYZE",
        "mariadb": f"ANALYZE TABLE {', '.join(_ROWS)}",
        "sqlite": "ANALYZE",
    }
    return [*made, analyze[kind]]


@contextmanager
def _postgresql(rows: int, _: Path) -> Iterator[str]:
    name = f"retention_bench_shop_{os.getpid()}"
    url = POSTGRESQL.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(POSTGRESQL, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            with psycopg.connect(url, autocommit=True) as made:
                for statement in statements("postgresql", rows):
                    made.execute(statement)  # type: ignore[call-overload]
            yield url
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def _mariadb(rows: int, _: Path) -> Iterator[str]:
    name = f"retention_bench_shop_{os.getpid()}"
    session = Session(None)
    session.execute(f"CREATE DATABASE {name}")
    try:
        session.execute(f"USE {name}")
        for statement in statements("mariadb", rows):
            session.execute(statement)
        session.commit()
        yield MARIADB.rpartition("/")[0] + f"/{name}"
    finally:
        session.execute(f"DROP DATABASE {name}")
        session.close()


@contextmanager
def _sqlite(rows: int, folder: Path) -> Iterator[str]:
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "shop.db") as made:
        for statement in statements("sqlite", rows):
            made.execute(statement)
    made.close()
    yield f"sqlite:///{folder / 'shop.db'}"


SIDES = {"shop-postgresql": _postgresql, "shop-mariadb": _mariadb, "shop-sqlite": _sqlite}


def measure(which: str, folder: Path, rows: int, repeat: int) -> None:
    """The plan of the whole store, `repeat` times: its seconds, and those of this process alone."""
    with SIDES[which](rows, folder) as url:
        place = fates.configured(folder / "files", url, POLICY, CONNECTOR)
        spent, own = [], []
        for _ in range(repeat):
            started, used = time.perf_counter(), time.process_time()
            fates.planned(place, NOTHING_TOLD)
            spent.append(time.perf_counter() - started)
            own.append(time.process_time() - used)
    print(f"\n{which}: eight datasets, eight rules, {rows:,} customers and as many orders")
    print(
        f"  plan {statistics.median(spent):7.2f} s, processor time of this process {statistics.median(own):.2f} s"
    )
    print(f"  peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
