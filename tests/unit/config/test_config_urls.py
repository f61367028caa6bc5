"""Database URLs as people have them; secrets that are read when they are needed, and never shown."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.config import state_address
from retention.config.connecting.urls import (
    Url,
    absolute,
    address,
    dialect_of,
    parse_url,
    redact,
    resolve,
    split,
)
from retention.model.dataset import Secret


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("postgres://db/shop", Url(family="postgresql", host="db", database="shop")),
        (
            "postgresql://bob:pa%2Fss%40@db.example:5433/my%20shop?sslmode=verify-full&application_name=x",
            Url(
                family="postgresql",
                host="db.example",
                port=5433,
                database="my shop",
                username="bob",
                password="pa/ss@",
                query={"sslmode": "verify-full", "application_name": "x"},
            ),
        ),
        (
            "postgresql+psycopg://bob@[::1]:5432/x",
            Url(family="postgresql", driver="psycopg", host="::1", port=5432, database="x", username="bob"),
        ),
        (
            "postgresql:///shop?host=/var/run/postgresql",
            Url(family="postgresql", database="shop", query={"host": "/var/run/postgresql"}),
        ),
        (
            "postgresql://%2Fvar%2Frun%2Fpostgresql/shop",
            Url(family="postgresql", host="/var/run/postgresql", database="shop"),
        ),
        ("postgres://bob:a#b:c@db/shop", Url(
            family="postgresql", host="db", database="shop", username="bob", password="a#b:c"
        )),
        ("mysql://db/shop", Url(family="mysql", host="db", database="shop")),
        ("mysql+pymysql://db/shop", Url(family="mysql", driver="pymysql", host="db", database="shop")),
        ("MariaDB://db/shop", Url(family="mariadb", host="db", database="shop")),
        ("mariadb+pymysql://db/shop", Url(family="mariadb", driver="pymysql", host="db", database="shop")),
        ("sqlite:////srv/shop.db", Url(family="sqlite", path="/srv/shop.db")),
        ("sqlite:///data/my%20shop.db", Url(family="sqlite", path="/policy/data/my%20shop.db")),
    ],
)  # fmt: skip
def test_urls_are_taken_apart(url, parts):
    assert split(url, "/policy") == parts
    assert dialect_of(url) == parts.family


def test_a_relative_path_stays_relative_without_a_folder():
    assert split("sqlite:///shop.db").path == "shop.db"
    assert absolute("sqlite:///shop.db", "/policy") == "sqlite:////policy/shop.db"
    assert absolute("postgres://db/shop", "/policy") == "postgres://db/shop"
    assert state_address("sqlite:///a.db", Path("/policy")).url.shown == "sqlite:////policy/a.db"
    assert state_address("env:STATE", Path("/policy")).url.shown == "env:STATE"


SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "not a URL"),
        (SECRET, "not a URL"),
        ("oracle://db/shop", "oracle://"),
        ("postgress://db/shop", "did you mean postgres://"),
        ("mysql+mysqldb://db/shop", "mysql"),
        (f"postgres://bob:{SECRET}@db", "no database"),
        (f"postgres://bob:{SECRET}@db/", "no database"),
        (f"postgres://bob:{SECRET}/x@db/shop", "port"),
        (f"postgres://bob:1/{SECRET}@db/shop", "percent-encoded|%2F"),
        (f"postgres://bob:1?{SECRET}@db/shop", "no database"),
        (f"postgres://bob:{SECRET}%@db/shop", "% that begins no code"),
        (f"postgres://bob:{SECRET}%ff@db/shop", "not UTF-8"),
        ("postgres://db:0/shop", "out of range"),
        ("postgres://db:65536/shop", "out of range"),
        ("postgres://db:99999999999999999999/shop", "out of range"),
        ("postgres://db:٥/shop", "no number"),
        ("postgres://[::1/shop", "without its ]"),
        ("postgres://::1/shop", "no number"),
        ("postgres://a,b/shop", "several hosts"),
        ("postgres://db/shop?a=1&a=2", "twice"),
        ("postgres://db/shop\nx", "control character"),
        ("sqlite://", "in memory"),
        ("sqlite:///", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite://shop.db", "three slashes"),
        ("sqlite:///file:shop.db", "file:"),
        ("sqlite:///shop.db?mode=ro", "parameters"),
        ("sqlite:///~/shop.db", "~"),
        ("sqlite:///data/", "directory"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_repeating_it(url, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        split(url)
    assert SECRET not in str(caught.value)
    assert SECRET not in redact(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"postgres://bob:{SECRET}@db:5432/shop", "postgres://bob:***@db:5432/shop"),
        (f"postgres://bob:{SECRET}/x@y@db/shop", "postgres://bob:***@db/shop"),
        (f"postgres://db/shop?password={SECRET}", "postgres://db/shop?***"),
        ("postgres://bob@db/shop", "postgres://bob@db/shop"),
        ("sqlite:///shop.db", "sqlite:///shop.db"),
        ("env:URL", "env:URL"),
        (SECRET, "***"),
        (f"{SECRET}://x", "***"),
    ],
)
def test_what_is_shown_of_a_url_holds_no_secret(url, shown):
    assert redact(url) == shown


def test_a_passwords_place_is_out_of_the_representation():
    assert SECRET not in repr(split(f"postgres://bob:{SECRET}@db/shop?password={SECRET}"))


def test_a_reference_is_read_anew_each_time(tmp_path):
    environ = {"URL": "postgres://db/a"}
    assert resolve(Secret(env="URL"), tmp_path, environ) == "postgres://db/a"
    environ["URL"] = "postgres://db/b"
    assert resolve(Secret(env="URL"), tmp_path, environ) == "postgres://db/b"
    (tmp_path / "secret").write_text("first\n")
    assert resolve(Secret(file="secret"), tmp_path, {}) == "first"
    (tmp_path / "secret").write_bytes(b" sec ond \r\n")
    assert resolve(Secret(file="secret"), tmp_path, {}) == " sec ond "
    assert resolve(Secret(file=str(tmp_path / "secret")), "/elsewhere", {}) == " sec ond "
    assert resolve(Secret(literal="postgres://db/a"), tmp_path, {}) == "postgres://db/a"


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        (Secret(env="MISSING"), "variable MISSING is not set"),
        (Secret(env="EMPTY"), "variable EMPTY is empty"),
        (Secret(file="missing"), "missing is not there"),
        (Secret(file="empty"), "empty is empty"),
        (Secret(file="binary"), "binary is not UTF-8"),
        (Secret(file="large"), "larger than any secret"),
        (Secret(file="."), "cannot be read"),
    ],
)
def test_a_secret_that_is_not_there_is_named(tmp_path, secret, reason):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_text("x" * 100_000)
    with pytest.raises(ValueError, match=reason):
        resolve(secret, tmp_path, {"EMPTY": " "})


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_secret_that_may_not_be_read_says_so(tmp_path):
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0)
    with pytest.raises(ValueError, match="cannot be read"):
        resolve(Secret(file="secret"), tmp_path, {})


def test_a_password_beside_a_url_is_put_into_it_at_connection_time(tmp_path):
    environ = {"URL": "postgres://bob@db/shop\n", "P": SECRET}
    at = address(Secret(env="URL"), Secret(env="P"), tmp_path, environ)
    assert (at.username, at.password, at.host) == ("bob", SECRET, "db")
    environ["URL"] = "postgres://bob:x@db/shop"
    with pytest.raises(ValueError, match="one beside it"):
        address(Secret(env="URL"), Secret(env="P"), tmp_path, environ)
    environ["URL"] = "sqlite:///shop.db"
    with pytest.raises(ValueError, match="no password"):
        address(Secret(env="URL"), Secret(env="P"), tmp_path, environ)
    assert address(Secret(env="URL"), None, tmp_path, environ).path == str(tmp_path / "shop.db")


@given(st.text(max_size=80))
def test_any_text_is_a_url_or_is_refused(text):
    for candidate in (text, f"postgres://{text}", f"sqlite:///{text}", f"mysql://a:b@{text}"):
        redact(candidate)
        with contextlib.suppress(ValueError):
            split(candidate, "/policy")
        with contextlib.suppress(ValueError):
            assert parse_url(candidate).shown
