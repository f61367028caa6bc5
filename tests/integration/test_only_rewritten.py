"""What of a schema matters to records that are only rewritten, and what `check` offers where a delete would cascade."""

from __future__ import annotations

import re

import pytest

from tests.support.mariadb import MariadbStore
from tests.support.stores import PostgresqlStore, Store
from tests.support.workplace import Workplace

BOARD = """
CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(80), seen TIMESTAMP NULL);
CREATE TABLE last_logins (id INTEGER PRIMARY KEY, user_id INTEGER,
    CONSTRAINT logins_user FOREIGN KEY (user_id) REFERENCES users (id) ON UPDATE CASCADE ON DELETE CASCADE);
CREATE TABLE tasks (id INTEGER PRIMARY KEY, done TIMESTAMP NULL);
CREATE TABLE activities (id INTEGER PRIMARY KEY, user_id INTEGER, task_id INTEGER, done TIMESTAMP NULL,
    CONSTRAINT activities_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT activities_task FOREIGN KEY (task_id) REFERENCES tasks (id) ON DELETE CASCADE);
CREATE INDEX activities_task_id ON activities (task_id);
CREATE INDEX activities_user_id ON activities (user_id);
INSERT INTO users VALUES (1, 'Ann', '2020-01-01'), (2, 'Bo', '2026-10-01');
INSERT INTO last_logins VALUES (1, 1), (2, 2);
"""
USERS = """
[datasets.users]
data      = "users"
table     = "users"
events    = { seen = "seen" }
anonymize = { name = "redact" }
"""
TASKS = """
[datasets.tasks]
data   = "tasks"
table  = "tasks"
events = { done = "done" }
"""
REWRITES = 'data = "users"\nkeep = "1 year"\nfrom = "seen"\naction = "pseudonymize"'


def test_what_only_a_delete_would_reach_is_no_problem_of_what_is_only_rewritten(
    work: Workplace, store: Store
) -> None:
    store.script(BOARD)
    work.connect(store, USERS)
    work.rule("users", REWRITES)

    assert work.problems() == ()
    assert work.run().jobs[0].done == 1
    assert store.rows("SELECT name FROM users ORDER BY id")[1:] == [("Bo",)]
    assert store.rows("SELECT count(*) FROM last_logins") == [(2,)]


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("plain", 'data = "users"\nkeep = "9 years"\nfrom = "seen"\naction = "delete"'),
        (
            "otherwise",
            'data = "users"\nkeep = "9 years"\nfrom = "seen"\naction = "pseudonymize"\notherwise = ["delete"]',
        ),
        ("any", 'data = "any"\nupon = ["asked"]\naction = "delete"\notherwise = ["pseudonymize"]'),
    ],
)
def test_any_rule_that_can_delete_there_makes_it_one_again(
    work: Workplace, postgresql: PostgresqlStore, name: str, rule: str
) -> None:
    postgresql.script(BOARD)
    more = '\nsubject = { user_id = "id" }\nbegan = "seen"\n' if name == "any" else ""
    work.connect(postgresql, USERS.rstrip() + more)
    work.rule("users", REWRITES)
    work.rule(name, rule)
    if name == "any":
        work.rules[name] = f'[events.asked]\nby = ["user_id"]\n\n{work.rules[name]}'

    found = " ".join(problem.found for problem in work.problems())

    assert "`public.last_logins.user_id` refers to `public.users` ON DELETE CASCADE" in found
    assert "every delete would scan the table" in found


def test_a_column_that_the_database_carries_on_is_still_not_rewritten(work: Workplace, store: Store) -> None:
    store.script(BOARD)
    work.connect(store, USERS.replace('{ name = "redact" }', '{ id = "redact" }'))
    work.rule("users", REWRITES)

    assert any("part of the key" in problem.found for problem in work.problems())


def test_a_part_is_looked_up_at_every_batch_of_rewriting(
    work: Workplace, postgresql: PostgresqlStore
) -> None:
    postgresql.script(BOARD)
    work.connect(postgresql, USERS + 'parts = ["last_logins"]\n')
    work.rule("users", REWRITES)

    (problem,) = work.problems()

    assert "every batch would scan the table" in problem.found


def test_a_dataset_of_its_own_is_not_offered_as_a_part_without_what_that_means(
    work: Workplace, store: Store
) -> None:
    store.script(BOARD)
    work.connect(
        store, TASKS + '[datasets.log]\ndata = "log"\ntable = "activities"\nevents = { done = "done" }\n'
    )
    work.rule("tasks", 'data = ["tasks", "log"]\nkeep = "1 year"\nfrom = "done"')

    problem = next(p for p in work.problems() if "activities" in p.found)

    assert problem.write.startswith("make the reference ON DELETE NO ACTION")
    assert "`activities` is the dataset `log`" in problem.write
    assert "a record stays while any rule keeps one of its rows there" in problem.write


