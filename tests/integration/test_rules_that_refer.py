"""Records of one dataset that refer to each other and are due by different rules go in one run, whole."""

from __future__ import annotations

import contextlib
import functools
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from retention.connectors.sql.batches.together import TogetherRemover
from retention.engine.pace import Pace
from retention.model.outcome import RunOutcome
from retention.model.plan import JobStatus
from retention.store.state import Snapshot
from retention.verbs.opening import stores
from retention.verbs.opening.configured import configuration
from retention.verbs.running import execution, joining, working
from retention.verbs.running.ended import not_run
from tests.integration.test_told_leaves import locking
from tests.support.stores import Store
from tests.support.workplace import Workplace, adds_up, nonzero

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


@contextlib.contextmanager
def stored(work: Workplace) -> Iterator[Snapshot]:
    config = configuration(work.place)
    with stores.opened(config, work.place) as state, state.read() as snapshot:
        yield snapshot


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


@pytest.mark.one_in(3)
def test_a_chain_over_two_rules_goes_in_one_run(comments: Workplace, store: Store, paced: int) -> None:
    """9 replies to 8, 8 to 7, …, by turns a and b."""
    fill(store, {n: ("ab"[n % 2], n - 1 if n > 1 else None) for n in range(1, 10)})
    comments.connect(store, COMMENTS)
    goes(comments, store, {"a": 4, "b": 5})
    assert left(store) == []
    assert committed(comments) == {"a": 4, "b": 5}


@pytest.mark.one_in(3)
def test_a_ring_over_two_rules_goes_whole_in_one_transaction(
    comments: Workplace, store: Store, paced: int
) -> None:
    fill(store, {1: ("a", 2), 2: ("b", 1), 3: ("a", None), 4: ("b", None)})
    comments.connect(store, COMMENTS)
    goes(comments, store, {"a": 2, "b": 2})
    assert left(store) == []
    assert committed(comments) == {"a": 2, "b": 2}
    assert comments.cli("audit", "verify").exit_code == 0


@pytest.mark.one_in(3)
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


@pytest.mark.one_in(3)
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


def rows_told(work: Workplace, outcome: RunOutcome) -> dict[str, dict[str, int]]:
    """Rule → table → rows that went: as the run's outcome has it, and the ledger's batches, which say the same."""
    found: dict[str, Counter[str]] = {}
    for event in work.events():
        if event["type"] == "batch.committed":
            rule = event["data"]["job"].split("/")[0]
            found.setdefault(rule, Counter()).update(event["data"]["rows"])
    told = {job.rule: nonzero(job.rows) for job in outcome.jobs if job.rows}
    assert {rule: nonzero(rows) for rule, rows in found.items()} == told
    return {
        rule: {name.split(".")[-1]: many for name, many in rows.items()}
        for rule, rows in sorted(told.items())
    }


@pytest.mark.one_in(3)
def test_rows_of_parts_are_counted_with_the_rule_of_their_record(
    comments: Workplace, store: Store, paced: int
) -> None:
    fill(store, {1: ("a", 2), 2: ("b", 3), 3: ("c", 1), 4: ("b", 5), 5: ("a", 4)})
    store.script(
        "CREATE TABLE quotes (id INTEGER PRIMARY KEY, comment_id INTEGER NOT NULL REFERENCES comments (id));"
        "CREATE INDEX quotes_c ON quotes (comment_id);"
        "INSERT INTO quotes VALUES (1, 1), (2, 1), (3, 1), (4, 2), (5, 3), (6, 3)"
    )
    parts = 'table  = "comments"\nparts = [{ table = "quotes", via = "comment_id" }]'
    comments.connect(store, COMMENTS.replace('table  = "comments"', parts))
    comments.init()
    assert rows_told(comments, comments.run()) == {
        "a": {"comments": 2, "quotes": 3},
        "b": {"comments": 2, "quotes": 1},
        "c": {"comments": 1, "quotes": 2},
    }
    assert left(store, "quotes") == []


