"""`[events.NAME]` and `[identifiers]`: events that a person tells, and how identifiers are compared then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import PlainValidator

from retention.config.policy.rule_values import NONE, listed
from retention.config.reading import values
from retention.config.reading.findings import Finding, Path, Unusable, choice, said, unusable
from retention.config.reading.tables import Table, children, read
from retention.model.policy import ToldEvent

STEPS = ("trim", "lower")


def _by(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise unusable(f"is {said(value)}", 'write the kinds of identifier: by = ["email", "customer_id"]')
    return listed(value, kind, 'by = ["email", "customer_id"]', "kind of identifier")


def kind(value: object) -> str:
    """A kind of identifier, by its name."""
    return values.word(value, "kind of identifier")


class ToldTable(Table):
    """`[events.NAME]`"""

    needed: ClassVar[Mapping[str, str]] = {
        "by": 'by = ["email", "customer_id"], the kinds that it comes with'
    }

    by: Annotated[tuple[str, ...] | None, PlainValidator(_by)] = None


def read_told(raw: object, findings: list[Finding]) -> Mapping[str, ToldEvent]:
    """Name → told event, with no kinds where they could not be read."""
    at: Path = ("events",)
    if raw == {}:
        write = "write [events.NAME] with `by`, or take it out"
        findings.append(Finding(at=at, found="is an empty table", write=write))
    told: dict[str, ToldEvent] = {}
    for name, table in children(raw, at, findings):
        _named(name, "event's name", (*at, name), findings)
        if name == NONE:
            write = 'name it otherwise: "none" is said where there is no event'
            findings.append(Finding(at=(*at, name), found='"none" is no event', write=write))
        made = read(ToldTable, table, (*at, name), findings)
        told[name] = ToldEvent(name=name, by=made.by or ())
    return told


def read_identifiers(raw: object, findings: list[Finding]) -> Mapping[str, tuple[str, ...]]:
    """Kind → steps, in their order."""
    at: Path = ("identifiers",)
    how = 'write email = ["trim", "lower"]'
    if raw is None:
        return {}
    if not isinstance(raw, dict) or not raw:
        findings.append(Finding(at=at, found=f"is {said(raw)}", write=f"{how}, or take it out"))
        return {}
    read_: dict[str, tuple[str, ...]] = {}
    for name, steps in raw.items():
        _named(name, "kind of identifier", (*at, name), findings)
        try:
            if not isinstance(steps, list):
                raise unusable(f"is {said(steps)}", f"write a list of steps: {how}")
            read_[name] = listed(steps, _step, '["trim", "lower"]', "step")
        except Unusable as error:
            findings += [Finding(at=(*at, name, *f.at), found=f.found, write=f.write) for f in error.findings]
    return read_


def _step(value: object) -> str:
    text = values.string(value, '"trim"')
    if text not in STEPS:
        raise unusable(f"{said(text)} is not a step", choice(text, STEPS))
    return text


def _named(name: str, what: str, at: Path, findings: list[Finding]) -> None:
    try:
        values.word(name, what)
    except Unusable as error:
        findings += [Finding(at=at, found=f.found, write=f.write) for f in error.findings]
