"""In which batch a record was is found, grouped or not, on every kind of state store."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from retention.ledger.evidence import locate, pack, sealed
from retention.store import finding
from retention.store.batches import BatchRow, EvidenceRow
from retention.store.runs import RunRow
from tests.contract.store.conftest import AT

JOB = "orders/shop/orders"


def leaf(number):
    return hashlib.sha256(b"%d" % number).digest()


def put(store, batch, numbers, *, key="k1", status="committed"):
    made = sealed([leaf(number) for number in numbers])
    with store.begin() as tx:
        if tx.runs.get("r1") is None:
            tx.runs.start(RunRow(id="r1", as_of=AT, started=AT, by="ida", policy="p"))
        row = BatchRow(
            run="r1", job=JOB, batch=batch, connector="shop", count=len(made.leaves), root=made.root.hex(),
            at=AT + timedelta(days=batch), seq=batch,
        )  # fmt: skip
        tx.batches.intent(row)
        tx.evidence.put(EvidenceRow(run="r1", job=JOB, batch=batch, key_id=key, leaves=pack(made.leaves)))
        tx.batches.settle("r1", JOB, batch, status)


def group(store):
    with store.read() as snapshot:
        full = snapshot.finding.waiting()
    for rows in full:
        with store.begin() as tx:
            tx.grouping.make(rows)
    return len(full)


def found(store, number, key="k1"):
    with store.read() as snapshot:
        each = snapshot.finding.find(key, leaf(number))
        assert all(locate(one.leaves, leaf(number)) == one.index for one in each)
        return [one.batch.batch for one in each]


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(finding, "MOST_BATCHES", 3)
    monkeypatch.setattr(finding, "MOST_RECORDS", 2000)


def test_a_record_is_found_in_groups_and_beside_them(store, small):
    for batch in range(1, 8):
        put(store, batch, range(batch * 100, batch * 100 + 150))
    put(store, 8, [5000], key="k2")
    put(store, 9, [6000], status="rolled_back")
    before = [found(store, number) for number in (100, 220, 730, 849)]
    assert before == [[1], [1, 2], [6, 7], [7]]
    assert group(store) == 2
    assert group(store) == 0
    assert [found(store, number) for number in (100, 220, 730, 849)] == before
    assert [found(store, number) for number in (99, 850, 5000, 6000)] == [[], [], [], []]
    assert found(store, 5000, "k2") == [8]
    with store.begin() as tx:
        assert tx.grouping.older(AT + timedelta(days=5))
        assert tx.grouping.drop(AT + timedelta(days=5)) == (4, 600)
        assert not tx.grouping.older(AT + timedelta(days=5))
    assert [found(store, number) for number in (100, 220, 520, 730)] == [[], [], [5], [6, 7]]
    with store.begin() as tx:
        tx.grouping.drop(AT + timedelta(days=100))
    for table in ("evidence", "evidence_group", "evidence_bucket"):
        with store._reading.connect() as connection:
            assert connection.exec_driver_sql(f"SELECT count(*) FROM retention_{table}").scalar() == 0


def test_rare_events_and_blocks_are_kept(store):
    with store.begin() as tx:
        for number in range(600):
            tx.log.append("error", {"what": "x", "number": number}, AT)
        for run in ("r1", "r2"):
            tx.log.append("run.started", {"run": run}, AT)
        tx.log.append("run.ended", {}, AT)
        tx.log.checkpoint(AT)
    with store.read() as snapshot:
        log = snapshot.log
        assert (log.named("run.started"), log.named("run.started", "r2"), log.named("run.ended")) == (
            [600, 601], [601], [],
        )  # fmt: skip
        assert log.named("run.started", below=601) == [600]
        assert log.history(603).root() == log.head().edge.root()
        assert sorted(log.history(603)._blocks) == [0, 1]
        assert log.some(3, 5) == list(log.lines(3))[:2]