@pytest.mark.one_in(3)
def test_a_shared_row_is_counted_once_with_the_last_rule_that_needed_it(
    comments: Workplace, store: Store, paced: int
) -> None:
    """Rings 1↔2, 3↔4 and 5↔6 of a and b. Page 1 is 1's, page 3 is 2's; page 2 has both 3 and 4; on page 4 are 5, 6 and
    7, which is new; page 5 is nobody's."""
    fill(
        store,
        {1: ("a", 2), 2: ("b", 1), 3: ("a", 4), 4: ("b", 3), 5: ("a", 6), 6: ("b", 5), 7: ("a", None)},
        new=(7,),
    )
    store.script(
        "CREATE TABLE pages (id INTEGER PRIMARY KEY); INSERT INTO pages VALUES (1), (2), (3), (4), (5);"
        "ALTER TABLE comments ADD page INTEGER REFERENCES pages (id);"
        "CREATE INDEX comments_page ON comments (page);"
        "UPDATE comments SET page = CASE id WHEN 1 THEN 1 WHEN 2 THEN 3 WHEN 3 THEN 2 WHEN 4 THEN 2 ELSE 4 END"
    )
    parts = 'table  = "comments"\nparts = [{ table = "pages", shared = "stays" }]'
    comments.connect(store, COMMENTS.replace('table  = "comments"', parts))
    planned = {job.rule: nonzero(job.rows) for job in comments.plan().jobs}
    comments.init()
    outcome = comments.run()
    assert rows_told(comments, outcome) == {
        "a": {"comments": 3, "pages": 1},
        "b": {"comments": 3, "pages": 2},
    }
    assert {job.rule: nonzero(job.rows) for job in outcome.jobs} == planned
    assert left(store, "pages") == [4, 5]
    assert left(store) == [7]


RING = {1: ("a", 2), 2: ("b", 1)}


def test_each_record_is_proved_to_have_gone_by_its_own_rule(comments: Workplace, store: Store) -> None:
    fill(store, RING)
    comments.connect(store, COMMENTS)
    comments.run()
    for key, rule in ("1", "a"), ("2", "b"):
        proved = comments.cli("audit", "prove", "db.comments", key)
        assert proved.exit_code == 0, proved.output
        assert f"{rule}, for a while" in proved.output
    assert comments.cli("audit", "prove", "db.comments", "3").exit_code == 7
    intents = [event["data"] for event in comments.events() if event["type"] == "batch.intent"]
    assert [(data["job"].split("/")[0], data["count"], sum(data["rows"].values())) for data in intents] == [
        ("a", 1, 1),
        ("b", 1, 1),
    ]
    assert len(store.rows("SELECT run FROM retention_marker")) == 1  # folded


def test_where_only_one_of_the_rules_runs_a_ring_over_both_waits(comments: Workplace, store: Store) -> None:
    """And so does the end of a chain; the other end goes."""
    fill(store, {**RING, 3: ("a", None), 4: ("b", 3), 5: ("b", 6), 6: ("a", None), 7: ("a", None)})
    comments.connect(store, COMMENTS)
    (job,) = comments.plan("a").jobs
    assert (job.due, job.fates["referenced"]) == (1, 3)
    (job,) = comments.run("a").jobs
    assert (job.status, job.done, adds_up(job)) == (JobStatus.DONE, 1, True)
    assert left(store) == [1, 2, 3, 4, 5, 6]
    (note,) = comments.plan("a").notes
    assert note == (
        "what refers to records of db.comments stays where it goes by rules that are left out here: `b`, `c`"
    )
    assert comments.run("a").notes == (note,)
    assert comments.plan().notes == ()
    goes(comments, store, {"a": 3, "b": 3})


def test_a_rule_that_is_not_approved_takes_no_part(comments: Workplace, store: Store) -> None:
    fill(store, {**RING, 3: ("a", None)})
    comments.rules["b"] += '\napproval = "always"\n'
    comments.connect(store, COMMENTS)
    jobs = {job.rule: job for job in comments.run().jobs}
    assert (jobs["b"].status, jobs["b"].done) == (JobStatus.AWAITING, 0)
    assert (jobs["a"].status, jobs["a"].done, jobs["a"].skipped.changed) == (JobStatus.DONE, 1, 1)
    assert jobs["a"].reason == "1 of its records may wait for records of `b` (awaiting approval)"
    assert all(map(adds_up, jobs.values()))
    assert left(store) == [1, 2]
    said = " ".join(comments.cli("run", "--yes").output.split())
    assert "Status done: 1 of its records may wait for records of `b` (awaiting approval)" in said
    assert "Skipped 1 not due any more" in said
    with stored(comments) as snapshot:
        told = [json.loads(row.body)["jobs"] for row in snapshot.runs.newest(2)]
    assert [job["reason"] for jobs in told for job in jobs if job["rule"] == "a"] == [jobs["a"].reason] * 2


