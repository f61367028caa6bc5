"""The smallest case by which the engine and the evaluator differ, as somebody reads it who has to mend one."""

from __future__ import annotations

import time

from tests.oracles.lawyer import written
from tests.oracles.lawyer.generate import Case
from tests.oracles.lawyer.harness import Harness, both_say, judged
from tests.oracles.lawyer.shrink import shrunk


def smallest(harness: Harness, case: Case, *, carried_out: bool, patience: float, most: float = 600) -> str:
    """Files, commands and rows, then the differences, and what both say of each record.

    It differs as the whole does: in numbers, or by the same error; a case that says what can't be said is none.
    `patience`: seconds for each; `most`: seconds in all, after which the smallest so far is told.
    """
    begun = time.monotonic()
    first = judged(harness, case, carried_out=carried_out, patience=patience)
    if not first.differences:
        return "it does not differ, asked again"

    def fails(smaller: Case) -> bool:
        if time.monotonic() - begun > most:
            return False
        return judged(harness, smaller, carried_out=carried_out, patience=patience).kind == first.kind

    small = shrunk(case, fails, most=2_000)
    lines = [f"as of {small.world.as_of}", written.policy(small)]
    lines += written.connectors(small, lambda connector: harness.place.url(small.shape, connector)).values()
    lines += [" ".join(words) for words in written.hold_commands(small, small.world.holds)]
    for telling in small.world.tellings:
        taken_back = ", and taken back" * telling.withdrawn
        lines.append(f"{' '.join(written.event_command(telling))}  # told at {telling.told_at}{taken_back}")
    lines += [f"{table}: {written.row(row)}" for table, rows in small.world.rows.items() for row in rows]
    lines += ["", *judged(harness, small, carried_out=carried_out).differences, ""]
    if first.kind == "differs":
        harness.set_up(small)
        if harness.told(small):
            harness.remember(small)
        lines += both_say(harness, small)
    return "\n".join(lines)
