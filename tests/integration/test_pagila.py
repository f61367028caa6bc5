"""A real video shop: a partitioned table with its keys on the partitions, open rentals, triggers."""

from __future__ import annotations

import re

import pytest

from tests.support.stores import PostgresqlStore, changed
from tests.support.workplace import Workplace, adds_up, removed

AS_OF = "2026-11-22"
RENTALS = """
[datasets.rentals]
data   = "rentals"
table  = "rental"
events = { returned = "return_date" }
parts  = ["payment"]
"""
PAYMENTS = """
[datasets.payments]
data   = "payments"
table  = "payment"
events = { paid = "payment_date" }
"""
CUSTOMERS = """
[datasets.customers]
data   = "customers"
table  = "customer"
events = { last_return = { latest = ["create_date", "rental.return_date"] } }
"""
INDEXES = "CREATE INDEX ON rental (customer_id); CREATE INDEX ON payment (customer_id);"
LEAVES = [f"payment_p2022_0{month}" for month in range(1, 8)]
CUT = "timestamptz '2022-08-22 00:00:00+00'"
"""Four years and three months before the 22nd of November 2026."""


@pytest.fixture
def rentals(work: Workplace) -> Workplace:
    work.rule("rentals", 'data = "rentals"\nkeep = "4 years 3 months"\nfrom = "returned"')
    return work


def test_payments_without_an_index_on_the_reference_are_refused_until_it_is_made(
    rentals: Workplace, pagila: PostgresqlStore
) -> None:
    rentals.connect(pagila, RENTALS)

    (problem,) = rentals.problems()
    (statement,) = re.findall(r"CREATE INDEX .*?;", problem.write)

    assert problem.key == "datasets.rentals.table"
    assert "`public.payment.rental_id` refers to `public.rental` without an index" in problem.found
    assert statement == 'CREATE INDEX "payment_rental_id_idx" ON "public"."payment" ("rental_id");'
    pagila.script(statement)
    assert rentals.problems() == ()


def test_an_index_on_all_partitions_but_one_names_that_one(
    rentals: Workplace, pagila: PostgresqlStore
) -> None:
    pagila.script(";".join(f"CREATE INDEX ON {leaf} (rental_id)" for leaf in LEAVES[:-1]))
    rentals.connect(pagila, RENTALS)

    (problem,) = rentals.problems()

    assert 'ON "public"."payment_p2022_07" ("rental_id");' in problem.write


def test_rentals_go_with_their_payments_and_nothing_else(rentals: Workplace, pagila: PostgresqlStore) -> None:
    cut = "timestamptz '2022-07-22 00:00:00+00'"
    rentals.rule("rentals", 'data = "rentals"\nkeep = "4 years 4 months"\nfrom = "returned"')
    pagila.script("CREATE INDEX ON payment (rental_id)")
    rentals.connect(pagila, RENTALS)
    ((total, due, undated),) = pagila.rows(
        f"SELECT count(*), count(*) FILTER (WHERE return_date < {cut}),"
        " count(*) FILTER (WHERE return_date IS NULL) FROM rental"
    )
    by_leaf = dict(
        pagila.rows(
            "SELECT p.tableoid::regclass::text, count(*) FROM payment p JOIN rental r USING (rental_id)"
            f" WHERE r.return_date < {cut} GROUP BY 1"
        )
    )
    assert 0 < due < total
    assert undated == 183
    before = pagila.snapshot()

    job = rentals.job("rentals", as_of=AS_OF)
    outcome = rentals.run(as_of=AS_OF)

    assert rentals.fates("rentals", as_of=AS_OF) == {"not_due": total - due - 183, "undated": 183}
    assert (job.total, job.due, job.fates["undated"]) == (total, due, 183)
    assert removed(outcome) == job.rows == {"public.rental": due, "public.payment": sum(by_leaf.values())}
    assert outcome.jobs[0].status.value == "done"
    gone = {"rental": (due, 0)} | {leaf: (count, 0) for leaf, count in by_leaf.items()}
    assert changed(before, pagila.snapshot()) == gone


