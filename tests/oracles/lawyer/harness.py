"""The engine asked about a case, and where it and the evaluator differ, in words.

The one place here that knows the engine: its verbs, and the documents that its commands print.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest import mock

from click.testing import CliRunner

from retention.cli.root import root
from retention.config import load
from retention.errors import RetentionError, UsageError
from retention.model import documents
from retention.model.explanation import RuleView
from retention.model.place import Place as Files
from retention.model.progress import NoProgress
from retention.verbs import explain as explain_verb
from retention.verbs import init as init_verb
from retention.verbs import plan as plan_verb
from retention.verbs import run as run_verb
from retention.verbs.opening import pseudonyms
from retention.verbs.opening.prepared import prepared
from tests.oracles.lawyer import fate, lines, rewritten, rows, written
from tests.oracles.lawyer.actions import REWRITING, left_to_rewrite, open_columns
from tests.oracles.lawyer.clocks import ENDED, clock
from tests.oracles.lawyer.generate import Case
from tests.oracles.lawyer.patience import TooSlowError, no_longer_than
from tests.oracles.lawyer.places import Place
from tests.oracles.lawyer.world import UNCLEAR, Telling

ONE_BY_ONE = 8
"""So many holds are typed one by one, and those on more people than that by one command."""
LONG_AGO = datetime(2010, 1, 1, tzinfo=UTC)
"""When the state store was made: before anything was told."""


def identity(document: str) -> str:
    """The first `id` of a command's answer."""
    found = re.search(r'"id": *"?([^",}]+)', document)
    assert found is not None, document
    return found[1]


def now() -> datetime:
    return datetime.now(UTC)


