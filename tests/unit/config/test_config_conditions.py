"""Which conditions are accepted, what they mean, and why the others are not."""

from __future__ import annotations

import contextlib
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.config.reading.conditions import parse_condition
from retention.config.reading.findings import Unusable
from retention.model.condition import (
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
    Truth,
)


def name(*pieces):
    return NameTerm(pieces=pieces)


def value(of):
    return LiteralTerm(value=of)


def compared(operator, left, right):
    return Comparison(operator=operator, left=left, right=right)


A, B, C = name("a"), name("b"), name("c")
IS_TRUE = Conjunction(items=(Truth(item=A), Negation(item=NullTest(item=A))))
IS_FALSE = Conjunction(items=(Negation(item=Truth(item=A)), Negation(item=NullTest(item=A))))
BETWEEN = Conjunction(items=(compared(">=", A, value(1)), compared("<=", A, value(2))))

ACCEPTED = [
    ("a = 1", compared("=", A, value(1))),
    ("a == 1", compared("=", A, value(1))),
    ("a <> 1", compared("<>", A, value(1))),
    ("a != 1", compared("<>", A, value(1))),
    ("a < b", compared("<", A, B)),
    ("1 <= a", compared("<=", value(1), A)),
    ("a > -1", compared(">", A, value(-1))),
    ("a >= 0.10", compared(">=", A, value(Decimal("0.10")))),
    ("a = 12345678901234567890.123", compared("=", A, value(Decimal("12345678901234567890.123")))),
    ("a = 'it''s'", compared("=", A, value("it's"))),
    (r"a = 'back\slash'", compared("=", A, value(r"back\slash"))),
    ("a = '-- no comment; /* none */'", compared("=", A, value("-- no comment; /* none */"))),
    ("a = ''", compared("=", A, value(""))),
    ("a = TRUE", compared("=", A, value(True))),
    ("a = DATE '2020-02-29'", compared("=", A, value(date(2020, 2, 29)))),
    ("a < TIMESTAMP '2020-02-29 12:30:00'", compared("<", A, value(datetime(2020, 2, 29, 12, 30)))),
    ("a LIKE 'x%'", compared("LIKE", A, value("x%"))),
    ("a NOT LIKE 'x%'", Negation(item=compared("LIKE", A, value("x%")))),
    ("NOT a LIKE 'x%'", Negation(item=compared("LIKE", A, value("x%")))),
    ("a IN (1, 'x')", Membership(item=A, values=(value(1), value("x")))),
    ("a NOT IN (1)", Negation(item=Membership(item=A, values=(value(1),)))),
    ("a BETWEEN 1 AND 2", BETWEEN),
    ("a NOT BETWEEN 1 AND 2", Negation(item=BETWEEN)),
    ("a IS NULL", NullTest(item=A)),
    ("a IS NOT NULL", Negation(item=NullTest(item=A))),
    ("NOT a IS NULL", Negation(item=NullTest(item=A))),
    ("lower(a) IS NULL", NullTest(item=CallTerm(function="lower", arguments=(A,)))),
    ("a", Truth(item=A)),
    ("NOT a", Negation(item=Truth(item=A))),
    ("NOT NOT a", Negation(item=Negation(item=Truth(item=A)))),
    ("a IS TRUE", IS_TRUE),
    ("a IS NOT TRUE", Negation(item=IS_TRUE)),
    ("a IS FALSE", IS_FALSE),
    ("a IS NOT FALSE", Negation(item=IS_FALSE)),
    ("a AND b AND c", Conjunction(items=(Truth(item=A), Truth(item=B), Truth(item=C)))),
    (
        "a OR b AND c",
        Disjunction(items=(Truth(item=A), Conjunction(items=(Truth(item=B), Truth(item=C))))),
    ),
    (
        "(a OR b) AND c",
        Conjunction(items=(Disjunction(items=(Truth(item=A), Truth(item=B))), Truth(item=C))),
    ),
    ("NOT a = 1 AND b", Conjunction(items=(Negation(item=compared("=", A, value(1))), Truth(item=B)))),
    ("a\n  =\t1", compared("=", A, value(1))),
    ("t.a = 1", compared("=", name("t", "a"), value(1))),
    ('"T"."A b" = 1', compared("=", name("T", "A b"), value(1))),
    ('"my.table"."say ""hi""" = 1', compared("=", name("my.table", 'say "hi"'), value(1))),
    ('"misspelt" = \'x\'', compared("=", name("misspelt"), value("x"))),
    ("Status = 'x'", compared("=", name("Status"), value("x"))),
    ("größe = 'ü'", compared("=", name("größe"), value("ü"))),
    ("comment = 'x'", compared("=", name("comment"), value("x"))),
    ("order = 1", compared("=", name("order"), value(1))),
    ("update = 1", compared("=", name("update"), value(1))),
    ("a = \"select\"", compared("=", A, name("select"))),
    (
        "coalesce(trim(a), 'x') = 'x'",
        compared(
            "=",
            CallTerm(
                function="coalesce", arguments=(CallTerm(function="trim", arguments=(A,)), value("x"))
            ),
            value("x"),
        ),
    ),
    ("lower(a) = 'today'", compared("=", CallTerm(function="lower", arguments=(A,)), value("today"))),
    ("length(a) > abs(b)", compared(
        ">", CallTerm(function="length", arguments=(A,)), CallTerm(function="abs", arguments=(B,))
    )),
]  # fmt: skip

