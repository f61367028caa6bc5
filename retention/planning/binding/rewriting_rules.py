"""What rules and live references make of a dataset's rewriting: who still finds the person, and who no longer can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retention.errors import Problem
from retention.model.catalogue import Reference
from retention.model.policy import ANONYMIZE, Policy, Rule
from retention.model.strategy import HASH_PREFIX, Way
from retention.planning.binding.bound import BoundDataset
from retention.planning.binding.reach import create_index, described, quoted


def rewriting_problems(policy: Policy, bound: Sequence[BoundDataset]) -> Iterator[Problem]:
    """Anonymisations that are none, and tellings that would find nobody any more, on one connector's datasets."""
    for item in bound:
        rules = [r for r in policy.rules.values() if r.acts and r.speaks_of(item.dataset.data)]
        for rule in rules:
            yield from _none(policy, rule, item)
        if item.rewriting:
            for reader in bound:
                yield from _unfindable(policy, item, reader)


def comes_back(bound: Sequence[BoundDataset], mark: str) -> Iterator[str]:
    """Unique columns that are hashed: a value that comes back has the hash that is there already. `mark`: quotes."""
    for item in bound:
        for each in item.rewriting:
            unique = (i for i in each.table.indexes if i.unique and each.column.name in i.columns)
            index = next(unique, None)
            if each.strategy.way is not Way.HASH or index is None:
                continue
            plain = create_index(each.table.id, index.columns, mark).removesuffix(";")
            partial = f"{plain.replace('CREATE INDEX', 'CREATE UNIQUE INDEX', 1)} WHERE "
            partial += f"{quoted(each.column.name, mark)} NOT LIKE '{HASH_PREFIX}%'"
            way = f"a plain one ({plain})" if mark == "`" else f"one of what is not hashed ({partial})"
            yield (
                f"`{item}`: `{each.name}` is unique (index `{index.name}`) and hashed: a value that comes back, or"
                " is there in two spellings that [identifiers] makes alike, would have the hash that is there already,"
                f" and its record is set aside at every run. Put {way} in the index's place, or write"
                ' "null" or "token" where nobody is looked for'
            )


def known_by(item: BoundDataset, bound: Sequence[BoundDataset]) -> tuple[str, Reference] | None:
    """A dataset whose records about a person refer to those of `item`, and by which reference.

    Who has those finds the person again (GDPR recital 26): to rewrite a record to which they refer is no anonymisation.
    """
    for outside in item.outside:
        for other in bound if not outside.reference.either else ():  # rows of its own vault
            if other is not item and outside.reference.table in other.members and other.subject:
                return str(other), outside.reference
    return None


def skipped(policy: Policy, bound: Sequence[BoundDataset]) -> Iterator[str]:
    """Where a rule on any data leaves an anonymisation out that would be none."""
    for item in bound:
        if item.known_by is None or not item.rewriting:
            continue
        for rule in policy.rules.values():
            if rule.acts and not rule.data and any(ANONYMIZE in variant.chain for variant in rule.variants):
                other, reference = item.known_by
                yield (
                    f"`{rule.name}` anonymizes no record of `{item}`: records of `{other}` about a person refer to it"
                    f" (`{described(reference)}`), and who has those finds the person again; pseudonymize would not be"
                    " left out"
                )


def _none(policy: Policy, rule: Rule, item: BoundDataset) -> Iterator[Problem]:
    """A record to which others refer that are about a person is found again through them. A rule on any data leaves
    it out."""
    if rule.data and item.known_by is not None and any(ANONYMIZE in each.chain for each in rule.variants):
        other, reference = item.known_by
        yield Problem(
            file=policy.file,
            key=f"rules.{rule.name}.action",
            found=f"is anonymize, and records of `{other}` about a person refer to `{item}`"
            f" (`{described(reference)}`)",
            write='write "pseudonymize": who has those records finds the person again',
        )


def _unfindable(policy: Policy, item: BoundDataset, reader: BoundDataset) -> Iterator[Problem]:
    """A told event comes with kinds of identifier of which none is left to find the records of `reader` by."""
    rewritten = {each.cell: each.name for each in item.rewriting}
    lost = {
        kind: rewritten[value.table, value.column.name]
        for kind, value in reader.subject.items()
        if (value.table, value.column.name) in rewritten
    }
    if not lost:
        return
    rules = [r for r in policy.rules.values() if r.acts and r.speaks_of(reader.dataset.data)]
    for name in dict.fromkeys(word for rule in rules for word in rule.events if word in policy.told):
        known = [kind for kind in policy.told[name].by if kind in reader.subject]
        gone = [kind for kind in known if kind in lost]
        if gone and gone == known:
            columns = ", ".join(f"`{lost[kind]}`" for kind in gone)
            whose = "its records" if reader is item else f"the records of `{reader}`"
            found = f"by {columns} alone are {whose} found when `{name}` is told, and it would be rewritten"
            write = f"add another kind to its subject and to [events.{name}], or leave the column as it is"
            key = f"datasets.{item.dataset.name}.anonymize.{lost[gone[0]]}"
            yield Problem(file=item.connector.file, key=key, found=found, write=write)
