"""The engine against the evaluator, at length: `make oracle`, or python -m tests.oracles.lawyer --help."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psycopg
import pymysql

from tests.oracles.lawyer import fate, places, written
from tests.oracles.lawyer.generate import Case, case
from tests.oracles.lawyer.harness import TODAY, Harness, asked
from tests.oracles.lawyer.profiles import EVERYTHING, KEEPING, Profile
from tests.oracles.lawyer.shrink import shrunk

PROFILES = {"today": None, "keeping": KEEPING, "everything": EVERYTHING}


def main() -> int:
    """0 where they agree; 1 where not, with the smallest case that was found."""
    words = argparse.ArgumentParser(prog="python -m tests.oracles.lawyer", description=__doc__)
    words.add_argument("--count", type=int, default=100_000, help="so many companies in all")
    words.add_argument("--companies", type=int, default=50, help="so many under one policy")
    words.add_argument("--databases", default="sqlite,postgresql,mariadb")
    words.add_argument("--seed", type=int, default=0, help="the first; the others follow")
    words.add_argument("--profile", choices=PROFILES, default="today", help="how much of the language")
    words.add_argument("--plans-only", action="store_true", help="no runs")
    said = words.parse_args()
    kinds = said.databases.split(",")
    policies = -(-said.count // (said.companies * len(kinds)))
    return max(compared(kind, said, policies) for kind in kinds)


def compared(kind: str, said: argparse.Namespace, policies: int) -> int:
    profile = PROFILES[said.profile] or TODAY[kind]
    begun, fates = time.monotonic(), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        try:
            place = places.opened(kind, Path(folder))
        except (psycopg.OperationalError, pymysql.OperationalError) as error:
            print(f"{kind}: nothing was compared, no server: {error}")
            return 2 if os.environ.get("CI") == "true" else 0
        try:
            harness = Harness(Path(folder) / "files", place)
            for seed in range(said.seed, said.seed + policies):
                made = case(seed, profile, companies=said.companies)
                found = asked(harness, made, carried_out=not said.plans_only)
                if found:
                    print(
                        f"{kind}: seed {seed} differs: {found[0]}\n" + smallest(harness, made, profile, said)
                    )
                    return 1
                fates.update(
                    word for each in fate.answer(made.world).fates.values() for word, _ in each.values()
                )
        finally:
            place.close()
    seconds = time.monotonic() - begun
    rate = policies * said.companies / seconds
    print(
        f"{kind}: {policies * said.companies} companies under {policies} policies in {seconds:.0f} s,"
        f" {rate:.1f} a second, {sum(fates.values())} fates: {dict(fates.most_common())}"
    )
    return 0


def smallest(harness: Harness, made: Case, profile: Profile, said: argparse.Namespace) -> str:
    """The case, shrunk, as files and rows, and where it differs."""

    def fails(smaller: Case) -> bool:
        found = asked(harness, smaller, carried_out=not said.plans_only)
        wrong = (
            "ConfigurationError",
            '"code": "configuration"',
        )  # a smaller one that says what can't be said
        return bool(found) and not any(word in each for each in found for word in wrong)

    small = shrunk(made, fails)
    lines = [f"as of {small.world.as_of}", written.policy(small)]
    lines += written.connectors(small, lambda connector: harness.place.url(small.shape, connector)).values()
    lines += [" ".join(words) for words in written.hold_commands(small)]
    lines += [" ".join(written.event_command(telling)) for telling in small.world.tellings]
    lines += [f"{table}: {dict(row)}" for table, rows in small.world.rows.items() for row in rows]
    return "\n".join([*lines, *asked(harness, small, carried_out=not said.plans_only)])


if __name__ == "__main__":
    sys.exit(main())
