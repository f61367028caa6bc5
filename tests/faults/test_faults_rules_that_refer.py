"""A run that is killed amid a batch that two jobs have together: all of it has gone, or nothing of it."""

import signal
import subprocess
import sys
from collections import Counter

import pytest

from tests.support_faults.shops import Shop

POLICY = """
[policy]
name     = "Faults"
timezone = "Europe/Oslo"
approval = "never"
limits   = { share = "100%", rows = 10_000_000 }
"""
RULE = """
[rules.{kind}]
promise = "{kind}: a year"
data    = "comments"
where   = "kind = '{kind}'"
keep    = "1 year"
from    = "closed"
action  = "delete"
"""
CONNECTOR = """
type     = "sql"
url      = "{url}"
timezone = "Europe/Oslo"

[datasets.comments]
data   = "comments"
table  = "comments"
events = {{ closed = "closed_at" }}
facts  = {{ kind = "kind" }}
"""
CIRCLE_RULE = """
[rules.{kind}]
promise = "{kind}: a year"
data    = "{data}"
keep    = "1 year"
from    = "closed"
action  = "delete"
"""
CIRCLE = """
type     = "sql"
url      = "{url}"
timezone = "Europe/Oslo"

[datasets.contracts]
data   = "contracts"
table  = "contracts"
events = {{ closed = "closed_at" }}

[datasets.items]
data   = "items"
table  = "items"
events = {{ closed = "closed_at" }}
"""
KILLED = """
import functools, os, signal, sys
from retention.cli import main
from retention.connectors.sql.batches.circling import CircleRemover
from retention.connectors.sql.batches.together import TogetherRemover
from retention.engine import pace
from retention.verbs.running import joining
pace.MOST, joining.Pace = 2, functools.partial(pace.Pace, size=2)  # a ring a batch
remover = CircleRemover if sys.argv.pop(1) == "circle" else TogetherRemover
step, nth, late = sys.argv.pop(1), int(sys.argv.pop(1)), sys.argv.pop(1) == "after"
real, seen = getattr(remover, step), []
def killing(*given, **named):
    seen.append(1)
    if len(seen) == nth and not late:
        os.kill(os.getpid(), signal.SIGKILL)
    answer = real(*given, **named)
    if len(seen) == nth:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer
setattr(remover, step, killing)
main()
"""


class Comments(Shop):
    """Twelve threads of two comments that answer each other, one of each rule."""

    what = "comments"

    def filled(self):
        self.datasets = ("comments",)
        self.database.run(
            f"CREATE TABLE comments (id integer PRIMARY KEY, reply_to integer REFERENCES comments (id),"
            f" kind varchar(1), closed_at {self.database.date})",
            "CREATE INDEX comments_reply ON comments (reply_to)",
        )
        for n in range(1, 24, 2):
            self.database.run(
                f"INSERT INTO comments VALUES ({n}, NULL, 'a', '2015-03-01')",
                f"INSERT INTO comments VALUES ({n + 1}, {n}, 'b', '2015-03-01')",
                f"UPDATE comments SET reply_to = {n + 1} WHERE id = {n}",
            )
        return self.ready()

    def write(self, **_):
        (self.folder / "connectors").mkdir(exist_ok=True)
        rules = "".join(RULE.format(kind=kind) for kind in "ab")
        (self.folder / "policies.toml").write_text(POLICY + rules)
        (self.folder / "connectors" / "shop.toml").write_text(CONNECTOR.format(url=self.database.url))

    def killed_at(self, step, nth, when):
        """A run that kills itself there."""
        words = [sys.executable, "-c", KILLED, self.what, step, str(nth), when]
        words += ["--config", str(self.folder / "policies.toml"), "run", "--yes"]
        ran = subprocess.run(
            words, capture_output=True, text=True, env=self.process_environ(), timeout=120, check=False
        )
        assert ran.returncode == -signal.SIGKILL, ran.stderr

    def gone(self):
        return 24 - sum(map(self.count, self.datasets))


class Contracts(Comments):
    """Twelve contracts, each with an item that refers to it and that it refers to."""

    what = "circle"

    def filled(self):
        self.datasets = ("contracts", "items")
        self.database.run(
            f"CREATE TABLE items (id integer PRIMARY KEY, contract integer, closed_at {self.database.date})",
            f"CREATE TABLE contracts (id integer PRIMARY KEY, item integer REFERENCES items (id),"
            f" closed_at {self.database.date})",
            "CREATE INDEX items_contract ON items (contract)",
            "CREATE INDEX contracts_item ON contracts (item)",
        )
        for n in range(1, 13):
            self.database.run(
                f"INSERT INTO items VALUES ({n}, {n}, '2015-03-01')",
                f"INSERT INTO contracts VALUES ({n}, {n}, '2015-03-01')",
            )
        return self.ready()

    def write(self, **_):
        (self.folder / "connectors").mkdir(exist_ok=True)
        rules = "".join(CIRCLE_RULE.format(kind=k, data=d) for k, d in (("a", "contracts"), ("b", "items")))
        (self.folder / "policies.toml").write_text(POLICY + rules)
        relation = 'relations = ["items.contract -> contracts.id"]\n'
        text = CIRCLE.format(url=self.database.url) + relation
        (self.folder / "connectors" / "shop.toml").write_text(text)


@pytest.fixture(params=[Comments, Contracts], ids=lambda shop: shop.what)
def comments(request, database, folder):
    return request.param(folder, database).filled()


@pytest.mark.one_in(5)
@pytest.mark.parametrize(
    ("step", "nth", "when", "gone", "doubt"),
    [
        ("mark", 1, "after", 0, 0),
        ("mark", 2, "after", 0, 0),
        ("commit", 1, "before", 0, 2),
        ("commit", 1, "after", 2, 2),
        ("commit", 3, "after", 6, 2),
    ],
)
def test_a_run_that_is_killed_amid_a_batch_of_two_jobs_leaves_both_shares_or_none(
    comments, step, nth, when, gone, doubt
):
    before = comments.keys()
    comments.killed_at(step, nth, when)
    assert comments.gone() == gone
    assert [row.count for row in comments.unresolved()] == [1] * doubt
    assert len({row.job for row in comments.unresolved()}) == doubt
    outcome = comments.run()
    assert outcome.status == "done"
    assert [job.done for job in outcome.jobs] == [12 - gone // 2] * 2
    assert comments.unresolved() == []
    said = [data["outcome"] for _, data in comments.events("batch.reconciled")]
    assert said == ["committed" if gone else "aborted"] * doubt
    assert comments.keys() == {name: set() for name in comments.datasets}
    comments.must_be_whole(before)
    jobs, committed = Counter(), comments.committed()
    for _, data in comments.events("batch.intent"):
        jobs[data["job"].split("/")[0]] += committed.get((data["run"], data["batch"]), 0)
    assert jobs == {"a": 12, "b": 12}
    assert [job.done for job in comments.run().jobs] == [0, 0]
