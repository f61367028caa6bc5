"""Records of one dataset that refer to each other and are due by different rules go in one run, whole."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping

import pytest

from retention.engine.pace import Pace
from retention.model.plan import JobStatus
from retention.verbs.running import joining, working
from tests.support.stores import Store
from tests.support.workplace import Workplace, adds_up

OLD, NEW = "'2020-01-01 00:00:00'", "'2026-11-01 00:00:00'"
COMMENTS = """
[datasets.comments]
data   = "comments"
table  = "comments"
events = { closed = "closed_at" }
facts  = { kind = "kind" }
"""
Comments = Mapping[int, tuple[str, int | None]]


@pytest.fixture
def comments(work: Workplace) -> Workplace:
    for kind in "abc":
        work.rule(kind, f'data = "comments"\nwhere = "kind = \'{kind}\'"\nkeep = "1 year"\nfrom = "closed"')
    return work


def fill(store: Store, some: Comments, *, new: tuple[int, ...] = ()) -> None:
    """Comments by number: their kind, and to which they reply."""
    rows = ", ".join(
        f"({n}, {'NULL' if to is None else to}, '{kind}', {NEW if n in new else OLD})"
        for n, (kind, to) in some.items()
    )
    unchecked = "SET SESSION foreign_key_checks = 0; " if store.kind == "mariadb" else ""
    store.script(
        "CREATE TABLE comments (id INTEGER PRIMARY KEY, reply_to INTEGER REFERENCES comments (id),"
        " kind VARCHAR(1), closed_at TIMESTAMP NULL); CREATE INDEX comments_reply ON comments (reply_to);"
        f"{unchecked}INSERT INTO comments VALUES {rows}"
    )


def left(store: Store, table: str = "comments") -> list[int]:
    return [n for (n,) in store.rows(f"SELECT id FROM {table} ORDER BY id")]


@pytest.fixture(params=[1, 2, 1000])
def paced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The size of the first batches."""
    size: int = request.param
    for module in (working, joining):
        monkeypatch.setattr(module, "Pace", functools.partial(Pace, size=size))
    return size


def goes(work: Workplace, store: Store, done: Mapping[str, int]) -> None:
    """One run takes what the plan counts, all of it, and a second plan finds nothing."""
    plan = work.plan()
    assert {job.rule: job.due for job in plan.jobs if job.due} == done
    jobs = work.run().jobs
    assert {job.rule: job.done for job in jobs if job.planned} == done
    assert all(job.status in (JobStatus.DONE, JobStatus.NOTHING) and adds_up(job) for job in jobs)
    assert not any(job.due for job in work.plan().jobs)


def committed(work: Workplace) -> dict[str, int]:
    """Records of each rule, by the batches that the ledger says were committed."""
    found: Counter[str] = Counter()
    for event in work.events():
        if event["type"] == "batch.committed":
            found[event["data"]["job"].split("/")[0]] += event["data"]["count"]
    return dict(found)


def test_a_chain_over_two_rules_goes_in_one_run(comments: Workplace, store: Store, paced: int) -> None:
    """9 replies to 8, 8 to 7, …, by turns a and b."""
    fill(store, {n: ("ab"[n % 2], n - 1 if n > 1 else None) for n in range(1, 10)})
    comments.connect(store, COMMENTS)
    goes(comments, store, {"a": 4, "b": 5})
    assert left(store) == []
    assert committed(comments) == {"a": 4, "b": 5}


def test_a_ring_over_two_rules_goes_whole_in_one_transaction(
    comments: Workplace, store: Store, paced: int
) -> None:
    fill(store, {1: ("a", 2), 2: ("b", 1), 3: ("a", None), 4: ("b", None)})
    comments.connect(store, COMMENTS)
    goes(comments, store, {"a": 2, "b": 2})
    assert left(store) == []
    assert committed(comments) == {"a": 2, "b": 2}
    assert comments.cli("audit", "verify").exit_code == 0


def test_a_ring_over_three_rules_and_what_hangs_on_it(comments: Workplace, store: Store, paced: int) -> None:
    """1→2→3→1 of a, b, c; 4 hangs on it; 3 leads by nothing else. 5↔6 stay: 7, which is new, replies to 6."""
    fill(
        store,
        {
            1: ("a", 2),
            2: ("b", 3),
            3: ("c", 1),
            4: ("c", 1),
            5: ("a", 6),
            6: ("b", 5),
            7: ("c", 6),
            8: ("a", None),
        },
        new=(7,),
    )
    comments.connect(store, COMMENTS)
    goes(comments, store, {"a": 2, "b": 1, "c": 2})
    assert left(store) == [5, 6, 7]


def test_parts_that_refer_across_rules(comments: Workplace, store: Store, paced: int) -> None:
    """Comments hold quotes, which quote comments of the other rule: 1 quotes 2, 2 quotes 1, 2 quotes 3."""
    fill(store, {1: ("a", None), 2: ("b", None), 3: ("a", None), 4: ("b", 3)})
    store.script(
        "CREATE TABLE quotes (id INTEGER PRIMARY KEY, comment_id INTEGER NOT NULL REFERENCES comments (id),"
        " quoted INTEGER REFERENCES comments (id)); CREATE INDEX quotes_c ON quotes (comment_id);"
        "CREATE INDEX quotes_q ON quotes (quoted);"
        "INSERT INTO quotes VALUES (1, 1, 2), (2, 2, 1), (3, 2, 3), (4, 4, NULL)"
    )
    comments.connect(
        store,
        COMMENTS.replace(
            'table  = "comments"', 'table  = "comments"\nparts = [{ table = "quotes", via = "comment_id" }]'
        ),
    )
    goes(comments, store, {"a": 2, "b": 2})
    assert left(store) == []
    assert left(store, "quotes") == []
    rows: Counter[str] = Counter()
    for event in comments.events():
        if event["type"] == "batch.committed":
            rows.update(event["data"]["rows"])
    assert sorted(rows.values()) == [4, 4]
