"""What no value tells (`mask`, `fake`, `token`), rewritten because people told it: the marker is compared with that."""

from __future__ import annotations

import pytest

from tests.support.stores import Store
from tests.support.workplace import Workplace

DATASET = """
[datasets.people]
data = "people"
table = "people"
subject = { customer_id = "id", email = "email" }
began = "made"
events = { made = "made" }
anonymize = { phone = { strategy = "mask", keep_last = 2 }, name = "token" }
done = "done_at"
"""


@pytest.fixture
def people(work: Workplace, store: Store) -> Workplace:
    null = "NULL" if store.kind == "mariadb" else ""
    made = (
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(40), name VARCHAR(40), phone VARCHAR(40),"
        f" made DATE, done_at TIMESTAMP {null})"
    )
    (store.verbatim if store.kind == "mariadb" else store.script)(made)
    store.script(
        "INSERT INTO people (id, email, name, phone, made) VALUES (1, 'ann@example.org', 'Ann', '12345', '2020-01-01'),"
        " (2, 'ben@example.org', 'Ben', '12345', '2020-01-01'), (3, 'cat@example.org', NULL, NULL, '2020-01-01')"
    )
    work.store = store  # type: ignore[attr-defined]
    work.rules["told"] = '[events.objected]\nby = ["email", "customer_id"]\n'
    work.rule("people", 'data = "people"\nupon = ["objected"]', action='"pseudonymize"')
    work.connect(store, DATASET)
    work.init()
    return work


def tell(shop: Workplace, name: str, at: str) -> None:
    told = shop.cli("event", "add", "objected", "--subject", f"email={name}@example.org", "--at", at, "--yes")
    assert told.exit_code == 0, told.output


def phones(shop: Workplace) -> list[str | None]:
    return [phone for (phone,) in shop.store.rows("SELECT phone FROM people ORDER BY id")]  # type: ignore[attr-defined]


def test_a_later_telling_makes_it_due_again_and_an_earlier_one_does_not(people: Workplace):
    assert not people.problems()
    tell(people, "ann", "2026-11-20")
    tell(people, "cat", "2026-11-20")
    assert people.fates("people") == {"out_of_scope": 1, "done": 1, "due": 1}
    assert [job.done for job in people.run().jobs] == [1]
    assert phones(people) == ["***45", "12345", None]
    ((token, at),) = people.store.rows("SELECT name, done_at FROM people WHERE id = 1")  # type: ignore[attr-defined]
    assert token != "Ann"
    assert "2026-11-22" in str(at)
    assert people.fates("people") == {"out_of_scope": 1, "done": 2}
    people.store.script("UPDATE people SET phone = '67890' WHERE id = 1")  # type: ignore[attr-defined]
    people.now = people.now.replace(day=25)
    tell(people, "ann", "2026-11-21")  # told late; what it is about was done after it
    assert people.fates("people") == {"out_of_scope": 1, "done": 2}
    assert [job.done for job in people.run().jobs] == [0]
    tell(people, "ann", "2026-11-24T08:00:00Z")
    assert people.fates("people") == {"out_of_scope": 1, "done": 1, "due": 1}
    assert people.fate_of("db.people", "1") == "due"
    assert [job.done for job in people.run().jobs] == [1]
    assert phones(people) == ["***90", "12345", None]
    assert people.fates("people") == {"out_of_scope": 1, "done": 2}
    before = people.store.snapshot()  # type: ignore[attr-defined]
    people.run()
    assert people.store.snapshot() == before  # type: ignore[attr-defined]


def test_what_is_told_while_a_run_goes_on_is_seen_by_its_batches(people: Workplace):
    """A marker that another run set meanwhile is read in the batch: nothing is masked twice."""
    tell(people, "ann", "2026-11-20")
    from retention.connectors.sql.batches.rewriting import RewritingRemover

    begin, times = RewritingRemover.begin, []

    def meddled(remover: RewritingRemover) -> None:
        if not times:
            times.append(1)
            people.store.script(  # type: ignore[attr-defined]
                "UPDATE people SET phone = '***45', done_at = '2026-11-21 10:00:00' WHERE id = 1"
            )
        begin(remover)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RewritingRemover, "begin", meddled)
        (job,) = people.run().jobs
    assert (job.done, job.skipped.changed) == (0, 1)
    assert phones(people) == ["***45", "12345", None]


def test_the_statement_that_looks_again_is_made_once_for_the_job(
    people: Workplace, monkeypatch: pytest.MonkeyPatch
):
    """One statement a batch was made, with the keys and the lists of that batch in it."""
    from functools import partial

    from retention.connectors.sql.batches import rewriting
    from retention.engine.pace import Pace
    from retention.verbs.running import working

    monkeypatch.setattr(working, "Pace", partial(Pace, size=1))
    made: list[object] = []
    original = rewriting.recheck

    def recheck(statements: object, **how: bool) -> object:
        made.append(statements)
        return original(statements, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(rewriting, "recheck", recheck)
    for name in ("ann", "ben", "cat"):
        tell(people, name, "2026-11-20")

    (job,) = people.run().jobs

    assert (job.done, job.batches) == (2, 2)
    assert phones(people) == ["***45", "***45", None]
    assert len(made) == 2  # one without what people told, and one with it
