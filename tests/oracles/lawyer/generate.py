"""Cases: small companies drawn from a seed, and aimed at the lines of their own policies."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from tests.oracles.lawyer import lines
from tests.oracles.lawyer.doing import Spelling
from tests.oracles.lawyer.policies import PolicyDrawing
from tests.oracles.lawyer.profiles import EVERYTHING, Profile
from tests.oracles.lawyer.shapes import (
    CLOCKS,
    DATED,
    DRAWN,
    FIELDS,
    PERSONAL,
    SHAPES,
    TENANT,
    VAULTS,
    Seat,
    Shape,
)
from tests.oracles.lawyer.values import day
from tests.oracles.lawyer.world import (
    NO_DAY,
    SINCE,
    Component,
    Dataset,
    Holds,
    Instruction,
    Path,
    Period,
    Reference,
    Row,
    Some,
    Table,
    Value,
    World,
)

T = TypeVar("T")
ZONES = ("Europe/Oslo", "UTC", "America/St_Johns", "Pacific/Apia")
DAYS = tuple(
    map(
        date.fromisoformat,
        (
            "2024-02-29", "2024-03-01", "2024-03-31", "2024-10-27", "2025-01-01", "2025-02-28", "2025-03-01",
            "2025-08-31", "2025-12-31", "2026-03-29", "2026-03-08", "2026-07-01",
        ),
    )
)  # fmt: skip
UNREADABLE = (
    "", "soon", "2024-02-30", "0000-00-00", "20240101", "2024-13-01", "2024-01-01 25:00", "0001-01-01", "1970-01-01",
    "0", "1700000000", "2024-01-01T", "2024-01-01Z", "01.02.2024", "2024-01-01 10:00 Uhr", "2024-01-01 10:00:61",
    "infinity", "1970-01-01T00:00:00Z", "2024-01-01 24:00", "2024-01-01 10",
)  # fmt: skip
STATUS = ("paid", "open", "it's", None)
EMAILS = ("a@x.org", " A@X.org", "b@x.org", "c@x.org", None)
INSTRUCTED_DAYS = (30, 90, 365)
EVENTS = ("booked", "seen", "closed")
SHARE_OF_DATED = 0.3
"""Of policies, over tables of which some dates are always there."""
SHARE_OF_BOTH = 0.5
"""Of policies, in which rows of parts may be rewritten as records of their own, too."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A world on one of the shapes. `seed` makes it again."""

    seed: int
    shape: Shape
    world: World

    def but(self, **changes: Any) -> Case:
        return replace(self, world=self.world.but(**changes))


def case(seed: int, profile: Profile = EVERYTHING, *, shape: str | None = None, companies: int = 1) -> Case:
    """The case of this seed, of what `profile` allows: so many small companies under one policy, side by side.

    No company refers to another, or knows its people. A plan of a hundred costs hardly more than a plan of one.
    """
    return _Drawing(seed, profile, shape, companies).case()


