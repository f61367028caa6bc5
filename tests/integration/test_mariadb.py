"""What is special about MariaDB: engines, modes, zero dates, types, locks, and what a role can't see."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
import sqlalchemy as sa

from retention.connectors.sql.mysql.dialect import Mysql
from retention.errors import ConfigurationError, SetupError
from retention.model.plan import JobStatus
from tests.support.mariadb import MariadbServer, MariadbStore, connect
from tests.support.workplace import Workplace

OLD, NEW = "'2020-05-05'", "'2026-11-01'"
THINGS = """
[datasets.things]
data   = "things"
table  = "things"
events = { made = "made" }
"""


@pytest.fixture
def yearly(work: Workplace) -> Workplace:
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')
    return work


# -- tables --------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["MyISAM", "Aria", "MEMORY"])
def test_an_engine_that_cannot_roll_back_is_refused_until_the_printed_statement_is_run(
    yearly: Workplace, mariadb: MariadbStore, engine: str
) -> None:
    mariadb.verbatim(
        f"CREATE TABLE things (id INT PRIMARY KEY, made DATE) ENGINE={engine}; INSERT INTO things VALUES (1, {OLD})"
    )
    yearly.connect(mariadb, THINGS)

    (problem,) = yearly.problems()

    assert f"is stored by {engine}, which keeps deleted rows deleted after a rollback" in problem.found
    assert problem.write == f"ALTER TABLE `{mariadb.name}`.`things` ENGINE=InnoDB;"
    mariadb.verbatim(problem.write, mode="")
    assert yearly.run().jobs[0].done == 1


def test_a_table_that_keeps_its_history_is_refused(yearly: Workplace, mariadb: MariadbStore) -> None:
    """What is deleted from it can be read again: FOR SYSTEM_TIME ALL."""
    mariadb.verbatim("CREATE TABLE things (id INT PRIMARY KEY, made DATE) WITH SYSTEM VERSIONING")
    yearly.connect(mariadb, THINGS)

    (problem,) = yearly.problems()

    assert "what is deleted stays in its history" in problem.found
    assert "not supported yet" in problem.write


def test_a_sequence_is_no_table(yearly: Workplace, mariadb: MariadbStore) -> None:
    mariadb.verbatim("CREATE SEQUENCE things")
    yearly.connect(mariadb, THINGS)

    (problem,) = yearly.problems()

    assert "is a sequence, not a table" in problem.found


def test_a_marker_table_that_cannot_roll_back_is_refused(yearly: Workplace, mariadb: MariadbStore) -> None:
    mariadb.verbatim("CREATE TABLE things (id INT PRIMARY KEY, made DATE)")
    yearly.connect(mariadb, THINGS)
    yearly.init()
    mariadb.verbatim("ALTER TABLE retention_marker ENGINE=Aria")

    with pytest.raises(SetupError, match="ALTER TABLE `retention_marker` ENGINE=InnoDB;"):
        yearly.run()


def test_markers_are_stored_where_nothing_is_folded(yearly: Workplace, mariadb: MariadbStore) -> None:
    mariadb.verbatim("CREATE TABLE things (id INT PRIMARY KEY, made DATE)")
    yearly.connect(mariadb, THINGS)
    yearly.init()

    assert mariadb.rows(
        "SELECT ENGINE, TABLE_COLLATION FROM information_schema.TABLES"
        " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'retention_marker'"
    ) == [("InnoDB", "utf8mb4_bin")]


def test_a_partitioned_table(yearly: Workplace, mariadb: MariadbStore) -> None:
    mariadb.verbatim(
        "CREATE TABLE things (id INT, made DATE, PRIMARY KEY (id, made)) PARTITION BY RANGE COLUMNS (made)"
        " (PARTITION a VALUES LESS THAN ('2021-01-01'), PARTITION b VALUES LESS THAN MAXVALUE);"
        f"INSERT INTO things VALUES (1, {OLD}), (2, '2024-01-01'), (3, {NEW})"
    )
    yearly.connect(mariadb, THINGS)

    assert yearly.run().jobs[0].done == 2
    assert mariadb.rows("SELECT id FROM things") == [(3,)]


def test_an_index_that_is_ignored_is_none(yearly: Workplace, mariadb: MariadbStore) -> None:
    mariadb.verbatim(
        "CREATE TABLE things (id INT PRIMARY KEY, made DATE);"
        "CREATE TABLE notes (id INT PRIMARY KEY, thing INT REFERENCES things (id), KEY a (thing) IGNORED)"
    )
    yearly.connect(mariadb, THINGS)

    (problem,) = yearly.problems()

    assert f"`{mariadb.name}.notes.thing` refers to `{mariadb.name}.things` without an index" in problem.found
    statement = problem.write.partition(" or write")[0]
    assert statement == f"CREATE INDEX `notes_thing_idx` ON `{mariadb.name}`.`notes` (`thing`);"
    mariadb.verbatim(statement, mode="")
    assert yearly.problems() == ()


def test_column_names_fold_their_case_and_table_names_as_the_server_does(
    yearly: Workplace, mariadb: MariadbStore
) -> None:
    mariadb.verbatim(
        f"CREATE TABLE things (id INT PRIMARY KEY, Made DATE); INSERT INTO things VALUES (1, {OLD})"
    )
    yearly.connect(mariadb, THINGS.replace('"made"', '"MADE"'))
    assert yearly.fates("things") == {"due": 1}

    yearly.connect(mariadb, THINGS.replace('table  = "things"', 'table = "THINGS"'))
    ((folds,),) = mariadb.rows("SELECT @@lower_case_table_names")
    assert len(yearly.problems()) == (0 if folds else 1)


# -- sessions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mode",
    ["", "ANSI_QUOTES,PIPES_AS_CONCAT", "NO_BACKSLASH_ESCAPES", "ORACLE", "MSSQL", "TRADITIONAL", "ANSI"],
)
def test_the_servers_mode_changes_nothing(
    yearly: Workplace, mariadb: MariadbStore, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """What a server gives its sessions at first is given here to the driver's own."""
    import pymysql

    asked = pymysql.connections.Connection._request_authentication

    def moody(self):
        asked(self)
        self.encoding = "utf8"
        self._execute_command(3, f"SET SESSION sql_mode = '{mode}', tx_isolation = 'SERIALIZABLE'")
        self._read_ok_packet()

    mariadb.verbatim(
        'CREATE TABLE things (id VARCHAR(30) PRIMARY KEY, made DATETIME, `a "b` VARCHAR(30));'
        f"INSERT INTO things VALUES ('it''s', {OLD}, 'x'), ('a\\\\b', {OLD}, 'x'), ('\"', {NEW}, 'x'),"
        f" ('%s', {OLD}, 'y')"
    )
    monkeypatch.setattr(pymysql.connections.Connection, "_request_authentication", moody)
    yearly.connect(mariadb, THINGS + "where = '''\"a \"\"b\" <> 'z' '''\n")

    assert yearly.fates("things") == {"due": 3, "not_due": 1}
    assert yearly.fate_of("db.things", "it's") == "due"
    assert yearly.run().jobs[0].done == 3
    assert sorted(mariadb.rows("SELECT id FROM things")) == [('"',)]


