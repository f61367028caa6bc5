"""Batches that had begun before something was said: until they are settled, it is not true of all batches."""

from __future__ import annotations

from collections.abc import Callable

from retention.store.state import Snapshot, StateStore, Transaction

_LOOKS = 0.1
"""Seconds between two looks at them."""

Begun = frozenset[tuple[str, str, int]]
"""Run, job and number of each."""


def begun_in(moment: Transaction | Snapshot) -> Begun:
    """The batches that have an intent and no outcome."""
    return frozenset((row.run, row.job, row.batch) for row in moment.batches.unresolved())


def settle(state: StateStore, begun: Begun, pause: Callable[[float], None], patience: float) -> int:
    """Waits until none of these batches is in doubt; how many still are when `patience` (seconds) ends."""
    waited, left = 0.0, begun
    while left:
        with state.read() as snapshot:
            left = left & begun_in(snapshot)
        if not left or waited >= patience:
            break
        pause(_LOOKS)
        waited += _LOOKS
    return len(left)
