"""Which exit code, and which words, for what became of a command."""

import click
import pytest
from cli_stand_ins import job, outcome, plan

from retention import errors
from retention.cli.exits import worst
from retention.errors import Problem
from retention.model.explanation import CheckReport
from retention.model.plan import JobStatus

PROBLEM = Problem(file="policies.toml", key="rules.orders.keep", found='"5 yeers"', write='"5 years"')


def cut_off(error: Exception) -> Exception:
    """What a driver raises when an interrupt leaves its transaction half way."""
    error.__context__ = KeyboardInterrupt()
    return error


RAISED = [
    (errors.RetentionError("odd"), 1, "unexpected"),
    (errors.UsageError("no such rule"), 2, "usage"),
    (errors.ConfigurationError(problems=[PROBLEM]), 3, "configuration"),
    (errors.SetupError(), 3, "setup"),
    (errors.SafetyRefusal("the clock jumped"), 4, "refused"),
    (errors.PartialError(), 5, "partial"),
    (errors.UnreachableError("shop does not answer"), 5, "unreachable"),
    (errors.LedgerError("event 7 is wrong"), 6, "ledger"),
    (errors.AnswerIsNo("no evidence"), 7, "no"),
    (errors.InterruptedRun(), 130, "interrupted"),
    (KeyboardInterrupt(), 130, "interrupted"),
    (click.Abort(), 130, "interrupted"),
    (cut_off(RuntimeError("the transaction has to be rolled back")), 130, "interrupted"),
    (cut_off(errors.UnreachableError("shop does not answer")), 130, "interrupted"),
    (ZeroDivisionError("alice@example.org"), 1, "unexpected"),
    (MemoryError(), 1, "unexpected"),
]


@pytest.mark.parametrize(
    ("error", "code", "name"), RAISED, ids=lambda value: getattr(value, "code", str(value))
)
def test_an_error_ends_with_its_code_and_a_message_for_people(line, error, code, name):
    line.verbs({"status.status": error})
    result = line("status")
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.strip()
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("error", "code", "name"), RAISED, ids=lambda value: getattr(value, "code", str(value))
)
def test_an_error_is_one_document_under_json(line, error, code, name):
    line.verbs({"status.status": error})
    document = line.document("status", "--format", "json")
    assert set(document) == {"format", "error"}
    assert document["error"]["code"] == name
    assert document["error"]["exit"] == code
    assert set(document["error"]) == {"code", "exit", "message", "problems"}
    assert line("status", "--format=json").exit_code == code


def test_problems_are_listed_for_people_and_programs(line):
    line.verbs({"plan.plan": errors.ConfigurationError(problems=[PROBLEM])})
    told = line("plan").stderr
    assert "Error: 1 problem in the configuration" in told
    assert 'found "5 yeers"' in told
    assert 'help  "5 years"' in told
    document = line.document("plan", "--format", "json")
    assert document["error"]["problems"] == [
        {"file": "policies.toml", "key": "rules.orders.keep", "found": '"5 yeers"', "write": '"5 years"'}
    ]


def test_an_unexpected_error_does_not_quote_what_may_be_a_row(line):
    line.verbs({"status.status": ZeroDivisionError("alice@example.org")})
    told = line("status").stderr
    assert "alice" not in told
    assert "ZeroDivisionError at " in told
    assert "RETENTION_DEBUG=1" in told
    assert len(told.splitlines()) == 2


def test_a_stack_that_is_too_small_is_said_in_words(line):
    line.verbs({"plan.plan": RecursionError("maximum recursion depth exceeded")})
    told = line("plan")
    assert told.exit_code == 1
    assert "more datasets refer to each other in a row than a statement can follow" in told.stderr
    assert "retention check" in told.stderr


def test_the_traceback_comes_when_it_is_asked_for(line):
    line.verbs({"status.status": ZeroDivisionError("why")})
    assert "Traceback" in line("status", env={"RETENTION_DEBUG": "1"}).stderr
    assert "Traceback" not in line("status", env={"RETENTION_DEBUG": "0"}).stderr


def test_an_unexpected_error_of_the_system_says_which_file(line):
    line.verbs({"status.status": PermissionError(13, "Permission denied", "/srv/state.db")})
    assert "Permission denied: /srv/state.db" in line("status").stderr


