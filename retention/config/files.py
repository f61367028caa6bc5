"""The operator's files as they are read, what is wrong in them, and how the engine runs here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from retention.config.reading import findings as words
from retention.config.reading.findings import Finding, Unusable
from retention.config.reading.nearby import advice
from retention.config.reading.toml_files import read_toml
from retention.config.settings.settings_file import FILE as SETTINGS
from retention.config.settings.settings_file import STATE_VARIABLE, read_settings, state_of_environment
from retention.errors import ConfigurationError, Problem, SetupError
from retention.model.settings import Settings

ENVIRONMENT = "the environment"
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How the engine runs here, and the policy's folder (absolute), where every relative path starts."""

    settings: Settings
    folder: Path


@dataclass(kw_only=True)
class Files:
    """Files read so far, and what is wrong with them."""

    folder: Path
    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    findings: dict[str, list[Finding]] = field(default_factory=dict)

    @classmethod
    def beside(cls, policy: Path) -> Files:
        """Those of the policy's folder. SetupError where the policy (an absolute path) is not there."""
        if not os.path.lexists(policy):
            missing = Problem(file=str(policy), key="", found="is not there", write=advice(policy))
            raise SetupError(f"There is no {policy}", [missing])
        return cls(folder=policy.parent)

    def named(self, path: Path) -> str:
        """`path` as the operator knows it: from the policy's folder where it lies inside."""
        try:
            return str(path.relative_to(self.folder))
        except ValueError:
            return str(path)

    def list_of(self, file: str) -> list[Finding]:
        """The findings of a file, to be added to."""
        return self.findings.setdefault(file, [])

    def read(self, path: Path) -> Mapping[str, Any] | None:
        """The file's tables, or None, and why among the findings."""
        file = self.named(path)
        self.documents[file] = NOTHING
        try:
            self.documents[file] = read_toml(path)
        except Unusable as error:
            self.list_of(file).extend(error.findings)
            return None
        return self.documents[file]

    def settings(self, environ: Mapping[str, str]) -> Settings:
        """`retention.toml` and the environment, which wins."""
        path = self.folder / SETTINGS
        document = self.read(path) if os.path.lexists(path) else None
        settings = read_settings(document or NOTHING, self.folder, self.list_of(SETTINGS), environ)
        try:
            from_environment = state_of_environment(environ, self.folder)
        except Unusable as error:
            findings = [Finding(at=(STATE_VARIABLE,), found=f.found, write=f.write) for f in error.findings]
            self.list_of(ENVIRONMENT).extend(findings)
            return settings
        return settings if from_environment is None else replace(settings, state=from_environment)

    def problems(self) -> list[Problem]:
        """All findings as Problems: by file, then by place in the file, then by key."""
        ordered = []
        for file, found in self.findings.items():
            for f in words.told_once(set(found)):
                problem = Problem(file=file, key=words.dotted(f.at), found=f.found, write=f.write)
                place = _position(self.documents.get(file, NOTHING), f.at)
                ordered.append((file.count("/"), file, place, problem))
        return [problem for *_, problem in sorted(ordered)]


def load_settings(config: Path, *, environ: Mapping[str, str]) -> Setting:
    """What is beside `config` (policies.toml), whose own promises and connectors are not read.

    Raises SetupError if the policy is not there, and ConfigurationError with every Problem of these settings.
    """
    files = Files.beside(Path(os.path.abspath(config)))
    settings = files.settings(environ)
    if problems := files.problems():
        raise ConfigurationError(problems=problems)
    return Setting(settings=settings, folder=files.folder)


def _position(document: Mapping[str, Any], at: words.Path) -> tuple[int, ...]:
    """Where in the file `at` stands, as far as it is there: TOML tables keep their order."""
    places: list[int] = []
    level: object = document
    for piece in at:
        if isinstance(level, Mapping) and piece in level:
            places.append(list(level).index(str(piece)))
            level = level[str(piece)]
        elif isinstance(level, list) and isinstance(piece, int) and piece < len(level):
            places.append(piece)
            level = level[piece]
        else:
            places.append(-1)  # what is missing comes before what is there
            break
    return tuple(places)
