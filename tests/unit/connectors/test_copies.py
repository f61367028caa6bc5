"""How many tables a statement names where each definition is put in every place that asks for it."""

from __future__ import annotations

import pytest

from retention.connectors.sql.copies import copies, refuse_too_many
from retention.connectors.sql.mysql.dialect import Mysql
from retention.connectors.sql.postgresql.dialect import Postgresql
from retention.errors import UnreachableError
from retention.model import predicate as p
from retention.model.catalogue import Kind, TableId

ID = TableId(schema=None, name="account")
THREE = 3


def asking(depth: int) -> p.Test:
    """A definition that asks for another at three places, which asks for another, and so on."""
    source = p.Source(table=ID, alias=f"t{depth}")
    key = p.Field(source=source, column="id", kind=Kind.INTEGER)
    inner = p.IsNull(item=key) if not depth else p.All(items=(asking_of(key, depth),) * THREE)
    return p.Defined(fields=(key,), name=f"goes{depth}", root=source, key=(key,), where=inner)


def asking_of(key: p.Field, depth: int) -> p.Test:
    other = p.Source(table=ID, alias=f"u{depth}")
    return p.Exists(source=other, where=p.All(items=(asking(depth - 1), p.IsNull(item=key))))


def by_hand(depth: int) -> int:
    """Itself, and at each of three places the row that asks, and all that is asked for."""
    return 1 if not depth else 1 + THREE * (1 + by_hand(depth - 1))


@pytest.mark.parametrize("depth", [0, 1, 4])
def test_each_definition_is_counted_at_every_place_that_asks_for_it(depth: int) -> None:
    assert copies(asking(depth)) == by_hand(depth)


def test_what_mariadb_would_copy_into_all_of_its_memory_is_not_sent() -> None:
    """It took 23 GB, and was killed, where a session may use two."""
    long, short = asking(12), asking(11)
    assert by_hand(11) < Mysql.most_copies < by_hand(12)

    with pytest.raises(
        UnreachableError, match=rf"counting db\.t: the statement would name {by_hand(12):,} tables"
    ):
        refuse_too_many(Mysql(), "counting db.t", long)
    refuse_too_many(Mysql(), "counting db.t", short)
    refuse_too_many(Postgresql(), "counting db.t", long)
