"""Makes the acquaintance of a database: shows its tables, or writes the files to begin with."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from retention.config.connecting import urls
from retention.config.connector import dataset_values
from retention.config.reading import values
from retention.connectors.port import Look, Target
from retention.connectors.sql.markers import MARKERS
from retention.connectors.sql.opening import open_target
from retention.discover.connector_text import connector_text
from retention.discover.draft import drafts
from retention.discover.overview import overview, refusal, suggested
from retention.discover.policy_text import policy_text, rules_text
from retention.discover.toml import ASK
from retention.discover.words import slug
from retention.errors import ConfigurationError, Problem
from retention.model.catalogue import Catalogue, Table
from retention.model.dataset import Connector, Name, Secret
from retention.model.overview import SetUp
from retention.model.place import Place
from retention.planning.binding.names import NotFoundError, find_table
from retention.verbs.init import after, set_up, template, write_new
from retention.verbs.opening.configured import Clock

LOOKED_AT = 100_000
"""Rows of a table up to which it is read through for a look."""

_LINE = "command line"


def introduce(
    place: Place,
    *,
    folder: Path | None = None,
    url: str,
    name: str | None = None,
    tables: tuple[str, ...] = (),
    by: str,
    clock: Clock,
) -> SetUp:
    """Without `tables` an overview; with them the connector's file, a policy if there is none, and what `init` makes.

    `folder`: as it was typed, None for none. Raises ConfigurationError for a URL with a password in it, a name that
    can't be, and tables that are not there or can't be datasets, all of them at once; UnreachableError where the
    database does not answer.
    """
    folder = folder or Path()
    connector = _connector(place, url, name)
    wanted = _names(tables)
    file = place.connectors / f"{connector.name}.toml"
    if tables and file.exists():
        left = f"{file}: is there already; left as it is (for another file: --name NAME)"
        return after((left,), set_up(place, folder=folder, by=by, clock=clock))
    with closing(open_target(connector, place.environ)) as target:
        catalogue = target.catalogue()
        if not tables:
            return _overview(catalogue, target, connector, folder, name)
        roots = _found(catalogue, wanted)
        lines = _write(place, connector, catalogue, target, roots, clock)
    return after(lines, set_up(place, folder=folder, by=by, clock=clock))


def _connector(place: Place, url: str, name: str | None) -> Connector:
    """The connector to be, without datasets; called after the database where no name is given."""
    folder = place.config.absolute().parent
    problems: list[Problem] = []
    secret, word = Secret(), ""
    try:
        secret = urls.parse_url(url, beside=False)
        address = urls.address(secret, None, folder, place.environ)
        word = slug(address.database or Path(address.path or "").stem, otherwise="database")
    except ValueError as error:
        problems.append(_problem("--url", error))
    try:
        word = word if name is None else values.word(name, "connector's name")
    except ValueError as error:
        problems.append(_problem("--name", error))
    if problems:
        raise ConfigurationError(problems=problems)
    return Connector(name=word, file=f"connectors/{word}.toml", type="sql", url=secret, folder=str(folder))


def _names(tables: Sequence[str]) -> tuple[Name, ...]:
    problems: list[Problem] = []
    found: list[Name] = []
    for text in tables:
        try:
            found.append(dataset_values.table(text))
        except ValueError as error:
            problems.append(_problem(f"--table {text}", error))
    if problems:
        raise ConfigurationError(problems=problems)
    return tuple(found)


def _found(catalogue: Catalogue, wanted: Sequence[Name]) -> tuple[Table, ...]:
    """The tables, each once; every one that is not there or can't be a root is a problem."""
    problems: list[Problem] = []
    roots: dict[str, Table] = {}
    for name in wanted:
        try:
            table = find_table(catalogue, name, None)
        except NotFoundError as error:
            problems.append(error.problem(_LINE, f"--table {name.text}"))
            continue
        wrong = refusal(table)
        if wrong is not None:
            problems.append(Problem(file=_LINE, key=f"--table {name.text}", found=wrong[0], write=wrong[1]))
        roots[str(table.id)] = table
    if problems:
        raise ConfigurationError(problems=problems)
    return tuple(roots.values())


def _problem(option: str, error: Exception) -> Problem:
    found, _, write = str(error).partition("; ")
    return Problem(file=_LINE, key=option, found=found, write=write)


def _overview(
    catalogue: Catalogue, target: Target, connector: Connector, folder: Path, name: str | None
) -> SetUp:
    lines = overview(catalogue, lambda table: target.look(table, (), LOOKED_AT), MARKERS.name)
    words = ["retention", "init", *([] if folder == Path() else [str(folder)]), "--url", connector.url.shown]
    if name is not None:
        words += ["--name", name]
    for line in suggested(lines):
        words += ["--table", line.table]
    return SetUp(lines=(), tables=lines, command=shlex.join(words))


def _write(
    place: Place,
    connector: Connector,
    catalogue: Catalogue,
    target: Target,
    roots: Sequence[Table],
    clock: Clock,
) -> tuple[str, ...]:
    def look_at(table: Table, columns: Sequence[str]) -> Look | None:
        return target.look(table, columns, LOOKED_AT)

    found = drafts(catalogue, roots, connector.file, look_at)
    there = place.config.exists()
    rules = rules_text(found) if there else ""
    text = connector_text(connector.name, connector.url.shown, found, catalogue, clock().date(), rules)
    lines = [write_new(place.connectors / f"{connector.name}.toml", text, _asks(text))]
    policy = policy_text(found)
    lines.append(write_new(place.config, policy, _asks(policy)))
    if not there:
        settings = template("retention.toml")
        lines.append(write_new(place.config.parent / "retention.toml", settings, "with comments"))
    return tuple(lines)


def _asks(text: str) -> str:
    """How much is left to a person; the head of a file, which says how that is marked, does not count."""
    count = sum(ASK in line for line in text.splitlines()[3:])
    return f"{count} marked {ASK}" if count else "nothing left to ask"
