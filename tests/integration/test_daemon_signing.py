"""A checkpoint a day: what is held or told between two runs is signed by the daemon, and published."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from retention.ledger.note import Checkpoint, Note
from tests.integration.test_daemon import BEGIN, DAY, House
from tests.support.stores import SqliteStore
from tests.support.workplace import Workplace

MONTHLY = "0 2 1 * *"


@pytest.fixture
def house(work: Workplace, sqlite) -> House:
    house = House(work, sqlite)
    work.settings = '[ledger]\npublish = ["file:published/now"]\n'
    house.table("old", schedule=MONTHLY)
    return house


def signed(path: Path) -> int:
    """How many events a checkpoint signs."""
    return Checkpoint.parse(Note.parse(path.read_text()).text).size


def hold(house: House) -> None:
    told = house.work.cli("hold", "add", "--reason", "dispute", "--accept", "--dataset", "db.old")
    assert told.exit_code == 0, told.output


def test_what_no_run_signs_is_signed_and_published_within_a_day(house):
    daemon = house.daemon()
    newest = house.work.folder / "state" / "ledger" / "checkpoint"
    before = signed(newest)
    hold(house)
    daemon.until(BEGIN + DAY - timedelta(hours=1))
    assert signed(newest) == before
    daemon.until(BEGIN + DAY + timedelta(hours=2))
    assert signed(newest) == signed(house.work.folder / "published" / "now") == len(house.work.events())
    assert house.runs() == 0
    assert house.work.cli("audit", "verify").exit_code == 0
    size = len(house.work.events())
    daemon.until(BEGIN + 3 * DAY)
    assert (len(house.work.events()), signed(newest)) == (size, size)
    assert not daemon.events("ledger.unsigned", "checkpoint.unpublished")


def test_what_somebody_changed_is_not_signed(house):
    daemon = house.daemon()
    newest = house.work.folder / "state" / "ledger" / "checkpoint"
    before = signed(newest)
    hold(house)
    daemon.ticks(1)
    state = SqliteStore(house.work.folder / "state" / "retention.db")
    state.script(
        "UPDATE retention_event SET line = replace(CAST(line AS TEXT), 'signing', 'signink') WHERE seq = 0"
    )
    daemon.until(BEGIN + 2 * DAY)
    assert signed(newest) == before
    assert "event 0" in daemon.events("ledger.unsigned")[0]["what"]
