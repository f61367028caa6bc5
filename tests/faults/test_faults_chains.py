"""A job with `otherwise` that is killed between its actions, and amid rewriting: the next run finishes it."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from retention.actions.pseudonyms import pseudonyms
from retention.ledger.keys import PSEUDONYM
from retention.store.keyfiles import read_ring
from tests.support_faults.shops import Shop

POLICY = """
[policy]
name     = "Faults"
timezone = "Europe/Oslo"
approval = "never"
limits   = { share = "100%", rows = 10_000_000 }

[rules.accounts]
promise   = "Accounts: a year"
data      = "accounts"
keep      = "1 year"
from      = "seen"
action    = "delete"
otherwise = ["pseudonymize"]
"""
CONNECTOR = """
type     = "sql"
url      = "{url}"
timezone = "Europe/Oslo"
throttle = {{ batch_time = "20 ms" }}

[datasets.accounts]
data      = "accounts"
table     = "accounts"
subject   = {{ email = "email" }}
events    = {{ seen = "seen" }}
anonymize = {{ email = "hash" }}
"""
KILLED = """
import os, signal, sys
from retention.cli import main
from retention.connectors.sql.batches.rewriting import RewritingRemover
from retention.engine.pace import Pace
step, nth, late = sys.argv.pop(1), int(sys.argv.pop(1)), sys.argv.pop(1) == "after"
Pace.__init__.__kwdefaults__["size"] = 40
real, seen = getattr(RewritingRemover, step), []
def killing(*given, **named):
    seen.append(1)
    if len(seen) == nth and not late:
        os.kill(os.getpid(), signal.SIGKILL)
    answer = real(*given, **named)
    if len(seen) == nth:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer
setattr(RewritingRemover, step, killing)
main()
"""


class Accounts(Shop):
    """Accounts of which every second one is referred to by an order that nobody deletes."""

    def filled(self, count: int) -> Accounts:
        self.datasets = ("accounts",)
        self.database.run(
            f"CREATE TABLE accounts (id integer PRIMARY KEY, email varchar(60), seen {self.database.date})",
            "CREATE TABLE orders (id integer PRIMARY KEY, account integer REFERENCES accounts (id))",
            "CREATE INDEX orders_account ON orders (account)",
        )
        for first in range(1, count, 1_000):
            numbers = range(first, min(first + 1_000, count + 1))
            accounts = ", ".join(f"({n}, 'p{n}@example.org', '2015-03-01')" for n in numbers)
            orders = ", ".join(f"({n}, {n})" for n in numbers if n % 2)
            self.database.run(
                f"INSERT INTO accounts VALUES {accounts}", f"INSERT INTO orders VALUES {orders}"
            )
        return self.ready()  # type: ignore[no-any-return]

    def write(self, **_: object) -> None:
        (self.folder / "connectors").mkdir(exist_ok=True)
        (self.folder / "policies.toml").write_text(POLICY)
        (self.folder / "connectors" / "shop.toml").write_text(CONNECTOR.format(url=self.database.url))

    def emails(self) -> dict[int, str]:
        return dict(self.database.rows("SELECT id, email FROM accounts"))

    def killed_at(self, step: str, nth: int, when: str) -> None:
        """A run that kills itself there."""
        words = [sys.executable, "-c", KILLED, step, str(nth), when]
        words += ["--config", str(self.folder / "policies.toml"), "run", "--yes"]
        ran = subprocess.run(
            words, capture_output=True, text=True, env=self.process_environ(), timeout=120, check=False
        )
        assert ran.returncode == -signal.SIGKILL, ran.stderr

    def must_be_done(self, count: int, *said: str) -> None:
        """Each record once, by its own action; a hash is of the value, and of no hash. `said`: how the last run may
        end; by itself "done"."""
        assert self.run().status in (said or ("done",))
        (key,) = read_ring(self.config().settings.pseudonym_key, PSEUDONYM).keys
        hashed = pseudonyms(key)
        assert self.emails() == {n: hashed(f"p{n}@example.org") for n in range(1, count + 1, 2)}
        assert self.unresolved() == []
        records: Counter[str] = Counter()
        committed = self.committed()
        for _, data in self.events("batch.intent"):
            records[data.get("action", "delete")] += committed.get((data["run"], data["batch"]), 0)
        assert records == {"delete": count // 2, "pseudonymize": count // 2}
        leaves = self.leaves()
        assert sorted(leaves) == sorted(self.expected_leaves("accounts", range(1, count + 1)))
        self.verify()
        before = len(self.events("batch.intent"))
        assert [job.done for job in self.run().jobs] == [0]
        assert len(self.events("batch.intent")) == before


@pytest.fixture
def accounts(database, folder) -> Accounts:
    return Accounts(folder, database)


def test_a_run_that_is_killed_between_its_actions_and_amid_rewriting_is_finished_by_the_next(accounts):
    """What deletes is done, and nothing rewritten; then a batch is written, not told of; then committed."""
    accounts.filled(200)
    accounts.killed_at("begin", 1, "before")
    assert set(accounts.emails()) == set(range(1, 200, 2))
    assert not [email for email in accounts.emails().values() if email.startswith("rh1-")]
    accounts.killed_at("mark", 2, "before")
    some = {n for n, email in accounts.emails().items() if email.startswith("rh1-")}
    assert 0 < len(some) < 100
    assert len(accounts.unresolved()) <= 1
    accounts.killed_at("commit", 1, "after")
    more = {n for n, email in accounts.emails().items() if email.startswith("rh1-")}
    assert some < more
    assert [row.count for row in accounts.unresolved()] == [len(more - some)]
    accounts.must_be_done(200)


@pytest.mark.heavy
def test_a_run_with_two_actions_killed_twelve_times(accounts):
    accounts.filled(60_000)
    dice, killed = random.Random(12), 0
    for _ in range(12):
        process = accounts.start("run", "--yes")
        time.sleep(0.6 + dice.random() * 1.2)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        assert len(accounts.unresolved()) <= 1
    assert killed >= 4, "some of them should have been killed at work"
    accounts.must_be_done(
        60_000, "done", "nothing"
    )  # a fast machine has done everything before the last kill
