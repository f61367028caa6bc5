"""Reads one TOML file, and says in the operator's words why it can't.

Sizes are checked before the parser sees anything: a dotted key of 40 KB keeps it busy for
ten seconds, and a list nested a thousand times ends in a traceback.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

from retention.config.reading.findings import Unusable, unusable

MAX_FILE = 256 * 1024
MAX_LINE = 4 * 1024
MAX_DOTS = 32

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')
_COMMENT = re.compile(r"#.*")
_KEY = re.compile(r"\s*([\w.-]{1,60})\s*=")


def read_toml(path: Path) -> dict[str, Any]:
    """The file's tables. Raises Unusable: not there, no file, unreadable, too large, not UTF-8, no TOML."""
    text = decode(read_bytes(path))
    check_lines(text)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise unusable(
            f"is not valid TOML: {error}",
            "mend that line (text stands in quotes, a key only once in its table), "
            "or look the form up in the reference",
        ) from None
    except RecursionError:
        raise unusable(
            "nests lists or tables too deeply", "write it flat; nothing here nests that deep"
        ) from None
    except ValueError:
        raise unusable(
            "holds a number or date that cannot be read", "write numbers of ordinary size"
        ) from None


def read_bytes(path: Path) -> bytes:
    """The content of a regular file of at most MAX_FILE bytes; devices and pipes are never opened."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise unusable("is a directory", "put a file of that name there, or name another")
        if not stat.S_ISREG(mode):
            raise unusable("is not a regular file", "put a plain file there")
        with open(path, "rb") as file:
            content = file.read(MAX_FILE + 1)
    except Unusable:
        raise
    except FileNotFoundError:
        raise unusable("is not there", "create it, or type: retention init") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is no path"
        raise unusable(
            f"cannot be read ({reason})", "make it readable for the account that runs retention"
        ) from None
    if len(content) > MAX_FILE:
        raise unusable("is larger than 256 KiB", "split it; a policy or connector is a few pages of text")
    return content


def decode(content: bytes) -> str:
    """UTF-8 with or without a byte order mark (editors on Windows write one)."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise unusable("is UTF-16, not UTF-8", "save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise unusable(f"is not UTF-8 (line {line})", "save it as UTF-8") from None


def check_lines(text: str) -> None:
    """Refuses lines on which the parser would spend seconds."""
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > MAX_LINE:
            of = f"(`{key.group(1)}`) " if (key := _KEY.match(line)) else ""
            raise too_long(number, f"{of}is longer than 4 KiB")
        bare = _COMMENT.sub("", _QUOTED.sub("", line)) if line.count(".") > MAX_DOTS else ""
        if bare.count(".") > MAX_DOTS:
            raise too_long(number, f"has a key or header with more than {MAX_DOTS} dots")


def too_long(line: int, what: str) -> Unusable:
    """The refusal of a line, counted from 1."""
    return unusable(f"line {line} {what}", 'break it up; long text goes in """ … """ over several lines')
