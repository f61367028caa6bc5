"""A state store on a server: what the how-to grants is enough, and no more than that."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retention.errors import SetupError
from retention.verbs.archiving import archive
from tests.support.states import STATES
from tests.support_faults.databases import KINDS
from tests.support_faults.shops import Shop

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "keep-state-on-a-server.md"


def grants(kind, database, account):
    """The how-to's statements, its database and account under names that nobody else has."""
    blocks = re.findall(r"```sql\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    text = blocks[["postgresql", "mariadb"].index(kind)].replace("retention_worker", account)
    text = text.replace("DATABASE retention ", f"DATABASE {database} ").replace("retention.", f"{database}.")
    return [statement for statement in text.split(";") if statement.strip()]


@pytest.fixture(params=["postgresql", "mariadb"])
def state(request, tmp_path):
    state = STATES[request.param](tmp_path)
    state.account = f"worker_{os.getpid()}"
    yield state
    state.drop()
    who = f"{state.account}@'%'" if state.kind == "mariadb" else state.account
    state.admin(f"DROP {'USER' if state.kind == 'mariadb' else 'ROLE'} IF EXISTS {who}")


def test_what_the_how_to_grants_is_enough_and_the_ledger_can_not_be_changed(state, tmp_path):
    shop = Shop(tmp_path, KINDS["sqlite"](tmp_path), state_url="env:STATE_URL")
    shop.environ["STATE_URL"] = state.url
    shop.visits(due=300)
    shop.ready(approval="always")
    state.run(*grants(state.kind, state.name, state.account))

    url = state.url_of(state.name, f"{state.account}:change-me")
    shop.environ["STATE_URL"] = url
    before = shop.keys()
    assert shop.check().problems == ()
    shop.approve(shop.plan().id)
    assert shop.run().status == "done"
    shop.must_be_whole(before)
    shop.add_visits(5_000, 100)
    shop.approve(shop.plan().id)
    assert shop.run().status == "done"

    (shop.folder / "retention.toml").write_text('state = "env:STATE_URL"\n[ledger]\nkeep = "100 years"\n')
    with pytest.raises(
        SetupError, match="an archive removes lines of the ledger, which retention's own account"
    ):
        archive(shop.place, tmp_path / "archive", by="ida", clock=lambda: datetime.now(UTC))

    worker = STATES[state.kind].__new__(STATES[state.kind])
    worker.url, worker.name = url, state.name
    for statement in (
        "UPDATE retention_event SET seq = seq + 1000",
        "DELETE FROM retention_event",
        "DELETE FROM retention_checkpoint",
        "UPDATE retention_evidence SET count = 0",
        "DROP TABLE retention_event",
    ):
        with pytest.raises(Exception, match=r"(?i)permission denied|must be owner|command denied"):
            worker.run(statement)
