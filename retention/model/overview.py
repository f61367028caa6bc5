"""What `init` did, and what a newcomer is shown of a database before there is a connector for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TableLine:
    """One table. `table` is its name as `--table` takes it.

    `rows`: exact, an estimate (`about`) or counted so far (`more`), None where nothing is known. `dates` and
    `people`: its columns that look like points in time, and like whom a row is about. `part_of`: the table
    whose record its rows would go with. `why_not`: why it can be no dataset, None where it can.
    """

    table: str
    rows: int | None
    exactness: str  # "exact", "about", "more"
    dates: tuple[str, ...]
    people: tuple[str, ...]
    refers_to: tuple[str, ...]
    referred_by: tuple[str, ...]
    part_of: str | None = None
    why_not: str | None = None


@dataclass(frozen=True, kw_only=True)
class SetUp:
    """What was done, a line each; or, with nothing done, the tables that there are and what to type next.

    `unreached`: connectors whose database did not answer, so that something is left to do.
    """

    lines: tuple[str, ...]
    tables: tuple[TableLine, ...] = ()
    command: str | None = None
    unreached: tuple[str, ...] = ()
