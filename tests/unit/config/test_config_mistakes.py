"""What is wrong is said with file, key, what was found and what to write; all of it at once."""

from __future__ import annotations

import os
import time

import pytest

from retention.config import load
from retention.errors import ConfigurationError, SetupError

RULE = """
[policy]
timezone = "Europe/Oslo"
[rules.orders]
promise = "p"
data = "orders"
keep = "5 years"
from = "booked"
action = "delete"
"""
DATASET = """
type = "sql"
url = "env:URL"
[datasets.orders]
data = "orders"
table = "orders"
events = { booked = "created_at" }
"""


def replaced(text, line):
    """`text` with the line of the same key of its last table replaced, or with the line added to its end."""
    key = line.split("=")[0].strip()
    before, header, table = text.rpartition("\n[")
    lines = [line if old.split("=")[0].strip() == key else old for old in table.splitlines()]
    return before + header + "\n".join(lines if line in lines else [*lines, line]) + "\n"


def the_one(problems, key):
    (problem,) = [p for p in problems if p.key == key]
    return problem


@pytest.mark.parametrize(
    ("line", "key", "found", "write"),
    [
        ('keep = "5 yrs"', "keep", "5 yrs", "5 years"),
        ('keep = "0 months"', "keep", "0 months", "0 days"),
        ('keep = "24 hours"', "keep", "24 hours", "day"),
        ('keep = "-1 year"', "keep", "-1 year", "year"),
        ('keep = ""', "keep", "empty string", "5 years"),
        ("keep = 5", "keep", "5", "5 years"),
        ("keep = 5.5", "keep", "5.5", "5 years"),
        ("keep = true", "keep", "true", "5 years"),
        ("keep = 2026-01-01", "keep", "TOML date", "5 years"),
        ("keep = {}", "keep", "an empty table", "instructed"),
        ('keep = { perod = "instructed" }', "keep.perod", "not a known key", "`period`"),
        ('keep = { period = "in structed" }', "keep.period", "cannot be a period's name", "letters"),
        ("keep = { period = 5 }", "keep.period", "is 5", "quotes"),
        ('data = ["orders", "acounts"]', "data[2]", "carried by no dataset", '"orders"'),
        ('data = ["orders", "any"]', "data[2]", "beside others", 'data = "any"'),
        ('data = ["orders", "orders"]', "data[2]", "listed twice", "take one"),
        ('data = ["orders", 5]', "data[2]", "is 5", "quotes"),
        ("data = []", "data", "empty list", '"any"'),
        ('data = "order"', "data", "no dataset", '"orders"'),
        ('data = "Orders"', "data", "no dataset", '"orders"'),
        ('data = "or\\nders"', "data", "control character", "write it"),
        ('from = "boked"', "from", "boked", '"booked"'),
        ('from = ["booked"]', "from", "is a list", "latest"),
        ('from = "none"', "from", "no event", "take the key out"),
        ('from = "book ed"', "from", "book ed", "letters"),
        ('action = "restrictt"', "action", "restrictt", '"restrict"'),
        ('action = "deleet"', "action", "deleet", '"delete"'),
        ('action = "anonymise"', "action", "anonymise", "anonymize"),
        ('starts = "after fiscal yaer"', "starts", "yaer", '"after fiscal year"'),
        ('starts = "next day"', "starts", "next day", '"after'),
        ('basis = "legal obligaton"', "basis", "obligaton", '"legal obligation"'),
        ('approval = "chnages"', "approval", "chnages", '"changes"'),
        ("approval = false", "approval", "false", '"changes"'),
        ('timezone = "Europe/Olso"', "timezone", "Olso", "Europe/Oslo"),
        ('timezone = "CEST"', "timezone", "CEST", ""),
        ('fiscal_year_end = "31-12"', "fiscal_year_end", "31-12", "12-31"),
        ('fiscal_year_end = "06-30"', "fiscal_year_end", "no effect", "after fiscal year"),
        ("limits = {}", "limits", "empty table", "share"),
        ("limits = 5", "limits", "is 5", "table"),
        ("limits = { share = 0 }", "limits.share", "zero", '"25%"'),
        ('limits = { share = "0%" }', "limits.share", "zero", '"25%"'),
        ("limits = { share = 0.0 }", "limits.share", "zero", '"25%"'),
        ("limits = { share = 1e-300 }", "limits.share", "less than a row", '"25%"'),
        ("limits = { share = -0.1 }", "limits.share", "-0.1", '"25%"'),
        ("limits = { share = nan }", "limits.share", "nan", '"25%"'),
        ("limits = { share = inf }", "limits.share", "inf", '"25%"'),
        ("limits = { share = 25 }", "limits.share", "25", '"25%"'),
        ("limits = { share = true }", "limits.share", "true", '"25%"'),
        ('limits = { share = "101%" }', "limits.share", "whole table", '"25%"'),
        ('limits = { share = "٢٥%" }', "limits.share", "not a share", '"25%"'),
        ('limits = { share = "0.25" }', "limits.share", "0.25", '"25%"'),
        ("limits = { rows = 0 }", "limits.rows", "never means", "1_000_000"),
        ("limits = { rows = -1 }", "limits.rows", "-1", "whole number"),
        ("limits = { rows = true }", "limits.rows", "true", "whole number"),
        ("limits = { rows = 1e6 }", "limits.rows", "1000000.0", "whole number"),
        ('limits = { rows = "1000" }', "limits.rows", "1000", "without quotes"),
        ("limits = { rows = 99999999999999999999999999999999999 }", "limits.rows", "huge", "at most"),
        ("limits = { row = 5 }", "limits.row", "not a known key", "`rows`"),
        ('schedule = "0 2 * *"', "schedule", "4 fields", "0 2 * * *"),
        ('schedule = "0 0 2 * * *"', "schedule", "6 fields", "0 2 * * *"),
        ('schedule = "0 0 31 2 *"', "schedule", "never comes", "0 2 * * *"),
        ('schedule = "0 0 31 4,6,9,11 *"', "schedule", "never comes", "0 2 * * *"),
        ('schedule = "61 * * * *"', "schedule", "not a schedule: a field of it is out of range", "0 2 * * *"),
        ('schedule = "R R * * *"', "schedule", '"r"', "0 2 * * *"),
        ('schedule = "H 2 * * *"', "schedule", '"h"', "0 2 * * *"),
        ('schedule = "@dialy"', "schedule", "@dialy", "@daily"),
        ('schedule = "@reboot"', "schedule", "@reboot", "@daily"),
        ('schedule = "never"', "schedule", "1 field", "0 2 * * *"),
        ('otherwise = "anonymize"', "otherwise", "anonymize", '["pseudonymize"]'),
        ("otherwise = []", "otherwise", "empty list", "take it out"),
        ('otherwise = ["restrictt"]', "otherwise[1]", "restrictt", '"restrict"'),
        ('otherwise = ["delete"]', "otherwise", "stopped by what stops", "take it out"),
        ('when = "a"', "when", "no key of this table", "exceptions"),
        ('began = "a"', "began", "no key of this table", "connectors/NAME.toml"),
        ('kep = "5 years"', "kep", "not a known key", "`keep`"),
        ('promsie = "p"', "promsie", "not a known key", "`promise`"),
        ('table = "orders"', "table", "no key of this table", "connectors/NAME.toml"),
        ('kept_by = "somebody"', "keep", "contradicts `kept_by`", "one of the two"),
        ('kept_by = ""', "kept_by", "empty string", "write something"),
    ],
)
def test_a_mistake_in_a_rule_is_named_with_what_to_write_instead(problems, line, key, found, write):
    problem = the_one(problems(policies=replaced(RULE, line), shop=DATASET), f"rules.orders.{key}")
    assert problem.file == "policies.toml"
    assert found in problem.found
    assert write in problem.write
    assert problem.write


