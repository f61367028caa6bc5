"""Holds on people, where a store that knows them by several kinds of identifier can't be asked.

It may know a held person by a customer number that the hold does not have yet, and records of that number are nobody's
to delete meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from retention.model.dataset import Dataset
from retention.model.told import Hold


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """Kind of identifier → the dataset that may know more of that kind about somebody who is held."""

    kinds: Mapping[str, Dataset]

    def doubt(self, dataset: Dataset) -> str | None:
        """Why nothing may happen to the records of `dataset`; None where everybody held is known in it."""
        kind = min(set(dataset.subject or ()) & self.kinds.keys(), default=None)
        if kind is None:
            return None
        there = self.kinds[kind]
        return (
            f"people are held, and `{there}`, which may know them by another {kind}, can't be asked: connector"
            f" `{there.connector}` does not answer, or does not fit its file; run again when it does"
        )


def unseen(holds: Iterable[Hold], datasets: Collection[Dataset], connectors: Collection[str]) -> Unseen:
    """What `connectors`, which can't be asked, may know of the persons of `holds`, followed from kind to kind."""
    reached = {subject.kind for hold in holds for subject in hold.cover.subjects}
    found: dict[str, Dataset] = {}
    leading = [dataset for dataset in datasets if len(dataset.subject or ()) > 1] if connectors else []
    before = -1
    while before != len(reached) + len(found):
        before = len(reached) + len(found)
        for dataset in leading:
            kinds = set(dataset.subject or ())
            through = dataset if dataset.connector in connectors else None
            through = through or next((found[kind] for kind in sorted(kinds & found.keys())), None)
            if kinds & reached:
                reached |= kinds
                if through is not None:
                    found = {**dict.fromkeys(kinds, through), **found}
    return Unseen(kinds=found)
