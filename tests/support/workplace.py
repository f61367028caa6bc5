"""A folder with a policy and connectors, and the engine's verbs over it, at a fixed hour."""

from __future__ import annotations

import importlib
import json
import shutil
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import Result

from retention.errors import Problem
from retention.model.explanation import CheckReport, Explanation
from retention.model.outcome import JobOutcome, RunOutcome
from retention.model.place import Place
from retention.model.plan import JobPlan, Plan, Statement
from retention.model.progress import NoProgress
from retention.verbs.persons.spoken import NO_WORDS, worked
from tests.support.stores import Store

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

POLICY = """
[policy]
name     = "Test"
timezone = "{timezone}"
approval = "{approval}"
limits   = {{ share = "100%", rows = 1_000_000 }}
"""


@dataclass(kw_only=True)
class Workplace:
    """Files are written when a verb is first used after a change."""

    folder: Path
    now: datetime = NOW
    timezone: str = "UTC"
    approval: str = "never"
    rules: dict[str, str] = field(default_factory=dict)
    connectors: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    settings: str = ""
    ready: bool = False
    template: Path | None = None

    # -- what is written -------------------------------------------------------------------

    def rule(self, name: str, text: str, **keys: str) -> None:
        """A rule that deletes; `text` holds its keys, as TOML."""
        known = {"promise": f'"{name}, for a while"', "action": '"delete"', **keys}
        lines = [f"{key} = {value}" for key, value in known.items() if f"{key} " not in text]
        self.rules[name] = f"[rules.{name}]\n" + "\n".join([*lines, textwrap.dedent(text).strip()])

    def connect(self, store: Store, datasets: str, *, name: str = "db", timezone: str | None = "UTC") -> None:
        """A connector to `store`; `datasets` are its tables, as TOML."""
        variable = f"{name.upper()}_URL"
        self.environ[variable] = store.url
        zone = f'timezone = "{timezone}"\n' if timezone is not None else ""
        head = f'type = "sql"\nurl = "env:{variable}"\n{zone}'
        self.connectors[name] = head + textwrap.dedent(datasets)

    @property
    def place(self) -> Place:
        """The files, written."""
        (self.folder / "connectors").mkdir(exist_ok=True, parents=True)
        policy = POLICY.format(timezone=self.timezone, approval=self.approval) + "\n".join(
            self.rules.values()
        )
        (self.folder / "policies.toml").write_text(policy, encoding="utf-8")
        (self.folder / "retention.toml").write_text(self.settings, encoding="utf-8")
        for name, text in self.connectors.items():
            (self.folder / "connectors" / f"{name}.toml").write_text(text, encoding="utf-8")
        return Place(
            config=self.folder / "policies.toml",
            connectors=self.folder / "connectors",
            state=None,
            environ=self.environ,
        )

    def clock(self) -> datetime:
        """The fixed hour, a little later each time."""
        self.now += timedelta(milliseconds=1)
        return self.now

    # -- verbs -----------------------------------------------------------------------------

    def init(self) -> None:
        """State store, keys and marker tables. The store is a copy of one that `init` made before, where it can be."""
        from retention.verbs.init import init

        state = self.folder / "state"
        if self.template is not None and not state.exists() and self.template.exists():
            shutil.copytree(self.template, state)
        init(self.folder, self.place, by="tester", clock=self.clock)
        if self.template is not None and not self.template.exists():
            shutil.copytree(state, self.template)
        self.ready = True

    def check(self) -> CheckReport:
        from retention.verbs.check import check

        return check(self.place, clock=self.clock)

    def problems(self) -> tuple[Problem, ...]:
        """Everything that `check` finds wrong."""
        return self.check().problems

    def plan(self, *rules: str, as_of: str | None = None) -> Plan:
        from retention.verbs.plan import plan

        return plan(self.place, as_of=as_of, rules=rules, clock=self.clock, store=False)

    def job(self, rule: str, *, as_of: str | None = None, dataset: str | None = None) -> JobPlan:
        """The plan's line for one rule, all rules acting."""
        found = [
            job
            for job in self.plan(as_of=as_of).jobs
            if job.rule == rule and dataset in (None, f"{job.connector}.{job.dataset}")
        ]
        (only,) = found
        return only

    def fates(self, rule: str, *, as_of: str | None = None) -> dict[str, int]:
        """Fate → records, those with none left out; their sum is checked."""
        job = self.job(rule, as_of=as_of)
        assert sum(job.fates.values()) == job.total
        return {name: count for name, count in job.fates.items() if count}

    def run(self, *rules: str, as_of: str | None = None, limit: int | None = None) -> RunOutcome:
        from retention.verbs.run import run

        if not self.ready:
            self.init()
        return run(
            self.place,
            rules=rules,
            as_of=as_of,
            limit=limit,
            by="tester",
            clock=self.clock,
            progress=NoProgress(),
        )

    def explain(self, dataset: str, key: str, *, as_of: str | None = None) -> Explanation:
        from retention.verbs.explain import explain

        return explain(self.place, dataset=dataset, key=key, as_of=as_of, clock=self.clock)

    def fate_of(self, dataset: str, key: str, *, rule: str | None = None, as_of: str | None = None) -> str:
        """One record's fate as `explain` tells it."""
        views = self.explain(dataset, key, as_of=as_of).rules
        (view,) = [v for v in views if rule in (None, v.rule)]
        return view.fate

    def each(self, rule: str, *, as_of: str | None = None, counted: bool = True) -> dict[str, str]:
        """Key as typed → fate, of every record, by the predicate of the plan; `counted`: the plan's numbers agree."""
        import sqlalchemy as sa

        from retention.connectors.sql.batches.statements import Statements
        from retention.planning.fates.chains import action_of
        from retention.verbs.opening.configured import as_of_instant, configuration
        from retention.verbs.opening.prepared import prepared

        place = self.place
        config = configuration(place)
        found: dict[str, str] = {}
        with prepared(place, config) as ready:
            for item in worked(ready, ready.jobs(), as_of_instant(config, as_of, self.clock), NO_WORDS):
                if item.job.rule.name != rule:
                    continue
                target: Any = ready.targets[item.bound.connector.name]
                statements = Statements(target._dialect, item)
                compiler = statements.compiler
                query = sa.select(*statements.key_columns, compiler.choice(item.fate))
                query = query.select_from(statements.root).where(compiler.test(item.records))
                with target._reader("reading fates") as connection:
                    for *key, fate in connection.execute(query.order_by(*statements.key_columns)):
                        found[",".join(map(str, key))] = fate if action_of(fate) is None else "due"
        fates = list(found.values())
        assert not counted or self.fates(rule, as_of=as_of) == {
            fate: fates.count(fate) for fate in sorted(set(fates))
        }
        return found

    def statements(self, *, as_of: str | None = None) -> tuple[Statement, ...]:
        from retention.verbs.statements import statements

        return statements(self.place, as_of=as_of, clock=self.clock)

    def cli(self, *words: str, typed: str | None = None) -> Result:
        """The command line, in this process, at the fixed hour; `typed` is its standard input."""
        import os

        from click.testing import CliRunner

        from retention.cli.root import root

        place = self.place
        options = ["--config", str(place.config), "--connectors", str(place.connectors)]
        names = (
            "plan",
            "check",
            "explain",
            "run",
            "status",
            "approve",
            "hold",
            "event",
            "key",
            "daemon",
            "stop",
            "vault",
            "audit_files",
        )
        modules = [importlib.import_module(f"retention.cli.commands.{name}") for name in names]
        kept = [(module, module.now) for module in modules if hasattr(module, "now")]
        for module, _ in kept:
            module.now = self.clock
        try:
            runner = CliRunner(env={**os.environ, **self.environ})
            return runner.invoke(root, [*options, *words], input=typed, prog_name="retention")
        finally:
            for module, now in kept:
                module.now = now

    def events(self) -> list[dict[str, Any]]:
        """The ledger's events, oldest first."""
        from retention.verbs.audit import log, verify

        verify(self.place)
        return [json.loads(line) for line in log(self.place)]


def removed(outcome: RunOutcome) -> dict[str, int]:
    """Table → rows that a run removed, over all jobs."""
    rows: dict[str, int] = {}
    for job in outcome.jobs:
        for table, count in job.rows.items():
            rows[table] = rows.get(table, 0) + count
    return rows


def adds_up(job: JobOutcome) -> bool:
    """planned = done + skipped + set aside + left."""
    return job.planned == job.done + job.skipped.total + job.set_aside + job.left


def nonzero(numbers: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in numbers.items() if count}
