"""A real shop's invoices and customers, the same rows on every database."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.support.stores import Store, changed
from tests.support.workplace import Workplace, adds_up, removed


@dataclass(frozen=True, kw_only=True)
class Names:
    """What one database calls the tables."""

    invoice: str
    line: str
    customer: str
    toml: str


SNAKE = Names(
    invoice="public.invoice",
    line="public.invoice_line",
    customer="public.customer",
    toml="""
    [datasets.invoices]
    data   = "invoices"
    table  = "invoice"
    events = { booked = "invoice_date" }
    parts  = ["invoice_line"]
    """,
)
CAMEL = Names(
    invoice="Invoice",
    line="InvoiceLine",
    customer="Customer",
    toml="""
    [datasets.invoices]
    data   = "invoices"
    table  = "Invoice"
    events = { booked = "InvoiceDate" }
    parts  = ["InvoiceLine"]
    """,
)
CUSTOMERS = {
    "sqlite": """
    [datasets.customers]
    data   = "customers"
    table  = "Customer"
    events = { last_order = "Invoice.InvoiceDate" }
    """,
    "mariadb": """
    [datasets.customers]
    data   = "customers"
    table  = "Customer"
    events = { last_order = "Invoice.InvoiceDate" }
    """,
    "postgresql": """
    [datasets.customers]
    data   = "customers"
    table  = "customer"
    events = { last_order = "invoice.invoice_date" }
    """,
}
INVOICES = 'data = "invoices"\nkeep = "5 years"\nfrom = "booked"'
INACTIVE = 'data = "customers"\nkeep = "12 months"\nfrom = "last_order"'


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def shop(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(f"chinook_{request.param}")
    return found


@pytest.fixture
def names(shop: Store) -> Names:
    if shop.kind == "postgresql":
        return SNAKE
    names = (shop.place + name for name in (CAMEL.invoice, CAMEL.line, CAMEL.customer))
    return Names(**dict(zip(("invoice", "line", "customer"), names, strict=True)), toml=CAMEL.toml)


@pytest.fixture
def invoices(work: Workplace, shop: Store, names: Names) -> Workplace:
    work.connect(shop, names.toml)
    return work


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    ("keys", "as_of", "due", "lines"),
    [
        ("", "2026-11-22", 75, 415),
        ('starts = "after fiscal year"\nfiscal_year_end = "06-30"', "2026-11-22", 41, 226),
        ('starts = "after fiscal year"\nfiscal_year_end = "12-31"', "2026-11-22", 0, 0),
        ('starts = "after fiscal year"\nfiscal_year_end = "12-31"', "2026-12-31", 0, 0),
        ('starts = "after fiscal year"\nfiscal_year_end = "12-31"', "2027-01-01", 83, 454),
        ('starts = "after calendar year"', "2027-01-01", 83, 454),
    ],
)
def test_invoices_are_due_five_years_after(
    invoices: Workplace, names: Names, keys: str, as_of: str, due: int, lines: int
) -> None:
    invoices.rule("invoices", f"{INVOICES}\n{keys}")

    job = invoices.job("invoices", as_of=as_of)

    assert (job.total, job.due, job.fates["not_due"]) == (412, due, 412 - due)
    assert job.rows == ({names.invoice: due, names.line: lines} if due else {})


def test_a_run_removes_what_its_plan_said_and_nothing_else(
    invoices: Workplace, shop: Store, names: Names
) -> None:
    invoices.rule("invoices", INVOICES)
    before = shop.snapshot()
    planned = invoices.job("invoices")

    outcome = invoices.run()

    (job,) = outcome.jobs
    assert (outcome.status, job.done, job.left, adds_up(job)) == ("done", 75, 0, True)
    assert removed(outcome) == planned.rows == {names.invoice: 75, names.line: 415}
    short = {table.rpartition(".")[2]: (rows, 0) for table, rows in planned.rows.items()}
    assert changed(before, shop.snapshot()) == short
    again = invoices.job("invoices")
    assert (again.total, again.due, again.rows) == (337, 0, {})
    second = invoices.run()
    assert second.status == "nothing"
    assert changed(before, shop.snapshot()) == short


def test_the_rows_that_stay_are_those_that_plain_sql_names(
    invoices: Workplace, shop: Store, names: Names
) -> None:
    invoices.rule("invoices", INVOICES)
    day, key = ("InvoiceDate", "InvoiceId") if shop.kind != "postgresql" else ("invoice_date", "invoice_id")
    table = names.invoice.rpartition(".")[2]
    kept = shop.rows(f"SELECT {key} FROM {table} WHERE {day} >= '2021-11-22 00:00:00' ORDER BY 1")

    invoices.run()

    assert shop.rows(f"SELECT {key} FROM {table} ORDER BY 1") == kept


def test_all_databases_keep_the_same_books(
    work: Workplace,
    chinook_sqlite: Store,
    chinook_postgresql: Store,
    chinook_mariadb: Store,
) -> None:
    """One run over the three: same fates, same survivors, and the ledger's sums are the same."""
    work.connect(chinook_sqlite, CAMEL.toml, name="lite")
    work.connect(chinook_postgresql, SNAKE.toml, name="server")
    work.connect(chinook_mariadb, CAMEL.toml, name="maria")
    work.rule("invoices", INVOICES)

    # Booked before 22 October 2021, an invoice was due before 22 October 2026: more than a month ago.
    ((late,),) = chinook_postgresql.rows(
        "SELECT count(*) FROM invoice WHERE invoice_date < timestamp '2021-10-22'"
    )
    plan = work.plan()
    outcome = work.run()

    first, *others = plan.jobs
    assert [(j.fates, j.overdue, j.oldest) for j in others] == [
        (first.fates, first.overdue, first.oldest)
    ] * 2
    assert late == first.overdue > 0
    assert [(j.done, j.overdue) for j in outcome.jobs] == [(75, first.overdue)] * 3
    assert chinook_mariadb.rows("SELECT InvoiceId, Total FROM Invoice ORDER BY 1") == chinook_postgresql.rows(
        "SELECT invoice_id, total FROM invoice ORDER BY 1"
    )
    assert chinook_sqlite.rows("SELECT InvoiceId, Total FROM Invoice ORDER BY 1") == [
        (key, float(total))
        for key, total in chinook_postgresql.rows("SELECT invoice_id, total FROM invoice ORDER BY 1")
    ]
    sums: dict[str, list[int]] = {}
    for event in work.events():
        if event["type"] == "batch.committed":
            batch = event["data"]
            here = sums.setdefault(batch["job"], [0, 0])
            here[0] += batch["count"]
            here[1] += sum(batch["rows"].values())
    assert sorted(sums.values()) == [[75, 490]] * 3


