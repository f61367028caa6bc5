"""Keeps what probes, metrics and notices are made from up to date: rarely, and only where something has happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from retention.config import Configuration
from retention.daemon.logs import Log
from retention.daemon.moments import Moments
from retention.daemon.ports import Ports
from retention.daemon.vitals import Vitals
from retention.errors import RetentionError
from retention.store.state import StateStore

_LOOKS = 15.0
"""Seconds between two looks whether the ledger has grown."""
_OFTEN = 300.0
"""Seconds after which the status is read anew in any case: days pass."""
_AGAIN = 900.0
"""Seconds between two looks at a ledger that did not verify."""
_UNSIGNED = timedelta(days=1)
"""How old the newest checkpoint becomes at most while there are events that it does not sign."""
_ASKS = 60.0
"""Seconds between two attempts at stores that did not answer; those that did are asked again after ten times that."""


@dataclass(kw_only=True)
class Seeing:
    """Over the daemon's `vitals`; stores are asked in a thread of its own, by `spawn`."""

    ports: Ports
    vitals: Vitals
    moments: Moments
    spawn: Callable[[Callable[[], None]], None]
    log: Log
    _verified: float | None = None
    _looked: float | None = None
    _read: float | None = None
    _size: int | None = None
    _asked: float | None = None
    _asking: bool = False
    _signed: float | None = None

    def look(self, config: Configuration, state: StateStore) -> None:
        """Reads the status anew where the ledger has grown, or it is old."""
        self._ask(config)
        self._verify(state)
        now = self.moments.elapsed()
        if self._looked is not None and 0 <= now - self._looked < _LOOKS:
            return
        self._looked = now
        with state.read() as snapshot:
            size = snapshot.log.head().size
            running = bool(snapshot.runs.open())
            old = self._read is None or not 0 <= now - self._read < _OFTEN
            if size == self._size and not old and not running:
                return
            self.vitals.status = self.ports.status(config, snapshot, self.moments.now())
            signed = snapshot.log.newest_checkpoint()
        self._size, self._read = size, now
        if signed is not None and signed.size < size and self.moments.now() - signed.at >= _UNSIGNED:
            self._sign(config)

    def forget(self) -> None:
        """What was seen is of another configuration."""
        self._looked = self._read = self._size = self._asked = None

    def anew(self) -> None:
        """The status is to be read at the next look, whatever has happened."""
        self._looked = self._read = None

    def _verify(self, state: StateStore) -> None:
        """The ledger, once; and again, rarely, while it does not verify."""
        now, verified = self.moments.elapsed(), self.vitals.life.verified
        soon = self._verified is not None and 0 <= now - self._verified < _AGAIN
        if verified is True or soon:
            return
        self._verified, begun = now, self.moments.now()

        def looked() -> None:
            try:
                self.ports.verify(state)
                self.vitals.now(verified=True, proved=begun)
                if verified is False:
                    self.log.info("ledger.verified")
            except RetentionError as error:
                self.vitals.now(verified=False)
                self.log.error("ledger.unverified", what=error.message)

        self.spawn(looked)

    def _sign(self, config: Configuration) -> None:
        """A checkpoint a day where no run makes one: what was told or held meanwhile is signed, and published."""
        now = self.moments.elapsed()
        if self._signed is not None and 0 <= now - self._signed < _AGAIN:
            return
        self._signed = now

        def sign() -> None:
            try:
                for problem in self.ports.sign(config, self.moments.now()):
                    self.log.warn("checkpoint.unpublished", what=problem)
            except RetentionError as error:
                self.log.error("ledger.unsigned", what=error.message)

        self.spawn(sign)

    def _ask(self, config: Configuration) -> None:
        now = self.moments.elapsed()
        reached = self.vitals.life.reached
        every = 10 * _ASKS if reached and all(reached.values()) else _ASKS
        if self._asking or (self._asked is not None and 0 <= now - self._asked < every):
            return
        self._asked, self._asking = now, True

        def asked() -> None:
            try:
                silent = self.ports.silent(config)
                self.vitals.now(reached={name: name not in silent for name in config.connectors})
            except RetentionError:
                self.vitals.now(reached=dict.fromkeys(config.connectors, False))
            finally:
                self._asking = False

        self.spawn(asked)
