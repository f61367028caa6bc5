"""A ledger of which parts were archived proves what its whole twin proves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.errors import LedgerError
from retention.ledger.line import parse
from retention.ledger.tree import consistency_proof, inclusion_proof, leaf_hash, root_of
from retention.store.archives import Archives
from retention.store.batches import BatchRow
from retention.store.runs import RunRow
from retention.store.verifying import verify_folder, verify_store, verify_store_and_folder
from retention.verbs.archiving import clear, move
from tests.contract.store.conftest import AT

HOUR = timedelta(hours=1)


def archive(store, folder, hours, now=0):
    """Everything of before so many hours, as the command does it."""
    done = move(store, AT + hours * HOUR, folder, by="ida", now=AT + now * HOUR)
    clear(store)
    store.catch_up()
    return done


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    parts=st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=2, max_size=5),
    cuts=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=3),
    sizes=st.lists(st.floats(0, 1), min_size=4, max_size=4),
)
def test_random_histories_archived_at_random_places(sqlite_place, tmp_path_factory, parts, cuts, sizes):
    folder = tmp_path_factory.mktemp("archived")
    for path in sqlite_place.path.parent.glob("*") if sqlite_place.path.parent.exists() else ():
        path.unlink()
    sqlite_place.create()
    twin, archives = [], []
    with sqlite_place.open(mirror=folder / "mirror") as store:
        for hour, (count, signed) in enumerate(parts):
            with store.begin() as tx:
                for number in range(count):
                    kind = "policy.changed" if number % 97 == 96 else "batch.intent"
                    tx.log.append(kind, {"n": number, "policy": "p"}, AT + hour * HOUR)
                if signed or hour in (0, len(parts) - 1):
                    tx.log.checkpoint(AT + hour * HOUR)
            store.catch_up()
            with store.read() as snapshot:
                twin += list(snapshot.log.lines(len(twin)))
            for place, (when, upto) in enumerate(cuts):
                if when == hour:
                    made = archive(store, folder / f"{hour}-{place}", upto, hour)
                    archives += [folder / f"{hour}-{place}"] if made.events else []
                    with store.read() as snapshot:
                        twin += list(snapshot.log.lines(len(twin)))
        leaves = [leaf_hash(line) for line in twin]
        with store.begin() as tx:
            tx.log.checkpoint(AT + 2000 * HOUR)
        store.catch_up()
        with store.read() as snapshot:
            first, size = snapshot.log.first(), len(leaves)
            assert snapshot.log.head().edge.root() == root_of(leaves)
            assert list(snapshot.log.lines(first)) == twin[first:]
            history = snapshot.log.history(size)
            for each in (round(part * (size - 1)) for part in sizes):
                assert snapshot.log.history(each).root() == root_of(leaves[:each])
                assert history.inclusion(each) == inclusion_proof(leaves, each)
                assert history.consistency(each) == consistency_proof(leaves, each)
            snapshot.log.archives = Archives(archives) if archives else None
            assert list(snapshot.log.lines()) == twin
        key, mirror = store.verifier_key, folder / "mirror"
        found = [
            verify_store(store, key),
            verify_folder(mirror, key),
            verify_store_and_folder(store, mirror, key),
        ]
        assert {(each.events, each.archived) for each in found} == {(size, first)}
        files = Archives(archives) if archives else None
        found = [verify_store(store, key, archives=files), verify_folder(mirror, key, archives=files)]
        assert {(each.events, each.archived) for each in found} == {(size, 0)}


def test_an_archive_ends_before_a_batch_in_doubt_and_other_mirrors_follow(store, place, tmp_path):
    with store.begin() as tx:
        for number in range(600):
            tx.log.append("error", {"number": number}, AT)
        tx.log.checkpoint(AT)
    store.catch_up()
    with place.open(mirror=tmp_path / "other") as other:
        other.catch_up()
        short, stale = tmp_path / "short", tmp_path / "stale"
        lines = (tmp_path / "other" / "ledger.jsonl").read_bytes().splitlines(keepends=True)
        for folder, count in ((short, 300), (stale, 20)):
            folder.mkdir()
            (folder / "ledger.jsonl").write_bytes(b"".join(lines[:count]))
        run = {"run": "r", "job": "orders/shop/orders", "connector": "shop", "count": 1, "root": "0" * 64}
        with store.begin() as tx:
            tx.runs.start(RunRow(id="r", as_of=AT, started=AT, by="ida", policy="p"))
            tx.batches.intent(BatchRow(**run, batch=1, at=AT, seq=520))
        assert archive(store, tmp_path / "archive", 1).stop == 512
        for mirror in (tmp_path / "other", short, stale):
            with place.open(mirror=mirror) as each:
                each.catch_up()
            assert parse((mirror / "ledger.jsonl").read_bytes().splitlines()[0]).seq == 512
            assert verify_folder(mirror, store.verifier_key).archived == 512
        wrong = tmp_path / "wrong"
        wrong.mkdir()
        (wrong / "ledger.jsonl").write_bytes(
            b"".join([*lines[:9], lines[9].replace(b":9", b":8", 1), *lines[10:300]])
        )
        with place.open(mirror=wrong) as each, pytest.raises(LedgerError, match="event 9: it differs"):
            each.catch_up()
