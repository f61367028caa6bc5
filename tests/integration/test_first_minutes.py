"""What a newcomer meets first: each answer says what to type next, and typing it leads on."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from retention.cli.root import root

POLICY = """
[policy]
timezone = "Europe/Oslo"
[rules.orders]
promise = "Orders: five years"
data = "orders"
keep = "5 years"
from = "booked"
action = "delete"
"""
CONNECTOR = """
type = "sql"
url = "{url}"
timezone = "Europe/Oslo"
[datasets.orders]
data = "orders"
table = "orders"
events = {{ booked = "created_at" }}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("RETENTION_CONFIG", "RETENTION_CONNECTORS", "RETENTION_STATE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def typed(*words: str) -> Result:
    return CliRunner().invoke(root, list(words), prog_name="retention")


def said(result: Result) -> str:
    """All that it said, without its line breaks."""
    return " ".join(result.output.split())


def next_steps(result: Result) -> list[list[str]]:
    """The commands below "Next", as words to type."""
    _, _, steps = result.output.partition("\nNext\n")
    return [line.split()[1:] for line in steps.splitlines() if line.startswith("    retention ")]


def shop(folder: Path, *days: str, url: str = "sqlite:///shop.db") -> None:
    """Files, and a database with an order of each day."""
    with sqlite3.connect(folder / "shop.db") as database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, created_at TEXT)")
        database.executemany("INSERT INTO orders (created_at) VALUES (?)", [(day,) for day in days])
    database.close()
    (folder / "connectors").mkdir()
    (folder / "policies.toml").write_text(POLICY)
    (folder / "connectors" / "shop.toml").write_text(CONNECTOR.format(url=url))


@pytest.mark.parametrize(
    "words",
    [("plan",), ("check",), ("run",), ("status",), ("daemon",), ("hold", "list"), ("audit", "verify")],
)
def test_in_an_empty_folder_everything_says_how_to_begin(folder, words):
    result = typed(*words)
    assert result.exit_code == 3
    text = said(result)
    assert "to begin here type: retention init (with --url URL, from your own database); to see it" in text
    assert "at work first: retention demo" in text
    assert said(result).count("policies.toml") == 1
    assert list(folder.iterdir()) == []


def test_in_a_wrong_folder_the_right_one_is_named(folder, monkeypatch):
    shop(folder, "2026-01-01")
    (folder / "reports" / "2026").mkdir(parents=True)
    monkeypatch.chdir(folder / "reports" / "2026")
    inside = typed("plan")
    assert inside.exit_code == 3
    assert f"type: cd {folder}; to begin a new one here: retention init" in said(inside)
    (folder / "policies.toml").rename(folder / "reports" / "policies.toml")
    monkeypatch.chdir(folder)
    assert f"type: cd {folder / 'reports'};" in said(typed("plan"))


def test_without_a_state_store_the_plan_leads_to_one(folder):
    shop(folder, "2019-01-01")
    planned = typed("plan")
    assert next_steps(planned) == [["init"]]
    assert "retention approve" not in planned.output
    assert typed("init").exit_code == 0


def test_where_everything_is_due_the_plan_says_how_to_let_it_go_once(folder):
    shop(folder, "2019-01-01", "2019-02-02")
    assert typed("init").exit_code == 0
    planned = typed("plan")
    assert "2 of 2 rows (100.0%) are above the limit of 25%" in said(planned)
    approve, run = next_steps(planned)
    assert approve[-2:] == ["--over-limit", "orders"]
    assert typed(*approve).exit_code == 0
    assert "Done: 2 records" in typed(*run, "--yes").output
    assert next_steps(typed("plan"))[0][:2] == ["plan", "--as-of"]


