"""`retention demo` as it is typed: what it makes, what it refuses, and what it leaves behind."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from retention.demo.built import Built
from retention.demo.company import COMPANIES
from retention.demo.making import Making
from retention.demo.store.build import build as build_store
from retention.errors import InterruptedRun, RetentionError
from retention.model.place import Place
from retention.model.progress import NoProgress
from retention.verbs.check import check
from retention.verbs.demo import UNFINISHED, build, demo
from retention.verbs.init import init
from tests.support.stores import Store

ROOT = Path(__file__).parents[2]

Typed = Callable[..., "subprocess.CompletedProcess[str]"]


def clock() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def typed(tmp_path: Path) -> Typed:
    """Types `retention …` in an empty folder."""

    def type_(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "retention", *words],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return type_


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_demo_tells_its_story_and_leaves_a_folder_to_play_in(typed: Typed, tmp_path: Path) -> None:
    told = typed("demo", "shop", RETENTION_STATE="sqlite:////nowhere/else.db")
    assert (told.returncode, told.stderr) == (0, "")
    chapters = [line for line in told.stdout.splitlines() if line.startswith("== ")]
    assert len(chapters) == 6
    for piece in ("Done: ", "Nothing is due", "The ledger verifies", "cd shop", "Afterwards"):
        assert piece in told.stdout
    assert max(map(len, told.stdout.splitlines())) <= 100
    assert len(told.stdout.splitlines()) < 190
    shop = tmp_path / "shop"
    assert not (shop / UNFINISHED).exists()
    again = typed("--config", "shop/policies.toml", "plan", "--exit-code")
    assert (again.returncode, "Nothing is due" in again.stdout) == (0, True)
    before = content(shop)
    refused = typed("demo", "shop")
    assert refused.returncode == 4
    assert "holds a demo" in refused.stderr
    assert "Nothing was changed" in refused.stderr
    assert content(shop) == before


@pytest.mark.heavy
def test_under_json_the_demo_is_one_document_in_the_folder_demo(typed: Typed, tmp_path: Path) -> None:
    told = typed("demo", "--format", "json", "--company", "store")
    document = json.loads(told.stdout)
    assert (told.returncode, told.stderr, document["format"]) == (0, "", "retention.demo/1")
    kinds = [next(iter(step)) for step in document["steps"]]
    assert [k for k in kinds if k not in ("heading", "text")] == [
        "plan", *["explanation"] * 3, "run", "plan", "verification", "commands"
    ]  # fmt: skip
    fates = [step["explanation"]["rules"][0]["fate"] for step in document["steps"] if "explanation" in step]
    assert fates == ["due", "due", "undated"]
    assert (tmp_path / "demo" / "store.db").is_file()


def test_the_closing_advice_of_the_demo_works_as_it_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`retention: command not found`, after make demo."""
    from retention.verbs.demo import _typed

    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    _, words = _typed()
    assert words == f"{sys.executable} -m retention"
    helped = subprocess.run(
        f"{words} --help", shell=True, env={"PYTHONPATH": str(ROOT), "PATH": "/bin"}, check=False
    )
    assert helped.returncode == 0
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "activate").write_text(f"PATH={tmp_path}/bin:$PATH")
    (tmp_path / "bin" / "retention").write_text("#!/bin/sh\necho found\n")
    (tmp_path / "bin" / "retention").chmod(0o755)
    (first,), words = _typed()
    found = subprocess.run(
        f"{first}\n{words}", shell=True, env={"PATH": "/bin"}, capture_output=True, text=True, check=True
    )
    assert found.stdout == "found\n"
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/bin")
    assert _typed() == ((), "retention")


def test_a_misspelt_company_is_told_the_nearest_and_makes_nothing(typed: Typed, tmp_path: Path) -> None:
    told = typed("demo", "shop", "--company", "stroe")
    assert told.returncode == 2
    assert "did you mean `store`?" in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_company_like_no_other_is_told_which_there_are(typed: Typed) -> None:
    told = typed("demo", "--company", "hospital")
    assert told.returncode == 2
    assert "there are: store, quotes, crm, documents, panel" in told.stderr


def test_a_folder_with_something_of_ones_own_is_left_alone(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / ".hidden").write_text("precious")
    told = typed("demo", "mine")
    assert told.returncode == 4
    assert "is not empty" in told.stderr
    assert content(tmp_path) == {"mine/.hidden": b"precious"}


