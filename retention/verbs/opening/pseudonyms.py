"""The pseudonyms' key: made where a dataset hashes or fakes, used only where it is the one that the ledger knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from retention.config import Configuration
from retention.errors import SetupError
from retention.ledger.keys import PSEUDONYM, Ring, encode_pseudonym_key, new_key, pseudonym_key_id
from retention.model.settings import KeyReference
from retention.store.keyfiles import create_key_file, read_ring
from retention.store.log import LogReading
from retention.store.state import StateStore
from retention.verbs.opening import stores
from retention.verbs.opening.configured import Clock

_LOST = "put your copy of it back: with another key equal values would no longer be alike"


def wanted(config: Configuration) -> bool:
    """Some dataset makes values that depend on the key."""
    every = (d.rewriting.strategies for d in stores.datasets(config))
    return any(strategy.keyed for strategies in every for strategy in strategies)


def make(config: Configuration, state: StateStore, *, by: str, clock: Clock) -> list[str]:
    """The key, made where it is wanted and was never made, with its line in the ledger; what became of it in words.

    Raises SetupError where the ledger knows a key that is not there, or another one.
    """
    if not wanted(config):
        return []
    where = config.settings.pseudonym_key
    lines = [f"{where.shown}: the pseudonyms' key is there already"]
    with state.read() as snapshot:
        known = list(_known(snapshot.log))
    if where.file is not None and not where.file.exists():
        if known:
            raise SetupError(f"{where.shown}: the pseudonyms' key is not there; {_LOST}")
        create_key_file(where.file, encode_pseudonym_key(new_key()))
        lines = [f"{where.shown}: the pseudonyms' key, made (keep a copy elsewhere)"]
    ring = read_ring(where, PSEUDONYM)
    if known:
        _in_use(ring, known, where)
        return lines
    with state.begin() as tx:
        data = {"kind": PSEUDONYM, "key": pseudonym_key_id(ring.newest), "by": by}
        tx.log.append("key.created", data, clock())
    return lines


def pseudonym_key(config: Configuration, state: StateStore) -> bytes:
    """The 32 bytes of the key in use; SetupError where it is missing, or not one that the ledger knows."""
    where = config.settings.pseudonym_key
    with state.read() as snapshot:
        known = list(_known(snapshot.log))
    if not known:
        raise SetupError(
            "there is no pseudonyms' key yet, and a dataset hashes or fakes; type: retention init"
        )
    return _in_use(read_ring(where, PSEUDONYM), known, where)


def former_keys(config: Configuration, state: StateStore) -> tuple[tuple[bytes, ...], dict[str, str]]:
    """Every pseudonyms' key that there is, oldest first; and id → day of those that were destroyed.

    Raises SetupError where one is missing that the ledger knows and that was not destroyed.
    """
    where = config.settings.pseudonym_key
    with state.read() as snapshot:
        known = list(_known(snapshot.log))
        destroyed = {
            event["data"]["key"]: event["at"][:10] for event in _events(snapshot.log, "key.destroyed")
        }
    if not known:
        raise SetupError(
            "there is no pseudonyms' key yet: nothing was ever hashed here; type: retention init"
        )
    ring = read_ring(where, PSEUDONYM)
    _in_use(ring, known, where)
    missing = [id for id in known if id not in destroyed and ring.get(id) is None]
    if missing:
        raise SetupError(
            f"{where.shown}: the pseudonyms' key {missing[0]} is not there; put your copy of it back, or type:"
            f" retention key destroy pseudonym {missing[0]} (what was hashed with it can't be found any more)"
        )
    return ring.keys, destroyed


def _in_use(ring: Ring, known: list[str], where: KeyReference) -> bytes:
    """The key that came into use last."""
    key = ring.get(known[-1])
    if key is None:
        raise SetupError(
            f"{where.shown}: this is another pseudonyms' key than the ledger's ({known[-1]}); {_LOST}"
        )
    return key


def _known(log: LogReading) -> Iterator[str]:
    """The ids of all keys of the kind, in the order in which they came into use."""
    for event in _events(log, "key.created", "key.rotated"):
        yield event["data"]["key"]


def _events(log: LogReading, *types: str) -> Iterator[dict[str, Any]]:
    """What the ledger says of the kind, in the order in which it came."""
    for number in sorted(n for type in types for n in log.named(type, PSEUDONYM)):
        line = log.line(number)
        if line is not None:
            yield json.loads(line)
