"""What those who check the ledger are told and handed: that it verifies, an export, a proof of one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The ledger verifies: what was looked at. (If it does not, LedgerError names the first wrong event.)"""

    source: str
    origin: str
    events: int
    size: int  # of the newest signed checkpoint
    root: str  # base64
    checkpoints: int
    unsigned_tail: int  # events after the newest checkpoint
    last_at: str | None
    rotations: int = 0  # of the signing key
    witnessed: int = 0  # events of the newest checkpoint that a known witness cosigned; 0: none
    archived: int = 0  # events that lie in an archive, of which no content was looked at
    published: tuple[str, ...] = ()  # where checkpoints were found elsewhere, and agreed
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Export:
    """A folder that was written. `first`, `last`: numbers of its first and last event (`last` below `first`: none).

    `size`, `root` (base64): of the newest checkpoint, which all of it is under. `unsigned`: events that no
    checkpoint signs yet, which no export holds. `archived`: earlier events that lie in an archive and were asked for.
    """

    folder: str
    origin: str
    first: int
    last: int
    size: int
    root: str
    checkpoints: int
    segments: int
    unsigned: int = 0
    archived: int = 0

    @property
    def events(self) -> int:
        """How many there are in it."""
        return self.last - self.first + 1


@dataclass(frozen=True, kw_only=True)
class Archived:
    """Events that were moved to a folder: from `first` up to `stop`, older than `before`; `folder` is None for none.

    `root` (base64): of the tree of `stop` events. `event`: the number of `ledger.archived`.
    """

    folder: str | None
    before: str
    first: int
    stop: int
    root: str | None = None
    event: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def events(self) -> int:
        """How many there are."""
        return self.stop - self.first


@dataclass(frozen=True, kw_only=True)
class Proof:
    """That one record was in a batch: `document` is `retention.proof/1`, which verifies alone.

    `at`: when the batch's outcome was written; `event` its number. `promise` is None where the ledger does not
    say it. `others`: numbers of further batches with a record of this key, earlier ones. `refused`: numbers of
    events by which something was refused for it. `notes`: what was not looked at. `action`: what was done: "delete",
    "restrict", another that a rule says, or "release" from a vault.
    """

    connector: str
    dataset: str
    key: tuple[str, ...]
    event: int
    at: str
    run: str
    batch: int
    rule: str
    by: str
    as_of: str
    promise: str | None
    approvals: tuple[tuple[str, str], ...]  # (by, at)
    size: int
    document: Mapping[str, Any] = field(repr=False)
    action: str = "delete"
    others: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Denial:
    """That something was demanded for one record and refused: `document` is `retention.refusal/1`, verified alone.

    `at`: since when it is refused for this reason; `event` its number. `group`: what the event says of the record:
    `actions` that were stopped, what was done `instead` (None: nothing), and `because` of what. `others`: numbers of
    other events by which something was refused for a record of this key. The rest as of `Proof`.
    """

    connector: str
    dataset: str
    key: tuple[str, ...]
    event: int
    at: str
    run: str
    rule: str
    by: str
    as_of: str
    promise: str | None
    group: Mapping[str, Any]
    size: int
    document: Mapping[str, Any] = field(repr=False)
    others: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Consistency:
    """That the ledger of the newer checkpoint begins with the events of the older one. Roots are base64.

    `proof`: the consistency proof of RFC 6962 (2.1.2), in hex, which anybody can verify with the two roots.
    """

    origin: str
    old: str
    old_size: int
    old_root: str
    new: str
    new_size: int
    new_root: str
    proof: tuple[str, ...]
