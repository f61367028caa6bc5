"""Every dataset of every connector, as far as it answers: where people's identifiers are looked for.

What does not answer, or does not fit its connector file, is no reason not to place a hold: it is out of reach,
and said to be.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from retention.config import Configuration
from retention.connectors.port import Key, Person, Target
from retention.connectors.sql.records import typed_key
from retention.errors import ConfigurationError, RetentionError, UsageError
from retention.model import predicate as p
from retention.model.dataset import Dataset
from retention.model.place import Place
from retention.model.policy import Rule
from retention.planning.binding.bound import BoundDataset
from retention.planning.fates.fate import Fates
from retention.verbs.opening import stores
from retention.verbs.opening.prepared import Prepared, prepared

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Everywhere:
    """`bound`, by `CONNECTOR.DATASET`, is what can be looked at; `silent`: connector → why it can't be.

    `failed`: dataset → why it could not be looked at after all.
    """

    config: Configuration
    bound: Mapping[str, BoundDataset]
    ready: Mapping[str, Prepared]
    silent: Mapping[str, str]
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """All that are configured, in the order of the files."""
        return stores.datasets(self.config)

    def target(self, dataset: BoundDataset) -> Target:
        """The store that the dataset is in."""
        return self.ready[dataset.connector.name].targets[dataset.connector.name]

    def why_not(self, dataset: Dataset) -> str | None:
        """Why a dataset can't be looked at; None where it can."""
        return self.failed.get(str(dataset)) or self.silent.get(dataset.connector)

    def persons(self, dataset: BoundDataset, wanted: Mapping[str, Collection[str]]) -> Sequence[Person]:
        """Records that may be about one of the persons, each once; none, and a note of it, where that fails."""

        def look() -> Sequence[Person]:
            return list({each.key: each for each in self.target(dataset).persons(dataset, wanted)}.values())

        return self._tried(dataset, look) or ()

    def has(self, dataset: BoundDataset, key: str) -> bool:
        """There is a record of this key, as it is typed. UsageError for what can't be a key."""
        values: Key = tuple(typed_key(dataset.key, key))
        target = None if dataset.connector.name in self.silent else self.target(dataset)
        for column, value in zip(dataset.key, values, strict=True):
            if target is not None and not target.could_be(column, value):
                raise UsageError(f"`{key}` is no value of the key column {column.name} ({column.type})")

        def look() -> bool:
            return any(True for _ in self.target(dataset).persons(dataset, {}, [values]))

        return bool(self._tried(dataset, look))

    def count(self, dataset: BoundDataset, rule: Rule | None, as_of: datetime) -> int:
        """How many records it has; of a rule those of which its `where` is not false."""
        fates = Fates(self.ready[dataset.connector.name].catalogues[dataset.connector.name], (), as_of)
        root = p.Source(table=dataset.root.id, alias="r", only=dataset.root.only)
        tests = [fates.a_record(dataset, root)]
        if rule is not None and rule.where is not None:
            outside = p.IsTrue(item=p.Not(item=fates.condition(dataset, root, rule.where)))
            tests.append(p.Untrue(item=outside))

        def look() -> int:
            return self.target(dataset).matching(root, p.All(items=tuple(tests)))

        return self._tried(dataset, look) or 0

    def _tried(self, dataset: BoundDataset, look: Callable[[], T]) -> T | None:
        if str(dataset) in self.failed:
            return None
        try:
            return look()
        except RetentionError as error:
            self.failed[str(dataset)] = error.message
            return None


@contextmanager
def everywhere(place: Place, config: Configuration) -> Iterator[Everywhere]:
    """Opens what can be opened. What is wrong with one connector is not wrong with the others."""
    with ExitStack() as stack:
        ready: dict[str, Prepared] = {}
        silent: dict[str, str] = {}
        try:
            whole = stack.enter_context(prepared(place, config))
            ready = dict.fromkeys(whole.targets, whole)
            silent = dict(whole.silent)
        except ConfigurationError:
            for name in config.connectors:
                try:
                    one = stack.enter_context(prepared(place, config, (name,)))
                except ConfigurationError as error:
                    first = f": {error.problems[0]}" if error.problems else ""
                    silent[name] = f"its schema does not fit its file (retention check){first}"
                else:
                    ready |= dict.fromkeys(one.targets, one)
                    silent |= {each: why for each, why in one.silent.items() if each == name}
        bound = {str(d): d for name, one in ready.items() for d in one.bound if d.connector.name == name}
        yield Everywhere(config=config, bound=bound, ready=ready, silent=silent)
