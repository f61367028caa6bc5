"""Daemons under a clock of the tests' own: nothing waits, and what they begin is done when a test says so."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from retention.daemon.files import Files
from retention.daemon.logs import Log
from retention.daemon.loop import Daemon
from retention.daemon.moments import Moments
from retention.daemon.notices.courier import Courier
from retention.daemon.notices.sending import Sender
from retention.daemon.seeing import Seeing
from retention.daemon.vitals import Life, Vitals
from retention.model.notice import Channel
from retention.model.place import Place
from retention.verbs.daemon import ports
from retention.verbs.opening.configured import configuration


def no_senders(channel: Channel) -> Sender:
    raise AssertionError(f"nothing is sent in this test, and {channel.name} was to")


@dataclass(kw_only=True)
class World:
    """A machine's clock (`now`, which can be set) and the seconds that go by (`elapsed`, which can't)."""

    now: datetime
    elapsed: float = 1000.0

    def wall(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.elapsed += seconds


@dataclass(kw_only=True)
class Kept:
    """A daemon whose runs are carried out at once, or, while `held`, when `work` is called."""

    world: World
    place: Place
    held: bool = False
    told_to_end: bool = False
    told_to_reload: bool = False
    senders: Callable[[Channel], Sender] = no_senders
    sends: Callable[[Callable[[], None]], None] = lambda work: work()
    stream: io.StringIO = field(default_factory=io.StringIO)
    waiting: list[Callable[[], None]] = field(default_factory=list)
    daemon: Daemon = field(init=False)

    def __post_init__(self) -> None:
        config = configuration(self.place)
        moments = Moments(wall=self.world.wall, elapsed=lambda: self.world.elapsed)
        doors, vitals = ports(self.place, "tester"), Vitals(Life(ticked=self.world.elapsed))
        log = Log(self.stream, moments.now, json=True)
        seeing = Seeing(ports=doors, vitals=vitals, moments=moments, log=log, spawn=lambda work: work())
        self.daemon = Daemon(
            ports=doors,
            vitals=vitals,
            seeing=seeing,
            courier=Courier(
                vitals=vitals,
                moments=moments,
                seeing=seeing,
                log=log,
                spawn=self.sends,
                wake=lambda: None,
                senders=self.senders,
            ),
            config=config,
            files=Files(self.place.config, self.place.connectors, config.folder / "retention.toml"),
            moments=moments,
            log=log,
            wait=self.world.passes,
            wake=lambda: None,
            spawn=self._spawn,
            ending=lambda: self.told_to_end,
            reload=self._reload,
        )
        self.daemon.begin()

    def ticks(self, seconds: float, step: float = 1.0) -> None:
        """So many seconds go by, a tick each `step`."""
        while seconds > 0:
            self.daemon.tick()
            self.world.passes(min(step, seconds))
            seconds -= step
        self.daemon.tick()

    def until(self, moment: datetime) -> None:
        """As `serve` does it: from tick to tick, by leaps of an hour where no schedule comes."""
        while self.world.now < moment:
            self.daemon.tick()
            left = (moment - self.world.now).total_seconds()
            upcoming = self.daemon.upcoming
            if upcoming is not None:
                left = min(left, (upcoming - self.world.now).total_seconds())
            self.world.passes(max(1.0, min(left, 3600.0)))
        self.daemon.tick()
        self.daemon.tick()

    def work(self) -> None:
        """What was held is carried out."""
        while self.waiting:
            self.waiting.pop(0)()

    def end(self) -> None:
        self.told_to_end = True
        self.daemon.finish()

    def events(self, *names: str) -> list[dict[str, Any]]:
        """What was logged."""
        lines = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [line for line in lines if not names or line["event"] in names]

    def _spawn(self, work: Callable[[], None]) -> None:
        if self.held:
            self.waiting.append(work)
        else:
            work()

    def _reload(self) -> bool:
        asked, self.told_to_reload = self.told_to_reload, False
        return asked
