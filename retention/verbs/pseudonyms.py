"""The pseudonyms' key: made where a dataset hashes or fakes, used only where it is the one that the ledger knows."""

from __future__ import annotations

import json
from collections.abc import Iterator

from retention.config import Configuration
from retention.errors import SetupError
from retention.ledger.keys import PSEUDONYM, encode_pseudonym_key, new_key, pseudonym_key_id
from retention.store.keyfiles import create_key_file, load_pseudonym_key
from retention.store.log import LogReading
from retention.store.state import StateStore
from retention.verbs import stores
from retention.verbs.prepared import Clock

_LOST = "put your copy of it back: with another key equal values would no longer be alike"


def wanted(config: Configuration) -> bool:
    """Some dataset makes values that depend on the key."""
    every = (d.rewriting.columns.values() for d in stores.datasets(config))
    return any(strategy.keyed for strategies in every for strategy in strategies)


def make(config: Configuration, state: StateStore, *, by: str, clock: Clock) -> list[str]:
    """The key, made where it is wanted and was never made, with its line in the ledger; what became of it in words.

    Raises SetupError where the ledger knows a key that is not there, or another one.
    """
    if not wanted(config):
        return []
    path = config.settings.pseudonym_key
    lines = [f"{path}: the pseudonyms' key is there already"]
    with state.read() as snapshot:
        known = set(_known(snapshot.log))
    if not path.exists():
        if known:
            raise SetupError(f"{path}: the pseudonyms' key is not there; {_LOST}")
        create_key_file(path, encode_pseudonym_key(new_key()))
        lines = [f"{path}: the pseudonyms' key, made (keep a copy elsewhere)"]
    id = pseudonym_key_id(load_pseudonym_key(path))
    if id in known:
        return lines
    _refuse_other(config, known)
    with state.begin() as tx:
        tx.log.append("key.created", {"kind": PSEUDONYM, "key": id, "by": by}, clock())
    return lines


def pseudonym_key(config: Configuration, state: StateStore) -> bytes:
    """The key's 32 bytes; SetupError where it is missing, or not the one that the ledger knows."""
    key = load_pseudonym_key(config.settings.pseudonym_key)
    with state.read() as snapshot:
        known = set(_known(snapshot.log))
    if not known:
        raise SetupError("the ledger knows of no pseudonyms' key; type: retention init")
    if pseudonym_key_id(key) not in known:
        _refuse_other(config, known)
    return key


def _refuse_other(config: Configuration, known: set[str]) -> None:
    if known:
        path = config.settings.pseudonym_key
        raise SetupError(
            f"{path}: this is another pseudonyms' key than the ledger's ({sorted(known)[-1]}); {_LOST}"
        )


def _known(log: LogReading) -> Iterator[str]:
    """The ids of all keys of the kind that were made."""
    for number in log.named("key.created"):
        line = log.line(number)
        data = {} if line is None else json.loads(line)["data"]
        if data.get("kind") == PSEUDONYM:
            yield data["key"]
