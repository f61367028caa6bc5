"""All jobs on one dataset, counted in one pass over its records."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql import quoted_name
from sqlalchemy.sql.elements import ColumnElement, Grouping
from sqlalchemy.sql.selectable import FromClause

from retention.connectors.port import Key
from retention.connectors.sql import once
from retention.connectors.sql.batches.statements import Statements, column_of
from retention.connectors.sql.batches.updating_parts import by_table
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.layers import held, unlike, worked
from retention.connectors.sql.named import EVERY_ROW, parameter
from retention.connectors.sql.predicates import Compiler
from retention.connectors.sql.ranges import NONE_KNOWN, Lying
from retention.model import predicate as p
from retention.model.catalogue import Kind, Table
from retention.model.lists import Lists
from retention.planning.fates.chains import action_of
from retention.planning.fates.columns import PartRewrite, Rewrite
from retention.planning.work import Work

LATE = " late"


def may_be_late(label: str) -> bool:
    """Whether it is counted how many of these records are overdue."""
    return label in ("referenced", "conflict") or action_of(label) is not None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is counted of one job beside its fates: a test of the records that are referenced."""

    job: int
    test: p.Test


@dataclass(frozen=True, kw_only=True)
class Rewriting:
    """What is counted of one job beside its fates, of records that are rewritten: rows of `items`' part in which one
    of these columns has to be; without a part, the records in whose own row none has.
    """

    job: int
    items: tuple[Rewrite, ...]
    part: Table | None = None

    @property
    def tests(self) -> tuple[p.Test, ...]:
        """Those over the root."""
        return tuple(item.free if isinstance(item, PartRewrite) else item.open for item in self.items)


def rewriting(works: Sequence[Work]) -> Iterator[Rewriting]:
    """What is counted of jobs that rewrite rows of parts."""
    for job, work in enumerate(works):
        if work.part_rewrites and work.marker_of_rewriting is None:
            yield Rewriting(job=job, items=work.rewrites)
        for items in by_table(work):
            yield Rewriting(job=job, items=items, part=items[0].table)


@dataclass(frozen=True, kw_only=True)
class Between:
    """Records whose keys lie behind `after`, up to `upto`; None is open. `but`: some that are left out.

    `most`: no more than the first so many, of which the last key is counted with them; for `Pass.in_order`.
    """

    after: Key | None = None
    upto: Key | None = None
    but: Lying = NONE_KNOWN
    most: int | None = None

    @property
    def shape(self) -> object:
        """The same for all that one statement can look at."""
        return self.after is None, self.upto is None, bool(self.but.every), self.most

    def values(self, first: Statements) -> dict[str, Any]:
        """The statement's parameters."""
        ends = {"after": self.after or (), "upto": self.upto or ()}
        found = {f"{end}{i}": value for end, values in ends.items() for i, value in enumerate(values)}
        if self.but.every:
            found |= first.dialect.handed(first.key, self.but.between(self.after, self.upto), "but")
        return found

    def limits(self, first: Statements) -> list[ColumnElement[Any]]:
        """The statement's conditions."""
        columns, dialect = first.key_columns, first.dialect
        found = []
        if self.after is not None:
            found.append(dialect.beyond(columns, [parameter(f"after{i}") for i in range(len(columns))]))
        if self.upto is not None:
            found.append(dialect.up_to(columns, [parameter(f"upto{i}") for i in range(len(columns))]))
        if self.but.every:
            found.append(Grouping(dialect.among_handed(columns, first.key, "but")).is_not(sa.true()))
        return found


@dataclass(frozen=True, kw_only=True)
class Those:
    """Records that have one of these keys."""

    keys: Sequence[Key]
    beside: Mapping[str, Any] = field(default_factory=dict)
    shape: object = "keys"
    most: None = None

    def values(self, first: Statements) -> dict[str, Any]:
        """The statement's parameters; `beside` are others."""
        return {**first.dialect.handed(first.key, self.keys, "those"), **self.beside}

    def limits(self, first: Statements) -> list[ColumnElement[Any]]:
        """The statement's conditions."""
        return [first.dialect.among_handed(first.key_columns, first.key, "those")]


