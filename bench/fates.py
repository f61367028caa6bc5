"""Planning eight rules that interact over one table: `plan` beside hand-written SELECTs of the same counts.

Each contender counts the same rows on the same server, in turn; what is told are ratios of medians. Then the same plan
with ten thousand holds, and with ten thousand told events; and beside one whose tenants all have the same period.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from bench import hand
from bench.mariadb import SERVER as MARIADB
from bench.mariadb import Session
from bench.stores import SERVER as POSTGRESQL
from retention.model.place import Place
from retention.model.plan import FATES, Plan
from retention.model.progress import NoProgress
from retention.model.told import NOTHING_TOLD, Cover, Hold, HoldReason, Subject, Telling, Told
from retention.verbs.opening.configured import configuration
from retention.verbs.opening.prepared import prepared
from retention.verbs.persons.spoken import words
from retention.verbs.plan import count

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TENANTS = 500
SAID = 10_000

POLICY = """
[policy]
name = "Bench"
timezone = "UTC"
approval = "never"
limits = { share = "100%", rows = 10_000_000 }

[events.erasure_requested]
by = ["email"]

[rules.books]
promise = "Companies' accounts: five years after the accounting year, in Germany eight"
basis = "legal obligation"
data = "accounts"
where = "company"
keep = "5 years"
from = "closed"
starts = "after calendar year"
action = "delete"
[[rules.books.exceptions]]
when = "country = 'DE'"
keep = "8 years"

[rules.inactive]
promise = "Two years of inactivity"
data = ["accounts", "prospects"]
keep = "24 months"
from = "active"
action = "delete"

[rules.marketing]
promise = "Until unsubscribed"
basis = "consent"
data = "accounts"
where = "newsletter"
from = "created"
until = ["unsubscribed"]
action = "delete"

[rules.closed]
promise = "One year after it was closed, three at most"
data = "accounts"
keep = "12 months"
at_most = "36 months"
defer_while = "disputed"
from = "closed"
action = "delete"

[rules.erasure]
promise = "On request"
data = "accounts"
upon = ["erasure_requested"]
yields_to = ["legal obligation", "legal claims"]
action = "delete"

[rules.instructed]
promise = "As the tenant instructs"
basis = "contract"
data = "accounts"
keep = { period = "instructed" }
from = "active"
action = "delete"

[rules.claims]
promise = "Three years for claims"
basis = "legal claims"
data = "accounts"
where = "balance > 900"
keep = "3 years"
from = "closed"
starts = "after calendar year"
action = "delete"

[rules.claims-of-many]
promise = "Any account: six months"
data = "accounts"
keep = "6 months"
from = "created"
action = "delete"
"""

ONE_PERIOD = POLICY.replace('keep = { period = "instructed" }', 'keep = "36 months"')
"""The same rules, and one period for every tenant."""

CONNECTOR = """
type = "sql"
url = "%s"
timezone = "UTC"
[datasets.accounts]
data = "accounts"
table = "account"
subject = { email = "email" }
began = "created_at"
[datasets.accounts.periods.instructed]
column = "tenant.months"
via = "tenant_id"
unit = "months"
between = ["1 month", "10 years"]
[datasets.accounts.events]
created = "created_at"
closed = "closed_at"
unsubscribed = "unsubscribed_at"
active = { latest = ["created_at", "seen_at"] }
[datasets.accounts.facts]
company = "company"
country = "country"
newsletter = "newsletter"
disputed = "disputed"
balance = "balance"
[datasets.prospects]
data = "prospects"
table = "prospect"
events = { active = "called_at" }
"""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One server: `connect` gives a session of the bench's own database, `url` is it for a connector."""

    name: str
    url: str
    connect: Callable[[], Any]
    dialect: hand.Spelling


