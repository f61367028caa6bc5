"""`vault release`: a record moved back from its vault, by a person, with a reason."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime

from retention.config import Configuration, told_files
from retention.config.forms import policy_digest
from retention.connectors.port import Making, Refused, Target, Transient
from retention.connectors.retrying import Retry
from retention.connectors.sql.records import typed_key
from retention.engine.giving_back import GivingBack
from retention.engine.recovery import recover
from retention.errors import SafetyRefusal, SetupError, UnreachableError, UsageError
from retention.ledger.evidence import Committer, key_id
from retention.model import predicate as p
from retention.model.dataset import Dataset
from retention.model.place import Place
from retention.model.told import HoldReason
from retention.model.vault import GivenBack
from retention.planning.binding.bound import BoundDataset
from retention.planning.binding.rights import Need, Right
from retention.planning.binding.vaults import given_back
from retention.planning.fates.chains import DUE, RELEASE, RESTRICT, actions
from retention.planning.fates.reasons import Questions
from retention.planning.fates.shared_fates import SharedFates
from retention.planning.work import Work, work
from retention.safety import clock as clocks
from retention.safety import following
from retention.store.state import StateStore
from retention.verbs.opening import stores
from retention.verbs.opening.configured import Clock, configuration, in_zone
from retention.verbs.opening.prepared import Prepared, prepared
from retention.verbs.opening.sealing import sealed_words
from retention.verbs.persons.carried import carry_over
from retention.verbs.persons.spoken import Words, fates_of, words
from retention.verbs.switch import Watch
from retention.verbs.vault_tables import named_vault


def release_record(
    place: Place,
    *,
    dataset: str,
    key: str,
    reason: str,
    by: str,
    behalf: str | None = None,
    ref: str | None = None,
    clock: Clock,
) -> GivenBack:
    """Moves the record `key` of the vault `CONNECTOR.DATASET` back to the dataset that it came from.

    UsageError for a dataset that is no vault, and a record that is not there; SafetyRefusal where a hold covers it, a
    record of its key is there already, or what it refers to is gone; SetupError where the role may not.
    """
    config = configuration(place)
    connector, vault = named_vault(config, dataset)
    told_files.said(by=behalf, key=key)
    ref = _reference(ref, key)
    with ExitStack() as stack:
        state = stack.enter_context(stores.opened(config, place))
        Watch(state=state, folder=config.folder).look()
        ready = stack.enter_context(prepared(place, config, (connector.name,)))
        ready.refuse_silence()
        recover(state, ready.targets, ready.silent, clock=clock, retry=Retry())
        moment = clock()
        ready, said = _heard(state, config, place, ready, moment, clock)
        bound = {item.dataset.name: item for item in ready.bound}
        source, there = bound[vault.vault_of or ""], bound[vault.name]
        _refuse_unseen(ready, said, vault)
        target = ready.targets[connector.name]
        _may(target, source, there)
        item, leading = _work(ready, source, there, said, moment)
        _refuse(target, item, key, leading)
        run = f"release-{moment:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        evidence = stores.committing_key(config, state)
        giving = GivingBack(
            store=state,
            clock=clock,
            run=run,
            connector=connector.name,
            vault=vault.name,
            source=source.dataset.name,
            policy=policy_digest(config),
            evidence_key=key_id(evidence),
            epoch=said.told.epoch,
            said={
                "reason": HoldReason(reason).value,
                "ref": ref,
                "by": by,
                "words": sealed_words(evidence, run, key, behalf),
            },
        )
        committer = Committer(evidence, connector.name, vault.name)
        asked = replace(item.job, bound=there)
        try:
            remover = stack.enter_context(
                target.remover(
                    item,
                    committer,
                    people=said.people(asked),
                    special=said.of(asked),
                    making=Making(makes={}, at=moment),
                )
            )
            taken = giving.give_back(remover, typed_key(there.key, key))
        except (Refused, Transient) as error:
            raise SafetyRefusal(
                f"the record stays in the vault: {error.message}; a record of its key may be in `{source}` already,"
                " or what it refers to gone"
            ) from error
        return GivenBack(
            vault=str(there),
            dataset=str(source),
            run=run,
            at=in_zone(config, moment),
            by=by,
            reason=reason,
            rows=taken.rows,
            ref=ref,
            rules=tuple(j.rule.name for j in ready.jobs() if j.bound is source and RESTRICT in actions(j)),
        )


def _reference(ref: str | None, key: str) -> str | None:
    try:
        found = None if ref is None else told_files.a_reference(ref)
    except ValueError as error:
        raise UsageError(f"--ref: {error}") from error
    if found is not None and found.casefold() == key.strip().casefold():
        raise UsageError(
            "--ref: a reference stands in the ledger for ever: write a case number, not the record's key"
        )
    return found


def _heard(
    state: StateStore, config: Configuration, place: Place, ready: Prepared, moment: datetime, clock: Clock
) -> tuple[Prepared, Words]:
    """What is held, as it is now."""
    with state.read() as snapshot:
        verdict = clocks.against_ledger(now=moment, last=snapshot.log.last_at())
    if not verdict.allowed:
        raise SafetyRefusal(verdict.reason)
    carried = carry_over(ready, place, state, config, clock)
    ready, said = words(carried.of(ready), carried.told, moment)
    ready.refuse_silence()
    return ready, said


def _refuse_unseen(ready: Prepared, said: Words, vault: Dataset) -> None:
    """A store that may know a held person by more than the hold says can't be asked."""
    unseen = following.unseen(said.told.holds, stores.datasets(ready.config), ready.unseen or ())
    why = unseen.doubt(vault)
    if why is not None:
        raise SafetyRefusal(why)


