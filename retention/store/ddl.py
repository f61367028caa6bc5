"""The state store's tables as statements for somebody else to run: an owner of the database, by hand."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Column, MetaData, PrimaryKeyConstraint, String, Table
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from retention.store.columns import AS_TABLES
from retention.store.schema import PREFIX, VERSIONS, metadata, version_table

_AROUND = {
    "sqlite": (("PRAGMA journal_mode = WAL", "BEGIN"), ("COMMIT",)),
    "postgresql": (("BEGIN",), ("COMMIT",)),
}
"""What a database is asked for before it has tables and after: one transaction where tables are made in one."""

_SPOKEN = {"mariadb": "mysql"}
"""Which dialect the tables are told what they are in."""

_RIGHTS = {
    "meta": "SELECT, INSERT, UPDATE",
    "head": "SELECT, INSERT, UPDATE",
    "event": "SELECT, INSERT",
    "checkpoint": "SELECT, INSERT",
    "block": "SELECT, INSERT",
    "event_index": "SELECT, INSERT",
    "archive": "SELECT",
    "archived_leaves": "SELECT",
    "plan": "SELECT, INSERT, UPDATE",
    "approval": "SELECT, INSERT",
    "run": "SELECT, INSERT, UPDATE",
    "job": "SELECT, INSERT, UPDATE",
    "batch": "SELECT, INSERT, UPDATE",
    "evidence": "SELECT, INSERT, DELETE",
    "evidence_group": "SELECT, INSERT, DELETE",
    "evidence_bucket": "SELECT, INSERT, DELETE",
    "refusal": "SELECT, INSERT, DELETE",
    "lease": "SELECT, INSERT, UPDATE",
    "set_aside": "SELECT, INSERT, DELETE",
    "policy_version": "SELECT, INSERT",
    "schema_seen": "SELECT, INSERT, DELETE",
    "hold": "SELECT, INSERT, UPDATE",
    "hold_subject": "SELECT, INSERT, DELETE",
    "telling": "SELECT, INSERT, UPDATE",
    "telling_subject": "SELECT, INSERT, DELETE",
    "stop": "SELECT, INSERT, UPDATE",
    "turn": "SELECT, INSERT, UPDATE",
    "standing": "SELECT, INSERT, UPDATE",
    "notice": "SELECT, INSERT, UPDATE, DELETE",
}
"""Who works with the store can add events to the ledger, and neither change nor remove one.

INSERT on meta and head is for `init`, which writes their one row.
"""


def statements(family: str) -> tuple[str, ...]:
    """The tables as they are now, in order, without semicolons. `family`: sqlite, postgresql, mysql or mariadb.

    A store that grew through the migrations has the same ones; `init` goes on from either.
    """
    dialect = _dialect(family)
    before, after = _AROUND.get(family, ((), ()))
    return (*before, *(_written(dialect, each) for each in _tables()), *_version(family, dialect), *after)


def _tables() -> Iterator[ExecutableDDLElement]:
    copies = MetaData()
    for each in metadata.sorted_tables:
        table = each.to_metadata(copies)
        table.dialect_kwargs.update(
            AS_TABLES
        )  # here and not in the schema: each is looked up in MySQL's dialect
        yield CreateTable(table)
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield CreateIndex(index)


def _version(family: str, dialect: Dialect) -> Iterator[str]:
    """The table that says which version the others have, as alembic makes it, and its row."""
    name = version_table(family)
    number = Column("version_num", String(32), nullable=False)
    key = PrimaryKeyConstraint("version_num", name=f"{name}_pkc")
    yield _written(dialect, CreateTable(Table(name, MetaData(), number, key)))
    yield f"INSERT INTO {name} (version_num) VALUES ('{VERSIONS[-1]}')"


def _written(dialect: Dialect, element: ExecutableDDLElement) -> str:
    lines = str(element.compile(dialect=dialect)).strip().splitlines()
    return "\n".join(line.rstrip().replace("\t", "    ") for line in lines)


def _dialect(family: str) -> Dialect:
    return make_url(f"{_SPOKEN.get(family, family)}://").get_dialect()()


def grants(family: str, role: str) -> tuple[str, ...]:
    """The least that the engine's own role needs there; of a family that has roles."""
    quote = _dialect(family).identifier_preparer.quote
    tables = {f"{PREFIX}{name}": rights for name, rights in _RIGHTS.items()}
    numbered = [
        t.name for t in metadata.sorted_tables if "number" in t.columns and t.c.number.autoincrement is True
    ]
    return (
        *(f"GRANT {rights} ON {quote(name)} TO {role}" for name, rights in sorted(tables.items())),
        f"GRANT SELECT ON {quote(version_table(family))} TO {role}",
        *(
            f"GRANT USAGE ON SEQUENCE {quote(f'{name}_number_seq')} TO {role}"
            for name in numbered
            if family == "postgresql"
        ),
    )
