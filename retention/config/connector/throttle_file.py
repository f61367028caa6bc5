"""`[throttle]` of a connector: what one batch takes, and what holds up the next one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import PlainValidator

from retention.config.connecting import urls
from retention.config.connector.dataset_file import TOP
from retention.config.reading import values
from retention.config.reading.findings import Finding, each, said, unusable
from retention.config.reading.tables import Table
from retention.model.dataset import Secret, Throttle

_LAG = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?(ms|s|min)")
_UNITS = {"ms": Decimal("0.001"), "s": Decimal(1), "min": Decimal(60)}
MOST_REST = 1_000
MOST_WORKERS = 8
_EXAMPLE = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"


def a_rest(value: object) -> float:
    """Seconds of rest for each second of work. Raises Unusable."""
    how = "write how long it rests for each second of work, such as 0.5 (for none take the key out)"
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise unusable(f"is {said(value)}", how)
    if not 0 < value <= MOST_REST:
        raise unusable(f"{said(value)} is out of range", how)
    return float(value)


def some_workers(value: object) -> int:
    """How many on one job at once. Raises Unusable."""
    how = f"write a whole number from 1 to {MOST_WORKERS}"
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_WORKERS:
        raise unusable(f"is {said(value)}", how)
    return value


def a_lag(value: object) -> timedelta:
    """`5 s`, `500 ms`, `1 min`. Raises Unusable."""
    text = values.string(value, '"5 s"')
    match = _LAG.fullmatch(text.strip()) if text.isascii() else None
    if match is None or not (seconds := Decimal(match[1]) * _UNITS[match[2]]):
        raise unusable(f"{said(text)} is not a lag", 'write "500 ms", "5 s" or "1 min"')
    return timedelta(milliseconds=int(seconds * 1000))


def some_replicas(value: object) -> tuple[Secret, ...]:
    """URLs, or references to them. Raises Unusable."""
    if not isinstance(value, list) or not value:
        raise unusable(f"is {said(value)}", 'write a list of URLs: ["env:SHOP_REPLICA_URL"]')
    return tuple(each(enumerate(value), urls.parse_url))


def most_load(value: object) -> float:
    """A number. Raises Unusable."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise unusable(f"is {said(value)}", "write a number without quotes, such as 20")
    return float(value)


def load_query(value: object) -> str:
    """One SELECT that can change nothing. Raises Unusable.

    It is run as it is written, in a session that can write nothing; functions that sqlglot does not know could do
    more than read, and are refused.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    how = f'write one SELECT of one number, such as "{_EXAMPLE}"'
    text = values.sentence(value).rstrip("; ")
    try:
        trees = sqlglot.parse(text)
    except (SqlglotError, RecursionError, ValueError):
        raise unusable("can't be read as SQL", how) from None
    tree: Any = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, exp.Select):
        raise unusable("is not one SELECT", how)
    if len(tree.expressions) != 1:
        raise unusable(f"selects {len(tree.expressions)} columns", how)
    for node in tree.walk():
        if isinstance(node, (exp.Into, exp.Lock, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Command)):
            raise unusable("does more than select", how)
        if isinstance(node, (exp.Anonymous, exp.NextValueFor, exp.Dot)):
            raise unusable(f"calls {said(node.name or str(node))}, which could do more than read", how)
        if isinstance(node, (exp.Placeholder, exp.Parameter)):
            raise unusable("has a placeholder in it", how)
    return text


class ThrottleTable(Table):
    """`[throttle]`"""

    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(TOP, "the file's beginning, above [throttle]"),
        **dict.fromkeys(("window", "hours"), "[daemon] of retention.toml, as window"),
    }

    batch_time: Annotated[timedelta | None, PlainValidator(values.batch_time)] = None
    workers: Annotated[int | None, PlainValidator(some_workers)] = None
    rest: Annotated[float | None, PlainValidator(a_rest)] = None
    rows_per_second: Annotated[int | None, PlainValidator(values.rows)] = None
    max_lag: Annotated[timedelta | None, PlainValidator(a_lag)] = None
    replicas: Annotated[tuple[Secret, ...] | None, PlainValidator(some_replicas)] = None
    load: Annotated[str | None, PlainValidator(load_query)] = None
    max_load: Annotated[float | None, PlainValidator(most_load)] = None


def contradictions(raw: object, url: str | None, findings: list[Finding]) -> None:
    """What does not fit together in the table as it is written. `url`: the connector's, where it is written out."""
    written = frozenset(raw) if isinstance(raw, dict) else frozenset()

    def add(key: str, found: str, write: str) -> None:
        findings.append(Finding(at=("throttle", key), found=found, write=write))

    if len(written & {"load", "max_load"}) == 1:
        [key], [other] = written & {"load", "max_load"}, {"load", "max_load"} - written
        add(key, f"stands without `{other}`", f"write both, or take `{key}` out")
    if "replicas" in written and "max_lag" not in written:
        add("replicas", "stands without `max_lag`", 'write max_lag = "5 s", or take it out')
    kind = None if url is None else urls.dialect_of(url)
    if kind == "sqlite" and written & {"max_lag", "replicas"}:
        key = "max_lag" if "max_lag" in written else "replicas"
        add(key, "means nothing for a SQLite file, which has no replicas", "take it out")
    workers = raw.get("workers") if isinstance(raw, dict) else None
    if kind == "sqlite" and isinstance(workers, int) and 1 < workers <= MOST_WORKERS:
        add("workers", "means nothing for a SQLite file, which has one writer at a time", "take it out")
    if kind in ("mysql", "mariadb") and "max_lag" in written and "replicas" not in written:
        found = "is asked for, and a server of this kind does not know how far its replicas are"
        add("max_lag", found, 'name them: replicas = ["env:NAME"]')


def throttle(table: ThrottleTable) -> Throttle:
    """The table with its defaults."""
    usual = Throttle()
    return Throttle(
        batch_time=table.batch_time or usual.batch_time,
        workers=table.workers or usual.workers,
        rest=table.rest or usual.rest,
        rows_per_second=table.rows_per_second,
        max_lag=table.max_lag,
        replicas=table.replicas or (),
        load=table.load,
        max_load=table.max_load,
    )
