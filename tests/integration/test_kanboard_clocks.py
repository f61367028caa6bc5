"""Kanboard's tasks: seconds in bigint and int, where 0 and NULL both say that it has not been."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import Template
from tests.support.stores import PostgresqlStore, Server, changed
from tests.support.workplace import Workplace

TASKS = """
[datasets.tasks]
data   = "tasks"
table  = "tasks"
events = { closed = { column = "date_completed", unit = "s", never = [0] } }
parts  = [
  "comments", "project_activities", "task_has_external_links", "task_has_files", "task_has_metadata",
  "subtasks", "subtask_time_tracking", "task_has_tags", "transitions",
]
"""
START = datetime(2024, 11, 1, tzinfo=UTC)


@pytest.fixture
def kanboard(server: Server, data: Path, template: Template) -> Iterator[PostgresqlStore]:
    def script() -> str:
        return (data / "kanboard" / "postgres.sql").read_text(encoding="utf-8")

    store = server.create(template("kanboard", script))
    yield store
    server.drop(store)


@pytest.fixture
def board(work: Workplace, kanboard: PostgresqlStore) -> Workplace:
    """600 tasks, four hours apart; every fifth was never completed, by 0 or by NULL; some have comments."""
    values = []
    for number in range(1, 601):
        done = int((START + timedelta(hours=4 * number)).timestamp())
        when = {0: "0", 5: "NULL"}.get(number % 10, str(done))
        values.append(f"({number}, 'task {number}', 1, 1, 1, {when})")
    kanboard.script(
        "INSERT INTO projects (id, name) VALUES (1, 'a project');"
        "INSERT INTO columns (id, title, position, project_id) VALUES (1, 'done', 1, 1);"
        "INSERT INTO swimlanes (id, name, project_id) VALUES (1, 'lane', 1);"
        "INSERT INTO tasks (id, title, project_id, column_id, swimlane_id, date_completed) VALUES"
        f" {', '.join(values)};"
        "INSERT INTO comments (task_id, comment, date_creation) SELECT id, 'c', 1 FROM tasks WHERE id % 7 = 0;"
        "INSERT INTO subtasks (task_id, title) SELECT id, 's' FROM tasks WHERE id % 11 = 0;"
    )
    work.rule("tasks", 'data = "tasks"\nkeep = "2 years"\nfrom = "closed"')
    return work


def mended(board: Workplace, kanboard: PostgresqlStore) -> None:
    """What `check` asks for, carried out: keys and indexes that are missing; links are no part of a task."""
    kanboard.script(
        "ALTER TABLE task_has_links DROP CONSTRAINT task_has_links_task_id_fkey,"
        " DROP CONSTRAINT task_has_links_opposite_task_id_fkey;"
    )
    for _ in range(3):
        for problem in board.problems():
            indexes = re.findall(r"CREATE INDEX .*?;", problem.write)
            if indexes:
                kanboard.script(" ".join(indexes))
            elif "has no primary key" in problem.found:
                (table,) = re.findall(r"ALTER TABLE (\S+) ADD", problem.write)
                kanboard.script(f"ALTER TABLE {table} ADD COLUMN row_number SERIAL PRIMARY KEY")
    assert board.problems() == ()


def test_cascades_from_beyond_the_task_are_refused(board: Workplace, kanboard: PostgresqlStore) -> None:
    board.connect(kanboard, TASKS.replace('"comments", ', ""), timezone=None)

    found = [problem.found for problem in board.problems()]
    assert any(
        "public.comments.task_id` refers to `public.tasks` ON DELETE CASCADE" in text for text in found
    )


def test_tasks_that_were_never_completed_stay(board: Workplace, kanboard: PostgresqlStore) -> None:
    board.connect(kanboard, TASKS, timezone=None)
    mended(board, kanboard)
    rows = kanboard.rows("SELECT id, date_completed FROM tasks")

    for as_of in ("2026-11-01", "2026-11-02", "2026-11-15", "2026-11-22"):
        cutoff = datetime.fromisoformat(as_of).replace(tzinfo=UTC)
        cutoff = cutoff.replace(year=cutoff.year - 2)
        expected = Counter(
            "undated" if not when else "due" if datetime.fromtimestamp(when, UTC) < cutoff else "not_due"
            for _, when in rows
        )
        assert board.fates("tasks", as_of=as_of) == dict(expected)
    due = {id_ for id_, when in rows if when and datetime.fromtimestamp(when, UTC) < cutoff}
    assert 50 < len(due) < 400
    before = kanboard.snapshot()

    outcome = board.run(as_of="2026-11-22")

    assert outcome.jobs[0].done == len(due)
    assert changed(before, kanboard.snapshot()) == {
        "tasks": (len(due), 0),
        "comments": (sum(1 for id_ in due if id_ % 7 == 0), 0),
        "subtasks": (sum(1 for id_ in due if id_ % 11 == 0), 0),
    }
    assert board.fates("tasks", as_of="2026-11-22")["undated"] == 120


def test_zero_is_unclear_unless_it_is_said_to_mean_never(board: Workplace, kanboard: PostgresqlStore) -> None:
    board.connect(kanboard, TASKS.replace(", never = [0]", ""), timezone=None)
    mended(board, kanboard)

    fates = board.fates("tasks")
    assert (fates["unclear"], fates["undated"]) == (60, 60)


def test_a_task_is_closed_only_while_it_is_not_active(board: Workplace, kanboard: PostgresqlStore) -> None:
    """A task that was opened again keeps the second at which it was closed before."""
    kanboard.script("UPDATE tasks SET is_active = (id % 2 = 0)")
    condition = 'never = [0], where = "NOT is_active"'
    board.connect(kanboard, TASKS.replace("never = [0]", condition), timezone=None)
    mended(board, kanboard)
    cutoff = int(datetime(2024, 11, 22, tzinfo=UTC).timestamp())
    ((due,),) = kanboard.rows(
        f"SELECT count(*) FROM tasks WHERE NOT is_active AND date_completed > 0 AND date_completed < {cutoff}"
    )

    fates = board.fates("tasks", as_of="2026-11-22")

    assert fates["due"] == due > 30
    assert fates["undated"] == 300 + 60
