"""Records whose event is read off rows that go before them: written down while it can still be read.

Customers without a date of their own are due by their last invoice. Where a run removes the invoices
first, nothing is left to tell that their customers were due. So these are remembered before the run's first
batch; when their turn comes, all else is looked at again (references, rows that came meanwhile), and only that
their event is gone no longer matters.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from retention.connectors.port import Key, Remembered, Window
from retention.connectors.sql.dialect import Dialect, Timeouts
from retention.connectors.sql.positions import frozen, thawed
from retention.connectors.sql.removal import KeyRemover
from retention.ledger.evidence import Committer
from retention.planning.work import Work

_ASKED_AT_ONCE = 500
_OLDEST_AT_ONCE = 1_000


class RememberedKeys(Remembered):
    """Keys in a private file without a name: the operating system drops it when the process ends, however it ends."""

    def __init__(self, rows: Iterable[Sequence[Any]]) -> None:
        """`rows`: the key's values, whether the record is late, the day of its event."""
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.execute(
            "CREATE TABLE remembered (n INTEGER PRIMARY KEY, key TEXT UNIQUE, late INTEGER, day TEXT)"
        )
        self._file.execute("BEGIN")
        self._file.executemany(
            "INSERT OR IGNORE INTO remembered (key, late, day) VALUES (?, ?, ?)",
            ((_text(tuple(key)), late, str(day)) for *key, late, day in rows),
        )
        self._file.execute("COMMIT")

    def after(self, n: int, size: int) -> tuple[int, tuple[Key, ...]]:
        """Up to `size` keys behind the `n`th, and the number of the last."""
        rows = self._file.execute(
            "SELECT n, key FROM remembered WHERE n > ? ORDER BY n LIMIT ?", (n, size)
        ).fetchall()
        return (rows[-1][0] if rows else n), tuple(_key(text) for _, text in rows)

    def oldest(self) -> Iterator[Key]:
        """All keys, the oldest event first."""
        for (text,) in self._file.execute("SELECT key FROM remembered ORDER BY day, n"):
            yield _key(text)

    def among(self, keys: Sequence[Key]) -> Mapping[Key, int]:
        """Of `keys` those that are remembered, and whether they were late."""
        found: dict[Key, int] = {}
        for start in range(0, len(keys), _ASKED_AT_ONCE):
            asked = {_text(key): key for key in keys[start : start + _ASKED_AT_ONCE]}
            marks = ", ".join("?" for _ in asked)
            query = f"SELECT key, late FROM remembered WHERE key IN ({marks})"
            found |= {asked[text]: late for text, late in self._file.execute(query, list(asked))}
        return found

    def close(self) -> None:
        """Forgets everything."""
        self._file.close()


def _text(key: Key) -> str:
    return json.dumps(frozen(key))


def _key(text: str) -> Key:
    return thawed(json.loads(text))


class RememberingRemover(KeyRemover):
    """First what is remembered, then what is due by what can still be read."""

    def __init__(
        self,
        dialect: Dialect,
        connection: Connection,
        work: Work,
        committer: Committer,
        timeouts: Timeouts,
        remembered: RememberedKeys,
    ) -> None:
        super().__init__(dialect, connection, work, committer, timeouts)
        self._remembered = remembered
        self._recheck_remembered = self._statements.recheck_remembered()

    def window(self, after: Mapping[str, Any] | None, size: int, *, sweep: bool) -> Window | None:
        if after is None or after.get("by") == "remembered":
            size = min(size, self._dialect.most_keys or size)
            upto, keys = self._remembered.after(after["at"] if after is not None else 0, size)
            if keys:
                return Window(after={"by": "remembered", "at": upto}, keys=keys)
            after = None
        return super().window(after, size, sweep=sweep)

    def oldest(self, most: int) -> Iterator[Window]:
        """What is remembered may wait for rows that stay: all of it is offered, until `most` are gone."""
        keys: list[Key] = []
        for key in self._remembered.oldest():
            keys.append(key)
            if len(keys) == _OLDEST_AT_ONCE:
                yield Window(after={"by": "oldest", "at": frozen(key)}, keys=tuple(keys))
                keys.clear()
        if keys:
            yield Window(after={"by": "oldest", "at": frozen(keys[-1])}, keys=tuple(keys))
        yield from super().oldest(most)

    def _due_of(self, held: Sequence[Key], given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        found = super()._due_of(held, given)
        known = {row[:-1] for row in found}
        late = self._remembered.among([key for key in held if key not in known])
        if late:
            keys = self._rows_of_keys(self._recheck_remembered, list(late))
            found += [(*key, late[key]) for key in keys]
            self._dialect.give_keys(self._connection, self._statements.key, held)
        return found
