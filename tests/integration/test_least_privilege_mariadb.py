"""The rights that the how-to for MariaDB grants are enough to check, plan and run, and each of them is needed."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.test_least_privilege import POLICY, Shop
from tests.support.mariadb import MariadbServer, connect

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "connect-mariadb.md"

TABLES = """
CREATE TABLE orders (id bigint PRIMARY KEY, created_at timestamp NOT NULL);
CREATE TABLE order_lines (
    order_id bigint REFERENCES orders (id), line integer, article text, PRIMARY KEY (order_id, line));
CREATE TABLE complaints (id integer PRIMARY KEY, order_id bigint REFERENCES orders (id), words text);
CREATE TABLE salaries (id integer PRIMARY KEY, amount integer);
INSERT INTO orders SELECT seq, '2015-01-01' + INTERVAL seq HOUR FROM seq_1_to_40;
INSERT INTO orders SELECT seq, now() FROM seq_101_to_300;
INSERT INTO order_lines SELECT id, 1, 'tent' FROM orders;
INSERT INTO complaints VALUES (1, 7, 'torn');
"""


def execute(url: str, text: str) -> list[tuple[object, ...]]:
    """Rows of the last statement, if it gives any."""
    with closing(connect(url, autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute(text)
        rows = list(cursor.fetchall())
        while cursor.nextset():
            rows = list(cursor.fetchall())
        return rows


class MariadbShop(Shop):
    def sql(self, text: str) -> list[tuple[object, ...]]:
        return execute(self.owner, text)


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def shop(mariadb_server: MariadbServer, tmp_path: Path) -> Iterator[MariadbShop]:
    name = f"retention_rights_{secrets.token_hex(4)}"
    owner = re.sub(r"/[^/]*$", f"/{name}", mariadb_server.url)
    mariadb_server.execute(f"CREATE DATABASE {name}")
    try:
        execute(owner, TABLES)
        text = re.sub(r"\bretention@", f"{name}@", block("sql"))
        execute(owner, re.sub(r"\bshop\.", f"{name}.", text))
        (tmp_path / "connectors").mkdir()
        (tmp_path / "policies.toml").write_text(POLICY)
        (tmp_path / "connectors" / "shop.toml").write_text(block("toml"))
        role = re.sub(r"//[^@/]*@", f"//{name}:change-me@", owner)
        yield MariadbShop(folder=tmp_path, owner=owner, role=role)
    finally:
        mariadb_server.execute(f"DROP DATABASE {name}")
        mariadb_server.execute(f"DROP USER IF EXISTS {name}@'%'")


def test_what_the_how_to_grants_is_enough(shop):
    assert shop.command("init").exit_code == 0
    checked = shop.command("check")
    assert (checked.exit_code, checked.stdout.splitlines()[0]) == (0, "No problems found."), checked.stdout
    ran = shop.command("run", "--yes", "--plan", shop.approved_plan())
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert shop.sql("SELECT count(*) FROM orders WHERE id < 100") == [(1,)]
    assert shop.sql("SELECT count(*) FROM order_lines") == [(201,)]
    assert shop.sql("SELECT count(*) FROM retention_marker") == [(1,)]
    assert shop.command("audit", "verify").exit_code == 0
    assert shop.command("run", "--yes").exit_code == 0  # markers are read back and folded


def test_the_role_may_do_nothing_else(shop):
    import pymysql

    for forbidden in (
        "UPDATE orders SET created_at = now()",
        "INSERT INTO orders VALUES (1000, now())",
        "DELETE FROM complaints",
        "SELECT * FROM salaries",
        "UPDATE retention_marker SET count = 0",
        "CREATE TABLE mine (id integer)",
    ):
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            execute(shop.role, forbidden)


@pytest.mark.parametrize(
    ("right", "table"),
    [
        ("DELETE", "orders"),
        ("DELETE", "order_lines"),
        ("SELECT", "complaints"),
        ("INSERT", "retention_marker"),
        ("DELETE", "retention_marker"),
    ],
)
def test_a_right_that_is_missing_is_named_with_its_grant(shop, right, table):
    assert shop.command("init").exit_code == 0
    name = re.search(r"//([^:]*):", shop.role)[1]
    shop.sql(f"REVOKE {right} ON {name}.{table} FROM {name}@'%'")
    checked = shop.command("check")
    assert checked.exit_code == 3
    said = " ".join((checked.stdout + checked.stderr).split())
    assert f"GRANT {right} ON `{name}`.`{table}` TO '{name}'@'%';" in said
    assert shop.sql("SELECT count(*) FROM orders WHERE id < 100") == [(40,)]


def test_without_references_a_run_refuses(shop):
    assert shop.command("init").exit_code == 0
    name = re.search(r"//([^:]*):", shop.role)[1]
    shop.sql(f"REVOKE REFERENCES ON *.* FROM {name}@'%'")
    planned = shop.command("plan")
    assert planned.exit_code == 0
    assert "can't see" in " ".join(planned.stdout.split())
    assert shop.command("run", "--yes").exit_code == 4
    assert shop.sql("SELECT count(*) FROM orders WHERE id < 100") == [(40,)]


def test_a_ring_goes_once_the_role_may_set_the_reference_to_null(shop):
    """Without the right the ring stays, what hangs on it goes, and the plan says which GRANT is missing."""
    name = re.search(r"//([^:]*):", shop.role)[1]
    shop.sql(
        "CREATE TABLE staff (id integer PRIMARY KEY, gone datetime, boss integer REFERENCES staff (id));"
        "INSERT INTO staff VALUES (1, '2015-01-01', 1), (3, '2015-01-01', NULL), (2, '2015-01-01', 3),"
        " (4, '2015-01-01', 3); UPDATE staff SET boss = 2 WHERE id = 3;"
        "INSERT INTO staff SELECT seq, now(), NULL FROM seq_101_to_200;"
        f"GRANT SELECT, DELETE ON staff TO {name}@'%'"
    )
    policy = shop.folder / "policies.toml"
    policy.write_text(
        policy.read_text() + '[rules.staff]\npromise = "Staff: a year"\ndata = "staff"\nkeep = "1 year"\n'
        'from = "left"\naction = "delete"\n'
    )
    connector = shop.folder / "connectors" / "shop.toml"
    staff = '[datasets.staff]\ndata = "staff"\ntable = "staff"\nevents = { left = "gone" }\n'
    connector.write_text(connector.read_text() + staff)
    assert shop.command("init").exit_code == 0
    grant = f"GRANT UPDATE (`boss`) ON `{name}`.`staff` TO '{name}'@'%';"

    checked = shop.command("check")
    assert checked.exit_code == 0
    assert grant in " ".join(checked.stdout.split())
    plan = shop.approved_plan()
    assert grant in " ".join(shop.command("plan").stdout.split())
    assert shop.command("run", "--yes", "--plan", plan).exit_code == 0
    assert shop.sql("SELECT id FROM staff WHERE id < 100 ORDER BY id") == [(1,), (2,), (3,)]

    shop.sql(grant)
    assert "ring" not in shop.command("check").stdout
    assert shop.command("run", "--yes", "--plan", shop.approved_plan()).exit_code == 0
    assert shop.sql("SELECT id FROM staff WHERE id < 100") == []


VAULT = """
restrict = { to = "vault" }

