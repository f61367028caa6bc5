"""The rights that the how-to grants are enough to check, plan and run, and each of them is needed."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from retention.cli.root import root
from tests.support import servers

ROOT = Path(__file__).parents[2]
HOW_TO = ROOT / "docs" / "how-to" / "connect-postgresql.md"

TABLES = """
CREATE TABLE orders (id bigint PRIMARY KEY, created_at timestamptz NOT NULL);
CREATE TABLE order_lines (
    order_id bigint REFERENCES orders, line integer, article text, PRIMARY KEY (order_id, line));
CREATE TABLE complaints (id integer PRIMARY KEY, order_id bigint REFERENCES orders, words text);
CREATE INDEX ON complaints (order_id);
CREATE TABLE salaries (id integer PRIMARY KEY, amount integer);
INSERT INTO orders SELECT n, '2015-01-01'::timestamptz + n * interval '1 hour' FROM generate_series(1, 40) n;
INSERT INTO orders SELECT n, now() FROM generate_series(101, 300) n;
INSERT INTO order_lines SELECT id, 1, 'tent' FROM orders;
INSERT INTO complaints VALUES (1, 7, 'torn');
"""

POLICY = """
[policy]
name = "Web store"
timezone = "Europe/Oslo"

[rules.orders]
promise = "Orders: five years"
data = "orders"
keep = "5 years"
from = "booked"
action = "delete"
"""


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A database with the how-to's tables and role, and a folder with the how-to's connector."""

    folder: Path
    owner: str
    role: str

    def sql(self, text: str) -> list[tuple[object, ...]]:
        """As the owner; rows of the last statement, if it gives any."""
        return execute(self.owner, text)

    def command(self, *words: str) -> Result:
        """A command line, in this process: the database's role is what is tried here."""
        config = ("--config", str(self.folder / "policies.toml"))
        return CliRunner().invoke(root, [*config, *words], env={"SHOP_DATABASE_URL": self.role})

    def approved_plan(self) -> str:
        made = self.command("plan")
        assert made.exit_code == 0, made.stderr
        name = re.match(r"Plan (\w+) ", made.stdout)
        assert name is not None
        assert self.command("approve", name[1]).exit_code == 0
        return name[1]


def execute(url: str, text: str) -> list[tuple[object, ...]]:
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(text)
        while cursor.nextset():
            pass
        return list(cursor.fetchall()) if cursor.description else []


@pytest.fixture(scope="module")
def server() -> str:
    return servers.postgresql().url


@pytest.fixture
def shop(server: str, tmp_path: Path) -> Iterator[Shop]:
    name = f"retention_rights_{secrets.token_hex(4)}"
    owner = re.sub(r"/[^/]*$", f"/{name}", server)
    execute(server, f"CREATE DATABASE {name}")
    try:
        execute(owner, TABLES)
        execute(owner, grants(name))
        (tmp_path / "connectors").mkdir()
        (tmp_path / "policies.toml").write_text(POLICY)
        (tmp_path / "connectors" / "shop.toml").write_text(connector())
        role = re.sub(r"//[^@/]*@", f"//{name}:change-me@", owner)
        yield Shop(folder=tmp_path, owner=owner, role=role)
    finally:
        execute(server, f"DROP DATABASE {name} WITH (FORCE)")
        execute(server, f"DROP ROLE IF EXISTS {name}")


