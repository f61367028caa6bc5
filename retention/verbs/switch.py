"""The kill switch: `stop` and `resume`, and how a run sees it."""

from __future__ import annotations

import contextlib
import os
import pwd
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from retention.config import told_files
from retention.errors import ConfigurationError, RetentionError, SafetyRefusal, UnreachableError, UsageError
from retention.model.place import Place
from retention.model.switch import FILE, Resumed, Stop, Stopped
from retention.safety.stop import by_switch
from retention.store.state import Snapshot, StateStore, Transaction
from retention.verbs.opening import stores
from retention.verbs.opening.configured import Clock, configuration, in_zone
from retention.verbs.opening.sealing import sealed_words
from retention.verbs.persons.settling import Begun, begun_in, settle

_MOST_BYTES = 4096
_LOOKS = 0.5
"""Seconds between two looks at the switch while nothing else asks the state store."""


def stop(
    place: Place,
    *,
    reason: str,
    by: str,
    behalf: str | None = None,
    ref: str | None = None,
    clock: Clock,
    patience: float = 10.0,
    pause: Callable[[float], None] = time.sleep,
) -> Stopped:
    """Stops every daemon and run on this state store, each after the batch at hand.

    Waits at most `patience` seconds for batches that had begun. Where the configuration is broken or the state
    store can't be told, a file beside the policy stops what works with that policy (`away` says why); raises
    UnreachableError where that can't be written either.
    """
    told_files.said(reason=reason, by=behalf)
    wanted = Stop(at=clock(), by=by, behalf=behalf, reason=reason, ref=_reference(ref))
    try:
        config = configuration(place)
        with stores.opened(config, place) as state:
            found, begun = _stored(state, wanted, stores.evidence_key(config))
            unsettled = settle(state, begun, pause, patience)
    except (UnreachableError, ConfigurationError) as error:
        return _by_file(place, wanted, error)
    shown = replace(found, at=in_zone(config, found.at))
    return Stopped(stop=shown, new=found is wanted, unsettled=unsettled)


def resume(place: Place, *, by: str, clock: Clock) -> Resumed:
    """Lets everything go on: in the state store, and by the file. Nothing was stopped: no error."""
    config = configuration(place)
    over = []
    with stores.opened(config, place) as state, state.begin() as tx:
        now = clock()
        found = tx.switch.stopped()
        if found is not None:
            tx.switch.lift(now)
            tx.log.append("engine.resumed", {"by": by, "ref": found.ref}, now)
            over.append(replace(found, at=in_zone(config, found.at)))
    file = stop_file(config.folder)
    if file is not None:
        _unlink(config.folder / FILE)
        over.append(replace(file, at=in_zone(config, file.at)))
    return Resumed(at=in_zone(config, now), by=by, over=tuple(over))


def stop_file(folder: Path) -> Stop | None:
    """What the file says, where it is there: owner, time, first words. One that can't be read stops, too."""
    path = folder / FILE
    try:
        seen = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return Stop(at=datetime(1970, 1, 1, tzinfo=UTC), by="nobody knows", reason=str(error), file=str(path))
    words = ""
    with contextlib.suppress(OSError):
        if path.is_file():
            with path.open("rb") as stream:
                words = stream.read(_MOST_BYTES).decode("utf-8", "replace")
    try:
        owner = pwd.getpwuid(seen.st_uid).pw_name
    except KeyError:
        owner = f"uid {seen.st_uid}"
    at = datetime.fromtimestamp(seen.st_mtime, tz=UTC)
    return Stop(at=at, by=owner, reason=" ".join(words.split()), file=str(path))


def stopped(folder: Path, moment: Snapshot | Transaction) -> Stop | None:
    """Who stopped everything: in the state store, or by the file."""
    return moment.switch.stopped() or stop_file(folder)


@dataclass(kw_only=True)
class Watch:
    """The switch, as a run looks at it: at most twice a second, however often it is asked."""

    state: StateStore
    folder: Path
    timer: Callable[[], float] = time.monotonic
    _looked: float | None = None

    def refuse(self) -> None:
        """Raises SafetyRefusal where everything is stopped."""
        now = self.timer()
        if self._looked is None or not 0 <= now - self._looked < _LOOKS:
            self.look()
            self._looked = now

    def look(self) -> None:
        """The same, at once."""
        with self.state.read() as snapshot:
            verdict = by_switch(stopped(self.folder, snapshot))
        if not verdict.allowed:
            raise SafetyRefusal(verdict.reason)


def _reference(ref: str | None) -> str | None:
    try:
        return None if ref is None else told_files.a_reference(ref)
    except ValueError as error:
        raise UsageError(f"--ref: {error}") from error


def _stored(state: StateStore, wanted: Stop, key: bytes) -> tuple[Stop, Begun]:
    """The stop in force, the one that was before where there was one; and the batches that had begun."""
    with state.begin() as tx:
        old = tx.switch.stopped()
        if old is None:
            tx.switch.stop(wanted)
            words = sealed_words(key, "stop", wanted.reason, wanted.behalf)
            tx.log.append("engine.stopped", {"by": wanted.by, "ref": wanted.ref, "words": words}, wanted.at)
        return old or wanted, begun_in(tx)


def _by_file(place: Place, wanted: Stop, error: RetentionError) -> Stopped:
    folder = Path(os.path.abspath(place.config)).parent
    path = folder / FILE
    new = stop_file(folder) is None
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(f"{wanted.reason}\n")
    except OSError as failure:
        raise UnreachableError(
            f"nothing is stopped: {error.message}; and the file {path} can't be written: {failure.strerror}"
        ) from error
    return Stopped(stop=replace(wanted, file=str(path)), new=new, away=error.message)


def _unlink(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UnreachableError(f"{path} can't be removed: {error.strerror}") from error
