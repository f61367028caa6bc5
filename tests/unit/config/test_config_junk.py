"""Whatever a file holds, the answer is a configuration or a list of problems, and never a traceback."""

from __future__ import annotations

import contextlib
import json
import tempfile
from datetime import date, datetime, time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention.config import load
from retention.config.policy.schedules import schedule
from retention.config.reading.findings import Unusable
from retention.errors import ConfigurationError


def words(text, mark=" "):
    return text.split(mark)


POLICY_KEYS = words(
    "policy rules events identifiers name source timezone fiscal_year_end schedule approval limits share "
    "rows orders promise data keep from starts action basis citation kept_by until upon where "
    "at_most defer_while within yields_to needs exceptions when by period"
)
CONNECTOR_KEYS = words(
    "type url password timezone tls tls_ca tls_cert tls_key throttle batch_time datasets orders data table schema key "
    "where subject events parts allow_scan booked column via latest shared never columns "
    "facts fields began periods instructed unit between any"
)
SETTINGS_KEYS = words(
    "state keys signing evidence ledger origin mirror publish daemon notify log webhook secret email smtp from "
    "command about failures"
)
WORDS = st.sampled_from(
    words(
        "orders|delete|5 years|booked|sql|env:URL|file:x|Europe/Oslo|after fiscal year|always|25%|0 2 * * *|"
        "@daily|12-31|legal obligation|any|never|off|500 ms|a.b|a = 1|sqlite:///x.db|postgres://a:b@c/d|~|\x7f|none|trim|"
        "days|1 day|stays|",
        "|",
    )
)
TEXT = st.one_of(WORDS, st.text(st.characters(blacklist_categories=["Cs"]), max_size=20))
SCALARS = st.one_of(
    TEXT,
    st.booleans(),
    st.integers(),
    st.floats(),
    st.dates(min_value=date(1, 1, 1)),
    st.datetimes(),
    st.times(),
)


def tables(keys):
    name = st.one_of(st.sampled_from(keys), TEXT)
    return st.dictionaries(
        name,
        st.recursive(
            SCALARS,
            lambda inner: st.one_of(
                st.lists(inner, max_size=3), st.dictionaries(name, inner, max_size=6)
            ),
            max_leaves=25,
        ),
        max_size=8,
    )  # fmt: skip


def toml(value):
    """A TOML value on one line."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case dict():
            return "{" + ", ".join(f"{toml(k)} = {toml(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(toml(v) for v in value) + "]"
        case date() | datetime() | time():
            return value.isoformat()
        case _:
            return repr(value)


def lines(table):
    return "\n".join(f"{toml(key)} = {toml(value)}" for key, value in table.items())


def outcome(files):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "connectors").mkdir()
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8", errors="surrogatepass")
        try:
            assert load(folder / "policies.toml", folder / "connectors", environ={}).policy.rules
            return
        except ConfigurationError as error:
            problems = error.problems
    assert problems
    assert len(set(problems)) == len(problems)
    for problem in problems:
        assert problem.file
        assert problem.found
        assert problem.write
        assert problem.key.isprintable()
        assert problem.found.isprintable()
        assert len(str(problem)) < 1000
        assert "is not valid TOML" not in problem.found


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(POLICY_KEYS), tables(CONNECTOR_KEYS), tables(SETTINGS_KEYS))
def test_random_tables_never_end_in_a_traceback(policy, connector, own):
    outcome(
        {
            "policies.toml": lines(policy),
            "connectors/shop.toml": lines(connector),
            "retention.toml": lines(own),
        }
    )


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(POLICY_KEYS), st.one_of(SCALARS, tables(POLICY_KEYS)), max_size=9),
    st.dictionaries(st.sampled_from(CONNECTOR_KEYS), st.one_of(SCALARS, tables(CONNECTOR_KEYS)), max_size=9),
)
def test_junk_in_known_places_never_ends_in_a_traceback(rule, dataset):
    outcome(
        {
            "policies.toml": f"policy = {toml(rule)}\nrules.orders = {toml(rule)}\n"
            f"events.booked = {toml(rule)}\nidentifiers = {toml(rule)}\n"
            f'rules.tax = {{ data = "any", keep = "1 year", from = "booked", exceptions = [{toml(rule)}] }}\n',
            "connectors/shop.toml": f"type='sql'\nurl='env:U'\ndatasets.orders = {toml(dataset)}\n"
            f"datasets.x.facts = {toml(dataset)}\ndatasets.x.periods.booked = {toml(dataset)}\n",
        }
    )


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_never_end_in_a_traceback(content):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "policies.toml").write_bytes(content)
        with pytest.raises(ConfigurationError):
            load(folder / "policies.toml", folder / "connectors", environ={})


@settings(deadline=None)
@given(st.lists(st.text("0123456789*/,-?#lr", min_size=1, max_size=6), min_size=5, max_size=5))
def test_random_schedules_are_accepted_or_refused_at_once(fields):
    with contextlib.suppress(Unusable):
        assert schedule(" ".join(fields))
