"""`connectors/NAME.toml`: from tables to a Connector, by way of drafts that survive mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import PlainValidator

from retention.config.across.vaults import linked
from retention.config.connecting import beside, urls
from retention.config.connector import dataset_values as spelt
from retention.config.connector.dataset_file import DatasetDraft, build_dataset, read_dataset
from retention.config.connector.throttle_file import ThrottleTable, contradictions, throttle
from retention.config.policy.rule_file import Zone
from retention.config.reading import values
from retention.config.reading.findings import Finding, Unusable, choice, not_yet, said, unusable
from retention.config.reading.tables import Anything, Table, children, read
from retention.model.dataset import Connector, Secret


def _type(value: object) -> str:
    text = values.string(value, '"sql"')
    if text in ("s3", "files", "rest", "http", "mongodb", "bucket"):
        raise not_yet(f'type "{text}"', 'write "sql", or let the rule say `kept_by`')
    if text != "sql":
        raise unusable(f"{said(text)} is not a type of connector", choice(text, ("sql",)))
    return text


class ConnectorFile(Table):
    """The whole file."""

    needed: ClassVar[Mapping[str, str]] = {
        "type": 'type = "sql"',
        "url": 'url = "env:NAME", the variable that holds the database\'s URL',
        "datasets": "one [datasets.NAME] at least",
    }
    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(
            ("data", "table", "events", "parts", "relations", "subject", "key"), "[datasets.NAME]"
        ),
        **dict.fromkeys(("facts", "fields", "periods", "began", "columns"), "[datasets.NAME]"),
        **dict.fromkeys(
            ("batch_time", "rest", "rows_per_second", "max_lag", "load", "max_load"), "[throttle]"
        ),
    }

    type: Annotated[str | None, PlainValidator(_type)] = None
    url: Annotated[Secret | None, PlainValidator(urls.parse_url)] = None
    password: Annotated[Secret | None, PlainValidator(beside.password)] = None
    timezone: Zone = None
    tls: Annotated[str | None, PlainValidator(beside.tls)] = None
    tls_ca: Annotated[str | None, PlainValidator(spelt.path)] = None
    tls_cert: Annotated[str | None, PlainValidator(beside.pem)] = None
    tls_key: Annotated[str | None, PlainValidator(beside.pem)] = None
    marker_schema: Annotated[str | None, PlainValidator(spelt.schema)] = None
    throttle: Anything = None
    datasets: Anything = None


@dataclass(frozen=True, kw_only=True)
class ConnectorDraft:
    """A file as far as it could be read."""

    name: str
    file: str
    table: ConnectorFile
    throttle: ThrottleTable
    datasets: tuple[DatasetDraft, ...]


def read_connector(
    name: str, file: str, document: Mapping[str, object], findings: list[Finding]
) -> ConnectorDraft:
    """The file's tables; whatever is wrong is added to `findings`."""
    try:
        values.word(name, "connector's name")
    except Unusable as error:
        findings += [
            Finding(at=(), found=f.found, write=f"rename the file: {f.write}") for f in error.findings
        ]
    table = read(ConnectorFile, document, (), findings)
    beside.contradictions(table, findings)
    literal = None if table.url is None else table.url.literal
    if table.marker_schema is not None and literal is not None and urls.dialect_of(literal) == "sqlite":
        found = "means nothing for a SQLite file, which has no schemas"
        findings.append(Finding(at=("marker_schema",), found=found, write="take it out"))
    pace = read(ThrottleTable, table.throttle, ("throttle",), findings)
    contradictions(table.throttle, literal, findings)
    listed = [read_dataset(n, raw, findings) for n, raw in children(table.datasets, ("datasets",), findings)]
    if table.datasets == {}:
        write = "write one [datasets.NAME] at least, or remove the file"
        findings.append(Finding(at=("datasets",), found="is an empty table", write=write))
    return ConnectorDraft(
        name=name,
        file=file,
        table=table,
        throttle=pace,
        datasets=linked(name, listed, findings),
    )


def build_connector(draft: ConnectorDraft, folder: Path) -> Connector:
    """The connector of a draft without mistakes."""
    table = draft.table
    if table.type is None or table.url is None:
        raise AssertionError("a draft with mistakes was built")
    return Connector(
        name=draft.name,
        file=draft.file,
        type=table.type,
        url=table.url,
        folder=str(folder),
        password=table.password,
        timezone=table.timezone,
        tls=beside.tls_of(table),
        marker_schema=table.marker_schema,
        throttle=throttle(draft.throttle),
        datasets={d.name: build_dataset(d, draft.name) for d in draft.datasets},
    )
