"""The evaluator of fate agrees with the worked examples, and an evaluator that is a little wrong does not."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.oracles import lawyer
from tests.oracles.lawyer import (
    clocks,
    examples_fate,
    examples_found,
    examples_time,
    fate,
    generate,
    rows,
    situations,
)
from tests.oracles.lawyer.holds import held

EXAMPLES = [*examples_time.examples(), *examples_fate.examples(), *examples_found.examples()]
HOME = Path(lawyer.__file__).parent

MUTANTS = {
    "the day itself is due": ("clocks.py", "if any(last >= today(", "if any(last > today("),
    "late on the last day": (
        "clocks.py",
        "today(world, variant) > plus(limb.late_from",
        "today(world, variant) >= plus(limb.late_from",
    ),
    "past at_most on its last day": (
        "clocks.py",
        "last is not None and today(world, variant) > last",
        "last is not None and today(world, variant) >= last",
    ),
    "deferred until `within` is all that is left": (
        "clocks.py",
        "within.months, within.days) < last",
        "within.months, within.days) <= last",
    ),
    "an unknown defer_while does not defer": (
        "clocks.py",
        "defer_while, record) is False:",
        "defer_while, record) is not True:",
    ),
    "the same day is earlier": (
        "values.py",
        "return day(one, zone) > day(other, zone)",
        "return day(one, zone) >= day(other, zone)",
    ),
    "the same instant is later": ("values.py", "return one > other", "return one >= other"),
    "this very instant has not come": ("clocks.py", "else point > world.as_of", "else point >= world.as_of"),
    "a zero date is a date": ("values.py", "< FIRST_DAY", "< date(1970, 1, 1)"),
    "NULL in a related row is skipped": (
        "clocks.py",
        "elif happened and component.path:",
        "elif happened and False:",
    ),
    "an unclear date weighs more than a recent one": (
        "clocks.py",
        "    if any(last >= today(world, variant) for last in last_days):\n        return Limb(state=AHEAD)\n",
        "",
    ),
    "an exception that can't be told is passed over": (
        "clocks.py",
        "if applies is not False:",
        "if applies:",
    ),
    "`upon` keeps": ("clocks.py", '    if variant.upon:\n        return "out_of_scope"\n', ""),
    "the month counts from the event, not from the telling": (
        "clocks.py",
        "on if telling is None else day(telling.told_at, variant.zone)",
        "on",
    ),
    "a telling concerns what began on it": (
        "told.py",
        "return later(telling.at, began, zone)",
        "return True",
    ),
    "unknown `began` is no matter": (
        "told.py",
        "if began is None or began == UNCLEAR:\n        return UNCLEAR",
        "if began is None or began == UNCLEAR:\n        return False",
    ),
    "nothing is carried over": (
        "told.py",
        "return told.union(*(there for there in named if there & told))",
        "return told",
    ),
    "what was withdrawn counts": ("told.py", "and not telling.withdrawn", ""),
    "holds carry over once": ("holds.py", "        found = more\n", "        return more\n"),
    "holds are compared as they are": ("holds.py", "value.strip().casefold()", "value"),
    "held keeps not what it refers to": ("holds.py", "*rows.pointed_at(world, record)", "*()"),
    "held keeps not what shares its rows": ("holds.py", "*rows.sharing(world, record), ", "*(), "),
    "a hold on a rule covers what is surely in scope": (
        "holds.py",
        "rule.where, record) is not False",
        "rule.where, record) is True",
    ),
    "an unclear scope keeps nothing": (
        "fate.py",
        'not in (ENDED, "out_of_scope")',
        'not in (ENDED, "out_of_scope", "unclear")',
    ),
    "out of scope keeps": ("fate.py", 'not in (ENDED, "out_of_scope")', "not in (ENDED,)"),
    "a rule without basis is in all": (
        "fate.py",
        "kept.basis in variant.yields_to",
        "kept.basis is None or kept.basis in variant.yields_to",
    ),
    "`needs` needs nothing": ("fate.py", "record.dataset.data in variant.needs", "False"),
    "shared rows do not keep": (
        "fate.py",
        "(*rows.sharing(world, record), *rows.shared_with(world, record))",
        "rows.shared_with(world, record)",
    ),
    "what is shared by referring does not keep": (
        "fate.py",
        "(*rows.sharing(world, record), *rows.shared_with(world, record))",
        "rows.sharing(world, record)",
    ),
    "a hold on a shared row is none on the record": (
        "holds.py",
        "if roots & rows.shared_rows(world, r).keys()",
        "if False",
    ),
    "a shared row is held for somebody else's sake": (
        "holds.py",
        "*rows.pointed_at(world, record)):",
        "*rows.pointed_at(world, record), *rows.shared_with(world, record)):",
    ),
    "a shared row goes by its own rule too": (
        "fate.py",
        "if record.root in rows_after(world, going(world), own_rows(world)):",
        "if False:",
    ),
    "a shared row keeps what it refers to": (
        "fate.py",
        "return own | rows_after(world, records, own).keys()",
        "return own",
    ),
    "retained comes before held": (
        "fate.py",
        '    if record in held(world):\n        return "held"\n    if retained',
        '    if record in held(world) and not retained(world, rule, record):\n        return "held"\n    if retained',
    ),
    "conflict is retained": (
        "fate.py",
        '"conflict" if clock(world, rule, record).forced else "retained"',
        '"retained"',
    ),
    "the smallest set goes": (
        "fate.py",
        "        gone = rows_of(world, found)\n",
        "        gone: set[Row] = set()\n",
    ),
    "one round is enough": ("fate.py", "        found = left\n", "        return left\n"),
    "a reference from its own dataset does not count": (
        "fate.py",
        "other not in own and other not in gone",
        "other not in own and other not in gone and other not in world.rows[record.dataset.table]",
    ),
    "the first in the file acts": (
        "fate.py",
        "key=lambda way: clock(world, *way).ended",
        "key=lambda way: 0",
    ),
    "the last of equals acts": ("fate.py", "rule, acting = max(ways,", "rule, acting = max(ways[::-1],"),
    "all say due": (
        "fate.py",
        '"due" if actor(world, record) == (rule, record.dataset) else "elsewhere"',
        '"due"',
    ),
    "shared rows go with the first": (
        "fate.py",
        "and gone.issuperset(rows.referrers(world, table, row))",
        "",
    ),
    "half a reference refers": (
        "rows.py",
        "for column in columns)\n    return",
        "for column in columns[:1])\n    return",
    ),
    "a row that is no record is one": (
        "rows.py",
        "        if truth(dataset.where, row) is not False\n",
        "",
    ),
    "unknown and false is unknown": (
        "conditions.py",
        "return False if False in found else UNKNOWN if None in found else True",
        "return UNKNOWN if None in found else False not in found",
    ),
}


@pytest.mark.parametrize("told", EXAMPLES, ids=lambda told: told.name)
def test_the_evaluator_agrees_with_the_worked_example(told: situations.Situation) -> None:
    assert situations.differences(told) == []


def test_the_evaluator_knows_nothing_of_the_engine() -> None:
    """What it shares with the engine it would get wrong with it. The harness alone knows both."""
    for path in HOME.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name not in ("harness.py", "__main__.py"):
            assert "retention." not in text, path.name


@pytest.fixture
def mutant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str, str], str]]:
    """`mutant(file, old, new)`: the name of a package that is the evaluator but for that."""
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"lawyer_{tmp_path.name}"

    def made(file: str, old: str, new: str) -> str:
        shutil.copytree(HOME, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (tmp_path / name).glob("*.py"):
            text = path.read_text(encoding="utf-8")
            if path.name == file:
                assert text.count(old) == 1, f"{file} has not this once: {old}"
                text = text.replace(old, new)
            path.write_text(text.replace("tests.oracles.lawyer", name), encoding="utf-8")
        importlib.invalidate_caches()
        return name

    yield made
    for each in [each for each in sys.modules if each.split(".")[0] == name]:
        del sys.modules[each]


@pytest.mark.parametrize("how", MUTANTS.values(), ids=list(MUTANTS))
def test_an_evaluator_that_is_wrong_fails_the_examples(
    how: tuple[str, str, str], mutant: Callable[[str, str, str], str]
) -> None:
    name = mutant(*how)
    told = importlib.import_module(f"{name}.situations")
    for which in ("examples_time", "examples_fate"):
        for each in importlib.import_module(f"{name}.{which}").examples():
            try:
                if told.differences(each):
                    return
            except Exception:
                return
    pytest.fail("it passes all worked examples")


@pytest.mark.parametrize("seed", range(40))
def test_what_a_run_leaves_holds_together(seed: int) -> None:
    """By the evaluator alone: every record has one fate under every rule, nothing that is held goes, no reference
    is left without its row, and no row goes that no record's fate speaks for."""
    world = generate.case(seed, companies=6).world
    answer = fate.answer(world)
    gone = fate.rows_of(world, fate.going(world))
    assert {row for found in answer.left.values() for row in found}.isdisjoint(gone)
    for record in held(world):
        assert gone.isdisjoint(rows.members(world, record))
    for table in world.schema.values():
        for reference in table.references:
            for row in answer.left[table.name]:
                assert gone.isdisjoint(rows.referred_to(world, reference, row))
    for record in rows.records(world):
        fates = [
            said[record.key][0] for (_, name), said in answer.fates.items() if name == record.dataset.name
        ]
        if record in fate.going(world):
            assert {"due", "elsewhere"} & set(fates)
            assert fates.count("due") <= 1
        else:
            assert "due" not in fates


@pytest.mark.parametrize("seed", range(20))
def test_a_clock_that_has_ended_has_ended_the_day_after(seed: int) -> None:
    """But for what `defer_while` puts off, which a fact decides, and what counts from a date that people tell."""
    world = generate.case(seed, companies=4).world
    tomorrow = world.but(as_of=world.as_of + timedelta(days=1))
    for rule in world.rules:
        plain = all(v.defer_while is None and v.start not in world.told for v in rule.variants)
        for record in rows.records(world):
            if not plain or not clocks.reaches(rule, record):
                continue
            today, then = (clocks.clock(each, rule, record) for each in (world, tomorrow))
            if today.word == clocks.ENDED:
                assert (then.word, then.ended) == (clocks.ENDED, today.ended)
                assert today.overdue <= then.overdue
