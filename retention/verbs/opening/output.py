"""Where a report may be written: never over what the engine works with."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from retention.config import Configuration
from retention.config.connecting import urls
from retention.errors import ConfigurationError, UsageError
from retention.ledger.keys import PSEUDONYM
from retention.model.place import Place
from retention.verbs.opening import stores
from retention.verbs.opening.configured import configuration

SETTINGS = "retention.toml"

_BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database file."""


def refuse_output(place: Place, output: Path) -> None:
    """Raises UsageError where a report at `output` would replace a part of the engine or of a database.

    Also through a symbolic or a hard link, and where the file is not there yet. ConfigurationError
    where the configuration, which says what those are, can't be read.
    """
    config = configuration(place)
    for what, path in _files(config, place):
        if _same(output, path):
            raise UsageError(f"--output {output} is {what}; name another file")
    for what, folder in _folders(config, place):
        if Path(os.path.realpath(output)).is_relative_to(os.path.realpath(folder)):
            raise UsageError(f"--output {output} is inside {what}; name another file")


def refuse_folder(place: Place, folder: Path) -> None:
    """Raises UsageError where a folder that is to be written has something in it, or lies in one of the engine's."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UsageError(f"{folder} is there already and is no folder; name a new one")
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} is there already and has something in it; name a new folder")
    for what, ours in _folders(configuration(place), place):
        if Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(ours)):
            raise UsageError(f"{folder} is inside {what}; name another folder")


def _files(config: Configuration, place: Place) -> Iterator[tuple[str, Path]]:
    """(what it is, path) of every file that is not a report's to replace."""
    yield "the policy", place.config
    yield "the engine's settings", config.folder / SETTINGS
    for kind, key in stores.references(config).items():
        if key.file is not None:
            yield ("the pseudonyms' key" if kind == PSEUDONYM else f"the {kind} key"), key.file
    databases = [(f"the database of connector `{name}`", path) for name, path in _targets(config, place)]
    with contextlib.suppress(ConfigurationError):  # it can't be used, and so is not
        file = stores.backend(config, place).file
        databases += [("the state store", file)] if file is not None else []
    for what, path in databases:
        yield what, path
        for suffix in _BESIDE:
            yield f"a file beside {what}", path.with_name(path.name + suffix)
    for connector in config.connectors.values():
        for secret in (connector.url, connector.password):
            if secret is not None and secret.file is not None:
                yield f"a secret of connector `{connector.name}`", Path(connector.folder) / secret.file
    for channel in config.settings.notify:
        for secret in channel.secrets:
            if secret.file is not None:
                yield f"a secret of the channel `{channel.name}`", Path(channel.folder) / secret.file


def _folders(config: Configuration, place: Place) -> Iterator[tuple[str, Path]]:
    yield "the folder of connectors", place.connectors
    yield "the ledger's mirror", config.settings.mirror


def _targets(config: Configuration, place: Place) -> Iterator[tuple[str, Path]]:
    """(connector, path) of every SQLite database."""
    for connector in config.connectors.values():
        try:
            url = urls.address(connector.url, connector.password, connector.folder, place.environ)
        except ValueError:
            continue  # said where it is opened
        if url.path is not None:
            yield connector.name, Path(url.path)


def _same(one: Path, other: Path) -> bool:
    """One file, by whatever name; of files that are not there, one place."""
    with contextlib.suppress(OSError):
        if one.samefile(other):
            return True
    return os.path.realpath(one) == os.path.realpath(other)
