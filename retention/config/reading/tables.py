"""One table of a file against its declared keys, every mistake at once.

A table is a pydantic model whose fields are all optional: what is needed is said by
`needed`, so that a table with one wrong key still yields the others, and the checks across
files can go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationError

from retention.config.reading import values
from retention.config.reading.findings import (
    UNKNOWN_KEY,
    Finding,
    Path,
    Unusable,
    choice,
    dotted,
    nearest,
    printable,
    said,
)

M = TypeVar("M", bound="Table")
Anything = Annotated[Any, PlainValidator(values.anything)]


class Table(BaseModel):
    """The keys of one table. Fields are parsed by validators that raise `Unusable`.

    `needed`: key → the line to write where it is missing. `looked_for`: further keys that a check of the whole table
    may find missing. `later`: keys of the language that
    this version can't do. `elsewhere`: keys that people put here and that belong in another
    table (TOML gives a key to the last header above it).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    needed: ClassVar[Mapping[str, str]] = {}
    looked_for: ClassVar[frozenset[str]] = frozenset()
    later: ClassVar[frozenset[str]] = frozenset()
    elsewhere: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """Every key that the table may have, as it is written."""
        return tuple(field.alias or name for name, field in cls.model_fields.items())


def read(model: type[M], raw: object, at: Path, findings: list[Finding]) -> M:
    """`raw` as a `model`; what is wrong is added to `findings`, and left out of the result."""
    if not isinstance(raw, dict):
        if raw is not None:
            findings.append(Finding(at=at, found=f"is {said(raw)}", write=f"write a table: [{dotted(at)}]"))
        return model()
    for key, line in model.needed.items():
        if key not in raw:
            findings.append(Finding(at=(*at, key), found="is missing", write=f"write {line}"))
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        wrong: set[object] = set()
        for detail in error.errors(include_url=False):
            wrong.add(detail["loc"][0])
            findings.extend(_translated(model, detail, at))
    return model.model_validate({key: value for key, value in raw.items() if key not in wrong})


def children(raw: object, at: Path, findings: list[Finding]) -> Iterator[tuple[str, object]]:
    """The named tables inside a table (`[rules.NAME]`); their names are checked by the caller."""
    if isinstance(raw, dict):
        yield from raw.items()
    elif raw is not None:
        findings.append(
            Finding(at=at, found=f"is {said(raw)}", write=f"write tables: [{dotted((*at, 'NAME'))}]")
        )


def _translated(model: type[Table], detail: Any, at: Path) -> Iterator[Finding]:
    """One error of pydantic as findings."""
    key = str(detail["loc"][0])
    place = (*at, key)
    if detail["type"] == "extra_forbidden":
        yield Finding(at=place, **_unknown(model, key))
        return
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, Unusable):
        empty = isinstance(detail.get("input"), str) and not detail["input"].strip()
        without = empty and key not in model.needed and key not in model.looked_for
        for f in cause.findings:
            write = f"{f.write}, or leave the key out" if without else f.write
            yield Finding(at=(*place, *f.at), found=f.found, write=write)
    else:
        yield Finding(at=place, found=said(detail.get("input")), write="look the key up in the reference")


def _unknown(model: type[Table], key: str) -> dict[str, str]:
    known = model.keys()
    if key in model.later:
        return {"found": f"`{key}` is not supported yet", "write": "take it out"}
    if key in model.elsewhere:
        return {"found": f"`{key}` is no key of this table", "write": f"write it in {model.elsewhere[key]}"}
    close = nearest(key, known)
    later = nearest(key, model.later)
    found = f"`{printable(key)}` {UNKNOWN_KEY}"
    if close is not None:
        return {"found": found, "write": f"did you mean `{close}`?"}
    if later is not None:
        return {"found": found, "write": f"take it out (`{later}` is not supported yet)"}
    return {"found": found, "write": choice(key, known).replace('"', "`") + ", or take it out"}
