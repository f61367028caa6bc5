"""The ledger, for those who check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from retention.errors import LedgerError, SetupError, UnreachableError, UsageError
from retention.ledger.note import Verifier
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

    Raises LedgerError that names the first event that is wrong; UsageError where there is no such folder
    or key, SetupError for a file that is no public key.
    """
    if mirror is not None:
        if not mirror.is_dir():
            raise UsageError(f"--mirror {mirror}: there is no such folder")
        if key is None and not (mirror / KEY).exists():
            raise UsageError(f"--mirror {mirror}: there is no {KEY} in it; name a public key with --key")
        return verify_folder(mirror, _public_key(key if key is not None else mirror / KEY))
    config = configuration(place)
    with stores.reading(config, place) as state:
        public = _public_key(key) if key is not None else state.verifier_key
        return verify_store(state, public)


def _public_key(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
        Verifier.parse(text)
        return text
    except FileNotFoundError as error:
        raise UsageError(f"--key {path}: there is no such file") from error
    except SetupError as error:
        raise SetupError(f"{path}: {error.message}") from error
    except OSError as error:
        raise UnreachableError(f"{path}: the public key can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise LedgerError(f"{path}: this is no public key: it is not UTF-8") from error
