"""Configuration, live schemas and jobs put together: what every command that looks at data starts from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from retention.config import Configuration
from retention.config.forms import resolved_form
from retention.connectors.port import Counts, Target
from retention.connectors.sql.opening import open_target
from retention.connectors.sql.wrapping import Denied
from retention.errors import (
    ConfigurationError,
    Problem,
    RetentionError,
    SetupError,
    UnreachableError,
    UsageError,
)
from retention.model.catalogue import Catalogue
from retention.model.dataset import Connector, Dataset
from retention.model.place import Place
from retention.model.plan import FATES, Cutoff, JobPlan, JobStatus
from retention.model.policy import Rule
from retention.planning.beyond import leaves
from retention.planning.binding.bind import bind
from retention.planning.binding.bound import BoundDataset, Job
from retention.planning.binding.rewriting_rules import rewriting_problems
from retention.planning.binding.rights import needs
from retention.planning.binding.spoken import condition_problems
from retention.planning.fates.acting import in_order
from retention.planning.fates.chains import chain, spelt_out
from retention.planning.fates.limbs import cutoff
from retention.planning.work import Work
from retention.safety import sight
from retention.verbs.opening import apart


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The configuration over live databases. Close it by leaving `prepared`'s block.

    `targets`, `servers` (what each says that it is) and `bound` are of those that answer; `silent`:
    connector → why it does not. `beside`: silent ones that nothing was asked of. `addresses` has every connector.
    `unseen`: those through which holds could not be followed; None where nobody has tried.
    """

    config: Configuration
    targets: Mapping[str, Target]
    catalogues: Mapping[str, Catalogue]
    bound: tuple[BoundDataset, ...]
    servers: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, apart.Address | None] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    unseen: frozenset[str] | None = None
    _forms: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def jobs(self, rules: Sequence[str] = ()) -> tuple[Job, ...]:
        """Rule × dataset of the rules that act (all, or those named), in the order in which they run."""
        told = frozenset(self.config.policy.told)
        every = [
            Job(
                rule=rule,
                bound=bound,
                others=tuple(r for r in self.rules_on(bound) if r.name != rule.name),
                told=told,
            )
            for rule in self.config.policy.rules.values()
            if rule.acts and (not rules or rule.name in rules)
            for bound in self.bound
            if acts_in(rule, bound)
        ]
        return in_order(every)

    def without(self, silent: Mapping[str, str]) -> Prepared:
        """The same without the databases that have ceased to answer: connector → why."""
        return replace(
            self,
            targets={name: target for name, target in self.targets.items() if name not in silent},
            servers={name: server for name, server in self.servers.items() if name not in silent},
            bound=tuple(item for item in self.bound if item.connector.name not in silent),
            silent={**self.silent, **silent},
        )

    def refuse_silence(self) -> None:
        """Raises UnreachableError where databases were asked and not one of them answers."""
        if self.silent and not self.targets:
            raise UnreachableError("; ".join(self.silent.values()))

    def unreached(self, rules: Sequence[str] = ()) -> tuple[JobPlan, ...]:
        """The jobs on databases that do not answer: failed, and nothing is known of their records."""
        return tuple(
            JobPlan(
                rule=rule.name,
                connector=name,
                dataset=dataset.name,
                promise=rule.promise,
                action=rule.base.action,
                total=0,
                fates=dict.fromkeys(FATES, 0),
                exact=False,
                status=JobStatus.FAILED,
                reason=reason,
                form=resolved_form(self.config, rule.name),
            )
            for rule in self.config.policy.rules.values()
            if rule.acts and (not rules or rule.name in rules)
            for name, reason in self.silent.items()
            for dataset in self.config.connectors[name].datasets.values()
            if acts_on(rule, dataset)
        )

    def job_plan(self, item: Work, counts: Counts, as_of: datetime) -> JobPlan:
        """The plan's numbers for one job. Its status says only whether there is anything to do."""
        job = item.job
        due = counts.fates["due"]
        plain = counts.actions == {job.rule.base.action: due}
        seen = sight.sees(job.bound.blind)
        return JobPlan(
            rule=job.rule.name,
            connector=job.bound.connector.name,
            dataset=job.bound.dataset.name,
            promise=job.rule.promise,
            action=job.rule.base.action,
            total=sum(counts.fates.values()),
            fates=counts.fates,
            overdue=counts.overdue,
            by_action={} if plain else counts.actions,
            rows=counts.rows,
            cutoffs=cutoffs(job.rule, as_of),
            oldest=counts.oldest,
            referenced_by=counts.referenced_by,
            ringed=counts.ringed,
            ringed_by=tuple(map(str, job.bound.stubborn)) if counts.ringed else (),
            status=seen.status if due else JobStatus.NOTHING,
            reason=seen.reason if due else None,
            form=self._form(job.rule.name),
            target=self.target_hash(job.bound.connector.name),
            schema=job.bound.catalogue_schema,
        )

    def target_hash(self, connector: str) -> str:
        """Which database it is, as a hash: host, port and database, or the file's path."""
        return hashlib.sha256(self.targets[connector].identity().encode()).hexdigest()

    def _form(self, rule: str) -> str:
        """Once a rule: its form holds every dataset that it reaches, and each of them is a job."""
        if rule not in self._forms:
            self._forms[rule] = resolved_form(self.config, rule)
        return self._forms[rule]

    def rules_on(self, bound: BoundDataset) -> tuple[Rule, ...]:
        """Every rule that reaches the dataset, in file order."""
        rules = [r for r in self.config.policy.rules.values() if r.acts and r.speaks_of(bound.dataset.data)]
        return tuple(rule for rule in rules if not bound.sliced or acts_in(rule, bound))


