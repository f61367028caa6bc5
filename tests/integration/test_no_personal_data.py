"""Nobody whom the records are about is in the ledger, in what is made of it, or in what is logged."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from retention.daemon.metrics import Metrics
from retention.daemon.notices import mail, sending
from retention.ledger.evidence import open_record, unpack
from retention.ledger.line import canonical
from retention.model.notice import Mail, Message
from retention.store.keyfiles import load_evidence_key
from retention.verbs import switch
from tests.support.daemons import Kept, World
from tests.support.stores import SqliteStore
from tests.support.workplace import Workplace

MARK = "zq7kanari"
"""In every value, key, identifier, reason and condition; nowhere else."""
EMAIL = f"{MARK}-email@example.com"

DATASETS = """
[datasets.people]
data = "people"
table = "people"
subject = { email = "email" }
began = "made"
events = { made = "made" }
facts = { city = "city" }
where = "name <> 'zq7kanari-nobody'"
"""
RULE = """
data = "people"
keep = "1 year"
from = "made"
where = "city <> 'zq7kanari-city'"
"""
ERASURE = """
data = "any"
upon = ["asked"]
"""
OLD = "2020-05-05 10:00:00"


@pytest.fixture
def company(work: Workplace, sqlite: SqliteStore) -> Workplace:
    rows = [f"('{MARK}-key-{n}', '{MARK}-name', '{EMAIL}', '{MARK}-town', '{OLD}')" for n in range(4)]
    rows.append(f"('{MARK}-other', 'x', 'zq7kanari-2@example.com', 'y', '{OLD}')")
    sqlite.script(
        "CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT, email TEXT, city TEXT, made TEXT);"
        f"INSERT INTO people VALUES {', '.join(rows)}"
    )
    work.connect(sqlite, DATASETS, name="shop")
    work.rule("people", RULE)
    work.rules["events"] = '[events.asked]\nby = ["email"]'
    work.rule("erasure", ERASURE)
    work.settings = '[ledger]\npublish = ["file:published/now", "folder:published/all"]'
    work.init()
    return work


def commands(work: Workplace) -> Iterator[tuple[str, ...]]:
    """Everything that the command line can do here, but what shows a person's own data to who asks for it."""
    mirror = str(work.folder / "state" / "ledger")
    note = str(work.folder / "published" / "now")
    yield ("check",)
    hold = (
        "hold",
        "add",
        "--reason",
        "dispute",
        "--text",
        f"{MARK} sues",
        "--authority",
        f"{MARK} court",
        "--accept",
    )
    yield (*hold, "--subject", "email=zq7kanari-2@example.com", "--by", f"{MARK} counsel", "--ref", "CASE-1")
    yield (*hold, "--key", "shop.people", f"{MARK}-key-2", "--ref", "CASE-2")
    yield (
        "event",
        "add",
        "asked",
        "--subject",
        f"email={EMAIL}",
        "--by",
        f"{MARK} agent",
        "--ref",
        "CASE-3",
        "--yes",
    )
    yield ("run", "--yes")
    yield ("status",)
    yield ("status", "--format", "json")
    yield ("key", "rotate", "signing")
    yield ("key", "rotate", "evidence")
    yield ("run", "--yes")
    yield ("run", "--rule", "people", "--limit", "1", "--yes")
    yield ("key", "list")
    yield ("audit", "log")
    yield ("audit", "log", "--format", "json")
    yield ("audit", "log", "--as", "ocsf")
    yield ("audit", "log", "--as", "cloudevents")
    yield ("audit", "verify", "--against", note)
    yield ("audit", "verify", "--mirror", mirror)
    yield ("audit", "consistency", note, note)
    yield ("audit", "export", str(work.folder / "export"))
    yield ("audit", "export", str(work.folder / "part"), "--from", "2026-11-22", "--to", "2026-11-22")
    yield ("key", "destroy", "evidence", "--before", "2027-01-01", "--yes")
    yield ("audit", "verify")


def test_a_text_that_is_everywhere_in_the_data_is_nowhere_in_the_ledger(company: Workplace) -> None:
    done = {}
    for words in commands(company):
        told = company.cli(*words)
        done[words[:2]] = told.exit_code
        said = told.stderr if words[0] in ("check", "hold", "event") else told.stdout + told.stderr
        assert MARK not in said, (words, said)
    assert {code for words, code in done.items() if words[0] not in ("run", "check")} == {0}, done
    gone = SqliteStore(company.folder / "target.db").rows("SELECT id FROM people ORDER BY id")
    assert [id for (id,) in gone] == [f"{MARK}-key-2", f"{MARK}-other"]
    state = SqliteStore(company.folder / "state" / "retention.db")
    for table in ("event", "checkpoint", "event_index", "evidence_group", "block", "batch", "run"):
        assert MARK not in repr(state.rows(f"SELECT * FROM retention_{table}")), table
    folders = ("state/ledger", "published", "export", "part")
    files = [path for name in folders for path in (company.folder / name).rglob("*") if path.is_file()]
    assert len(files) > 20
    assert not [path for path in files if MARK.encode() in path.read_bytes()]
    kinds = {event["type"] for event in company.events()}
    assert {
        "hold.placed",
        "event.told",
        "batch.committed",
        "policy.changed",
        "run.ended",
        "key.destroyed",
    } <= kinds


