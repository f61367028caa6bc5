"""`key list`, `rotate`, `destroy`: the signing key, the evidence keys, and whatever other kind there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from retention.config import Configuration
from retention.engine.journal import run_lease
from retention.errors import RetentionError, SafetyRefusal, SetupError, UsageError
from retention.ledger.keys import EVIDENCE, KINDS, PSEUDONYM, SIGNING, Ring, encode, key_id, new_key
from retention.ledger.line import Line, format_instant, parse
from retention.ledger.note import Signer, Verifier
from retention.model.keys import KeyChange, KeyLine, KeyList
from retention.model.place import Place
from retention.model.settings import KeyReference
from retention.store.keyfiles import create_key_file, read_ring, replace_ring
from retention.store.log import LogReading
from retention.store.owners import is_dead
from retention.store.state import Snapshot, StateStore
from retention.verbs.opening import days, stores
from retention.verbs.opening.configured import Clock, configuration
from retention.verbs.proof.published import publish_newest

_TYPES = ("key.created", "key.rotated", "key.destroyed")


def list_keys(place: Place) -> KeyList:
    """Every key that the ledger knows, and every one that is where the keys are."""
    config = configuration(place)
    lines: list[KeyLine] = []
    notes: list[str] = []
    places: list[tuple[str, str]] = []
    with stores.reading(config, place) as state, state.read() as snapshot:
        for kind, where in stores.references(config).items():
            known = _History(snapshot.log, kind, state.origin)
            if known.in_use is None and where.file is not None and not where.file.exists():
                continue  # one that nothing here needs
            places.append((kind, where.shown))
            there: tuple[str, ...] | None = None
            try:
                there = known.ids(read_ring(where, kind))
            except RetentionError as error:
                notes.append(error.message)
            lines += known.lines(there)
    return KeyList(keys=tuple(lines), places=tuple(places), notes=tuple(notes))


def rotate_key(place: Place, kind: str, *, by: str, clock: Clock) -> KeyChange:
    """Takes a new key into use: one that was put behind the others by hand, or one that is made now.

    Of signing keys the old one signs the event, and a checkpoint over it. Raises SetupError where a key can't be
    written to where it is kept, with what to do there.
    """
    config = configuration(place)
    where = _reference(config, kind)
    with stores.opened(config, place, evidence=kind == SIGNING) as state:
        with state.read() as snapshot:
            known = _History(snapshot.log, kind, state.origin)
            if known.in_use is None:
                raise SetupError(f"the ledger knows of no {kind} key; type: retention init")
            if kind == SIGNING:
                _refuse_while_running(snapshot, clock())
        ring = _with_new(where, kind, known)
        made = _take(state, kind, known, ring, by=by, at=clock())
        told = publish_newest(state, config)
    lines = [f"a new {kind} key is in use: {made}"]
    if kind == SIGNING:
        lines.append("give auditors the new key.pub; who has the old one can verify with it for ever")
    if kind == PSEUDONYM:
        lines.append("what is hashed or faked from now on is not like what was before")
    lines += [f"keep a copy of {where.shown} elsewhere", *told]
    return KeyChange(kind=kind, made=made, lines=tuple(lines))


def _refuse_while_running(snapshot: Snapshot, now: datetime) -> None:
    """A run that goes on could not sign its end with the old key any more."""
    for row in snapshot.runs.open():
        holder = snapshot.leases.holder(run_lease(row.id))
        if holder is not None and holder[2] > now and not is_dead(holder[0]):
            raise SafetyRefusal(f"run {row.id} is going on; rotate the signing key when it has ended")


def destroy_keys(
    place: Place, kind: str, ids: Sequence[str], *, before: str | None = None, by: str, clock: Clock
) -> KeyChange:
    """Destroys keys that are not in use any more: those named, and those that were rotated before a day.

    What was made with them can't be opened any more, and the ledger still verifies. Raises SafetyRefusal for a
    key in use, UsageError for one that nobody knows, SetupError for one that is kept where it can't be removed.
    """
    config = configuration(place)
    where = _reference(config, kind)
    until = days.beginning(config, "--before", before)
    if not ids and until is None:
        raise UsageError("name the keys to destroy by their ids, as key list shows them, or --before DAY")
    with stores.opened(config, place) as state:
        with state.read() as snapshot:
            known = _History(snapshot.log, kind, state.origin)
        ring = read_ring(where, kind)
        chosen = known.chosen(ids, until, ring)
        if known.in_use in chosen:
            raise SafetyRefusal(f"{known.in_use} is the {kind} key in use; type: retention key rotate {kind}")
        there = [id for id in known.ids(ring) if id in chosen]
        if there:
            _remove(where, ring, known, frozenset(there))
        now = clock()
        new = [id for id in chosen if id not in known.destroyed]
        with state.begin() as tx:
            for id in new:
                tx.log.append("key.destroyed", {"kind": kind, "key": known.name(id), "by": by}, now)
            if new:
                tx.log.checkpoint(now)
    lines = [f"the {kind} key {id} is destroyed" for id in chosen] or [
        f"there is no {kind} key of before that day"
    ]
    if chosen:
        lines.append("copies of it elsewhere (backups, other machines) are not: destroy them, too")
    return KeyChange(kind=kind, destroyed=tuple(chosen), lines=tuple(lines))


def rotate_yearly(state: StateStore, config: Configuration, *, by: str, clock: Clock) -> tuple[str, ...]:
    """A new evidence key where the one in use is of an earlier year of the policy's zone; what to say of it."""
    if not config.settings.evidence_yearly:
        return ()
    now, zone = clock(), ZoneInfo(config.policy.timezone)
    with state.read() as snapshot:
        known = _History(snapshot.log, EVIDENCE, state.origin)
    if known.since is None or known.since.astimezone(zone).year >= now.astimezone(zone).year:
        return ()
    where = config.settings.evidence_key
    try:
        ring = _with_new(where, EVIDENCE, known)
        made = _take(state, EVIDENCE, known, ring, by=by, at=now)
    except RetentionError as error:
        return (f"the evidence key is of an earlier year, and was not rotated: {error.message}",)
    return (f"a new evidence key is in use for this year: {made}; keep a copy of {where.shown} elsewhere",)


