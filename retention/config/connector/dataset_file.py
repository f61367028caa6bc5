"""`[datasets.NAME]`: from a table to a Dataset, by way of a draft that survives mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from pydantic import Field, PlainValidator

from retention.config.connector import dataset_values as spelt
from retention.config.connector import (
    event_values,
    fact_values,
    relation_values,
    restriction_values,
    strategy_values,
)
from retention.config.reading import values
from retention.config.reading.findings import Finding, Path, Unusable, said
from retention.config.reading.tables import Table, read
from retention.model.condition import Condition
from retention.model.dataset import (
    ColumnPath,
    Dataset,
    Event,
    EventColumn,
    InstructedPeriod,
    Name,
    PartName,
    RelationName,
    Restriction,
    SomeRow,
)
from retention.model.strategy import Pieces, Rewriting, Strategy, spoken

TOP = ("type", "url", "password", "timezone", "tls", "tls_ca", "tls_cert", "tls_key", "marker_schema")
"""Keys of the file's beginning."""


class DatasetTable(Table):
    """`[datasets.NAME]`: the records of one category in one store."""

    needed: ClassVar[Mapping[str, str]] = {
        "data": 'data = "orders", the category that the policy speaks of',
        "table": 'table = "orders"',
    }
    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(TOP, "the file's beginning"),
        **dict.fromkeys(("keep", "from", "action", "starts", "promise"), "a rule in policies.toml"),
        **dict.fromkeys(("until", "upon", "needs", "defer_while"), "a rule in policies.toml"),
        "batch_time": "[throttle]",
    }

    data: Annotated[str | None, PlainValidator(values.data)] = None
    table: Annotated[Name | None, PlainValidator(spelt.table)] = None
    schema_: Annotated[str | None, PlainValidator(spelt.schema)] = Field(default=None, alias="schema")
    key: Annotated[tuple[str, ...] | None, PlainValidator(spelt.key)] = None
    where: Annotated[Condition | None, PlainValidator(spelt.condition)] = None
    columns: Annotated[tuple[str, ...] | None, PlainValidator(fact_values.columns)] = None
    subject: Annotated[Mapping[str, ColumnPath] | str | None, PlainValidator(fact_values.subject)] = None
    began: Annotated[EventColumn | None, PlainValidator(event_values.began)] = None
    events: Annotated[Mapping[str, Event] | None, PlainValidator(event_values.events)] = None
    facts: Annotated[
        Mapping[str, ColumnPath | Condition | SomeRow] | None, PlainValidator(fact_values.facts)
    ] = None
    fields_: Annotated[Mapping[str, tuple[Pieces, ...]] | None, PlainValidator(fact_values.fields)] = Field(
        default=None, alias="fields"
    )
    periods: Annotated[Mapping[str, InstructedPeriod] | None, PlainValidator(fact_values.periods)] = None
    parts: Annotated[tuple[PartName, ...] | None, PlainValidator(spelt.parts)] = None
    relations: Annotated[tuple[RelationName, ...] | None, PlainValidator(relation_values.relations)] = None
    anonymize: Annotated[Mapping[Pieces, Strategy] | None, PlainValidator(strategy_values.anonymize)] = None
    done: Annotated[str | None, PlainValidator(spelt.own_column)] = None
    restrict: Annotated[Restriction | None, PlainValidator(restriction_values.restrict)] = None
    triggers: Annotated[tuple[str, ...] | None, PlainValidator(spelt.triggers)] = None
    allow_scan: Annotated[bool | None, PlainValidator(values.flag)] = None


@dataclass(frozen=True, kw_only=True)
class DatasetDraft:
    """A dataset as far as it could be read.

    `written`: the keys that are there, right or wrong. `words`: "events", "facts", "fields", "periods" →
    the names that are spelt out there, right or wrong. `vault_of`, `implied`: see `Dataset`; of other drafts.
    """

    name: str
    table: DatasetTable
    written: frozenset[str]
    words: Mapping[str, tuple[str, ...]]
    vault_of: str | None = None
    implied: frozenset[str] = frozenset()


def read_dataset(name: str, raw: object, findings: list[Finding]) -> DatasetDraft:
    """The dataset's table; whatever is wrong is added to `findings`."""
    at: Path = ("datasets", name)
    try:
        values.word(name, "dataset's name")
    except Unusable as error:
        findings += [Finding(at=at, found=f.found, write=f.write) for f in error.findings]
    table = read(DatasetTable, raw, at, findings)
    if table.schema_ is not None and table.table is not None and len(table.table.pieces) > 1:
        found = f"contradicts table = {said(table.table.text)}, which names a schema too"
        findings.append(Finding(at=(*at, "schema"), found=found, write="write the schema in one place"))
    _parts(table, at, findings)
    _rewriting(table, at, findings)
    _slice(table, at, findings)
    words = {}
    for key in ("events", "facts", "fields", "periods"):
        spelt_out = raw.get(key) if isinstance(raw, dict) else None
        words[key] = tuple(spelt_out) if isinstance(spelt_out, dict) else ()
    written = frozenset(raw) if isinstance(raw, dict) else frozenset()
    return DatasetDraft(name=name, table=table, written=written, words=words)


