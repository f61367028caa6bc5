"""Seven databases of phones and browsers, each with the clock that its README names.

What is due is worked out a second time with sqlite3 and datetime alone, from the values themselves.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.stores import SqliteStore, changed
from tests.support.workplace import Workplace

Reading = Callable[[Any], date | str | None]
"""A value → its day in UTC, None where it has not happened, "unclear" where it can't be told."""

UNIX, WEBKIT, COCOA = (datetime(year, 1, 1, tzinfo=UTC) for year in (1970, 1601, 2001))


def count(epoch: datetime, never: tuple[float, ...] = (), **unit: float) -> Reading:
    """`count(UNIX, milliseconds=1)`: one of the number is a millisecond."""

    def read(value: Any) -> date | str | None:
        if value is None or value in never:
            return None
        try:
            moment = epoch + timedelta(**{name: one * value for name, one in unit.items()})
        except OverflowError:
            return "unclear"
        return moment.date() if moment.date() >= date(1971, 1, 2) else "unclear"

    return read


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A table of one file. `before`: what makes the copy one that can be planned on."""

    file: str
    table: str
    key: str
    event: str
    columns: tuple[tuple[str, Reading], ...]
    referring: tuple[str, ...] = ()
    more: str = ""
    before: str = ""
    rows: int = field(default=0)


CLOCKS = {
    "chrome visits": Clock(
        file="chrome_History", table="visits", key="id", rows=69,
        event='{ column = "visit_time", unit = "us", epoch = "1601-01-01" }',
        columns=(("visit_time", count(WEBKIT, microseconds=1)),),
    ),
    "chrome downloads": Clock(
        file="chrome_History", table="downloads", key="id", rows=2,
        event='{ column = "start_time", unit = "s" }',
        columns=(("start_time", count(UNIX, seconds=1)),),
    ),
    "firefox places": Clock(
        file="firefox_places.sqlite", table="moz_places", key="id", rows=92,
        event='{ column = "last_visit_date", unit = "us" }',
        columns=(("last_visit_date", count(UNIX, microseconds=1)),),
    ),
    "firefox annotations": Clock(
        file="firefox_places.sqlite", table="moz_items_annos", key="id", rows=8,
        event='{ latest = [{ column = "dateAdded", unit = "us", never = [0] },'
        ' { column = "lastModified", unit = "us", never = [0] }] }',
        columns=(
            ("dateAdded", count(UNIX, (0,), microseconds=1)), ("lastModified", count(UNIX, (0,), microseconds=1)),
        ),
    ),
    "safari tombstones": Clock(
        file="safari_History.db", table="history_tombstones", key="id", rows=6,
        event='{ column = "start_time", unit = "s", epoch = "2001-01-01" }',
        columns=(("start_time", count(COCOA, seconds=1)),),
    ),
    "safari tombstones, the sentinel declared": Clock(
        file="safari_History.db", table="history_tombstones", key="id", rows=6,
        event='{ column = "start_time", unit = "s", epoch = "2001-01-01", never = [-63114076800.0] }',
        columns=(("start_time", count(COCOA, (-63114076800.0,), seconds=1)),),
    ),
    "android messages": Clock(
        file="android_mmssms.db", table="sms", key="_id", rows=9,
        event='{ latest = [{ column = "date", unit = "ms" }, { column = "date_sent", unit = "ms", never = [0] }] }',
        columns=(("date", count(UNIX, milliseconds=1)), ("date_sent", count(UNIX, (0,), milliseconds=1))),
        before="DROP TRIGGER sms_words_delete",
    ),
    "skype contacts": Clock(
        file="sqlite_skype_main.db", table="Contacts", key="id", rows=2,
        event='{ column = "last_used_networktime", unit = "min", never = [4294967295] }',
        columns=(("last_used_networktime", count(UNIX, (4294967295,), minutes=1)),),
    ),
    "skype messages": Clock(
        file="sqlite_skype_main.db", table="Messages", key="id", rows=15,
        event='{ column = "timestamp", unit = "s" }',
        columns=(("timestamp", count(UNIX, seconds=1)),),
    ),
    "drive files": Clock(
        file="sqlite_snapshot.db", table="local_entry", key="inode_number", rows=11,
        event='{ column = "modified", unit = "s" }',
        columns=(("modified", count(UNIX, seconds=1)),),
        referring=(
            "SELECT child_inode_number FROM local_relations", "SELECT parent_inode_number FROM local_relations",
            "SELECT inode_number FROM mapping",
        ),
    ),
    "drive files that lie in no folder": Clock(
        file="sqlite_snapshot.db", table="local_entry", key="inode_number", rows=11,
        event='{ column = "modified", unit = "s" }',
        columns=(("modified", count(UNIX, seconds=1)),),
        referring=("SELECT inode_number FROM mapping",),
        before="DELETE FROM local_relations; DELETE FROM mapping WHERE inode_number % 2 = 0",
    ),
    "windows activities": Clock(
        file="windows_ActivitiesCache.db", table="ActivityOperation", key="OperationOrder", rows=112,
        event='{ column = "EndTime", unit = "s", never = [0] }',
        columns=(("EndTime", count(UNIX, (0,), seconds=1)),),
        before="INSERT INTO ActivityOperation (Id, OperationType, AppId, ActivityType, LastModifiedTime, StartTime,"
        " EndTime, LastModifiedOnClient, ETag) SELECT Id, ActivityStatus, AppId, ActivityType, LastModifiedTime,"
        " StartTime, EndTime, LastModifiedTime, ETag FROM Activity",
    ),
}  # fmt: skip


def expected(store: SqliteStore, clock: Clock, as_of: date) -> dict[Any, str]:
    """Key → fate under a rule of one year."""
    names = ", ".join(f'"{name}"' for name, _ in clock.columns)
    kept = {key for query in clock.referring for (key,) in store.rows(query)}
    cutoff = as_of.replace(year=as_of.year - 1)
    fates = {}
    for key, *values in store.rows(f'SELECT "{clock.key}", {names} FROM "{clock.table}"'):
        days = [read(value) for (_, read), value in zip(clock.columns, values, strict=True)]
        dates = [day for day in days if isinstance(day, date)]
        if any(day >= cutoff for day in dates):
            fates[key] = "not_due"
        elif "unclear" in days:
            fates[key] = "unclear"
        elif not dates:
            fates[key] = "undated"
        else:
            fates[key] = "referenced" if key in kept else "due"
    return fates


def moments(store: SqliteStore, clock: Clock) -> list[date]:
    """A year after the first, the middle and the last event, and the days beside; and long after."""
    days = sorted(
        day
        for name, read in clock.columns
        for (value,) in store.rows(f'SELECT "{name}" FROM "{clock.table}"')
        if isinstance(day := read(value), date) and day < date(2020, 1, 1)
    )
    picked = (days[0], days[len(days) // 2], days[-1])
    around = {day + timedelta(days=365 + extra) for day in picked for extra in (0, 1, 2)}
    return [*sorted(around), date(2026, 11, 22)]


@pytest.fixture
def copied(data: Path, tmp_path: Path) -> Callable[[str], SqliteStore]:
    def copy(file: str) -> SqliteStore:
        target = tmp_path / "copy.db"
        shutil.copy(data / "device" / file, target)
        return SqliteStore(target)

    return copy


@pytest.fixture
def device(work: Workplace) -> Workplace:
    work.rule("records", 'data = "records"\nkeep = "1 year"\nfrom = "seen"')
    return work


def connect(work: Workplace, store: SqliteStore, table: str, event: str, more: str = "") -> None:
    text = f'[datasets.records]\ndata = "records"\ntable = "{table}"\nevents = {{ seen = {event} }}\n{more}'
    work.connect(store, text, timezone=None)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", CLOCKS)
def test_a_devices_clock_is_read_as_its_readme_says(
    device: Workplace, copied: Callable[[str], SqliteStore], name: str
) -> None:
    clock = CLOCKS[name]
    store = copied(clock.file)
    if clock.before:
        store.script(clock.before)
    more = "allow_scan = true" if clock.referring else ""
    connect(device, store, clock.table, clock.event, more)

    for as_of in moments(store, clock):
        fates = expected(store, clock, as_of)
        assert len(fates) == clock.rows
        assert device.fates("records", as_of=as_of.isoformat()) == dict(Counter(fates.values())), as_of
    at = (every := moments(store, clock))[len(every) // 2]
    fates = expected(store, clock, at)
    due = {key for key, fate in fates.items() if fate == "due"}
    before = store.snapshot()

    outcome = device.run(as_of=at.isoformat())

    assert outcome.jobs[0].done == len(due)
    gone = {clock.table: (len(due), 0)} if due else {}
    assert changed(before, store.snapshot()) == gone
    left = {key for (key,) in store.rows(f'SELECT "{clock.key}" FROM "{clock.table}"')}
    assert left == fates.keys() - due


def test_something_is_due_of_every_file(copied: Callable[[str], SqliteStore]) -> None:
    """The comparison above is not one of nothing with nothing."""
    files = set()
    for clock in CLOCKS.values():
        store = copied(clock.file)
        if clock.before:
            store.script(clock.before)
        if "due" in expected(store, clock, date(2026, 11, 22)).values():
            files.add(clock.file)
    assert len(files) == 7


REFUSED = {
    "android: a trigger on DELETE": (
        "android_mmssms.db", "sms", '{ column = "date", unit = "ms" }', "trigger `sms_words_delete` on `sms`",
    ),
    "android: a full-text table": (
        "android_mmssms.db", "words", '{ column = "source_id", unit = "ms" }', "is a virtual table",
    ),
    "safari: visits that take their redirects along": (
        "safari_History.db", "history_visits", '{ column = "visit_time", unit = "s", epoch = "2001-01-01" }',
        "refers to `history_visits` ON DELETE CASCADE",
    ),
    "windows: a key of a type that SQLite stores as a number": (
        "windows_ActivitiesCache.db", "Activity", '{ column = "EndTime", unit = "s", never = [0] }',
        "can't stand in the evidence",
    ),
    "windows: no key": (
        "windows_ActivitiesCache.db", "Activity_PackageId", '{ column = "ExpirationTime", unit = "s" }',
        "has no primary key",
    ),
    "firefox: a trigger on DELETE": (
        "firefox_places.sqlite", "moz_bookmarks", '{ column = "dateAdded", unit = "us" }',
        "trigger `moz_bookmarks_beforedelete_v1_trigger`",
    ),
    "chrome: numbers of which nothing is said": (
        "chrome_History", "visits", '"visit_time"', "a number that may mean anything",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_deleted_from_is_refused_with_the_reason(
    device: Workplace, copied: Callable[[str], SqliteStore], name: str
) -> None:
    file, table, event, why = REFUSED[name]
    connect(device, copied(file), table, event)

    problems = device.problems()
    assert any(why in problem.found for problem in problems), problems


def test_seconds_taken_for_microseconds_are_said_by_check(
    device: Workplace, copied: Callable[[str], SqliteStore]
) -> None:
    """Chrome's downloads count seconds since 1970, its visits microseconds since 1601."""
    connect(
        device, copied("chrome_History"), "downloads",
        '{ column = "start_time", unit = "us", epoch = "1601-01-01" }',
    )  # fmt: skip

    assert device.fates("records") == {"unclear": 2}
    assert any("is it another unit or epoch?" in warning for warning in device.check().warnings)


def test_a_file_that_was_looked_at_is_as_it_was(data: Path, tmp_path: Path) -> None:
    """The copies are made from files that no test writes."""
    for name in sorted({clock.file for clock in CLOCKS.values()}):
        with sqlite3.connect(f"file:{data / 'device' / name}?mode=ro&immutable=1", uri=True) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
