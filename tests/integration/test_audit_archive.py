"""Older events leave the state store for a folder, and everything stays provable."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from retention.config.loading import load
from retention.ledger.line import parse
from retention.ledger.tree import leaf_hash
from retention.store.state import StateStore
from retention.verbs.opening import stores
from retention.verbs.opening.configured import configuration
from tests.support import auditors
from tests.support.states import STATES
from tests.support.stores import SqliteStore
from tests.support.workplace import Workplace

LONG_AGO = datetime(2010, 1, 4, 12, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEEP = '[ledger]\nkeep = "10 years"\n'
ROW = "INSERT INTO orders VALUES ({}, '2005-05-05 10:00:00')"


def _added(work: Workplace, count: int, at: datetime) -> None:
    """Events of a busy time, a checkpoint over every hundred."""
    with stores.opened(configuration(work.place), work.place) as state:
        for start in range(0, count, 100):
            with state.begin() as tx:
                for number in range(start, min(start + 100, count)):
                    tx.log.append("error", {"what": "a busy time", "number": number}, at)
                tx.log.checkpoint(at)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def old(request: pytest.FixtureRequest, work: Workplace, tmp_path: Path) -> Iterator[Workplace]:
    """Record 17 went in 2010, then there were 600 events, then record 18 went in 2026."""
    state = STATES[request.param](tmp_path / "server")
    work.template = None
    work.settings, work.now = KEEP, LONG_AGO
    if request.param != "sqlite":
        work.settings, work.environ["STATE_URL"] = 'state = "env:STATE_URL"\n' + KEEP, state.url
    target = SqliteStore(tmp_path / "target.db")
    target.script("CREATE TABLE orders (id INTEGER PRIMARY KEY, made TEXT)")
    target.script(ROW.format(17))
    work.connect(target, '[datasets.orders]\ndata = "orders"\ntable = "orders"\nevents = { made = "made" }')
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "made"')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("retention.connectors.sql.target.SqlTarget.now", lambda _: work.now)
        assert work.run().status == "done"
        _added(work, 600, work.now)
        work.now = NOW
        target.script(ROW.format(18))
        assert work.run().status == "done"
        yield work
    if request.param != "sqlite":
        state.drop()


def _proofs(work: Workplace) -> dict[str, Any]:
    """What is proved of the ledger by its tree, and its checkpoints."""
    with stores.reading(configuration(work.place), work.place) as state, state.read() as snapshot:
        history = snapshot.log.history(610)
        return {
            "roots": [snapshot.log.history(size).root() for size in range(0, 610, 7)],
            "inclusion": [history.inclusion(seq) for seq in range(0, 610, 11)],
            "consistency": [history.consistency(size) for size in range(0, 610, 13)],
            "checkpoints": {c.size: c.note for c in snapshot.log.checkpoints() if c.size <= 610},
        }


def _rows(work: Workplace) -> list[int]:
    with stores.reading(configuration(work.place), work.place) as state:
        return _seqs(state)


def _seqs(state: StateStore) -> list[int]:
    with state._reading.connect() as connection:
        return [seq for (seq,) in connection.exec_driver_sql("SELECT seq FROM retention_event ORDER BY seq")]


def test_events_leave_the_store_and_everything_stays_provable(old: Workplace) -> None:
    before, events = _proofs(old), old.events()
    checkpoint = old.folder / "old.note"
    checkpoint.write_text(before["checkpoints"][min(before["checkpoints"])])
    told = old.cli("audit", "archive", str(old.folder / "archive"))
    assert told.exit_code == 0, told.output
    assert "events 0 to 511" in told.stdout
    assert _proofs(old) == before
    kept = [e["seq"] for e in events if e["seq"] < 512 and e["type"].startswith(("key.", "policy."))]
    assert _rows(old) == [*kept, *range(512, len(events) + 1)]

    folder, mirror = old.folder / "archive", old.folder / "state" / "ledger"
    assert auditors.typed(folder, "key.pub")[1].startswith("Verified: events 0 to 511 ")
    lines = b"".join(path.read_bytes() for path in sorted((folder / "segments").iterdir())).splitlines()
    assert [json.loads(line) for line in lines] == events[:512]
    assert parse((mirror / "ledger.jsonl").read_bytes().splitlines()[0]).seq == 512
    for words, archived in (
        ([], 512),
        (["--archive", str(folder)], 0),
        (["--mirror", str(mirror)], 512),
        (["--mirror", str(mirror), "--archive", str(folder)], 0),
        (["--against", str(checkpoint)], 512),
        (["--evidence"], 512),
        (["--evidence", "--archive", str(folder)], 0),
    ):
        found = old.cli("audit", "verify", "--format", "json", *words)
        assert found.exit_code == 0, found.output
        assert json.loads(found.stdout)["archived"] == archived
        assert json.loads(found.stdout)["events"] == len(events) + 1
    assert old.cli("audit", "consistency", str(checkpoint), str(mirror / "checkpoint")).exit_code == 0
    refused = old.cli("audit", "verify", "--mirror", str(mirror), "--against", str(checkpoint))
    assert refused.exit_code == 6
    assert "name its folder: --archive DIR" in refused.stderr

    shown = old.cli("audit", "log", "--format", "json")
    assert json.loads(shown.stdout.splitlines()[0])["seq"] == 512
    assert "events 0 to 511 lie in an archive" in shown.stderr
    shown = old.cli("audit", "log", "--format", "json", "--archive", str(folder))
    assert [json.loads(line) for line in shown.stdout.splitlines()][: len(events)] == events
    assert json.loads(shown.stdout.splitlines()[-1])["type"] == "ledger.archived"
    assert old.cli("audit", "prove", "db.orders", "18").exit_code == 0
    asked = old.cli("audit", "prove", "db.orders", "17")
    assert (asked.exit_code, "lie in an archive; name its folder: --archive DIR" in asked.stderr) == (2, True)
    words = ("--archive", str(folder), "--export", str(old.folder / "proof.json"))
    assert old.cli("audit", "prove", "db.orders", "17", *words).exit_code == 0
    assert auditors.typed(folder, "key.pub", "--proof", "../proof.json")[0] == 0
    for name, more, what in (("part", (), "events 512 to"), ("all", words[:2], "the whole ledger")):
        done = old.cli("audit", "export", str(old.folder / name), *more)
        assert (done.exit_code, "hand it over, too" in done.stdout) == (0, name == "part"), done.output
        assert auditors.typed(old.folder / name, "key.pub")[1].startswith(f"Verified: {what}")

    assert f"{len(events) + 1} events, 512 of them in an archive" in old.cli("status").stdout
    again = old.cli("audit", "archive", str(old.folder / "again"))
    assert (again.exit_code, (old.folder / "again").exists()) == (0, False)
    SqliteStore(old.folder / "target.db").script(ROW.format(19))
    assert old.run().status == "done"
    _added(old, 300, old.now)
    old.now = datetime(2040, 1, 1, tzinfo=UTC)
    assert "events 512 to 767" in old.cli("audit", "archive", str(old.folder / "second")).stdout
    both = ("--archive", str(folder), "--archive", str(old.folder / "second"))
    assert old.cli("audit", "verify", *both).exit_code == 0
    one = old.cli("audit", "verify", *both[:2])
    assert (one.exit_code, "event 512: it is in none of the archives" in one.stderr) == (2, True)
    assert old.cli("audit", "verify", "--mirror", str(mirror)).exit_code == 0
    assert _proofs(old) == before


@pytest.fixture
def archived(old: Workplace) -> Workplace:
    assert old.cli("audit", "archive", str(old.folder / "archive")).exit_code == 0
    return old


@pytest.mark.parametrize("old", ["sqlite"], indirect=True)
def test_what_is_changed_behind_an_archive_is_found(archived: Workplace) -> None:
    database = archived.folder / "state" / "retention.db"
    whole = database.read_bytes()
    segment = archived.folder / "archive" / "segments" / "000000000000.jsonl"
    text = segment.read_bytes()
    segment.write_bytes(text.replace(b'"number":7,', b'"number":8,', 1))
    told = archived.cli("audit", "verify", "--archive", str(archived.folder / "archive"))
    number = json.loads(next(line for line in text.splitlines() if b'"number":7,' in line))["seq"]
    assert (told.exit_code, f"event {number}: the line in the archive" in told.stderr) == (6, True)
    segment.write_bytes(b"\n".join(text.splitlines()[:100]) + b"\n")
    told = archived.cli("audit", "verify", "--archive", str(archived.folder / "archive"))
    assert (told.exit_code, "event 100: it is in none of the archives" in told.stderr) == (2, True)
    other, leaves = bytes.hex(leaf_hash(b"another")), "UPDATE retention_archived_leaves SET leaves"
    for statement, words in (
        (f"{leaves} = CAST(X'{other}' || substr(leaves, 33) AS BLOB) WHERE number = 0",
         "event 0: its content was changed since it was archived"),
        (f"{leaves} = CAST(X'{other}' || substr(leaves, 33) AS BLOB) WHERE number = 1",
         "the hashes kept of archived events are not those that it signs"),
        ("DELETE FROM retention_archived_leaves WHERE number = 1", "event 256: its hash is missing"),
        ("UPDATE retention_event SET line = replace(CAST(line AS TEXT), 'signing', 'signink') WHERE seq = 0",
         "event 0: its content was changed since it was archived"),
        ("DELETE FROM retention_event WHERE seq = 513", "event 513: it is missing"),
        ("DELETE FROM retention_archive", "it is missing from the state store"),
        ("UPDATE retention_archive SET stop = 256", "row about an archive is damaged"),
        ("UPDATE retention_archive SET last_hash = replace(last_hash, 'a', 'b')",
         "event 512 has the hash of another one"),
    ):  # fmt: skip
        SqliteStore(database).script(statement)
        told = archived.cli("audit", "verify")
        assert (told.exit_code, words in told.stderr) == (6, True), (statement, told.stderr)
        for path in database.parent.glob("retention.db-*"):
            path.unlink()
        database.write_bytes(whole)


@pytest.mark.parametrize("old", ["sqlite"], indirect=True)
def test_an_old_copy_of_the_store_that_is_put_back_is_told(old: Workplace) -> None:
    state = old.folder / "state"
    shutil.copytree(state, old.folder / "backup")
    assert old.cli("audit", "archive", str(old.folder / "archive")).exit_code == 0
    for path in state.glob("retention.db*"):
        path.unlink()
    shutil.copy(old.folder / "backup" / "retention.db", state / "retention.db")
    told = old.cli("run", "--yes")
    assert told.exit_code == 6
    assert "begins with it, and the state store knows of no archive that ends there" in told.stderr


POINTS = (
    "retention.store.archived.Archiving.add",  # the folder is there, nothing else
    "retention.store.archived.Archiving.remove",  # the event is there, and all lines are
    "retention.store.mirror.Mirror._trim",  # the store is done, the mirror is not
    "retention.store.mirror.archives_text",
)
KILLED = """
import importlib, os, sys
from datetime import datetime, UTC
from pathlib import Path
from retention.model.place import Place
from retention.verbs.archiving import archive
name, folder, target = sys.argv[1:]
parts = name.split(".")
owner = importlib.import_module(".".join(parts[:3]))
for part in parts[3:-1]:
    owner = getattr(owner, part)