@pytest.mark.parametrize("key", ["promise", "data", "keep", "from", "action"])
def test_what_a_rule_needs_is_asked_for(problems, key):
    text = "\n".join(line for line in RULE.splitlines() if not line.startswith(f"{key} ="))
    (problem,) = problems(policies=text, shop=DATASET)
    assert (problem.key, problem.found) == (f"rules.orders.{key}", "is missing")
    assert problem.write.startswith(f"write {key} = ")


def test_the_policys_zone_is_asked_for_where_a_rule_has_none(problems):
    (problem,) = problems(policies=RULE.replace('timezone = "Europe/Oslo"\n', ""), shop=DATASET)
    assert (problem.key, problem.write[:17]) == ("policy.timezone", "write timezone = ")
    assert "`orders`" in problem.found


@pytest.mark.parametrize(
    ("line", "key", "found", "write"),
    [
        ('[polcy]\nname = "x"', "polcy", "not a known key", "`policy`"),
        ("[rules.'my rule']\npromise='p'\ndata='x'\nkept_by='y'", 'rules."my rule"', "my rule", "letters"),
        ('[rules."a\\u0000b"]\npromise="p"\ndata="x"\nkept_by="y"', None, "\\x00", "without"),
        ("[rules]\nx = 5", "rules.x", "is 5", "[rules.x]"),
    ],
)
def test_a_mistake_beside_the_rules_is_named_too(problems, line, key, found, write):
    found_problems = problems(policies=RULE + line, shop=DATASET)
    problem = found_problems[0] if key is None else the_one(found_problems, key)
    assert found in str(problem)
    assert write in problem.write


