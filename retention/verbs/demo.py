"""Builds a small company and shows it around: plan, approval, run, and what is left to check."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from retention import periods
from retention.demo.built import Built
from retention.demo.company import Company
from retention.demo.company import company as company_named
from retention.demo.filling import emptied, variable
from retention.demo.making import Making
from retention.errors import InterruptedRun, RetentionError, SafetyRefusal, UsageError
from retention.model.place import Place
from retention.model.progress import NoProgress, Progress
from retention.model.screen import DemoScreen
from retention.store.owners import account_name
from retention.verbs.approve import approve
from retention.verbs.audit import verify
from retention.verbs.explain import explain
from retention.verbs.init import init
from retention.verbs.opening.configured import Clock
from retention.verbs.plan import plan
from retention.verbs.run import run

FOLDER = Path("demo")
UNFINISHED = "UNFINISHED"

_NUMBERS = ("no", "one", "two", "three")

_NOT_FINISHED = "The demo in this folder was not built to its end. Remove the folder, and build it anew.\n"


def demo(
    folder: Path | None,
    *,
    company: str | None,
    scale: int,
    clock: Clock,
    show: DemoScreen,
    progress: Progress,
    environ: Mapping[str, str],
) -> None:
    """Builds `company` in `folder` (`demo` by default), which must be new or empty, and shows it to `show`.

    What it does is what anybody can type: nothing here goes past the other commands. `scale`: how many times
    as many people. UsageError for a company that there is not, SafetyRefusal for a folder that holds something,
    or a database of a server that does.
    """
    chosen = company_named(company)
    home = folder if folder is not None else FOLDER
    place, built = build(home, chosen, clock=clock, scale=scale, progress=progress, environ=environ)
    try:
        _Tour(home, chosen, built, place, clock, show, progress).all()
    except KeyboardInterrupt as error:
        there = f"Interrupted. The demo in {home} is built; to go on with it"
        raise InterruptedRun(f"{there}: cd {shlex.quote(str(home))}, then retention plan") from error


def build(
    home: Path,
    chosen: Company,
    *,
    clock: Clock,
    scale: int = 1,
    progress: Progress | None = None,
    environ: Mapping[str, str] | None = None,
) -> tuple[Place, Built]:
    """Databases, files, state store and keys in `home`; a file UNFINISHED lies there until all is done.

    When it fails or is interrupted, what was made goes again.

    `environ`: RETENTION_DEMO_NAME_URL, where given, puts the store NAME into that empty database.
    """
    given = environ or {}
    urls = {name: given[variable(name)] for name in chosen.stores if given.get(variable(name))}
    _claim(home)
    day = periods.day_of(clock(), chosen.timezone)
    making = Making(folder=home, today=day, scale=scale, urls=urls, progress=progress or NoProgress())
    try:
        # Databases first: where there is no policy yet, no other command takes the half of them for the whole.
        built = chosen.build(making)
        _write_files(home, chosen, urls)
        # Nothing else of the caller's own environment: a state store that it names is not the demo's.
        place = Place(
            config=home / "policies.toml",
            connectors=home / "connectors",
            state=None,
            environ={variable(name): url for name, url in urls.items()},
        )
        init(home, place, by=account_name(), clock=clock)
        (home / UNFINISHED).unlink()
    except BaseException as error:
        emptied(making, chosen.stores)
        _take_back(home, chosen)
        if isinstance(error, OSError):
            raise RetentionError(f"{home}: the demo could not be built: {error.strerror or error}") from error
        raise
    return place, built


def _take_back(home: Path, chosen: Company) -> None:
    """Removes what the demo makes, by name, and the sign that it is not finished last. What can't be removed stays."""
    with contextlib.suppress(OSError):
        shutil.rmtree(home / "state", ignore_errors=True)
        made = [*chosen.files, *(f"{name}.db" for name in chosen.stores)]
        for name in (*made, *(f"{name}.db-journal" for name in chosen.stores)):
            (home / name).unlink(missing_ok=True)
        if (home / "connectors").is_dir():
            (home / "connectors").rmdir()
        (home / UNFINISHED).unlink(missing_ok=True)


def _write_files(home: Path, chosen: Company, urls: Mapping[str, str]) -> None:
    for name in chosen.files:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_elsewhere((chosen.home / name).read_text("utf-8"), path.stem, urls), "utf-8")


def _elsewhere(text: str, connector: str, urls: Mapping[str, str]) -> str:
    """A connector's file whose database is on a server: it names the variable, not the address."""
    if connector not in urls:
        return text
    lines = text.splitlines(keepends=True)
    return "".join(f'url      = "env:{variable(connector)}"\n' if x.startswith("url ") else x for x in lines)


