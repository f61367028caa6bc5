"""A store that does not answer stops nobody else, and nothing is taken for known of what it has."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from retention.connectors.port import Refused
from retention.errors import SafetyRefusal, UnreachableError
from retention.model.plan import JobPlan, JobStatus
from tests.support.mariadb import MariadbServer, MariadbStore
from tests.support.stores import PostgresqlStore, SqliteStore, Store
from tests.support.workplace import Workplace

TABLES = """
CREATE TABLE {table} (id INTEGER PRIMARY KEY, seen TIMESTAMP);
INSERT INTO {table} VALUES (1, '2015-01-01 00:00:00'), (2, '2015-01-02 00:00:00'), (3, '2026-11-01 00:00:00')
"""
DATASET = """
[datasets.{name}]
data   = "{name}"
table  = "{name}"
events = {{ seen = "seen" }}
"""
NOWHERE = {
    "postgresql": "postgresql://postgres@127.0.0.1:1/nowhere",
    "mariadb": "mysql://root@127.0.0.1:1/nowhere",
}


class Company:
    """A shop that answers, on SQLite, and a crm on each kind of database that may not."""

    def __init__(self, work: Workplace, shop: SqliteStore, crm: Store) -> None:
        self.work, self.shop, self.crm = work, shop, crm
        shop.script(TABLES.format(table="visits"))
        crm.script(TABLES.format(table="people"))
        work.connect(shop, DATASET.format(name="visits"), name="shop")
        work.connect(crm, DATASET.format(name="people"), name="crm")
        for name in ("visits", "people"):
            work.rule(name, f'data = "{name}"\nkeep = "1 year"\nfrom = "seen"')

    @contextmanager
    def away(self) -> Iterator[None]:
        """While the crm does not answer."""
        url = self.work.environ["CRM_URL"]
        self.work.environ["CRM_URL"] = NOWHERE.get(self.crm.kind, "sqlite:///nowhere.db")
        try:
            yield
        finally:
            self.work.environ["CRM_URL"] = url

    def left(self) -> tuple[int, int]:
        """Rows of the shop, rows of the crm."""
        ((visits,),) = self.shop.rows("SELECT count(*) FROM visits")
        ((people,),) = self.crm.rows("SELECT count(*) FROM people")
        return visits, people

    def told(self, *words: str, exit: int) -> dict[str, Any]:
        """The JSON that a command answers with."""
        done = self.work.cli(*words, "--format", "json")
        assert done.exit_code == exit, done.output
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@pytest.fixture
def company(work: Workplace, store: Store, tmp_path: Path) -> Company:
    return Company(work, SqliteStore(tmp_path / "shop.db"), store)


@pytest.fixture
def small(work: Workplace, tmp_path: Path) -> Company:
    """Both on SQLite: where the kind of database does not matter."""
    return Company(work, SqliteStore(tmp_path / "shop.db"), SqliteStore(tmp_path / "crm.db"))


def by_connector(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {job["connector"]: job for job in told["jobs"]}


def test_others_are_planned_run_checked_and_explained(company: Company) -> None:
    company.work.init()
    with company.away():
        planned = by_connector(company.told("plan", exit=5))
        assert (planned["shop"]["status"], planned["shop"]["due"]) == ("ready", 2)
        assert (planned["crm"]["status"], planned["crm"]["total"]) == ("failed", 0)
        assert "`crm`" in planned["crm"]["reason"]

        checked = company.told("check", exit=5)
        assert checked["unreached"] == ["crm"]
        assert checked["checked"] == ["shop.visits: visits"]
        [problem] = checked["problems"]
        assert problem["file"].endswith("crm.toml")

        assert company.told("explain", "shop.visits", "1", exit=0)["rules"][0]["fate"] == "due"
        assert company.told("explain", "crm.people", "1", exit=5)["error"]["code"] == "unreachable"

        ran = company.told("run", "--yes", exit=5)
        assert ran["run"]["status"] == "failed"
        jobs = by_connector(ran)
        assert (jobs["shop"]["status"], jobs["shop"]["done"]) == ("done", 2)
        assert jobs["crm"]["status"] == "failed"
        assert "`crm`" in jobs["crm"]["reason"]
        assert (jobs["shop"]["counted"], jobs["crm"]["counted"]) == (True, False)
        assert company.told("status", exit=0)["failed"][0]["connector"] == "crm"
    assert company.left() == (1, 3)

    events = company.work.events()
    [error] = [e["data"] for e in events if e["type"] == "error"]
    assert (error["what"], error["connector"]) == ("store not reached", "crm")
    [ended] = [e["data"] for e in events if e["type"] == "run.ended"]
    assert {job["connector"]: job["status"] for job in ended["jobs"]} == {"shop": "done", "crm": "failed"}
    assert [job.get("counted") for job in ended["jobs"]] == [None, False]
    made = [e["data"] for e in events if e["type"] == "plan.created"][-1]
    assert made["unreached"] == ["crm"]
    assert [job["connector"] for job in made["jobs"]] == ["shop"]

    assert company.told("run", "--yes", exit=0)["run"]["status"] == "done"
    assert company.left() == (1, 1)


def test_what_people_read(small: Company) -> None:
    small.work.init()
    with small.away():
        plan = small.work.cli("plan")
        assert plan.exit_code == 5
        said = " ".join(plan.stdout.split())
        assert "2 records (2 rows) are due of 3." in said
        assert "Not counted, and in none of these numbers: what is in crm." in said
        assert "Status failed: connector `crm`: there is no SQLite file" in said
        assert small.work.cli("plan", "--exit-code").exit_code == 5
        sql = small.work.cli("plan", "--sql")
        assert sql.exit_code == 5
        assert "-- people, crm.people: failed: connector `crm`" in " ".join(sql.stdout.split())
        assert "visits" in sql.stdout
        run = small.work.cli("run", "--yes")
        assert run.exit_code == 5
        assert "connector `crm`: there is no SQLite file" in " ".join(run.stdout.split())
        assert "Failed in the last run people, crm.people" in " ".join(
            small.work.cli("status").stdout.split()
        )
        log = " ".join(small.work.cli("audit", "log").stdout.split())
        assert "crm could not be reached: run " in log
        assert "could not be counted: crm" in log
        assert "people (crm.people) failed, what is due there is not known" in log
        nothing = " ".join(small.work.cli("run", "--yes").stdout.split())
        assert "Nothing was done: not every job could be counted." in nothing
        assert "Nothing was due." not in nothing


def test_where_none_answers_that_is_the_answer_and_the_run_is_in_the_ledger(small: Company) -> None:
    small.work.init()
    shutil.move(small.shop.path, small.shop.path.with_suffix(".away"))
    with small.away():
        for words in (("plan",), ("plan", "--sql"), ("run", "--yes")):
            done = small.work.cli(*words)
            assert done.exit_code == 5
            assert "`shop`" in done.stderr
            assert "`crm`" in done.stderr
        assert small.told("run", "--yes", exit=5)["error"]["code"] == "unreachable"
        assert small.told("check", exit=5)["unreached"] == ["crm", "shop"]
    runs = small.told("status", exit=0)["runs"]
    assert [run["status"] for run in runs] == ["failed", "failed"]
    shutil.move(small.shop.path.with_suffix(".away"), small.shop.path)
    assert small.told("run", "--yes", exit=0)["run"]["status"] == "done"
    assert small.left() == (1, 1)


def test_a_mistake_beside_is_told_first_and_both_at_once(small: Company) -> None:
    small.work.connectors["shop"] = small.work.connectors["shop"].replace('"visits"', '"visist"', 2)
    small.work.connectors["shop"] = small.work.connectors["shop"].replace('"visist"', '"visits"', 1)
    with small.away():
        for command in ("check", "plan"):
            done = small.work.cli(command)
            assert done.exit_code == 3
            said = done.stdout + done.stderr
            assert "visist" in said
            assert "no SQLite file" in " ".join(said.split())


def test_a_schema_that_changed_is_taken_as_known_though_another_store_is_silent(small: Company) -> None:
    small.work.run()
    small.shop.script(
        "ALTER TABLE visits ADD COLUMN note TEXT; INSERT INTO visits VALUES (9, '2015-01-01', '')"
    )
    with small.away():
        assert by_connector(small.told("run", "--yes", exit=4))["shop"]["status"] == "refused"
        small.told("check", exit=5)
        assert by_connector(small.told("run", "--yes", exit=5))["shop"]["done"] == 1


# -- approvals -----------------------------------------------------------------------------


def test_what_was_not_seen_is_not_approved(company: Company) -> None:
    company.work.approval = "changes"
    company.work.init()
    with company.away():
        plan = company.told("plan", exit=5)["plan"]["id"]
        refused = company.work.cli("approve", plan, "--rule", "people")
        assert refused.exit_code == 4
        assert "did not see its records" in " ".join(refused.stderr.split())
        told = company.told("approve", plan, exit=0)
        assert [line["connector"] for line in told["approvals"]] == ["shop"]
        assert [line["connector"] for line in told["left_out"]] == ["crm"]
    [granted] = [e["data"] for e in company.work.events() if e["type"] == "approval.granted"]
    assert [job["connector"] for job in granted["jobs"]] == ["shop"]

    jobs = by_connector(company.told("run", "--yes", exit=4))
    assert jobs["shop"]["done"] == 2
    assert jobs["crm"]["status"] == "refused"
    assert "did not answer when the plan was made" in jobs["crm"]["reason"]
    assert by_connector(company.told("run", "--yes", exit=4))["crm"]["status"] == "awaiting approval"
    assert company.left() == (1, 3)


def test_a_rule_over_two_stores_is_approved_for_the_one_that_was_seen(small: Company) -> None:
    work = small.work
    work.approval = "changes"
    work.connectors["crm"] = work.connectors["crm"].replace('data   = "people"', 'data   = "visits"')
    del work.rules["people"]
    work.init()
    with small.away():
        plan = small.told("plan", exit=5)["plan"]["id"]
        told = " ".join(work.cli("approve", plan).stdout.split())
        assert "up to 2 records" in told
        assert "Not approved: visits on crm.people, which the plan did not see" in told
        assert small.told("run", "--yes", exit=5)
    assert small.left() == (1, 3)
    assert by_connector(small.told("run", "--yes", exit=4))["crm"]["status"] == "awaiting approval"
    assert small.left() == (1, 3)


def test_an_approved_plan_says_what_is_left_and_waits_where_nobody_answers(small: Company) -> None:
    work = small.work
    work.approval = "always"
    work.init()
    plan = small.told("plan", exit=0)["plan"]["id"]
    small.told("approve", plan, exit=0)
    shutil.move(small.shop.path, small.shop.path.with_suffix(".away"))
    with small.away():
        small.told("run", "--yes", exit=5)
        [ended] = [e["data"] for e in work.events() if e["type"] == "run.ended"]
        assert {job["connector"]: job["left"] for job in ended["jobs"]} == {"shop": 2, "crm": 2}
        shutil.move(small.shop.path.with_suffix(".away"), small.shop.path)
        jobs = by_connector(small.told("run", "--yes", exit=5))
        assert (jobs["shop"]["done"], jobs["crm"]["left"]) == (2, 2)
    assert small.left() == (1, 3)
    assert by_connector(small.told("run", "--yes", exit=4))["crm"]["status"] == "awaiting approval"


def test_a_plan_of_nobody_can_not_be_approved(small: Company) -> None:
    small.work.approval = "changes"
    small.work.init()
    with small.away():
        plan = small.told("plan", "--connector", "shop", exit=0)["plan"]["id"]
        small.told("approve", plan, exit=0)
        from retention.verbs.plan import plan as made

        with pytest.raises(UnreachableError):
            made(small.work.place, rules=("people",), connectors=("crm",), clock=small.work.clock)


def test_overdue_records_of_a_silent_store_stay_counted(
    small: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.work.init()
    small.told("plan", exit=0)
    before = {line["connector"]: line["overdue"] for line in small.told("status", exit=0)["overdue"]}
    assert before == {"shop": 2, "crm": 2}
    monkeypatch.setattr("retention.verbs.status._PLANS", 1)
    with small.away():
        small.told("plan", exit=5)
        small.told("plan", exit=5)
        after = {line["connector"]: line["overdue"] for line in small.told("status", exit=0)["overdue"]}
    assert after == before


# -- it ceases to answer on the way --------------------------------------------------------


@pytest.mark.parametrize("method", ["has_marker_table", "now", "markers", "count", "read_only", "rows"])
def test_a_store_that_ceases_to_answer_at_any_step_fails_alone(
    small: Company, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Each question of a run's way, the shop's asked as ever."""
    from retention.connectors.sql.target import SqlTarget

    small.work.init()
    if method == "rows":
        where = 'table  = "people"\nwhere = "id > 0"'
        small.work.connectors["crm"] = small.work.connectors["crm"].replace('table  = "people"', where)
    asked = getattr(SqlTarget, method)

    def ceasing(target: SqlTarget, *words: Any, **options: Any) -> Any:
        if target.name == "crm":
            raise UnreachableError("`crm` went away")
        return asked(target, *words, **options)

    monkeypatch.setattr("retention.connectors.sql.sqlite.dialect.Sqlite.own_clock", True)
    monkeypatch.setattr(SqlTarget, method, ceasing)
    jobs = by_connector(small.told("run", "--yes", exit=5))
    assert jobs["shop"]["done"] == 2
    assert (jobs["crm"]["status"], jobs["crm"]["reason"]) == ("failed", "`crm` went away")
    assert small.left() == (1, 3)


