"""What the datasets of a case spell out to do with people's data, and chains of actions, drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from random import Random
from typing import Any

from tests.oracles.lawyer.actions import DELETE, HASHED, REDACTED, RESTRICT, spelt_out
from tests.oracles.lawyer.world import ANY, RESTRICTED, SINCE, Component, Dataset, Holds, InTheVault

REWRITE = "pseudonymize"
STRATEGIES = {"name": ("redact", "hash", "null", "mask"), "phone": ("null", "hash"), "born": ("year", "null")}
NAMES = ("Ann Lee", "Bo", "Ann Lee", "Cy O'Neil", REDACTED, HASHED + "a" * 26, None)
PHONES = ("555", "556", None)
BORN = (date(1984, 5, 6), date(1984, 1, 1), date(1999, 12, 31), None)
KINDS = {"name": NAMES, "phone": PHONES, "born": BORN}


class Spelling:
    """What each table's datasets spell out: the same strategies for the same columns, wherever they are listed."""

    def __init__(self, rnd: Random, *, masks: bool, both: bool = False) -> None:
        """`masks`: what no value tells; not where people tell events: that is refused. `both`: rows are rewritten with
        the record that they are parts of, and as records of their own."""
        self.rnd, self.masks, self.both = rnd, masks, both
        self.tables: dict[str, dict[str, str]] = {}

    def chance(self, per_cent: int) -> bool:
        return self.rnd.random() * 100 < per_cent

    def strategies(self, table: str) -> dict[str, str]:
        """Column → strategy, of the whole row."""
        if table not in self.tables:
            columns = [column for column in STRATEGIES if self.chance(75)] or ["phone"]
            told = {
                column: [s for s in STRATEGIES[column] if self.masks or s != "mask"] for column in columns
            }
            self.tables[table] = {column: self.rnd.choice(told[column]) for column in columns}
        return self.tables[table]

    def whole(self, dataset: Dataset) -> Dataset:
        """A dataset of whole rows with what may be done to them, and words for columns that can be needed."""
        said = self.strategies(dataset.table) if self.chance(75) else {}
        told = [column for column in STRATEGIES if said.get(column) != "mask"]
        words = {"name": tuple(told[:1]), "reach": tuple(told[1:])}
        return replace(
            dataset,
            anonymize=said,
            done="done_at" if "mask" in said.values() or (said and self.chance(20)) else None,
            mark="restricted_at" if self.chance(60) else None,
            fields=words,
        )

    def vaulted(self, source: Dataset, vault: Dataset) -> list[Dataset]:
        """Two datasets of which the second is the vault of the first: for its records the same is spelt out."""
        mine = (source.table, *(link.table for link in source.parts))
        twin = dict(zip(mine, (vault.table, *(link.table for link in vault.parts)), strict=True))

        def there(name: str) -> str:
            table, dot, column = name.rpartition(".")
            return f"{twin[table]}.{column}" if dot else name

        outside = {"events": (), "facts": InTheVault(inside=False)}
        inside = {"events": (Component(column=SINCE),), "facts": InTheVault(inside=True)}
        return [
            _knowing(replace(source, mark=None, vault=vault.name), **outside),
            _knowing(
                replace(
                    vault,
                    data=source.data,
                    where=None,
                    vault_of=source.name,
                    anonymize={there(name): how for name, how in source.anonymize.items()},
                    done=source.done,
                    fields={word: tuple(map(there, names)) for word, names in source.fields.items()},
                ),
                **inside,
            ),
        ]

    def marked(self, dataset: Dataset) -> Dataset:
        """A dataset whose records may have a mark, and know of it."""
        if dataset.mark is None:
            return dataset
        marked = Holds(tree=("not", ("is null", dataset.mark)))
        return _knowing(dataset, events=(Component(column=dataset.mark),), facts=marked)

    def of_parts(self, dataset: Dataset, others: Sequence[Dataset]) -> Dataset:
        """At times with columns of its parts that are rewritten with it, and that words for columns name."""
        said, words = dict(dataset.anonymize), dict(dataset.fields)
        for table in dict.fromkeys(link.table for link in dataset.parts):
            beside = [o for o in others if table == o.table or table in [link.table for link in o.parts]]
            apart = [o for o in beside if not self.both or o.table != table]
            if not self.chance(80) or any(o.anonymize for o in apart):
                continue
            alike = {column: how for o in beside for column, how in o.anonymize.items()}
            for column in self.rnd.sample(sorted(STRATEGIES), self.rnd.choice((1, 2, 3))):
                how = self.rnd.choice([s for s in STRATEGIES[column] if s != "mask" or self.masks])
                how = alike.get(column, how)
                if how == "mask" and column in alike:
                    continue
                if how == "mask" and (beside or self.chance(50)):
                    how = "redact"
                said[f"{table}.{column}"] = how
                if how != "mask" and self.chance(50):
                    word = self.rnd.choice(("name", "reach"))
                    words[word] = (*words[word], f"{table}.{column}")
        done = dataset.done or ("done_at" if "mask" in said.values() else None)
        return replace(dataset, anonymize=said, fields=words, done=done)

    def slices(self, dataset: Dataset) -> list[Dataset]:
        """At times a dataset of some columns of its rows."""
        said = {c: how for c, how in self.strategies(dataset.table).items() if how != "mask"}
        if not said or not self.chance(35):
            return []
        columns = self.rnd.sample(sorted(said), self.rnd.choice((1, len(said))))
        name = f"{dataset.name}-slice"
        words = {"name": (columns[0],), "reach": tuple(columns)}
        made = replace(
            dataset,
            name=name,
            data=name,
            parts=(),
            shared=(),
            columns=tuple(columns),
            anonymize={column: said[column] for column in columns},
            done=None,
            mark=None,
            fields=words,
        )
        return [made]

    def can(self, data: tuple[str, ...], reached: Sequence[Dataset]) -> list[str]:
        """The actions that a rule on the data may name."""
        every = (DELETE, REWRITE, RESTRICT)
        return [a for a in every if data == ANY or all(spelt_out(dataset, a) for dataset in reached)]

    def chain(self, data: tuple[str, ...], reached: Sequence[Dataset]) -> dict[str, Any]:
        """An action, and what is tried otherwise: what every dataset of the rule's data spells out."""
        can = self.can(data, reached)
        first = self.rnd.choice(can) if self.chance(40) or DELETE not in can else DELETE
        rest = [action for action in can if action != first] if first != RESTRICT else []
        vaults = any(dataset.vault for dataset in reached) and RESTRICT in can
        if vaults and self.chance(40):  # rows that refer to a record stop that
            first = RESTRICT
        if vaults and first == RESTRICT:
            rest = [action for action in can if action == REWRITE]
        more = self.rnd.sample(rest, self.rnd.choice(range(len(rest) + 1)))
        if RESTRICT in more:  # nothing but a hold stops it: nothing is tried after it
            more = [action for action in more if action != RESTRICT] + [RESTRICT]
        return {"action": first, "otherwise": tuple(more)}

    def value(self, column: str) -> Any:
        """What a personal column holds."""
        return self.rnd.choice(KINDS[column])


def _knowing(dataset: Dataset, *, events: Any, facts: Any) -> Dataset:
    """With the event and the fact that follow from where its records are."""
    return replace(
        dataset, events={**dataset.events, RESTRICTED: events}, facts={**dataset.facts, RESTRICTED: facts}
    )
