"""Runs as nobody told anything, with ten thousand holds, and with ten thousand told events; and with five hundred
tenants' periods, beside one period for all: of eight rules that interact (`eight-…`), and over a leaf table, where
nothing else takes time (`said-…`).

Each contender empties a table of its own on the same server, in turn; what is told are ratios of medians: of seconds by
the clock, and of seconds that the machine's processors worked, whoever they worked for. A run that takes minutes waits
for its disk longer one time than another; the processors' seconds are alike.
"""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg

from bench import fates
from bench.stores import SERVER as POSTGRESQL
from retention.model.progress import NoProgress
from retention.model.told import NOTHING_TOLD, Told
from retention.verbs import run as runs
from retention.verbs.init import init

POLICY = (
    fates.POLICY[: fates.POLICY.index("[rules.books]")]
    + """
[rules.inactive]
promise = "Two years of inactivity"
data = "accounts"
keep = "24 months"
from = "active"
action = "delete"

[rules.erasure]
promise = "On request"
data = "accounts"
upon = ["erasure_requested"]
yields_to = ["legal obligation", "legal claims"]
action = "delete"
"""
)
CONNECTOR = """
type = "sql"
url = "%s"
timezone = "UTC"
[datasets.accounts]
data = "accounts"
table = "account"
subject = { email = "email" }
began = "created_at"
events = { active = { latest = ["created_at", "seen_at"] } }
"""
PERIODS = (
    CONNECTOR
    + """
[datasets.accounts.periods.instructed]
column = "tenant.months"
via = "tenant_id"
unit = "months"
between = ["1 month", "10 years"]
"""
)
FEW = 100
"""Transactions of which MariaDB still keeps what they have replaced."""
Fresh = Callable[[], AbstractContextManager[fates.Side]]
"""Gives a database of its own each time, in which nothing refers to the accounts."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """What a run is measured with, and what people told; `base`: beside which one."""

    base: str
    policy: str = POLICY
    connector: str = CONNECTOR
    told: Told = NOTHING_TOLD


@contextmanager
def _postgresql(rows: int, leaf: bool) -> Iterator[Fresh]:
    """The rows are made once, and copied with their database."""
    with fates.postgresql(rows) as first, psycopg.connect(POSTGRESQL, autocommit=True) as server:
        if leaf:
            _leaf(first)

        @contextmanager
        def fresh() -> Iterator[fates.Side]:
            name, copy = first.url.rpartition("/")[2], f"retention_bench_said_{os.getpid()}"
            server.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')
            try:
                server.execute("CHECKPOINT")
                yield replace(first, url=first.url.rpartition("/")[0] + f"/{copy}")
            finally:
                server.execute(f'DROP DATABASE "{copy}" WITH (FORCE)')

        yield fresh


@contextmanager
def _mariadb(rows: int, leaf: bool) -> Iterator[Fresh]:
    """The rows are made anew, and written to the disk; what runs before have left to purge is purged."""

    @contextmanager
    def fresh() -> Iterator[fates.Side]:
        with fates.mariadb(rows) as side:
            if leaf:
                _leaf(side)
            _come_to_rest(side.connect())
            yield side

    yield fresh


SIDES = {
    "said-postgresql": partial(_postgresql, leaf=True),
    "said-mariadb": partial(_mariadb, leaf=True),
    "eight-postgresql": partial(_postgresql, leaf=False),
    "eight-mariadb": partial(_mariadb, leaf=False),
}


def _leaf(side: fates.Side) -> None:
    session = side.connect()
    session.execute("DROP TABLE prospect")
    if hasattr(session, "commit"):
        session.commit()
    session.close()


def _come_to_rest(session: Any, patience: float = 120.0) -> None:
    """What a CHECKPOINT is elsewhere."""
    tables = [name for (name,) in session.execute("SHOW TABLES").fetchall()]
    session.execute(f"FLUSH TABLES {', '.join(tables)} FOR EXPORT")
    session.execute("UNLOCK TABLES")
    until = time.monotonic() + patience
    waiting = "SHOW GLOBAL STATUS LIKE 'Innodb_history_list_length'"
    while int(session.execute(waiting).fetchone()[1]) > FEW and time.monotonic() < until:
        time.sleep(0.5)
    session.close()


def measure(which: str, folder: Path, rows: int, repeat: int) -> None:
    """The contenders in turn, `repeat` times each, every time with all rows."""
    contenders = _over_a_leaf(rows) if which.startswith("said") else _of_eight_rules(rows)
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    worked: dict[str, list[float]] = {name: [] for name in contenders}
    done: dict[str, int] = {}
    with SIDES[which](rows) as fresh:
        for turn in range(repeat):
            in_turn = list(contenders.items())[:: -1 if turn % 2 else 1]  # none is always the last
            for place, (name, contender) in enumerate(in_turn):
                with fresh() as side:
                    before = _processors()
                    spent, done[name] = _run(folder / f"{turn}-{place}", side.url, contender)
                    seconds[name].append(spent)
                    worked[name].append(_processors() - before)
    print(f"\n{which}: {rows:,} records")
    for name, contender in contenders.items():
        by_clock, times = _beside(seconds, name, contender.base)
        by_processors, times_worked = _beside(worked, name, contender.base)
        print(
            f"  {name:28} {by_clock:7.2f} s   {times:5.2f} x {contender.base}, {done[name]:,} gone;"
            f" processors {by_processors:7.2f} s   {times_worked:5.2f} x"
        )


def _beside(spans: Mapping[str, Sequence[float]], name: str, base: str) -> tuple[float, float]:
    """(median, how many times that of `base`)."""
    middle = statistics.median(spans[name])
    return middle, middle / (statistics.median(spans[base]) or math.nan)


def _processors() -> float:
    """Seconds that the machine's processors have worked since it was started; 0 where the system does not say."""
    with suppress(OSError), open("/proc/stat", encoding="ascii") as told:
        user, nice, system, _, _, *interrupts = map(int, told.readline().split()[1:8])
        return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _over_a_leaf(rows: int) -> dict[str, Contender]:
    alike = POLICY.replace('"24 months"', '"36 months"')
    tenants = POLICY.replace('"24 months"', '{ period = "instructed" }')
    return {
        "run": Contender(base="run"),
        "run, 10,000 holds": Contender(base="run", told=fates.held(rows)),
        "run, 10,000 told events": Contender(base="run", told=fates.told(rows)),
        "run, one period": Contender(base="run, one period", policy=alike),
        f"run, {fates.TENANTS} periods": Contender(base="run, one period", policy=tenants, connector=PERIODS),
    }


