"""Loads the whole configuration, or says everything that is wrong with it at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from retention.config.across import keeping
from retention.config.across.agreement import disagreements
from retention.config.connector.connector_file import ConnectorDraft, build_connector, read_connector
from retention.config.files import ENVIRONMENT, Files, Setting
from retention.config.policy.policy_file import PolicyDraft, build_policy, read_policy
from retention.config.reading.findings import Finding
from retention.config.settings.settings_file import FILE as SETTINGS
from retention.config.settings.settings_file import same_file
from retention.errors import ConfigurationError
from retention.model.dataset import Connector
from retention.model.policy import Policy
from retention.model.settings import Settings

MAX_CONNECTORS = 500


@dataclass(frozen=True, kw_only=True)
class Configuration(Setting):
    """What the operator wrote, checked against itself; nothing has been asked of any database.

    `connectors`: name → Connector, in the order of their names.
    """

    policy: Policy
    connectors: Mapping[str, Connector]


def load(config: Path, connectors: Path, *, environ: Mapping[str, str]) -> Configuration:
    """The configuration of `config` (policies.toml) and `connectors` (a folder of TOML files).

    Reads `retention.toml` beside the policy where there is one, and `RETENTION_STATE` from
    `environ`, which wins over it. Raises SetupError if the policy is not there, and
    ConfigurationError with every Problem of all files, sorted by file and place in it.
    """
    found = read(config, connectors, environ=environ)
    problems = found.state.problems()
    if problems or found.policy is None:
        raise ConfigurationError(problems=problems)
    return Configuration(
        policy=build_policy(found.policy, found.file),
        connectors={draft.name: build_connector(draft, found.state.folder) for draft in found.drafts},
        settings=found.settings,
        folder=found.state.folder,
    )


@dataclass(frozen=True, kw_only=True)
class Reading:
    """All files as far as they could be read. `state`: what is wrong with them; `own`: file → what was wrong before
    the files were held against each other. `file`: the policy's; `policy`: None where its file is no TOML.
    """

    state: Files
    file: str
    policy: PolicyDraft | None
    drafts: tuple[ConnectorDraft, ...]
    settings: Settings
    own: Mapping[str, tuple[Finding, ...]]


def read(config: Path, connectors: Path, *, environ: Mapping[str, str]) -> Reading:
    """Every file, and everything that is wrong. SetupError if the policy is not there."""
    path = Path(os.path.abspath(config))
    state = Files.beside(path)
    document = state.read(path)
    file = state.named(path)
    policy = read_policy(document, state.list_of(file)) if document is not None else None
    drafts, complete = _connectors(Path(os.path.abspath(connectors)), state)
    settings = _settings(drafts, environ, state)
    own = {file: tuple(found) for file, found in state.findings.items()}
    if policy is not None:
        for where, finding in disagreements(file, policy, drafts, complete=complete):
            state.list_of(where).append(finding)
        state.list_of(SETTINGS).extend(
            keeping.too_short(settings.ledger_keep, policy, drafts, complete=complete)
        )
    return Reading(state=state, file=file, policy=policy, drafts=tuple(drafts), settings=settings, own=own)


def _connectors(folder: Path, state: Files) -> tuple[list[ConnectorDraft], bool]:
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
            "put a file for each database into it (retention init --url URL --table TABLE writes one),"
            " or name another with --connectors"
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


def _settings(drafts: list[ConnectorDraft], environ: Mapping[str, str], state: Files) -> Settings:
    """How the engine runs here; the state store must not be one of the targets."""
    settings = state.settings(environ)
    if ENVIRONMENT in state.findings:
        return settings
    for draft in drafts:
        url = draft.table.url
        if url is not None and same_file(settings.state, url.literal, state.folder):
            found = "is the SQLite file of the state store, which would always be locked"
            finding = Finding(at=("url",), found=found, write="give the state store a file of its own")
            state.list_of(draft.file).append(finding)
    return settings
