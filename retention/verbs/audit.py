"""The ledger, for those who check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from retention.errors import LedgerError, UnreachableError
from retention.model.explanation import Verification
from retention.model.place import Place
from retention.store.verifying import verify_folder, verify_store
from retention.verbs import stores
from retention.verbs.prepared import configuration

KEY = "key.pub"


def log(place: Place) -> Iterator[str]:
    """The ledger's lines as they are stored, oldest first."""
    config = configuration(place)
    with stores.reading(config, place) as state, state.read() as snapshot:
        for line in snapshot.log.lines():
            yield line.decode("utf-8")


def verify(place: Place, *, mirror: Path | None = None, key: Path | None = None) -> Verification:
    """Re-hashes the content of the store, or of a mirror's folder with nothing but the public key.

    Raises LedgerError that names the first event that is wrong.
    """
    if mirror is not None:
        return verify_folder(mirror, _public_key(key if key is not None else mirror / KEY))
    config = configuration(place)
    with stores.reading(config, place) as state:
        public = _public_key(key) if key is not None else state.verifier_key
        return verify_store(state, public)


def _public_key(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UnreachableError(f"{path}: the public key can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise LedgerError(f"{path}: this is no public key: it is not UTF-8") from error
