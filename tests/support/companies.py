"""An example company over a year: built, planned, run; again a month and a year later, with what happens in between.

A record that is named says in its name what becomes of it: `: due`, `: due in a month`, `: due in a year`; whatever
else stands behind the colon is looked at by the test of its clause.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from retention.connectors.sql.target import SqlTarget
from retention.demo.company import COMPANIES
from retention.demo.filling import variable
from retention.model.explanation import Explanation
from retention.model.place import Place
from retention.verbs.demo import build
from tests.support import auditors, servers
from tests.support.stores import SqliteStore, Store
from tests.support.workplace import Workplace

TODAY = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAYS = {"first": 0, "month": 31, "year": 367}
"""When the policy is carried out: days after TODAY."""

DATABASES = [
    pytest.param("sqlite", id="a_file"),
    pytest.param("postgresql", id="on_postgresql", marks=pytest.mark.heavy),
    pytest.param("mariadb", id="on_mariadb", marks=pytest.mark.heavy),
]
GOES = {"due": "first", "due in a month": "month", "due in a year": "year"}

Between = Callable[["Life"], None]

_SEEN = ("seen", "plans", "runs", "told", "fates", "events")
"""Of a life, what its tests look at but for the databases as they are at its end."""


class Seat(Workplace):
    """A workplace in a folder whose files are there already."""

    @property
    def place(self) -> Place:
        return Place(
            config=self.folder / "policies.toml",
            connectors=self.folder / "connectors",
            state=None,
            environ=self.environ,
        )


@dataclass(kw_only=True)
class Life:
    """`seen`: day → table (`STORE.TABLE`) → the names in it; `runs` and `plans`: day → what the command answered."""

    seat: Seat
    stores: dict[str, Store]
    columns: dict[str, str]
    seen: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    plans: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    fates: dict[str, dict[str, str]] = field(default_factory=dict)
    events: Sequence[dict[str, Any]] = ()

    def says(self, *words: str, code: int = 0) -> Any:
        """What a command answers."""
        result = self.seat.cli(*words, "--format", "json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def look(self, day: str) -> None:
        self.seen[day] = {}
        for table, column in self.columns.items():
            store, _, name = table.partition(".")
            rows = self.stores[store].rows(f"SELECT {column} FROM {name}")
            self.seen[day][table] = {value for (value,) in rows}

    def key(self, table: str, name: str) -> str:
        store, _, bare = table.partition(".")
        ((key,),) = self.stores[store].rows(f"SELECT id FROM {bare} WHERE {self.columns[table]} = '{name}'")
        return str(key)

    def explained(self, dataset: str, key: str) -> Explanation:
        return self.seat.explain(dataset, key)

    def fate(self, dataset: str, key: str, day: str) -> None:
        """Notes what `explain` says of a record, rule by rule."""
        told = self.explained(dataset, key)
        self.fates[f"{day}: {dataset} {key}"] = {view.rule: view.fate for view in told.rules}

    def fated(self, asked: str) -> dict[str, str]:
        """Rule → fate of the one record that was asked about: `DAY: STORE.DATASET`."""
        (found,) = [rules for key, rules in self.fates.items() if key.startswith(asked + " ")]
        return found

    def carry_out(self, day: str) -> None:
        """A run; the first after a plan that a person has approved, the last after one that went above its limits.

        After the last a plan finds nothing more.
        """
        self.seat.now = TODAY + timedelta(days=DAYS[day])
        words = ["run", "--yes"]
        if day != "month":
            plan = self.plans[day] = self.says("plan")
            above = {job["rule"] for job in plan["jobs"] if job["status"] == "refused"}
            if day == "first" or above:
                over = [word for rule in sorted(above) for word in ("--over-limit", rule)]
                self.says("approve", plan["plan"]["id"], *over)
                words = ["run", "--plan", plan["plan"]["id"], "--yes"]
        self.runs[day] = self.says(*words)
        self.look(day)
        if day == "year":
            self.plans["after"] = self.says("plan")

    def open(self, company: str) -> None:
        """Its files, where it has any."""
        for name in COMPANIES[company].stores:
            if name not in self.stores:
                self.stores[name] = SqliteStore(self.seat.folder / f"{name}.db")

    def kept(self) -> bytes:
        """What was seen, for `recall`."""
        return pickle.dumps((self.seat.now, {name: getattr(self, name) for name in _SEEN}))

    def recall(self, kept: bytes) -> None:
        """As if it had been lived here: another worker of the same session has."""
        self.seat.now, seen = pickle.loads(kept)
        for name, value in seen.items():
            setattr(self, name, value)

    # -- what is found ---------------------------------------------------------------------

    def keeps_its_word(self, table: str, *, least: int = 3) -> None:
        """Every record of the table that its name calls due goes when it says, and not before."""
        found = 0
        days = list(DAYS)
        for name in self.seen["built"][table]:
            words = str(name).rpartition(": ")[2]
            if words not in GOES:
                continue
            found += 1
            goes = days.index(GOES[words])
            there = [name in self.seen[day][table] for day in days]
            assert there == [place < goes for place in range(len(days))], (name, there)
        assert found >= least

    def stay(self, table: str, *words: str) -> None:
        """Of those whose name ends with one of `words` all are there to the end, and there is one."""
        kept = {n for n in self.seen["built"][table] if str(n).rpartition(": ")[2] in words}
        assert kept
        assert kept <= self.seen["year"][table]

    def done(self, day: str, rule: str, dataset: str | None = None) -> int:
        """Records that a rule's jobs of a run are through with: all that were planned."""
        jobs = [
            job
            for job in self.runs[day]["jobs"]
            if job["rule"] == rule and dataset in (None, f"{job['connector']}.{job['dataset']}")
        ]
        assert jobs
        assert all(job["done"] == job["planned"] for job in jobs)
        return sum(job["done"] for job in jobs)

    def planned(self, day: str, rule: str, dataset: str, fate: str) -> int:
        """A number of the plan of a day: `first`, `year`, or `after` all of it."""
        (job,) = [
            job
            for job in self.plans[day]["jobs"]
            if job["rule"] == rule and dataset == f"{job['connector']}.{job['dataset']}"
        ]
        return int(job[fate])

    def logged(self, rule: str) -> int:
        """Records in the ledger's batches of a rule."""
        committed = [e["data"] for e in self.events if e["type"] == "batch.committed"]
        return sum(data["count"] for data in committed if data["job"].partition("/")[0] == rule)

    def refused(self, job: str) -> set[tuple[str, str, int]]:
        """(rule that keeps, its basis, records) of what the ledger says was refused to a job `RULE/STORE/DATASET`."""
        return {
            (why["by"], why["basis"], group["count"])
            for event in self.events
            if event["type"] == "action.refused" and event["data"]["job"] == job
            for group in event["data"]["refused"]
            for why in group["because"]
            if why["kind"] == "retained"
        }

    def listed(self, dataset: str, value: str) -> bool:
        """Whether `suppressed` knows a value."""
        result = self.seat.cli("suppressed", dataset, "--from", "-", "--format", "json", typed=value)
        (line,) = json.loads(result.stdout)["lines"]
        assert result.exit_code == (0 if line["listed"] else 7), result.output
        return bool(line["listed"])

    def all_is_well(self, *, nameless: Sequence[str] = ()) -> None:
        """Each run did what its plan said, nothing was left, and the ledger names none of those who are named."""
        for day in DAYS:
            assert self.runs[day]["run"]["status"] == "done"
            assert all(job["left"] == job["set_aside"] == 0 for job in self.runs[day]["jobs"])
        assert self.plans["first"]["totals"]["due"] == sum(job["done"] for job in self.runs["first"]["jobs"])
        assert self.plans["after"]["totals"]["due"] == 0
        assert self.says("audit", "verify", "--evidence")["events"] == len(self.events)
        lines = json.dumps(self.events)
        named = {n for names in self.seen["built"].values() for n in names if ": " in str(n)}
        assert not [name for name in named if str(name) in lines]
        assert not [word for word in nameless if word in lines]
        self.convinces()

    def convinces(self) -> None:
        """An auditor who has an export and nothing of ours finds it whole, and nothing in it of whom it is about."""
        folder = self.seat.folder / "export"
        self.says("audit", "export", str(folder))
        code, said = auditors.typed(folder, "key.pub")
        assert code == 0, said
        assert said.startswith("Verified: the whole ledger of ")
        text = b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()).decode()
        assert not [
            n for names in self.seen["built"].values() for n in names if ": " in str(n) and str(n) in text
        ]


