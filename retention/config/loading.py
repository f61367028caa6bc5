"""Loads the whole configuration, or says everything that is wrong with it at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from retention.config import findings as words
from retention.config import keeping
from retention.config.agreement import disagreements
from retention.config.connector_file import ConnectorDraft, build_connector, read_connector
from retention.config.findings import Finding, Unusable
from retention.config.nearby import advice
from retention.config.policy_file import PolicyDraft, build_policy, read_policy
from retention.config.settings_file import FILE as SETTINGS
from retention.config.settings_file import STATE_VARIABLE, read_settings, same_file, state_of_environment
from retention.config.toml_files import read_toml
from retention.errors import ConfigurationError, Problem, SetupError
from retention.model.dataset import Connector
from retention.model.policy import Policy
from retention.model.settings import Settings

MAX_CONNECTORS = 500
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What the operator wrote, checked against itself; nothing has been asked of any database.

    `connectors`: name → Connector, in the order of their names. `folder`: the policy's folder
    (absolute), where every relative path starts.
    """

    policy: Policy
    connectors: Mapping[str, Connector]
    settings: Settings
    folder: Path


@dataclass(kw_only=True)
class _Load:
    """Files read so far, and what is wrong with them."""

    folder: Path
    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    findings: dict[str, list[Finding]] = field(default_factory=dict)

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
        self.documents[file] = _NOTHING
        try:
            self.documents[file] = read_toml(path)
        except Unusable as error:
            self.list_of(file).extend(error.findings)
            return None
        return self.documents[file]

    def problems(self) -> list[Problem]:
        """All findings as Problems: by file, then by place in the file, then by key."""
        ordered = []
        for file, found in self.findings.items():
            for f in set(found):
                problem = Problem(file=file, key=words.dotted(f.at), found=f.found, write=f.write)
                place = _position(self.documents.get(file, _NOTHING), f.at)
                ordered.append((file.count("/"), file, place, problem))
        return [problem for *_, problem in sorted(ordered)]


def load(config: Path, connectors: Path, *, environ: Mapping[str, str]) -> Configuration:
    """The configuration of `config` (policies.toml) and `connectors` (a folder of TOML files).

    Reads `retention.toml` beside the policy where there is one, and `RETENTION_STATE` from
    `environ`, which wins over it. Raises SetupError if the policy is not there, and
    ConfigurationError with every Problem of all files, sorted by file and place in it.
    """
    path = Path(os.path.abspath(config))
    state = _Load(folder=path.parent)
    if not os.path.lexists(path):
        missing = Problem(file=str(path), key="", found="is not there", write=advice(path))
        raise SetupError(f"There is no {path}", [missing])

    document = state.read(path)
    file = state.named(path)
    policy = read_policy(document, state.list_of(file)) if document is not None else None
    drafts, complete = _connectors(Path(os.path.abspath(connectors)), state)
    settings = _settings(drafts, environ, state)
    if policy is not None:
        for where, finding in disagreements(file, policy, drafts, complete=complete):
            state.list_of(where).append(finding)
        state.list_of(SETTINGS).extend(
            keeping.too_short(settings.ledger_keep, policy, drafts, complete=complete)
        )
    problems = state.problems()
    if problems or policy is None:
        raise ConfigurationError(problems=problems)
    return _built(policy, file, drafts, settings, state.folder)


def _built(
    policy: PolicyDraft, file: str, drafts: list[ConnectorDraft], settings: Settings, folder: Path
) -> Configuration:
    return Configuration(
        policy=build_policy(policy, file),
        connectors={draft.name: build_connector(draft, folder) for draft in drafts},
        settings=settings,
        folder=folder,
    )


def _connectors(folder: Path, state: _Load) -> tuple[list[ConnectorDraft], bool]:
    """Every `*.toml` of the folder, and whether all of them could be read.

    Hidden files and those without `.toml` are no connectors; `shop.TOML` is a mistake.
    """
    name = state.named(folder)
    try:
        entries = sorted(entry for entry in os.listdir(folder) if not entry.startswith("."))
    except OSError as error:
        reason = (
            "is not there" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        )
        write = (
            "put a file for each database into it (type: retention init), or name another with --connectors"
        )
        state.list_of(name).append(Finding(at=(), found=f"the folder of connectors {reason}", write=write))
        return [], False
    files = [entry for entry in entries if entry.lower().endswith(".toml")]
    if len(files) > MAX_CONNECTORS:
        found = f"the folder has {len(files)} TOML files"
        state.list_of(name).append(Finding(at=(), found=found, write=f"keep at most {MAX_CONNECTORS} in it"))
        return [], False
    drafts: list[ConnectorDraft] = []
    complete = True
    for entry in files:
        file = state.named(folder / entry)
        if not entry.endswith(".toml"):
            finding = Finding(at=(), found="its name does not end in `.toml`", write="rename it: lower case")
            state.list_of(file).append(finding)
        document = state.read(folder / entry)
        if document is None:
            complete = False
        else:
            drafts.append(read_connector(entry[: -len(".toml")], file, document, state.list_of(file)))
    return drafts, complete


def _settings(drafts: list[ConnectorDraft], environ: Mapping[str, str], state: _Load) -> Settings:
    """`retention.toml` and the environment; the state store must not be one of the targets."""
    path = state.folder / SETTINGS
    document = state.read(path) if os.path.lexists(path) else None
    settings = read_settings(document or _NOTHING, state.folder, state.list_of(SETTINGS), environ)
    try:
        from_environment = state_of_environment(environ, state.folder)
    except Unusable as error:
        findings = [Finding(at=(STATE_VARIABLE,), found=f.found, write=f.write) for f in error.findings]
        state.list_of("the environment").extend(findings)
        return settings
    if from_environment is not None:
        settings = replace(settings, state=from_environment)
    for draft in drafts:
        url = draft.table.url
        if url is not None and same_file(settings.state, url.literal, state.folder):
            found = "is the SQLite file of the state store, which would always be locked"
            finding = Finding(at=("url",), found=found, write="give the state store a file of its own")
            state.list_of(draft.file).append(finding)
    return settings


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
