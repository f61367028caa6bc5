"""Whether a column can be set to NULL in a row that is about to go, by the CREATE TABLE of its table.

A CHECK passes where it is not false. What compares and reckons with NULL is unknown, and an unknown part makes
nothing false, by AND, OR and NOT, that was not false before: a CHECK in which the column stands in nothing else goes
on passing. One that asks for NULL itself may not, and what is computed from the column may be unique.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from retention.model.catalogue import Table

_SUSPECT = re.compile(r"\bCHECK\b|\bAS\s*\(", re.IGNORECASE)


def pinned(create: str, dialect: str, column: str) -> str:
    """Why not; "" where it can. `dialect`: sqlglot's name of it."""
    if not _SUSPECT.search(create):
        return ""
    for what, clause, mentions in _clauses(create, dialect, column.casefold()):
        if what == "CHECK" and _strict(clause, dialect, column.casefold(), mentions):
            continue
        short = clause if len(clause) <= 60 else f"{clause[:59]}…"
        return f"CHECK ({short}) might not hold then" if what == "CHECK" else f"({short}) is computed from it"
    return ""


def checks_of(create: str, dialect: str, columns: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """(clause in short, clause) of each CHECK that names one of the columns, each once."""
    if not _SUSPECT.search(create):
        return ()
    found: dict[str, str] = {}
    for column in columns:
        for what, clause, _ in _clauses(create, dialect, column.casefold()):
            if what == "CHECK":
                found[clause] = clause if len(clause) <= 60 else f"{clause[:59]}…"
    return tuple((short, clause) for clause, short in found.items())


def mentioned(sql: str, dialect: str, columns: Iterable[str]) -> frozenset[str]:
    """Those of the columns whose names stand in a statement, quoted or not."""
    import sqlglot

    words = {token.text.casefold() for token in sqlglot.tokenize(sql, read=dialect)}
    return frozenset(column for column in columns if column.casefold() in words)


def _clauses(create: str, dialect: str, column: str) -> Iterator[tuple[str, str, int]]:
    """CHECK or AS, the expression in its brackets, and how often it names the column, where it does."""
    import sqlglot
    from sqlglot import TokenType

    tokens = sqlglot.tokenize(create, read=dialect)
    for at, token in enumerate(tokens[:-1]):
        if token.text.upper() not in ("CHECK", "AS") or tokens[at + 1].token_type is not TokenType.L_PAREN:
            continue
        depth, mentions = 0, 0
        for inner in tokens[at + 1 :]:
            depth += (inner.token_type is TokenType.L_PAREN) - (inner.token_type is TokenType.R_PAREN)
            mentions += inner.token_type is not TokenType.STRING and inner.text.casefold() == column
            if not depth:
                if mentions:
                    yield token.text.upper(), create[tokens[at + 1].end + 1 : inner.start].strip(), mentions
                break


def _strict(clause: str, dialect: str, column: str, mentions: int) -> bool:
    """Each mention of the column stands in nothing but comparisons, reckoning, AND, OR and NOT."""
    import sqlglot
    from sqlglot import exp

    strict: tuple[type[Any], ...] = (
        exp.EQ,
        exp.NEQ,
        exp.GT,
        exp.GTE,
        exp.LT,
        exp.LTE,
        exp.Between,
        exp.In,
        exp.Like,
    )
    strict += (exp.And, exp.Or, exp.Not, exp.Paren, exp.Add, exp.Sub, exp.Mul, exp.Neg)
    try:
        tree = sqlglot.parse_one(clause, read=dialect)
    except sqlglot.errors.SqlglotError:
        return False
    found = [c for c in tree.find_all(exp.Column) if c.name.casefold() == column]

    def plain(node: Any) -> bool:
        while (node := node.parent) is not None:
            if not isinstance(node, strict):
                return False
        return True

    return len(found) == mentions and all(map(plain, found))


def with_pins(
    table: Table,
    create: str,
    dialect: str,
    names: Iterable[str],
    *,
    mine: Callable[[str], str] = lambda name: "",
) -> Table:
    """The table with what holds those of its columns as they are. `mine`: what else does, for want of that."""
    columns = dict(table.columns)
    for name in set(names) & columns.keys():
        columns[name] = replace(columns[name], pinned=pinned(create, dialect, name) or mine(name))
    return replace(table, columns=columns)
