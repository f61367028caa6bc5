"""Names guessed from names, and TOML written out: whatever a database calls its things, the file can be read."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.config.connector import dataset_values
from retention.config.reading import values
from retention.discover import toml
from retention.discover.words import (
    names_birth,
    names_mail,
    names_person,
    names_time,
    names_touch,
    singular,
    slug,
    words,
)

ANY = st.text(max_size=40)


@given(ANY)
def test_any_text_comes_back_from_a_string(value):
    assert tomllib.loads(f"x = {toml.text(value)}") == {"x": value}


@given(st.text(min_size=1, max_size=40))
def test_any_text_comes_back_from_a_key(value):
    assert tomllib.loads(f"{toml.key(value)} = 1") == {value: 1}


@given(ANY)
def test_nothing_breaks_out_of_a_comment(value):
    lines = (
        list(toml.beside([('x = "1"', value)])) + list(toml.paragraph(value)) + [f"# {toml.comment(value)}"]
    )
    assert tomllib.loads("\n".join(lines)) == {"x": "1"}


@given(st.text(min_size=1, max_size=40).filter(toml.sayable))
def test_any_name_that_can_be_said_comes_back_as_one_piece(name):
    assert dataset_values.column(toml.piece(name)).pieces == (name,)
    assert dataset_values.table(f"{toml.piece(name)}.{toml.piece(name)}").pieces == (name, name)


@given(ANY)
def test_a_control_character_can_t_be_said(name):
    assert not toml.sayable(name + "\n")
    assert not toml.sayable("")


@given(st.lists(st.one_of(ANY, st.text(min_size=70, max_size=200)), max_size=6))
def test_slugs_are_names_of_the_policy_and_each_another(names):
    found: list[str] = []
    for name in names:
        found.append(slug(name, found))
        assert values.word(found[-1]) == found[-1]
        assert values.data(found[-1].replace("_", " "))
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("InvoiceLine", ["invoice", "line"]),
        ("invoice_line", ["invoice", "line"]),
        ("order lines", ["order", "lines"]),
        ("HTTPRequest", ["http", "request"]),
        ("createdAt", ["created", "at"]),
        ("größe2_mm", ["größe2", "mm"]),
        ("OAuth2Tokens", ["o", "auth2", "tokens"]),
        ("🦊", []),
    ],
)
def test_words_of_names(name, split):
    assert words(name) == split


@pytest.mark.parametrize(
    ("plural", "one"),
    [("orders", "order"), ("categories", "category"), ("address", "address"), ("status", "status")],
)
def test_singulars(plural, one):
    assert singular(plural) == one


@pytest.mark.parametrize(
    ("says", "yes", "no"),
    [
        (names_person, ["customer_id", "Users", "OwnerId"], ["order_id", "film", "customize"]),
        (names_mail, ["email", "EMail", "e_mail", "email_address", "work_email"], ["mail_sent", "address"]),
        (names_birth, ["birth_date", "BirthDate", "dob"], ["created_at"]),
        (names_time, ["created_at", "date_due", "expires", "ModifiedDate"], ["time_spent", "atlas", "format"]),
        (names_touch, ["last_update", "updated_at", "date_modification"], ["created_at"]),
    ],
)  # fmt: skip
def test_what_names_say(says, yes, no):
    assert [name for name in yes if not says(name)] == []
    assert [name for name in no if says(name)] == []
