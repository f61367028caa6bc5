"""What a target says of its database and of one job's records; nothing is written."""

import dataclasses
import time
from datetime import UTC, datetime, timedelta

import pytest

from retention.connectors.port import Sight
from retention.connectors.sql import counting
from retention.errors import InterruptedRun, UsageError
from retention.model import predicate as p
from retention.model.progress import NoProgress
from retention.planning.fates.reasons import Questions, Rows
from tests.contract.target import schema
from tests.contract.target.adapters import ADAPTERS
from tests.contract.target.sites import removed, rows_by_name, whole, windows


def counts(site, stop=lambda: False):
    return site.target.count((site.work,), NoProgress(), stop).jobs[0]


def table(site, name=None):
    [found] = [id_ for id_ in site.target.catalogue().tables if id_.name == (name or site.dataset)]
    return found


# -- the database --------------------------------------------------------------------------


def test_it_is_known_by_its_connector_s_name(visits):
    assert visits.target.name == "shop"
    assert visits.target.own_clock is visits.adapter.row_locks


def test_the_identity_is_the_same_for_every_run(visits):
    first = visits.target.identity()
    assert visits.open().target.identity() == first
    assert "change-me" not in first


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_another_database_has_another_identity(name, own, tmp_path):
    one = own(name)
    database = one.adapter.database(tmp_path)
    other = type(one)(tmp_path, one.adapter, database, "visits").make().open()
    try:
        assert one.target.identity() != other.target.identity()
    finally:
        other.close()
        one.adapter.vanish(database)


def test_the_catalogue_has_tables_keys_and_references(orders):
    catalogue = orders.target.catalogue()
    by_name = {id_.name: item for id_, item in catalogue.tables.items()}
    assert {"orders", "orders_items", "orders_labels", "complaints"} <= by_name.keys()
    assert by_name["orders"].key == ("id",)
    found = {(r.table.name, r.columns, r.target.name, r.target_columns) for r in catalogue.references}
    assert {
        ("orders_items", ("above",), "orders", ("id",)),
        ("orders_labels", ("above",), "orders_items", ("id",)),
        ("complaints", ("order_id",), "orders", ("id",)),
    } <= found


def test_the_catalogue_is_the_live_one_at_each_start(bookings):
    assert {id_.name: item.key for id_, item in bookings.target.catalogue().tables.items()}["bookings"] == (
        "room",
        "night",
    )
    bookings.database.run("CREATE TABLE more (id integer PRIMARY KEY)")
    assert table(bookings.open(), "more")


def test_the_clock_is_aware(visits):
    now = visits.target.now()
    assert now.tzinfo is not None
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_database_that_can_be_written_has_no_reason_why_not(visits):
    assert visits.target.read_only() is None


def test_a_database_that_can_not_be_written_says_why(visits, monkeypatch):
    with visits.adapter.unwritable(visits.database, monkeypatch) as words:
        assert words in visits.target.read_only()


def test_closing_twice_is_allowed(visits):
    visits.target.identity()
    visits.target.close()
    visits.target.close()


def test_closing_lets_every_connection_go(served):
    with served.remover() as remover:
        whole(remover)
    counts(served)
    served.target.close()
    for _ in range(100):
        if not served.adapter.sessions(served.database):
            return
        time.sleep(0.05)
    pytest.fail("a session is still there")


# -- a look at a table ---------------------------------------------------------------------


def looked(site, columns, most):
    tables = site.target.catalogue().tables
    return site.target.look(tables[table(site)], columns, most)


@pytest.mark.parametrize("most", [1, 14, 15, 16])
def test_rows_are_counted_up_to_a_number(visits, most):
    found = looked(visits, (), most)
    assert (found.rows, found.whole, dict(found.columns)) == (min(most, 15), most >= 15, {})


def test_a_column_is_looked_at_in_a_small_table_with_its_nulls(visits):
    visits.database.run("INSERT INTO visits VALUES (201, NULL, NULL), (202, NULL, 'y')")
    seen = looked(visits, ("id", "seen"), 100).columns
    assert (seen["id"].first, seen["id"].last, seen["id"].nulls) == ("1", "202", 0)
    assert (seen["seen"].first[:10], seen["seen"].last[:10]) == ("2015-03-22", "2026-11-01")
    assert seen["seen"].nulls == 2


def test_a_column_of_a_large_table_is_looked_at_where_an_index_leads_with_it(bookings):
    """Of the key (room, night) only the first column leads."""
    seen = looked(bookings, ("room", "night", "seen"), 2).columns
    assert {name: (each.last[:10], each.nulls) for name, each in seen.items()} == {
        "room": ("20", None),
        "seen": ("2026-11-01", None),
    }