def test_a_policy_without_a_rule_promises_nothing(problems):
    (problem,) = problems(policies='[policy]\nname = "x"\n', shop=DATASET)
    assert (problem.key, problem.write) == ("rules", "write one [rules.NAME] at least")


@pytest.mark.parametrize(
    ("line", "key", "found", "write"),
    [
        ('type = "sgl"', "type", "sgl", '"sql"'),
        ('type = "s3"', "type", "not supported yet", "kept_by"),
        ("url = 5", "url", "not a URL", "env:NAME"),
        ('url = "env:"', "url", "no environment variable", "env:NAME"),
        ('url = "env:MY-VAR"', "url", "no environment variable", "env:NAME"),
        ('url = "file:"', "url", "no file", "file:PATH"),
        ('url = "file:~/secret"', "url", "~", "whole path"),
        ('url = "shop.db"', "url", "not a URL", "sqlite:///"),
        ('url = "sqlite://"', "url", "memory", "sqlite:///shop.db"),
        ('url = "sqlite:///:memory:"', "url", "memory", "sqlite:///shop.db"),
        ('url = "sqlite:///shop.db?mode=ro"', "url", "parameters", "sqlite:///shop.db"),
        ('url = "postgress://db/shop"', "url", "postgress://", "postgres://"),
        ('url = "oracle://db/shop"', "url", "oracle://", "postgresql://"),
        ('url = "postgresql+asyncpg://db/shop"', "url", "asyncpg", "postgresql+psycopg"),
        ('url = "postgres://db"', "url", "no database", "DATABASE"),
        ('timezone = "Oslo"', "timezone", "Oslo", "Europe/Oslo"),
        ('tls = "of"', "tls", "of", '"off"'),
        ("tls = false", "tls", "false", '"off"'),
        ('tls = ""', "tls", "empty string", '"off"'),
        ('urll = "env:U"', "urll", "not a known key", "`url`"),
        ('table = "orders"', "table", "no key of this table", "[datasets.NAME]"),
    ],
)
def test_a_mistake_in_a_connectors_head_is_named(problems, line, key, found, write):
    head, _, rest = DATASET.partition("[datasets")
    shop = replaced(head, line) + "[datasets" + rest
    problem = the_one(problems(policies=RULE, shop=shop), key)
    assert problem.file == "connectors/shop.toml"
    assert found in problem.found
    assert write in problem.write