def _claim(home: Path) -> None:
    """Makes the folder one's own, or refuses it as it is."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        there = {path.name for path in home.iterdir()}
        if not there:
            with (home / UNFINISHED).open("x", encoding="utf-8") as file:
                file.write(_NOT_FINISHED)
            return
    except FileExistsError:
        if not home.is_dir():
            raise UsageError(f"{home} is not a folder; name another: retention demo DIR") from None
        there = {UNFINISHED}  # somebody else's, this very moment
    except OSError as error:
        raise UsageError(f"{home} can't be used: {error.strerror or error}") from error
    typed = shlex.quote(str(home))
    if UNFINISHED in there:
        what = "holds a demo that was not built to its end (or is being built)"
    elif {"policies.toml", "connectors"} <= there:
        what = f"holds a demo or a policy already; to go on with it: cd {typed}, then retention plan"
    else:
        what = "is not empty"
    raise SafetyRefusal(
        f"{home} {what}. Nothing was changed. For a new demo name another folder: retention demo DIR"
    )


class _Tour:
    """Chapter by chapter, the day frozen at its beginning."""

    def __init__(
        self,
        home: Path,
        chosen: Company,
        built: Built,
        place: Place,
        clock: Clock,
        show: DemoScreen,
        progress: Progress,
    ) -> None:
        self._home = home
        self._chosen = chosen
        self._built = built
        self._progress = progress
        self._place = place
        self._clock = clock
        self._show = show
        self._as_of = periods.day_of(clock(), chosen.timezone).isoformat()

    def all(self) -> None:
        self._opening()
        made = self._plan()
        self._records()
        self._run(made)
        self._afterwards()
        self._next()

    def _opening(self) -> None:
        self._show.heading("A company, its promises, its data")
        files = " and ".join(f"connectors/{name}.toml" for name in self._chosen.stores)
        self._show.text(
            f"In the folder {self._home} is now {self._built.what}, in {_databases(self._place, self._chosen)}."
            " Everybody in it is invented, and some records are there to lie just on this side of a line or just"
            " on that."
        )
        self._show.text(
            "policies.toml says what the company promises, in the words of its privacy policy;"
            f" {files} which tables and columns that means."
        )

    def _plan(self) -> str:
        self._show.heading("What the policy would delete today, and why: retention plan")
        made = plan(self._place, as_of=self._as_of, clock=self._clock)
        self._show.plan(made)
        return made.id

    def _records(self) -> None:
        self._show.heading("Any record can be asked about: retention explain")
        for item in self._built.telling:
            self._show.text(item.shows)
            told = explain(
                self._place, dataset=item.dataset, key=item.key, as_of=self._as_of, clock=self._clock
            )
            self._show.explanation(told)

    def _run(self, made: str) -> None:
        by = account_name()
        self._show.heading("Approved, and carried out: retention approve, retention run")
        self._show.text(
            "Nothing is deleted under a rule that nobody has approved. This once the demo approves for you:"
            f" plan {made}, in the name of your account, {by}. Then it runs what was approved."
        )
        approve(self._place, made, by=by, clock=self._clock)
        outcome = run(self._place, plan_id=made, by=by, clock=self._clock, progress=self._progress)
        self._progress.finish()
        self._show.outcome(outcome)

    def _afterwards(self) -> None:
        self._show.heading("Afterwards: nothing left to do, and a log that can be checked")
        self._show.text("A second plan, of what is left:")
        left = plan(self._place, as_of=self._as_of, clock=self._clock, store=False)
        self._show.later_plan(left)
        self._show.text(self._built.left)
        self._show.text(
            "Every step went into a ledger that holds nothing about the people concerned, and that is chained"
            " and signed, so that a line that was changed shows. retention audit verify finds:"
        )
        self._show.verification(verify(self._place))

    def _next(self) -> None:
        left = self._built.telling[-1]
        self._show.heading("Yours to play with")
        first, retention = _typed()
        self._show.commands(
            (
                *first,
                f"cd {shlex.quote(str(self._home))}",
                f"{retention} status",
                f"{retention} explain {left.dataset} {left.key}",
                f"{retention} audit log",
            )
        )


def _databases(place: Place, chosen: Company) -> str:
    """What they are: "two SQLite databases"."""
    served = len(place.environ)
    files = len(chosen.stores) - served
    words = [f"{_NUMBERS[files]} SQLite database{'s' if files > 1 else ''}"] if files else []
    words += [f"{_NUMBERS[served]} on a server"] if served else []
    return " and ".join(words)


def _typed() -> tuple[tuple[str, ...], str]:
    """(what to type first, how to type `retention`) in the shell that this was typed in."""
    if shutil.which("retention") is not None:
        return (), "retention"
    activate = Path(sys.prefix) / "bin" / "activate"
    if activate.is_file() and (Path(sys.prefix) / "bin" / "retention").is_file():
        return (f". {shlex.quote(str(activate))}",), "retention"
    return (), f"{shlex.quote(sys.executable)} -m retention"
