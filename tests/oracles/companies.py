"""Small companies, drawn at random and aimed at the edges: schema, rows, policy.

A company is drawn from a `Random`, of which only `choice` is asked: Hypothesis gives one that it can shrink,
a plain seed gives one that is quick. The engine's own calendar is used for aiming, never for judging.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from retention import periods
from retention.model.clock import Clock, Period, Start
from tests.oracles.fate import Component, Dataset, Reference, Row, Rule, World

T = TypeVar("T")
TICK = timedelta(microseconds=1)
ZONES = (
    "Europe/Oslo", "UTC", "America/New_York", "Asia/Kolkata", "America/Sao_Paulo", "Pacific/Apia",
    "Australia/Lord_Howe",
)  # fmt: skip
# On every day of the calendar the longer of two is the longer: which of two rules ended last is the same for all.
PERIODS = (
    ("0 days", 0, 0), ("1 day", 0, 1), ("1 month", 1, 0), ("1 month 1 day", 1, 1), ("90 days", 0, 90),
    ("6 months", 6, 0), ("1 year", 12, 0), ("12 months", 12, 0), ("2 years", 24, 0), ("5 years", 60, 0),
)  # fmt: skip
DAYS = tuple(
    map(
        date.fromisoformat,
        (
            "2024-02-29", "2024-03-01", "2024-03-31", "2024-10-27", "2025-01-01", "2025-02-28", "2025-03-01",
            "2025-12-31", "2026-03-29", "2026-07-01", "2026-10-25", "2026-11-01",
        ),
    )
)  # fmt: skip
UNREADABLE: tuple[Any, ...] = (
    "", "soon", "2024-02-30", "0000-00-00", "20240101", 0, 1700000000, "2024-13-01", "2024-01-01 25:00",
    "2024-01-01T", "2024-01-01Z", "01.02.2024", "2024-01-01 10:00 Uhr", "2024-01-01 10:00:61", "infinity",
    "0001-01-01", "1970-01-01", "1970-01-01T00:00:00Z", "2024-01-01 24:00", "2024-01-01 10",
)  # fmt: skip
NO_DAYS = {
    "postgresql": ("infinity", "-infinity"),
    "mariadb": ("0000-00-00", "2020-00-00", "2023-02-30"),
}
"""What columns of dates hold that is no day of the calendar."""
CLOCKS = {
    "sqlite": ("TEXT", "DATE", "TIMESTAMP"),
    "postgresql": ("date", "timestamp", "timestamptz"),
    "mariadb": ("date", "timestamp", "timestamptz", "text"),
}
"""Kinds of columns that hold points in time; on SQLite all of them hold text."""
STATUS = ("paid", "open", "it's", None)


class Chooser(Protocol):
    """What is asked of a `Random`."""

    def choice(self, seq: Sequence[T], /) -> T: ...


@dataclass(eq=False)
class Table:
    """A table as it is made: columns with their kinds, and what refers from here."""

    name: str
    columns: dict[str, str]
    key: tuple[str, ...] = ("id",)
    unique: tuple[str, ...] = ()
    references: list[Reference] = field(default_factory=list)
    on_delete: dict[str, str] = field(default_factory=dict)
    indexes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Company:
    """`world` is what the oracle is told, the rest what the engine needs besides. `only`: rules that act."""

    family: str
    tables: dict[str, Table]
    world: World
    keeps: dict[str, str]
    via: dict[tuple[str, str, tuple[Reference, ...]], str]
    only: tuple[str, ...]

    def with_world(self, world: World) -> Company:
        """The same company on another day, or after something went."""
        return replace(self, world=world)


def company(
    rnd: Any, family: str, *, alone: bool = False, rings: bool = True, like: Company | None = None
) -> Company:
    """A company on a database of `family`, a key of CLOCKS.

    `rnd` is a `Chooser`. `alone`: of one table to which nothing refers. Without `rings` a row refers only to
    such rows of its own table as come before it. `like`: with the tables and the parts of that one, and another
    policy and other rows: a database that holds the one is quickly filled with the other.
    """
    return _Drawing(rnd, family, alone=alone, rings=rings, like=like).company()


def condition_text(tree: tuple[Any, ...]) -> str:
    """The condition as an operator writes it."""
    match tree:
        case ("is null", column):
            return f"{column} IS NULL"
        case ("true", column):
            return str(column)
        case ("in", column, values):
            return f"{column} IN ({', '.join(map(_literal, values))})"
        case ("columns equal", one, other):
            return f"{one} = {other}"
        case ("filled =", column, instead, value):
            return f"coalesce({column}, {_literal(instead)}) = {_literal(value)}"
        case ("not", item):
            return f"NOT ({condition_text(item)})"
        case (("and" | "or") as word, *items):
            return f" {word.upper()} ".join(f"({condition_text(item)})" for item in items)
        case (operator, column, value):
            return f"{column} {operator} {_literal(value)}"
    raise AssertionError(tree)


def _literal(value: Any) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


class _Drawing:
    def __init__(self, rnd: Chooser, family: str, *, alone: bool, rings: bool, like: Company | None) -> None:
        self.rnd = rnd
        self.family = family
        self.rings = rings
        self.like = like
        self.tables: dict[str, Table] = {}
        self.alone = alone
        self.most = 1 if alone else rnd.choice((1, 2, 2, 3, 3, 3, 4, 4, 5, 9))
        self.zone = rnd.choice(ZONES)
        self.via: dict[tuple[str, str, tuple[Reference, ...]], str] = {}

    def chance(self, per_cent: int) -> bool:
        return self.rnd.choice(range(100)) < per_cent

    def table_here(self, per_cent: int) -> bool:
        """Most companies are small: what one table more brings to light, it mostly does without the others."""
        return len(self.tables) < self.most and self.chance(per_cent)

    def company(self) -> Company:
        if self.like is None:
            self.schema()
            datasets = self.datasets()
        else:
            self.tables = self.like.tables
            datasets = tuple(self.dataset(d.table, d.parts) for d in self.like.world.datasets)
        rules, keeps = self.rules(datasets)
        at = rules[0].zone
        start = periods.first_instant(self.rnd.choice(DAYS), at)
        as_of = start + self.rnd.choice((timedelta(), -TICK, TICK, timedelta(hours=12), timedelta(hours=1)))
        rows = self.rows(list(self.edges(rules, as_of)), as_of)
        world = World(
            tables=rows,
            references=tuple(r for table in self.tables.values() for r in table.references),
            datasets=datasets,
            rules=rules,
            zone=self.zone,
            as_of=as_of,
        )
        narrowed = len(rules) > 1 and self.chance(15)
        return Company(
            family=self.family,
            tables=self.tables,
            world=world,
            keeps=keeps,
            via=self.via,
            only=(self.rnd.choice(rules).name,) if narrowed else (),
        )

    # -- schema ----------------------------------------------------------------------------

    def schema(self) -> None:
        by = self.rnd.choice(("id", "id", "composite", "code"))
        self.table("orders", clocks=("e1", "e2", "e3"), key=("id", "shop") if by == "composite" else ("id",))
        orders = self.tables["orders"]
        if by == "composite":
            orders.columns["shop"] = "text key"
        if by == "code":
            orders.columns["code"] = "text"
            orders.unique = ("code",)
        self.to_orders = {"id": ("id",), "composite": ("id", "shop"), "code": ("code",)}[by]
        if self.table_here(65):
            self.table("lines")
            self.refer("lines", "orders", "order")
            if self.chance(20):
                self.refer("lines", "lines", "twin")
            if self.table_here(60):
                self.table("notes")
                self.refer("notes", "lines", "line")
                if self.chance(20):
                    self.refer("notes", "orders", "copy")
                if self.table_here(50):
                    self.table("tags")
                    self.refer("tags", "notes", "note")
        if not self.alone and self.chance(30):
            self.refer("orders", "orders", "parent")
        if self.table_here(50):
            self.table("visits")
            self.refer("visits", self.rnd.choice([n for n in ("orders", "lines") if n in self.tables]), "of")
            if self.table_here(40):
                self.table("items")
                self.refer("items", "visits", "visit")
            if self.table_here(50):
                self.table("calls")
                self.refer(
                    "calls", self.rnd.choice([n for n in ("visits", "items") if n in self.tables]), "of"
                )
            if self.chance(15):
                self.refer("orders", "visits", "first")
        if self.table_here(45):
            self.table("owners")
            self.refer("orders", "owners", "owner")
            if self.chance(20):
                self.refer("orders", "owners", "payer")
            if self.table_here(40):
                self.table("regions")
                self.refer("owners", "regions", "region")
        if self.table_here(35):
            self.table("logs")
            self.refer("logs", self.rnd.choice(["orders", *list(self.tables)[1:-1]]), "of")

    def table(self, name: str, clocks: tuple[str, ...] = ("at",), key: tuple[str, ...] = ("id",)) -> None:
        columns = {"id": "integer"}
        columns |= {clock: self.clock_kind() for clock in clocks}
        columns |= {"status": "text", "amount": "integer", "other": "integer", "active": "boolean"}
        indexes = [clock for clock in clocks if self.chance(30)]
        self.tables[name] = Table(name=name, columns=columns, key=key, indexes=indexes)

    def clock_kind(self) -> str:
        return self.rnd.choice(CLOCKS[self.family])

    def refer(self, table: str, target: str, word: str) -> None:
        ends = self.to_orders if target == "orders" else ("id",)
        columns = tuple(f"{word}_{end}" for end in ends)
        for column, end in zip(columns, ends, strict=True):
            self.tables[table].columns[column] = "integer" if end == "id" else "text"
        reference = Reference(table=table, columns=columns, target=target, target_columns=ends)
        self.tables[table].references.append(reference)
        self.tables[table].on_delete[reference.name] = self.rnd.choice(("", "", "NO ACTION"))

    # -- datasets --------------------------------------------------------------------------

    def datasets(self) -> tuple[Dataset, ...]:
        found = [self.dataset("orders", self.parts(("lines", "notes", "tags")))]
        if "visits" in self.tables:
            found.append(self.dataset("visits", self.parts(("items",))))
        if "calls" in self.tables and self.chance(70):
            taken = {link.table for dataset in found for link in dataset.parts}
            if "calls" not in taken:
                found.append(self.dataset("calls", ()))
        if "owners" in self.tables:
            found.append(self.dataset("owners", ()))
        return tuple(found)

    def parts(self, chain: tuple[str, ...]) -> tuple[Reference, ...]:
        parts: list[Reference] = []
        for name in chain:
            if name not in self.tables or not self.chance(80):
                break
            link = self.tables[name].references[0]
            self.tables[name].on_delete[link.name] = self.rnd.choice(("", "CASCADE"))
            parts.append(link)
        return tuple(parts)

    def dataset(self, table: str, parts: tuple[Reference, ...]) -> Dataset:
        return Dataset(
            name=f"the-{table}",
            data=table,
            table=table,
            key=self.tables[table].key,
            parts=parts,
            where=self.condition(2) if self.chance(45) else None,
            events={"end": self.event(table)},
        )

    def event(self, table: str) -> tuple[Component, ...]:
        if self.chance(3):
            return ()
        own = [c for c in ("e1", "e2", "e3", "at") if c in self.tables[table].columns]
        choices = [Component(column=c, kind=self.kind(table, c)) for c in own]
        related = list(self.related(table))
        found = [self.rnd.choice(choices)]
        while choices and self.chance(40):
            found.append(self.rnd.choice(choices))
        if related and self.chance(60):
            if self.chance(25):
                found = []
            found.append(self.rnd.choice(related))
            if self.chance(30):
                found.append(self.rnd.choice(related))
        return tuple(dict.fromkeys(found))

    def kind(self, table: str, column: str) -> str:
        return "text" if self.family == "sqlite" else self.tables[table].columns[column]

    def related(self, root: str) -> Iterator[Component]:
        """Columns of tables to which one way leads that is shorter than all others, or that a column tells apart."""
        for name in self.tables:
            column = "e1" if name == "orders" else "at"
            kind = self.kind(name, column)
            for length in (1, 2, 3):
                ways = list(self.ways(root, name, length)) if name != root else []
                for way in ways:
                    if len(ways) == 1 or length == 1:
                        references = tuple(reference for reference, _ in way)
                        if len(ways) > 1:
                            self.via[root, name, references] = references[0].columns[0]
                        yield Component(column=column, kind=kind, path=way)
                if ways:
                    break

    def ways(self, start: str, end: str, length: int) -> Iterator[tuple[tuple[Reference, bool], ...]]:
        if length == 0:
            if start == end:
                yield ()
            return
        for table in self.tables.values():
            for reference in table.references:
                if reference.table == reference.target:
                    continue
                for here, there, down in (
                    (reference.target, reference.table, True),
                    (reference.table, reference.target, False),
                ):
                    if here == start:
                        for rest in self.ways(there, end, length - 1):
                            if not rest or rest[0][1] == down:
                                yield ((reference, down), *rest)

    def condition(self, depth: int) -> tuple[Any, ...]:
        if depth and self.chance(50):
            word = self.rnd.choice(("and", "or", "not"))
            if word == "not":
                return ("not", self.condition(depth - 1))
            return (word, self.condition(depth - 1), self.condition(depth - 1))
        return self.rnd.choice(
            (
                ("=", "status", "paid"),
                ("<>", "status", "it's"),
                ("in", "status", ("paid", "open")),
                ("is null", "status"),
                ("<", "amount", 3),
                (">=", "amount", 1),
                ("columns equal", "amount", "other"),
                ("true", "active"),
                ("filled =", "status", "paid", "paid"),
            )
        )

    # -- policy ----------------------------------------------------------------------------

    def rules(self, datasets: Sequence[Dataset]) -> tuple[tuple[Rule, ...], dict[str, str]]:
        rules: list[Rule] = []
        keeps: dict[str, str] = {}
        for dataset in datasets:
            if dataset.table != "orders" and self.chance(20):
                continue
            unit = self.rnd.choice(
                ("next day", "next day", *(s.value for s in Start if s is not Start.NEXT_DAY))
            )
            year_end = (12, 31)
            if unit == "after fiscal year":
                year_end = self.rnd.choice(((12, 31), (6, 30), (2, 28), (8, 30), (3, 31)))
            zone = self.rnd.choice(ZONES)
            for number in range(
                self.rnd.choice((1, 1, 1, 2, 2, 3) if dataset.table == "orders" else (1, 1, 2))
            ):
                text, months, days = self.rnd.choice(PERIODS)
                name = f"{dataset.table}-{number}"
                keeps[name] = text
                rules.append(
                    Rule(
                        name=name,
                        data=dataset.data,
                        event="end",
                        months=months,
                        days=days,
                        unit=unit,
                        fiscal_year_end=year_end,
                        zone=zone,
                    )
                )
        if self.chance(30):
            rules.reverse()
        return tuple(rules), keeps

    # -- rows ------------------------------------------------------------------------------

    def edges(self, rules: Sequence[Rule], as_of: datetime) -> Iterator[tuple[date, datetime]]:
        """Days and instants on both sides of every line."""
        for rule in rules:
            clock = Clock(
                period=Period(months=rule.months, days=rule.days),
                start=Start(rule.unit),
                fiscal_year_end=rule.fiscal_year_end,
                timezone=rule.zone,
            )
            late = periods.late_cutoff(as_of, clock, Period(months=1, days=0))
            for boundary in (periods.cutoff(as_of, clock), periods.cutoff(as_of, clock), late):
                for step in (-1, 0, 1):
                    yield boundary.day + timedelta(days=step), boundary.instant + step * TICK
                yield boundary.day - timedelta(days=2), boundary.instant - timedelta(hours=1)
            floor = periods.floor(rule.zone)
            for step in (-1, 0):
                yield floor.day + timedelta(days=step), floor.instant + step * TICK

    def rows(self, edges: list[tuple[date, datetime]], as_of: datetime) -> dict[str, list[Row]]:
        rows: dict[str, list[Row]] = {}
        for name, table in self.tables.items():
            most = {"orders": 7, "lines": 6}.get(name, 4)
            count = self.rnd.choice(range(most + 1))
            rows[name] = [self.row(table, number, edges, as_of) for number in range(1, count + 1)]
        for name, table in self.tables.items():
            for row in rows[name]:
                for reference in table.references:
                    targets = rows[reference.target]
                    if reference.target == name and not self.rings:
                        targets = targets[: targets.index(row)]
                    self.point(reference, row, targets)
        return rows

    def row(self, table: Table, number: int, edges: list[tuple[date, datetime]], as_of: datetime) -> Row:
        row: Row = {}
        for column, kind in table.columns.items():
            if column == "id":
                row[column] = (number + 1) // 2 if len(table.key) > 1 else number
            elif column == "shop":
                row[column] = "ns"[number % 2]
            elif column == "code":
                row[column] = None if self.chance(15) else f"c{number}"
            elif column in ("e1", "e2", "e3", "at"):
                row[column] = self.moment(kind, edges, as_of)
            else:
                row[column] = {
                    "status": lambda: self.rnd.choice(STATUS),
                    "amount": lambda: self.rnd.choice((0, 1, 3, 5, None)),
                    "other": lambda: self.rnd.choice((0, 1, 3, None)),
                    "active": lambda: self.rnd.choice((True, False, None)),
                }.get(column, lambda: None)()
        return row

    def point(self, reference: Reference, row: Row, targets: list[Row]) -> None:
        if targets and self.chance(75):
            target = self.rnd.choice(targets)
            for column, end in zip(reference.columns, reference.target_columns, strict=True):
                row[column] = target[end]
            if len(reference.columns) > 1 and self.chance(10):
                row[reference.columns[-1]] = None

    def moment(self, kind: str, edges: list[tuple[date, datetime]], as_of: datetime) -> Any:
        """Mostly long ago or at an edge; at times NULL, unreadable, or ahead."""
        what = self.rnd.choice(range(100))
        if what < 10:
            return None
        if what < 17:
            return self.unreadable(kind)
        if what < 60:
            day = self.rnd.choice(
                (date(1999, 5, 5), date(2012, 2, 29), date(2015, 8, 31), date(2010, 12, 31))
            )
            instant = datetime(day.year, day.month, day.day, self.rnd.choice((0, 11, 23)), tzinfo=UTC)
        elif what < 92:
            day, instant = self.rnd.choice(edges)
        elif what < 96:
            day, instant = as_of.date(), as_of + self.rnd.choice((-1, 0, 1)) * TICK
        else:
            day, instant = date(2031, 1, 1), datetime(2031, 1, 1, 12, tzinfo=UTC)
        if self.family == "sqlite" or kind == "text":
            return self.text(day, instant)
        if kind == "date":
            return day
        return instant if kind == "timestamptz" else self.wall(instant)

    def unreadable(self, kind: str) -> Any:
        if self.family == "sqlite":
            return self.rnd.choice(UNREADABLE)
        if kind == "text":
            return str(self.rnd.choice(UNREADABLE))
        return self.rnd.choice(NO_DAYS[self.family])

    def wall(self, instant: datetime) -> datetime:
        return instant.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None, fold=0)

    def text(self, day: date, instant: datetime) -> str:
        form = self.rnd.choice(("day", "wall", "wall", "minutes", "offset", "offset"))
        if form == "day":
            return day.isoformat()
        between = self.rnd.choice((" ", "T"))
        if form == "minutes":
            return self.wall(instant).isoformat(between, timespec="minutes")
        if form == "wall":
            return self.precise(self.wall(instant), between)
        hours = self.rnd.choice((0, 2, -5, 5.5, 14))
        shifted = (instant + timedelta(hours=hours)).replace(tzinfo=None)
        offset = f"{'-' if hours < 0 else '+'}{int(abs(hours)):02}:{'30' if hours % 1 else '00'}"
        return self.precise(shifted, between) + ("Z" if hours == 0 and self.chance(70) else offset)

    def precise(self, wall: datetime, between: str) -> str:
        if wall.microsecond:
            return wall.isoformat(between, timespec="microseconds") + self.rnd.choice(("", "", "999"))
        return wall.isoformat(between, timespec=self.rnd.choice(("seconds", "milliseconds", "microseconds")))
