"""The command line: it parses, asks, prints and exits. What is done is done by `retention.verbs`.

Nothing heavy is imported before a command really runs: `--help` of every command answers at once.
"""

from __future__ import annotations

import gc
from typing import NoReturn


def collect_seldom() -> None:
    """Predicates and statements are trees of many small things that live for a moment: at Python's 700 of them the
    search for rings was a seventh of a command's time."""
    gc.set_threshold(10_000, 10, 10)


def main() -> NoReturn:
    """The script `retention`: runs the command on the process's line and exits with its code."""
    from retention.cli.root import root
    from retention.cli.stopping import lose_no_interrupt

    collect_seldom()
    lose_no_interrupt()
    root.main(prog_name="retention")
    raise AssertionError("the command line always exits")
