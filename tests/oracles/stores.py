"""A company put into a real database, and what the engine says and does there."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from retention.config import load
from retention.connectors.port import Counts
from retention.connectors.sql.statements import Statements
from retention.errors import UnreachableError
from retention.model.outcome import RunOutcome
from retention.model.place import Place
from retention.model.plan import JobPlan
from retention.model.progress import NoProgress
from retention.planning.work import Work
from retention.verbs import run as run_verb
from retention.verbs.prepared import Prepared, prepared
from retention.verbs.spoken import NO_WORDS, worked
from tests.oracles.companies import Company, Table
from tests.oracles.files import connector_text, policy_text


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the engine says of one job. `strictly`: the keys that a batch would take of the data as it is.

    `prefix` is what stands before each table's name.
    """

    rule: str
    dataset: str
    prefix: str
    plan: JobPlan | None
    fates: dict[tuple[Any, ...], str]
    overdue: frozenset[tuple[Any, ...]]
    strictly: frozenset[tuple[Any, ...]]
    shown: dict[tuple[Any, ...], str]


def tomorrow(as_of: datetime) -> datetime:
    return as_of + timedelta(days=1)


class TooDeepError(Exception):
    """SQLite before 3.46 reads SQL with a stack of a hundred symbols, and this plan's needs more."""


@contextlib.contextmanager
def reading_deeply() -> Iterator[None]:
    try:
        yield
    except UnreachableError as error:
        if "parser stack overflow" in error.message:
            raise TooDeepError from error
        raise


class Shop:
    """A place with configuration files and one database.

    `schema` is named in the files where there is one; `prefix` is what the engine puts before a table's name.
    """

    family: str
    schema: str | None = None
    prefix = ""
    tables: Mapping[str, Table] | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = Place(
            config=folder / "policies.toml",
            connectors=folder / "connectors",
            state=None,
            environ={},
        )
        self.place.connectors.mkdir(parents=True, exist_ok=True)

    url: str

    def build(self, company: Company) -> None:
        """The company's tables and rows alone, and the files that go with them. Tables that are those of the company
        before are emptied and filled."""
        self.place.config.write_text(policy_text(company))
        text = connector_text(company, self.url, self.schema)
        (self.place.connectors / "shop.toml").write_text(text)
        self.fill(company, new=company.tables is not self.tables)
        self.tables = company.tables

    def fill(self, company: Company, *, new: bool) -> None:
        """Makes the tables where they are `new`."""
        raise NotImplementedError

    def keys(self, table: Table) -> set[tuple[Any, ...]]:
        """The keys of the rows that are there."""
        raise NotImplementedError

    def forget_markers(self) -> None:
        """Makes the marker table, empty."""
        raise NotImplementedError

    def make_marker_table(self) -> None:
        with prepared(self.place, load(self.place.config, self.place.connectors, environ={})) as ready:
            ready.targets["shop"].create_marker_table()

    def close(self) -> None:
        """Drops the database."""

    # -- the engine --------------------------------------------------------------------------

    def asked(self, company: Company, *, briefly: bool = False) -> list[Said]:
        """The plan of every job, in the order of the run; briefly: fates alone."""
        config = load(self.place.config, self.place.connectors, environ={})
        as_of = company.world.as_of
        with reading_deeply(), prepared(self.place, config) as ready:
            works = worked(ready, ready.jobs(company.only), as_of, NO_WORDS)
            counts: dict[str, Counts] = {}
            for dataset in () if briefly else dict.fromkeys(str(work.bound) for work in works):
                here = [work for work in works if str(work.bound) == dataset]
                found = ready.targets["shop"].count(here, NoProgress()).jobs
                counts |= {work.job.name: each for work, each in zip(here, found, strict=True)}
            return [
                self._said(ready, work, None if briefly else as_of, counts.get(work.job.name))
                for work in works
            ]

    def _said(
        self, ready: Prepared, work: Work, counted_as_of: datetime | None, counts: Counts | None
    ) -> Said:
        target: Any = ready.targets["shop"]
        statements = Statements(target._dialect, work)
        test, key = statements.compiler.test, statements.key_columns
        unasked = (
            counted_as_of is None or work.bound.entangled
        )  # a batch asks it of the keys that it has in hand
        strictly = sa.false() if unasked else test(work.still_due)
        query = sa.select(statements.compiler.choice(work.fate), statements.late, strictly, *key)
        query = query.select_from(statements.root).where(test(work.records)).order_by(*key)
        with target._reader("reading fates") as connection:
            rows = connection.execute(query).fetchall()
        fates = {tuple(row[3:]): row[0] for row in rows}
        plan, shown = None, {}
        if counted_as_of is not None and counts is not None:
            plan = ready.job_plan(work, counts, counted_as_of)
            for found in list(fates)[len(fates) // 2 :][:1] if len(fates) % 3 == 0 else ():
                view = target.record(work, ",".join(map(str, found)))
                shown[found] = "nothing" if view is None else view.fate
        return Said(
            rule=work.job.rule.name,
            dataset=work.bound.dataset.name,
            prefix=self.prefix,
            plan=plan,
            fates=fates,
            overdue=frozenset(tuple(row[3:]) for row in rows if row[1] and row[0] in ("due", "referenced")),
            strictly=frozenset(tuple(row[3:]) for row in rows if row[2]),
            shown=shown,
        )

    def carried_out(self, company: Company, template: Path) -> RunOutcome:
        """A run as of the company's day, with a state store of its own."""
        state = self.folder / "state"
        shutil.rmtree(state, ignore_errors=True)
        shutil.copytree(template, state)
        self.forget_markers()
        return run_verb.run(
            self.place,
            rules=company.only,
            as_of=company.world.as_of.astimezone(UTC).isoformat(timespec="microseconds"),
            by="oracle",
            clock=lambda: datetime.now(UTC),
            progress=NoProgress(),
        )