@pytest.mark.parametrize(
    ("line", "key", "found", "write"),
    [
        ('table = ""', "table", "is empty", "a table"),
        ("table = '\"orders'", "table", "'\"orders' has a double quote where", "double quotes"),
        ('table = "sales."', "table", "empty part", "a table"),
        ('table = "a.b.c"', "table", "3 parts", "double quotes"),
        ('table = "ord\\u0000ers"', "table", "control character", "a table"),
        ("table = 'or\"ders'", "table", "double quote", "twice"),
        ('table = " orders"', "table", "space", "double quotes"),
        ("table = 5", "table", "is 5", "in quotes"),
        ('schema = "sales"\ntable = "sales.orders"', "schema", "contradicts", "one place"),
        ("key = []", "key", "empty list", "key ="),
        ('key = ["a", "a"]', "key[2]", "twice", "take one"),
        ('key = "orders.id"', "key", "2 parts", "double quotes"),
        ("where = 5", "where", "is 5", "in quotes"),
        ('where = ""', "where", "empty", "status"),
        ('where = "created < now()"', "where", "asks for the time", "keep"),
        ('where = "a = 1; DROP TABLE a"', "where", "semicolon", "alone"),
        ("subject = {}", "subject", "empty table", "customer_id"),
        ("events = {}", "events", "empty table", "booked"),
        ("events = { booked = [] }", "events.booked", "empty list", "latest"),
        ("events = { booked = { latest = [] } }", "events.booked.latest", "empty list", "latest"),
        ('events = { booked = { latest = ["a", ""] } }', "events.booked.latest[2]", "is empty", "column"),
        ('events = { booked = { latest = ["a", "never"] } }', "events.booked.latest[2]", "never", "take it"),
        (
            'events = { booked = { latest = [{ latest = ["a"] }] } }',
            "events.booked.latest[1]",
            "not supported yet",
            "one list",
        ),
        ('events = { booked = { colum = "a" } }', "events.booked.colum", "colum", "`column`"),
        ('events = { booked = { via = "a" } }', "events.booked", "no `column`", "column ="),
        ('events = { booked = { column = "a", via = "b" } }', "events.booked.via", "itself", "via"),
        (
            'events = { booked = { column = "t.a", via = "x.b" } }',
            "events.booked.via",
            "2 parts",
            "double quotes",
        ),
        ('events = { "boo ked" = "a" }', 'events."boo ked"', "boo ked", "letters"),
        ("parts = []", "parts", "empty list", "order_lines"),
        ('parts = "lines"', "parts", "lines", "order_lines"),
        ('parts = ["lines", "lines"]', "parts[2]", "twice", "take one"),
        ('parts = ["lines", { table = "lines", via = "x" }]', "parts[2]", "twice", "take one"),
        ('parts = ["orders"]', "parts[1]", "own table", "take it out"),
        ("allow_scan = 1", "allow_scan", "is 1", "true or false"),
        ('allow_scan = "yes"', "allow_scan", "yes", "true or false"),
        ('anonymize = { email = "hush" }', "anonymize.email", "not a strategy", "hash"),
        ("relations = []", "relations", "an empty list", "take the key out"),
        ('relations = ["x"]', "relations[1]", '"x"', "tickets.customer_id -> customers.id"),
        ('relations = ["a.b -> c"]', "relations[1]", '"c" names no table', "customers.id"),
        (
            'relations = ["a.b -> c.d", "a.b->c.d"]',
            "relations[2]",
            "a.b -> c.d is listed twice",
            "one of them",
        ),
        (
            'relations = [{ table = "a", columns = "b", target = "c" }]',
            "relations[1]",
            "`target_columns`",
            "lines",
        ),
        (
            'relations = [{ table = "a", columns = ["b", "c"], target = "d", target_columns = "e" }]',
            "relations[1]",
            "2 columns refer to 1",
            "in the same order",
        ),
        ('tabel = "x"', "tabel", "not a known key", "`table`"),
        ('data = "or ders "', "data", "cannot name", "single spaces"),
    ],
)
def test_a_mistake_in_a_dataset_is_named(problems, line, key, found, write):
    text = DATASET
    for one in line.split("\n"):
        text = replaced(text, one)
    problem = the_one(problems(policies=RULE, shop=text), f"datasets.orders.{key}")
    assert problem.file == "connectors/shop.toml"
    assert found in problem.found
    assert write in problem.write


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('"9 ms"', "out of range"),
        ('"61 s"', "out of range"),
        ('"0 s"', "out of range"),
        ('"500"', "not a time"),
        ('"half a second"', "not a time"),
        ("500", "is 500"),
        ("0", "is 0"),
    ],
)
def test_a_batch_time_is_between_ten_milliseconds_and_a_minute(problems, line, found):
    shop = DATASET + f"[throttle]\nbatch_time = {line}\n"
    problem = the_one(problems(policies=RULE, shop=shop), "throttle.batch_time")
    assert found in problem.found
    assert "500 ms" in problem.write or "10 ms" in problem.write


@pytest.mark.parametrize(
    ("value", "found"),
    [("0", "is 0"), ("9", "is 9"), ("2.0", "is the number 2.0"), ('"2"', 'is "2"'), ("2", "SQLite")],
)
def test_workers_on_a_sqlite_file_are_one_finding(problems, value, found):
    shop = (
        DATASET.replace('url = "env:URL"', 'url = "sqlite:///shop.db"') + f"[throttle]\nworkers = {value}\n"
    )
    assert found in the_one(problems(policies=RULE, shop=shop), "throttle.workers").found


def test_a_key_that_slipped_under_the_wrong_header_is_sent_back(problems):
    shop = DATASET + '[throttle]\ntimezone = "Europe/Oslo"\nworkers = 0\n'
    found = problems(policies=RULE, shop=shop)
    assert "above [throttle]" in the_one(found, "throttle.timezone").write
    assert "is 0" in the_one(found, "throttle.workers").found


