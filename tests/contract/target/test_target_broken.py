"""Databases and connections that go away: told in the port's words, never in the driver's."""

import pytest

from retention.connectors.port import Lost, Transient, Window
from retention.connectors.sql.batches import pages
from retention.errors import RetentionError, UnreachableError
from retention.model import predicate as p
from retention.model.progress import NoProgress
from retention.planning.fates.reasons import Questions
from tests.contract.target.adapters import ADAPTERS
from tests.contract.target.sites import MOST, ORIGIN, RUN, marker, removed, tried, whole


class Interrupting:
    """Commits as the site's own does; before the first time something happens."""

    def __init__(self, committer, happens):
        self._committer, self._happens = committer, happens

    def _once(self):
        happens, self._happens = self._happens, None
        if happens is not None:
            happens()

    def leaves(self, keys):
        self._once()
        return self._committer.leaves(keys)

    def seal(self, keys):
        self._once()
        return self._committer.seal(keys)


def goes_on(site):
    """Nothing is gone, and another connection removes it all."""
    assert site.left() == site.everything
    with site.target.remover(site.work, site.committer, site.target.remember(site.work)) as remover:
        if not site.work.fleeting:
            assert set(removed(remover, remover.keys_of(whole(remover)), 50).keys) == site.due


def broken(site, remover, action):
    """`action` finds its connection gone: UnreachableError, and every later step says so, too, or does nothing."""
    with pytest.raises(UnreachableError) as raised:
        action()
    assert not isinstance(raised.value, Transient | Lost)
    remover.rollback()
    remover.rollback()


@pytest.mark.parametrize("most", [MOST, 100])
def test_a_connection_that_is_killed_between_two_statements_is_unreachable(served, most):
    with served.remover() as remover:
        window = whole(remover)
        remover.begin()
        served.database.end_sessions()
        broken(served, remover, lambda: remover.take(window, most))
    goes_on(served)


def test_a_connection_that_is_killed_in_the_middle_of_a_batch_is_unreachable(served, monkeypatch):
    """While several statements are under way, where there are; while the records are committed to."""
    monkeypatch.setattr(pages, "_AHEAD", 1)
    killing = Interrupting(served.committer, served.database.end_sessions)
    with served.remover(committer=killing) as remover:
        window = whole(remover)

        def batch():
            remover.begin()
            taken = remover.take(window, MOST)
            remover.mark(marker(count=len(taken.keys)))

        broken(served, remover, batch)
    goes_on(served)


def test_a_connection_that_is_killed_before_the_marker_is_unreachable(served):
    with served.remover() as remover:
        window = whole(remover)
        remover.begin()
        remover.take(window, MOST)
        served.database.end_sessions()
        broken(served, remover, lambda: remover.mark(marker(1)))
    goes_on(served)


def test_a_connection_that_is_killed_before_the_commit_is_lost_and_the_fence_knows(served):
    with served.remover() as remover:
        remover.begin()
        taken = remover.take(Window(after={}, keys=(served.key(1),)), MOST)
        remover.mark(marker(count=len(taken.keys)))
        served.database.end_sessions()
        with pytest.raises(Lost):
            remover.commit()
        remover.rollback()
    assert served.target.fence(ORIGIN, RUN, 1) == "aborted"
    goes_on(served)


def test_a_connection_that_is_killed_while_nothing_is_under_way_is_found_by_the_next_look(served):
    """The same remover connects anew for the batch after that."""
    with served.remover() as remover:
        window = remover.keys_of(whole(remover))
        served.database.end_sessions()
        if served.work.fleeting:  # what is written down is looked for nowhere else
            broken(served, remover, remover.begin)
        else:
            broken(served, remover, lambda: list(remover.oldest(1000)))
        assert set(removed(remover, window).keys) == served.due


def test_a_statement_that_is_hindered_in_the_middle_leaves_the_connection_usable(lockable, monkeypatch):
    """Another session has a row of the third page: the first two pieces are undone with the rest."""
    monkeypatch.setattr(pages, "_AHEAD", 1)
    with lockable.remover() as remover:
        window = whole(remover)
        assert window.pages is None or window.pages[2] > 3
        with lockable.other("SELECT * FROM visits WHERE id = 9 FOR UPDATE"):
            taken = tried(remover, window)
            assert set(taken.keys) == lockable.due - {(9,)}
        assert lockable.left() == lockable.everything
        taken = removed(remover, window)
        assert set(taken.keys) == lockable.due
        assert taken.sealed == lockable.committer.seal(taken.keys)


def test_a_lock_that_comes_in_the_middle_of_a_batch_leaves_the_connection_usable(lockable, monkeypatch):
    """Between two pieces: the record is left out, the commitments are those of the others alone."""
    if lockable.adapter.ways["visits"] is not pages.PageRemover:
        pytest.skip("all rows are locked before any is committed to")
    monkeypatch.setattr(pages, "_AHEAD", 1)
    with lockable.database.session() as other:
        other.execute("BEGIN")
        locking = Interrupting(
            lockable.committer, lambda: other.execute("SELECT * FROM visits WHERE id = 12 FOR UPDATE")
        )
        with lockable.remover(committer=locking) as remover:
            taken = removed(remover, whole(remover))
            other.execute("ROLLBACK")
            assert set(taken.keys) == lockable.due - {(12,)}
            assert taken.sealed == lockable.committer.seal(taken.keys)
            assert removed(remover, whole(remover, sweep=True), 2).keys == [(12,)]


@pytest.fixture(params=sorted(ADAPTERS))
def gone(request, own):
    """A site whose database is away."""
    site = own(request.param)
    site.adapter.vanish(site.database)
    return site


LOOKS = {
    "identity": lambda site: site.target.identity(),
    "now": lambda site: site.target.now(),
    "read_only": lambda site: site.target.read_only(),
    "count": lambda site: site.target.count((site.work,), NoProgress()),
    "rows": lambda site: site.target.rows(site.work.bound.root.id),
    "record": lambda site: site.target.record(site.work, "1"),
    "ask": lambda site: site.target.ask(site.work, "1", Questions(tests={"is": p.All(items=())})),
    "statements": lambda site: site.target.statements(site.work, NoProgress()),
    "joint_statements": lambda site: site.target.joint_statements([site.work, site.work]),
    "remember": lambda site: site.target.remember(site.work),
    "remover": lambda site: site.target.remover(site.work, site.committer).__enter__(),
    "create_marker_table": lambda site: site.target.create_marker_table(),
    "has_marker_table": lambda site: site.target.has_marker_table(),
    "markers": lambda site: site.target.markers(ORIGIN),
    "fence": lambda site: site.target.fence(ORIGIN, RUN, 1),
    "fold": lambda site: site.target.fold([], marker(0, status="folded")),
}


def test_a_database_that_is_gone_is_unreachable_whatever_is_asked(gone):
    for name, ask in LOOKS.items():
        with pytest.raises(UnreachableError):
            pytest.fail(f"{name} said {ask(gone)}")
    gone.target.close()


def test_a_database_that_is_gone_has_no_catalogue(own):
    for name in sorted(ADAPTERS):
        site = own(name)
        site.target._catalogue = None
        site.adapter.vanish(site.database)
        with pytest.raises(UnreachableError):
            site.target.catalogue()


def test_a_table_that_is_gone_is_told_in_the_port_s_words(visits):
    visits.database.run("DROP TABLE visits", "DROP TABLE retention_marker")
    for name in ("count", "rows", "record", "remember", "markers", "fence", "fold"):
        with pytest.raises(RetentionError) as raised:
            LOOKS[name](visits)
        assert type(raised.value).__module__.startswith("retention."), name