def test_a_file_is_no_folder(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("notes")
    for folder in ("demo", "demo/below"):
        told = typed("demo", folder)
        assert (told.returncode, "Traceback" in told.stderr) == (2, False)
    assert content(tmp_path) == {"demo": b"notes"}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_demo_that_was_interrupted_or_failed_leaves_an_empty_folder(
    error: BaseException, tmp_path: Path
) -> None:
    def interrupted(making: Making) -> Built:
        build_store(making)
        assert {path.name for path in making.folder.iterdir()} == {"store.db", "desk.db", UNFINISHED}
        raise error

    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else RetentionError
    with pytest.raises(expected):
        build(tmp_path, replace(COMPANIES["store"], build=interrupted), clock=clock)
    assert content(tmp_path) == {}


def test_a_demo_that_was_interrupted_after_it_was_built_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`Interrupted.`, and nothing to type next."""
    from retention.cli.failures import failure_of
    from retention.report.documents import RecordingScreen

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("retention.verbs.demo.explain", pressed)
    with pytest.raises(InterruptedRun) as raised:
        demo(
            Path("shop"), company="store", scale=1, clock=clock, show=RecordingScreen(), progress=NoProgress(),
            environ={},
        )  # fmt: skip
    told = failure_of(raised.value)
    assert (told.exit, told.message) == (
        130,
        "Interrupted. The demo in shop is built; to go on with it: cd shop, then retention plan",
    )


def pressed(*_: object, **__: object) -> None:
    """Control-C."""
    raise KeyboardInterrupt


def test_a_demo_that_was_killed_while_it_was_built_is_called_unfinished(typed: Typed, tmp_path: Path) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-m", "retention", "demo", "shop", "--scale", "1000"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    while not (tmp_path / "shop" / "store.db").exists() and killed.poll() is None:
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    assert (tmp_path / "shop" / UNFINISHED).exists()
    again = typed("demo", "shop")
    assert (again.returncode, "not built to its end" in again.stderr) == (4, True)
    other = typed("--config", "shop/policies.toml", "plan")
    assert (other.returncode, "Traceback" in other.stderr) == (3, False)


def test_what_a_killed_demo_left_on_a_server_is_known_to_the_next_and_left_alone(
    typed: Typed, postgresql: Store, tmp_path: Path
) -> None:
    environ = {"RETENTION_DEMO_STORE_URL": postgresql.url}
    killed = subprocess.Popen(
        [sys.executable, "-m", "retention", "demo", "shop", "--scale", "1000"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
        stdout=subprocess.DEVNULL,
    )
    named = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    while len(postgresql.rows(named)) < 6 and killed.poll() is None:
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    again = typed("demo", "other", **environ)
    said = " ".join(again.stderr.split())
    assert (again.returncode, "one that was killed while it was built" in said) == (4, True)
    assert "Nothing was changed" in said
    assert len(postgresql.rows(named)) == 6
    assert not [path for path in (tmp_path / "other").rglob("*") if path.is_file()]


def test_a_full_disk_is_said_in_a_line_and_nothing_half_made_stays(tmp_path: Path) -> None:
    """No file may grow beyond 200 kB."""
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)); sys.argv = ['retention', 'demo', 'shop'];"
        "from retention.cli import main; sys.exit(main())"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 5
    assert "the demo's database could not be built" in told.stderr
    assert "Traceback" not in told.stderr
    assert content(tmp_path) == {}


@pytest.mark.parametrize("scale", ["0", "-1", "many", "1.5", "1000000"])
def test_a_scale_that_is_none_is_refused_and_makes_nothing(scale: str, typed: Typed, tmp_path: Path) -> None:
    told = typed("demo", "shop", "--scale", scale)
    assert (told.returncode, "--scale" in told.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["postgresql://127.0.0.1:1/nowhere", "sqlite:////nowhere/at/all.db", "ftp://x/y"]
)
def test_a_store_that_is_no_database_is_said_and_makes_nothing(
    url: str, typed: Typed, tmp_path: Path
) -> None:
    told = typed("demo", "shop", RETENTION_DEMO_DESK_URL=url)
    assert told.returncode in (2, 5)
    assert "Traceback" not in told.stderr
    assert len(told.stderr.strip().splitlines()) <= 2
    assert content(tmp_path) == {}


@pytest.mark.heavy
def test_a_store_on_a_server_must_be_empty(typed: Typed, postgresql: Store, tmp_path: Path) -> None:
    """One that has a demo is told from one that has something else."""
    told = typed("demo", "shop", RETENTION_DEMO_DESK_URL=postgresql.url)
    assert (told.returncode, told.stderr) == (0, "")
    assert "one SQLite database and one on a server" in " ".join(told.stdout.split())
    assert postgresql.url not in (tmp_path / "shop/connectors/desk.toml").read_text()
    refused = typed("demo", "other", RETENTION_DEMO_DESK_URL=postgresql.url)
    assert refused.returncode == 4
    said = " ".join(refused.stderr.split())
    assert "has tables already" in said
    assert "All of them are a demo's" in said
    assert not [path for path in (tmp_path / "other").rglob("*") if path.is_file()]
    postgresql.script("CREATE TABLE one_s_own (id integer)")
    refused = typed("demo", "other", RETENTION_DEMO_DESK_URL=postgresql.url)
    assert refused.returncode == 4
    assert "a demo's" not in refused.stderr


@pytest.mark.parametrize("moment", ["while it is built", "when it is built", "while the state store is made"])
def test_a_demo_that_fails_leaves_the_database_of_a_server_empty(
    moment: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second one with the same database then goes well."""
    chosen = COMPANIES["panel"]

    def stopped(making: Making) -> Built:
        if moment == "while it is built":
            making = replace(making, progress=Stopping())
        built = chosen.build(making)
        if moment == "when it is built":
            raise KeyboardInterrupt
        return built

    def initialised(*given: Any, **named: Any) -> None:
        init(*given, **named)
        raise KeyboardInterrupt

    if moment == "while the state store is made":
        monkeypatch.setattr("retention.verbs.demo.init", initialised)
    environ = {"RETENTION_DEMO_NEWS_URL": store.url}
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "panel", replace(chosen, build=stopped), clock=clock, environ=environ)
    assert content(tmp_path / "panel") == {}
    monkeypatch.undo()
    _, built = build(tmp_path / "panel", chosen, clock=clock, environ=environ)
    assert built.what