@pytest.mark.parametrize("where", ["url", "password", "query", "state", "state.url", "state.password", "key"])
def test_a_password_in_a_file_is_refused_and_repeated_nowhere(problems, where):
    head, _, rest = DATASET.partition("[datasets")
    other = {}
    if where == "url":
        head = replaced(head, 'url = "postgres://bob:hunter2@db/shop"')
    elif where == "query":
        head = replaced(head, 'url = "postgres://bob@db/shop?password=hunter2"')
    elif where == "password":
        head = replaced(head, 'password = "hunter2"')
    elif where == "state":
        other = {"retention.toml": 'state = "postgres://bob:hunter2@db/state"'}
    elif where == "state.url":
        other = {"retention.toml": '[state]\nurl = "mysql://bob:hunter2@db/state"'}
    elif where == "state.password":
        other = {"retention.toml": '[state]\nurl = "mysql://bob@db/state"\npassword = "hunter2"'}
    else:
        other = {"retention.toml": '[keys]\nsigning = "hunter2"'}
    (problem,) = problems(policies=RULE, shop=head + "[datasets" + rest, other=other)
    assert "hunter2" not in str(problem)
    assert "env:NAME" in problem.write


def test_tls_cannot_be_off_and_checked_against_a_ca(problems):
    shop = 'tls = "off"\ntls_ca = "ca.pem"\n' + DATASET
    assert "contradicts" in the_one(problems(policies=RULE, shop=shop), "tls_ca").found


def test_tls_cannot_be_off_and_show_a_certificate(problems):
    shop = 'tls = "off"\ntls_cert = "client.pem"\ntls_key = "client.key"\n' + DATASET
    found = problems(policies=RULE, shop=shop)
    assert [p.key for p in found] == ["tls_cert", "tls_key"]
    assert all(p.found == 'contradicts tls = "off"' for p in found)


@pytest.mark.parametrize(
    ("key", "other", "write"),
    [
        ("tls_cert", "tls_key", 'add tls_key = "client.key"'),
        ("tls_key", "tls_cert", 'add tls_cert = "client.pem"'),
    ],
)
def test_a_certificate_and_its_key_are_named_together(problems, key, other, write):
    (problem,) = problems(policies=RULE, shop=f'{key} = "x"\n' + DATASET)
    assert (problem.key, problem.found, problem.write) == (key, f"has no {other} beside it", write)


@pytest.mark.parametrize("value", ['"file:client.key"', '"env:KEY"', '"~/client.key"', "1", '""', "[]"])
def test_a_certificate_s_key_is_a_path(problems, value):
    shop = f'tls_cert = "client.pem"\ntls_key = {value}\n' + DATASET
    assert {p.key for p in problems(policies=RULE, shop=shop)} >= {"tls_key"}


def test_a_key_that_is_written_out_is_not_shown(problems):
    shop = 'tls_cert = "client.pem"\ntls_key = """-----BEGIN PRIVATE KEY-----\nhunter2"""\n' + DATASET
    problem = the_one(problems(policies=RULE, shop=shop), "tls_key")
    assert "hunter2" not in str(problem)
    assert problem.write == "write the path of the file"