def test_a_session_is_set_and_not_assumed(mariadb: MariadbStore) -> None:
    import sqlalchemy as sa

    from retention.connectors.sql.dialect import Timeouts
    from retention.connectors.sql.mysql.dialect import Mysql

    dialect = Mysql()
    url = sa.make_url(mariadb.url).set(drivername="mysql+pymysql")
    for read_only in (False, True):
        engine = dialect.engine(url, read_only=read_only)
        with engine.connect() as connection:
            dialect.begin(connection, Timeouts(lock=2_000, statement=60_000, idle=60_000))
            found = connection.exec_driver_sql(
                "SELECT @@time_zone, @@tx_isolation, @@tx_read_only, @@foreign_key_checks, @@character_set_client,"
                " @@innodb_lock_wait_timeout, @@lock_wait_timeout, @@max_statement_time, @@idle_transaction_timeout,"
                " @@autocommit, @@max_session_mem_used"
            ).fetchall()
        assert found == [
            ("+00:00", "READ-COMMITTED", int(read_only), 1, "utf8mb4", 2, 2, 60.0, 60, 0, 2 << 30)
        ]


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("5.5.5-10.11.19-MariaDB-0+deb12u1", "MariaDB"),
        ("11.8.2-MariaDB", "MariaDB"),
        ("8.0.36", "MySQL"),
        ("8.4.0-log", "MySQL"),
        ("9.1.0", "MySQL"),
    ],
)
def test_the_server_says_what_it_is(version: str, name: str) -> None:
    from retention.connectors.sql.mysql.session import flavour_of

    assert flavour_of(version).name == name