@contextlib.contextmanager
def stores_of(company: str, database: str, folder: Path) -> Iterator[dict[str, Store]]:
    """The stores of a company: files of its folder, or databases of a server."""
    names = COMPANIES[company].stores
    if database == "sqlite":
        yield {}
        return
    server = servers.postgresql() if database == "postgresql" else servers.mariadb()
    made: dict[str, Any] = {name: server.create() for name in names}
    try:
        yield made
    finally:
        for store in made.values():
            server.drop(store)


@contextlib.contextmanager
def lived(
    company: str,
    database: str,
    folders: pytest.TempPathFactory,
    columns: dict[str, str],
    after: dict[str, Between],
) -> Iterator[Life]:
    """A company's year; `after`: what happens after a day (`built`, `first`, `month`).

    In files it is lived once, for all workers of a session of tests: who comes later reads what was seen.
    """
    if database != "sqlite":
        folder = folders.mktemp(company)
        with stores_of(company, database, folder) as served, _begun(company, folder, columns, served) as life:
            _live(life, company, after)
            yield life
        return
    base = folders.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "companies" / company
    folder.mkdir(parents=True, exist_ok=True)
    told = folder / "told"
    with _begun(company, folder, columns, {}) as life:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if told.exists():
                life.open(company)
                life.recall(told.read_bytes())
            else:
                _live(life, company, after)
                told.write_bytes(life.kept())
        yield life


@contextlib.contextmanager
def _begun(company: str, folder: Path, columns: dict[str, str], served: dict[str, Store]) -> Iterator[Life]:
    """Before anything was built. Its databases' servers have the hour of its seat."""
    environ = {variable(name): store.url for name, store in served.items()}
    seat = Seat(folder=folder / "demo", now=TODAY, environ=environ, ready=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SqlTarget, "now", lambda _: seat.now)
        yield Life(seat=seat, stores=dict(served), columns=columns)


def _live(life: Life, company: str, after: dict[str, Between]) -> None:
    build(life.seat.folder, COMPANIES[company], clock=life.seat.clock, environ=life.seat.environ)
    life.open(company)
    life.look("built")
    for day in ("built", *DAYS):
        if day in DAYS:
            life.carry_out(day)
        if day in after:
            after[day](life)
    life.events = life.seat.events()
