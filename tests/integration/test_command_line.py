"""The command line over real databases: what it says agrees with the verbs."""

from __future__ import annotations

import json

from tests.support.stores import Store, changed
from tests.support.workplace import Workplace

ROWS = "(1, '2020-05-05 10:00:00'), (2, '2026-05-05 10:00:00'), (3, NULL)"


def shop(work: Workplace, store: Store) -> None:
    store.script(
        f"CREATE TABLE things (id INTEGER PRIMARY KEY, made TIMESTAMP); INSERT INTO things VALUES {ROWS}"
    )
    work.connect(store, '[datasets.things]\ndata = "things"\ntable = "things"\nevents = { made = "made" }')
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')


def test_check_plan_explain_and_run(work: Workplace, store: Store) -> None:
    shop(work, store)
    work.init()
    before = store.snapshot()

    assert work.cli("check").exit_code == 0
    planned = work.cli("plan", "--format", "json", "--exit-code")
    assert planned.exit_code == 7
    (job,) = json.loads(planned.stdout)["jobs"]
    assert (job["total"], job["due"], job["not_due"], job["undated"]) == (3, 1, 1, 1)
    explained = json.loads(work.cli("explain", "db.things", "1", "--format", "json").stdout)
    assert explained["rules"][0]["fate"] == "due"
    ran = work.cli("run", "--yes", "--format", "json")
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["jobs"][0]["done"] == 1
    assert changed(before, store.snapshot()) == {"things": (1, 0)}
    assert work.cli("plan", "--exit-code").exit_code == 0


def test_a_problem_is_told_with_file_key_found_and_write(work: Workplace, store: Store) -> None:
    shop(work, store)
    work.connect(store, '[datasets.things]\ndata = "things"\ntable = "thngs"\nevents = { made = "made" }')

    answer = work.cli("check", "--format", "json")

    assert answer.exit_code == 3
    (problem,) = json.loads(answer.stdout)["problems"]
    assert problem["key"] == "datasets.things.table"
    assert problem["found"] == "table `thngs` does not exist"
    assert problem["write"] == "did you mean `things`?"
    assert problem["file"].endswith("db.toml")


def test_a_plan_shows_its_statements(work: Workplace, store: Store) -> None:
    shop(work, store)

    answer = work.cli("plan", "--sql")

    assert answer.exit_code == 0
    assert "SELECT" in answer.stdout
    assert "'1971-01-02" in answer.stdout