def reaches(rule: Rule, dataset: Dataset) -> bool:
    """Whether the rule is one on this dataset. A rule on any data passes over slices that it can't do anything to."""
    if not rule.speaks_of(dataset.data):
        return False
    return bool(rule.data) or dataset.columns is None or acts_on(rule, dataset)


def acts_on(rule: Rule, dataset: Dataset) -> bool:
    """Whether the rule can come to do anything to records of a dataset: a rule on any data, what that spells out."""
    if not rule.speaks_of(dataset.data):
        return False
    said = (action for variant in rule.variants for action in variant.chain)
    return bool(rule.data) or any(spelt_out(dataset, action) for action in said)


def acts_in(rule: Rule, bound: BoundDataset) -> bool:
    """The same, of what was found in the database: others' records can make an anonymisation none."""
    return rule.speaks_of(bound.dataset.data) and any(chain(rule, each, bound) for each in rule.variants)


def cutoffs(rule: Rule, as_of: datetime) -> tuple[Cutoff, ...]:
    """The line of each variant of the rule that counts a period of its own."""
    found = []
    for variant in rule.variants:
        if variant.keep is not None:
            line = cutoff(as_of, variant.counting(variant.keep)).instant
            otherwise = "always" if len(rule.variants) == 1 else "otherwise"
            when = otherwise if variant.when is None else variant.when.text
            found.append(Cutoff(when=when, cutoff=line.astimezone(ZoneInfo(variant.timezone))))
    return tuple(found)


@contextmanager
def prepared(place: Place, config: Configuration, connectors: Sequence[str] = ()) -> Iterator[Prepared]:
    """Opens the connectors (all, or those named) and binds their datasets; every problem at once.

    A database that does not answer is no problem of the others: it is in `silent`. Raises
    ConfigurationError for what is wrong with the live schemas.
    """
    opening = _Opening(place=place, config=config)
    chosen = {name: c for name, c in config.connectors.items() if not connectors or name in connectors}
    try:
        for connector in chosen.values():
            opening.bind(connector)
        for connector in config.connectors.values():
            if connector.name not in chosen and opening.may_be_one_of(chosen, connector):
                opening.beside(connector)
        ready = opening.prepared(tuple(chosen))
        try:
            yield ready
        except Denied as error:
            raise SetupError(_with_grants(error.message, ready)) from error
    finally:
        for target in opening.targets.values():
            target.close()


def _with_grants(message: str, ready: Prepared) -> str:
    """A right is lacking: the statements for all that a plan would want."""
    grants: list[str] = []
    for name, target in ready.targets.items():
        bound = [item for item in ready.bound if item.connector.name == name]
        with suppress(RetentionError):
            lacking = target.lacking(tuple(dict.fromkeys(need for item in bound for need in needs(item))))
            grants += (lack.grant for lack in lacking if lack.looking)
    return f"{message}: {' '.join(dict.fromkeys(grants))}" if grants else message