setattr(owner, parts[-1], lambda *_: os._exit(9))
files = {"config": Path(folder, "policies.toml"), "connectors": Path(folder, "connectors")}
place = Place(**files, state=None, environ=os.environ)
archive(place, Path(folder, target), by="ida", clock=lambda: datetime(2026, 11, 23, tzinfo=UTC))
"""


@pytest.mark.heavy
@pytest.mark.parametrize("old", ["sqlite"], indirect=True)
def test_a_death_in_the_middle_loses_nothing(old: Workplace) -> None:
    before = old.events()
    for point in POINTS:
        copy = Workplace(**{**vars(old), "folder": old.folder.with_name(point), "ready": True})
        shutil.copytree(old.folder, copy.folder)
        copy.environ = {**old.environ, "DB_URL": f"sqlite:///{copy.folder}/target.db"}
        words = [sys.executable, "-c", KILLED, point, str(copy.place.config.parent), "archive"]
        ran = subprocess.run(
            words, env={"PATH": "/usr/bin", "PYTHONPATH": ":".join(sys.path), **copy.environ}, check=False
        )
        assert ran.returncode == 9, point
        copy.now = NOW + timedelta(days=2)
        assert copy.cli("audit", "verify").exit_code == 0, point
        last = copy.cli("audit", "archive", str(copy.folder / "second"))
        assert last.exit_code == 0, last.output
        made = copy.folder / ("second" if point == POINTS[0] else "archive")
        assert auditors.typed(made, "key.pub")[0] == 0
        shown = copy.cli("audit", "log", "--format", "json", "--archive", str(made))
        assert [json.loads(line) for line in shown.stdout.splitlines()][: len(before)] == before
        assert parse((copy.folder / "state/ledger/ledger.jsonl").read_bytes().splitlines()[0]).seq == 512
        assert len([seq for seq in _rows(copy) if seq < 512]) < 10


def test_keep_is_at_least_as_long_as_the_longest_rule(work: Workplace) -> None:
    work.rule("orders", 'data = "orders"\nkeep = "5 years"\nfrom = "made"')
    work.rules["orders"] += '\nexceptions = [{ when = "big", keep = "10 years" }]'
    work.connect(
        SqliteStore(work.folder / "x.db"),
        '[datasets.orders]\ndata = "orders"\ntable = "orders"\nevents = { made = "made" }\nfacts = { big = "n > 9" }',
    )
    for keep, wrong in (("10 years", False), ("120 months", False), ("119 months", True), ("3 years", True)):
        work.settings = f'[ledger]\nkeep = "{keep}"'
        problems = [p for p in _problems(work) if p.key == "ledger.keep"]
        assert len(problems) == wrong, keep
        for problem in problems:
            assert f'"{keep}" is shorter than `keep` of the rule `orders` (10 years)' in problem.found
            assert 'keep = "10 years"' in problem.write


def _problems(work: Workplace) -> tuple[Any, ...]:
    from retention.errors import ConfigurationError

    place = work.place
    try:
        load(place.config, place.connectors, environ=place.environ)
    except ConfigurationError as error:
        return tuple(error.problems)
    return ()


@pytest.mark.parametrize("old", ["sqlite"], indirect=True)
def test_without_keep_nothing_is_archived(old: Workplace) -> None:
    old.settings = ""
    told = old.cli("audit", "archive", str(old.folder / "archive"))
    assert (told.exit_code, 'keep = "10 years"' in " ".join(told.stderr.split())) == (3, True), told.stderr
    assert not (old.folder / "archive").exists()
