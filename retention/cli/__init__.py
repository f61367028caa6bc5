"""The command line: it parses, asks, prints and exits. What is done is done by `retention.verbs`.

Nothing heavy is imported before a command really runs: `--help` of every command answers at once.
"""

from __future__ import annotations

import gc
from typing import NoReturn

_YOUNG = 10_000
"""Predicates and statements are trees of many small things that live for a moment: at Python's 700 the search for
rings among them was a seventh of a command's time."""


def main() -> NoReturn:
    """The script `retention`: runs the command on the process's line and exits with its code."""
    from retention.cli.root import root

    gc.set_threshold(_YOUNG, 10, 10)
    root.main(prog_name="retention")
    raise AssertionError("the command line always exits")