[datasets.vault]
data   = "orders"
table  = "orders_vault"
events = { booked = "created_at" }
parts  = ["order_lines_vault"]
"""


def test_what_vault_create_prints_is_enough_to_move_records_and_to_give_them_back(shop):
    """As the how-to's account; somebody who looks at restricted records sees these, and nothing else."""
    connector = shop.folder / "connectors" / "shop.toml"
    connector.write_text(connector.read_text() + VAULT)
    shop.sql("CREATE INDEX orders_when ON orders (created_at)")
    policy = POLICY.replace('action = "delete"', 'action = "restrict"')
    (shop.folder / "policies.toml").write_text(policy)
    assert shop.command("init").exit_code == 0
    printed = shop.command("vault", "create", "shop.vault", "--ddl")
    assert printed.exit_code == 0, printed.output
    account = shop.role.partition("//")[2].partition(":")[0]
    reviewer = f"{account}_r"[-30:]
    shop.sql(printed.stdout)
    refused = shop.command("check")
    assert refused.exit_code == 3
    assert "GRANT" in refused.stdout
    grants = [line.removeprefix("-- ") for line in printed.stdout.splitlines() if "-- GRANT" in line]
    shop.sql(f"CREATE USER `{reviewer}`@'%' IDENTIFIED BY 'change-me'")
    try:
        for grant in grants:
            whom = grant.replace("vault_reviewers", f"`{reviewer}`@'%'")
            shop.sql(re.sub(r"\bTO retention\b(?:@'%')?", f"TO {account}@'%'", whom))
        checked = shop.command("check")
        assert (checked.exit_code, checked.stdout.splitlines()[0]) == (0, "No problems found."), (
            checked.stdout
        )
        ran = shop.command("run", "--yes", "--plan", shop.approved_plan())
        assert (ran.exit_code, ran.stderr) == (0, ""), ran.output
        assert shop.sql("SELECT count(*) FROM orders WHERE id < 100") == [(1,)]  # the one with a complaint
        assert shop.sql("SELECT count(*) FROM order_lines_vault") == [(39,)]
        given = shop.command("vault", "release", "shop.vault", "3", "--reason", "other")
        assert given.exit_code == 0, given.output
        assert shop.sql("SELECT count(*) FROM orders WHERE id = 3") == [(1,)]
        seen = re.sub(r"//[^@/]*@", f"//{reviewer}:change-me@", shop.owner)
        assert execute(seen, "SELECT count(*) FROM orders_vault") == [(38,)]
        for forbidden in ("SELECT * FROM orders", "DELETE FROM orders_vault"):
            with pytest.raises(Exception, match="denied"):
                execute(seen, forbidden)
    finally:
        shop.sql(f"DROP USER `{reviewer}`@'%'")


def test_a_table_that_one_may_not_read_is_not_taken_for_one_that_is_not_there(shop):
    assert shop.command("init").exit_code == 0
    role = re.search(r"//([^:]*):", shop.role)
    assert role is not None
    shop.sql(f"REVOKE ALL ON order_lines FROM {role[1]}@'%'; REVOKE REFERENCES ON *.* FROM {role[1]}@'%'")
    checked = shop.command("check", "--format", "json")
    assert checked.exit_code == 3
    (problem,) = [p for p in json.loads(checked.stdout)["problems"] if "does not exist" in p["found"]]
    grant = re.search(r"GRANT SELECT ON \S+ TO \S+;", problem["write"])
    assert grant is not None, problem
    shop.sql(grant[0])
    assert "does not exist" not in shop.command("check", "--format", "json").stdout


def test_a_marker_table_that_may_not_be_made_names_the_page_of_this_database(shop):
    shop.sql("DROP TABLE retention_marker")
    done = shop.command("init")
    assert done.exit_code == 3, done.output
    assert "connect-mariadb.md" in done.stderr
    assert "connect-postgresql.md" not in done.stderr
