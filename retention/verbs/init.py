"""Sets the engine up: commented files where there are none, state store, keys, marker tables."""

from __future__ import annotations

import os
import re
import shlex
import socket
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from retention.config import Configuration
from retention.config.connecting import urls
from retention.connectors.sql.opening import open_target
from retention.errors import ConfigurationError, SetupError, UnreachableError, UsageError
from retention.ledger.evidence import key_id
from retention.ledger.keys import encode_evidence_key, encode_signing_key, new_key
from retention.ledger.note import Signer
from retention.model.dataset import Connector
from retention.model.overview import SetUp
from retention.model.place import Place
from retention.store.keyfiles import create_key_file, load_evidence_key, load_signer
from retention.store.state import StateStore
from retention.verbs.opening import pseudonyms, stores
from retention.verbs.opening.apart import shared_stores
from retention.verbs.opening.configured import Clock, configuration

_PAGES = {"postgresql": "postgresql", "sqlite": "sqlite"}
_FILES = ("policies.toml", "connectors/database.toml", "retention.toml")


def init(folder: Path, place: Place, *, by: str, clock: Clock) -> SetUp:
    """Makes what is missing and leaves what is there; a line for each.

    Files first. Where the configuration is complete: the state store with its two keys, and in
    every database that answers the table `retention_marker`. The configuration is not complete right
    after the files were written: then it says what to fill in. Raises ConfigurationError where it is not
    complete later, SetupError where a database would not have its table, UsageError for a folder that can't
    be made.
    """
    new = not place.config.exists()
    try:
        written = _write_files(folder, place)
    except OSError as error:
        raise UsageError(f"{folder} can't be used: {error.strerror or error}") from error
    return after(written, set_up(place, folder=folder, new=new, by=by, clock=clock))


def after(lines: Iterable[str], done: SetUp) -> SetUp:
    """`done`, with what was done before it."""
    return replace(done, lines=(*lines, *done.lines))


def set_up(place: Place, *, folder: Path = Path(), new: bool = True, by: str, clock: Clock) -> SetUp:
    """State store, keys and marker tables, where the files are complete; else what to fill in.

    `folder`: as it was typed. `new`: files were written just now, and are not expected to be complete.
    """
    try:
        config = configuration(place)
    except ConfigurationError as error:
        if not new:
            raise
        first = error.problems[0] if error.problems else None
        there = "" if folder == Path() else f"cd {shlex.quote(str(folder))}, then "
        fill = f"next: fill in the files ({first}); to see what is left type: {there}retention check"
        return SetUp(lines=(f"{fill}; and then retention init",))
    lines = _store(config, place, by=by, clock=clock)
    try:
        markers, unreached = _markers(config, place)
    except SetupError as error:
        raise SetupError(f"{error.message}. Done before that: {'; '.join(lines)}") from error
    there = "" if folder == Path() else f"cd {shlex.quote(str(folder))}, then "
    last = f"next: {there}retention check, then retention plan"
    if unreached:
        last = f"next: see to what was not reached, then {there}retention init"
    return SetUp(lines=(*lines, *markers, last), unreached=tuple(unreached))


def _write_files(folder: Path, place: Place) -> list[str]:
    """The three commented files, unless a policy is there already."""
    if place.config.exists():
        return [f"{place.config}: is there already; left as it is"]
    return [write_new(folder / name, template(Path(name).name), "with comments") for name in _FILES]


def template(name: str) -> str:
    """One of the files that begin empty, but for their comments."""
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")


def write_new(path: Path, text: str, what: str) -> str:
    """Writes a file where there is none; the line that says what became of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return f"{path}: is there already; left as it is"
    return f"{path}: written, {what}"


def _store(config: Configuration, place: Place, *, by: str, clock: Clock) -> list[str]:
    where = stores.backend(config, place)
    stores.refuse_shared_file(config, place)
    there = where.exists()
    by_hand = there and StateStore.unfinished(where)
    if there and not by_hand:
        with stores.opened(config, place) as state:
            made = pseudonyms.make(config, state, by=by, clock=clock)
            return [f"{where.shown}: the state store is there already, and its keys fit", *made]
    lines = _keys(config)
    settings = config.settings
    origin = settings.origin or _origin(config)
    signer: Signer = load_signer(settings.signing_key, origin)
    evidence = key_id(load_evidence_key(settings.evidence_key))
    make = StateStore.finish if by_hand else StateStore.create
    make(where, origin=origin, verifier_key=signer.verifier_key, evidence_key_id=evidence, at=clock())
    with stores.opened(config, place) as state:
        now = clock()
        with state.begin() as tx:
            for kind, key in (("signing", signer.verifier_key), ("evidence", evidence)):
                tx.log.append("key.created", {"kind": kind, "key": key, "by": by}, now)
            tx.log.checkpoint(now)
        lines += pseudonyms.make(config, state, by=by, clock=clock)
    what = "its tables were there, and it is set up now" if by_hand else "made"
    lines.append(f"{where.shown}: the state store, {what}; its ledger is `{origin}`")
    lines.append(f"{settings.mirror}: the ledger's plain files, and the public key that auditors need")
    return lines


def _keys(config: Configuration) -> list[str]:
    """The two keys, made where they are missing."""
    lines = []
    settings = config.settings
    for where, encode, what in (
        (settings.signing_key, encode_signing_key, "signing"),
        (settings.evidence_key, encode_evidence_key, "evidence"),
    ):
        key_path = where.file
        if key_path is None:
            lines.append(f"{where.shown}: the {what} key is read from there")
            continue
        if key_path.exists():
            lines.append(f"{key_path}: the {what} key is there already")
            continue
        key_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        create_key_file(key_path, encode(new_key()))
        lines.append(f"{key_path}: the {what} key, made (keep a copy elsewhere)")
    return lines


def _origin(config: Configuration) -> str:
    """A name for the ledger that another installation is unlikely to have."""
    words = re.sub(r"[^a-z0-9]+", "-", config.policy.name.lower()).strip("-") or "policy"
    host = re.sub(r"[^A-Za-z0-9.-]+", "-", socket.gethostname()) or "host"
    return f"{host}/{words}/{os.urandom(3).hex()}"


def _markers(config: Configuration, place: Place) -> tuple[list[str], list[str]]:
    """A table in each database that answers: a line for each, and the connectors that did not.

    Raises ConfigurationError where two connectors reach one database, SetupError, at the end, where one
    would not have the table.
    """
    lines: list[str] = []
    unreached: list[str] = []
    refused: list[str] = []
    pages: dict[str, None] = {}
    known: dict[str, tuple[Connector, str]] = {}
    for connector in config.connectors.values():
        try:
            with closing(open_target(connector, place.environ)) as target:
                known[connector.name] = (connector, target.store())
                problems = shared_stores(known)
                if problems:
                    raise ConfigurationError(problems=problems)
                made = target.create_marker_table()
        except UnreachableError as error:
            unreached.append(connector.name)
            lines.append(
                f"{connector.name}: not reached ({error.message}); type retention init again when it is"
            )
        except SetupError as error:
            refused.append(error.message)
            family = urls.address(connector.url, connector.password, connector.folder, place.environ).family
            pages[f"docs/how-to/connect-{_PAGES.get(family, 'mariadb')}.md"] = None
        else:
            what = "made" if made else "is there already"
            lines.append(f"{connector.name}: the table retention_marker {what}")
    if refused:
        where = " and ".join(pages)
        advice = (
            f"or let its owner make the table (retention init --ddl prints it, {where} has it with its GRANT)"
        )
        raise SetupError(f"{'; '.join(refused)}; {advice}. Then type retention init again")
    return lines, unreached
