"""Commands whose state store is on a server: named by file, environment or option; and what goes wrong."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from retention.cli.root import root
from tests.support.states import SERVERS, STATES
from tests.support_faults.databases import KINDS
from tests.support_faults.shops import Shop


@pytest.fixture(params=SERVERS)
def state(request, tmp_path):
    state = STATES[request.param](tmp_path)
    yield state
    state.drop()


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path, KINDS["sqlite"](tmp_path))
    shop.visits(due=30)
    shop.write()
    return shop


def command(shop, *words, **environ):
    config = ("--config", str(shop.folder / "policies.toml"))
    return CliRunner().invoke(root, [*config, *words], env={"RETENTION_STATE": None, **environ})


def told(result):
    """What a command printed, however its lines were broken."""
    return " ".join(result.stdout.split())


@pytest.mark.parametrize("how", ["option", "environment", "file", "reference"])
def test_the_store_is_where_the_operator_says(shop, state, how, tmp_path):
    words, environ = (), {"STATE_URL": state.url}
    if how == "option":
        words = ("--state", state.url)
    elif how == "environment":
        environ["RETENTION_STATE"] = state.url
        (tmp_path / "retention.toml").write_text('state = "postgresql://nobody@127.0.0.1:1/nothing"')
    elif how == "file":
        (tmp_path / "retention.toml").write_text(f'state = "{state.url}"')
    else:
        (tmp_path / "secret").write_text(state.url + "\n")
        (tmp_path / "retention.toml").write_text('[state]\nurl = "file:secret"\n')
    made = command(shop, *words, "init", str(tmp_path), **environ)
    assert made.exit_code == 0, made.output
    assert f"{state.shown}: the state store, made" in told(made)
    again = command(shop, *words, "init", str(tmp_path), **environ)
    assert f"{state.shown}: the state store is there already" in told(again)
    assert command(shop, *words, "status", **environ).exit_code == 0
    assert command(shop, *words, "audit", "verify", **environ).exit_code == 0
    assert not (tmp_path / "state" / "retention.db").exists()
    if how == "option":
        ran = command(shop, *words, "run", "--yes", **environ)
        assert ran.exit_code == 0, ran.output
        assert shop.left() == 0


def test_a_store_that_was_not_made_is_refused_with_what_to_type(shop, state):
    refused = command(shop, "--state", state.url, "status")
    assert refused.exit_code == 3
    assert "type: retention init" in refused.stderr


def test_a_plan_without_a_store_works_and_says_so(shop, state):
    planned = command(shop, "--state", state.url, "plan")
    assert planned.exit_code == 0
    assert "there is no state store here" in planned.output


@pytest.mark.parametrize("words", [("status",), ("plan",), ("audit", "verify"), ("init",)])
def test_a_server_that_does_not_answer_is_exit_5(shop, words):
    refused = command(shop, "--state", "postgresql://nobody@127.0.0.1:1/nothing", *words)
    assert refused.exit_code == 5
    assert "postgresql://127.0.0.1:1/nothing: the state store can't be reached" in refused.stderr
    assert shop.left() == 30


def test_a_literal_password_is_refused_and_not_repeated(shop):
    refused = command(shop, "--state", "mysql://bob:hunter2@127.0.0.1/x", "status")
    assert refused.exit_code == 3
    assert "hunter2" not in refused.output
    assert "env:NAME" in refused.stderr


def test_keys_of_another_store_are_refused(shop, state, tmp_path):
    environ = {"RETENTION_STATE": state.url}
    assert command(shop, "init", str(tmp_path), **environ).exit_code == 0
    (tmp_path / "state").rename(tmp_path / "other")
    assert command(shop, "init", str(tmp_path)).exit_code == 0  # a file, with keys of its own
    refused = command(shop, "run", "--yes", **environ)
    assert refused.exit_code == 3
    assert "made with another" in refused.stderr
    assert shop.left() == 30