def at(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


class Harness:
    """A folder with files beside the databases of a place."""

    def __init__(self, folder: Path, place: Place) -> None:
        self.folder, self.place = folder, place
        self.files = Files(
            config=folder / "policies.toml", connectors=folder / "connectors", state=None, environ={}
        )
        self.files.connectors.mkdir(parents=True)
        self.marked: set[tuple[str, str]] = set()
        self.templates: dict[bool, Path] = {}

    # -- what is asked of the engine -------------------------------------------------------------

    def set_up(self, case: Case) -> None:
        """Files and rows."""
        self.place.fill(case)
        self.files.config.write_text(written.policy(case), encoding="utf-8")
        for old in self.files.connectors.iterdir():
            old.unlink()
        texts = written.connectors(case, lambda connector: self.place.url(case.shape, connector))
        for name, text in texts.items():
            (self.files.connectors / f"{name}.toml").write_text(text, encoding="utf-8")

    def plan(self, case: Case) -> dict[fate.Job, dict[str, Any]]:
        """Job → its entry of `plan --format json`."""
        made = plan_verb.plan(
            self.files, rules=case.world.only, as_of=at(case.world.as_of), clock=now, store=self.told(case)
        )
        document = documents.plan_document(made)
        for job in document["jobs"]:
            if job["status"] == "failed":
                raise RetentionError(job["reason"])
        return {(job["rule"], job["dataset"]): job for job in document["jobs"]}

    def explain(self, case: Case, dataset: str, key: Sequence[Any]) -> dict[str, RuleView]:
        """Rule → what `explain` says of one record."""
        connector = next(d.connector for d in case.world.datasets if d.name == dataset)
        found = explain_verb.explain(
            self.files,
            dataset=f"{connector}.{dataset}",
            key=",".join(map(str, key)),
            as_of=at(case.world.as_of),
            clock=now,
        )
        return {view.rule: view for view in found.rules}

    def run(self, case: Case) -> Any:
        return run_verb.run(
            self.files,
            rules=case.world.only,
            as_of=at(case.world.as_of),
            by="oracle",
            clock=now,
            progress=NoProgress(),
        )

    def told(self, case: Case) -> bool:
        """Holds and told events lie in the state store."""
        return bool(case.world.holds or case.world.tellings)

    def remember(self, case: Case) -> None:
        """A fresh state store, the marker tables, and in the store what people told and hold."""
        state = self.folder / "state"
        shutil.rmtree(state, ignore_errors=True)
        keyed = pseudonyms.wanted(load(self.files.config, self.files.connectors, environ={}))
        if keyed in self.templates:
            shutil.copytree(self.templates[keyed], state)
        else:
            init_verb.init(self.folder, self.files, by="oracle", clock=lambda: LONG_AGO)
            self.templates[keyed] = shutil.copytree(state, self.folder / f"template-{keyed}")
        wanted = {(case.shape.place, dataset.connector) for dataset in case.world.datasets}
        if wanted - self.marked:
            config = load(self.files.config, self.files.connectors, environ={})
            with prepared(self.files, config) as ready:
                for target in ready.targets.values():
                    target.create_marker_table()
            self.marked |= wanted
        self.tell(case)

    def tell(self, case: Case) -> None:
        """Types what people told, each at its hour, and then the holds."""
        told = sorted(case.world.tellings, key=lambda telling: telling.told_at)
        for moment, some in itertools.groupby(told, lambda telling: telling.told_at):
            together: list[Telling] = []
            for telling in some:
                if not telling.withdrawn and len(telling.identifiers) == 1:
                    together.append(telling)
                    continue
                document = self.typed(moment, [*written.event_command(telling), "--format", "json"])
                if telling.withdrawn:
                    self.typed(moment, ["event", "withdraw", identity(document)])
            if len(together) == 1:
                self.typed(moment, written.event_command(together[0]))
            elif together:
                file = self.listed(map(written.event_line, together))
                self.typed(moment, ["event", "add", "--from", file, "--by", "oracle", "--yes"])
        last = max((case.world.as_of, *(telling.told_at for telling in case.world.tellings)))
        one_by_one, rest = case.world.holds[:ONE_BY_ONE], case.world.holds[ONE_BY_ONE:]
        people = [hold for hold in rest if hold.on == "subject"]
        for words in written.hold_commands(case, [*one_by_one, *(h for h in rest if h not in people)]):
            self.typed(last, words)
        if people:
            file = self.listed("=".join(hold.what) for hold in people)
            self.typed(last, written.hold_command(["--from", file]))

    def listed(self, texts: Iterable[str]) -> str:
        """A file with these lines."""
        file = self.folder / "listed.jsonl"
        file.write_text("".join(f"{line}\n" for line in texts), encoding="utf-8")
        return str(file)

    def typed(self, moment: datetime, words: list[str]) -> str:
        """What a command prints, as if it were typed at `moment`."""
        options = ["--config", str(self.files.config), "--connectors", str(self.files.connectors)]
        name = f"retention.cli.commands.{words[0]}"
        if importlib.util.find_spec(name) is None:
            raise UsageError(f"the command {words[0]} is not supported yet")
        module = importlib.import_module(name)
        with mock.patch.object(module, "now", return_value=moment):
            done = CliRunner().invoke(root, [*options, *words], prog_name="retention")
        if done.exit_code != 0:
            raise UsageError(f"{words} ends with {done.exit_code}: {done.output}")
        return done.stdout

    # -- where they differ -----------------------------------------------------------------------

    def differences(self, case: Case, *, explained: int = 1, carried_out: bool = True) -> list[str]:
        """What the plan says, what `explain` says of some records, what a run leaves, and the plan after it."""
        self.set_up(case)
        if carried_out or self.told(case):
            self.remember(case)
        else:
            shutil.rmtree(self.folder / "state", ignore_errors=True)
        answer = fate.answer(case.world)
        found = plan_differences(answer, self.plan(case))
        if not found:
            found += self._explained(case, explained)
        if not carried_out or found:
            return found
        outcome = self.run(case)
        found += run_differences(answer, outcome)
        found += self._left(case, answer)
        if not found and any(answer.actions.values()):
            later = replace(case, world=fate.after(case.world))
            found += [
                f"next plan: {item}" for item in plan_differences(fate.answer(later.world), self.plan(later))
            ]
        return found

    def _explained(self, case: Case, most: int) -> list[str]:
        found: list[str] = []
        answer = fate.answer(case.world.but(only=()) if case.world.only else case.world)
        records = sorted(
            {(dataset, key) for (_, dataset), fates in answer.fates.items() for key in fates}, key=str
        )
        first = case.seed % len(records) if records else 0
        for dataset, key in (records[first:] + records[:first])[:most]:
            said = self.explain(case, dataset, key)
            for (rule, on), fates in answer.fates.items():
                if on != dataset:
                    continue
                view = said.get(rule)
                told = None if view is None else (view.fate, view.overdue)
                if view is None or told != fates[key]:
                    found.append(f"{rule} on {dataset} {key}: {fates[key]}, explained as {told}")
                elif not is_first_day(case, dataset, key, view):
                    found.append(f"{rule} on {dataset} {key}: does not end on {view.due_on}, as explained")
                elif view.columns or (view.fate in ("due", "done") and view.action in REWRITING):
                    columns = columns_of(case, dataset, key, rule)
                    if columns != {each.name: _NEEDED.get(each.state, each.state) for each in view.columns}:
                        found.append(f"{rule} on {dataset} {key}: {columns}, explained as {view.columns}")
        return found

    def _left(self, case: Case, answer: fate.Answer) -> list[str]:
        found = []
        for name, table in case.shape.tables.items():
            expected = {tuple(row[column] for column in table.key) for row in answer.left[name]}
            there = self.place.keys(case.shape, table)
            found += [f"{name} {key} is gone, and should be there" for key in sorted(expected - there)]
            found += [f"{name} {key} is there, and should be gone" for key in sorted(there - expected)]
            found += rewritten.differences(table, answer.left[name], self.place.values(case.shape, table))
        return found


_NEEDED = {"will be needed": "needed"}


def columns_of(case: Case, dataset: str, key: Sequence[Any], rule_name: str) -> dict[str, str]:
    """Column that is rewritten → whether a rule needs it, it is to be rewritten, or it has been."""
    world = fate.foreseeing(case.world.but(only=()))
    record = next(r for r in rows.records(world) if (r.dataset.name, r.key) == (dataset, key))
    rule = next(rule for rule in world.rules if rule.name == rule_name)
    left, opened = left_to_rewrite(world, rule, record), open_columns(world, rule, record)
    return {
        name: "needed" if name not in opened else "open" if name in left else "done"
        for name in record.dataset.anonymize
    }


def is_first_day(case: Case, dataset: str, key: Sequence[Any], view: RuleView) -> bool:
    """By the evaluator, too, a limb has come by the end of the day that is explained as the first, and none before it.

    What `defer_while` puts off has ended none the less.
    """
    record = next(r for r in rows.records(case.world) if (r.dataset.name, r.key) == (dataset, key))
    rule = next(rule for rule in case.world.rules if rule.name == view.rule)
    if view.due_on is None or clock(case.world, rule, record).word == UNCLEAR:
        return True
    on = date.fromisoformat(view.due_on)
    before = lines.first_instant(on, view.timezone) - lines.TICK
    within = lines.first_instant(on + lines.DAY, view.timezone) - lines.TICK
    within = max(
        within, lines.first_instant(on, view.timezone)
    )  # of a day that the zone left out there is none
    words = [clock(case.world.but(as_of=moment), rule, record).word for moment in (before, within)]
    return [word in (ENDED, "deferred") for word in words] == [False, True]


def plan_differences(answer: fate.Answer, said: dict[fate.Job, dict[str, Any]]) -> list[str]:
    """Each number of each job."""
    found = [f"{job}: no such job" for job in answer.fates.keys() - said.keys()]
    found += [f"{job}: a job that there should not be" for job in said.keys() - answer.fates.keys()]
    together: dict[str, int] = {}
    for job in answer.fates.keys() & said.keys():
        entry = said[job]
        expected = {name: 0 for name in entry if name in FATES} | answer.counts(job)
        expected |= {"total": len(answer.fates[job]), "overdue": answer.overdue(job)}
        for name, number in expected.items():
            if entry.get(name) != number:
                found.append(f"{job}: {name} {number}, the plan says {entry.get(name)}")
        rows = {name.rpartition(".")[2]: count for name, count in entry["rows"].items() if count}
        for name, count in rows.items():
            together[name] = together.get(name, 0) + count
        own = {name: count for name, count in rows.items() if name not in answer.after}
        expected_rows = {name: n for name, n in answer.rows[job].items() if name not in answer.after}
        if own != expected_rows:
            found.append(f"{job}: rows {answer.rows[job]}, the plan says {rows}")
        found += rewritten.action_differences(job, answer.actions[job], entry)
    for name, count in answer.after.items():
        count += sum(rows.get(name, 0) for rows in answer.rows.values())
        if together.get(name, 0) != count:
            found.append(f"all jobs: {count} rows of {name}, the plan says {together.get(name, 0)}")
    return found


FATES = frozenset(
    {
        "out_of_scope", "not_due", "undated", "unclear", "deferred", "held", "retained", "conflict", "referenced",
        "elsewhere", "done", "due",
    }
)  # fmt: skip


def run_differences(answer: fate.Answer, outcome: Any) -> list[str]:
    """What the run says of itself: all that was due is done."""
    found = []
    for job in outcome.jobs:
        due = answer.counts((job.rule, job.dataset)).get("due", 0)
        if (job.planned, job.done, job.left) != (due, due, 0):
            said = f"planned {job.planned}, done {job.done}, left {job.left} ({job.reason})"
            found.append(f"{job.rule} on {job.dataset}: {due} due; the run {said}")
    return found


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Where they differ; `skipped`: why nothing was compared."""

    differences: tuple[str, ...] = ()
    skipped: str | None = None

    @property
    def kind(self) -> str:
        """What a smaller case must show, to be the same one: other numbers, or the same error."""
        first = self.differences[0] if self.differences else ""
        return first[:60] if re.match(r"\w+Error: ", first) else "differs" if first else ""


TOO_SLOW = "too slow"
TOO_DEEP = "longer than this database can read"
REFUSED = ("parser stack overflow", "too many references to", "the statement would name")


def judged(
    harness: Harness,
    case: Case,
    *,
    carried_out: bool = True,
    patience: float | None = None,
    explained: int = 1,
) -> Verdict:
    """What the engine refuses or falls over is a difference. Not so what takes longer than `patience` (seconds), and
    what is longer than a database can read: refused as a whole, nothing is deleted."""
    try:
        with no_longer_than(patience):
            found = harness.differences(case, carried_out=carried_out, explained=explained)
    except TooSlowError:
        return Verdict(skipped=TOO_SLOW)
    except Exception as error:
        if any(words in str(error) for words in REFUSED):
            return Verdict(skipped=TOO_DEEP)
        problems = [str(problem) for problem in getattr(error, "problems", ())]
        return Verdict(differences=(f"{type(error).__name__}: {error}", *problems))
    if any(words in each for each in found for words in REFUSED):  # of a job of the run, that did nothing
        return Verdict(skipped=TOO_DEEP)
    return Verdict(differences=tuple(found))


def asked(harness: Harness, case: Case, *, carried_out: bool = True) -> list[str]:
    """The differences; a case that can't be compared is none."""
    verdict = judged(harness, case, carried_out=carried_out)
    assert verdict.skipped is None, verdict.skipped
    return list(verdict.differences)


def both_say(harness: Harness, case: Case) -> list[str]:
    """Of each record under each rule: what the evaluator says, and how the engine explains it."""
    answer = fate.answer(case.world.but(only=()))
    found = []
    for (rule, dataset), fates in answer.fates.items():
        for key, (word, late) in fates.items():
            view = harness.explain(case, dataset, key).get(rule)
            here = f"{word}{' late' * late}"
            there = "nothing" if view is None else f"{view.fate}{' late' * view.overdue}"
            found.append(
                f"{rule} on {dataset} {key}: {here}; explained as {there}" + " <--" * (here != there)
            )
    return found
