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
    examples_actions,
    examples_fate,
    examples_found,
    examples_run,
    examples_time,
    examples_vaults,
    examples_within,
    fate,
    generate,
    rows,
    situations,
)
from tests.oracles.lawyer.holds import held

EXAMPLES = [
    *examples_time.examples(),
    *examples_fate.examples(),
    *examples_found.examples(),
    *examples_run.examples(),
    *examples_actions.examples(),
    *examples_vaults.examples(),
    *examples_within.examples(),
]
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
        "return told.union(telling.reached, *(known(world, record) for record in named))",
        "return told",
    ),
    "what was withdrawn counts": ("told.py", "if telling.withdrawn:", "if False:"),
    "holds carry over once": ("holds.py", "            news += more\n", "            news.clear()\n"),
    "holds are compared as they are": ("holds.py", "value.strip().casefold()", "value"),
    "held keeps not what it refers to": ("holds.py", "*rows.pointed_at(world, record)", "*()"),
    "held keeps not what shares its rows": ("holds.py", "*rows.sharing(world, record), ", "*(), "),
    "a hold on a rule covers what is surely in scope": (
        "holds.py",
        "rule.where, record) is not False",
        "rule.where, record) is True",
    ),
    "an unclear scope keeps nothing": (
        "keeping.py",
        'not in (ENDED, "out_of_scope")',
        'not in (ENDED, "out_of_scope", "unclear")',
    ),
    "out of scope keeps": ("keeping.py", 'not in (ENDED, "out_of_scope")', "not in (ENDED,)"),
    "a rule without basis is in all": (
        "keeping.py",
        "kept.basis in mine.yields_to",
        "kept.basis is None or kept.basis in mine.yields_to",
    ),
    "what is shared by referring does not keep": (
        "keeping.py",
        "*rows.sharing(world, record), *rows.shared_with(world, record)",
        "*rows.sharing(world, record)",
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
        "if record.root in rows_after(world, gone, own_rows(world)):",
        "if False:",
    ),
    "a shared row keeps what it refers to": (
        "fate.py",
        "return own | rows_after(world, records, own).keys()",
        "return own",
    ),
    "nothing is foreseen": ("fate.py", "    world = foreseeing(world)\n", ""),
    "what is restricted today is still as it was": (
        "keeping.py",
        "needing_it(world.foreseen.world, rule, mine, there,",
        "needing_it(world, rule, mine, pointing,",
    ),
    "`needs` needs nothing": ("keeping.py", "data in v.needs]", "False]"),
    "shared rows do not keep": (
        "keeping.py",
        "*rows.sharing(world, record), *rows.shared_with",
        "*rows.shared_with",
    ),
    "retained comes before held": (
        "fate.py",
        '    if record in held(world):\n        return "held"\n',
        '    if record in held(world) and not kept_from(world, rule, record, "delete"):\n        return "held"\n',
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
        "key=lambda way: clock(world, way[0], way[1]).ended",
        "key=lambda way: 0",
    ),
    "the last of equals acts": ("fate.py", "return max(found, key", "return max(found[::-1], key"),
    "all say due": (
        "fate.py",
        '"due" if actor(world, record) == (rule, record.dataset, action) else "elsewhere"',
        '"due"',
    ),
    "the last action is tried first": (
        "actions.py",
        "every = (variant.action, *variant.otherwise)",
        "every = (*variant.otherwise, variant.action)",
    ),
    "what is spelt out nowhere is tried": (
        "actions.py",
        "if rule.data != ANY or spelt_out(record.dataset, action)",
        "if True",
    ),
    "rules stop a restriction": (
        "actions.py",
        "    return action in REWRITING and not open_columns",
        "    return action == RESTRICT or not open_columns",
    ),
    "rewriting needs every column": (
        "actions.py",
        "not open_columns(world, rule, record)\n",
        "bool(needed(world, rule, record))\n",
    ),
    "what is needed is rewritten": ("actions.py", "if dataset.cell(name) not in kept]", "if True]"),
    "NULL is not done": ("actions.py", "    if value is None:\n        return True\n", ""),
    "a name is needed as all of its row": (
        "keeping.py",
        "for name in dataset.fields.get(word, ())]",
        "for name in record.root]",
    ),
    "a rule needs all of what it keeps": (
        "keeping.py",
        "if kept.record.dataset.data in variant.needs:",
        "if False:",
    ),
    "a slice is kept with its row": (
        "keeping.py",
        "if not slice_ or other.dataset.columns is not None",
        "if True",
    ),
    "a slice keeps all of its row": (
        "keeping.py",
        "(columns if columns is not None else row)]",
        "row]",
    ),
    "what another dataset of the row needs is rewritten": (
        "keeping.py",
        "for same in rows.owners_of(world)[row]:",
        "for same in [record]:",
    ),
    "a marker is later if it is later than one event": (
        "actions.py",
        "return not any(later(",
        "return not all(later(",
    ),
    "a marker that can't be read is one": ("actions.py", "if at is None or at == UNCLEAR:", "if at is None:"),
    "whatever is marked is done": (
        "actions.py",
        "            return marked(world, rule, record)\n",
        "            return True\n",
    ),
    "what is done is in the way": (
        "fate.py",
        "    return action is not None and not done(world, rule, record, action)\n",
        "    return action is not None\n",
    ),
    "a row of a part is not looked at": (
        "actions.py",
        "if any(not cell_done(world, rule, record, name, row) for row in rows_with(world, record, name))",
        "if not cell_done(world, rule, record, name, record.root)",
    ),
    "a hash of a part is hashed": (
        "actions.py",
        "            if not cell_done(world, rule, record, name, row):\n",
        "            if True:\n",
    ),
    "a part without a row is not kept": (
        "keeping.py",
        "            if kept.record is record:\n",
        "            if False:\n",
    ),
    "a line's own rule keeps the line's columns alone": (
        "keeping.py",
        "common = {**of_it, **rows.shared_rows(world, kept.record)}.keys() & mine.keys()",
        "common = {record.root} & of_it.keys()",
    ),
    "what refers to a record stops no vault": (
        "fate.py",
        "if not leaves(record.dataset, action) or not referenced_from(world, record, action):",
        "if action != DELETE or not referenced_from(world, record, action):",
    ),
    "what is in the vault is not restricted": (
        "actions.py",
        "return record.dataset.vault_of is not None or",
        "return False or",
    ),
    "a hold on a dataset does not cover its vault": (
        "holds.py",
        "hold.what in (r.dataset.name, r.dataset.vault_of)",
        "r.dataset.name == hold.what",
    ),
    "a part goes with its whole, whatever it has besides": (
        "fate.py",
        "rows.members(world, record).keys() < rows.members(world, o).keys() for o in gone",
        "within(world, record, o) for o in gone",
    ),
    "of two records of a row one rule deletes both": (
        "fate.py",
        "and (action != DELETE or alike(world, record, other))",
        "",
    ),
    "what goes to a vault with its record acts by itself": (
        "fate.py",
        "elif any(within(world, record, o) for o in moving(world, record)) or any(",
        "elif any(",
    ),
    "parts are left behind": (
        "actions.py",
        "        for row, table in rows.members(world, record).items()\n    }",
        "        for row, table in [(record.root, record.dataset.table)]\n    }",
    ),
    "rewriting goes before deleting": (
        "actions.py",
        "ORDER = (RESTRICT, DELETE, *REWRITING)",
        "ORDER = (RESTRICT, *REWRITING, DELETE)",
    ),
    "deleting goes before restricting": (
        "actions.py",
        "ORDER = (RESTRICT, DELETE, *REWRITING)",
        "ORDER = (DELETE, RESTRICT, *REWRITING)",
    ),
    "what is restricted goes": (
        "fate.py",
        "if any(action == RESTRICT and to_do(",
        "if any(False and to_do(",
    ),
    "a slice does not wait for its row": (
        "fate.py",
        "if record.root in rows_of(world, gone) or rewritten_as_a_whole(world, record):",
        "if record.root in rows_of(world, gone):",
    ),
    "a slice is rewritten though its row goes": (
        "fate.py",
        "if record.root in rows_of(world, gone) or rewritten_as_a_whole(world, record):",
        "if rewritten_as_a_whole(world, record):",
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


@pytest.mark.one_in(4)
@pytest.mark.parametrize("how", MUTANTS.values(), ids=list(MUTANTS))
def test_an_evaluator_that_is_wrong_fails_the_examples(
    how: tuple[str, str, str], mutant: Callable[[str, str, str], str]
) -> None:
    name = mutant(*how)
    told = importlib.import_module(f"{name}.situations")
    for which in ("examples_time", "examples_fate", "examples_actions", "examples_vaults", "examples_within"):
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
    is left without its row, no row goes that no record's fate speaks for, and what stays is due for something else."""
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
    rules = {rule.name: rule for rule in world.rules}
    for record in rows.records(world):
        fates = {
            rules[name]: said[record.key][0]
            for (name, dataset), said in answer.fates.items()
            if dataset == record.dataset.name
        }
        due = [fate.choice(world, rule, record) for rule, word in fates.items() if word == "due"]
        assert len(due) <= 1
        if record in fate.going(world):
            assert {"due", "elsewhere"} & set(fates.values())
            assert due in ([], ["delete"])
        else:
            assert "delete" not in due


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


def test_whom_a_telling_reached_it_reaches_when_those_who_led_there_are_gone() -> None:
    world = examples_found.who_led_there_is_gone().case.world
    later = fate.answer(fate.after(world))
    assert later.fates["r", "customers"] == {(2,): ("deferred", False)}
