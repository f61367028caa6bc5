"""Every command that there is, in a company whose every value is one text: none leads it into the ledger or a log.

A new command fails the test until it stands in `commands`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.support.stores import SqliteStore
from tests.support.workplace import Workplace

MARK = "zq7kanari"
OLD = "2020-05-05 10:00:00"
ELSEWHERE = {
    "demo": "makes a company of its own",
    "daemon": "test_no_personal_data has a daemon of two days; here it tells its schedule",
}
SHOWS = {
    "hold add": "whom it covers, as typed",
    "event add": "whom it reaches, as typed",
    "explain": "one record, to who names it",
    "hold list": "who is held, and why",
    "event list": "who was told of",
    "audit prove": "the record that was asked for",
    "resume": "why it was stopped, and on whose behalf",
    "status --format text": "the same, while it is stopped",
}
"""What a command may print besides: a person's own data, to who asks for it."""

HAPPENED = {
    "approval.granted", "batch.committed", "event.told", "event.withdrawn", "hold.placed", "hold.released",
    "key.destroyed", "key.rotated", "ledger.archived", "plan.created", "policy.changed", "record.released",
}  # fmt: skip

TABLES = f"""
CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT, email TEXT, city TEXT, made TEXT);
CREATE TABLE letters (id TEXT PRIMARY KEY, email TEXT, made TEXT);
CREATE INDEX letters_email ON letters (email);
CREATE TABLE cases (id TEXT PRIMARY KEY, email TEXT, made TEXT);
INSERT INTO people VALUES
 ('{MARK}-p1', '{MARK}', '{MARK}-1@example.com', '{MARK}-town', '{OLD}'),
 ('{MARK}-p2', '{MARK}', '{MARK}-2@example.com', '{MARK}-town', '{OLD}'),
 ('{MARK}-p3', '{MARK}', '{MARK}-3@example.com', '{MARK}-town', '2026-11-01 10:00:00'),
 ('{MARK}-p4', '{MARK}', '{MARK}-4@example.com', '{MARK}-town', '{OLD}');
INSERT INTO letters VALUES ('{MARK}-l1', '{MARK}-5@example.com', '{OLD}');
INSERT INTO cases VALUES ('{MARK}-c1', '{MARK}-6@example.com', '{OLD}'),
 ('{MARK}-c2', '{MARK}-7@example.com', '{OLD}');
"""
DATASETS = f"""
[datasets.people]
data = "people"
table = "people"
subject = {{ email = "email" }}
began = "made"
events = {{ made = "made" }}
facts = {{ city = "city" }}
where = "name <> '{MARK}-nobody'"
[datasets.letters]
data = "letters"
table = "letters"
subject = {{ email = "email" }}
began = "made"
events = {{ made = "made" }}
anonymize = {{ email = "hash" }}
[datasets.cases]
data = "cases"
table = "cases"
subject = {{ email = "email" }}
began = "made"
events = {{ made = "made" }}
restrict = {{ to = "shop.cases_vault" }}
[datasets.cases_vault]
data = "cases"
table = "cases_vault"
subject = {{ email = "email" }}
began = "made"
events = {{ made = "made" }}
"""
RULE = 'data = "{0}"\nkeep = "1 year"\nfrom = "made"'


@pytest.fixture
def company(work: Workplace, sqlite: SqliteStore) -> Workplace:
    work.template = None  # its pseudonyms' key is made by its own `init`
    sqlite.script(TABLES)
    work.connect(sqlite, DATASETS, name="shop")
    people = RULE.format("people") + f"\nwhere = \"city <> '{MARK}-city'\""
    work.rule("people", people, approval='"always"')
    work.rule("letters", RULE.format("letters"), action='"pseudonymize"')
    work.rule("cases", RULE.format("cases"), action='"restrict"')
    work.rule("gone", 'data = "cases"\nwhere = "restricted"\nkeep = "9 years"\nfrom = "restricted"')
    work.rules["events"] = '[events.asked]\nby = ["email"]\n[identifiers]\nemail = ["trim", "lower"]'
    work.rule("erasure", 'data = "people"\nupon = ["asked"]')
    work.settings = '[ledger]\nkeep = "10 years"\npublish = ["file:published/now"]'
    return work


