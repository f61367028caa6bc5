"""Where a run was not what its plan said, though nobody changed anything."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retention.engine.pace import Pace
from retention.verbs import execution
from tests.oracles import databases
from tests.oracles.companies import Company, Table
from tests.oracles.comparing import plan_differences, run_differences
from tests.oracles.fate import Component, Dataset, Reference, Row, Rule, World
from tests.oracles.stores import Shop


@pytest.fixture(scope="module", params=databases.SHOPS)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = databases.opened(request.param, tmp_path_factory.mktemp("shop"))
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return databases.template_state(tmp_path_factory.mktemp("template"))


def table(name: str, *references: Reference) -> Table:
    referring = {column: "integer" for reference in references for column in reference.columns}
    return Table(
        name=name,
        columns={"id": "integer", "at": "text"} | referring,
        references=list(references),
        on_delete={reference.name: "" for reference in references},
    )


def small(
    tables: dict[Table, list[Row]], datasets: list[Dataset], keeps: dict[str, tuple[str, int]]
) -> Company:
    made = {t.name: t for t in tables}
    rules = [
        Rule(
            name=name,
            data=name,
            event="end",
            months=months,
            days=0,
            unit="next day",
            fiscal_year_end=(12, 31),
            zone="UTC",
        )
        for name, (_, months) in keeps.items()
    ]
    world = World(
        tables={t.name: rows for t, rows in tables.items()},
        references=[reference for t in made.values() for reference in t.references],
        datasets=datasets,
        rules=rules,
        zone="UTC",
        as_of=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return Company(
        family="",
        tables=made,
        world=world,
        keeps={name: text for name, (text, _) in keeps.items()},
        via={},
        only=(),
    )


def dataset(name: str, *path: Reference) -> Dataset:
    component = Component(column="at", kind="text", path=tuple((reference, True) for reference in path))
    return Dataset(name=f"the-{name}", data=name, table=name, key=("id",), events={"end": (component,)})


def of(table: str, target: str) -> Reference:
    return Reference(table=table, columns=("of_id",), target=target, target_columns=("id",))


def left_as_planned(shop: Shop, template: Path, company: Company) -> list[str]:
    shop.build(company)
    said = shop.asked(company)
    assert plan_differences(company, said) == []
    shop.carried_out(company, template)
    return run_differences(company, shop, [(job.rule, job.dataset) for job in said])


def test_a_record_that_waits_for_one_of_its_own_dataset_takes_nobodys_place(
    shop: Shop, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1 refers to 2, and both go with 3: in batches of one record, 2 after 1 and none instead of another."""
    monkeypatch.setattr(execution, "Pace", functools.partial(Pace, size=1))
    up = of("orders", "orders")
    rows = [{"id": n, "at": "2001-01-01", "of_id": 2 if n == 1 else None} for n in (1, 2, 3)]
    company = small({table("orders", up): rows}, [dataset("orders")], {"orders": ("1 year", 12)})
    assert left_as_planned(shop, template, company) == []


@pytest.mark.parametrize("keep", [("1 month", 1), ("5 years", 60)], ids=lambda keep: keep[0])
def test_what_a_record_counts_from_is_not_removed_under_it(
    shop: Shop, template: Path, keep: tuple[str, int]
) -> None:
    """An owner counts from the last order, whose own rule is shorter: planned as due, and not undated for ever
    once the order is gone; or planned as kept, and not due in the very run."""
    link = of("orders", "owners")
    orders = [
        {"id": 1, "at": "2025-06-01", "of_id": 1},
        {"id": 2, "at": "2001-01-01", "of_id": 2},
    ]
    owners = [{"id": 1, "at": "2001-01-01"}, {"id": 2, "at": "2001-01-01"}]
    seen = dataset("owners", link)
    own = Component(column="at", kind="text")
    if keep[1] > 12:
        seen = Dataset(**{**vars(seen), "events": {"end": (own, *seen.events["end"])}})
    company = small(
        {table("owners"): owners, table("orders", link): orders},
        [dataset("orders"), seen],
        {"orders": ("1 month", 1), "owners": keep},
    )
    assert left_as_planned(shop, template, company) == []