@pytest.mark.parametrize("version", ["5.7.44", "5.5.5-10.5.20-MariaDB", "10.3.9-MariaDB-log", "?"])
def test_a_server_that_cannot_skip_locked_rows_is_refused(version: str) -> None:
    from retention.connectors.sql.mysql.session import flavour_of

    with pytest.raises(SetupError, match=r"MariaDB 10\.6 or MySQL 8\.0 and later can"):
        flavour_of(version)


def test_parameters_of_the_url_that_mean_nothing_here_are_refused(
    yearly: Workplace, mariadb: MariadbStore
) -> None:
    mariadb.verbatim("CREATE TABLE things (id INT PRIMARY KEY, made DATE)")
    yearly.connect(mariadb, THINGS)
    yearly.environ["DB_URL"] += "?local_infile=1"

    (problem,) = yearly.problems()

    assert "the parameter `local_infile`" in problem.found


def test_a_certificate_authority_that_is_not_there_is_said(yearly: Workplace, mariadb: MariadbStore) -> None:
    mariadb.verbatim("CREATE TABLE things (id INT PRIMARY KEY, made DATE)")
    yearly.connect(mariadb, 'tls_ca = "nowhere.pem"\n' + THINGS)

    (problem,) = yearly.problems()

    assert "nowhere.pem" in f"{problem.found} {problem.write}"


# -- dates ---------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", ["DATE", "DATETIME", "TIMESTAMP"])
@pytest.mark.parametrize("null", ["NULL", "NOT NULL"])
def test_zero_dates_are_unclear(yearly: Workplace, mariadb: MariadbStore, type_: str, null: str) -> None:
    """In a NOT NULL column `IS NULL` is true of them."""
    mariadb.verbatim(
        f"CREATE TABLE things (id INT PRIMARY KEY, made {type_} {null} DEFAULT '2020-01-01');"
        f"INSERT INTO things VALUES (1, '0000-00-00'), (2, {OLD}), (3, {NEW})",
        mode="",
    )
    yearly.connect(mariadb, THINGS)

    assert yearly.each("things") == {"1": "unclear", "2": "due", "3": "not_due"}
    (view,) = yearly.explain("db.things", "1").rules
    (component,) = view.components
    assert (component.state, (component.value or "")[:10]) == ("unclear", "0000-00-00")
    assert yearly.run().jobs[0].done == 1
    assert mariadb.rows("SELECT id FROM things ORDER BY 1") == [(1,), (3,)]


@pytest.mark.parametrize("type_", ["DATE", "DATETIME(6)"])
def test_days_that_do_not_exist_are_unclear(yearly: Workplace, mariadb: MariadbStore, type_: str) -> None:
    days = ["2020-00-00", "2020-05-00", "2020-02-30", "2030-00-00", "2020-02-29"]
    rows = ", ".join(f"({n}, '{day}')" for n, day in enumerate(days, 1))
    mariadb.verbatim(
        f"CREATE TABLE things (id INT PRIMARY KEY, made {type_}); INSERT INTO things VALUES {rows}",
        mode="ALLOW_INVALID_DATES",
    )
    yearly.connect(mariadb, THINGS)

    assert list(yearly.each("things").values()) == ["unclear"] * 4 + ["due"]


def test_a_zero_date_in_a_related_row_is_unclear(work: Workplace, mariadb: MariadbStore) -> None:
    mariadb.verbatim(
        "CREATE TABLE things (id INT PRIMARY KEY); CREATE TABLE notes (id INT PRIMARY KEY,"
        " thing INT REFERENCES things (id), made DATE NOT NULL); INSERT INTO things VALUES (1), (2);"
        f"INSERT INTO notes VALUES (1, 1, '0000-00-00'), (2, 1, {OLD}), (3, 2, {OLD})",
        mode="",
    )
    work.connect(mariadb, THINGS.replace('"made" }', '"notes.made" }') + 'parts = ["notes"]\n')
    work.rule("things", 'data = "things"\nkeep = "1 year"\nfrom = "made"')

    assert work.each("things") == {"1": "unclear", "2": "due"}