def test_a_sqlite_file_has_neither_password_nor_tls(problems):
    shop = 'password = "env:P"\ntls = "off"\n' + replaced(
        DATASET.replace('url = "env:URL"\n', 'url = "sqlite:///shop.db"\n'), "allow_scan = true"
    )
    assert [p.key for p in problems(policies=RULE, shop=shop)] == ["password", "tls"]


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        ("[daemon]\nwindow = '22-6'", "daemon.window", "not a window"),
        ("[daemon]\nwindow = '22:00-22:00'", "daemon.window", "begins when it ends"),
        ("[daemon]\nworkers = 0", "daemon.workers", "is 0"),
        ("[daemon]\nlisten = 'x'", "daemon.listen", "not an address"),
        ("[daemon]\nlisten = 'example.com:80'", "daemon.listen", "does not begin with an address"),
        ("[daemon]\nlisten = 70_000", "daemon.listen", "not an address"),
        ("window = '22:00-06:00'", "window", "no key of this table"),
        ("[log]\nformat = 'xml'", "log.format", "not a format"),
        ("[log]\nlevel = 'x'", "log.level", "not a known key"),
        ("[ledger]\npublish = 'x'", "ledger.publish", "is no place to publish to"),
        ("[ledger]\norigin = 'my shop'", "ledger.origin", "cannot be"),
        ("[ledger]\norigin = 'a+b'", "ledger.origin", "cannot be"),
        ("[ledger]\nmirror = ''", "ledger.mirror", "empty string"),
        ("[keys]\nsigning = 'state/a.key'", "keys.signing", "without `file:`"),
        ("[keys]\nsigning = 'env:'", "keys.signing", "names no environment variable"),
        ("[keys]\nsigning = 'command:'", "keys.signing", "is no command"),
        (
            "[keys]\nrotate_evidence = 'monthly'",
            "keys.rotate_evidence",
            "is no time to take a new evidence key",
        ),
        ("[keys]\nsigning='file:a'\nevidence='file:a'", "keys.evidence", "other key"),
        ("stat = 'sqlite:///x.db'", "stat", "not a known key"),
        ("state = 'sqlite://'", "state", "memory"),
        ("state = ''", "state", "not a URL"),
        ("state = 'oracle://h/x'", "state", "not a database that can be connected"),
        ("[state]\npassword = 'env:P'", "state.url", "is missing"),
        ("[state]\nurl = 'env:U'\npasword = 'env:P'", "state.pasword", "not a known key"),
        ("[state]\nurl = 'env:U'\ntls = 'on'", "state.tls", "is"),
        ("[state]\nurl = 'env:U'\ntls = 'off'\ntls_ca = 'ca.pem'", "state.tls_ca", "contradicts"),
        ("[state]\nurl = 'env:U'\ntls_cert = 'client.pem'", "state.tls_cert", "has no tls_key beside it"),
        ("[state]\nurl = 'sqlite:///x.db'\npassword = 'env:P'", "state.password", "SQLite"),
    ],
)
def test_a_mistake_in_the_settings_is_named(problems, text, key, found):
    (problem,) = problems(policies=RULE, shop=DATASET, other={"retention.toml": text})
    assert (problem.file, problem.key) == ("retention.toml", key)
    assert found in problem.found


def test_markers_have_no_schema_in_a_sqlite_file(problems):
    shop = 'marker_schema = "ops"\n' + replaced(
        DATASET.replace('url = "env:URL"\n', 'url = "sqlite:///shop.db"\n'), "allow_scan = true"
    )
    assert "has no schemas" in the_one(problems(policies=RULE, shop=shop), "marker_schema").found


def test_a_target_must_not_be_the_state_store(problems):
    shop = DATASET.replace("env:URL", "sqlite:///state/../state/retention.db")
    (problem,) = problems(policies=RULE, shop=shop)
    assert (problem.file, problem.key) == ("connectors/shop.toml", "url")
    assert "state store" in problem.found


# files


@pytest.mark.parametrize(
    ("content", "found", "write"),
    [
        (b"promise = '\xff\xfe'", "not UTF-8 (line 1)", "save it as UTF-8"),
        ("[policy]\n".encode("utf-16"), "UTF-16", "save it as UTF-8"),
        (b"# " + b"x" * 1_000_000, "256 KiB", "split it"),
        (b"[policy]\nname = Web store\n", "line 2", "quotes"),
        (b"[policy]\nname = 'a'\nname = 'b'\n", "line 3", "only once"),
        (b"[policy]\r\nname = 'a'\rsource = 'b'\n", "line 2", "quotes"),
        (b"a = " + b"[\n" * 20_000 + b"]" * 4_000, "too deeply", "flat"),
        (b"a = " + b"9" * 4000, "not a known key", ""),
        (b"a = 0x" + b"f" * 4000, "not a known key", ""),
        (b"a = 1\x00", "line 1", ""),
        (b"a = 1\nwhere = '" + b"x" * 5000 + b"'\n", "line 2 (`where`) is longer than 4 KiB", "break it up"),
        (b"# " + b"x" * 5000, "line 1 is longer than 4 KiB", "break it up"),
        (b"", "is missing", "[rules.NAME]"),
    ],
)
def test_a_file_that_is_no_toml_is_refused_with_the_reason(problems, content, found, write):
    matching = [p for p in problems(policies=content, shop=DATASET) if found in p.found]
    assert [p.file for p in matching] == ["policies.toml"]
    assert write in matching[0].write