class Pass:
    """The statements of one pass. `works`: jobs on one dataset, over the same root."""

    def __init__(self, dialect: Dialect, works: Sequence[Work], numbers: once.Numbers | None = None) -> None:
        """`numbers`: of a pass that has looked at these works already."""
        self.works = tuple(works)
        self.first = Statements(dialect, works[0])
        self._dialect = dialect
        self._made: dict[object, sa.Select[Any]] = {}
        self.asked = tuple(
            Asked(job=i, test=test)
            for i, work in enumerate(works)
            for test in (*(item.test for item in work.referring), *_one(work.ringed))
        )
        root = self.first.work.root
        joins = self.first.compiler.joins(root)
        self.numbers = once.Numbers(root, joins, definitions=len(works) > 1) if numbers is None else numbers
        self._fates = self._look(*(x for w in works for x in (w.fate, *self._lates(w))))
        self.rewriting = tuple(rewriting(works))
        shown = [(w.latest_day.own, w.latest_day.related) for w in works]  # not the day itself: that is exact
        rewritten = [test for item in self.rewriting for test in item.tests]
        self._beside = self._look(*(item.test for item in self.asked), *rewritten, *shown)
        self.nodes = (*(w.fate for w in works), *(item.test for item in self.asked), *rewritten)
        self._apart = once.asks(self.nodes)
        self._layers = once.layers(self.numbers, Counter(self._fates.parts) + Counter(self._beside.parts))
        used = [column for part in self.numbers.parts.values() for column in part.columns]
        self._used = {*used, *self._fates.columns, *self._beside.columns, *self._joining, *self._key}
        self._prefix = unlike(self._used)

    @staticmethod
    def _lates(work: Work) -> Sequence[p.Test]:
        """Lateness as often as it is written down: of each row one label is told, which asks for it once at most."""
        labels = [label for label in _labels_of(work.fate) if may_be_late(label)]
        return [work.late] * (1 if short(work.late) else len(labels)) if labels else []

    @property
    def _key(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.first.key)

    @property
    def in_order(self) -> bool:
        """Records can be counted from one key on, as many as are wanted at once: reading them tells where to go on.

        Not where a `where` leaves rows out, of which a range could hold any number; nor by keys whose greatest not
        every database can tell, or that may be of several types.
        """
        key, records = self.first.key, self.first.work.records
        every = isinstance(records, p.All) and not records.items
        return self._dialect.typed and every and len(key) == 1 and key[0].kind is Kind.INTEGER

    @property
    def followed(self) -> bool:
        """References are followed to their end: the names of what that makes are those of one job."""
        return self.numbers.followed

    def told(self, lists: Lists) -> Pass:
        """The same with what people told."""
        made = copy.copy(self)
        made._made = {}
        made.first = Statements(self._dialect, replace(self.first.work, lists=lists))
        return made

    def count(self, connection: Connection, where: Between | Those) -> Sequence[sa.Row[Any]]:
        """What `counting` finds."""
        return self._found(connection, "", where, lambda limits: self.counting(limits, where.most))

    def count_part(
        self, connection: Connection, part: Table, where: Between | Those
    ) -> Sequence[sa.Row[Any]]:
        """What `parts` finds."""
        return self._found(connection, str(part.id), where, lambda limits: self.parts(part, limits))

    def _found(
        self,
        connection: Connection,
        what: str,
        where: Between | Those,
        query: Callable[[Sequence[Any]], sa.Select[Any]],
    ) -> Sequence[sa.Row[Any]]:
        """Every range asks the same: making the statement takes longer than many a range."""
        known = what, where.shape
        if known not in self._made:
            self._made[known] = query(where.limits(self.first))
        return connection.execute(self._made[known], where.values(self.first)).all()

    def counting(self, limits: Sequence[Any], most: int | None = None) -> sa.Select[Any]:
        """(fate under each job, records, oldest due day for each job, how many each of `asked` is true of, rows of
        each of `beside` that belong to records that go, what each of `rewriting` says). With `most`, of the first so
        many, and the greatest key last.
        """
        rows, before = self._labelled(limits, most)
        compiler = self.first.compiler.over(self.first.work.root, rows, before)
        labels = self._labels(rows)
        oldest = [
            sa.func.min(sa.case((_is(label, *work.labels), compiler.latest_day(work.latest_day))))
            for label, work in zip(labels, self.works, strict=True)
        ]
        true = [
            sa.func.sum(
                sa.case(
                    (sa.and_(_is(labels[item.job], "referenced"), compiler.test(item.test)), _literal("1"))
                )
            )
            for item in self.asked
        ]
        due = self._taking(labels)
        parts = [
            sa.func.sum(sa.case((due, self.first.rows_of_part(part, rows).scalar_subquery())))
            for part in self.beside
        ]
        made = [self._rewritten(item, labels[item.job], compiler, rows) for item in self.rewriting]
        last = [] if most is None else [sa.func.max(column_of(rows, name)) for name in self._key]
        query = sa.select(*labels, sa.func.count(), *oldest, *true, *parts, *made, *last)
        return compiler.behind(query.select_from(rows).group_by(*labels))

    def _first_of(self, where: Sequence[Any], most: int) -> FromClause:
        """The first so many of the root's rows, by their key."""
        names = sorted(self._used)
        columns = (self.first.column(name).label(quoted_name(name, True)) for name in names)
        query = sa.select(*columns).select_from(self.first.root).where(*where)
        query = query.order_by(*self.first.key_columns).limit(_literal(str(most)))
        return query.subquery(self.first.work.root.alias)

    def _rewritten(
        self, item: Rewriting, label: ColumnElement[Any], compiler: Compiler, rows: FromClause
    ) -> ColumnElement[Any]:
        due = _is(label, *(self.works[item.job].rewriting or ("due",)))
        if item.part is None:
            opens = [compiler.test(test) for test in item.tests]
            any_one = (
                sa.case((sa.or_(*opens), _literal("0")), else_=_literal("1")) if opens else _literal("1")
            )
            return sa.func.sum(sa.case((due, any_one)))
        columns = [each for each in item.items if isinstance(each, PartRewrite)]
        source = compiler.source(columns[0].source)
        opens = [sa.and_(compiler.test(each.free), compiler.test(each.undone)) for each in columns]
        found = self.first.rows_of_part(item.part, rows, source).where(sa.or_(*opens))
        return sa.func.sum(sa.case((due, found.scalar_subquery())))

    def parts(self, part: Table, limits: Sequence[Any]) -> sa.Select[Any]:
        """(fate under each job, rows of the part), of records that are due."""
        rows, _ = self._labelled(limits)
        labels = self._labels(rows)
        joined = self.first.with_part(part, rows)
        query = sa.select(*labels, sa.func.count()).select_from(joined).where(self._taking(labels))
        return self.first.compiler.behind(query.group_by(*labels))

    def _taking(self, labels: Sequence[ColumnElement[Any]]) -> ColumnElement[Any]:
        """The record leaves its tables by some job, with its parts."""
        pairs = zip(labels, self.works, strict=True)
        return sa.or_(*(_is(label, *(work.taking or ("due",))) for label, work in pairs))

    @property
    def beside(self) -> tuple[Table, ...]:
        """Parts whose rows are counted with the records: an index leads from each record to them."""
        bound = self.first.work.bound
        found = (part.table for part in bound.parts if all(r.indexed for r in bound.chain(part.table.id)))
        return tuple(found)

    @property
    def apart(self) -> tuple[Table, ...]:
        """The other parts: each is read as a whole, in a statement of its own."""
        beside = {part.id for part in self.beside}
        return tuple(p.table for p in self.first.work.bound.parts if p.table.id not in beside)

    @property
    def _joining(self) -> frozenset[str]:
        """Columns of the root by which parts are joined to it."""
        bound = self.first.work.bound
        references = [bound.chain(part.table.id)[-1] for part in bound.parts]
        return frozenset(name for reference in references for name in reference.target_columns)

    def _look(self, *nodes: Any) -> once.Below:
        return once.Below.of(self.numbers.add(node) for node in nodes)

    def _labels(self, rows: FromClause) -> list[ColumnElement[Any]]:
        return [column_of(rows, f"{self._prefix}fate{i}") for i in range(len(self.works))]

    def _labelled(self, limits: Sequence[Any], most: int | None = None) -> tuple[FromClause, Any]:
        """Rows in place of the root's, which hold its fate under each job and what several tests share."""
        keys = frozenset[str]() if most is None else frozenset(self._key)
        first, root = self.first, self.first.work.root
        where = [*limits, first.compiler.test(first.work.records), *first.key_known]
        rows: FromClause = first.root
        given: dict[int, str] = {}
        if most is not None and self.numbers.joined:  # first so many, and then what they lead to
            rows, where, most = self._first_of(where, most), [], None

        for layer in [*self._layers, None]:
            compiler = (
                first.compiler
                if rows is first.root
                else first.compiler.over(root, rows, held(given, self.numbers, rows))
            ).looking(root)
            if layer is None:
                made = {f"{self._prefix}fate{i}": _label(compiler, work) for i, work in enumerate(self.works)}
                further = self._beside
                wanted = self._beside.columns | self._joining | keys
            else:
                made = {f"{self._prefix}{n}": worked(compiler, self.numbers.parts[n].node) for n in layer}
                further = once.Below.of((self._fates, self._beside))
                wanted = self._fates.columns | self._beside.columns | self._joining | keys
            after = {**given, **{n: f"{self._prefix}{n}" for n in layer or ()}}
            read = once.read(self.numbers, further.parts, frozenset(after))
            kept = [name for number, name in given.items() if number in read.given]
            names = sorted({*wanted, *read.columns}) + kept
            query = sa.select(
                *(compiler.column(root, name) for name in names),
                *(expression.label(quoted_name(name, True)) for name, expression in made.items()),
            ).select_from(compiler.joined(rows))
            query = query.where(*where)
            if rows is first.root and most is not None:
                query = query.order_by(*first.key_columns).limit(_literal(str(most)))
            else:
                query = query.limit(_literal(EVERY_ROW))
            rows, where, given = compiler.placed(query, root.alias, apart=self._apart), [], after
        return rows, held(given, self.numbers, rows)


