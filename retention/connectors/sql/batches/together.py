"""Due records of several jobs on one dataset that refer to each other across the jobs, and batches of all of them.

A comment is due by one rule, and the answer to it by another that has its turn later. Each job takes by itself what no
record of a later one leads to. What is left, chains that cross to and fro and rings, goes when all of them have had
their turn: in the order of `arranging`, in batches in which each record is looked at by its own job's predicate, among
all that were handed over. Each job has a share of such a batch: its own count, rows and commitments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from retention.connectors.port import JointRemover, Key, Taken, Together, Window
from retention.connectors.sql.batches.remembering import RememberedKeys, RememberingRemover, text_of
from retention.connectors.sql.dialect import Dialect, Timeouts
from retention.connectors.sql.listing import Listing
from retention.ledger.evidence import Committer, Sealed
from retention.planning.work import Work

_ASKED_AT_ONCE = 500


class RememberedTogether(RememberedKeys, Together):
    """What the jobs have written down, until `divide` leaves what none of them can take by itself."""

    def __init__(self, every: Sequence[RememberedKeys]) -> None:
        """`every`: what each job has due, by its place."""
        super().__init__((), 0, 0)
        self.counts: Mapping[int, int] = {}
        self._file.execute("BEGIN")
        for place, each in enumerate(every):
            self._file.executemany(
                "INSERT OR IGNORE INTO remembered (key, late, day, ends, columns, job) VALUES (?, ?, ?, ?, ?, ?)",
                ((self.text_here(place, text), *row, place) for text, *row in each.written()),
            )
        self._file.execute("COMMIT")

    def text_here(self, place: int, text: str) -> str:
        """A key of a job, as it is written down among those of all."""
        return text

    def divide(self) -> None:
        """Keeps the records to which one of a later job refers, and all that these lead to."""
        self._file.execute("BEGIN")
        self._file.execute("CREATE TABLE waiting (n INTEGER PRIMARY KEY)")
        self._file.execute(
            "INSERT INTO waiting WITH RECURSIVE led (n) AS ("
            "SELECT link.b FROM link CROSS JOIN remembered x ON x.n = link.a CROSS JOIN remembered y ON y.n = link.b"
            " WHERE x.job > y.job"
            " UNION SELECT link.b FROM led CROSS JOIN link ON link.a = led.n) SELECT n FROM led"
        )
        self._file.execute("DELETE FROM remembered WHERE n NOT IN (SELECT n FROM waiting)")
        self._file.execute("DELETE FROM link WHERE a NOT IN (SELECT n FROM waiting)")
        found = self._file.execute("SELECT job, count(*) FROM remembered GROUP BY job").fetchall()
        self._file.execute("COMMIT")
        self.counts = dict(found)

    def arrange(self) -> None:
        super().arrange()
        self._file.execute("CREATE INDEX place_key ON place (key)")

    def texts(self, place: int) -> Iterator[str]:
        """The keys of one job, as they are written down."""
        for (text,) in self._file.execute("SELECT key FROM remembered WHERE job = ? ORDER BY n", (place,)):
            yield text

    def owners(self, keys: Sequence[Key]) -> Mapping[Key, int]:
        found: dict[Key, int] = {}
        for start in range(0, len(keys), _ASKED_AT_ONCE):
            asked = {text_of(key): key for key in keys[start : start + _ASKED_AT_ONCE]}
            marks = ", ".join("?" for _ in asked)
            query = f"SELECT key, job FROM remembered WHERE key IN ({marks})"
            found |= {asked[text]: place for text, place in self._file.execute(query, list(asked))}
        return found

    def gone(self, keys: Sequence[Key]) -> None:
        """These are in no window any more."""
        self._file.execute("BEGIN")
        self._file.executemany("DELETE FROM place WHERE key = ?", ((text_of(key),) for key in keys))
        self._file.execute("COMMIT")


class TogetherRemover(RememberingRemover, JointRemover):
    """Deletes what several jobs wrote down together, as far as each is due still by its own."""

    _remembered: RememberedTogether

    def __init__(
        self,
        dialect: Dialect,
        connection: Connection,
        works: Mapping[int, Work],
        committer: Committer,
        timeouts: Timeouts,
        together: RememberedTogether,
        listings: Mapping[int, Listing | None],
    ) -> None:
        first = min(works)
        given = dialect, connection, committer, timeouts, together
        super().__init__(*_job(given, works[first]), listing=listings[first])
        self._of = {
            place: self._looking_at(*_job(given, work), listing=listings[place])
            for place, work in works.items()
        }
        self._found: list[tuple[Any, ...]] = []
        self._left: tuple[Sequence[Key], Sequence[Key]] = (), ()
        self._rows_of: dict[int, Mapping[str, int]] = {}

    def take(self, window: Window, most: int, *, wait: bool = False) -> Taken:
        taken = super().take(window, most, wait=wait)
        self._left = taken.held, taken.locked
        return taken

    def shares(self) -> Mapping[int, Taken]:
        keys = [row[:-1] for row in self._found]
        owners = self._remembered.owners([*keys, *self._left[0], *self._left[1]])

        def of(place: int, some: Sequence[Key]) -> list[Key]:
            return [key for key in some if owners.get(key) == place]

        return {
            place: Taken(
                keys=(own := of(place, keys)),
                sealed=self._committer.seal(own),
                overdue=sum(row[-1] for row in self._found if owners[row[:-1]] == place),
                rows=rows,
                held=of(place, self._left[0]),
                locked=of(place, self._left[1]),
            )
            for place, rows in self._rows_of.items()
        }

    def commit(self) -> None:
        super().commit()
        self._remembered.gone(self._going)

    def _begin(self) -> None:
        self._found, self._left, self._rows_of = [], ((), ()), {}
        super()._begin()

    def _looking_at(self, *given: Any, listing: Listing | None) -> RememberingRemover:
        """What looks at the records of one job."""
        return RememberingRemover(*given, listing=listing)

    def _ask(self, held: Sequence[Key]) -> None:
        for remover in self._of.values():
            remover._ask(held)

    def _due_of(self, held: Sequence[Key], given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Each by its own job, among all of them; asked until all agree."""
        while held:
            found = self._each_by_its_own(held, given)
            if len(found) == len(held):
                break
            held = [row[:-1] for row in found]
            given = self._give(held) if held else given
        self._found = found if held else []
        return self._found

    def _each_by_its_own(self, held: Sequence[Key], given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        owners = self._remembered.owners(held)
        return [
            row
            for place, remover in self._of.items()
            for row in remover._due_now(held, given)
            if owners.get(row[:-1]) == place
        ]

    def _delete(
        self,
        due: Sequence[Key],
        given: Mapping[str, Any],
        counted: Mapping[str, int],
        *,
        beside_locks: bool,
    ) -> tuple[Mapping[str, int], Sealed | None]:
        own = self._by_job(due)
        if len(own) < 2:
            rows, sealed = super()._delete(due, given, counted, beside_locks=beside_locks)
            self._rows_of = dict.fromkeys(own, rows)
            return rows, sealed
        *first, last = own
        needed = self._shared_by(own)
        rows_of = {place: self._rows_with(own[place]) for place in first}
        given = self._give(due)
        rows, sealed = super()._delete(due, given, counted, beside_locks=beside_locks)
        for table, gone in self._after.items():
            for place in (needed[table, key] for key in gone):
                if place != last:
                    rows_of[place][table] += 1
        rest = Counter(rows) - sum(rows_of.values(), Counter())
        self._rows_of = {**{place: +counts for place, counts in rows_of.items()}, last: rest}
        return rows, sealed

    def _by_job(self, keys: Sequence[Key]) -> dict[int, list[Key]]:
        """The records of each, in the order of the run."""
        owners = self._remembered.owners(keys)
        return {
            place: [key for key in keys if owners[key] == place] for place in sorted(set(owners.values()))
        }

    def _shared_by(self, own: Mapping[int, Sequence[Key]]) -> Mapping[tuple[str, Key], int]:
        """(table, key) of a shared row → the last job of which a record here refers to it: without that one it would
        stay."""
        found: dict[tuple[str, Key], int] = {}
        for place, keys in own.items() if self._shared.leaving else ():
            given = self._give(keys)
            for each, led_to in self._shared.led_to(given):
                found |= dict.fromkeys(((str(each.item.table.id), key) for key in led_to), place)
        return found

    def _rows_with(self, keys: Sequence[Key]) -> Counter[str]:
        """Table → rows of these records, the shared ones left out."""
        given = self._give(keys)
        return Counter({**self._count(self._parts, given), str(self._work.bound.root.id): len(keys)})


def _job(
    given: tuple[Dialect, Connection, Committer, Timeouts, RememberedTogether], work: Work
) -> tuple[Dialect, Connection, Work, Committer, Timeouts, RememberedTogether]:
    dialect, connection, committer, timeouts, together = given
    return dialect, connection, work, committer, timeouts, together