def test_a_column_without_values_has_no_ends(visits):
    visits.database.run("UPDATE visits SET note = NULL")
    seen = looked(visits, ("note",), 100).columns["note"]
    assert (seen.first, seen.last, seen.nulls) == (None, None, 15)


def test_a_look_that_is_not_allowed_is_none(visits):
    catalogue = visits.target.catalogue()
    visits.database.run("DROP TABLE visits")
    assert visits.target.look(catalogue.tables[table(visits)], ("seen",), 100) is None


# -- a clock as a whole --------------------------------------------------------------------


def sighted(site, year):
    tables = site.target.catalogue().tables
    column = tables[table(site)].columns["seen"]
    field = p.Field(
        source=p.Source(table=table(site), alias="r"), column="seen", kind=column.kind, type=column.type
    )
    lines = (datetime(y, 1, 1, tzinfo=UTC) for y in (1971, year))
    return site.target.sight(
        field, *(p.Line(day=at.date(), instant=at, naive=at.replace(tzinfo=None)) for at in lines)
    )


def test_a_clock_of_which_something_has_passed_is_not_counted(visits):
    assert sighted(visits, 2020) == Sight(past=True)


def test_a_clock_of_which_nothing_has_passed_is_counted(visits):
    visits.database.run("INSERT INTO visits VALUES (201, NULL, NULL), (202, '1970-01-01', 'y')")
    assert sighted(visits, 2014) == Sight(past=False, ahead=15, unclear=1)


# -- counting ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 4, 15, 16])
def test_every_record_is_counted_in_one_fate_whatever_the_ranges(site, monkeypatch, size):
    monkeypatch.setattr(counting, "RANGE", size)
    found = counts(site)
    assert {fate: n for fate, n in found.fates.items() if n} == {
        "due": len(schema.DUE),
        "not_due": len(schema.NOT_DUE),
    }
    assert found.overdue == len(schema.OVERDUE)
    assert found.oldest == schema.day(schema.OVERDUE[-1])
    assert rows_by_name(found.rows) == schema.rows_of(site.dataset, len(schema.DUE))
    assert dict(found.referenced_by) == {}


def test_records_of_every_fate_add_up(orders):
    orders.database.run(
        "INSERT INTO complaints VALUES (1, 5), (2, 5), (3, 6), (4, 101)",
        "INSERT INTO orders VALUES (201, NULL), (202, '1970-01-01')",
    )
    found = counts(orders)
    assert {fate: n for fate, n in found.fates.items() if n} == {
        "due": 10,
        "referenced": 2,
        "not_due": 3,
        "undated": 1,
        "unclear": 1,
    }
    assert sum(found.referenced_by.values()) == 2


def test_counting_writes_nothing_and_can_not(site):
    before = site.rows()
    counts(site)
    assert site.rows() == before


def test_counting_stops_between_two_ranges(site, monkeypatch):
    monkeypatch.setattr(counting, "RANGE", 4)
    asked = []

    def stop():
        asked.append(1)
        return len(asked) == 3

    before = site.rows()
    with pytest.raises(InterruptedRun):
        counts(site, stop)
    assert len(asked) == 3
    assert site.rows() == before


def test_rows_of_a_table_are_counted(site):
    for name in (site.dataset, *schema.parts_of(site.dataset)):
        assert site.target.rows(table(site, name)) == len(site.database.rows(f"SELECT * FROM {name}"))


# -- one record ----------------------------------------------------------------------------


def typed(site, n):
    return ",".join(map(str, site.key(n)))


def test_a_record_is_found_by_its_key_as_typed(site):
    due, recent = (site.target.record(site.work, typed(site, n)) for n in (3, 101))
    assert (due.fate, due.overdue) == ("due", True)
    assert (recent.fate, recent.overdue) == ("not_due", False)
    assert rows_by_name(due.parts) == dict.fromkeys(schema.parts_of(site.dataset), 2)
    assert dict(due.referring) == {} or site.dataset == "accounts"


def test_what_is_asked_of_a_record_is_answered_by_the_names_of_the_questions(site):
    key = site.work.bound.key[0]
    field = p.Field(source=site.work.root, column=key.name, kind=key.kind, type=key.type)
    own = p.SameValues(left=(field,), right=(field,))
    again = p.Source(table=site.work.bound.root.id, alias="again")
    nobody = p.Lookup(field=dataclasses.replace(field, source=again), where=p.AnyOf(items=()))
    null = p.Compare(operator="=", left=field, right=nobody)
    same = p.SameValues(left=(dataclasses.replace(field, source=again),), right=(field,))
    typed_in = typed(site, 3)

    told = site.target.ask(
        site.work,
        typed_in,
        Questions(
            tests={"true": own, "false": p.Not(item=own), "unknown": null, "due": site.work.due},
            values={"key": field},
            rows={"itself": Rows(source=again, where=same, key=(key.name,))},
        ),
    )

    assert dict(told.tests) == {"true": True, "false": False, "unknown": None, "due": True}
    assert told.values["key"] == typed_in.split(",")[0]
    count, keys = told.rows["itself"]
    assert count >= 1
    assert set(keys) == {told.values["key"]}


