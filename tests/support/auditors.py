"""What an auditor has: verify.py, run as they run it, or called for many folders in one process."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

SCRIPT = Path(__file__).parents[2] / "retention" / "verbs" / "templates" / "export" / "verify.py"


def typed(folder: Path, *words: str) -> tuple[int, str]:
    """`python verify.py WORDS` in the folder, with nothing of ours to be imported: exit code and all it said."""
    ran = subprocess.run(
        [sys.executable, "-I", "-W", "error", "verify.py", *words],
        cwd=folder, capture_output=True, text=True, env={"PATH": "/usr/bin"}, check=False,
    )  # fmt: skip
    return ran.returncode, (ran.stdout + ran.stderr).strip()


def script() -> ModuleType:
    """verify.py as a module."""
    spec = importlib.util.spec_from_file_location("auditors_verify", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def found(module: ModuleType, folder: Path, key: str) -> str | None:
    """What is wrong with an exported folder; None where it verifies."""
    try:
        module.check_folder(folder, key.strip())
    except module.Wrong as error:
        return str(error)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"
    return None