def test_a_timestamp_is_an_instant_whatever_zone_wrote_it(yearly: Workplace, mariadb: MariadbStore) -> None:
    """Kept one year, by days of the policy's zone: 22 November 2025 begins there while it is the 21st in UTC."""
    yearly.timezone = "Europe/Oslo"
    mariadb.verbatim(
        "SET time_zone = '+05:00'; CREATE TABLE things (id INT PRIMARY KEY, made TIMESTAMP NULL);"
        "INSERT INTO things VALUES (1, '2025-11-22 03:59:59'), (2, '2025-11-22 04:00:00')"
    )
    yearly.connect(mariadb, THINGS, timezone=None)

    assert yearly.each("things") == {"1": "due", "2": "not_due"}
    (view,) = yearly.explain("db.things", "2").rules
    assert (view.event, view.due_on) == ("2025-11-22", "2026-11-23")


@pytest.mark.parametrize(
    ("type_", "write"), [("INT", "unit"), ("YEAR", "name a column"), ("TIME", "name a column")]
)
def test_what_is_no_date_is_refused_as_an_event(
    yearly: Workplace, mariadb: MariadbStore, type_: str, write: str
) -> None:
    mariadb.verbatim(f"CREATE TABLE things (id INT PRIMARY KEY, made {type_})")
    yearly.connect(mariadb, THINGS)

    (problem,) = yearly.problems()

    assert write in problem.write


# -- keys ----------------------------------------------------------------------------------

KEYS = [
    ("BIGINT UNSIGNED", ["18446744073709551615", "1", "0"]),
    ("BIT(9)", ["b'100000001'", "b'1'", "b'0'"]),
    ("YEAR", ["2020", "1999", "2001"]),
    ("TINYINT(1)", ["1", "0", "7"]),
    ("DECIMAL(20,4)", ["1.5000", "-3", "0"]),
    ("BINARY(16)", ["X'00112233445566778899AABBCCDDEEFF'", "X'00'", "X'27'"]),
    ("VARBINARY(20)", ["X'00'", "X'2725'", "X'FF'"]),
    ("UUID", ["'00112233-4455-6677-8899-aabbccddeeff'", "UUID()", "UUID()"]),
    ("DATETIME(6)", ["'2020-01-01 10:00:00.000001'", "'2020-01-01'", "'2020-01-02'"]),
    ("TIMESTAMP", ["'2020-01-01 10:00:00'", "'2020-01-02'", "'2020-01-03'"]),
    ("VARCHAR(30)", ["'it''s'", "'%s'", "'a\\\\b'"]),
    ("VARCHAR(30) CHARACTER SET latin1", ["'é'", "'B'", "'c'"]),
]


@pytest.mark.one_in(4)
@pytest.mark.parametrize(("type_", "values"), KEYS, ids=[type_ for type_, _ in KEYS])
def test_keys_that_mariadb_has(
    yearly: Workplace, mariadb: MariadbStore, type_: str, values: list[str]
) -> None:
    first, second, third = values
    mariadb.verbatim(
        f"CREATE TABLE things (id {type_} PRIMARY KEY, made DATE);"
        f"INSERT INTO things VALUES ({first}, {OLD}), ({second}, {OLD}), ({third}, {NEW})"
    )
    yearly.connect(mariadb, THINGS)
    kept = mariadb.rows(f"SELECT id FROM things WHERE made = {NEW}")

    assert yearly.fates("things") == {"due": 2, "not_due": 1}
    assert yearly.run().jobs[0].done == 2
    assert mariadb.rows("SELECT id FROM things") == kept


@pytest.mark.parametrize("type_", ["ENUM('b', 'a')", "SET('b', 'a')", "DOUBLE", "TIME", "INET6"])
def test_keys_that_cannot_be_walked_or_told(yearly: Workplace, mariadb: MariadbStore, type_: str) -> None:
    """An ENUM is sorted by the order of its words, and compared with a text by its letters."""
    mariadb.verbatim(f"CREATE TABLE things (id {type_} PRIMARY KEY, made DATE)")
    yearly.connect(mariadb, THINGS)

    (problem,) = yearly.problems()

    assert problem.key == "datasets.things.key"