def test_nothing_is_answered_of_a_record_that_is_not_there(site):
    told = site.target.ask(
        site.work,
        typed(site, 500),
        Questions(tests={"due": site.work.due, "always": p.All(items=())}),
    )
    assert dict(told.tests) == {"due": None, "always": None}


def test_a_record_that_is_not_there_is_none(site):
    assert site.target.record(site.work, typed(site, 500)) is None


def test_nothing_is_left_out_of_a_dataset_without_a_condition(site):
    assert not site.target.leaves_out(site.work, typed(site, 3))
    assert not site.target.leaves_out(site.work, typed(site, 500))


def test_a_composite_key_is_typed_with_commas(bookings):
    assert bookings.target.record(bookings.work, "1,7").fate == "due"
    assert bookings.target.record(bookings.work, "7,1") is None
    for wrong in ("7", "1,7,3", "one,7"):
        with pytest.raises(UsageError):
            bookings.target.record(bookings.work, wrong)


def test_what_keeps_a_record_is_shown_with_some_of_its_keys(orders):
    orders.database.run("INSERT INTO complaints VALUES (1, 5), (2, 5)")
    found = orders.target.record(orders.work, "5")
    assert found.fate == "referenced"
    assert list(found.referring.values()) == [(2, ("1", "2"))]


# -- records sorted by tests ---------------------------------------------------------------


def test_records_are_sorted_by_which_tests_are_true_of_them(visits, monkeypatch):
    """All of them, in ranges of their keys, or some; each once, and none of which the first test is not true."""
    monkeypatch.setattr("retention.connectors.sql.sorting.RANGE", 4)
    monkeypatch.setattr("retention.connectors.sql.sorting.LOOKED_AT", 3)
    work, root = visits.work, visits.work.root
    (key,) = work.bound.key
    field = p.Field(source=root, column=key.name, kind=key.kind, type=key.type)
    small = p.Compare(operator="<", left=field, right=p.Constant(value=3))
    nobody = p.AnyOf(items=())
    found = list(visits.target.sort(work, work.due, [small, nobody, work.due]))
    assert dict(found) == {(n,): frozenset({0, 2} if n < 3 else {2}) for n in schema.DUE}
    assert len(found) == len(schema.DUE)
    some = dict(visits.target.sort(work, work.due, [small], [(2,), (3,), (101,), (999,)]))
    assert some == {(2,): frozenset({0}), (3,): frozenset()}


# -- texts of a column ---------------------------------------------------------------------


def test_texts_that_stand_in_a_column_are_found_to_the_letter(visits):
    """However many are asked for; what a collation takes for the same is not."""
    bound = visits.work.bound
    column = (bound.root.id, "note")
    visits.database.run("UPDATE visits SET note = 'rh1-ab' WHERE id = 3")
    visits.database.run("UPDATE visits SET note = 'RH1-AC' WHERE id = 4")
    asked = ["rh1-ab", "rh1-ac", "rh1-ab ", "' OR 1=1", *(f"rh1-{n}" for n in range(12_000))]
    assert visits.target.standing(bound, column, asked) == {"rh1-ab"}
    assert visits.target.standing(bound, column, []) == frozenset()


# -- statements ----------------------------------------------------------------------------


def test_the_statements_are_sql_that_the_database_understands(site):
    shown = site.target.statements(site.acting, NoProgress())
    with site.database.session() as session:
        session.execute("BEGIN")
        for purpose, statement in shown:
            assert purpose.startswith(("plan: ", "batch: ", "sweep by keys: "))
            session.execute(statement)
        session.execute("ROLLBACK")
    assert site.left() == site.everything
    writes = "UPDATE" if site.rewrites else "DELETE"
    deletes = [sql for _, sql in shown if sql.startswith(writes)]
    for table in (site.work.bound.root.id, *(part.table.id for part in site.work.bound.parts)):
        assert any(table.name in sql for sql in deletes), table


# -- the dense share -----------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_share_decides_the_way_and_not_what_goes(leaves, share):
    with leaves.target.remover(leaves.work, leaves.committer, share=share) as remover:
        taken = [removed(remover, window, n) for n, window in enumerate(windows(remover))]
        assert whole(remover, sweep=True) is None
    assert {key for batch in taken for key in batch.keys} == leaves.due
    assert all(batch.sealed == leaves.committer.seal(batch.keys) for batch in taken if batch.keys)
