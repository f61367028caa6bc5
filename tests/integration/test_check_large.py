"""`check` says of large policies that their plans take long, and what helps; before anybody has waited for one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retention.demo.company import COMPANIES
from retention.verbs.check import check
from retention.verbs.checking import large
from retention.verbs.demo import build
from tests.support.stores import PostgresqlStore, SqliteStore
from tests.support.workplace import Workplace

WORDS = ("plans take long", "in a row")


def dataset(name: str) -> str:
    return (
        f'[datasets.{name}]\ndata = "{name}"\ntable = "{name}"\nsubject = "none"\nevents = {{ seen = "at" }}\n'
        'facts = { kind = "kind" }\n'
    )


def tables(work: Workplace, store: SqliteStore | PostgresqlStore, refers: Iterable[Iterable[int]]) -> None:
    """Tables t0, t1, …; of each the numbers of those that it refers to."""
    names = []
    for n, others in enumerate(refers):
        columns = "".join(f", r{other} INTEGER REFERENCES t{other} (id)" for other in others)
        store.script(f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, kind VARCHAR(9), at DATE{columns})")
        for other in others:
            store.script(f"CREATE INDEX t{n}_{other} ON t{n} (r{other})")
        names.append(f"t{n}")
    work.connect(store, "".join(map(dataset, names)))


def act(work: Workplace, name: str, rules: int, *, exceptions: int = 0) -> None:
    told = "".join(
        f'\n[[rules.{name}r0.exceptions]]\nwhen = "kind = \'x{n}\'"\nkeep = "{n + 2} years"'
        for n in range(exceptions)
    )
    for n in range(rules):
        text = f'data = "{name}"\nwhere = "kind = \'k{n}\'"\nkeep = "1 year"\nfrom = "seen"'
        work.rule(f"{name}r{n}", text + (told if not n else ""))


def said(work: Workplace) -> list[str]:
    report = work.check()
    assert report.problems == ()
    return [warning for warning in report.warnings if any(words in warning for words in WORDS)]


def test_many_rules_on_one_dataset(work: Workplace, sqlite: SqliteStore) -> None:
    tables(work, sqlite, [()])
    act(work, "t0", 38)
    assert said(work) == []
    act(work, "t0", 39)
    assert said(work) == [
        "`db.t0`: plans take long, 15 seconds or more before a row is counted: 39 rules act here, and each is held"
        " against the 39 rules and exceptions on it (1,521 times of 1,521; up to 1,500 it is quick). What helps: one"
        " rule with exceptions instead of several rules, and parts of a record instead of datasets"
    ]


def test_what_it_says_that_helps_does(work: Workplace, sqlite: SqliteStore) -> None:
    tables(work, sqlite, [()])
    act(work, "t0", 1, exceptions=60)
    assert said(work) == []


def test_exceptions_of_many_rules_count(work: Workplace, sqlite: SqliteStore) -> None:
    tables(work, sqlite, [()])
    act(work, "t0", 30, exceptions=21)
    (told,) = said(work)
    assert "30 rules act here, and each is held against the 51 rules and exceptions on it (1,530" in told


def test_rules_on_what_leads_to_a_dataset_count_there(work: Workplace, sqlite: SqliteStore) -> None:
    """t2 refers to t1, that to t0, and t3 to none; a rule that something else keeps acts nowhere."""
    tables(work, sqlite, [(), (0,), (1,), ()])
    for n, many in enumerate((20, 30, 22, 3)):
        act(work, f"t{n}", many)
    work.rules["kept"] = '[rules.kept]\npromise = "kept"\ndata = "t0"\nkept_by = "them"\n'
    (told,) = said(work)
    times = 20 * (20 + 30 + 22), 30 * (30 + 22), 22 * 22, 3 * 3
    assert told.startswith(
        "`db.t1`: plans take long, 35 seconds or more before a row is counted: 30 rules act here"
    )
    assert (
        f"the 52 rules and exceptions, on it and on 1 that lead to it ({times[1]:,} times of {sum(times):,};"
        in told
    )


def test_datasets_that_refer_to_each_other_in_many_ways(work: Workplace, sqlite: SqliteStore) -> None:
    tables(work, sqlite, [range(n) for n in range(13)])
    for n in range(13):
        act(work, f"t{n}", 1)
    assert said(work) == [
        "`db.t0`: plans take long, since datasets refer to it, and to each other, in 4,095 ways (8,178 on this"
        " database; up to 5,000 it is quick), and each is followed. What helps: parts of a record instead of datasets"
    ]


@pytest.mark.parametrize(("long", "warned"), [(20, False), (21, True)])
def test_datasets_in_a_long_row(work: Workplace, sqlite: SqliteStore, long: int, warned: bool) -> None:
    tables(work, sqlite, [(), *((n,) for n in range(long - 1))])
    for n in range(long):
        act(work, f"t{n}", 1)
    told = said(work)
    assert told == [
        "`db.t0`: 21 datasets in a row refer to each other and to it, from `db.t20` on: beyond 20 plans take long, and"
        " may fail, since their statements are nested deeply. What helps: parts of a record instead of datasets"
    ] * bool(warned)


@pytest.mark.heavy
def test_a_row_of_twenty_five_goes_children_first(work: Workplace, postgresql: PostgresqlStore) -> None:
    """Python's stack was too small for more than twenty."""
    tables(work, postgresql, [(), *((n,) for n in range(24))])
    for n in range(25):
        act(work, f"t{n}", 1)
        refers = f", r{n - 1}" if n else ""
        postgresql.script(
            f"INSERT INTO t{n} (id, kind, at{refers}) VALUES (1, 'k0', '2000-01-01'{', 1' if n else ''})"
        )
    work.init()
    result = work.cli("run")
    assert result.exit_code == 0, result.output
    assert [postgresql.rows(f"SELECT count(*) FROM t{n}") for n in range(25)] == [[(0,)]] * 25


def test_a_circle_of_datasets_has_an_end(
    work: Workplace, sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """t0 → t1 → t2 → t0, and t3 → t0."""
    monkeypatch.setattr(large, "DEEP", 3)
    tables(work, sqlite, [(1,), (2,), (0,), (0,)])
    for n in range(4):
        act(work, f"t{n}", 1)
    assert [told.partition(",")[0] for told in said(work)] == [
        "`db.t2`: 4 datasets in a row refer to each other and to it"
    ]


@pytest.mark.parametrize("company", COMPANIES)
def test_nothing_of_that_kind_is_said_of_the_demo_companies(
    tmp_path: Path, company: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor would it be of policies with three times their rules: their work is a ninth of that then."""
    monkeypatch.setattr(large, "MANY", large.MANY // 9)
    place, _ = build(tmp_path / company, COMPANIES[company], clock=lambda: datetime.now(UTC))
    report = check(place, clock=lambda: datetime.now(UTC))
    assert report.problems == ()
    assert [told for told in report.warnings if any(words in told for words in WORDS)] == []