@dataclass(kw_only=True)
class _Opening:
    """What is found while connectors are opened one by one."""

    place: Place
    config: Configuration
    targets: dict[str, Target] = field(default_factory=dict)
    stores: dict[str, str] = field(default_factory=dict)
    servers: dict[str, str] = field(default_factory=dict)
    catalogues: dict[str, Catalogue] = field(default_factory=dict)
    bound: list[BoundDataset] = field(default_factory=list)
    silent: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def bind(self, connector: Connector) -> None:
        """Its live schema, and its datasets over it."""
        if self.look(connector):
            target, name = self.targets[connector.name], connector.name
            with self._noting(connector):
                self.catalogues[name] = target.catalogue()
                found, wrong = bind(connector, self.catalogues[name], leaves=self._leaves)
                self.bound += found
                self.problems += wrong
                self.problems += condition_problems(self.config.policy, found, self.catalogues[name])
                self.problems += rewriting_problems(self.config.policy, found)

    def beside(self, connector: Connector) -> None:
        """Which tables a connector has that was not asked for. What is wrong with them is for `check` to say."""
        if self.look(connector):
            with suppress(ConfigurationError), self._noting(connector):
                found, _ = bind(connector, self.targets[connector.name].catalogue(), leaves=self._leaves)
                self.bound += found

    def _leaves(self, dataset: Dataset) -> bool:
        return leaves(self.config.policy, dataset)

    def look(self, connector: Connector) -> bool:
        """Whether it answers, and which database it is."""
        with self._noting(connector):
            self.targets[connector.name] = target = open_target(connector, self.place.environ)
            self.stores[connector.name] = target.store()
            self.servers[connector.name] = target.server()
        return connector.name in self.servers

    def may_be_one_of(self, chosen: Mapping[str, Connector], connector: Connector) -> bool:
        """A connector that was not asked for may lead to the database of one that was."""
        here = apart.address(connector, self.place)
        return any(apart.may_be_one(apart.address(other, self.place), here) for other in chosen.values())

    @contextmanager
    def _noting(self, connector: Connector) -> Iterator[None]:
        try:
            yield
        except ConfigurationError as error:
            self.problems += problems_of(error, connector)
        except UnreachableError as error:
            self.silent[connector.name] = error.message

    def prepared(self, chosen: Sequence[str]) -> Prepared:
        """What answers; ConfigurationError where anything is wrong, with what is silent besides."""
        known = self.config.connectors
        wrong = [*self.problems, *apart.shared_stores({n: (known[n], s) for n, s in self.stores.items()})]
        wrong += apart.shared_tables(self.bound, self.servers)
        if wrong:
            wrong += [silence(known[name], self.silent[name]) for name in chosen if name in self.silent]
            raise ConfigurationError(problems=wrong)
        ready = Prepared(
            config=self.config,
            targets={name: target for name, target in self.targets.items() if name in chosen},
            catalogues=self.catalogues,
            bound=tuple(item for item in self.bound if item.connector.name in chosen),
            servers={name: server for name, server in self.servers.items() if name in chosen},
            addresses={name: apart.address(c, self.place) for name, c in known.items()},
            beside=tuple(name for name in self.silent if name not in chosen),
        )
        return ready.without({name: self.silent[name] for name in chosen if name in self.silent})


def problems_of(error: ConfigurationError, connector: Connector) -> list[Problem]:
    """The error's own problems; one that is only a sentence is a problem of the connector's database."""
    if error.problems:
        return list(error.problems)
    found, _, write = error.message.partition("; ")
    return [Problem(file=connector.file, key="url", found=found, write=write or "mend it, or the url")]


def silence(connector: Connector, why: str, write: str = "") -> Problem:
    """A database that does not answer, as one problem among others. `write`: what to do, where that is known."""
    otherwise = "see that it is there and answers, or mend the url"
    return Problem(file=connector.file, key="url", found=why, write=write or otherwise)


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
        reached = [d for c in config.connectors.values() for d in c.datasets.values() if acts_on(rule, d)]
        if rule.acts and not any(d.connector in connectors for d in reached):
            here = ", ".join(f"`{name}`" for name in connectors)
            there = ", ".join(map(str, reached))
            raise UsageError(f"rule `{word}` reaches no dataset of connector {here}; it reaches: {there}")
