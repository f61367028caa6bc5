"""The same shop with its state store on a server: it runs, is killed, and recovers."""

import contextlib
import signal
import time
from urllib.parse import urlsplit, urlunsplit

import pytest

from retention.engine.journal import Journal
from retention.errors import UnreachableError
from tests.support.proxies import Relay
from tests.support.states import STATES
from tests.support_faults.databases import KINDS
from tests.support_faults.shops import Shop


def lent_state(kind, folder):
    state = STATES[kind](folder)
    yield state
    state.drop()


@pytest.fixture(params=["postgresql", "mariadb"])
def state(request, folder):
    """A database for a state store."""
    yield from lent_state(request.param, folder)


@pytest.fixture
def distant(state, folder):
    """A shop in a SQLite file, with its state store on a server."""
    return Shop(folder, KINDS["sqlite"](folder), state_url=state.url)


def events(state):
    [(count,)] = state.rows("SELECT count(*) FROM retention_event")
    return count


def test_a_run_with_its_state_on_a_server(distant):
    distant.visits(due=2500)
    distant.orders(due=1200)
    distant.ready()
    before = distant.keys()
    assert distant.run().status == "done"
    assert distant.left("visits") == distant.left("orders") == 0
    distant.must_be_whole(before)
    assert distant.run().status == "nothing"
    assert not (distant.folder / "state" / "retention.db").exists()


def test_a_run_that_is_killed_is_recovered_from_a_server(distant, state):
    distant.visits(due=15_000)
    distant.orders(due=15_000)
    distant.ready(batch_time="20 ms")
    before = distant.keys()
    killed = 0
    for kill in range(2):
        first = events(state)
        process = distant.start("run", "--yes")
        deadline = time.monotonic() + 60
        while process.poll() is None and events(state) < first + 4 + kill and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        assert len(distant.unresolved()) <= 1
    assert killed >= 1, "some of them should have been killed at work"
    last = distant.cli("run", "--yes")
    assert last.returncode == 0, last.stderr
    assert distant.left("visits") == distant.left("orders") == 0
    assert distant.unresolved() == []
    distant.must_be_whole(before)


def test_a_run_whose_idle_state_sessions_are_ended_goes_on(distant, state, hooks):
    """As a server that is restarted between two transactions does."""
    distant.visits(due=600)
    distant.ready()
    before = distant.keys()
    hooks.before("commit", lambda _: state.end_sessions(), nth=2)
    assert distant.run().status == "done"
    assert hooks.calls["commit"] >= 3
    assert distant.left("visits") == 0
    distant.must_be_whole(before)


def test_one_database_of_a_server_is_target_and_state_store(folder):
    database = KINDS["postgresql"](folder)
    try:
        shop = Shop(folder, database, state_url=database.url)
        shop.visits(due=700)
        shop.orders(due=300)
        shop.ready()
        before = shop.keys()
        outcome = shop.run()
        assert outcome.status == "done"
        shop.must_be_whole(before)
        [(tables,)] = database.rows(
            "SELECT count(*) FROM pg_tables WHERE tablename IN ('visits', 'retention_marker', 'retention_event')"
        )
        assert tables == 3
    finally:
        database.drop()


@pytest.fixture
def relayed(state, folder):
    """A shop whose way to its state store can lose a commit or its answer."""
    parts = urlsplit(state.url)
    relay = Relay(parts.hostname, parts.port)
    place = f"{parts.username}@127.0.0.1:{relay.port}"
    query = "sslmode=disable" if state.kind == "postgresql" else ""
    url = urlunsplit(parts._replace(netloc=place, query=query))
    yield Shop(folder, KINDS["sqlite"](folder), state_url=url), relay
    relay.close()


def test_a_run_goes_on_after_a_commit_of_its_ledger_whose_answer_was_lost(relayed, hooks):
    shop, relay = relayed
    shop.visits(due=600)
    shop.ready()
    before = shop.keys()
    hooks.before("commit", lambda _: setattr(relay, "lose", "answer"), nth=2)
    assert shop.run().status == "done"
    assert relay.lost == 1
    assert shop.left() == 0
    shop.must_be_whole(before)


def kept(journal, keep=Journal.keep):
    journal._renewed = None
    keep(journal)


REPEATED = {
    "leases": ("keep", kept),
    "what it waits for": ("keep", lambda journal: journal.waits("a test")),
    "a record set aside": ("keep", lambda journal: journal.set_aside((-1,), "a test")),
    "an outcome": ("flush", Journal.flush),
}


@pytest.mark.one_in(4)
@pytest.mark.parametrize("lose", ["answer", "question"])
@pytest.mark.parametrize("write", REPEATED)
def test_what_may_be_written_twice_is_written_again_where_its_commit_was_lost(
    relayed, monkeypatch, write, lose
):
    """A run had failed by the lost answer to the renewal of its lease."""
    shop, relay = relayed
    shop.visits(due=600)
    shop.ready()
    before = shop.keys()
    moment, does = REPEATED[write]
    usual = getattr(Journal, moment)

    def losing(journal):
        if not relay.lost and bool(journal._pending) == (write == "an outcome"):
            relay.lose = lose
            does(journal)
        usual(journal)

    monkeypatch.setattr(Journal, moment, losing)
    outcome = shop.run()
    assert relay.lost == 1
    assert outcome.status == "done", outcome.jobs
    assert shop.left() == 0
    assert shop.aside() == (["-1"] if write == "a record set aside" else [])
    shop.must_be_whole(before)


def test_who_reads_the_state_store_has_nothing_to_commit_that_could_be_lost(relayed):
    """A run had failed by the end of a look at the kill switch whose answer was lost."""
    shop, relay = relayed
    shop.visits(due=5)
    shop.ready()
    with shop.state() as store:
        with store.read():
            pass  # connections are made, and set up
        relay.lose = "answer"
        with store.read() as snapshot:
            assert snapshot.log.head().size > 0
        assert relay.lost == 0


def test_a_run_whose_ledger_lost_a_commit_deletes_nothing_without_an_intent(relayed, hooks):
    shop, relay = relayed
    shop.visits(due=600)
    shop.ready()
    before = shop.keys()
    hooks.before("commit", lambda _: setattr(relay, "lose", "question") if not relay.lost else None, nth=2)
    with contextlib.suppress(UnreachableError):  # where the run could not even write its end
        assert shop.run().status in ("failed", "partial")
    assert relay.lost == 1
    hooks.calls.clear()
    assert shop.run().status == "done"
    assert shop.left() == 0
    assert shop.unresolved() == []
    shop.must_be_whole(before)
