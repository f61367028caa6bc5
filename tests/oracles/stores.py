"""A company put into a real database, and what the engine says and does there.

One database a worker: PostgreSQL gets one of its own and a fresh schema for every company, SQLite a fresh file.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
import sqlalchemy as sa

from retention.config import load
from retention.connectors.sql.statements import Statements
from retention.errors import UnreachableError
from retention.model.outcome import RunOutcome
from retention.model.place import Place
from retention.model.plan import JobPlan
from retention.model.progress import NoProgress
from retention.planning.work import Work
from retention.verbs import init as init_verb
from retention.verbs import run as run_verb
from retention.verbs.prepared import Prepared, prepared
from tests.oracles import fate as oracle
from tests.oracles.companies import Company, Table, condition_text

SERVER = os.environ.get("RETENTION_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
SCHEMA = "shop"
STARTS = {
    "after fiscal year", "after calendar year", "after quarter", "after month",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the engine says of one job. `strictly`: the keys that a batch would take of the data as it is."""

    rule: str
    dataset: str
    plan: JobPlan | None
    fates: dict[tuple[Any, ...], str]
    overdue: frozenset[tuple[Any, ...]]
    strictly: frozenset[tuple[Any, ...]]
    shown: dict[tuple[Any, ...], str]


def tomorrow(as_of: datetime) -> datetime:
    return as_of + timedelta(days=1)


class TooDeepError(Exception):
    """SQLite before 3.46 reads SQL with a stack of a hundred symbols, and this plan's needs more."""


@contextlib.contextmanager
def reading_deeply() -> Iterator[None]:
    try:
        yield
    except UnreachableError as error:
        if "parser stack overflow" in error.message:
            raise TooDeepError from error
        raise


class Shop:
    """A place with configuration files and one database."""

    family: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = Place(
            config=folder / "policies.toml",
            connectors=folder / "connectors",
            state=None,
            environ={},
        )
        self.place.connectors.mkdir(parents=True, exist_ok=True)

    url: str

    def build(self, company: Company) -> None:
        """A fresh database and the files that go with it."""
        self.place.config.write_text(policy_text(company))
        text = connector_text(company, self.url, SCHEMA if self.family == "postgresql" else None)
        (self.place.connectors / "shop.toml").write_text(text)
        self.fill(company)

    def fill(self, company: Company) -> None:
        raise NotImplementedError

    def keys(self, table: Table) -> set[tuple[Any, ...]]:
        """The keys of the rows that are there."""
        raise NotImplementedError

    def forget_markers(self) -> None:
        """Makes the marker table, empty."""
        raise NotImplementedError

    def close(self) -> None:
        """Drops the database."""

    # -- the engine --------------------------------------------------------------------------

    def asked(self, company: Company, *, briefly: bool = False) -> list[Said]:
        """The plan of every job, in the order of the run; briefly: fates alone."""
        config = load(self.place.config, self.place.connectors, environ={})
        as_of = company.world.as_of
        with reading_deeply(), prepared(self.place, config) as ready:
            works = ready.works(ready.jobs(company.only), as_of)
            return [self._said(ready, work, None if briefly else as_of) for work in works]

    def _said(self, ready: Prepared, work: Work, counted_as_of: datetime | None) -> Said:
        target: Any = ready.targets["shop"]
        statements = Statements(target._dialect, work)
        test, key = statements.compiler.test, statements.key_columns
        unasked = (
            counted_as_of is None or work.bound.entangled
        )  # a batch asks it of the keys that it has in hand
        strictly = sa.false() if unasked else test(work.still_due)
        query = sa.select(statements.compiler.choice(work.fate), statements.late, strictly, *key)
        query = query.select_from(statements.root).where(test(work.records)).order_by(*key)
        with target._reader("reading fates") as connection:
            rows = connection.execute(query).fetchall()
        fates = {tuple(row[3:]): row[0] for row in rows}
        plan, shown = None, {}
        if counted_as_of is not None:
            plan = ready.job_plan(work, target.count(work, NoProgress()), counted_as_of)
            for found in list(fates)[len(fates) // 2 :][:1] if len(fates) % 3 == 0 else ():
                view = target.record(work, ",".join(map(str, found)))
                shown[found] = "nothing" if view is None else view.fate
        return Said(
            rule=work.job.rule.name,
            dataset=work.bound.dataset.name,
            plan=plan,
            fates=fates,
            overdue=frozenset(tuple(row[3:]) for row in rows if row[1] and row[0] in ("due", "referenced")),
            strictly=frozenset(tuple(row[3:]) for row in rows if row[2]),
            shown=shown,
        )

    def carried_out(self, company: Company, template: Path) -> RunOutcome:
        """A run as of the company's day, with a state store of its own."""
        state = self.folder / "state"
        shutil.rmtree(state, ignore_errors=True)
        shutil.copytree(template, state)
        self.forget_markers()
        return run_verb.run(
            self.place,
            rules=company.only,
            as_of=company.world.as_of.astimezone(UTC).isoformat(timespec="microseconds"),
            by="oracle",
            clock=lambda: datetime.now(UTC),
            progress=NoProgress(),
        )


class SqliteShop(Shop):
    family = "sqlite"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.path = folder / "shop.db"
        self.url = "sqlite:///shop.db"

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            yield connection

    def fill(self, company: Company) -> None:
        for path in self.folder.glob("shop.db*"):
            path.unlink()
        with self._open() as connection:
            connection.execute("BEGIN")
            for table in company.tables.values():
                connection.execute(create(table, table.name, lambda name: name))
                for statement in indexes(table, table.name):
                    connection.execute(statement)
                columns = list(table.columns)
                marks = ", ".join("?" for _ in columns)
                rows = [[row[c] for c in columns] for row in company.world.tables[table.name]]
                names = ", ".join(columns)
                connection.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)
            connection.execute("COMMIT")

    def keys(self, table: Table) -> set[tuple[Any, ...]]:
        with self._open() as connection:
            return set(connection.execute(f"SELECT {', '.join(table.key)} FROM {table.name}"))

    def forget_markers(self) -> None:
        config = load(self.place.config, self.place.connectors, environ={})
        with prepared(self.place, config) as ready:
            ready.targets["shop"].create_marker_table()


