"""The pages on servers, typed from top to bottom on real ones: the role, the connector, and all that is shown."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from retention.cli.root import root
from tests.integration import test_least_privilege as on_postgresql
from tests.integration import test_least_privilege_mariadb as on_mariadb
from tests.support import servers
from tests.test_docs_console import DOCS, blocks
from tests.test_readme import shape


@dataclass(frozen=True, kw_only=True)
class Kind:
    """`of_page`: what stands on the page → what is typed for `name`, which nobody else has."""

    address: Callable[[], str]
    execute: Callable[[str, str], list[tuple[object, ...]]]
    tables: str
    of_page: Callable[[str, str], str]
    drop: str


def of_postgresql(text: str, name: str) -> str:
    text = re.sub(r"\bTO retention\b", f"TO {name}", text)
    return text.replace("ROLE retention ", f"ROLE {name} ").replace("DATABASE shop ", f"DATABASE {name} ")


def of_mariadb(text: str, name: str) -> str:
    return re.sub(r"\bshop\.", f"{name}.", re.sub(r"\bretention@", f"{name}@", text))


KINDS: Mapping[str, Kind] = {
    "postgresql": Kind(
        address=lambda: servers.postgresql().url,
        execute=on_postgresql.execute,
        tables=on_postgresql.TABLES,
        of_page=of_postgresql,
        drop="DROP DATABASE {name} WITH (FORCE); DROP ROLE IF EXISTS {name}",
    ),
    "mariadb": Kind(
        address=lambda: servers.mariadb().url,
        execute=on_mariadb.execute,
        tables=on_mariadb.TABLES,
        of_page=of_mariadb,
        drop="DROP DATABASE {name}; DROP USER IF EXISTS {name}@'%'",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Somebody with a page's own tables, and nothing typed yet. `name`: of the database and of the role."""

    kind: Kind
    page: Path
    name: str
    owner: str

    def sql(self) -> list[str]:
        return [self.kind.of_page(block, self.name) for block in blocks(self.page, "sql")]

    def as_owner(self, text: str) -> list[tuple[object, ...]]:
        return self.kind.execute(self.owner, text)

    def session(self) -> list[tuple[str, list[str]]]:
        """(what is typed, what the page says that it shows)."""
        found: list[tuple[str, list[str]]] = []
        for block in blocks(self.page):
            for line in block.splitlines():
                if line.startswith("$ "):
                    found.append((line.removeprefix("$ "), []))
                else:
                    found[-1][1].append(line)
        return found


@pytest.fixture(params=sorted(KINDS))
def reader(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Reader]:
    kind = KINDS[request.param]
    server, name = kind.address(), f"retention_page_{secrets.token_hex(4)}"
    owner = re.sub(r"/[^/]*$", f"/{name}", server)
    monkeypatch.chdir(tmp_path)
    for variable in ("RETENTION_CONFIG", "RETENTION_CONNECTORS", "RETENTION_STATE", "COLUMNS"):
        monkeypatch.delenv(variable, raising=False)
    kind.execute(server, f"CREATE DATABASE {name}")
    try:
        kind.execute(owner, kind.tables)
        page = DOCS / "how-to" / f"connect-{request.param}.md"
        yield Reader(kind=kind, page=page, name=name, owner=owner)
    finally:
        for statement in kind.drop.format(name=name).split("; "):
            kind.execute(server, statement)


def typed(*words: str) -> Result:
    return CliRunner().invoke(root, list(words), prog_name="retention")


def test_a_page_on_a_server_is_true(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the role that it makes and the connector that it shows; the policy is a reader's own."""
    for statement in reader.sql():
        reader.as_owner(statement)
    Path("connectors").mkdir()
    Path("policies.toml").write_text(on_postgresql.POLICY)
    Path("connectors/shop.toml").write_text(blocks(reader.page, "toml")[0])

    (export, _), *commands = reader.session()
    variable, _, url = export.removeprefix("export ").partition("=")
    user, password = re.fullmatch(r"\w+://(\w+):([^@]+)@db\.example/shop", url).groups()  # type: ignore[union-attr]
    assert f"'{password}'" in blocks(reader.page, "sql")[0]  # as the role was made
    assert user == "retention"
    monkeypatch.setenv(variable, re.sub(r"//[^@/]*@", f"//{reader.name}:{password}@", reader.owner))

    assert [words for words, _ in commands] == ["retention init", "retention check", "retention plan"]
    for words, shown in commands:
        result = typed(*words.split()[1:])
        assert result.exit_code == 0, result.output
        told = shape(result.output.replace(reader.name, "shop"))
        assert shown, f"{words}: the page shows nothing of it"
        for line in shown:
            assert shape(line) in told, f"{words}: {line}\n{result.output}"
    (plan,) = re.findall(r"^Plan (\w+) ", result.output, re.MULTILINE)
    assert typed("approve", plan).exit_code == 0
    assert typed("run", "--plan", plan, "--yes").exit_code == 0
    assert reader.as_owner("SELECT count(*) FROM orders") == [(201,)]


def test_without_the_marker_table_of_the_page_init_says_which_statement_makes_it(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role that may make no table is told so, and `init --ddl` prints the page's statement."""
    (text,) = reader.sql()
    (marker,) = re.findall(r"CREATE TABLE .*?;", text, re.DOTALL)
    for statement in text.split(";"):
        if statement.strip() and "retention_marker" not in statement:
            reader.as_owner(statement)
    Path("connectors").mkdir()
    Path("policies.toml").write_text(on_postgresql.POLICY)
    Path("connectors/shop.toml").write_text(blocks(reader.page, "toml")[0])
    url = re.sub(r"//[^@/]*@", f"//{reader.name}:change-me@", reader.owner)
    monkeypatch.setenv("SHOP_DATABASE_URL", url)

    refused = typed("init")

    assert refused.exit_code != 0
    assert "retention_marker" in refused.output

    def plain(statement: str) -> str:
        words = re.sub(r"[`\"]|\b\w+\.(?=retention_marker)", "", " ".join(statement.lower().split()))
        return re.sub(r"\s*([(),])\s*", r"\1", words).replace("character set ", "charset=")

    columns, _, options = plain(marker).removesuffix(";").rpartition(")")
    printed = plain(typed("init", "--ddl").output)
    assert columns in printed
    assert all(option in printed.rpartition(columns)[2] for option in options.split())