def test_customers_wait_for_their_invoices(work: Workplace, shop: Store, names: Names) -> None:
    work.connect(shop, CUSTOMERS[shop.kind])
    work.rule("inactive", INACTIVE)

    job = work.job("inactive")

    assert work.fates("inactive") == {"not_due": 7, "referenced": 52}
    column = "CustomerId" if shop.kind != "postgresql" else "customer_id"
    assert job.referenced_by == {f"{names.invoice}.{column}": 52}
    recent = {
        key
        for (key,) in shop.rows(
            f"SELECT {column} FROM {names.invoice.rpartition('.')[2]} WHERE"
            f" {'invoice_date' if shop.kind == 'postgresql' else 'InvoiceDate'} >= '2025-11-22 00:00:00'"
        )
    }
    assert len(recent) == 7
    for key in [*recent, *sorted({*range(1, 60)} - recent)[:7]]:
        assert work.fate_of("db.customers", str(key)) == ("not_due" if key in recent else "referenced")
    assert work.run().status == "nothing"


def test_explain_names_the_rows_that_keep_a_customer(work: Workplace, shop: Store, names: Names) -> None:
    work.connect(shop, CUSTOMERS[shop.kind])
    work.rule("inactive", INACTIVE)
    key, count = (
        ("CustomerId", "InvoiceDate") if shop.kind != "postgresql" else ("customer_id", "invoice_date")
    )
    table = names.invoice.rpartition(".")[2]
    ((customer, invoices, last),) = shop.rows(
        f"SELECT {key}, count(*), max({count}) FROM {table} GROUP BY {key} ORDER BY max({count}), {key} LIMIT 1"
    )

    (view,) = work.explain("db.customers", str(customer)).rules

    (stopper,) = view.stopped_by
    assert (stopper.kind, stopper.by, stopper.count) == ("referenced", f"{names.invoice}.{key}", invoices)
    assert len(stopper.rows) == 5
    assert view.event == str(last)[:10]
    (component,) = view.components
    assert (component.state, (component.value or "")[:10]) == ("past", str(last)[:10])


def test_customers_go_after_their_invoices_in_the_same_run(
    work: Workplace, shop: Store, names: Names
) -> None:
    work.connect(shop, CUSTOMERS[shop.kind] + names.toml)
    work.rule("inactive", INACTIVE)
    work.rule("invoices", INVOICES.replace("5 years", "1 month"))
    line = names.line.rpartition(".")[2]
    invoice = names.invoice.rpartition(".")[2]
    customer = names.customer.rpartition(".")[2]
    before = shop.snapshot()

    plan = work.plan()
    outcome = work.run()

    assert [job.rule for job in plan.jobs] == ["invoices", "inactive"]
    assert {job.rule: job.due for job in plan.jobs} == {"invoices": 412, "inactive": 52}
    assert {job.rule: job.done for job in outcome.jobs} == {"invoices": 412, "inactive": 52}
    assert changed(before, shop.snapshot()) == {customer: (52, 0), invoice: (412, 0), line: (2240, 0)}


