"""`retention.toml` and the environment: how the engine runs here."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, PlainValidator

from retention.config.connecting import beside, urls
from retention.config.connector.dataset_values import path
from retention.config.reading import values
from retention.config.reading.findings import Finding, Unusable, printable, unusable
from retention.config.reading.tables import Anything, Table, read
from retention.config.settings import publishing_values
from retention.config.settings.daemon_file import DaemonTable, LogTable, daemon_settings
from retention.config.settings.notify_file import read_channels
from retention.model.clock import Period
from retention.model.dataset import Secret
from retention.model.settings import KeyReference, Settings, StateAddress

FILE = "retention.toml"
STATE_VARIABLE = "RETENTION_STATE"

DEFAULT_STATE = "sqlite:///state/retention.db"
DEFAULT_SIGNING = "file:state/keys/signing.key"
DEFAULT_EVIDENCE = "file:state/keys/evidence.key"
DEFAULT_PSEUDONYM = "file:state/keys/pseudonym.key"
DEFAULT_MIRROR = "state/ledger"


def _state(value: object) -> Secret | dict[str, object]:
    """A URL, or the table that says more of it and is read by itself."""
    return value if isinstance(value, dict) else urls.parse_url(value, beside=False)


def _key(value: object) -> str:
    """`file:PATH`, `env:NAME` or `command:WORDS`, as it is."""
    if isinstance(value, str) and value.startswith("command:"):
        return _command(value)
    if isinstance(value, str) and not value.startswith("file:") and value.endswith((".key", ".pem")):
        raise unusable("is a path without `file:`", f'write "file:{printable(value)}"')
    reference = urls.parse_secret(value, "a key")
    return reference.shown


def _command(value: str) -> str:
    try:
        words = shlex.split(value.removeprefix("command:"))
    except ValueError:
        words = []
    if not words:
        raise unusable(
            "is no command", 'write a program and its arguments: "command:pass show retention/evidence"'
        )
    return value


def _rotate(value: object) -> bool:
    if value not in ("yearly", "never"):
        raise unusable("is no time to take a new evidence key", 'write "yearly" or "never"')
    return value == "yearly"


def _folder(value: object) -> str:
    return path(value)


class SettingsFile(Table):
    """The whole file."""

    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("origin", "mirror", "keep", "evidence_keep", "publish", "witnesses"), "[ledger]"),
        **dict.fromkeys(("signing", "evidence", "pseudonym", "rotate_evidence"), "[keys]"),
        **dict.fromkeys(("window", "workers", "listen"), "[daemon]"),
        **dict.fromkeys(("webhook", "email", "smtp"), "[notify.NAME]"),
        **dict.fromkeys(("policy", "rules"), "policies.toml"),
    }

    state: Annotated[Secret | dict[str, object] | None, PlainValidator(_state)] = None
    keys_: Anything = Field(default=None, alias="keys")
    ledger: Anything = None
    daemon: Anything = None
    log: Anything = None
    notify: Anything = None


class StateTable(Table):
    """`[state]`: the URL with what belongs to it, as in a connector's file."""

    needed: ClassVar[Mapping[str, str]] = {"url": 'url = "env:NAME", the variable that holds the URL'}

    url: Annotated[Secret | None, PlainValidator(urls.parse_url)] = None
    password: Annotated[Secret | None, PlainValidator(beside.password)] = None
    tls: Annotated[str | None, PlainValidator(beside.tls)] = None
    tls_ca: Annotated[str | None, PlainValidator(path)] = None
    tls_cert: Annotated[str | None, PlainValidator(beside.pem)] = None
    tls_key: Annotated[str | None, PlainValidator(beside.pem)] = None


class KeysTable(Table):
    """`[keys]`"""

    signing: Annotated[str | None, PlainValidator(_key)] = None
    evidence: Annotated[str | None, PlainValidator(_key)] = None
    pseudonym: Annotated[str | None, PlainValidator(_key)] = None
    rotate_evidence: Annotated[bool | None, PlainValidator(_rotate)] = None


class LedgerTable(Table):
    """`[ledger]`"""

    origin: Annotated[str | None, PlainValidator(values.origin)] = None
    mirror: Annotated[str | None, PlainValidator(_folder)] = None
    keep: Annotated[Period | None, PlainValidator(values.period)] = None
    evidence_keep: Annotated[Period | None, PlainValidator(values.period)] = None
    publish: Annotated[tuple[str, ...] | None, PlainValidator(publishing_values.places)] = None
    witnesses: Annotated[tuple[str, ...] | None, PlainValidator(publishing_values.witnesses)] = None