def test_keys_that_differ_in_case_from_what_refers_to_them(yearly: Workplace, mariadb: MariadbStore) -> None:
    """The collation folds case and spaces at the end: 'A ' refers to 'a'. Evidence is of keys as they are stored."""
    from retention.connectors.sql.batches.removal import KeyRemover

    mariadb.verbatim(
        "CREATE TABLE things (id VARCHAR(10) PRIMARY KEY, made DATE) COLLATE utf8mb4_general_ci;"
        "CREATE TABLE notes (id INT PRIMARY KEY, thing VARCHAR(10) REFERENCES things (id))"
        " COLLATE utf8mb4_general_ci;"
        f"INSERT INTO things VALUES ('a', {OLD}), ('B ', {OLD}), ('c', {NEW});"
        "INSERT INTO notes VALUES (1, 'A '), (2, 'b')"
    )
    yearly.connect(mariadb, THINGS)
    assert yearly.fates("things") == {"referenced": 2, "not_due": 1}

    yearly.connect(mariadb, THINGS + 'parts = ["notes"]\n')
    taken: list[object] = []
    take = KeyRemover.take

    def watched(self, *given, **ways):
        found = take(self, *given, **ways)
        taken.extend(found.keys)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KeyRemover, "take", watched)
        job = yearly.run().jobs[0]
    assert job.rows == {f"{mariadb.name}.things": 2, f"{mariadb.name}.notes": 2}
    assert sorted(taken, key=repr) == [("B ",), ("a",)]


def test_booleans_as_people_have_them(yearly: Workplace, mariadb: MariadbStore) -> None:
    mariadb.verbatim(
        "CREATE TABLE things (id INT PRIMARY KEY, made DATE, hot BOOLEAN, cold BIT(1), mood ENUM('x', 'y'));"
        f"INSERT INTO things VALUES (1, {OLD}, 1, b'1', 'x'), (2, {OLD}, 0, b'1', 'x'), (3, {OLD}, 1, b'0', 'x'),"
        f" (4, {OLD}, 1, b'1', 'y'), (5, {OLD}, NULL, b'1', 'x')"
    )
    yearly.connect(mariadb, THINGS + "where = \"hot AND cold = true AND mood = 'x'\"\n")

    assert yearly.each("things") == {"1": "due", "5": "unclear"}


# -- rows that refer to each other ---------------------------------------------------------


def test_a_thread_of_comments_goes_with_its_article(yearly: Workplace, mariadb: MariadbStore) -> None:
    """InnoDB refuses a comment before the answer to it."""
    mariadb.verbatim(
        "CREATE TABLE things (id INT PRIMARY KEY, made DATE);"
        "CREATE TABLE comments (id INT PRIMARY KEY, thing INT REFERENCES things (id),"
        " answers INT REFERENCES comments (id));"
        f"INSERT INTO things VALUES (1, {OLD}), (2, {NEW});"
        "INSERT INTO comments VALUES (1, 1, NULL), (2, 1, 1), (3, 1, 2), (4, 1, 3), (5, 1, 1), (6, 2, NULL)"
    )
    yearly.connect(mariadb, THINGS + 'parts = ["comments"]\n')

    job = yearly.run().jobs[0]

    assert job.rows == {f"{mariadb.name}.things": 1, f"{mariadb.name}.comments": 5}
    assert mariadb.rows("SELECT id FROM comments") == [(6,)]


# -- locks ---------------------------------------------------------------------------------


def halfway(monkeypatch: pytest.MonkeyPatch, action: Callable[[], None]) -> None:
    """`action` is done once, when a batch has deleted its rows and is about to be marked."""
    from retention.connectors.sql.batches.removal import KeyRemover

    mark, done = KeyRemover.mark, []

    def watched(self, marker):
        if not done:
            done.append(True)
            action()
        mark(self, marker)

    monkeypatch.setattr(KeyRemover, "mark", watched)