def test_a_customer_with_one_invoice_that_stays_stays(work: Workplace, shop: Store, names: Names) -> None:
    work.connect(shop, CUSTOMERS[shop.kind] + names.toml)
    work.rule("inactive", INACTIVE)
    work.rule("invoices", INVOICES.replace("5 years", "2 years"))
    key, day = ("CustomerId", "InvoiceDate") if shop.kind != "postgresql" else ("customer_id", "invoice_date")
    invoice, customer = (t.rpartition(".")[2] for t in (names.invoice, names.customer))
    ((free,),) = shop.rows(
        f"SELECT count(*) FROM {customer} c WHERE NOT EXISTS (SELECT 1 FROM {invoice} i"
        f" WHERE i.{key} = c.{key} AND i.{day} >= '2024-11-22 00:00:00')"
    )
    ((recent,),) = shop.rows(
        f"SELECT count(DISTINCT {key}) FROM {invoice} WHERE {day} >= '2025-11-22 00:00:00'"
    )
    assert free > 0

    assert work.fates("inactive") == {"due": free, "not_due": recent, "referenced": 59 - free - recent}
    outcome = work.run()

    assert {job.rule: job.done for job in outcome.jobs}["inactive"] == free
    assert shop.rows(f"SELECT count(*) FROM {customer}") == [(59 - free,)]


def test_one_rule_alone_does_not_count_on_what_the_other_would_remove(
    work: Workplace, shop: Store, names: Names
) -> None:
    work.connect(shop, CUSTOMERS[shop.kind] + names.toml)
    work.rule("inactive", INACTIVE)
    work.rule("invoices", INVOICES.replace("5 years", "1 month"))
    before = shop.snapshot()

    (job,) = work.plan("inactive").jobs
    outcome = work.run("inactive")

    assert (job.due, job.fates["referenced"]) == (0, 52)
    assert outcome.status == "nothing"
    assert changed(before, shop.snapshot()) == {}


def test_a_customer_who_orders_again_while_the_old_invoices_go_stays(
    work: Workplace, shop: Store, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was due by rows that are gone by now is looked at again: a new invoice keeps its customer."""
    work.connect(shop, CUSTOMERS[shop.kind] + names.toml)
    work.rule("inactive", INACTIVE)
    work.rule("invoices", INVOICES.replace("5 years", "1 month"))
    invoice, customer = (t.rpartition(".")[2] for t in (names.invoice, names.customer))
    columns = "InvoiceId, CustomerId, InvoiceDate, Total"
    key = "CustomerId"
    if shop.kind == "postgresql":
        columns, key = "invoice_id, customer_id, invoice_date, total", "customer_id"
    ((inactive,),) = shop.rows(
        f"SELECT min({key}) FROM {customer} WHERE {key} NOT IN (SELECT {key} FROM {invoice}"
        f" WHERE {columns.split(', ')[2]} >= '2025-11-22 00:00:00')"
    )
    from retention.connectors.sql.target import SqlTarget

    remover = SqlTarget.remover

    def ordering(target, item, *given, **ways):
        if item.job.rule.name == "inactive":
            shop.script(
                f"INSERT INTO {invoice} ({columns}) VALUES (9999, {inactive}, '2026-11-22 11:00:00', 1)"
            )
        return remover(target, item, *given, **ways)

    monkeypatch.setattr(SqlTarget, "remover", ordering)

    outcome = work.run()

    (job,) = [j for j in outcome.jobs if j.rule == "inactive"]
    assert (job.planned, job.done, job.skipped.changed) == (52, 51, 1)
    assert shop.rows(f"SELECT count(*) FROM {customer} WHERE {key} = {inactive}") == [(1,)]


def test_a_canary_takes_the_oldest_of_both_jobs(work: Workplace, shop: Store, names: Names) -> None:
    work.connect(shop, CUSTOMERS[shop.kind] + names.toml)
    work.rule("inactive", INACTIVE)
    work.rule("invoices", INVOICES.replace("5 years", "1 month"))

    outcome = work.run(limit=400)

    done = {job.rule: (job.done, job.left + job.skipped.changed) for job in outcome.jobs}
    assert done["invoices"] == (400, 12)
    assert 0 < done["inactive"][0] < 52
    assert sum(done["inactive"]) == 52
