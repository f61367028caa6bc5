"""`connectors/NAME.toml`: from tables to a Connector, by way of drafts that survive mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, PlainValidator

from retention.config import beside, event_values, relation_values, urls, values
from retention.config import dataset_values as spelt
from retention.config.findings import Finding, Unusable, choice, not_yet, said, unusable
from retention.config.policy_file import Anything, Zone
from retention.config.tables import Table, children, read
from retention.model.condition import Condition
from retention.model.dataset import Connector, Dataset, Event, Name, PartName, RelationName, Secret, Throttle


def _type(value: object) -> str:
    text = values.string(value, '"sql"')
    if text in ("s3", "files", "rest", "http", "mongodb", "bucket"):
        raise not_yet(f'type "{text}"', 'write "sql", or let the rule say `kept_by`')
    if text != "sql":
        raise unusable(f"{said(text)} is not a type of connector", choice(text, ("sql",)))
    return text


_TOP = ("type", "url", "timezone", *beside.KEYS, "marker_schema")


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
        "batch_time": "[throttle]",
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


class ThrottleTable(Table):
    """`[throttle]`"""

    later: ClassVar[frozenset[str]] = frozenset({"rows_per_second", "pause", "max_lag", "workers", "hours"})
    elsewhere: ClassVar[Mapping[str, str]] = dict.fromkeys(_TOP, "the file's beginning, above [throttle]")

    batch_time: Annotated[timedelta | None, PlainValidator(values.batch_time)] = None


class DatasetTable(Table):
    """`[datasets.NAME]`: the records of one category in one store."""

    needed: ClassVar[Mapping[str, str]] = {
        "data": 'data = "orders", the category that the policy speaks of',
        "table": 'table = "orders"',
    }
    later: ClassVar[frozenset[str]] = frozenset(
        {"columns", "facts", "fields", "periods", "anonymize", "restrict", "done", "began"}
    )
    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(_TOP, "the file's beginning"),
        **dict.fromkeys(("keep", "from", "action", "starts", "promise"), "a rule in policies.toml"),
        "batch_time": "[throttle]",
    }

    data: Annotated[str | None, PlainValidator(values.data)] = None
    table: Annotated[Name | None, PlainValidator(spelt.table)] = None
    schema_: Annotated[str | None, PlainValidator(spelt.schema)] = Field(default=None, alias="schema")
    key: Annotated[tuple[str, ...] | None, PlainValidator(spelt.key)] = None
    where: Annotated[Condition | None, PlainValidator(spelt.condition)] = None
    subject: Annotated[Mapping[str, str] | None, PlainValidator(spelt.subject)] = None
    events: Annotated[Mapping[str, Event] | None, PlainValidator(event_values.events)] = None
    parts: Annotated[tuple[PartName, ...] | None, PlainValidator(spelt.parts)] = None
    relations: Annotated[tuple[RelationName, ...] | None, PlainValidator(relation_values.relations)] = None
    allow_scan: Annotated[bool | None, PlainValidator(values.flag)] = None


@dataclass(frozen=True, kw_only=True)
class DatasetDraft:
    """A dataset as far as it could be read. `events`: the names that are there, right or wrong."""

    name: str
    table: DatasetTable
    events: tuple[str, ...]


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
    listed = [_dataset(n, raw, findings) for n, raw in children(table.datasets, ("datasets",), findings)]
    if table.datasets == {}:
        write = "write one [datasets.NAME] at least, or remove the file"
        findings.append(Finding(at=("datasets",), found="is an empty table", write=write))
    return ConnectorDraft(
        name=name,
        file=file,
        table=table,
        throttle=read(ThrottleTable, table.throttle, ("throttle",), findings),
        datasets=tuple(listed),
    )


def _dataset(name: str, raw: object, findings: list[Finding]) -> DatasetDraft:
    at = ("datasets", name)
    try:
        values.word(name, "dataset's name")
    except Unusable as error:
        findings += [Finding(at=at, found=f.found, write=f.write) for f in error.findings]
    table = read(DatasetTable, raw, at, findings)
    if table.schema_ is not None and table.table is not None and len(table.table.pieces) > 1:
        found = f"contradicts table = {said(table.table.text)}, which names a schema too"
        findings.append(Finding(at=(*at, "schema"), found=found, write="write the schema in one place"))
    if table.table is not None:
        for position, part in enumerate(table.parts or ()):
            if part.table.pieces == table.table.pieces:
                found = f"the dataset's own table ({said(part.table.text)}) as a part is not supported yet"
                findings.append(Finding(at=(*at, "parts", position), found=found, write="take it out"))
    events = raw.get("events") if isinstance(raw, dict) else None
    return DatasetDraft(name=name, table=table, events=tuple(events) if isinstance(events, dict) else ())


def build_connector(draft: ConnectorDraft, folder: Path) -> Connector:
    """The connector of a draft without mistakes."""
    table = draft.table
    if table.type is None or table.url is None:
        raise AssertionError("a draft with mistakes was built")
    batch_time = draft.throttle.batch_time
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
        throttle=Throttle(batch_time=batch_time) if batch_time is not None else Throttle(),
        datasets={d.name: _built(d, draft.name) for d in draft.datasets},
    )


def _built(draft: DatasetDraft, connector: str) -> Dataset:
    table = draft.table
    if table.data is None or table.table is None:
        raise AssertionError("a draft with mistakes was built")
    return Dataset(
        name=draft.name,
        connector=connector,
        data=table.data,
        table=table.table,
        schema=table.schema_,
        key=table.key,
        where=table.where,
        subject=table.subject or {},
        events=table.events or {},
        parts=table.parts or (),
        relations=table.relations or (),
        allow_scan=bool(table.allow_scan),
    )
