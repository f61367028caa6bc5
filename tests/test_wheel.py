"""The wheel has all that the program needs: installed away from the clone, it does what it does there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.heavy  # a wheel is built, and installed, and two companies with it


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of what git knows of: a build leaves files beside what it builds."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a clone")
    for name in listed.stdout.splitlines():
        if name.startswith("retention/") or "/" not in name:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    built = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "-w",
            made,
            source,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if "No matching distribution found for setuptools" in built.stderr:
        pytest.skip("pip reaches nothing to build with")
    assert built.returncode == 0, built.stderr
    (found,) = made.glob("*.whl")
    return found


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "retention"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert not [name for name in listed if name not in inside]
    assert not [name for name in inside if name.startswith(("tests/", "bench/", "docs/"))]


def test_what_is_installed_builds_companies_and_begins_a_policy_of_one_s_own(
    wheel: Path, tmp_path: Path
) -> None:
    site, home = tmp_path / "site", tmp_path / "home"
    home.mkdir()
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel], check=True
    )

    def typed(*words: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "retention", *words],
            cwd=home,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(site)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    where = subprocess.run(
        [sys.executable, "-P", "-c", "import retention; print(retention.__file__)"],
        cwd=home,
        env={"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert where.startswith(str(site))
    assert "The ledger verifies" in typed("demo")
    assert "The ledger verifies" in typed("demo", "service", "--company", "crm")
    shop = ("--config", "demo/policies.toml", "--connectors", "demo/connectors")
    assert typed(*shop, "check").startswith("No problems found.")
    assert json.loads(typed(*shop, "plan", "--format", "json"))["totals"]["due"] == 0
    typed(*shop, "audit", "export", "export")
    assert {"README.md", "verify.py"} <= {path.name for path in (home / "export").iterdir()}
    typed("init", "mine", "--url", f"sqlite:///{home}/demo/store.db", "--table", "orders")
    assert (home / "mine" / "connectors" / "store.toml").is_file()
    typed("--config", "mine/policies.toml", "check", code=3)
