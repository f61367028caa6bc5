"""What the pages show being typed: each command is the program's, and those that can be run are run and compared."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from retention.cli.root import root

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
HOUR = DOCS / "tutorial" / "your-own-database.md"
CHINOOK = ROOT.parent / "shared" / "data" / "chinook" / "Chinook_Sqlite.sql"

RUN = {
    "README.md", "docs/tutorial/first-policy.md", "docs/tutorial/your-own-database.md", "docs/how-to/legal-hold.md",
    "docs/how-to/erasure-request.md", "docs/how-to/approve-in-pull-requests.md", "docs/how-to/write-a-rule.md",
    "docs/how-to/restore-from-a-backup.md", "docs/how-to/audit.md", "docs/how-to/archive-the-ledger.md",
    "docs/how-to/keep-state-on-a-server.md", "docs/how-to/connect-postgresql.md", "docs/how-to/connect-mariadb.md",
}  # fmt: skip
"""Pages whose commands are run, and whose answers are compared, by test_readme.py, test_docs_pages.py,
test_docs_servers.py and below."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str = "console") -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def lines_typed(page: Path) -> Iterator[list[str]]:
    """The words behind `retention` of each line that is typed in a block of this page."""
    for block in blocks(page):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("$ retention "):
                yield shlex.split(line.removeprefix("$ retention "))


def parsed(words: list[str]) -> None:
    """As the program itself would parse it; nothing is carried out. Raises click's UsageError."""
    command: click.Command = root
    context = command.make_context("retention", words)
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        if not rest and command.invoke_without_command:
            return
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None, words
        command, context = found, found.make_context(name, list(rest), parent=context)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=name_of)
def test_every_command_that_is_typed_is_one_of_the_program_s(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    for words in lines_typed(page):
        try:
            parsed(words)
        except click.UsageError as error:
            pytest.fail(f"retention {' '.join(words)}: {error.format_message()}")


def test_a_command_that_is_none_would_be_found():
    with pytest.raises(click.UsageError):
        parsed(["run", "--plam", "x"])


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=name_of)
def test_what_is_not_run_says_why(page):
    """`<!-- not run: why -->`, invisible to readers, on each page whose commands no test carries out."""
    marked = re.search(r"^<!-- not run: \S.* -->$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert (name_of(page) in RUN) != bool(marked)


# -- an hour with one's own database ---------------------------------------------------------


def typed(*words: str) -> Result:
    return CliRunner().invoke(root, list(words), prog_name="retention")


@pytest.fixture
def chinook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the tutorial's reader; the database lies beside it."""
    if not CHINOOK.is_file():
        pytest.skip("no ../shared/data/chinook beside the project")
    shop = sqlite3.connect(tmp_path / "chinook.db")
    shop.executescript(CHINOOK.read_text(encoding="utf-8-sig"))
    shop.close()
    folder = tmp_path / "policy"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SHOP_DATABASE_URL", f"sqlite:///{tmp_path / 'chinook.db'}")
    for name in ("RETENTION_CONFIG", "RETENTION_CONNECTORS", "RETENTION_STATE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_an_hour_with_one_s_own_database_goes_as_the_tutorial_says(chinook):
    fenced = re.findall(r"^```(\w*)\n(.*?)^```", HOUR.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    shown = [block.splitlines() for language, block in fenced if not language]
    look, write, *later = lines_typed(HOUR)
    seen = typed(*look)
    for line in shown[0]:
        assert " ".join(line.split()) in " ".join(seen.output.split())
    assert typed(*write).exit_code == 0
    assert sorted(path.name for path in chinook.rglob("*.toml")) == [
        "policies.toml",
        "retention.toml",
        "shop.toml",
    ]
    assert typed("check").exit_code == 3
    shutil.rmtree(chinook / "connectors")
    (chinook / "connectors").mkdir()
    for block in blocks(HOUR, "toml"):
        (chinook / block.split("\n", 1)[0].removeprefix("# ")).write_text(block)
    assert later[0] == ["check"]
    assert typed("check").output.startswith("No problems found.")
    plan = ""
    for words in later[1:]:
        given = [plan if word == "PLAN" else word for word in words]
        result = typed(*given, *(["--yes"] if words[0] == "run" else []))
        assert result.exit_code == 0, result.output
        named = re.match(r"Plan (\w+) ", result.output)
        plan = named[1] if named else plan
        if words[0] == "run":
            assert "Done: 100 records" in result.output


# -- the reference ---------------------------------------------------------------------------


def test_every_metric_is_in_the_reference():
    source = ast.parse((ROOT / "retention" / "daemon" / "metrics.py").read_text(encoding="utf-8"))
    named = {
        node.value
        for node in ast.walk(source)
        if isinstance(node, ast.Constant) and re.fullmatch(r"retention_[a-z_]*[a-z]", str(node.value))
    }
    listed = set(
        re.findall(r"`(retention_[a-z_]+)`", (DOCS / "reference" / "metrics.md").read_text(encoding="utf-8"))
    )
    assert len(named) > 20
    assert not [name for name in named if not {name, f"{name}_total"} & listed]
    built = {"retention_records_due", "retention_records_overdue"}
    assert {name.removesuffix("_total") for name in listed - built} <= named


def test_every_error_is_in_the_reference():
    from retention import errors

    text = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\w+)` \| (\d+) \|", text, re.MULTILINE))
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.RetentionError)
    ]
    assert listed == {(kind.code, str(kind.exit_code)) for kind in kinds}


def test_every_variable_of_the_environment_is_in_the_reference():
    text = (DOCS / "reference" / "configuration.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`(RETENTION_[A-Z_]+)`", text))
    used: set[str] = set()
    for file in (ROOT / "retention").rglob("*.py"):
        text = file.read_text(encoding="utf-8").replace(
            "RETENTION_DEMO_{connector.upper()}", "RETENTION_DEMO_NAME"
        )
        used |= set(re.findall(r"\bRETENTION_[A-Z]+(?:_[A-Z]+)*\b", text))
    assert used == listed