def _label(compiler: Compiler, work: Work) -> ColumnElement[Any]:
    """The record's fate, and whether it is late where that counts."""

    def said(label: str) -> ColumnElement[Any]:
        plain = _literal(f"'{label}'")
        if not may_be_late(label):
            return plain
        return sa.case((compiler.test(work.late), _literal(f"'{label}{LATE}'")), else_=plain)

    whens = [(compiler.test(test), said(label)) for test, label in work.fate.cases]
    last = said(work.fate.otherwise)
    return sa.case(*whens, else_=last) if whens else last


def _is(label: ColumnElement[Any], *fates: str) -> ColumnElement[Any]:
    return label.in_([_literal(f"'{fate}{late}'") for fate in fates for late in ("", LATE)])


def _labels_of(choice: p.Choice) -> list[str]:
    """Every label that it can give, each once."""
    return list(dict.fromkeys([*(label for _, label in choice.cases), choice.otherwise]))


def _literal(text: str) -> ColumnElement[Any]:
    return sa.literal_column(text)


def _one(test: p.Test | None) -> tuple[p.Test, ...]:
    return () if test is None else (test,)


SHORT = 4
"""Dates that a test compares, at most, that may be written down again wherever it is asked for."""


def short(test: p.Test) -> bool:
    """The test is about few dates of the row itself, and nothing else."""
    dates = _dates(test)
    return dates is not None and dates <= SHORT


def _dates(test: p.Test) -> int | None:
    """How many dates it compares; None where it asks for anything else."""
    match test:
        case p.Dated():
            return 1
        case p.All(items=items) | p.AnyOf(items=items):
            found = [_dates(item) for item in items]
            return None if None in found else sum(each or 0 for each in found)
    return None
