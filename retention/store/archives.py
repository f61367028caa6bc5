"""Folders that `audit archive` wrote (or `audit export`), read back line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from retention.errors import LedgerError, UnreachableError, UsageError
from retention.ledger.verify import read_lines

SEGMENTS = "segments"


class Archives:
    """The lines of some folders, found by their numbers. Whoever reads them compares their hashes."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Raises UsageError for a folder that is no archive."""
        self._segments: dict[int, Path] = {}
        for folder in folders:
            found = [path for path in (folder / SEGMENTS).glob("*.jsonl") if path.stem.isdecimal()]
            if not found:
                raise UsageError(
                    f"--archive {folder}: there is no archive in it (a folder with `{SEGMENTS}`)"
                )
            self._segments |= {int(path.stem): path for path in found}

    def lines(self, start: int, stop: int) -> Iterator[bytes]:
        """Lines `start` to `stop`. Raises UsageError that names the first that is in none of the folders."""
        while start < stop:
            begins = max((first for first in self._segments if first <= start), default=None)
            expected = start
            if begins is not None:
                for number, line in enumerate(self._read(self._segments[begins], begins), begins):
                    if number == stop:
                        return
                    if number == expected:
                        yield line
                        expected += 1
            if expected == start:
                raise UsageError(
                    f"event {start}: it is in none of the archives that are named; name one more: --archive DIR"
                )
            start = expected

    @staticmethod
    def _read(path: Path, first: int) -> Iterator[bytes]:
        try:
            with path.open("rb") as stream:
                yield from read_lines(stream)
        except OSError as error:
            raise UnreachableError(f"{path}: it can't be read: {error.strerror}") from error
        except LedgerError as error:
            raise LedgerError(f"{path}, from event {first} on: {error}") from error
