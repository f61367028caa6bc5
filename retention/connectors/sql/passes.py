"""All jobs on one dataset, counted in one pass over its records."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import quoted_name
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from retention.connectors.sql import once
from retention.connectors.sql.dialect import Dialect
from retention.connectors.sql.predicates import Compiler
from retention.connectors.sql.statements import Statements, column_of
from retention.model import predicate as p
from retention.model.catalogue import Table
from retention.model.lists import Lists
from retention.planning.work import Work

EVERY_ROW = "9223372036854775807"
"""A limit that cuts nothing off, and keeps databases from working a query into the one around it."""
LATE = " late"
MAY_BE_LATE = ("due", "referenced", "conflict")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is counted of one job beside its fates: a test of the records that are referenced."""

    job: int
    test: p.Test


class Pass:
    """The statements of one pass. `works`: jobs on one dataset, over the same root."""

    def __init__(self, dialect: Dialect, works: Sequence[Work]) -> None:
        self.works = tuple(works)
        self.first = Statements(dialect, works[0])
        self._dialect = dialect
        self.asked = tuple(
            Asked(job=i, test=test)
            for i, work in enumerate(works)
            for test in (*(item.test for item in work.referring), *_one(work.ringed))
        )
        self._numbers = once.Numbers(self.first.work.root)
        self._fates = self._look(
            *(x for w in works for x in (w.fate, *(w.late for label in MAY_BE_LATE if _has(w.fate, label))))
        )
        self._beside = self._look(*(item.test for item in self.asked), *(w.latest_day for w in works))
        self._layers = once.layers(self._numbers, Counter(self._fates.parts) + self._beside.parts)
        used = [column for part in self._numbers.parts.values() for column in part.columns]
        self._prefix = _prefix({*used, *self._fates.columns, *self._beside.columns, *self._joining})

    def told(self, lists: Lists) -> Pass:
        """The same with what people told."""
        made = copy.copy(self)
        made.first = Statements(self._dialect, replace(self.first.work, lists=lists))
        return made

    def counting(self, limits: Sequence[Any]) -> sa.Select[Any]:
        """(fate under each job, records, oldest day for each job, how many each of `asked` is true of)."""
        rows, before = self._labelled(limits)
        compiler = self.first.compiler.over(self.first.work.root, rows, before)
        labels = self._labels(rows)
        days = {work.latest_day: None for work in self.works}
        oldest = {day: sa.func.min(compiler.latest_day(day)) for day in days}
        true = [
            sa.func.sum(
                sa.case(
                    (sa.and_(_is(labels[item.job], "referenced"), compiler.test(item.test)), _literal("1"))
                )
            )
            for item in self.asked
        ]
        query = sa.select(*labels, sa.func.count(), *(oldest[w.latest_day] for w in self.works), *true)
        return query.select_from(rows).group_by(*labels)

    def parts(self, part: Table, limits: Sequence[Any]) -> sa.Select[Any]:
        """(fate under each job, rows of the part), of records that are due."""
        rows, _ = self._labelled(limits)
        labels = self._labels(rows)
        joined = self.first.with_part(part, rows)
        due = sa.or_(*(_is(label, "due") for label in labels))
        return sa.select(*labels, sa.func.count()).select_from(joined).where(due).group_by(*labels)

    @property
    def _joining(self) -> frozenset[str]:
        """Columns of the root by which parts are joined to it."""
        bound = self.first.work.bound
        references = [bound.chain(part.table.id)[-1] for part in bound.parts]
        return frozenset(name for reference in references for name in reference.target_columns)

    def _look(self, *nodes: Any) -> once.Below:
        return once.Below.of(self._numbers.add(node) for node in nodes)

    def _labels(self, rows: FromClause) -> list[ColumnElement[Any]]:
        return [column_of(rows, f"{self._prefix}fate{i}") for i in range(len(self.works))]

    def _labelled(self, limits: Sequence[Any]) -> tuple[FromClause, Any]:
        """Rows in place of the root's, which hold its fate under each job and what several tests share."""
        first, root = self.first, self.first.work.root
        where = [*limits, first.compiler.test(first.work.records), *first.key_known]
        rows: FromClause = first.root
        given: dict[int, str] = {}

        for layer in [*self._layers, None]:
            compiler = (
                first.compiler
                if rows is first.root
                else first.compiler.over(root, rows, _now(given, self._numbers, rows))
            )
            if layer is None:
                made = {f"{self._prefix}fate{i}": _label(compiler, work) for i, work in enumerate(self.works)}
                further = self._beside
                wanted = self._beside.columns | self._joining
            else:
                made = {f"{self._prefix}{n}": _worked(compiler, self._numbers.parts[n].node) for n in layer}
                further = once.Below.of((self._fates, self._beside))
                wanted = self._fates.columns | self._beside.columns | self._joining
            after = {**given, **{n: f"{self._prefix}{n}" for n in layer or ()}}
            read = once.read(self._numbers, further.parts, frozenset(after))
            kept = [name for number, name in given.items() if number in read.given]
            names = sorted({*wanted, *read.columns}) + kept
            query = sa.select(
                *(compiler.column(root, name) for name in names),
                *(expression.label(quoted_name(name, True)) for name, expression in made.items()),
            ).select_from(rows)
            query = query.where(*where).limit(_literal(EVERY_ROW))
            rows, where, given = query.subquery(root.alias), [], after
        return rows, _now(given, self._numbers, rows)


def _now(given: Mapping[int, str], numbers: once.Numbers, rows: FromClause) -> Any:
    """What tells the column of a part that `rows` hold."""
    names = dict(given)

    def before(node: Any) -> ColumnElement[Any] | None:
        number = numbers.of(node)
        name = names.get(number) if number is not None else None
        return None if name is None else column_of(rows, name)

    return before


def _worked(compiler: Compiler, node: Any) -> ColumnElement[Any]:
    if isinstance(node, p.Ending):
        return compiler.ending(node)
    return compiler.expression(node) if isinstance(node, p.Lookup) else compiler.test(node)


def _label(compiler: Compiler, work: Work) -> ColumnElement[Any]:
    """The record's fate, and whether it is late where that counts."""

    def said(label: str) -> ColumnElement[Any]:
        plain = _literal(f"'{label}'")
        if label not in MAY_BE_LATE:
            return plain
        return sa.case((compiler.test(work.late), _literal(f"'{label}{LATE}'")), else_=plain)

    whens = [(compiler.test(test), said(label)) for test, label in work.fate.cases]
    last = said(work.fate.otherwise)
    return sa.case(*whens, else_=last) if whens else last


def _is(label: ColumnElement[Any], fate: str) -> ColumnElement[Any]:
    return label.in_([_literal(f"'{fate}'"), _literal(f"'{fate}{LATE}'")])


def _has(choice: p.Choice, label: str) -> bool:
    return label == choice.otherwise or any(label == other for _, other in choice.cases)


def _literal(text: str) -> ColumnElement[Any]:
    return sa.literal_column(text)


def _one(test: p.Test | None) -> tuple[p.Test, ...]:
    return () if test is None else (test,)


def _prefix(names: set[str]) -> str:
    """What no column's name begins with."""
    prefix = "is"
    while any(name.casefold().startswith(prefix) for name in names):
        prefix += "_"
    return prefix
