"""The daemon's loop: looks what is due, begins it, and settles what is over; one tick after the other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime

from retention.config import Configuration
from retention.connectors.retrying import pause_after
from retention.daemon import claims, turns
from retention.daemon.active import Active
from retention.daemon.clockwork import Clockwork
from retention.daemon.files import Files
from retention.daemon.logs import Log
from retention.daemon.moments import Moments
from retention.daemon.notices.courier import Courier
from retention.daemon.ports import Ports
from retention.daemon.schedule import Schedule
from retention.daemon.seeing import Seeing
from retention.daemon.systemd import Systemd
from retention.daemon.vitals import Vitals
from retention.daemon.window import closes_in, is_open
from retention.errors import ConfigurationError, RetentionError, UnreachableError
from retention.store.state import StateStore
from retention.store.turns import Turn

_POLL = 5.0
"""Seconds between two looks at what other daemons have left."""
_RENEW = 10.0
_LAST = 9.0
"""Seconds that a batch has to end in when the daemon is told to."""

Spawn = Callable[[Callable[[], None]], None]
"""Begins something in a thread of its own."""


@dataclass(kw_only=True)
class Daemon:
    """Made with a configuration that is valid. `ending` and `reload` are set by signals; `wait` ends early for them.

    `waits`: why nothing is begun, where something would be.
    """

    ports: Ports
    config: Configuration
    files: Files
    moments: Moments
    log: Log
    wait: Callable[[float], None]
    wake: Callable[[], None]
    spawn: Spawn
    ending: Callable[[], bool]
    reload: Callable[[], bool]
    vitals: Vitals
    seeing: Seeing
    courier: Courier
    systemd: Systemd = field(default_factory=lambda: Systemd(None))
    waits: str | None = None
    active: list[Active] = field(default_factory=list)
    _state: StateStore | None = None
    _stack: ExitStack = field(default_factory=ExitStack)
    _clockworks: dict[str, Clockwork] = field(default_factory=dict)
    _loaded: dict[str, datetime] = field(default_factory=dict)
    _looked: float | None = None
    _renewed: float = 0.0
    _fed: float = float("-inf")
    _next: datetime | None = None
    _failures: int = 0
    _again: float = 0.0

    def serve(self) -> None:
        """Until it is told to end; then the batches at hand have nine seconds to do so."""
        self.begin()
        while not self.ending():
            self.tick()
            self.wait(self._pause())
        self.finish()

    def begin(self) -> None:
        """Before the first tick."""
        self.files.loaded(self.files.seen())
        self._schedules(self.config)
        self.log.info("daemon.started", rules=len(self._clockworks))
        self.systemd.tell("READY=1")

    def _alive(self) -> None:
        """For systemd's watchdog, where there is one."""
        now, every = self.moments.elapsed(), self.systemd.watchdog
        if every is not None and not 0 <= now - self._fed < every:
            self._fed = now
            self.systemd.tell("WATCHDOG=1")

    @property
    def upcoming(self) -> datetime | None:
        """The next time of any schedule."""
        return self._next

    def tick(self) -> None:
        """Everything that is to be done at this moment; never waits for anything but the state store."""
        self.vitals.now(ticked=self.moments.elapsed(), active=len(self.active))
        self._alive()
        self._reread()
        if self.moments.elapsed() < self._again:
            return
        try:
            state = self._opened()
            if self.moments.stale:
                self._look_at_clocks(state)
            self._settle(state)
            self._renew(state)
            if self._is_time():
                self._look(state)
            self.seeing.look(self.config, state)
            self.courier.look(self.config, state)
        except RetentionError as error:
            self._away(error)
        else:
            self._failures = 0

    # -- configuration -----------------------------------------------------------------------

    def _reread(self) -> None:
        asked = self.reload()
        seen = self.files.seen() if asked else self.files.changed()
        if seen is None:
            return
        self.files.loaded(seen)
        try:
            new = self.ports.load()
            _refuse_another_store(self.config, new)
        except RetentionError as error:
            problems = error.problems if isinstance(error, ConfigurationError) else ()
            self.vitals.now(valid=False)
            self.log.error(
                "configuration.invalid",
                what=error.message,
                first=str(problems[0]) if problems else None,
                then="the old one stays in force",
            )
            return
        self.config = new
        self.vitals.now(valid=True)
        self.seeing.forget()
        self._schedules(new)
        self._looked = None
        self.log.info("configuration.loaded", rules=len(self._clockworks))

    def _schedules(self, config: Configuration) -> None:
        """A clockwork for each rule that has a schedule; what was there and is the same goes on."""
        now = self.moments.now()
        shared: dict[Schedule, Clockwork] = {}
        before, self._clockworks = self._clockworks, {}
        for rule in config.policy.rules.values():
            if not rule.acts or rule.schedule is None:
                continue
            schedule = Schedule(rule.schedule, rule.timezone)
            old = before.get(rule.name)
            if old is None or old.schedule != schedule:
                self._loaded[rule.name] = now
            self._clockworks[rule.name] = shared.setdefault(schedule, Clockwork(schedule))

    # -- the state store ---------------------------------------------------------------------

    def _opened(self) -> StateStore:
        if self._state is None:
            self._state = self._stack.enter_context(self.ports.opened(self.config))
            if self._failures:
                self.log.info("state.back")
            self.vitals.now(state=True)
        return self._state

    def _away(self, error: RetentionError) -> None:
        """Tried again after a pause that grows; what runs meanwhile finds out by itself."""
        self._failures += 1
        pause = pause_after(turns.PAUSES, self._failures)
        self._again = self.moments.elapsed() + pause
        self.waits = "the state store is away"
        self.vitals.now(state=False, waits="state")
        say = self.log.warn if isinstance(error, UnreachableError) else self.log.error
        say("state.away", what=error.message, again_in=pause)
        self._close()

    def _close(self) -> None:
        stack, self._stack, self._state = self._stack, ExitStack(), None
        with suppress(RetentionError):
            stack.close()

    def _look_at_clocks(self, state: StateStore) -> None:
        jumped = self.moments.jumped
        self.moments.look(state.now())
        if self.moments.jumped != jumped and self.moments.jumped is not None:
            self.log.error("clock.jumped", what=self.moments.jumped)
        elif jumped is not None and self.moments.jumped is None:
            self.log.info("clock.right")

    # -- what is due -------------------------------------------------------------------------

    def _is_time(self) -> bool:
        now = self.moments.elapsed()
        slot = self._next is not None and self.moments.now() >= self._next
        return slot or self._looked is None or not 0 <= now - self._looked < _POLL

    def _look(self, state: StateStore) -> None:
        now = self.moments.now()
        self._looked = self.moments.elapsed()
        with state.read() as snapshot:
            known = snapshot.turns.all()
            stop = self.ports.stopped(self.config, snapshot)
        if any(rule not in known for rule in self._clockworks):
            claims.introduce(state, self._clockworks, self._loaded)
        self._next = min((clockwork.next(now) for clockwork in self._clockworks.values()), default=None)
        items = self._due(known, now)
        waits: tuple[str, str] | None = None
        if stop is not None:
            waits = "stopped", f"everything was stopped by {stop.by}"
        elif self.moments.jumped is not None:
            waits = "clock", "the clock has jumped"
        elif items and not is_open(self.config.settings.daemon.window, now, self.config.policy.timezone):
            waits = "window", "the window is closed"
        self._waiting(waits[1] if waits is not None else None)
        self.vitals.now(
            waits=waits[0] if waits is not None else None,
            stopped=stop is not None,
            jumped=self.moments.jumped is not None,
            upcoming={rule: clockwork.next(now) for rule, clockwork in self._clockworks.items()},
        )
        if waits is None and not self.ending():
            self._begin(state, items, now)

    def _waiting(self, why: str | None) -> None:
        if why != self.waits:
            if why is not None:
                self.log.info("waiting", why=why)
            else:
                self.log.info("going on")
        self.waits = why

    def _due(self, known: dict[str, Turn], now: datetime) -> list[turns.Due]:
        """What nobody here is at, of datasets that nobody here is at."""
        mine = {rule for run in self.active for rule in run.turns}
        found = []
        for rule, clockwork in self._clockworks.items():
            item = turns.due(rule, clockwork, known.get(rule), loaded=self._loaded[rule], now=now)
            if item is not None and rule not in mine:
                found.append(item)
        return found

    def _begin(self, state: StateStore, items: list[turns.Due], now: datetime) -> None:
        """One run of all that is due on the same connectors, so that rules know of each other."""
        groups: dict[tuple[str, ...], list[turns.Due]] = {}
        for item in items:
            groups.setdefault(item.connectors, []).append(item)
        for connectors, group in sorted(groups.items()):
            if len(self.active) >= self.config.settings.daemon.workers:
                return
            datasets = frozenset[str]().union(*(self.ports.reached(self.config, item.rule) for item in group))
            if any(datasets & run.datasets for run in self.active):
                continue
            taken = claims.claim(state, group, self._clockworks, loaded=self._loaded, now=now)
            if taken:
                known = tuple(name for name in connectors if name in self.config.connectors)
                self._start(taken, known, datasets, now)

    def _start(
        self,
        taken: dict[str, tuple[Turn, int]],
        connectors: tuple[str, ...],
        datasets: frozenset[str],
        now: datetime,
    ) -> None:
        run = Active(config=self.config, turns=taken, connectors=connectors, datasets=datasets, begun=now)
        self.active.append(run)
        slots = sorted({turn.slot for turn, _ in taken.values()})
        self.log.info(
            "run.begun", rules=",".join(taken), of=slots[-1], connectors=",".join(connectors) or None
        )
        self.spawn(
            lambda: run.work(
                self.ports,
                stop=lambda: self._must_stop(run),
                left=lambda: self._left(run),
                clock=self.moments.now,
                done=self.wake,
            )
        )

    def _must_stop(self, run: Active) -> bool:
        window = run.config.settings.daemon.window
        return self.ending() or not is_open(window, self.moments.now(), run.config.policy.timezone)

    def _left(self, run: Active) -> float | None:
        window = run.config.settings.daemon.window
        return 0.0 if self.ending() else closes_in(window, self.moments.now(), run.config.policy.timezone)

    # -- what is over ------------------------------------------------------------------------

    def _renew(self, state: StateStore) -> None:
        if self.active and not 0 <= self.moments.elapsed() - self._renewed < _RENEW:
            self._renewed = self.moments.elapsed()
            for run in self.active:
                claims.renew(state, run, self.moments.now())

    def _settle(self, state: StateStore) -> None:
        for run in [each for each in self.active if each.over]:
            now = self.moments.now()
            settled = claims.settle(
                state, run, now, lambda tx: self.ports.stopped(self.config, tx) is not None
            )
            self.active.remove(run)
            self._looked = None
            self._told(run, settled)

    def _told(self, run: Active, settled: dict[str, Turn]) -> None:
        again = [turn.again for turn in settled.values() if turn.again is not None]
        if run.unverified:
            self.vitals.now(verified=False)
        if run.outcome is None:
            say = self.log.error if run.failed else self.log.info
            say(
                "run.failed" if run.failed else "run.interrupted",
                rules=",".join(run.turns),
                what=run.error,
                again=min(again, default=None),
            )
            return
        self.vitals.ran(run.outcome)
        self.vitals.now(verified=True, proved=run.begun)
        jobs = run.outcome.jobs
        say = self.log.info if run.outcome.status in ("done", "nothing", "interrupted") else self.log.warn
        say(
            "run.over",
            run=run.outcome.id,
            status=run.outcome.status,
            done=sum(job.done for job in jobs),
            left=sum(job.left for job in jobs),
            again=min(again, default=None),
        )
        for job in jobs:
            if job.reason is not None:
                self.log.warn(
                    "job.over",
                    run=run.outcome.id,
                    job=f"{job.rule}/{job.connector}/{job.dataset}",
                    status=job.status.value,
                    reason=job.reason,
                )

    # -- the end -----------------------------------------------------------------------------

    def finish(self) -> None:
        """Nine seconds for the batches at hand.

        Whatever has not ended then is rolled back by its database, or settled at the next start.
        """
        self.systemd.tell("STOPPING=1")
        begun = self.moments.elapsed()
        while self.active and 0 <= self.moments.elapsed() - begun < _LAST:
            if any(run.over for run in self.active):
                try:
                    self._settle(self._opened())
                except RetentionError as error:
                    self.log.warn("state.away", what=error.message)
                    break
            else:
                self.wait(0.2)
        with suppress(RetentionError):
            self.courier.end(self._state)
        self._close()
        self.log.info("daemon.ended", left=len(self.active) or None)

    def _pause(self) -> float:
        """Until the next time of a schedule, a second at most."""
        if self._next is None:
            return 1.0
        return min(1.0, max(0.0, (self._next - self.moments.now()).total_seconds()))


def _refuse_another_store(old: Configuration, new: Configuration) -> None:
    """What belongs to the state store is read once, at the start."""
    before, after = old.settings, new.settings
    same = (before.state, before.signing_key, before.evidence_key, before.origin, before.mirror) == (
        after.state, after.signing_key, after.evidence_key, after.origin, after.mirror,
    )  # fmt: skip
    if not same:
        raise ConfigurationError(
            "another state store, ledger or other keys are configured; start the daemon anew"
        )
