"""Records that refer to each other and move to a vault: none is left with a reference to nothing."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping

import pytest

from retention.connectors.sql.batches.moving import Moves
from retention.connectors.sql.batches.removal import KeyRemover
from retention.engine.pace import Pace
from retention.verbs.running import working
from tests.integration.test_vault_tables import killed
from tests.support.workplace import Workplace, adds_up

OLD, NEW = "'2020-01-01 00:00:00'", "'2026-11-01 00:00:00'"
DATASETS = """
[datasets.staff]
data = "staff"
table = "staff"
subject = {{ nr = "id" }}
events = {{ gone = "gone" }}
facts = {{ liable = "liable" }}
parts = ["letters"]
restrict = {{ to = "kept" }}

[datasets.kept]
data = "staff"
table = "kept_staff"
subject = {{ nr = "id" }}
events = {{ gone = "gone" }}
facts = {{ liable = "liable" }}
parts = ["kept_letters"]
{0}
"""
STAFF = """
data = "staff"
keep = "1 year"
from = "gone"
action = "delete"
exceptions = [{ when = "liable", action = "restrict" }]
"""
KEPT = 'data = "staff"\nwhere = "restricted"\nkeep = "3 years"\nfrom = "restricted"'
AFTER = "2030-01-01"


@pytest.fixture(params=[1, pytest.param(1000, marks=pytest.mark.heavy)])
def paced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The size of the first batches."""
    size: int = request.param
    monkeypatch.setattr(working, "Pace", functools.partial(Pace, size=size))
    return size


@pytest.fixture
def shop(work: Workplace, store) -> Workplace:
    """Who left, and whom each reported to; letters that answer letters."""
    store.script(
        "CREATE TABLE staff (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES staff (id), gone TIMESTAMP,"
        " liable BOOLEAN NOT NULL); CREATE INDEX staff_boss ON staff (boss);"
        "CREATE TABLE letters (id INTEGER PRIMARY KEY, writer INTEGER NOT NULL, answers INTEGER,"
        " FOREIGN KEY (writer) REFERENCES staff (id), FOREIGN KEY (answers) REFERENCES letters (id));"
        "CREATE INDEX letters_writer ON letters (writer); CREATE INDEX letters_answers ON letters (answers)"
    )
    work.store = store
    work.rule("staff", STAFF)
    work.rule("kept", KEPT)
    work.connect(store, DATASETS.format(""))
    work.init()
    result = work.cli("vault", "create", "db.kept")
    assert result.exit_code == 0, result.output
    return work


def fill(shop: Workplace, people: Mapping[int, tuple[str, bool, int | None]], letters: str = "") -> None:
    """People by number: when they left, whether they are liable and so restricted, and their boss."""
    rows = ", ".join(
        f"({n}, {'NULL' if boss is None else boss}, {at}, {'TRUE' if liable else 'FALSE'})"
        for n, (at, liable, boss) in people.items()
    )
    off = "SET SESSION foreign_key_checks = 0; " if shop.store.kind == "mariadb" else ""
    more = f"; INSERT INTO letters VALUES {letters}" if letters else ""
    shop.store.script(f"{off}INSERT INTO staff VALUES {rows}{more}")


def ids(shop: Workplace, table: str) -> list[int]:
    return [n for (n,) in shop.store.rows(f"SELECT id FROM {table} ORDER BY id")]


def there(shop: Workplace) -> tuple[list[int], list[int]]:
    """Who is here, and who is in the vault."""
    return ids(shop, "staff"), ids(shop, "kept_staff")


def whole(shop: Workplace) -> bool:
    """Whatever a row in the vault refers to is there, or where it came from."""
    lost = [
        shop.store.rows(
            f"SELECT v.id FROM kept_{table} v WHERE v.{column} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {table} s"
            f" WHERE s.id = v.{column}) AND NOT EXISTS (SELECT 1 FROM kept_{table} k WHERE k.id = v.{column})"
        )
        for table, column in (("staff", "boss"), ("letters", "answers"))
    ]
    return lost == [[], []]


def ran(shop: Workplace, dataset: str = "staff", rule: str = "staff", as_of: str | None = None) -> int:
    """How many records the job is done with: as many as its plan says, and none is left."""
    planned = shop.job(rule, dataset=f"db.{dataset}").due
    jobs = shop.run().jobs
    assert all(adds_up(job) for job in jobs)
    (job,) = [job for job in jobs if (job.rule, job.dataset) == (rule, dataset)]
    assert (job.planned, job.done, job.left, job.skipped.total) == (planned, planned, 0, 0), (
        job.reason,
        job.skipped,
    )
    assert whole(shop)
    return int(job.done)


