"""`suppressed`: whether a value is among those that were pseudonymised by keyed hash. Nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from retention.actions.pseudonyms import pseudonyms
from retention.config import Configuration
from retention.config.told_files import decoded
from retention.errors import UsageError
from retention.model.catalogue import Catalogue
from retention.model.dataset import Dataset
from retention.model.place import Place
from retention.model.strategy import Way
from retention.model.suppression import Looked, Suppression
from retention.planning.binding.bound import BoundDataset, Rewritten
from retention.planning.binding.reach import create_index
from retention.planning.binding.rewritable import padded_to
from retention.verbs.checking.rewriting import keyed
from retention.verbs.opening import stores
from retention.verbs.opening.configured import configuration
from retention.verbs.opening.prepared import prepared
from retention.verbs.opening.pseudonyms import former_keys

AT_ONCE = 5_000
"""Values that are hashed, and looked for, together."""


def suppressed(
    place: Place, *, dataset: str, listed: tuple[str, bytes], column: str | None = None
) -> Suppression:
    """Each of the values `listed`, one a line of (name, content), made alike as the hash itself does it.

    Looked for under every pseudonyms' key that there is, in `column`, which is needed where the dataset hashes
    several. Raises UsageError for a dataset or column that hashes nothing, or where no value is given; SetupError
    where a key is missing that was not destroyed: without it "not listed" would be a guess.
    """
    config = configuration(place)
    found = _dataset(config, dataset)
    name = _column(found, column)
    values = _values(*listed)
    with stores.reading(config, place) as state:
        keys, destroyed = former_keys(config, state)
    with prepared(place, config, (found.connector,)) as ready:
        ready.refuse_silence()
        bound = next(item for item in ready.bound if str(item) == str(found))
        hashed = _hashed(bound, ready.catalogues[found.connector], name)
        look = _Look(config, bound, hashed, keys)
        target = ready.targets[found.connector]
        lines: list[Looked] = []
        for start in range(0, len(values), AT_ONCE):
            some = [look.hashes(text) for _, text in values[start : start + AT_ONCE]]
            there = target.standing(bound, hashed.cell, {each for hashes in some for each in hashes})
            numbers = (number for number, _ in values[start : start + AT_ONCE])
            lines += [
                Looked(line=number, listed=not there.isdisjoint(hashes))
                for number, hashes in zip(numbers, some, strict=True)
            ]
    return Suppression(
        dataset=str(found),
        column=hashed.name,
        lines=tuple(lines),
        keys=len(keys),
        notes=tuple(_notes(hashed, destroyed, ready.catalogues[found.connector])),
    )


def _dataset(config: Configuration, name: str) -> Dataset:
    every = {str(dataset): dataset for dataset in stores.datasets(config)}
    if name not in every:
        there = ", ".join(sorted(n for n, d in every.items() if _hashing(d))) or "none"
        raise UsageError(f"there is no dataset `{name}`; those that hash a column: {there}")
    return every[name]


def _hashing(dataset: Dataset) -> Sequence[str]:
    return [name for name, how in dataset.rewriting.named.items() if how.way is Way.HASH]


def _column(dataset: Dataset, column: str | None) -> str:
    """The column that is meant, as the dataset writes it."""
    hashing = _hashing(dataset)
    if not hashing:
        raise UsageError(
            f"`{dataset}` hashes no column, and so nobody can be found again in it;"
            ' a suppression list is a column of anonymize with "hash"'
        )
    if column is None and len(hashing) > 1:
        raise UsageError(f"`{dataset}` hashes several columns: add --column, one of {', '.join(hashing)}")
    if column is not None and column not in hashing:
        raise UsageError(f"`{dataset}` does not hash `{column}`; it hashes: {', '.join(hashing)}")
    return column or hashing[0]


def _hashed(bound: BoundDataset, catalogue: Catalogue, name: str) -> Rewritten:
    """The column as the database spells it."""
    plain = {each.name: each for each in bound.rewriting}
    if name in plain or not (catalogue.folds_case or catalogue.folds_columns):
        return plain[name]
    return {spelt.casefold(): each for spelt, each in plain.items()}[name.casefold()]


def _values(name: str, data: bytes) -> list[tuple[int, str]]:
    """(line, value) of every line that is not empty; what stands around a value is the column's steps' to take off."""
    lines = decoded(data, name).replace("\r\n", "\n").split("\n")
    found = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise UsageError(f"{name} has no value in it; write one a line")
    return found


class _Look:
    """What stands in the column for a value: one hash a key."""

    def __init__(
        self, config: Configuration, bound: BoundDataset, item: Rewritten, keys: Sequence[bytes]
    ) -> None:
        steps = keyed(config.policy, item, b"").steps
        self._makers = [pseudonyms(key, steps) for key in keys]
        self._room = padded_to(item.column)

    def hashes(self, text: str) -> set[str]:
        """Of the value as it is typed and, in a column that fills its values up with blanks, as that gives it."""
        texts = {text} if self._room is None else {text, text.ljust(self._room)}
        return {make(each) for make in self._makers for each in texts}


def _notes(item: Rewritten, destroyed: Mapping[str, str], catalogue: Catalogue) -> Iterator[str]:
    for id, day in destroyed.items():
        yield (
            f"what was hashed with the pseudonyms' key {id} can't be found any more: that key was destroyed on {day};"
            ' "not listed" says nothing of it'
        )
    name = item.column.name
    if not any(index.columns[:1] == (name,) for index in item.table.indexes):
        made = create_index(item.table.id, (name,), catalogue.quote)
        yield f"no index leads with `{item.name}`, and each look reads the whole table; type: {made}"
