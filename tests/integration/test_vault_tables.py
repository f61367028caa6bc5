"""`vault create` on three databases: tables that take every value as it is, and give it back so."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import warnings
from collections.abc import Callable, Iterator

import pytest

from retention.connectors.sql.batches.moving import Moves
from retention.connectors.sql.batches.removal import KeyRemover
from retention.errors import ConfigurationError
from tests.support.workplace import Workplace

PEOPLE = {
    "postgresql": """
CREATE TABLE towns (id integer PRIMARY KEY, name text);
CREATE TABLE people (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email varchar(60) UNIQUE,
 name text COLLATE "C", born date, seen timestamptz, tags text[], doc jsonb, photo bytea, amount numeric(12,4),
 code uuid, town integer REFERENCES towns, loud text GENERATED ALWAYS AS (upper(name)) STORED, gone timestamp,
 CHECK (amount > 0));
INSERT INTO towns VALUES (1, 'Oslo');
INSERT INTO people (email, name, born, seen, tags, doc, photo, amount, code, town, gone) VALUES
 ('a@x', 'Ann', '-infinity', '2021-06-01 12:00:00.123456+02', '{x,"y z"}', '{"k": 1}', '\\x00ff', 1.5000,
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 1, '2020-01-01 10:00:00'),
 ('b@x', 'Bo', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
""",
    "mariadb": """
CREATE TABLE towns (id integer PRIMARY KEY, name varchar(20));
CREATE TABLE people (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, email varchar(60) UNIQUE,
 name varchar(40) CHARACTER SET latin1 COLLATE latin1_bin, born date, seen timestamp(6) NULL, doc json, photo longblob,
 amount decimal(12,4), code uuid, flags bit(8), kind enum('a', 'it''s'), town integer, loud varchar(40) AS (upper(name))
 STORED, changed timestamp NOT NULL DEFAULT current_timestamp ON UPDATE current_timestamp, gone datetime,
 FOREIGN KEY (town) REFERENCES towns (id), CHECK (amount > 0));
INSERT INTO towns VALUES (1, 'Oslo');
INSERT INTO people (email, name, born, seen, doc, photo, amount, code, flags, kind, town, changed, gone) VALUES
 ('a@x', 'Ann', '0000-00-00', '2021-06-01 12:00:00.123456', '{"k": 1}', x'00ff', 1.5,
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', b'101', 'it''s', 1, '2001-01-01 01:01:01', '2020-01-01 10:00:00'),
 ('b@x', 'Bo', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2001-01-01 01:01:01', NULL);
""",
    "sqlite": """
CREATE TABLE towns (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT COLLATE NOCASE UNIQUE,
 name TEXT COLLATE "rtrim", born DATE, photo BLOB, amount NUMERIC CHECK (amount > 0),
 town INTEGER REFERENCES towns (id), loud TEXT GENERATED ALWAYS AS (upper(name)) STORED, gone TIMESTAMP);
INSERT INTO towns VALUES (1, 'Oslo');
INSERT INTO people (email, name, born, photo, amount, town, gone) VALUES
 ('a@x', 'Ann', 'whenever', x'00ff', 1.5, 1, '2020-01-01 10:00:00'), ('b@x', 'Bo', NULL, NULL, NULL, NULL, NULL);
""",
}
LETTERS = """
CREATE INDEX people_town ON people (town);
CREATE TABLE letters (person {key} NOT NULL, n INTEGER NOT NULL, body VARCHAR(60), PRIMARY KEY (person, n),
 FOREIGN KEY (person) REFERENCES people (id));
INSERT INTO letters VALUES (1, 1, 'Dear'), (1, 2, 'Again'), (2, 1, 'No')
"""
DATASETS = """
[datasets.people]
data = "people"
table = "{2}people"
events = {{ gone = "gone" }}
parts = ["{2}letters"]
restrict = {{ to = "db.vault" }}

[datasets.vault]
data = "people"
table = "{0}people{1}"
events = {{ gone = "gone" }}
parts = ["{0}letters{1}"]

[datasets.towns]
data = "towns"
table = "towns"
events = {{ old = "never" }}
"""


@pytest.fixture
def shop(work, store) -> Workplace:
    kind = store.kind
    key = {"postgresql": "BIGINT", "mariadb": "bigint unsigned", "sqlite": "INTEGER"}[kind]
    (store.verbatim if kind == "mariadb" else store.script)(PEOPLE[kind] + LETTERS.format(key=key))
    work.store = store
    work.where = ("locked.", "") if kind == "postgresql" else ("", "_vault")
    work.connect(store, DATASETS.format(*work.where, "public." if kind == "postgresql" else ""))
    work.rule("gone", 'data = "people"\nkeep = "1 year"\nfrom = "gone"', action='"restrict"')
    work.rule("towns", 'data = "towns"\nkeep = "1 year"\nfrom = "old"')
    work.init()
    return work


def vaulted(shop: Workplace, table: str) -> str:
    return table.join(shop.where)


def created(shop: Workplace) -> list[str]:
    result = shop.cli("vault", "create", "db.vault", "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["lines"]


def moved(shop: Workplace) -> int:
    """What a run moves to the vault; its rule has a job on what is there already, too, which goes first."""
    (job,) = (job for job in shop.run().jobs if (job.rule, job.dataset != "vault") == ("gone", True))
    return job.done


def state(shop: Workplace) -> dict[str, list[int]]:
    """Ids here, letters here, ids in the vault, letters there."""
    tables = ("people", "letters", vaulted(shop, "people"), vaulted(shop, "letters"))
    columns = ("id", "person", "id", "person")
    return {
        table: [row[0] for row in shop.store.rows(f"SELECT {column} FROM {table} ORDER BY 1")]
        for table, column in zip(tables, columns, strict=True)
    }


def places(shop: Workplace, people: list[int], letters: list[int], there: list[int], theirs: list[int]):
    names = ("people", "letters", vaulted(shop, "people"), vaulted(shop, "letters"))
    return dict(zip(names, (people, letters, there, theirs), strict=True))


def test_tables_are_made_that_check_agrees_with_and_values_come_back_as_they_were(shop: Workplace):
    """Computed columns, identities, collations, zones, blobs; a town stays while somebody in the vault lives there."""
    assert any("vault" in problem.key for problem in shop.problems())
    before = shop.store.snapshot()
    script = shop.cli("vault", "create", "db.vault", "--ddl").output
    assert shop.store.snapshot() == before
    made = created(shop)
    assert [("made" in line) for line in made] == [True, True, False]
    assert [("left as it is" in line) for line in created(shop)] == [True, True, False]
    again = shop.cli("vault", "create", "db.vault", "--ddl").output
    assert ("nothing to be made" in script, "nothing to be made" in again) == (False, True)
    assert "CREATE TABLE" not in again
    report = shop.check()
    assert not report.problems
    assert not [w for w in report.warnings if "vault" in w]
    assert ("GRANT" in script, "vault_reviewers" in script) == (shop.store.kind != "sqlite",) * 2
    assert moved(shop) == 1
    assert state(shop) == places(shop, [2], [2], [1], [1, 1])
    if shop.store.kind == "sqlite":
        assert {row[2] for row in shop.store.rows("PRAGMA foreign_key_list(people_vault)")} == {"towns"}
    else:
        with pytest.raises(Exception, match=r"(?i)foreign key|violates"):
            shop.store.script("DELETE FROM towns")
    given = shop.cli("vault", "release", "db.vault", "1", "--reason", "other")
    assert given.exit_code == 0, given.output
    after = shop.store.snapshot()
    assert {table: after[table] for table in before} == before


def test_a_table_that_has_changed_stops_what_would_be_moved(shop: Workplace):
    created(shop)
    people = vaulted(shop, "people")
    assert shop.job("gone", dataset="db.people").due == 1
    shop.store.script(f"ALTER TABLE {people} ADD COLUMN more INTEGER")
    (problem,) = shop.problems()
    assert "has more, which" in problem.found
    assert "vault create" in problem.write
    shop.store.script(f"ALTER TABLE {people} DROP COLUMN more; ALTER TABLE people ADD COLUMN more INTEGER")
    (problem,) = shop.problems()
    assert "has no more, which" in problem.found
    with pytest.raises(ConfigurationError) as failure:
        shop.run()
    assert "has no more" in str(failure.value.problems)


def test_a_name_that_would_mean_two_tables_is_refused_before_there_are_two(work, postgresql):
    postgresql.script("CREATE TABLE people (id INTEGER PRIMARY KEY, gone TIMESTAMP)")
    datasets = DATASETS.format("locked.", "", "").partition("[datasets.towns]")[0]
    parts = ('parts = ["letters"]', 'parts = ["locked.letters"]')
    work.connect(postgresql, datasets.replace(parts[0], "").replace(parts[1], ""))
    work.rule("gone", 'data = "people"\nkeep = "1 year"\nfrom = "gone"', action='"restrict"')
    told = work.cli("vault", "create", "db.vault")
    assert told.exit_code == 3
    assert 'write its schema: "public.people"' in " ".join(told.output.split())


# -- killed in the middle ------------------------------------------------------------------


@contextlib.contextmanager
def replaced(of: type, name: str, by: Callable[..., object]) -> Iterator[None]:
    kept = getattr(of, name)
    setattr(of, name, lambda self, *given, **more: by(kept, self, *given, **more))
    try:
        yield
    finally:
        setattr(of, name, kept)


def dying(*, after: bool) -> Callable[..., object]:
    """Ends the process without a word, before or after what it stands for."""

    def die(kept: Callable[..., object], *given: object, **more: object) -> None:
        if after:
            kept(*given, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    return die


def killed(act: Callable[[], object], of: type, name: str, *, after: bool) -> None:
    """`act` in a process that dies there."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # of forks beside threads: the child begins its own
        child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException), replaced(of, name, dying(after=after)):
            act()
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def test_a_move_that_is_killed_leaves_no_double_and_loses_nothing(shop: Workplace):
    created(shop)
    here, there = places(shop, [1, 2], [1, 1, 2], [], []), places(shop, [2], [2], [1], [1, 1])
    killed(shop.run, Moves, "copy", after=True)
    assert state(shop) == here
    killed(shop.run, KeyRemover, "commit", after=False)
    assert state(shop) == here
    killed(shop.run, KeyRemover, "commit", after=True)
    assert state(shop) == there
    assert moved(shop) == 0
    outcomes = [e["data"]["outcome"] for e in shop.events() if e["type"] == "batch.reconciled"]
    assert outcomes == ["aborted", "committed"]

    def release() -> None:
        shop.cli("vault", "release", "db.vault", "1", "--reason", "audit", "--ref", "CASE-1")

    killed(release, Moves, "copy", after=True)
    killed(release, KeyRemover, "commit", after=False)
    assert state(shop) == there
    killed(release, KeyRemover, "commit", after=True)
    assert state(shop) == here
    shop.rule("gone", 'data = "people"\nkeep = "9 years"\nfrom = "gone"', action='"restrict"')
    shop.run()
    released = [e["data"] for e in shop.events() if e["type"] == "record.released"]
    assert [(d["ref"], d["reason"], d["dataset"]) for d in released] == [("CASE-1", "audit", "vault")]
    assert state(shop) == here


def test_what_is_printed_is_enough_for_a_role_of_its_own(work, server, postgresql):
    """The script as the owner runs it, its grants, and nothing else on the vault; without INSERT nothing goes back."""
    key = "BIGINT"
    postgresql.script(PEOPLE["postgresql"] + LETTERS.format(key=key))
    work.where, work.store = ("locked.", ""), postgresql
    datasets = DATASETS.format("locked.", "", "public.").partition("[datasets.towns]")[0]
    work.connect(postgresql, datasets)
    work.rule("gone", 'data = "people"\nkeep = "1 year"\nfrom = "gone"', action='"restrict"')
    work.init()
    role = f"r_{postgresql.name}"
    script = work.cli("vault", "create", "db.vault", "--ddl").output
    grants = [line[3:] for line in script.splitlines() if line.startswith("-- GRANT")]
    made = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
    postgresql.script(f"CREATE ROLE {role} LOGIN PASSWORD 'x'; CREATE ROLE {role}_v; {made}")
    try:
        named = " ".join(grants).replace("vault_reviewers", f"{role}_v").replace("TO retention", f"TO {role}")
        back = [line for line in named.split(";") if "INSERT ON" in line and "locked" not in line]
        postgresql.script(";".join(line for line in named.split(";") if line not in back))
        postgresql.script(
            f"GRANT USAGE ON SCHEMA public TO {role};"
            f"GRANT SELECT, DELETE, UPDATE ON people, letters TO {role}; GRANT SELECT ON towns TO {role};"
            f"GRANT SELECT, INSERT, DELETE ON retention_marker TO {role}"
        )
        work.environ["DB_URL"] = postgresql.url.replace("//", f"//{role}:x@", 1).replace("x@root@", "x@")
        assert not work.problems()
        assert moved(work) == 1
        assert state(work) == places(work, [2], [2], [1], [1, 1])
        told = work.cli("vault", "release", "db.vault", "1", "--reason", "other")
        assert (told.exit_code, "GRANT INSERT" in told.output) == (3, True)
        postgresql.script(";".join(back))
        assert work.cli("vault", "release", "db.vault", "1", "--reason", "other").exit_code == 0
        assert state(work) == places(work, [1, 2], [1, 1, 2], [], [])
    finally:
        postgresql.script(f"DROP OWNED BY {role}, {role}_v; DROP ROLE {role}, {role}_v")
