"""How large a statement becomes where the database puts every definition in each place that asks for it."""

from __future__ import annotations

import dataclasses
from typing import Any

from retention.connectors.sql.dialect import Dialect
from retention.errors import UnreachableError
from retention.model import predicate as p


def refuse_too_many(dialect: Dialect, what: str, *nodes: Any) -> None:
    """UnreachableError where preparing the statement could take all of the server's memory."""
    if dialect.most_copies is not None and (found := copies(nodes)) > dialect.most_copies:
        raise UnreachableError(
            f"{what}: the statement would name {found:,} tables, since the server copies what is asked for at several"
            f" places, and could take all of its memory (the most are {dialect.most_copies:,}). That is so where many"
            " rules and holds weigh on datasets that refer to each other or share rows: hold people or keys rather than"
            " categories, or make fewer datasets of a table"
        )


def copies(node: Any) -> int:
    """How many tables it names then. Where definitions ask for others several times each, that is soon millions."""
    return _copies(node, {})


def _copies(node: Any, known: dict[int, tuple[Any, int]]) -> int:
    if id(node) not in known:
        found = 0
        if isinstance(node, tuple):
            found = sum(_copies(item, known) for item in node)
        elif dataclasses.is_dataclass(node) and not isinstance(node, p.Source | p.Field):
            found = sum(_copies(getattr(node, item.name), known) for item in dataclasses.fields(node))
            found += len(node.sources) if isinstance(node, p.Pairs) else 0
            found += isinstance(node, p.Exists | p.Lookup | p.RelatedField | p.Defined)
        known[id(node)] = node, found
    return known[id(node)][1]
