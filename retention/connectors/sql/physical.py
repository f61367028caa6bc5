"""The physical order of a stored table's rows, for databases in which a row can be addressed by its place."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from retention.model.catalogue import TableId


@dataclass(frozen=True, kw_only=True)
class Size:
    """So many pages. `file` changes when the table is rewritten; `meaning`, too, when its columns are described anew,
    and when another server answers, or the same after a start.
    """

    pages: int
    file: str
    meaning: str


GONE = Size(pages=0, file="", meaning="")


@dataclass(frozen=True, kw_only=True)
class Since:
    """A moment. `at`: as the database counts changes; `meanings`: of each stored table then."""

    at: str
    meanings: Mapping[TableId, str]


class Physical(abc.ABC):
    """Ranges of a stored table's physical order, in pages."""

    @abc.abstractmethod
    def size(self, connection: Connection, table: TableId) -> Size:
        """What is stored now; `GONE` where the table is."""

    @abc.abstractmethod
    def since(self, connection: Connection, tables: Sequence[TableId]) -> Since:
        """A moment that is over."""

    @abc.abstractmethod
    def changed(self, source: FromClause, since: Since) -> ColumnElement[Any]:
        """Plain: the row may have been written since then, or has not been visible to everyone. A row of which it is
        not true is, while its table's `meaning` is the same, as every later statement has seen it.
        """

    @abc.abstractmethod
    def place(self, source: FromClause) -> ColumnElement[Any]:
        """A row's physical place."""

    @abc.abstractmethod
    def page(self, place: Any) -> int:
        """The page of a place that was read."""

    @abc.abstractmethod
    def inside(self, source: FromClause) -> ColumnElement[Any]:
        """The row lies in the range that `parameters` gives."""

    @abc.abstractmethod
    def parameters(self, start: int, end: int) -> Mapping[str, Any]:
        """Pages from `start` on and before `end`."""

    @abc.abstractmethod
    def at(self, source: FromClause, places: sa.Select[Any]) -> ColumnElement[Any]:
        """The row is at one of `places`, found by its place alone."""