class Stopping(NoProgress):
    """Somebody types Ctrl-C when a hundred people are there."""

    def __init__(self) -> None:
        self._people = 0

    def advance(self, rows: int) -> None:
        self._people += rows
        if self._people >= 100:
            raise KeyboardInterrupt


def test_twice_as_many_are_twice_as_many(tmp_path: Path) -> None:
    counts = []
    for scale in (1, 2):
        folder = tmp_path / str(scale)
        folder.mkdir()
        COMPANIES["panel"].build(Making(folder=folder, today=date(2026, 11, 24), scale=scale))
        with closing(sqlite3.connect(folder / "panel.db")) as connection:
            ((count,),) = connection.execute("SELECT count(*) FROM customers WHERE name NOT LIKE '%: %'")
        counts.append(count)
    assert counts == [900, 1800]


def test_the_store_is_the_same_for_the_same_day(tmp_path: Path) -> None:
    dumps = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        build_store(Making(folder=tmp_path / name, today=date(2028, 2, 29)))
        with closing(sqlite3.connect(tmp_path / name / "store.db")) as connection:
            dumps.append("\n".join(connection.iterdump()))
    assert dumps[0] == dumps[1]


# -- the project's own policy ----------------------------------------------------------------


def test_the_projects_policy_and_connectors_are_the_demos_own() -> None:
    templates = COMPANIES["store"].home
    assert (ROOT / "policies.toml").read_text() == (templates / "policies.toml").read_text()
    assert {path.stem for path in (ROOT / "connectors").iterdir()} == set(COMPANIES["store"].stores)
    for name in COMPANIES["store"].stores:
        ours = (ROOT / f"connectors/{name}.toml").read_text().splitlines()
        theirs = (templates / f"connectors/{name}.toml").read_text().splitlines()
        differing = [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]]
        assert [[text.split()[2] for text in pair] for pair in differing] == [
            [f'"sqlite:///demo/{name}.db"', f'"sqlite:///{name}.db"']
        ]


def test_they_work_as_they_stand_beside_the_demo_that_is_built_in_its_usual_place(tmp_path: Path) -> None:
    for name in ("policies.toml", "connectors/store.toml", "connectors/desk.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    inside, _ = build(tmp_path / "demo", COMPANIES["store"], clock=clock)
    beside = Place(
        config=tmp_path / "policies.toml", connectors=tmp_path / "connectors", state=None, environ={}
    )
    for place in (inside, beside):
        report = check(place, clock=clock)
        assert (report.problems, report.warnings) == ((), ())
        assert [line.partition(":")[0] for line in report.checked] == [
            "desk.tickets",
            "desk.readers",
            "desk.consents",
            "store.orders",
            "store.accounts",
        ]
