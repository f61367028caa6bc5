"""A connector's datasets, resolved against its live catalogue, every problem at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeVar

from retention.errors import Problem
from retention.model import predicate as p
from retention.model.catalogue import Catalogue, Column, Kind, Reference, Table, TableId
from retention.model.dataset import Connector, Dataset, EventColumn, PartName
from retention.model.strategy import Pieces
from retention.planning.beyond import beyond
from retention.planning.binding.bound import (
    BoundDataset,
    BoundFact,
    Cell,
    Component,
    Loosened,
    Part,
    Shared,
    Some,
    Stubborn,
    Value,
)
from retention.planning.binding.circling import with_circles
from retention.planning.binding.clocks import clock_encoding
from retention.planning.binding.conditions import Binder
from retention.planning.binding.either import with_either
from retention.planning.binding.fingerprints import fingerprint
from retention.planning.binding.loosening import within_a_table
from retention.planning.binding.names import NotFoundError, component_text, find_column, find_table, with_key
from retention.planning.binding.order import Order, removal_order, ways_out
from retention.planning.binding.partly import partly
from retention.planning.binding.paths import misspelt_via, part_link
from retention.planning.binding.reach import (
    Counting,
    described,
    outside_references,
    usable,
)
from retention.planning.binding.relations import with_relations
from retention.planning.binding.restricting import leaving, marking
from retention.planning.binding.rewritable import Find, Rewritable, clashes
from retention.planning.binding.rewriting_rules import known_by
from retention.planning.binding.shared_parts import between_datasets, shared_link, shared_tables, with_parts
from retention.planning.binding.spelt import Names, not_its_own
from retention.planning.binding.vaults import placed, with_vaults

T = TypeVar("T")
W = TypeVar("W")

_UNSAID = re.compile(r"^(INET|CIDR|INTERVAL|JSONB?|HSTORE|TIME\b|BIT\b)|RANGE$|\[\]$", re.IGNORECASE)
"""Types whose values drivers give as something else than a text or a number."""

_UNORDERED = re.compile(r"^(ENUM|SET)\(", re.IGNORECASE)


def bind(
    connector: Connector,
    catalogue: Catalogue,
    counting: Counting | None = None,
    *,
    leaves: Callable[[Dataset], bool] = lambda _: True,
) -> tuple[tuple[BoundDataset, ...], tuple[Problem, ...]]:
    """Every dataset that could be bound, and everything that is wrong with all of them.

    With `counting`, what a cascade beyond a record would reach is counted. `leaves`: records of the dataset can leave
    their tables; where they can't, what only a DELETE would do is no problem.
    """
    catalogue, wrong = with_relations(connector, catalogue)
    bound, wanting = _each(connector, catalogue, counting, leaves)
    either = with_either(bound, catalogue)
    if either is not None:  # what rows in a vault refer to keeps records, too
        catalogue = either
        bound, wanting = _each(connector, catalogue, counting, leaves)
    problems: list[Problem] = [*wrong, *wanting]
    problems += [*clashes(bound, catalogue), *leaving(bound, catalogue), *partly(bound)]
    every, unfit = with_vaults(bound, catalogue)
    problems += unfit
    for item, found, write in between_datasets(bound):
        key = f"datasets.{item.dataset.name}.parts"
        problems.append(Problem(file=connector.file, key=key, found=found, write=write))
    known = [replace(item, known_by=known_by(item, every)) for item in every]
    return with_circles(known, catalogue), tuple(problems)


def _each(
    connector: Connector,
    catalogue: Catalogue,
    counting: Counting | None,
    leaves: Callable[[Dataset], bool],
) -> tuple[list[BoundDataset], list[Problem]]:
    bound: list[BoundDataset] = []
    problems: list[Problem] = []
    for dataset in connector.datasets.values():
        attempt = _Attempt(connector, dataset, catalogue, counting, leaves=leaves(dataset))
        result = attempt.bind()
        problems.extend(attempt.problems)
        if result is not None and not attempt.problems:
            bound.append(result)
    return bound, problems


def _part_key(dataset: Dataset, part: PartName) -> str:
    """`parts[2]`, counted from 1."""
    return f"parts[{dataset.parts.index(part) + 1}]"


class _Attempt:
    def __init__(
        self,
        connector: Connector,
        dataset: Dataset,
        catalogue: Catalogue,
        counting: Counting | None,
        *,
        leaves: bool,
    ) -> None:
        self.counting = counting
        self.leaves = leaves and not dataset.columns  # a slice is never deleted
        self.connector = connector
        self.dataset = dataset
        self.catalogue = catalogue
        self.problems: list[Problem] = []
        self.names = Names(catalogue)
        self._place = f"datasets.{dataset.name}"

    def _problem(self, key: str, found: str, write: str) -> None:
        key, write = placed(self.dataset, key, write)
        self.problems.append(
            Problem(file=self.connector.file, key=f"{self._place}.{key}", found=found, write=write)
        )

    def bind(self) -> BoundDataset | None:
        dataset, catalogue = self.dataset, self.catalogue
        try:
            root = find_table(catalogue, dataset.table, dataset.schema)
        except NotFoundError as error:
            self._problem("table", error.found, error.write)
            return None
        why = usable(root, dataset.key or (), mark=catalogue.quote)
        if why is not None:
            self._problem("table", *why)
            return None
        key = self._key(root)
        names = self.names
        events = {n: self._event(root, f"events.{n}", e.components) for n, e in dataset.events.items()}
        began = () if dataset.began is None else self._event(root, "began", (dataset.began,))
        for found, write in not_its_own(began):
            self._problem("began", found, write)
        facts = self._all("facts", dataset.facts, partial(names.fact, root))
        lengths = self._all("periods", dataset.periods, partial(names.period, root))
        subject = self._all("subject", dataset.subject or {}, partial(names.value, root))
        self._where(root)
        members = self._parts(root)
        shared = self._shared(members)
        find = self._finding(root, members, shared)
        fields = {name: self._cells(f"fields.{name}", cs, find) for name, cs in dataset.fields.items()}
        columns = self._cells("columns", ((name,) for name in dataset.columns or ()), find)
        outside = outside_references(catalogue, members)
        self.problems += beyond(
            self.connector,
            dataset,
            catalogue,
            members,
            outside,
            shared,
            leaves=self.leaves,
            counting=self.counting,
        )
        read = (*facts.values(), *subject.values(), *(each.value for each in lengths.values()))
        order = removal_order(catalogue, {m: () if part is None else (part,) for m, part in members.items()})
        if isinstance(order, Stubborn) and not self.leaves:
            order = Order(tables=tuple(reversed(members)))
        if isinstance(order, Stubborn):
            since = f" ({order.why})" if order.why else ""
            self._problem(
                "parts",
                f"`{described(order.reference)}` closes a cycle inside the record: neither side could go first{since}",
                ways_out(order, defers=catalogue.defers),
            )
            return None
        within = tuple(within_a_table(catalogue, members))
        emptied = {*members, *(item.table.id for item in shared)}
        rewriting = Rewritable(self.connector, dataset, catalogue, root, find)
        self.problems += rewriting.problems
        mark, unfit = marking(dataset, catalogue, root)
        for found, write in unfit:
            self._problem("restrict.mark", found, write)
        return BoundDataset(
            dataset=dataset,
            connector=self.connector,
            root=root,
            key=key,
            parts=tuple(part for part in members.values() if part is not None),
            removal=order.tables,
            deferring=order.deferring,
            loosened=(*order.loosened, *(item for item in within if isinstance(item, Loosened))),
            stubborn=tuple(item for item in within if isinstance(item, Stubborn)),
            shared=shared,
            outside=outside,
            events=events,
            facts=facts,
            periods=lengths,
            subject=subject,
            began=began[0] if began else None,
            fields=fields,
            columns=columns if dataset.columns is not None else None,
            where=dataset.where,
            rewriting=rewriting.columns,
            done=rewriting.done,
            mark=mark,
            blind=tuple(b for b in catalogue.blind if b.table is None or b.table in emptied),
            catalogue_schema=fingerprint(
                catalogue,
                self._touched(emptied, events, read),
                {root.id: root, **{item.table.id: item.table for item in rewriting.columns}}.values(),
                dataset,
            ),
        )

    def _touched(
        self,
        emptied: set[TableId],
        events: dict[str, tuple[Component, ...]],
        values: Iterable[BoundFact],
    ) -> set[TableId]:
        tables = set(emptied)
        for value in values:
            if isinstance(value, Value | Some):
                tables |= {value.table, *(hop.arrives for hop in value.hops)}
        for components in events.values():
            for component in components:
                tables |= {component.table, *(hop.arrives for hop in component.hops)}
        return tables

    def _key(self, root: Table) -> tuple[Column, ...]:
        key = self._named_key(root)
        for column in key:
            inexact = column.kind is Kind.REAL or (
                column.kind is Kind.NUMERIC and not self.catalogue.typed  # stored as floating point there
            )
            if inexact or (column.kind is Kind.OTHER and _UNSAID.search(column.type)):
                self._problem(
                    "key",
                    f"`{column.name}` is {column.type}: such a value can't stand in the evidence",
                    "name the columns of a unique index that are whole numbers, texts, UUIDs or dates",
                )
            elif _UNORDERED.search(column.type):
                self._problem(
                    "key",
                    f"`{column.name}` is {column.type}: it is sorted by the order of its words, and compared by"
                    " their letters",
                    "name the columns of another unique index; such keys are not supported yet",
                )
        return key

    def _named_key(self, root: Table) -> tuple[Column, ...]:
        if self.dataset.key is None:
            return tuple(root.columns[name] for name in root.key)
        try:
            columns = tuple(find_column(self.catalogue, root, name) for name in self.dataset.key)
        except NotFoundError as error:
            self._problem("key", error.found, error.write)
            return ()
        names = {column.name for column in columns}
        if not root.is_unique(names):
            self._problem(
                "key",
                f"({', '.join(sorted(names))}) is not unique in `{root.id}`",
                "name the columns of the primary key or of a unique index",
            )
        for column in columns:
            if column.nullable and column.name not in root.key:
                self._problem("key", f"`{column.name}` may be NULL", "name columns that are NOT NULL")
        return columns

    def _event(self, root: Table, key: str, components: Iterable[EventColumn]) -> tuple[Component, ...]:
        found: list[Component] = []
        for item in components:
            try:
                hops, table, column = self.names.column(root, item)
                encoding = clock_encoding(self.connector, self.catalogue, table, column, item)
                if item.where is not None:
                    Binder(self.catalogue, table, p.Source(table=table.id, alias="c")).test(item.where.tree)
            except NotFoundError as error:
                self._problem(key, error.found, error.write)
                continue
            component = Component(
                text=component_text(item, [other.text for other in found]),
                hops=hops,
                table=table.id,
                column=column,
                encoding=encoding,
                where=item.where,
            )
            if component.text in (other.text for other in found):
                self._problem(key, f"`{component.text}` is one of its components twice", "take one out")
            found.append(component)
        return tuple(found)

    def _spelt(self, key: str, make: Callable[[], T]) -> T | None:
        """What `make` finds in the catalogue; None, and a problem at `key`, where it does not."""
        try:
            return make()
        except NotFoundError as error:
            self._problem(key, error.found, error.write)
            return None

    def _finding(self, root: Table, members: Mapping[TableId, Part | None], shared: Iterable[Shared]) -> Find:
        parts = {part.table.id: part.table for part in members.values() if part is not None}
        beside = {item.table.id for item in shared}
        return lambda pieces: self.names.member(root, pieces, parts, beside)

    def _cells(self, key: str, columns: Iterable[Pieces], find: Find) -> frozenset[Cell]:
        """Columns of the record as the catalogue calls them."""
        found = [self._spelt(key, partial(find, pieces)) for pieces in columns]
        return frozenset((each[0].id, each[1].name) for each in found if each is not None)

    def _all(self, key: str, written: Mapping[str, W], make: Callable[[W], T]) -> dict[str, T]:
        """What `make` finds for each of those that could be found."""
        found = {name: self._spelt(f"{key}.{name}", partial(make, item)) for name, item in written.items()}
        return {name: item for name, item in found.items() if item is not None}

    def _where(self, root: Table) -> None:
        if self.dataset.where is None:
            return
        try:
            Binder(self.catalogue, root, p.Source(table=root.id, alias="r")).test(self.dataset.where.tree)
        except NotFoundError as error:
            self._problem("where", error.found, error.write)

    def _parts(self, root: Table) -> dict[TableId, Part | None]:
        members: dict[TableId, Part | None] = {root.id: None}
        waiting = [name for name in self.dataset.parts if not name.shared]
        progress = True
        while waiting and progress:
            progress = False
            for name in list(waiting):
                try:
                    table = find_table(self.catalogue, name.table, None)
                    link = part_link(self.catalogue, name, table.id, members)
                except NotFoundError as error:
                    self._problem(_part_key(self.dataset, name), error.found, error.write)
                    waiting.remove(name)
                    continue
                if link is None:
                    continue
                waiting.remove(name)
                progress = True
                table = with_key(table)
                why = usable(table, mark=self.catalogue.quote)
                if table.id in members:
                    found = f"`{table.id}` is listed twice"
                    self._problem(_part_key(self.dataset, name), found, "list it once")
                elif why is not None:
                    self._problem(_part_key(self.dataset, name), *why)
                else:
                    members[table.id] = Part(table=table, reference=link)
        for name in waiting:
            key = _part_key(self.dataset, name)
            misspelt = misspelt_via(self.catalogue, name, find_table(self.catalogue, name.table, None).id)
            if misspelt is not None:
                self._problem(f"{key}.via", misspelt.found, misspelt.write)
                continue
            self._problem(
                key,
                f"no reference leads from `{name.table.text}` to the record",
                f"name a table whose rows refer to `{root.id}`, directly or through another part",
            )
        return members

    def _shared(self, members: dict[TableId, Part | None]) -> tuple[Shared, ...]:
        """The parts that the record refers to."""
        links: dict[TableId, list[Reference]] = {}
        for name in self.dataset.parts:
            if not name.shared:
                continue
            try:
                link = shared_link(self.catalogue, name, members)
            except NotFoundError as error:
                self._problem(_part_key(self.dataset, name), error.found, error.write)
                continue
            if link in links.setdefault(link.target, []):
                found = f"`{link.target}` is listed twice by `{described(link)}`"
                self._problem(_part_key(self.dataset, name), found, "list it once")
            links[link.target].append(link)
        tables = {id_: with_key(self.catalogue.tables[id_]) for id_ in links}
        own = with_parts(self.connector.datasets.values(), self.catalogue)
        shared, why = shared_tables(self.catalogue, links, tables, members, own)
        if why is not None:
            self._problem("parts", *why)
        return shared
