"""`init --ddl` prints the rights that `check` asks for: a role that has them, and no more, checks, plans and runs."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator

import pytest

from tests.integration.test_least_privilege import execute as on_postgresql
from tests.integration.test_least_privilege_mariadb import execute as on_mariadb
from tests.support.mariadb import MariadbServer, MariadbStore
from tests.support.stores import PostgresqlStore, Store
from tests.support.workplace import Workplace

TABLES = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(80), since TIMESTAMP NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, at TIMESTAMP NULL, disputed BOOLEAN,
    CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id));
CREATE INDEX orders_customer_id ON orders (customer_id);
CREATE TABLE order_lines (id INTEGER PRIMARY KEY, order_id INTEGER,
    CONSTRAINT lines_order FOREIGN KEY (order_id) REFERENCES orders (id));
CREATE INDEX order_lines_order_id ON order_lines (order_id);
CREATE TABLE complaints (id INTEGER PRIMARY KEY, order_id INTEGER, words TEXT,
    CONSTRAINT complaints_order FOREIGN KEY (order_id) REFERENCES orders (id));
CREATE INDEX complaints_order_id ON complaints (order_id);
CREATE TABLE visits (id INTEGER PRIMARY KEY, customer_id INTEGER, at TIMESTAMP NULL,
    CONSTRAINT visits_customer FOREIGN KEY (customer_id) REFERENCES customers (id));
CREATE INDEX visits_customer_id ON visits (customer_id);
CREATE TABLE salaries (id INTEGER PRIMARY KEY, amount INTEGER);
INSERT INTO customers VALUES (1, 'Ann', '2015-01-01 00:00:00');
INSERT INTO orders VALUES (1, 1, '2015-01-01 00:00:00', FALSE), (2, 1, '2026-11-01 00:00:00', FALSE);
INSERT INTO order_lines VALUES (1, 1), (2, 2);
INSERT INTO visits VALUES (1, 1, '2015-01-01 00:00:00');
"""
DATASETS = """
[datasets.orders]
data   = "orders"
table  = "orders"
events = { booked = "at" }
parts  = ["order_lines"]

[datasets.customers]
data      = "customers"
table     = "customers"
events    = { seen = { latest = ["since", "visits.at"] } }
anonymize = { name = "redact" }
"""


def granted(work: Workplace, name: str) -> list[str]:
    """The printed statements of the connector, for a role of this name."""
    lines = work.cli("init", "--ddl").stdout.partition("-- db (")[2].splitlines()
    return [
        re.sub(r"\bTO retention\b", f"TO {name}", line.removeprefix("-- "))
        for line in lines
        if "GRANT" in line
    ]


@pytest.fixture
def role(request: pytest.FixtureRequest, store: Store) -> Iterator[str]:
    """A new account that may do nothing in the store."""
    name = f"retention_{secrets.token_hex(4)}"
    if isinstance(store, PostgresqlStore):
        on_postgresql(store.url, f"CREATE ROLE {name} LOGIN PASSWORD 'change-me'")
        yield name
        on_postgresql(store.url, f"DROP OWNED BY {name}; DROP ROLE {name}")
    else:
        server: MariadbServer = request.getfixturevalue("mariadb_server")
        server.execute(f"CREATE USER {name}@'%' IDENTIFIED BY 'change-me'")
        yield name
        server.execute(f"DROP USER {name}@'%'")


def statements_for(
    work: Workplace, store: PostgresqlStore | MariadbStore, role: str, head: str = ""
) -> list[str]:
    """What is printed, carried out; the engine connects as the role from then on. `head`: more of the connector."""
    store.script(TABLES)
    work.connect(store, DATASETS)
    work.connectors["db"] = head + work.connectors["db"]
    work.rule("orders", 'data = "orders"\nkeep = "5 years"\nfrom = "booked"')
    work.rule("customers", 'data = "customers"\nkeep = "5 years"\nfrom = "seen"\naction = "pseudonymize"')
    work.init()
    statements = granted(work, role)
    for statement in statements:
        (on_postgresql if store.kind == "postgresql" else on_mariadb)(store.url, statement)

    work.environ["DB_URL"] = re.sub(r"//[^@/]*@", f"//{role}:change-me@", store.url)
    return statements


@pytest.mark.parametrize("store", ["postgresql", "mariadb"], indirect=True)
def test_what_is_printed_is_what_check_asks_for(
    work: Workplace, store: PostgresqlStore | MariadbStore, role: str
) -> None:
    said = "\n".join(statements_for(work, store, role))
    assert work.problems() == ()
    assert {job.rule: job.done for job in work.run().jobs} == {"orders": 1, "customers": 1}
    assert "salaries" not in said
    customers = re.search(r"GRANT (.*) ON \S*customers TO", said)
    assert customers is not None
    assert "DELETE" not in customers[1]


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
@pytest.mark.parametrize("markers", ["", "Ops"])
def test_it_is_enough_where_no_role_may_look_into_a_schema_unasked(
    work: Workplace, store: PostgresqlStore, role: str, markers: str
) -> None:
    """`public` is open to every role of a new database, and of no other."""
    store.script('REVOKE ALL ON SCHEMA public FROM PUBLIC; CREATE SCHEMA "Ops"')
    statements = statements_for(work, store, role, f'marker_schema = "{markers}"\n' if markers else "")
    assert work.problems() == ()
    assert {job.rule: job.done for job in work.run().jobs} == {"orders": 1, "customers": 1}
    assert len(statements) == len(set(statements))
