"""The documents are true: their TOML loads, their commands are the program's, their references are complete."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from retention.cli.root import LATER, root
from retention.config import load
from retention.config.connector.connector_file import ConnectorFile
from retention.config.connector.dataset_file import DatasetTable
from retention.config.connector.throttle_file import ThrottleTable
from retention.config.policy.policy_file import PolicyFile, PolicyTable
from retention.config.policy.rule_file import ExceptionTable, LimitsTable, RuleTable
from retention.config.policy.told_file import ToldTable
from retention.config.reading.tables import Table
from retention.config.settings.notify_file import ChannelTable
from retention.config.settings.settings_file import KeysTable, LedgerTable, SettingsFile, StateTable
from retention.errors import RetentionError

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
REFERENCE = ROOT / "docs" / "reference"

POLICY = """
[policy]
timezone = "Europe/Oslo"
[rules.orders]
promise = "Orders: five years"
data = "orders"
keep = "5 years"
from = "booked"
action = "delete"
"""
CONNECTOR = """
type = "sql"
url = "sqlite:///shop.db"
[datasets.orders]
data = "orders"
table = "orders"
subject = { customer_id = "customer_id" }
began = "created_at"
events = { booked = "created_at" }
facts = { company = "company", draft = "draft" }
[datasets.accounts]
data = "accounts"
table = "accounts"
subject = { email = "email" }
began = "created_at"
fields = { name = "name", address = "address" }
events = { last_activity = "seen_at" }
anonymize = { name = "redact" }
[datasets.support]
data = "support requests"
table = "tickets"
subject = "none"
events = { last_message = "at" }
facts = { disputed = "disputed" }
[datasets.chats]
data = "chats"
table = "chats"
subject = "none"
events = { last_message = "at" }
facts = { disputed = "disputed" }
[datasets.contacts]
data = "marketing contacts"
table = "contacts"
subject = { email = "email" }
began = "at"
anonymize = { email = "hash" }
events = { subscribed = "at", unsubscribed = "off", consent_withdrawn = "never" }
facts = { customer = "customer", liable = "liable" }
restrict = { mark = "restricted_at" }
[datasets.content]
data = "content"
table = "content"
subject = "none"
events = { uploaded = "at" }
periods = { instructed = { column = "days", unit = "days", between = ["1 day", "10 years"] } }
"""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


TOML = [(page, number) for page in PAGES for number in range(len(blocks(page, "toml")))]


def name_of(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


def file_of(block: str) -> str:
    file = re.match(r"# (policies\.toml|connectors/\w+\.toml|retention\.toml)\n", block)
    assert file is not None, "the first line says which file it is"
    return file[1]


def shown_with(found: list[str], number: int) -> list[str]:
    """Of a connector the policy before it, of a policy the first connector behind it: one story."""
    files = [file_of(block) for block in found]
    if files[number] == "policies.toml":
        behind = range(number + 1, len(found))
        ends = next((at for at in behind if files[at] == "policies.toml"), len(found))
        return [found[at] for at in range(number + 1, ends) if files[at].startswith("connectors/")][:1]
    before = [at for at in range(number) if files[at] == "policies.toml"]
    return [found[before[-1]]] if before and files[number].startswith("connectors/") else []


@pytest.mark.parametrize(("page", "number"), TOML, ids=name_of)
def test_every_toml_block_is_loaded(page, number, tmp_path):
    """Its first line is a comment that says which file it is. Beside it is what the page shows with it, but in
    the reference, where each stands for itself; what is lacking still is a small shop's.
    """
    found = blocks(page, "toml")
    (tmp_path / "connectors").mkdir()
    (tmp_path / "policies.toml").write_text(POLICY)
    (tmp_path / "connectors" / "filler.toml").write_text(CONNECTOR)
    beside = [] if REFERENCE in page.parents else shown_with(found, number)
    for block in [*beside, found[number]]:
        (tmp_path / file_of(block)).write_text(block)
    loaded = load(tmp_path / "policies.toml", tmp_path / "connectors", environ={})
    assert loaded.policy.rules


def test_there_is_toml_to_load():
    assert len(TOML) > 8


@pytest.mark.parametrize("template", ["policies.toml", "database.toml", "retention.toml"])
def test_the_files_that_init_writes_load_once_their_comments_are_taken_away(template, tmp_path):
    (tmp_path / "connectors").mkdir()
    (tmp_path / "policies.toml").write_text(POLICY)
    (tmp_path / "connectors" / "shop.toml").write_text(CONNECTOR)
    text = (ROOT / "retention" / "verbs" / "templates" / template).read_text(encoding="utf-8")
    filled = "\n".join(
        re.sub(r"^# ?", "", line) if re.match(r"# (\w+ *=|\[)", line) else line for line in text.splitlines()
    )
    target = {"database.toml": "connectors/shop.toml"}.get(template, template)
    (tmp_path / target).write_text(filled)
    load(tmp_path / "policies.toml", tmp_path / "connectors", environ={})


# -- references ----------------------------------------------------------------------------


def commands(
    group: click.Group, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*words, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))


COMMANDS = list(commands(root))


def chapter(words: tuple[str, ...]) -> str:
    """The chapter of the command line's reference that a command is told in."""
    text = (REFERENCE / "command-line.md").read_text(encoding="utf-8")
    chapters = re.split(r"^## ", text, flags=re.MULTILINE)
    for length in (len(words), 1):
        for each in chapters:
            if re.match(rf"retention {' '.join(words[:length])}\b", each):
                return each
    return "\n".join(each for each in chapters if f"retention {' '.join(words)}" in each.splitlines()[0])


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=[" ".join(words) for words, _ in COMMANDS])
def test_every_command_and_option_is_in_the_reference(words, command):
    text = chapter(words)
    if words == ("audit",):
        return
    assert f"retention {' '.join(words)}" in text
    context = click.Context(command)
    for parameter in command.get_params(context):
        if not isinstance(parameter, click.Option) or "--help" in parameter.opts:
            continue
        for option in parameter.opts:
            assert f"`{option}" in text, f"{option} of {' '.join(words)}"


