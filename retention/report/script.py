"""SQL for a person to run, as a script whose prose is comments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retention.model.script import Script
from retention.report.escape import shown

FAMILIES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MySQL or MariaDB", "mariadb": "MariaDB"}


def script_lines(scripts: Sequence[Script]) -> Iterator[str]:
    """Every line of the scripts, one database after the other; each is to be run in its own."""
    for at, script in enumerate(scripts):
        if at:
            yield ""
        yield f"-- {shown(script.database)} ({FAMILIES[script.family]}, {shown(script.where)})"
        for note in script.notes:
            yield f"-- {shown(note)}"
        for statement in script.statements:
            yield from f"{statement};".splitlines()
        if script.grants:
            yield "-- Where retention connects as a role of its own, the least that it needs:"
        for grant in script.grants:
            yield f"-- {shown(grant)};"
