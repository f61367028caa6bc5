"""Every statement of a job, built once from its predicates."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from retention.connectors.sql import once
from retention.connectors.sql.batches.beside import Beside
from retention.connectors.sql.batches.passing import is_true, passing
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.layers import column_of as column_of  # for every statement
from retention.connectors.sql.predicates import Compiler, bound, table
from retention.connectors.sql.untold import Untold
from retention.model import predicate as p
from retention.model.catalogue import Column, Kind, Reference, Table, TableId
from retention.planning.binding.bound import Loosened
from retention.planning.work import Work

Key = tuple[Any, ...]


_INEXACT = frozenset({Kind.REAL, Kind.NUMERIC, Kind.OTHER})
"""Kinds whose values drivers may give back as others than are stored: no cursor can stand on one."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """The order in which candidates are looked for: by a clock's column first, where an index serves it."""

    clock: str | None


class Statements(Beside):
    """The statements of `work` on a database of `dialect`, over the root table or one of its leaves."""

    def __init__(
        self,
        dialect: Dialect,
        work: Work,
        leaf: TableId | None = None,
        *,
        bare: bool = False,
        untold: Untold | None = None,
    ) -> None:
        """`untold`: what leaves out records that people's words could concern."""
        self.dialect = dialect
        self.work = work
        instead = {} if leaf is None else {work.bound.root.id: leaf}
        self.compiler = Compiler(dialect, instead, bare=bare, lists=work.lists)
        self.root: FromClause = self.compiler.source(work.root)
        self.leaf = leaf
        self._untold = untold

    def still_due(self) -> ColumnElement[Any]:
        """The record is due in a batch; where records are to be told apart, and nobody told anything of it."""
        due = self.compiler.test(self.work.still_due)
        return due if self._untold is None else sa.and_(due, *self._untold.others(self.key_columns))

    @property
    def told_by(self) -> list[ColumnElement[Any]]:
        """Where records are to be told apart: the columns that say whom a record is about."""
        return [] if self._untold is None else [self.column(name) for name in self._untold.columns]

    # -- columns ---------------------------------------------------------------------------

    def column(self, name: str) -> ColumnElement[Any]:
        """A column of the root's row."""
        return self.compiler.column(self.work.root, name)

    @property
    def key(self) -> tuple[Column, ...]:
        """The root's key, as the catalogue has it."""
        return self.work.bound.key

    @property
    def key_columns(self) -> list[ColumnElement[Any]]:
        """The root's key, as columns of the statement."""
        return [self.column(column.name) for column in self.key]

    @property
    def key_known(self) -> list[ColumnElement[Any]]:
        """Conditions that leave out rows whose key is NULL, which SQLite allows: they can't be told apart."""
        return [self.column(column.name).is_not(sa.null()) for column in self.key if column.nullable]

    @property
    def late(self) -> ColumnElement[Any]:
        """1 for a record past the time that carrying the rule out may take, else 0."""
        return is_true(self.compiler.test(self.work.late))

    def handed(self) -> Self:
        """The same for one statement that is `keyed`, as `looking`."""
        made = self.looking()
        made.compiler = made.compiler.keyed(self.work.root, self.key)
        return made

    def keyed(self) -> ColumnElement[Any]:
        """The root's key is one of those handed over."""
        return self.dialect.key_in(self.key_columns, self.key)

    # -- order and position ----------------------------------------------------------------

    def order(self, *, dense: bool = False) -> Order:
        """Clock order where an index of the root leads with the clock's column, else key order.

        Key order, too, where due records are `dense`: the key mostly follows the table's physical order, and
        reading past the others costs less than going to and fro.
        """
        if dense or len(self.work.reaches) != 1:
            return Order(clock=None)
        field = self.work.reaches[0].field
        if not self.dialect.serves(field) or field.kind in _INEXACT:
            return Order(clock=None)
        name = field.column
        served = any(index.columns[:1] == (name,) for index in self.work.bound.root.indexes)
        return Order(clock=name if served else None)

    def behind(self, order: Order, after: Sequence[Any] | None) -> list[ColumnElement[Any]]:
        """Conditions for rows after the position `after` (the clock's value first, in clock order)."""
        if after is None:
            return []
        return [self.dialect.beyond(self.ordering(order), [bound(v) for v in after])]

    def up_to(self, order: Order, end: Sequence[Any]) -> list[ColumnElement[Any]]:
        """Conditions for rows up to the position `end`, itself among them."""
        return [self.dialect.up_to(self.ordering(order), [bound(v) for v in end])]

    def ordering(self, order: Order) -> list[ColumnElement[Any]]:
        """What candidates are ordered by, the key last, so that no two are alike."""
        first = [] if order.clock is None else [self.column(order.clock)]
        return [*first, *self.key_columns]

    # -- finding ---------------------------------------------------------------------------

    def find(self, order: Order, after: Sequence[Any] | None, size: int) -> sa.Select[Any]:
        """Step 1: candidates behind the cursor by the root's own columns, without locks."""
        looking = self.looking()
        test = looking.compiler.test
        query = sa.select(*self.ordering(order))
        query = query.where(*self.key_known, *self.behind(order, after), *map(test, self.work.reaches))
        own = self.work.still_due if self.sorts_out(order) else self.work.records
        query = query.where(test(own)).order_by(*self.ordering(order)).limit(bound(size))
        return query.select_from(looking.rows_in_order)

    def sorts_out(self, order: Order) -> bool:
        """Candidates are due; where a claim locks no rows, the recheck may as well do the sorting out."""
        return self.found_at_once and (self.dialect.row_locks or order.clock is None)

    @functools.cached_property
    def found_at_once(self) -> bool:
        """The row itself decides, and nothing is worked out of the whole table for it: that is asked of keys alone."""
        return self.work.at_once and not once.asks_at_once(self.work.still_due)

    def screen(self) -> sa.Select[Any]:
        """Of keys handed over, those still due, without locks."""
        return self._screen

    @functools.cached_property
    def _screen(self) -> sa.Select[Any]:
        """Made once: it is asked for at every window, and another text each time would be prepared and kept anew."""
        return self._passing(self.work.still_due)

    def oldest(self, most: int) -> sa.Select[Any]:
        """Due records, the oldest event first."""
        looking = self.looking()
        day, test = looking.compiler.latest_day(self.work.latest_day), looking.compiler.test
        query = sa.select(*self.key_columns).where(*map(test, self.work.reaches))
        query = query.where(*self.key_known, test(self.work.still_due)).order_by(day, *self.key_columns)
        return query.select_from(looking.rows).limit(bound(most))

    # -- claiming --------------------------------------------------------------------------

    def lock(self, *, wait: bool) -> sa.Select[Any]:
        """Step 2: the roots of keys handed over, locked."""
        query = sa.select(*self.key_columns).select_from(self.root).where(self.keyed())
        return self.dialect.lock(query, self.root, wait=wait)

    def lock_due(self, *, at_once: bool = False) -> sa.Select[Any]:
        """Steps 2 and 3 in one, where the root's own columns decide: locked (`at_once`: or an error), and due now."""
        looking = self.handed()
        query = sa.select(*self.key_columns, looking.late, *self.told_by)
        query = query.where(self.keyed(), looking.compiler.test(self.work.still_due))
        return self.dialect.lock(query.select_from(looking.rows), self.root, wait=False, at_once=at_once)

    def present(self) -> sa.Select[Any]:
        """Of keys handed over, those that exist."""
        return sa.select(*self.key_columns).select_from(self.root).where(self.keyed())

    def recheck(self, columns: Sequence[ColumnElement[Any]] = ()) -> sa.Select[Any]:
        """Step 3: the whole predicate on the locked keys, in a statement of its own; with `columns` of the root."""
        told_by = self.told_by if self._untold is not None and self._untold.told_apart else ()
        return self._passing(self.work.still_due, (*told_by, *columns), late=True)

    def _passing(
        self, test: p.Test, columns: Sequence[ColumnElement[Any]] = (), *, late: bool = False
    ) -> sa.Select[Any]:
        """Of keys handed over, those of records that pass; `late`: each with whether it is; and `columns` of it."""
        return passing(self.handed(), test, [self.keyed()], columns, late=late)

    # -- parts -----------------------------------------------------------------------------

    def _part(self, id_: TableId, alias: str) -> FromClause:
        bound = self.work.bound
        owner = bound.root if id_ == bound.root.id else bound.part(id_).table
        return table(id_, only=owner.only).alias(alias)

    def of_keys(self, id_: TableId, source: FromClause) -> ColumnElement[Any]:
        """Rows of the member `source` that belong to the records whose keys were handed over."""
        if id_ == self.work.bound.root.id:
            return self.dialect.key_in([column_of(source, column.name) for column in self.key], self.key)
        return self.part_of_keys(id_, source)

    def part_of_keys(self, id_: TableId, source: FromClause) -> ColumnElement[Any]:
        """Rows of the part `source` that belong to the records whose keys were handed over."""
        return self.leading_to_keys(self.work.bound.part(id_).reference, source)

    def leading_to_keys(self, reference: Reference, source: FromClause) -> ColumnElement[Any]:
        """Rows of `source` that refer, by `reference`, to a row of the records whose keys were handed over."""
        columns = [column_of(source, name) for name in reference.columns]
        keys = {column.name: column for column in self.key}
        if reference.target == self.work.bound.root.id and set(reference.target_columns) == set(keys):
            paired = dict(zip(reference.target_columns, columns, strict=True))
            return self.dialect.key_in([paired[name] for name in keys], self.key)
        if reference.target == self.work.bound.root.id:
            above: FromClause = self.root
            inside = self.keyed()
        else:
            above = self._part(reference.target, f"{source.name}p")  # type: ignore[attr-defined]
            inside = self.part_of_keys(reference.target, above)
        chosen = sa.select(*(column_of(above, name) for name in reference.target_columns)).select_from(above)
        left = columns[0] if len(columns) == 1 else sa.tuple_(*columns)
        return left.in_(chosen.where(inside).correlate(None))

    def unreferred(self, source: FromClause, references: Iterable[Reference]) -> list[ColumnElement[Any]]:
        """Rows of `source` that no row of the same table refers to by one of `references`."""
        found: list[ColumnElement[Any]] = []
        for i, reference in enumerate(references):
            other = self._part(reference.table, f"o{i}")
            pairs = zip(reference.columns, reference.target_columns, strict=True)
            same = (column_of(other, a) == column_of(source, b) for a, b in pairs)
            refers: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(other).where(*same)
            found.append(sa.not_(refers.correlate(source).exists()))
        return found

    def referred_to(self, reference: Reference) -> sa.Select[Any]:
        """The values by which rows refer, by `reference`, to members of the records handed over."""
        if reference.target == self.work.bound.root.id:
            source: FromClause = self.root
            inside = self.keyed()
        else:
            source = self._part(reference.target, "p")
            inside = self.part_of_keys(reference.target, source)
        columns = [column_of(source, name) for name in reference.target_columns]
        known = [column.is_not(sa.null()) for column in columns]
        return sa.select(*columns).select_from(source).where(inside, *known)

    def count_part(self, part: Table) -> sa.Select[Any]:
        """How many rows of the part belong to the records handed over."""
        source = self._part(part.id, "p")
        query = sa.select(sa.func.count()).select_from(source)
        return query.where(self.part_of_keys(part.id, source))

    def rows_of(self, member: Table, columns: Sequence[str] = ()) -> tuple[FromClause, sa.Select[Any]]:
        """The keys (or `columns`) of the member's rows that belong to records handed over, and where they are read."""
        source = self._part(member.id, "p")
        named = (column_of(source, name) for name in columns or self.key_of(member))
        query = sa.select(*named).select_from(source)
        return source, query.where(self.of_keys(member.id, source))

    def key_of(self, member: Table) -> tuple[str, ...]:
        """What tells rows of the member apart."""
        root = member.id == self.work.bound.root.id
        return tuple(column.name for column in self.key) if root else member.key

    def lock_part(self, part: Table, *, wait: bool, at_once: bool = False) -> sa.Select[Any]:
        """How many rows of the part could be locked; `at_once`: all of them without waiting, or an error."""
        source = self._part(part.id, "p")
        rows: sa.Select[Any] = sa.select(sa.literal_column("1").label("one")).select_from(source)
        rows = self.dialect.lock(
            rows.where(self.part_of_keys(part.id, source)), source, wait=wait, at_once=at_once
        )
        return sa.select(sa.func.count()).select_from(rows.subquery("locked"))

    def roots_of_part(self, part: Table, *, locking: bool) -> sa.Select[Any]:
        """The root key of every row of the part, of all rows or of those that can be locked."""
        source = self._part(part.id, "p")
        query = sa.select(*self.key_columns).select_from(self._joined(part, source)).where(self.keyed())
        return self.dialect.lock(query, source, wait=False) if locking else query

    def part_rows(self, part: Table) -> sa.Select[Any]:
        """How many rows of the part belong to records (which ones is added to it)."""
        joined = self._joined(part, self._part(part.id, "p"))
        return sa.select(sa.func.count()).select_from(joined)

    def with_part(self, part: Table, rows: FromClause) -> FromClause:
        """The part's rows joined up to `rows`, which stand in place of the root's."""
        return self._joined(part, self._part(part.id, "p"), rows)

    def rows_of_part(self, part: Table, rows: FromClause, source: FromClause | None = None) -> sa.Select[Any]:
        """How many rows of the part, the `source`, belong to a record of `rows`, which stand in the root's place."""
        source = self._part(part.id, "p") if source is None else source
        below, chain = source, self.work.bound.chain(part.id)
        joined: FromClause = source
        for i, reference in enumerate(chain[:-1]):
            above = self._part(reference.target, f"c{i}")
            joined, below = joined.join(above, _led(reference, below, above)), above
        query = sa.select(sa.func.count()).select_from(joined).where(_led(chain[-1], below, rows))
        return query.correlate(rows)

    def _joined(self, part: Table, source: FromClause, root: FromClause | None = None) -> FromClause:
        """The part's rows joined up to the root's, along the references by which they belong."""
        joined = below = source
        for i, reference in enumerate(self.work.bound.chain(part.id)):
            last = reference.target == self.work.bound.root.id
            above = (self.root if root is None else root) if last else self._part(reference.target, f"c{i}")
            joined = joined.join(above, _led(reference, below, above))
            below = above
        return joined

    # -- deleting --------------------------------------------------------------------------

    @property
    def members(self) -> list[Table]:
        """The tables of the record in the order of deletion, the root last."""
        tables = {part.table.id: part.table for part in self.work.bound.parts}
        tables[self.work.bound.root.id] = self.work.bound.root
        return [tables[id_] for id_ in self.work.bound.removal]

    def in_rounds(self, member: Table) -> list[Reference]:
        """References among the member's own rows by which one can't go before another."""
        return [i.reference for i in self.work.bound.stubborn if i.reference.table == member.id]

    def lookup(self, member: Table) -> sa.Select[Any]:
        """Step 4, where rows are deleted by their own keys: those of the member's rows that may go now."""
        source, query = self.rows_of(member)
        return query.where(*self.unreferred(source, self.in_rounds(member)))

    def delete(self, member: Table) -> sa.Delete:
        """Step 4: the member's rows of the records handed over (or whose own keys were) that may go now."""
        columns = [member.columns[name] for name in self.key_of(member)]
        if self.dialect.own_keys:
            return by_own_key(sa.delete(table(member.id)), self.dialect, columns)
        source = self.root if member.id == self.work.bound.root.id else self._part(member.id, "p")
        free = self.unreferred(source, self.in_rounds(member))
        return sa.delete(source).where(self.of_keys(member.id, source), *free)  # type: ignore[arg-type]

    def among(self, item: Loosened, *, every: bool = False) -> sa.Select[Any]:
        """The keys of rows about to go that refer, by the loosened reference, to others about to; `every`: to any."""
        source, query = self.rows_of(self.member(item.reference.table))
        return query.where(self._loose(item, source, every=every))

    def _loose(self, item: Loosened, source: FromClause, *, every: bool) -> ColumnElement[Any]:
        if every:
            return column_of(source, item.column).is_not(sa.null())
        return self.leading_to_keys(item.reference, source)

    def loosening(self, item: Loosened) -> sa.Update:
        """The UPDATE by which rows lead nowhere any more, without a condition and an alias."""
        target = table(item.reference.table, (item.column, *item.kept))
        return sa.update(target).values(_nowhere(target, item))

    def loosen(self, item: Loosened, *, every: bool = False) -> sa.Update:
        """It, on such rows; where rows go by their own keys, on those whose keys are handed over."""
        member = self.member(item.reference.table)
        if self.dialect.own_keys:
            columns = [member.columns[name] for name in self.key_of(member)]
            return by_own_key(self.loosening(item), self.dialect, columns)
        source = table(member.id, (item.column, *item.kept), only=member.only).alias("p")
        leading = self._loose(item, source, every=every)
        update = sa.update(source).values(_nowhere(source, item))  # type: ignore[arg-type]
        return update.where(self.of_keys(member.id, source), leading)

    def member(self, id_: TableId) -> Table:
        """One of the tables of the record."""
        return next(member for member in self.members if member.id == id_)


def _led(reference: Reference, source: FromClause, target: FromClause) -> ColumnElement[Any]:
    """The row of `source` refers, by `reference`, to that of `target`."""
    pairs = zip(reference.columns, reference.target_columns, strict=True)
    return sa.and_(*(column_of(source, a) == column_of(target, b) for a, b in pairs))


def _nowhere(source: FromClause, item: Loosened) -> dict[str, Any]:
    return {item.column: sa.null()} | {name: column_of(source, name) for name in item.kept}


Changing = TypeVar("Changing", sa.Delete, sa.Update)


def by_own_key(statement: Changing, dialect: Dialect, key: Sequence[Column]) -> Changing:
    """`statement`, of a table without an alias, on its rows whose own keys are handed over."""
    columns = [column_of(statement.table, column.name) for column in key]
    return statement.where(dialect.key_in(columns, key))
