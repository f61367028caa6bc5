"""Which columns a dataset rewrites, and why one can't be: what can be told from the catalogue alone.

What the database would say of the values themselves (its CHECKs, texts that are no dates) is tried by
`Target.tried`; what rules make of it is in `rewriting_rules`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from retention.config.policy.rule_values import names_of
from retention.errors import Problem
from retention.model.catalogue import Catalogue, Column, Index, Kind, Table, TableId
from retention.model.condition import Condition
from retention.model.dataset import Connector, Dataset
from retention.model.strategy import DATES, Constant, Pieces, Strategy, Way, spoken
from retention.planning.binding import triggers
from retention.planning.binding.bound import BoundDataset, Cell, Rewritten, Some, Value
from retention.planning.binding.names import NotFoundError, find_column
from retention.planning.binding.reach import described, qualified, quoted

_LENGTH = re.compile(r"^(?:national )?(?:var)?char(?:acter)?(?: varying)?\s*\((\d+)\)", re.IGNORECASE)
_LISTED = re.compile(r"^(ENUM|SET)\b", re.IGNORECASE)
_CHARSETS = {"latin1": "cp1252", "ascii": "ascii", "utf8mb3": "ucs-2", "utf8": "ucs-2"}
"""MariaDB's and MySQL's names of sets of characters that do not hold every one."""
_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "integer": 32, "bigint": 64}


Find: TypeAlias = Callable[[Pieces], tuple[Table, Column]]
"""Finds a column of the record, as it is written; NotFoundError for one that is none of it."""


class Rewritable:
    """The rewriting of one dataset over its live tables: the columns, and every problem."""

    def __init__(
        self, connector: Connector, dataset: Dataset, catalogue: Catalogue, root: Table, find: Find
    ) -> None:
        self._file, self._place = connector.file, f"datasets.{dataset.name}"
        self._dataset, self._catalogue, self._root, self._find = dataset, catalogue, root, find
        self.problems: list[Problem] = []
        self.columns: tuple[Rewritten, ...] = ()
        self.done: Column | None = None
        if dataset.rewriting:
            self._bind()

    def _problem(self, key: str, found: str, write: str) -> None:
        self.problems.append(Problem(file=self._file, key=f"{self._place}.{key}", found=found, write=write))

    def _bind(self) -> None:
        found: dict[Cell, Rewritten] = {}
        rewriting = self._dataset.rewriting
        own: Iterable[tuple[Pieces, Strategy]] = (((name,), each) for name, each in rewriting.columns.items())
        for pieces, strategy in (*own, *rewriting.parts.items()):
            key = f"anonymize.{spoken(pieces)}"
            try:
                table, column = self._find(pieces)
            except NotFoundError as error:
                self._problem(key, error.found, error.write)
                continue
            if (table.id, column.name) in found:
                self._problem(key, f"`{column.name}` is there twice", "take one of the two out")
            is_own = len(pieces) == 1
            name = column.name if is_own else spoken(pieces)
            item = Rewritten(table=table, column=column, strategy=strategy, name=name, own=is_own)
            found[item.cell] = item
            for why, write in self._why_not(item):
                self._problem(key, why, write)
        tables = {self._root.id: self._root} | {item.table.id: item.table for item in found.values()}
        self.columns = tuple(
            found[table.id, name]
            for table in tables.values()
            for name in table.columns
            if (table.id, name) in found
        )
        self._marker()
        for table in tables.values():
            self._triggered(table)
        for why, write in triggers.unknown(tuple(tables.values()), self._dataset.triggers):
            self._problem("triggers", why, write)

    def _triggered(self, table: Table) -> None:
        written = {item.column.name for item in self.columns if item.table.id == table.id}
        if table.id == self._root.id and self.done is not None:
            written.add(self.done.name)
        if written:
            written |= {column.name for column in table.columns.values() if column.on_update}
        for why, write in triggers.unlooked_at(table, written, self._dataset.triggers):
            self._problem("anonymize", why, write)

    def _marker(self) -> None:
        name = self._dataset.rewriting.done
        if name is None:
            return
        try:
            column = find_column(self._catalogue, self._root, name)
        except NotFoundError as error:
            self._problem("done", error.found, error.write)
            return
        dated = column.kind in DATES or (column.kind is Kind.TEXT and not self._catalogue.typed)
        if not dated or column.generated or not column.nullable or column.on_update:
            found = f"`{column.name}` can't say when a record was rewritten: it is {_described(column)}"
            self._problem(
                "done", found, "name a column of dates that may be NULL and that nothing else writes"
            )
        elif (used := self._used(self._root, column.name)) is not None:
            self._problem("done", f"`{column.name}` is {used}", "name a column that nothing else uses")
        self.done = column

    # -- one column ------------------------------------------------------------------------

    def _why_not(self, item: Rewritten) -> Iterator[tuple[str, str]]:
        column, strategy = item.column, item.strategy
        name = f"`{column.name}`"
        if column.generated:
            yield f"{name} is computed by the database", "rewrite the columns that it is computed from"
            return
        used = self._used(item.table, column.name)
        if used is not None:
            yield f"{name} is {used}, and can't be rewritten", "take it out"
            return
        if strategy.way is Way.NULL and not column.nullable:
            alike = "" if any(self._indexed(item)) else 'write "redact", or '
            yield f"{name} is NOT NULL", f"{alike}let it be NULL{self._altering(item)}"
        typed = self._type(column, strategy)
        if typed is not None:
            yield typed
            return
        room = room_of(column) if self._catalogue.typed else None
        yield from self._room(column, strategy, room)
        yield from self._unique(item)

    def _altering(self, item: Rewritten) -> str:
        if item.table.id.schema is None:
            return ""
        mark = self._catalogue.quote
        altered, name = f"ALTER TABLE {qualified(item.table.id, mark)}", quoted(item.column.name, mark)
        if mark == "`":
            return f" ({altered} MODIFY {name} {item.column.type} … NULL;)"
        return f" ({altered} ALTER COLUMN {name} DROP NOT NULL;)"

    def _type(self, column: Column, strategy: Strategy) -> tuple[str, str] | None:
        name = f"`{column.name}` is {column.type or 'of no type'}"
        if strategy.address and column.type.upper() == "INET":
            return None
        if column.kind in strategy.takes and not _LISTED.match(column.type):
            if strategy.way is Way.ROUND and strategy.width == 1 and column.kind is Kind.INTEGER:
                return f"{name}: rounded to 1 it stays what it is", "write a greater width, such as 10"
            if strategy.way in (Way.YEAR, Way.MONTH) and column.kind is not Kind.TEXT and not column.dated:
                return f"{name}, which holds no dates", self._instead(column)
            return None
        if strategy.way is Way.NULL:
            return None
        return f"{name}: {strategy.text} can't be made of it", self._instead(column)

    def _instead(self, column: Column) -> str:
        """Strategies that the column can take."""
        usual = {
            Way.YEAR: '"year"',
            Way.ROUND: '{ strategy = "round", width = 10 }',
            Way.REDACT: '"redact"',
            Way.HASH: '"hash"',
            Way.TOKEN: '"token"',
        }
        fits = [text for way, text in usual.items() if column.kind in Strategy(way=way).takes]
        fits = [] if _LISTED.match(column.type) else [f for f in fits if column.dated or f != '"year"']
        if column.nullable:
            fits.insert(0, '"null"')
        if column.kind is Kind.BOOLEAN:
            fits.append('{ strategy = "redact", with = false }')
        return f"write {' or '.join(fits)}" if fits else 'let it be NULL, and write "null"'

    def _room(self, column: Column, strategy: Strategy, room: int | None) -> Iterator[tuple[str, str]]:
        name = f"`{column.name}` is {column.type}"
        longest = strategy.longest
        if strategy.way is Way.PREFIX and not strategy.address:
            if room is not None and strategy.length is not None and strategy.length >= room:
                yield f"{name}: with {strategy.length} characters it would keep all", "write a smaller length"
            return
        if room is not None and longest is not None and longest > room and column.kind is Kind.TEXT:
            yield f"{name}: {strategy.text} needs {longest} characters", self._shorter(column, strategy, room)
        charset = _CHARSETS.get(column.collation.partition("_")[0], "utf-8")
        if strategy.way is Way.REDACT and not _holds(charset, strategy.constant):
            yield f"{name} of {column.collation}, which can't hold the constant", "write it in ASCII"
        if strategy.way is Way.REDACT and not _in_range(column, strategy.constant):
            yield f"{name}, which can't hold {strategy.constant}", "write a smaller number"

    def _shorter(self, column: Column, strategy: Strategy, room: int) -> str:
        if strategy.way is Way.REDACT:
            return f'write {{ strategy = "redact", with = "…" }} with at most {room} characters'
        if strategy.way is Way.MASK and room > 4:
            return f'write {{ strategy = "mask", keep = {room - 4} }} at most'
        longer = "let it be longer, or write "
        return longer + ('"null"' if column.nullable else '{ strategy = "redact", with = "…" }')

    def _unique(self, item: Rewritten) -> Iterator[tuple[str, str]]:
        column, strategy = item.column, item.strategy
        if strategy.unequal:
            return
        for index in self._indexed(item):
            found = (
                f"`{column.name}` is unique (index `{index.name}`), and {strategy.text} makes values alike"
            )
            ways = ['"null"' if column.nullable else f'"null", and let it be NULL{self._altering(item)}']
            if column.kind is Kind.TEXT:
                ways.append('"hash" or "token", where the rules\' action is "pseudonymize"')
            yield found, f"write {'; or '.join(ways)}; or drop the index, or take the column out"
            return

    def _indexed(self, item: Rewritten) -> Iterator[Index]:
        """The unique indexes that have the column."""
        return (index for index in item.table.indexes if index.unique and item.column.name in index.columns)

    # -- what the record is told by --------------------------------------------------------

    def _used(self, table: Table, name: str) -> str | None:
        """What else the column is, by the catalogue: of the key, or of a reference."""
        own = self._dataset.key or () if table.id == self._root.id else ()
        if name in own or name in table.key:
            return "part of the key"
        for reference in self._catalogue.outbound(table.id):
            if name in reference.columns:
                return f"part of a reference (`{described(reference)}` to `{reference.target}`)"
        for reference in self._catalogue.inbound(table.id):
            if name in reference.target_columns:
                return f"what `{described(reference)}` refers to"
        return None


def room_of(column: Column) -> int | None:
    """How many characters a column of texts holds; None where the type does not say."""
    found = _LENGTH.match(column.type)
    if found:
        return int(found[1])
    if column.type.upper() in ("CHAR", "CHARACTER"):
        return 1
    return 255 if column.type.lower() == "tinytext" else None


def padded_to(column: Column) -> int | None:
    """How many characters every text of the column is given back with, blanks at its end; None where as it is."""
    padded = column.type.lower().startswith("char") and "varying" not in column.type.lower()
    return room_of(column) if padded else None


def _holds(charset: str, constant: Constant) -> bool:
    if not isinstance(constant, str):
        return True
    if charset == "ucs-2":
        return all(ord(letter) <= 0xFFFF for letter in constant)
    try:
        constant.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def _in_range(column: Column, constant: Constant) -> bool:
    """Whether a whole number fits a column of such numbers, as far as its type says."""
    words = column.type.lower().replace("(", " ").split()
    bits = _BITS.get(words[0]) if words else None
    if not isinstance(constant, int) or bits is None:
        return True
    if "unsigned" in words:
        return 0 <= constant < 1 << bits
    return -(1 << (bits - 1)) <= constant < 1 << (bits - 1)


def _described(column: Column) -> str:
    words = [column.type or "of no type"]
    words += ["computed"] * column.generated + ["NOT NULL"] * (not column.nullable)
    return ", ".join([*words, *["set ON UPDATE"] * column.on_update])


# -- what records are told by, whichever dataset says so ------------------------------------


def clashes(bound: Iterable[BoundDataset], catalogue: Catalogue) -> Iterator[Problem]:
    """Rewritten columns, and columns that say when, by which a dataset of the connector tells its records."""
    every = tuple(bound)
    used: dict[Cell, str] = {}
    for item in every:
        for place, what in _told_by(item, catalogue):
            used.setdefault(place, f"{what} of `{item}`")
    clocks = [(name, what) for (_, name), what in used.items()]
    for item in every:
        tables = {item.root.id: item.root} | {each.table.id: each.table for each in item.rewriting}
        for table in tables.values():
            for found, write in triggers.meddling(table, item.dataset.triggers, clocks):
                yield _clash(item, "triggers", found, write)
    written: dict[Cell, tuple[BoundDataset, Strategy]] = {}
    for item in every:
        places = {f"anonymize.{each.name}": each.cell for each in item.rewriting}
        if item.done is not None:
            places["done"] = item.root.id, item.done.name
        for key, (table_id, name) in places.items():
            use = used.get((table_id, name))
            if use is not None:
                found = f"`{name}` is {use}, and can't be {'rewritten' if key != 'done' else 'set'}"
                yield _clash(item, key, found, "take it out" if key != "done" else "name a column of its own")
        for each in item.rewriting:
            other, strategy = written.setdefault(each.cell, (item, each.strategy))
            if strategy != each.strategy:
                found = f"`{each.name}` is rewritten by `{other}` in another way ({strategy.text})"
                yield _clash(item, f"anonymize.{each.name}", found, "write the same strategy in both")


def _clash(item: BoundDataset, key: str, found: str, write: str) -> Problem:
    place = f"datasets.{item.dataset.name}.{key}"
    return Problem(file=item.connector.file, key=place, found=found, write=write)


def _told_by(item: BoundDataset, catalogue: Catalogue) -> Iterator[tuple[Cell, str]]:
    """(table, column) and what it is; a subject is none of these: a person may be taken out of it."""
    began = () if item.began is None else (item.began,)
    for name, components in [*item.events.items(), ("began", began)]:
        what = "`began`" if name == "began" and components is began else f"the event `{name}`"
        for component in components:
            yield (component.table, component.column.name), what
            yield from _named(component.table, component.where, catalogue, what)
    for name, fact in item.facts.items():
        what = f"the fact `{name}`"
        match fact:
            case Value(table=table, column=column):
                yield (table, column.name), what
            case Some(table=table, where=where):
                yield from _named(table, where, catalogue, what)
            case Condition():
                yield from _named(item.root.id, fact, catalogue, what)
    for name, period in item.periods.items():
        yield (period.value.table, period.value.column.name), f"the period `{name}`"
    yield from _named(item.root.id, item.where, catalogue, "`where`")


def _named(
    table: TableId, condition: Condition | None, catalogue: Catalogue, what: str
) -> Iterator[tuple[Cell, str]]:
    for pieces in names_of(condition.tree) if condition is not None else ():
        yield (table, find_column(catalogue, catalogue.tables[table], pieces[-1]).name), what