def fates(shop: Workplace, rule: str = "staff", dataset: str = "db.staff") -> dict[str, int]:
    return {fate: n for fate, n in shop.job(rule, dataset=dataset).fates.items() if n}


def test_a_chain_and_a_ring_move_in_one_run(shop: Workplace, paced: int) -> None:
    """10 reports to 9, 9 to 8, …; 101 to 102, …; three report to each other, and one to himself."""
    people = {n: (OLD, True, n - 1 if n > 1 else None) for n in range(1, 11)}
    people |= {n: (OLD, True, n + 1 if n < 105 else None) for n in range(101, 106)}
    people |= {201: (OLD, True, 202), 202: (OLD, True, 203), 203: (OLD, True, 201), 301: (OLD, True, 301)}
    fill(shop, people)
    before = shop.store.rows("SELECT id, boss FROM staff ORDER BY id")

    assert not shop.problems()
    assert shop.job("staff", dataset="db.staff").actions == {"delete": 0, "restrict": 19}
    assert ran(shop) == 19

    assert there(shop) == ([], sorted(people))
    assert shop.store.rows("SELECT id, boss FROM kept_staff ORDER BY id") == before
    assert ran(shop) == 0


@pytest.mark.heavy
def test_who_stays_keeps_out_of_the_vault_whom_he_refers_to_and_nobody_else(
    shop: Workplace, paced: int
) -> None:
    """1 ← 2 ← 3 ← 4: 3 stays, so 2 and 1 do, and 4 goes. 11 ← 12: 12 is restricted, 11 would be deleted. 20 ⇄ 21: 20
    stays."""
    fill(
        shop,
        {
            1: (OLD, True, None), 2: (OLD, True, 1), 3: (NEW, True, 2), 4: (OLD, True, 3),
            11: (OLD, False, None), 12: (OLD, True, 11),
            20: (NEW, True, 21), 21: (OLD, True, 20),
        },
    )  # fmt: skip

    assert fates(shop) == {"due": 2, "referenced": 4, "not_due": 2}
    assert [shop.fate_of("db.staff", str(n), rule="staff") for n in (1, 4, 21)] == [
        "referenced",
        "due",
        "referenced",
    ]
    (stop,) = shop.explain("db.staff", "2").rules[0].stopped_by
    assert (stop.kind, stop.rows) == ("referenced", ("3",))
    assert ran(shop) == 2
    assert there(shop) == ([1, 2, 3, 11, 20, 21], [4, 12])
    assert ran(shop) == 0  # 11 stays, for 12 in the vault refers to him
    (stop,) = shop.explain("db.staff", "11").rules[0].stopped_by
    assert (stop.by.rpartition(".")[2], stop.rows) == ("boss", ("12",))

    shop.store.script(f"UPDATE staff SET gone = {OLD} WHERE id IN (3, 20)")
    assert ran(shop) == 5  # and 4, in the vault, still refers to 3
    assert there(shop) == ([11], [1, 2, 3, 4, 12, 20, 21])


def test_a_record_to_which_one_that_is_deleted_refers_moves_at_the_next_run(shop: Workplace) -> None:
    fill(shop, {1: (OLD, True, None), 2: (OLD, False, 1)})
    assert shop.job("staff", dataset="db.staff").actions == {"delete": 1, "restrict": 0}
    assert fates(shop) == {"due": 1, "referenced": 1}
    assert ran(shop) == 1
    assert there(shop) == ([1], [])
    assert ran(shop) == 1
    assert there(shop) == ([], [1])


def test_in_the_vault_what_others_refer_to_goes_with_them_or_after_them(shop: Workplace, paced: int) -> None:
    fill(
        shop,
        {
            1: (OLD, True, None),
            2: (OLD, True, 1),
            3: (OLD, True, 2),
            11: (OLD, False, None),
            12: (OLD, True, 11),
        },
    )
    assert ran(shop) == 4
    shop.store.script("UPDATE kept_staff SET restricted_at = '2020-01-01 00:00:00' WHERE id IN (1, 2, 12)")
    assert fates(shop, "kept", "db.kept") == {"due": 1, "referenced": 2, "not_due": 1}
    assert shop.job("staff", dataset="db.staff").due == 1  # 11, to whom 12 refers, goes after 12
    assert ran(shop, "kept", "kept") == 1
    assert there(shop) == ([], [1, 2, 3])
    shop.store.script("UPDATE kept_staff SET restricted_at = '2020-01-01 00:00:00'")
    assert ran(shop, "kept", "kept") == 3
    assert there(shop) == ([], [])


