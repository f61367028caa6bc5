"""The engine against the evaluator, at length: `make oracle`, or python -m tests.oracles.lawyer --help."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psycopg
import pymysql
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn

from tests.oracles.lawyer import many, places
from tests.oracles.lawyer.generate import case
from tests.oracles.lawyer.harness import Harness
from tests.oracles.lawyer.profiles import EVERYTHING, KEEPING, TODAY
from tests.oracles.lawyer.telling_apart import smallest

TOLD_EVERY = 25
"""After so many policies it is told how far it is, where nobody sees a bar."""
PROFILES = {"today": None, "keeping": KEEPING, "everything": EVERYTHING}


def main() -> int:
    """0 where they agree; 1 where not, with the smallest case that was found; 2 where a server is missing in CI."""
    signal.signal(signal.SIGTERM, many.ended)
    said = arguments()
    kinds = [kind for kind in said.databases.split(",") if answers(kind)]
    if len(kinds) < len(said.databases.split(",")) and os.environ.get("CI") == "true":
        return 2
    policies = -(-said.count // (said.companies * max(1, len(kinds))))
    tasks = [
        many.Task(
            kind=kind,
            seed=seed,
            profile=PROFILES[said.profile] or TODAY[kind],
            companies=said.companies,
            carried_out=not said.plans_only,
            patience=said.patience,
        )
        for seed in range(said.seed, said.seed + policies)
        for kind in kinds
    ]
    begun = time.monotonic()
    found: list[many.Result] = []
    try:
        watched(tasks, said, found)
    except (KeyboardInterrupt, SystemExit) as error:
        print(f"ended early, by {type(error).__name__}; {the_rest(tasks, found, said)}")
    for kind in kinds:
        print(figures(kind, [result for result in found if result.task.kind == kind]))
    print(in_all(found, time.monotonic() - begun, said.workers), flush=True)
    wrong = [result.task for result in found if result.differences]
    first = {task.kind: task for task in reversed(wrong)} if said.shrink else {}
    for task in first.values():
        print(f"\n{task.kind}: seed {task.seed}, made small:\n{made_small(task)}")
    return 1 if wrong else 0


def arguments() -> argparse.Namespace:
    words = argparse.ArgumentParser(prog="python -m tests.oracles.lawyer", description=__doc__)
    words.add_argument("--count", type=int, default=100_000, help="so many companies in all")
    words.add_argument("--companies", type=int, default=400, help="so many under one policy")
    words.add_argument("--databases", default="sqlite,postgresql,mariadb")
    words.add_argument("--seed", type=int, default=0, help="the first; the others follow")
    words.add_argument("--profile", choices=PROFILES, default="today", help="how much of the language")
    words.add_argument("--plans-only", action="store_true", help="no runs")
    words.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes at once")
    words.add_argument("--patience", type=float, default=900, help="seconds; then a policy is skipped")
    words.add_argument("--no-shrink", dest="shrink", action="store_false", help="differences as they are")
    said = words.parse_args()
    if strange := set(said.databases.split(",")) - set(TODAY):
        words.error(f"there is no database {', '.join(sorted(strange))}; there are {', '.join(TODAY)}")
    for name in ("count", "companies", "workers"):
        if getattr(said, name) < 1:
            words.error(f"--{name} must be 1 or more")
    return said


def answers(kind: str) -> bool:
    """Whether there is a database of this kind."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            places.opened(kind, Path(folder)).close()
        except (psycopg.OperationalError, pymysql.OperationalError) as error:
            print(f"{kind}: nothing was compared, no server: {error}")
            return False
    return True


def watched(tasks: list[many.Task], said: argparse.Namespace, found: list[many.Result]) -> None:
    """Puts the results into `found`; on a terminal with a bar. Each difference is told as soon as it is found."""
    columns = (
        *Progress.get_default_columns()[:2],
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        line = bar.add_task("policies", total=len(tasks))
        for result in many.results(tasks, said.workers):
            found.append(result)
            bar.advance(line)
            if not console.is_terminal and len(found) % TOLD_EVERY == 0:
                print(f"{len(found)} of {len(tasks)}, now seed {result.task.seed}", flush=True)
            if result.differences:
                print(
                    f"{result.task.kind}: seed {result.task.seed} differs: {result.differences[0][:500]}",
                    flush=True,
                )
                print(f"  again: {again(result.task, said)}", flush=True)


def the_rest(tasks: list[many.Task], found: list[many.Result], said: argparse.Namespace) -> str:
    """What to type to go on from the first seed that was not compared on every database."""
    done = {(result.task.kind, result.task.seed) for result in found}
    seed = min(task.seed for task in tasks if (task.kind, task.seed) not in done)
    left = said.count * (said.seed + len({task.seed for task in tasks}) - seed)
    count = left // len({task.seed for task in tasks})
    words = f"--databases {said.databases} --profile {said.profile} --companies {said.companies}"
    plans = " --plans-only" if said.plans_only else ""
    return f"to go on: python -m tests.oracles.lawyer --seed {seed} --count {count} {words}{plans}"


def again(task: many.Task, said: argparse.Namespace) -> str:
    """What to type for this case alone."""
    words = (
        f"--databases {task.kind} --seed {task.seed} --count {task.companies} --companies {task.companies}"
    )
    plans = " --plans-only" if said.plans_only else ""
    return f"python -m tests.oracles.lawyer {words} --profile {said.profile}{plans}"


def in_all(found: list[many.Result], seconds: float, workers: int) -> str:
    """What was compared on all databases together."""
    compared = [result for result in found if result.skipped is None]
    differ = sum(bool(result.differences) for result in found)
    return (
        f"in all {sum(r.task.companies for r in compared)} companies, {sum(r.records for r in compared)} records,"
        f" {seconds:.0f} s by {workers} at once; {differ} of {len(found)} policies differ,"
        f" {len(found) - len(compared)} skipped"
    )


def figures(kind: str, found: list[many.Result]) -> str:
    """What was compared on one database, and what was not."""
    compared = [result for result in found if result.skipped is None]
    fates = sum((result.fates for result in compared), Counter[str]())
    companies, seconds = sum(r.task.companies for r in compared), sum(r.seconds for r in found)
    text = (
        f"{kind}: {companies} companies under {len(compared)} policies, {sum(r.records for r in compared)} records,"
        f" {seconds:.0f} s of one process; {sum(bool(r.differences) for r in found)} policies differ\n"
        f"  {sum(fates.values())} fates: {', '.join(f'{word} {n}' for word, n in fates.most_common())}"
    )
    for reason in sorted({result.skipped for result in found if result.skipped}):
        seeds = [str(result.task.seed) for result in found if result.skipped == reason]
        text += f"\n  skipped, {reason}: {len(seeds)} policies, seeds {' '.join(seeds)}"
    return text


def made_small(task: many.Task) -> str:
    """The smallest case that differs in the same way, as files and rows, and what both say of its records."""
    with tempfile.TemporaryDirectory() as folder:
        place = places.opened(task.kind, Path(folder))
        try:
            made = case(task.seed, task.profile, companies=task.companies)
            court = Harness(Path(folder) / "files", place)
            return smallest(court, made, carried_out=task.carried_out, patience=task.patience)
        finally:
            place.close()


if __name__ == "__main__":
    sys.exit(main())