def grants(name: str) -> str:
    """The how-to's statements, its role and database under a name that nobody else has."""
    found = re.search(r"```sql\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    text = re.sub(r"\bTO retention\b", f"TO {name}", found[1])
    return text.replace("ROLE retention ", f"ROLE {name} ").replace("DATABASE shop", f"DATABASE {name}")


def connector() -> str:
    found = re.search(r"```toml\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def test_what_the_how_to_grants_is_enough(shop):
    assert shop.command("init").exit_code == 0
    checked = shop.command("check")
    assert (checked.exit_code, checked.stdout.splitlines()[0]) == (0, "No problems found.")
    ran = shop.command("run", "--yes", "--plan", shop.approved_plan())
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert shop.sql("SELECT count(*) FROM orders WHERE id < 100") == [(1,)]
    assert shop.sql("SELECT count(*) FROM order_lines") == [(201,)]
    assert shop.sql("SELECT count(*) FROM retention_marker") == [(1,)]
    assert shop.command("audit", "verify").exit_code == 0
    assert shop.command("run", "--yes").exit_code == 0  # markers are read back and folded


def test_the_role_may_do_nothing_else(shop):
    psycopg = pytest.importorskip("psycopg")
    for forbidden in (
        "UPDATE orders SET created_at = now()",
        "INSERT INTO orders VALUES (1000, now())",
        "DELETE FROM complaints",
        "SELECT * FROM salaries",
        "UPDATE retention_marker SET count = 0",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            execute(shop.role, forbidden)


@pytest.mark.parametrize(
    ("right", "table"),
    [
        ("UPDATE (id) ON orders", "orders"),
        ("UPDATE (order_id) ON order_lines", "order_lines"),
        ("DELETE ON order_lines", "order_lines"),
        ("INSERT ON retention_marker", "retention_marker"),
    ],
)
def test_without_one_of_them_nothing_is_deleted_and_the_table_is_named(shop, right, table):
    assert shop.command("init").exit_code == 0
    plan = shop.approved_plan()
    role = re.search(r"//([^:]*):", shop.role)
    assert role is not None
    shop.sql(f"REVOKE {right} FROM {role[1]}")
    ran = shop.command("run", "--yes", "--plan", plan)
    assert ran.exit_code == 5
    assert f"permission denied for table {table}" in " ".join(ran.stdout.split())
    assert shop.sql("SELECT count(*) FROM orders WHERE id < 100") == [(40,)]
    assert shop.command("audit", "verify").exit_code == 0


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    ("right", "can_not"),
    [
        ("SELECT ON complaints", "read `public.complaints`"),
        ("SELECT ON orders", "read `public.orders`"),
        ("UPDATE (id) ON orders", "lock rows of `public.orders`"),
        ("UPDATE (order_id) ON order_lines", "lock rows of `public.order_lines`"),
        ("DELETE ON order_lines", "delete from `public.order_lines`"),
        ("INSERT ON retention_marker", "write markers to `public.retention_marker`"),
        ("USAGE ON SCHEMA public", "use the schema of `public."),
    ],
)
def test_check_prints_the_grant_that_is_missing_and_that_is_enough(shop, right, can_not):
    assert shop.command("init").exit_code == 0
    role = re.search(r"//([^:]*):", shop.role)
    assert role is not None
    shop.sql(f"REVOKE {right} FROM {role[1]}" + (", PUBLIC" if "SCHEMA" in right else ""))
    checked = shop.command("check", "--format", "json")
    assert checked.exit_code == 3
    problems = json.loads(checked.stdout)["problems"]
    assert [p for p in problems if can_not in p["found"]], problems
    for problem in problems:
        assert problem["file"].endswith("shop.toml")
        shop.sql(problem["write"])
    assert shop.command("check").exit_code == 0
    ran = shop.command("run", "--yes", "--plan", shop.approved_plan())
    assert ran.exit_code == 0
    assert shop.sql("SELECT count(*) FROM orders WHERE id < 100") == [(1,)]


def test_a_referring_table_that_cannot_be_read_stops_the_plan(shop):
    assert shop.command("init").exit_code == 0
    role = re.search(r"//([^:]*):", shop.role)
    assert role is not None
    shop.sql(f"REVOKE SELECT ON complaints FROM {role[1]}")
    planned = shop.command("plan")
    assert planned.exit_code == 3
    assert "permission denied for table complaints" in planned.stderr
    told = " ".join(planned.stderr.split())
    grant = re.search(r'GRANT SELECT ON "public"\."complaints" TO "\w+";', told)
    assert grant is not None, told
    shop.sql(grant[0])
    assert shop.command("plan").exit_code == 0
