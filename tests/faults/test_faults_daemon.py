"""Daemons as processes of their own: told to end in the middle of a large job, killed, stopped, several at once."""

import os
import random
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from retention.store.turns import Turn
from tests.support.states import STATES
from tests.support_faults.databases import KINDS
from tests.support_faults.shops import Shop

SCHEDULE = "0 2 * * *"


def missed_a_night(shop, rule="visits"):
    """The rule's turn was two days ago: the next daemon makes up for it at once."""
    with shop.writing() as state, state.begin() as tx:
        slot = shop.clock() - timedelta(days=2)
        tx.turns.put(Turn(rule=rule, schedule=SCHEDULE, timezone="Europe/Oslo", slot=slot, ended=True))


def scheduled(shop, **policy):
    shop.ready(**policy)
    file = shop.folder / "policies.toml"
    file.write_text(file.read_text().replace("approval =", f'schedule = "{SCHEDULE}"\napproval =', 1))
    missed_a_night(shop)


def batches(shop):
    with shop.state() as state, state.read() as snapshot:
        return sum(job.progress.batches for run in snapshot.runs.newest() for job in snapshot.jobs.of(run.id))


def ended(process: int) -> bool:
    """It runs no more, though nobody may have asked yet how it ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def until(condition, seconds=60, pause=0.02):
    """`pause`: a reader of SQLite keeps its writer from committing, so who counts a large table looks seldom."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(pause)


@pytest.mark.heavy
@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.heavy)])
def test_told_to_end_in_the_middle_of_a_large_job_it_ends_after_the_batch(sqlite, number):
    sqlite.visits(due=100_000)
    scheduled(sqlite, batch_time="10 ms")
    before = sqlite.keys()
    process = sqlite.start("daemon")
    until(lambda: batches(sqlite) >= 2)
    process.send_signal(number)
    told = time.monotonic()
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - told < 10
    assert process.returncode == 0, said
    assert "daemon.ended" in said
    assert 0 < sqlite.left() < 100_000
    assert sqlite.unresolved() == []
    sqlite.must_be_whole(before)
    again = sqlite.start("daemon")  # what was interrupted goes on
    until(lambda: sqlite.left() == 0, seconds=300, pause=0.5)
    again.send_signal(signal.SIGTERM)
    again.communicate(timeout=30)
    assert again.returncode == 0
    sqlite.must_be_whole(before)


def test_a_channel_that_hangs_does_not_hold_up_the_end_and_ends_with_it(sqlite):
    sqlite.visits(due=5)
    scheduled(sqlite)
    words = '["/bin/sh", "-c", "echo $$ > pid; exec sleep 1000"]'
    (sqlite.folder / "retention.toml").write_text(f"[notify.hangs]\ncommand = {words}\n")
    assert sqlite.cli("stop", "--reason", "a test").returncode == 0
    process = sqlite.start("daemon")
    number = sqlite.folder / "pid"
    until(lambda: number.exists() and number.read_text().endswith("\n"))
    process.send_signal(signal.SIGTERM)
    told = time.monotonic()
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - told < 10
    assert process.returncode == 0, said
    until(lambda: not os.path.exists(f"/proc/{int(number.read_text())}"))
    assert "hangs" in sqlite.cli("status").stdout  # it will be told when a daemon runs again


def test_a_missing_state_store_is_said_at_once(sqlite):
    sqlite.visits(due=3)
    sqlite.write()
    ran = sqlite.cli("daemon")
    assert ran.returncode == 3
    assert "retention init" in ran.stderr


PLACES = [(kind, "sqlite") for kind in sorted(KINDS)] + [(kind, kind) for kind in ("postgresql", "mariadb")]
"""Target, and state store: a file, or a database on the same kind of server."""


@pytest.fixture(params=PLACES, ids="-".join)
def placed(request, folder):
    """A shop, with its state store somewhere."""
    target, kept = request.param
    database = KINDS[target](folder)
    state = None if kept == "sqlite" else STATES[kept](folder)
    yield Shop(folder, database, state_url=None if state is None else state.url)
    database.drop()
    if state is not None:
        state.drop()


CHAOS = float(os.environ.get("RETENTION_TEST_CHAOS_SECONDS", "60"))


@pytest.mark.heavy
def test_three_daemons_killed_and_stopped_at_random_do_every_record_once(placed):
    """Signals of all kinds, at random moments, to three daemons over one state store."""
    shop = placed
    shop.visits(due=150_000)
    shop.orders(due=8_000)
    scheduled(shop, batch_time="20 ms")
    missed_a_night(shop, "orders")
    before = shop.keys()
    dice = random.Random(7)
    daemons = [shop.start("daemon") for _ in range(3)]
    ends = time.monotonic() + CHAOS
    stopped: dict[int, float] = {}
    try:
        while time.monotonic() < ends:
            time.sleep(dice.uniform(0.1, 1.5))
            place = dice.randrange(3)
            daemon = daemons[place]
            for other, when in list(stopped.items()):
                if time.monotonic() > when:
                    daemons[other].send_signal(signal.SIGCONT)
                    del stopped[other]
            if place in stopped:
                continue
            choice = dice.random()
            if choice < 0.4:
                daemon.kill()
                daemon.communicate()
                daemons[place] = shop.start("daemon")
            elif choice < 0.7:
                daemon.send_signal(signal.SIGSTOP)
                stopped[place] = time.monotonic() + dice.uniform(0.5, 70)
            elif choice < 0.8:
                daemon.send_signal(signal.SIGTERM)
                _, said = daemon.communicate(timeout=30)
                assert daemon.returncode == 0 or "daemon.started" not in said, said
                daemons[place] = shop.start("daemon")
        for place in stopped:
            daemons[place].send_signal(signal.SIGCONT)
        until(lambda: shop.left() == 0 and shop.left("orders") == 0, seconds=300)
    finally:
        for daemon in daemons:
            daemon.send_signal(signal.SIGCONT)
            daemon.send_signal(signal.SIGTERM)
        said = [daemon.communicate(timeout=60)[1] for daemon in daemons]
    for daemon, words in zip(daemons, said, strict=True):  # who has not begun yet just dies of it
        assert daemon.returncode == 0 or "daemon.started" not in words, words
    shop.run()  # whatever was left in doubt is settled
    assert shop.unresolved() == []
    shop.must_be_whole(before)
