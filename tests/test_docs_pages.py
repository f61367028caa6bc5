"""How-to pages, typed from top to bottom on a small shop: every command ends well, and comes true."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from retention.cli.root import root
from retention.model.place import Place
from retention.verbs.opening import stores
from retention.verbs.opening.configured import configuration
from tests.support import auditors
from tests.support.states import SERVERS, STATES
from tests.test_docs_console import DOCS, blocks, lines_typed

POLICY = """
[policy]
name     = "Web store"
timezone = "Europe/Oslo"
limits   = { share = "100%", rows = 1_000 }

[rules.orders]
promise = "Orders: five years"
basis   = "legal obligation"
data    = "orders"
keep    = "5 years"
from    = "booked"
action  = "delete"

[rules.accounts]
promise = "Accounts: two years after the last visit"
data    = "accounts"
keep    = "2 years"
from    = "last_activity"
action  = "delete"
"""
CONNECTOR = """
type     = "sql"
url      = "sqlite:///shop.db"
timezone = "Europe/Oslo"

[datasets.accounts]
data    = "accounts"
table   = "customers"
subject = { customer_id = "id", email = "email" }
began   = "created_at"
events  = { last_activity = "last_login_at" }

[datasets.orders]
data    = "orders"
table   = "orders"
subject = { customer_id = "customer_id" }
began   = "created_at"
events  = { booked = "created_at" }
"""
SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, created_at DATE, last_login_at DATE);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), created_at DATE
);
CREATE INDEX orders_of ON orders (customer_id);
INSERT INTO customers VALUES (16, 'Anna@Example.com', '2020-01-01', '2020-03-01'),
                             (17, 'bert@example.com', '2020-01-01', '2020-03-01'),
                             (18, 'cilje@example.com', '2020-01-01', '2020-03-01');
INSERT INTO orders VALUES (16, 16, '2020-02-01'), (17, 17, '2020-02-01'), (1001, 18, '2020-02-01');
"""


