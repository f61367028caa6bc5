"""`vault create`: the tables that a dataset's restricted records are moved to, made or printed."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from retention.config import Configuration
from retention.config.connecting import urls
from retention.connectors.port import Target
from retention.connectors.sql.opening import open_target
from retention.errors import ConfigurationError, SetupError, UsageError
from retention.model.dataset import Connector, Dataset
from retention.model.overview import SetUp
from retention.model.place import Place
from retention.model.script import Script
from retention.planning.binding.bind import bind
from retention.planning.binding.reach import qualified
from retention.planning.binding.vault_tables import NewTable, ambiguous, new_schemas, new_tables
from retention.verbs.checking.granting import ROLE
from retention.verbs.opening.configured import configuration

REVIEWERS = "vault_reviewers"
"""The role of people who look at restricted records, in what is printed."""


def create_vault(place: Place, *, dataset: str) -> SetUp:
    """Makes the tables of the vault `CONNECTOR.DATASET` that are missing; a line for each.

    UsageError for a dataset that is no vault; ConfigurationError where the dataset whose records are moved there is not
    right itself; SetupError, with what to type, where the role may not make tables.
    """
    config = configuration(place)
    connector, vault = named_vault(config, dataset)
    with closing(open_target(connector, place.environ)) as target:
        wanted = _wanted(connector, vault, target)
        statements, _ = target.vault_statements(wanted.tables, wanted.schemas, ROLE, REVIEWERS)
        try:
            target.make(statements, f"the tables of {vault}")
        except SetupError as error:
            advice = f"let its owner make them: retention vault create {vault} --ddl prints them"
            raise SetupError(f"{error.message}; {advice}") from error
    lines = [
        f"{qualified(table.id, wanted.mark)}: "
        + ("is there already; left as it is" if table.there else "made")
        for table in wanted.tables
    ]
    return SetUp(lines=(*lines, "next: retention check, which compares every column"))


def vault_script(place: Place, *, dataset: str) -> Script:
    """The same as statements for somebody else to run, with the grants; nothing is made."""
    config = configuration(place)
    connector, vault = named_vault(config, dataset)
    with closing(open_target(connector, place.environ)) as target:
        wanted = _wanted(connector, vault, target)
        statements, grants = target.vault_statements(wanted.tables, wanted.schemas, ROLE, REVIEWERS)
    url = urls.address(connector.url, connector.password, connector.folder, place.environ)
    who = (
        f"{REVIEWERS}: whoever looks at restricted records.",
        "INSERT on the record's own tables is for vault release.",
    )
    return Script(
        database=connector.name,
        where=connector.url.shown,
        family=url.family,
        notes=(
            f"The tables that restricted records of {connector.name}.{vault.vault_of} are moved to;"
            " retention check compares every column.",
            *(() if statements else ("Every table is there already: there is nothing to be made.",)),
            *(who if grants else ()),
        ),
        statements=statements,
        grants=grants,
    )


def named_vault(config: Configuration, dataset: str) -> tuple[Connector, Dataset]:
    """The connector and the vault of this name; UsageError for a dataset that is none."""
    vaults = [
        (connector, each)
        for connector in config.connectors.values()
        for each in connector.datasets.values()
        if each.vault_of is not None
    ]
    for connector, each in vaults:
        if str(each) == dataset:
            return connector, each
        if each.source == dataset:
            raise UsageError(f"`{dataset}` is no vault, but has one; type: {each}")
    there = f"there are: {', '.join(str(each) for _, each in vaults)}" if vaults else "there is none"
    raise UsageError(
        f'`{dataset}` is no vault; {there}. A dataset names its own: restrict = {{ to = "DATASET" }}'
    )


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """The vault's tables, the schemas that they lie in, and what names are quoted with."""

    tables: tuple[NewTable, ...]
    schemas: tuple[str, ...]
    mark: str


def _wanted(connector: Connector, vault: Dataset, target: Target) -> _Wanted:
    catalogue = target.catalogue()
    bound, problems = bind(connector, catalogue)
    source = next((item for item in bound if item.dataset.name == vault.vault_of), None)
    if source is None:
        place = f"datasets.{vault.vault_of}."
        mine = [problem for problem in problems if f"{problem.key}.".startswith(place)]
        raise ConfigurationError(problems=mine or problems)
    tables = new_tables(source, vault, catalogue)
    problems = tuple(ambiguous(source, tables, catalogue))
    if problems:
        raise ConfigurationError(problems=problems)
    return _Wanted(tables=tables, schemas=new_schemas(tables, catalogue), mark=catalogue.quote)
