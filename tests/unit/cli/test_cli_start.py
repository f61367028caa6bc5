"""`--help` answers at once, and the verbs are called as they are written."""

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from retention.cli import audit_verbs, daemon_verbs, demo_verbs, list_verbs, vault_verbs, verbs
from retention.cli.root import COMMANDS

HEAVY = (
    "rich",
    "sqlalchemy",
    "pydantic",
    "sqlglot",
    "cryptography",
    "pendulum",
    "alembic",
    "croniter",
    "tenacity",
)
ROOT = Path(__file__).parents[3]

HELPS = [["--help"], ["--version"], [], ["audit", "log", "--help"], ["plan", "show", "--help"], ["paln"]]
HELPS += [["hold", "add", "--help"], ["event", "add", "--help"]]
HELPS += [[name, "--help"] for name in COMMANDS]

PROBE = """
import json, sys
from retention.cli import main
try:
    main()
except SystemExit as end:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize("words", HELPS, ids=" ".join)
def test_help_loads_nothing_heavy_and_no_verb(words):
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, *words], capture_output=True, text=True, cwd=ROOT, check=True
    )
    loaded = json.loads(ran.stderr.splitlines()[-1])
    assert "click" in loaded
    tops = {name.partition(".")[0] for name in loaded}
    assert not tops & set(HEAVY)
    assert not [name for name in loaded if name.startswith(("retention.verbs", "retention.engine"))]


def test_json_answers_do_not_load_the_terminal_library():
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, "plan", "--bad", "--format", "json"],
        capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    assert "rich" not in json.loads(ran.stderr.splitlines()[-1])
    assert json.loads(ran.stdout)["error"]["exit"] == 2


def test_the_package_is_a_program():
    ran = subprocess.run(
        [sys.executable, "-m", "retention", "--version"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert ran.stdout.startswith("retention ")


def test_help_lists_the_commands_in_the_order_of_a_first_hour(line):
    text = line("--help").stdout
    listed = [row.split()[0] for row in text[text.index("Commands:") :].splitlines()[1:]]
    assert listed == list(COMMANDS)
    assert "discover" not in listed


VERBS = [
    ("check", "check"), ("plan", "plan"), ("statements", "statements"), ("plan", "listed"), ("plan", "stored"),
    ("approve", "approve"), ("run", "run"), ("status", "status"),
    ("schedule", "print_schedule"), ("daemon", "daemon"), ("switch", "stop"), ("switch", "resume"),
    ("explain", "explain"), ("audit", "log"),
    ("audit", "verify"), ("exporting", "export"), ("proving", "prove"), ("consistency", "consistency"),
    ("archiving", "archive"), ("init", "init"), ("introduce", "introduce"), ("ddl", "ddl"),
    ("demo", "demo"), ("notify", "try_channels"),
    ("holds", "place_hold"), ("holds", "list_holds"), ("holds", "release_hold"),
    ("suppressed", "suppressed"),
    ("vault_tables", "create_vault"), ("vault_tables", "vault_script"), ("vault", "release_record"),
    ("events", "tell_event"), ("events", "tell_file"), ("events", "list_events"), ("events", "withdraw_event"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "function"), VERBS)
def test_the_verbs_have_the_signatures_that_the_command_line_calls(module, function):
    verb = getattr(importlib.import_module(f"retention.verbs.{module}"), function)
    modules = (verbs, audit_verbs, daemon_verbs, demo_verbs, list_verbs, vault_verbs)
    there = next(each for each in modules if hasattr(each, function))
    expected = inspect.signature(getattr(there, function)).parameters
    actual = inspect.signature(verb).parameters
    assert [(p.name, p.kind, p.default) for p in actual.values()] == [
        (p.name, p.kind, p.default) for p in expected.values()
    ]