@contextmanager
def postgresql(rows: int) -> Iterator[Side]:
    """A database of its own."""
    name = f"retention_bench_fates_{os.getpid()}"
    url = POSTGRESQL.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(POSTGRESQL, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            with psycopg.connect(url, autocommit=True) as made:
                for statement in hand.postgresql_tables(rows, TENANTS):
                    made.execute(statement)  # type: ignore[call-overload]
            connect = lambda: psycopg.connect(url, autocommit=True, options="-c jit=off")  # noqa: E731
            yield Side(name="PostgreSQL", url=url, connect=connect, dialect=hand.POSTGRESQL)
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def mariadb(rows: int) -> Iterator[Side]:
    """A database of its own."""
    name = f"retention_bench_fates_{os.getpid()}"
    session = Session(None)
    session.execute(f"CREATE DATABASE {name}")
    try:
        session.execute(f"USE {name}")
        for statement in hand.mariadb_tables(rows, TENANTS):
            session.execute(statement)
        session.commit()
        url = MARIADB.rpartition("/")[0] + f"/{name}"
        yield Side(name="MariaDB", url=url, connect=lambda: Session(name), dialect=hand.MARIADB)
    finally:
        session.execute(f"DROP DATABASE {name}")
        session.close()


SIDES = {"fates-postgresql": postgresql, "fates-mariadb": mariadb}


def measure(which: str, folder: Path, rows: int, repeat: int) -> None:
    """The contenders in turn, `repeat` times each."""
    with SIDES[which](rows) as side:
        place = configured(folder / "instructed", side.url)
        alike = configured(folder / "alike", side.url, ONE_PERIOD)
        holds, events = held(rows), told(rows)
        contenders: dict[str, Callable[[], Any]] = {
            "hand-written SELECTs": lambda: by_hand(side),
            "plan, one period": lambda: planned(alike, NOTHING_TOLD),
            "plan": lambda: planned(place, NOTHING_TOLD),
            "plan, 10,000 holds": lambda: planned(place, holds),
            "plan, 10,000 told events": lambda: planned(place, events),
        }
        seconds: dict[str, list[float]] = {name: [] for name in contenders}
        found: dict[str, Any] = {}
        for _ in range(repeat):
            for name, contender in contenders.items():
                started = time.perf_counter()
                found[name] = contender()
                seconds[name].append(time.perf_counter() - started)
        _agree(found["hand-written SELECTs"], found["plan"])
        print(f"\n{side.name}: eight rules, {rows:,} records, {TENANTS} tenants' periods")
        middle = {name: statistics.median(spans) for name, spans in seconds.items()}
        for name, span in middle.items():
            base = middle["plan" if "10,000" in name else "hand-written SELECTs"]
            of = "plan" if "10,000" in name else "by hand"
            print(f"  {name:28} {span:7.2f} s   {span / base:5.2f} x {of}")
        print(f"  {TENANTS} periods cost {middle['plan'] / middle['plan, one period']:.2f} x one")
        print(f"  peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def by_hand(side: Side) -> dict[str, Counter[str]]:
    """Rule → fate → records, by one statement a rule."""
    session = side.connect()
    found: dict[str, Counter[str]] = {}
    for rule, statement in hand.statements(side.dialect).items():
        counts: Counter[str] = Counter()
        for fate, records, *_ in session.execute(statement).fetchall():
            counts[fate] += records
        found[rule] = counts
    session.close()
    return found


def planned(place: Place, told: Told) -> Plan:
    """The plan, as the command makes it."""
    with prepared(place, configuration(place)) as ready:
        ready, said = words(ready, told, NOW)
        return count(ready, NOW, (), NoProgress(), said=said)[1]


def _agree(wanted: Mapping[str, Counter[str]], made: Plan) -> None:
    """What is compared is the same work."""
    jobs = {job.rule: job for job in made.jobs if job.dataset == "accounts"}
    for rule, counts in wanted.items():
        fates = {name: n for name, n in jobs[rule].fates.items() if n}
        if fates != dict(counts):
            raise SystemExit(f"{rule}: by hand {dict(counts)}, planned {fates}")
        assert set(counts) <= set(FATES)


def configured(folder: Path, url: str, policy: str = POLICY, connector: str = CONNECTOR) -> Place:
    """The files in a folder of their own."""
    (folder / "connectors").mkdir(parents=True)
    (folder / "policies.toml").write_text(policy)
    (folder / "connectors" / "bench.toml").write_text(connector % url)
    return Place(
        config=folder / "policies.toml",
        connectors=folder / "connectors",
        state=None,
        environ=dict(os.environ),
    )


def held(rows: int) -> Told:
    """Holds on persons, spread over the table."""
    step = max(1, rows // SAID)
    covers = (Cover(subjects=(_person(n),)) for n in range(1, rows, step))
    holds = tuple(
        Hold(id=f"h{i}", cover=cover, reason=HoldReason.DISPUTE, text="bench", by="bench", at=NOW)
        for i, cover in enumerate(covers)
    )
    return Told(holds=holds)


def told(rows: int) -> Told:
    """Requests of persons, spread over the table."""
    step = max(1, rows // SAID)
    tellings = tuple(
        Telling(id=f"t{n}", event="erasure_requested", subjects=(_person(n),), at=_day(n), told_at=NOW)
        for n in range(2, rows, step)
    )
    return Told(tellings=tellings)


def _day(number: int) -> datetime:
    return NOW - timedelta(days=number * 7 % 60)


def _person(number: int) -> Subject:
    return Subject(kind="email", value=f"person{number}@example.com")
