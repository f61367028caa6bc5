"""Due records that are written down before the run's first batch, and the order in which they go.

Customers without a date of their own are due by their last invoice. Where a run removes the invoices
first, nothing is left to tell that their customers were due. So these are remembered; when their turn
comes, all else is looked at again (references, rows that came meanwhile), and only that their event is gone no
longer matters.

Records that refer to each other (an employee to the manager, a comment to the one that it answers) are
remembered too: whether a record can go depends on all that refer to it, directly or through others. They go in
the order of `arranging`. And so are those of a job behind another one that leaves such records where they are, but
changed: what that one has just rewritten or restricted could be due by this one now, in the place of what was planned.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from retention.connectors.port import Key, Remembered, Window
from retention.connectors.sql.batches.arranging import arrange, together
from retention.connectors.sql.batches.removal import KeyRemover
from retention.connectors.sql.batches.statements import Statements
from retention.connectors.sql.batches.written_down import recheck_remembered
from retention.connectors.sql.dialect import Dialect, Rows, Timeouts, plain_rows
from retention.connectors.sql.listing import Listing
from retention.connectors.sql.positions import frozen, thawed
from retention.ledger.evidence import Committer
from retention.planning.work import Work

_ASKED_AT_ONCE = 500
_OLDEST_AT_ONCE = 1_000


@dataclass(frozen=True)
class Was:
    """What was true of a remembered record: whether it was `late`, the `day` of its event, which `ends` had come, and
    which columns of it were to be set."""

    late: int
    day: str
    ends: str
    columns: str

    def still_to_set(self, flags: Sequence[Any]) -> tuple[bool, ...]:
        """Of columns that nothing needs now, those of which that was so then."""
        return tuple(bool(now) and was == "1" for now, was in zip(flags, self.columns, strict=True))

    def still(self, day: Any, *ends: Any) -> bool:
        """It is as true now: the day lies not behind that one, nor is there one that was not; and no end that rows
        which go first can't take away has been taken back."""
        if day is not None and (self.day == str(None) or str(day) > self.day):
            return False
        return all(now >= was for was, now in zip(self.ends, _ends(ends), strict=True))


class RememberedKeys(Remembered):
    """Keys in a private file without a name: the operating system drops it when the process ends, however it ends."""

    def __init__(self, rows: Iterable[Sequence[Any]], width: int, ends: int) -> None:
        """`rows`: the key's `width` values, whether the record is late, the day of its event, 1 or 0 for each of the
        `ends` and, behind these, for each column that is rewritten."""
        behind = width + 2
        at = behind + ends
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.execute(
            "CREATE TABLE remembered (n INTEGER PRIMARY KEY, key TEXT UNIQUE, late INTEGER, day TEXT, ends TEXT,"
            " columns TEXT, level INTEGER NOT NULL DEFAULT 0, tie INTEGER, job INTEGER)"
        )
        self._file.execute("CREATE TABLE link (a INTEGER, b INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID")
        self._file.execute("BEGIN")
        self._file.executemany(
            "INSERT OR IGNORE INTO remembered (key, late, day, ends, columns) VALUES (?, ?, ?, ?, ?)",
            (
                (
                    text_of(tuple(row[:width])),
                    row[width],
                    str(row[width + 1]),
                    _ends(row[behind:at]),
                    _ends(row[at:]),
                )
                for row in rows
            ),
        )
        self._file.execute("COMMIT")
        self._arranged = False

    def link(self, rows: Iterable[Sequence[Any]], width: int) -> None:
        """`rows`: the key of a record, of `width` values, and of one that it refers to. Others are passed over."""
        self._linked((text_of(tuple(row[:width])), text_of(tuple(row[width:]))) for row in rows)

    def _linked(self, texts: Iterable[tuple[str, str]]) -> None:
        self._file.execute("BEGIN")
        self._file.executemany(
            "INSERT OR IGNORE INTO link SELECT x.n, y.n FROM remembered x, remembered y WHERE x.key = ? AND y.key = ?",
            texts,
        )
        self._file.execute("COMMIT")

    def drop(self, texts: Iterable[str]) -> None:
        """Forgets these keys, as they are written down."""
        self._file.execute("BEGIN")
        self._file.executemany("DELETE FROM remembered WHERE key = ?", ((text,) for text in texts))
        for end in ("a", "b"):
            self._file.execute(f"DELETE FROM link WHERE {end} NOT IN (SELECT n FROM remembered)")
        self._file.execute("COMMIT")

    def written(self) -> Iterator[tuple[Any, ...]]:
        """All of it: key, whether late, day, ends, columns."""
        yield from self._file.execute("SELECT key, late, day, ends, columns FROM remembered ORDER BY n")

    def arrange(self) -> None:
        """Puts each record before those that it refers to."""
        arrange(self._file)
        self._arranged = True

    def after(self, n: int, size: int) -> Window | None:
        """About `size` keys behind the `n`th."""
        rings: tuple[int, ...] = ()
        if self._arranged:
            rows, rings = together(self._file, n, size)
        else:
            query = "SELECT n, key FROM remembered WHERE n > ? ORDER BY n LIMIT ?"
            rows = self._file.execute(query, (n, size)).fetchall()
        if not rows:
            return None
        keys = tuple(_key(text) for _, text in rows)
        return Window(after={"by": "remembered", "at": rows[-1][0]}, keys=keys, rings=rings)

    def oldest(self) -> Iterator[Window]:
        """All keys, the oldest event first; where records go in an order of their own, in that."""
        if self._arranged:
            n = 0
            while (window := self.after(n, _OLDEST_AT_ONCE)) is not None:
                yield window
                n = window.after["at"]
            return
        found = self._file.execute("SELECT key FROM remembered ORDER BY day, n")
        while rows := found.fetchmany(_OLDEST_AT_ONCE):
            keys = tuple(_key(text) for (text,) in rows)
            yield Window(after={"by": "oldest", "at": frozen(keys[-1])}, keys=keys)

    def among(self, keys: Sequence[Key]) -> Mapping[Key, Was]:
        """Of `keys` those that are remembered, and what was true of them."""
        found: dict[Key, Was] = {}
        for start in range(0, len(keys), _ASKED_AT_ONCE):
            asked = {text_of(key): key for key in keys[start : start + _ASKED_AT_ONCE]}
            marks = ", ".join("?" for _ in asked)
            query = f"SELECT key, late, day, ends, columns FROM remembered WHERE key IN ({marks})"
            found |= {asked[text]: Was(*was) for text, *was in self._file.execute(query, list(asked))}
        return found

    def close(self) -> None:
        """Forgets everything."""
        self._file.close()


