"""What `check` says of a rewriting that a table, the values in it, or the rules would not have."""

from __future__ import annotations

import pytest

TABLE = """
CREATE TABLE {name} (id INTEGER PRIMARY KEY, email VARCHAR(60) NOT NULL UNIQUE, name VARCHAR(20), note TEXT,
 code VARCHAR(8), born VARCHAR(40), age INTEGER, small SMALLINT, flag {boolean}, boss INTEGER, seen TIMESTAMP,
 kept VARCHAR(40), done_at TIMESTAMP, made_at TIMESTAMP, plain INTEGER NOT NULL,
 CHECK (length(kept) < 4 OR kept LIKE 'a%'))
"""
RULE = 'data = "people"\nkeep = "1 year"\nfrom = "made"'
DATASET = """
[datasets.people]
data = "people"
table = "people"
events = {{ made = "made_at" }}
facts = {{ tall = "age > 3" }}
{more}
"""


@pytest.fixture
def checked(work, store):
    boolean = {"sqlite": "BOOLEAN", "postgresql": "BOOLEAN", "mariadb": "TINYINT(1)"}[store.kind]
    made = TABLE.format(name="people", boolean=boolean)
    nullable = made.replace("TIMESTAMP", "TIMESTAMP NULL") if store.kind == "mariadb" else made
    (store.verbatim if store.kind == "mariadb" else store.script)(nullable)
    store.script(
        "INSERT INTO people (id, email, name, born, kept, plain) VALUES"
        " (1, 'a@example.org', 'Ann', '1984-05-06', 'abc', 1),"
        " (2, 'b@example.org', 'Ben', 'in May', 'abc', 1)"
    )
    work.rule("people", RULE)

    def check(more):
        work.connect(store, DATASET.format(more=more))
        return work.problems()

    check.store = store
    return check


def one(problems, key):
    (problem,) = problems
    assert problem.key == f"datasets.people.{key}", problem
    return problem


SERVERS = frozenset({"postgresql", "mariadb"})
"""SQLite holds lengths and sizes to nothing."""
EVERY = SERVERS | {"sqlite"}
CASES = [
    (EVERY, "plain", '"null"', "NOT NULL", "redact"),
    (SERVERS, "code", '"redact"', "10 characters", "at most 8"),
    (SERVERS, "code", '"hash"', "30 characters", '"null"'),
    (SERVERS, "code", '{ strategy = "mask", keep = 6 }', "9 characters", "keep = 4"),
    (SERVERS, "code", '{ strategy = "prefix", length = 8 }', "would keep all", "smaller"),
    (EVERY, "small", '"year"', "can't be made", "round"),
    (EVERY, "made_at", '"year"', "the event `made`", "take it out"),
    (EVERY, "id", '"null"', "part of the key", "take it out"),
    (EVERY, "email", '"redact"', "unique", '"hash"'),
    (EVERY, "email", '{ strategy = "prefix", length = 3 }', "unique", '"hash"'),
    (EVERY, "email", '"redact"', "unique", 'where the rules\' action is "pseudonymize"'),
    (SERVERS, "small", '{ strategy = "redact", with = 40_000 }', "can't hold", "smaller"),
    (EVERY, "small", '{ strategy = "round", width = 1 }', "stays what it is", "greater"),
    (EVERY, "flag", '"hash"', "can't be made", "with = false"),
    (EVERY, "note", '{ strategy = "round", width = 10 }', "can't be made", '"redact"'),
    (EVERY, "nmae", '"null"', "no column `nmae`", "name"),
    (EVERY, "kept", '"redact"', "CHECK", "pass it"),
    (EVERY, "born", '"year"', "1 hold", "mend them"),
    (EVERY, "born", '{ strategy = "prefix", ipv4 = 24 }', "no IP address", "mend them"),
]


def test_a_column_that_cannot_take_it_is_named(checked):
    for kinds, column, strategy, found, write in CASES:
        if checked.store.kind in kinds:
            done = '\ndone = "done_at"' if "mask" in strategy else ""
            problem = one(checked(f"anonymize = {{ {column} = {strategy} }}{done}"), f"anonymize.{column}")
            assert found in problem.found, problem
            assert write in problem.write, problem
            assert "in May" not in str(problem)


def test_what_fits_is_no_problem(checked):
    more = 'anonymize = { email = "hash", name = "redact", note = { strategy = "mask", keep = 2 }, boss = "null" }'
    assert not checked(more + '\ndone = "done_at"')
    masked = 'anonymize = { note = { strategy = "mask", keep = 2 } }\ndone = "plain"'
    assert "can't say when" in one(checked(masked), "done").found
    problem = one(checked('anonymize = { age = "null" }'), "anonymize.age")
    assert "the fact `tall`" in problem.found


def test_a_trigger_and_an_index_of_some_rows_are_named(checked):
    made = {
        "sqlite": "CREATE TRIGGER touch AFTER UPDATE ON people BEGIN SELECT 1; END",
        "postgresql": "CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER touch BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION touched()",
        "mariadb": "CREATE TRIGGER touch BEFORE UPDATE ON people FOR EACH ROW SET NEW.made_at = NEW.made_at",
    }
    store = checked.store
    index = {
        "sqlite": "CREATE UNIQUE INDEX low ON people (lower(name))",
        "postgresql": "CREATE UNIQUE INDEX low ON people (lower(name)) WHERE id > 0",
        "mariadb": "CREATE UNIQUE INDEX low ON people (name(3))",
    }
    run = store.verbatim if store.kind == "mariadb" else store.script
    run(index[store.kind])
    assert "`low`" in one(checked('anonymize = { name = "redact" }'), "anonymize.name").found
    run(made[store.kind])
    assert "touch" in one(checked('anonymize = { name = "redact" }'), "anonymize").found


def test_a_column_of_a_reference_and_one_that_others_refer_to(checked):
    checked.store.script(
        "CREATE TABLE bosses (id INTEGER PRIMARY KEY, staff INTEGER REFERENCES people (id));"
        "CREATE INDEX staff_ix ON bosses (staff)"
    )
    bosses = '\n[datasets.bosses]\ndata = "bosses"\ntable = "bosses"\nanonymize = { staff = "null" }'
    (problem,) = checked(bosses)
    assert problem.key == "datasets.bosses.anonymize.staff"
    assert "part of a reference" in problem.found
