"""The order of records that refer to each other: each before what it refers to, those in a ring at once.

Works on a private SQLite file with the tables `remembered (n, key, level, tie)` and `link (a, b)`, of which a
refers to b. Level by level: what nothing refers to, then what only those do, and so on. Where
that ends, what is left are rings and what they lead to; these alone are held in memory. At the end `n` is the order.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

Rows = list[tuple[int, str]]


def arrange(file: sqlite3.Connection) -> None:
    """Gives every record its level, ties those that can only go together, and renumbers all in that order."""
    file.execute("BEGIN")
    file.execute("CREATE TABLE waits (n INTEGER PRIMARY KEY, others INTEGER)")
    file.execute("INSERT INTO waits SELECT b, count(*) FROM link GROUP BY b")
    file.execute("CREATE TABLE level (n INTEGER PRIMARY KEY)")
    file.execute("CREATE TABLE next (n INTEGER PRIMARY KEY, others INTEGER)")
    file.execute("INSERT INTO level SELECT DISTINCT a FROM link WHERE a NOT IN (SELECT n FROM waits)")
    number = 0
    while _next_level(file):
        number += 1
        file.execute("UPDATE remembered SET level = ? WHERE n IN (SELECT n FROM level)", (number,))
    _rings(file, number)
    file.execute("CREATE INDEX by_level ON remembered (level, tie, n)")
    file.execute("CREATE TABLE place (n INTEGER PRIMARY KEY, key TEXT, level INTEGER, tie INTEGER)")
    file.execute(
        "INSERT INTO place (key, level, tie) SELECT key, level, tie FROM remembered ORDER BY level, tie, n"
    )
    file.execute("CREATE INDEX place_level ON place (level, n)")
    file.execute("COMMIT")


def _next_level(file: sqlite3.Connection) -> bool:
    """What only the levels before refer to; False where there is none."""
    file.execute("DELETE FROM next")
    file.execute(
        "INSERT INTO next SELECT link.b, count(*) FROM level CROSS JOIN link ON link.a = level.n GROUP BY link.b"
    )
    file.execute(
        "UPDATE waits SET others = others - (SELECT next.others FROM next WHERE next.n = waits.n)"
        " WHERE n IN (SELECT n FROM next)"
    )
    file.execute("DELETE FROM level")
    found = file.execute(
        "INSERT INTO level SELECT next.n FROM next CROSS JOIN waits ON waits.n = next.n WHERE waits.others = 0"
    )
    return found.rowcount > 0


def _rings(file: sqlite3.Connection, number: int) -> None:
    """What is left: each ring, and each record that only rings lead to, on a level of its own."""
    left = {n for (n,) in file.execute("SELECT n FROM waits WHERE others > 0")}
    leads: dict[int, list[int]] = defaultdict(list)
    for a, b in file.execute("SELECT a, b FROM link WHERE a IN (SELECT n FROM waits WHERE others > 0)"):
        leads[a].append(b)
    rings = list(strongly_connected(sorted(left), leads))
    for ring in reversed(rings):
        number += 1
        tie = number if len(ring) > 1 else None
        file.executemany(
            "UPDATE remembered SET level = ?, tie = ? WHERE n = ?", [(number, tie, n) for n in ring]
        )


def together(file: sqlite3.Connection, n: int, size: int) -> tuple[Rows, tuple[int, ...]]:
    """About `size` (place, key) behind the place `n`: records that are in no ring; or rings, and how long each is."""
    rows = file.execute(
        "SELECT n, key, level, tie FROM place WHERE n > ? ORDER BY n LIMIT ?", (n, size)
    ).fetchall()
    if not rows or rows[0][3] is None:
        return [row[:2] for row in itertools.takewhile(lambda row: row[3] is None, rows)], ()
    tied = list(itertools.takewhile(lambda row: row[3] is not None, rows))
    rings = [len(list(ring)) for _, ring in itertools.groupby(tied, key=lambda row: row[3])]
    last = tied[-1][2]
    (behind,) = file.execute(
        "SELECT count(*) FROM place WHERE level = ? AND n > ?", (last, tied[-1][0])
    ).fetchone()
    if behind and len(rings) > 1:  # the last one does not fit in
        tied = tied[: -rings.pop()]
    elif behind:
        ring = "SELECT n, key FROM place WHERE level = ? AND n > ? ORDER BY n"
        tied = file.execute(ring, (last, n)).fetchall()
        rings = [len(tied)]
    return [row[:2] for row in tied], tuple(rings)


def strongly_connected(nodes: Iterable[int], leads: Mapping[int, Sequence[int]]) -> Iterator[tuple[int, ...]]:
    """Tarjan's components, each after all that it leads to; without recursion, for rings of any length."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for start in nodes:
        if start in index:
            continue
        path: list[tuple[int, Iterator[int]]] = []
        _visit(start, index, low, stack, on_stack, path, leads)
        while path:
            node, rest = path[-1]
            for other in rest:
                if other not in index:
                    _visit(other, index, low, stack, on_stack, path, leads)
                    break
                if other in on_stack:
                    low[node] = min(low[node], index[other])
            else:
                path.pop()
                if path:
                    above = path[-1][0]
                    low[above] = min(low[above], low[node])
                if low[node] == index[node]:
                    ring = [stack.pop()]
                    while ring[-1] != node:
                        ring.append(stack.pop())
                    on_stack.difference_update(ring)
                    yield tuple(ring)


def _visit(
    node: int,
    index: dict[int, int],
    low: dict[int, int],
    stack: list[int],
    on_stack: set[int],
    path: list[tuple[int, Iterator[int]]],
    leads: Mapping[int, Sequence[int]],
) -> None:
    index[node] = low[node] = len(index)
    stack.append(node)
    on_stack.add(node)
    path.append((node, iter(leads.get(node, ()))))
