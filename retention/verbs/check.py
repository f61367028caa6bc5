"""Configuration and live schemas: everything that is wrong, at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from retention.config import Configuration, doubts
from retention.connectors.port import Target
from retention.connectors.sql.opening import open_target
from retention.errors import ConfigurationError, Problem, RetentionError, UnreachableError
from retention.model.catalogue import Reference
from retention.model.dataset import Connector
from retention.model.explanation import CheckReport
from retention.model.place import Place
from retention.model.policy import Policy
from retention.periods import day_of
from retention.planning.beyond import leaves
from retention.planning.binding import spoken
from retention.planning.binding.bind import bind
from retention.planning.binding.bound import BoundDataset
from retention.planning.binding.reach import described
from retention.planning.binding.relations import repeated, with_relations
from retention.planning.binding.rewriting_rules import comes_back, rewriting_problems
from retention.planning.binding.rights import Need, Right, needs
from retention.planning.binding.shared_parts import unshared
from retention.planning.binding.vaults import unled
from retention.planning.circles import circles, said
from retention.verbs.checking.clocks import clock_warnings
from retention.verbs.checking.conditions import condition_problems
from retention.verbs.checking.rewriting import trial_problems
from retention.verbs.opening import apart, stores
from retention.verbs.opening.configured import Clock, configuration
from retention.verbs.opening.prepared import problems_of, silence

MOST_COUNTED = 1_000_000
"""Rows that a census counts before it says "more than"."""


def check(place: Place, *, offline: bool = False, clock: Clock) -> CheckReport:
    """Every problem of the files and, unless `offline`, of every live schema; also, which do not answer.

    Where all that answers is well and there is a state store, its schemas count as looked at: a rule that
    was refused because its schema had changed runs again.
    """
    try:
        config = configuration(place)
    except ConfigurationError as error:
        return CheckReport(problems=error.problems, warnings=(), checked=())
    now = clock()
    warnings = _warnings(config, now)
    if offline:
        return CheckReport(problems=(), warnings=warnings, checked=("the files; no database was asked",))
    every = tuple(config.connectors.values())
    looks = [_look(config.policy, connector, place, now) for connector in every]
    problems = tuple(problem for look in looks for problem in look.problems)
    known = {c.name: (c, look.store) for c, look in zip(every, looks, strict=True) if look.store}
    bound = [item for look in looks for item in look.bound]
    servers = {c.name: look.server for c, look in zip(every, looks, strict=True) if look.server}
    problems += (*apart.shared_stores(known), *apart.shared_tables(bound, servers))
    unreached = tuple(c.name for c, look in zip(every, looks, strict=True) if look.silent)
    if len(problems) == len(unreached) and stores.exists(config, place):
        with stores.opened(config, place) as state:
            with state.begin() as tx:
                for item in bound:
                    tx.schemas.put(item.connector.name, item.dataset.name, item.catalogue_schema, clock())
            addresses = {connector.name: apart.address(connector, place) for connector in every}
            apart.remember(state, servers, addresses, clock())
    return CheckReport(
        problems=problems,
        warnings=(*warnings, *(warning for look in looks for warning in look.warnings)),
        checked=tuple(_line(item) for item in bound),
        unreached=unreached,
    )


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What one connector's database showed. `silent`: it does not answer."""

    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    bound: tuple[BoundDataset, ...] = ()
    store: str = ""
    server: str = ""
    silent: bool = False


def _look(policy: Policy, connector: Connector, place: Place, now: datetime) -> _Look:
    try:
        with closing(open_target(connector, place.environ)) as target:
            return _live(policy, connector, target, now)
    except ConfigurationError as error:
        return _Look(problems=tuple(problems_of(error, connector)))
    except UnreachableError as error:
        return _Look(problems=(silence(connector, error.found, error.write),), silent=True)