class PostgresqlShop(Shop):
    family = "postgresql"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.name = f"retention_oracle_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(SERVER, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self.name}")
        self.url = SERVER.rpartition("/")[0] + "/" + self.name
        self.connection = psycopg.connect(self.url, autocommit=True)
        self.connection.execute("SET synchronous_commit = off; SET client_min_messages = error")

    def fill(self, company: Company) -> None:
        statements = [f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE", f"CREATE SCHEMA {SCHEMA}"]
        for table in company.tables.values():
            name = f"{SCHEMA}.{table.name}"
            statements.append(create(table, name, None))
            statements += indexes(table, name)
            for row in company.world.tables[table.name]:
                values = ", ".join(_literal(value) for value in row.values())
                statements.append(f"INSERT INTO {name} ({', '.join(row)}) VALUES ({values})")
        for table in company.tables.values():
            for reference in table.references:
                key = foreign_key(table, reference, f"{SCHEMA}.{reference.target}")
                statements.append(f"ALTER TABLE {SCHEMA}.{table.name} ADD {key}")
        self.connection.execute("; ".join(statements))

    def keys(self, table: Table) -> set[tuple[Any, ...]]:
        query = f"SELECT {', '.join(table.key)} FROM {SCHEMA}.{table.name}"
        return set(self.connection.execute(query).fetchall())

    def forget_markers(self) -> None:
        if self.connection.execute("SELECT to_regclass('public.retention_marker')").fetchone() == (None,):
            config = load(self.place.config, self.place.connectors, environ={})
            with prepared(self.place, config) as ready:
                ready.targets["shop"].create_marker_table()
        self.connection.execute("DELETE FROM public.retention_marker")

    def close(self) -> None:
        self.connection.close()
        with psycopg.connect(SERVER, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {self.name} WITH (FORCE)")


def opened(family: str, folder: Path) -> Shop:
    """The shop of a family; a missing server skips, and fails where CI says that it must be there."""
    if family == "sqlite":
        return SqliteShop(folder)
    try:
        return PostgresqlShop(folder)
    except psycopg.OperationalError as error:
        missing(error)


def missing(error: psycopg.OperationalError) -> NoReturn:
    """Skips for want of a server; where CI says that it must be there, fails."""
    if os.environ.get("CI") == "true":
        raise error
    pytest.skip(f"no PostgreSQL at {SERVER.rpartition('@')[2]}: {type(error).__name__}")


def template_state(folder: Path) -> Path:
    """A state store with its keys, made once and copied for every run."""
    shop = SqliteShop(folder)
    (folder / "shop.db").touch()
    rule = 'promise = "p"\ndata = "d"\nkeep = "1 day"\nfrom = "e"\naction = "delete"\n'
    shop.place.config.write_text(f'[policy]\ntimezone = "UTC"\n[rules.r]\n{rule}')
    dataset = '[datasets.d]\ndata = "d"\ntable = "t"\nevents = { e = "c" }\n'
    (shop.place.connectors / "shop.toml").write_text(f'type = "sql"\nurl = "{shop.url}"\n{dataset}')
    init_verb.init(folder, shop.place, by="oracle", clock=lambda: datetime.now(UTC))
    return folder / "state"


# --- SQL that makes the company ---------------------------------------------------------------


def create(table: Table, name: str, target: Any) -> str:
    columns = [f"{column} {kind.removesuffix(' key')}" for column, kind in table.columns.items()]
    keys = [f"PRIMARY KEY ({', '.join(table.key)})", *(f"UNIQUE ({column})" for column in table.unique)]
    references = [foreign_key(table, r, target(r.target)) for r in table.references] if target else []
    return f"CREATE TABLE {name} ({', '.join([*columns, *keys, *references])})"


def foreign_key(table: Table, reference: oracle.Reference, target: str) -> str:
    does = table.on_delete[reference.name]
    return (
        f"FOREIGN KEY ({', '.join(reference.columns)})"
        f" REFERENCES {target} ({', '.join(reference.target_columns)})"
        + (f" ON DELETE {does}" if does else "")
    )


def indexes(table: Table, name: str) -> list[str]:
    referring = [", ".join(reference.columns) for reference in table.references]
    return [
        f"CREATE INDEX {table.name}_i{number} ON {name} ({columns})"
        for number, columns in enumerate([*referring, *table.indexes])
    ]


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool | int):
        return str(value)
    text = value.isoformat() if isinstance(value, date | datetime) else value
    return "'" + text.replace("'", "''") + "'"


# --- the files ----------------------------------------------------------------------------------


def policy_text(company: Company) -> str:
    lines = ['[policy]\nname = "oracle"\ntimezone = "UTC"\napproval = "never"\nlimits = { share = "100%" }\n']
    for rule in company.world.rules:
        lines.append(f"[rules.{rule.name}]")
        lines.append(f'promise = "as long as it says"\ndata = "{rule.data}"\nfrom = "{rule.event}"')
        lines.append(f'keep = "{company.keeps[rule.name]}"\naction = "delete"\ntimezone = "{rule.zone}"')
        if rule.unit in STARTS:
            lines.append(f'starts = "{rule.unit}"')
        if rule.unit == "after fiscal year":
            lines.append(f'fiscal_year_end = "{rule.fiscal_year_end[0]:02}-{rule.fiscal_year_end[1]:02}"')
    return "\n".join(lines) + "\n"


def connector_text(company: Company, url: str, schema: str | None) -> str:
    lines = [f'type = "sql"\nurl = "{url}"\ntimezone = "{company.world.zone}"']
    for dataset in company.world.datasets:
        lines.append(f'[datasets.{dataset.name}]\ndata = "{dataset.data}"\ntable = "{dataset.table}"')
        if schema is not None:
            lines.append(f'schema = "{schema}"')
        if dataset.where is not None:
            lines.append(f"where = {json.dumps(condition_text(dataset.where))}")
        if dataset.parts:
            lines.append(f"parts = [{', '.join(_part(company, link) for link in dataset.parts)}]")
        for name, components in dataset.events.items():
            lines.append(f"events.{name} = {_event(company, dataset.table, components)}")
    return "\n".join(lines) + "\n"


def _part(company: Company, link: oracle.Reference) -> str:
    others = [r for r in company.tables[link.table].references if r != link]
    if not others:
        return f'"{link.table}"'
    return f'{{ table = "{link.table}", via = "{link.columns[0]}" }}'


def _event(company: Company, root: str, components: Sequence[oracle.Component]) -> str:
    if not components:
        return '"never"'
    texts = [_component(company, root, component) for component in components]
    return texts[0] if len(texts) == 1 else f"{{ latest = [{', '.join(texts)}] }}"


def _component(company: Company, root: str, component: oracle.Component) -> str:
    if not component.path:
        return f'"{component.column}"'
    reference, down = component.path[-1]
    table = reference.table if down else reference.target
    via = company.via.get((root, table, tuple(r for r, _ in component.path)))
    if via is None:
        return f'"{table}.{component.column}"'
    return f'{{ column = "{table}.{component.column}", via = "{via}" }}'