def _slice(table: DatasetTable, at: Path, findings: list[Finding]) -> None:
    """A slice has no rows that belong to it, and what is done to it is done to its own columns."""
    if table.columns is None:
        return
    for key, found in (
        ("parts", "contradicts `columns`: a slice of a row has no rows that belong to it"),
        ("restrict", "contradicts `columns`: a slice of a row can only be rewritten"),
    ):
        if getattr(table, key) is not None:
            findings.append(Finding(at=(*at, key), found=found, write="take one of the two out"))
    own = {name.casefold() for name in table.columns}
    for pieces in table.anonymize or ():
        name = spoken(pieces)
        if len(pieces) > 1 or name.casefold() not in own:
            found = f"{said(name)} is none of the slice's `columns`"
            write = "list it there, or take it out here"
            findings.append(Finding(at=(*at, "anonymize", name), found=found, write=write))


def _parts(table: DatasetTable, at: Path, findings: list[Finding]) -> None:
    """A part is no table of the root, and none that is listed twice, with its schema and without."""
    if table.table is None:
        return
    *schema, _ = table.table.pieces
    home = table.schema_ or (schema[0] if schema else None)
    seen: dict[tuple[str | None, str, str | None], Name] = {}
    for position, part in enumerate(table.parts or ()):
        place = (*at, "parts", position)
        if part.table.pieces == table.table.pieces:
            found = f"the dataset's own table ({said(part.table.text)}) as a part is not supported yet"
            findings.append(Finding(at=place, found=found, write="take it out"))
        *schema, last = part.table.pieces
        by = part.via if part.shared else None
        first = seen.setdefault((schema[0] if schema else home, last, by), part.table)
        if first is not part.table:
            found = f"the part {said(part.table.text)} is listed twice: it is {said(first.text)}, too"
            findings.append(Finding(at=place, found=found, write="take one of them out"))


def _rewriting(table: DatasetTable, at: Path, findings: list[Finding]) -> None:
    """What can't be seen to be done needs a column that says so; that column is no column to be rewritten."""
    done, columns = table.done, table.anonymize
    marks = table.restrict is not None and table.restrict.mark is not None
    if table.triggers is not None and columns is None and not marks:
        found = (
            "means nothing without `anonymize` or a mark: of records that go, triggers are looked at anyway"
        )
        findings.append(Finding(at=(*at, "triggers"), found=found, write="take it out"))
    if columns is None:
        if done is not None:
            found = "means nothing without `anonymize`"
            findings.append(Finding(at=(*at, "done"), found=found, write="take it out"))
        return
    if done is not None and done.casefold() in (name[0].casefold() for name in columns if len(name) == 1):
        found = f"{said(done)} is a column that is rewritten"
        findings.append(Finding(at=(*at, "done"), found=found, write="name another column, of dates"))
    for name, strategy in columns.items():
        if done is None and not strategy.told:
            found = f"nobody can tell by a value whether it has been done ({strategy.text})"
            write = 'add done = "anonymized_at", a column of dates that nothing else writes, or take another strategy'
            findings.append(Finding(at=(*at, "anonymize", spoken(name)), found=found, write=write))


def build_dataset(draft: DatasetDraft, connector: str) -> Dataset:
    """The dataset of a draft without mistakes."""
    table = draft.table
    if table.data is None or table.table is None:
        raise AssertionError("a draft with mistakes was built")
    subject = table.subject or {}
    return Dataset(
        name=draft.name,
        connector=connector,
        data=table.data,
        table=table.table,
        schema=table.schema_,
        key=table.key,
        where=table.where,
        columns=table.columns,
        subject=None if isinstance(subject, str) else subject,
        began=table.began,
        events=table.events or {},
        facts=table.facts or {},
        fields=table.fields_ or {},
        periods=table.periods or {},
        parts=table.parts or (),
        relations=table.relations or (),
        rewriting=_of_kinds(table, subject),
        restrict=table.restrict,
        triggers=table.triggers or (),
        vault_of=draft.vault_of,
        implied=draft.implied,
        allow_scan=bool(table.allow_scan),
    )


def _of_kinds(table: DatasetTable, subject: Mapping[str, ColumnPath] | str) -> Rewriting:
    """The strategies; a column that is read for the subject is of that kind, where it does not say otherwise."""
    kinds = {} if isinstance(subject, str) else {path.column.pieces: kind for kind, path in subject.items()}
    every = {
        name: replace(strategy, kind=kinds.get(name))
        if strategy.keyed and strategy.kind is None
        else strategy
        for name, strategy in (table.anonymize or {}).items()
    }
    return Rewriting(
        columns={name[0]: strategy for name, strategy in every.items() if len(name) == 1},
        parts={name: strategy for name, strategy in every.items() if len(name) > 1},
        done=table.done,
    )
