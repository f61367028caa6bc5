"""The daemon's log: one event a line on a stream, as text or as JSON; never a row's value."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TextIO

from retention.model.documents import instant


@dataclass
class Log:
    """Writes `event`, a constant name, with its fields; each line at once and whole, from any thread.

    A stream that can't be written to is no reason to stop: then the line is lost.
    """

    stream: TextIO
    clock: Callable[[], datetime]
    json: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def info(self, event: str, **fields: Any) -> None:
        """Something happened."""
        self._write("info", event, fields)

    def warn(self, event: str, **fields: Any) -> None:
        """Somebody should look at it."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """Somebody must look at it."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, Any]) -> None:
        at = instant(self.clock())
        known = {name: _plain(value) for name, value in fields.items() if value is not None}
        if self.json:
            line = json.dumps({"at": at, "level": level, "event": event, **known}, ensure_ascii=True)
        else:
            words = [f"{name}={_quoted(value)}" for name, value in known.items()]
            line = " ".join([at, level, event, *words])
        with self._lock, suppress(OSError, ValueError):
            self.stream.write(line + "\n")
            self.stream.flush()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    return value if isinstance(value, (int, float, bool)) else str(value)


def _quoted(value: Any) -> str:
    """A word as it is; anything else as JSON has it, so that no value breaks the line or a terminal."""
    text = str(value)
    plain = text.isascii() and text.isprintable() and text and not set(text) & set(' "=')
    return text if plain else json.dumps(text, ensure_ascii=True)
