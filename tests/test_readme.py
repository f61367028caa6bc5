"""The README and the tutorial, typed by a newcomer: the same files, commands, headings and exit codes."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from retention.cli.root import root

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TUTORIAL = (ROOT / "docs" / "tutorial" / "first-policy.md").read_text(encoding="utf-8")

Command = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the newcomer works: the tutorial's database in it, and nothing else yet."""
    monkeypatch.chdir(tmp_path)
    for name in ("RETENTION_CONFIG", "RETENTION_CONNECTORS", "RETENTION_STATE", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    [script] = re.findall(r"^```python\n(.*?)^```", TUTORIAL, re.DOTALL | re.MULTILINE)
    (tmp_path / "shop.py").write_text(script)
    subprocess.run([sys.executable, "shop.py"], cwd=tmp_path, check=True)
    return tmp_path


def write_files(text: str, folder: Path) -> None:
    (folder / "connectors").mkdir()
    for block in re.findall(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        (folder / block.split("\n", 1)[0].removeprefix("# ")).write_text(block)


def typed(*words: str) -> Result:
    return CliRunner().invoke(root, list(words), prog_name="retention")


def make_index(folder: Path) -> None:
    shop = sqlite3.connect(folder / "shop.db")
    shop.execute("CREATE INDEX lines_of_order ON order_lines (order_id)")
    shop.close()


def session() -> list[tuple[str, list[str]]]:
    """(what is typed, what the README says that it shows), of all its terminal sessions."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"^```console\n(.*?)^```", README, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line.removeprefix("$ "), []))
            else:
                found[-1][1].append(line)
    return [(words, shown) for words, shown in found if words.startswith("retention ")]


def shape(line: str) -> str:
    """A line without what is another one each time: names, numbers, times, hashes, folders."""
    line = re.sub(r"/\S*/state/", "STATE/", line)
    line = re.sub(r"`[^`]*/web-store/\w+`", "ORIGIN", line)
    line = re.sub(r"\b\d{8}T\d{6}-\w{6}\b", "RUN", line)
    line = re.sub(r"\b[0-9a-f]{8,12}\b", "ID", line)
    line = re.sub(r"\d{4}-\d\d-\d\d|\d\d:\d\d(:\d\d)?", "TIME", line)
    line = re.sub(r"Approved by \S+:", "Approved by WHOM:", line)
    line = re.sub(r"\d[\d,]*", "N", line)
    return " ".join(line.split())


def test_the_readme_is_true(folder):
    write_files(README, folder)
    make_index(folder)
    plan = ""
    typed_ones = session()
    assert [words.split()[1] for words, _ in typed_ones] == [
        "init",
        "check",
        "plan",
        "approve",
        "run",
        "audit",
    ]
    for words, shown in typed_ones:
        given = [plan if word == "cc29c01a" else word for word in words.split()[1:]]
        result = typed(*given)
        assert result.exit_code == 0, result.output
        told = shape(
            " ".join(result.output.split())
        )  # long lines are wrapped where the folder's name is long
        for line in shown:
            assert shape(line) in told, f"{words}: {line}\n{result.output}"
        named = re.match(r"Plan (\w+) ", result.output)
        plan = named[1] if named else plan
    again = typed("plan", "--exit-code")
    assert again.exit_code == 0


def test_the_readme_promises_two_screens_of_files_at_most():
    blocks = re.findall(r"^```toml\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()[1:] if line.strip()]
    assert len(blocks) == 2
    assert len(lines) <= 20


def test_the_tutorial_is_true(folder):
    write_files(TUTORIAL, folder)
    lacking = typed("check")
    assert lacking.exit_code == 3
    [statement] = re.findall(r"^```sql\n(.*?)\n```", TUTORIAL, re.DOTALL | re.MULTILINE)
    assert statement in lacking.output
    make_index(folder)
    assert typed("check").output.startswith("No problems found.")
    assert typed("init").exit_code == 0
    planned = typed("plan")
    assert "3 referred to by rows that stay" in planned.output
    assert typed("explain", "shop.orders", "17").exit_code == 0
    name = planned.output.split()[1]
    assert typed("run", "--yes", "--plan", name).exit_code == 4  # nobody has approved it
    assert typed("approve", typed("plan").output.split()[1]).exit_code == 0
    assert "Done: 254 records (761 rows)." in typed("run", "--yes").output
    assert typed("run", "--yes").exit_code == 0
    assert typed("audit", "log").exit_code == 0
    assert typed("audit", "verify").exit_code == 0


def test_the_tutorial_s_files_from_one_s_own_database_are_as_it_says(folder, monkeypatch):
    write_files(TUTORIAL, folder)
    monkeypatch.setenv("SHOP_DATABASE_URL", f"sqlite:///{folder / 'shop.db'}")
    first, second = re.findall(r"^\$ retention (init mine .*)$", TUTORIAL, re.MULTILINE)
    shown = typed(*first.split())
    assert "Nothing was written." in shown.output
    assert not (folder / "mine").exists()
    assert typed(*second.split()).exit_code == 0
    text = (folder / "mine" / "connectors" / "shop.toml").read_text(encoding="utf-8")
    assert re.search(r'^    "order_lines",', text, re.MULTILINE)
    assert re.search(r'^    # "complaints",', text, re.MULTILINE)
    [statement] = re.findall(r"^```sql\n(.*?)\n```", TUTORIAL, re.DOTALL | re.MULTILINE)
    assert f"#   {statement}" in text
    assert "2019-06-03 to " in text
    assert typed("--config", "mine/policies.toml", "check").exit_code == 3
    for path, old, new in (
        ("policies.toml", 'promise  = ""', 'promise = "Orders: five years"'),
        ("policies.toml", 'keep     = ""', 'keep = "5 years"'),
        ("policies.toml", 'timezone = ""', 'timezone = "Europe/Oslo"'),
        ("connectors/shop.toml", 'timezone = ""', 'timezone = "Europe/Oslo"'),
    ):
        file = folder / "mine" / path
        before = file.read_text(encoding="utf-8")
        assert old in before
        file.write_text(before.replace(old, new), encoding="utf-8")
    make_index(folder)
    assert typed("--config", "mine/policies.toml", "check").output.startswith("No problems found.")


def test_an_edited_mirror_is_found_out(folder):
    write_files(TUTORIAL, folder)
    make_index(folder)
    assert typed("init").exit_code == 0
    assert typed("plan").exit_code == 0
    ledger = folder / "state" / "ledger" / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b'"kind":"evidence"', b'"kind":"evidense"'))
    verified = typed("audit", "verify", "--mirror", "state/ledger")
    assert verified.exit_code == 6
    assert "event 1" in verified.output


def test_the_ledger_can_be_verified_by_what_its_format_says(folder):
    write_files(TUTORIAL, folder)
    make_index(folder)
    assert typed("init").exit_code == 0
    assert typed("run", "--yes").exit_code == 4
    page = (ROOT / "docs" / "reference" / "ledger-format.md").read_text(encoding="utf-8")
    [script] = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    (folder / "verify.py").write_text(script)
    ran = subprocess.run(
        [sys.executable, str(folder / "verify.py")],
        cwd=folder / "state" / "ledger", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert re.search(r"(\d+) events, \1 of them under the checkpoint", ran.stdout)
