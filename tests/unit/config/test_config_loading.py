"""What a configuration without mistakes becomes."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from retention.config import load
from retention.errors import SetupError
from retention.model.clock import Clock, Period, Start
from retention.model.dataset import Event, EventColumn, Name, PartName, Secret
from retention.model.policy import Approval, Basis, Limits


def name(text, *pieces):
    return Name(pieces=pieces or tuple(text.split(".")), text=text)


def test_the_designs_example_cut_down_to_what_is_supported_is_read_whole(loaded):
    config = loaded()
    assert list(config.policy.rules) == ["orders", "inactive-accounts", "backups"]
    orders = config.policy.rules["orders"]
    (variant,) = orders.variants
    assert variant.counting(variant.keep) == Clock(
        period=Period(months=60, days=0),
        start=Start.FISCAL_YEAR,
        fiscal_year_end=(12, 31),
        timezone="Europe/Oslo",
    )
    assert (orders.data, variant.event, variant.action) == (("orders",), "booked", "delete")
    assert (orders.schedule, variant.basis, variant.citation) == (
        "0 2 * * *",
        Basis.LEGAL_OBLIGATION,
        "bokføringsloven § 13",
    )
    assert (orders.basis, orders.citation) == (Basis.LEGAL_OBLIGATION, "bokføringsloven § 13")
    shop = config.connectors["shop"]
    assert (shop.url, shop.timezone, shop.file) == (
        Secret(env="SHOP_DATABASE_URL"),
        "Europe/Oslo",
        "connectors/shop.toml",
    )
    assert shop.throttle.batch_time == timedelta(milliseconds=500)
    dataset = shop.datasets["orders"]
    assert dataset.events == {
        "booked": Event(
            components=tuple(
                EventColumn(column=name(c)) for c in ("created_at", "invoiced_at", "credit_notes.issued_at")
            )
        )
    }
    assert dataset.parts == (
        PartName(table=name("order_lines")),
        PartName(table=name("shipments"), via="order_id"),
    )
    assert dataset.where is not None
    assert dataset.where.text == "status <> 'draft'"
    assert str(dataset) == "shop.orders"


def test_a_rules_own_words_win_over_the_policys_and_the_rest_is_merged(loaded):
    rules = loaded().policy.rules
    assert rules["orders"].limits == Limits(share=Decimal("0.25"), rows=1_000_000)
    assert rules["inactive-accounts"].limits == Limits(share=Decimal("0.1"), rows=1_000_000)
    assert rules["inactive-accounts"].approval is Approval.ALWAYS
    assert rules["inactive-accounts"].base.start is Start.NEXT_DAY


def test_a_promise_that_something_else_keeps_has_no_clock_and_no_schedule(loaded):
    backups = loaded().policy.rules["backups"]
    assert (backups.variants, backups.acts, backups.schedule) == ((), False, None)
    assert backups.kept_by == "bucket lifecycle rule, operations"


def test_what_is_left_out_has_the_documented_defaults(loaded):
    config = loaded(
        policies='[policy]\ntimezone="UTC"\n[rules.orders]\npromise="p"\ndata="orders"\n'
        'keep="P5Y"\nfrom="booked"\naction="delete"\nstarts="after fiscal year"\n'
    )
    rule = config.policy.rules["orders"]
    assert (rule.approval, rule.limits, rule.schedule) == (Approval.CHANGES, Limits(), None)
    assert rule.base.fiscal_year_end == (12, 31)
    settings = config.settings
    assert settings.state.url.shown == f"sqlite:///{config.folder}/state/retention.db"
    assert settings.signing_key.file == config.folder / "state/keys/signing.key"
    assert settings.evidence_key.file == config.folder / "state/keys/evidence.key"
    assert settings.mirror == config.folder / "state/ledger"
    assert settings.origin is None


def test_a_rule_with_a_zone_of_its_own_needs_none_of_the_policy(loaded):
    config = loaded(
        policies='[rules.orders]\npromise="p"\ndata="orders"\nkeep="5 years"\nfrom="booked"\n'
        'action="delete"\ntimezone="America/New_York"\n'
    )
    assert config.policy.rules["orders"].base.timezone == "America/New_York"
    assert config.policy.timezone == "UTC"


def test_settings_are_read_and_relative_paths_start_from_the_policys_folder(loaded):
    text = """
