"""What is printed, where it goes, and what the verbs are told."""

import json
import os
import stat
from datetime import UTC
from pathlib import Path

import pytest
from cli_stand_ins import job, plan
from click.testing import CliRunner

from retention.cli.root import asks_for_json, root
from retention.cli.session import Session
from retention.errors import SafetyRefusal
from retention.model.documents import plan_from_document
from retention.model.overview import SetUp

FORMATS = [
    (["check"], "retention.check/1"),
    (["plan"], "retention.plan/1"),
    (["plan", "list"], "retention.plans/1"),
    (["plan", "show", "p-1"], "retention.plan/1"),
    (["plan", "--sql"], "retention.statements/1"),
    (["approve", "p-1"], "retention.approve/1"),
    (["run", "--yes"], "retention.run/1"),
    (["status"], "retention.status/1"),
    (["explain", "shop.orders", "7,3"], "retention.explain/1"),
    (["audit", "verify"], "retention.verify/1"),
    (["init"], "retention.init/1"),
    (["init", "--url", "env:X"], "retention.init/1"),
    (["init", "--ddl"], "retention.ddl/1"),
    (["demo"], "retention.demo/1"),
]


@pytest.mark.parametrize(("words", "form"), FORMATS, ids=[" ".join(words) for words, _ in FORMATS])
def test_every_command_answers_in_one_document_or_in_text(line, words, form):
    result = line(*words, "--format", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["format"] == form
    assert result.stderr == ""
    text = line(*words)
    assert text.exit_code == 0
    assert text.stdout.strip()
    assert not text.stdout.startswith("{")


def test_a_plan_s_document_is_a_plan_again(line):
    assert plan_from_document(line.document("plan", "--format", "json")) == plan()


def test_documents_are_ascii_so_that_no_name_acts_on_a_terminal(line):
    line.verbs({"plan.plan": plan(job(rule="\u202eø\x9b"))})
    result = line("plan", "--format", "json")
    assert result.stdout.isascii()
    assert json.loads(result.stdout)["jobs"][0]["rule"] == "\u202eø\x9b"


def test_an_explanation_s_document_has_no_key_of_the_record(line):
    document = line.document("explain", "shop.orders", "7,3", "--format", "json")
    assert document["record"] == {"connector": "shop", "dataset": "orders"}
    assert "7,3" not in json.dumps(document)


def test_the_demo_s_document_has_every_step(line):
    steps = line.document("demo", "--format", "json")["steps"]
    assert [next(iter(step)) for step in steps] == [
        "heading", "text", "plan", "run", "verification", "explanation", "commands",
    ]  # fmt: skip


def test_the_log_is_printed_as_stored_one_event_a_line(line):
    stored = ['{"at":"t","data":{"rule":"ø"},"prev":"0","seq":1,"type":"x"}', '{"seq":2}']
    line.verbs({"audit.log": lambda place, **chosen: iter(stored)})
    result = line("audit", "log", "--format", "json")
    assert result.stdout_bytes.decode() == "".join(each + "\n" for each in stored)


def place_of(line, *words, env=None):
    assert line(*words, env=env).exit_code == 0
    return line.calls[-1][1][0]


def test_without_options_everything_lies_here(line):
    place = place_of(line, "status")
    assert (place.config, place.connectors, place.state) == (Path("policies.toml"), Path("connectors"), None)


def test_connectors_lie_beside_the_policy(line):
    assert place_of(line, "--config", "etc/policy.toml", "status").connectors == Path("etc/connectors")


def test_an_option_goes_over_the_environment(line):
    env = {"RETENTION_CONFIG": "e.toml", "RETENTION_CONNECTORS": "e", "RETENTION_STATE": "sqlite:///e"}
    place = place_of(line, "status", env=env)
    assert (place.config, place.connectors, place.state) == (Path("e.toml"), Path("e"), "sqlite:///e")
    assert place.environ["RETENTION_STATE"] == "sqlite:///e"
    options = ("--config", "o.toml", "--connectors", "o", "--state", "sqlite:///o")
    place = place_of(line, *options, "status", env=env)
    assert (place.config, place.connectors, place.state) == (Path("o.toml"), Path("o"), "sqlite:///o")


def test_init_in_a_folder_makes_its_files_there(line):
    assert line("init", "new").exit_code == 0
    _, (folder, place), named = line.calls[-1]
    assert folder == Path("new")
    assert (place.config, place.connectors) == (Path("new/policies.toml"), Path("new/connectors"))
    assert named["by"]


def test_init_reads_a_database_for_the_files_of_a_folder(line):
    words = ("--url", "env:X", "--table", "a", "--table", "s.b", "--name", "shop")
    assert line("init", "new", *words).exit_code == 0
    name, (place,), named = line.calls[-1]
    assert (name, place.config) == ("introduce.introduce", Path("new/policies.toml"))
    assert (named["url"], named["tables"], named["name"]) == ("env:X", ("a", "s.b"), "shop")


@pytest.mark.parametrize(
    "words", ["--table a", "--name n", "--ddl --url env:X", "--ddl --table a", "--url="], ids=str
)
def test_options_of_init_that_mean_nothing_together_are_refused(line, words):
    result = line("init", *words.split())
    assert result.exit_code == 2
    assert line.calls == []


def test_init_tells_by_its_exit_code_that_a_database_did_not_answer(line):
    line.verbs({"init.init": SetUp(lines=("shop: not reached",), unreached=("shop",))})
    assert line("init").exit_code == 5


def test_a_statement_of_several_lines_is_printed_as_it_is(line):
    assert line("init", "--ddl").stdout == (
        "-- shop (SQLite, env:SHOP)\n-- Run it.\nSELECT\n1;\n"
        "-- Where retention connects as a role of its own, the least that it needs:\n-- G;\n"
    )


def test_options_reach_the_verb_as_they_were_typed(line):
    words = [
        "run",
        "--rule",
        "a",
        "--rule",
        "b",
        "--connector",
        "c",
        "--as-of",
        "2026-01-01",
        "--limit",
        "5",
        "--yes",
    ]
    assert line(*words).exit_code == 0
    _, _, named = line.calls[-1]
    assert named["rules"] == ("a", "b")
    assert named["connectors"] == ("c",)
    assert (named["as_of"], named["limit"], named["plan_id"]) == ("2026-01-01", 5, None)
    assert named["confirm"] is None
    assert named["stop"]() is False
    assert named["clock"]().tzinfo is UTC


def test_an_approval_is_given_in_the_name_of_the_account_not_of_a_variable(line):
    assert (
        line("approve", "p-1", "--over-limit", "orders", env={"USER": "eve", "LOGNAME": "eve"}).exit_code == 0
    )
    _, arguments, named = line.calls[-1]
    assert arguments[1] == "p-1"
    assert named["over_limit"] == ("orders",)
    assert named["by"] == Session(config=None, connectors=None, state=None).by != "eve"


def test_an_account_without_a_name_acts_under_its_number(monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 3)
    assert Session(config=None, connectors=None, state=None).by == f"uid {2**31 - 3}"


def test_a_key_that_begins_with_a_dash_stands_behind_two(line):
    assert line("explain", "shop.orders", "--", "-5").exit_code == 0
    assert line.calls[-1][2]["key"] == "-5"


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_report_goes_to_a_file_for_its_owner_alone(line, tmp_path, form):
    output = tmp_path / "report"
    output.write_text("Plan p-0 as of 2026-01-01 (UTC)\n")
    output.chmod(0o644)
    result = line("plan", "--output", str(output), "--format", form)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "p-1" in output.read_text()
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [output]


def test_a_link_is_followed_and_stays_one(line, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    assert line("plan", "--output", str(tmp_path / "link")).exit_code == 0
    assert (tmp_path / "link").is_symlink()
    assert "p-1" in (tmp_path / "target").read_text()


def test_a_device_is_written_to_and_not_replaced(line):
    assert line("plan", "--output", os.devnull).exit_code == 0
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_a_failed_plan_leaves_an_older_report_alone(line, tmp_path):
    output = tmp_path / "report"
    assert line("plan", "--output", str(output)).exit_code == 0
    older = output.read_text()
    line.verbs({"plan.plan": SafetyRefusal("no")})
    assert line("plan", "--output", str(output)).exit_code == 4
    assert output.read_text() == older


@pytest.mark.parametrize("there", ["older", "SQLite format 3\0", "[policy]\n", "-- a script of mine\n"])
def test_a_file_that_is_no_report_is_never_replaced(line, tmp_path, there):
    output = tmp_path / "report"
    output.write_text(there)
    for words in (["plan"], ["plan", "--sql"], ["plan", "--format", "json"]):
        result = line(*words, "--output", str(output))
        assert result.exit_code == 2
        assert "name another file" in result.output
    assert output.read_text() == there
    assert line.calls == []


def test_a_report_replaces_every_kind_of_report_and_an_empty_file(line, tmp_path):
    output = tmp_path / "report"
    output.touch()
    kinds = (["plan"], ["plan", "--sql"], ["plan", "--format", "json"], ["plan", "--sql", "--format=json"])
    for words in (*kinds, *kinds):
        assert line(*words, "--output", str(output)).exit_code == 0, words
        assert output.stat().st_size


def test_a_report_that_could_not_be_written_is_refused_before_the_work(line, tmp_path):
    assert line("plan", "--output", str(tmp_path)).exit_code == 2
    assert line("plan", "--output", str(tmp_path / "none" / "report")).exit_code == 2
    assert line.calls == []


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["plan", "--format", "json"], True),
        (["plan", "--format=json", "--bad"], True),
        (["plan", "--format", "json", "--format", "text"], False),
        (["plan", "--format"], False),
        (["explain", "a.b", "--", "--format", "json"], False),
        ([], False),
    ],
)
def test_json_is_recognised_on_a_line_that_may_be_wrong(words, answer):
    assert asks_for_json(words) is answer


def test_no_commands_summary_is_cut_off_in_eighty_columns():
    """`Told events: what no store records, such as a request for...`"""
    told = CliRunner().invoke(root, ["--help"], terminal_width=80)
    assert told.exit_code == 0
    assert "..." not in told.output.partition("Commands:")[2]
