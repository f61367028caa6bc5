"""Records with parts, on PostgreSQL and MariaDB: columns of parts rewritten, against one UPDATE that joins the tables;
and records moved to a vault, against INSERT … SELECT and DELETE of every table in one transaction.
"""

from __future__ import annotations

import time
from pathlib import Path

from bench import rewriting
from bench.rewriting import Side

SIDES = ("parts-postgresql", "parts-mariadb", "vault-postgresql", "vault-mariadb")


CONNECTOR = """
type = "sql"
url = "%s"
timezone = "UTC"
[datasets.people]
data = "people"
table = "person"
events = { seen = "seen_at" }
parts = ["address"]
%s
"""
PARTS = 'anonymize = { "address.street" = "hash", "address.city" = "redact" }'
VAULT = """restrict = { to = "kept" }
[datasets.kept]
data = "people"
table = "kept_person"
events = { seen = "seen_at" }
parts = ["kept_address"]
"""
_PERSON = "(id bigint PRIMARY KEY, name varchar(80), seen_at {moment} NOT NULL, note varchar(200){more})"
_ADDRESS = (
    "(id bigint PRIMARY KEY, person_id bigint NOT NULL, street varchar(80), city varchar(80),"
    " FOREIGN KEY (person_id) REFERENCES {person} (id))"
)
_JOINED = {
    "postgresql": "UPDATE address a SET street = 'rh1-' || left(md5(street), 26), city = '[redacted]' FROM person p"
    " WHERE p.id = a.person_id AND p.seen_at < '2026-01-01'",
    "mariadb": "UPDATE address a JOIN person p ON p.id = a.person_id"
    " SET a.street = concat('rh1-', left(md5(a.street), 26)), a.city = '[redacted]' WHERE p.seen_at < '2026-01-01'",
}
_MOVED = (
    "INSERT INTO kept_person SELECT person.*, CURRENT_TIMESTAMP FROM person",
    "INSERT INTO kept_address SELECT * FROM address",
    "DELETE FROM address",
    "DELETE FROM person",
)


def _fresh(side: Side) -> None:
    """Two addresses a person; the vault is empty."""
    mariadb = side.kind == "mariadb"
    moment = "datetime" if mariadb else "timestamp"
    for name in ("kept_address", "kept_person", "address", "person"):
        side.run(f"DROP TABLE IF EXISTS {name}")
    for prefix, more in (("", ""), ("kept_", f", restricted_at {moment}")):
        side.run(f"CREATE TABLE {prefix}person {_PERSON.format(moment=moment, more=more)}")
        side.run(f"CREATE TABLE {prefix}address {_ADDRESS.format(person=f'{prefix}person')}")
        if not mariadb:
            side.run(f"CREATE INDEX {prefix}address_person ON {prefix}address (person_id)")
    numbers = f"seq_1_to_{side.rows}" if mariadb else f"generate_series(1, {side.rows}) AS s (seq)"
    pairs = f"seq_1_to_{2 * side.rows}" if mariadb else f"generate_series(1, {2 * side.rows}) AS s (seq)"
    side.run(
        f"INSERT INTO person SELECT seq, concat('Name of ', seq), '2020-01-01', repeat('x', 100) FROM {numbers}"
    )
    half = "(seq + 1) DIV 2" if mariadb else "(seq + 1) / 2"
    side.run(f"INSERT INTO address SELECT seq, {half}, concat(seq, ' Main Street'), 'Oslo' FROM {pairs}")
    for name in ("person", "address"):
        side.run(f"ANALYZE TABLE {name}" if mariadb else f"VACUUM ANALYZE {name}")


def measure(which: str, folder: Path, rows: int, repeat: int) -> None:
    """One statement, or one transaction, and the engine's run, in turn."""
    what, _, kind = which.partition("-")
    moves = what == "vault"
    with rewriting.opened(f"rewriting-{kind}", rows, folder) as side:
        print(f"\n{which}: {rows:,} records, {2 * rows:,} rows of a part")
        plain, mine = [], []
        for turn in range(repeat):
            _fresh(side)
            started = time.perf_counter()
            for statement in ("BEGIN", *_MOVED, "COMMIT") if moves else (_JOINED[kind],):
                side.run(statement)
            plain.append(time.perf_counter() - started)
            _fresh(side)
            policy = rewriting.POLICY.replace("pseudonymize", "restrict") if moves else rewriting.POLICY
            connector = CONNECTOR % (side.url, VAULT if moves else PARTS)
            mine.append(rewriting.engine(side, folder / str(turn), policy, connector))
        rewriting.show("one transaction" if moves else "one UPDATE", plain, mine)
