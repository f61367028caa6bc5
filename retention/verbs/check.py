"""Configuration and live schemas: everything that is wrong, at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from retention.config import Configuration, doubts
from retention.config.so_far import load_so_far
from retention.connectors.port import Target
from retention.connectors.sql.opening import open_target
from retention.errors import ConfigurationError, Problem, RetentionError, SetupError, UnreachableError
from retention.model.catalogue import Reference
from retention.model.dataset import Connector, Dataset
from retention.model.explanation import CheckReport
from retention.model.place import Place
from retention.model.policy import Policy
from retention.periods import day_of
from retention.planning.beyond import leaves, removes
from retention.planning.binding import spoken
from retention.planning.binding.bind import bind
from retention.planning.binding.bound import BoundDataset
from retention.planning.binding.names import listed
from retention.planning.binding.reach import described
from retention.planning.binding.relations import repeated, with_relations
from retention.planning.binding.rewriting_rules import comes_back, rewriting_problems, skipped
from retention.planning.binding.rights import Need, Right, needs
from retention.planning.binding.shared_parts import by_themselves, unended, unshared
from retention.planning.binding.vaults import unled
from retention.planning.circles import said, waiting
from retention.verbs.checking.clocks import clock_warnings
from retention.verbs.checking.conditions import condition_problems
from retention.verbs.checking.large import large
from retention.verbs.checking.people import taken_for_one
from retention.verbs.checking.rewriting import trial_problems
from retention.verbs.opening import apart, stores
from retention.verbs.opening.configured import Clock, configuration
from retention.verbs.opening.prepared import acts_on, problems_of, silence

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
        if offline or isinstance(error, SetupError):
            return CheckReport(problems=error.problems, warnings=(), checked=())
        return _as_far_as_it_goes(place, clock())
    now = clock()
    warnings = _warnings(config, now)
    if offline:
        return CheckReport(problems=(), warnings=warnings, checked=("the files; no database was asked",))
    found = _looks(config.connectors, config.policy, partial(leaves, config.policy), place, now)
    if len(found.problems) == len(found.unreached) and stores.exists(config, place):
        with stores.opened(config, place) as state:
            with state.begin() as tx:
                for item in found.bound:
                    tx.schemas.put(item.connector.name, item.dataset.name, item.catalogue_schema, clock())
            addresses = {c.name: apart.address(c, place) for c in config.connectors.values()}
            apart.remember(state, found.servers, addresses, clock())
    return CheckReport(
        problems=found.problems,
        warnings=(*warnings, *found.warnings),
        checked=tuple(_line(item, found.bound) for item in found.bound),
        unreached=found.unreached,
    )


def _as_far_as_it_goes(place: Place, now: datetime) -> CheckReport:
    """Files with mistakes, and the live schemas of all that has none: one round of mending for both."""
    known = load_so_far(place.config, place.connectors, environ=place.environ)

    def leaving(dataset: Dataset) -> bool:
        spoken = any(rule.acts and rule.speaks_of(dataset.data) for rule in known.policy.rules.values())
        return known.deletes(dataset) or (
            leaves(known.policy, dataset) and (spoken or not known.doubts(dataset))
        )

    found = _looks(known.connectors, known.policy, leaving, place, now)
    waiting = (
        f"{name}: not looked at; first mend what is said of it, or of the whole of {file}"
        for name, file in known.left_out.items()
    )
    return CheckReport(
        problems=_by_place((*known.problems, *found.problems), known.places),
        warnings=found.warnings,
        checked=(*(_line(item, found.bound) for item in found.bound), *waiting),
        unreached=found.unreached,
    )


def _by_place(problems: Iterable[Problem], places: Mapping[str, Sequence[str]]) -> tuple[Problem, ...]:
    """What is wrong with the schema of a dataset beside what is wrong with its part of the file."""
    files: dict[str, list[Problem]] = {}
    for problem in problems:
        files.setdefault(problem.file, []).append(problem)

    def at(problem: Problem) -> int:
        keys = places.get(problem.file, ())
        under = (n for n, key in enumerate(keys) if problem.key == key or problem.key.startswith(f"{key}."))
        return next(under, -1)

    return tuple(problem for each in files.values() for problem in sorted(each, key=at))


@dataclass(frozen=True, kw_only=True)
class _Looks:
    """What all databases showed. `unreached`: connectors whose database does not answer; each is a problem, too."""

    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    bound: tuple[BoundDataset, ...]
    servers: Mapping[str, str]
    unreached: tuple[str, ...]


def _looks(
    connectors: Mapping[str, Connector],
    policy: Policy,
    leaving: Callable[[Dataset], bool],
    place: Place,
    now: datetime,
) -> _Looks:
    looks = {c.name: (c, _look(policy, leaving, c, place, now)) for c in connectors.values()}
    every = [look for _, look in looks.values()]
    bound = tuple(item for look in every for item in look.bound)
    servers = {name: look.server for name, (_, look) in looks.items() if look.server}
    known = {name: (connector, look.store) for name, (connector, look) in looks.items() if look.store}
    return _Looks(
        problems=(
            *(problem for look in every for problem in look.problems),
            *apart.shared_stores(known),
            *apart.shared_tables(bound, servers),
        ),
        warnings=tuple(warning for look in every for warning in look.warnings),
        bound=bound,
        servers=servers,
        unreached=tuple(name for name, (_, look) in looks.items() if look.silent),
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


def _look(
    policy: Policy, leaving: Callable[[Dataset], bool], connector: Connector, place: Place, now: datetime
) -> _Look:
    try:
        with closing(open_target(connector, place.environ)) as target:
            return _live(policy, leaving, connector, target, now)
    except ConfigurationError as error:
        return _Look(problems=tuple(problems_of(error, connector)))
    except UnreachableError as error:
        return _Look(problems=(silence(connector, error.found, error.write),), silent=True)


def _live(
    policy: Policy, leaving: Callable[[Dataset], bool], connector: Connector, target: Target, now: datetime
) -> _Look:
    """Names, references and rights, against the schema as it is now."""

    def counting(reference: Reference) -> str:
        try:
            many = target.referring(reference, MOST_COUNTED + 1)
        except RetentionError:
            return "rows that could not be counted"
        if many > MOST_COUNTED:
            return f"more than {MOST_COUNTED:,} rows"
        return f"{many:,} row" + ("s" if many != 1 else "")

    bound, problems = bind(connector, target.catalogue(), counting, leaves=leaving)
    warnings = [*repeated(connector, target.catalogue()), *taken_for_one(bound, target.catalogue())]
    if not target.has_marker_table():
        warnings.append(f"`{connector.name}` has no table retention_marker yet: retention init")
    read_only = target.read_only()
    if read_only is not None:
        warnings.append(f"`{connector.name}` can be planned on, and not run on: {read_only}")
    lacking, looking = _rights(leaving, connector, bound, target)
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
            *unended(bound, partial(removes, policy)),
            *map(said, waiting(bound)),
            *large(policy, bound),
            *comes_back(bound, target.catalogue().quote),
            *skipped(policy, bound),
            *_unled(bound, target),
            *clock_warnings(bound, target, now),
        ),
        bound=bound,
        store=target.store(),
        server=target.server(),
    )


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
    leaving: Callable[[Dataset], bool], connector: Connector, bound: Sequence[BoundDataset], target: Target
) -> tuple[list[Problem], list[str]]:
    """What the role can't do and a plan or a run would need, each once, under the first dataset that does.

    A role that may delete nothing at all is one for looking: that is said, and no mistake.
    """
    first: dict[str, str] = {}
    wanted: dict[Need, None] = {}
    for item in bound:
        for need in needs(item, deletes=leaving(item.dataset)):
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


def _line(item: BoundDataset, every: Sequence[BoundDataset]) -> str:
    parts = ", ".join(str(part.table.id) for part in item.parts)
    shared = ", ".join(str(part.table.id) for part in item.leaving)
    beside = f", and after the last that refers to them {shared}" if shared else ""
    here = [other for other in every if other.connector.name == item.connector.name]
    for part in item.shared:
        by = listed(f"{each}" for each in by_themselves(part, here))
        beside += f"; {part.table.id} by the rules on {by}" if by else ""
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
    idle = tuple(
        f"no rule can do anything to `{dataset}` ({dataset.data!r}): it is kept for ever; those on any data skip"
        " what a dataset does not spell out, and this one spells out nothing that they say to do"
        for connector in config.connectors.values()
        for dataset in connector.datasets.values()
        if (here := [rule for rule in rules if rule.speaks_of(dataset.data)])
        and not any(not rule.acts or acts_on(rule, dataset) for rule in here)
    )
    return (*unspoken, *idle, *doubts(config, day_of(now, config.policy.timezone)))
