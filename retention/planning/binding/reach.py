"""What deleting a record would touch beyond it: read off the live catalogue, refused by name.

A database must never remove or change more than the plan says. Foreign keys with CASCADE,
SET NULL or SET DEFAULT from outside the record, DELETE triggers and rewrite rules on its tables,
and referring columns without an index are problems here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from retention.errors import Problem
from retention.model.catalogue import Catalogue, Reference, Relation, Table, TableId
from retention.planning.binding.bound import Outside, Part

CHANGES = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})
"""What a reference can say ON DELETE by which the database changes rows itself."""

_WHY_NOT = {
    Relation.VIEW: "is a view: what it shows is stored elsewhere; name the table behind it",
    Relation.MATERIALIZED_VIEW: "is a materialized view: name the tables that it is made from",
    Relation.FOREIGN: "is a foreign table, or has a partition that is one: connect to the database that stores it",
    Relation.VIRTUAL: "is a virtual table: its rows are stored by an extension",
    Relation.PARTITION: "is one partition: name its parent",
}


def usable(table: Table, key: tuple[str, ...] | None = None, *, mark: str = '"') -> tuple[str, str] | None:
    """(found, write) where rows of `table` can't be deleted one record at a time, else None.

    `key`: the columns that the operator named as one; None where none can be named. `mark`: what the
    database quotes names with.
    """
    if table.unfit is not None:
        return table.unfit
    why = _WHY_NOT.get(table.relation)
    if why is not None:
        found, _, write = why.partition(": ")
        return f"`{table.id}` {found}", write
    if not table.key and not key:
        ways = []
        if key is not None:
            ways.append('name the columns of a unique index without NULL: key = ["…"]')
        if table.id.schema is not None:
            ways.append(f"ALTER TABLE {qualified(table.id, mark)} ADD PRIMARY KEY (…);")
        write = ", or: ".join(ways) or "make it anew with a PRIMARY KEY: SQLite can't add one to a table"
        return f"table `{table.id}` has no primary key: its rows can't be told apart", write
    return None


def qualified(table: TableId, mark: str = '"') -> str:
    """A table's full name, quoted with `mark`."""
    name = quoted(table.name, mark)
    return f"{quoted(table.schema, mark)}.{name}" if table.schema else name


def quoted(name: str, mark: str = '"') -> str:
    """An identifier, quoted with `mark` (standard SQL's by default)."""
    return mark + name.replace(mark, mark * 2) + mark


def create_index(table: TableId, columns: Iterable[str], mark: str = '"') -> str:
    """The statement that makes the missing index."""
    every = tuple(columns)
    name = quoted("_".join([table.name, *every, "idx"]), mark)
    return f"CREATE INDEX {name} ON {qualified(table, mark)} ({', '.join(quoted(c, mark) for c in every)});"


def described(reference: Reference) -> str:
    """`orders.customer_id`, for messages."""
    return f"{reference.table}.{','.join(reference.columns)}"


def outside_references(catalogue: Catalogue, members: Mapping[TableId, Part | None]) -> tuple[Outside, ...]:
    """Every reference to a member that is not the link by which its own part belongs."""
    links = {part.reference for part in members.values() if part is not None}
    return tuple(
        Outside(reference=reference, inside=reference.table in members)
        for member in members
        for reference in catalogue.inbound(member)
        if reference not in links
    )


Rooted = Mapping[TableId, str]
"""The root tables of a connector's datasets, each with the dataset's name."""

Counting = Callable[[Reference], str]
"""How many rows refer to others by a reference, in words."""


def cascade(catalogue: Catalogue, reference: Reference) -> tuple[Reference, ...]:
    """`reference`, and every reference that the database would act on after it where rows are deleted by it."""
    found = {reference: None}
    waiting = [reference]
    while waiting:
        item = waiting.pop(0)
        if item.on_delete != "CASCADE":
            continue
        more = [r for r in catalogue.inbound(item.table) if r.on_delete in CHANGES and r not in found]
        found |= dict.fromkeys(more)
        waiting += more
    return tuple(found)


def census(catalogue: Catalogue, reference: Reference, counting: Counting) -> str:
    """What a cascade would reach, table by table."""
    first, *others = (f"{counting(item)} of `{item.table}`" for item in cascade(catalogue, reference))
    return f"now {first}" + (f", and through them {', '.join(others)}" if others else "")


def _waits(item: Outside) -> bool:
    """A part's second reference, to another record: the record stays while a row of another one's parts
    refers to it, and one's own go before it, so that there is never a row for the database to act on."""
    return item.inside and item.reference.table != item.reference.target