@pytest.mark.parametrize(
    "text",
    [
        ".".join("a" * 20_000) + " = 1",
        "[" + ".".join("a" * 20_000) + "]",
        "\n".join(f"k{i}." + ".".join("a" * 2_000) + " = 1" for i in range(60)),
        "\n".join(f"k{i}." + ".".join("a" * 63) + " = 1" for i in range(1900)),
        "x = [" + ", ".join("{" + ".".join("a" * 60) + " = 1}" for _ in range(30)) + "]",
        "\n".join(f'k{i}."a"' + '."a"' * 500 + " = 1" for i in range(60)),
    ],
    ids=["key", "header", "many", "many short", "inline", "quoted"],
)
def test_a_key_with_thousands_of_dots_is_refused_within_a_second(problems, text):
    began = time.monotonic()
    assert problems(policies=text, shop=DATASET)
    assert time.monotonic() - began < 1


def test_the_error_of_a_line_never_shows_the_line(problems):
    shop = 'type = "sql"\npassword = hunter2\n'
    (problem,) = problems(policies=RULE, shop=shop)
    assert "hunter2" not in str(problem)
    assert "line 2" in problem.found


def test_a_directory_a_pipe_and_a_dangling_link_are_not_files(folder_of):
    folder = folder_of({"policies.toml": RULE, "connectors/shop.toml": DATASET})
    (folder / "connectors" / "a.toml").mkdir()
    os.mkfifo(folder / "connectors" / "b.toml")
    (folder / "connectors" / "c.toml").symlink_to("nowhere")
    with pytest.raises(ConfigurationError) as caught:
        load(folder / "policies.toml", folder / "connectors", environ={})
    assert [(p.file, p.found) for p in caught.value.problems] == [
        ("connectors/a.toml", "is a directory"),
        ("connectors/b.toml", "is not a regular file"),
        ("connectors/c.toml", "is not there"),
    ]


def test_a_directory_for_a_policy_is_said_to_be_one(folder_of):
    folder = folder_of({"connectors/shop.toml": DATASET})
    (folder / "policies.toml").mkdir()
    with pytest.raises(ConfigurationError, match="1 problem") as caught:
        load(folder / "policies.toml", folder / "connectors", environ={})
    assert not isinstance(caught.value, SetupError)
    assert caught.value.problems[0].found == "is a directory"


def test_a_missing_folder_of_connectors_is_one_problem_and_not_one_for_each_rule(tmp_path):
    (tmp_path / "policies.toml").write_text(RULE)
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "policies.toml", tmp_path / "connectors", environ={})
    (problem,) = caught.value.problems
    assert (problem.file, problem.found) == ("connectors", "the folder of connectors is not there")
    assert "retention init" in problem.write


def test_an_empty_folder_of_connectors_leaves_the_rules_without_data(tmp_path):
    (tmp_path / "policies.toml").write_text(RULE)
    (tmp_path / "connectors").mkdir()
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "policies.toml", tmp_path / "connectors", environ={})
    (problem,) = caught.value.problems
    assert problem.key == "rules.orders.data"
    assert "kept_by" in problem.write


@pytest.mark.parametrize("name", ["my shop", "shop.eu", "-shop", "shöp!"])
def test_a_connectors_file_name_is_a_name(problems, name):
    shop = replaced(DATASET, 'table = "x"')
    found = problems(policies=RULE, shop=DATASET, other={f"connectors/{name}.toml": shop})
    assert found[0].file == f"connectors/{name}.toml"
    assert "rename the file" in found[0].write


def test_capitals_in_an_ending_are_not_overlooked(problems):
    (problem,) = problems(policies=RULE, shop=DATASET, other={"connectors/crm.TOML": DATASET})
    assert problem.file == "connectors/crm.TOML"


# files that disagree


def test_two_connectors_that_differ_in_capitals_only_are_refused(problems):
    (problem,) = problems(policies=RULE, shop=DATASET, other={"connectors/Shop.toml": DATASET})
    assert problem.file == "connectors/shop.toml"
    assert "connectors/Shop.toml" in problem.found
    assert "rename" in problem.write


def test_each_dataset_that_lacks_a_rules_event_is_named(problems):
    other = {"connectors/crm.toml": DATASET.replace("booked", "boked")}
    (problem,) = problems(policies=RULE, shop=DATASET, other=other)
    assert (problem.file, problem.key) == ("connectors/crm.toml", "datasets.orders.events.booked")
    assert "`orders`" in problem.found
    assert "`boked`" in problem.write


def test_an_event_that_every_dataset_lacks_is_the_rules_mistake(problems):
    other = {"connectors/crm.toml": DATASET}
    (problem,) = problems(policies=replaced(RULE, 'from = "boked"'), shop=DATASET, other=other)
    assert problem.key == "rules.orders.from"
    assert '"booked"' in problem.write
    assert "`crm.orders`, `shop.orders`" in problem.found