def test_allow_scan_lets_rentals_go_without_the_index(rentals: Workplace, pagila: PostgresqlStore) -> None:
    pagila.script(
        "CREATE INDEX soon_gone ON payment (rental_id); DELETE FROM payment WHERE rental_id % 400 <> 0;"
        "DELETE FROM rental WHERE rental_id % 400 <> 0; DROP INDEX soon_gone"
    )
    rentals.connect(pagila, RENTALS + "allow_scan = true")
    ((due,),) = pagila.rows(f"SELECT count(*) FROM rental WHERE return_date < {CUT}")
    assert due > 0

    outcome = rentals.run(as_of=AS_OF)

    assert outcome.jobs[0].done == due
    assert rentals.fates("rentals", as_of=AS_OF).get("due", 0) == 0


def test_payments_alone_go_leaf_by_leaf(
    work: Workplace, pagila: PostgresqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing refers to payments and their date is their own: they go in ranges of each leaf's pages."""
    from retention.connectors.sql import removers
    from retention.connectors.sql.batches import ways
    from retention.connectors.sql.batches.pages import PageRemover

    seen: list[str] = []

    class Watched(PageRemover):
        def window(self, after, size, *, sweep):
            found = super().window(after, size, sweep=sweep)
            if found is not None and found.pages is not None:
                seen.append(found.pages[0])
            return found

    for module in (removers, ways):
        monkeypatch.setattr(module, "PageRemover", Watched)
    work.rule("payments", 'data = "payments"\nkeep = "4 years 6 months"\nfrom = "paid"')
    work.connect(pagila, PAYMENTS)
    cut = "timestamptz '2022-05-22 00:00:00+00'"
    leaves = dict(
        pagila.rows(
            f"SELECT tableoid::regclass::text, count(*) FROM payment WHERE payment_date < {cut} GROUP BY 1"
        )
    )
    before = pagila.snapshot()

    job = work.job("payments", as_of=AS_OF)
    outcome = work.run(as_of=AS_OF)

    (done,) = outcome.jobs
    assert job.due == done.done == sum(leaves.values()) > 5_000
    assert adds_up(done)
    assert changed(before, pagila.snapshot()) == {leaf: (count, 0) for leaf, count in leaves.items()}
    assert {name.removeprefix("public.") for name in seen} >= set(leaves)


def test_one_payment_is_explained_by_its_composite_key(work: Workplace, pagila: PostgresqlStore) -> None:
    work.rule("payments", 'data = "payments"\nkeep = "4 years 6 months"\nfrom = "paid"')
    work.connect(pagila, PAYMENTS)
    ((paid, key),) = pagila.rows(
        "SELECT payment_date::text, payment_id FROM payment ORDER BY payment_date, payment_id LIMIT 1"
    )

    (view,) = work.explain("db.payments", f"{paid},{key}").rules

    assert view.fate == "due"
    assert view.event == paid[:10]


def test_customers_with_a_film_at_home_are_unclear(work: Workplace, pagila: PostgresqlStore) -> None:
    """A rental that was never returned is not one of long ago, unless a later return decides anyway."""
    as_of, cut = "2026-12-01", "timestamptz '2022-09-01 00:00:00+00'"
    pagila.script(INDEXES + "UPDATE customer SET create_date = '2021-05-01'")
    work.rule("customers", 'data = "customers"\nkeep = "4 years 3 months"\nfrom = "last_return"')
    work.connect(pagila, CUSTOMERS)
    ((recent, unclear, referenced),) = pagila.rows(
        "SELECT count(*) FILTER (WHERE late > 0), count(*) FILTER (WHERE late = 0 AND home > 0),"
        " count(*) FILTER (WHERE late = 0 AND home = 0) FROM (SELECT c.customer_id,"
        f" count(*) FILTER (WHERE r.return_date >= {cut}) late,"
        " count(*) FILTER (WHERE r.rental_id IS NOT NULL AND r.return_date IS NULL) home"
        " FROM customer c LEFT JOIN rental r USING (customer_id) GROUP BY 1) x"
    )
    assert min(recent, unclear, referenced) > 0

    fates = work.fates("customers", as_of=as_of)

    assert fates == {"not_due": recent, "unclear": unclear, "referenced": referenced}
    ((customer,),) = pagila.rows(
        "SELECT min(customer_id) FROM rental r WHERE return_date IS NULL AND NOT EXISTS (SELECT 1 FROM rental o"
        f" WHERE o.customer_id = r.customer_id AND o.return_date >= {cut})"
    )
    assert work.fate_of("db.customers", str(customer), as_of=as_of) == "unclear"


def test_customers_without_any_rental_go_by_their_own_date(work: Workplace, pagila: PostgresqlStore) -> None:
    pagila.script(
        INDEXES + "INSERT INTO customer (store_id, first_name, last_name, address_id, create_date, active)"
        " VALUES (1, 'A', 'Old', 1, '2021-05-01', 1), (1, 'A', 'New', 1, '2026-05-01', 1)"
    )
    work.rule("customers", 'data = "customers"\nkeep = "4 years 3 months"\nfrom = "last_return"')
    work.connect(pagila, CUSTOMERS)
    before = pagila.snapshot()

    outcome = work.run(as_of=AS_OF)

    assert outcome.jobs[0].done == 1
    assert changed(before, pagila.snapshot()) == {"customer": (1, 0)}


def test_a_partition_and_a_view_are_refused(work: Workplace, pagila: PostgresqlStore) -> None:
    work.rule("payments", 'data = "payments"\nkeep = "4 years"\nfrom = "paid"')
    for table, why in (
        ("payment_p2022_01", "is one partition"),
        ("customer_list", "is a view"),
        ("rental_by_category", "is a materialized view"),
    ):
        work.connect(pagila, PAYMENTS.replace('"payment"', f'"{table}"'))

        (problem,) = work.problems()

        assert why in problem.found


def test_an_address_goes_with_the_last_of_customers_staff_and_stores(
    work: Workplace, pagila: PostgresqlStore
) -> None:
    """Forty customers, at whose addresses staff and stores are too. One lives with a neighbour who stays, and two with
    each other."""
    pagila.script(
        INDEXES + "CREATE INDEX ON payment (rental_id);"
        "CREATE INDEX ON staff (address_id); CREATE INDEX ON store (address_id);"
        "UPDATE customer SET address_id = 104 WHERE customer_id = 3;"
        "UPDATE customer SET address_id = 9 WHERE customer_id = 4"
    )
    work.rule("customers", 'data = "customers"\nkeep = "1 year"\nfrom = "created"')
    parts = '["rental", { table = "payment", via = "rental_id" }, { table = "address", shared = "stays" }]'
    work.connect(
        pagila,
        '[datasets.customers]\ndata = "customers"\ntable = "customer"\nwhere = "customer_id <= 40"\n'
        f'events = {{ created = "create_date" }}\nparts = {parts}\n',
    )
    assert work.problems() == ()
    before = pagila.snapshot()
    houses = dict(pagila.rows("SELECT customer_id, address_id FROM customer"))

    job = work.job("customers", as_of=AS_OF)
    outcome = work.run(as_of=AS_OF)

    assert (job.due, job.fates["referenced"]) == (39, 1)  # a payment of another's for one of the rentals
    assert removed(outcome) == job.rows
    there = {address for (address,) in pagila.rows("SELECT address_id FROM address")}
    gone = set(houses) - {customer for (customer,) in pagila.rows("SELECT customer_id FROM customer")}
    wanted = [
        row
        for table in ("staff", "store", "customer")
        for row in pagila.rows(f"SELECT address_id FROM {table}")
    ]
    expected = {houses[customer] for customer in gone} - {address for (address,) in wanted}
    assert set(houses.values()) - there == expected
    assert len(expected) == job.rows["public.address"] > 0
    assert houses[4] == houses[5]
    changes = changed(before, pagila.snapshot())
    assert changes["address"] == (len(expected), 0)
    assert set(changes) - {"customer", "rental", "address"} <= set(LEAVES)