def test_a_message_cannot_act_on_the_terminal(line):
    line.verbs({"status.status": errors.SafetyRefusal("table \x1b[2J\nError: all is well")})
    told = line("status").stderr
    assert "\x1b" not in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        (outcome("done", JobStatus.DONE, JobStatus.NOTHING), 0),
        (outcome("nothing", JobStatus.NOTHING), 0),
        (outcome("nothing"), 0),
        (outcome("refused", JobStatus.REFUSED), 4),
        (outcome("refused"), 4),
        (outcome("done", JobStatus.DONE, JobStatus.AWAITING), 4),
        (outcome("partial", JobStatus.PARTIAL), 5),
        (outcome("failed", JobStatus.FAILED), 5),
        (outcome("partial", JobStatus.STOPPED), 5),
        (outcome("partial", JobStatus.FAILED, JobStatus.AWAITING), 4),
        (outcome("interrupted", JobStatus.STOPPED, JobStatus.REFUSED), 130),
    ],
)
def test_a_run_exits_as_its_jobs_ended(line, ended, code):
    line.verbs({"run.run": ended})
    assert line("run", "--yes").exit_code == code
    assert line("run", "--yes", "--format", "json").exit_code == code


def test_the_gravest_of_several_codes_is_told():
    assert worst([0, 5, 4, 3, 6]) == 6
    assert worst([5, 4, 3]) == 3
    assert worst([5, 4, 0]) == 4
    assert worst([0, 5]) == 5
    assert worst([0]) == worst([]) == 0


def test_a_plan_exits_with_seven_only_when_asked_and_something_is_due(line):
    assert line("plan").exit_code == 0
    assert line("plan", "--exit-code").exit_code == 7
    line.verbs({"plan.plan": plan(job(due=0))})
    assert line("plan", "--exit-code").exit_code == 0


def test_a_check_with_problems_exits_with_three_and_still_tells_all(line):
    line.verbs({"check.check": CheckReport(problems=(PROBLEM,), warnings=("w",), checked=("c",))})
    result = line("check", "--format", "json")
    assert result.exit_code == 3
    assert '"retention.check/1"' in result.stdout
    assert '"ok": false' in result.stdout
    assert line("check").exit_code == 3
    line.verbs({})
    assert line("check").exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "--rul", "x"],
        ["plan", "--rule", ""],
        ["plan", "--rule", "  "],
        ["plan", "--format", "yaml"],
        ["run", "--limit", "0"],
        ["run", "--limit", "-1"],
        ["run", "--limit", "many"],
        ["run", "--plan", "p-1", "--as-of", "2026-01-01"],
        ["explain", "orders", "7"],
        ["explain", "shop.", "7"],
        ["explain", "shop.orders"],
        ["approve"],
        ["approve", ""],
        ["plan", "--sql", "--exit-code"],
        ["plan", "--rule", "x", "list"],
        ["plan", "--config", "x"],
        ["--state", "", "status"],
        ["nonsense"],
        ["audit", "nonsense"],
        ["plan", "nonsense"],
        [],
        ["audit"],
    ],
    ids=" ".join,
)
def test_a_line_that_cannot_be_meant_is_a_usage_error_and_calls_nothing(line, words):
    assert line(*words).exit_code == 2
    assert line.calls == []


def test_a_usage_error_is_a_document_too_when_json_is_on_the_line(line):
    for words in (["plan", "--bad", "--format", "json"], ["run", "--format=json", "--limit", "0"]):
        document = line.document(*words)
        assert document["error"]["code"] == "usage"
        assert document["error"]["exit"] == 2


def test_an_option_that_stands_too_late_is_told_its_place(line):
    assert "stands before the command: retention --config" in line("plan", "--config", "x").stderr


@pytest.mark.parametrize(
    ("word", "near"), [("paln", "plan"), ("aprove", "approve"), ("verify", "audit verify"), ("hodl", "hold")]
)
def test_an_unknown_command_names_the_nearest(line, word, near):
    assert f"did you mean '{near}'?" in line(word).stderr


LATER = [
    "report",
    "policy show",
    "discover",
    "check --roles",
    "check --coverage",
    "plan --forecast P3M",
    "plan --forecast",
    "plan --format csv",
    "plan --format html",
    "plan --format markdown",
]


@pytest.mark.parametrize("limit", ["x", "0", "-1", "1.5", "", "9" * 30])
def test_a_limit_that_is_no_number_of_records_is_said_in_plain_words(line, limit):
    told = line("run", "--limit", limit)
    assert told.exit_code == 2
    assert "a whole number from 1 on" in told.stderr
    assert "range" not in told.stderr


def test_a_key_that_looks_like_an_option_is_told_the_dashes(line):
    for key in ("-1", "-abc"):
        told = line("explain", "shop.orders", key)
        assert told.exit_code == 2
        assert "retention explain CONNECTOR.DATASET -- KEY" in told.stderr


@pytest.mark.parametrize("words", LATER)
def test_what_is_still_to_come_is_refused_and_never_ignored(line, words):
    result = line(*words.split())
    assert result.exit_code == 2
    assert "not supported yet" in result.stderr
    assert line.calls == []
