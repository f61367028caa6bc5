"""Runs over a leaf table: as nobody told anything, with ten thousand holds, and with ten thousand told events.

Each contender empties a table of its own on the same server, in turn; what is told are ratios of medians.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

from bench import fates
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
SIDES = {"said-postgresql": fates.postgresql, "said-mariadb": fates.mariadb}


def measure(which: str, folder: Path, rows: int, repeat: int) -> None:
    """The contenders in turn, `repeat` times each, every time with rows made anew."""
    contenders = {
        "run": NOTHING_TOLD,
        "run, 10,000 holds": fates.held(rows),
        "run, 10,000 told events": fates.told(rows),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    done: dict[str, int] = {}
    for turn in range(repeat):
        for place, (name, said) in enumerate(contenders.items()):
            with SIDES[which](rows) as side:
                session = side.connect()
                session.execute("DROP TABLE prospect")
                if hasattr(session, "commit"):
                    session.commit()
                session.close()
                spent, done[name] = _run(folder / f"{turn}-{place}", side.url, said)
                seconds[name].append(spent)
    print(f"\n{which}: {rows:,} records of a leaf table")
    base = statistics.median(seconds["run"])
    for name, spans in seconds.items():
        middle = statistics.median(spans)
        print(f"  {name:28} {middle:7.2f} s   {middle / base:5.2f} x run, {done[name]:,} gone")


def _run(folder: Path, url: str, said: Told) -> tuple[float, int]:
    """(seconds, records): of a run in which people's words are `said`, whatever the state store has."""
    place = fates.configured(folder, url, POLICY, CONNECTOR)
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
