"""What `audit verify` says of files that are not what they should be, and how often it says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from retention.errors import LedgerError, SetupError, UsageError
from tests.support.workplace import Workplace


@pytest.fixture
def mirror(work: Workplace) -> Path:
    work.rule("backups", 'data = "backups"\nkept_by = "operations"', action="")
    work.rules["backups"] = work.rules["backups"].replace("action = \n", "")
    work.init()
    return work.folder / "state" / "ledger"


def verify(work: Workplace, **named: Path) -> None:
    from retention.verbs.audit import verify

    verify(work.place, **named)


def test_a_key_that_is_none_is_named_by_its_file(work: Workplace, mirror: Path) -> None:
    """`this is no verifier key`, of which file?"""
    key = work.folder / "k2"
    key.write_text("nonsense")
    for named in ({"key": key}, {"key": key, "mirror": mirror}):
        with pytest.raises(SetupError, match=f"{key}: this is no verifier key"):
            verify(work, **named)
    with pytest.raises(UsageError, match="there is no such file"):
        verify(work, key=work.folder / "k3")


def test_a_mirror_that_is_not_there_or_has_no_key(work: Workplace, mirror: Path) -> None:
    with pytest.raises(UsageError, match=r"--mirror .*nowhere: there is no such folder"):
        verify(work, mirror=work.folder / "nowhere")
    (mirror / "key.pub").rename(work.folder / "kept.pub")
    with pytest.raises(UsageError, match="name a public key with --key"):
        verify(work, mirror=mirror)
    verify(work, mirror=mirror, key=work.folder / "kept.pub")


def test_an_export_in_place_of_a_mirror_has_a_program_of_its_own(work: Workplace, mirror: Path) -> None:
    """Whoever was handed an export is told what to type, and not which file it has not."""
    assert work.cli("audit", "export", str(work.folder / "export")).exit_code == 0
    with pytest.raises(
        UsageError, match=r"that is an export, and no mirror; .*type: python verify.py key.pub"
    ):
        verify(work, mirror=work.folder / "export")


def test_a_damaged_note_is_named_by_its_file(work: Workplace, mirror: Path) -> None:
    """`checkpoint of ? events`"""
    note = mirror / "checkpoint"
    for damage in ("", "rubbish\n\n— x y\n", "a\nb\nc\n\n— a AAAAAAAA\n"):
        note.write_text(damage)
        with pytest.raises(LedgerError, match=f"^{note}: "):
            verify(work, mirror=mirror)


def test_a_missing_policy_is_advised_once(work: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from retention.cli.root import root

    monkeypatch.chdir(work.folder)
    told = CliRunner().invoke(root, ["--config", "none.toml", "audit", "verify"])
    assert told.exit_code == 3
    assert told.stderr.count("retention init") == 1
    assert str(work.folder / "none.toml") in told.stderr.replace("\n", "")


def test_a_state_store_s_url_is_blamed_where_it_was_written(work: Workplace, mirror: Path) -> None:
    """`retention.toml / state`, of a file that was not there: it was the option."""
    assert mirror.is_dir()
    for words, place in (
        (["--state", "foo", "status"], "the command line\n  1. --state"),
        (["--state", "postgresql:x", "status"], "the command line\n  1. --state"),
    ):
        told = work.cli(*words)
        assert told.exit_code == 3
        assert place in told.stderr
        assert "retention.toml" not in told.stderr
    work.environ["RETENTION_STATE"] = "nowhere/at-all"
    told = work.cli("status")
    assert told.exit_code == 3
    assert "the environment\n  1. RETENTION_STATE" in told.stderr


def test_a_rule_that_reaches_nothing_on_a_connector_is_refused(work: Workplace, mirror: Path) -> None:
    """`Nothing is due among 0 records`, stored as a plan."""
    from tests.support.stores import SqliteStore

    assert mirror.is_dir()
    for name in ("lite", "pg"):
        store = SqliteStore(work.folder / f"{name}.db")
        store.script(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, made TEXT)")
        dataset = f'[datasets.{name}]\ndata = "{name}"\ntable = "{name}"\nevents = {{ made = "made" }}'
        work.connect(store, dataset, name=name)
        work.rule(name, f'data = "{name}"\nkeep = "1 year"\nfrom = "made"')
    assert work.cli("plan", "--rule", "lite", "--connector", "lite").exit_code == 0
    assert work.cli("plan", "--rule", "backups", "--connector", "lite").exit_code == 0
    for words in (["plan"], ["plan", "--sql"], ["run", "--yes"]):
        told = work.cli(*words, "--rule", "lite", "--connector", "pg")
        assert told.exit_code == 2
        assert "rule `lite` reaches no dataset of connector `pg`; it reaches: lite.lite" in told.stderr


def test_a_plan_of_the_first_year_shows_four_digits_and_an_empty_one_is_said_to_be(
    work: Workplace, mirror: Path
) -> None:
    from tests.support.stores import SqliteStore

    assert mirror.is_dir()
    store = SqliteStore(work.folder / "lite.db")
    store.script("CREATE TABLE lite (id INTEGER PRIMARY KEY, made TEXT)")
    work.connect(store, '[datasets.lite]\ndata = "lite"\ntable = "lite"\nevents = { made = "made" }')
    work.rule("lite", 'data = "lite"\nkeep = "1 year"\nfrom = "made"')
    told = work.cli("plan", "--as-of", "0001-01-01")
    assert " as of 0001-01-01" in told.stdout
    plan = told.stdout.split()[1]
    approved = work.cli("approve", plan)
    assert "Nothing is due under it." in approved.stdout
    assert "0 records" not in approved.stdout
    (row,) = [line for line in work.cli("plan", "list").stdout.splitlines() if plan in line]
    assert "nothing due" in row