def test_every_option_before_the_command_is_in_the_reference():
    text = (REFERENCE / "command-line.md").read_text(encoding="utf-8")
    for parameter in root.params:
        for option in parameter.opts:
            assert f"`{option}`" in text


def test_the_reference_names_no_option_that_is_not_there():
    known = {option for _, command in COMMANDS for p in command.params for option in p.opts}
    known |= {option for p in root.params for option in p.opts} | {"--help", "--"}
    for page in PAGES:
        shown = "\n".join(blocks(page, "console")) + "\n" + page.read_text(encoding="utf-8")
        for line in re.findall(r"(?:`|\$ )(retention [^`\n]*|--[a-z][^`\n]*)", shown):
            assert set(re.findall(r"(?<!\S)--[a-z-]*", line)) <= known, f"{page.name}: {line}"


def test_commands_that_are_to_come_are_said_to_be():
    text = (REFERENCE / "command-line.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in LATER)


TABLES: list[tuple[type[Table], str]] = [
    (PolicyFile, "policies.toml"), (PolicyTable, "policies.toml"), (LimitsTable, "policies.toml"),
    (RuleTable, "policies.toml"), (ExceptionTable, "policies.toml"), (ToldTable, "policies.toml"),
    (ConnectorFile, "connectors/NAME.toml"), (ThrottleTable, "connectors/NAME.toml"),
    (DatasetTable, "connectors/NAME.toml"), (SettingsFile, "retention.toml"), (KeysTable, "retention.toml"),
    (LedgerTable, "retention.toml"), (StateTable, "retention.toml"), (ChannelTable, "retention.toml"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "file"), TABLES, ids=lambda value: getattr(value, "__name__", value))
def test_every_key_is_in_the_reference(table, file):
    text = (REFERENCE / "configuration.md").read_text(encoding="utf-8")
    [part] = [each for each in re.split(r"^## ", text, flags=re.MULTILINE) if each.startswith(file)]
    for key in (*table.keys(), *table.later):
        spelled = rf"(`|`\[|\.|^\[){re.escape(key)}(`|\]|\.)"
        assert re.search(spelled, part, re.MULTILINE), f"{key} of {table.__name__}"


def event_types() -> set[str]:
    """Every type that the code appends to the ledger."""
    found: set[str] = set()
    for file in (ROOT / "retention").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (
                isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("log.append", "self.append"))
            ):
                continue
            name = node.args[0]
            if ast.unparse(node.func) == "self.append" and file.name != "log.py":
                continue
            if isinstance(name, ast.Constant):
                found.add(str(name.value))
            else:
                assert ast.unparse(name) == "f'batch.{item.status}'"
                found |= {"batch.committed", "batch.rolled_back", "batch.unknown"}
    return found


def test_every_event_is_in_the_reference():
    text = (REFERENCE / "events.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([a-z_.]+)` \|", text.split("of the four batch events")[0], re.MULTILINE))
    assert listed == event_types()


def test_every_exit_code_is_in_the_reference():
    def below(kind: type[RetentionError]) -> Iterator[type[RetentionError]]:
        for each in kind.__subclasses__():
            yield each
            yield from below(each)

    codes = {0, RetentionError.exit_code, *(kind.exit_code for kind in below(RetentionError))}
    for page in (ROOT / "README.md", REFERENCE / "command-line.md"):
        told = set(re.findall(r"^\| (\d+) \|", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert told == {str(code) for code in codes}


# -- the pages themselves ------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (page.parent / link.partition("#")[0]).exists(), link


def test_every_page_is_linked():
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    }
    assert not [
        page for page in PAGES if page.name not in ("README.md", "index.md") and page.resolve() not in linked
    ]


def test_no_file_names_the_host_of_a_package_registry():
    hosts = [
        "py" + "pi.org",
        "python" + "hosted",
        "npm" + "js.org",
        "deb." + "debian",
        "proxy." + "golang",
        "/opt/" + "wheels",
    ]
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    files = listed.stdout.split("\n") if listed.returncode == 0 else []
    for name in filter(None, files):
        path = ROOT / name
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        assert not [host for host in hosts if host in text], name
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert not re.search(r"@|://|^-", pinned, re.MULTILINE)
