"""The state store's tables as statements for somebody else to run: an owner of the database, by hand."""

from __future__ import annotations

from sqlalchemy.engine import make_url

from retention.store import migrations
from retention.store.schema import PREFIX, metadata, version_table

_FIRST = {"sqlite": ("PRAGMA journal_mode = WAL",)}
"""What a database is asked for before it has tables."""

_RIGHTS = {
    "meta": "SELECT, INSERT, UPDATE",
    "head": "SELECT, INSERT, UPDATE",
    "event": "SELECT, INSERT",
    "checkpoint": "SELECT, INSERT",
    "block": "SELECT, INSERT",
    "event_index": "SELECT, INSERT",
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
    """Every statement, in order, without semicolons. `family`: sqlite, postgresql, mysql or mariadb."""
    return (*_FIRST.get(family, ()), *migrations.statements(family))


def grants(family: str, role: str) -> tuple[str, ...]:
    """The least that the engine's own role needs there; of a family that has roles."""
    quote = make_url(f"{family}://").get_dialect()().identifier_preparer.quote
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
