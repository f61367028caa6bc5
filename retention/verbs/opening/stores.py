"""The state store and its keys, as a command opens them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from retention.config.connecting import urls
from retention.config.files import Setting
from retention.config.settings.settings_file import state_address
from retention.errors import ConfigurationError, Problem, SetupError
from retention.ledger.evidence import key_id
from retention.ledger.keys import EVIDENCE, PSEUDONYM, SIGNING
from retention.model.dataset import Dataset
from retention.model.place import Place
from retention.model.settings import KeyReference, StateAddress
from retention.model.told import NOTHING_TOLD, Told
from retention.store.backend import Backend
from retention.store.backends import backend_at
from retention.store.keyfiles import load_signer, read_ring
from retention.store.state import StateStore

if TYPE_CHECKING:
    from retention.config import Configuration

FILE = "retention.toml"
STATE_VARIABLE = "RETENTION_STATE"


def address(config: Setting, place: Place) -> StateAddress:
    """What is said of the state store's place: option over environment over file."""
    try:
        return state_address(place.state, config.folder) if place.state else config.settings.state
    except ValueError as error:
        found, _, write = str(error).partition("; ")
        raise _wrong(place, found, write) from error


def family(address: StateAddress, place: Place) -> str:
    """The state store's kind of database: sqlite, postgresql, mysql or mariadb."""
    try:
        return urls.address(address.url, address.password, address.folder, place.environ).family
    except ValueError as error:
        found, _, write = str(error).partition("; ")
        raise _wrong(place, found, write) from error


def backend(config: Setting, place: Place) -> Backend:
    """Where the state store is or will be; references are read here."""
    try:
        return backend_at(address(config, place), place.environ)
    except ValueError as error:
        found, _, write = str(error).partition("; ")
        raise _wrong(place, found, write) from error


def _wrong(place: Place, found: str, write: str) -> ConfigurationError:
    """At the place that names the state store: the option, the environment, or the file."""
    if place.state is None:
        file, key = FILE, "state"
    elif place.state == place.environ.get(STATE_VARIABLE):
        file, key = "the environment", STATE_VARIABLE
    else:
        file, key = "the command line", "--state"
    return ConfigurationError(problems=[Problem(file=file, key=key, found=found, write=write)])


def evidence_key(config: Setting) -> bytes:
    """The key that words are hashed with: the newest. SetupError where it is missing or another kind of key."""
    return evidence_keys(config)[-1]


def evidence_keys(config: Setting) -> tuple[bytes, ...]:
    """Every evidence key that there is, oldest first: what was committed under an earlier one is opened with it."""
    return read_ring(config.settings.evidence_key, EVIDENCE).keys


def committing_key(config: Setting, state: StateStore) -> bytes:
    """The evidence key that the state store names as the one in use. SetupError where it is not there."""
    with state.read() as snapshot:
        wanted = snapshot.log.evidence_key_id()
    for key in evidence_keys(config):
        if key_id(key) == wanted:
            return key
    where = config.settings.evidence_key.shown
    raise SetupError(f"{where}: the evidence key in use ({wanted}) is not there; put it back, or rotate it")


def references(config: Setting) -> dict[str, KeyReference]:
    """Where the keys of each kind are, in the order in which they are told."""
    settings = config.settings
    return {
        SIGNING: settings.signing_key,
        EVIDENCE: settings.evidence_key,
        PSEUDONYM: settings.pseudonym_key,
    }


@contextmanager
def opened(config: Configuration, place: Place, *, evidence: bool = True) -> Iterator[StateStore]:
    """The state store for writing, with its keys; its mirror is brought up to date at the end.

    `evidence`: False where the evidence key may be missing, as when another takes its place.

    Raises SetupError, with the command to type, where store or keys are missing or do not fit.
    """
    where = backend(config, place)
    refuse_shared_file(config, place)
    settings = config.settings
    if not where.exists():
        StateStore.open(
            where, signer=None, evidence_key_id=None
        )  # says what is missing before a key is missed
    store = StateStore.open(
        where,
        signer=lambda origin, key: load_signer(settings.signing_key, settings.origin or origin, key),
        evidence_key_id=[key_id(key) for key in evidence_keys(config)] if evidence else None,
        mirror=settings.mirror,
    )
    with store:
        store.catch_up()
        try:
            yield store
        finally:
            store.catch_up()


def told(config: Configuration, place: Place) -> Told:
    """The holds and tellings in force; none where there is no state store.

    SafetyRefusal where what a hold is on is not configured any more.
    """
    if not exists(config, place):
        return NOTHING_TOLD
    with reading(config, place) as state, state.read() as snapshot:
        found = snapshot.told()
    from retention.safety import holds

    holds.refuse_lost(found.holds, config.policy, datasets(config))
    return found


def datasets(config: Configuration) -> tuple[Dataset, ...]:
    """Every dataset that is configured, in the order of the files."""
    return tuple(d for connector in config.connectors.values() for d in connector.datasets.values())


@contextmanager
def reading(config: Setting, place: Place) -> Iterator[StateStore]:
    """The state store for reading only: no key is needed."""
    with StateStore.open(backend(config, place), signer=None, evidence_key_id=None) as store:
        yield store


def exists(config: Setting, place: Place) -> bool:
    """Whether there is a state store; UnreachableError where its server does not answer."""
    return backend(config, place).exists()


def refuse_shared_file(config: Configuration, place: Place) -> None:
    """A SQLite target that is also the state store: its intent would always find the database locked."""
    path = backend(config, place).file
    if path is None:
        return
    for connector in config.connectors.values():
        try:
            url = urls.address(connector.url, connector.password, connector.folder, place.environ)
        except ValueError:
            continue
        if url.path is not None and Path(url.path).exists() and path.exists() and path.samefile(url.path):
            raise SetupError(
                f"connector `{connector.name}` and the state store are the same file {path};"
                " give the state store a file of its own: state = … in retention.toml"
            )