class Reader:
    """Somebody with a shop who types a page's commands. `given`: what stands on the page → what is typed for it."""

    def __init__(self, folder: Path, page: str, *, connector: str = "shop", own: bool = True) -> None:
        """`own`: the page's files are one story; else the shop's are taken."""
        self.folder = folder
        self.page = DOCS / "how-to" / f"{page}.md"
        self.given: dict[str, str] = {}
        files = {"policies.toml": POLICY, "connectors/shop.toml": CONNECTOR}
        for block in blocks(self.page, "toml") if own else ():
            files[block.split("\n", 1)[0].removeprefix("# ")] = block
        (folder / "connectors").mkdir()
        for name, text in files.items():
            (folder / name.replace("shop.toml", f"{connector}.toml")).write_text(text, encoding="utf-8")
        with sqlite3.connect(folder / "shop.db") as shop:
            shop.executescript(SHOP)
        shop.close()
        self.type("init")

    def type(self, *words: str, code: int = 0, heard: str | None = None) -> Result:
        result = CliRunner().invoke(root, list(words), prog_name="retention", input=heard)
        assert result.exit_code == code, (words, result.output)
        return result

    def says(self, *words: str) -> Any:
        return json.loads(self.type(*words, "--format", "json").stdout)

    def follow(self, number: int, *more: str, heard: str | None = None) -> Result:
        """The page's command `number`, counted from 0, with what a person puts in; `more`: in place of a prompt."""
        words = list(lines_typed(self.page))[number]
        return self.type(*(self.given.get(word, word) for word in words), *more, heard=heard)

    def logged(self, *words: str) -> list[str]:
        """Types of events."""
        lines = self.type("audit", "log", *words, "--format", "json").stdout.splitlines()
        return [json.loads(line)["type"] for line in lines]

    def number(self) -> int:
        return len(list(lines_typed(self.page)))

    def fate(self, fate: str) -> int:
        """Records of that fate under any rule, each once for a rule."""
        return sum(job[fate] for job in self.says("plan")["jobs"])

    def left(self, table: str) -> set[int]:
        with sqlite3.connect(self.folder / "shop.db") as shop:
            found = {key for (key,) in shop.execute(f"SELECT id FROM {table}")}
        shop.close()
        return found

    def approved_run(self) -> None:
        """Every rule may go above its limits: the shop is small."""
        plan = self.says("plan")
        over = [
            word
            for job in plan["jobs"]
            if job["status"] == "refused"
            for word in ("--over-limit", job["rule"])
        ]
        plan = plan["plan"]["id"]
        self.type("approve", plan, *over)
        self.type("run", "--plan", plan, "--yes")


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Reader]:
    monkeypatch.chdir(tmp_path)
    for name in ("RETENTION_CONFIG", "RETENTION_CONNECTORS", "RETENTION_STATE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return lambda page, **given: Reader(tmp_path, page, **given)


def test_legal_hold(reader: Callable[..., Reader]) -> None:
    shop = reader("legal-hold")
    assert shop.number() == 3
    shop.follow(0)
    assert shop.fate("held") == 2  # Anna's account, and her order by the number that the account knows
    shop.follow(1, heard="email=bert@example.com\n")
    assert shop.fate("held") == 4
    first, _second = shop.says("hold", "list")["holds"]
    shop.given["3f9a2c1e"] = str(first["id"])
    shop.follow(2)
    assert shop.fate("held") == 2
    shop.approved_run()
    assert shop.left("customers") == {17}


def test_erasure_request(reader: Callable[..., Reader]) -> None:
    shop = reader("erasure-request")
    assert shop.number() == 2
    shop.follow(0, "--yes")
    assert shop.fate("due") == 2
    (table,) = re.findall(
        r"^```\n(event,kind,.*?)^```", shop.page.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    (shop.folder / "requests.csv").write_text(table)
    shop.follow(1)
    assert len(shop.says("event", "list")["events"]) == 2  # Anna's is the same as the one that was told
    assert shop.fate("due") == 4
    shop.approved_run()
    assert (shop.left("customers"), shop.left("orders")) == ({18}, {1001})


def test_approve_in_pull_requests(reader: Callable[..., Reader]) -> None:
    shop = reader("approve-in-pull-requests")
    assert shop.number() == 6
    shutil.move("state", "elsewhere")  # where pull requests are looked at there is none
    for number in (0, 1, 2):
        shop.follow(number)
    assert json.loads((shop.folder / "plan.json").read_text())["totals"]["due"] == 6
    assert "example.com" not in (shop.folder / "plan.txt").read_text().lower()
    shutil.move("elsewhere", "state")
    shop.follow(3)
    told = shop.follow(4)
    (shop.given["PLAN"],) = re.findall(r"^Plan (\w+) ", told.output, re.MULTILINE)
    shop.type("run", "--yes", code=4)
    shop.follow(5)
    shop.type("run", "--yes")
    assert shop.left("customers") == set()
    assert shop.logged("--type", "policy", "--type", "approval") == ["policy.changed", "approval.granted"]


def test_restore_from_a_backup(reader: Callable[..., Reader]) -> None:
    shop = reader("restore-from-a-backup")
    assert shop.number() == 4
    shutil.copy("shop.db", "backup.db")
    shop.approved_run()
    shop.follow(0)
    shutil.copy("backup.db", "shop.db")
    shop.type("run", "--yes", code=4)
    assert shop.left("orders") == {16, 17, 1001}
    shop.follow(1)
    assert "6" in shop.follow(2).output
    told = shop.follow(3, "--yes")
    assert "was restored from a backup" in " ".join(told.output.split())
    assert shop.left("orders") == set()
    assert shop.logged("--type", "error") == ["error"]


def test_write_a_rule(reader: Callable[..., Reader]) -> None:
    shop = reader("write-a-rule", own=False)
    assert shop.number() == 1
    told = shop.follow(0).output
    assert "orders" in told
    assert "due" in told


def test_audit(reader: Callable[..., Reader]) -> None:
    shop = reader("audit", connector="store")
    assert shop.number() == 3
    shop.type("plan")
    shutil.copy("state/ledger/checkpoint", "mine")
    shop.given["YOUR-CHECKPOINT"] = "mine"
    shop.approved_run()
    shop.follow(0)
    shop.follow(1)
    shop.follow(2)
    assert "1001" in (shop.folder / "proof.json").read_text()
    lines = (shop.folder / "mine").read_text().splitlines(keepends=True)
    root = lines[2].translate(str.maketrans("AB", "BA"))  # may have neither
    lines[2] = root if root != lines[2] else f"A{root[1:]}"
    (shop.folder / "mine").write_text("".join(lines))
    shop.type("audit", "verify", "--against", "mine", code=6)


def test_archive_the_ledger(reader: Callable[..., Reader], monkeypatch: pytest.MonkeyPatch) -> None:
    """Set up long ago, and busy then; the state store stays the shop's own file."""
    long_ago = datetime(2010, 1, 4, 12, tzinfo=UTC)
    with monkeypatch.context() as then:
        then.setattr("retention.cli.commands.init.now", lambda: long_ago)
        shop = reader("archive-the-ledger")
    place = Place(config=Path("policies.toml"), connectors=Path("connectors"), state=None, environ={})
    with stores.opened(configuration(place), place) as state, state.begin() as tx:
        for number in range(300):
            tx.log.append("error", {"number": number}, long_ago)
        tx.log.checkpoint(long_ago)
    assert shop.number() == 1
    shop.given["/archive/ledger-2026"] = folder = str(shop.folder / "archive")
    before = len(shop.logged())
    assert "events 0 to 255" in " ".join(shop.follow(0).stdout.split())
    assert shop.logged("--type", "ledger") == ["ledger.archived"]
    assert len(shop.logged()) == before + 1 - 256
    assert len(shop.logged("--archive", folder)) == before + 1
    assert shop.says("audit", "verify", "--archive", folder)["archived"] == 0
    assert shop.says("audit", "verify")["archived"] == 256
    assert auditors.typed(shop.folder / "archive", "key.pub")[0] == 0


@pytest.mark.parametrize("kind", SERVERS)
def test_keep_state_on_a_server(
    reader: Callable[..., Reader], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    """The database is created as the page's first line does; what the environment names wins over the page's file."""
    state = STATES[kind](tmp_path)
    try:
        monkeypatch.setenv("RETENTION_STATE", state.url)
        shop = reader("keep-state-on-a-server")
        assert shop.number() == 1
        told = " ".join(shop.follow(0).stdout.split())
        assert f"{state.shown}: the state store is there already" in told
        shop.approved_run()
        assert shop.left("customers") == set()
        assert "run.ended" in shop.logged()
        assert not (shop.folder / "state" / "retention.db").exists()
    finally:
        state.drop()


def test_run_as_a_daemon(reader: Callable[..., Reader]) -> None:
    """What does not start a daemon, and needs no channel that takes a message."""
    shop = reader("run-as-a-daemon", own=False)
    assert [words[0] for words in lines_typed(shop.page)] == ["daemon", "daemon", "daemon", "stop", "resume"]
    shop.follow(0)
    shop.follow(3)
    shop.type("run", "--yes", code=4)
    shop.follow(4)
    shop.approved_run()
    assert shop.left("customers") == set()
