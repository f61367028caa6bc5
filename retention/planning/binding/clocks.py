"""A clock's column held against what is said of it: type, encoding, zone, and values that mean never."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from retention import periods
from retention.model.catalogue import Catalogue, Column, Kind, Table
from retention.model.dataset import Connector, EventColumn
from retention.model.encoding import Encoding, Format, Sentinel, Unit
from retention.planning.binding.names import NotFoundError

DATES = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ})
NUMBERS = frozenset({Kind.INTEGER, Kind.NUMERIC, Kind.REAL})
_NOTHING = frozenset({Kind.BOOLEAN, Kind.BINARY, Kind.UUID})

_UNITS = "|".join(unit.value for unit in Unit)
_DIGITS = ", ".join(f'"{each.value}"' for each in Format if each.digits)


def clock_encoding(
    connector: Connector, catalogue: Catalogue, table: Table, column: Column, item: EventColumn
) -> Encoding:
    """How `column` tells a point in time; NotFoundError where what is written of it can't be meant."""
    return _Clock(connector, catalogue, table, column, item).encoding()


class _Clock:
    def __init__(
        self, connector: Connector, catalogue: Catalogue, table: Table, column: Column, item: EventColumn
    ) -> None:
        self._connector = connector
        self._typed = catalogue.typed
        self._dates = catalogue.dates
        self._kind = column.kind
        self._dated = column.dated
        self._item = item
        self._said = f"`{table.id}.{column.name}` is {column.type or 'untyped'}"

    def encoding(self) -> Encoding:
        written = self._item.encoding
        if not self._dated or self._kind in _NOTHING or (self._kind is Kind.OTHER and self._typed):
            raise NotFoundError(f"{self._said}, which is no date", "name a column of dates, numbers or texts")
        if self._kind in DATES:
            self._own(written)
        elif written.unit is None:
            self._spelt(written)
        encoding = self._read(written)
        self._zone(encoding)
        return replace(encoding, never=tuple(map(self._sentinel, written.never)))

    def _read(self, written: Encoding) -> Encoding:
        """What is not written: texts are ISO 8601."""
        plain = written.unit is None and written.format is None
        return replace(written, format=Format.ISO) if plain and self._kind not in DATES else written

    def _own(self, written: Encoding) -> None:
        """A date of the database's own needs no more to be said."""
        for key, value in (("unit", written.unit), ("format", written.format)):
            if value is not None:
                raise NotFoundError(f"{self._said}, which is a date by itself", f"take `{key}` out")

    def _spelt(self, written: Encoding) -> None:
        numbers = self._kind in NUMBERS
        name = self._item.column.text
        if written.format is None:
            if numbers or self._kind is Kind.OTHER:
                what = "a number that may mean anything" if numbers else "which may hold anything"
                raise NotFoundError(
                    f"{self._said}, {what}",
                    f'write {{ column = "{name}", unit = "{_UNITS}" }} for a count since an epoch,'
                    f" or format = {_DIGITS} for digits that spell a date",
                )
            return
        if self._kind is Kind.REAL:
            raise NotFoundError(
                f"{self._said}, whose digits spell no date exactly",
                f'write unit = "{_UNITS}" if it counts since an epoch',
            )
        whole = self._kind is Kind.INTEGER or (numbers and self._typed)
        if whole and not written.format.digits:
            raise NotFoundError(
                f'{self._said}, and format "{written.format.value}" is one of texts',
                f'write format = {_DIGITS}, or unit = "{_UNITS}"',
            )

    def _zone(self, encoding: Encoding) -> None:
        """A reading of a wall clock is of the connector's zone; instants and days need none."""
        timed = encoding.format is not None and encoding.format.timed
        if (self._kind is Kind.TIMESTAMP or timed) and self._connector.timezone is None:
            raise NotFoundError(
                f"{self._said}, which has no zone",
                'write timezone = "Europe/Oslo" (the zone of its values) at the top of this file',
            )

    # -- values that mean never --------------------------------------------------------------

    def _sentinel(self, value: Sentinel) -> Sentinel:
        """The value as the column holds it."""
        if self._kind in DATES:
            return self._date(value)
        if not self._typed:
            return value
        if self._kind is Kind.TEXT:
            return _as_text(value)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise NotFoundError(
                f"{self._said}, and `never` has {_shown(value)}", "write a number: never = [0]"
            )
        if self._kind is Kind.INTEGER and not isinstance(value, int):
            raise NotFoundError(f"{self._said}, and `never` has {value}", "write a whole number: never = [0]")
        return value

    def _date(self, value: Sentinel) -> str | date | datetime:
        if isinstance(value, str):
            if self._dates.odd is not None and re.fullmatch(self._dates.shape, value.lower()):
                return self._odd(value.lower())
            try:
                value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
            except ValueError:
                raise self._none(value) from None
        if not isinstance(value, date):
            raise self._none(value)
        if self._kind is Kind.DATE:
            if isinstance(value, datetime):
                raise self._none(value, ", with a time of day")
            return value
        moment = value if isinstance(value, datetime) else datetime.combine(value, time.min)
        if self._kind is Kind.TIMESTAMP:
            if moment.tzinfo is not None:
                raise self._none(value, ", with an offset, where the column is without a zone")
            return moment
        return self._instant(value, moment)

    def _odd(self, value: str) -> str:
        """A value that the database's dates have and the calendar has not."""
        if self._kind is Kind.DATE and " " in value:
            raise self._none(value, ", with a time of day")
        if self._kind is Kind.TIMESTAMPTZ and value[:4].isdigit() and value.strip("0-: .") != "":
            raise self._none(value, ", which is neither a day nor zero altogether")
        return value

    def _instant(self, value: Sentinel, moment: datetime) -> datetime:
        if moment.tzinfo is None:
            if self._connector.timezone is None:
                raise NotFoundError(
                    f"{self._said}, and `never` has {_shown(value)}, without an offset",
                    'write it with one: never = ["9999-12-31T00:00:00Z"]',
                )
            if moment.date() == date.max:  # west of Greenwich its end is an instant that UTC can't spell
                moment = moment.replace(tzinfo=ZoneInfo(self._connector.timezone))
            else:
                moment = periods.instant_of_naive(moment, self._connector.timezone)
        if self._dates.latest is not None and moment > self._dates.latest:
            raise NotFoundError(
                f"{self._said}, which ends before {_shown(value)}, one of `never`",
                "take it out, or write the value as the column shows it",
            )
        return moment

    def _none(self, value: Sentinel, why: str = "") -> NotFoundError:
        how = 'write a date as the column shows it: never = ["9999-12-31"]'
        if self._dates.odd is not None:
            how += f', or ["{self._dates.odd}"]'
        return NotFoundError(f"{self._said}, and `never` has {_shown(value)}{why}", how)


def _as_text(value: Sentinel) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _shown(value: Sentinel) -> str:
    return f"the text {value!r}" if isinstance(value, str) else f"{value}"
