"""What the statements of a job read beside the rows of its root."""

from __future__ import annotations

import copy
from collections.abc import Hashable
from typing import Any, Self

from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import FromClause

from retention.connectors.sql.predicates import Compiler
from retention.planning.work import Work


class Beside:
    """Statements, each over the root and what its rows lead to."""

    work: Work
    compiler: Compiler
    root: FromClause

    def looking(self, only: frozenset[Hashable] | None = None) -> Self:
        """The same for one statement, that takes its records from `rows`, or looks up `only` what is `beside`."""
        made = copy.copy(self)
        made.compiler = self.compiler.looking(self.work.root, only)
        return made

    @property
    def rows(self) -> FromClause:
        """The root's, with those that they lead to: to be asked for at last."""
        return self.compiler.joined(self.root)

    @property
    def rows_in_order(self) -> FromClause:
        """The same for a statement that orders them."""
        return self.compiler.joined(self.root, ordered=True)

    @property
    def beside(self) -> list[ColumnElement[Any]]:
        """Conditions by which rows that the root's lead to stand beside them, for statements without FROM; at last."""
        return self.compiler.beside()