# -- what the ledger knows of keys ---------------------------------------------------------


class _History:
    """The keys of one kind as the ledger tells of them. `in_use`: the id of the last that came into use."""

    def __init__(self, log: LogReading, kind: str, origin: str) -> None:
        self.kind = kind
        self._origin = origin
        self._names: dict[str, str] = {}
        self._since: dict[str, datetime] = {}
        self._until: dict[str, datetime] = {}
        self.destroyed: dict[str, datetime] = {}
        self.in_use: str | None = None
        for event in _events(log, kind):
            self._read(event)

    def _read(self, event: Line) -> None:
        name = str(event.data["key"])
        id = self._id(name)
        if event.type == "key.destroyed":
            self.destroyed[id] = event.at
            return
        if self.in_use is not None:
            self._until[self.in_use] = event.at
        self._names[id], self._since[id], self.in_use = name, event.at, id

    def _id(self, name: str) -> str:
        """What people call a key: of a verifier key its hash."""
        return Verifier.parse(name).key_hash.hex() if self.kind == SIGNING and "+" in name else name

    @property
    def since(self) -> datetime | None:
        """When the key in use came into use."""
        return None if self.in_use is None else self._since[self.in_use]

    def id_of(self, key: bytes) -> str:
        """The id of a key of the ring."""
        if self.kind == SIGNING:
            return Signer(self._origin, key).verifier.key_hash.hex()
        return key_id(self.kind, key)

    def ids(self, ring: Ring) -> tuple[str, ...]:
        """The ids of a ring's keys."""
        return tuple(self.id_of(key) for key in ring.keys)

    def name(self, id: str) -> str:
        """As the ledger has it: of a signing key the verifier key."""
        return self._names.get(id, id)

    def lines(self, there: Sequence[str] | None) -> list[KeyLine]:
        """A line a key. `there`: the ids where the keys are, None where that can't be looked at."""
        found = [
            KeyLine(
                kind=self.kind,
                id=id,
                state=self._state(id, there),
                since=format_instant(self._since[id]),
                until=None if id not in self._until else format_instant(self._until[id]),
            )
            for id in self._since
        ]
        unknown = [id for id in there or () if id not in self._since]
        return found + [KeyLine(kind=self.kind, id=id, state="unknown") for id in unknown]

    def _state(self, id: str, there: Sequence[str] | None) -> str:
        if id in self.destroyed:
            return "destroyed"
        if there is not None and id not in there:
            return "missing"
        return "in use" if id == self.in_use else "former"

    def chosen(self, ids: Sequence[str], until: datetime | None, ring: Ring) -> tuple[str, ...]:
        """The keys that are meant. Raises UsageError for an id that nobody knows."""
        known = {*self._since, *self.ids(ring)}
        for id in ids:
            if id not in known:
                raise UsageError(f"there is no {self.kind} key {id}; there are: {', '.join(sorted(known))}")
        old = [
            id
            for id, at in self._until.items()
            if until is not None and at < until and id not in self.destroyed
        ]
        return tuple(dict.fromkeys((*ids, *old)))


