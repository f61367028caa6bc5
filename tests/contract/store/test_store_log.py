"""The ledger in the state store: all or nothing, durable, in one order."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.errors import LedgerError, RetentionError, SafetyRefusal
from retention.ledger.line import parse
from retention.ledger.note import Checkpoint
from retention.ledger.tree import leaf_hash, root_of
from retention.store.verifying import verify_folder, verify_store
from tests.contract.store import appending
from tests.contract.store.conftest import AT
from tests.support.processes import Child


def append(store, count, *, start=0):
    with store.begin() as tx:
        for number in range(start, start + count):
            tx.log.append("batch.intent", {"batch": number}, AT + timedelta(seconds=number))


def sign(store):
    with store.begin() as tx:
        return tx.log.checkpoint(AT + timedelta(days=1))


def test_events_are_numbered_from_zero_and_come_back_in_order(store):
    with store.begin() as tx:
        assert [tx.log.append("error", {"n": n}, AT) for n in range(3)] == [0, 1, 2]
    append(store, 1200, start=3)
    with store.read() as snapshot:
        lines = list(snapshot.log.lines())
        assert [parse(line).seq for line in lines] == list(range(1203))
        assert list(snapshot.log.lines(1200)) == lines[1200:]
        assert snapshot.log.line(7) == lines[7]
        assert snapshot.log.line(1203) is None
        assert snapshot.log.length(1200) == sum(len(line) + 1 for line in lines[1200:])
        head = snapshot.log.head()
    assert head.size == 1203
    assert head.length == sum(len(line) + 1 for line in lines)
    assert head.edge.root() == root_of([leaf_hash(line) for line in lines])


def test_what_a_block_raises_undoes_all_of_it(store):
    append(store, 2)
    with pytest.raises(KeyError), store.begin() as tx:  # noqa: PT012
        tx.log.append("error", {}, AT + timedelta(days=1))
        tx.policies.put("digest", "{}", AT)
        raise KeyError
    with store.read() as snapshot:
        assert snapshot.log.head().size == 2
        assert snapshot.policies.last() is None
    append(store, 1, start=2)
    sign(store)
    assert verify_store(store, store.verifier_key).events == 3


def test_data_that_the_format_does_not_know_is_refused_and_nothing_is_written(store):
    for data in ({"share": 0.5}, {"when": AT}, {"n": 2**60}, {"x": "\ud800"}):
        with pytest.raises(RetentionError, match="cannot be written"), store.begin() as tx:
            tx.log.append("error", data, AT)
    with store.read() as snapshot:
        assert snapshot.log.head().size == 0


def test_time_never_goes_backwards(store):
    with store.begin() as tx:
        tx.log.append("error", {}, AT)
        tx.log.append("error", {}, AT - timedelta(minutes=5))
        assert tx.log.last_at() == AT
    with pytest.raises(SafetyRefusal, match=r"the clock says 2026-11-25T11:54:59.+ set the clock right"):  # noqa: SIM117
        with store.begin() as tx:
            tx.log.append("error", {}, AT - timedelta(minutes=5, seconds=1))
    with pytest.raises(RetentionError, match="time zone"), store.begin() as tx:
        tx.log.append("error", {}, datetime(2026, 11, 25))
    with store.read() as snapshot:
        assert [parse(line).at for line in snapshot.log.lines()] == [AT, AT]


def test_a_checkpoint_signs_the_head_and_is_made_once_a_size(store, place):
    append(store, 5)
    first = sign(store)
    assert sign(store) == first
    assert first.size == 5
    append(store, 1, start=5)
    with store.begin() as tx:
        tx.log.append("run.ended", {}, AT + timedelta(hours=1))
        second = tx.log.checkpoint(AT)
    assert second.size == 7
    with store.read() as snapshot:
        notes = list(snapshot.log.checkpoints())
        assert [note.size for note in notes] == [5, 7]
        assert [note.size for note in snapshot.log.checkpoints(above=5)] == [7]
        assert snapshot.log.newest_checkpoint() == notes[1]
    opened = Checkpoint.open(notes[1].note, place.signer.verifier)
    assert opened.text.split("\n")[2] == second.root


def test_the_store_verifies_with_the_public_key_alone(store, place):
    append(store, 20)
    sign(store)
    append(store, 3, start=20)
    with place.open(signer=None, evidence_key_id=None) as reader:
        found = verify_store(reader, place.signer.verifier_key)
    assert (found.events, found.size, found.unsigned_tail) == (23, 20, 3)
    assert found.source == place.database.shown


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM retention_event WHERE seq = 7", "event 7: it is missing from the state store"),
        ("DELETE FROM retention_event WHERE seq >= 18", "event 18: it is missing"),
        ("DELETE FROM retention_event", "event 0: it is missing"),
        (
            lambda database: database.line_with(7, "7}", "8}"),
            "event 7: its content was changed",
        ),
        (
            lambda database: database.line_with(7, "7}", "7} "),
            "event 7: it is not in canonical form",
        ),
        (
            "UPDATE retention_event SET line ="
            " (SELECT line FROM (SELECT line FROM retention_event WHERE seq = 3) AS e) WHERE seq = 7",
            "event 7: in its place",
        ),
        ("UPDATE retention_event SET line = NULL WHERE seq = 7", None),
        ("DELETE FROM retention_checkpoint", "events and no signed checkpoint"),
        (
            "UPDATE retention_checkpoint SET note = replace(note, '20', '19')",
            "checkpoint of 19 events: its signature",
        ),
        ("UPDATE retention_head SET size = 19", "head row is missing or damaged"),
        (
            "UPDATE retention_head SET last_hash = 'x'",
            "event 19: its content is not what the state store's head row says",
        ),
        ("DELETE FROM retention_head", "head row is missing or damaged"),
    ],
)
def test_a_store_that_was_tampered_with_does_not_verify(store, place, statement, words):
    append(store, 20)
    sign(store)
    if callable(statement):
        statement = statement(place.database)
    if words is None:
        with pytest.raises(Exception, match=r"(?i)null"):
            place.database.run(statement)
        return
    place.database.run(statement)
    with pytest.raises(LedgerError, match=words):
        verify_store(store, place.signer.verifier_key)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.sampled_from(["append", "sign", "mirror"]), max_size=4), max_size=4))
def test_whatever_the_order_of_work_store_and_mirror_verify(store, place, blocks):
    for block in blocks:
        for step in block:
            if step == "append":
                with store.begin() as tx:
                    tx.log.append("error", {}, AT)
            elif step == "sign":
                sign(store)
            else:
                store.catch_up()
    sign(store)
    store.catch_up()
    assert (
        verify_store(store, store.verifier_key).events
        == verify_folder(place.folder / "mirror", store.verifier_key).events
    )


def test_a_snapshot_stays_as_it_was_while_others_write(store):
    append(store, 3)
    with store.read() as snapshot:
        append(store, 3, start=3)
        assert snapshot.log.head().size == 3
        assert len(list(snapshot.log.lines())) == 3
    with store.read() as snapshot:
        assert snapshot.log.head().size == 6


def test_a_transaction_inside_another_is_refused_at_once(store):
    with store.begin(), pytest.raises(RetentionError, match="open in this thread already"), store.begin():
        pass
    append(store, 1)


def test_threads_that_append_at_once_lose_nothing(store):
    def work():
        for _ in range(25):
            with store.begin() as tx:
                tx.log.append("error", {}, AT)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sign(store)
    assert verify_store(store, store.verifier_key).events == 100


def worker(place, count, name):
    return Child(appending.append, place.url, place.folder / "mirror", count, name)


def test_processes_that_append_at_once_lose_nothing(place, store):
    workers = [worker(place, 60, name) for name in "abcd"]
    said = [worker.rest() for worker in workers]
    assert [worker.process.exitcode for worker in workers] == [0, 0, 0, 0]
    assert sorted(seq for seqs in said for seq in seqs) == list(range(240))
    sign(store)
    store.catch_up()
    assert verify_store(store, store.verifier_key).events == 240
    assert verify_folder(place.folder / "mirror", store.verifier_key).events == 240


def test_a_process_killed_at_any_moment_leaves_store_and_mirror_whole(place, store):
    acknowledged = []
    for kill in range(10):
        process = worker(place, 100_000, f"k{kill}")
        acknowledged += [process.next() for _ in range(3 + kill * 4)]
        acknowledged += process.kill()
        if kill % 3 == 0:
            sign(store)
            store.catch_up()
            events = verify_folder(place.folder / "mirror", store.verifier_key).events
            assert verify_store(store, store.verifier_key).events == events
    sign(store)
    store.catch_up()
    assert verify_folder(place.folder / "mirror", store.verifier_key).events > max(acknowledged)
    with store.read() as snapshot:
        lines = list(snapshot.log.lines())
    assert (place.folder / "mirror" / "ledger.jsonl").read_bytes() == b"".join(line + b"\n" for line in lines)
    assert len(set(acknowledged)) == len(acknowledged)
    assert all(json.loads(lines[seq])["seq"] == seq for seq in acknowledged)
