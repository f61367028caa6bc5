"""Conditions of the policy, whose names are facts, as tests over a record's root."""

from __future__ import annotations

from retention.model import condition as c
from retention.model import predicate as p
from retention.model.catalogue import Catalogue
from retention.planning.binding.bound import BoundDataset, BoundFact, Some, Value
from retention.planning.binding.conditions import Binder
from retention.planning.binding.names import NotFoundError, meant
from retention.planning.fates.joins import Joins


class FactBinder(Binder):
    """Binds names to the facts that the dataset spells out, seen from the record of `root`."""

    def __init__(self, joins: Joins, catalogue: Catalogue, bound: BoundDataset, root: p.Source) -> None:
        super().__init__(catalogue, bound.root, root)
        self._joins = joins
        self._facts = bound.facts
        self._whole = Binder(catalogue, bound.root, root)

    def test(self, node: c.Boolean) -> p.Test:
        if isinstance(node, c.Truth):
            fact = self._fact(node.item)
            match fact:
                case c.Condition(tree=tree):
                    return self._whole.test(tree)
                case Some():
                    return self._joins.some(fact, self._source)
        return super().test(node)

    def _field(self, name: c.NameTerm) -> p.Field | p.Lookup:
        fact = self._fact(name)
        if not isinstance(fact, Value):
            raise NotFoundError(
                f"`{name.pieces[-1]}` is true or false of a record, and is compared with something",
                "write it by itself, or after NOT",
            )
        return self._joins.value(fact, self._source)

    def _fact(self, name: c.NameTerm) -> BoundFact:
        word = ".".join(name.pieces)
        if word not in self._facts:
            raise NotFoundError(f"`{word}` is no fact of this data", meant(word, self._facts))
        return self._facts[word]