def read_settings(
    document: Mapping[str, object], folder: Path, findings: list[Finding], environ: Mapping[str, str]
) -> Settings:
    """The file's settings with defaults for what is missing or wrong; mistakes go to `findings`."""
    file = read(SettingsFile, document, (), findings)
    keys = read(KeysTable, file.keys_, ("keys",), findings)
    ledger = read(LedgerTable, file.ledger, ("ledger",), findings)
    daemon = read(DaemonTable, file.daemon, ("daemon",), findings)
    log = read(LogTable, file.log, ("log",), findings)
    signing = _reference(keys.signing or DEFAULT_SIGNING, folder, environ)
    evidence = _reference(keys.evidence or DEFAULT_EVIDENCE, folder, environ)
    pseudonym = _reference(keys.pseudonym or DEFAULT_PSEUDONYM, folder, environ)
    for key, where, others in (
        ("evidence", evidence, (signing,)),
        ("pseudonym", pseudonym, (signing, evidence)),
    ):
        if where in others:
            found = "is where the other key is"
            findings.append(Finding(at=("keys", key), found=found, write="give each key a place of its own"))
    return Settings(
        state=_address(file.state, folder, findings),
        signing_key=signing,
        evidence_key=evidence,
        pseudonym_key=pseudonym,
        origin=ledger.origin,
        mirror=folder / (ledger.mirror or DEFAULT_MIRROR),
        ledger_keep=ledger.keep,
        evidence_keep=ledger.evidence_keep,
        daemon=daemon_settings(daemon),
        json_logs=bool(log.format),
        publish=publishing_values.resolved(ledger.publish or (), folder, environ, findings),
        witnesses=ledger.witnesses or (),
        evidence_yearly=keys.rotate_evidence is not False,
        notify=read_channels(file.notify, folder, findings),
    )


def _reference(text: str, folder: Path, environ: Mapping[str, str]) -> KeyReference:
    scheme, _, rest = text.partition(":")
    if scheme == "env":
        return KeyReference(env=rest, value=environ.get(rest))
    return KeyReference(command=rest) if scheme == "command" else KeyReference(file=folder / rest)


def _address(raw: Secret | dict[str, object] | None, folder: Path, findings: list[Finding]) -> StateAddress:
    if not isinstance(raw, dict):
        return StateAddress(url=_absolute(raw or Secret(literal=DEFAULT_STATE), folder), folder=str(folder))
    table = read(StateTable, raw, ("state",), findings)
    beside.contradictions(table, findings, ("state",))
    return StateAddress(
        url=_absolute(table.url or Secret(literal=DEFAULT_STATE), folder),
        folder=str(folder),
        password=table.password,
        tls=beside.tls_of(table),
    )


def _absolute(url: Secret, folder: Path) -> Secret:
    return url if url.literal is None else Secret(literal=urls.absolute(url.literal, folder))


def state_address(text: str, folder: Path) -> StateAddress:
    """What `--state` says: a URL, its SQLite path made absolute, or a reference. Raises Unusable."""
    return StateAddress(url=_absolute(urls.parse_url(text, beside=False), folder), folder=str(folder))


def state_of_environment(environ: Mapping[str, str], folder: Path) -> StateAddress | None:
    """`env:RETENTION_STATE` where that variable is set: it wins over the file. Raises Unusable.

    The value itself may hold a password, and so is read only when the store is opened.
    """
    value = environ.get(STATE_VARIABLE)
    if value is None:
        return None
    if not value.strip():
        raise unusable("is set and empty", "unset it, or set it to the state store's URL")
    urls.split(value.strip())
    return StateAddress(url=Secret(env=STATE_VARIABLE), folder=str(folder))


def same_file(state: StateAddress, url: str | None, folder: Path) -> bool:
    """Whether the state store and a connector's literal URL are one SQLite file."""
    try:
        if url is None or state.url.literal is None:
            return False
        ours, theirs = urls.split(state.url.literal, folder).path, urls.split(url, folder).path
        return ours is not None and theirs is not None and Path(ours).resolve() == Path(theirs).resolve()
    except (Unusable, OSError, RuntimeError):
        return False
