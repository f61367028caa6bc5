"""ISO 8601 dates as SQLite stores them: as text, in whatever spelling each program chose.

Read by SQLite's own functions, which take more than they should: 30 February and 24:00 come back
as they stand unless they are reckoned anew. Values in SQLite's own two spellings (`2026-01-31` and
`2026-01-31 12:00:00`) are told by plain comparison; all others are taken apart.
"""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ColumnElement

from retention.connectors.sql.predicates import bound
from retention.model import predicate as p


def dated(column: ColumnElement[Any], state: p.State, floor: p.Line, cutoff: p.Line) -> ColumnElement[Any]:
    """Plain: the text in `column` is in `state` (never MISSING), seen from `floor` and `cutoff`."""
    name = str(column.compile(dialect=sqlite.dialect()))
    told: ColumnElement[Any] = sa.literal_column(written(state, floor, cutoff).replace(_HERE, name))
    known: ColumnElement[Any] = column.is_not(sa.null())
    if state is p.State.RECENT:  # most rows that are long past need no more than this
        known = sa.and_(known, column >= bound(days_on(cutoff.day, -2)))
    return sa.and_(known, told == sa.literal_column("1"))


_HERE = "\x00"
"""Where the column stands; no name of SQLite's has it."""


@functools.lru_cache(maxsize=1_000)
def written(state: p.State, floor: p.Line, cutoff: p.Line) -> str:
    """What tells a text's state, as SQL. It is long, the same for every column, and asked in several places: putting
    it together each time took most of a plan. Its texts are spelt out; they are dates alone."""
    column: ColumnElement[Any] = sa.literal_column(_HERE)
    told = sa.case(
        (
            _reckoned(sa.func.datetime, column).is_(column),
            _between(column, state, shortest(_naive(floor)), shortest(_naive(cutoff))),
        ),
        (
            _reckoned(sa.func.date, column).is_(column),
            _between(column, state, floor.day.isoformat(), cutoff.day.isoformat()),
        ),
        else_=_taken_apart(column, state, floor, cutoff),
    )
    return str(told.compile(dialect=sqlite.dialect()))


def _spelt(moment: str) -> ColumnElement[Any]:
    return sa.literal_column(f"'{moment}'")


def _naive(line: p.Line) -> datetime:
    assert line.naive is not None, "binding refuses text dates of a connector without a zone"
    return line.naive


def _between(column: ColumnElement[Any], state: p.State, low: str, high: str) -> ColumnElement[Any]:
    match state:
        case p.State.PAST:
            return sa.and_(column >= _spelt(low), column < _spelt(high))
        case p.State.RECENT:
            return column >= _spelt(high)
        case _:
            return column < _spelt(low)


def _taken_apart(
    column: ColumnElement[Any], state: p.State, floor: p.Line, cutoff: p.Line
) -> ColumnElement[Any]:
    readable = _readable(column)
    match state:
        case p.State.PAST:
            after_floor = sa.not_(_before(column, floor).self_group())
            return sa.and_(readable, after_floor, _before(column, cutoff).self_group())
        case p.State.RECENT:
            return sa.and_(readable, sa.not_(_before(column, cutoff).self_group()))
        case _:
            return sa.or_(sa.not_(readable.self_group()), _before(column, floor).self_group())


def days_on(day: date, days: int) -> str:
    """The day `days` later, as text; the end of the calendar where there is none."""
    try:
        return date.fromordinal(day.toordinal() + days).isoformat()
    except (OverflowError, ValueError):
        return "9999-12-31~"


def shortest(moment: datetime) -> str:
    """The shortest text of a wall-clock time: a longer text of the same instant is never less than it."""
    text = moment.strftime("%H:%M:%S")
    day = moment.date().isoformat()
    if moment.microsecond:
        return f"{day} {text}{_fraction(moment)}"
    return f"{day} {text.removesuffix(':00')}"


def _fraction(moment: datetime) -> str:
    """The fraction of the second with its point, "" where there is none."""
    return f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""


def _readable(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Plain: the text is a date that exists, alone or with a time of day and perhaps an offset."""
    day = sa.func.substr(column, sa.literal_column("1"), sa.literal_column("10"))
    return sa.and_(
        sa.func.typeof(column) == sa.literal_column("'text'"),
        column.op("GLOB")(sa.literal_column("'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'")),
        _reckoned(sa.func.date, day).is_(day),
        sa.func.datetime(column).is_not(sa.null()),
        # datetime() also takes `24:00`, a bare `T` and any number of spaces
        sa.or_(
            sa.func.length(column) == sa.literal_column("10"),
            column.op("GLOB")(sa.literal_column("'????-??-??[ T][01][0-9]:[0-5][0-9]*'")),
            column.op("GLOB")(sa.literal_column("'????-??-??[ T]2[0-3]:[0-5][0-9]*'")),
        ),
    )


def _reckoned(function: Any, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """date() or datetime() of the value, reckoned anew: by themselves they give 30 February back as it stands."""
    reckoned: ColumnElement[Any] = function(column, sa.literal_column("'+0 days'"))
    return reckoned


def _before(column: ColumnElement[Any], line: p.Line) -> ColumnElement[Any]:
    """Readable ISO text lies before `line`: a day by its day, a wall-clock time as text, an offset as an instant.

    datetime() rounds fractions of a second up: they are left out, the offset kept, and put behind again where the
    line has one. Kept flat: SQLite's parser goes no deeper than a hundred levels.
    """
    literal, glob = sa.literal_column, column.op("GLOB")
    zulu, offset, seconds = (
        "*[Zz]",
        "*[+-][0-9][0-9]:[0-9][0-9]",
        "????-??-???[0-2][0-9]:[0-5][0-9]:[0-5][0-9]",
    )
    whole = sa.func.substr(column, literal("1"), literal("19"))
    instant = line.instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") + _fraction(line.instant)

    def behind(seconds: ColumnElement[Any], offset: int) -> ColumnElement[Any]:
        if not line.instant.microsecond:
            return seconds
        length = sa.func.length(column) - literal(str(19 + offset))
        return seconds.op("||")(sa.func.substr(column, literal("20"), length))

    return sa.case(
        (sa.func.length(column) == literal("10"), column < _spelt(line.day.isoformat())),
        (glob(literal(f"'{seconds}{zulu}'")), behind(sa.func.datetime(whole), 1) < _spelt(instant)),
        (
            glob(literal(f"'{seconds}{offset}'")),
            behind(sa.func.datetime(whole.op("||")(sa.func.substr(column, literal("-6")))), 6)
            < _spelt(instant),
        ),
        (
            sa.and_(
                sa.func.length(column) > literal("16"),
                sa.or_(glob(literal(f"'{zulu}'")), glob(literal(f"'{offset}'"))),
            ),
            sa.func.datetime(column) < _spelt(instant),
        ),
        else_=sa.func.replace(column, literal("'T'"), literal("' '")) < _spelt(shortest(_naive(line))),
    )
