"""ISO 8601 in texts, for databases that look at a text by a regular expression before they cast it.

Read as `iso_text` reads it on SQLite, value for value.
"""

from __future__ import annotations

import abc
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement, Grouping

from retention.connectors.sql.dialect import Dialect, Reading
from retention.connectors.sql.lines import DAY, ISO, expression
from retention.connectors.sql.predicates import bound, comparable
from retention.connectors.sql.sqlite.iso_text import days_on
from retention.model import predicate as p
from retention.model.catalogue import Kind


class TextClocks(Dialect):
    """What follows from a regular expression, a column as a text, and a readable text before a line."""

    @abc.abstractmethod
    def _plain(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """The column as a text."""

    @abc.abstractmethod
    def _found(self, text: ColumnElement[Any], pattern: str) -> ColumnElement[Any]:
        """The regular expression is found in the text."""

    @abc.abstractmethod
    def _before(self, text: ColumnElement[Any], line: p.Line) -> ColumnElement[Any]:
        """Readable ISO text lies before `line`: a day by its day, a wall-clock time as text, an offset as instant."""

    def dated_text(
        self, column: ColumnElement[Any], state: p.State, floor: p.Line, cutoff: p.Line
    ) -> ColumnElement[Any]:
        text = self._plain(column)
        match state:
            case p.State.PAST:
                after_floor = sa.not_(Grouping(self._before(text, floor)))
                told: ColumnElement[Any] = sa.and_(after_floor, Grouping(self._before(text, cutoff)))
            case p.State.RECENT:
                told = sa.not_(Grouping(self._before(text, cutoff)))
            case _:
                told = Grouping(self._before(text, floor))
        unreadable = sa.true() if state is p.State.UNCLEAR else sa.false()
        return sa.and_(column.is_not(sa.null()), sa.case((self._found(text, ISO), told), else_=unreadable))

    def reaches(self, column: ColumnElement[Any], kind: Kind, cutoff: p.Line) -> ColumnElement[Any]:
        if kind is Kind.TEXT:
            # A text with an offset can name an instant before the cutoff and yet a later day.
            return column < bound(days_on(cutoff.day, 2))
        return column < bound(comparable(kind, cutoff))

    def text(self, column: ColumnElement[Any], field: p.Field) -> Reading:
        return None, self._plain(column)

    def matches(self, text: ColumnElement[Any], shape: str) -> ColumnElement[Any]:
        return self._found(text, expression(shape))

    def is_day(self, text: ColumnElement[Any]) -> ColumnElement[Any]:
        return self._found(text, f"^{DAY}$")
