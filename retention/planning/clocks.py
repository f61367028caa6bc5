"""A clock's column held against what is said of it: type, encoding, zone, and values that mean never."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal

from retention import periods
from retention.model.catalogue import Catalogue, Column, Kind, Table
from retention.model.dataset import Connector, EventColumn
from retention.model.encoding import Encoding, Format, Sentinel, Unit
from retention.planning.names import NotFoundError

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
        self._kind = column.kind
        self._item = item
        self._said = f"`{table.id}.{column.name}` is {column.type or 'untyped'}"

    def encoding(self) -> Encoding:
        written = self._item.encoding
        if self._kind in _NOTHING or (self._kind is Kind.OTHER and self._typed):
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

    def _date(self, value: Sentinel) -> date | datetime:
        how = 'write a date as the column shows it: never = ["9999-12-31"]'
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
            except ValueError:
                raise NotFoundError(f"{self._said}, and `never` has {_shown(value)}", how) from None
        if not isinstance(value, date):
            raise NotFoundError(f"{self._said}, and `never` has {_shown(value)}", how)
        if self._kind is Kind.DATE:
            if isinstance(value, datetime):
                raise NotFoundError(f"{self._said}, and `never` has {_shown(value)}, with a time of day", how)
            return value
        moment = value if isinstance(value, datetime) else datetime.combine(value, time.min)
        if self._kind is Kind.TIMESTAMP:
            if moment.tzinfo is not None:
                raise NotFoundError(f"{self._said}, without a zone, and `never` has {_shown(value)}", how)
            return moment
        if moment.tzinfo is not None:
            return moment
        if self._connector.timezone is None:
            raise NotFoundError(
                f"{self._said}, and `never` has {_shown(value)}, without an offset",
                'write it with one: never = ["9999-12-31T00:00:00Z"]',
            )
        return periods.instant_of_naive(moment, self._connector.timezone)


def _as_text(value: Sentinel) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _shown(value: Sentinel) -> str:
    return f"the text {value!r}" if isinstance(value, str) else f"{value}"
