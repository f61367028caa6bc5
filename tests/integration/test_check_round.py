"""`check` on files with mistakes: what can be known of the live schemas is said in the same round, and is true."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retention.demo.company import COMPANIES
from retention.errors import ConfigurationError, Problem
from retention.model.explanation import CheckReport
from retention.model.place import Place
from retention.verbs.check import check
from retention.verbs.demo import build
from retention.verbs.opening.configured import configuration
from tests.support.stores import SqliteStore
from tests.support.workplace import Workplace

TABLES = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, seen TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), made TEXT);
CREATE TABLE visits (id INTEGER PRIMARY KEY, at TEXT);
"""
DATASETS = """
[datasets.visits]
data   = "visits"
table  = "visit"
events = {{ made = "at" }}
[datasets.orders]
data   = "orders"
tabel  = "orders"
events = {{ made = "made" }}
[datasets.customers]
data   = "customers"
table  = "customers"
events = {{ made = "seem" }}
"""


@pytest.fixture
def shop(work: Workplace, sqlite: SqliteStore) -> Workplace:
    sqlite.script(TABLES)
    work.connect(sqlite, DATASETS.format())
    for data in ("visits", "orders", "customers"):
        work.rule(data, f'data = "{data}"\nkeep = "1 year"\nfrom = "made"')
    return work


def told(report: CheckReport) -> list[tuple[str, str]]:
    return [(problem.file.rsplit("/", 1)[-1], problem.key) for problem in report.problems]


def test_files_and_schemas_are_told_of_in_one_round_by_place(shop: Workplace) -> None:
    """It took a newcomer a round for each: the schema was looked at once the files had no mistake left."""
    shop.rule("visits", 'data = "visits"\nkep = "1 year"\nfrom = "made"')

    report = check(shop.place, clock=shop.clock)

    assert told(report) == [
        ("policies.toml", "rules.visits.kep"),
        ("db.toml", "datasets.visits.table"),
        ("db.toml", "datasets.orders.tabel"),
        ("db.toml", "datasets.customers.events.made"),
        ("db.toml", "datasets.customers.table"),
    ]
    assert [line for line in report.checked if "not looked at" in line] == [
        "db.orders: not looked at; first mend what is said of it, or of the whole of connectors/db.toml"
    ]
    assert told(check(shop.place, offline=True, clock=shop.clock)) == [
        place for place in told(report) if place[1].startswith(("rules", "datasets.orders"))
    ]
    shown = shop.cli("check")
    assert shown.exit_code == 3
    assert "5 problems to mend" in shown.stdout


def test_a_connector_that_can_t_be_read_keeps_nobody_from_looking_at_the_others(shop: Workplace) -> None:
    place = shop.place
    (shop.folder / "connectors" / "other.toml").write_text('type = "sql\n')
    places = told(check(place, clock=shop.clock))
    assert ("other.toml", "") in places
    assert ("db.toml", "datasets.customers.events.made") in places


def test_without_a_policy_that_can_be_read_tables_and_columns_are_looked_for_all_the_same(
    shop: Workplace,
) -> None:
    place = shop.place
    (shop.folder / "policies.toml").write_text("[policy\n")
    places = told(check(place, clock=shop.clock))
    assert places[0][0] == "policies.toml"
    assert ("db.toml", "datasets.customers.events.made") in places


def test_an_index_is_asked_for_where_the_rule_says_delete_though_it_has_a_mistake(
    shop: Workplace, sqlite: SqliteStore
) -> None:
    """`customer_id` refers without an index: that is wrong only where customers are deleted."""
    shop.connect(sqlite, DATASETS.format().replace("tabel ", "table ").replace("seem", "seen"))
    key = ("db.toml", "datasets.customers.table")
    assert key in told(check(shop.place, clock=shop.clock))
    shop.rule("customers", 'data = "customers"\nkep = "1 year"\nfrom = "made"')
    assert key in told(check(shop.place, clock=shop.clock))
    shop.rule("customers", 'data = "customers"\nkeep = "1 year"\nfrom = "made"\naction = "dlete"')
    assert key not in told(check(shop.place, clock=shop.clock))


def test_the_files_that_init_wrote_are_looked_at_before_they_are_filled_in(shop: Workplace) -> None:
    """Zones, promise and period are empty in them: all of a first `check` was about that."""
    shop.timezone = ""
    shop.connectors["db"] = shop.connectors["db"].replace('timezone = "UTC"', 'timezone = ""')
    shop.rule("customers", 'promise = ""\ndata = "customers"\nkeep = ""\nfrom = "made"')
    places = told(check(shop.place, clock=shop.clock))
    assert {("policies.toml", "policy.timezone"), ("db.toml", "timezone")} < set(places)
    assert ("db.toml", "datasets.customers.events.made") in places
    assert ("db.toml", "datasets.customers.table") in places


def test_a_missing_policy_is_told_as_ever(shop: Workplace) -> None:
    place = shop.place
    (shop.folder / "policies.toml").unlink()
    for offline in (True, False):
        report = check(place, offline=offline, clock=shop.clock)
        assert [problem.found for problem in report.problems] == ["is not there"]


# -- any mistake -----------------------------------------------------------------------------


def spoilt(text: str) -> Iterator[str]:
    """The file with each line in turn left out, under another key, or with a number for its value."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if not line.strip() or line.strip().startswith("#"):
            continue
        other = line.replace("[", "[x", 1) if line.startswith("[") else f"x{line}"
        for new in ([], [other], [re.sub(r"= .*", "= 17", line)]):
            yield "\n".join([*lines[:at], *new, *lines[at + 1 :]]) + "\n"


def files_alone(place: Place) -> tuple[Problem, ...]:
    try:
        configuration(place)
    except ConfigurationError as error:
        return tuple(error.problems)
    return ()


def clock() -> datetime:
    return datetime.now(UTC)


@pytest.mark.parametrize(
    ("name", "share"),
    [("documents", 0.05), *(pytest.param(name, 0.3, marks=pytest.mark.heavy) for name in sorted(COMPANIES))],
)
def test_no_mistake_in_a_file_makes_check_say_something_wrong_of_a_schema(
    name: str, share: float, tmp_path: Path
) -> None:
    """The schemas of a demo company are well, and so is whatever is looked at of them."""
    place, _ = build(tmp_path, COMPANIES[name], clock=clock)
    assert check(place, clock=clock).problems == ()
    dice, looked, tried = random.Random(17), 0, 0
    for file in sorted(tmp_path.rglob("*.toml")):
        text = file.read_text("utf-8")
        for other in spoilt(text):
            if dice.random() > share:
                continue
            file.write_text(other, "utf-8")
            if problems := files_alone(place):
                report = check(place, clock=clock)
                assert set(report.problems) == set(problems), other
                looked += sum("not looked at" not in line for line in report.checked)
                tried += 1
        file.write_text(text, "utf-8")
    assert tried > 5
    assert looked > 2 * tried
