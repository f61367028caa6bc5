"""`init`: what it can't do is an error with its exit code, and what it advises works where it is typed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from retention.cli.root import root
from tests.support.stores import PostgresqlStore
from tests.support.workplace import Workplace


def typed(*words: str) -> Result:
    return CliRunner().invoke(root, list(words), prog_name="retention")


def test_a_folder_that_can_t_be_made_is_a_mistake_of_the_line(tmp_path: Path) -> None:
    """`Unexpected: No such file or directory`"""
    for folder in ("/proc/x", str(tmp_path / "file" / "below")):
        (tmp_path / "file").touch()
        told = typed("init", folder)
        assert told.exit_code == 2
        assert f"{folder} can't be used" in told.stderr


def test_what_init_advises_is_for_the_folder_that_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = typed("init", "sub")
    assert told.exit_code == 0
    assert " ".join(told.stdout.split()).endswith(
        "to see what is left type: cd sub, then retention check; and then retention init"
    )
    assert "policies.toml: rules is missing" in " ".join(told.stdout.split())


def test_files_that_are_wrong_are_an_error_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert typed("init").exit_code == 0
    before = sorted(tmp_path.rglob("*"))
    (tmp_path / "retention.toml").write_text('state = "sqlite//nowhere"')
    told = typed("init")
    assert told.exit_code == 3
    assert "state" in told.stderr
    assert "rules" in told.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_role_that_may_make_no_table_is_told_where_the_sql_is(
    work: Workplace, postgresql: PostgresqlStore
) -> None:
    role = f"init_words_{os.getpid()}"
    name = postgresql.rows("SELECT current_database()")[0][0]
    postgresql.script(
        f"CREATE TABLE things (id INTEGER PRIMARY KEY, made TIMESTAMP); CREATE ROLE {role} LOGIN;"
        f"GRANT USAGE ON SCHEMA public TO {role}; REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
        f"GRANT SELECT, DELETE ON things TO {role}; GRANT UPDATE (id) ON things TO {role}"
    )
    try:
        work.connect(
            postgresql, '[datasets.things]\ndata = "things"\ntable = "things"\nevents = { made = "made" }'
        )
        work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
        work.environ["DB_URL"] = f"postgresql://{role}@127.0.0.1:5432/{name}"
        place = work.place
        os.environ["DB_URL"] = work.environ["DB_URL"]
        told = typed("--config", str(place.config), "init")
        assert told.exit_code == 3
        assert "connect-postgresql.md" in told.stderr
        assert "retention_marker" in told.stderr
    finally:
        os.environ.pop("DB_URL", None)
        postgresql.script(f"DROP OWNED BY {role}; DROP ROLE {role}")
