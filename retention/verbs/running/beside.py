"""Jobs that must not be at work beside each other, though each has a dataset of its own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from retention.engine.recovery import lease_name
from retention.errors import SafetyRefusal
from retention.model.catalogue import TableId
from retention.planning.binding.bound import BoundDataset
from retention.store.leases import LeasesReading
from retention.store.owners import is_dead


def refuse_beside(
    leases: LeasesReading, bound: BoundDataset, every: Iterable[BoundDataset], now: datetime
) -> None:
    """Raises SafetyRefusal while a job is at another dataset of whose records the same rows are shared parts.

    Two batches at once, each with one of the last two records that refer to a row, would each see the other's: the
    row would stay for ever. Asked in the transaction that takes the job's own lease.
    """
    for other in every:
        tables = _shared(bound) & _shared(other)
        if other is bound or other.connector.name != bound.connector.name or not tables:
            continue
        holder = leases.holder(lease_name(f"/{other.connector.name}/{other.dataset.name}"))
        if holder is not None and holder[2] > now and not is_dead(holder[0]):
            names = ", ".join(f"`{table}`" for table in sorted(tables, key=str))
            raise SafetyRefusal(
                f"`{other}`, which shares rows of {names} with `{bound}`, is being worked on by {holder[0]}: one after"
                " the other, or a row that both share could stay behind"
            )


def _shared(bound: BoundDataset) -> frozenset[TableId]:
    return frozenset(item.table.id for item in bound.leaving)