REFUSED = [
    ("", "empty"),
    ("   ", "empty"),
    ("-- a = 1", "comment"),
    ("a = 1 -- b", "comment"),
    ("/* b */ a = 1", "comment"),
    ("a /* b */ = 1", "comment"),
    ("a = 1;", "semicolon"),
    ("a = 1; DELETE FROM orders", "semicolon"),
    ("SELECT 1", "statement"),
    ("DELETE FROM orders", "statement"),
    ("a = 1 UNION SELECT 2", "statement"),
    ("a = 1 LIMIT 1", "statement"),
    ("a = 1 ORDER BY b", "statement"),
    ("WHERE a = 1", "statement"),
    ("a IN (SELECT b FROM c)", "subquery"),
    ("EXISTS (SELECT 1)", "subquery"),
    ("a = (SELECT 1)", "subquery"),
    ("a = ALL (SELECT 1)", "subquery"),
    ("a = ANY('{b}')", "ANY or ALL"),
    ("a = ?", "placeholder"),
    ("a = :b", "placeholder"),
    ("a = @b", "placeholder"),
    ("a = $1", "$1"),
    ("a = %s", "cannot be read"),
    ("a = %(b)s", ""),
    ("CASE WHEN a THEN b END", "CASE"),
    ("if(a, b, c) = 1", "CASE"),
    ("CAST(a AS date) = DATE '2020-01-01'", "cast"),
    ("a::date = DATE '2020-01-01'", "cast"),
    ("a = CAST('x' AS text)", "as a date"),
    ("a = DATE '2020-02-30'", "calendar"),
    ("a = DATE 'today'", "as a date"),
    ("a = TIMESTAMP 'now'", "as a date"),
    ("a = TIMESTAMP '2020-01-01 00:00:00+01:00'", "without a zone"),
    ("a < now()", "asks for the time"),
    ("a < NOW()", "asks for the time"),
    ("a < CURRENT_DATE", "asks for the time"),
    ("a < current_timestamp", "asks for the time"),
    ("a < localtimestamp", "asks for the time"),
    ("a < getdate()", "asks for the time"),
    ("a < 'now'", "may ask for the time"),
    ("a = ' Today 00:00'", "may ask for the time"),
    ("a IN ('yesterday')", "may ask for the time"),
    ("a BETWEEN '2020-01-01' AND 'today'", "may ask for the time"),
    ("a < date('now')", '"date"'),
    ("a > INTERVAL '1 day'", "not supported"),
    ("count(*) = 1", "aggregate"),
    ("sum(a) > 1", "aggregate"),
    ("row_number() OVER () = 1", "window"),
    ("pg_sleep(10)", "pg_sleep"),
    ("pg_sleep(10) = 1", "pg_sleep"),
    ("random() < 1", "function"),
    ("concat(a, b) = 'x'", "concat"),
    ("a = 'x' 'y'", "concat"),
    ("lower(a)", "compare it"),
    ("coalesce(a, b)", "compare it"),
    ("trim(LEADING 'x' FROM a) = 'y'", "not supported"),
    ("[a] = 1", "brackets or braces"),
    ("a[1] = 1", "brackets or braces"),
    ("a = {b}", "brackets or braces"),
    ("a = [1, 2]", "IN (1, 2)"),
    ("a + 1 = 2", "calculates"),
    ("a || b = 'x'", "calculates"),
    ("a % 2 = 0", "calculates"),
    ("-a = 1", "calculates"),
    ("a / 0 = 1", "calculates"),
    ("*", "*"),
    ("a.*", "*"),
    ("s.t.a = 1", "more than two parts"),
    ("d.s.t.a.b = 1", "more than two parts"),
    ("TRUE", "value where a test"),
    ("NULL", "value where a test"),
    ("1", "value where a test"),
    ("'x'", "value where a test"),
    ("a OR TRUE", "value where a test"),
    ("1 = 1", "names no column"),
    ("a = 'x' OR 1 = 1", "names no column"),
    ("lower('x') = 'x'", "names no column"),
    ("NULL IS NULL", "names no column"),
    ("1 IN (1)", "names no column"),
    ("a = NULL", "IS NULL"),
    ("a <> NULL", "IS NULL"),
    ("a < NULL", "IS NULL"),
    ("a BETWEEN NULL AND 2", "IS NULL"),
    ("a IN (1, NULL)", "IS NULL"),
    ("coalesce(a, NULL) = 1", "NULL"),
    ("a IN ()", "without values"),
    ("a IN (b)", "something else than values"),
    ("a IN b", "not supported"),
    ("(a, b) = (1, 2)", "not supported"),
    ("(a = 1) IS TRUE", "after something else"),
    ("a IS 1", "IS with"),
    ("a = (b = c)", "test where a value"),
    ("a = NOT b", "test where a value"),
    ("a BETWEEN SYMMETRIC 1 AND 2", "not supported"),
    ("a IS DISTINCT FROM 1", "IS DISTINCT FROM"),
    ("a ILIKE 'x'", "lower(column)"),
    ("a LIKE b", "LIKE"),
    ("a LIKE 'x' ESCAPE '!'", "ESCAPE"),
    ("a SIMILAR TO 'x'", "LIKE"),
    ("a COLLATE nocase = 'x'", "collate"),
    ("a = x'00'", "cannot be read"),
    ("a = N'x'", "not supported"),
    ("a = 1e5", "1e5"),
    ("a = " + "9" * 41, "number"),
    ("a = {x}", ""),
    ("`a` = 1", "cannot be read"),
    ("a = 'x", "cannot be read"),
    ("a = ", "cannot be read"),
    ("a = 1 AND", "cannot be read"),
    ("a = 1)", "cannot be read"),
    ("a b", "cannot be read"),
    ("a := 1", "cannot be read"),
    ('"" = 1', "empty name"),
    ("a = 'x\x00y'", "control character"),
    ("a =\u200b1", "invisible"),
    ("a = '\u202e'", "invisible"),
    ("a = '" + "x" * 10_000 + "'", "10,000"),
    ("(" * 1500 + "a" + ")" * 1500, "too deeply"),
    ("NOT " * 1500 + "a", "too deeply"),
    ("a = " + "- " * 1500 + "1", "too deeply"),
    ("coalesce(" * 500 + "a" + ",1)" * 500 + " = 1", "too deeply"),
    ("NOT (" * 60 + "a" + ")" * 60, "too deeply"),
]