state = "sqlite:///var/engine.db"
[keys]
signing = "file:keys/sign"
evidence = "file:/etc/retention/evidence"
[ledger]
origin = "shop.example/retention"
mirror = "mirror"
"""
    config = loaded(other={"retention.toml": text})
    settings = config.settings
    assert settings.state.url.shown == f"sqlite:///{config.folder}/var/engine.db"
    assert settings.signing_key.file == config.folder / "keys/sign"
    assert settings.evidence_key.file == Path("/etc/retention/evidence")
    assert settings.mirror == config.folder / "mirror"
    assert settings.origin == "shop.example/retention"


def test_the_environment_wins_over_the_file_and_its_password_stays_there(loaded):
    config = loaded(
        other={"retention.toml": 'state = "sqlite:///a.db"'},
        environ={"RETENTION_STATE": "postgres://bob:hunter2@db/state"},
    )
    assert config.settings.state.url.shown == "env:RETENTION_STATE"
    assert "hunter2" not in repr(config)


def test_an_empty_or_wrong_state_in_the_environment_is_a_problem_that_shows_nothing_of_it(problems):
    for value in ("", "  ", "hunter2", "postgres://bob:hun/ter2@db/state"):
        (problem,) = problems(environ={"RETENTION_STATE": value})
        assert (problem.file, problem.key) == ("the environment", "RETENTION_STATE")
        assert "hunter2" not in str(problem)
        assert "ter2" not in str(problem)


@pytest.mark.parametrize(
    ("written", "pieces"),
    [
        ("order lines", ("order lines",)),
        ("Sales.Order", ("Sales", "Order")),
        ('"my.table"', ("my.table",)),
        ('sales."my ""best"" table"', ("sales", 'my "best" table')),
        ("select", ("select",)),
        ("🛒", ("🛒",)),
        ("bestellungen_für_€", ("bestellungen_für_€",)),
        ('" spaced "', (" spaced ",)),
    ],
)
def test_names_of_tables_are_taken_as_the_database_has_them(loaded, written, pieces):
    shop = f"""
type = "sql"
url = "env:U"
[datasets.orders]
data = "orders"
table = '{written}'
events = {{ booked = "created_at" }}
"""
    policy = (
        '[policy]\ntimezone="UTC"\n[rules.orders]\npromise="p"\ndata="orders"\nkeep="1 year"\n'
        'from="booked"\naction="delete"\n'
    )
    table = loaded(policies=policy, shop=shop).connectors["shop"].datasets["orders"].table
    assert table == Name(pieces=pieces, text=written)


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(loaded, policy_text):
    config = loaded(policies=b"\xef\xbb\xbf" + policy_text.replace("\n", "\r\n").encode())
    assert "orders" in config.policy.rules


def test_two_connectors_may_name_their_datasets_alike(loaded, shop_text):
    config = loaded(other={"connectors/crm.toml": shop_text})
    assert list(config.connectors) == ["crm", "shop"]


def test_hidden_files_and_other_endings_are_no_connectors(loaded):
    other = {"connectors/.shop.toml.swp": "x", "connectors/.#shop.toml": "=", "connectors/README.md": "="}
    assert list(loaded(other=other).connectors) == ["shop"]


def test_without_a_policy_the_error_says_where_it_was_looked_for_and_what_to_type(tmp_path):
    with pytest.raises(SetupError) as caught:
        load(tmp_path / "policies.toml", tmp_path / "connectors", environ={})
    assert str(tmp_path / "policies.toml") in caught.value.message
    assert "retention init" in caught.value.problems[0].write  # once, not in the message too
    assert caught.value.problems[0].file == str(tmp_path / "policies.toml")


def test_a_folder_elsewhere_is_named_in_full(folder_of, tmp_path_factory, policy_text, shop_text):
    folder = folder_of({"policies.toml": policy_text})
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "shop.toml").write_text(shop_text)
    config = load(folder / "policies.toml", elsewhere, environ={})
    assert config.connectors["shop"].file == str(elsewhere / "shop.toml")
    assert config.connectors["shop"].folder == str(folder)


def test_relative_arguments_become_absolute(folder_of, monkeypatch, policy_text, shop_text):
    folder = folder_of({"policies.toml": policy_text, "connectors/shop.toml": shop_text})
    monkeypatch.chdir(folder)
    config = load(Path("policies.toml"), Path("connectors"), environ={})
    assert config.folder == folder


def test_neither_sqlglot_nor_croniter_nor_a_driver_is_loaded_without_need():
    code = (
        "import sys, retention.config\n"
        "heavy = {'sqlglot', 'croniter', 'sqlalchemy', 'psycopg', 'pendulum'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
