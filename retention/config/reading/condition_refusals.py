"""Why something can't stand in a condition, in the operator's words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from sqlglot import exp
from sqlglot.errors import SqlglotError

from retention.config.reading.findings import Unusable, said, unusable

Node: TypeAlias = Any
"""A node of sqlglot's tree, whose base class has another name in every few versions."""

HOW = "write a comparison such as status = 'paid', joined by AND, OR, NOT"

FUNCTIONS: dict[type, str] = {
    exp.Lower: "lower",
    exp.Upper: "upper",
    exp.Trim: "trim",
    exp.Length: "length",
    exp.Abs: "abs",
    exp.Coalesce: "coalesce",
}
"""The functions that a condition may call: without side effects, and without a clock."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CLOCKS = _words(
    "now current_date current_time current_timestamp current_datetime localtime localtimestamp getdate "
    "sysdate sysdatetime curdate curtime utc_date utc_time utc_timestamp unix_timestamp today "
    "clock_timestamp statement_timestamp transaction_timestamp timeofday julianday strftime age"
)
_STATEMENTS = _words(
    "select insert update delete drop alter create truncate with union intersect except values grant merge "
    "replace begin commit call exec execute copy attach pragma where"
)


def unreadable(text: str, error: SqlglotError) -> Unusable:
    """Why sqlglot could not read `text`."""
    words = [w.lower() for w in re.findall(r"[A-Za-z_]+", re.sub(r"'[^']*'|\"[^\"]*\"", "", text))]
    if _STATEMENTS & set(words[:1]) or {"select", "union", "limit", "group", "order"} & set(words):
        return unusable("is a statement or a part of one, not a condition", HOW)
    details = getattr(error, "errors", None) or [{}]
    near = str(details[0].get("highlight") or "").strip()
    where = f" near {said(near)}" if near else ""
    hint = "check quotes and parentheses; text stands in single quotes: status = 'paid'"
    return unusable(f"cannot be read as a condition{where}", hint)


def refusal(node: Node, *, boolean: bool) -> Unusable:
    """Why `node` can't stand in a condition, in the operator's words."""
    kinds: tuple[tuple[Callable[[Node], bool], str, str], ...] = (
        (_asks_for_the_time, "asks for the time", "a condition may not; the rule's `keep` and `from` do"),
        (_of_a_list, "has ANY or ALL in it", "write a list as IN (1, 2)"),
        (_is_a(exp.Query, exp.Subquery, exp.Exists, exp.Any, exp.All), "has a subquery in it", "use columns"),
        (
            _is_a(exp.Placeholder, exp.Parameter, exp.SessionParameter),
            "has a placeholder in it",
            "write the value",
        ),
        (_is_a(exp.Window), "has a window function in it", "use columns of the record"),
        (_is_a(exp.AggFunc), "has an aggregate in it", "use columns of the record"),
        (_is_a(exp.Case, exp.If), "has CASE or IF in it", "write it with AND and OR"),
        (_is_a(exp.Cast), "has a cast in it", "compare the column as it is"),
        (_is_a(exp.Star), "has a * in it", "name the columns"),
        (
            _is_a(exp.Array, exp.Bracket, exp.Struct),
            "has brackets or braces in it",
            'write a list as IN (1, 2), and a name that needs it in double quotes: "order"',
        ),
        (
            _is_a(exp.Escape),
            "has LIKE with ESCAPE in it, which is not supported yet",
            "write LIKE without it",
        ),
        (_is_a(exp.Dot), "has a name of more than two parts", "write table.column"),
        (
            _is_a(exp.NullSafeEQ, exp.NullSafeNEQ),
            "has IS DISTINCT FROM in it",
            "write it with =, <> and IS NULL",
        ),
        (_is_a(exp.SimilarTo, exp.RegexpLike), "has a pattern that is not LIKE", "write LIKE 'text%'"),
        (_is_a(exp.ILike), "has ILIKE in it", "write lower(column) LIKE 'text%'"),
        (_is_a(exp.Literal, exp.Boolean, exp.Null), "has a value where a test should be", HOW),
    )
    for matches, found, write in kinds:
        if matches(node):
            return unusable(found, write)
    if isinstance(node, exp.Func) and not isinstance(node, exp.Connector):
        called = _called(node)
        if boolean and type(node) in FUNCTIONS:
            return unusable(f"has {called}(…) where a test should be", f"compare it: {called}(…) = …")
        return unusable(
            f"calls the function {said(called)}", "use none but lower, upper, trim, length, abs, coalesce"
        )
    if not boolean and isinstance(node, (exp.Connector, exp.Not, exp.Predicate)):
        return unusable("has a test where a value should be", "join tests by AND and OR")
    if isinstance(node, (exp.Binary, exp.Unary)):
        return unusable(f"calculates: {said(node.sql())}", "compare the column as it is with a value")
    return unusable(f"has a form that is not supported: {said(node.sql())}", HOW)


def _is_a(*kinds: type) -> Callable[[Node], bool]:
    return lambda node: isinstance(node, kinds)


def _of_a_list(node: Node) -> bool:
    """`= ANY (…)` of what is no query."""
    inner = node.this.unnest() if isinstance(node, exp.Any | exp.All) else None
    return inner is not None and not isinstance(inner, exp.Query)


def _called(node: Node) -> str:
    """The name of a function's call, in lower case."""
    return str(node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()


def _asks_for_the_time(node: Node) -> bool:
    return isinstance(node, exp.Func) and _called(node) in _CLOCKS
