"""First files for tables with odd columns: what is written passes `check` once what it asks for is filled in."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.integration.test_init_url import asserts_that_check_passes, fill_in, written
from tests.integration.test_odd_columns import DOMAINS, MARIADB, POSTGRESQL, Odd
from tests.support.mariadb import MariadbStore
from tests.support.stores import PostgresqlStore


def columns(every: list[Odd]) -> tuple[str, str]:
    """A column of each type, named so that it could be a date, and a row."""
    kept = [odd for odd in every if "GENERATED" not in odd.type and " AS (" not in odd.type]
    names = ", ".join(f"created_at_{n} {odd.type}" for n, odd in enumerate(kept))
    return names, ", ".join(odd.values[0] for odd in kept)


def test_a_table_of_odd_columns_on_mariadb(mariadb: MariadbStore, tmp_path: Path) -> None:
    names, values = columns(MARIADB)
    mariadb.verbatim(
        f"CREATE TABLE things (id INT PRIMARY KEY, {names}); INSERT INTO things VALUES (1, {values})"
    )

    text = written(tmp_path, mariadb, "things")

    assert "created_at_0 " not in text  # a YEAR
    fill_in(tmp_path)
    asserts_that_check_passes(tmp_path, mariadb)


def test_a_table_of_odd_columns_on_postgresql(postgresql: PostgresqlStore, tmp_path: Path) -> None:
    names, values = columns(POSTGRESQL)
    postgresql.script(
        f"{DOMAINS} CREATE TABLE things (id INT PRIMARY KEY, {names}); INSERT INTO things VALUES (1, {values})"
    )

    written(tmp_path, postgresql, "things")

    fill_in(tmp_path)
    asserts_that_check_passes(tmp_path, postgresql)


@pytest.mark.parametrize("type_", ["DATE", "DATETIME", "TIMESTAMP"])
def test_a_column_with_zero_dates(mariadb: MariadbStore, tmp_path: Path, type_: str) -> None:
    mariadb.verbatim(
        f"CREATE TABLE things (id INT PRIMARY KEY, closed_at {type_} NOT NULL DEFAULT '2020-01-01');"
        "INSERT INTO things VALUES (1, '0000-00-00'), (2, '2020-01-01'), (3, '2026-01-01')",
        mode="",
    )

    text = written(tmp_path, mariadb, "things")

    events = tomllib.loads(text)["datasets"]["things"]["events"]
    assert events == {"closed_at": {"column": "closed_at", "never": ["0000-00-00"]}}
    fill_in(tmp_path)
    asserts_that_check_passes(tmp_path, mariadb)


@pytest.mark.parametrize("type_", ["DATE", "TIMESTAMPTZ"])
def test_a_column_that_ends_with_infinity(postgresql: PostgresqlStore, tmp_path: Path, type_: str) -> None:
    postgresql.script(
        f"CREATE TABLE things (id INT PRIMARY KEY, closed_at {type_});"
        "INSERT INTO things VALUES (1, 'infinity'), (2, '2020-01-01'), (3, '-infinity')"
    )

    text = written(tmp_path, postgresql, "things")

    events = tomllib.loads(text)["datasets"]["things"]["events"]
    assert events == {"closed_at": {"column": "closed_at", "never": ["-infinity", "infinity"]}}
    fill_in(tmp_path)
    asserts_that_check_passes(tmp_path, postgresql)
