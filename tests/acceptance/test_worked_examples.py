"""What the documentation says of fates, as examples: each is planned and explained by the real commands.

The examples of time are in `worked_time`, those of a rule's clock in `worked_clocks`, those of several rules and
records in `worked_fates`, those of told events and holds in `worked_words`: a few lines of policy and connector, rows,
and what becomes of each record on a day.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from tests.acceptance.worked import AWARE, Example
from tests.acceptance.worked_clocks import CLOCKS
from tests.acceptance.worked_fates import FATES as OF_SEVERAL
from tests.acceptance.worked_time import TIME
from tests.acceptance.worked_words import WORDS
from tests.support.stores import SqliteStore, Store
from tests.support.workplace import Workplace

EXAMPLES = (*TIME, *CLOCKS, *OF_SEVERAL, *WORDS)


def written(example: Example, kind: str) -> str:
    """The rows as this database writes instants."""
    type_, form = AWARE[kind]
    sql = re.sub(r"UTC'([^']*)'", lambda match: "'" + form.format(match[1]) + "'", example.rows)
    return sql.replace("INSTANTS", type_)


def answer(work: Workplace, *words: str) -> Any:
    result = work.cli(*words, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def keyed(expected: str) -> dict[str, str]:
    """Key → fate: of records 1, 2, 3, … where no keys are written."""
    words = [word.rpartition(":") for word in expected.split()]
    return {key or str(place): fate for place, (key, _, fate) in enumerate(words, 1)}


def names_of(expected: str, job: dict[str, Any]) -> bool:
    rule, _, dataset = expected.partition(" ")
    return job["rule"] == rule and dataset in ("", job["dataset"])


def told(work: Workplace, store: Store, example: Example) -> Workplace:
    """The example's files and rows."""
    store.script(written(example, store.kind))
    work.timezone = example.zone
    if example.head:
        work.rules[""] = example.head
    for name, lines in example.rules.items():
        work.rule(name, lines)
    work.connect(store, example.datasets, timezone=example.reads)
    if example.said:
        work.init()
    for words in example.said:
        answer(work, *words)
    return work


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_the_plan_says_what_the_documentation_says(work: Workplace, store: Store, example: Example) -> None:
    told(work, store, example)
    for day, rules in example.fates.items():
        jobs = answer(work, "plan", "--as-of", day)["jobs"]
        for name, expected in rules.items():
            (job,) = [job for job in jobs if names_of(name, job)]
            fates = Counter(fate.rstrip("!") for fate in keyed(expected).values())
            found = {fate: job[fate] for fate in FATES if job[fate]}
            assert found == fates, (day, name)
            assert job["total"] == len(expected.split())
            assert job["overdue"] == expected.count("!"), (day, name)


FATES = (
    "out_of_scope", "not_due", "undated", "unclear", "deferred", "held", "retained", "conflict", "referenced",
    "elsewhere", "done", "due",
)  # fmt: skip


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    "example",
    [
        each if place % 2 else pytest.param(each, marks=pytest.mark.heavy)
        for place, each in enumerate(EXAMPLES)
    ],
    ids=lambda example: example.id,
)
def test_explain_says_the_same_of_each_record(work: Workplace, sqlite: SqliteStore, example: Example) -> None:
    told(work, sqlite, example)
    for day, rules in example.fates.items():
        for name, expected in rules.items():
            rule, _, dataset = name.partition(" ")
            found = {}
            for key in keyed(expected):
                place = f"db.{dataset or table_of(example)}"
                views = answer(work, "explain", place, key, "--as-of", day)["rules"]
                (view,) = [view for view in views if view["rule"] == rule]
                found[key] = view["fate"] + "!" * view["overdue"]
            assert found == keyed(expected), (day, name)


def table_of(example: Example) -> str:
    """The only dataset of an example."""
    (only,) = re.findall(r"^\[datasets\.(\w+)\]$", example.datasets, re.MULTILINE)
    return str(only)
