"""Between two batches, outside of any transaction: may it go on, and if it has to wait, for what."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_SLICE = 0.25
"""Seconds of a wait after which it is asked again whether to stop."""
_LOOKS = 1.0
"""Seconds between two looks at what holds a job up."""
_TOLD = 2.0
"""A rest that is shorter is told to nobody."""

Brake = Callable[[], str | None]
"""Why the next batch has to wait, in words; None where it has not."""


class StoppedError(Exception):
    """Somebody asked the run to stop; the batch at hand is finished."""


@dataclass(kw_only=True)
class Between:
    """Called between two batches; returns when the next one may begin.

    `stop`: whether somebody asks the run to end (then StoppedError). `keep`: holds the job's leases, and raises
    SafetyRefusal where it has lost them. `brakes` are asked once a second at most, and all of a wait is told to
    `told`: the reason, and None at its end. `rest`: seconds of rest for each second of work. `rows_per_second`: at
    most so many rows of all tables, on average over a batch and the rest behind it. `workers`: how many share them.
    """

    stop: Callable[[], bool]
    keep: Callable[[], None]
    brakes: Sequence[Brake] = ()
    rest: float = 0.0
    rows_per_second: int | None = None
    workers: int = 1
    told: Callable[[str | None], None] = field(default_factory=lambda: _nobody)
    sleep: Callable[[float], None] = time.sleep
    timer: Callable[[], float] = time.monotonic
    waited: float = field(default=0.0, init=False)
    _until: float = field(default=0.0, init=False)
    _looked: float | None = field(default=None, init=False)
    _why: str | None = field(default=None, init=False)

    def __call__(self) -> None:
        """Returns when the next batch may begin."""
        self._may_go_on()
        begun = self.timer()
        said: str | None = None
        try:
            while (why := self._holds_up()) is not None:
                if why != said and (why is not _RESTS or self._until - self.timer() >= _TOLD):
                    self.told(why)
                    said = why
                self.sleep(_SLICE)
                self._may_go_on()
        finally:
            self.waited += self.timer() - begun
            if said is not None:
                self.told(None)

    def worked(self, seconds: float, rows: int) -> None:
        """A batch took so long, and so many rows."""
        pause = self.rest * seconds
        if self.rows_per_second is not None:
            pause = max(pause, rows * self.workers / self.rows_per_second - seconds)
        self._until = self.timer() + pause

    def _may_go_on(self) -> None:
        if self.stop():
            raise StoppedError
        self.keep()

    def _holds_up(self) -> str | None:
        now = self.timer()
        if now < self._until:
            self._looked = None  # what is behind a rest may have changed in it
            return _RESTS
        if self.brakes and (self._looked is None or not 0 <= now - self._looked < _LOOKS):
            self._why = next((why for brake in self.brakes if (why := brake()) is not None), None)
            self._looked = now
        return self._why


def _nobody(_why: str | None) -> None:
    """Nobody is told."""


_RESTS = "it rests between batches, as the connector's [throttle] says"