def _live(policy: Policy, connector: Connector, target: Target, now: datetime) -> _Look:
    """Names, references and rights, against the schema as it is now."""

    def counting(reference: Reference) -> str:
        try:
            many = target.referring(reference, MOST_COUNTED + 1)
        except RetentionError:
            return "rows that could not be counted"
        if many > MOST_COUNTED:
            return f"more than {MOST_COUNTED:,} rows"
        return f"{many:,} row" + ("s" if many != 1 else "")

    bound, problems = bind(connector, target.catalogue(), counting, leaves=partial(leaves, policy))
    warnings = [*repeated(connector, target.catalogue())]
    if not target.has_marker_table():
        warnings.append(f"`{connector.name}` has no table retention_marker yet: retention init")
    read_only = target.read_only()
    if read_only is not None:
        warnings.append(f"`{connector.name}` can be planned on, and not run on: {read_only}")
    lacking, looking = _rights(policy, connector, bound, target)
    meant = spoken.condition_problems(policy, bound, target.catalogue())
    meant += (*rewriting_problems(policy, bound), *trial_problems(policy, bound, target))
    unseen = [problem for item in bound for problem in _unseen(item)]
    return _Look(
        problems=(*problems, *meant, *lacking, *unseen, *condition_problems(bound, target)),
        warnings=(
            *warnings,
            *looking,
            *_rings(bound),
            *unshared(bound),
            *map(said, circles(bound)),
            *comes_back(bound, target.catalogue().quote),
            *_unled(bound, target),
            *clock_warnings(bound, target, now),
        ),
        bound=bound,
        store=target.store(),
        server=target.server(),
    )


def _between(bound: Sequence[BoundDataset]) -> Iterator[str]:
    """Rows that refer to each other, or that several datasets refer to, and so may stay longer than is meant."""
    yield from _rings(bound)
    yield from unshared(bound)
    yield from map(said, circles(bound))


def _rings(bound: Sequence[BoundDataset]) -> Iterator[str]:
    """Where rows that refer to each other stay, since the database looks at each row as it goes."""
    for item in bound:
        for stubborn in item.stubborn:
            yield (
                f"`{item}`: rows that refer to each other in a ring, or to themselves, by"
                f" `{described(stubborn.reference)}` stay: {stubborn.why}"
            )


def _unled(bound: Sequence[BoundDataset], target: Target) -> Iterator[str]:
    """What rows in a vault do not refer to, though the record does."""
    for item in bound:
        catalogue, _ = with_relations(item.connector, target.catalogue())
        for reference in unled(item, catalogue):
            vault = item.dataset.vault
            yield (
                f"`{item}`: its records refer by `{described(reference)}` to `{reference.target}`, and in the vault"
                f" `{vault}` they do not: what they refer to may go before them, and none could be given back then"
            )


def _unseen(item: BoundDataset) -> list[Problem]:
    """What the role can't see is not absent: the GRANT to type for each."""
    file, key = item.connector.file, f"datasets.{item.dataset.name}.table"
    return [
        Problem(file=file, key=key, found=f"the role can't see {blind.what}", write=blind.grant)
        for blind in item.blind
    ]


def _rights(
    policy: Policy, connector: Connector, bound: Sequence[BoundDataset], target: Target
) -> tuple[list[Problem], list[str]]:
    """What the role can't do and a plan or a run would need, each once, under the first dataset that does.

    A role that may delete nothing at all is one for looking: that is said, and no mistake.
    """
    first: dict[str, str] = {}
    wanted: dict[Need, None] = {}
    for item in bound:
        for need in needs(item, deletes=leaves(policy, item.dataset)):
            wanted[need] = None
            first.setdefault(str(need.table), f"datasets.{item.dataset.name}")
    lacking = target.lacking(tuple(wanted))
    deletes = {str(need.table) for need in wanted if need.right is Right.DELETE}
    warnings = []
    if deletes and deletes <= {str(lack.table) for lack in lacking if lack.right == Right.DELETE.value}:
        warnings.append(f"`{connector.name}` can be planned on, and not run on: the role may delete nothing")
        lacking = tuple(lack for lack in lacking if lack.looking)
    problems = [
        Problem(
            file=connector.file,
            key=first.get(str(lack.table), "url"),
            found=f"the role can't {lack.right} `{lack.table}`",
            write=lack.grant,
        )
        for lack in lacking
    ]
    return problems, warnings


def _line(item: BoundDataset) -> str:
    parts = ", ".join(str(part.table.id) for part in item.parts)
    shared = ", ".join(str(part.table.id) for part in item.shared)
    beside = f", and after the last that refers to them {shared}" if shared else ""
    return f"{item}: {item.root.id}" + (f" with {parts}" if parts else "") + beside


def _warnings(config: Configuration, now: datetime) -> tuple[str, ...]:
    """What is allowed and yet seldom meant."""
    rules = config.policy.rules.values()
    unspoken = tuple(
        f"no rule speaks of {dataset.data!r} (dataset `{dataset}`): it is kept for ever"
        for connector in config.connectors.values()
        for dataset in connector.datasets.values()
        if not any(rule.speaks_of(dataset.data) for rule in rules)
    )
    return (*unspoken, *doubts(config, day_of(now, config.policy.timezone)))
