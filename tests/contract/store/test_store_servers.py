"""What only servers do to a state store: sessions end, answers are lost, accounts have rights."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit, urlunsplit

import pytest

from retention.connectors.port import Taken
from retention.connectors.retrying import Retry
from retention.engine.journal import Journal, Numbers
from retention.errors import RetentionError, SafetyRefusal, SetupError, UnreachableError
from retention.ledger.evidence import Committer
from retention.ledger.line import parse
from retention.store import backend as backends
from retention.store import ddl, mysql, postgresql, schema
from retention.store.backends import backend_of
from retention.store.owners import this_process
from retention.store.runs import JobProgress
from retention.store.sending import execute
from retention.store.state import StateStore
from retention.store.verifying import verify_store
from tests.contract.store.conftest import AT, EVIDENCE_KEY_ID
from tests.contract.store.test_store_leases import TTL
from tests.contract.store.test_store_log import append, sign
from tests.contract.store.test_store_rows import JOB, PLAN, RUN
from tests.support.proxies import Relay


def through(url, *, port=None, user=None, password=None, database=None, query=""):
    """The same server by another way, or as somebody else."""
    parts = urlsplit(url)
    account = f"{user or parts.username}" + (f":{password}" if password else "")
    place = f"{account}@127.0.0.1:{port or parts.port}"
    return urlunsplit(
        parts._replace(netloc=place, path=f"/{database}" if database else parts.path, query=query)
    )


@pytest.fixture
def relayed(server_place, server_store):
    """The store, opened through a relay, and the relay."""
    parts = urlsplit(server_place.url)
    relay = Relay(parts.hostname, parts.port)
    plain = "sslmode=disable" if server_place.database.kind == "postgresql" else ""
    url = through(server_place.url, port=relay.port, query=plain)
    with StateStore.open(url, signer=server_place.signer, evidence_key_id=EVIDENCE_KEY_ID) as store:
        with store.begin():
            pass  # connected, so that the next commit is the test's
        yield store, relay
    relay.close()


# -- sessions that end -----------------------------------------------------------------------


def test_a_connection_that_broke_between_two_transactions_is_made_anew(server_place, server_store):
    append(server_store, 1)
    assert server_place.database.end_sessions() >= 1
    append(server_store, 1, start=1)
    with server_store.read() as snapshot:
        assert snapshot.log.head().size == 2


def test_a_server_that_is_full_for_a_moment_is_asked_again(server_place, server_store, monkeypatch):
    """With pauses from the settings record; one that stays full is said, with what to do."""
    psycopg, pymysql = pytest.importorskip("psycopg"), pytest.importorskip("pymysql")
    append(server_store, 1)
    kind, pauses, full = type(backend_of(server_place.url)), [], [True, True]
    connect = kind.open

    def sometimes(self, *where, **how):
        if full and full.pop():
            raise no_room[server_place.database.kind]
        return connect(self, *where, **how)

    no_room = {
        "postgresql": psycopg.OperationalError("connection failed: FATAL:  sorry, too many clients already"),
        "mariadb": pymysql.OperationalError(1040, "Too many connections"),
    }
    monkeypatch.setattr(kind, "open", sometimes)
    monkeypatch.setattr("retention.store.state._BEGINNING", Retry(attempts=4, sleep=pauses.append))
    server_place.database.end_sessions()
    append(server_store, 1, start=1)
    assert len(pauses) == 3  # the kept session's end, and twice no room
    full += [True] * 9
    server_place.database.end_sessions()
    with pytest.raises(UnreachableError, match="try again later, or let the server"):
        append(server_store, 1, start=2)
    full.clear()
    append(server_store, 1, start=2)
    with server_store.read() as snapshot:
        assert snapshot.log.head().size == 3


def test_a_session_that_is_ended_in_a_transaction_leaves_nothing_of_it(server_place, server_store):
    append(server_store, 1)
    with (  # noqa: PT012
        pytest.raises(UnreachableError, match="connection to the state store broke"),
        server_store.begin() as tx,
    ):
        tx.log.append("error", {"n": 1}, AT)
        server_place.database.end_sessions()
        tx.log.append("error", {"n": 2}, AT)
    append(server_store, 1, start=1)
    sign(server_store)
    assert verify_store(server_store, server_store.verifier_key).events == 2


def test_a_session_that_is_ended_before_its_commit_leaves_nothing_of_it(server_place, server_store):
    with (  # noqa: PT012
        pytest.raises(UnreachableError, match="connection to the state store broke"),
        server_store.begin() as tx,
    ):
        tx.log.append("error", {"n": 1}, AT)
        server_place.database.end_sessions()
    with server_store.read() as snapshot:
        assert snapshot.log.head().size == 0
    append(server_store, 1)


def test_a_commit_whose_answer_was_lost_is_looked_up_and_found(relayed):
    store, relay = relayed
    relay.lose = "answer"
    append(store, 3)
    assert relay.lost == 1
    append(store, 1, start=3)
    sign(store)
    assert verify_store(store, store.verifier_key).events == 4


def test_a_commit_that_never_came_is_looked_up_and_said(relayed):
    store, relay = relayed
    relay.lose = "question"
    with pytest.raises(UnreachableError, match="connection to the state store broke"):
        append(store, 3)
    assert relay.lost == 1
    append(store, 1)
    with store.read() as snapshot:
        assert snapshot.log.head().size == 1


def test_a_lost_commit_is_known_again_though_others_have_written_since(relayed, server_place, monkeypatch):
    store, relay = relayed
    relay.lose = "answer"
    begun = StateStore._begun

    def others_first(self, signer):
        if relay.lost and self is store:
            with server_place.open(mirror=None) as other:
                append(other, 2, start=3)
        return begun(self, signer)

    monkeypatch.setattr(StateStore, "_begun", others_first)
    append(store, 3)
    monkeypatch.undo()
    with store.read() as snapshot:
        assert snapshot.log.head().size == 5


def test_a_lost_commit_without_an_event_is_not_guessed(relayed):
    store, relay = relayed
    relay.lose = "answer"
    with (
        pytest.raises(UnreachableError, match="not known whether the last change was stored"),
        store.begin() as tx,
    ):
        tx.leases.acquire("job orders", this_process(), AT, TTL)
    with store.read() as snapshot:
        assert snapshot.leases.holder("job orders") is not None


def test_a_commit_that_can_not_be_looked_up_is_said_to_be_unknown(relayed, monkeypatch):
    store, relay = relayed
    relay.lose = "answer"

    def no_way(*, write):
        raise UnreachableError("the server is gone")

    with (  # noqa: PT012
        pytest.raises(UnreachableError, match="not known whether event 2 was stored: the server is gone"),
        store.begin() as tx,
    ):
        for _ in range(3):
            tx.log.append("error", {}, AT)
        monkeypatch.setattr(store._backend, "connect", no_way)


def test_a_deadlock_at_the_beginning_is_begun_again(server_store, monkeypatch):
    from retention.store.log import Log

    head, calls = Log.head, []

    def clashing(self):
        calls.append(1)
        if len(calls) < 3:
            raise backends.Clash("another's sake")
        return head(self)

    monkeypatch.setattr(Log, "head", clashing)
    append(server_store, 1)
    with server_store.read() as snapshot:
        assert snapshot.log.head().size == 1
    monkeypatch.setattr(Log, "head", lambda _: (_ for _ in ()).throw(backends.Clash("for ever")))
    with pytest.raises(UnreachableError, match="for ever"):
        append(server_store, 1, start=1)


@pytest.mark.parametrize("server_place", ["postgresql"], indirect=True)
def test_an_error_that_a_block_swallowed_does_not_become_a_commit_of_nothing(server_place, server_store):
    with (
        pytest.raises(RetentionError, match="nothing of its transaction is stored"),
        server_store.begin() as tx,
        pytest.raises(RetentionError, match="refused a statement"),
    ):
        execute(tx.log._connection, "SELECT 1 / 0")


# -- round trips -------------------------------------------------------------------------------


def test_an_event_is_two_round_trips_and_a_batch_three(relayed):
    """With twelve a batch, a server that is a millisecond away held all others up that long."""
    store, relay = relayed
    relay.asked = 0
    append(store, 1)
    assert relay.asked == 2
    with store.begin() as tx:
        tx.runs.start(RUN)
        tx.jobs.put(JOB)
        token = tx.leases.acquire("shop.orders", this_process(), AT, TTL)
    journal = Journal(
        store=store, clock=lambda: AT, run=RUN.id, job=JOB.job, connector="shop", dataset="orders",
        rule="orders", lease="shop.orders", token=token, evidence_key=EVIDENCE_KEY_ID, numbers=Numbers(),
    )  # fmt: skip
    sealed = Committer(b"k" * 32, "shop", "orders").seal([(1,), (2,)])
    taken = Taken(keys=[(1,), (2,)], sealed=sealed, overdue=0, rows={"orders": 2})
    for number in (1, 2):
        relay.asked = 0
        journal.intent(taken, sealed, batch=number, progress=JobProgress(batches=number), cursor="[2]")
        assert relay.asked == 3
        journal.committed(taken, batch=number, root=sealed.root)
    sign(store)
    with store.read() as snapshot:
        kinds = [parse(line).type for line in snapshot.log.lines()]
        assert kinds == ["batch.intent", "batch.intent", "batch.committed", "batch.intent"]
        assert [batch.batch for batch in snapshot.batches.unresolved()] == [2]
        assert snapshot.evidence.get(RUN.id, JOB.job, 2).count == 2
        assert snapshot.jobs.get(RUN.id, JOB.job).progress.batches == 2
    assert verify_store(store, store.verifier_key).events == 4


def test_what_waits_is_sent_before_anything_is_read_and_in_order(server_store):
    """Also when it is read by another way than the hot one."""
    with server_store.begin() as tx:
        first = tx.log.append("error", {"n": 0}, AT)
        assert parse(tx.log.line(first)).data == {"n": 0}
        tx.log.append("error", {"n": 1}, AT)
        assert len(list(tx.log.lines())) == 2
    with pytest.raises(KeyError), server_store.begin() as tx:  # noqa: PT012
        tx.log.append("error", {"n": 2}, AT)
        raise KeyError
    append(server_store, 200, start=2)
    sign(server_store)
    assert verify_store(server_store, server_store.verifier_key).events == 202


# -- several at once -------------------------------------------------------------------------


def test_writers_of_two_processes_wait_for_each_other(server_place, server_store, monkeypatch):
    """The head row is locked from the beginning, so what is read to decide cannot change meanwhile."""
    entered, taken = threading.Event(), []

    def second():
        with server_place.open(mirror=None) as other:
            entered.set()
            try:
                with other.begin() as tx:
                    tx.leases.acquire("job", this_process(), AT, TTL)
            except SafetyRefusal:
                taken.append("refused")

    with server_store.begin() as tx:
        thread = threading.Thread(target=second)
        thread.start()
        entered.wait()
        tx.leases.acquire("job", this_process(), AT, TTL)
    thread.join()
    assert taken == ["refused"]


def test_a_neighbour_that_keeps_the_head_row_is_waited_for_and_then_named(
    server_place, server_store, monkeypatch
):
    monkeypatch.setattr(backends, "BUSY_SECONDS", 1.0)
    with (
        server_place.open(mirror=None) as other,
        other.begin(),
        pytest.raises(UnreachableError, match="busy: another process has been writing"),
    ):
        append(server_store, 1)
    append(server_store, 1)


def test_a_writer_that_says_nothing_any_more_is_ended_by_the_server(server_place, server_store, monkeypatch):
    """Half-dead, it would keep the head row from everybody."""
    for module in (postgresql, mysql):
        monkeypatch.setattr(module, "IDLE_SECONDS", 1)
    with (
        server_place.open(mirror=None) as stuck,
        pytest.raises(UnreachableError, match="connection to the state store broke"),
        stuck.begin(),
    ):
        append(server_store, 1)
    with server_store.read() as snapshot:
        assert snapshot.log.head().size == 1


# -- how sessions are set --------------------------------------------------------------------


def test_transactions_are_durable_and_read_committed_whatever_the_defaults_are(server_place, server_store):
    database = server_place.database
    if database.kind == "postgresql":
        for setting in ("synchronous_commit = off", "default_transaction_isolation = 'serializable'"):
            database.run(f"ALTER DATABASE {database.name} SET {setting}")
        asked = "SELECT current_setting('synchronous_commit'), current_setting('transaction_isolation')"
        wanted = ("on", "read committed")
    else:
        asked = "SELECT @@SESSION.tx_isolation, @@SESSION.time_zone"
        wanted = ("READ-COMMITTED", "+00:00")
    try:
        with server_place.open(mirror=None) as fresh, fresh.begin() as tx:
            assert execute(tx.log._connection, asked) == [wanted]
    finally:
        if database.kind == "postgresql":
            database.run(f"ALTER DATABASE {database.name} RESET ALL")


@pytest.mark.parametrize("server_place", ["mariadb"], indirect=True)
def test_every_table_of_mariadb_is_transactional_and_compares_bytes(server_place, server_store):
    found = server_place.database.rows(
        "SELECT table_name, engine, table_collation FROM information_schema.tables"
        f" WHERE table_schema = '{server_place.database.name}' AND table_name LIKE 'retention%'"
    )
    ours = {name: rest for name, *rest in found if name in schema.OUR_TABLES}
    assert ours.keys() == set(schema.OUR_TABLES)
    assert all(rest == ["InnoDB", "utf8mb4_bin"] for rest in ours.values()), ours


def test_names_that_differ_in_case_alone_are_two(server_store):
    with server_store.begin() as tx:
        assert tx.leases.acquire("job Orders", this_process(), AT, TTL) == 1
        assert tx.leases.acquire("job orders", this_process(), AT, TTL) == 1


@pytest.mark.parametrize("server_place", ["mariadb"], indirect=True)
def test_a_server_that_may_lose_what_it_acknowledged_is_refused(server_place, server_store, monkeypatch):
    monkeypatch.setattr(
        mysql, "_variable", lambda _, name: {"log_bin": "1", "sync_binlog": "0"}.get(name, "1")
    )
    with pytest.raises(SetupError, match=r"sync_binlog is 0 .* SET GLOBAL sync_binlog = 1"):
        server_place.open()
    monkeypatch.setattr(mysql, "_variable", lambda _, name: {"log_bin": "0"}.get(name, "2"))
    with pytest.raises(SetupError, match="SET GLOBAL innodb_flush_log_at_trx_commit = 1"):
        server_place.open()
    server_place.open(signer=None, evidence_key_id=None).close()


# -- set-up ------------------------------------------------------------------------------------


def test_a_database_that_is_not_there_is_named_with_what_to_type(server_place):
    url = through(server_place.url, database="retention_state_nowhere")
    for attempt in (backend_of(url).exists, lambda: StateStore.open(url, signer=None, evidence_key_id=None)):
        with pytest.raises(
            SetupError, match="CREATE DATABASE retention_state_nowhere; then type: retention init"
        ):
            attempt()


def test_a_server_that_does_not_answer_is_named(server_place):
    url = through(server_place.url, port=1)
    with pytest.raises(UnreachableError, match=r":1/.*the state store can't be reached: "):
        StateStore.open(url, signer=None, evidence_key_id=None)


def test_a_database_without_a_store_is_refused_with_what_to_type(server_place):
    assert not backend_of(server_place.url).exists()
    for signer in (server_place.signer, None):
        with pytest.raises(SetupError, match="no state store of retention; type: retention init"):
            server_place.open(signer=signer)


def test_a_store_on_a_server_is_never_made_over_something(server_place):
    server_place.create()
    assert backend_of(server_place.url).exists()
    with server_place.open(mirror=None) as store:
        append(store, 2)
    with pytest.raises(SetupError, match="a state store already; it is never overwritten"):
        server_place.create()
    with server_place.open(mirror=None) as store, store.read() as snapshot:
        assert snapshot.log.head().size == 2


def test_tables_of_others_stay_and_one_of_our_names_is_not_taken_over(server_place):
    server_place.database.run(
        "CREATE TABLE event (id integer)", "CREATE TABLE schema_version (version_num varchar(9))"
    )
    server_place.create()
    assert {"event", "schema_version"} < server_place.database.tables()
    server_place.database.run("DROP TABLE retention_schema_version")
    with pytest.raises(SetupError, match=r"a table retention_\w+ already, and no state store"):
        server_place.create()


def test_a_failure_while_a_store_is_made_on_a_server_can_be_made_good(server_place, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr("retention.store.described.first_head", lambda: {"id": None})
        with pytest.raises(RetentionError):
            server_place.create()
    if server_place.database.kind == "postgresql":
        assert server_place.database.tables() == set()
        assert not backend_of(server_place.url).exists()
        server_place.create()
    else:
        with pytest.raises(SetupError, match="never finished; type: retention init"):
            server_place.open()
        assert StateStore.unfinished(server_place.url)
        StateStore.finish(server_place.url, **server_place.description)
    assert not StateStore.unfinished(server_place.url)
    with server_place.open(mirror=None) as store:
        append(store, 1)


@pytest.mark.parametrize("server_place", ["mariadb"], indirect=True)
def test_half_of_the_tables_are_made_anew_as_long_as_they_are_empty(server_place):
    """What is left of an `init` that was killed where DDL is in no transaction."""
    server_place.create()
    server_place.database.run(
        "DELETE FROM retention_schema_version", "DELETE FROM retention_meta", "DELETE FROM retention_head",
        "DROP TABLE retention_schema_seen, retention_evidence",
    )  # fmt: skip
    assert not backend_of(server_place.url).exists()
    server_place.create()
    server_place.database.run("DELETE FROM retention_schema_version")
    with pytest.raises(SetupError, match=r"a table retention_\w+ already, and no state store"):
        server_place.create()
    assert server_place.database.rows("SELECT count(*) FROM retention_meta") == [(1,)]


def test_tables_that_were_made_by_hand_are_set_up_by_an_account_that_may_not_make_any(server_place, account):
    kind = server_place.database.kind
    script = [s for s in ddl.statements(kind) if s not in ("BEGIN", "COMMIT")]
    role = account if kind == "postgresql" else f"{account}@'%'"
    server_place.database.run(*script, *ddl.grants(kind, role))
    url = through(server_place.url, user=account, password="s3cret-Canary%2F%40")
    assert backend_of(url).exists()
    assert StateStore.unfinished(url)
    StateStore.finish(url, **server_place.description)
    assert not StateStore.unfinished(url)
    with StateStore.open(url, signer=server_place.signer, evidence_key_id=EVIDENCE_KEY_ID) as store:
        append(store, 3)
        sign(store)
        with store.begin() as tx:
            tx.plans.put(PLAN)
            tx.runs.start(RUN)
        assert verify_store(store, store.verifier_key).events == 3
    server_place.database.run("DELETE FROM retention_meta")
    with pytest.raises(SetupError, match="has rows, and does not say whose it is"):
        StateStore.finish(url, **server_place.description)


def test_making_a_store_at_once_makes_one(server_place):
    ends = []

    def make():
        try:
            server_place.create()
            ends.append("made")
        except SetupError as error:
            ends.append(str(error))

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [made, refused] = sorted(ends)
    assert made == "made"
    assert "never overwritten" in refused


# -- accounts ----------------------------------------------------------------------------------

PASSWORD = "s3cret-Canary/@"


@pytest.fixture
def account(server_place):
    """An account without any right, and how to take one to it."""
    name = f"{server_place.database.name}_u"[-30:]
    if server_place.database.kind == "postgresql":
        server_place.database.admin(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
        yield name
        server_place.database.run(f"DROP OWNED BY {name}")
        server_place.database.admin(f"DROP ROLE {name}")
    else:
        server_place.database.admin(f"CREATE USER {name}@'%' IDENTIFIED BY '{PASSWORD}'")
        yield f"{name}"
        server_place.database.admin(f"DROP USER {name}@'%'")


@pytest.mark.parametrize("server_place", ["mariadb"], indirect=True)
def test_a_wrong_password_is_said_and_not_shown(server_place, account):
    """(The test server of PostgreSQL trusts everybody.)"""
    url = through(server_place.url, user=account, password="wrong-Canary")
    with pytest.raises(UnreachableError, match="can't be reached: Access denied") as said:
        StateStore.open(url, signer=None, evidence_key_id=None)
    assert "Canary" not in str(said.value)


def test_an_account_without_rights_is_told_to_have_them_granted(server_place, server_store, account):
    url = through(server_place.url, user=account, password="s3cret-Canary%2F%40")
    with pytest.raises((SetupError, UnreachableError), match=r"GRANT|denied|permission"):
        StateStore.open(url, signer=server_place.signer, evidence_key_id=EVIDENCE_KEY_ID)
