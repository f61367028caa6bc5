"""The command line: it parses, asks, prints and exits. What is done is done by `retention.verbs`.

Nothing heavy is imported before a command really runs: `--help` of every command answers at once.
"""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """The script `retention`: runs the command on the process's line and exits with its code."""
    from retention.cli.root import root

    root.main(prog_name="retention")
    raise AssertionError("the command line always exits")