def _may(target: Target, source: BoundDataset, vault: BoundDataset) -> None:
    """The role may, the markers are there, and nothing else happens when the rows come back."""
    if not target.has_marker_table():
        raise SetupError(f"`{target.name}` has no table retention_marker yet; type: retention init")
    why = target.read_only()
    if why is not None:
        raise UnreachableError(f"the database is read-only: {why}")
    needs = [*_needs(vault), *(Need(table=id_, right=Right.INSERT) for id_ in source.removal)]
    lacking = target.lacking(needs)
    if lacking:
        grants = " ".join(lack.grant for lack in lacking)
        raise SetupError(f"the role can't give records back; type, as the owner of the tables: {grants}")
    assert source.vault is not None
    for table in (each.source for each in source.vault.twins):
        for trigger in table.triggers:
            if "INSERT" in trigger.events:
                raise SafetyRefusal(
                    f"{trigger.what} `{trigger.name}` on `{table.id}` runs at every INSERT, and may change what is"
                    " moved back; disable it for the engine's role"
                )


def _needs(vault: BoundDataset) -> Iterable[Need]:
    keys = {vault.root.id: tuple(column.name for column in vault.key)}
    keys |= {part.table.id: part.table.key for part in vault.parts}
    for id_ in vault.removal:
        yield Need(table=id_, right=Right.READ)
        yield Need(table=id_, right=Right.DELETE)
        yield Need(table=id_, right=Right.LOCK, columns=keys[id_])


def _work(
    ready: Prepared, source: BoundDataset, vault: BoundDataset, said: Words, moment: datetime
) -> tuple[Work, Mapping[str, p.Test]]:
    """Of any record of the vault that no hold covers; and by which references it leads to others there."""
    jobs = ready.jobs()
    job = next((job for job in jobs if job.bound is vault), None)
    if job is None:
        raise SafetyRefusal(
            f"no rule acts on `{vault}`, so that nobody can tell what is held there; keep a rule on"
            f" {vault.dataset.data!r} until its last record is released"
        )
    fates = fates_of(ready, jobs, job, moment, said, SharedFates)
    item = work(fates, job)
    held = fates.held(vault, item.root)
    free = p.Choice(cases=() if held is None else ((held, "held"),), otherwise=DUE)
    given = replace(
        item,
        job=replace(job, bound=given_back(source, vault)),
        fate=free,
        strict=free,
        freed={},
        late=p.AnyOf(items=()),
        reaches=(),
        referring=(),
        goes_before=(),
        moves_before=(),
        ringed=None,
        rewrites=(),
        shared=(),
        own_columns=False,
        at_once=False,
        fleeting=False,
        own_ends=(),
        actions=(RELEASE,),
        action=RELEASE,
        lists=said.lists,
    )
    return given, fates.leading_there(vault, item.root)


def _refuse(target: Target, item: Work, key: str, leading: Mapping[str, p.Test]) -> None:
    """What is not there, what is held, and what would be parted from what it refers to."""
    held = p.Untrue(item=p.Chosen(choice=item.strict, label=DUE))
    found = target.ask(item, key, Questions(tests={**leading, "there": p.All(items=()), "held": held})).tests
    if found["there"] is not True:
        raise UsageError(f"`{item.bound}` has no record {key}")
    if found["held"] is True:
        raise SafetyRefusal(
            f"a hold covers the record {key} of `{item.bound}`: nothing that it covers is touched"
        )
    there = [name for name in leading if found[name] is True]
    if there:
        raise SafetyRefusal(
            f"the record {key} of `{item.bound}` refers by `{there[0]}` to another one that is in the vault: release"
            " that first; where they refer to each other, empty the column there, and fill it again when both are back"
        )
