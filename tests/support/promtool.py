"""Prometheus' own tool, where there is one: on the path, or named by RETENTION_TEST_PROMTOOL."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

_NAMED = os.environ.get("RETENTION_TEST_PROMTOOL")
needs_promtool = pytest.mark.skipif(
    _NAMED is None and shutil.which("promtool") is None,
    reason="no promtool on the path, and none named by RETENTION_TEST_PROMTOOL",
)


def promtool(*words: str, given: bytes = b"") -> str:
    """What it says, which has to be content."""
    ran = subprocess.run(
        [_NAMED or "promtool", *words], input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said = ran.stdout.decode()
    assert ran.returncode == 0, said
    return said
