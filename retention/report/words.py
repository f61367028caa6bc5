"""Numbers, days and fates in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from retention.model.documents import instant
from retention.report.escape import shown

KEPT_BECAUSE = {
    "not_due": "not due yet",
    "deferred": "deferred: due, but the rule's own condition still holds them back",
    "held": "under a legal hold",
    "retained": "still kept by another rule",
    "conflict": "past this rule's latest day, but kept by another rule: the two contradict each other",
    "referenced": "referred to by rows that stay",
    "undated": "undated: the event has not happened, so there is no day to delete them on",
    "unclear": "unclear: a value cannot be read, and what is unknown is never deleted",
    "out_of_scope": "outside the rule's scope",
}
"""Why records of a fate stay, in the order in which the reasons are shown."""

NOT_KEPT = {
    "elsewhere": (
        "record goes under another rule, or as part of another record",
        "records go under another rule, or as part of another record",
    ),
    "done": ("record was done before", "records were done before"),
}
"""What else becomes of records: words for one, words for many."""


def number(count: int) -> str:
    """`1,234`."""
    return f"{count:,}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 record`, `1,234 records`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def by_table(rows: Mapping[str, int]) -> str:
    """`1,200 rows of orders and 4,478 of order_lines`, in the order given; tables without rows left out."""
    some = [(count, shown(table)) for table, count in rows.items() if count]
    return listed(
        [
            f"{number(count) if at else counted(count, 'row')} of {table}"
            for at, (count, table) in enumerate(some)
        ]
    )


def moment(when: datetime) -> str:
    """`2026-03-01` where the day begins, else `2026-03-01 14:05:00`, and the zone: by name where it has one."""
    return f"{unzoned(when)} ({zone_of(when)})"


def unzoned(when: datetime) -> str:
    """As `moment`, without the zone, for a table that names it once."""
    text = when.date().isoformat()
    if (when.hour, when.minute, when.second, when.microsecond) != (0, 0, 0, 0):
        text += when.strftime(" %H:%M:%S")
    return text


def zone_of(when: datetime) -> str:
    """The zone's name where it has one, else its offset."""
    return getattr(when.tzinfo, "key", None) or _offset(when)


def _offset(when: datetime) -> str:
    if not when.utcoffset():
        return "UTC"
    text = instant(when)
    return "UTC" if text.endswith("Z") else f"UTC{text[-6:]}"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