def test_a_count_that_the_database_refuses_fails_its_store_alone(
    small: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retention.connectors.sql.target import SqlTarget

    small.work.init()
    asked = SqlTarget.count

    def refusing(target: SqlTarget, *words: Any, **options: Any) -> Any:
        if target.name == "crm":
            raise Refused("the database refused (DataError)")
        return asked(target, *words, **options)

    monkeypatch.setattr(SqlTarget, "count", refusing)
    jobs = by_connector(small.told("run", "--yes", exit=5))
    assert (jobs["shop"]["done"], jobs["crm"]["status"]) == (2, "failed")


def test_where_due_records_could_not_be_written_down_no_job_of_that_store_runs(
    small: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another job would remove what the records are told by."""
    from retention.connectors.sql.target import SqlTarget

    work = small.work
    small.crm.script(
        "CREATE TABLE calls (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people (id), seen TIMESTAMP);"
        "INSERT INTO calls VALUES (1, 1, '2014-01-01'); CREATE INDEX calls_person ON calls (person)"
    )
    work.connectors["crm"] = work.connectors["crm"].replace(
        'events = { seen = "seen" }', 'events = { seen = "calls.seen" }'
    ) + DATASET.format(name="calls")
    work.rule("calls", 'data = "calls"\nkeep = "1 year"\nfrom = "seen"')
    work.init()

    def forgetful(target: SqlTarget, *_: Any) -> Any:
        raise UnreachableError("`crm` went away")

    with monkeypatch.context() as patched:
        patched.setattr(SqlTarget, "remember", forgetful)
        told = small.told("run", "--yes", exit=5)
    assert {job["rule"]: job["status"] for job in told["jobs"]} == {
        "visits": "done",
        "people": "failed",
        "calls": "failed",
    }
    assert small.left() == (1, 3)
    assert small.crm.rows("SELECT count(*) FROM calls") == [(1,)]


# -- what its own store would have protected -----------------------------------------------


@pytest.fixture
def twins(work: Workplace, postgresql: PostgresqlStore) -> Workplace:
    """Two connectors; by their addresses alone nobody can tell whether they lead to one database."""
    postgresql.script(TABLES.format(table="visits") + ";" + TABLES.format(table="people"))
    work.connect(postgresql, DATASET.format(name="visits"), name="shop")
    work.connect(postgresql, DATASET.format(name="people"), name="crm")
    work.environ["CRM_URL"] = postgresql.url.replace("127.0.0.1:5432", "127.0.0.2:1")
    work.rule("visits", 'data = "visits"\nkeep = "1 year"\nfrom = "seen"')
    work.rule("people", 'data = "people"\nkeep = "1 year"\nfrom = "seen"')
    return work


def test_a_silent_store_that_may_be_the_same_database_keeps_it_from_running(
    twins: Workplace, postgresql: PostgresqlStore
) -> None:
    twins.init()
    for words in (("run", "--yes"), ("run", "--yes", "--connector", "shop")):
        done = twins.cli(*words, "--format", "json")
        assert done.exit_code == 4
        shop = by_connector(json.loads(done.stdout))["shop"]
        assert shop["status"] == "refused"
        assert "it may be the same database under another address" in shop["reason"]
    assert postgresql.rows("SELECT count(*) FROM visits") == [(3,)]


def test_a_store_that_was_reached_before_is_known_to_be_another(
    twins: Workplace, postgresql: PostgresqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retention.connectors.sql.target import SqlTarget

    address = twins.environ["CRM_URL"]
    asked = SqlTarget.store
    with monkeypatch.context() as patched:
        # Both answer: two servers with a database of one name, of which one goes away later.
        patched.setattr("retention.connectors.sql.opening.logins.postgresql", _to("127.0.0.1"))
        patched.setattr(SqlTarget, "store", lambda target: asked(target) + target.name)
        patched.setattr(SqlTarget, "server", lambda target: asked(target) + target.name)
        twins.init()
        assert twins.check().problems == ()
        answered = {job.connector: job for job in twins.plan().jobs}
        assert answered["crm"].status is JobStatus.READY
    monkeypatch.setattr(SqlTarget, "server", lambda target: asked(target) + target.name)
    assert twins.environ["CRM_URL"] == address
    done = twins.cli("run", "--yes", "--format", "json")
    assert done.exit_code == 5
    assert by_connector(json.loads(done.stdout))["shop"]["done"] == 2


def _to(host: str) -> Any:
    """A login at this host, at the server's usual port, whatever the URL says."""

    def login(url: Any, *_: Any) -> dict[str, Any]:
        return {"host": host, "port": 5432, "user": url.username, "dbname": url.database}

    return login


def test_one_database_under_two_connectors_is_seen_though_only_one_is_asked_for(
    twins: Workplace, postgresql: PostgresqlStore
) -> None:
    """`--connector` narrows what acts, never what protects: the other one was not looked at."""
    twins.init()
    twins.connect(postgresql, DATASET.format(name="people"), name="crm")
    twins.environ["CRM_URL"] = postgresql.url.replace("127.0.0.1", "localhost")
    done = twins.cli("run", "--yes", "--connector", "shop")
    assert done.exit_code == 3
    assert "reaches the same database as connector `" in " ".join(done.stderr.split())
    assert postgresql.rows("SELECT count(*) FROM visits") == [(3,)]


@pytest.fixture
def neighbours(work: Workplace, mariadb: MariadbStore, mariadb_server: MariadbServer) -> Iterator[Workplace]:
    """Two connectors for two databases of one server, of which the second names a table of the first."""
    other = mariadb_server.create()
    mariadb.script(TABLES.format(table="visits"))
    work.connect(mariadb, DATASET.format(name="visits"), name="shop")
    theirs = DATASET.format(name="visits").replace('table  = "visits"', f'table  = "{mariadb.name}.visits"')
    work.connect(
        other,
        theirs.replace("datasets.visits", "datasets.people").replace('"visits"', '"people"'),
        name="crm",
    )
    work.rule("visits", 'data = "visits"\nkeep = "1 year"\nfrom = "seen"')
    work.rule("people", 'data = "people"\nkeep = "90 years"\nfrom = "seen"')
    yield work
    mariadb_server.drop(other)


def test_a_table_under_two_connectors_of_one_mariadb_server(
    neighbours: Workplace, mariadb: MariadbStore
) -> None:
    """A rule of 90 years kept nothing from one of a year, under another connector."""
    neighbours.init()
    for words in (("check",), ("plan",), ("run", "--yes"), ("run", "--yes", "--connector", "shop")):
        done = neighbours.cli(*words)
        assert done.exit_code == 3
        said = " ".join((done.stdout + done.stderr).split())
        assert f"`{mariadb.name}.visits` is a table of dataset" in said
        assert "of another connector, too" in said
    assert mariadb.rows("SELECT count(*) FROM visits") == [(3,)]


def test_a_silent_connector_that_names_a_table_of_this_server_keeps_it_from_running(
    neighbours: Workplace, mariadb: MariadbStore
) -> None:
    neighbours.init()
    neighbours.environ["CRM_URL"] = NOWHERE["mariadb"]
    done = neighbours.cli("run", "--yes", "--format", "json")
    assert done.exit_code == 4
    assert by_connector(json.loads(done.stdout))["shop"]["status"] == "refused"
    assert mariadb.rows("SELECT count(*) FROM visits") == [(3,)]


def test_two_databases_of_one_mariadb_server_are_two_stores(
    neighbours: Workplace, mariadb: MariadbStore
) -> None:
    name = neighbours.environ["CRM_URL"].rpartition("/")[2]
    mariadb.script(f'CREATE TABLE "{name}".people (id INTEGER PRIMARY KEY, seen TIMESTAMP)')
    neighbours.connectors["crm"] = neighbours.connectors["crm"].replace(
        f'"{mariadb.name}.visits"', '"people"'
    )
    neighbours.init()
    assert neighbours.problems() == ()
    neighbours.environ["CRM_URL"] = f"mysql://root@127.0.0.1:1/{name}"
    done = neighbours.cli("run", "--yes", "--format", "json")
    assert done.exit_code == 5
    assert by_connector(json.loads(done.stdout))["shop"]["done"] == 2


# -- batches in doubt ----------------------------------------------------------------------


def test_a_batch_in_doubt_stays_so_until_its_store_answers(
    small: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retention.connectors.sql.batches.removal import KeyRemover
    from retention.connectors.sql.batches.spans import SpanRemover

    def lost(_: Any) -> None:
        raise UnreachableError("the connection broke")

    small.work.init()
    with monkeypatch.context() as patched:
        patched.setattr(KeyRemover, "commit", lost)
        patched.setattr(SpanRemover, "commit", lost)
        small.told("run", "--yes", "--connector", "crm", exit=5)
    assert small.told("status", exit=0)["in_doubt"] == 1
    with small.away():
        assert by_connector(small.told("run", "--yes", exit=5))["shop"]["done"] == 2
        assert small.told("status", exit=0)["in_doubt"] == 1
    assert by_connector(small.told("run", "--yes", exit=0))["crm"]["done"] == 2
    assert small.told("status", exit=0)["in_doubt"] == 0
    assert [e["data"]["outcome"] for e in small.work.events() if e["type"] == "batch.reconciled"] == [
        "aborted"
    ]


def test_a_stored_plan_with_a_silent_store_is_read_back(small: Company) -> None:
    from retention.model.documents import plan_document, plan_from_document

    with small.away():
        made = small.work.plan()
    [failed] = [job for job in made.jobs if job.status is JobStatus.FAILED]
    assert isinstance(failed, JobPlan)
    assert plan_from_document(plan_document(made)) == made
    assert not failed.exact


def test_a_yes_at_the_question_approves_nothing_that_was_not_seen(small: Company) -> None:
    from retention.model.progress import NoProgress
    from retention.verbs.run import run

    work = small.work
    work.approval = "changes"
    work.init()
    with small.away():
        run(
            work.place,
            by="officer",
            clock=work.clock,
            progress=NoProgress(),
            confirm=lambda plan: True,
        )
    assert small.left() == (1, 3)
    [granted] = [e["data"] for e in work.events() if e["type"] == "approval.granted"]
    assert [job["connector"] for job in granted["jobs"]] == ["shop"]


def test_a_damaged_ledger_still_stops_everything(small: Company) -> None:
    """A silent store makes no refusal weaker."""
    small.work.run()
    small.shop.script(
        "UPDATE retention_marker SET run = 'another' WHERE status <> 'x'; "
        "INSERT INTO visits VALUES (5, '2015-01-01')"
    )
    with small.away(), pytest.raises(SafetyRefusal, match="knows nothing of"):
        small.work.run()
    assert small.left()[0] == 2


def test_a_hold_whose_databases_are_silent_asks_for_another_try(small: Company) -> None:
    """`Nobody and nothing of it is known now … Name another identifier`, where nobody had been asked."""
    small.work.init()
    with small.away():
        held = small.work.cli("hold", "add", "--dataset", "crm.people", "--reason", "dispute")
    said = " ".join(held.output.split())
    assert (held.exit_code, "type it again when the database answers, or say" in said.lower()) == (5, True)
    assert "Nobody and nothing of it is known" not in said
    assert "identifier" not in said