def _ends(told: Iterable[Any]) -> str:
    return "".join(str(int(come)) for come in told)


def text_of(key: Key) -> str:
    """A key as it is written down."""
    return json.dumps(frozen(key))


def _key(text: str) -> Key:
    return thawed(json.loads(text))


class RememberedWindows(KeyRemover):
    """What is remembered, and nothing else: what has become due since then is the next run's."""

    _remembered: RememberedKeys
    _recheck_remembered: sa.Select[Any] | None = None
    """Made when it is first asked for."""

    def _rechecking_remembered(self, statements: Statements) -> sa.Select[Any]:
        """The statement that looks at remembered records again."""
        return recheck_remembered(statements)

    def _again(self, keys: Sequence[Key]) -> Rows:
        """What it says of the keys, by what people told of them; nothing of those that are held, or to be kept."""
        if self._listing is None:
            if self._recheck_remembered is None:
                self._recheck_remembered = self._rechecking_remembered(self._statements)
            return list(self._rows_of_keys(self._recheck_remembered, keys))
        if self._work.bound.entangled:
            return list(self._rows_of_keys(self._rechecking_remembered(self._listing.statements(keys)), keys))
        found: Rows = []
        for query, some, values in self._listing.rechecks(keys, self._of_work, "remembered"):
            given = self._give(some)
            found += plain_rows(self._connection, query, {**given, **values})
        return found

    def _of_work(self, work: Work) -> sa.Select[Any]:
        return self._rechecking_remembered(Statements(self._dialect, work))

    def cuts(self, ranges: int, due: int) -> Sequence[Mapping[str, Any]]:
        return ()

    def window(self, after: Mapping[str, Any] | None, size: int, *, sweep: bool) -> Window | None:
        position = after["at"] if after is not None and after.get("by") == "remembered" else 0
        return self._remembered.after(position, min(size, self._dialect.most_keys or size))

    def oldest(self, most: int) -> Iterator[Window]:
        """What is remembered may wait for rows that stay: all of it is offered, until `most` are gone."""
        return self._remembered.oldest()


class RememberingRemover(RememberedWindows):
    """Deletes what is remembered, as far as it is due still."""

    def __init__(
        self,
        dialect: Dialect,
        connection: Connection,
        work: Work,
        committer: Committer,
        timeouts: Timeouts,
        remembered: RememberedKeys,
        *,
        listing: Listing | None = None,
    ) -> None:
        super().__init__(dialect, connection, work, committer, timeouts, listing=listing)
        self._remembered = remembered
        self._entangled = work.bound.entangled
        if listing is not None:
            self._by_itself = False  # a statement that locks and looks at once knows nobody's words

    def _due_of(self, held: Sequence[Key], given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Where one of the records is not due after all, those are not that it refers to: asked until all agree."""
        found = self._due_now(held, given)
        while self._entangled and found and len(found) != len(held):
            held = [row[:-1] for row in found]
            given = self._give(held)
            found = self._due_now(held, given)
        return found

    def _due_now(self, held: Sequence[Key], given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        found = super()._due_of(held, given)
        if not self._work.blurred:
            return found
        known = {row[:-1] for row in found}
        covered = () if self._listing is None else self._listing.covers(held)
        late = self._remembered.among([key for key in held if key not in known and key not in covered])
        if late:
            asked = held if self._entangled else list(late)
            width = len(self._statements.key)
            for row in self._again(asked):
                was = late.get(key := row[:width])
                if was is not None and was.still(*row[width:]):
                    found.append((*key, was.late))
            self._give(held)
        return found