def test_parts_that_refer_to_parts_of_other_records_move_with_them(shop: Workplace, paced: int) -> None:
    """Letter 20 of 2 answers 10 of 1, 30 of 3 answers 20; and 11 answers 10, of the same writer."""
    fill(
        shop,
        {1: (OLD, True, None), 2: (OLD, True, None), 3: (NEW, True, None)},
        "(10, 1, NULL), (11, 1, 10), (20, 2, 10), (30, 3, 20)",
    )
    assert fates(shop) == {"referenced": 2, "not_due": 1}
    assert ran(shop) == 0
    shop.store.script("DELETE FROM letters WHERE id = 30")
    assert ran(shop) == 2
    assert (there(shop), ids(shop, "kept_letters")) == (([3], [1, 2]), [10, 11, 20])


def test_holds_reach_what_a_row_in_the_vault_refers_to(shop: Workplace) -> None:
    fill(shop, {1: (NEW, True, None), 2: (OLD, True, 1)})
    assert ran(shop) == 1
    shop.store.script(f"UPDATE staff SET gone = {OLD}")
    held = shop.cli("hold", "add", "--key", "db.kept", "2", "--reason", "litigation", "--format", "json")
    assert held.exit_code == 0, held.output
    assert fates(shop) == {"held": 1}
    assert ran(shop) == 0
    shop.cli("hold", "release", json.loads(held.stdout)["hold"]["id"], "--reason", "over")
    assert ran(shop) == 1
    assert there(shop) == ([], [1, 2])


def test_a_record_comes_back_after_what_it_refers_to(shop: Workplace) -> None:
    fill(
        shop,
        {1: (OLD, True, None), 2: (OLD, True, 1), 3: (NEW, True, None), 4: (OLD, True, 3), 5: (OLD, True, 5)},
    )
    assert ran(shop) == 4

    def release(key: int) -> tuple[int, str]:
        result = shop.cli("vault", "release", "db.kept", str(key), "--reason", "dispute")
        return result.exit_code, " ".join(result.output.split())

    code, why = release(2)
    assert (code, "kept_staff.boss` to another one that is in the vault: release that first" in why) == (
        4,
        True,
    ), why
    assert there(shop) == ([3], [1, 2, 4, 5])
    for key in (4, 1, 2, 5):
        assert release(key)[0] == 0, release(key)
        assert whole(shop)
    assert there(shop) == ([1, 2, 3, 4, 5], [])
    assert shop.store.rows("SELECT id, boss FROM staff WHERE id <> 3 ORDER BY id") == [
        (1, None),
        (2, 1),
        (4, 3),
        (5, 5),
    ]
    assert ran(shop) == 4


@pytest.mark.heavy
def test_a_ring_that_is_killed_on_its_way_is_here_or_there(shop: Workplace) -> None:
    fill(shop, {1: (OLD, True, 2), 2: (OLD, True, 3), 3: (OLD, True, 1)})
    killed(shop.run, Moves, "copy", after=True)
    assert there(shop) == ([1, 2, 3], [])
    killed(shop.run, KeyRemover, "commit", after=False)
    assert there(shop) == ([1, 2, 3], [])
    killed(shop.run, KeyRemover, "commit", after=True)
    assert there(shop) == ([], [1, 2, 3])
    assert shop.store.rows("SELECT id, boss FROM kept_staff ORDER BY id") == [(1, 2), (2, 3), (3, 1)]
    assert ran(shop) == 0
    outcomes = [e["data"]["outcome"] for e in shop.events() if e["type"] == "batch.reconciled"]
    assert outcomes == ["aborted", "committed"]


def test_a_foreign_key_that_allows_one_side_only_is_refused(shop: Workplace, store) -> None:
    if store.kind == "sqlite":
        store.script(
            "DROP TABLE kept_letters; CREATE TABLE kept_letters (id INTEGER PRIMARY KEY, writer INTEGER NOT NULL"
            " REFERENCES kept_staff (id), answers INTEGER REFERENCES kept_letters (id));"
            "CREATE INDEX kl1 ON kept_letters (writer); CREATE INDEX kl2 ON kept_letters (answers)"
        )
    else:
        store.script("ALTER TABLE kept_letters ADD FOREIGN KEY (answers) REFERENCES kept_letters (id)")
    (problem,) = shop.problems()
    assert problem.key == "datasets.kept.table"
    assert "drop that foreign key" in problem.write
