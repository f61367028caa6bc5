"""Checkpoints that were published, held against the ledger: the alarm that no ledger can give by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from retention.config import Configuration
from retention.errors import LedgerError
from retention.model.audit import Verification
from retention.store.publishing import Published, lying_at, publish
from retention.store.state import StateStore
from retention.store.verifying import verify_store, verify_store_and_folder

Verify = Callable[[Sequence[str]], Verification]
"""Verifies a ledger with some signed notes besides its own."""


def agreeing(published: Sequence[Published], verify: Verify) -> Verification:
    """What `verify` finds, with the published checkpoints that agreed.

    Raises LedgerError: what is wrong with the ledger itself, else the published checkpoint that is not in its history.
    """
    try:
        found = verify([each.note for each in published])
    except LedgerError:
        verify(())
        for each in published:
            _refuse_lost(each, verify)
        raise
    return replace(found, published=tuple(each.source for each in published))


def _refuse_lost(each: Published, verify: Verify) -> None:
    try:
        verify([each.note])
    except LedgerError as error:
        raise LedgerError(
            f"{each.source}: this checkpoint was published, and it is not in this ledger's history: {error}."
            " Events that were signed are gone, or are others: the end was cut off, an older copy of the state"
            " store was put back, or history was rewritten"
        ) from error


def refuse_damaged(state: StateStore, config: Configuration) -> None:
    """Nothing is deleted while the log of what was deleted does not verify, in itself or against what was published.

    Raises LedgerError.
    """
    mirror = state.mirror

    def verify(notes: Sequence[str]) -> Verification:
        if mirror is None:
            return verify_store(state, state.verifier_key, notes)
        return verify_store_and_folder(state, mirror.folder, state.verifier_key, notes)

    agreeing(lying_at(config.settings.publish), verify)


def publish_newest(state: StateStore, config: Configuration) -> tuple[str, ...]:
    """Puts the newest checkpoint wherever the configuration says; a sentence for each place that would not have it."""
    if not config.settings.publish:
        return ()
    with state.read() as snapshot:
        return publish(snapshot.log, config.settings.publish)


def sign_the_rest(state: StateStore, config: Configuration, now: datetime) -> tuple[str, ...]:
    """Signs what no checkpoint signs yet, and publishes that; a sentence for each place that would not have it.

    Raises LedgerError where the ledger does not verify: what somebody added to it is not to be signed.
    """
    refuse_damaged(state, config)
    with state.begin() as tx:
        tx.log.checkpoint(now)
    return publish_newest(state, config)
