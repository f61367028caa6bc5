"""Configuration and live schemas: everything that is wrong, at once."""

from __future__ import annotations

from retention.config import Configuration
from retention.connectors.sql.opening import open_target
from retention.errors import ConfigurationError, Problem, UnreachableError
from retention.model.explanation import CheckReport
from retention.model.place import Place
from retention.planning.bind import bind
from retention.planning.bound import BoundDataset
from retention.verbs import stores
from retention.verbs.prepared import Clock, configuration


def check(place: Place, *, offline: bool = False, clock: Clock) -> CheckReport:
    """Every problem of the files and, unless `offline`, of every live schema.

    Where all is well and there is a state store, the schemas count as looked at: a rule that was
    refused because its schema had changed runs again. Raises UnreachableError where all that is wrong
    is that a database does not answer.
    """
    try:
        config = configuration(place)
    except ConfigurationError as error:
        return CheckReport(problems=error.problems, warnings=(), checked=())
    warnings = _warnings(config)
    if offline:
        return CheckReport(problems=(), warnings=warnings, checked=("the files; no database was asked",))
    problems: list[Problem] = []
    bound: list[BoundDataset] = []
    silent: list[str] = []
    for connector in config.connectors.values():
        try:
            target = open_target(connector, place.environ)
            try:
                found, wrong = bind(connector, target.catalogue())
                if not target.has_marker_table():
                    warnings = (
                        *warnings,
                        f"`{connector.name}` has no table retention_marker yet: retention init",
                    )
            finally:
                target.close()
        except ConfigurationError as error:
            problems += error.problems
        except UnreachableError as error:
            silent.append(error.message)
            write = "start it, or mend the url"
            problems.append(Problem(file=connector.file, key="url", found=error.message, write=write))
        else:
            bound += found
            problems += [*wrong, *(problem for item in found for problem in _unseen(item))]
    if silent and len(silent) == len(problems):
        raise UnreachableError("; ".join(silent))
    if not problems and stores.exists(config, place):
        with stores.opened(config, place) as state, state.begin() as tx:
            for item in bound:
                tx.schemas.put(item.connector.name, item.dataset.name, item.catalogue_schema, clock())
    return CheckReport(
        problems=tuple(problems), warnings=warnings, checked=tuple(_line(item) for item in bound)
    )


def _unseen(item: BoundDataset) -> list[Problem]:
    """What the role can't see is not absent: the GRANT to type for each."""
    key = f"datasets.{item.dataset.name}.table"
    return [
        Problem(
            file=item.connector.file, key=key, found=f"the role can't see {blind.what}", write=blind.grant
        )
        for blind in item.blind
    ]


def _line(item: BoundDataset) -> str:
    parts = ", ".join(str(part.table.id) for part in item.parts)
    return f"{item}: {item.root.id}" + (f" with {parts}" if parts else "")


def _warnings(config: Configuration) -> tuple[str, ...]:
    """What is allowed and yet seldom meant."""
    spoken = {rule.data for rule in config.policy.rules.values()}
    return tuple(
        f"no rule speaks of {dataset.data!r} (dataset `{dataset}`): it is kept for ever"
        for connector in config.connectors.values()
        for dataset in connector.datasets.values()
        if dataset.data not in spoken
    )
