"""Gets notices to their channels, for all daemons of a state store: one of them does it, by a lease, and says it once.

The loop looks, compares and stores; a thread for each channel sends. So neither a channel that hangs nor one that is
gone for a day holds up anything but itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from retention.config import Configuration
from retention.connectors.retrying import Retry, pause_after
from retention.daemon.logs import Log
from retention.daemon.moments import Moments
from retention.daemon.notices import conditions as so
from retention.daemon.notices import course
from retention.daemon.notices.course import Changes, Name
from retention.daemon.notices.sending import Sender
from retention.daemon.seeing import Seeing
from retention.daemon.vitals import Vitals
from retention.errors import RetentionError
from retention.model.notice import Channel, Condition, Kind, Message, Step
from retention.store.leases import LeaseTakenError
from retention.store.notices import StoredNotice
from retention.store.owners import is_dead, this_process
from retention.store.state import StateStore

NAME = "notices"
LEASE = timedelta(seconds=60)
_RENEW = 15.0
_LOOKS = 5.0
"""Seconds between two looks at what is to be told."""
_ENDLESS = 60.0
"""Seconds after which a message that is under way counts as failed, though its thread has not ended."""
_RESTS = Retry(first=2.0, longest=60.0)
"""Between attempts of one channel at different messages, while it takes none."""

Senders = Callable[[Channel], Sender]


@dataclass(kw_only=True)
class Flight:
    """A message under way. `over` is set last, by its thread; `error`: why it was not taken."""

    name: Name
    message: Message
    sender: Sender
    begun: float
    error: str | None = None
    over: bool = False
    counted: bool = False

    def fly(self, done: Callable[[], None]) -> None:
        """Sends it; whatever happens is told by the fields, and by `done` at the end."""
        try:
            self.sender.send(self.message)
        except RetentionError as error:
            self.error = error.message
        except Exception as error:  # noqa: BLE001 - one channel must not end the daemon
            self.error = f"unexpected: {type(error).__name__}"
        self.over = True
        done()


@dataclass(kw_only=True)
class Courier:
    """`spawn` begins something in a thread of its own; `wake` ends the loop's wait."""

    vitals: Vitals
    moments: Moments
    seeing: Seeing
    log: Log
    spawn: Callable[[Callable[[], None]], None]
    wake: Callable[[], None]
    senders: Senders
    _token: int | None = None
    _since: datetime | None = None
    _looked: float | None = None
    _renewed: float = 0.0
    _flights: dict[str, Flight] = field(default_factory=dict)
    _rests: dict[str, tuple[int, float]] = field(default_factory=dict)

    def look(self, config: Configuration, state: StateStore) -> None:
        """At every tick. Cheap while nothing has come back and it is not time for a look."""
        channels = config.settings.notify
        if not channels:
            self._leave(state)
            return
        now = self.moments.elapsed()
        back = self._back(now)
        if not back and self._looked is not None and 0 <= now - self._looked < _LOOKS:
            return
        self._looked = now
        with state.read() as snapshot:
            rows = snapshot.notices.all()
            holder = snapshot.leases.holder(NAME)
        if self._token is None:
            taken = holder is not None and self.moments.now() < holder[2] and not is_dead(holder[0])
            if taken or not self._take(state):
                self._warn_others(config, rows, state)
                return
        try:
            rows = self._settle(config, state, rows, back)
        except LeaseTakenError:
            self._lost()
            return
        self._send(config, state.origin, rows)

    def end(self, state: StateStore | None) -> None:
        """Stores what has come back, ends what is under way, and lets another daemon do it."""
        back = self._back(self.moments.elapsed())
        for flight in self._flights.values():
            if not flight.over:
                flight.sender.cut()
        if state is None or self._token is None:
            return
        with suppress(LeaseTakenError):
            with state.read() as snapshot:
                rows = snapshot.notices.all()
            self._store(state, self._answered(back, rows))
            self._leave(state)

    # -- whose it is ---------------------------------------------------------------------------

    def _take(self, state: StateStore) -> bool:
        now = self.moments.now()
        try:
            with state.begin() as tx:
                self._token = tx.leases.acquire(NAME, this_process(), now, LEASE)
        except LeaseTakenError:
            return False
        self._since, self._renewed = now, self.moments.elapsed()
        self.seeing.anew()
        return True

    def _leave(self, state: StateStore) -> None:
        if self._token is not None:
            with state.begin() as tx:
                tx.leases.release(NAME, self._token)
            self._lost()

    def _lost(self) -> None:
        self._token = None
        for flight in self._flights.values():
            flight.counted = True  # whoever has the lease now sends it again, under the same id

    def _warn_others(self, config: Configuration, rows: list[StoredNotice], state: StateStore) -> None:
        """A ledger that does not verify is told whoever found it; that it does is for the lease's holder to say."""
        life = self.vitals.life
        if life.verified is not False or self.vitals.status is None:
            return
        found = so.conditions(config, self.vitals.status, life)
        wanted = _wanted(config, (each for each in found if each.kind is Kind.LEDGER))
        known = {(row.channel, row.key) for row in rows}
        now = self.moments.now()
        new = [course.begun(name, each, now) for name, each in wanted.items() if name not in known]
        if new:
            with state.begin() as tx:
                tx.notices.put(new)

    # -- what has come back, and what has changed ------------------------------------------------

    def _back(self, now: float) -> list[Flight]:
        """Those that have ended, or go on without an end."""
        found = []
        for channel, flight in list(self._flights.items()):
            late = not 0 <= now - flight.begun < _ENDLESS
            if flight.over:
                del self._flights[channel]
            elif late and not flight.counted:
                flight.sender.cut()
            else:
                continue
            if not flight.counted:
                flight.error = flight.error if flight.over else "no whole answer within a minute"
                flight.counted = True
                found.append(flight)
        return found

    def _settle(
        self, config: Configuration, state: StateStore, rows: list[StoredNotice], back: list[Flight]
    ) -> list[StoredNotice]:
        """Stores all that is new, in one transaction, where there is anything; the rows as they are then."""
        answered = self._answered(back, rows)
        rows = _after(rows, answered)
        status, changes = self.vitals.status, Changes()
        if status is not None and (self._since is None or status.now >= self._since):
            changes = course.compared(
                rows,
                _wanted(config, so.conditions(config, status, self.vitals.life)),
                self.moments.now(),
                known=lambda row: _known(config, row),
                ended=self._has_ended,
                sent={flight.name for flight in self._flights.values()},
            )
        self._store(state, answered, changes)
        return _after(rows, changes)

    def _has_ended(self, row: StoredNotice) -> bool:
        if row.kind != Kind.LEDGER.value:
            return True
        proved = so.proved(self.vitals.status, self.vitals.life)
        return proved is not None and proved >= row.since

    def _answered(self, back: list[Flight], rows: list[StoredNotice]) -> Changes:
        known = {(row.channel, row.key): row for row in rows}
        now, put, drop = self.moments.now(), [], []
        for flight in back:
            self._tell(flight)
            row = known.get(flight.name)
            if row is None:
                continue
            if flight.error is not None:
                put.append(course.refused(row, flight.error, now))
                continue
            new = course.taken(row, flight.message.step, now)
            if new is None:
                drop.append(row)
            else:
                put.append(new)
        return Changes(put=put, drop=drop)

    def _tell(self, flight: Flight) -> None:
        channel, message = flight.name[0], flight.message
        self.vitals.told(channel, taken=flight.error is None)
        told = {"channel": channel, "about": message.kind, "state": message.step.value, "id": message.id}
        if flight.error is None:
            self._rests.pop(channel, None)
            self.log.info("notice.taken", **told)
            return
        failures = self._rests.get(channel, (0, 0.0))[0] + 1
        self._rests[channel] = failures, self.moments.elapsed() + pause_after(_RESTS, failures)
        self.log.warn("notice.failed", **told, what=flight.error)

    def _store(self, state: StateStore, *changes: Changes) -> None:
        now = self.moments.elapsed()
        if self._token is None or (not any(changes) and 0 <= now - self._renewed < _RENEW):
            return
        with state.begin() as tx:
            tx.leases.renew(NAME, self._token, self.moments.now(), LEASE)
            for each in changes:
                tx.notices.put(each.put)
                tx.notices.drop(each.drop)
        self._renewed = now

    # -- what goes out ---------------------------------------------------------------------------

    def _send(self, config: Configuration, origin: str, rows: list[StoredNotice]) -> None:
        """The next message of every channel that has none under way."""
        now, elapsed = self.moments.now(), self.moments.elapsed()
        for channel in config.settings.notify:
            rested = self._rests.get(channel.name, (0, 0.0))[1]
            if channel.name in self._flights or elapsed < rested:
                continue
            ready: list[tuple[bool, datetime, StoredNotice, Step]] = []
            for row in rows:
                step = course.due(row, now) if row.channel == channel.name and _known(config, row) else None
                if step is not None:
                    ready.append((row.again is not None, row.again or row.since, row, step))
            if ready:
                *_, row, step = min(ready, key=lambda each: each[:2])
                self._begin(channel, row, course.message_of(row, step, origin))

    def _begin(self, channel: Channel, row: StoredNotice, message: Message) -> None:
        flight = Flight(
            name=(row.channel, row.key),
            message=message,
            sender=self.senders(channel),
            begun=self.moments.elapsed(),
        )
        self._flights[channel.name] = flight
        self.spawn(lambda: flight.fly(self.wake))


def _wanted(config: Configuration, found: Iterable[Condition]) -> Mapping[Name, Condition]:
    return {
        (channel.name, course.key_of(condition)): condition
        for condition in found
        for channel in config.settings.notify
        if so.wants(channel, condition)
    }


def _known(config: Configuration, row: StoredNotice) -> bool:
    return any(
        row.channel == channel.name and row.kind in channel.about for channel in config.settings.notify
    )


def _after(rows: list[StoredNotice], changes: Changes) -> list[StoredNotice]:
    gone = {(row.channel, row.key) for row in changes.drop}
    now = {(row.channel, row.key): row for row in rows} | {(row.channel, row.key): row for row in changes.put}
    return [row for name, row in now.items() if name not in gone]
