"""Clocks of digits as an `until` event: one earlier than `from` ends nothing, on every database."""

from __future__ import annotations

import pytest

from tests.support.stores import Store
from tests.support.workplace import Workplace


@pytest.mark.parametrize(
    ("spelt", "digits"), [("yyyymmddhhmmss", "20260927101500"), ("yyyymmddhhmm", "202609271015")]
)
def test_a_withdrawal_before_the_consent_does_not_end_it(
    spelt: str, digits: str, work: Workplace, store: Store
) -> None:
    """On MariaDB such a moment was NULL when it was compared, and the record due."""
    later = "20261110" + digits[8:]
    store.script(
        "CREATE TABLE readers (id INTEGER PRIMARY KEY, agreed TIMESTAMP, clicked VARCHAR(14));"
        f"INSERT INTO readers VALUES (1, '2026-11-06 10:15:00', '{digits}'),"
        f" (2, '2026-11-06 10:15:00', '{later}'), (3, '2026-11-06 10:15:00', NULL)"
    )
    work.rule("news", 'data = "readers"\nfrom = "agreed"\nuntil = "clicked"')
    work.connect(
        store,
        f"""
        [datasets.readers]
        data   = "readers"
        table  = "readers"
        events = {{ agreed = "agreed", clicked = {{ column = "clicked", format = "{spelt}" }} }}
        """,
    )
    assert work.each("news") == {"1": "not_due", "2": "due", "3": "not_due"}
    assert work.run().jobs[0].done == 1
    assert store.rows("SELECT id FROM readers ORDER BY id") == [(1,), (3,)]
