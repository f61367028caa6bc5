"""The daemon, under a clock of the tests' own: every due record once, at its time, whatever happens meanwhile."""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from retention.verbs import switch
from tests.support.daemons import Kept, World
from tests.support.workplace import Workplace

BEGIN = datetime(2026, 11, 22, 12, tzinfo=UTC)
NIGHT = datetime(2026, 11, 23, 2, tzinfo=UTC)
DAY = timedelta(days=1)
DATASET = '[datasets.{0}]\ndata = "{0}"\ntable = "{0}"\nevents = {{ seen = "seen" }}\n'


class House:
    """A shop of tables whose rules run at two each night, and daemons over it."""

    def __init__(self, work: Workplace, sqlite) -> None:
        self.work, self.sqlite = work, sqlite
        self.world = World(now=BEGIN)
        work.timezone = "UTC"

    def table(self, name: str, due: int = 5, schedule: str | None = "0 2 * * *", extra: str = "") -> None:
        rows = ", ".join(f"({n}, '2020-05-05 10:00:00')" for n in range(due))
        self.sqlite.script(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, seen TEXT)")
        if due:
            self.sqlite.script(f"INSERT INTO {name} VALUES {rows}")
        line = f'schedule = "{schedule}"\n' if schedule else ""
        self.work.rule(name, f'data = "{name}"\nkeep = "1 year"\nfrom = "seen"\n{line}{extra}')
        known = self.work.connectors.get("db")
        if known is None:
            self.work.connect(self.sqlite, DATASET.format(name))
        else:
            self.work.connectors["db"] = known + DATASET.format(name)

    def daemon(self, **options) -> Kept:
        if not self.work.ready:
            self.work.init()
        return Kept(world=self.world, place=self.work.place, **options)

    def left(self, name: str) -> int:
        return self.sqlite.rows(f"SELECT count(*) FROM {name}")[0][0]

    def add(self, name: str, first: int, count: int = 1) -> None:
        rows = ", ".join(f"({n}, '2020-05-05 10:00:00')" for n in range(first, first + count))
        self.sqlite.script(f"INSERT INTO {name} VALUES {rows}")

    def runs(self) -> int:
        return len([event for event in self.work.events() if event["type"] == "run.started"])


@pytest.fixture
def house(work: Workplace, sqlite) -> House:
    return House(work, sqlite)


def test_a_rule_runs_at_its_time_and_not_before(house):
    house.table("old")
    daemon = house.daemon()
    daemon.until(NIGHT - timedelta(seconds=2))
    assert house.left("old") == 5
    daemon.ticks(4)
    assert house.left("old") == 0
    daemon.until(NIGHT + timedelta(hours=20))
    assert house.runs() == 1


def test_rules_that_are_due_together_are_one_run(house):
    house.table("old")
    house.table("more")
    house.table("by_hand", schedule=None)
    house.daemon().until(NIGHT + timedelta(minutes=1))
    assert house.runs() == 1
    assert [house.left(name) for name in ("old", "more", "by_hand")] == [0, 0, 5]


def test_what_was_missed_while_it_was_down_is_made_up_once_at_the_start(house):
    house.table("old")
    first = house.daemon()
    first.ticks(2)
    first.end()
    house.world.passes(3 * DAY.total_seconds())
    second = house.daemon()
    second.ticks(2)
    assert house.left("old") == 0
    second.until(house.world.now + timedelta(hours=1))
    assert house.runs() == 1


def test_a_new_rule_makes_up_for_nothing(house):
    house.table("old")
    house.daemon().ticks(120)
    assert house.runs() == 0


def test_a_run_that_outlasts_its_interval_is_not_begun_twice_and_followed_by_one(house):
    house.table("old", schedule="*/10 * * * *")
    daemon = house.daemon(held=True)
    daemon.until(BEGIN + timedelta(minutes=45))
    assert len(daemon.daemon.active) == 1
    daemon.work()
    assert house.runs() == 1
    daemon.ticks(3)
    daemon.work()
    assert house.runs() == 2
    daemon.ticks(3)
    assert not daemon.daemon.active


@pytest.mark.heavy
def test_of_two_daemons_one_carries_a_turn_out(house):
    house.table("old")
    one, two = house.daemon(), house.daemon()
    for day in range(1, 4):
        while house.world.now < BEGIN + day * DAY:
            one.daemon.tick()
            two.daemon.tick()
            house.world.passes(1 if house.world.now.hour == 2 and house.world.now.minute < 1 else 60)
        house.add("old", day * 100)
    assert house.runs() == 3


