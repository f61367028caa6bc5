"""Kanboard as it is, on both of its databases: a policy on closed tasks, and nothing about the schema changed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import Template
from tests.support.mariadb import MariadbStore
from tests.support.stores import PostgresqlStore, Server, Store, changed
from tests.support.workplace import Workplace

TASKS = 3_000
CUTOFF = datetime(2024, 11, 22, tzinfo=UTC)
PARTS = (
    '"comments"',
    '"project_activities"',
    '"task_has_external_links"',
    '"task_has_files"',
    '{ table = "task_has_links", via = "task_id" }',
    '"task_has_metadata"',
    '"task_has_tags"',
    '"subtasks"',
    '"subtask_time_tracking"',
    '"transitions"',
)

Rows = dict[str, list[tuple[object, ...]]]


def company() -> Rows:
    """Some thousand tasks over six years; of each thing that hangs on a task a few. Rows as (columns' values)."""
    dice = random.Random(7)
    rows: Rows = {name: [] for name in COLUMNS}
    rows["projects"] = [(1, "Shop"), (2, "House")]
    rows["columns"] = [(1, "open", 1, 1), (2, "done", 2, 1), (3, "all", 1, 2)]
    rows["swimlanes"] = [(1, "lane", 1), (2, "lane", 2)]
    rows["tags"] = [(1, "red", 1), (2, "blue", 1)]
    start = datetime(2020, 11, 22, tzinfo=UTC)
    for task in range(1, TASKS + 1):
        made = start + timedelta(hours=17.5 * task)
        closed = {0: None, 1: 0}.get(task % 5, int((made + timedelta(days=30)).timestamp()))
        project = 1 + task % 2
        column = 3 if project == 2 else 2 if closed else 1
        rows["tasks"].append(
            (
                task,
                f"task {task}",
                int(made.timestamp()),
                closed,
                project,
                column,
                project,
                0 if closed else 1,
            )
        )
        for _ in range(dice.randrange(3)):
            rows["comments"].append((len(rows["comments"]) + 1, task, 1, "a comment", 1))
            rows["project_activities"].append(
                (len(rows["project_activities"]) + 1, "commented", 1, project, task, 1)
            )
        if task % 3 == 0:
            rows["task_has_files"].append((len(rows["task_has_files"]) + 1, "a.txt", "/a", task))
            rows["task_has_tags"].append((task, 1 + task % 2))
            rows["task_has_metadata"].append((task, "colour", "red"))
        if task % 4 == 0:
            rows["subtasks"].append((task, "half", task, 1))
            rows["subtask_time_tracking"].append((task, 1, task))
            rows["transitions"].append((task, 1, project, task, column, column, 1, 0))
        if task % 50 == 0:
            rows["task_has_external_links"].append((task, "weblink", "related", "x", "http://x", 1, 1, task))
        if task % 100 == 0:  # a task and the next one are linked, both ways
            other = task + 7 if task + 7 <= TASKS else task - 7
            rows["task_has_links"] += [(2 * task, 1, task, other), (2 * task + 1, 1, other, task)]
    return rows


COLUMNS = {
    "projects": "id, name",
    "columns": "id, title, position, project_id",
    "swimlanes": "id, name, project_id",
    "tags": "id, name, project_id",
    "tasks": "id, title, date_creation, date_completed, project_id, column_id, swimlane_id, is_active",
    "comments": "id, task_id, user_id, comment, date_creation",
    "project_activities": "id, event_name, creator_id, project_id, task_id, date_creation",
    "task_has_files": "id, name, path, task_id",
    "task_has_tags": "task_id, tag_id",
    "task_has_metadata": "task_id, name, value",
    "subtasks": "id, title, task_id, user_id",
    "subtask_time_tracking": "id, user_id, subtask_id",
    "transitions": "id, user_id, project_id, task_id, src_column_id, dst_column_id, date, time_spent",
    "task_has_external_links": "id, link_type, dependency, title, url, date_creation, date_modification, task_id",
    "task_has_links": "id, link_id, task_id, opposite_task_id",
}


def literal(value: object) -> str:
    return "NULL" if value is None else f"'{value}'" if isinstance(value, str) else str(value)


def filled(rows: Rows, mark: str, flag: str) -> str:
    """INSERT statements; `flag`: how the database writes whether a task is active."""
    statements = []
    for table, columns in COLUMNS.items():
        names = ", ".join(f"{mark}{name.strip()}{mark}" for name in columns.split(","))
        values = []
        for row in rows[table]:
            *first, last = row
            told = [*map(literal, first), flag.format(last) if table == "tasks" else literal(last)]
            values.append(f"({', '.join(told)})")
        statements.append(f"INSERT INTO {mark}{table}{mark} ({names}) VALUES {', '.join(values)};")
    return "\n".join(statements)


@pytest.fixture
def postgresql_board(server: Server, data: Path, template: Template) -> Iterator[PostgresqlStore]:
    def script() -> str:
        text = (data / "kanboard" / "postgres.sql").read_text(encoding="utf-8")
        return text + filled(company(), '"', "{} = 1").replace("INSERT INTO ", "INSERT INTO public.")

    store = server.create(template("kanboard filled", script))
    yield store
    server.drop(store)


@pytest.fixture
def mariadb_board(mariadb: MariadbStore, data: Path) -> MariadbStore:
    text = (data / "kanboard" / "mysql.sql").read_text(encoding="utf-8")
    mariadb.verbatim(text + filled(company(), "`", "{}"), mode="")
    return mariadb


@pytest.fixture(params=["postgresql", "mariadb"])
def board(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(f"{request.param}_board")
    return found


def connected(work: Workplace, board: Store, parts: tuple[str, ...] = PARTS) -> Workplace:
    work.rule("tasks", 'data = "tasks"\nkeep = "2 years"\nfrom = "closed"')
    active = "NOT is_active" if board.kind == "postgresql" else "is_active = 0"
    work.connect(
        board,
        f'[datasets.tasks]\ndata = "tasks"\ntable = "tasks"\nwhere = "{active}"\nallow_scan = true\n'
        'events = { closed = { column = "date_completed", unit = "s", never = [0] } }\n'
        f"parts = [{', '.join(parts)}]\n",
        timezone=None,
    )
    return work


def test_closed_tasks_go_after_two_years_with_all_that_is_theirs_and_nothing_else(
    work: Workplace, board: Store
) -> None:
    rows = company()
    connected(work, board)
    assert work.problems() == ()
    closed = {int(str(t[0])) for t in rows["tasks"] if t[7] == 0}
    ended = {int(str(t[0])) for t in rows["tasks"] if t[3] and int(str(t[3])) < CUTOFF.timestamp()}
    kept = {int(str(b)) for _, _, a, b in rows["task_has_links"] if a not in ended} & ended
    while more := {int(str(b)) for _, _, a, b in rows["task_has_links"] if a in kept} & ended - kept:
        kept |= more
    due = ended - kept
    fates = {"out_of_scope": 0, "due": len(due), "referenced": len(kept), "not_due": len(closed - ended)}
    found = work.job("tasks", as_of="2026-11-22")
    assert {name: n for name, n in found.fates.items() if n} == {k: v for k, v in fates.items() if v}
    gone = Counter[str]()
    for table, place in THEIRS.items():
        gone[table] = sum(1 for row in rows[table] if row[place] in due)
    gone["subtask_time_tracking"] = sum(1 for row in rows["subtask_time_tracking"] if row[2] in due)
    assert {name.rpartition(".")[2]: n for name, n in found.rows.items() if n} == {
        k: v for k, v in gone.items() if v
    }
    before = board.snapshot()

    outcome = work.run(as_of="2026-11-22")

    assert (outcome.status, outcome.jobs[0].done) == ("done", len(due))
    assert {name.rpartition(".")[2]: n for name, n in changed(before, board.snapshot()).items()} == {
        table: (n, 0) for table, n in gone.items() if n
    }
    assert work.job("tasks", as_of="2026-11-22").due == 0


THEIRS = {
    "tasks": 0,
    "comments": 1,
    "project_activities": 4,
    "task_has_files": 3,
    "task_has_tags": 0,
    "task_has_metadata": 0,
    "subtasks": 2,
    "transitions": 3,
    "task_has_external_links": 7,
    "task_has_links": 2,
}


@pytest.mark.one_in(3)
@pytest.mark.parametrize("left_out", PARTS)
def test_every_cascade_is_a_part_or_refused(work: Workplace, board: Store, left_out: str) -> None:
    connected(work, board, tuple(part for part in PARTS if part != left_out))
    table = left_out.split('"')[1]
    problems = work.problems()
    assert problems
    if table != "subtasks":  # without them, what hangs on them has no way to the task
        assert all(f"{table}." in problem.found for problem in problems), problems
        assert all("ON DELETE CASCADE" in problem.found and "now " in problem.found for problem in problems)