class Collecting:
    """Takes every message, as it would be sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.kinds: set[str] = set()

    def send(self, message: Message) -> None:
        letter = mail.letter(MAIL, message, message.since)
        self.sent += [sending.body(message), letter.as_bytes(), str(letter["Subject"]).encode()]
        self.kinds.add(message.kind)

    def cut(self) -> None:
        pass


MAIL = Mail(
    name="dpo",
    folder="/",
    to=("dpo@example.com",),
    sender="r@example.com",
    host="localhost",
    port=25,
    tls="off",
)


def test_nor_is_it_in_metrics_notices_and_the_log_of_a_daemon(company: Workplace) -> None:
    company.settings += '\n[notify.ops]\ncommand = ["page"]\nfailures = 1'
    company.rules["people"] += '\nschedule = "*/10 * * * *"'
    add = ("hold", "add", "--reason", "dispute", "--text", f"{MARK} sues", "--ref", "CASE-1", "--accept")
    held = company.cli(*add, "--review", "2026-11-23", "--key", "shop.people", f"{MARK}-key-2")
    assert held.exit_code == 0
    assert company.cli("plan").exit_code == 0
    collecting, world = Collecting(), World(now=company.now + timedelta(days=2))
    kept = Kept(world=world, place=company.place, senders=lambda channel: collecting)
    kept.ticks(601, step=60)
    (company.folder / "target.db").rename(company.folder / f"{MARK}.db")
    kept.ticks(601, step=60)
    switch.stop(company.place, reason=f"{MARK} was wrong", by="ida", behalf=f"{MARK} x", clock=world.wall)
    company.place.config.write_text(f"[policy]\nname = '{MARK}\n")
    kept.ticks(400, step=20)
    assert collecting.kinds >= {"overdue", "failing", "review", "stopped", "configuration"}
    assert MARK.encode() not in b"".join(collecting.sent)
    metrics = Metrics(kept.daemon.vitals, world.wall).text()
    assert b'outcome="done"' in metrics
    assert MARK.encode() not in metrics
    assert "run.over" in kept.stream.getvalue()
    assert MARK not in kept.stream.getvalue()
    state = SqliteStore(company.folder / "state" / "retention.db")
    assert state.rows("SELECT count(*) FROM retention_notice") != [(0,)]
    assert MARK not in repr(state.rows("SELECT * FROM retention_notice"))


def guesses(message: bytes) -> Iterator[bytes]:
    """What somebody without the key can try: the commitment's own steps, without what keys them."""
    for size in (0, 16, 32, 64):
        blind = hashlib.blake2b(message, key=b"\0" * size, digest_size=32).digest() if size else b""
        for start in (b"\x00", b""):
            yield hashlib.sha256(start + blind + message).digest()
            yield hashlib.sha256(start + message + blind).digest()
    yield hashlib.blake2b(message, digest_size=32).digest()


def test_an_address_is_guessed_by_who_has_the_key_only(work: Workplace, sqlite: SqliteStore) -> None:
    """The record's key is an e-mail address, of which there are few enough to try them all."""
    sqlite.script(
        "CREATE TABLE people (email TEXT PRIMARY KEY, made TEXT);"
        f"INSERT INTO people VALUES ('anna@example.com', '{OLD}'), ('bo@example.com', '{OLD}')"
    )
    dataset = '[datasets.people]\ndata = "people"\ntable = "people"\nevents = { made = "made" }'
    work.connect(sqlite, dataset, name="shop")
    work.rule("people", 'data = "people"\nkeep = "1 year"\nfrom = "made"')
    assert work.run().status == "done"
    state = SqliteStore(work.folder / "state" / "retention.db")
    leaves = {
        leaf for (packed,) in state.rows("SELECT leaves FROM retention_evidence") for leaf in unpack(packed)
    }
    ledger = (work.folder / "state" / "ledger" / "ledger.jsonl").read_text()
    assert len(leaves) == 2
    tried = [
        "anna@example.com",
        "bo@example.com",
        *(f"{name}@example.com" for name in ("carl", "dora", "eve")),
    ]
    for address in tried:
        message = canonical(["retention/record/1", "shop", "people", [address]])
        for guess in guesses(message):
            assert guess not in leaves
            assert guess.hex() not in ledger
    key = load_evidence_key(Path(work.folder / "state" / "keys" / "evidence.key"))

    def opened(secret: bytes) -> list[str]:
        return [a for a in tried if open_record(secret, "shop", "people", (a,)).leaf in leaves]

    assert opened(key) == ["anna@example.com", "bo@example.com"]
    assert opened(bytes(32)) == opened(hashlib.sha256(key).digest()) == []