class _Drawing:
    def __init__(self, seed: int, profile: Profile, shape: str | None, companies: int) -> None:
        self.seed, self.profile, self.companies = seed, profile, companies
        self.rnd = random.Random(seed)
        drawn = self.rnd.choice(DRAWN)
        homes = "offices" if seed % 16 == 7 and profile.mutual else "homes"
        instead = {3: homes} if profile.shared_parts else {}
        alone, mutual = ("threads", "pins") if seed % 8 == 6 else ("vaults", "chairs")
        instead |= {2: mutual if seed % 16 > 7 and profile.mutual else alone} if profile.vaults else {}
        drawn = {5: "nests", 13: "roles"}.get(seed % 16, drawn) if profile.sharing else drawn
        self.sure = random.Random(f"dated {seed}")
        shapes = DATED if self.sure.random() < SHARE_OF_DATED else SHAPES
        self.shape = shapes[shape or instead.get(seed % 4, drawn)]
        both = random.Random(f"both {seed}").random() < SHARE_OF_BOTH
        self.spelling = Spelling(self.rnd, masks=not profile.told, both=both)

    def chance(self, per_cent: int) -> bool:
        return self.rnd.random() * 100 < per_cent

    def case(self) -> Case:
        rnd = self.rnd
        zones = {connector: rnd.choice(ZONES) for connector in ("shop", "crm")}
        zone = rnd.choice(ZONES)
        on = rnd.choice(DAYS)
        step = rnd.choice((timedelta(), -lines.TICK, lines.TICK, timedelta(hours=12), timedelta(hours=1)))
        as_of = lines.first_instant(on, zone) + step
        datasets = self.datasets()
        policy = PolicyDrawing(
            rnd, self.profile, datasets, zone, self.shape.name, self.companies, self.spelling
        )
        rules = policy.rules()
        self.zones, self.as_of = zones, as_of
        self.pool = list(self.edges(rules, as_of))
        rows: dict[str, list[Row]] = {name: [] for name in self.shape.tables}
        for company in range(self.companies):
            for name, found in self.rows(company).items():
                rows[name] += found
        world = World(
            schema=self.shape.tables,
            rows=rows,
            datasets=policy.datasets,
            rules=rules,
            zones=zones,
            as_of=as_of,
            told=policy.told,
            identifiers=self.identifiers(policy.told),
        )
        acting = [rule.name for rule in rules if not rule.kept_by]
        if self.profile.narrowed and len(acting) > 1 and self.chance(12):
            world = world.but(only=(rnd.choice(acting),))
        tellings = policy.tellings(world, self.pool)
        return Case(
            seed=self.seed, shape=self.shape, world=world.but(tellings=tellings, holds=policy.holds(world))
        )

    def identifiers(self, told: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
        named = {kind for kinds in told.values() for kind in kinds} & {"email", "author"}
        return dict.fromkeys(sorted(named), ("trim", "lower")) if self.chance(70) else {}

    # -- datasets --------------------------------------------------------------------------------

    def datasets(self) -> list[Dataset]:
        """Some of the shape's seats; never none. Without leave to share, no table is in two datasets."""
        every = [seat for seat in self.shape.seats if seat.alone]
        seats = [seat for seat in every if self.chance(75)] or [self.rnd.choice(every)]
        seats = [seat for seat in seats if seat.name not in [other.vault for other in self.shape.seats]]
        moved = [seat for seat in self.shape.seats if seat.vault and seat not in seats]
        seats += moved if not seats or self.chance(70) else []
        if self.shape.name == "rings" and not self.profile.mutual:
            seats = [self.rnd.choice(seats)]
        found: list[Dataset] = []
        taken: set[str] = set()
        for seat in seats:
            parts = self.rnd.choice(seat.parts)
            tables = {seat.table, *(link.table for link in parts)}
            if tables & taken and not (self.profile.sharing and self.chance(80)):
                continue
            taken |= tables
            made = self.dataset(seat, parts)
            found.append(self.spelling.whole(made) if self.profile.actions else made)
            found += self.spelling.slices(made) if self.profile.actions and not seat.vault else []
        if self.profile.of_parts:
            for made in [each for each in found if each.parts and each.columns is None]:
                place = found.index(made)
                found[place] = self.spelling.of_parts(made, [o for o in found if o is not made])
        return [each for made in found for each in self.with_vault(made)]

    def with_vault(self, made: Dataset) -> list[Dataset]:
        """The dataset, mostly with its vault, where the shape has one."""
        seat = next((seat for seat in self.shape.seats if seat.name == made.name), None)
        if seat is None or seat.vault is None:
            return [made]
        if not self.chance(80):
            return [self.spelling.marked(made)]
        twin = next(other for other in self.shape.seats if other.name == seat.vault)
        vault = self.dataset(twin, next(parts for parts in twin.parts if len(parts) == len(made.parts)))
        return self.spelling.vaulted(made, vault)

    def dataset(self, seat: Seat, parts: Any) -> Dataset:
        table = self.shape.tables[seat.table]
        where = None
        if seat.by_status is not None:
            where = ("=", "status", seat.by_status)
            if self.profile.overlap and self.chance(70 if self.shape.name == "roles" else 20):
                where = ("in", "status", ("paid", "open"))
        elif self.chance(30):
            where = self.condition()
        near = {name: path for name, path in (seat.near or {}).items() if self.chance(60)}
        return Dataset(
            name=seat.name,
            connector=table.connector,
            data=seat.name,
            table=seat.table,
            where=where,
            subject=seat.subject,
            began=Component(column=self.rnd.choice("dz")) if self.profile.told else None,
            events={name: self.event(near) for name in EVENTS},
            facts=self.facts(seat),
            instructed=self.instruction(seat),
            parts=tuple(parts),
            shared=self.shared(seat, {seat.table, *(link.table for link in parts)}),
            fields=FIELDS,
        )

    def shared(self, seat: Seat, members: set[str]) -> tuple[Reference, ...]:
        """Parts that the record refers to, of a seat that has several not always all of them."""
        records = seat.name == "houses"  # themselves shared, and mostly mere rows
        together = (
            self.shape.name == "offices" and not records
        )  # there either says of each row that it shares it
        if not (self.profile.shared_parts and (together or self.chance(35 if records else 70))):
            return ()
        links = [link for link in seat.shared if link.table in members]
        return tuple(link for link in links if together or len(links) == 1 or self.chance(80))

    def instruction(self, seat: Seat) -> Instruction | None:
        path: Path = {"tenants": (), "documents": TENANT}.get(seat.name, ())
        if self.shape.name == "tenants" and seat.name in ("tenants", "documents"):
            return Instruction(column="kept", unit="days", between=(30, 365), path=path)
        return None

    def facts(self, seat: Seat) -> dict[str, Any]:
        if not self.profile.conditions:
            return {}
        status: Any = Value(column="status")
        ups = [path for path in (seat.near or {}).values() if not any(down for _, down in path)]
        if ups and self.chance(40):
            status = Value(column="status", path=self.rnd.choice(ups))
        downs = [path for path in (seat.near or {}).values() if len(path) == 1 and path[0][1]]
        some: Any = Value(column="active")
        if downs and self.chance(50):
            some = Some(path=self.rnd.choice(downs), where=self.condition() if self.chance(70) else None)
        return {"status": status, "big": Holds(tree=(">=", "amount", 3)), "open": some}

    def condition(self, depth: int = 1) -> tuple[Any, ...]:
        if depth and self.chance(35):
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
                ("same", "amount", "other"),
                ("or else", "status", "paid", "paid"),
                ("true", "active"),
            )
        )

    def event(self, near: dict[str, Path]) -> tuple[Component, ...]:
        if self.chance(3):
            return ()
        own = [name for name in CLOCKS if name not in "sn" or self.profile.encoded]
        found = [self.component(self.rnd.choice(own))]
        if self.chance(25):
            found.append(self.component(self.rnd.choice(own)))
        if near and self.chance(35):
            if self.chance(40):
                found = []
            table = self.rnd.choice(list(near))
            found.append(self.component(self.rnd.choice(own), near[table]))
        return tuple({(c.column, c.path): c for c in found}.values())

    def component(self, column: str, path: Path = ()) -> Component:
        where = self.condition(0) if self.chance(8) else None
        if column == "n":
            never = (0,) if self.chance(60) else ()
            return Component(column="n", unit="s", path=path, where=where, never=never)
        never = ("",) if column == "s" and self.chance(30) else ()
        return Component(column=column, path=path, where=where, never=never)

    # -- rows ------------------------------------------------------------------------------------

    def edges(self, rules: Any, as_of: datetime) -> Iterator[lines.Edge]:
        """Either side of every line of every rule."""
        instructed = tuple(Period(text="", days=days) for days in INSTRUCTED_DAYS)
        seen = set()
        for rule in rules:
            for variant in rule.variants:
                for on in lines.edge_days(variant, day(as_of, variant.zone), instructed):
                    if (on, variant.zone) not in seen:
                        seen.add((on, variant.zone))
                        yield from lines.around(on, variant.zone)

    def rows(self, company: int) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        self.company = company
        self.clean = self.chance(60)  # mostly known: what is unclear hides what else there is to see
        for name, table in self.shape.tables.items():
            count = self.rnd.choice((0, 1, 2, 3, 3, 4, 5, 6))
            found[name] = [self.row(table, number) for number in range(1, count + 1)]
        for name, table in self.shape.tables.items():
            for reference in table.references:
                for row in found[name]:
                    self.point(reference, row, found[reference.target])
        return found

    def row(self, table: Table, number: int) -> Row:
        key = table.key
        number += 50 * (table.name in VAULTS)  # what is moved there has a key that nothing has there
        row = Row()
        clocks: dict[str, Any] = {}
        for column, kind in table.columns.items():
            if column in CLOCKS:
                found = self.moment(column, kind, clocks)
                if found is None and column in table.always:
                    found = self.stored(column, kind, *self.sure.choice(self.pool))
                clocks[column] = row[column] = found
            elif column in (*PERSONAL, SINCE):
                row[column] = self.personal(column, kind) if self.profile.actions else None
            elif column in key:
                own = "ns"[number % 2] if column == "shop" else (number + 1) // len(key)
                row[column] = self.own(own) if column != "shop" else own
            elif column in table.unique:
                row[column] = None if self.chance(10) else self.own(number)
            else:
                row[column] = self.plain(column)
        return row

    def personal(self, column: str, kind: str) -> Any:
        """A person's data, or when it was rewritten or restricted."""
        if column in ("done_at", "restricted_at", SINCE):
            marked = self.chance({"done_at": 30, SINCE: 95}.get(column, 10))
            on, at = self.rnd.choice(self.pool) if marked else (None, None)
            return None if on is None or at is None or on.year < 1972 else self.stored("z", kind, on, at)
        return self.spelling.value(column)

    def plain(self, column: str) -> Any:
        choices: dict[str, Sequence[Any]] = {
            "status": STATUS,
            "amount": (0, 3, 5, None),
            "other": (0, 3, None),
            "active": (True, False, None),
            "email": EMAILS,
            "customer": (1, 2, 3, None),
            "author": ("ann", " Ann", "bo", None),
            "kept": (29, *INSTRUCTED_DAYS, 366, 0, None),
        }
        found = choices.get(column, (None,))
        if self.clean and self.chance(80):
            found = [value for value in found if value is not None] or found
        value = self.rnd.choice(found)
        return self.own(value) if column in ("email", "customer", "author") else value

    def own(self, value: Any) -> Any:
        """The value as this company's: people and keys are its own."""
        if self.company == 0 or value is None:
            return value
        return value + 100 * self.company if isinstance(value, int) else f"{value.rstrip()}{self.company}"

    def point(self, reference: Any, row: Row, targets: Sequence[Row]) -> None:
        if reference.table == reference.target and not self.profile.rings:
            targets = [target for target in targets if target["id"] < row["id"]]
        if targets and self.chance(75):
            target = self.rnd.choice(targets)
            for column, end in zip(reference.columns, reference.target_columns, strict=True):
                row[column] = target[end]
            if len(reference.columns) > 1 and self.chance(10):
                row[reference.columns[-1]] = None

    def moment(self, column: str, kind: str, beside: dict[str, Any]) -> Any:
        """Mostly at a line or long ago; at times NULL, unreadable, now, ahead, or close to the clock beside."""
        what = self.rnd.random() * 100
        if what < (3 if self.clean else 10):
            return None
        if what < (4 if self.clean else 16):
            return self.unknown(column)
        on, at = self.rnd.choice(self.pool)
        if what < 34:
            on = self.rnd.choice((date(1999, 5, 5), date(2012, 2, 29), date(2015, 8, 31), date(2010, 12, 31)))
            at = datetime(on.year, on.month, on.day, self.rnd.choice((0, 11, 23)), tzinfo=UTC)
        elif what < 42:
            on, at = self.as_of.date(), self.as_of + self.rnd.choice((-1, 0, 1)) * lines.TICK
        elif what < 46:
            on, at = date(2031, 1, 1), datetime(2031, 1, 1, 12, tzinfo=UTC)
        elif what < 58 and isinstance(beside.get("d"), date):  # the same day, or the next, by another clock
            on = beside["d"] + self.rnd.choice((0, 0, 1)) * lines.DAY
            at = lines.first_instant(on, self.zones["shop"]) + self.rnd.choice((-1, 0, 1)) * lines.TICK
        return self.stored(column, kind, on, at)

    def unknown(self, column: str) -> Any:
        """Zero dates, epoch 0, what can't be read: how databases spell "unknown"."""
        long_ago = datetime(1971, 1, 1, tzinfo=UTC)
        if column in "dtz" and self.chance(30):
            return NO_DAY
        return {
            "d": date(1971, 1, 1),
            "t": long_ago.replace(tzinfo=None),
            "z": long_ago,
            "n": 0,
            "s": self.rnd.choice(UNREADABLE),
        }[column]

    def stored(self, column: str, kind: str, on: date, at: datetime) -> Any:
        wall = at.astimezone(ZoneInfo(self.zones["shop"])).replace(tzinfo=None, fold=0)
        if kind == "date":
            return on
        if kind == "timestamp":
            return wall
        if kind == "timestamptz":
            return at
        if kind == "integer":
            return int((at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1))
        forms = (on.isoformat(), wall.isoformat(" "), at.isoformat(), at.isoformat().replace("+00:00", "Z"))
        return self.rnd.choice(forms)