def _events(log: LogReading, kind: str) -> list[Line]:
    numbers = sorted(seq for type in _TYPES for seq in log.named(type, kind))
    lines = [log.line(seq) for seq in numbers]
    return [parse(line) for line in lines if line is not None]


# -- rings ---------------------------------------------------------------------------------


def _reference(config: Configuration, kind: str) -> KeyReference:
    known: Mapping[str, KeyReference] = stores.references(config)
    if kind not in known:
        raise UsageError(f"there is no kind of key `{kind}`; there are: {', '.join(known)}")
    return known[kind]


def _with_new(where: KeyReference, kind: str, known: _History) -> Ring:
    """The ring with a last key that is new to the ledger: one that is there already, or one made now and written.

    A file that is lost is made anew: nothing but signing needs the old key.
    """
    if where.file is not None and not where.file.exists() and kind != SIGNING:
        create_key_file(where.file, encode(kind, new_key()))
    ring = read_ring(where, kind)
    if known.id_of(ring.newest) not in {line.id for line in known.lines(None)}:
        return ring
    if where.file is None:
        line = encode(ring.kind, bytes(32)).split()[0]
        raise SetupError(
            f"{where.shown}: a key can't be written there; add a line behind the others, then type it again:"
            f" {line} v1 $(head -c 32 /dev/urandom | base64)"
        )
    longer = ring.having(new_key())
    replace_ring(where.file, longer)
    return longer


def _take(state: StateStore, kind: str, known: _History, ring: Ring, *, by: str, at: datetime) -> str:
    """The ring's newest key is the one in use from now on; its id."""
    made = known.id_of(ring.newest)
    with state.begin() as tx:
        if kind == SIGNING:
            tx.log.rotate(Signer(state.origin, ring.newest), by, at)
        else:
            before = known.in_use or ""
            tx.log.rotate_other(kind, before, made, by, at)
            tx.log.checkpoint(at)
    if kind == EVIDENCE:
        state.evidence_key_id = made
    return made


def _remove(where: KeyReference, ring: Ring, known: _History, ids: frozenset[str]) -> None:
    if where.file is None:
        raise SetupError(
            f"{where.shown}: a key can't be removed there; take the line of {', '.join(sorted(ids))} out of it,"
            " then type it again"
        )
    left = tuple(key for key in ring.keys if known.id_of(key) not in ids)
    if not left:
        raise SafetyRefusal(f"{KINDS[ring.kind].shown} must be left; type: retention key rotate {ring.kind}")
    replace_ring(where.file, Ring(kind=ring.kind, keys=left))
