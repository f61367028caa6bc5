"""What became of a record that was given back from its vault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class GivenBack:
    """`vault` and `dataset` as `CONNECTOR.DATASET`, from where to where; `rows` of each of the vault's tables.

    `run`: the name under which the ledger has it. `rules`: those that can restrict the record again.
    """

    vault: str
    dataset: str
    run: str
    at: datetime
    by: str
    reason: str
    rows: Mapping[str, int]
    ref: str | None = None
    rules: tuple[str, ...] = ()