def test_a_turn_is_taken_over_within_a_minute_after_its_daemon_died(house):
    house.table("old")
    dead, alive = house.daemon(held=True), house.daemon()
    dead.until(NIGHT)
    assert dead.daemon.active
    alive.ticks(30)
    assert house.left("old") == 5
    alive.ticks(30)
    assert house.left("old") == 0
    assert house.runs() == 1
    dead.daemon.tick()  # it was only stopped, and finds out
    (run,) = dead.daemon.active
    assert run.lost == {"old"}
    dead.work()
    dead.ticks(20)
    assert not dead.daemon.active
    assert [
        event["data"]["count"] for event in house.work.events() if event["type"] == "batch.committed"
    ] == [5]


@pytest.mark.heavy
def test_what_waits_for_approval_is_not_run(house):
    house.table("old", extra='approval = "changes"\n')
    daemon = house.daemon()
    daemon.until(NIGHT + DAY)
    assert house.left("old") == 5
    assert [event["status"] for event in daemon.events("job.over")][:1] == ["awaiting approval"]
    house.work.now = house.world.now
    plan = house.work.cli("status").stdout.split("retention approve ")[1].split()[0]
    assert house.work.cli("approve", plan).exit_code == 0
    daemon.until(NIGHT + 2 * DAY)
    assert house.left("old") == 0


@pytest.mark.heavy
def test_a_store_that_is_away_is_tried_again_with_growing_pauses_while_others_go_on(house, tmp_path):
    house.table("old")
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE late (id INTEGER PRIMARY KEY, seen TEXT)")
        connection.execute("INSERT INTO late VALUES (1, '2020-05-05')")
        connection.commit()
    house.work.connectors["other"] = (
        f'type = "sql"\nurl = "sqlite:///{other}"\ntimezone = "UTC"\n' + DATASET.format("late")
    )
    house.work.rule("late", 'data = "late"\nkeep = "1 year"\nfrom = "seen"\nschedule = "0 2 * * *"')
    daemon = house.daemon()
    daemon.ticks(1)
    away = other.rename(other.with_suffix(".away"))
    daemon.until(NIGHT)
    daemon.ticks(200)
    assert house.left("old") == 0
    begun = [datetime.fromisoformat(event["at"]) for event in daemon.events("run.begun")]
    pauses = [round((b - a).total_seconds()) for a, b in itertools.pairwise(begun)]
    assert [round(pause / 15) for pause in pauses] == [1, 2, 4], pauses
    assert {event.get("connectors") for event in daemon.events("run.begun")[1:]} == {"other"}
    away.rename(other)
    daemon.ticks(200)
    with closing(sqlite3.connect(other)) as connection:
        assert connection.execute("SELECT count(*) FROM late").fetchone() == (0,)
    runs = house.runs()
    daemon.until(NIGHT + timedelta(hours=12))
    assert house.runs() == runs


@pytest.mark.heavy
def test_a_state_store_that_is_away_is_waited_for(house):
    house.table("old")
    daemon = house.daemon()
    daemon.ticks(1)
    daemon.daemon._close()
    state = house.work.folder / "state" / "retention.db"
    away = state.rename(state.with_suffix(".away"))
    daemon.until(NIGHT + timedelta(minutes=1))
    assert daemon.daemon.waits == "the state store is away"
    assert len(daemon.events("state.away")) > 3
    away.rename(state)
    daemon.ticks(900)
    assert house.left("old") == 0
    assert house.runs() == 1


@pytest.mark.heavy
def test_in_the_window_only(house):
    house.table("old", schedule="0 12 * * *")
    place = house.work.place
    toml = place.config.parent / "retention.toml"
    house.work.init()
    daemon = Kept(world=house.world, place=place)
    toml.write_text('[daemon]\nwindow = "22:00-06:00"\n')
    daemon.until(BEGIN + DAY + timedelta(minutes=1))
    assert daemon.daemon.waits == "the window is closed"
    assert house.left("old") == 5
    daemon.until(BEGIN + DAY + timedelta(hours=10, minutes=1))
    assert house.left("old") == 0


