"""Tables, rights and files that are not there: told as what they are, and blamed on no record."""

import pytest

from retention.errors import SetupError, UnreachableError
from tests.contract.target.sites import MOST, ORIGIN, RUN, marker, removed, tried, whole


def test_a_table_that_is_missing_is_a_matter_of_the_set_up(site):
    with site.remover() as remover:
        window = whole(remover)
        site.database.run(f"ALTER TABLE {site.dataset} RENAME TO went")
        with pytest.raises(SetupError, match=site.dataset):
            tried(remover, window)
        if not site.work.fleeting:  # what is written down is looked for nowhere else
            with pytest.raises(SetupError, match=site.dataset):
                list(remover.oldest(1))
        site.database.run(f"ALTER TABLE went RENAME TO {site.dataset}")
        assert set(removed(remover, window).keys) == site.due


def test_a_marker_table_that_is_missing_is_a_matter_of_the_set_up(site):
    with site.remover() as remover:
        window = whole(remover)
        site.database.run("DROP TABLE retention_marker")
        remover.begin()
        remover.take(window, MOST)
        with pytest.raises(SetupError, match="retention_marker"):
            remover.mark(marker())
        remover.rollback()
    assert site.left() == site.everything


def test_a_right_that_is_missing_is_a_matter_of_the_set_up(served):
    with served.without_the_right_to_delete() as other, other.remover() as remover:
        window = whole(remover)
        with pytest.raises(SetupError, match=rf"{served.dataset}.*GRANT"):
            tried(remover, window)
        with pytest.raises(SetupError, match=rf"{served.dataset}.*GRANT"):
            tried(remover, remover.keys_of(window))
    assert served.left() == served.everything


def test_without_the_marker_table_all_that_needs_it_says_that_the_set_up_is_missing(visits):
    visits.database.run("DROP TABLE retention_marker")
    target = visits.target
    for action in (
        lambda: target.markers(ORIGIN),
        lambda: target.fence(ORIGIN, RUN, 1),
        lambda: target.fold([marker(1)], marker(0, status="folded")),
    ):
        with pytest.raises(SetupError, match="retention_marker"):
            action()


def test_a_file_that_is_no_database_any_more_does_not_answer(alone):
    with alone.remover() as remover:
        window = whole(remover)
        alone.database.path.write_bytes(b"canary" * 10_000)
        with pytest.raises(UnreachableError):
            tried(remover, window)
        with pytest.raises(UnreachableError):
            alone.target.identity()
