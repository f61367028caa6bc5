"""The house keeps its order: who may import whom, how large a file grows, who asks for the time."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import retention

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "retention"
FILES = sorted(PACKAGE.rglob("*.py"))

FLOORS = (
    {"cli"},
    {"verbs"},
    {"daemon", "demo", "discover"},
    {"engine"},
    {"safety", "actions", "store"},
    {"planning", "connectors"},
    {"ledger", "config", "periods"},
    {"model"},
    {"errors"},
)
"""From the roof down. A room imports from its own floor and from those below it."""
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

NEIGHBOURS = {
    ("connectors", "planning"),  # predicates are what is compiled
    ("config", "periods"),  # periods and zones are read by the law that applies them
    ("ledger", "periods"),
}
"""Who may import whom on the same floor; never the other way round."""

APART = {"report": {"model", "errors"}}
"""Rooms beside the stairs: what they may import, and only the roof and the verbs import them."""

LONG: dict[str, str] = {}
"""Modules of more than MOST_LINES lines, and why. A reason that is not needed any more fails, too."""
MOST_LINES = 400

HEAVY = {
    "alembic", "croniter", "cryptography", "faker", "pendulum", "prometheus_client", "psycopg", "pydantic", "pymysql",
    "rich", "sqlalchemy", "sqlglot", "sqlite3", "tenacity",
}  # fmt: skip

CLOCKS = {"now", "utcnow", "today"}
"""Attributes that, called on a date, a datetime or pendulum, tell the time."""


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def place(file: Path, node: ast.AST) -> str:
    return f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


@functools.cache
def trees() -> Sequence[tuple[Path, ast.Module]]:
    return [(file, ast.parse(file.read_text(encoding="utf-8"), str(file))) for file in FILES]


def imports(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Every module that is imported, inside functions and under TYPE_CHECKING, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            for alias in node.names:
                yield node, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named = re.match(
                r"retention\.[a-z_]+(?![a-z_/])", node.value
            )  # for importlib; `retention.demo/1` is a format
            if named and (PACKAGE / named[0].partition(".")[2]).is_dir():
                yield node, node.value


def room_imported(name: str) -> str | None:
    parts = name.split(".")
    if parts[0] != "retention" or len(parts) < 2 or parts[1].startswith("__"):
        return None
    return parts[1]


def allowed(importer: str, imported: str) -> bool:
    if importer == imported or imported == "errors":
        return True
    if importer in APART:
        return imported in APART[importer]
    if imported in APART:
        return importer in ("cli", "verbs")
    if importer == "__main__":
        return imported == "cli"
    above, below = FLOOR[importer], FLOOR[imported]
    return above < below or (above == below and (importer, imported) in NEIGHBOURS)


def test_imports_point_one_way():
    wrong = [
        f"{place(file, node)} imports {name}"
        for file, tree in trees()
        for node, name in imports(tree)
        if (room := room_imported(name)) is not None and not allowed(room_of(file), room)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_room_has_a_floor():
    rooms = {room_of(file) for file in FILES} - {"__init__", "__main__"}
    assert rooms <= FLOOR.keys() | APART.keys()


def test_only_the_composition_root_names_an_adapter():
    wrong = [
        f"{place(file, node)} imports {name}"
        for file, tree in trees()
        for node, name in imports(tree)
        if name.startswith("retention.connectors.sql")
        and room_of(file) != "verbs"
        and "connectors/sql" not in file.as_posix()
    ]
    assert not wrong, "\n".join(wrong)


def test_the_model_imports_the_standard_library_only():
    wrong = [
        f"{place(file, node)} imports {name}"
        for file, tree in trees()
        if room_of(file) in ("model", "errors")
        for node, name in imports(tree)
        if name.split(".")[0] not in sys.stdlib_module_names | {"retention"}
    ]
    assert not wrong, "\n".join(wrong)


def test_modules_fit_in_a_head():
    sizes = {
        file.relative_to(PACKAGE).as_posix(): len(file.read_text(encoding="utf-8").splitlines())
        for file in FILES
    }
    long = {name: size for name, size in sizes.items() if size > MOST_LINES}
    assert long.keys() == LONG.keys(), f"of more than {MOST_LINES} lines: {long}"


@pytest.mark.parametrize(
    "code",
    ["import retention", "import retention.errors", "import retention.cli", "import retention.cli.root"],
)
def test_importing_it_loads_nothing_heavy(code):
    probe = f"{code}; import sys; print(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT, check=True)
    assert not set(ran.stdout.split()) & HEAVY


def test_every_ignored_type_says_which():
    wrong = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in FILES
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"#\s*type:\s*ignore(?!\[)", line) or re.search(r"#\s*noqa(?!:)", line)
    ]
    assert not wrong


def test_there_is_one_way_of_trying_again():
    found = [
        place(file, node)
        for file, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and "Retrying" in ast.unparse(node.func)
    ]
    assert len(found) == 1
    assert found[0].startswith("retention/connectors/retrying.py")


def test_nothing_is_global():
    """No module has an engine, a connection, a logger or settings of its own."""
    makers = re.compile(
        r"(create_engine|getLogger|basicConfig|connect|get_logger|configure|Console|Session|environ\.get|getenv)"
    )
    wrong = [
        f"{place(file, node)}: {ast.unparse(node)}"
        for file, tree in trees()
        if file.parent.name != "migrations"  # alembic's own way: its env.py is run for each upgrade
        for statement in tree.body
        if not isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.If))
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and re.search(rf"\b{makers.pattern}$", ast.unparse(node.func))
    ]
    assert not wrong, "\n".join(wrong)


def test_nobody_below_the_command_line_asks_for_the_time():
    wrong = []
    for file, tree in trees():
        if room_of(file) in ("cli", "daemon"):
            continue
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            whom = ast.unparse(node.func.value).rpartition(".")[2]
            asks = (whom in ("datetime", "date", "pendulum", "DateTime") and node.func.attr in CLOCKS) or (
                whom == "time" and node.func.attr in ("time", "time_ns", "localtime", "gmtime")
            )
            if asks:
                wrong.append(f"{place(file, node)}: {ast.unparse(node)}")
    assert not wrong, "\n".join(wrong)


def test_as_much_is_said_of_every_public_name():
    """A docstring each; a method that keeps a documented promise of its base class has that one."""
    wrong = []
    for module in pkgutil.walk_packages(retention.__path__, "retention."):
        if module.name.endswith((".__main__", ".migrations.env")):
            continue
        found = importlib.import_module(module.name)
        if not (found.__doc__ or "").strip():
            wrong.append(module.name)
        for name, item in vars(found).items():
            if name.startswith("_") or getattr(item, "__module__", None) != module.name:
                continue
            if inspect.isclass(item):
                wrong += [f"{module.name}.{name}{member}" for member in undocumented(item)]
            elif inspect.isfunction(item) and not inspect.getdoc(item):
                wrong.append(f"{module.name}.{name}")
    assert not wrong, f"{len(wrong)} without a docstring:\n" + "\n".join(wrong)


def undocumented(kind: type) -> Iterator[str]:
    """An empty name for the class itself, `.name` for each of its public methods and properties."""
    node = ast.parse(inspect.cleandoc("\n" + inspect.getsource(kind)) + "\n").body[0]
    if not isinstance(node, ast.ClassDef) or not ast.get_docstring(node):
        yield ""
    for name, member in vars(kind).items():
        function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        if not inspect.getdoc(getattr(kind, name)):
            yield f".{name}"