def commands(work: Workplace) -> Iterator[tuple[str, ...]]:
    """The whole command line, in the order of a company's life. What an answer names is read off the last one."""
    note, mirror = str(work.folder / "published" / "now"), str(work.folder / "state" / "ledger")
    cause = ("--by", f"{MARK} counsel", "--ref", "CASE-1")
    hold = ("hold", "add", "--reason", "dispute", "--text", f"{MARK} sues", "--authority", f"{MARK} court")
    yield ("vault", "create", "shop.cases_vault")
    yield ("init",)
    yield ("check",)
    yield (*hold, *cause, "--accept", "--subject", f"email={MARK}-2@example.com")
    yield (*hold, *cause, "--accept", "--key", "shop.people", f"{MARK}-p4")
    yield ("hold", "list", "--format", "json")
    yield (
        "hold",
        "release",
        last(work, r'"id": ?"([^"]+)"'),
        "--reason",
        f"{MARK} lost",
        "--by",
        f"{MARK} counsel",
    )
    yield ("event", "add", "asked", *cause, "--subject", f"email={MARK}-4@example.com", "--yes")
    yield ("event", "add", "asked", *cause, "--subject", f"email={MARK}-3@example.com", "--yes")
    yield ("event", "list", "--format", "json")
    yield ("event", "withdraw", last(work, r'"id": ?"([^"]+)"'), "--by", f"{MARK} agent")
    yield ("plan", "--output", str(work.folder / "plan.json"), "--format", "json")
    yield ("plan",)
    yield ("plan", "list", "--format", "json")
    made = last(work, r'"id": ?"([^"]+)"')
    yield ("plan", "show", made)
    yield ("approve", made)
    yield ("daemon", "--print-schedule")
    yield ("run", "--yes")
    yield ("run", "--yes", "--format", "json")
    yield ("explain", "shop.people", f"{MARK}-p3")
    yield ("explain", "shop.people", f"{MARK}-nobody")
    yield ("suppressed", "shop.letters", "--from", "-")
    yield ("vault", "release", "shop.cases_vault", f"{MARK}-c1", "--reason", "dispute", *cause)
    yield ("vault", "release", "shop.cases_vault", f"{MARK}-none", "--reason", "dispute")
    yield ("stop", "--reason", f"{MARK} was wrong", *cause)
    yield ("run", "--yes")
    yield ("status", "--format", "text")
    yield ("resume",)
    for kind in ("signing", "evidence", "pseudonym"):
        yield ("key", "rotate", kind)
    yield ("run", "--yes")
    yield ("status", "--format", "json")
    yield ("key", "list")
    for form in (("--format", "text"), ("--format", "json"), ("--as", "ocsf"), ("--as", "cloudevents")):
        yield ("audit", "log", *form)
    yield ("audit", "verify", "--against", note)
    yield ("audit", "verify", "--mirror", mirror)
    yield ("audit", "consistency", note, note)
    yield ("audit", "export", str(work.folder / "export"))
    yield ("audit", "prove", "shop.people", f"{MARK}-p1")
    yield ("audit", "prove", "shop.people", f"{MARK}-never")
    yield ("key", "destroy", "evidence", "--before", "2027-01-01", "--yes")
    yield ("key", "destroy", "pseudonym", "--before", "2027-01-01", "--yes")
    busy(work)
    work.now = work.now.replace(year=2038)
    yield ("audit", "archive", str(work.folder / "archive"))
    yield ("audit", "log", "--format", "json", "--archive", str(work.folder / "archive"))


def busy(work: Workplace) -> None:
    """So many events that some can be put into an archive."""
    from retention.verbs.opening import stores
    from retention.verbs.opening.configured import configuration

    with stores.opened(configuration(work.place), work.place) as state, state.begin() as tx:
        for number in range(300):
            tx.log.append("error", {"what": "a busy time", "number": number}, work.clock())
        tx.log.checkpoint(work.clock())


SAID: dict[Path, str] = {}
"""Folder → what the last command printed there."""


def last(work: Workplace, pattern: str) -> str:
    """What the last command named."""
    found = re.search(pattern, SAID[work.folder])
    assert found is not None, SAID[work.folder]
    return found.group(1)


def named(words: tuple[str, ...]) -> str:
    """`plan list` of its words, `plan` where what follows is no command."""
    return next(name for name in (" ".join(words[:2]), words[0]) if name in tree())


def tree() -> set[str]:
    """Every command that can be typed."""
    from retention.cli.root import root

    def walk(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield " ".join(path)
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found is not None
                yield from walk(found, (*path, name))

    context = click.Context(root)
    return set(walk(root, ())) - {""}


def test_no_command_takes_a_person_s_data_into_the_ledger_or_a_log(company: Workplace) -> None:
    codes: dict[tuple[str, int], tuple[str, ...]] = {}
    tried, wanted = (
        set(),
        {
            "run": {0, 4},
            "explain": {0, 2},
            "vault release": {0, 2, 4},
            "audit prove": {0, 7},
            "suppressed": {7},
        },
    )
    company.init()
    for words in commands(company):
        told = company.cli(*words, typed=f"{MARK}-5@example.com\n{MARK}-9@example.com\n")
        name = named(words)
        tried.add(name)
        SAID[company.folder] = told.stdout
        codes[name, told.exit_code] = words
        assert told.exit_code in wanted.get(name, {0}), (words, told.output)
        printed = told.stderr if SHOWS.keys() & {name, " ".join(words)} else told.stdout + told.stderr
        printed = " ".join(printed.split())  # lines are folded between words
        for word in words:  # what was typed may be said again to who typed it
            printed = printed.replace(word, "")
        assert MARK not in printed.replace(" ", ""), (words, printed)
    kinds = {json.loads(line)["type"] for line in SAID[company.folder].splitlines()}
    assert kinds >= HAPPENED, HAPPENED - kinds
    assert tree() - tried == set(ELSEWHERE) - {"daemon"}
    state = SqliteStore(company.folder / "state" / "retention.db")
    for table in ("event", "checkpoint", "event_index", "evidence_group", "block", "batch", "run", "archive"):
        assert MARK not in repr(state.rows(f"SELECT * FROM retention_{table}")), table
    folders = ("state/ledger", "published", "export", "archive")
    files = [path for name in folders for path in (company.folder / name).rglob("*") if path.is_file()]
    files.append(company.folder / "plan.json")
    assert len(files) > 15
    assert not [path for path in files if MARK.encode() in path.read_bytes()]
