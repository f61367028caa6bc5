"""Triggers beside rewriting: those that can't run are no matter, others need somebody who has looked at them."""

from __future__ import annotations

import pytest

from retention.errors import Problem
from tests.support.stores import Store
from tests.support.workplace import Workplace

DATASET = """
[datasets.people]
data = "people"
table = "people"
subject = "none"
events = { made = "made" }
anonymize = { name = "redact" }
"""
CHANGES = {
    "note": "NEW.note = 'seen'",
    "made": "NEW.made = '2026-11-01'",
}


@pytest.fixture
def people(work: Workplace, store: Store) -> Workplace:
    store.script(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(40), note VARCHAR(40), made DATE);"
        "CREATE TABLE log (id INTEGER);"
        "INSERT INTO people VALUES (1, 'Ann', 'x', '2020-01-01'), (2, 'Ben', 'x', '2026-11-01')"
    )
    work.store = store  # type: ignore[attr-defined]
    work.rule("people", 'data = "people"\nkeep = "1 year"\nfrom = "made"', action='"pseudonymize"')
    work.connect(store, DATASET)
    return work


def trigger(shop: Workplace, does: str, *, of: str = "", name: str = "touch") -> None:
    """A trigger that runs before each UPDATE (of a column) and does something to the row, or to `log`."""
    store = shop.store  # type: ignore[attr-defined]
    row = CHANGES.get(does)
    if store.kind == "postgresql":
        body = f"{row or does}; RETURN NEW;"
        store.script(
            f"CREATE OR REPLACE FUNCTION {name}ed() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body} END$$;"
            f"DROP TRIGGER IF EXISTS {name} ON people;"
            f"CREATE TRIGGER {name} BEFORE UPDATE {of} ON people FOR EACH ROW EXECUTE FUNCTION {name}ed()"
        )
        return
    if store.kind == "mariadb":
        store.verbatim(f"DROP TRIGGER IF EXISTS {name}")
        body = f"SET {row}" if row else does
        store.verbatim(f"CREATE TRIGGER {name} BEFORE UPDATE ON people FOR EACH ROW {body}")
        return
    column = (row or "").replace("NEW.", "")
    body = f"UPDATE people SET {column} WHERE id = NEW.id" if row else does
    store.script(
        f"DROP TRIGGER IF EXISTS {name}; CREATE TRIGGER {name} AFTER UPDATE {of} ON people"
        f" WHEN NEW.note IS OLD.note BEGIN {body}; END"
    )


def looked_at(shop: Workplace, *names: str) -> Workplace:
    lines = f"triggers = [{', '.join(map(repr, names))}]\n" if names else ""
    shop.connect(shop.store, DATASET + lines)  # type: ignore[attr-defined]
    return shop


def only(shop: Workplace) -> Problem:
    (problem,) = shop.problems()
    return problem


def names(shop: Workplace) -> list[tuple[str, str]]:
    return shop.store.rows("SELECT name, note FROM people ORDER BY id")  # type: ignore[attr-defined, no-any-return]


def test_one_that_somebody_has_looked_at_runs_and_one_that_changed_since_is_refused(people: Workplace):
    trigger(people, "note")
    problem = only(people)
    assert problem.key == "datasets.people.anonymize"
    assert "`touch`" in problem.found
    assert 'triggers = ["touch"]' in problem.write
    assert not looked_at(people, "touch").problems()
    assert [job.done for job in people.run().jobs] == [1]
    assert names(people) == [("[redacted]", "seen"), ("Ben", "x")]
    people.store.script("UPDATE people SET made = '2020-01-01'")  # type: ignore[attr-defined]
    trigger(people, "INSERT INTO log VALUES (7)")
    (job,) = people.run().jobs
    assert job.status.value == "refused"
    assert "schema" in (job.reason or "")
    assert not people.problems()
    assert [job.done for job in people.run().jobs] == [1]
    assert people.store.rows("SELECT id FROM log")  # type: ignore[attr-defined]


def test_one_that_is_known_to_write_a_clock_or_to_delete_is_refused_all_the_same(people: Workplace):
    trigger(people, "made")
    problem = only(looked_at(people, "touch"))
    assert problem.key == "datasets.people.triggers"
    assert "trigger `touch`" in problem.found
    assert "writes `made`, which is the event `made` of `db.people`" in problem.found
    trigger(people, "DELETE FROM log")
    assert "deletes rows" in only(people).found
    trigger(people, "note")
    assert "has no UPDATE trigger `other`; it has: `touch`" in only(looked_at(people, "touch", "other")).found
    assert only(looked_at(people)).key == "datasets.people.anonymize"


def test_one_for_other_columns_can_not_run(people: Workplace):
    if people.store.kind == "mariadb":  # type: ignore[attr-defined]
        pytest.skip("MariaDB's triggers are for every column")
    trigger(people, "note", of='OF "made", note')
    assert not people.problems()
    assert [job.done for job in people.run().jobs] == [1]
    assert names(people) == [("[redacted]", "x"), ("Ben", "x")]
    trigger(people, "note", of="OF note, NAME")
    assert "an UPDATE of these columns" in only(people).found


def test_a_list_of_triggers_without_anything_that_is_rewritten_means_nothing(people: Workplace):
    plain = DATASET.replace('anonymize = { name = "redact" }\n', 'triggers = ["touch"]\n')
    people.rule("people", 'data = "people"\nkeep = "1 year"\nfrom = "made"')
    people.connect(people.store, plain)  # type: ignore[attr-defined]
    assert "means nothing without `anonymize`" in only(people).found
    for wrong, said in (
        ("[]", "is an empty list"),
        ('["a", "a"]', "listed twice"),
        ('"a"', "is 'a'"),
        ("[7]", "is 7"),
    ):
        people.connect(people.store, DATASET + f"triggers = {wrong}\n")  # type: ignore[attr-defined]
        assert said.replace("'", '"') in only(people).found.replace("'", '"')
