"""What the datasets of one file are to each other where records are restricted: vaults, and what follows from them.

`restricted` is an event and a fact of a dataset whose records are restricted and of its vault: it follows from the
column that says since when, and need not be spelt out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from retention.config.connector.dataset_file import DatasetDraft
from retention.config.reading.findings import Finding, said
from retention.model.condition import Condition, Conjunction, Disjunction, NameTerm, Negation, NullTest
from retention.model.dataset import RESTRICTED, Event, EventColumn, Name, PartName, Restriction


def linked(
    connector: str, drafts: Sequence[DatasetDraft], findings: list[Finding]
) -> tuple[DatasetDraft, ...]:
    """The drafts, each vault with the dataset that it is one of; whatever is wrong is added to `findings`."""
    by_name = {draft.name: draft for draft in drafts}
    vaults: dict[str, DatasetDraft] = {}  # by their own names, the dataset that each is one of
    found = dict(by_name)
    for draft in drafts:
        restriction = draft.table.restrict
        if restriction is None or restriction.to is None:
            continue
        where, _, name = restriction.to.rpartition(".")
        vault = by_name.get(name)
        wrong = list(_wrong(connector, where, name, draft, vault, vaults))
        findings += wrong
        if vault is None or wrong:
            continue
        findings += _parts(draft, vault)
        vaults[name] = draft
        plain = draft.table.model_copy(update={"restrict": replace(restriction, to=name)})
        found[draft.name] = replace(draft, table=plain)
    beside = {d.table.data for d in drafts if d.table.restrict is not None}
    return tuple(
        _implied(found[draft.name], vaults.get(draft.name), beside=draft.table.data in beside)
        for draft in drafts
    )


def _wrong(
    connector: str,
    where: str,
    name: str,
    draft: DatasetDraft,
    vault: DatasetDraft | None,
    vaults: Mapping[str, DatasetDraft],
) -> Iterator[Finding]:
    at = ("datasets", draft.name, "restrict", "to")
    here = f"write a dataset of this file ({connector}.toml)"
    if where not in ("", connector):
        found = f"{said(f'{where}.{name}')} is a dataset of another connector: no transaction moves a record there"
        yield Finding(at=at, found=found, write=here)
    elif vault is None:
        others = sorted({name} - {draft.name})
        found = f"there is no dataset {said(name)} in this file"
        yield Finding(at=at, found=found, write=f"{here}: [datasets.{others[0] if others else 'NAME'}]")
    elif vault is draft:
        yield Finding(at=at, found="is the dataset itself", write=f"{here} over tables of its own")
    elif name in vaults:
        found = f"records of `{vaults[name].name}` are moved to it, too: none could be given back"
        yield Finding(at=at, found=found, write=f"{here} for these alone")
    else:
        yield from _unlike(draft, vault)


def _unlike(draft: DatasetDraft, vault: DatasetDraft) -> Iterator[Finding]:
    """A vault carries the same data, all of what is moved there, and nothing is moved on from it."""
    at, table = ("datasets", vault.name), vault.table
    of = f"it is the vault of `{draft.name}`"
    if table.data is not None and draft.table.data is not None and table.data != draft.table.data:
        found = (
            f"is {said(table.data)}, and {of}: rules on {said(draft.table.data)} would not go on reaching it"
        )
        yield Finding(at=(*at, "data"), found=found, write=f'write data = "{draft.table.data}"')
    for key, why in (
        ("where", "what is moved there is a record of it, all of it"),
        ("columns", "records are moved there whole"),
        ("restrict", "what is there is restricted"),
    ):
        if getattr(table, key) is not None:
            yield Finding(at=(*at, key), found=f"contradicts that {of}: {why}", write="take it out")


def _own_parts(draft: DatasetDraft) -> list[PartName]:
    """Those whose rows move with the record: what several records refer to stays where it is."""
    return [part for part in draft.table.parts or () if not part.shared]


def _parts(draft: DatasetDraft, vault: DatasetDraft) -> Iterator[Finding]:
    """Each part has its twin at the same place of the vault's list."""
    mine, theirs = _own_parts(draft), _own_parts(vault)
    names = [part.table.pieces[-1] for part in mine]
    at = ("datasets", vault.name, "parts")
    if len(mine) != len(theirs):
        found = f"has {len(theirs)} tables for the {len(mine)} parts of `{draft.name}`, whose vault it is"
        order = ", ".join(names) or "none"
        yield Finding(at=at, found=found, write=f"list one for each, in this order: {order}")
        return
    for place, (name, part) in enumerate(zip(names, theirs, strict=True)):
        twin = part.table.pieces[-1]
        other = next((each for each in names if each in twin and each != name), None)
        if name not in twin and other is not None:
            found = f"{said(part.table.text)} stands where the twin of `{name}` does, and looks like that of `{other}`"
            write = f"list them in this order: {', '.join(names)}"
            yield Finding(at=(*at, place), found=found, write=write)


# -- what follows --------------------------------------------------------------------------


def _implied(draft: DatasetDraft, source: DatasetDraft | None, *, beside: bool) -> DatasetDraft:
    """With the event and the fact `restricted`, where they are not spelt out.

    `beside`: records of the same data are restricted, these or others.
    """
    if source is not None and source.table.restrict is not None:
        event, fact = _in_a_vault(source.table.restrict)
    elif beside:
        event, fact = _outside(draft.table.restrict or Restriction())
    else:
        return draft
    unread = {key for key in ("events", "facts") if key in draft.written and not draft.words[key]}
    implied = frozenset(
        key for key in ("events", "facts") if RESTRICTED not in draft.words[key] and key not in unread
    )
    written = {
        "events": {RESTRICTED: event, **(draft.table.events or {})},
        "facts": {RESTRICTED: fact, **(draft.table.facts or {})},
    }
    return replace(
        draft,
        table=draft.table.model_copy(update={key: written[key] for key in implied}),
        words={**draft.words, **{key: (*draft.words[key], RESTRICTED) for key in implied}},
        vault_of=None if source is None else source.name,
        implied=implied,
    )


def _dated(column: str) -> Event:
    return Event(components=(EventColumn(column=Name(pieces=(column,), text=column)),))


def _in_a_vault(restriction: Restriction) -> tuple[Event, Condition]:
    return _dated(restriction.at), Condition(tree=Conjunction(items=()), text="it is in the vault")


def _outside(restriction: Restriction) -> tuple[Event, Condition]:
    if restriction.mark is None:
        return Event(components=()), Condition(tree=Disjunction(items=()), text="it is in no vault")
    marked = Negation(item=NullTest(item=NameTerm(pieces=(restriction.mark,))))
    return _dated(restriction.mark), Condition(tree=marked, text=f"{restriction.mark} IS NOT NULL")
