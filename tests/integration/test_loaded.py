"""What a command loads: no more of the libraries, and of ours, than its answer needs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from retention.errors import ConfigurationError, UsageError
from tests.support.workplace import Workplace

PROBE = """
import json, sys
from retention.cli import main
try:
    main()
except SystemExit as end:
    print(json.dumps([end.code, sorted(sys.modules)]), file=sys.stderr)
"""

DATABASES = ("psycopg", "pymysql", "sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.mysql")
OF_DATA = (
    *("sqlglot", "croniter", "pendulum", "tenacity", "alembic", "jinja2", "prometheus_client"),
    *(
        "retention.config.policy.rule_file",
        "retention.config.connector.dataset_file",
        "retention.model.predicate",
    ),
    *("retention.planning", "retention.connectors.port", "retention.connectors.sql", "retention.engine"),
)
"""What is loaded to read promises and connectors, and to look at records."""


@pytest.mark.parametrize(
    ("words", "code", "not_loaded"),
    [
        (("audit", "prove", "shop.orders", "17"), 0, (*DATABASES, *OF_DATA)),
        (("audit", "prove", "shop.orders", "17", "--format", "json"), 0, (*DATABASES, *OF_DATA, "rich")),
        (("audit", "prove", "shop.lines", "1,1", "--format", "json"), 7, (*DATABASES, *OF_DATA, "rich")),
        (("audit", "verify"), 0, (*DATABASES, "sqlglot", "alembic", "retention.connectors.sql")),
        (("key", "list"), 0, (*DATABASES, "sqlglot", "alembic", "retention.connectors.sql")),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_a_command_loads_nothing_that_its_answer_does_not_need(
    done: Workplace, words: tuple[str, ...], code: int, not_loaded: tuple[str, ...]
) -> None:
    place = ("--config", str(done.place.config), "--connectors", str(done.place.connectors))
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, *place, *words],
        capture_output=True, text=True, check=True, env={**done.environ, "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    ended, loaded = json.loads(ran.stderr.splitlines()[-1])
    assert ended == code, ran.stderr
    assert "retention.verbs.opening.stores" in loaded
    assert not sorted(set(not_loaded) & set(loaded))


def test_a_proof_needs_neither_promises_nor_connectors_that_can_be_read(done: Workplace) -> None:
    """What has gone went under what was said then; a policy that is wrong today says nothing of it."""
    from retention.verbs.proving import prove

    place = done.place  # each asking writes the files anew
    proof = prove(place, dataset="shop.orders", key="17")
    place.config.write_text("[rules.orders]\nkeeep = 1", encoding="utf-8")
    for file in place.connectors.glob("*.toml"):
        file.unlink()
    assert prove(place, dataset="shop.orders", key="17") == proof
    with pytest.raises(ConfigurationError) as caught:
        prove(place, dataset="shop.orderz", key="17")
    assert "rules.orders.keeep" in {problem.key for problem in caught.value.problems}


def test_a_dataset_that_no_run_has_met_is_looked_for_in_the_files(done: Workplace) -> None:
    from retention.verbs.proving import prove

    with pytest.raises(UsageError, match=r"there is no dataset `shop\.orderz`, .*shop\.lines, shop\.orders"):
        prove(done.place, dataset="shop.orderz", key="17")