def test_an_event_that_is_there_and_wrong_is_not_said_to_be_missing(problems):
    shop = replaced(DATASET, "events = { booked = 5 }")
    assert [p.key for p in problems(policies=RULE, shop=shop)] == ["datasets.orders.events.booked"]


def test_nothing_is_said_about_data_that_an_unreadable_file_may_carry(problems):
    found = problems(policies=RULE, shop="no toml at all")
    assert [p.file for p in found] == ["connectors/shop.toml"]


@pytest.mark.parametrize(
    "line",
    ['from = "shipped"', 'starts = "after fiscal year"', 'timezone = "Europe/Paris"', 'keep = "7 years"'],
)
def test_two_rules_on_one_data_may_count_as_they_like(loaded, line):
    second = 'promise = "p"\ndata = "orders"\nkeep = "7 years"\nfrom = "booked"\naction = "delete"\n'
    shop = replaced(DATASET, 'events = { booked = "created_at", shipped = "shipped_at" }')
    config = loaded(policies=RULE + "[rules.tax]\n" + replaced("\n[x]\n" + second, line)[5:], shop=shop)
    assert [r.base.keep.months for r in config.policy.rules.values()] == [60, 84]


def test_data_that_no_rule_names_is_no_mistake(loaded):
    shop = DATASET + '[datasets.logs]\ndata = "logs"\ntable = "logs"\n'
    assert "logs" in loaded(policies=RULE, shop=shop).connectors["shop"].datasets


def test_ten_mistakes_in_three_files_are_reported_at_once_in_the_order_of_the_files(problems):
    policies = """
[policy]
timezone = "Europe/Olso"
approval = "chnages"
[rules.orders]
promise = "p"
data    = "orders"
keep    = "5 yrs"
from    = "boked"
actoin  = "delete"
"""
    shop = """
type = "sql"
url = "postgres://bob:hunter2@db/shop"
[datasets.orders]
data = "orders"
table = "orders"
parts = ["order_lines", "order_lines"]
events = { booked = "" }
"""
    settings = "[daemon]\nlisten = '0.0.0.0'\n[keys]\nsigning = 5\n"
    found = problems(policies=policies, shop=shop, other={"retention.toml": settings})
    assert [(p.file, p.key) for p in found] == [
        ("policies.toml", "policy.timezone"),
        ("policies.toml", "policy.approval"),
        ("policies.toml", "rules.orders.keep"),
        ("policies.toml", "rules.orders.from"),
        ("policies.toml", "rules.orders.actoin"),
        ("retention.toml", "daemon.listen"),
        ("retention.toml", "keys.signing"),
        ("connectors/shop.toml", "url"),
        ("connectors/shop.toml", "datasets.orders.parts[2]"),
        ("connectors/shop.toml", "datasets.orders.events.booked"),
    ]
    assert all(p.found and p.write for p in found)


@pytest.mark.parametrize(
    ("line", "left_out"),
    [
        ('promise = ""', False),
        ('data = ""', False),
        ('action = " "', False),
        ('keep = ""', False),
        ('citation = ""', True),
        ('kept_by = ""', True),
        ('within = ""', True),
    ],
)
def test_only_a_key_that_is_not_needed_can_be_left_out_instead_of_empty(problems, line, left_out):
    found = problems(policies=replaced(RULE, line), shop=DATASET)
    (problem,) = [each for each in found if each.key == f"rules.orders.{line.split()[0]}"]
    assert ("leave the key out" in problem.write) is left_out


def test_a_dataset_s_own_keys_are_needed_too(problems):
    found = {p.key: p.write for p in problems(policies=RULE, shop=replaced(DATASET, 'table = ""'))}
    assert "leave the key out" not in found["datasets.orders.table"]
    found = {p.key: p.write for p in problems(policies=RULE, shop=DATASET + 'schema = ""\n')}
    assert "leave the key out" in found["datasets.orders.schema"]


def test_a_misspelt_key_is_told_once_and_not_as_missing_too(problems):
    """`table` is missing: write table = "orders"; and `tabel` is not a known key."""
    shop = DATASET.replace("table ", "tabel ", 1)
    policies = RULE.replace("from ", "form ", 1)
    assert (shop, policies) != (DATASET, RULE)
    found = problems(policies=policies, shop=shop)
    assert [(p.key, p.write) for p in found] == [
        ("rules.orders.form", "did you mean `from`?"),
        ("datasets.orders.tabel", "did you mean `table`?"),
    ]
