"""Memory and connections of a daemon over many runs, under a clock of the tests' own."""

import gc
import os
import time
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support.daemons import Kept, World
from tests.support.states import SERVERS, STATES
from tests.support_faults.databases import KINDS
from tests.support_faults.shops import Shop

RUNS = int(os.environ.get("RETENTION_TEST_STEADY_RUNS", "600"))
WARM = 140
"""Runs before them, for what is made once; SQLAlchemy keeps the last 128 dialects of PostgreSQL
by the queries of its catalogue."""
GROWTH = 4_000
"""So many kB more than after the first tenth may be in use at the end: a leak of eight kB a run is more."""
WHOLE = 1_000
"""After so many runs the ledger is longer than the mebibyte in which it is read: buffers are as large as they get."""


def in_use():
    """Resident memory of this process in kB."""
    gc.collect()
    [line] = [x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmRSS")]
    return int(line.split()[1])


def sessions(database, kind):
    """Connections to a server's database, the question's own not counted; files have none."""
    if kind not in SERVERS:
        return 0
    if kind == "postgresql":
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    else:
        query = "SELECT count(*) FROM information_schema.processlist WHERE db = database()"
    return database.one(query) - 1


@contextmanager
def counted():
    """The statements of every engine, as they come."""
    said = []

    def executed(_connection, _cursor, statement, *_):
        said.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", executed)
    try:
        yield said
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", executed)


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_run_asks_no_more_however_many_runs_there_were(folder, kind):
    """Each run asked a question about every run before it."""
    database, state = KINDS[kind](folder), STATES[kind](folder)
    shop = Shop(folder, database, state_url=state.url)
    asked = []
    try:
        shop.visits(due=3)
        shop.ready()
        for n in range(9):
            shop.add_visits(1_000 + n, 1)
            with counted() as said:
                assert shop.job().done
            asked.append(Counter(said))
        assert asked[3] - asked[8] == asked[8] - asked[3] == Counter()
    finally:
        database.drop()
        state.drop()


@pytest.mark.heavy
@pytest.mark.parametrize("kind", list(KINDS))
def test_memory_and_connections_are_steady_over_many_runs(folder, kind, monkeypatch):
    database, state = KINDS[kind](folder), STATES[kind](folder)
    shop = Shop(folder, database, state_url=state.url)
    kept = None
    try:
        shop.visits(due=3)
        shop.write()
        policy = folder / "policies.toml"
        policy.write_text(policy.read_text().replace("approval =", 'schedule = "0 * * * *"\napproval =', 1))
        shop.ready_made()
        world = World(now=shop.clock())
        monkeypatch.setattr("retention.connectors.sql.target.SqlTarget.now", lambda _: world.now)
        monkeypatch.setattr("retention.store.state.StateStore.now", lambda _: world.now)
        kept = Kept(world=world, place=shop.place)
        ran = 0

        def runs(count):
            nonlocal ran
            for _ in range(count):
                ran += 1
                shop.add_visits(1_000 + ran, 1)
                kept.until(world.now + timedelta(hours=1))
                assert kept.events("run.failed") == []
                assert len(kept.events("run.over")) == 1
                kept.stream.seek(0)
                kept.stream.truncate()

        def measured():
            files = len(os.listdir("/proc/self/fd"))
            return in_use(), files, sessions(database, kind), sessions(state, kind)

        runs(WARM)
        seen = []
        for _ in range(10):
            began = time.monotonic()
            runs(RUNS // 10)
            took = (time.monotonic() - began) / (RUNS // 10)
            seen.append((*measured(), round(took * 1000)))
        print("kB, files, sessions of target and of state, ms a run:", *seen, sep="\n")
        (memory, *before, _), *_, (more, *after, _) = seen
        late = [used for place, (used, *_) in enumerate(seen, 1) if WARM + place * (RUNS // 10) >= WHOLE]
        assert shop.left() == 0
        assert len(shop.events("run.started")) == WARM + RUNS // 10 * 10
        if len(late) < 2:
            assert more - memory < GROWTH, seen
        else:  # then a leak of two kB a run is too much
            assert more - late[0] < 2 * (len(late) - 1) * (RUNS // 10), seen
        assert after == before, seen
        kept.end()
        assert sessions(database, kind) == sessions(state, kind) == 0
    finally:
        if kept is not None and not kept.told_to_end:
            kept.end()
        database.drop()
        state.drop()
