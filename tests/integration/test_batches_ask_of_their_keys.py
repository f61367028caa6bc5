"""What a rule defines of a table's rows is worked out of a batch's keys, and not of the whole table at each batch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.stores import Store
from tests.support.workplace import Workplace

TABLES = """
CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(40), status_email VARCHAR(40), seen_at DATE,
    told_on DATE, told_off DATE);
CREATE TABLE contracts (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), ended_at DATE);
CREATE INDEX contracts_user ON contracts (user_id);
"""
DATASETS = """
[datasets.contracts]
data = "contracts"
table = "contracts"
events = { ended = "ended_at" }
[datasets.users]
data = "users"
table = "users"
events = { seen = "seen_at" }
anonymize = { email = "hash", status_email = "null" }
[datasets.messages]
data = "messages"
table = "users"
columns = ["status_email"]
events = { on = "told_on", off = "told_off" }
anonymize = { status_email = "null" }
"""
DEFINED = re.compile(r"(\w+) AS MATERIALIZED")


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """Every statement that any engine is given."""
    found: list[str] = []

    def executed(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        found.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", executed)
    yield found
    sa.event.remove(sa.Engine, "before_cursor_execute", executed)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_batch_works_out_of_its_own_keys_who_goes_by_another_rule(
    work: Workplace, kind: str, request: pytest.FixtureRequest, asked: list[str]
) -> None:
    """A message's column is the user's: whether the user goes is asked of each. Users 1 to 3 are old; 2 has a contract,
    which keeps it, and 3 still wants the messages. MariaDB has no word for what is made once."""
    store: Store = request.getfixturevalue(kind)
    store.script(
        TABLES
        + "INSERT INTO users VALUES (1, 'a', 'a', '2020-01-01', '2019-01-01', '2020-01-01'),"
        + " (2, 'b', 'b', '2020-01-01', '2019-01-01', '2020-01-01'), (3, 'c', 'c', '2020-01-01', NULL, NULL),"
        + " (5, 'e', 'e', '2026-11-01', '2019-01-01', '2020-01-01'), (6, 'f', 'f', '2026-11-01', '2026-01-01', NULL);"
        + "INSERT INTO contracts VALUES (1, 2, '2026-11-01')"
    )
    work.rule("contracts", 'data = "contracts"\nkeep = "3 years"\nfrom = "ended"')
    work.rule("users", 'data = "users"\nkeep = "2 years"\nfrom = "seen"\notherwise = ["pseudonymize"]')
    work.rule("messages", 'data = "messages"\nfrom = "on"\nuntil = "off"\naction = "pseudonymize"')
    work.connect(store, DATASETS)
    work.init()
    del asked[:]
    outcome = work.run()
    done = {job.rule: (job.planned, job.done) for job in outcome.jobs}
    assert done == {"contracts": (0, 0), "users": (3, 3), "messages": (1, 1)}
    assert store.rows("SELECT id, status_email FROM users ORDER BY id") == [
        (2, None),
        (3, "c"),
        (5, None),
        (6, "f"),
    ]
    claimed = {"sqlite": 'FROM "temp".retention_claim', "postgresql": "keys0"}[store.kind]
    batches = [text for text in asked if claimed in text and DEFINED.search(text)]
    assert batches, "some batch asks who goes"
    assert {
        name for text in batches for name in DEFINED.findall(text) if not name.endswith("_handed")
    } == set()
    beside = [text[text.index("_handed AS") : text.index("\n SELECT r.")] for text in batches]
    assert [text.count(claimed) for text in beside] == [1] * len(batches)
