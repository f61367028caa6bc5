"""Records whose event goes before them: remembered, and removed if nothing else keeps them."""

import pytest

from retention.connectors.port import Remembered
from tests.contract.target import schema
from tests.contract.target.sites import removed, tried, whole


@pytest.fixture
def remembered(accounts):
    found = accounts.target.remember(accounts.work)
    yield found
    found.close()


def without_invoices(site, *numbers):
    site.database.run(f"DELETE FROM invoices WHERE account_id IN ({', '.join(map(str, numbers))})")


def remover(site, remembered):
    return site.target.remover(site.work, site.committer, remembered)


def test_only_a_job_whose_event_may_be_gone_is_fleeting(site):
    assert site.work.fleeting is (site.dataset == "accounts")


def test_a_remembered_record_goes_although_its_event_is_gone(accounts, remembered):
    assert isinstance(remembered, Remembered)
    without_invoices(accounts, *schema.DUE)
    with remover(accounts, remembered) as batches:
        taken = removed(batches, whole(batches))
    assert set(taken.keys) == accounts.due
    assert taken.overdue == len(schema.OVERDUE)
    assert taken.sealed == accounts.committer.seal(taken.keys)


def test_without_being_remembered_it_stays(accounts):
    without_invoices(accounts, *schema.DUE)
    with remover(accounts, None) as batches:
        assert whole(batches) is None or tried(batches, whole(batches)).keys == []


def test_a_remembered_record_that_something_else_keeps_stays(accounts, remembered):
    """Its invoice is still there; another one came."""
    without_invoices(accounts, *schema.DUE[1:])
    accounts.database.run("INSERT INTO invoices VALUES (99, 4, '2026-11-01')")
    with remover(accounts, remembered) as batches:
        taken = removed(batches, whole(batches))
    assert set(taken.keys) == accounts.due - {(1,), (4,)}
    assert taken.changed == 2


def test_what_was_not_due_when_it_was_remembered_stays(accounts, remembered):
    without_invoices(accounts, *schema.ALL)
    with remover(accounts, remembered) as batches:
        removed(batches, whole(batches))
    assert accounts.left() == {(n,) for n in schema.NOT_DUE}


def test_what_becomes_due_behind_it_is_the_next_runs(accounts, remembered):
    accounts.database.run("INSERT INTO accounts VALUES (50, '2015-01-01')")
    without_invoices(accounts, *schema.DUE)
    with remover(accounts, remembered) as batches:
        first = batches.window(None, 100, sweep=False)
        assert set(removed(batches, first).keys) == accounts.due
        assert batches.window(first.after, 100, sweep=True) is None
    assert (50,) in accounts.left()


def test_remembering_writes_nothing_and_can_be_forgotten_twice(accounts):
    before = accounts.rows()
    found = accounts.target.remember(accounts.work)
    assert accounts.rows() == before
    found.close()
    found.close()


def test_nothing_is_remembered_where_nothing_is_due(accounts):
    without_invoices(accounts, *schema.DUE)
    found = accounts.target.remember(accounts.work)
    with remover(accounts, found) as batches:
        assert whole(batches) is None
        assert list(batches.oldest(10)) == []
    found.close()
