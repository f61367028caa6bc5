"""The ledger, for those who check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from retention.errors import LedgerError, SetupError, UnreachableError, UsageError
from retention.ledger.line import parse
from retention.ledger.note import Verifier
from retention.ledger.witness import Witness
from retention.model.audit import Verification
from retention.model.chosen import EVERYTHING, Chosen
from retention.model.place import Place
from retention.store.archives import SEGMENTS, Archives
from retention.store.mirror import KEY, LINES
from retention.store.publishing import lying_at, read_published
from retention.store.verifying import verify_folder, verify_store
from retention.verbs.opening import days, stores
from retention.verbs.opening.configured import configuration
from retention.verbs.proof.evident import refuse_lost_evidence
from retention.verbs.proof.published import agreeing


def log(
    place: Place,
    *,
    chosen: Chosen | None = None,
    more: Callable[[], bool] | None = None,
    archives: Sequence[Path] = (),
    left_out: Callable[[int], None] | None = None,
) -> Iterator[str]:
    """The ledger's lines as they are stored, oldest first; those that are chosen.

    `archives`: folders with events that are not in the store any more. `left_out` is told how many events lie in
    an archive that is not named, where what is chosen may be among them.
    `more`: called when there is no further line; where it answers yes, the ledger is looked at again.
    """
    config, chosen = configuration(place), chosen or EVERYTHING
    begin = days.beginning(config, "--from", chosen.since)
    end = days.ending(config, "--to", chosen.until)
    files = Archives(archives) if archives else None
    with stores.reading(config, place) as state:
        start: int | None = None
        while True:
            with state.read() as snapshot:
                snapshot.log.archives = files
                if start is None:
                    first = snapshot.log.readable()
                    start = first if begin is None else snapshot.log.position(begin)
                    if first == start > 0 and left_out is not None:
                        left_out(first)
                for line in snapshot.log.lines(start):
                    start += 1
                    if end is not None and parse(line).at >= end:
                        return
                    if chosen.takes(line):
                        yield line.decode("utf-8")
            if more is None or not more():
                return


def zone(place: Place) -> tuple[str, str]:
    """The policy's zone, and the ledger's name: what a line for people or for a log platform has besides."""
    config = configuration(place)
    with stores.reading(config, place) as state:
        return config.policy.timezone, state.origin


def verify(
    place: Place,
    *,
    mirror: Path | None = None,
    key: Path | None = None,
    against: Sequence[str] = (),
    witnesses: Sequence[Path] = (),
    archives: Sequence[Path] = (),
    evidence: bool = False,
) -> Verification:
    """Re-hashes the content of the store, or of a mirror's folder with nothing but the public key.

    `against`: paths or addresses of checkpoints that were published; of the store, those that lie where it publishes
    are compared as well. `witnesses`: files with witnesses' keys, beside those of the configuration. `archives`:
    folders of archives, whose content is verified as well. `evidence`: of the store, that of every batch, too. Raises
    LedgerError that names the first event that is wrong, or the published checkpoint that is not of this history;
    UsageError where there is no such folder or key, SetupError for a file that is no public key.
    """
    known = [_witness(path) for path in witnesses]
    files = Archives(archives) if archives else None
    if mirror is not None and evidence:
        raise UsageError("--evidence: a mirror has none; it lies in the state store")
    if mirror is not None:
        if not mirror.is_dir():
            raise UsageError(f"--mirror {mirror}: there is no such folder")
        if (mirror / SEGMENTS).is_dir() and not (mirror / LINES).exists():
            raise UsageError(
                f"--mirror {mirror}: that is an export, and no mirror; in that folder, type: python verify.py key.pub"
            )
        if key is None and not (mirror / KEY).exists():
            raise UsageError(f"--mirror {mirror}: there is no {KEY} in it; name a public key with --key")
        public = _public_key(key if key is not None else mirror / KEY)
        published = [read_published(source) for source in against]
        return agreeing(published, lambda notes: verify_folder(mirror, public, notes, known, files))
    config = configuration(place)
    published = [*(read_published(source) for source in against), *lying_at(config.settings.publish)]
    known += [Witness.parse(text) for text in config.settings.witnesses]
    with stores.reading(config, place) as state:
        public = _public_key(key) if key is not None else state.verifier_key
        found = agreeing(published, lambda notes: verify_store(state, public, notes, known, files))
        if not evidence:
            return found
        with state.read() as snapshot:
            snapshot.log.archives = files
            return replace(found, notes=(*found.notes, refuse_lost_evidence(snapshot)))


def _public_key(path: Path) -> str:
    text = _read(path, "--key", "public key")
    try:
        Verifier.parse(text)
    except SetupError as error:
        raise SetupError(f"{path}: {error.message}") from error
    return text


def _witness(path: Path) -> Witness:
    try:
        return Witness.parse(_read(path, "--witness", "witness's key"))
    except SetupError as error:
        raise SetupError(f"{path}: {error.message}") from error


def _read(path: Path, option: str, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise UsageError(f"{option} {path}: there is no such file") from error
    except OSError as error:
        raise UnreachableError(f"{path}: the {what} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise LedgerError(f"{path}: this is no {what}: it is not UTF-8") from error