def test_an_insert_into_the_range_that_is_being_deleted_does_not_wait(
    yearly: Workplace, mariadb: MariadbStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At REPEATABLE READ, the server's default, it would: the gaps between the rows are locked, too."""
    mariadb.verbatim(
        "CREATE TABLE things (id INT PRIMARY KEY, made DATE, KEY (made));"
        "INSERT INTO things SELECT seq * 10, '2020-05-05' FROM seq_1_to_300"
    )
    yearly.connect(mariadb, THINGS)

    def insert() -> None:
        with closing(connect(mariadb.url, autocommit=True)) as other, other.cursor() as cursor:
            cursor.execute("SET innodb_lock_wait_timeout = 1")
            cursor.execute(
                "INSERT INTO things VALUES (15, '2020-05-05'), (2995, '2020-05-05'), (9999, '2026-11-01')"
            )

    halfway(monkeypatch, insert)

    job = yearly.run().jobs[0]

    assert (job.planned, job.done) == (300, 300)
    assert mariadb.rows("SELECT count(*) FROM things WHERE id IN (15, 2995, 9999)") == [(3,)]


def test_a_lock_timeout_in_the_middle_of_a_batch_keeps_nothing_of_it(
    yearly: Workplace, mariadb: MariadbStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """InnoDB undoes the statement alone, and a COMMIT would keep the rest of it."""
    from retention.connectors.sql.batches.own_keys import KeyedDelete

    mariadb.verbatim(
        "CREATE TABLE things (id INT PRIMARY KEY, made DATE);"
        "CREATE TABLE notes (id INT PRIMARY KEY, thing INT REFERENCES things (id));"
        f"INSERT INTO things VALUES (1, {OLD}), (2, {OLD}); INSERT INTO notes VALUES (1, 1), (2, 2)"
    )
    yearly.connect(mariadb, THINGS + 'parts = ["notes"]\n')
    delete = KeyedDelete.delete
    other = connect(mariadb.url)
    cursor = other.cursor()
    seen: list[object] = []

    def hindered(self, connection, keys, *, beside_locks):
        gone = delete(self, connection, keys, beside_locks=beside_locks)
        if (
            not seen
        ):  # the notes went; now another session wants what comes next, and has what the marker wants
            seen.append(gone)
            connection.exec_driver_sql("SET innodb_lock_wait_timeout = 1")
            cursor.execute("SELECT * FROM blocked FOR UPDATE")
            connection.exec_driver_sql("DELETE FROM blocked")
        return gone

    yearly.init()
    mariadb.verbatim("CREATE TABLE blocked (id INT PRIMARY KEY); INSERT INTO blocked VALUES (1)")
    monkeypatch.setattr(KeyedDelete, "delete", hindered)
    with closing(other):
        job = yearly.run().jobs[0]
        assert seen == [2]
        assert mariadb.rows("SELECT count(*) FROM blocked") == [(1,)]
        other.rollback()
    assert (job.status, job.done) == (JobStatus.DONE, 2)
    assert job.rows == {f"{mariadb.name}.things": 2, f"{mariadb.name}.notes": 2}


# -- what a role can't see -----------------------------------------------------------------


@pytest.fixture
def role(mariadb_server: MariadbServer, mariadb: MariadbStore) -> Iterator[str]:
    name = f"retention_{os.urandom(4).hex()}"
    mariadb_server.execute(f"CREATE USER {name}@'%' IDENTIFIED BY 'change-me'")
    yield name
    mariadb_server.execute(f"DROP USER {name}@'%'")


@pytest.fixture
def elsewhere(mariadb_server: MariadbServer, mariadb: MariadbStore) -> Iterator[MariadbStore]:
    """Another database of the server."""
    store = mariadb_server.create()
    yield store
    mariadb_server.drop(store)


def test_a_cascade_that_the_role_cannot_see_is_not_absent(
    yearly: Workplace,
    mariadb: MariadbStore,
    elsewhere: MariadbStore,
    mariadb_server: MariadbServer,
    role: str,
) -> None:
    mariadb.verbatim(
        f"CREATE TABLE things (id INT PRIMARY KEY, made DATE); INSERT INTO things VALUES (1, {OLD})"
    )
    elsewhere.verbatim(
        f"CREATE TABLE visits (id INT PRIMARY KEY, thing INT, FOREIGN KEY (thing) REFERENCES {mariadb.name}.things (id)"
        " ON DELETE CASCADE); INSERT INTO visits VALUES (1, 1)"
    )
    yearly.connect(mariadb, THINGS)
    mariadb_server.execute(f"GRANT SELECT, DELETE, INSERT, CREATE ON {mariadb.name}.* TO {role}@'%'")
    yearly.environ["DB_URL"] = mariadb.url.replace("root@", f"{role}:change-me@")

    job = yearly.job("things")
    assert (job.due, job.status) == (1, JobStatus.REFUSED)
    assert "can't see foreign keys of other tables" in (job.reason or "")
    (problem,) = yearly.problems()
    assert problem.write == f"GRANT REFERENCES ON *.* TO '{role}'@'%';"
    outcome = yearly.run()
    assert (outcome.jobs[0].status, outcome.jobs[0].done) == (JobStatus.REFUSED, 0)

    mariadb_server.execute(problem.write)
    with pytest.raises(ConfigurationError):
        yearly.run()
    problems = yearly.problems()
    assert any(
        f"`{elsewhere.name}.visits.thing` refers to" in p.found and "CASCADE" in p.found for p in problems
    )
    assert elsewhere.rows("SELECT count(*) FROM visits") == [(1,)]


def test_triggers_that_a_role_that_only_reads_cannot_see(
    yearly: Workplace, mariadb: MariadbStore, mariadb_server: MariadbServer, role: str
) -> None:
    mariadb.verbatim(
        f"CREATE TABLE things (id INT PRIMARY KEY, made DATE); INSERT INTO things VALUES (1, {OLD});"
        "CREATE TRIGGER watch BEFORE DELETE ON things FOR EACH ROW SET @gone = 1"
    )
    yearly.connect(mariadb, THINGS)
    mariadb_server.execute(f"GRANT SELECT ON {mariadb.name}.* TO {role}@'%'")
    mariadb_server.execute(f"GRANT REFERENCES ON *.* TO {role}@'%'")
    yearly.environ["DB_URL"] = mariadb.url.replace("root@", f"{role}:change-me@")

    job = yearly.job("things")

    assert (job.status, "triggers" in (job.reason or "")) == (JobStatus.REFUSED, True)
    assert any("GRANT TRIGGER ON" in problem.write for problem in yearly.problems())


def test_a_name_alone_is_of_the_urls_database(
    yearly: Workplace, mariadb: MariadbStore, elsewhere: MariadbStore
) -> None:
    for store in (mariadb, elsewhere):
        store.verbatim(
            f"CREATE TABLE things (id INT PRIMARY KEY, made DATE); INSERT INTO things VALUES (1, {OLD})"
        )
    yearly.connect(mariadb, THINGS)
    assert yearly.run().jobs[0].done == 1
    assert elsewhere.rows("SELECT count(*) FROM things") == [(1,)]

    yearly.connect(mariadb, THINGS.replace('table  = "things"', f'table = "{elsewhere.name}.things"'))
    assert yearly.problems() == ()
    assert yearly.run().jobs[0].rows == {f"{elsewhere.name}.things": 1}


def test_grants_as_servers_write_them() -> None:
    from retention.connectors.sql.mysql.grants import Grants, parsed
    from retention.model.catalogue import TableId

    lines = [
        "GRANT USAGE ON *.* TO `r`@`%` IDENTIFIED BY PASSWORD '*B69'",
        "GRANT SELECT, DELETE ON `my\\_shop`.* TO `r`@`%`",
        "GRANT SELECT (`id`, `a,b (c)`), INSERT ON `shop2`.`or``ders` TO `r`@`%` WITH GRANT OPTION",
        "GRANT `seer`@`%` TO `r`@`%`",
        "GRANT ALL PRIVILEGES ON `all%`.* TO `r`@`%`",
    ]
    grants = Grants(role="r", grants=parsed(lines))

    assert grants.on(TableId(schema="my_shop", name="x")) >= {"SELECT", "DELETE"}
    assert "SELECT" not in grants.on(TableId(schema="myxshop", name="x"))
    assert grants.on(TableId(schema="shop2", name="or`ders")) == {"INSERT", "USAGE"}
    assert "TRIGGER" in grants.on(TableId(schema="all_of_it", name="x"))
    assert not grants.everywhere("REFERENCES")
    assert Grants(role="r", grants=parsed(["GRANT PROCESS, REFERENCES ON *.* TO `r`@`%`"])).everywhere(
        "REFERENCES"
    )


def test_a_driver_that_is_not_there_is_said(yearly: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pymysql" else found(name))
    yearly.connect(MariadbStore("mysql://root@127.0.0.1/x", "x"), THINGS)

    (problem,) = yearly.problems()

    assert problem.write == "pip install 'retention[mysql]'"


def test_a_catalogue_is_read_without_the_views_of_the_server_s_own_databases(mariadb: MariadbStore) -> None:
    """Looking for foreign keys there made a table in memory for each of their hundred views, and once ended a
    server where one could not be made."""
    mariadb.script("CREATE TABLE things (id INTEGER PRIMARY KEY, of_id INTEGER REFERENCES things (id))")
    engine = Mysql().engine(sa.make_url(mariadb.url).set(drivername="mysql+pymysql"), read_only=True)
    with engine.connect() as connection:
        found = Mysql().catalogue(connection)
        made = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Created_tmp_tables'").one()[1]
    engine.dispose()

    assert [reference.columns for reference in found.references] == [("of_id",)]
    assert int(made) < 50
