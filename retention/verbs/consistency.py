"""`audit consistency`: that one checkpoint's history begins with the other's."""

from __future__ import annotations

import base64

from retention.errors import LedgerError, SetupError
from retention.ledger.history import History
from retention.ledger.keys import SIGNING
from retention.ledger.line import parse
from retention.ledger.note import Checkpoint, Note, Verifier
from retention.ledger.tree import verify_consistency
from retention.model.audit import Consistency
from retention.model.place import Place
from retention.store.log import LogReading
from retention.store.publishing import read_published
from retention.verbs.opening import stores
from retention.verbs.opening.configured import configuration


def consistency(place: Place, old: str, new: str) -> Consistency:
    """Proves that the ledger which `new` signs begins with the events that `old` signs (paths or addresses).

    The state store makes the proof, which is verified here and can be by anybody (RFC 9162, 2.1.4.2). Raises
    LedgerError where there is none: events were lost, or history was rewritten, or the checkpoint is another ledger's.
    """
    config = configuration(place)
    with stores.reading(config, place) as state, state.read() as snapshot:
        keys = _keys(snapshot.log)
        first, second = (_opened(source, keys) for source in (old, new))
        if first.size > second.size:
            first, second, old, new = second, first, new, old
        size = snapshot.log.head().size
        if second.size > size:
            raise LedgerError(
                f"{new}: it signs {second.size} events and here are {size}: events were lost (was an older copy of the"
                " state store put back?)"
            )
        history = snapshot.log.history(second.size)
        for source, point in ((new, second), (old, first)):
            if _root(snapshot.log, history, point.size) != point.root:
                raise LedgerError(
                    f"{source}: the {point.size} events that it signs are not those that are here:"
                    " history was rewritten"
                )
        proof = history.consistency(first.size)
        if not verify_consistency(first.size, first.root, second.size, second.root, proof):
            raise LedgerError(f"{old} and {new} are not of one history")
    return Consistency(
        origin=second.origin,
        old=old,
        old_size=first.size,
        old_root=base64.b64encode(first.root).decode(),
        new=new,
        new_size=second.size,
        new_root=base64.b64encode(second.root).decode(),
        proof=tuple(step.hex() for step in proof),
    )


def _root(log: LogReading, history: History, size: int) -> bytes:
    return history.root() if size == history.size else log.history(size).root()


def _keys(log: LogReading) -> list[Verifier]:
    """Every key that signed this ledger."""
    names = [log.verifier_key()]
    for seq in log.named("key.rotated", SIGNING):
        line = log.line(seq)
        names += [str(parse(line).data["before"])] if line is not None else []
    return [Verifier.parse(name) for name in names]


def _opened(source: str, keys: list[Verifier]) -> Checkpoint:
    note = Note.parse(read_published(source).note)
    known = [key for key in keys if key.signs(note)]
    try:
        if not known:
            raise LedgerError("no key of this ledger has signed it")
        for key in known:
            key.check(note)
        point = Checkpoint.parse(note.text)
        if point.origin != known[0].name:
            raise LedgerError(f"it is of the log {point.origin!r}, not of {known[0].name!r}")
    except (LedgerError, SetupError) as error:
        raise LedgerError(f"{source}: {error.message}") from error
    return point
