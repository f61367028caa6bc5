"""Which events of the ledger are asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """All that is given must fit; of several types or rules, any.

    `since`, `until`: days or instants as they were typed, both days in it. `types`: `run.started`, or `run` for all
    that begin so. `rules`, `run`: of what the event is about. `by`: the account that acted.
    """

    since: str | None = None
    until: str | None = None
    types: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    run: str | None = None
    by: str | None = None

    def takes(self, line: bytes) -> bool:
        """Whether a stored line is among them, times aside. A line that can't be read always is."""
        if not (self.types or self.rules or self.run or self.by):
            return True
        try:
            event = json.loads(line)
            kind, data = str(event["type"]), event["data"]
        except (ValueError, KeyError, TypeError):
            return True
        return (
            (not self.types or any(kind == type or kind.startswith(f"{type}.") for type in self.types))
            and (not self.rules or bool(set(self.rules) & _rules(data)))
            and self.run in (None, data.get("run"))
            and self.by in (None, data.get("by"))
        )


def _rules(data: Mapping[str, Any]) -> set[str]:
    """The rules that an event speaks of."""
    found = {str(data["rule"])} if "rule" in data else set()
    if isinstance(data.get("job"), str):
        found.add(data["job"].split("/")[0])
    for job in data.get("jobs", ()):
        if isinstance(job, Mapping) and "rule" in job:
            found.add(str(job["rule"]))
    if data.get("on") == "rule":
        found.add(str(data.get("name")))
    return found


EVERYTHING = Chosen()
