"""Conditions in SQL, parsed into our own tree. No text of them ever reaches a database.

sqlglot reads the text without any database's dialect. What its tree holds beyond the few
forms below is refused, down to every argument of a node: a flag that one does not know (it
spells `NOT LIKE` as LIKE with a flag) must never be dropped.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.errors import SqlglotError

from retention.config.reading.condition_refusals import FUNCTIONS, HOW, Node, refusal, unreadable
from retention.config.reading.findings import Unusable, printable, said, unusable
from retention.model.condition import (
    Boolean,
    CallTerm,
    Comparison,
    Condition,
    Conjunction,
    Disjunction,
    LiteralTerm,
    Membership,
    NameTerm,
    Negation,
    NullTest,
    Term,
    Truth,
)

MAX_LENGTH = 10_000
MAX_DEPTH = 50
MAX_DIGITS = 40

_COMPARISONS: dict[type, str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_IDENTIFIER = re.compile(r"[^\W\d][\w$]*")
_NUMBER = re.compile(r"\d+(\.\d*)?|\.\d+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MEANS_NOW = re.compile(r"\s*(now|today|tomorrow|yesterday)([\s\d:.+-]|allballs)*", re.IGNORECASE)
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?")


def parse_condition(text: str) -> Condition:
    """The condition that `text` means. Raises Unusable (a ValueError: "found; what to write").

    Accepted: comparisons of columns (`column`, `table.column`) with each other and with
    literals, IN and BETWEEN literals, LIKE, IS [NOT] NULL|TRUE|FALSE, boolean columns, AND, OR,
    NOT, parentheses, and lower, upper, trim, length, abs, coalesce. Double quotes make a name,
    always. NULL in any other place would be neither true nor false for ever, and is refused.
    """
    if not text.strip():
        raise unusable("is empty", HOW)
    if len(text) > MAX_LENGTH:
        raise unusable(
            f"is longer than {MAX_LENGTH:,} characters", "write a shorter condition, or a column for it"
        )
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs") and c not in "\t\r\n" for c in text):
        raise unusable("holds a control character or an invisible one", "write it without")
    try:
        _check_tokens(sqlglot.tokenize(text))
        tree = sqlglot.parse_one(text, into=exp.Condition)
        return Condition(tree=_boolean(tree), text=text.strip())
    except RecursionError:
        raise _too_deep() from None
    except SqlglotError as error:
        raise unreadable(text, error) from None


def _check_tokens(tokens: list[Any]) -> None:
    """Refuses what the parser would drop, and what it would go too deep for."""
    if not tokens:
        raise unusable("is nothing but a comment", HOW)
    open_, in_a_row = 0, 0
    for token in tokens:
        kind = token.token_type
        if token.comments or kind is TokenType.HINT:
            raise unusable("has a comment in it", "write comments above the key, after a #")
        if kind is TokenType.SEMICOLON:
            raise unusable("has a semicolon in it: more than a condition", "write the condition alone")
        open_ += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
        in_a_row = in_a_row + 1 if kind in (TokenType.NOT, TokenType.DASH) else 0
        if max(open_, in_a_row) > MAX_DEPTH:
            raise _too_deep()


def _too_deep() -> Unusable:
    return unusable("is nested too deeply", "write it flatter; IN (…) replaces a chain of OR")


def _boolean(node: Node, depth: int = 0) -> Boolean:
    if depth > MAX_DEPTH:
        raise _too_deep()
    node = _bare(node)
    if isinstance(node, (exp.And, exp.Or)):
        kind = type(node)
        items = tuple(_boolean(item, depth + 1) for item in _chain(node, kind))
        return Conjunction(items=items) if kind is exp.And else Disjunction(items=items)
    if isinstance(node, exp.Not):
        _only(node, "this")
        return Negation(item=_boolean(node.this, depth + 1))
    if isinstance(node, exp.Column):
        return Truth(item=_name(node))
    plain = _predicate(node)
    if plain is None:
        raise refusal(node, boolean=True)
    return Negation(item=plain) if node.args.get("negate") else plain


def _predicate(node: Node) -> Boolean | None:
    """The test that `node` is, without regard to its `negate` flag; None if it is none."""
    operator = _COMPARISONS.get(type(node))
    if operator is not None:
        _only(node, "this", "expression")
        return _comparison(operator, _term(node.this), _term(node.expression))
    if isinstance(node, exp.Like):
        _only(node, "this", "expression", "negate")
        pattern = _term(node.expression)
        if not isinstance(pattern, LiteralTerm) or not isinstance(pattern.value, str):
            raise unusable("LIKE compares with something else than a text", "write LIKE 'text%'")
        return _comparison("LIKE", _term(node.this), pattern)
    if isinstance(node, exp.Between):
        _only(node, "this", "low", "high", "negate")
        item = _term(node.this)
        low = _comparison(">=", item, _term(node.args["low"]))
        return Conjunction(items=(low, _comparison("<=", item, _term(node.args["high"]))))
    if isinstance(node, exp.In):
        return _membership(node)
    if isinstance(node, exp.Is):
        return _is(node)
    return None


def _comparison(operator: str, left: Term, right: Term) -> Comparison:
    for term in (left, right):
        if isinstance(term, LiteralTerm) and term.value is None:
            raise unusable("compares with NULL, which is never true", "write IS NULL or IS NOT NULL")
    _varies(left, right)
    for term, other in ((left, right), (right, left)):
        if isinstance(other, NameTerm):
            _check_literal(term)
    return Comparison(operator=operator, left=left, right=right)


def _varies(*terms: Term) -> None:
    """Refuses a test that names no column: it is the same for every record."""
    pending = list(terms)
    while pending:
        term = pending.pop()
        if isinstance(term, NameTerm):
            return
        if isinstance(term, CallTerm):
            pending.extend(term.arguments)
    raise unusable("has a comparison that names no column", "compare a column with something")


def _check_literal(term: Term) -> None:
    """Refuses texts that PostgreSQL reads as the current time where the column holds times."""
    if isinstance(term, LiteralTerm) and isinstance(term.value, str) and _MEANS_NOW.fullmatch(term.value):
        raise unusable(
            f"compares with {said(term.value)}, which may ask for the time",
            f"write DATE '2026-01-31'; "
            f"if the column holds text, lower(column) = '{term.value.strip().lower()}'",
        )


def _membership(node: exp.In) -> Membership:
    if node.args.get("query") is not None or node.args.get("unnest") is not None:
        raise unusable("has a subquery in it", "write the values: status IN ('paid', 'sent')")
    _only(node, "this", "expressions", "negate")
    values: list[LiteralTerm] = []
    for item in node.expressions:
        term = _term(item)
        if not isinstance(term, LiteralTerm):
            raise unusable(
                "has IN with something else than values", "write the values: status IN ('paid', 'sent')"
            )
        if term.value is None:
            raise unusable("has NULL in a list, which is never true", "write OR … IS NULL")
        values.append(term)
    if not values:
        raise unusable("has IN without values", "write the values: status IN ('paid', 'sent')")
    subject = _term(node.this)
    _varies(subject)
    if isinstance(subject, NameTerm):
        for value in values:
            _check_literal(value)
    return Membership(item=subject, values=tuple(values))


def _is(node: exp.Is) -> Boolean:
    """IS NULL; IS TRUE and IS FALSE, which are never unknown, spelt with tests for NULL."""
    _only(node, "this", "expression", "negate")
    wanted = _bare(node.expression)
    if isinstance(wanted, exp.Null):
        item = _term(node.this)
        _varies(item)
        return NullTest(item=item)
    if not isinstance(wanted, exp.Boolean):
        raise unusable(f"has IS with {said(wanted.sql())}", "write IS NULL, IS TRUE or IS FALSE, or use =")
    column = _bare(node.this)
    if not isinstance(column, exp.Column):
        raise unusable(
            "has IS TRUE or IS FALSE after something else than a column", "write it with AND, OR, IS NULL"
        )
    name = _name(column)
    truth: Boolean = Truth(item=name)
    if not wanted.this:
        truth = Negation(item=truth)
    return Conjunction(items=(truth, Negation(item=NullTest(item=name))))


def _term(node: Node, depth: int = 0) -> Term:
    if depth > MAX_DEPTH:
        raise _too_deep()
    node = _bare(node)
    if isinstance(node, exp.Column):
        return _name(node)
    if isinstance(node, exp.Null):
        return LiteralTerm(value=None)
    if isinstance(node, exp.Boolean):
        return LiteralTerm(value=bool(node.this))
    if isinstance(node, exp.Literal):
        return LiteralTerm(value=str(node.this) if node.is_string else _number(str(node.this)))
    if isinstance(node, exp.Neg):
        _only(node, "this")
        digits = _bare(node.this)
        if isinstance(digits, exp.Literal) and not digits.is_string:
            return LiteralTerm(value=-_number(str(digits.this)))
    if isinstance(node, exp.Cast) and type(node) is exp.Cast:
        return LiteralTerm(value=_moment(node))
    function = FUNCTIONS.get(type(node))
    if function is not None:
        _only(node, "this", "expressions")
        arguments = tuple(_term(a, depth + 1) for a in [node.this, *node.expressions])
        if any(isinstance(a, LiteralTerm) and a.value is None for a in arguments):
            raise unusable(f"calls {function} with NULL", "take the NULL out")
        return CallTerm(function=function, arguments=arguments)
    raise refusal(node, boolean=False)


def _name(node: exp.Column) -> NameTerm:
    if isinstance(node.this, exp.Star):
        raise unusable("has a * in it", "name the column")
    if node.args.get("db") is not None or node.args.get("catalog") is not None:
        raise unusable(f"has {said(node.sql())}: a name of more than two parts", "write table.column")
    _only(node, "this", "table")
    pieces = [part for part in (node.args.get("table"), node.this) if part is not None]
    for piece in pieces:
        if not isinstance(piece, exp.Identifier):
            raise unusable(f"has {said(piece.sql())} for a name", "write the column's name")
        if not piece.args.get("quoted") and _IDENTIFIER.fullmatch(piece.name) is None:
            raise unusable(
                f"has {said(piece.name)} for a name",
                "write the value itself; a name with such characters stands in double quotes",
            )
        if not piece.name:
            raise unusable(
                "has an empty name in double quotes", "text stands in single quotes: status = 'paid'"
            )
    return NameTerm(pieces=tuple(piece.name for piece in pieces))


def _number(text: str) -> int | Decimal:
    """Exact, never a float."""
    if _NUMBER.fullmatch(text) is None or len(text) > MAX_DIGITS:
        raise unusable(
            f"has the number {printable(text)}", "write it with digits and at most a decimal point"
        )
    number = int(text) if text.isdigit() else Decimal(text)
    if isinstance(number, int) and number >= 2**63:  # not every database takes a larger one
        raise unusable(f"has the number {printable(text)}", "write a whole number of 64 bits")
    return number


def _moment(node: exp.Cast) -> date | datetime:
    """DATE '2026-01-31' and TIMESTAMP '2026-01-31 12:00:00'; any other cast is refused."""
    _only(node, "this", "to")
    literal = node.this
    kind = node.to.this
    if not isinstance(literal, exp.Literal) or not literal.is_string:
        raise unusable("has a cast in it", "compare the column as it is")
    text = str(literal.this)
    try:
        if kind is exp.DataType.Type.DATE and _DATE.fullmatch(text):
            return date.fromisoformat(text)
        if kind is exp.DataType.Type.TIMESTAMP and _TIMESTAMP.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        raise unusable(
            f"has {said(text)}, which is no day of the calendar", "write DATE '2026-01-31'"
        ) from None
    raise unusable(
        f"has {said(text)} as a date or another type",
        "write DATE '2026-01-31' or TIMESTAMP '2026-01-31 12:00:00', without a zone",
    )


def _bare(node: Node) -> Node:
    """`node` without the parentheses around it."""
    while isinstance(node, exp.Paren):
        _only(node, "this")
        node = node.this
    return node


def _chain(node: Node, kind: type) -> list[Node]:
    """The items of `a AND b AND c`, which nests to the left, in order."""
    items: list[Node] = []
    pending: list[Node] = [node]
    while pending:
        item = _bare(pending.pop())
        same = type(item) is kind
        if same:
            _only(item, "this", "expression")
            pending += [item.expression, item.this]
        else:
            items.append(item)
    return items


def _only(node: Node, *known: str) -> None:
    """Refuses a node with an argument that this module does not know."""
    for name, value in node.args.items():
        if value and name not in known:
            raise unusable(f"has a form that is not supported: {said(node.sql())}", HOW)
