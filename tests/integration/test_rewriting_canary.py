"""A text that stands in every column is told by no plan, run, ledger or error, also of records that stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.workplace import Workplace

MARK = "zq7kanari"
SCHEMA = """
CREATE TABLE person (id INTEGER PRIMARY KEY, email VARCHAR(60) UNIQUE, name VARCHAR(40), note VARCHAR(80),
 born VARCHAR(40), seen TIMESTAMP {null}, CHECK (note <> '[redacted]' OR name NOT LIKE '%Bad'));
CREATE TABLE address (id INTEGER PRIMARY KEY, person INTEGER NOT NULL, street VARCHAR(40) UNIQUE, town VARCHAR(40),
 FOREIGN KEY (person) REFERENCES person (id))
"""
DATASETS = """
[datasets.people]
data = "people"
table = "person"
subject = { email = "email" }
began = "seen"
events = { seen = "seen" }
parts = ["address"]
anonymize = { email = "hash", note = "redact", born = "year", "address.street" = "hash", "address.town" = "year" }
allow_scan = true
"""
OLD = "2020-01-01 00:00:00"


@pytest.fixture
def company(work: Workplace, store) -> Workplace:
    """One person is rewritten; of another a CHECK, of others a date that is none and one in a part stand against it."""
    null = "NULL" if store.kind == "mariadb" else ""
    for statement in filter(str.strip, SCHEMA.format(null=null).split(";")):
        (store.verbatim if store.kind == "mariadb" else store.script)(statement)
    rows = [(1, "Ann", "1984-05-06"), (2, "Bad", "1984-05-06"), (3, "Cas", MARK), (4, "Dan", "1984-05-06")]
    people = (
        f"({n}, '{MARK}{n}@example.org', '{MARK} {name}', '{MARK} note', '{born}', '{OLD}')"
        for n, name, born in rows
    )
    store.script(f"INSERT INTO person VALUES {', '.join(people)}")
    towns = [(n, MARK if n == 4 else "2001-02-03") for n in (1, 2, 3, 4)]
    addresses = (f"({n}, {n}, '{MARK} street {n}', '{town}')" for n, town in towns)
    store.script(f"INSERT INTO address VALUES {', '.join(addresses)}")
    work.rule("people", 'data = "people"\nkeep = "1 year"\nfrom = "seen"', action='"pseudonymize"')
    work.connect(store, DATASETS)
    work.store = store
    work.init()
    return work


def told(work: Workplace) -> Iterator[tuple[str, str]]:
    """Everything that is said of a run, and of what it leaves."""
    for words in (
        ("check",),
        ("plan", "--sql"),
        ("run", "--yes"),
        ("run", "--yes", "--format", "json"),
        ("status",),
        ("plan", "--format", "html"),
        ("audit", "log", "--format", "json"),
    ):
        result = work.cli(*words)
        yield " ".join(words), result.output + result.stderr + repr(result.exception)


def in_files(folder: Path) -> list[Path]:
    """Files of the state, and of the ledger's mirror."""
    files = (path for path in (folder / "state").rglob("*") if path.is_file())
    return [path for path in files if MARK.encode() in path.read_bytes()]


def test_nobody_is_told_what_stands_in_a_record_that_can_not_be_rewritten(company: Workplace, caplog):
    said = dict(told(company))
    for words, output in said.items():
        assert MARK not in output, words
    assert "1 hold" in said["check"]  # rows of which no year can be made
    assert "CHECK" in said["check"]
    (job,) = (job for job in company.run().jobs)
    assert (job.done, job.set_aside) == (0, 3), job
    assert MARK not in str(job)
    assert not in_files(company.folder)
    assert MARK not in caplog.text


def test_an_address_that_comes_back_is_set_aside_and_check_says_so_beforehand(company: Workplace):
    """The hash of the first opt-out is there already, and the column is unique."""
    (warning,) = (w for w in company.check().warnings if "`email` is unique" in w)
    assert "set aside" in warning
    assert ("WHERE" in warning) == (company.store.kind != "mariadb")
    company.store.script("DELETE FROM address; DELETE FROM person WHERE id > 1")
    (job,) = company.run().jobs
    assert (job.done, job.set_aside) == (1, 0)
    ((hashed,),) = company.store.rows("SELECT email FROM person")
    company.store.script(
        f"INSERT INTO person VALUES (7, '{MARK}1@example.org', 'x', 'y', NULL, '{OLD}'),"
        f" (8, '{MARK}8@example.org', 'x', 'y', NULL, '{OLD}')"
    )
    outcome = company.run()
    (job,) = outcome.jobs
    assert (job.done, job.set_aside) == (1, 1)
    emails = dict(company.store.rows("SELECT id, email FROM person"))
    assert emails[1] == hashed
    assert emails[7] == f"{MARK}1@example.org"
    assert emails[8].startswith("rh1-")
    for text in (str(outcome), str(company.events())):
        assert MARK not in text
        assert "rh1-" not in text
