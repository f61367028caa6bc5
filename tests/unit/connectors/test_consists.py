"""What a statement consists of is looked at once, however many places ask for it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from retention.connectors.sql.consists import elements

TABLE = sa.table("account", sa.column("id"))
PLACES, DEPTH = 3, 40


def asked_for(deep: int) -> sa.CTE:
    """A definition that asks for another at three places, which asks for another, and so on."""
    query: sa.Select[Any] = sa.select(TABLE.c.id).where(TABLE.c.id == sa.bindparam(f"p{deep}"))
    if deep:
        inner = asked_for(deep - 1)
        rows = [inner.alias(f"a{deep}_{i}") for i in range(PLACES)]
        query = query.where(*(sa.exists().where(each.c.id == TABLE.c.id) for each in rows)).add_cte(inner)
    return query.cte(f"d{deep}")


def test_definitions_that_ask_for_others_are_gone_through_once() -> None:
    """MariaDB's batches stood still: at each of these places all below was gone through, 3 to the 40th times."""
    found = list(elements(sa.select(asked_for(DEPTH))))

    assert len(found) == len({id(each) for each in found})
    bound = [each.key for each in found if isinstance(each, sa.BindParameter)]
    assert sorted(bound) == sorted(f"p{deep}" for deep in range(DEPTH + 1))


def test_nothing_below_what_is_named_is_gone_through() -> None:
    whole = asked_for(DEPTH)
    below = {
        id(each.element)
        for each in elements(whole)
        if isinstance(each, sa.CTE) and each.name == f"d{DEPTH - 1}"
    }
    bound = [each.key for each in elements(whole, but=below) if isinstance(each, sa.BindParameter)]
    assert bound == [f"p{DEPTH}"]
