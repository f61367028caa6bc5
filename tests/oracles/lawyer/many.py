"""Many cases, by several processes: each has databases of its own, and takes the next case when it is free."""

from __future__ import annotations

import multiprocessing
import queue
import signal
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.oracles.lawyer import fate, places, rows
from tests.oracles.lawyer.generate import case
from tests.oracles.lawyer.harness import Harness, judged
from tests.oracles.lawyer.profiles import Profile


@dataclass(frozen=True, kw_only=True)
class Task:
    """A seed, and how it is asked of which database."""

    kind: str
    seed: int
    profile: Profile
    companies: int
    carried_out: bool
    patience: float


@dataclass(frozen=True, kw_only=True)
class Result:
    """`skipped`: why nothing was compared. `fates`: how many records have which, by the evaluator."""

    task: Task
    differences: tuple[str, ...] = ()
    skipped: str | None = None
    records: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    seconds: float = 0


def ask(harness: Harness, task: Task) -> Result:
    """One case, compared."""
    begun = time.monotonic()
    made = case(task.seed, task.profile, companies=task.companies)
    verdict = judged(harness, made, carried_out=task.carried_out, patience=task.patience)
    fates: Counter[str] = Counter()
    if verdict.skipped is None:
        answered = fate.answer(made.world).fates.values()
        fates.update(word for found in answered for word, _ in found.values())
    return Result(
        task=task,
        differences=verdict.differences,
        skipped=verdict.skipped,
        records=len(rows.records(made.world)),
        fates=fates,
        seconds=time.monotonic() - begun,
    )


def results(tasks: Sequence[Task], workers: int) -> Iterator[Result]:
    """As they come. A process that dies is an error, and so is one that can't go on."""
    context = multiprocessing.get_context("spawn")
    todo, done = context.Queue(), context.Queue()
    for task in (*tasks, *[None] * workers):
        todo.put(task)
    started = [context.Process(target=_work, args=(todo, done)) for _ in range(workers)]
    for process in started:
        process.start()
    try:
        left = len(tasks)
        while left:
            try:
                found = done.get(timeout=5)
            except queue.Empty:
                if any(process.exitcode for process in started):
                    raise RuntimeError("a process has died") from None
                continue
            if isinstance(found, str):
                raise RuntimeError(f"a process can't go on:\n{found}")
            left -= 1
            yield found
        for process in started:
            process.join()
    finally:
        for process in started:
            process.terminate()
        todo.cancel_join_thread()  # what is still to be handed out keeps nobody waiting


_told_to_end = threading.Event()


def ended(number: int, _frame: Any) -> None:
    """A process that is told to end drops its databases first. What is raised while Python collects its rubbish is
    lost: then it ends with the task at hand."""
    _told_to_end.set()
    raise SystemExit(128 + number)


def _next(todo: Any) -> Task | None:
    """The next task; none where the process that gives them is gone."""
    parent = multiprocessing.parent_process()
    while parent is not None and parent.is_alive() and not _told_to_end.is_set():
        try:
            return todo.get(timeout=5)  # type: ignore[no-any-return]
        except queue.Empty:
            continue
    return None


def _work(todo: Any, done: Any) -> None:
    """One process: a database of each kind that it is asked for, dropped at the end."""
    signal.signal(signal.SIGTERM, ended)
    courts: dict[str, Harness] = {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            while (task := _next(todo)) is not None:
                if task.kind not in courts:
                    here = Path(folder, task.kind)
                    here.mkdir()
                    courts[task.kind] = Harness(here / "files", places.opened(task.kind, here))
                done.put(ask(courts[task.kind], task))
        except Exception:
            done.put(traceback.format_exc())
        finally:
            for court in courts.values():
                court.place.close()