def test_what_waits_for_a_rule_that_is_above_its_limit_names_it_beside_another_reason(
    comments: Workplace, store: Store
) -> None:
    if store.kind == "sqlite":
        pytest.skip("a batch has the whole database to itself")
    fill(store, {**RING, 3: ("a", 2), 4: ("a", None), 5: ("b", None)})
    comments.rules["b"] += "\nlimits = { rows = 1 }\n"
    comments.connect(store, COMMENTS)
    comments.init()
    with locking(store, "SELECT id FROM comments WHERE id = 4 FOR UPDATE"):
        jobs = {job.rule: job for job in comments.run().jobs}
    assert (jobs["b"].status, jobs["b"].done) == (JobStatus.REFUSED, 0)
    assert (jobs["a"].status, jobs["a"].done, jobs["a"].skipped.total) == (JobStatus.PARTIAL, 1, 2)
    assert jobs["a"].reason == ("1 locked by others; 1 of its records may wait for records of `b` (refused)")
    assert all(map(adds_up, jobs.values()))


def test_what_waits_for_an_earlier_rule_that_failed_names_it(
    comments: Workplace, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """3 of a, which fails, refers to 4 of b, and that to 5 of c, which is no one's but theirs."""
    fill(store, {3: ("a", 4), 4: ("b", 5), 5: ("c", None), 6: ("c", None)})
    comments.connect(store, COMMENTS)
    comments.init()
    real = execution.worked_off

    def failing(run: Any, phase: Any, *others: Any) -> Any:
        if phase.plan.rule == "a":
            return not_run(phase.plan, JobStatus.FAILED, "it can't be done")
        return real(run, phase, *others)

    monkeypatch.setattr(execution, "worked_off", failing)
    jobs = {job.rule: job for job in comments.run().jobs}
    assert [(jobs[rule].done, jobs[rule].skipped.changed) for rule in "abc"] == [(0, 0), (0, 1), (1, 1)]
    for rule in "bc":
        assert jobs[rule].reason == "1 of its records may wait for records of `a` (failed)"
    assert left(store) == [3, 4, 5]


def test_what_waits_in_another_dataset_names_the_rule_that_awaits_approval(
    comments: Workplace, store: Store
) -> None:
    """Users 1 to 3 wrote comments of a, b and c, of which a and c go."""
    fill(store, {1: ("a", None), 2: ("b", None), 3: ("c", None)})
    store.script(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, closed_at TIMESTAMP NULL);"
        f"INSERT INTO users VALUES (1, {OLD}), (2, {OLD}), (3, {OLD});"
        "ALTER TABLE comments ADD user_id INTEGER REFERENCES users (id);"
        "CREATE INDEX comments_user ON comments (user_id); UPDATE comments SET user_id = id"
    )
    users = '[datasets.users]\ndata = "users"\ntable = "users"\nevents = { closed = "closed_at" }\n'
    comments.rule("users", 'data = "users"\nkeep = "1 year"\nfrom = "closed"')
    comments.rules["b"] += '\napproval = "always"\n'
    comments.connect(store, COMMENTS + users)
    jobs = {job.rule: job for job in comments.run().jobs}
    assert (jobs["users"].done, jobs["users"].skipped.changed) == (2, 1)
    assert jobs["users"].reason == "1 of its records may wait for records of `b` (awaiting approval)"
    assert [jobs[rule].reason for rule in "ac"] == [None, None]
    assert left(store, "users") == [2]


