"""Configuration, live schemas and jobs put together: what every command that looks at data starts from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from retention import periods
from retention.config import Configuration, load
from retention.config.forms import resolved_form
from retention.connectors.port import Counts, Target
from retention.connectors.sql.opening import open_target
from retention.errors import ConfigurationError, Problem, UsageError
from retention.model.catalogue import Catalogue
from retention.model.dataset import Connector
from retention.model.place import Place
from retention.model.plan import Cutoff, JobPlan, JobStatus
from retention.model.policy import Rule
from retention.planning.acting import in_order
from retention.planning.bind import bind
from retention.planning.bound import BoundDataset, Job
from retention.planning.fate import Fates, instants
from retention.planning.work import Work, work
from retention.safety import sight

Clock = Callable[[], datetime]


def configuration(place: Place) -> Configuration:
    """All files, or every problem of them at once."""
    return load(place.config, place.connectors, environ=place.environ)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The configuration over live databases. Close it by leaving `prepared`'s block."""

    config: Configuration
    targets: Mapping[str, Target]
    catalogues: Mapping[str, Catalogue]
    bound: tuple[BoundDataset, ...]

    def jobs(self, rules: Sequence[str] = ()) -> tuple[Job, ...]:
        """Rule × dataset of the rules that act (all, or those named), in the order in which they run."""
        every = [
            Job(rule=rule, bound=bound, others=self._others(rule))
            for rule in self.config.policy.rules.values()
            if rule.clock is not None and (not rules or rule.name in rules)
            for bound in self.bound
            if bound.dataset.data == rule.data
        ]
        return in_order(every)

    def works(self, jobs: Sequence[Job], as_of: datetime) -> Iterator[Work]:
        """Each job's predicates; what the others of these jobs delete goes first."""
        for job in jobs:
            name = job.bound.connector.name
            acting = [other for other in jobs if other.bound.connector.name == name]
            yield work(Fates(self.catalogues[name], acting, as_of), job)

    def job_plan(self, item: Work, counts: Counts, as_of: datetime) -> JobPlan:
        """The plan's numbers for one job. Its status says only whether there is anything to do."""
        job, zone = item.job, ZoneInfo(item.job.clock.timezone)
        cutoff = instants(job.clock, as_of).cutoff.instant.astimezone(zone)
        due = counts.fates["due"]
        seen = sight.sees(job.bound.blind)
        return JobPlan(
            rule=job.rule.name,
            connector=job.bound.connector.name,
            dataset=job.bound.dataset.name,
            promise=job.rule.promise,
            action=job.rule.action or "delete",
            total=sum(counts.fates.values()),
            fates=counts.fates,
            overdue=counts.overdue,
            rows=counts.rows,
            cutoffs=(Cutoff(when="always", cutoff=cutoff),),
            oldest=counts.oldest,
            referenced_by=counts.referenced_by,
            ringed=counts.ringed,
            ringed_by=tuple(map(str, job.bound.stubborn)) if counts.ringed else (),
            status=seen.status if due else JobStatus.NOTHING,
            reason=seen.reason if due else None,
            form=resolved_form(self.config, job.rule.name),
            target=self.target_hash(job.bound.connector.name),
            schema=job.bound.catalogue_schema,
        )

    def target_hash(self, connector: str) -> str:
        """Which database it is, as a hash: host, port and database, or the file's path."""
        return hashlib.sha256(self.targets[connector].identity().encode()).hexdigest()

    def _others(self, rule: Rule) -> tuple[Rule, ...]:
        every = self.config.policy.rules.values()
        return tuple(r for r in every if r.data == rule.data and r.clock is not None and r.name != rule.name)


@contextmanager
def prepared(place: Place, config: Configuration, connectors: Sequence[str] = ()) -> Iterator[Prepared]:
    """Opens the connectors (all, or those named) and binds their datasets; every problem at once.

    Raises ConfigurationError for what is wrong with the live schemas, UnreachableError for a
    database that does not answer.
    """
    chosen = {name: c for name, c in config.connectors.items() if not connectors or name in connectors}
    targets: dict[str, Target] = {}
    try:
        problems: list[Problem] = []
        catalogues: dict[str, Catalogue] = {}
        bound: list[BoundDataset] = []
        for name, connector in chosen.items():
            try:
                targets[name] = open_target(connector, place.environ)
            except ConfigurationError as error:
                problems += error.problems
                continue
            catalogues[name] = targets[name].catalogue()
            found, wrong = bind(connector, catalogues[name])
            bound += found
            problems += wrong
        problems += shared_stores({name: (chosen[name], target.store()) for name, target in targets.items()})
        if problems:
            raise ConfigurationError(problems=problems)
        yield Prepared(config=config, targets=targets, catalogues=catalogues, bound=tuple(bound))
    finally:
        for target in targets.values():
            target.close()


def shared_stores(stores: Mapping[str, tuple[Connector, str]]) -> list[Problem]:
    """One database, one connector: rules of one would not see what the datasets of another keep.

    `stores`: connector's name → connector, and what its database says that it is.
    """
    first: dict[str, str] = {}
    problems = []
    for name, (connector, store) in stores.items():
        other = first.setdefault(store, name)
        if other != name:
            found = f"reaches the same database as connector `{other}`"
            write = f"put its datasets into the file of `{other}`: one file for each database"
            problems.append(Problem(file=connector.file, key="url", found=found, write=write))
    return problems


def named(config: Configuration, rules: Iterable[str], connectors: Iterable[str]) -> None:
    """Raises UsageError for a rule or connector that is not configured, and for a rule that reaches none of these."""
    rules, connectors = tuple(rules), tuple(connectors)
    for what, words, known in (
        ("rule", rules, config.policy.rules),
        ("connector", connectors, config.connectors),
    ):
        for word in words:
            if word not in known:
                there = ", ".join(sorted(known)) or "none"
                raise UsageError(f"there is no {what} `{word}`; there are: {there}")
    for word in rules if connectors else ():
        rule = config.policy.rules[word]
        reached = [d for c in config.connectors.values() for d in c.datasets.values() if d.data == rule.data]
        if rule.clock is not None and not any(d.connector in connectors for d in reached):
            here = ", ".join(f"`{name}`" for name in connectors)
            there = ", ".join(map(str, reached))
            raise UsageError(f"rule `{word}` reaches no dataset of connector {here}; it reaches: {there}")


def as_of_instant(config: Configuration, text: str | None, clock: Clock) -> datetime:
    """`--as-of` as an instant, now by default; UsageError for a text that is none."""
    if text is None:
        return clock().astimezone(UTC)
    try:
        return periods.parse_as_of(text, config.policy.timezone)
    except ValueError as error:
        raise UsageError(f"--as-of: {error}") from error


def in_zone(config: Configuration, moment: datetime) -> datetime:
    """The same instant as people of the policy read it: a day of theirs begins at 00:00.

    For what is told, and not to reckon with: two times of one zone are compared by the wall clock, and
    one that comes twice is not equal to the same instant in UTC.
    """
    return moment.astimezone(ZoneInfo(config.policy.timezone))