def without_action(catalogue: Catalogue, reference: Reference) -> str:
    """How the reference is made ON DELETE NO ACTION, with the statement."""
    way = "make the reference ON DELETE NO ACTION"
    if reference.table.schema is None:
        return f"{way} (SQLite can't alter one: make `{reference.table}` anew)"
    if not reference.name:
        return way
    mark = catalogue.quote
    altered, name = f"ALTER TABLE {qualified(reference.table, mark)}", quoted(reference.name, mark)
    own, others = (
        ", ".join(quoted(column, mark) for column in columns)
        for columns in (reference.columns, reference.target_columns)
    )
    added = (
        f"ADD CONSTRAINT {name} FOREIGN KEY ({own}) REFERENCES {qualified(reference.target, mark)} ({others})"
        f" ON DELETE NO ACTION{reference.besides};"
    )
    if mark == "`":  # MariaDB does not free the name within one statement
        return f"{way}: {altered} DROP FOREIGN KEY {name}; {altered} {added}"
    return f"{way}: {altered} DROP CONSTRAINT {name}, {added}"


def as_part(catalogue: Catalogue, reference: Reference, members: Collection[TableId]) -> str:
    """The referring table as `parts` names it: with the way to the record, where there are several."""
    name = reference.table.name
    ways = [r for r in catalogue.outbound(reference.table) if r.target in members and r.target != r.table]
    if len(ways) < 2:
        return f'"{name}"'
    return f'{{ table = "{name}", via = "{reference.columns[0]}" }}'


def _instead(catalogue: Catalogue, reference: Reference, members: Collection[TableId], roots: Rooted) -> str:
    """What may be done where the database acts on rows beyond the record, and what becomes of the record then."""
    table, way = reference.table, without_action(catalogue, reference)
    if table in members:
        return way
    add = f"add {as_part(catalogue, reference, members)} to parts"
    if table in roots:
        return (
            f"{way}; the record then waits until rule and dataset `{roots[table]}` have removed those rows."
            f" `{table.name}` is the dataset `{roots[table]}`: if you {add} instead, a record stays while any rule"
            f" keeps one of its rows there"
        )
    others = {roots[r.target] for r in catalogue.outbound(table) if r.target in roots} - {
        roots[member] for member in members if member in roots
    }
    if others:
        names = " and ".join(f"`{name}`" for name in sorted(others))
        return (
            f"{add}, or {way}. Rows of `{table.name}` refer to records of {names}, too: where they are parts there as"
            " well, each record waits for the others that share such a row"
        )
    return f"{add}, or {way}"


def reach_problems(
    catalogue: Catalogue,
    members: Mapping[TableId, Part | None],
    outside: Iterable[Outside],
    *,
    file: str,
    key: str,
    allow_scan: bool,
    counting: Counting | None = None,
    roots: Rooted | None = None,
) -> list[Problem]:
    """Everything that deleting a record of these tables would do beyond it; with a census, where it may count."""
    problems: list[Problem] = []

    def add(found: str, write: str) -> None:
        problems.append(Problem(file=file, key=key, found=found, write=write))

    for member in members:
        for trigger in catalogue.tables[member].triggers:
            if "DELETE" in trigger.events:
                add(
                    f"{trigger.what} `{trigger.name}` on `{member}` runs at every DELETE, and may change other rows",
                    f"drop or disable it for the engine's role; rows of `{member}` are not deleted while it is there",
                )
    for item in outside:
        reference = item.reference
        if reference.on_delete in CHANGES and not _waits(item):
            does = "deletes" if reference.on_delete == "CASCADE" else "rewrites"
            many = f" ({census(catalogue, reference, counting)})" if counting is not None else ""
            add(
                f"`{described(reference)}` refers to `{reference.target}` ON DELETE {reference.on_delete}:"
                f" the database itself {does} rows beyond the record{many}",
                _instead(catalogue, reference, members, roots or {}),
            )
    if not allow_scan:
        links = [part.reference for part in members.values() if part is not None]
        for reference in [*links, *(item.reference for item in outside)]:
            problems += _scans(catalogue, reference, "delete", file=file, key=key)
    return problems


def part_problems(
    catalogue: Catalogue, members: Mapping[TableId, Part | None], *, file: str, key: str, allow_scan: bool
) -> list[Problem]:
    """The same of a record that never leaves its tables: nothing reaches beyond it, and its parts are looked up."""
    if allow_scan:
        return []
    links = [part.reference for part in members.values() if part is not None]
    return [p for link in links for p in _scans(catalogue, link, "batch", file=file, key=key)]


def _scans(catalogue: Catalogue, reference: Reference, what: str, *, file: str, key: str) -> list[Problem]:
    return [
        Problem(
            file=file,
            key=key,
            found=f"`{table}.{','.join(reference.columns)}` refers to `{reference.target}` without an index:"
            f" every {what} would scan the table",
            write=f"{create_index(table, reference.columns, catalogue.quote)} or write allow_scan = true",
        )
        for table in reference.unindexed_on
    ]