def test_a_run_ends_with_the_window_and_goes_on_in_the_next(house):
    house.table("old", schedule="0 2 * * *")
    place = house.work.place
    house.work.init()
    (place.config.parent / "retention.toml").write_text('[daemon]\nwindow = "01:00-03:00"\n')
    daemon = Kept(world=house.world, place=place, held=True)
    daemon.until(NIGHT)
    house.world.passes(3 * 3600)
    daemon.work()
    daemon.ticks(2)
    assert house.left("old") == 5
    daemon.held = False
    daemon.until(NIGHT + DAY - timedelta(minutes=50))
    assert house.left("old") == 0


def test_while_everything_is_stopped_nothing_is_begun_and_it_is_made_up_once(house):
    house.table("old")
    daemon = house.daemon()
    daemon.ticks(1)
    switch.stop(house.work.place, reason="wrong rows", by="ida", clock=house.world.wall)
    daemon.until(NIGHT + timedelta(hours=3))
    assert (house.left("old"), house.runs()) == (5, 0)
    assert daemon.daemon.waits == "everything was stopped by ida"
    switch.resume(house.work.place, by="ida", clock=house.world.wall)
    daemon.ticks(10)
    assert (house.left("old"), house.runs()) == (0, 1)
    daemon.until(NIGHT + timedelta(hours=6))
    assert house.runs() == 1


def test_a_changed_file_is_read_all_or_nothing(house):
    house.table("old")
    daemon = house.daemon()
    daemon.ticks(1)
    policy = house.work.place.config
    good = policy.read_text()
    policy.write_text(good.replace("0 2 * * *", "0 2 * *"))
    daemon.ticks(4)
    (said,) = daemon.events("configuration.invalid")
    assert "schedule" in said["first"]
    policy.unlink()
    daemon.ticks(4)
    assert len(daemon.events("configuration.invalid")) == 2
    assert daemon.daemon.config.policy.rules["old"].schedule == "0 2 * * *"
    policy.write_text(good.replace("0 2 * * *", "0 13 * * *"))
    daemon.ticks(4)
    assert len(daemon.events("configuration.loaded")) == 1
    daemon.until(BEGIN + timedelta(hours=1, minutes=1))
    assert house.left("old") == 0


def test_it_reads_its_files_when_it_is_told_to(house):
    house.table("old")
    daemon = house.daemon()
    daemon.ticks(1)
    daemon.told_to_reload = True
    daemon.ticks(1)
    assert len(daemon.events("configuration.loaded")) == 1


@pytest.mark.parametrize(
    "jump", [timedelta(days=365), pytest.param(timedelta(hours=-1), marks=pytest.mark.heavy)]
)
def test_nothing_is_begun_by_a_clock_that_has_jumped(house, jump):
    house.table("old", due=0)
    house.sqlite.script("INSERT INTO old VALUES (1, '2026-03-03 10:00:00')")  # due in 2027
    daemon = house.daemon()
    daemon.ticks(1)
    house.world.now += jump
    daemon.ticks(90)
    assert daemon.events("clock.jumped")
    daemon.ticks(2 * DAY.total_seconds(), step=900)
    assert (house.left("old"), house.runs()) == (1, 0)
    house.world.now -= jump
    daemon.ticks(90)
    assert daemon.events("clock.right")
    assert house.runs() == 1  # the night that was missed
    assert house.left("old") == 1


def test_a_state_store_put_back_from_a_copy_stops_it_until_somebody_has_looked(house):
    house.table("old")
    first = house.daemon()
    first.ticks(2)
    first.end()
    state, copy = house.work.folder / "state", house.work.folder / "copy"
    shutil.copytree(state, copy)
    second = house.daemon()
    second.until(NIGHT + timedelta(minutes=1))
    second.end()
    assert house.left("old") == 0
    house.add("old", 100, 3)
    shutil.rmtree(state)
    shutil.copytree(copy, state)
    third = house.daemon()
    third.until(NIGHT + DAY + timedelta(minutes=1))
    assert house.left("old") == 3
    assert {event["event"] for event in third.events("run.failed", "run.over")} == {"run.failed"}
    assert "put back to an older copy" in third.events("run.failed")[0]["what"]


def steady(house, days):
    """Descriptors in use, after so many nights."""
    house.table("old")
    daemon = house.daemon()
    daemon.until(NIGHT + 3 * DAY)
    before = len(os.listdir("/proc/self/fd"))
    daemon.until(NIGHT + (3 + days) * DAY)
    assert len(os.listdir("/proc/self/fd")) <= before + 1
    assert house.runs() == 4 + days
    assert len(daemon.daemon._loaded) == 1
    assert not daemon.daemon.active


@pytest.mark.heavy
def test_connections_are_steady(house):
    steady(house, 6)