def _of_eight_rules(rows: int) -> dict[str, Contender]:
    """One of them is of the tenants' periods."""
    eight = partial(Contender, base="run", policy=fates.POLICY, connector=fates.CONNECTOR)
    return {
        "run, one period": eight(base="run, one period", policy=fates.ONE_PERIOD),
        "run": eight(base="run, one period"),
        "run, 10,000 holds": eight(told=fates.held(rows)),
        "run, 10,000 told events": eight(told=fates.told(rows)),
    }


def _run(folder: Path, url: str, contender: Contender) -> tuple[float, int]:
    """(seconds, records): of a run in which people's words are the contender's, whatever the state store has."""
    said = contender.told
    place = fates.configured(folder, url, contender.policy, contender.connector)
    init(folder, place, by="bench", clock=_now)
    carried = runs.carry_over

    def carry_over(*arguments: Any) -> Any:
        found = carried(*arguments)
        return replace(found, told=replace(found.told, holds=said.holds, tellings=said.tellings))

    with mock.patch.object(runs, "carry_over", carry_over):
        started = time.perf_counter()
        outcome = runs.run(place, as_of="2026-11-25", by="bench", clock=_now, progress=NoProgress())
    if outcome.status != "done":
        raise SystemExit(f"the run ended as {outcome.status}")
    return time.perf_counter() - started, sum(job.done for job in outcome.jobs)


def _now() -> datetime:
    return datetime.now(UTC)
