import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_stand_ins import modules_of, usual
from click.testing import CliRunner

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


@pytest.fixture(autouse=True)
def no_settings_of_the_tester(monkeypatch):
    for name in ("RETENTION_CONFIG", "RETENTION_CONNECTORS", "RETENTION_STATE", "RETENTION_DEBUG"):
        monkeypatch.delenv(name, raising=False)


class Line:
    """A command line over stand-ins; `calls` are what the verbs were called with."""

    def __init__(self, monkeypatch):
        self._monkeypatch = monkeypatch
        self.calls = []
        self.verbs({})

    def verbs(self, changes):
        """Replaces some verbs: by a function, by an exception to raise, or by what to answer."""
        for name, module in modules_of(
            {k: self._watched(k, v) for k, v in (usual() | changes).items()}
        ).items():
            self._monkeypatch.setitem(sys.modules, name, module)

    def _watched(self, name, answer):
        def verb(*arguments, **named):
            self.calls.append((name, arguments, named))
            if isinstance(answer, BaseException):
                raise answer
            return answer(*arguments, **named) if callable(answer) else answer

        return verb

    def __call__(self, *words, env=None):
        from retention.cli.root import root

        return CliRunner().invoke(root, list(words), env=env, prog_name="retention")

    def document(self, *words):
        """The one document on standard output, parsed."""
        return json.loads(self(*words).stdout)


@pytest.fixture
def line(monkeypatch):
    return Line(monkeypatch)


@pytest.fixture
def process():
    """Starts a real process: a scene of stand-ins and its arguments."""
    started = []

    def start(scene, *words, **options):
        environ = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}", "PYTHONUNBUFFERED": ""}
        command = [sys.executable, str(HERE / "cli_stand_ins.py"), scene, *words]
        options = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        } | options
        running = subprocess.Popen(command, env=environ, **options)
        started.append(running)
        return running

    yield start
    for each in started:
        if each.poll() is None:
            each.kill()
        each.wait()
        for stream in (each.stdin, each.stdout, each.stderr):
            if stream is not None:
                stream.close()