def test_a_table_that_refers_to_several_datasets_is_offered_with_what_that_means(
    work: Workplace, store: Store
) -> None:
    store.script(BOARD)
    work.connect(store, TASKS + USERS)
    work.rule("tasks", 'data = "tasks"\nkeep = "1 year"\nfrom = "done"')
    work.rule("users", REWRITES)

    (problem,) = work.problems()

    assert problem.write.startswith('add "activities" to parts, or make the reference ON DELETE NO ACTION')
    assert "Rows of `activities` refer to records of `users`, too" in problem.write


@pytest.mark.parametrize("store", ["postgresql", "mariadb"], indirect=True)
def test_the_statement_that_takes_a_cascade_away_does_and_keeps_the_rest(
    work: Workplace, store: PostgresqlStore | MariadbStore
) -> None:
    store.script(BOARD + "CREATE INDEX logins_user_id ON last_logins (user_id);")
    work.connect(store, USERS + TASKS)
    work.rule("users", REWRITES.replace("pseudonymize", "delete"))
    work.rule("tasks", 'data = "tasks"\nkeep = "1 year"\nfrom = "done"')
    assert len(work.problems()) == 3

    for problem in work.problems():
        statements = re.search(r"(ALTER TABLE .*;)", problem.write)
        assert statements is not None
        store.script(statements[1])

    assert work.problems() == ()
    assert work.run().status == "nothing"  # a login refers to the one that is due
    store.script("DELETE FROM last_logins WHERE id = 1;")
    assert {job.rule: job.done for job in work.run().jobs} == {"users": 1, "tasks": 0}
    assert store.rows("SELECT id FROM users") == [(2,)]
    ((updating,),) = store.rows(
        "SELECT UPDATE_RULE FROM information_schema.REFERENTIAL_CONSTRAINTS"
        " WHERE CONSTRAINT_NAME = 'logins_user' AND CONSTRAINT_SCHEMA IN ('public', "
        + ("DATABASE())" if store.kind == "mariadb" else "'public')")
    )
    assert updating == "CASCADE"


def test_a_reference_of_sqlite_can_only_be_made_anew(work: Workplace, sqlite: Store) -> None:
    sqlite.script(BOARD + "CREATE INDEX logins_user_id ON last_logins (user_id);")
    work.connect(sqlite, USERS)
    work.rule("users", REWRITES.replace("pseudonymize", "delete"))

    assert all("make `last_logins` anew" in p.write for p in work.problems() if "last_logins" in p.found)


LINKS = """
CREATE TABLE tasks (id INTEGER PRIMARY KEY, done TIMESTAMP NULL);
CREATE TABLE task_links (id INTEGER PRIMARY KEY, task_id INTEGER, opposite_id INTEGER,
    CONSTRAINT links_task FOREIGN KEY (task_id) REFERENCES tasks (id) ON DELETE CASCADE,
    CONSTRAINT links_opposite FOREIGN KEY (opposite_id) REFERENCES tasks (id) ON DELETE CASCADE);
CREATE INDEX links_task_id ON task_links (task_id);
CREATE INDEX links_opposite_id ON task_links (opposite_id);
"""


def test_a_link_table_with_two_ways_is_offered_with_its_way(work: Workplace, store: Store) -> None:
    store.script(LINKS)
    work.connect(store, TASKS)
    work.rule("tasks", 'data = "tasks"\nkeep = "1 year"\nfrom = "done"')

    offered = {re.match(r"add (\{.*?\}) to parts", p.write) for p in work.problems()}

    for found in offered:
        assert found is not None
        work.connect(store, TASKS + f"parts = [{found[1]}]\n")
        assert work.problems() == ()


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ('anonymize = { name = "redact" }', False),
        ('restrict = { mark = "held_at" }', False),
        ('restrict = { to = "kept_users" }', True),
    ],
)
def test_records_that_are_moved_to_a_vault_and_those_in_it_leave_their_tables(
    work: Workplace, postgresql: PostgresqlStore, text: str, leaves: bool
) -> None:
    postgresql.script(
        BOARD + "ALTER TABLE users ADD held_at timestamp;"
        "CREATE TABLE kept_users (id INTEGER PRIMARY KEY, name VARCHAR(80), seen TIMESTAMP, held_at TIMESTAMP,"
        " restricted_at TIMESTAMP);"
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES kept_users (id) ON DELETE CASCADE);"
        "CREATE INDEX notes_user ON notes (user_id); CREATE INDEX logins_user_id ON last_logins (user_id);"
    )
    users = USERS.replace('anonymize = { name = "redact" }', text)
    if leaves:
        users += '[datasets.kept_users]\ndata = "users"\ntable = "kept_users"\nevents = { seen = "seen" }\n'
    work.connect(postgresql, users)
    work.rule("users", REWRITES.replace("pseudonymize", "restrict" if "restrict" in text else "pseudonymize"))

    found = " ".join(problem.found for problem in work.problems())

    assert ("`public.last_logins.user_id` refers to `public.users` ON DELETE CASCADE" in found) is leaves
    assert ("`public.notes.user_id` refers to `public.kept_users` ON DELETE CASCADE" in found) is leaves