@pytest.mark.parametrize(("text", "tree"), ACCEPTED, ids=[text for text, _ in ACCEPTED])
def test_a_condition_means_what_sql_means_by_it(text, tree):
    assert parse_condition(text) == Condition(tree=tree, text=text)


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[repr(text[:40]) for text, _ in REFUSED])
def test_anything_else_is_refused_with_the_reason(text, reason):
    with pytest.raises(ValueError) as caught:
        parse_condition(text)
    message = str(caught.value)
    assert reason in message
    found, _, write = message.partition("; ")
    assert found
    assert write
    assert len(message) < 400


def test_numbers_are_exact_and_their_types_kept():
    of = parse_condition("a IN (1, 1.0, 0.1)").tree.values
    assert [type(v.value) for v in of] == [int, Decimal, Decimal]


def test_a_long_chain_is_no_deep_one():
    tree = parse_condition(" OR ".join(f"a = {n}" for n in range(800))).tree
    assert isinstance(tree, Disjunction)
    assert len(tree.items) == 800


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text):
    with contextlib.suppress(Unusable):
        assert isinstance(parse_condition(text), Condition)


TOKENS = (
    "a b t.a 'x' 1 2.5 NULL TRUE ( ) = <> < >= AND OR NOT IN LIKE IS BETWEEN , lower( coalesce( DATE -- ; * "
    "'2020-01-01' CASE WHEN END :p ? SELECT ALL ANY ESCAPE || + - :: \" ` [ ] { } OVER ILIKE @ $1"
)
WORDS = st.sampled_from(TOKENS.split(" "))


@given(st.lists(WORDS, max_size=12))
def test_any_words_of_sql_are_parsed_or_refused(words):
    with contextlib.suppress(Unusable):
        assert isinstance(parse_condition(" ".join(words)), Condition)