def test_what_is_within_its_limits_is_approved_by_name_beside_what_is_not(folder):
    shop(folder, *["2019-01-01"] * 2)
    database = sqlite3.connect(folder / "shop.db")
    database.execute("CREATE TABLE visits (id INTEGER PRIMARY KEY, created_at TEXT)")
    database.executemany(
        "INSERT INTO visits (created_at) VALUES (?)", [("2019-01-01",), *[("2026-10-01",)] * 9]
    )
    database.commit()
    database.close()
    other = POLICY.partition("[rules.orders]")[2].replace('"orders"', '"visits"')
    (folder / "policies.toml").write_text(f"{POLICY}[rules.visits]{other}")
    connector = folder / "connectors" / "shop.toml"
    table = connector.read_text().partition("[datasets.orders]")[2].replace('"orders"', '"visits"')
    connector.write_text(f"{connector.read_text()}[datasets.visits]{table}")
    assert typed("init").exit_code == 0
    named, everything, run = next_steps(typed("plan"))
    assert named[2:] == ["--rule", "visits"]
    assert typed(*named).exit_code == 0
    assert typed(*everything).exit_code == 0
    assert "Done: 3 records" in typed(*run, "--yes").output


def test_where_nothing_is_due_the_plan_looks_ahead(folder):
    shop(folder, "2026-01-01")
    planned = typed("plan")
    assert "Nothing is due among 1 record" in planned.output
    [[*ahead]] = next_steps(planned)
    assert ahead[:2] == ["plan", "--as-of"]
    later = typed(*ahead)
    assert later.exit_code == 0
    assert next_steps(later) == []


def test_without_a_server_init_says_to_come_back(folder):
    shop(folder, url="postgresql://nobody@127.0.0.1:1/shop")
    made = typed("init")
    assert made.exit_code == 5
    assert said(made).endswith("next: see to what was not reached, then retention init")
    checked = typed("check")
    assert checked.exit_code == 5
    assert "see that the server runs and listens there, or mend host and port in the URL" in said(checked)


def test_a_file_that_is_not_there_is_looked_for_where_the_policy_lies(folder):
    shop(folder, url="sqlite:///data/shop.db")
    checked = typed("check")
    assert checked.exit_code == 5
    assert "a relative path starts in the folder of policies.toml" in said(checked)


def test_a_database_without_tables_is_said_to_be_maybe_another_one(folder):
    sqlite3.connect(folder / "empty.db").close()
    shown = typed("init", "new", "--url", f"sqlite:///{folder / 'empty.db'}")
    assert "See that the URL names the database that you mean" in said(shown)
    assert not (folder / "new").exists()


MISTAKES = {
    ("Europe/Oslo", "CEST"): "policy.timezone found 'CEST' is an abbreviation and no time zone help write the name",
    ("[policy]\n", '[policy]\naproval = "always"\n'): "policy.aproval found `aproval` is not a known key"
    " help did you mean `approval`?",
    ('data = "orders"', 'data = "ordres"'): 'rules.orders.data found "ordres" is carried by no dataset of any'
    ' connector help write "orders"',
    ("5 years", "5 yaers"): "rules.orders.keep found '5 yaers' is not a period help did you mean `5 years`?",
    ('from = "booked"', 'from = "boked"\nstarts = "after fiscal"'): 'rules.orders.starts found "after fiscal" is'
    ' not one of its values help write "after fiscal year"',
    ('"delete"', '"remove"'): 'rules.orders.action found "remove" is not an action help write one of "delete"',
    ("sqlite:///shop.db", "postgresql://me:secret@db.example/shop"): "url found"
    " postgresql://me:***@db.example/shop has a password in it help put the whole URL into an environment variable",
    ("events =", "event ="): "datasets.orders.event found `event` is not a known key help did you mean `events`?",
    ('table = "orders"', 'table = ""'): 'datasets.orders.table found is empty help write the name of a table',
    ('type = "sql"', 'type = "mysql"'): "type found",
}  # fmt: skip


def test_a_policy_with_ten_mistakes_is_reviewed_in_one_go(folder):
    shop(folder)
    for file in (folder / "policies.toml", folder / "connectors" / "shop.toml"):
        text = file.read_text()
        for old, new in MISTAKES:
            if file.name == "policies.toml" or old not in ('data = "orders"', "Europe/Oslo"):
                text = text.replace(old, new)
        file.write_text(text)
    checked = typed("check", "--offline")
    assert checked.exit_code == 3
    for finding in MISTAKES.values():
        assert finding in said(checked), finding
    found = re.findall(r"^ +\d+\. ", checked.output, re.MULTILINE)
    assert len(found) >= len(MISTAKES)
    assert "secret" not in checked.output
