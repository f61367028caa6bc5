"""Plans, approvals, runs, jobs, batches, evidence, and what is remembered between runs."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from retention.errors import RetentionError
from retention.store.aside import SetAsideRow
from retention.store.batches import BatchRow, EvidenceRow
from retention.store.plans import ApprovalRow, StoredPlan
from retention.store.refusals import RefusalRow
from retention.store.runs import JobProgress, JobRow, RunRow
from tests.contract.store.conftest import AT

PLAN = StoredPlan(id="p1", digest="d1", as_of=AT, created=AT, policy="pol", body='{"é": 1}')
APPROVAL = ApprovalRow(
    plan="p1", rule="orders", form="f", target="t", schema="s", by="ida", at=AT, over_limit=True, records=7
)
RUN = RunRow(id="r1", as_of=AT, started=AT, by="ida", policy="pol", plan="p1")
JOB = JobRow(
    run="r1", job="orders:shop.orders", rule="orders", connector="shop", dataset="orders", as_of=AT,
    started=AT, planned=9,
)  # fmt: skip
BATCH = BatchRow(run="r1", job=JOB.job, batch=1, connector="shop", count=2, root="ab" * 32, at=AT)


@pytest.fixture
def running(store):
    with store.begin() as tx:
        tx.runs.start(RUN)
        tx.jobs.put(JOB)
        tx.batches.intent(BATCH)
    return store


def test_plans_come_back_whole_and_newest_first(store):
    with store.begin() as tx:
        for number in range(3):
            tx.plans.put(dataclasses.replace(PLAN, id=f"p{number}"))
        tx.plans.put(dataclasses.replace(PLAN, id="p0"))
        with pytest.raises(RetentionError, match="another plan p0"):
            tx.plans.put(dataclasses.replace(PLAN, id="p0", digest="other"))
    with store.read() as snapshot:
        assert snapshot.plans.get("p1") == PLAN
        assert snapshot.plans.get("nothing") is None
        assert [plan.id for plan in snapshot.plans.newest()] == ["p2", "p1", "p0"]
        assert [plan.id for plan in snapshot.plans.newest(limit=1)] == ["p2"]


def test_a_plan_is_carried_out_by_one_run(store):
    with store.begin() as tx:
        tx.plans.put(PLAN)
        tx.plans.mark_used("p1", "r1")
        tx.plans.mark_used("p1", "r1")
        for id in ("p1", "nothing"):
            with pytest.raises(RetentionError, match="carried out already"):
                tx.plans.mark_used(id, "r2")
        assert tx.plans.get("p1").used_by == "r1"


def test_the_newest_approval_of_a_form_counts(store):
    second = dataclasses.replace(APPROVAL, by="ola", at=AT + timedelta(hours=1), over_limit=False)
    with store.begin() as tx:
        tx.approvals.add(APPROVAL)
        tx.approvals.add(second)
        tx.approvals.add(dataclasses.replace(APPROVAL, plan="p2", rule="accounts"))
    with store.read() as snapshot:
        assert snapshot.approvals.of("p1") == [APPROVAL, second]
        assert snapshot.approvals.of_form("orders", "f") == second
        assert snapshot.approvals.all_of_form("orders", "f") == [second, APPROVAL]
        assert snapshot.approvals.of_form("orders", "changed") is None
        assert snapshot.approvals.of("p3") == []


def test_policy_and_schema_are_remembered(store):
    with store.begin() as tx:
        assert tx.policies.last() is None
        for digest in ("a", "b", "a"):
            tx.policies.put(digest, f'{{"is": "{digest}"}}', AT)
        tx.schemas.put("shop", "orders", "one", AT)
        tx.schemas.put("shop", "orders", "two", AT)
    with store.read() as snapshot:
        last = snapshot.policies.last()
        assert (last.digest, last.body, last.at) == ("a", '{"is": "a"}', AT)
        assert snapshot.policies.get("b").digest == "b"
        assert snapshot.policies.get("c") is None
        assert snapshot.schemas.seen("shop", "orders") == "two"
        assert snapshot.schemas.seen("shop", "customers") is None


def test_runs_start_and_end_once(running):
    with running.begin() as tx:
        tx.runs.start(dataclasses.replace(RUN, id="r2", plan=None))
        assert [run.id for run in tx.runs.open()] == ["r1", "r2"]
        tx.runs.end("r1", status="done", at=AT + timedelta(hours=1), body='{"done": 2}')
        for id in ("r1", "nothing"):
            with pytest.raises(RetentionError, match="not open"):
                tx.runs.end(id, status="done", at=AT, body="{}")
    with running.read() as snapshot:
        assert [run.id for run in snapshot.runs.open()] == ["r2"]
        assert [run.id for run in snapshot.runs.newest()] == ["r2", "r1"]
        ended = dataclasses.replace(RUN, status="done", ended=AT + timedelta(hours=1), body='{"done": 2}')
        assert snapshot.runs.get("r1") == ended
    with pytest.raises(RetentionError, match="refused a statement"), running.begin() as tx:
        tx.runs.start(RUN)


def test_a_job_advances_with_its_cursor_and_forgets_it_at_its_end(running):
    half = JobProgress(done=2, changed=1, batches=1, millis=80, rows={"orders": 2, "order_lines": 5})
    whole = JobProgress(done=7, held=1, locked=1, batches=4, millis=300, rows={"orders": 7})
    with running.begin() as tx:
        tx.jobs.advance("r1", JOB.job, progress=half, cursor='["2021-01-01", 7]')
    with running.read() as snapshot:
        assert snapshot.jobs.cursor("r1", JOB.job) == '["2021-01-01", 7]'
        found = snapshot.jobs.get("r1", JOB.job)
        assert found == dataclasses.replace(JOB, progress=half, cursor='["2021-01-01", 7]')
    with running.begin() as tx:
        tx.jobs.end("r1", JOB.job, status="partial", at=AT, progress=whole, reason="locked rows")
    with pytest.raises(RetentionError, match="no job"), running.begin() as tx:  # noqa: PT012
        tx.jobs.advance("r1", "other", progress=half, cursor=None)
        tx.policies.put("digest", "{}", AT)
    with running.read() as snapshot:
        assert snapshot.policies.last() is None
        [found] = snapshot.jobs.of("r1")
        assert found == dataclasses.replace(
            JOB, progress=whole, status="partial", reason="locked rows", ended=AT
        )


def test_the_newest_job_of_each_rule_and_dataset_is_found(running):
    with running.begin() as tx:
        tx.jobs.put(dataclasses.replace(JOB, job="other", dataset="customers"))
        tx.runs.start(dataclasses.replace(RUN, id="r2"))
        tx.jobs.put(dataclasses.replace(JOB, run="r2", planned=4))
        assert [(job.run, job.dataset) for job in tx.jobs.last()] == [("r1", "customers"), ("r2", "orders")]


def test_a_batch_without_an_outcome_is_unresolved(running):
    with running.read() as snapshot:
        assert snapshot.batches.unresolved() == [BATCH]
        assert snapshot.batches.unresolved("crm") == []
        assert snapshot.batches.get("r1", JOB.job, 1) == BATCH
        assert snapshot.batches.get("r1", JOB.job, 2) is None


@pytest.mark.parametrize("outcome", ["committed", "rolled_back", "aborted"])
def test_an_outcome_stands(running, outcome):
    others = {"committed", "rolled_back", "aborted", "unknown"} - {outcome}
    with running.begin() as tx:
        tx.batches.outcome("r1", JOB.job, 1, outcome)
        tx.batches.outcome("r1", JOB.job, 1, outcome)
        for other in others:
            with pytest.raises(RetentionError, match=f"cannot become {other}"):
                tx.batches.outcome("r1", JOB.job, 1, other)
        assert tx.batches.unresolved() == []
        assert len(tx.batches.settled("shop")) == (outcome == "committed")


def test_an_unknown_batch_stays_unresolved_until_it_is_known(running):
    with running.begin() as tx:
        tx.batches.outcome("r1", JOB.job, 1, "unknown")
        assert [batch.status for batch in tx.batches.unresolved("shop")] == ["unknown"]
        tx.batches.outcome("r1", JOB.job, 1, "committed")
        assert tx.batches.unresolved() == []
        with pytest.raises(RetentionError, match="no outcome"):
            tx.batches.outcome("r1", JOB.job, 1, "intent")
        with pytest.raises(RetentionError, match="cannot become"):
            tx.batches.outcome("r1", JOB.job, 9, "committed")


@pytest.mark.parametrize("before", ["intent", "unknown", "committed", "aborted"])
def test_a_batch_is_settled_once(running, before):
    with running.begin() as tx:
        if before != "intent":
            tx.batches.outcome("r1", JOB.job, 1, before)
        settles = before in ("intent", "unknown")
        assert tx.batches.settle("r1", JOB.job, 1, "rolled_back") is settles
        assert tx.batches.get("r1", JOB.job, 1).status == ("rolled_back" if settles else before)
        assert not tx.batches.settle("r1", JOB.job, 1, "rolled_back")
        with pytest.raises(RetentionError, match="no batch 9"):
            tx.batches.settle("r1", JOB.job, 9, "committed")
        with pytest.raises(RetentionError, match="no outcome"):
            tx.batches.settle("r1", JOB.job, 1, "intent")


def test_folded_batches_are_settled_no_more(running):
    with running.begin() as tx:
        tx.batches.intent(dataclasses.replace(BATCH, batch=2, connector="crm"))
        for number in (1, 2):
            tx.batches.outcome("r1", JOB.job, number, "committed")
        tx.batches.mark_folded("r1", "shop")
        assert tx.batches.settled("shop") == []
        assert [batch.batch for batch in tx.batches.settled("crm")] == [2]


def test_the_same_batch_twice_and_a_batch_of_no_run_are_refused(running):
    for row in (BATCH, dataclasses.replace(BATCH, run="nothing")):
        with pytest.raises(RetentionError, match="refused a statement"), running.begin() as tx:
            tx.batches.intent(row)


def test_evidence_comes_back_and_belongs_to_a_batch(running):
    row = EvidenceRow(run="r1", job=JOB.job, batch=1, key_id="k", leaves=b"\x01" * 32 + b"\xff" * 32)
    with running.begin() as tx:
        tx.evidence.put(row)
        assert tx.evidence.get("r1", JOB.job, 1) == row
        assert row.count == 2
        assert tx.evidence.get("r1", JOB.job, 2) is None
        assert tx.evidence.keys() == ["k"]
        with pytest.raises(RetentionError, match="32 bytes"):
            tx.evidence.put(dataclasses.replace(row, batch=2, leaves=b"\x01" * 33))
    with pytest.raises(RetentionError, match="refused a statement"), running.begin() as tx:
        tx.evidence.put(dataclasses.replace(row, batch=2))


def test_a_record_is_set_aside_once_with_its_newest_reason(store):
    row = SetAsideRow(
        connector="shop", dataset="orders", key='["ø", 7]', rule="orders", reason="trigger", run="r1", at=AT
    )
    again = dataclasses.replace(row, reason="check constraint", run="r2")
    other = dataclasses.replace(row, key='["x"]')
    with store.begin() as tx:
        tx.set_aside.put(row)
        tx.set_aside.put(again)
        tx.set_aside.put(other)
        tx.set_aside.put(dataclasses.replace(row, dataset="customers"))
    with store.read() as snapshot:
        found = sorted(snapshot.set_aside.of("shop", "orders"), key=lambda aside: aside.key)
        assert found == sorted([again, other], key=lambda aside: aside.key)
        assert snapshot.set_aside.count() == 3
        assert snapshot.set_aside.count("shop") == 3
        assert snapshot.set_aside.count("shop", "orders") == 2
        assert snapshot.set_aside.count("crm") == 0
    with store.begin() as tx:
        tx.set_aside.remove("shop", "orders", row.key)
        tx.set_aside.remove("shop", "orders", row.key)
        assert tx.set_aside.count("shop", "orders") == 1


def test_refusals_come_back_in_the_order_of_their_events_and_are_found_by_a_commitment(store):
    leaves = [bytes([n]) * 32 for n in range(4)]
    rows = [
        RefusalRow(
            seq=seq, place=place, rule=rule, connector="shop", dataset="orders", key_id="k", why=f"{seq}.{place}",
            at=AT + timedelta(days=seq), leaves=b"".join(some),
        )
        for seq, place, rule, some in [(7, 1, "a", leaves[:2]), (7, 0, "a", leaves[2:]), (9, 0, "b", leaves[1:3])]
    ]  # fmt: skip
    with store.begin() as tx:
        for row in rows:
            tx.refusals.put(row)
    with store.read() as snapshot:
        assert list(snapshot.refusals.of("shop", "orders")) == [rows[1], rows[0], rows[2]]
        assert list(snapshot.refusals.of("shop", "orders", "b")) == [rows[2]]
        assert list(snapshot.refusals.of("shop", "accounts")) == []
        assert list(snapshot.refusals.find("shop", "orders", "k", leaves[1])) == [(rows[0], 1), (rows[2], 0)]
        assert list(snapshot.refusals.find("shop", "orders", "other", leaves[1])) == []
        assert list(snapshot.refusals.find("shop", "orders", "k", leaves[1][:31] + b"x")) == []
        assert not snapshot.refusals.older(AT + timedelta(days=7))
    with store.begin() as tx, pytest.raises(RetentionError):
        tx.refusals.put(dataclasses.replace(rows[0], seq=8, leaves=b"x" * 31))
    with store.begin() as tx:
        assert tx.refusals.drop(AT + timedelta(days=8)) == 4
    with store.read() as snapshot:
        assert list(snapshot.refusals.of("shop", "orders")) == [rows[2]]
