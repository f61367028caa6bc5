"""`plan --output` never writes over a database, the configuration, the state store, a key or the mirror."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.stores import SqliteStore
from tests.support.workplace import Workplace

PROTECTED = [
    "target.db",
    "target.db-wal",
    "policies.toml",
    "retention.toml",
    "connectors/db.toml",
    "connectors/report.txt",
    "state/retention.db",
    "state/retention.db-journal",
    "state/keys/signing.key",
    "state/keys/evidence.key",
    "state/ledger/ledger.jsonl",
    "state/ledger/report.txt",
    "state/ledger/checkpoints/report.txt",
    "hook.secret",
]


@pytest.fixture
def shop(work: Workplace, sqlite: SqliteStore) -> Workplace:
    sqlite.script(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, made TEXT); INSERT INTO things VALUES (1, NULL)"
    )
    work.connect(sqlite, '[datasets.things]\ndata = "things"\ntable = "things"\nevents = { made = "made" }')
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    work.settings = '[notify.ops]\nwebhook = "https://example.com"\nsecret = "file:hook.secret"'
    work.init()
    return work


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", PROTECTED)
@pytest.mark.parametrize("sql", [[], ["--sql"]], ids=["plan", "sql"])
def test_a_part_of_the_engine_is_not_written_over(shop: Workplace, name: str, sql: list[str]) -> None:
    before = content(shop.folder)

    answer = shop.cli("plan", *sql, "--output", str(shop.folder / name))

    assert answer.exit_code == 2
    assert "name another file" in answer.stderr
    assert content(shop.folder) == before


@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symlink", "hardlink"])
@pytest.mark.parametrize(
    "name", ["target.db", "policies.toml", "state/retention.db", "state/keys/evidence.key"]
)
def test_nor_through_a_link(
    shop: Workplace, name: str, link: Callable[[Path, Path], None], tmp_path_factory: pytest.TempPathFactory
) -> None:
    output = tmp_path_factory.mktemp("reports") / "report.txt"
    link(shop.folder / name, output)
    before = content(shop.folder)

    answer = shop.cli("plan", "--output", str(output))

    assert answer.exit_code == 2
    assert f"{output}" in answer.stderr
    assert content(shop.folder) == before


def test_nor_where_it_is_empty_or_not_there_yet(shop: Workplace) -> None:
    for path in ("state/retention.db", "retention.toml", "state/keys/signing.key"):
        (shop.folder / path).unlink()
    for path in ("retention.toml", "state/retention.db", "state/keys/signing.key"):
        answer = shop.cli("plan", "--output", str(shop.folder / path))
        assert answer.exit_code == 2, path
        assert "name another file" in answer.stderr


def test_a_report_beside_them_is_written_and_replaced(shop: Workplace) -> None:
    output = shop.folder / "report.txt"
    for _ in range(2):
        assert shop.cli("plan", "--output", str(output)).exit_code == 0
        assert output.read_text().startswith("Plan ")