def test_a_rule_that_fails_takes_no_part(
    comments: Workplace, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own batches can't be made: what waits for its records waits, and that is said."""
    fill(store, {**RING, 3: ("a", None), 4: ("b", None)})
    comments.connect(store, COMMENTS)
    comments.init()
    real = execution.worked_off

    def failing(run: Any, phase: Any, *others: Any) -> Any:
        if phase.plan.rule == "b":
            return not_run(phase.plan, JobStatus.FAILED, "it can't be done")
        return real(run, phase, *others)

    with monkeypatch.context() as patch:
        patch.setattr(execution, "worked_off", failing)
        jobs = {job.rule: job for job in comments.run().jobs}
    assert (jobs["b"].status, jobs["b"].done, jobs["b"].left) == (JobStatus.FAILED, 0, 2)
    assert (jobs["a"].done, jobs["a"].skipped.changed) == (1, 1)
    assert jobs["a"].reason == "1 of its records may wait for records of `b` (failed)"
    assert all(map(adds_up, jobs.values()))
    assert left(store) == [1, 2, 4]
    goes(comments, store, {"a": 1, "b": 2})


def test_a_canary_takes_a_ring_whole_or_not_at_all(comments: Workplace, store: Store) -> None:
    """3→4→5→3 has two of a."""
    fill(store, {3: ("a", 4), 4: ("a", 5), 5: ("b", 3)})
    comments.connect(store, COMMENTS)
    jobs = comments.run(limit=1).jobs
    assert all(map(adds_up, jobs))
    assert sum(job.done for job in jobs) == 0
    assert left(store) == [3, 4, 5]
    assert {job.rule: job.done for job in comments.run(limit=2).jobs if job.planned} == {"a": 2, "b": 1}
    assert left(store) == []


def test_a_canary_takes_no_more_of_a_rule_than_it_may(comments: Workplace, store: Store) -> None:
    fill(store, {n: ("ab"[n % 2], n - 1 if n > 1 else None) for n in range(1, 10)})
    comments.connect(store, COMMENTS)
    jobs = {job.rule: job for job in comments.run(limit=2).jobs if job.planned}
    assert all(map(adds_up, jobs.values()))
    assert {rule: job.done for rule, job in jobs.items()} == {"a": 2, "b": 2}
    assert left(store) == [1, 2, 3, 4, 5]


def test_a_hold_that_is_placed_before_a_ring_goes_keeps_all_of_it(
    comments: Workplace, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, {**RING, 3: ("b", 4), 4: ("a", None)})
    comments.connect(store, COMMENTS)
    comments.init()
    real, placed = TogetherRemover.take, []

    def holding(remover: TogetherRemover, *given: Any, **named: Any) -> Any:
        taken = real(remover, *given, **named)
        if not placed:
            said = comments.cli("hold", "add", "--reason", "dispute", "--key", "db.comments", "2")
            placed.append(said.exit_code)
        return taken

    monkeypatch.setattr(TogetherRemover, "take", holding)
    jobs = {job.rule: job for job in comments.run().jobs}
    assert placed == [0]
    assert left(store) == [1, 2]
    assert all(map(adds_up, jobs.values()))
    assert (jobs["a"].done, jobs["b"].done) == (1, 1)
    assert jobs["a"].skipped.total + jobs["b"].skipped.total == 2


@pytest.mark.parametrize("one", [1, 2])
def test_a_ring_of_which_somebody_has_a_row_goes_at_the_next_run(
    comments: Workplace, store: Store, one: int
) -> None:
    if store.kind == "sqlite":
        pytest.skip("a batch has the whole database to itself")
    fill(store, {**RING, 3: ("b", 4), 4: ("a", None)})
    comments.connect(store, COMMENTS)
    with locking(store, f"SELECT id FROM comments WHERE id = {one} FOR UPDATE"):
        jobs = comments.run().jobs
        assert left(store) == [1, 2]
    assert all(map(adds_up, jobs))
    assert [job.skipped.locked for job in jobs if job.planned] == [1, 1]
    assert {job.status for job in jobs if job.planned} == {JobStatus.PARTIAL}
    goes(comments, store, {"a": 1, "b": 1})


def test_a_long_chain_over_two_rules_goes_in_few_batches(comments: Workplace, store: Store) -> None:
    fill(store, {n: ("ab"[n % 2], n - 1 if n > 1 else None) for n in range(1, 601)})
    comments.connect(store, COMMENTS)
    outcome = comments.run()
    assert [(job.done, job.status) for job in outcome.jobs if job.planned] == [(300, JobStatus.DONE)] * 2
    assert max(job.batches for job in outcome.jobs) <= 10
